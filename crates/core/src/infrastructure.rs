//! What an infrastructure is: one Kubernetes API server plus one credential, by name.
//!
//! Promises: names, labels and regions are parsed once, here, and infallible from there on.
//! Does not: hold a credential; only its public face ([`CredentialFace`]) is data here, the
//! secret itself lives sealed in `store` and unsealed for moments in `fleet`.

mod monitoring;

pub use monitoring::{MonitoringOptions, PrometheusAt, ServiceScheme, is_dns_label};

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::health::Status;
use crate::id::InfrastructureId;
use crate::inventory::Inventory;

/// Name of an infrastructure: 1 to 63 characters, visible, trimmed, unique without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, min_length = 1, max_length = 63)]
pub struct InfrastructureName(String);

/// Why a text from a person was refused; the message is shown beside the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldRefusal {
    /// Nothing but white space.
    #[error("this cannot be empty")]
    Empty,
    /// More than so many characters.
    #[error("this is longer than {max} characters")]
    TooLong {
        /// Most characters allowed.
        max: usize,
    },
    /// A control character, or one that turns the direction of text.
    #[error("this holds a character that cannot be seen")]
    Invisible,
    /// More labels than are kept.
    #[error("more than {max} labels")]
    TooManyLabels {
        /// Most labels allowed.
        max: usize,
    },
    /// A label that is not written as Kubernetes writes them.
    #[error(
        "{key:?} is not a label: letters, digits, dash, dot and underscore, 63 at most, \
         beginning and ending with a letter or digit"
    )]
    LabelForm {
        /// The key that was refused, or whose value was.
        key: String,
    },
    /// No Kubernetes object can have this name.
    #[error(
        "{name:?} is no name of a Kubernetes object: lower case letters, digits and dashes, \
         63 at most, beginning and ending with a letter or digit"
    )]
    ObjectName {
        /// What was refused.
        name: String,
    },
    /// Port zero.
    #[error("a port is a number from 1 to 65535")]
    Port,
}

/// Trims `text` and refuses what could not be read aloud: control and direction characters.
pub fn line_parse(text: &str, max: usize) -> Result<String, FieldRefusal> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldRefusal::Empty);
    }
    if text.chars().count() > max {
        return Err(FieldRefusal::TooLong { max });
    }
    if text.chars().any(is_invisible) {
        return Err(FieldRefusal::Invisible);
    }
    Ok(text.to_owned())
}

/// Control characters, and those that reorder or hide text around them.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl InfrastructureName {
    /// Most characters of a name.
    pub const MAX_CHARACTERS: usize = 63;

    /// Reads a name that a person typed.
    pub fn parse(text: &str) -> Result<Self, FieldRefusal> {
        line_parse(text, Self::MAX_CHARACTERS).map(Self)
    }

    /// The name as it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InfrastructureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Labels: Kubernetes' form for keys and values, 32 at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = BTreeMap<String, String>)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// Most labels of one infrastructure.
    pub const MAX: usize = 32;

    /// Reads labels that a person typed.
    pub fn parse(labels: BTreeMap<String, String>) -> Result<Self, FieldRefusal> {
        if labels.len() > Self::MAX {
            return Err(FieldRefusal::TooManyLabels { max: Self::MAX });
        }
        for (key, value) in &labels {
            if !is_label_word(key) || !(value.is_empty() || is_label_word(value)) {
                return Err(FieldRefusal::LabelForm { key: key.clone() });
            }
        }
        Ok(Self(labels))
    }

    /// The labels, sorted by key.
    pub const fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

fn is_label_word(text: &str) -> bool {
    let edge = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && edge(bytes.first().copied())
        && edge(bytes.last().copied())
        && bytes.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b'/'))
}

/// What an infrastructure is for. Shown in its own hue, production solid.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
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
pub enum EnvironmentClass {
    /// Somebody's business depends on it.
    Production,
    /// The last stop before production.
    Staging,
    /// Made for workshops.
    #[default]
    Training,
    /// Anything goes.
    Lab,
}

/// What a person wants of an infrastructure.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Watched, and receives new environments.
    #[default]
    Enabled,
    /// Watched, receives no new environments; what lives there stays.
    Cordoned,
    /// Not contacted at all.
    Disabled,
}

