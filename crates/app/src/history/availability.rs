//! How much of the last day and month an infrastructure answered, and when it did not.

use nalabo_core::SignedDuration;
use nalabo_core::access::Permission;
use nalabo_core::availability::{Availability, StateSpan};
use nalabo_core::id::InfrastructureId;
use nalabo_store as store;

use crate::infrastructures::find;
use crate::{Ctx, Error};

/// A day.
pub(crate) const DAY: SignedDuration = SignedDuration::from_hours(24);
/// A month, as statistics have it.
pub(crate) const MONTH: SignedDuration = SignedDuration::from_hours(24 * 30);

/// How much of a time it answered.
#[derive(Debug)]
pub struct InfrastructureAvailability {
    /// Of the last 24 hours, in thousandths.
    pub day_permille: Option<u32>,
    /// Of the last 30 days, in thousandths.
    pub month_permille: Option<u32>,
    /// Its states of the last 24 hours, oldest first, cut to that time.
    pub strip: Vec<StateSpan>,
}

/// Reads how much an infrastructure answered.
pub async fn availability_read(
    ctx: &Ctx,
    id: InfrastructureId,
) -> Result<InfrastructureAvailability, Error> {
    ctx.require(Permission::InfrastructureRead)?;
    let app = &ctx.app;
    find(app, id).await?;
    let now = app.now();
    let (day_ago, month_ago) = (now - DAY, now - MONTH);
    let mut spans = store::state_span_list(app.db.pool(), Some(&[id]), month_ago, now).await?;
    let spans = spans.remove(&id).unwrap_or_default();
    let within_day = spans.iter().filter(|it| it.until.is_none_or(|until| until > day_ago));
    Ok(InfrastructureAvailability {
        day_permille: Availability::of(&spans, day_ago, now).permille(),
        month_permille: Availability::of(&spans, month_ago, now).permille(),
        strip: within_day
            .map(|it| StateSpan { since: it.since.max(day_ago), ..it.clone() })
            .collect(),
    })
}
