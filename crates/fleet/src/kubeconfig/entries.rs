//! The cluster and user entries of a kubeconfig, field by field.
//!
//! Promises: a field is accepted, ignored on purpose, or refused with its own code and its exact
//! path; what is accepted means the same to kubectl. Does not: join entries into contexts; the
//! module above does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use nalabo_core::connection::Code;
use nalabo_core::infrastructure::CredentialKind;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use secrecy::SecretString;
use url::Url;
use zeroize::Zeroizing;

use super::document::{Node, Value};
use crate::Refusal;
use crate::authority::{Authorities, authorities_read, certificates_read, needs_authority};
use crate::certificate::certificate_facts;
use crate::endpoint::endpoint_parse;
use crate::jwt::JwtClaims;
use crate::source::Credential;

/// What a cluster entry says.
#[derive(Default)]
pub(super) struct ClusterFields {
    pub(super) endpoint: Option<Url>,
    pub(super) authorities: Option<Authorities>,
    pub(super) tls_server_name: Option<String>,
    pub(super) problems: Vec<Refusal>,
}

/// What a user entry says.
#[derive(Default)]
pub(super) struct UserFields {
    pub(super) credential: Option<Credential>,
    pub(super) kind: Option<CredentialKind>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) problems: Vec<Refusal>,
}

impl Node {
    /// Present, in the way kubectl sees it: `null`, and an empty text, count as absent.
    pub(super) fn is_present(&self) -> bool {
        match &self.value {
            Value::Null => false,
            Value::Text(text) => !text.is_empty(),
            _ => true,
        }
    }

    /// Text, or nothing where it is absent.
    pub(super) fn text(&self) -> Result<Option<&str>, Refusal> {
        match &self.value {
            Value::Null => Ok(None),
            Value::Text(text) if text.is_empty() => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            _ => Err(self.refuse(Code::KubeconfigNotYaml)),
        }
    }

    pub(super) fn bool(&self) -> Result<bool, Refusal> {
        match self.value {
            Value::Null => Ok(false),
            Value::Bool(it) => Ok(it),
            _ => Err(self.refuse(Code::KubeconfigNotYaml)),
        }
    }

    /// Entries of a list, none where it is absent.
    pub(super) fn list(&self) -> Result<&[Self], Refusal> {
        match &self.value {
            Value::Null => Ok(&[]),
            Value::List(list) => Ok(list),
            _ => Err(self.refuse(Code::KubeconfigNotYaml)),
        }
    }

    /// Fields of a map, none where it is absent.
    pub(super) fn map(&self) -> Result<&[(String, Self)], Refusal> {
        match &self.value {
            Value::Null => Ok(&[]),
            Value::Map(map) => Ok(map),
            _ => Err(self.refuse(Code::KubeconfigNotYaml)),
        }
    }

