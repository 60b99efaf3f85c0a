//! What was measured, on its way to the history.
//!
//! Promises: an hour without the database loses nothing, and costs a bounded amount of memory;
//! what is older goes first. What was written although we were told it was not is written again,
//! which changes nothing. Does not: hold up a watcher, or know what becomes of a sample.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use nalabo_core::Timestamp;
use nalabo_core::history::{MetricValues, NodeFigures, NodeSample, Sample, SeriesKey};
use nalabo_core::id::InfrastructureId;
use nalabo_core::inventory::NodeFacts;
use nalabo_store as store;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::metrics::{Queue, Worker};
use crate::{App, Error};

/// Samples wait for the database so long at most; a clock that jumps makes nothing older.
const KEPT_FOR: Duration = Duration::from_secs(3_600);
/// An hour of a thousand infrastructures, of which some are looked at: 35 MB.
const SAMPLES_MAX: usize = 100_000;
/// An hour of ten thousand nodes.
const NODES_MAX: usize = 120_000;
/// Samples are written this often.
const WRITE_EVERY: Duration = Duration::from_secs(10);
/// So many at once; larger ones would hold up others that need the database.
const BATCH: usize = 5_000;
/// Between two batches of what piled up, so that others get their turn.
const BATCH_PAUSE: Duration = Duration::from_millis(50);

/// One infrastructure at a moment.
#[derive(Debug, Clone, Copy)]
struct Measured {
    since: Instant,
    id: InfrastructureId,
    at: Timestamp,
    values: MetricValues,
}

/// The nodes of one infrastructure at a moment.
#[derive(Debug)]
struct NodesMeasured {
    since: Instant,
    id: InfrastructureId,
    at: Timestamp,
    nodes: Vec<NodeSample>,
}

/// What waits.
#[derive(Debug, Default)]
struct Waiting {
    samples: VecDeque<Measured>,
    nodes: VecDeque<NodesMeasured>,
    nodes_count: usize,
}

impl Waiting {
    /// Drops what is too old or too much, the oldest first.
    fn bound(&mut self, now: Instant) {
        let is_old = |since: Instant| now.duration_since(since) > KEPT_FOR;
        while self.samples.len() > SAMPLES_MAX
            || self.samples.front().is_some_and(|it| is_old(it.since))
        {
            self.samples.pop_front();
        }
        while self.nodes_count > NODES_MAX || self.nodes.front().is_some_and(|it| is_old(it.since))
        {
            let Some(gone) = self.nodes.pop_front() else { break };
            self.nodes_count -= gone.nodes.len();
        }
    }
}

/// The queue between watchers and the history.
#[derive(Debug)]
pub struct Recorder {
    app: Arc<App>,
    waiting: Mutex<Waiting>,
    series: Mutex<HashMap<InfrastructureId, SeriesKey>>,
}

