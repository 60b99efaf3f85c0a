//! How full the fleet is, and was a day and a month ago.
//!
//! Promises: the same formula then and now; what was not measured then is not guessed. What was
//! is asked of the history once a minute, however many ask.

use std::collections::BTreeMap;
use std::sync::Mutex;

use nalabo_core::history::{BucketRow, Level, Metric, SeriesKey};
use nalabo_core::inventory::{Totals, percent_of_allocatable};
use nalabo_core::pressure::{Resource, Resources};
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_store as store;

use crate::history::{COLUMNS, DAY, MONTH};
use crate::{App, Error};

/// What was does not change; what is a minute off does not matter.
const ASK_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// How full a resource is and was, in percent of allocatable: used, else requested.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ResourceTrend {
    /// At present.
    pub now_percent: Option<f64>,
    /// Then.
    pub then_percent: Option<f64>,
}

/// How full the fleet is and was.
#[derive(Debug, Clone, Default)]
pub struct Trend {
    /// A day ago.
    pub day: BTreeMap<Resource, ResourceTrend>,
    /// Thirty days ago.
    pub month: BTreeMap<Resource, ResourceTrend>,
}

type Percents = BTreeMap<Resource, f64>;

/// What was, as last asked for.
#[derive(Debug, Default)]
pub(crate) struct TrendMemory(Mutex<Option<(Timestamp, Percents, Percents)>>);

/// How full the fleet is, of `totals`, and was.
pub(super) async fn trend_read(app: &App, totals: &Totals) -> Result<Trend, Error> {
    let now = app.now();
    let known = app.trend.0.lock().expect("no holder of this lock can panic").clone();
    let (day, month) = match known {
        Some((at, day, month)) if now.duration_since(at).abs() < ASK_EVERY => (day, month),
        _ => {
            let day = percents_at(app, Level::FiveMinutes, now - DAY).await?;
            let month = percents_at(app, Level::Hour, now - MONTH).await?;
            *app.trend.0.lock().expect("no holder of this lock can panic") =
                Some((now, day.clone(), month.clone()));
            (day, month)
        }
    };
    let Totals { cpu, memory, storage, pods, .. } = *totals;
    let present = Resources { cpu, memory, storage, pods };
    let compare = |then: &Percents| {
        Resource::ALL
            .into_iter()
            .map(|it| {
                let now_percent = present.pressure(it).map(|it| it.percent);
                (it, ResourceTrend { now_percent, then_percent: then.get(&it).copied() })
            })
            .collect()
    };
    Ok(Trend { day: compare(&day), month: compare(&month) })
}

/// How full the fleet was around a moment: by the nearest bucket within three steps of it.
async fn percents_at(app: &App, level: Level, at: Timestamp) -> Result<Percents, Error> {
    let metrics: Vec<Metric> = COLUMNS.iter().flat_map(|(_, metrics)| *metrics).collect();
    let around = SignedDuration::from_secs(3 * level.step_seconds());
    let rows = store::history_read(
        app.db.pool(),
        SeriesKey::FLEET,
        &metrics,
        level,
        at - around,
        at + around,
    )
    .await?;
    let nearest = rows.iter().min_by_key(|it| it.at.duration_since(at).abs());
    Ok(nearest.map(percents_of).unwrap_or_default())
}

fn percents_of(row: &BucketRow) -> Percents {
    let figure = |place: usize| {
        let value = row.values.get(place).copied().flatten()?;
        u64::try_from(value.avg).ok()
    };
    COLUMNS
        .iter()
        .enumerate()
        .filter_map(|(number, (resource, _))| {
            let place = number * 3;
            let amount = figure(place).or_else(|| figure(place + 1))?;
            Some((*resource, percent_of_allocatable(amount, figure(place + 2)?)?))
        })
        .collect()
}
