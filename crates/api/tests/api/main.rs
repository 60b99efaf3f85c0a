//! The HTTP side of NALABO, asked as a browser asks it; `NALABO_TEST_DATABASE_URL` names a
//! PostgreSQL, the clusters are pretended.

mod generated;
