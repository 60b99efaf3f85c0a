//! Reading a pasted configuration and testing it in stages, before anything is saved.
//!
//! Promises: at most 32 tests at once, and for one person 30 tries and 300 tests of something to
//! be saved a minute (a fleet is connected by one person); a failed test is answered
//! no sooner than after a second, so that its timing tells nothing about a network; what was
//! pasted is dropped when the answer is given. Does not: save; [`crate::infrastructures`] does.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use nalabo_core::access::Permission;
use nalabo_core::connection::{StageEvent, TestReport};
use nalabo_core::id::{InfrastructureId, UserId};
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_fleet::{self as fleet, ContextEntry, Source, Tested};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use crate::{Actor, Ctx, Error, infrastructures};

const AT_ONCE: usize = 32;
const FAILURE_ANSWERED_AFTER: Duration = Duration::from_secs(1);
/// Stages are few; a reader that takes none of them loses them, the report holds all.
const EVENTS_KEPT: usize = 32;

/// A way in, as a person gives it.
#[derive(Debug)]
pub enum SourceAsk {
    /// One context of a kubeconfig; the current one when none is named.
    Kubeconfig {
        /// The YAML.
        kubeconfig: SecretString,
        /// The context.
        context: Option<String>,
    },
    /// Address and bearer token.
    Token {
        /// `https://host:port`.
        endpoint: String,
        /// The token; absent when only the address was changed, which is refused with a hint.
        token: Option<SecretString>,
        /// PEM of the authority that signed the server's certificate; or the server's public key,
        /// `sha256/` and the base64 of its SHA-256, where no authority is to be had.
        certificate_authority: Option<String>,
    },
    /// The cluster NALABO runs in.
    InCluster,
}

impl SourceAsk {
    /// The configuration it describes, or why it is not accepted.
    pub(crate) fn read(&self) -> Result<Source, Error> {
        let read = match self {
            Self::Kubeconfig { kubeconfig, context } => {
                fleet::kubeconfig_source(kubeconfig.expose_secret(), context.as_deref())
            }
            Self::Token { endpoint, token, certificate_authority } => {
                let Some(token) = token else {
                    return Err(Error::Invalid(vec![crate::FieldError {
                        pointer: "#/source/token",
                        detail: "give the token too: a stored one is never sent to another address"
                            .to_owned(),
                    }]));
                };
                let authority = certificate_authority.as_deref();
                fleet::token_source(endpoint, token.expose_secret(), authority)
            }
            Self::InCluster => fleet::in_cluster_source(),
        };
        read.map_err(Error::ConfigurationRefused)
    }
}

/// Why a test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// To see what it says.
    Try,
    /// To save what passes.
    Save,
}

impl Purpose {
    /// So many a minute for one person.
    const fn per_minute(self) -> usize {
        match self {
            Self::Try => 30,
            Self::Save => 300,
        }
    }
}

/// Keeps tests few.
#[derive(Debug)]
pub(crate) struct ConnectionTests {
    gate: Semaphore,
    recent: Mutex<HashMap<(UserId, Purpose), Vec<Timestamp>>>,
}

impl Default for ConnectionTests {
    fn default() -> Self {
        Self { gate: Semaphore::new(AT_ONCE), recent: Mutex::default() }
    }
}

impl ConnectionTests {
    /// Counts one more test of this caller, or refuses it.
    pub(crate) fn admit(&self, ctx: &Ctx, purpose: Purpose) -> Result<(), Error> {
        let Actor::User { id, .. } = ctx.actor else { return Ok(()) };
        let now = ctx.app.now();
        let minute_ago = now - SignedDuration::from_mins(1);
        let mut recent = self.recent.lock().expect("no holder of this lock can panic");
        recent.retain(|_, times| {
            times.retain(|it| *it > minute_ago);
            !times.is_empty()
        });
        let times = recent.entry((id, purpose)).or_default();
        if times.len() >= purpose.per_minute() {
            let wait = times[0].duration_since(minute_ago).as_secs();
            let retry_after_seconds = u64::try_from(wait).unwrap_or(0) + 1;
            return Err(Error::TooManyAttempts { retry_after_seconds });
        }
        times.push(now);
        Ok(())
    }
}

