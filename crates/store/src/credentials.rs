//! Credentials of infrastructures: sealed, in a table that no list reads.
//!
//! Promises: a credential opens only for the infrastructure, version and address it was sealed
//! for; a replaced one loses its ciphertext; keys are exchanged row by row while everything runs,
//! and whatever moment that is interrupted at, calling it again carries on. Does not: keep an
//! opened credential; it is wiped when the caller drops it.

use nalabo_core::Timestamp;
use nalabo_core::id::InfrastructureId;
use secrecy::{ExposeSecret, SecretSlice};
use sqlx::PgExecutor;

use crate::error::{StoreError, during};
use crate::moment::Moment;
use crate::seal::{Aad, KeyRing, SealError, Sealed, open, seal};
use crate::{Db, Tx};

/// What every sentinel says. No secret: that it opens is the message.
const SENTINEL: &[u8] = b"nalabo: this key opens this database";

/// How far an exchange of keys is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotateProgress {
    /// Sealed anew by this call.
    pub resealed: u64,
    /// Still under another key than the first.
    pub remaining: i64,
}

/// Keeps a sealed credential as that version.
pub async fn credential_insert(
    tx: &mut Tx<'_>,
    id: InfrastructureId,
    version: i32,
    sealed: &Sealed,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "
        INSERT INTO infrastructure_credentials (
            infrastructure_id, version, alg, kek_id, wrapped_dek, nonce, ciphertext, created_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ",
        id.uuid(),
        version,
        sealed.alg,
        sealed.kek_id,
        sealed.wrapped_dek,
        sealed.nonce,
        sealed.ciphertext,
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("credential_insert"))
    .map(drop)
}

/// Removes the secrets of all versions but one; that they were there stays known.
pub async fn credential_retire(
    tx: &mut Tx<'_>,
    id: InfrastructureId,
    except_version: i32,
    now: Timestamp,
) -> Result<u64, StoreError> {
    sqlx::query!(
        "
        UPDATE infrastructure_credentials
        SET kek_id = NULL, wrapped_dek = NULL, nonce = NULL, ciphertext = NULL, retired_at = $3
        WHERE infrastructure_id = $1 AND version <> $2 AND retired_at IS NULL
        ",
        id.uuid(),
        except_version,
        Moment(now),
    )
    .execute(&mut **tx)
    .await
    .map_err(during("credential_retire"))
    .map(|done| done.rows_affected())
}

/// The present credential of an infrastructure: its version, the address it may be sent to, and
/// the secret. `None` when there is no such infrastructure.
pub async fn credential_open(
    exec: impl PgExecutor<'_>,
    ring: &KeyRing,
    id: InfrastructureId,
) -> Result<Option<(i32, String, SecretSlice<u8>)>, StoreError> {
    let row = sqlx::query!(
        r#"
        SELECT
            i.endpoint, c.version, c.alg, c.kek_id AS "kek_id!", c.wrapped_dek AS "wrapped_dek!",
            c.nonce AS "nonce!", c.ciphertext AS "ciphertext!"
        FROM infrastructures AS i
        JOIN infrastructure_credentials AS c
          ON c.infrastructure_id = i.id AND c.version = i.credential_version
        WHERE i.id = $1 AND c.retired_at IS NULL
        "#,
        id.uuid(),
    )
    .fetch_optional(exec)
    .await
    .map_err(during("credential_open"))?;
    let Some(row) = row else { return Ok(None) };
    let aad = Aad::credential(id, row.version, &row.endpoint);
    let sealed = Sealed {
        alg: row.alg,
        kek_id: row.kek_id,
        wrapped_dek: row.wrapped_dek,
        nonce: row.nonce,
        ciphertext: row.ciphertext,
    };
    let secret = open(ring, &aad, &sealed)?;
    Ok(Some((row.version, row.endpoint, secret)))
}

