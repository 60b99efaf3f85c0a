//! The stages of a connection test, and what each failure means.
//!
//! Promises: every failure has one [`Code`] from a fixed list, and [`Code::advice`] tells its
//! cause and what to do in a sentence each; codes are stable, the console translates them.
//! Does not: run a stage; `fleet` does.
//!
//! ```text
//! read ─▶ resolve ─▶ tcp ─▶ tls ─▶ version ─▶ identity ─▶ rights ─▶ metrics ─▶ storage
//! ```

mod advice;

pub use advice::{Advice, Place};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::inventory::MissingRight;

/// One step of a connection test, in the order they run.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The configuration can be read and names an address and a credential.
    Read,
    /// The name has addresses, and all of them are allowed.
    Resolve,
    /// The port accepts connections.
    Tcp,
    /// The certificate is valid, for this name, from the given authority.
    Tls,
    /// A Kubernetes API answers.
    Version,
    /// The credential is accepted, and the cluster says which one it is.
    Identity,
    /// The credential may read what NALABO shows.
    Rights,
    /// Figures of use are offered, and fresh.
    Metrics,
    /// Volumes can be had.
    Storage,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::Resolve,
        Self::Tcp,
        Self::Tls,
        Self::Version,
        Self::Identity,
        Self::Rights,
        Self::Metrics,
        Self::Storage,
    ];
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It works.
    Passed,
    /// It works, with something missing that can be lived without.
    Warning,
    /// It does not, and the test ends here.
    Failed,
    /// An earlier stage failed.
    NotReached,
}

/// Every cause of failure. Its name in snake case is the stable code of API, mail and log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The name has no address.
    Dns,
    /// An address that NALABO may not contact.
    DeniedAddress,
    /// Nothing listens on the port.
    Refused,
    /// No answer in time.
    Timeout,
    /// The connection was cut.
    Reset,
    /// The certificate is not from the given authority.
    TlsUntrusted,
    /// The certificate is for another name.
    TlsName,
    /// The certificate has ended, or has not begun.
    TlsExpired,
    /// Something answers that is no Kubernetes API.
    NotKubernetes,
    /// The server asks for fewer requests.
    RateLimited,
    /// The server says that it failed.
    ServerError,
    /// The answer is larger than NALABO reads.
    TooLarge,
    /// The credential is not accepted.
    Unauthorized,
    /// The credential lacks a right.
    Forbidden,
    /// No metrics API.
    MetricsAbsent,
    /// A metrics API that the credential may not read.
    MetricsForbidden,
    /// A metrics API whose figures are old or missing.
    MetricsStale,
    /// Nothing on the cluster says how much storage is used.
    StorageSourceAbsent,
    /// Something might say how much storage is used, but the credential may not ask it.
    StorageSourceForbidden,
    /// What says how much storage is used has old figures or none.
    StorageSourceStale,
    /// No class of volumes is the default one.
    NoDefaultStorageclass,
    /// The same cluster is connected already.
    Duplicate,
    /// Another cluster than before answers.
    OtherCluster,
    /// `users[].user.exec`.
    KubeconfigExec,
    /// `users[].user.auth-provider`.
    KubeconfigAuthProvider,
    /// A path where data must be.
    KubeconfigFilePath,
    /// A client certificate without its key, or the reverse.
    KubeconfigHalfCertificate,
    /// A token and a certificate in one entry.
    KubeconfigTwoCredentials,
    /// No credential at all.
    KubeconfigNoCredential,
    /// User name and password.
    KubeconfigBasicAuth,
    /// `as`, `as-groups` and their like.
    KubeconfigImpersonation,
    /// Not https.
    ServerScheme,
    /// Not a plain `https://host:port`.
    ServerForm,
    /// A port that NALABO does not contact.
    ServerPort,
    /// Data that is not base64.
    KubeconfigBadBase64,
    /// Data that is no certificate or key.
    KubeconfigBadCertificate,
    /// A private name or address without a certificate authority.
    KubeconfigNoCa,
    /// `insecure-skip-tls-verify`.
    KubeconfigInsecureTls,
    /// `tls-server-name` that is no DNS name.
    KubeconfigTlsName,
    /// `proxy-url`.
    KubeconfigProxy,
    /// A field that a kubeconfig does not have.
    KubeconfigUnknownField,
    /// Two entries of one name.
    KubeconfigDuplicate,
    /// More than one YAML document.
    KubeconfigMultiDocument,
    /// Anchors, aliases, merge keys or tags.
    KubeconfigYamlFeature,
    /// Not YAML.
    KubeconfigNotYaml,
    /// More bytes or contexts than are read.
    KubeconfigTooLarge,
    /// The context asked for is not there.
    KubeconfigMissingContext,
    /// A context that names a user or cluster that is not there.
    KubeconfigMissingReference,
    /// A token that cannot be sent.
    KubeconfigBadToken,
    /// The mounted service account of a pod is not there.
    NotInCluster,
}

impl Code {
    /// The stable code, in snake case.
    pub fn as_str(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(code)) => code,
            _ => unreachable!("a unit variant is written as its name"),
        }
    }
}

/// What one stage found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StageResult {
    /// Which one.
    pub stage: Stage,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took; absent when it was not reached, and when it failed, so that a test is
    /// no port scanner.
    pub duration_ms: Option<u32>,
    /// What was found, in one English sentence.
    pub finding: Option<String>,
    /// The same, for programs: addresses, issuer, SANs, version …
    pub facts: BTreeMap<String, String>,
    /// Which failure.
    pub code: Option<Code>,
    /// Why, in one English sentence.
    pub cause: Option<String>,
    /// What to do, in one English sentence.
    pub remedy: Option<String>,
    /// A command to copy.
    pub command: Option<String>,
    /// Rights that the credential lacks, and what will not work.
    pub missing_rights: Vec<MissingRight>,
}

/// What a whole test found: one line a stage, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TestReport {
    /// No stage failed.
    pub passed: bool,
    /// The credential may do more than NALABO needs: a narrow one can be made with it.
    pub overpowered: bool,
    /// How long all of it took.
    pub duration_ms: u32,
    /// One entry for every stage.
    pub stages: Vec<StageResult>,
}

impl TestReport {
    /// The stage that failed, if one did.
    pub fn failure(&self) -> Option<&StageResult> {
        self.stages.iter().find(|it| it.outcome == Outcome::Failed)
    }
}

/// Sent while a test runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum StageEvent {
    /// A stage begins.
    Started {
        /// Which one.
        stage: Stage,
    },
    /// A stage ended.
    Ended {
        /// Which one.
        stage: Stage,
        /// What it found.
        result: StageResult,
    },
}