    /// Base64 of something, decoded.
    fn data(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal> {
        let Some(text) = self.text()? else { return Ok(None) };
        // Line breaks, and nothing else, are skipped by kubectl too.
        let text = Zeroizing::new(text.replace(['\r', '\n'], ""));
        let bytes =
            STANDARD.decode(text.as_bytes()).map_err(|_| self.refuse(Code::KubeconfigBadBase64))?;
        Ok(Some(Zeroizing::new(bytes)))
    }

    pub(super) fn refuse(&self, code: Code) -> Refusal {
        Refusal::at_path(code, self.path.clone())
    }
}

/// Reads `clusters[].cluster`.
pub(super) fn cluster_read(cluster: &Node) -> ClusterFields {
    let mut fields = ClusterFields::default();
    let mut problems = Vec::new();
    let entries = cluster.map().unwrap_or_else(|refusal| {
        problems.push(refusal);
        &[]
    });
    let mut insecure = false;
    for (name, node) in entries {
        let read = match name.as_str() {
            "server" => server_read(node).map(|it| fields.endpoint = it),
            "certificate-authority-data" => authorities_of(node).map(|it| fields.authorities = it),
            "tls-server-name" => tls_name_read(node).map(|it| fields.tls_server_name = it),
            "insecure-skip-tls-verify" => node.bool().and_then(|it| {
                insecure = it;
                refuse_if(it, node, Code::KubeconfigInsecureTls)
            }),
            "certificate-authority" => refuse_present(node, Code::KubeconfigFilePath),
            "proxy-url" => refuse_present(node, Code::KubeconfigProxy),
            // Whether answers are compressed changes nothing for us.
            "disable-compression" => node.bool().map(|_| ()),
            "extensions" => Ok(()),
            _ => Err(node.refuse(Code::KubeconfigUnknownField)),
        };
        problems.extend(read.err());
    }
    let server_path = format!("{}.server", cluster.path);
    if fields.endpoint.is_none()
        && !problems.iter().any(|it| it.path.as_ref() == Some(&server_path))
    {
        problems.push(Refusal::at_path(Code::ServerForm, server_path));
    }
    let given = |name: &str| entries.iter().any(|(key, node)| key == name && node.is_present());
    let authority_given = given("certificate-authority-data") || given("certificate-authority");
    if !authority_given && !insecure && fields.endpoint.as_ref().is_some_and(needs_authority) {
        let path = format!("{}.certificate-authority-data", cluster.path);
        problems.push(Refusal::at_path(Code::KubeconfigNoCa, path));
    }
    fields.problems = problems;
    fields
}

fn server_read(node: &Node) -> Result<Option<Url>, Refusal> {
    let Some(text) = node.text()? else { return Ok(None) };
    endpoint_parse(text).map(Some).map_err(|code| node.refuse(code))
}

fn authorities_of(node: &Node) -> Result<Option<Authorities>, Refusal> {
    let Some(pem) = node.data()? else { return Ok(None) };
    authorities_read(&pem).map(Some).map_err(|code| node.refuse(code))
}

fn tls_name_read(node: &Node) -> Result<Option<String>, Refusal> {
    let Some(text) = node.text()? else { return Ok(None) };
    ServerName::try_from(text).map_err(|_| node.refuse(Code::KubeconfigTlsName))?;
    Ok(Some(text.to_owned()))
}

/// Reads `users[].user`.
pub(super) fn user_read(user: &Node) -> UserFields {
    let mut problems = Vec::new();
    let entries = user.map().unwrap_or_else(|refusal| {
        problems.push(refusal);
        &[]
    });
    let (mut token, mut certificate, mut key) = (None, None, None);
    for (name, node) in entries {
        let read = match name.as_str() {
            "token" => present(node, &mut token),
            "client-certificate-data" => present(node, &mut certificate),
            "client-key-data" => present(node, &mut key),
            "exec" => refuse_present(node, Code::KubeconfigExec),
            "auth-provider" => refuse_present(node, Code::KubeconfigAuthProvider),
            "tokenFile" | "client-certificate" | "client-key" => {
                refuse_present(node, Code::KubeconfigFilePath)
            }
            "username" | "password" => refuse_present(node, Code::KubeconfigBasicAuth),
            "as" | "as-groups" | "as-uid" | "as-user-extra" => {
                refuse_present(node, Code::KubeconfigImpersonation)
            }
            "extensions" => Ok(()),
            _ => Err(node.refuse(Code::KubeconfigUnknownField)),
        };
        problems.extend(read.err());
    }
    let credential = match (token, certificate, key) {
        (Some(_), None, None) | (None, Some(_), Some(_)) | (None, None, None) => {
            credential_read(token, certificate, key)
        }
        (None, ..) => Err(user.refuse(Code::KubeconfigHalfCertificate)),
        (Some(_), ..) => Err(user.refuse(Code::KubeconfigTwoCredentials)),
    };
    let mut fields = UserFields::default();
    match credential {
        Ok(Some((kind, expires_at, credential))) => {
            fields.kind = Some(kind);
            fields.expires_at = expires_at;
            fields.credential = Some(credential);
        }
        // An exec or a file path is why there is none; saying so twice helps nobody.
        Ok(None) if problems.is_empty() => problems.push(user.refuse(Code::KubeconfigNoCredential)),
        Ok(None) => {}
        Err(refusal) => problems.push(refusal),
    }
    fields.problems = problems;
    fields
}

type CredentialRead = (CredentialKind, Option<Timestamp>, Credential);

/// The credential, if it is one. `kubectl config view` without `--raw` prints words in its place.
fn credential_read(
    token: Option<&Node>,
    certificate: Option<&Node>,
    key: Option<&Node>,
) -> Result<Option<CredentialRead>, Refusal> {
    if let Some(node) = token {
        let text = node.text()?.unwrap_or_default();
        if text == "REDACTED" {
            return Err(node.refuse(Code::KubeconfigNoCredential));
        }
        let credential = Credential::token(text).map_err(|code| node.refuse(code))?;
        return Ok(Some((CredentialKind::Token, JwtClaims::of(text).expires_at, credential)));
    }
    let (Some(certificate), Some(key)) = (certificate, key) else { return Ok(None) };
    for node in [certificate, key] {
        if node.text()? == Some("DATA+OMITTED") {
            return Err(node.refuse(Code::KubeconfigNoCredential));
        }
    }
    let bad_key = || key.refuse(Code::KubeconfigBadCertificate);
    let chain = certificate.data()?.unwrap_or_default();
    let chain = certificates_read(&chain).map_err(|code| certificate.refuse(code))?;
    let key_pem = key.data()?.unwrap_or_default();
    let key_pem = std::str::from_utf8(&key_pem).map_err(|_| bad_key())?;
    key_check(&chain, key_pem).ok_or_else(bad_key)?;
    let expires_at = chain.first().and_then(|it| certificate_facts(it)?.not_after);
    let credential =
        Credential::Certificate { chain, key_pem: SecretString::from(key_pem.to_owned()) };
    Ok(Some((CredentialKind::ClientCertificate, expires_at, credential)))
}

/// The key can be used, and is the one of the certificate.
fn key_check(chain: &[CertificateDer<'static>], key_pem: &str) -> Option<()> {
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).ok()?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    rustls::sign::CertifiedKey::from_der(chain.to_vec(), key, &provider).ok().map(|_| ())
}

fn present<'a>(node: &'a Node, slot: &mut Option<&'a Node>) -> Result<(), Refusal> {
    *slot = node.is_present().then_some(node);
    Ok(())
}

fn refuse_present(node: &Node, code: Code) -> Result<(), Refusal> {
    refuse_if(node.is_present(), node, code)
}

fn refuse_if(wrong: bool, node: &Node, code: Code) -> Result<(), Refusal> {
    if wrong { Err(node.refuse(code)) } else { Ok(()) }
}
