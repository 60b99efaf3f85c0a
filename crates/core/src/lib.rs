//! The nouns, rules and decisions of NALABO.
//!
//! Promises: everything here is plain data and pure functions; the same facts give the same
//! answer. Does not: read the clock, speak SQL, HTTP or Kubernetes, or start a task. Facts come
//! in from `store` and `fleet`, decisions go out to `app`.
//!
//! | module | answers |
//! |---|---|
//! | [`access`] | who may do what |
//! | [`alert`] | what is worth waking somebody for, when, and when not |
//! | [`alert_channel`] | what an alert says to people, and in which form it is sent |
//! | [`audit`] | what is written down when something changes |
//! | [`availability`] | how much of a time an infrastructure answered |
//! | [`chart`] | which metrics are shown together |
//! | [`connection`] | the stages of a connection test, and what each failure means |
//! | [`environment`] | what a participant receives, and the states of its life |
//! | [`forecast`] | when something is full, at this rate |
//! | [`health`] | what a probe's outcome makes of an infrastructure's status |
//! | [`history`] | what was measured over time, and how coarse it becomes |
//! | [`infrastructure`] | what an infrastructure is |
//! | [`inventory`] | what one holds: nodes, capacity, requests, use |
//! | [`placement`] | where a new environment goes, and why not elsewhere |
//! | [`platform`] | what an administrator sets for all workshops |
//! | [`pressure`] | where it is tightest |
//! | [`quantity`] | how Kubernetes writes numbers |
//! | [`workshop`] | what is taught, with which kind of environment |
//! | [`workshop_session`] | one run of a workshop, its seats and codes |

pub mod access;
pub mod alert;
pub mod alert_channel;
pub mod audit;
pub mod availability;
pub mod chart;
pub mod clock;
pub mod connection;
pub mod environment;
pub mod forecast;
pub mod health;
pub mod history;
pub mod id;
pub mod infrastructure;
pub mod inventory;
pub mod password;
pub mod placement;
pub mod platform;
pub mod pressure;
pub mod quantity;
pub mod workshop;
pub mod workshop_session;

pub use jiff::{SignedDuration, Timestamp};
