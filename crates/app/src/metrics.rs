//! NALABO's own figures, for a Prometheus: what it did, how long that took, how it is.
//!
//! Promises: every label value comes from an enum or from the table of operations, so the number
//! of series does not grow with the fleet; names of infrastructures are labels only where the
//! operator asked for that. Figures of the fleet are those of the API, read by the same use case.
//! When the database is away, everything that needs none is still served. Does not: keep a
//! history, or answer anybody; `api` decides who may ask.
//!
//! ```text
//! watcher, journal, api … ─▶ counters and histograms ─┐
//! database, /proc, heartbeats ─▶ read when asked ─────┴─▶ text
//! ```

mod labels;
mod moment;
mod process;
mod text;

pub use labels::{Queue, Worker};

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nalabo_core::connection::{StageResult, TestReport};
use nalabo_core::health::{Failure, State};
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::sync::Semaphore;

use crate::App;
use labels::{
    CodeLabel, InspectionLabels, OperationLabels, OutcomeLabels, ProbeLabels, QueueLabels,
    ResultLabels, StateLabels, status_class,
};

/// Figures are put together for so many askers at once; the others wait their turn.
const ASKERS_AT_ONCE: usize = 1;

/// What the operator set for `/metrics`.
#[derive(Debug, Clone, Default)]
pub struct MetricsSettings {
    /// Lets callers from elsewhere in, by `Authorization: Bearer`. Without it only loopback.
    pub token: Option<secrecy::SecretString>,
    /// Adds families whose label is the name of each infrastructure.
    pub per_infrastructure: bool,
}

/// The figures of this process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    turn: Semaphore,
    started: Instant,
    probes: Family<ProbeLabels, Counter>,
    probe_duration: Family<ResultLabels, Histogram>,
    probe_lateness: Histogram,
    inspections: Family<InspectionLabels, Counter>,
    inspection_duration: Family<ResultLabels, Histogram>,
    test_stage_duration: Family<OutcomeLabels, Histogram>,
    state_changes: Family<StateLabels, Counter>,
    queue_depth: Family<QueueLabels, Gauge>,
    request_duration: Family<OperationLabels, Histogram>,
    /// Milliseconds from the start to the last beat of each worker; zero before the first.
    beats: [AtomicU64; Worker::ALL.len()],
}

fn probe_histogram() -> Histogram {
    Histogram::new([0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0])
}

fn inspection_histogram() -> Histogram {
    Histogram::new([0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0])
}

fn request_histogram() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("nalabo");
        let it = Self {
            turn: Semaphore::new(ASKERS_AT_ONCE),
            started: Instant::now(),
            probes: Family::default(),
            probe_duration: Family::new_with_constructor(probe_histogram),
            probe_lateness: probe_histogram(),
            inspections: Family::default(),
            inspection_duration: Family::new_with_constructor(inspection_histogram),
            test_stage_duration: Family::new_with_constructor(probe_histogram),
            state_changes: Family::default(),
            queue_depth: Family::default(),
            request_duration: Family::new_with_constructor(request_histogram),
            beats: [const { AtomicU64::new(0) }; Worker::ALL.len()],
            registry: Registry::default(),
        };
        registry.register("probes", "Liveness probes by result, stage and code", it.probes.clone());
        registry.register(
            "probe_duration_seconds",
            "How long a liveness probe took",
            it.probe_duration.clone(),
        );
        registry.register(
            "probe_lateness_seconds",
            "How much later than planned a liveness probe began",
            it.probe_lateness.clone(),
        );
        registry.register("inspections", "Full checks by result and code", it.inspections.clone());
        registry.register(
            "inspection_duration_seconds",
            "How long a full check took",
            it.inspection_duration.clone(),
        );
        registry.register(
            "connection_test_stage_duration_seconds",
            "How long a stage of a connection test took, by how it ended",
            it.test_stage_duration.clone(),
        );
        registry.register(
            "state_changes",
            "Changes of state by the new state",
            it.state_changes.clone(),
        );
        registry.register(
            "queue_depth",
            "What waits to be written or sent, by queue",
            it.queue_depth.clone(),
        );
        registry.register(
            "http_request_duration_seconds",
            "How long a request took, by operation and class of status",
            it.request_duration.clone(),
        );
        Self { registry, ..it }
    }
}

