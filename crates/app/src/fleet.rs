//! The fleet as this process knows it: what lists, usage and statistics are made of.
//!
//! Promises: one picture of every infrastructure, shared by all who ask; what any replica
//! committed is in it as soon as PostgreSQL told of it, what this process committed at once, and
//! figures that nobody is told of (the last look, figures of use) within [`QUIET_MAX`]. While
//! nobody tells of changes, or the clock jumped, it is read anew for every question; while the
//! database is away, it stays as it was and grows stale by its own clock. Does not: answer for
//! one infrastructure; that row is read.
//!
//! ```text
//! NOTIFY, own commits ─▶ news ─┐
//!                              ├─ who asks next reads what is new ─▶ snapshot ─▶ everybody
//! every 3 s, if asked ─────────┘
//! ```

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use nalabo_core::access::Permission;
use nalabo_core::availability::{Availability, StateSpan, strip};
use nalabo_core::forecast::Forecast;
use nalabo_core::health::{NetworkSuspect, State, network_suspect};
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::{Infrastructure, Mode};
use nalabo_core::pressure::Resource;
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_store::{self as store, Change, FullNode, InfrastructureFilter};
use tracing::warn;

use crate::history::DAY;
use crate::{App, Ctx, Error};

/// What nobody is told of is this old at most.
const QUIET_MAX: SignedDuration = SignedDuration::from_secs(3);
/// Everything is read anew after this: a change that was lost costs no more.
const WHOLE_EVERY: SignedDuration = SignedDuration::from_secs(60);
/// Parts of the strip of a day: half an hour each.
const STRIP_SLOTS: usize = 48;
/// So many of the fleet's fullest nodes are named.
const FULLEST_MAX: usize = 10;

/// An infrastructure with what else is known of it.
#[derive(Debug, Clone)]
pub struct FleetItem {
    /// As of the moment of the snapshot.
    pub infrastructure: Infrastructure,
    /// The worst state of each half hour of the last 24 hours, oldest first.
    pub strip: Arc<[Option<State>]>,
    /// How much of the last 24 hours it answered.
    pub availability: Availability,
    /// What will be full first, if it goes on as it did.
    pub forecast: Option<(Resource, Forecast)>,
}

impl std::ops::Deref for FleetItem {
    type Target = Infrastructure;

    fn deref(&self) -> &Infrastructure {
        &self.infrastructure
    }
}

/// A node among the fullest of the fleet.
#[derive(Debug, Clone)]
pub struct FleetNode {
    /// Where.
    pub infrastructure_id: InfrastructureId,
    /// Its name.
    pub infrastructure_name: String,
    /// Which, and how full.
    pub node: FullNode,
}

/// The fleet at a moment.
#[derive(Debug)]
pub struct FleetSnapshot {
    /// Grows with each reading; the same number is the same snapshot, within this process.
    pub number: u64,
    /// When it was made.
    pub at: Timestamp,
    /// Every infrastructure, by name.
    pub items: Vec<FleetItem>,
    /// The fullest nodes, the fullest first.
    pub fullest: Vec<FleetNode>,
}

/// What is to be read anew.
#[derive(Debug, Default)]
struct News {
    /// Somebody waits for these.
    ids: HashSet<InfrastructureId>,
    /// These may wait for [`QUIET_MAX`].
    quiet: HashSet<InfrastructureId>,
    /// Everything.
    all: bool,
    /// Somebody reads what was told: the snapshot from before it does not do any more.
    is_being_read: bool,
}

/// News on their way into the snapshot. Whoever asked may go away while the database is read; the
/// news stay for the next.
struct Taken<'a> {
    fleet: &'a Fleet,
    news: News,
    is_read: bool,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let taken = std::mem::take(&mut self.news);
        let mut news = self.fleet.news.lock().expect("no holder of this lock can panic");
        news.is_being_read = false;
        if self.is_read {
            return;
        }
        news.ids.extend(taken.ids);
        news.quiet.extend(taken.quiet);
        news.all |= taken.all;
    }
}

/// What was read, before the clock is applied to it.
#[derive(Debug, Default)]
struct Read {
    rows: BTreeMap<InfrastructureId, Infrastructure>,
    spans: HashMap<InfrastructureId, Vec<StateSpan>>,
    forecasts: HashMap<InfrastructureId, (Resource, Forecast)>,
    fullest: Vec<(InfrastructureId, Vec<FullNode>)>,
    whole_at: Option<Timestamp>,
    number: u64,
}

