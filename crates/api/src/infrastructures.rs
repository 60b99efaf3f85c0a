//! `/api/admin/infrastructures`: list, connect, change, delete.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use nalabo_app::Ctx;
use nalabo_app::fleet::fleet_number;
use nalabo_app::infrastructures::{self as app, ConnectAsk, CredentialAsk, ListAsk, ProfileAsk};
use nalabo_app::infrastructures::{Sort, SortField};
use nalabo_core::Timestamp;
use nalabo_core::health::State;
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::{EnvironmentClass, Infrastructure, Mode, MonitoringOptions};
use nalabo_fleet::{MetricsRight, RbacPurpose, metrics_manifest, rbac_manifest};
use serde::{Deserialize, Serialize};

use crate::connection_tests::SourceBody;
use crate::csv::{self, Format, Table, cell, word};
use crate::problem::Problem;
use crate::request::{Body, Caller, IfMatch, Path, Query};
use crate::state::Api;
use crate::views::{InfrastructureView, UnansweredView};

/// Filters, order and page of the list. Lists of values are separated by commas.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Part of name, description, region, address or labels.
    q: Option<String>,
    /// Only these states, for example `unreachable,tls_error`.
    state: Option<String>,
    /// Only these environments.
    environment: Option<String>,
    /// Only these modes.
    mode: Option<String>,
    /// `state` (problems first), `name`, `cpu`, `memory`, `nodes` or `created_at`; with a dash in
    /// front, the largest first.
    sort: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// At most so many, 1,000 at most.
    limit: Option<u32>,
    /// `csv`: every row that matches as a table, without pages.
    #[param(inline)]
    format: Option<Format>,
}

/// One page of infrastructures.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InfrastructureListView {
    /// The rows.
    items: Vec<InfrastructureView>,
    /// Give it as `after` for the next page.
    next: Option<String>,
    /// Who of the whole list is not heard of at present.
    unanswered: Vec<UnansweredView>,
}

/// What a person says of an infrastructure.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct ProfileBody {
    /// 1 to 63 characters, unique.
    name: String,
    /// Up to 500 characters.
    #[serde(default)]
    description: String,
    /// What it is for.
    #[serde(default)]
    environment: EnvironmentClass,
    /// Up to 32.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Where it stands.
    region: Option<String>,
    /// Where its used storage may be looked for. Left out, it stays as it is.
    monitoring: Option<MonitoringOptions>,
}

impl From<ProfileBody> for ProfileAsk {
    fn from(it: ProfileBody) -> Self {
        Self {
            name: it.name,
            description: it.description,
            environment: it.environment,
            labels: it.labels,
            region: it.region,
            monitoring: it.monitoring,
        }
    }
}

/// A cluster to connect.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct ConnectBody {
    #[serde(flatten)]
    profile: ProfileBody,
    /// It shall be the default one.
    #[serde(default)]
    is_default: bool,
    /// Save it, disabled, even if its test fails.
    #[serde(default)]
    save_if_failing: bool,
    /// Make a narrow service account with this credential, keep only that, forget the rest.
    #[serde(default)]
    narrow: bool,
    /// That account shall host environments too, not only watch.
    #[serde(default)]
    hosts_environments: bool,
    /// The way in.
    source: SourceBody,
}

/// A change of what is said of it; with `source`, of where it is too.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct UpdateBody {
    #[serde(flatten)]
    profile: ProfileBody,
    /// A new way in. The credential is needed anew: a stored one is never sent elsewhere.
    source: Option<SourceBody>,
}

/// A new credential.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct CredentialBody {
    /// The way in.
    source: SourceBody,
    /// Make a narrow service account with it, and keep only that.
    #[serde(default)]
    narrow: bool,
    /// That account shall host environments too, not only watch.
    #[serde(default)]
    hosts_environments: bool,
}

/// Lists infrastructures, problems first.
#[utoipa::path(get, path = "/api/admin/infrastructures", tag = "infrastructures",
    params(ListQuery),
    responses((status = 200, body = InfrastructureListView), (status = 422, body = Problem)))]
