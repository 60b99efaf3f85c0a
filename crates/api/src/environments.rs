//! `/api/admin/environments`: what participants have, for those who keep infrastructures running;
//! `/api/admin/placements`: where more would go.

use std::collections::BTreeMap;

use axum::Json;
use nalabo_app::environments::{self as app, EnvironmentAsk, EnvironmentPage};
use nalabo_app::placements::placement_preview_read;
use nalabo_app::workshops::workshop_find;
use nalabo_core::Timestamp;
use nalabo_core::environment::{
    Driver, Environment, EnvironmentReason, EnvironmentState, EnvironmentStep, Preset,
};
use nalabo_core::id::{EnvironmentId, InfrastructureId, SeatId, WorkshopId, WorkshopSessionId};
use nalabo_core::placement::{Demand, Placement, PlacementPreview};
use nalabo_core::platform::PlatformSettings;
use nalabo_store::EnvironmentFound;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::request::{Body, Caller, Path, Query};

/// How far the making of an environment is.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct StepView {
    name: EnvironmentStep,
    /// From 1.
    number: u8,
    count: u8,
    since: Timestamp,
}

impl StepView {
    pub(crate) fn of(it: &Environment) -> Self {
        let count = u8::try_from(EnvironmentStep::ALL.len()).unwrap_or(u8::MAX);
        Self { name: it.step, number: it.step.number(), count, since: it.step_since }
    }
}

/// An environment.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EnvironmentView {
    id: EnvironmentId,
    /// The id as names on the infrastructure hold it.
    label: String,
    state: EnvironmentState,
    /// Since when.
    since: Timestamp,
    reason: Option<EnvironmentReason>,
    /// The reason in one English sentence, for operators.
    detail: Option<String>,
    step: StepView,
    driver: Driver,
    preset: Preset,
    session_id: WorkshopSessionId,
    session_name: String,
    seat_id: Option<SeatId>,
    seat_number: Option<u32>,
    /// Who sits there.
    owner: Option<String>,
    infrastructure_id: Option<InfrastructureId>,
    infrastructure_name: Option<String>,
    /// Why there.
    placement: Option<Placement>,
    created_at: Timestamp,
    placed_at: Option<Timestamp>,
    ready_at: Option<Timestamp>,
    claimed_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    /// From its place to its first answer.
    start_seconds: Option<i64>,
    attempts: u32,
    has_failed: bool,
    /// It has been in a state that passes for longer than that should take.
    is_stuck: bool,
    kubernetes_version: Option<String>,
    /// Its namespace on the infrastructure.
    namespace: String,
}

impl EnvironmentView {
    fn of(found: EnvironmentFound, settings: &PlatformSettings, now: Timestamp) -> Self {
        let it = found.environment;
        let start = it.placed_at.zip(it.ready_at);
        Self {
            label: it.id.label(),
            namespace: it.id.namespace(),
            step: StepView::of(&it),
            start_seconds: start.map(|(from, to)| to.duration_since(from).as_secs()),
            is_stuck: it.state.is_overdue(it.since, settings, now),
            id: it.id,
            state: it.state,
            since: it.since,
            reason: it.reason,
            detail: it.detail,
            driver: it.driver,
            preset: it.preset,
            session_id: it.session_id,
            session_name: found.session_name,
            seat_id: it.seat_id,
            seat_number: found.seat_number,
            owner: found.seat_name,
            infrastructure_id: it.infrastructure_id,
            infrastructure_name: it.infrastructure_name,
            placement: it.placement,
            created_at: it.created_at,
            placed_at: it.placed_at,
            ready_at: it.ready_at,
            claimed_at: it.claimed_at,
            expires_at: it.expires_at,
            ended_at: it.ended_at,
            attempts: it.attempt,
            has_failed: it.has_failed,
            kubernetes_version: it.kubernetes_version,
        }
    }
}

/// A page of environments, those that are stuck first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EnvironmentListView {
    items: Vec<EnvironmentView>,
    /// Send it as `cursor` for the next page.
    next_cursor: Option<EnvironmentId>,
    /// How many of this page are stuck.
    stuck: u32,
}

impl From<EnvironmentPage> for EnvironmentListView {
    fn from(page: EnvironmentPage) -> Self {
        let mut items: Vec<_> = page
            .items
            .into_iter()
            .map(|it| EnvironmentView::of(it, &page.settings, page.now))
            .collect();
        let stuck = items.iter().filter(|it| it.is_stuck).count();
        items.sort_by_key(|it| !it.is_stuck);
        Self { items, next_cursor: page.next, stuck: u32::try_from(stuck).unwrap_or(u32::MAX) }
    }
}

/// Which environments.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EnvironmentListQuery {
    /// On this infrastructure.
    infrastructure_id: Option<InfrastructureId>,
    /// Of this session; a trainer has to name one.
    session_id: Option<WorkshopSessionId>,
    /// In this state; without one, those that are not over.
    state: Option<EnvironmentState>,
    /// Whose session, person or infrastructure has this in its name.
    q: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<EnvironmentId>,
    /// Most of them, up to 500.
    limit: Option<i64>,
}

