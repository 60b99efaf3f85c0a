//! Where kubectl comes to: TLS of NALABO's own, for when there is no proxy with TLS in front.
//!
//! Promises: without certificates of the operator's, NALABO is its own authority: the key of it
//! is made once, stays in the data folder, and signs for this listener alone; kubeconfigs carry
//! its certificate, so that nobody has to trust it for anything else. Does not: serve pages; only
//! `/k8s` answers here.

use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail};
use nalabo_app::environment_access::KubeAddress;
use nalabo_core::clock::{Clock as _, SystemClock};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tracing::info;
use url::Url;

use crate::settings::Settings;

const AUTHORITY_FILE: &str = "kube-authority.pem";
/// Constant, so that the key alone brings the authority back.
const AUTHORITY_NAME: &str = "NALABO, for kubectl";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const AUTHORITY_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// An authority that ends sooner is made anew: longer than any session lasts.
const AUTHORITY_LEFT_MIN: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// The listener, bound, with what it shows.
pub struct KubeListener {
    /// Bound.
    pub listener: TcpListener,
    /// Its certificate.
    pub tls: Arc<rustls::ServerConfig>,
    /// What kubeconfigs say.
    pub address: KubeAddress,
}

impl KubeListener {
    /// Binds it, where one is wanted.
    pub async fn bind(settings: &Settings) -> anyhow::Result<Option<Self>> {
        let Some(wanted) = settings.kube_listen else { return Ok(None) };
        let listener = TcpListener::bind(wanted).await.with_context(|| {
            format!("listen on {wanted} (set NALABO_KUBE_LISTEN to another address or port)")
        })?;
        let bound = listener.local_addr()?;
        let certificate = Certificate::of(settings, bound)?;
        let address = KubeAddress {
            url: kube_url(settings, bound),
            ca_pem: certificate.authority_pem.clone(),
        };
        Ok(Some(Self { listener, tls: certificate.server_config()?, address }))
    }
}

/// Where kubectl comes to without a listener of its own: to whatever ends TLS in front.
pub fn kube_address_in_front(settings: &Settings) -> Option<KubeAddress> {
    let public = settings.public_url.as_ref().filter(|it| it.scheme() == "https");
    let url = settings.kube_url.as_ref().or(public)?;
    Some(KubeAddress { url: url.as_str().trim_end_matches('/').to_owned(), ca_pem: None })
}

fn kube_url(settings: &Settings, bound: SocketAddr) -> String {
    if let Some(url) = &settings.kube_url {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    let public = settings.public_url.as_ref().and_then(Url::host_str);
    let host = match (public, bound.ip()) {
        (Some(host), _) => host.to_owned(),
        (None, ip) if ip.is_unspecified() => "localhost".to_owned(),
        (None, IpAddr::V6(ip)) => format!("[{ip}]"),
        (None, IpAddr::V4(ip)) => ip.to_string(),
    };
    format!("https://{host}:{}", bound.port())
}

/// A certificate with its key, and who vouches for it where that is not the world.
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    authority_pem: Option<String>,
}

impl Certificate {
    /// The operator's, or one of our own authority.
    pub fn of(settings: &Settings, bound: SocketAddr) -> anyhow::Result<Self> {
        if let Some(given) = Self::given_or_none(settings)? {
            return Ok(given);
        }
        Authority::of(&settings.data_dir()?)?.certificate(&names(settings, bound))
    }

    /// The operator's, where there is one; read and taken apart.
    pub fn given_or_none(settings: &Settings) -> anyhow::Result<Option<Self>> {
        match (&settings.kube_tls_cert, &settings.kube_tls_key) {
            (Some(chain), Some(key)) => Self::given(chain, key).map(Some),
            (None, None) => Ok(None),
            _ => {
                bail!("NALABO_KUBE_TLS_CERT and NALABO_KUBE_TLS_KEY go together: set both or none")
            }
        }
    }

