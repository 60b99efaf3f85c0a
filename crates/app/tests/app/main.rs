//! Watching, with a real PostgreSQL (`NALABO_TEST_DATABASE_URL`): step by step against a real API
//! server through the fault proxy of the lab, and in real time.

mod alerts;
mod deliveries;
mod history;
mod house;
mod mail;
mod manager;
mod outage;
mod receiver;
mod watcher;
mod workshops;
