//! What is due with environments: making, ending, removing.
//!
//! Promises: whoever works holds a lease that it renews, and writes only while the lease is its
//! own; killed at any moment, whoever takes the environment next repeats the step that was not
//! finished. An attempt that fails leaves an environment that is being removed, and another one
//! that is asked for. Does not: give up a removal.

use std::sync::Arc;
use std::time::Duration;

use nalabo_core::environment::{AfterFailure, StartRecord, TimeLimits, after_failure};
use nalabo_core::environment::{
    Environment, EnvironmentFailure, EnvironmentReason, EnvironmentSpec, EnvironmentState,
    EnvironmentStep,
};
use nalabo_core::id::EnvironmentId;
use nalabo_core::platform::PlatformSettings;
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_fleet::{KubernetesInfrastructureService, Provisioned, Removal};
use nalabo_store::{self as store, Change, EnvironmentCount, Tx, commit, notify};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use tracing::{info, warn};

use super::WORK_LEASE;
use crate::services::service_of;
use crate::{App, Error};

const RENEW_EVERY: Duration = Duration::from_secs(5);
/// A removal is looked at again after this, at first.
const REMOVAL_LOOK: SignedDuration = SignedDuration::from_secs(1);
/// And at least this often.
const REMOVAL_LOOK_MAX: SignedDuration = SignedDuration::from_secs(30);
/// An infrastructure that does not answer is asked again after this.
const AWAY_RETRY: SignedDuration = SignedDuration::from_secs(15);

/// Does everything that is due now, and waits for how it ends. How many environments that were.
pub async fn work_pass(app: &Arc<App>) -> Result<usize, Error> {
    let (mut under_way, mut done) = (JoinSet::new(), 0);
    loop {
        done += work_start(app, &mut under_way, usize::MAX).await?;
        if under_way.join_next().await.is_none() {
            return Ok(done);
        }
    }
}

/// Takes up to `room` of what is due.
pub(super) async fn work_start(
    app: &Arc<App>,
    under_way: &mut JoinSet<()>,
    room: usize,
) -> Result<usize, Error> {
    if room == 0 {
        return Ok(0);
    }
    let settings = store::platform_settings_find(app.db.pool()).await?;
    let now = app.now();
    let limit = i64::try_from(room.min(200)).unwrap_or(1);
    let starts = i64::from(settings.starts_at_once);
    let due = store::environment_take(app.db.pool(), now, now + WORK_LEASE, starts, limit).await?;
    let started = due.len();
    let settings = Arc::new(settings);
    for (id, lease_token) in due {
        let work = Work { app: Arc::clone(app), settings: Arc::clone(&settings), id, lease_token };
        under_way.spawn(async move {
            if let Err(error) = work.run().await {
                warn!(environment.id = %work.id, %error, "an environment was not worked on");
            }
            let given_back = store::environment_lease_end(work.app.db.pool(), id, lease_token);
            if let Err(error) = given_back.await {
                warn!(environment.id = %id, %error, "a lease was not given back; it ends by itself");
            }
            work.app.places.notify_one();
        });
    }
    Ok(started)
}

/// One environment that is ours for a while.
struct Work {
    app: Arc<App>,
    settings: Arc<PlatformSettings>,
    id: EnvironmentId,
    lease_token: i64,
}

impl Work {
    async fn run(&self) -> Result<(), Error> {
        let Some(found) = store::environment_find(self.app.db.pool(), self.id).await? else {
            return Ok(());
        };
        let environment = found.environment;
        match environment.state {
            EnvironmentState::Placed | EnvironmentState::Provisioning => {
                self.provision(environment).await
            }
            EnvironmentState::Ending => self.remove(&environment).await,
            EnvironmentState::Ready | EnvironmentState::Claimed | EnvironmentState::Paused => {
                self.expire().await
            }
            EnvironmentState::Requested | EnvironmentState::Ended | EnvironmentState::Failed => {
                Ok(())
            }
        }
    }