    fn given(chain: &Path, key: &Path) -> anyhow::Result<Self> {
        let read = |name: &str, path: &Path| {
            fs::read(path).with_context(|| format!("read {name} {}", path.display()))
        };
        let certificates = CertificateDer::pem_slice_iter(&read("NALABO_KUBE_TLS_CERT", chain)?)
            .collect::<Result<Vec<_>, _>>()
            .ok()
            .filter(|it| !it.is_empty())
            .with_context(|| {
                format!("NALABO_KUBE_TLS_CERT {}: no certificate in PEM", chain.display())
            })?;
        let key_der = PrivateKeyDer::from_pem_slice(&read("NALABO_KUBE_TLS_KEY", key)?).ok();
        let key = key_der.with_context(|| {
            format!("NALABO_KUBE_TLS_KEY {}: no private key in PEM", key.display())
        })?;
        // Who gives their own authority with the chain wants kubeconfigs to carry it.
        let authority_pem =
            certificates.last().filter(|it| is_authority(it)).map(|it| pem_of("CERTIFICATE", it));
        Ok(Self { chain: certificates, key, authority_pem })
    }

    fn server_config(self) -> anyhow::Result<Arc<rustls::ServerConfig>> {
        let mut config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(self.chain, self.key)
            .context("the certificate of NALABO_KUBE_LISTEN and its key do not fit")?;
        // WebSocket and SPDY need it, and kubectl speaks both.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Who kubeconfigs say vouches for it.
    pub fn vouched_by(&self) -> &'static str {
        if self.authority_pem.is_some() {
            "its own authority, which kubeconfigs carry,"
        } else {
            "the world"
        }
    }
}

fn is_authority(certificate: &CertificateDer<'_>) -> bool {
    x509_parser::parse_x509_certificate(certificate)
        .is_ok_and(|(_, it)| it.is_ca() && it.issuer() == it.subject())
}

/// Every name by which this listener may be called.
fn names(settings: &Settings, bound: SocketAddr) -> Vec<String> {
    let mut names = vec!["localhost".to_owned()];
    let local = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let own = Some(bound.ip()).filter(|it| !it.is_unspecified());
    names.extend(local.into_iter().chain(own).map(|it| it.to_string()));
    for url in [&settings.public_url, &settings.kube_url].into_iter().flatten() {
        names.extend(url.host_str().map(|it| it.trim_matches(['[', ']']).to_owned()));
    }
    names.sort();
    names.dedup();
    names
}

