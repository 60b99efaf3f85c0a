//! The HTTP face of NALABO: routes, OpenAPI, problems, events, and the console's files.
//!
//! Promises: every operation is in [`operations`] with what it needs, and one that is not does
//! not start; a body is limited, a request has a deadline, an error is problem+json with a hint.
//! Does not: decide; handlers extract, call `app`, convert.
//!
//! ```text
//! request ─▶ limits ─▶ headers ─▶ origin ─▶ who? ─▶ may they? ─▶ handler ─▶ app
//! ```

mod alert_channels;
mod alert_rules;
mod alerts;
mod audit;
mod auth;
mod cluster_events;
mod connection_tests;
mod console;
mod cookies;
mod csv;
mod environment_gate;
mod environments;
mod events;
mod history;
mod infrastructures;
mod kube_listener;
mod kube_proxy;
mod maintenance_windows;
mod metrics;
mod nodes;
pub mod openapi;
pub mod operations;
mod platform;
mod portal;
mod prepared;
mod problem;
mod request;
mod resources;
mod service;
mod state;
mod terminal;
mod views;
mod workshop_sessions;
mod workshops;

pub use environment_gate::{EnvironmentGate, Opened, Shut};
pub use kube_listener::kube_serve;
pub use kube_proxy::kube_router;
pub use service::{ApiOptions, kube_only, router};