/// How NALABO reaches an infrastructure. A new kind is one arm here and one file in `fleet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// One context of a kubeconfig.
    Kubeconfig,
    /// Address, bearer token and, if needed, certificate authority.
    Token,
    /// The cluster NALABO itself runs in, by its mounted service account.
    InCluster,
}

/// What the credential is, technically.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A bearer token, opaque or JWT.
    Token,
    /// A client certificate and its key.
    ClientCertificate,
    /// The mounted service account of the pod NALABO runs in.
    ServiceAccount,
}

/// All that may ever be shown of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CredentialFace {
    /// What it is.
    pub kind: CredentialKind,
    /// First 16 hexadecimal digits of SHA-256 over the token, or over the certificate.
    pub fingerprint: String,
    /// Who it says it is, where that can be read: the subject of the certificate or of the JWT.
    pub subject: Option<String>,
    /// When it ends, where that can be read.
    pub expires_at: Option<Timestamp>,
    /// NALABO renews it by itself.
    pub renewed: bool,
}

/// Where an infrastructure is and by which credential it is reached, without the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SourceFace {
    /// The way in.
    pub kind: SourceKind,
    /// `https://host:port` of its API server.
    pub endpoint: String,
    /// The kubeconfig context it came from.
    pub context: Option<String>,
    /// What is known of the credential.
    pub credential: CredentialFace,
}

/// One connected cluster, with all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Infrastructure {
    /// Its id.
    pub id: InfrastructureId,
    /// Its name, unique.
    pub name: InfrastructureName,
    /// Free text, up to 500 characters, may be empty.
    pub description: String,
    /// What it is for.
    pub environment: EnvironmentClass,
    /// Labels, for selectors and grouping.
    pub labels: Labels,
    /// Where it stands, in the operator's words.
    pub region: Option<String>,
    /// What a person wants of it.
    pub mode: Mode,
    /// New environments go here when nothing else decides. Exactly one, when there is any enabled.
    pub is_default: bool,
    /// Where it is, and the public face of its credential.
    pub source: SourceFace,
    /// UID of its namespace `kube-system`, once read: what makes it the same cluster under any name.
    pub cluster_uid: Option<String>,
    /// Where its used storage may be looked for.
    pub monitoring: MonitoringOptions,
    /// How it is.
    pub status: Status,
    /// What it holds, as last read.
    pub inventory: Option<Inventory>,
    /// When its serving certificate ends, as last seen.
    pub certificate_expires_at: Option<Timestamp>,
    /// When it was connected.
    pub created_at: Timestamp,
    /// When a person last changed it.
    pub updated_at: Timestamp,
    /// Counts the changes by people; `If-Match` compares it.
    pub revision: i64,
}

impl Infrastructure {
    /// Whether a new environment may be placed here, as far as state and mode say.
    pub fn is_schedulable(&self) -> bool {
        self.mode == Mode::Enabled && self.status.state.takes_environments()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_must_be_readable() {
        assert_eq!(
            InfrastructureName::parse("  Salle 3 – été ").expect("fine").as_str(),
            "Salle 3 – été"
        );
        assert_eq!(InfrastructureName::parse(" \t"), Err(FieldRefusal::Empty));
        assert_eq!(InfrastructureName::parse("paris\u{202e}sirap"), Err(FieldRefusal::Invisible));
        assert_eq!(InfrastructureName::parse("a\0b"), Err(FieldRefusal::Invisible));
        assert_eq!(
            InfrastructureName::parse(&"x".repeat(64)),
            Err(FieldRefusal::TooLong { max: 63 })
        );
    }

    #[test]
    fn labels_are_written_as_kubernetes_writes_them() {
        let ok = BTreeMap::from([("team".to_owned(), "cloud-native".to_owned())]);
        assert!(Labels::parse(ok).is_ok());
        let bad = BTreeMap::from([("-team".to_owned(), "x".to_owned())]);
        assert_eq!(Labels::parse(bad), Err(FieldRefusal::LabelForm { key: "-team".to_owned() }));
    }
}
