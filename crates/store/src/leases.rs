//! Who does what among replicas: leases that end by themselves, with fencing tokens.
//!
//! Promises: a lease has one holder at a time by the database's clock, and every change of
//! holder gives a larger token, so that what a former holder still writes can be told apart.
//! Does not: stop a former holder; whoever writes under a lease gives the token with it
//! ([`crate::status_flush`]).

use std::time::Duration;

use nalabo_core::id::InfrastructureId;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::{StoreError, during};

/// Name of the lease under which an infrastructure is watched.
pub fn infrastructure_lease_name(id: InfrastructureId) -> String {
    format!("infrastructure/{id}")
}

/// Takes those of `names` that are free or expired, renews those held by `holder`, and returns
/// what `holder` has now, with its tokens.
pub async fn lease_acquire(
    exec: impl PgExecutor<'_>,
    names: &[String],
    holder: Uuid,
    ttl: Duration,
) -> Result<Vec<(String, i64)>, StoreError> {
    // In the order of names, so that two replicas never wait for each other in a circle.
    let rows = sqlx::query!(
        "
        INSERT INTO leases AS l (name, holder, token, expires_at)
        SELECT name, $2, nextval('lease_tokens'), now() + make_interval(secs => $3)
        FROM unnest($1::text[]) AS name
        ORDER BY name
        ON CONFLICT (name) DO UPDATE
        SET holder = excluded.holder,
            token = CASE WHEN l.holder = excluded.holder THEN l.token ELSE excluded.token END,
            expires_at = excluded.expires_at
        WHERE l.holder = excluded.holder OR l.expires_at <= now()
        RETURNING name, token
        ",
        names,
        holder,
        ttl.as_secs_f64(),
    )
    .fetch_all(exec)
    .await
    .map_err(during("lease_acquire"))?;
    Ok(rows.into_iter().map(|row| (row.name, row.token)).collect())
}

/// Gives back everything that `holder` has, so that the others need not wait for it to expire.
pub async fn lease_release(exec: impl PgExecutor<'_>, holder: Uuid) -> Result<u64, StoreError> {
    // Tokens come from a sequence: a lease that is taken anew still gets a larger one.
    sqlx::query!("DELETE FROM leases WHERE holder = $1", holder)
        .execute(exec)
        .await
        .map_err(during("lease_release"))
        .map(|done| done.rows_affected())
}