    async fn provision(&self, environment: Environment) -> Result<(), Error> {
        let app = &self.app;
        let begun = self
            .change(|it, now| {
                if it.state == EnvironmentState::Placed {
                    it.enter(EnvironmentState::Provisioning, now);
                    it.started_at = Some(now);
                }
                // Nothing is due while somebody works on it; who dies leaves it due.
                it.next_at = Some(now);
            })
            .await?;
        let Some(begun) = begun else { return Ok(()) };
        let Some(service) = self.service(&environment).await? else {
            return self
                .attempt_failed(EnvironmentFailure {
                    reason: EnvironmentReason::Unreachable,
                    detail: "the infrastructure is no longer connected".to_owned(),
                })
                .await;
        };
        let spec = spec_of(app, &begun, &self.settings).await?;
        let until = begun.started_at.unwrap_or(begun.since)
            + SignedDuration::from_secs(i64::from(self.settings.start_deadline_seconds));
        let left = until.duration_since(app.now());
        let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
        let made = timeout(left, self.provision_watched(&service, &spec)).await;
        match made {
            Ok(Ok(Some(provisioned))) => self.provisioned(provisioned).await,
            // The lease went to somebody else, or the environment is to end: nothing of ours.
            Ok(Ok(None)) => Ok(()),
            Ok(Err(failure)) => self.attempt_failed(failure).await,
            Err(_) => {
                let seconds = self.settings.start_deadline_seconds;
                self.attempt_failed(EnvironmentFailure {
                    reason: EnvironmentReason::StartDeadline,
                    detail: format!("it was not ready {seconds} s after its start"),
                })
                .await
            }
        }
    }