/// The fleet of this process.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    snapshot: Mutex<Option<Arc<FleetSnapshot>>>,
    news: Mutex<News>,
    /// Held by whoever reads; the others wait and take what was read.
    read: tokio::sync::Mutex<Read>,
    /// PostgreSQL tells of changes at present.
    follows: AtomicBool,
    /// The database was asked last, and did not answer.
    away_at: Mutex<Option<Timestamp>>,
}

impl Fleet {
    /// Takes in what PostgreSQL told; the first is that everything is to be read.
    pub fn hear(&self, change: &Change) {
        match change {
            Change::Infrastructure { id, .. } => self.changed(*id),
            Change::Resync => {
                self.news.lock().expect("no holder of this lock can panic").all = true;
                self.follows.store(true, Ordering::Release);
            }
            _ => {}
        }
    }

    /// Nobody tells of changes any more.
    pub fn unfollow(&self) {
        self.follows.store(false, Ordering::Release);
    }

    /// An infrastructure changed: whoever asks next sees it.
    pub fn changed(&self, id: InfrastructureId) {
        self.news.lock().expect("no holder of this lock can panic").ids.insert(id);
    }

    /// Its figures of use were read anew: whoever asks sees it soon.
    pub fn figures_changed(&self, id: InfrastructureId) {
        self.news.lock().expect("no holder of this lock can panic").quiet.insert(id);
    }

    /// What is to be read; dropped before it was, it is to be read still.
    fn news_take(&self) -> Taken<'_> {
        let mut news = self.news.lock().expect("no holder of this lock can panic");
        let taken = std::mem::take(&mut *news);
        news.is_being_read = taken.all || !taken.ids.is_empty();
        Taken { fleet: self, news: taken, is_read: false }
    }

    /// The snapshot, if it will do.
    fn fresh(&self, now: Timestamp) -> Option<Arc<FleetSnapshot>> {
        if !self.follows.load(Ordering::Acquire) {
            return None;
        }
        let away_at = *self.away_at.lock().expect("no holder of this lock can panic");
        let is_away = away_at.is_some_and(|at| now.duration_since(at).abs() < QUIET_MAX);
        // While the database is away not everybody who asks waits for it.
        if !is_away {
            let news = self.news.lock().expect("no holder of this lock can panic");
            if news.all || news.is_being_read || !news.ids.is_empty() {
                return None;
            }
        }
        let kept = self.snapshot.lock().expect("no holder of this lock can panic").clone();
        kept.filter(|it| now.duration_since(it.at).abs() < QUIET_MAX)
    }
}

/// The number of the fleet as of now: what is made of it is the same until the number is another.
pub async fn fleet_number(ctx: &Ctx) -> Result<u64, Error> {
    ctx.require(Permission::InfrastructureRead)?;
    Ok(fleet_read(&ctx.app).await?.number)
}

/// Whether so many went at once that our own network is the likelier cause.
pub(crate) fn fleet_network_suspect(fleet: &FleetSnapshot) -> Option<NetworkSuspect> {
    let watched = fleet.items.iter().filter(|it| it.mode != Mode::Disabled).count();
    let down = fleet.items.iter().filter(|it| it.status.state.is_down());
    let watched = u32::try_from(watched).unwrap_or(u32::MAX);
    network_suspect(down.map(|it| it.status.since), watched)
}

/// The fleet as of now.
pub(crate) async fn fleet_read(app: &App) -> Result<Arc<FleetSnapshot>, Error> {
    let fleet = &app.fleet;
    if let Some(fresh) = fleet.fresh(app.now()) {
        return Ok(fresh);
    }
    let mut read = fleet.read.lock().await;
    // Somebody else may have read while this one waited.
    let now = app.now();
    if let Some(fresh) = fleet.fresh(now) {
        return Ok(fresh);
    }
    let mut taken = fleet.news_take();
    match read.refresh(app, &taken.news, now).await {
        Ok(()) => {
            taken.is_read = true;
            *fleet.away_at.lock().expect("no holder of this lock can panic") = None;
        }
        Err(error) => {
            fleet.news.lock().expect("no holder of this lock can panic").all = true;
            if read.whole_at.is_none() || !fleet.follows.load(Ordering::Acquire) {
                return Err(error);
            }
            warn!(%error, "the fleet is shown as it was last read");
            *fleet.away_at.lock().expect("no holder of this lock can panic") = Some(app.now());
        }
    }
    // Statuses age by the clock, so that what is not renewed is shown as stale.
    read.number += 1;
    let snapshot = Arc::new(read.snapshot(app, app.now()));
    *fleet.snapshot.lock().expect("no holder of this lock can panic") = Some(Arc::clone(&snapshot));
    Ok(snapshot)
}