pub async fn infrastructure_list(
    axum::extract::State(api): axum::extract::State<Api>,
    Caller(ctx): Caller,
    RawQuery(question): RawQuery,
    headers: HeaderMap,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let ask = ListAsk {
        q: query.q,
        states: words::<State>(query.state.as_deref(), "#/state")?,
        environments: words::<EnvironmentClass>(query.environment.as_deref(), "#/environment")?,
        modes: words::<Mode>(query.mode.as_deref(), "#/mode")?,
        sort: sort_parse(query.sort.as_deref())?,
        after: query.after,
        limit: query.limit,
    };
    if query.format == Some(Format::Csv) {
        return Ok(infrastructure_table(&ctx, ask).await?.into_response());
    }
    let question = format!("infrastructures?{}", question.unwrap_or_default());
    let number = fleet_number(&ctx).await?;
    if let Some(answer) = api.prepared.find(&headers, &question, number) {
        return Ok(answer);
    }
    let page = app::infrastructure_list(&ctx, &ask).await?;
    let number = page.number;
    let view = InfrastructureListView {
        items: page.items.into_iter().map(Into::into).collect(),
        next: page.next,
        unanswered: page.unanswered.into_iter().map(Into::into).collect(),
    };
    api.prepared.make(&headers, question, number, view).await
}

async fn infrastructure_table(ctx: &Ctx, mut ask: ListAsk) -> Result<Table, Problem> {
    let header = [
        "id",
        "name",
        "description",
        "environment",
        "region",
        "labels",
        "mode",
        "is_default",
        "state",
        "reason",
        "since",
        "observed_at",
        "last_success_at",
        "latency_ms",
        "endpoint",
        "kubernetes_version",
        "nodes_ready",
        "nodes_total",
        "credential_expires_at",
        "certificate_expires_at",
        "created_at",
    ];
    let mut table = Table::new("infrastructures", &header);
    ask.limit = Some(1_000);
    let mut rows = 0;
    loop {
        let page = app::infrastructure_list(ctx, &ask).await?;
        rows += page.items.len();
        for it in page.items.into_iter().map(|it| it.infrastructure) {
            let labels: Vec<String> =
                it.labels.as_map().iter().map(|(key, value)| format!("{key}={value}")).collect();
            let inventory = it.inventory.as_ref();
            table.row(&[
                it.id.to_string(),
                it.name.to_string(),
                it.description,
                word(&it.environment),
                cell(it.region),
                labels.join(" "),
                word(&it.mode),
                it.is_default.to_string(),
                it.status.state.as_str().to_owned(),
                cell(it.status.reason),
                it.status.since.to_string(),
                cell(it.status.observed_at),
                cell(it.status.last_success_at),
                cell(it.status.latency_ms),
                it.source.endpoint,
                cell(inventory.map(|it| &it.kubernetes_version)),
                cell(inventory.map(|it| it.nodes_ready)),
                cell(inventory.map(|it| it.nodes_total)),
                cell(it.source.credential.expires_at),
                cell(it.certificate_expires_at),
                it.created_at.to_string(),
            ]);
        }
        ask.after = page.next;
        if ask.after.is_none() || rows >= csv::ROWS_MAX {
            return Ok(table);
        }
    }
}

/// The words of a comma-separated list, each a value of `T`.
pub(crate) fn words<T: serde::de::DeserializeOwned>(
    text: Option<&str>,
    pointer: &str,
) -> Result<Vec<T>, Problem> {
    text.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .map(|word| serde_json::from_value(word.into()).map_err(|_| query_problem(pointer)))
        .collect()
}

fn sort_parse(text: Option<&str>) -> Result<Sort, Problem> {
    let Some(text) = text else { return Ok(Sort::default()) };
    let (word, descending) = match text.strip_prefix('-') {
        Some(word) => (word, true),
        None => (text, false),
    };
    let field = match word {
        "state" => SortField::State,
        "name" => SortField::Name,
        "cpu" => SortField::Cpu,
        "memory" => SortField::Memory,
        "nodes" => SortField::Nodes,
        "created_at" => SortField::CreatedAt,
        _ => return Err(query_problem("#/sort")),
    };
    Ok(Sort { field, descending })
}

fn query_problem(pointer: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "query_form", "the query is not understood")
        .field(pointer, "this is none of the known words")
        .hint("see /api/docs for what may stand there")
}

/// Connects a cluster, after its test passed.
#[utoipa::path(post, path = "/api/admin/infrastructures", tag = "infrastructures",
    request_body = ConnectBody,
    responses((status = 201, body = InfrastructureView), (status = 409, body = Problem),
        (status = 422, body = Problem, description = "refused, or the test failed: see `report`")))]
pub async fn infrastructure_create(
    Caller(ctx): Caller,
    Body(body): Body<ConnectBody>,
) -> Result<Response, Problem> {
    let ask = ConnectAsk {
        profile: body.profile.into(),
        is_default: body.is_default,
        save_if_failing: body.save_if_failing,
        narrow: body.narrow,
        hosts_environments: body.hosts_environments,
        source: body.source.into(),
    };
    let made = app::infrastructure_create(&ctx, &ask).await?;
    let location = format!("/api/admin/infrastructures/{}", made.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], shown(made)).into_response())
}

