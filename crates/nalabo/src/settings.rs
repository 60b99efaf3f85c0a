//! Every setting, as a flag and as a variable. `nalabo serve --help` is the reference.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use ipnet::IpNet;
use nalabo_app::deliveries::SendSettings;
use nalabo_app::mail::{SmtpSettings, SmtpTls};
use nalabo_app::metrics::MetricsSettings;
use nalabo_core::health::Pace;
use nalabo_core::history::Retention;
use nalabo_fleet::AddressPolicy;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::kube_listener::kube_address_in_front;

/// Shorter ones can be guessed.
const METRICS_TOKEN_MIN_CHARACTERS: usize = 16;

/// What an operator may set.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Address and port to listen on.
    #[arg(long, env = "NALABO_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Where people reach NALABO. `https://…` says that TLS is in front; without it, signing in
    /// works from localhost only.
    #[arg(long, env = "NALABO_PUBLIC_URL")]
    pub public_url: Option<Url>,

    /// Address and port at which NALABO itself ends TLS for kubectl; only environments are served
    /// there. Without it kubectl comes to NALABO_PUBLIC_URL, if that is `https://…`.
    #[arg(long, env = "NALABO_KUBE_LISTEN")]
    pub kube_listen: Option<SocketAddr>,

    /// Where participants' kubectl reaches NALABO, if not there: `https://host:port`.
    #[arg(long, env = "NALABO_KUBE_URL", value_parser = kube_url_parse)]
    pub kube_url: Option<Url>,

    /// Certificate chain of that address, PEM. A private authority at its end is put into
    /// kubeconfigs. Without it NALABO makes an authority of its own in the data folder.
    #[arg(long, env = "NALABO_KUBE_TLS_CERT", requires = "kube_tls_key")]
    pub kube_tls_cert: Option<PathBuf>,

    /// Key of that certificate, PEM.
    #[arg(long, env = "NALABO_KUBE_TLS_KEY", requires = "kube_tls_cert")]
    pub kube_tls_key: Option<PathBuf>,

    /// Address of PostgreSQL 15 or newer, `postgres://user:password@host/database`. Without it
    /// NALABO starts a private one in its data folder.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,

    /// Folder for the private PostgreSQL and its key. Default: /var/lib/nalabo as root, else
    /// ~/.local/share/nalabo.
    #[arg(long, env = "NALABO_DATA_DIR")]
    pub data_dir: Option<PathBuf>,

    /// Key files that seal credentials, separated by commas: the first seals, all open. Needed
    /// with DATABASE_URL; make one with `nalabo admin key create FILE`.
    #[arg(long, env = "NALABO_KEY_FILE")]
    pub key_file: Option<String>,

    /// Networks that may be contacted although they are loopback or link-local, for example
    /// `127.0.0.0/8`. Separated by commas.
    #[arg(long, env = "NALABO_ALLOW_NETWORKS", value_delimiter = ',')]
    pub allow_networks: Vec<IpNet>,

    /// Networks that must not be contacted. They win over the allowed ones.
    #[arg(long, env = "NALABO_DENY_NETWORKS", value_delimiter = ',')]
    pub deny_networks: Vec<IpNet>,

    /// Ports of API servers beside 443, 6443, 8443 and 16443.
    #[arg(long, env = "NALABO_ALLOW_PORTS", value_delimiter = ',')]
    pub allow_ports: Vec<u16>,

    /// Proxies in front of NALABO whose X-Forwarded-For and X-Forwarded-Proto are believed.
    #[arg(long, env = "NALABO_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpNet>,

    /// E-mail address of the first owner, made when there is no account yet.
    #[arg(long, env = "NALABO_ADMIN_EMAIL")]
    pub admin_email: Option<String>,

    /// Password of the first owner.
    #[arg(long, env = "NALABO_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<SecretString>,

    /// File that holds the password of the first owner.
    #[arg(long, env = "NALABO_ADMIN_PASSWORD_FILE", conflicts_with = "admin_password")]
    pub admin_password_file: Option<PathBuf>,

    /// A session ends after so long without a request.
    #[arg(long, env = "NALABO_SESSION_IDLE_SECONDS", default_value_t = 3_600,
        value_parser = clap::value_parser!(u64).range(60..=86_400))]
    pub session_idle_seconds: u64,

    /// A session ends after so long in any case.
    #[arg(long, env = "NALABO_SESSION_ABSOLUTE_SECONDS", default_value_t = 43_200,
        value_parser = clap::value_parser!(u64).range(300..=2_592_000))]
    pub session_absolute_seconds: u64,

    /// Time between two liveness probes of an infrastructure.
    #[arg(long, env = "NALABO_PROBE_INTERVAL_SECONDS", default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub probe_interval_seconds: u64,

    /// Time between two full checks of an infrastructure.
    #[arg(long, env = "NALABO_CHECK_INTERVAL_SECONDS", default_value_t = 300,
        value_parser = clap::value_parser!(u64).range(30..=86_400))]
    pub check_interval_seconds: u64,

    /// Days for which history is kept in steps of five minutes.
    #[arg(long, env = "NALABO_HISTORY_RAW_DAYS", default_value_t = 14,
        value_parser = clap::value_parser!(u32).range(3..=366))]
    pub history_raw_days: u32,

    /// Days for which history is kept in steps of an hour.
    #[arg(long, env = "NALABO_HISTORY_HOUR_DAYS", default_value_t = 90,
        value_parser = clap::value_parser!(u32).range(7..=1_830))]
    pub history_hour_days: u32,

    /// Days for which history is kept in steps of a day.
    #[arg(long, env = "NALABO_HISTORY_DAY_DAYS", default_value_t = 1_826,
        value_parser = clap::value_parser!(u32).range(31..=3_660))]
    pub history_day_days: u32,

    /// Most connections to PostgreSQL.
    #[arg(long, env = "NALABO_DATABASE_CONNECTIONS", default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(4..=500))]
    pub database_connections: u32,

    /// File with a token that opens /metrics to callers from elsewhere, as
    /// `Authorization: Bearer`. Without it, /metrics answers on this machine only.
    #[arg(long, env = "NALABO_METRICS_TOKEN_FILE")]
    pub metrics_token_file: Option<PathBuf>,

    /// Add families to /metrics whose label is the name of each infrastructure.
    #[arg(long, env = "NALABO_METRICS_PER_INFRASTRUCTURE")]
    pub metrics_per_infrastructure: bool,

    /// Mail server for alerts. Without it no mail is sent.
    #[arg(long, env = "NALABO_SMTP_HOST")]
    pub smtp_host: Option<String>,

    /// Its port, where it is not the usual one of NALABO_SMTP_TLS: 587, 465 or 25.
    #[arg(long, env = "NALABO_SMTP_PORT")]
    pub smtp_port: Option<u16>,

    /// Who NALABO is to the mail server.
    #[arg(long, env = "NALABO_SMTP_USERNAME")]
    pub smtp_username: Option<String>,

    /// And its password there.
    #[arg(long, env = "NALABO_SMTP_PASSWORD", hide_env_values = true)]
    pub smtp_password: Option<SecretString>,

    /// File that holds the password for the mail server.
    #[arg(long, env = "NALABO_SMTP_PASSWORD_FILE", conflicts_with = "smtp_password")]
    pub smtp_password_file: Option<PathBuf>,

    /// Sender of mail, for example `NALABO <nalabo@example.org>`.
    #[arg(long, env = "NALABO_SMTP_FROM")]
    pub smtp_from: Option<String>,

    /// How the connection to the mail server is encrypted: `starttls`, `tls` from the first byte,
    /// or `none` for a relay on the same machine that asks for no password.
    #[arg(long, env = "NALABO_SMTP_TLS", default_value = "starttls")]
    pub smtp_tls: SmtpTlsWord,

    /// File with certificate authorities that vouch for the mail server and for webhooks, beside
    /// those of the system. PEM.
    #[arg(long, env = "NALABO_CA_FILE")]
    pub ca_file: Option<PathBuf>,

    /// What to log, for example `info` or `nalabo_app=debug`.
    #[arg(long, env = "NALABO_LOG", default_value = "info")]
    pub log: String,

    /// Log lines as JSON.
    #[arg(long, env = "NALABO_LOG_JSON")]
    pub log_json: bool,
}

