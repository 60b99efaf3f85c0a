//! Who asks: tokens of service accounts, made and checked without keeping any.
//!
//! Promises: a token is good for the cluster that made it, until it expires, and for none of the
//! others. Does not: resist an attacker; the signature is a digest, not the RS256 of a real
//! cluster, and the key follows from the seed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::profile::Profile;
use crate::random::text_number;

/// The service account that a sim's kubeconfigs sign in as; it may do everything.
pub(crate) const ADMIN: ServiceAccount<'static> =
    ServiceAccount { namespace: "kube-system", name: "administrator" };

/// For whom tokens are meant when nobody says otherwise, and who issues them.
pub(crate) const AUDIENCE: &str = "https://kubernetes.default.svc.cluster.local";

/// A service account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServiceAccount<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// No credential was sent.
    Anonymous,
    /// A service account.
    ServiceAccount { namespace: String, name: String, uid: String },
}

impl Identity {
    /// The name that Kubernetes gives it.
    pub(crate) fn user_name(&self) -> String {
        match self {
            Self::Anonymous => "system:anonymous".to_owned(),
            Self::ServiceAccount { namespace, name, .. } => {
                format!("system:serviceaccount:{namespace}:{name}")
            }
        }
    }

    /// The groups it is in.
    pub(crate) fn groups(&self) -> Vec<String> {
        match self {
            Self::Anonymous => vec!["system:unauthenticated".to_owned()],
            Self::ServiceAccount { namespace, .. } => vec![
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated".to_owned(),
            ],
        }
    }

    /// Whether it is the account that may do everything.
    pub(crate) fn is_admin(&self) -> bool {
        matches!(self, Self::ServiceAccount { namespace, name, .. }
            if namespace == ADMIN.namespace && name == ADMIN.name)
    }
}

/// The claims of a token, as far as somebody reads them.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    aud: Vec<String>,
    exp: i64,
    iat: i64,
    iss: String,
    jti: String,
    #[serde(rename = "kubernetes.io")]
    kubernetes: KubernetesClaims,
    nbf: i64,
    sub: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct KubernetesClaims {
    namespace: String,
    serviceaccount: AccountClaims,
}

#[derive(Debug, Serialize, Deserialize)]
struct AccountClaims {
    name: String,
    uid: String,
}

/// A token for `account`, good from `at` for `lifetime`.
pub(crate) fn token_issue(
    profile: &Profile,
    account: ServiceAccount<'_>,
    uid: &str,
    at: Timestamp,
    lifetime: SignedDuration,
) -> String {
    let second = at.as_second();
    let claims = Claims {
        aud: vec![AUDIENCE.to_owned()],
        exp: second + lifetime.as_secs(),
        iat: second,
        iss: AUDIENCE.to_owned(),
        jti: profile.uid(&[5, text_number(uid), second.cast_unsigned()]),
        kubernetes: KubernetesClaims {
            namespace: account.namespace.to_owned(),
            serviceaccount: AccountClaims { name: account.name.to_owned(), uid: uid.to_owned() },
        },
        nbf: second,
        sub: format!("system:serviceaccount:{}:{}", account.namespace, account.name),
    };
    let key_id = profile.dice(&[6]).hex(40);
    let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"RS256","kid":"{key_id}"}}"#));
    let claims = serde_json::to_vec(&claims).expect("plain strings and numbers");
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    format!("{signed}.{}", signature(profile, &signed))
}

/// Whom `token` stands for; nobody when it is not ours or no longer good.
pub(crate) fn token_verify(profile: &Profile, token: &str, at: Timestamp) -> Option<Identity> {
    let (signed, given) = token.rsplit_once('.')?;
    if signature(profile, signed) != given {
        return None;
    }
    let (_, claims) = signed.split_once('.')?;
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    if at.as_second() >= claims.exp {
        return None;
    }
    let KubernetesClaims { namespace, serviceaccount } = claims.kubernetes;
    Some(Identity::ServiceAccount { namespace, name: serviceaccount.name, uid: serviceaccount.uid })
}

/// A digest as long as an RS256 signature, so that tokens have the size of real ones.
fn signature(profile: &Profile, signed: &str) -> String {
    let mut bytes = Vec::with_capacity(256);
    for block in 0u8..8 {
        let mut digest = Sha256::new();
        digest.update(profile.seed.to_le_bytes());
        digest.update([block]);
        digest.update(signed);
        bytes.extend_from_slice(&digest.finalize());
    }
    URL_SAFE_NO_PAD.encode(bytes)
}