/// An infrastructure with its revision as `ETag`.
fn shown(it: Infrastructure) -> Response {
    let tag = format!("\"{}\"", it.revision);
    ([(header::ETAG, tag)], Json(InfrastructureView::from(it))).into_response()
}

/// One infrastructure.
#[utoipa::path(get, path = "/api/admin/infrastructures/{id}", tag = "infrastructures",
    params(("id" = InfrastructureId, Path)),
    responses((status = 200, body = InfrastructureView), (status = 404, body = Problem)))]
pub async fn infrastructure_find(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
) -> Result<Response, Problem> {
    Ok(shown(app::infrastructure_find(&ctx, id).await?))
}

/// Changes what is said of an infrastructure, unless somebody else did so meanwhile.
#[utoipa::path(put, path = "/api/admin/infrastructures/{id}", tag = "infrastructures",
    params(("id" = InfrastructureId, Path), ("If-Match" = String, Header, description = "the ETag")),
    request_body = UpdateBody,
    responses((status = 200, body = InfrastructureView), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 422, body = Problem), (status = 428, body = Problem)))]
pub async fn infrastructure_update(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
    IfMatch(revision): IfMatch,
    Body(body): Body<UpdateBody>,
) -> Result<Response, Problem> {
    let profile = body.profile.into();
    let source = body.source.map(Into::into);
    let updated = app::infrastructure_update(&ctx, id, revision, &profile, source).await?;
    Ok(shown(updated))
}

/// The name, typed to confirm.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeleteQuery {
    /// The exact name of what is deleted.
    confirm: String,
}

/// Forgets an infrastructure; what runs on it is left alone.
#[utoipa::path(delete, path = "/api/admin/infrastructures/{id}", tag = "infrastructures",
    params(("id" = InfrastructureId, Path), DeleteQuery),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn infrastructure_delete(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
    Query(query): Query<DeleteQuery>,
) -> Result<StatusCode, Problem> {
    app::infrastructure_delete(&ctx, id, &query.confirm).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How far deleting an infrastructure would reach.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReachView {
    /// Environments that live on it.
    environments: u32,
    /// People who use them now.
    participants: u32,
    /// It is the default, and others could take its place.
    is_default: bool,
    /// It may be deleted.
    can_delete: bool,
    /// Why not, as the code of the problem that deleting would answer.
    why_not: Option<String>,
}

/// How far deleting it would reach.
#[utoipa::path(get, path = "/api/admin/infrastructures/{id}/reach", tag = "infrastructures",
    params(("id" = InfrastructureId, Path)),
    responses((status = 200, body = ReachView), (status = 404, body = Problem)))]
pub async fn infrastructure_reach(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
) -> Result<Json<ReachView>, Problem> {
    let reach = app::infrastructure_reach(&ctx, id).await?;
    Ok(Json(ReachView {
        environments: reach.environments,
        participants: 0,
        is_default: reach.is_default,
        can_delete: !reach.is_default,
        why_not: reach.is_default.then(|| "is_default".to_owned()),
    }))
}

/// Replaces the credential, after the new one passed its test.
#[utoipa::path(put, path = "/api/admin/infrastructures/{id}/credential", tag = "infrastructures",
    params(("id" = InfrastructureId, Path)), request_body = CredentialBody,
    responses((status = 200, body = InfrastructureView), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn infrastructure_credential_replace(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
    Body(body): Body<CredentialBody>,
) -> Result<Response, Problem> {
    let ask = CredentialAsk {
        source: body.source.into(),
        narrow: body.narrow,
        hosts_environments: body.hosts_environments,
    };
    Ok(shown(app::infrastructure_credential_replace(&ctx, id, &ask).await?))
}

/// Makes it the default one.
#[utoipa::path(put, path = "/api/admin/infrastructures/{id}/default", tag = "infrastructures",
    params(("id" = InfrastructureId, Path)),
    responses((status = 200, body = InfrastructureView), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn infrastructure_default_set(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
) -> Result<Response, Problem> {
    Ok(shown(app::infrastructure_default_set(&ctx, id).await?))
}

/// Takes it out of placement; what lives there stays.
#[utoipa::path(post, path = "/api/admin/infrastructures/{id}/cordon", tag = "infrastructures",
    params(("id" = InfrastructureId, Path)),
    responses((status = 200, body = InfrastructureView), (status = 404, body = Problem)))]
pub async fn infrastructure_cordon(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
) -> Result<Response, Problem> {
    Ok(shown(app::infrastructure_mode_set(&ctx, id, Mode::Cordoned).await?))
}

/// Brings it back into placement.
#[utoipa::path(post, path = "/api/admin/infrastructures/{id}/uncordon", tag = "infrastructures",
    params(("id" = InfrastructureId, Path)),
    responses((status = 200, body = InfrastructureView), (status = 404, body = Problem)))]
