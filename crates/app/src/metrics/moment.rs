//! What is read when somebody asks: the fleet, the pool, the heartbeats, the process.
//!
//! Promises: a registry made anew each time, so that what is no more is not said any more; a
//! figure that nobody measured is absent, never zero.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use nalabo_core::Timestamp;
use nalabo_core::health::State;
use nalabo_core::infrastructure::{Infrastructure, Mode};
use nalabo_core::inventory::Totals;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Worker;
use super::process::process_read;
use crate::fleet::FleetItem;
use crate::resources::{Usage, resource_usage};
use crate::{Actor, App, RequestFace};

type Figure = Gauge<f64, AtomicU64>;
/// One label: its name, and a word of ours. Only names of infrastructures are a person's.
type Label = [(&'static str, String); 1];

/// Credentials that end within so many days are counted.
const EXPIRY_DAYS: [(i64, &str); 5] = [(30, "30d"), (14, "14d"), (7, "7d"), (3, "3d"), (1, "1d")];
const SECONDS_PER_DAY: i64 = 86_400;

/// Everything that is known only now.
pub(super) async fn registry_of_now(app: &Arc<App>) -> Registry {
    let mut root = Registry::default();
    process_register(&mut root);
    let registry = root.sub_registry_with_prefix("nalabo");
    family(
        registry,
        "build_info",
        "One, labelled with the version",
        "version",
        [(env!("CARGO_PKG_VERSION"), 1.0)],
    );
    let ages = Worker::ALL
        .into_iter()
        .filter_map(|it| Some((it.as_str(), app.metrics.heartbeat_age(it)?.as_secs_f64())));
    let help = "How long ago a worker of this process was last at work";
    family(registry, "worker_heartbeat_age_seconds", help, "worker", ages);
    database_register(registry, app).await;
    let ctx = app.ctx(Actor::System, RequestFace::default());
    // Without a database the fleet is not known; what is served then says that by its absence.
    if let Ok(usage) = resource_usage(&ctx, None).await {
        let now = app.now();
        states_register(registry, &usage.fleet.items);
        checks_register(registry, &usage.fleet.items, now);
        credentials_register(registry, &usage.fleet.items, now);
        totals_register(registry, &usage);
        if app.settings.metrics.per_infrastructure {
            each_register(registry, &usage.fleet.items, now);
        }
    }
    root
}

/// Adds a figure without labels, if it is known.
fn figure(registry: &mut Registry, name: &str, help: &str, value: impl Into<Option<f64>>) {
    let Some(value) = value.into() else { return };
    let gauge = Figure::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

/// Adds a family with one label.
fn family<W: Into<String>>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    label: &'static str,
    values: impl IntoIterator<Item = (W, f64)>,
) {
    let family = Family::<Label, Figure>::default();
    for (word, value) in values {
        family.get_or_create(&[(label, word.into())]).set(value);
    }
    registry.register(name, help, family);
}

fn process_register(registry: &mut Registry) {
    let Some(it) = process_read() else { return };
    let cpu = ConstCounter::new(it.cpu_seconds);
    registry.register("process_cpu_seconds", "User and system CPU time spent", cpu);
    let memory = "Resident memory size";
    figure(registry, "process_resident_memory_bytes", memory, it.resident_bytes);
    figure(registry, "process_virtual_memory_bytes", "Virtual memory size", it.virtual_bytes);
    figure(registry, "process_open_fds", "Number of open file descriptors", it.open_fds);
    figure(registry, "process_max_fds", "Most file descriptors that may be open", it.max_fds);
    figure(registry, "process_threads", "Number of threads", it.threads);
    let start = "Start of the process, in seconds since 1970";
    figure(registry, "process_start_time_seconds", start, it.start_seconds);
}

async fn database_register(registry: &mut Registry, app: &App) {
    let pool = app.db.pool();
    let (size, idle) = (f64::from(pool.size()), pool.num_idle() as f64);
    let help = "Connections of the pool to PostgreSQL";
    let parts = [("idle", idle), ("used", (size - idle).max(0.0))];
    family(registry, "database_connections", help, "state", parts);
    let most = f64::from(pool.options().get_max_connections());
    figure(registry, "database_connections_max", "Most connections of the pool", most);
    let began = Instant::now();
    let answers = app.db.ping().await.is_ok();
    let waited = began.elapsed().as_secs_f64();
    let help = "How long one query now took, with the wait for a connection";
    figure(registry, "database_wait_seconds", help, answers.then_some(waited));
    let up = f64::from(u8::from(answers));
    figure(registry, "database_up", "Whether PostgreSQL answers", up);
}

fn states_register(registry: &mut Registry, items: &[FleetItem]) {
    let count = |state| items.iter().filter(|it| it.status.state == state).count() as f64;
    let counts = State::ALL.into_iter().map(|state| (state.as_str(), count(state)));
    family(registry, "infrastructures", "Infrastructures by state", "state", counts);
}

fn watched(items: &[FleetItem]) -> impl Iterator<Item = &Infrastructure> {
    items.iter().map(|it| &it.infrastructure).filter(|it| it.mode != Mode::Disabled)
}

/// How far behind the checks are, and when anything was last well.
fn checks_register(registry: &mut Registry, items: &[FleetItem], now: Timestamp) {
    let seconds = |at: Timestamp| now.duration_since(at).as_secs_f64().max(0.0);
    let oldest = watched(items).filter_map(|it| it.status.observed_at).min().map(seconds);
    let help = "Age of the oldest check result among all infrastructures that are watched";
    figure(registry, "check_age_seconds", help, oldest);
    let overdue = watched(items).filter(|it| it.status.state == State::Stale).count();
    let help = "Watched infrastructures whose check is late: their status says stale";
    figure(registry, "checks_overdue", help, overdue as f64);
    let oldest = watched(items).filter_map(|it| Some(it.inventory.as_ref()?.observed_at)).min();
    let help = "Age of the oldest inventory among all infrastructures that are watched";
    figure(registry, "inventory_age_seconds", help, oldest.map(seconds));
    let last = watched(items).filter_map(|it| it.status.last_success_at).max();
    let help = "When any infrastructure last answered, in seconds since 1970";
    let last = last.map(|at| at.as_millisecond() as f64 / 1_000.0);
    figure(registry, "last_success_timestamp_seconds", help, last);
}

fn credentials_register(registry: &mut Registry, items: &[FleetItem], now: Timestamp) {
    let left: Vec<i64> = watched(items)
        .filter_map(|it| it.source.credential.expires_at)
        .map(|at| at.as_second() - now.as_second())
        .collect();
    let help = "Time until the first credential ends; negative when one has ended";
    let least = left.iter().min().map(|it| *it as f64);
    figure(registry, "credential_expiry_seconds", help, least);
    let within = |days: i64| {
        left.iter().filter(|it| (0..days * SECONDS_PER_DAY).contains(*it)).count() as f64
    };
    let ended = left.iter().filter(|it| **it < 0).count() as f64;
    let counts = EXPIRY_DAYS.into_iter().map(|(days, word)| (word, within(days)));
    let help = "Credentials that end within this time; `ended` are those that have";
    family(registry, "credentials_expiring", help, "within", counts.chain([("ended", ended)]));
}

/// The sums that the API shows.
fn totals_register(registry: &mut Registry, usage: &Usage) {
    let Totals { counted, nodes_ready, nodes_total, cpu, memory, storage, pods, .. } = usage.totals;
    let help = "Infrastructures whose figures are in the sums of the fleet";
    figure(registry, "fleet_infrastructures_counted", help, f64::from(counted));
    let nodes = [("ready", f64::from(nodes_ready)), ("total", f64::from(nodes_total))];
    family(registry, "fleet_nodes", "Nodes of the fleet", "view", nodes);
    let cores = |millicores: u64| millicores as f64 / 1_000.0;
    let views = [
        ("used", cpu.used_millicores.map(cores)),
        ("requested", Some(cores(cpu.requested_millicores))),
        ("allocatable", Some(cores(cpu.allocatable_millicores))),
        ("capacity", Some(cores(cpu.capacity_millicores))),
    ];
    family(registry, "fleet_cpu_cores", "CPU of the fleet", "view", known(views));
    let bytes = |it: u64| it as f64;
    let views = [
        ("used", memory.used_bytes.map(bytes)),
        ("requested", Some(bytes(memory.requested_bytes))),
        ("allocatable", Some(bytes(memory.allocatable_bytes))),
        ("capacity", Some(bytes(memory.capacity_bytes))),
    ];
    family(registry, "fleet_memory_bytes", "Memory of the fleet", "view", known(views));
    let views = [
        ("used", storage.used_bytes.map(bytes)),
        ("requested", Some(bytes(storage.requested_bytes))),
        ("allocatable", Some(bytes(storage.allocatable_bytes))),
        ("capacity", Some(bytes(storage.capacity_bytes))),
    ];
    family(registry, "fleet_storage_bytes", "Storage of the fleet", "view", known(views));
    let counts = [
        ("running", bytes(pods.running)),
        ("total", bytes(pods.total)),
        ("allocatable", bytes(pods.allocatable)),
    ];
    family(registry, "fleet_pods", "Pods of the fleet", "view", counts);
}

fn known<const N: usize>(
    views: [(&'static str, Option<f64>); N],
) -> impl Iterator<Item = (&'static str, f64)> {
    views.into_iter().filter_map(|(view, value)| Some((view, value?)))
}

/// Families with a series an infrastructure, for those who asked for them.
fn each_register(registry: &mut Registry, items: &[FleetItem], now: Timestamp) {
    let each = |figure: fn(&Infrastructure, Timestamp) -> Option<f64>| {
        watched(items).filter_map(move |it| Some((it.name.as_str(), figure(it, now)?)))
    };
    let label = "infrastructure";
    let up = each(|it, _| match it.status.state {
        // Nobody looked: whether it is up is not known.
        State::Stale => None,
        state => Some(f64::from(u8::from(!state.is_down()))),
    });
    family(registry, "infrastructure_up", "Whether an infrastructure answers", label, up);
    let latency = each(|it, _| Some(f64::from(it.status.latency_ms?) / 1_000.0));
    let help = "How long the last answer of an infrastructure took";
    family(registry, "infrastructure_latency_seconds", help, label, latency);
    let success = each(|it, _| Some(it.status.last_success_at?.as_millisecond() as f64 / 1_000.0));
    let help = "When an infrastructure last answered, in seconds since 1970";
    family(registry, "infrastructure_last_success_timestamp_seconds", help, label, success);
    let expiry = each(|it, now| {
        Some((it.source.credential.expires_at?.as_second() - now.as_second()) as f64)
    });
    let help = "Time until the credential of an infrastructure ends";
    family(registry, "infrastructure_credential_expiry_seconds", help, label, expiry);
}
