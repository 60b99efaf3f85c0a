//! The store against a real PostgreSQL; `NALABO_TEST_DATABASE_URL` names it.

mod alert_channels;
mod alerts;
mod audit;
mod credentials;
mod db;
mod embedded;
mod fixture;
mod history;
mod infrastructures;
mod key_files;
mod leases;
mod nodes;
mod notify;
mod plans;
mod schema;
mod sessions;
mod sign_ins;
mod statuses;
