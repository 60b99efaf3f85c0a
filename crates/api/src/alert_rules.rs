//! `/api/admin/alerts/rules`: what is wrong, from when on, and with which exceptions.

use std::collections::BTreeMap;

use axum::Json;
use nalabo_app::alert_rules as app;
use nalabo_core::Timestamp;
use nalabo_core::alert::{Rule, RuleKind, RuleOverride, Severity};
use nalabo_core::id::{InfrastructureId, RuleOverrideId};
use nalabo_store::KeptRule;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::request::{Body, Caller, Path};

/// What a rule asks for; fields that its kind does not know are absent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AlertRuleView {
    kind: RuleKind,
    enabled: bool,
    severity: Severity,
    /// A figure at or over this is wrong.
    threshold_percent: Option<f64>,
    /// A figure under this is fine.
    clear_percent: Option<f64>,
    /// It must be wrong for so long; a figure must be fine for so long, too.
    for_seconds: Option<u32>,
    /// It is said when so many days are left, the most first.
    days: Option<Vec<u16>>,
    /// More changes of state than this within an hour are flapping.
    changes_per_hour: Option<u16>,
    overrides: Vec<RuleOverride>,
    updated_at: Timestamp,
    /// Send it back with a change.
    revision: i64,
}

impl From<KeptRule> for AlertRuleView {
    fn from(it: KeptRule) -> Self {
        Self {
            kind: it.rule.kind,
            enabled: it.rule.enabled,
            severity: it.rule.severity,
            threshold_percent: it.rule.threshold_percent,
            clear_percent: it.rule.clear_percent,
            for_seconds: it.rule.for_seconds,
            days: it.rule.days,
            changes_per_hour: it.rule.changes_per_hour,
            overrides: it.rule.overrides,
            updated_at: it.updated_at,
            revision: it.revision,
        }
    }
}

/// Every rule.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AlertRuleListView {
    items: Vec<AlertRuleView>,
}

/// Reads every rule.
#[utoipa::path(get, path = "/api/admin/alerts/rules", tag = "alerts",
    responses((status = 200, body = AlertRuleListView)))]
pub async fn alert_rule_list(Caller(ctx): Caller) -> Result<Json<AlertRuleListView>, Problem> {
    let rules = app::alert_rule_list(&ctx).await?;
    Ok(Json(AlertRuleListView { items: rules.into_iter().map(Into::into).collect() }))
}

/// An exception from a rule: for one infrastructure, or for all with some labels.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct RuleOverrideBody {
    /// Of one that is there; left out for a new one.
    id: Option<RuleOverrideId>,
    infrastructure_id: Option<InfrastructureId>,
    label_selector: Option<BTreeMap<String, String>>,
    enabled: Option<bool>,
    threshold_percent: Option<f64>,
    for_seconds: Option<u32>,
}

/// A rule as it shall be; what is left out is as on the first day.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct AlertRuleBody {
    enabled: bool,
    severity: Severity,
    threshold_percent: Option<f64>,
    clear_percent: Option<f64>,
    for_seconds: Option<u32>,
    days: Option<Vec<u16>>,
    changes_per_hour: Option<u16>,
    #[serde(default)]
    overrides: Vec<RuleOverrideBody>,
    /// Of the rule that was read.
    revision: i64,
}

/// Changes a rule, unless somebody else did so meanwhile.
#[utoipa::path(put, path = "/api/admin/alerts/rules/{kind}", tag = "alerts",
    params(("kind" = RuleKind, Path)), request_body = AlertRuleBody,
    responses((status = 200, body = AlertRuleView), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)))]
pub async fn alert_rule_update(
    Caller(ctx): Caller,
    Path(kind): Path<RuleKind>,
    Body(body): Body<AlertRuleBody>,
) -> Result<Json<AlertRuleView>, Problem> {
    let overrides = body.overrides.into_iter().map(|it| RuleOverride {
        id: it.id.unwrap_or_default(),
        infrastructure_id: it.infrastructure_id,
        label_selector: it.label_selector,
        enabled: it.enabled,
        threshold_percent: it.threshold_percent,
        for_seconds: it.for_seconds,
    });
    let rule = Rule {
        kind,
        enabled: body.enabled,
        severity: body.severity,
        threshold_percent: body.threshold_percent,
        clear_percent: body.clear_percent,
        for_seconds: body.for_seconds,
        days: body.days,
        changes_per_hour: body.changes_per_hour,
        overrides: overrides.collect(),
    };
    Ok(Json(app::alert_rule_update(&ctx, rule, body.revision).await?.into()))
}
