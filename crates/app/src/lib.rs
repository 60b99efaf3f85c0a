//! What NALABO does: use cases for people and scripts, and the loops that keep watch.
//!
//! Promises: every use case begins by asking for its permission, reads the clock through
//! [`App::clock`], and writes its audit line in the transaction of the change. Does not: know
//! HTTP or SQL text; `api` converts, `store` queries, `fleet` speaks Kubernetes.
//!
//! | module | holds |
//! |---|---|
//! | [`infrastructures`] | list, connect, change, delete |
//! | [`connection_tests`] | read a configuration, run the staged test |
//! | [`infrastructure_manager`] | `InfrastructureManager`: one watcher an infrastructure |
//! | [`fleet`] | every infrastructure as of now, for lists and statistics |
//! | [`resources`] | usage and statistics |
//! | [`history`], [`nodes`], [`cluster_events`] | what was measured, and what is on each |
//! | [`alerts`], [`alert_rules`], [`maintenance_windows`] | what is wrong, what counts as wrong, and when that is quiet |
//! | [`workshops`], [`workshop_sessions`] | what is taught, when, and the live board |
//! | [`enhanced_workshop_orchestrator`] | `EnhancedWorkshopOrchestrator`: wishes become environments, and end |
//! | [`environments`], [`placements`], [`platform`] | what there is, where more would go, and the settings for it |
//! | [`portal`], [`environment_access`] | the participant's side, and who may reach what |
//! | [`sign_ins`] | first owner, sign-in, sessions, passwords |
//! | [`users`] | accounts, from the command line |
//! | [`alert_channels`], [`deliveries`], [`mail`] | where alerts are sent to, and sending them |
//! | [`audit`] | who changed what |
//! | [`changes`] | what the browser hears at once |
//! | [`metrics`] | what NALABO says of itself |
//! | [`reconcile`] | every loop that runs |

pub mod alert_channels;
pub mod alert_rules;
pub mod alerts;
pub mod audit;
pub mod changes;
pub mod cluster_events;
pub mod connection_tests;
pub mod context;
pub mod deliveries;
pub mod enhanced_workshop_orchestrator;
pub mod environment_access;
pub mod environments;
pub mod error;
pub mod fleet;
pub mod history;
pub mod infrastructure_manager;
pub mod infrastructures;
pub mod keys;
mod looks;
pub mod mail;
pub mod maintenance_windows;
pub mod metrics;
pub mod nodes;
pub mod passwords;
pub mod placements;
pub mod platform;
pub mod portal;
pub mod reconcile;
pub mod resources;
mod services;
pub mod sign_ins;
pub mod throttle;
pub mod users;
pub mod workshop_sessions;
pub mod workshops;

pub use context::{Actor, App, AppOptions, Ctx, RequestFace, Settings};
pub use error::{Error, FieldError};