/// Our own authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    /// The one in the folder; made there when there is none yet, or when it ends soon.
    fn of(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(AUTHORITY_FILE);
        match fs::read(&path) {
            Ok(bytes) => {
                let found = Self::read(&bytes).with_context(|| {
                    format!(
                        "{} is damaged: remove it, and hand out new kubeconfigs",
                        path.display()
                    )
                })?;
                if !found.ends_soon() {
                    return Ok(found);
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
        }
        let (made, pem) = Self::make()?;
        write_private(folder, &path, &pem).with_context(|| format!("write {}", path.display()))?;
        info!("made the authority that vouches for kubectl's address: {}", path.display());
        Ok(made)
    }

    fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        let certificate = CertificateDer::from_pem_slice(bytes)?;
        let key = KeyPair::try_from(&PrivateKeyDer::from_pem_slice(bytes)?)?;
        Ok(Self { issuer: Issuer::new(authority_params(), key), certificate })
    }

    fn make() -> anyhow::Result<(Self, String)> {
        let key = KeyPair::generate()?;
        let params = authority_params();
        let certificate = params.self_signed(&key)?;
        let pem = certificate.pem() + &key.serialize_pem();
        let certificate = certificate.der().clone();
        Ok((Self { issuer: Issuer::new(params, key), certificate }, pem))
    }

    fn ends_soon(&self) -> bool {
        let ends_at = x509_parser::parse_x509_certificate(&self.certificate)
            .map(|(_, it)| it.validity().not_after.timestamp());
        let left = ends_at.unwrap_or_default() - SystemClock.now().as_second();
        left < i64::try_from(AUTHORITY_LEFT_MIN.as_secs()).unwrap_or(i64::MAX)
    }

    /// A certificate for these names, kept nowhere: every start makes one.
    fn certificate(&self, names: &[String]) -> anyhow::Result<Certificate> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name("NALABO");
        for it in names {
            params.subject_alt_names.push(match it.parse::<IpAddr>() {
                Ok(ip) => SanType::IpAddress(ip),
                Err(_) => SanType::DnsName(it.as_str().try_into()?),
            });
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = validity();
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Certificate {
            chain: vec![certificate.der().clone(), self.certificate.clone()],
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            authority_pem: Some(pem_of("CERTIFICATE", &self.certificate)),
        })
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name(AUTHORITY_NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (params.not_before, params.not_after) = validity();
    params
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

/// From yesterday, for clocks that are behind.
fn validity<T: From<SystemTime>>() -> (T, T) {
    let now = SystemTime::from(SystemClock.now());
    ((now - DAY).into(), (now + AUTHORITY_LIFE).into())
}

fn pem_of(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Whole or not at all, for our own eyes.
fn write_private(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    // Made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn settings(change: impl FnOnce(&mut Settings)) -> (Settings, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = Settings::defaults();
        settings.data_dir = Some(folder.path().join("data"));
        change(&mut settings);
        (settings, folder)
    }

    fn bound(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn the_authority_is_made_once_and_is_for_our_eyes() {
        let (settings, _folder) = settings(|_| {});
        let made = Certificate::of(&settings, bound("127.0.0.1:8443")).expect("made");
        let again = Certificate::of(&settings, bound("127.0.0.1:8443")).expect("read");
        assert_eq!(made.authority_pem, again.authority_pem, "kubeconfigs stay good");
        assert_ne!(made.chain[0], again.chain[0], "and the certificate is each time a new one");
        let path = settings.data_dir().expect("a folder").join(AUTHORITY_FILE);
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&path, "nonsense").expect("written");
        let damaged = Certificate::of(&settings, bound("127.0.0.1:8443")).err();
        assert!(damaged.expect("refused").to_string().contains("is damaged"));
    }

    #[test]
    fn a_client_that_trusts_the_authority_accepts_every_name_and_no_other() {
        let (settings, _folder) = settings(|it| {
            it.public_url = Some("https://nalabo.example.org".parse().expect("a URL"));
            it.kube_url = Some("https://kube.example.org:8443".parse().expect("a URL"));
        });
        let made = Certificate::of(&settings, bound("192.0.2.7:8443")).expect("made");
        let mut roots = rustls::RootCertStore::empty();
        let authority = made.authority_pem.as_ref().expect("our own");
        roots
            .add(CertificateDer::from_pem_slice(authority.as_bytes()).expect("PEM"))
            .expect("a CA");
        nalabo_fleet::crypto_provider_install();
        let verifier = rustls::client::WebPkiServerVerifier::builder(Arc::new(roots)).build();
        let verifier = verifier.expect("a verifier");
        let accepts = |name: &str| {
            use rustls::client::danger::ServerCertVerifier as _;
            let name = name.to_owned().try_into().expect("a name");
            let now = rustls_pki_types::UnixTime::since_unix_epoch(Duration::from_secs(
                u64::try_from(SystemClock.now().as_second()).expect("after 1970"),
            ));
            let chain = &made.chain;
            verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], now).is_ok()
        };
        for name in
            ["localhost", "127.0.0.1", "::1", "192.0.2.7", "nalabo.example.org", "kube.example.org"]
        {
            assert!(accepts(name), "{name}");
        }
        for name in ["example.org", "other.example.org", "192.0.2.8"] {
            assert!(!accepts(name), "{name}");
        }
    }

    #[test]
    fn kubeconfigs_say_where_kubectl_really_gets_to() {
        let at = |address: &str, public: Option<&str>, kube: Option<&str>| {
            let (settings, _folder) = settings(|it| {
                it.public_url = public.map(|it| it.parse().expect("a URL"));
                it.kube_url = kube.map(|it| it.parse().expect("a URL"));
            });
            kube_url(&settings, bound(address))
        };
        let (public, kube) = ("https://nalabo.example.org", "https://kube.example.org/");
        assert_eq!(at("127.0.0.1:8443", None, None), "https://127.0.0.1:8443");
        assert_eq!(at("0.0.0.0:8443", None, None), "https://localhost:8443");
        assert_eq!(at("[::1]:8443", None, None), "https://[::1]:8443");
        assert_eq!(at("0.0.0.0:8443", Some(public), None), "https://nalabo.example.org:8443");
        assert_eq!(at("0.0.0.0:8443", Some(public), Some(kube)), "https://kube.example.org");
        let in_front = |public: Option<&str>| {
            let (settings, _folder) =
                settings(|it| it.public_url = public.map(|it| it.parse().expect("a URL")));
            kube_address_in_front(&settings).map(|it| it.url)
        };
        assert_eq!(in_front(Some(public)).as_deref(), Some(public));
        assert_eq!(
            in_front(Some("http://nalabo.example.org")),
            None,
            "kubectl sends no token there"
        );
        assert_eq!(in_front(None), None);
    }
}