impl Metrics {
    /// Runs a liveness probe and keeps how it went.
    pub async fn probe_measure<T>(
        &self,
        probe: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let began = Instant::now();
        let answer = probe.await;
        let code = answer.as_ref().err().map(|it| it.code);
        self.probes.get_or_create(&ProbeLabels::of(code)).inc();
        let labels = ResultLabels { result: labels::result_word(code) };
        self.probe_duration.get_or_create(&labels).observe(began.elapsed().as_secs_f64());
        answer
    }

    /// Notes how much later than planned a probe began.
    pub fn probe_lateness_note(&self, late: Duration) {
        self.probe_lateness.observe(late.as_secs_f64());
    }

    /// Runs a full check and keeps how it went.
    pub async fn inspection_measure<T>(
        &self,
        inspection: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let began = Instant::now();
        let read = inspection.await;
        let code = read.as_ref().err().map(|it| it.code);
        let result = labels::result_word(code);
        self.inspections.get_or_create(&InspectionLabels { result, code: CodeLabel(code) }).inc();
        let labels = ResultLabels { result };
        self.inspection_duration.get_or_create(&labels).observe(began.elapsed().as_secs_f64());
        read
    }

    /// Notes how long each stage of a connection test took.
    pub fn connection_test_note(&self, report: &TestReport) {
        for StageResult { stage, outcome, duration_ms, .. } in &report.stages {
            let Some(duration_ms) = duration_ms else { continue };
            let labels = OutcomeLabels::of(*stage, *outcome);
            let seconds = f64::from(*duration_ms) / 1_000.0;
            self.test_stage_duration.get_or_create(&labels).observe(seconds);
        }
    }

    /// Counts a change to `state`.
    pub fn state_change_note(&self, state: State) {
        self.state_changes.get_or_create(&StateLabels { state: state.as_str() }).inc();
    }

    /// Notes how much waits in a queue.
    pub fn queue_depth_note(&self, queue: Queue, depth: usize) {
        let depth = i64::try_from(depth).unwrap_or(i64::MAX);
        self.queue_depth.get_or_create(&QueueLabels { queue }).set(depth);
    }

    /// Begins to measure a request; what is returned keeps it when it is dropped.
    pub fn request_begin(&self, operation: &'static str) -> RequestTimer<'_> {
        RequestTimer { metrics: self, operation, began: Instant::now(), status: "none" }
    }

    /// Says that a worker is at work: once each time round.
    pub fn beat(&self, worker: Worker) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.beats[worker as usize].store(now.max(1), Ordering::Relaxed);
    }

    /// How long ago a worker was last at work; nothing when it never was.
    pub fn heartbeat_age(&self, worker: Worker) -> Option<Duration> {
        let beat = self.beats[worker as usize].load(Ordering::Relaxed);
        let at = self.started + Duration::from_millis(beat);
        (beat > 0).then(|| at.elapsed())
    }
}

/// A request under way. One that is dropped without an answer was given up by its caller or ran
/// out of time, and counts as status `none`.
#[derive(Debug)]
pub struct RequestTimer<'a> {
    metrics: &'a Metrics,
    operation: &'static str,
    began: Instant,
    status: &'static str,
}

impl RequestTimer<'_> {
    /// It was answered with this status.
    pub fn answered(mut self, status: u16) {
        self.status = status_class(status);
    }
}

impl Drop for RequestTimer<'_> {
    fn drop(&mut self) {
        let labels = OperationLabels { operation: self.operation, status: self.status };
        let seconds = self.began.elapsed().as_secs_f64();
        self.metrics.request_duration.get_or_create(&labels).observe(seconds);
    }
}

/// Everything, in the text format that every Prometheus reads.
pub async fn metrics_text(app: &std::sync::Arc<App>) -> String {
    let metrics = &app.metrics;
    let _turn = metrics.turn.acquire().await.expect("the semaphore is never closed");
    let moment = moment::registry_of_now(app).await;
    let mut open = String::with_capacity(64 * 1024);
    for registry in [&metrics.registry, &moment] {
        encode_registry(&mut open, registry).expect("writing to a string does not fail");
    }
    text::classic(&open)
}
