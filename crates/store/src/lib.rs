//! PostgreSQL: what NALABO keeps, and the only SQL it has.
//!
//! Promises: every query is checked against the schema at compile time, has a deadline, and
//! names its columns; secrets are sealed before they arrive in a row; an error names the
//! operation and never a value of a row. Does not: decide anything (rules live in `core`, use
//! cases in `app`), read the clock (moments are parameters; only leases use the database's own
//! time), or call anything but PostgreSQL.
//!
//! ```text
//!  app ──▶ nouns (infrastructures, users, …) ──▶ Db ──▶ PostgreSQL (DATABASE_URL, or embedded)
//!            └── seal ◀── KeyRing ◀── key file
//! ```
//!
//! Reading functions take any executor, `db.pool()` or `&mut **tx`; functions that write within
//! a use case take the transaction, so that the change and its audit entry share one fate.
//!
//! | module | keeps |
//! |---|---|
//! | [`db`] | the connection pool and the migrations |
//! | [`embedded`] | a private PostgreSQL, when no server is given |
//! | [`seal`] | credentials, unreadable without the key file |
//! | [`infrastructures`], [`credentials`], [`statuses`] | connected clusters |
//! | [`forecasts`] | when something will be full |
//! | [`nodes`], [`cluster_events`] | what the last full check read of each cluster |
//! | [`users`], [`sessions`], [`sign_ins`] | people and their sign-ins |
//! | [`history`] | what was measured over time |
//! | [`alerts`], [`alert_rules`], [`maintenance_windows`] | what is wrong, what counts as wrong, and when that is quiet |
//! | [`audit`] | who changed what |
//! | [`alert_channels`] | where alerts are sent to |
//! | [`deliveries`] | notices of alerts on their way to people |
//! | [`workshops`], [`workshop_sessions`], [`seats`] | what is taught, when, and to whom |
//! | [`environments`], [`access_tokens`] | what participants get, and by which tokens they reach it |
//! | [`platform_settings`] | what an administrator set for all workshops |
//! | [`leases`], [`notify`] | replicas sharing the work, and hearing of changes |

pub mod access_tokens;
pub mod alert_channels;
pub mod alert_rules;
pub mod alerts;
pub mod audit;
pub mod cluster_events;
pub mod credentials;
pub mod db;
pub mod deliveries;
pub mod embedded;
pub mod environments;
mod error;
pub mod forecasts;
pub mod history;
pub mod infrastructures;
pub mod leases;
pub mod maintenance_windows;
mod moment;
pub mod nodes;
pub mod notify;
pub mod platform_settings;
pub mod seal;
pub mod seats;
pub mod sessions;
pub mod sign_ins;
pub mod statuses;
#[cfg(feature = "testing")]
pub mod testing;
pub mod users;
mod word;
pub mod workshop_sessions;
pub mod workshops;

pub use access_tokens::*;
pub use alert_channels::*;
pub use alert_rules::*;
pub use alerts::*;
pub use audit::*;
pub use cluster_events::*;
pub use credentials::*;
pub use db::{Db, Tx, commit};
pub use deliveries::*;
pub use environments::*;
pub use error::{StoreError, constraint};
pub use forecasts::*;
pub use history::*;
pub use infrastructures::*;
pub use leases::*;
pub use maintenance_windows::*;
pub use nodes::*;
pub use notify::*;
pub use platform_settings::*;
pub use seal::{Aad, KeyRing, SealError, Sealed};
pub use seats::*;
pub use sessions::*;
pub use sign_ins::*;
pub use statuses::*;
pub use users::*;
pub use workshop_sessions::*;
pub use workshops::*;
