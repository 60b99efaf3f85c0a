//! One certificate authority for a sim, and a serving certificate for each of its clusters.
//!
//! Promises: certificates name the cluster's address and the names that real API servers carry.
//! Does not: keep any key on disk.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;

use crate::SimError;

/// The authority of a sim.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// One key for every cluster: making a thousand would only delay the start.
    serving_key: KeyPair,
    provider: Arc<CryptoProvider>,
    pem: String,
}

/// When a serving certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Validity {
    /// For years to come.
    Present,
    /// No more.
    Expired,
}

impl Authority {
    /// A new authority.
    pub(crate) fn create() -> Result<Self, SimError> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "nalabo-sim");
        (params.not_before, params.not_after) =
            (date_time_ymd(2025, 1, 1), date_time_ymd(2035, 1, 1));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self {
            pem: issuer.pem(),
            issuer,
            serving_key: KeyPair::generate()?,
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
        })
    }

    /// The authority's certificate.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// What a listener at `address` needs to speak TLS.
    pub(crate) fn server_config(
        &self,
        address: IpAddr,
        validity: Validity,
    ) -> Result<Arc<ServerConfig>, SimError> {
        let names = ["kubernetes", "kubernetes.default.svc", "localhost"].map(ToOwned::to_owned);
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        (params.not_before, params.not_after) = match validity {
            Validity::Present => (date_time_ymd(2026, 1, 1), date_time_ymd(2028, 1, 1)),
            Validity::Expired => (date_time_ymd(2025, 1, 1), date_time_ymd(2026, 1, 1)),
        };
        params.subject_alt_names.push(SanType::IpAddress(address));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate: CertificateDer<'static> =
            params.signed_by(&self.serving_key, &self.issuer)?.der().clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.serving_key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Room for resumption would be the largest part of an idle cluster.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}
