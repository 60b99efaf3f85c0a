//! The staged test of a connection.
//!
//! Promises: nine stages in order, each reported as it ends, the first failure with its cause,
//! remedy and command, the rest as not reached; thirty seconds at most. What is missing but can
//! be lived without is a warning. Does not: delay answers or count attempts, so that the test is
//! no port scanner; `app` does.

mod checklist;
mod stages;

use std::time::Duration;

use jiff::Timestamp;
use nalabo_core::connection::{Code, Outcome, Place, Stage, StageEvent, TestReport};
use nalabo_core::inventory::Inventory;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::KubernetesInfrastructureService;
use crate::refusal::Refusal;
use checklist::{Checklist, Found, Trouble};

/// The whole test takes no longer.
pub(crate) const TEST_DEADLINE: Duration = Duration::from_secs(30);

/// What a test of a connection brought.
#[derive(Debug, Clone, PartialEq)]
pub struct Tested {
    /// Every stage.
    pub report: TestReport,
    /// UID of `kube-system`, once it was read.
    pub cluster_uid: Option<String>,
    /// When the certificate that the server showed ends.
    pub certificate_expires_at: Option<Timestamp>,
    /// What the infrastructure holds, when the test passed.
    pub inventory: Option<Inventory>,
}

impl Tested {
    /// How long the API server took to say its version.
    pub fn latency_ms(&self) -> Option<u32> {
        self.report.stages.iter().find(|it| it.stage == Stage::Version)?.duration_ms
    }

    /// Notes what only the caller knows: that the same cluster is connected already, as `name`.
    pub fn note_duplicate(&mut self, name: &str) {
        let Some(identity) = self.report.stages.iter_mut().find(|it| it.stage == Stage::Identity)
        else {
            return;
        };
        let advice = Code::Duplicate.advice(&Place::default());
        identity.outcome = Outcome::Warning;
        identity.code = Some(Code::Duplicate);
        identity.facts.insert("duplicate_of".to_owned(), name.to_owned());
        identity.cause = Some(advice.cause);
        identity.remedy = Some(advice.remedy);
    }
}

/// What later stages and the caller need of earlier ones.
#[derive(Default)]
struct Gathered {
    cluster_uid: Option<String>,
    overpowered: bool,
}

impl KubernetesInfrastructureService {
    /// Runs every stage; `events` hears of each as it begins and ends. Nobody has to listen.
    pub async fn connection_test(
        &self,
        events: mpsc::Sender<StageEvent>,
        now: Timestamp,
    ) -> Tested {
        let began = Instant::now();
        let mut list = Checklist::new(Some(events), began + TEST_DEADLINE);
        let mut gathered = Gathered::default();
        self.stages_run(&mut list, &mut gathered, now).await;
        let report = list.report(gathered.overpowered, began);
        let left = TEST_DEADLINE.saturating_sub(began.elapsed());
        let inventory = if report.passed {
            let read = tokio::time::timeout(left, self.inspect(now)).await;
            read.ok().and_then(Result::ok).map(|it| it.inventory)
        } else {
            None
        };
        Tested {
            report,
            cluster_uid: gathered.cluster_uid,
            certificate_expires_at: self.inner.api.pool.certificate_expires_at(),
            inventory,
        }
    }

    /// Stops at the first failure.
    async fn stages_run(
        &self,
        list: &mut Checklist,
        gathered: &mut Gathered,
        now: Timestamp,
    ) -> Option<()> {
        let inner = &*self.inner;
        let (api, dialer) = (&inner.api, &inner.api.pool.dialer);
        list.run(Stage::Read, async { Ok((stages::source_found(&inner.face), ())) }).await?;
        let addresses = list.run(Stage::Resolve, stages::resolve(dialer)).await?;
        let tcp = list.run(Stage::Tcp, stages::tcp(dialer, &addresses)).await?;
        let dialled = list.run(Stage::Tls, stages::tls(dialer, tcp)).await?;
        // The connection that was tested is the one that is used.
        api.pool.forget();
        let adopted = api.pool.adopt(dialled).await;
        let version = async {
            adopted.map_err(Trouble::from)?;
            stages::version(api).await
        };
        list.run(Stage::Version, version).await?;
        let identity = list.run(Stage::Identity, stages::identity(api, &inner.face, now)).await?;
        gathered.cluster_uid.clone_from(&identity.cluster_uid);
        inner.rights.forget();
        let rights = stages::rights(api, &inner.rights, identity.is_system_master);
        gathered.overpowered = list.run(Stage::Rights, rights).await?;
        list.run(Stage::Metrics, stages::metrics(api, now)).await?;
        list.run(Stage::Storage, stages::storage(api)).await
    }
}

/// The report of a configuration that could not even be read: its first stage failed.
pub fn refusal_report(refusal: &Refusal) -> TestReport {
    let began = Instant::now();
    let mut list = Checklist::new(None, began + TEST_DEADLINE);
    let advice = refusal.advice();
    let mut found = Found::default();
    if let Some(path) = &refusal.path {
        found = Found::of(format!("in {path}")).fact("path", path);
    }
    list.refuse(Stage::Read, Trouble { code: refusal.code, advice, found: Box::new(found) });
    list.report(false, began)
}

/// The report of a source for which not even a service could be made.
pub fn failure_report(stage: Stage, failure: &crate::Failure) -> TestReport {
    let began = Instant::now();
    let mut list = Checklist::new(None, began + TEST_DEADLINE);
    list.refuse(stage, Trouble::from(failure.clone()));
    list.report(false, began)
}

/// Codes that a test meets without being stopped by them.
pub(crate) const fn is_warning(code: Code) -> bool {
    matches!(
        code,
        Code::MetricsAbsent
            | Code::MetricsForbidden
            | Code::MetricsStale
            | Code::StorageSourceAbsent
            | Code::StorageSourceForbidden
            | Code::StorageSourceStale
            | Code::NoDefaultStorageclass
    )
}