/// Compares the keys with the database before anything is served: every key that secrets are
/// sealed under must be here and be the right one. Keys new to the database are made known to it.
///
/// Call it once at start, after the migrations; [`credential_insert`] takes only known keys.
pub async fn key_ring_verify(db: &Db, ring: &KeyRing) -> Result<(), StoreError> {
    let known = sqlx::query!(
        r#"
        SELECT
            k.kek_id, k.alg, k.wrapped_dek, k.nonce, k.ciphertext,
            (SELECT count(*) FROM infrastructure_credentials AS c WHERE c.kek_id = k.kek_id)
                + (SELECT count(*) FROM alert_channel_secrets AS s WHERE s.kek_id = k.kek_id)
                AS "rows!"
        FROM seal_keys AS k
        "#,
    )
    .fetch_all(db.pool())
    .await
    .map_err(during("key_ring_verify"))?;
    for row in known {
        let kek_id = row.kek_id;
        if !ring.ids().any(|it| it == kek_id) {
            // A key that seals nothing any more may go.
            if row.rows > 0 {
                return Err(SealError::KeyMissing { kek_id, rows: row.rows }.into());
            }
            continue;
        }
        let sealed = Sealed {
            alg: row.alg,
            kek_id: kek_id.clone(),
            wrapped_dek: row.wrapped_dek,
            nonce: row.nonce,
            ciphertext: row.ciphertext,
        };
        match open(ring, &sentinel_aad(&kek_id), &sealed) {
            Ok(text) if text.expose_secret() == SENTINEL => {}
            _ => return Err(SealError::KeyWrong { kek_id }.into()),
        }
    }
    for kek_id in ring.ids() {
        let alone = ring.with_first(kek_id).expect("the ring has each of its own keys");
        let text = SecretSlice::from(SENTINEL.to_vec());
        let sealed = seal(&alone, &sentinel_aad(kek_id), &text);
        sqlx::query!(
            "
            INSERT INTO seal_keys (kek_id, alg, wrapped_dek, nonce, ciphertext)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (kek_id) DO NOTHING
            ",
            sealed.kek_id,
            sealed.alg,
            sealed.wrapped_dek,
            sealed.nonce,
            sealed.ciphertext,
        )
        .execute(db.pool())
        .await
        .map_err(during("key_ring_verify"))?;
    }
    Ok(())
}

/// How many secrets, of infrastructures and of alert channels, are sealed under each key that the
/// database knows. A key with none may be taken out of the key file.
pub async fn key_usage(db: &Db) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT
            k.kek_id,
            (SELECT count(*) FROM infrastructure_credentials AS c WHERE c.kek_id = k.kek_id)
                + (SELECT count(*) FROM alert_channel_secrets AS s WHERE s.kek_id = k.kek_id)
                AS "rows!"
        FROM seal_keys AS k
        ORDER BY k.created_at, k.kek_id
        "#,
    )
    .fetch_all(db.pool())
    .await
    .map_err(during("key_usage"))?;
    Ok(rows.into_iter().map(|row| (row.kek_id, row.rows)).collect())
}

/// Seals up to `batch` credentials anew under the first key of the ring. Call it until nothing
/// remains; stopping in between is harmless, because every key of the ring opens.
pub async fn credentials_rotate(
    db: &Db,
    ring: &KeyRing,
    batch: i64,
) -> Result<RotateProgress, StoreError> {
    let rows = sqlx::query!(
        r#"
        SELECT
            c.id, c.infrastructure_id, c.version, i.endpoint, c.alg, c.kek_id AS "kek_id!",
            c.wrapped_dek AS "wrapped_dek!", c.nonce AS "nonce!", c.ciphertext AS "ciphertext!"
        FROM infrastructure_credentials AS c
        JOIN infrastructures AS i ON i.id = c.infrastructure_id
        WHERE c.kek_id <> $1
        ORDER BY c.id
        LIMIT $2
        "#,
        ring.first_id(),
        batch,
    )
    .fetch_all(db.pool())
    .await
    .map_err(during("credentials_rotate"))?;
    let mut resealed = 0;
    for row in rows {
        let id = InfrastructureId::from_uuid(row.infrastructure_id);
        let aad = Aad::credential(id, row.version, &row.endpoint);
        let old = Sealed {
            alg: row.alg,
            kek_id: row.kek_id,
            wrapped_dek: row.wrapped_dek,
            nonce: row.nonce,
            ciphertext: row.ciphertext,
        };
        let new = seal(ring, &aad, &open(ring, &aad, &old)?);
        // Only if it is still what was read: a credential replaced meanwhile stays replaced.
        resealed += sqlx::query!(
            "
            UPDATE infrastructure_credentials
            SET alg = $4, kek_id = $5, wrapped_dek = $6, nonce = $7, ciphertext = $8
            WHERE id = $1 AND version = $2 AND kek_id = $3
            ",
            row.id,
            row.version,
            old.kek_id,
            new.alg,
            new.kek_id,
            new.wrapped_dek,
            new.nonce,
            new.ciphertext,
        )
        .execute(db.pool())
        .await
        .map_err(during("credentials_rotate"))?
        .rows_affected();
    }
    let remaining = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM infrastructure_credentials WHERE kek_id <> $1"#,
        ring.first_id(),
    )
    .fetch_one(db.pool())
    .await
    .map_err(during("credentials_rotate"))?;
    Ok(RotateProgress { resealed, remaining })
}

fn sentinel_aad(kek_id: &str) -> Aad {
    Aad {
        table: "seal_keys",
        column: "ciphertext",
        row_id: kek_id.to_owned(),
        version: 1,
        origin: String::new(),
    }
}
