//! The `nalabo` program itself, as somebody starts, kills and administers it. The databases are
//! its own private PostgreSQL and that of `NALABO_TEST_DATABASE_URL`; the clusters are pretended,
//! but for the one that it runs in.

mod commands;
mod crashes;
mod in_cluster;
mod kubectl;
mod server;