    /// Makes it, writes down every step, and keeps the lease meanwhile. Nothing when the lease
    /// was lost.
    async fn provision_watched(
        &self,
        service: &KubernetesInfrastructureService,
        spec: &EnvironmentSpec,
    ) -> Result<Option<Provisioned>, EnvironmentFailure> {
        let (steps_in, mut steps) = mpsc::unbounded_channel::<(EnvironmentStep, Option<String>)>();
        let progress = move |step, uid: Option<&str>| {
            // Nobody listens any more only when nobody wants it any more.
            let _ = steps_in.send((step, uid.map(str::to_owned)));
        };
        let mut making = Box::pin(service.environment_provision(spec, &progress));
        let mut renewals = interval(RENEW_EVERY);
        loop {
            tokio::select! {
                made = &mut making => {
                    drop(making);
                    while let Ok(it) = steps.try_recv() {
                        let _ = self.step_write(it).await;
                    }
                    return made.map(Some);
                }
                Some(it) = steps.recv() => {
                    if matches!(self.step_write(it).await, Ok(false)) {
                        return Ok(None);
                    }
                }
                _ = renewals.tick() => {
                    if matches!(self.lease_renew().await, Ok(false)) {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Whether it is still to be made by us.
    async fn step_write(
        &self,
        (step, namespace_uid): (EnvironmentStep, Option<String>),
    ) -> Result<bool, Error> {
        let written = self
            .change(|it, now| {
                if namespace_uid.is_some() {
                    it.namespace_uid = namespace_uid;
                }
                if it.step != step {
                    it.step_begin(step, now);
                }
            })
            .await?;
        Ok(written.is_some_and(|it| it.state == EnvironmentState::Provisioning))
    }

    /// Whether it is still to be made by us; then for longer. Who ended it meanwhile need not wait
    /// until it is ready.
    async fn lease_renew(&self) -> Result<bool, Error> {
        let until = self.app.now() + WORK_LEASE;
        let db = self.app.db.pool();
        if !store::environment_lease_renew(db, self.id, self.lease_token, until).await? {
            return Ok(false);
        }
        let found = store::environment_find(db, self.id).await?;
        Ok(found.is_some_and(|it| it.environment.state == EnvironmentState::Provisioning))
    }

    async fn provisioned(&self, made: Provisioned) -> Result<(), Error> {
        let db = self.app.db.pool();
        let Some(found) = store::environment_find(db, self.id).await? else { return Ok(()) };
        let session = store::workshop_session_find(db, found.environment.session_id).await?;
        let written = self
            .change(|it, now| {
                it.namespace_uid = Some(made.namespace_uid);
                it.kubernetes_version = Some(made.kubernetes_version);
                it.ready_at = it.ready_at.or(Some(now));
                it.step_begin(EnvironmentStep::Done, now);
                it.reason = None;
                it.detail = None;
                if it.state != EnvironmentState::Provisioning {
                    return;
                }
                let session = session.as_ref();
                match (it.seat_id, session) {
                    (Some(_), Some(found)) => {
                        let end = found.session.end();
                        claim(it, &TimeLimits::of(&found.workshop, &self.settings, end), now);
                    }
                    _ => {
                        it.enter(EnvironmentState::Ready, now);
                        it.next_at = session.map(|it| it.session.end());
                    }
                }
            })
            .await?;
        if let Some(it) = written {
            let seconds = it.placed_at.map_or(0, |at| app_seconds(at, self.app.now()));
            info!(environment.id = %it.id, seconds, "an environment is ready");
        }
        Ok(())
    }

    /// It is removed where it failed, and its seat gets another try, elsewhere if there is an
    /// elsewhere.
    async fn attempt_failed(&self, failure: EnvironmentFailure) -> Result<(), Error> {
        let app = &self.app;
        let now = app.now();
        let mut tx = app.db.begin().await?;
        // The seat before what it has, as everybody does: else two would wait in a circle.
        let found = store::environment_find(&mut *tx, self.id).await?;
        if let Some(seat_id) = found.and_then(|it| it.environment.seat_id) {
            store::seat_lock(&mut tx, seat_id).await?;
        }
        let Some(mut it) = self.lock(&mut tx).await? else { return Ok(()) };
        if it.state != EnvironmentState::Provisioning {
            return Ok(());
        }
        warn!(
            environment.id = %it.id, infrastructure = it.infrastructure_name, reason = ?failure.reason,
            "an environment could not be made: {}", failure.detail
        );
        it.has_failed = true;
        it.end_begin(failure.reason, now);
        it.detail = Some(failure.detail.clone());
        store::environment_update(&mut tx, &it).await?;
        let counts = store::environment_count_list(&mut *tx, Some(it.session_id)).await?;
        let session = store::workshop_session_find(&mut *tx, it.session_id).await?;
        let is_wanted = session.is_some_and(|it| now < it.session.end());
        let record = start_record(&counts);
        let reason = failure.reason;
        let after = after_failure(reason, it.attempt, &record, &self.settings, now, rand::random());
        match after {
            AfterFailure::Retry { not_before } if is_wanted => {
                let mut next = it.retry(now);
                next.next_at = Some(not_before);
                store::environment_insert(&mut tx, &next).await?;
                seat_follows(&mut tx, &it, &next).await?;
                changed_notify(&mut tx, &next).await?;
            }
            AfterFailure::Retry { .. } => {}
            AfterFailure::GiveUp { reason } => {
                it.reason = Some(reason);
                store::environment_update(&mut tx, &it).await?;
            }
        }
        changed_notify(&mut tx, &it).await?;
        commit(tx).await?;
        app.wishes.notify_one();
        app.pools.notify_one();
        Ok(())
    }

    /// Its time is over, or a person gave it more meanwhile.
    async fn expire(&self) -> Result<(), Error> {
        let db = self.app.db.pool();
        let Some(found) = store::environment_find(db, self.id).await? else { return Ok(()) };
        let session = store::workshop_session_find(db, found.environment.session_id).await?;
        let limits =
            session.map(|it| TimeLimits::of(&it.workshop, &self.settings, it.session.end()));
        self.change(|it, now| {
            let removed_at = match (it.expires_at, &limits) {
                (Some(at), Some(limits)) => limits.removed_at(at),
                (None, Some(limits)) => limits.session_end,
                (_, None) => now,
            };
            if now < removed_at {
                it.next_at = Some(removed_at);
                return;
            }
            let reason = match it.seat_id {
                Some(_) => EnvironmentReason::Expired,
                None => EnvironmentReason::Unclaimed,
            };
            it.end_begin(reason, now);
        })
        .await?;
        Ok(())
    }

    async fn remove(&self, environment: &Environment) -> Result<(), Error> {
        let app = &self.app;
        let Some(service) = self.service(environment).await? else {
            // Forgotten with its infrastructure, where it is left alone.
            self.change(|it, now| it.end(now)).await?;
            return Ok(());
        };
        let instance = app.db.installation_id().await?;
        let uid = environment.namespace_uid.as_deref();
        let removal = service.environment_remove(environment.id, instance, uid).await;
        let written = self
            .change(|it, now| match &removal {
                Ok(Removal::Gone) => it.end(now),
                Ok(Removal::Removing { blocked_by }) => {
                    if let Some(by) = blocked_by {
                        it.detail = Some(by.clone());
                    }
                    let waited = now.duration_since(it.since);
                    let next = (waited / 10).clamp(REMOVAL_LOOK, REMOVAL_LOOK_MAX);
                    it.next_at = Some(now + next);
                }
                Err(failure) => {
                    it.detail = Some(failure.detail.clone());
                    it.next_at = Some(now + AWAY_RETRY);
                }
            })
            .await?;
        if written.is_some_and(|it| it.state.is_over()) {
            app.pools.notify_one();
        }
        Ok(())
    }

    async fn service(
        &self,
        environment: &Environment,
    ) -> Result<Option<KubernetesInfrastructureService>, Error> {
        match environment.infrastructure_id {
            Some(id) => service_of(&self.app, id).await,
            None => Ok(None),
        }
    }

    async fn lock(&self, tx: &mut Tx<'_>) -> Result<Option<Environment>, Error> {
        let found = store::environment_lock(tx, self.id).await?;
        Ok(found.filter(|it| it.lease_token == self.lease_token))
    }

    /// Changes the row while the lease is ours, and tells of it when something changed.
    async fn change(
        &self,
        change: impl FnOnce(&mut Environment, Timestamp),
    ) -> Result<Option<Environment>, Error> {
        let mut tx = self.app.db.begin().await?;
        let Some(before) = self.lock(&mut tx).await? else { return Ok(None) };
        let mut it = before.clone();
        change(&mut it, self.app.now());
        if it == before {
            return Ok(Some(it));
        }
        store::environment_update(&mut tx, &it).await?;
        let is_seen = (it.state, it.step, &it.detail, it.expires_at)
            != (before.state, before.step, &before.detail, before.expires_at);
        if is_seen {
            changed_notify(&mut tx, &it).await?;
        }
        commit(tx).await?;
        Ok(Some(it))
    }
}

/// A participant has it from now on.
pub(crate) fn claim(it: &mut Environment, limits: &TimeLimits, now: Timestamp) {
    it.enter(EnvironmentState::Claimed, now);
    it.claimed_at = Some(now);
    let expires_at = limits.expires_at(now);
    it.expires_at = Some(expires_at);
    it.next_at = Some(limits.removed_at(expires_at));
}

/// How starts of a session went so far: those that ended, well or not.
pub(crate) fn start_record(counts: &[EnvironmentCount]) -> StartRecord {
    use EnvironmentState as S;
    counts.iter().fold(StartRecord::default(), |mut sum, it| {
        if it.has_failed {
            sum.failed += it.count;
        }
        if it.has_failed || !matches!(it.state, S::Requested | S::Placed | S::Provisioning) {
            sum.ended += it.count;
        }
        sum
    })
}

/// The seat that had `old` has `new`, unless it has another by now.
pub(crate) async fn seat_follows(
    tx: &mut Tx<'_>,
    old: &Environment,
    new: &Environment,
) -> Result<(), Error> {
    let Some(seat_id) = old.seat_id else { return Ok(()) };
    let Some(mut seat) = store::seat_lock(tx, seat_id).await? else { return Ok(()) };
    if seat.environment_id == Some(old.id) {
        seat.environment_id = Some(new.id);
        store::seat_update(tx, &seat).await?;
    }
    Ok(())
}

/// Tells every replica and browser, when the transaction commits.
pub(crate) async fn changed_notify(tx: &mut Tx<'_>, it: &Environment) -> Result<(), Error> {
    let change = Change::Environment { id: it.id, session_id: it.session_id };
    notify(&mut **tx, &change).await?;
    Ok(())
}

/// What a driver is told.
async fn spec_of(
    app: &App,
    it: &Environment,
    settings: &PlatformSettings,
) -> Result<EnvironmentSpec, Error> {
    Ok(EnvironmentSpec {
        id: it.id,
        instance: app.db.installation_id().await?,
        generation: it.attempt,
        driver: it.driver,
        preset: it.preset,
        kubernetes_version: it.kubernetes_version.clone(),
        persistent: it.persistent,
        internet: it.internet,
        expires_at: it.expires_at,
        images: settings.images.clone(),
    })
}

fn app_seconds(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs()
}
