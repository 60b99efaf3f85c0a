//! What happens to the history by itself: buckets of five minutes, hours and days, partitions
//! made ahead and dropped by age, old days sealed, forecasts.
//!
//! Promises: each pass may be interrupted anywhere and is safe to repeat; after downtime the next
//! pass catches up. One replica does it at a time; two at once are harmless. Does not: read
//! samples that are still on their way; they are taken in when they come.

use std::sync::Arc;
use std::time::Duration;

use nalabo_core::forecast::{Forecast, forecast_full};
use nalabo_core::history::{Level, Metric};
use nalabo_core::id::InfrastructureId;
use nalabo_core::pressure::Resource;
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_store::{self as store, commit};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use super::COLUMNS;
use crate::metrics::Worker;
use crate::{App, Error};

/// How often buckets that are over are made.
const EVERY: Duration = Duration::from_secs(60);
/// How often partitions, sealing and forecasts are looked after.
const HOURLY: SignedDuration = SignedDuration::from_hours(1);
const LEASE: &str = "loop/history";
/// Longer than a pass usually takes; a longer one that is joined by another is harmless.
const LEASE_LIFE: Duration = Duration::from_secs(150);
/// Partitions are there so long before they are needed: a weekend without NALABO.
const AHEAD_DAYS: u32 = 4;
/// Forecasts are reckoned from the hours of the last two weeks.
const FORECAST_BASIS: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Keeps the history, one pass after another.
#[derive(Debug)]
pub struct Keeper {
    app: Arc<App>,
    /// This process, among those that could do it.
    holder: Uuid,
    hourly_at: Option<Timestamp>,
}

impl Keeper {
    /// One that did nothing yet.
    pub fn new(app: Arc<App>) -> Self {
        Self { app, holder: Uuid::now_v7(), hourly_at: None }
    }

    /// Keeps the history until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            self.app.metrics.beat(Worker::History);
            tokio::select! {
                () = stop.cancelled() => break,
                kept = self.pass() => if let Err(error) = kept {
                    warn!(%error, "the history is not kept at present; the next pass catches up");
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
        if let Err(error) = store::lease_release(self.app.db.pool(), self.holder).await {
            warn!(%error, "the lease of the history was not released; it ends by itself");
        }
    }

    /// One pass; does nothing while another replica does it.
    pub async fn pass(&mut self) -> Result<(), Error> {
        let db = &self.app.db;
        let names = [LEASE.to_owned()];
        if store::lease_acquire(db.pool(), &names, self.holder, LEASE_LIFE).await?.is_empty() {
            return Ok(());
        }
        let now = self.app.now();
        let is_due = self.hourly_at.is_none_or(|at| now.duration_since(at).abs() >= HOURLY);
        if is_due {
            store::partitions_ensure(db, now, AHEAD_DAYS).await?;
        }
        for level in [Level::FiveMinutes, Level::Hour, Level::Day] {
            store::rollup_run(db, level, now).await?;
        }
        if is_due {
            store::chunks_seal(db, now).await?;
            store::partitions_drop(db, now, &self.app.settings.retention).await?;
            self.forecasts_make(now).await?;
            self.hourly_at = Some(now);
        }
        Ok(())
    }

    /// Reckons anew when each infrastructure will be full.
    async fn forecasts_make(&self, now: Timestamp) -> Result<(), Error> {
        let db = &self.app.db;
        let watched = store::infrastructure_watch_list(db.pool()).await?;
        let ids: Vec<InfrastructureId> = watched.iter().map(|it| it.id).collect();
        for (id, series) in store::series_ensure(db.pool(), &ids).await? {
            let from = now - FORECAST_BASIS;
            let metrics: Vec<Metric> = COLUMNS.iter().flat_map(|(_, metrics)| *metrics).collect();
            let rows =
                store::history_read(db.pool(), series, &metrics, Level::Hour, from, now).await?;
            let figure = |row: usize, place: usize| -> Option<f64> {
                rows[row].values.get(place).copied().flatten().map(|it| it.avg as f64)
            };
            let forecast = |place: usize| -> Option<Forecast> {
                let allocatable = (0..rows.len()).rev().find_map(|row| figure(row, place + 2))?;
                let points: Vec<(Timestamp, f64)> = (0..rows.len())
                    .filter_map(|row| {
                        let amount = figure(row, place).or_else(|| figure(row, place + 1))?;
                        Some((rows[row].at, amount))
                    })
                    .collect();
                forecast_full(&points, allocatable, now)
            };
            let forecasts: Vec<(Resource, Forecast)> = COLUMNS
                .iter()
                .enumerate()
                .filter_map(|(number, (resource, _))| Some((*resource, forecast(number * 3)?)))
                .collect();
            let mut tx = db.begin().await?;
            store::forecasts_replace(&mut tx, id, &forecasts, now).await?;
            commit(tx).await?;
        }
        Ok(())
    }
}
