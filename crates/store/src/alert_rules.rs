//! Rules of alerts, one row a kind, there from the first day.

use nalabo_core::Timestamp;
use nalabo_core::alert::{Rule, RuleKind, RuleOverride};
use sqlx::PgExecutor;
use sqlx::types::Json;

use crate::Tx;
use crate::error::{StoreError, during};
use crate::moment::Moment;
use crate::word::{word, word_read};

/// A rule as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptRule {
    /// The rule.
    pub rule: Rule,
    /// When a person last changed it.
    pub updated_at: Timestamp,
    /// Counts the changes.
    pub revision: i64,
}

/// Every rule. One of a kind that this version does not know is left out.
pub async fn alert_rule_list(exec: impl PgExecutor<'_>) -> Result<Vec<KeptRule>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT
            kind, enabled, severity, threshold_percent, clear_percent, for_seconds, days,
            changes_per_hour, overrides AS "overrides: Json<Vec<RuleOverride>>", updated_at,
            revision
        FROM alert_rules
        "#
    )
    .fetch_all(exec)
    .await
    .map_err(during("alert_rule_list"))?;
    let unsigned = |it: i16| u16::try_from(it).unwrap_or(0);
    let mut rules = Vec::with_capacity(rows.len());
    for row in rows {
        let Ok(kind) = word_read::<RuleKind>(&row.kind) else { continue };
        let rule = Rule {
            kind,
            enabled: row.enabled,
            severity: word_read(&row.severity).map_err(during("alert_rule_list"))?,
            threshold_percent: row.threshold_percent,
            clear_percent: row.clear_percent,
            for_seconds: row.for_seconds.and_then(|it| u32::try_from(it).ok()),
            days: row.days.map(|it| it.into_iter().map(unsigned).collect()),
            changes_per_hour: row.changes_per_hour.map(unsigned),
            overrides: row.overrides.0,
        };
        rules.push(KeptRule { rule, updated_at: row.updated_at.0, revision: row.revision });
    }
    rules.sort_by_key(|it| it.rule.kind);
    Ok(rules)
}

/// Changes a rule; `false` when the revision is another by now.
pub async fn alert_rule_update(
    tx: &mut Tx<'_>,
    rule: &Rule,
    expected_revision: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let signed = |it: u16| i16::try_from(it).unwrap_or(i16::MAX);
    let days: Option<Vec<i16>> =
        rule.days.as_ref().map(|it| it.iter().copied().map(signed).collect());
    let done = sqlx::query!(
        "
        UPDATE alert_rules
        SET enabled = $2, severity = $3, threshold_percent = $4, clear_percent = $5,
            for_seconds = $6, days = $7, changes_per_hour = $8, overrides = $9, updated_at = $10,
            revision = revision + 1
        WHERE kind = $1 AND revision = $11
        ",
        word(&rule.kind),
        rule.enabled,
        word(&rule.severity),
        rule.threshold_percent,
        rule.clear_percent,
        rule.for_seconds.map(|it| i32::try_from(it).unwrap_or(i32::MAX)),
        days.as_deref(),
        rule.changes_per_hour.map(signed),
        Json(&rule.overrides) as _,
        Moment(now),
        expected_revision,
    )
    .execute(&mut **tx)
    .await
    .map_err(during("alert_rule_update"))?;
    Ok(done.rows_affected() == 1)
}