pub async fn infrastructure_uncordon(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
) -> Result<Response, Problem> {
    Ok(shown(app::infrastructure_mode_set(&ctx, id, Mode::Enabled).await?))
}

/// Switches it off: it is not contacted at all.
#[utoipa::path(post, path = "/api/admin/infrastructures/{id}/disable", tag = "infrastructures",
    params(("id" = InfrastructureId, Path)),
    responses((status = 200, body = InfrastructureView), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn infrastructure_disable(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
) -> Result<Response, Problem> {
    Ok(shown(app::infrastructure_mode_set(&ctx, id, Mode::Disabled).await?))
}

/// Switches it on.
#[utoipa::path(post, path = "/api/admin/infrastructures/{id}/enable", tag = "infrastructures",
    params(("id" = InfrastructureId, Path)),
    responses((status = 200, body = InfrastructureView), (status = 404, body = Problem)))]
pub async fn infrastructure_enable(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
) -> Result<Response, Problem> {
    Ok(shown(app::infrastructure_mode_set(&ctx, id, Mode::Enabled).await?))
}

/// A state, while it held.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StatusChangeView {
    state: State,
    reason: Option<String>,
    detail: Option<String>,
    since: Timestamp,
    until: Option<Timestamp>,
}

/// The history of states, newest first.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StatusChangeListView {
    items: Vec<StatusChangeView>,
    next: Option<i64>,
}

/// A page of a history.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatusChangeQuery {
    /// `next` of the page before.
    after: Option<i64>,
    /// At most so many, 200 at most.
    limit: Option<u32>,
    /// `csv`: the newest 10,000 as a table, without pages.
    #[param(inline)]
    format: Option<Format>,
}

/// The history of its states, newest first.
#[utoipa::path(get, path = "/api/admin/infrastructures/{id}/status-changes",
    tag = "infrastructures", params(("id" = InfrastructureId, Path), StatusChangeQuery),
    responses((status = 200, body = StatusChangeListView), (status = 404, body = Problem)))]
pub async fn status_change_list(
    Caller(ctx): Caller,
    Path(id): Path<InfrastructureId>,
    Query(query): Query<StatusChangeQuery>,
) -> Result<Response, Problem> {
    if query.format == Some(Format::Csv) {
        return Ok(status_change_table(&ctx, id).await?.into_response());
    }
    let (items, next) = app::status_change_list(&ctx, id, query.after, query.limit).await?;
    let items = items
        .into_iter()
        .map(|it| StatusChangeView {
            state: it.state,
            reason: it.reason,
            detail: it.detail,
            since: it.since,
            until: it.until,
        })
        .collect();
    Ok(Json(StatusChangeListView { items, next }).into_response())
}

async fn status_change_table(ctx: &Ctx, id: InfrastructureId) -> Result<Table, Problem> {
    let header = ["state", "reason", "detail", "since", "until"];
    let mut table = Table::new(format!("status-changes-{id}"), &header);
    let (mut after, mut rows) = (None, 0);
    loop {
        let (items, next) = app::status_change_list(ctx, id, after, Some(200)).await?;
        rows += items.len();
        for it in items {
            table.row(&[
                it.state.as_str().to_owned(),
                cell(it.reason),
                cell(it.detail),
                it.since.to_string(),
                cell(it.until),
            ]);
        }
        after = next;
        if after.is_none() || rows >= csv::ROWS_MAX {
            return Ok(table);
        }
    }
}

/// What the service account is for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RbacQuery {
    /// `monitor` (default) or `workshops`; `metrics_prometheus` or `metrics_kubelet` for a right
    /// that reaches further, to be granted on purpose.
    r#for: Option<String>,
}

/// A ready manifest of a narrow service account, or of a further right for it.
#[utoipa::path(get, path = "/api/admin/rbac.yaml", tag = "infrastructures", params(RbacQuery),
    responses((status = 200, body = String, content_type = "application/yaml"),
        (status = 422, body = Problem)))]
pub async fn rbac_manifest_read(Query(query): Query<RbacQuery>) -> Result<Response, Problem> {
    let manifest = match query.r#for.as_deref() {
        None | Some("monitor") => rbac_manifest(RbacPurpose::Monitor),
        Some("workshops") => rbac_manifest(RbacPurpose::Workshops),
        Some("metrics_prometheus") => metrics_manifest(MetricsRight::Prometheus),
        Some("metrics_kubelet") => metrics_manifest(MetricsRight::Kubelet),
        Some(_) => return Err(query_problem("#/for")),
    };
    let yaml = [(header::CONTENT_TYPE, "application/yaml; charset=utf-8")];
    Ok((yaml, manifest).into_response())
}