impl Recorder {
    /// An empty one.
    pub fn new(app: Arc<App>) -> Self {
        Self { app, waiting: Mutex::default(), series: Mutex::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no holder of this lock can panic")
    }

    /// Notes what was measured of an infrastructure.
    pub fn note(&self, id: InfrastructureId, at: Timestamp, values: MetricValues) {
        let mut waiting = self.waiting();
        let since = Instant::now();
        waiting.samples.push_back(Measured { since, id, at, values });
        waiting.bound(since);
        self.app.metrics.queue_depth_note(Queue::Recorder, waiting.samples.len());
    }

    /// Notes what was measured of the nodes of an infrastructure.
    pub fn nodes_note(&self, id: InfrastructureId, at: Timestamp, nodes: &[NodeFacts]) {
        let nodes: Vec<NodeSample> = nodes.iter().map(sample_of).collect();
        let mut waiting = self.waiting();
        let since = Instant::now();
        waiting.nodes_count += nodes.len();
        waiting.nodes.push_back(NodesMeasured { since, id, at, nodes });
        waiting.bound(since);
    }

    /// Forgets an infrastructure that is watched here no more; what waits is still written.
    pub fn forget(&self, id: InfrastructureId) {
        self.series.lock().expect("no holder of this lock can panic").remove(&id);
    }

    /// How many samples wait, and of how many infrastructures the series is kept in mind.
    pub fn held(&self) -> (usize, usize) {
        let series = self.series.lock().expect("no holder of this lock can panic").len();
        (self.waiting().samples.len(), series)
    }

    /// Writes until `stop`, and once more then.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            self.app.metrics.beat(Worker::Recorder);
            let stopping = tokio::select! {
                () = stop.cancelled() => true,
                () = tokio::time::sleep(WRITE_EVERY) => false,
            };
            if let Err(error) = self.flush().await {
                let (samples, _) = self.held();
                warn!(%error, samples, "what was measured waits for the database");
            }
            if stopping {
                return;
            }
        }
    }

    /// Writes everything that waits; what cannot be written goes on waiting.
    pub async fn flush(&self) -> Result<(), Error> {
        loop {
            let batch: Vec<Measured> = {
                let mut waiting = self.waiting();
                let count = waiting.samples.len().min(BATCH);
                waiting.samples.drain(..count).collect()
            };
            if batch.is_empty() {
                break;
            }
            let more = batch.len() == BATCH;
            if let Err(error) = self.write(&batch).await {
                let mut waiting = self.waiting();
                for it in batch.into_iter().rev() {
                    waiting.samples.push_front(it);
                }
                waiting.bound(Instant::now());
                return Err(error);
            }
            if more {
                tokio::time::sleep(BATCH_PAUSE).await;
            }
        }
        self.nodes_flush().await?;
        let mut waiting = self.waiting();
        // After an outage the queues are large and empty.
        waiting.samples.shrink_to(BATCH);
        waiting.nodes.shrink_to(BATCH);
        self.app.metrics.queue_depth_note(Queue::Recorder, waiting.samples.len());
        Ok(())
    }

    async fn write(&self, batch: &[Measured]) -> Result<(), Error> {
        let series = self.series_of(batch.iter().map(|it| it.id)).await?;
        let samples: Vec<Sample> = batch
            .iter()
            // Of an infrastructure that is gone nothing is kept.
            .filter_map(|it| {
                let series = *series.get(&it.id)?;
                Some(Sample { series, at: it.at, values: it.values })
            })
            .collect();
        store::samples_write(self.app.db.pool(), &samples).await?;
        Ok(())
    }

    async fn nodes_flush(&self) -> Result<(), Error> {
        loop {
            let Some(next) = self.waiting().nodes.pop_front() else { return Ok(()) };
            let written = async {
                let series = self.series_of(std::iter::once(next.id)).await?;
                if let Some(series) = series.get(&next.id) {
                    let db = self.app.db.pool();
                    store::node_samples_write(db, *series, next.at, &next.nodes).await?;
                }
                Ok(())
            };
            let result: Result<(), Error> = written.await;
            let mut waiting = self.waiting();
            if let Err(error) = result {
                waiting.nodes.push_front(next);
                return Err(error);
            }
            waiting.nodes_count = waiting.nodes_count.saturating_sub(next.nodes.len());
        }
    }

    /// The series of these infrastructures, made where there is none yet.
    async fn series_of(
        &self,
        ids: impl Iterator<Item = InfrastructureId>,
    ) -> Result<HashMap<InfrastructureId, SeriesKey>, Error> {
        let mut known = HashMap::new();
        let mut unknown = Vec::new();
        {
            let series = self.series.lock().expect("no holder of this lock can panic");
            for id in ids {
                match series.get(&id) {
                    Some(key) => drop(known.insert(id, *key)),
                    None => unknown.push(id),
                }
            }
        }
        if !unknown.is_empty() {
            unknown.sort_unstable();
            unknown.dedup();
            let made = store::series_ensure(self.app.db.pool(), &unknown).await?;
            self.series.lock().expect("no holder of this lock can panic").extend(&made);
            known.extend(made);
        }
        Ok(known)
    }
}

fn sample_of(it: &NodeFacts) -> NodeSample {
    let figure = |value: u64| Some(i64::try_from(value).unwrap_or(i64::MAX));
    NodeSample {
        name: it.name.clone(),
        cpu: NodeFigures {
            used: it.cpu.used_millicores.and_then(figure),
            requested: figure(it.cpu.requested_millicores),
            allocatable: figure(it.cpu.allocatable_millicores),
        },
        memory: NodeFigures {
            used: it.memory.used_bytes.and_then(figure),
            requested: figure(it.memory.requested_bytes),
            allocatable: figure(it.memory.allocatable_bytes),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_the_most_that_waits_and_the_oldest_goes_first() {
        let (mut waiting, start) = (Waiting::default(), Instant::now());
        let at = Timestamp::UNIX_EPOCH;
        let id = InfrastructureId::new();
        for minute in 0..90 {
            let since = start + Duration::from_secs(60 * minute);
            waiting.samples.push_back(Measured { since, id, at, values: MetricValues::default() });
            let nodes = vec![NodeSample {
                name: String::new(),
                cpu: NodeFigures::default(),
                memory: NodeFigures::default(),
            }];
            waiting.nodes.push_back(NodesMeasured { since, id, at, nodes });
            waiting.nodes_count += 1;
            waiting.bound(since);
        }
        assert_eq!((waiting.samples.len(), waiting.nodes.len(), waiting.nodes_count), (61, 61, 61));
        assert_eq!(waiting.samples[0].since, start + Duration::from_secs(60 * 29));
    }
}
