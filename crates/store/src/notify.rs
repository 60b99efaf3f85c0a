//! Telling every replica, and through it every browser, that something changed.
//!
//! Promises: what is notified in a transaction is heard when it commits and never otherwise, and
//! whoever listens is told to fetch everything anew after each (re)connection, because what was
//! said meanwhile is lost. Does not: carry data; the change names a row, and the row is read.

use std::io::ErrorKind;
use std::time::Duration;

use futures::Stream;
use nalabo_core::alert::AlertChange;
use nalabo_core::id::{AlertId, EnvironmentId, InfrastructureId, WorkshopSessionId};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::{sleep, timeout};

use crate::Db;
use crate::error::{StoreError, during};

const CHANNEL: &str = "nalabo";
/// Silence after which the connection is asked whether it still lives: a line that was cut
/// without a word would otherwise stay silent for ever.
const QUIET: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(5);
const BACK_OFF_MIN: Duration = Duration::from_millis(100);
const BACK_OFF_MAX: Duration = Duration::from_secs(10);

/// Something that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// An infrastructure, in this way.
    Infrastructure {
        /// Which.
        id: InfrastructureId,
        /// How.
        change: ChangeKind,
    },
    /// Somebody looks at an infrastructure: its watcher reads figures more often for a while.
    Look {
        /// Which.
        id: InfrastructureId,
    },
    /// An alert, in this way.
    Alert {
        /// Which.
        id: AlertId,
        /// How.
        change: AlertChange,
    },
    /// An environment.
    Environment {
        /// Which.
        id: EnvironmentId,
        /// Of which session.
        session_id: WorkshopSessionId,
    },
    /// A workshop session, or a seat of it.
    WorkshopSession {
        /// Which.
        id: WorkshopSessionId,
    },
    /// Changes may have been missed: fetch everything anew.
    Resync,
}

/// How something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Created,
    /// A person changed it, or its metadata was read anew.
    Changed,
    /// Its status changed.
    Status,
    /// It is gone.
    Deleted,
}

/// Says that something changed, when the transaction of `exec` commits.
pub async fn notify(exec: impl PgExecutor<'_>, change: &Change) -> Result<(), StoreError> {
    notify_all(exec, std::slice::from_ref(change)).await
}

/// Says that several things changed, in one round trip.
pub async fn notify_all(exec: impl PgExecutor<'_>, changes: &[Change]) -> Result<(), StoreError> {
    let payloads: Vec<String> = changes
        .iter()
        .map(|it| serde_json::to_string(it).expect("a change is an id and two words"))
        .collect();
    sqlx::query!(
        r#"SELECT pg_notify($1, payload) AS "said: ()" FROM unnest($2::text[]) AS payload"#,
        CHANNEL,
        &payloads,
    )
    .execute(exec)
    .await
    .map_err(during("notify"))
    .map(drop)
}

/// Every change from now on; begins with [`Change::Resync`], and again after each lost connection.
///
/// Listens on a connection of its own. Never ends; drop it to stop.
pub fn listen(db: &Db) -> impl Stream<Item = Change> + Send + use<> {
    let options = (*db.pool().connect_options()).clone();
    async_stream::stream! {
        let mut back_off = BACK_OFF_MIN;
        loop {
            match listener(&options).await {
                Ok(mut listener) => {
                    back_off = BACK_OFF_MIN;
                    yield Change::Resync;
                    loop {
                        match next(&mut listener).await {
                            Ok(Some(change)) => yield change,
                            Ok(None) => {}
                            Err(cause) => {
                                tracing::warn!(%cause, "lost the line on which PostgreSQL tells of changes");
                                break;
                            }
                        }
                    }
                }
                Err(cause) => tracing::warn!(%cause, "cannot listen for changes in PostgreSQL"),
            }
            sleep(back_off).await;
            back_off = (back_off * 2).min(BACK_OFF_MAX);
        }
    }
}

async fn listener(options: &PgConnectOptions) -> Result<PgListener, sqlx::Error> {
    // A pool of its own each time: giving a dead connection back to one takes as long as TCP does.
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ANSWER)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    timeout(ANSWER, listener.listen(CHANNEL)).await.map_err(|_| sqlx::Error::PoolTimedOut)??;
    Ok(listener)
}

/// The next change; `None` when there was silence and the connection proved to be alive, or when
/// somebody said what this version does not understand.
async fn next(listener: &mut PgListener) -> Result<Option<Change>, sqlx::Error> {
    match timeout(QUIET, listener.try_recv()).await {
        Ok(Ok(Some(said))) => Ok(serde_json::from_str(said.payload()).ok()),
        // The connection is gone, and with it what was said meanwhile.
        Ok(Ok(None)) => Err(sqlx::Error::Io(ErrorKind::ConnectionReset.into())),
        Ok(Err(cause)) => Err(cause),
        Err(_) => {
            let alive = timeout(ANSWER, sqlx::query("SELECT 1").execute(&mut *listener)).await;
            alive.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|_| None)
        }
    }
}