/// kubectl sends no token over plain http.
fn kube_url_parse(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|it| it.to_string())?;
    if url.scheme() != "https" || url.host_str().is_none() {
        return Err("it has to begin with https://, or kubectl sends no token".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("write it as https://host:port".to_owned());
    }
    Ok(url)
}

/// The words of `NALABO_SMTP_TLS`.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum SmtpTlsWord {
    /// STARTTLS.
    Starttls,
    /// From the first byte.
    Tls,
    /// Not at all.
    None,
}

impl Settings {
    /// The defaults, for the try-out.
    pub fn defaults() -> Self {
        #[derive(Debug, clap::Parser)]
        struct Only {
            #[command(flatten)]
            settings: Settings,
        }
        <Only as clap::Parser>::parse_from(["nalabo"]).settings
    }

    /// Starts logging.
    pub fn log_start(&self) {
        let filter = EnvFilter::try_new(&self.log).unwrap_or_else(|_| EnvFilter::new("info"));
        let builder =
            tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        if self.log_json {
            builder.json().init();
        } else {
            builder.with_target(false).init();
        }
    }

    /// The data folder.
    pub fn data_dir(&self) -> anyhow::Result<PathBuf> {
        if let Some(given) = &self.data_dir {
            return std::path::absolute(given).context("NALABO_DATA_DIR");
        }
        if nix::unistd::geteuid().is_root() {
            return Ok(PathBuf::from("/var/lib/nalabo"));
        }
        let home = std::env::var_os("HOME").context("HOME is not set: set NALABO_DATA_DIR")?;
        Ok(PathBuf::from(home).join(".local/share/nalabo"))
    }