/// The contexts of a kubeconfig, each with what speaks against it.
pub async fn kubeconfig_parse(
    ctx: &Ctx,
    kubeconfig: SecretString,
) -> Result<Vec<ContextEntry>, Error> {
    ctx.require(Permission::InfrastructureWrite)?;
    // Reading hostile YAML is work for a thread that may be kept busy.
    tokio::task::spawn_blocking(move || fleet::kubeconfig_parse(kubeconfig.expose_secret()))
        .await
        .map_err(|_| Error::Internal("reading stopped half-way".to_owned()))?
        .map_err(Error::ConfigurationRefused)
}

/// A test under way: its stages as they end, then its report.
#[derive(Debug)]
pub struct RunningTest {
    /// Stages as they begin and end.
    pub events: mpsc::Receiver<StageEvent>,
    /// The whole report.
    pub report: tokio::task::JoinHandle<Result<TestReport, Error>>,
}

/// Begins the test of a configuration that is not saved.
pub fn connection_test_start(ctx: &Ctx, ask: &SourceAsk) -> Result<RunningTest, Error> {
    ctx.require(Permission::InfrastructureWrite)?;
    let source = ask.read()?;
    ctx.app.tests.admit(ctx, Purpose::Try)?;
    let (events_in, events) = mpsc::channel(EVENTS_KEPT);
    let ctx = ctx.clone();
    let report = tokio::spawn(async move {
        let tested = source_test(&ctx, &source, events_in, None).await?;
        Ok(tested.report)
    });
    Ok(RunningTest { events, report })
}

/// Begins the test of a stored infrastructure; its watcher looks again at once afterwards.
pub async fn infrastructure_test_start(
    ctx: &Ctx,
    id: InfrastructureId,
) -> Result<RunningTest, Error> {
    ctx.require(Permission::InfrastructureTest)?;
    let source = infrastructures::source_open(&ctx.app, id)
        .await?
        .ok_or(Error::NotFound("infrastructure"))?;
    ctx.app.tests.admit(ctx, Purpose::Try)?;
    let (events_in, events) = mpsc::channel(EVENTS_KEPT);
    let ctx = ctx.clone();
    let report = tokio::spawn(async move {
        let tested = source_test(&ctx, &source, events_in, Some(id)).await?;
        infrastructures::changed_notify(&ctx.app, id).await?;
        Ok(tested.report)
    });
    Ok(RunningTest { events, report })
}

/// Runs the test, and adds what only the database knows: whether the cluster is known already.
/// `known_as` is the infrastructure it belongs to, when it is stored.
pub(crate) async fn source_test(
    ctx: &Ctx,
    source: &Source,
    events: mpsc::Sender<StageEvent>,
    known_as: Option<InfrastructureId>,
) -> Result<Tested, Error> {
    let app = &ctx.app;
    let began = Instant::now();
    let _permit = app
        .tests
        .gate
        .acquire()
        .await
        .map_err(|_| Error::Internal("the gate of the tests is never closed".to_owned()))?;
    let service = app.factory.service(source).map_err(|it| Error::Internal(it.detail))?;
    // On the heap: what a whole test keeps in mind is too much for the stack of whoever asks.
    let mut tested = Box::pin(service.connection_test(events, app.now())).await;
    if let (Some(uid), true) = (&tested.cluster_uid, tested.report.passed) {
        let holder = nalabo_store::infrastructure_find_by_cluster(app.db.pool(), uid);
        if let Some((id, name)) = holder.await?
            && known_as != Some(id)
        {
            tested.note_duplicate(name.as_str());
        }
    }
    app.metrics.connection_test_note(&tested.report);
    if !tested.report.passed {
        tokio::time::sleep_until(began + FAILURE_ANSWERED_AFTER).await;
    }
    Ok(tested)
}
