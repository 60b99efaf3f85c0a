//! Who may reach an environment, and by what.
//!
//! Promises: a token of a kubeconfig opens one environment, as long as that is somebody's and
//! usable, and until it is revoked; a participant's browser opens theirs; everything else is the
//! same answer. Does not: carry bytes; `fleet` does, and `api` in front of it.

use nalabo_core::audit::AuditAction;
use nalabo_core::environment::{Driver, Environment, EnvironmentReason};
use nalabo_core::id::{AccessTokenId, EnvironmentId, SeatId};
use nalabo_fleet::KubernetesInfrastructureService;
use nalabo_store::{self as store, SeatFilter, commit};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use crate::audit::{Entry, audit_write};
use crate::portal::seat_of;
use crate::services::service_of;
use crate::{App, Ctx, Error};

/// What every token of a kubeconfig begins with, for scanners of secrets.
const TOKEN_PREFIX: &str = "nlbk_";
/// Tokens of one environment that work at the same time: one a machine of its participant.
const TOKENS_MAX: i64 = 5;

/// Where the Kubernetes APIs of environments are reached from outside.
#[derive(Debug, Clone)]
pub struct KubeAddress {
    /// `https://host:port`, without a slash at its end.
    pub url: String,
    /// The authority that vouches for it, PEM, where it is our own.
    pub ca_pem: Option<String>,
}

/// What opened an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opener {
    /// A token of a kubeconfig.
    Token(AccessTokenId),
    /// The browser of whoever sits there.
    Seat(SeatId),
}

/// An environment that may be reached.
#[derive(Debug, Clone)]
pub struct OpenEnvironment {
    /// Which.
    pub id: EnvironmentId,
    /// What kind.
    pub driver: Driver,
    /// The infrastructure it is on.
    pub service: KubernetesInfrastructureService,
    /// By what it was opened.
    pub opener: Opener,
}

/// A kubeconfig for one environment.
#[derive(Debug)]
pub struct Kubeconfig {
    /// What to call the file.
    pub file_name: String,
    /// The file.
    pub yaml: SecretString,
}

/// Opens an environment by a token of its kubeconfig.
pub async fn environment_open_by_token(
    app: &App,
    id: EnvironmentId,
    token: &str,
) -> Result<OpenEnvironment, Error> {
    let unknown = || Error::NotFound("environment");
    if !token.starts_with(TOKEN_PREFIX) {
        return Err(unknown());
    }
    let found = store::access_token_find(app.db.pool(), id, &hash_of(token)).await?;
    let opener = Opener::Token(found.ok_or_else(unknown)?);
    let found = store::environment_find(app.db.pool(), id).await?.ok_or_else(unknown)?;
    open(app, &found.environment, opener).await
}

/// Opens the environment of the participant who asks.
pub async fn environment_open_of_seat(ctx: &Ctx) -> Result<OpenEnvironment, Error> {
    let (seat_id, _) = seat_of(ctx)?;
    let environment = environment_of_seat(ctx.app(), seat_id).await?;
    open(ctx.app(), &environment, Opener::Seat(seat_id)).await
}

/// Whether what opened it still does: asked again and again while a stream is open.
pub async fn environment_is_open(
    app: &App,
    id: EnvironmentId,
    opener: Opener,
) -> Result<bool, Error> {
    let db = app.db.pool();
    let Some(found) = store::environment_find(db, id).await? else { return Ok(false) };
    if !found.environment.state.is_usable() {
        return Ok(false);
    }
    Ok(match opener {
        Opener::Token(token) => store::access_token_is_open(db, token).await?,
        Opener::Seat(seat) => {
            let filter = SeatFilter { id: Some(seat), ..SeatFilter::default() };
            let seat = store::seat_list(db, filter).await?.pop();
            seat.is_some_and(|it| it.environment_id == Some(id))
        }
    })
}

