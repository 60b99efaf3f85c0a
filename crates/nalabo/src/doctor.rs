//! `nalabo doctor`: checks every setting without changing anything, and says what to do.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use nalabo_app::environment_access::KubeAddress;
use nalabo_store::embedded::EmbeddedPostgres;
use nalabo_store::{Db, KeyRing};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::kube_listener::{Certificate, kube_address_in_front};
use crate::settings::Settings;

const DATABASE_DEADLINE: Duration = Duration::from_secs(10);

/// One thing that was looked at.
struct Finding {
    good: bool,
    what: &'static str,
    said: String,
}

impl Finding {
    fn of(what: &'static str, result: Result<String, String>) -> Self {
        match result {
            Ok(said) => Self { good: true, what, said },
            Err(said) => Self { good: false, what, said },
        }
    }
}

/// Looks at everything; the exit code says whether all is well.
pub async fn doctor(settings: &Settings) -> ExitCode {
    let findings = [
        Finding::of("listen", listen(settings).await),
        Finding::of("sign-in", sign_in(settings)),
        Finding::of("kubectl", kubectl(settings).await),
        Finding::of("database", database(settings).await),
        Finding::of("key file", key_file(settings)),
        Finding::of("first owner", first_owner(settings)),
        Finding::of("networks", networks(settings)),
        Finding::of("mail", mail(settings).await),
    ];
    let mut out = std::io::stdout().lock();
    for it in &findings {
        let mark = if it.good { "✓" } else { "✗" };
        // Whoever reads may have read enough, as `head` does; the exit code still tells.
        if writeln!(out, "{mark} {:<12} {}", it.what, it.said).is_err() {
            break;
        }
    }
    if findings.iter().all(|it| it.good) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn listen(settings: &Settings) -> Result<String, String> {
    match TcpListener::bind(settings.listen).await {
        Ok(_) => Ok(format!("{} is free", settings.listen)),
        Err(error) => Err(format!(
            "{}: {error}. If NALABO runs already, all is well; else set NALABO_LISTEN",
            settings.listen
        )),
    }
}

fn sign_in(settings: &Settings) -> Result<String, String> {
    let https = settings.public_url.as_ref().is_some_and(|it| it.scheme() == "https");
    match (https, settings.listen.ip().is_loopback()) {
        (true, _) => Ok("over https, TLS in front".to_owned()),
        (false, true) => Ok("from this machine, over http://localhost".to_owned()),
        (false, false) => Err("people from elsewhere cannot sign in over plain http: put TLS in \
             front and set NALABO_PUBLIC_URL=https://…"
            .to_owned()),
    }
}

/// Whether participants' kubectl has an address to come to.
async fn kubectl(settings: &Settings) -> Result<String, String> {
    let Some(address) = settings.kube_listen else {
        return Ok(match kube_address_in_front(settings) {
            Some(KubeAddress { url, .. }) => format!("comes to {url}, TLS in front"),
            None => "not served, it needs https: set NALABO_PUBLIC_URL=https://… or \
                     NALABO_KUBE_LISTEN"
                .to_owned(),
        });
    };
    let certificate = Certificate::given_or_none(settings).map_err(|it| format!("{it:#}"))?;
    let vouched = match certificate {
        Some(it) => it.vouched_by(),
        None => "NALABO's own authority",
    };
    match TcpListener::bind(address).await {
        Ok(_) => Ok(format!("{address} is free; {vouched} vouches for it")),
        Err(error) => Err(format!(
            "{address}: {error}. If NALABO runs already, all is well; else set NALABO_KUBE_LISTEN"
        )),
    }
}

async fn database(settings: &Settings) -> Result<String, String> {
    let Some(url) = &settings.database_url else {
        let folder = settings.data_dir().map_err(|it| format!("{it:#}"))?;
        let programs = EmbeddedPostgres::examine(&folder).await.map_err(|it| chain(&it))?;
        writable(&folder)?;
        return Ok(format!("private, in {}: {programs}", folder.display()));
    };
    let connected = timeout(DATABASE_DEADLINE, Db::connect(url, 1)).await;
    match connected {
        Ok(Ok(db)) => {
            db.close().await;
            Ok("DATABASE_URL answers, and its version is new enough".to_owned())
        }
        Ok(Err(error)) => Err(chain(&error)),
        Err(_) => Err("DATABASE_URL does not answer within 10 s".to_owned()),
    }
}

/// Whether a folder, or the nearest that exists above it, can be written to.
fn writable(folder: &Path) -> Result<(), String> {
    let nearest = folder.ancestors().find(|it| it.exists()).unwrap_or(Path::new("/"));
    match nix::unistd::access(nearest, nix::unistd::AccessFlags::W_OK) {
        Ok(()) => Ok(()),
        Err(_) => Err(format!(
            "{} cannot be written to: set NALABO_DATA_DIR to a folder that can",
            nearest.display()
        )),
    }
}

fn key_file(settings: &Settings) -> Result<String, String> {
    match (&settings.key_file, &settings.database_url) {
        (Some(paths), _) => {
            let ring = KeyRing::read(paths).map_err(|it| chain(&it))?;
            let others = ring.ids().count() - 1;
            Ok(format!("seals with {}, {others} older keys still open", ring.first_id()))
        }
        (None, None) => Ok("made in the data folder at the first start".to_owned()),
        (None, Some(_)) => Err("NALABO_KEY_FILE is needed with DATABASE_URL: \
             nalabo admin key create /etc/nalabo/key"
            .to_owned()),
    }
}

fn first_owner(settings: &Settings) -> Result<String, String> {
    match settings.first_owner() {
        Ok(Some((email, _))) => Ok(format!("{email}, if there is no account yet")),
        Ok(None) => Ok("a one-time link is printed, if there is no account yet".to_owned()),
        Err(error) => Err(format!("{error:#}")),
    }
}

fn networks(settings: &Settings) -> Result<String, String> {
    let list = |nets: &[ipnet::IpNet]| {
        let texts: Vec<String> = nets.iter().map(ToString::to_string).collect();
        if texts.is_empty() { "none".to_owned() } else { texts.join(", ") }
    };
    Ok(format!(
        "loopback and link-local allowed: {}; denied besides: {}",
        list(&settings.allow_networks),
        list(&settings.deny_networks)
    ))
}

/// Whether the mail server takes our greeting and our password. Nothing is sent.
async fn mail(settings: &Settings) -> Result<String, String> {
    let send = settings.send_settings().map_err(|it| format!("{it:#}"))?;
    let Some(mailer) = send.mailer().map_err(|it| it.to_string())? else {
        return Ok("no mail server; alerts go to webhooks only (NALABO_SMTP_HOST)".to_owned());
    };
    mailer.greet().await?;
    Ok(format!("{} answers and knows us", mailer.place()))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(it) = cause {
        text = format!("{text}: {it}");
        cause = it.source();
    }
    text
}