    /// Address and password of the first owner, when both are given.
    pub fn first_owner(&self) -> anyhow::Result<Option<(String, SecretString)>> {
        let password = match (&self.admin_password, &self.admin_password_file) {
            (Some(password), _) => Some(password.clone()),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).with_context(|| {
                    format!("read NALABO_ADMIN_PASSWORD_FILE {}", path.display())
                })?;
                Some(SecretString::from(text.trim_end_matches(['\r', '\n'])))
            }
            (None, None) => None,
        };
        match (&self.admin_email, password) {
            (Some(email), Some(password)) => Ok(Some((email.clone(), password))),
            (None, None) => Ok(None),
            (Some(_), None) => {
                bail!(
                    "NALABO_ADMIN_EMAIL is set without NALABO_ADMIN_PASSWORD or …_FILE: set both or none"
                )
            }
            (None, Some(_)) => {
                bail!("NALABO_ADMIN_PASSWORD is set without NALABO_ADMIN_EMAIL: set both or none")
            }
        }
    }

    /// Whom NALABO may contact.
    pub fn address_policy(&self) -> AddressPolicy {
        let mut policy =
            AddressPolicy::new(self.allow_networks.clone(), self.deny_networks.clone());
        policy.ports.extend(&self.allow_ports);
        policy.own.push(self.listen);
        policy.own.extend(self.kube_listen);
        policy
    }

    /// How alerts are sent; what is wrong with it is said before anything is served.
    pub fn send_settings(&self) -> anyhow::Result<SendSettings> {
        let authorities_pem = match &self.ca_file {
            Some(path) => Some(
                std::fs::read_to_string(path)
                    .with_context(|| format!("read NALABO_CA_FILE {}", path.display()))?,
            ),
            None => None,
        };
        let public_url = self.public_url.as_ref();
        let settings = SendSettings {
            public_url: public_url.map(|it| it.as_str().trim_end_matches('/').to_owned()),
            authorities_pem,
            smtp: self.smtp_settings()?,
        };
        settings.check()?;
        Ok(settings)
    }

    fn smtp_settings(&self) -> anyhow::Result<Option<SmtpSettings>> {
        let Some(host) = &self.smtp_host else {
            if self.smtp_from.is_some() || self.smtp_username.is_some() {
                bail!("NALABO_SMTP_HOST is missing: set it, or take the other NALABO_SMTP_… out");
            }
            return Ok(None);
        };
        let Some(from) = &self.smtp_from else {
            bail!("NALABO_SMTP_FROM is missing: write it as NALABO <nalabo@example.org>");
        };
        let password = match (&self.smtp_password, &self.smtp_password_file) {
            (Some(password), _) => Some(password.clone()),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).with_context(|| {
                    format!("read NALABO_SMTP_PASSWORD_FILE {}", path.display())
                })?;
                Some(SecretString::from(text.trim_end_matches(['\r', '\n'])))
            }
            (None, None) => None,
        };
        Ok(Some(SmtpSettings {
            host: host.clone(),
            port: self.smtp_port,
            username: self.smtp_username.clone(),
            password,
            from: from.clone(),
            tls: match self.smtp_tls {
                SmtpTlsWord::Starttls => SmtpTls::Starttls,
                SmtpTlsWord::Tls => SmtpTls::Tls,
                SmtpTlsWord::None => SmtpTls::None,
            },
        }))
    }

    /// What the application is told.
    pub fn app_settings(&self) -> anyhow::Result<nalabo_app::Settings> {
        Ok(nalabo_app::Settings {
            session_idle: Duration::from_secs(self.session_idle_seconds),
            session_absolute: Duration::from_secs(self.session_absolute_seconds),
            pace: Pace {
                probe_interval: Duration::from_secs(self.probe_interval_seconds),
                inventory_interval: Duration::from_secs(self.check_interval_seconds),
                ..Pace::default()
            },
            retention: Retention {
                raw_days: self.history_raw_days,
                hour_days: self.history_hour_days,
                day_days: self.history_day_days,
                ..Retention::default()
            },
            metrics: MetricsSettings {
                token: self.metrics_token()?,
                per_infrastructure: self.metrics_per_infrastructure,
            },
            send: self.send_settings()?,
            kube: kube_address_in_front(self),
        })
    }

    /// The token that opens `/metrics`, read once.
    fn metrics_token(&self) -> anyhow::Result<Option<SecretString>> {
        let Some(path) = &self.metrics_token_file else { return Ok(None) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("read NALABO_METRICS_TOKEN_FILE {}", path.display()))?;
        let token = text.trim();
        if token.len() < METRICS_TOKEN_MIN_CHARACTERS {
            bail!(
                "the token in NALABO_METRICS_TOKEN_FILE {} has fewer than \
                 {METRICS_TOKEN_MIN_CHARACTERS} characters; make one with: openssl rand -hex 32",
                path.display()
            );
        }
        Ok(Some(SecretString::from(token)))
    }
}
