//! The lab's certificate authority and every certificate its components present.
//!
//! Promises: each lab has its own authority, made in memory with P-256 keys; nothing here outlives
//! the lab. Does not: revoke or renew; a lab lives for hours.

use std::{
    fmt, fs,
    net::IpAddr,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};

use crate::{
    error::{Doing, LabError},
    paths,
};

/// A certificate with its key, both PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub cert_pem: String,
    pub key_pem: String,
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pair(…)")
    }
}

impl Pair {
    /// Reads what [`Pair::write`] wrote.
    pub fn read(folder: &Path, name: &str) -> Result<Self, LabError> {
        let read =
            |path: PathBuf| fs::read_to_string(&path).doing(|| format!("read {}", path.display()));
        Ok(Self {
            cert_pem: read(folder.join(format!("{name}.crt")))?,
            key_pem: read(folder.join(format!("{name}.key")))?,
        })
    }

    /// Writes `NAME.crt` and `NAME.key`, as the components want to read them.
    pub fn write(&self, folder: &Path, name: &str) -> Result<(), LabError> {
        paths::write_private(&folder.join(format!("{name}.crt")), &self.cert_pem)?;
        paths::write_private(&folder.join(format!("{name}.key")), &self.key_pem)
    }
}

/// How long a certificate is valid; the past one is for the fault of that name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    Now,
    Expired,
}

/// The name of every lab's authority; constant, so that its key alone brings it back.
pub(crate) const LAB_AUTHORITY: &str = "NALABO lab";

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pair: Pair,
}

impl Authority {
    pub fn create(common_name: &str) -> Result<Self, LabError> {
        let key = KeyPair::generate().map_err(LabError::Certificates)?;
        let params = authority_params(common_name);
        let cert = params.self_signed(&key).map_err(LabError::Certificates)?;
        let pair = Pair { cert_pem: cert.pem(), key_pem: key.serialize_pem() };
        Ok(Self { issuer: Issuer::new(params, key), pair })
    }

    /// The authority of a running lab, to make further certificates in its name.
    pub fn load(pair: &Pair) -> Result<Self, LabError> {
        let key = KeyPair::from_pem(&pair.key_pem).map_err(LabError::Certificates)?;
        Ok(Self { issuer: Issuer::new(authority_params(LAB_AUTHORITY), key), pair: pair.clone() })
    }

    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    pub fn cert_pem(&self) -> &str {
        &self.pair.cert_pem
    }

    /// A certificate for a client; the group is what Kubernetes reads as its group.
    pub fn client(&self, user: &str, group: Option<&str>) -> Result<Pair, LabError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name(user, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params, Validity::Now)
    }

    /// A certificate for a server, valid for these names and addresses.
    pub fn server(
        &self,
        common_name: &str,
        group: Option<&str>,
        names: &[&str],
        addresses: &[IpAddr],
        validity: Validity,
    ) -> Result<Pair, LabError> {
        let mut params =
            CertificateParams::new(names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
                .map_err(LabError::Certificates)?;
        params.subject_alt_names.extend(addresses.iter().map(|it| SanType::IpAddress(*it)));
        params.distinguished_name = name(common_name, group);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params, validity)
    }

    fn sign(&self, mut params: CertificateParams, validity: Validity) -> Result<Pair, LabError> {
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.use_authority_key_identifier_extension = true;
        valid(&mut params, validity);
        let key = KeyPair::generate().map_err(LabError::Certificates)?;
        let cert = params.signed_by(&key, &self.issuer).map_err(LabError::Certificates)?;
        Ok(Pair { cert_pem: cert.pem(), key_pem: key.serialize_pem() })
    }
}

/// Writes the key that signs ServiceAccount tokens, and its public half.
pub(crate) fn signing_key_write(folder: &Path) -> Result<(), LabError> {
    let key = KeyPair::generate().map_err(LabError::Certificates)?;
    paths::write_private(&folder.join("service-account.key"), key.serialize_pem())?;
    paths::write_private(&folder.join("service-account.pub"), key.public_key_pem())
}

fn authority_params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(common_name, None);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, Validity::Now);
    params
}

fn name(common_name: &str, group: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if let Some(group) = group {
        name.push(DnType::OrganizationName, group);
    }
    name.push(DnType::CommonName, common_name);
    name
}

#[expect(
    clippy::disallowed_methods,
    reason = "the real components read these certificates by the real clock"
)]
fn valid(params: &mut CertificateParams, validity: Validity) {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let now = SystemTime::now();
    let (from, to) = match validity {
        Validity::Now => (now - DAY, now + 365 * DAY),
        Validity::Expired => (now - 30 * DAY, now - DAY),
    };
    params.not_before = from.into();
    params.not_after = to.into();
}

/// A kubeconfig that carries its certificates, with one context called `name`.
pub(crate) fn kubeconfig(name: &str, endpoint: &str, ca_pem: &str, client: &Pair) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let ca = STANDARD.encode(ca_pem);
    let cert = STANDARD.encode(&client.cert_pem);
    let key = STANDARD.encode(&client.key_pem);
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster:
    server: {endpoint}
    certificate-authority-data: {ca}
users:
- name: {name}-admin
  user:
    client-certificate-data: {cert}
    client-key-data: {key}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {name}-admin
current-context: {name}
"
    )
}