impl Read {
    async fn refresh(&mut self, app: &App, news: &News, now: Timestamp) -> Result<(), Error> {
        let db = app.db.pool();
        let is_old = self.whole_at.is_none_or(|at| now.duration_since(at).abs() >= WHOLE_EVERY);
        let whole = news.all || is_old || !app.fleet.follows.load(Ordering::Acquire);
        if whole {
            let rows = store::infrastructure_list(db, &InfrastructureFilter::default()).await?;
            self.rows = rows.into_iter().map(|it| (it.id, it)).collect();
            self.forecasts.clear();
            for (id, resource, forecast) in store::forecast_list(db).await? {
                // The soonest comes first.
                self.forecasts.entry(id).or_insert((resource, forecast));
            }
            self.fullest = store::node_fullest_list(db).await?;
        } else {
            let ids: Vec<_> = news.ids.union(&news.quiet).copied().collect();
            let filter = InfrastructureFilter { ids: Some(ids.clone()), ..Default::default() };
            let found = match ids.is_empty() {
                true => Vec::new(),
                false => store::infrastructure_list(db, &filter).await?,
            };
            for id in &ids {
                self.rows.remove(id);
            }
            self.rows.extend(found.into_iter().map(|it| (it.id, it)));
            for (id, status) in store::status_list(db).await? {
                if let Some(row) = self.rows.get_mut(&id) {
                    row.status = status;
                }
            }
        }
        if whole || !news.ids.is_empty() {
            self.spans = store::state_span_list(db, None, now - DAY, now).await?;
        }
        if whole {
            self.whole_at = Some(now);
        }
        Ok(())
    }

    fn snapshot(&self, app: &App, now: Timestamp) -> FleetSnapshot {
        let day_ago = now - DAY;
        let mut items: Vec<FleetItem> = self
            .rows
            .values()
            .map(|row| {
                let mut infrastructure = row.clone();
                infrastructure.status = row.status.clone().as_of(now, &app.settings.pace);
                let spans = self.spans.get(&row.id).map_or(&[][..], Vec::as_slice);
                FleetItem {
                    infrastructure,
                    strip: strip(spans, day_ago, now, STRIP_SLOTS).into(),
                    availability: Availability::of(spans, day_ago, now),
                    forecast: self.forecasts.get(&row.id).copied(),
                }
            })
            .collect();
        items.sort_by_cached_key(|it| it.infrastructure.name.as_str().to_lowercase());
        FleetSnapshot { number: self.number, at: now, fullest: self.fullest_nodes(), items }
    }

    fn fullest_nodes(&self) -> Vec<FleetNode> {
        let mut nodes: Vec<FleetNode> = self
            .fullest
            .iter()
            .filter_map(|(id, nodes)| Some((self.rows.get(id)?, nodes)))
            // What does not answer says nothing of the present.
            .filter(|(row, _)| !row.status.state.is_down())
            .flat_map(|(row, nodes)| {
                nodes.iter().map(|node| FleetNode {
                    infrastructure_id: row.id,
                    infrastructure_name: row.name.to_string(),
                    node: node.clone(),
                })
            })
            .collect();
        nodes.sort_by(|a, b| b.node.tightest_percent().total_cmp(&a.node.tightest_percent()));
        nodes.truncate(FULLEST_MAX);
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_given_the_old_snapshot_while_somebody_reads_the_news() {
        let (fleet, now) = (Fleet::default(), Timestamp::UNIX_EPOCH);
        fleet.follows.store(true, Ordering::Release);
        let old = FleetSnapshot { number: 1, at: now, items: Vec::new(), fullest: Vec::new() };
        *fleet.snapshot.lock().expect("free") = Some(Arc::new(old));
        assert!(fleet.fresh(now).is_some());
        fleet.changed(InfrastructureId::new());
        assert!(fleet.fresh(now).is_none());
        let mut taken = fleet.news_take();
        assert!(fleet.fresh(now).is_none(), "who asks now waits for what is being read");
        taken.is_read = true;
        drop(taken);
        assert!(fleet.fresh(now).is_some());
    }

    #[test]
    fn news_outlive_the_one_who_went_away_while_they_were_read() {
        let fleet = Fleet::default();
        let (told, quiet) = (InfrastructureId::new(), InfrastructureId::new());
        fleet.changed(told);
        fleet.figures_changed(quiet);
        drop(fleet.news_take());
        let mut taken = fleet.news_take();
        assert!(taken.news.ids.contains(&told) && taken.news.quiet.contains(&quiet));
        taken.is_read = true;
        drop(taken);
        assert!(fleet.news_take().news.ids.is_empty(), "what was read is no news");
    }
}
