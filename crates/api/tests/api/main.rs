//! The HTTP side of NALABO, asked as a browser asks it; `NALABO_TEST_DATABASE_URL` names a
//! PostgreSQL, the clusters are pretended.

mod access;
mod alert_channels;
mod alerts;
mod canary;
mod change;
mod connect;
mod csv;
mod events;
mod generated;
mod history;
mod house;
mod list;
mod metrics;
mod scrape;
mod sign_in;
mod visitor;
mod workshops;
