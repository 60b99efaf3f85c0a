//! Rules of alerts: what is wrong, from when on, and with which exceptions.

use nalabo_core::access::Permission;
use nalabo_core::alert::Rule;
use nalabo_core::audit::AuditAction;
use nalabo_store::{self as store, KeptRule, commit};
use serde_json::json;

use crate::audit::{Entry, audit_write};
use crate::{Ctx, Error, FieldError};

/// Every rule, in the order of their kinds.
pub async fn alert_rule_list(ctx: &Ctx) -> Result<Vec<KeptRule>, Error> {
    ctx.require(Permission::AlertRead)?;
    Ok(store::alert_rule_list(ctx.app.db.pool()).await?)
}

/// Changes a rule, unless somebody else did so meanwhile. It holds from the next pass on.
pub async fn alert_rule_update(
    ctx: &Ctx,
    mut rule: Rule,
    expected_revision: i64,
) -> Result<KeptRule, Error> {
    ctx.require(Permission::AlertWrite)?;
    let refused = rule.settle();
    if !refused.is_empty() {
        return Err(invalid(refused));
    }
    let before = find(ctx, &rule).await?;
    let mut tx = ctx.app.db.begin().await?;
    let now = ctx.app.now();
    if !store::alert_rule_update(&mut tx, &rule, expected_revision, now).await? {
        return Err(Error::Outdated);
    }
    let kind = rule.kind.as_str();
    let entry = Entry::done(AuditAction::AlertRuleUpdated, "alert_rule", kind, kind);
    audit_write(ctx, &mut tx, entry.change(json!(before.rule), json!(rule))).await?;
    commit(tx).await?;
    find(ctx, &rule).await
}

async fn find(ctx: &Ctx, rule: &Rule) -> Result<KeptRule, Error> {
    let rules = store::alert_rule_list(ctx.app.db.pool()).await?;
    rules.into_iter().find(|it| it.rule.kind == rule.kind).ok_or(Error::NotFound("rule"))
}

/// Fields that `core` refused.
pub(crate) fn invalid(refused: Vec<(&'static str, String)>) -> Error {
    let fields = refused.into_iter();
    Error::Invalid(fields.map(|(pointer, detail)| FieldError { pointer, detail }).collect())
}
