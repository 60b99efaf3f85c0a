//! The lab: real Kubernetes clusters for tests and the demo, started, broken and removed at will.
//!
//! Promises: a cluster is ready when `start` returns; every wait has a deadline and an error that
//! shows the log; what a lab made is removed when it ends, and what a killed one left is removed by
//! the next. Several labs run side by side.
//! Does not: need a container engine, a registry or the internet once its programs are built; keep
//! any state; serve as an example of how to run Kubernetes for anybody's real work.
//!
//! ```text
//! kubeconfig ─▶ fault proxy 127.90.N.1:6443 ─▶ kube-apiserver ─▶ etcd
//!                                               ├─ kwok: pretended nodes and pods   Lab::control_plane()
//!                                               └─ kubelet, containerd: a real node  Lab::with_node()
//! ```

pub mod build;
mod certificates;
mod cluster;
mod control_plane;
mod error;
mod fault;
mod images;
mod lab;
mod node;
pub mod paths;
mod pki;
mod postgres;
mod process;
mod sandbox;
mod shared;
mod smtp;
mod state;
mod victoria_metrics;

pub use cluster::{Kind, LabBuilder};
pub use error::LabError;
pub use fault::{FAULT_HELP, Fault, FaultControl, FaultProxy, HeldFault};
pub use images::{BUSYBOX_IMAGE, COREDNS_IMAGE, KUBERNETES_IMAGE, TERMINAL_IMAGE, VCLUSTER_IMAGE};
pub use lab::Lab;
pub use node::node_missing_reason;
pub use postgres::Postgres;
pub use process::ProcessId;
pub use shared::SharedFolder;
pub use smtp::{Smtp, SmtpMessage};
pub use state::sweep;
