//! The application and one caller's view of it.
//!
//! Promises: [`Ctx`] is made once a request, carries who asks, and [`Ctx::require`] is the first
//! line of every use case. API tokens and OIDC will make another [`Actor`], nothing else.

use std::sync::Arc;
use std::time::Duration;

use nalabo_core::access::{Permission, Role};
use nalabo_core::audit::{ActorKind, AuditActor};
use nalabo_core::clock::Clock;
use nalabo_core::health::Pace;
use nalabo_core::history::Retention;
use nalabo_core::id::{SeatId, SessionId, UserId, WorkshopSessionId};
use nalabo_fleet::InfrastructureFactory;
use nalabo_store::{Db, KeyRing};
use tokio::sync::{Notify, Semaphore};

use crate::Error;
use crate::alert_channels::CHANNEL_TESTS_AT_ONCE;
use crate::changes::Changes;
use crate::connection_tests::ConnectionTests;
use crate::deliveries::{SendSettings, Sender};
use crate::environment_access::KubeAddress;
use crate::fleet::Fleet;
use crate::looks::Looks;
use crate::metrics::{Metrics, MetricsSettings};
use crate::passwords::Passwords;
use crate::resources::TrendMemory;
use crate::services::Services;

/// What the operator may set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A session ends after so long without a request.
    pub session_idle: Duration,
    /// A session ends after so long in any case.
    pub session_absolute: Duration,
    /// How often infrastructures are looked at.
    pub pace: Pace,
    /// For how long history is kept.
    pub retention: Retention,
    /// Who may read the figures of this process, and how fine they are.
    pub metrics: MetricsSettings,
    /// How alerts are sent.
    pub send: SendSettings,
    /// Where kubectl reaches environments; none where there is no https.
    pub kube: Option<KubeAddress>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            session_idle: Duration::from_secs(3_600),
            session_absolute: Duration::from_secs(12 * 3_600),
            pace: Pace::default(),
            retention: Retention::default(),
            metrics: MetricsSettings::default(),
            send: SendSettings::default(),
            kube: None,
        }
    }
}

/// What an [`App`] is made of.
#[derive(Debug)]
pub struct AppOptions {
    /// The database, migrated.
    pub db: Db,
    /// The keys that seal credentials.
    pub keys: Arc<KeyRing>,
    /// The present time.
    pub clock: Arc<dyn Clock>,
    /// Makes live services of stored configurations.
    pub factory: InfrastructureFactory,
    /// What the operator set.
    pub settings: Settings,
}

/// The application: one a process, shared by all requests and loops.
#[derive(Debug)]
pub struct App {
    pub(crate) db: Db,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) factory: InfrastructureFactory,
    pub(crate) settings: Settings,
    pub(crate) changes: Changes,
    pub(crate) passwords: Passwords,
    pub(crate) tests: ConnectionTests,
    pub(crate) metrics: Metrics,
    pub(crate) fleet: Fleet,
    pub(crate) looks: Looks,
    pub(crate) trend: TrendMemory,
    pub(crate) sender: Sender,
    pub(crate) channel_tests: Semaphore,
    pub(crate) services: Services,
    /// Somebody waits for a place.
    pub(crate) wishes: Notify,
    /// There is something to do with environments.
    pub(crate) places: Notify,
    /// A session may want more, or fewer, or be over.
    pub(crate) pools: Notify,
}

impl App {
    /// Puts the parts together; starts nothing.
    pub fn new(options: AppOptions) -> Arc<Self> {
        let AppOptions { db, keys, clock, factory, settings } = options;
        let sender = Sender::new(&settings.send, factory.connector());
        Arc::new(Self {
            db,
            keys,
            clock,
            factory,
            settings,
            changes: Changes::default(),
            passwords: Passwords::default(),
            tests: ConnectionTests::default(),
            metrics: Metrics::default(),
            fleet: Fleet::default(),
            looks: Looks::default(),
            trend: TrendMemory::default(),
            sender,
            channel_tests: Semaphore::new(CHANNEL_TESTS_AT_ONCE),
            services: Services::default(),
            wishes: Notify::new(),
            places: Notify::new(),
            pools: Notify::new(),
        })
    }

    /// What the browser hears at once.
    pub const fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The figures of this process.
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The present time, as this application knows it.
    pub fn now(&self) -> nalabo_core::Timestamp {
        self.clock.now()
    }

    /// What the operator set.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the database answers.
    pub async fn ready(&self) -> Result<(), Error> {
        Ok(self.db.ping().await?)
    }

    /// The view of one caller.
    pub fn ctx(self: &Arc<Self>, actor: Actor, request: RequestFace) -> Ctx {
        Ctx { app: Arc::clone(self), actor, request }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Nobody is signed in.
    Nobody,
    /// A person, by a session.
    User {
        /// Their account.
        id: UserId,
        /// Their address.
        email: String,
        /// Their role.
        role: Role,
        /// The session they came with.
        session: SessionId,
    },
    /// Somebody on a seat of a session, without an account.
    Participant {
        /// Their seat.
        seat: SeatId,
        /// Of which session.
        session: WorkshopSessionId,
        /// What they are called there.
        name: String,
    },
    /// NALABO itself.
    System,
    /// Somebody with a shell on the machine, who could read everything anyway.
    Cli,
}

/// Where a request came from, for the audit and the limits.
#[derive(Debug, Clone, Default)]
pub struct RequestFace {
    /// Correlates answer, log and audit.
    pub id: Option<String>,
    /// Network address of the caller.
    pub address: Option<std::net::IpAddr>,
    /// What the caller says it is.
    pub user_agent: Option<String>,
    /// It came through a proxy that is trusted.
    pub via_trusted_proxy: bool,
}

/// The application as one caller may use it.
#[derive(Debug, Clone)]
pub struct Ctx {
    pub(crate) app: Arc<App>,
    pub(crate) actor: Actor,
    pub(crate) request: RequestFace,
}

impl Ctx {
    /// Refuses unless the caller holds `permission`.
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        match &self.actor {
            Actor::System | Actor::Cli => Ok(()),
            // A seat gives no right to anything but itself.
            Actor::Nobody | Actor::Participant { .. } => Err(Error::Unauthenticated),
            Actor::User { role, .. } if role.allows(permission) => Ok(()),
            Actor::User { .. } => Err(Error::PermissionMissing(permission)),
        }
    }

    /// Whether the request came through a proxy that is trusted.
    pub const fn via_trusted_proxy(&self) -> bool {
        self.request.via_trusted_proxy
    }

    /// The application.
    pub const fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Who asks.
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The caller as the audit names it.
    pub(crate) fn audit_actor(&self) -> AuditActor {
        let (kind, id, email) = match &self.actor {
            Actor::Nobody => (ActorKind::Nobody, None, None),
            Actor::User { id, email, .. } => (ActorKind::User, Some(*id), Some(email.clone())),
            Actor::Participant { .. } => (ActorKind::Participant, None, None),
            Actor::System => (ActorKind::System, None, None),
            Actor::Cli => (ActorKind::Cli, None, None),
        };
        AuditActor { kind, id, email }
    }
}