/// Reads environments.
#[utoipa::path(get, path = "/api/admin/environments", tag = "environments",
    params(EnvironmentListQuery),
    responses((status = 200, body = EnvironmentListView)))]
pub async fn environment_list(
    Caller(ctx): Caller,
    Query(query): Query<EnvironmentListQuery>,
) -> Result<Json<EnvironmentListView>, Problem> {
    let ask = EnvironmentAsk {
        infrastructure_id: query.infrastructure_id,
        session_id: query.session_id,
        state: query.state,
        search: query.q,
        before: query.cursor,
        limit: query.limit,
    };
    Ok(Json(app::environment_list(&ctx, ask).await?.into()))
}

/// Reads what is on an infrastructure.
#[utoipa::path(get, path = "/api/admin/infrastructures/{id}/environments", tag = "environments",
    params(("id" = InfrastructureId, Path)),
    responses((status = 200, body = EnvironmentListView), (status = 404, body = Problem)))]
pub async fn infrastructure_environment_list(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
) -> Result<Json<EnvironmentListView>, Problem> {
    nalabo_app::infrastructures::infrastructure_find(&ctx, id).await?;
    let ask = EnvironmentAsk { infrastructure_id: Some(id), ..EnvironmentAsk::default() };
    Ok(Json(app::environment_list(&ctx, ask).await?.into()))
}

/// Reads an environment.
#[utoipa::path(get, path = "/api/admin/environments/{id}", tag = "environments",
    params(("id" = EnvironmentId, Path)),
    responses((status = 200, body = EnvironmentView), (status = 404, body = Problem)))]
pub async fn environment_find(
    Caller(ctx): Caller,
    Path(id): Path<EnvironmentId>,
) -> Result<Json<EnvironmentView>, Problem> {
    let page = app::environment_find(&ctx, id).await?;
    let found = page.items.into_iter().next().ok_or_else(|| Problem::not_found("environment"))?;
    Ok(Json(EnvironmentView::of(found, &page.settings, page.now)))
}

/// Environments to end.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct EnvironmentsEndBody {
    ids: Vec<EnvironmentId>,
    /// Why, for the audit.
    #[serde(default)]
    reason: String,
}

/// How many something was done to.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ChangedView {
    pub(crate) changed: u32,
}

/// Ends environments.
#[utoipa::path(post, path = "/api/admin/environments/end", tag = "environments",
    request_body = EnvironmentsEndBody,
    responses((status = 200, body = ChangedView), (status = 422, body = Problem)))]
pub async fn environments_end(
    Caller(ctx): Caller,
    Body(body): Body<EnvironmentsEndBody>,
) -> Result<Json<ChangedView>, Problem> {
    let changed = app::environments_end(&ctx, &body.ids, &body.reason).await?;
    Ok(Json(ChangedView { changed }))
}

/// Environments to give more time.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct EnvironmentsExtendBody {
    ids: Vec<EnvironmentId>,
    /// Up to a day, and not beyond the end of their session.
    minutes: u32,
}

/// Gives environments more time.
#[utoipa::path(post, path = "/api/admin/environments/extend", tag = "environments",
    request_body = EnvironmentsExtendBody,
    responses((status = 200, body = ChangedView), (status = 422, body = Problem)))]
pub async fn environments_extend(
    Caller(ctx): Caller,
    Body(body): Body<EnvironmentsExtendBody>,
) -> Result<Json<ChangedView>, Problem> {
    let changed = app::environments_extend(&ctx, &body.ids, body.minutes).await?;
    Ok(Json(ChangedView { changed }))
}

/// What would be placed: as a workshop says, or as said here.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct PlacementPreviewBody {
    workshop_id: Option<WorkshopId>,
    driver: Option<Driver>,
    #[serde(default)]
    preset: Preset,
    #[serde(default)]
    persistent: bool,
    #[serde(default)]
    selector: BTreeMap<String, String>,
    kubernetes_version: Option<String>,
    /// How many, 1 to 1,000.
    count: u32,
}

/// Says where so many more would go, and what stops the next one.
#[utoipa::path(post, path = "/api/admin/placements/preview", tag = "environments",
    request_body = PlacementPreviewBody,
    responses((status = 200, body = PlacementPreview), (status = 422, body = Problem)))]
pub async fn placement_preview(
    Caller(ctx): Caller,
    Body(body): Body<PlacementPreviewBody>,
) -> Result<Json<PlacementPreview>, Problem> {
    let demand = match body.workshop_id {
        Some(id) => {
            let profile = workshop_find(&ctx, id).await?.workshop.profile;
            Demand {
                driver: profile.driver,
                preset: profile.preset,
                persistent: profile.persistent,
                selector: profile.selector,
                kubernetes_version: profile.kubernetes_version,
                suspects: Vec::new(),
            }
        }
        None => Demand {
            driver: body.driver.unwrap_or(Driver::Vcluster),
            preset: body.preset,
            persistent: body.persistent,
            selector: body.selector,
            kubernetes_version: body.kubernetes_version,
            suspects: Vec::new(),
        },
    };
    Ok(Json(placement_preview_read(&ctx, &demand, body.count).await?))
}
