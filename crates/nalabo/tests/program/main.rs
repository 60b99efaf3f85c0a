//! The `nalabo` program itself, as somebody starts, kills and administers it. The databases are
//! its own private PostgreSQL and that of `NALABO_TEST_DATABASE_URL`; the clusters are pretended.

mod commands;
mod crashes;
mod server;
