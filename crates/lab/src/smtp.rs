//! A throw-away SMTP server for tests of mail, with STARTTLS, implicit TLS and a plain port.
//!
//! Promises: listens when [`Smtp::start`] returns; every message it took can be read; gone with its
//! files when dropped or when its owner dies. The account is `nalabo` with a random password;
//! recipients called `refused@…` and `later@…` are turned away. Does not: pass anything on.

use std::{
    fmt, fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde::Deserialize;

use crate::{
    build,
    cluster::blocking,
    error::{Doing, LabError},
    paths,
    pki::{Authority, Validity},
    process::{Component, Launch},
    state::LabDir,
};

const START_DEADLINE: Duration = Duration::from_secs(30);

/// A running SMTP server.
pub struct Smtp {
    addresses: Addresses,
    password: String,
    ca_pem: String,
    messages: PathBuf,
    launch: Launch,
    component: Component,
    dir: LabDir,
}

#[derive(Deserialize)]
struct Addresses {
    starttls: SocketAddr,
    tls: SocketAddr,
    plain: SocketAddr,
}

/// A message that the server took.
#[derive(Debug, Clone, Deserialize)]
pub struct SmtpMessage {
    /// `starttls`, `tls` or `plain`.
    pub port: String,
    /// Who signed in; empty for nobody.
    pub user: String,
    /// Whether it came encrypted.
    pub tls: bool,
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// Headers and body, as they came.
    pub data: String,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("log", &self.component.log()).finish_non_exhaustive()
    }
}

impl Smtp {
    /// Starts one, built now when it is missing.
    pub async fn start() -> Result<Self, LabError> {
        let (program, mut dir) =
            blocking(|| Ok((build::SMTP.ensure()?, LabDir::create("smtp")?))).await?;
        let messages = dir.sub("messages")?;
        let authority = Authority::create("NALABO lab, mail")?;
        let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
        authority
            .server("localhost", None, &["localhost"], &addresses, Validity::Now)?
            .write(dir.path(), "server")?;
        let password = format!("smtp-{}-{}", paths::random_suffix(), paths::random_suffix());
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let command = vec![
            text(program),
            text(messages.clone()),
            text(dir.path().join("server.crt")),
            text(dir.path().join("server.key")),
        ];
        let mut launch = Launch::new("smtp", dir.path(), command);
        launch.env.push(("SMTP_PASSWORD".to_owned(), password.clone()));
        let mut component = launch.start()?;
        dir.process_add(&component)?;
        let addresses = listening(&messages, &mut component).await?;
        let ca_pem = authority.cert_pem().to_owned();
        Ok(Self { addresses, password, ca_pem, messages, launch, component, dir })
    }

    /// The port where TLS begins with STARTTLS.
    pub fn starttls_port(&self) -> u16 {
        self.addresses.starttls.port()
    }

    /// The port where TLS begins with the first byte.
    pub fn tls_port(&self) -> u16 {
        self.addresses.tls.port()
    }

    /// The port without TLS, which asks for no password.
    pub fn plain_port(&self) -> u16 {
        self.addresses.plain.port()
    }

    /// The password of the account `nalabo`.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The authority that signed its certificate, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Every message it took, in order.
    pub fn messages(&self) -> Result<Vec<SmtpMessage>, LabError> {
        let mut files: Vec<PathBuf> = fs::read_dir(&self.messages)
            .doing(|| format!("read {}", self.messages.display()))?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|it| it == "json"))
            .collect();
        files.sort();
        let read = |path: &PathBuf| {
            let text = fs::read(path).doing(|| format!("read {}", path.display()))?;
            serde_json::from_slice(&text).map_err(|cause| LabError::Io {
                doing: format!("read {}", path.display()),
                cause: cause.into(),
            })
        };
        files.iter().map(read).collect()
    }

    /// Stops it, as in a power cut.
    pub fn stop(&mut self) {
        self.component.stop(Signal::SIGKILL, Duration::from_secs(5));
    }

    /// Starts it again, on other ports.
    pub async fn start_again(&mut self) -> Result<(), LabError> {
        let stale = self.messages.join("addresses");
        fs::remove_file(&stale).doing(|| format!("remove {}", stale.display()))?;
        self.component = self.launch.start()?;
        self.dir.process_add(&self.component)?;
        self.addresses = listening(&self.messages, &mut self.component).await?;
        Ok(())
    }
}

async fn listening(
    messages: &std::path::Path,
    component: &mut Component,
) -> Result<Addresses, LabError> {
    let until = Instant::now() + START_DEADLINE;
    loop {
        if let Ok(text) = fs::read(messages.join("addresses"))
            && let Ok(addresses) = serde_json::from_slice(&text)
        {
            return Ok(addresses);
        }
        let (log, waiting_for) = (component.log().to_owned(), "it to listen".to_owned());
        if component.stopped().is_some() {
            let component = component.name().to_owned();
            return Err(LabError::ComponentStopped { component, waiting_for, log });
        }
        if Instant::now() > until {
            let seconds = START_DEADLINE.as_secs();
            return Err(LabError::TooLate { waiting_for, seconds, log });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