/// Notes that a participant opened their terminal.
pub async fn terminal_note(ctx: &Ctx, id: EnvironmentId) -> Result<(), Error> {
    let mut tx = ctx.app.db.begin().await?;
    let entry = Entry::done(AuditAction::TerminalOpened, "environment", id, &id.label());
    audit_write(ctx, &mut tx, entry).await?;
    commit(tx).await?;
    Ok(())
}

/// Why an environment ends or has ended, where that is known.
pub async fn terminal_end_reason(app: &App, id: EnvironmentId) -> Option<EnvironmentReason> {
    let found = store::environment_find(app.db.pool(), id).await.ok().flatten();
    found.and_then(|it| it.environment.reason)
}

/// Hands out a kubeconfig for the participant's environment, with a token of its own.
pub async fn kubeconfig_issue(ctx: &Ctx) -> Result<Kubeconfig, Error> {
    let (seat_id, _) = seat_of(ctx)?;
    let app = ctx.app();
    let address = app.settings.kube.as_ref().ok_or(Error::KubeAddressMissing)?;
    let environment = environment_of_seat(app, seat_id).await?;
    if !environment.state.is_usable() {
        return Err(Error::EnvironmentNotReady);
    }
    let id = environment.id;
    let token = token_new();
    let mut tx = app.db.begin().await?;
    let hash = hash_of(&token);
    store::access_token_insert(&mut tx, AccessTokenId::new(), id, &hash, TOKENS_MAX, app.now())
        .await?;
    let entry = Entry::done(AuditAction::KubeconfigIssued, "environment", id, &id.label());
    audit_write(ctx, &mut tx, entry).await?;
    commit(tx).await?;
    let yaml = kubeconfig_yaml(address, &environment, &token);
    Ok(Kubeconfig { file_name: "nalabo-kubeconfig.yaml".to_owned(), yaml: yaml.into() })
}

fn kubeconfig_yaml(address: &KubeAddress, it: &Environment, token: &str) -> String {
    use base64::Engine as _;
    let authority = address.ca_pem.as_ref().map_or_else(String::new, |pem| {
        let data = base64::engine::general_purpose::STANDARD.encode(pem);
        format!("\n      certificate-authority-data: {data}")
    });
    let namespace = match it.driver {
        Driver::Vcluster => "default".to_owned(),
        Driver::Namespace => it.id.namespace(),
    };
    let (url, label) = (&address.url, it.id.label());
    format!(
        "apiVersion: v1
kind: Config
current-context: nalabo
clusters:
  - name: nalabo
    cluster:
      server: {url}/k8s/{label}{authority}
contexts:
  - name: nalabo
    context:
      cluster: nalabo
      user: participant
      namespace: {namespace}
users:
  - name: participant
    user:
      token: {token}
"
    )
}

async fn environment_of_seat(app: &App, seat_id: SeatId) -> Result<Environment, Error> {
    let db = app.db.pool();
    let filter = SeatFilter { id: Some(seat_id), ..SeatFilter::default() };
    let seat = store::seat_list(db, filter).await?.pop().ok_or(Error::NotFound("seat"))?;
    let id = seat.environment_id.ok_or(Error::EnvironmentNotReady)?;
    let found = store::environment_find(db, id).await?.ok_or(Error::EnvironmentNotReady)?;
    Ok(found.environment)
}

async fn open(app: &App, it: &Environment, opener: Opener) -> Result<OpenEnvironment, Error> {
    if !it.state.is_usable() {
        return Err(Error::EnvironmentNotReady);
    }
    let place = it.infrastructure_id.ok_or(Error::EnvironmentNotReady)?;
    let service = service_of(app, place).await?.ok_or(Error::EnvironmentNotReady)?;
    Ok(OpenEnvironment { id: it.id, driver: it.driver, service, opener })
}

fn token_new() -> String {
    use base64::Engine as _;
    let bytes: [u8; 32] = rand::random();
    format!("{TOKEN_PREFIX}{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

// Plain SHA-256 is enough for 256 random bits.
fn hash_of(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
