//! Watches: what changes of a kind, told as it changes.
//!
//! Promises: every object that is newer than the version asked for, oldest first, then whatever
//! changes; bookmarks once a minute for those who allow them; an end after the time asked for, or
//! half an hour to an hour; a version that is too old is told by an `ERROR` event with 410 inside
//! an answer of 200, as the real server's watch cache tells it. `sendInitialEvents` begins with
//! everything and marks where that ended. Does not: tell changes that another change has
//! overtaken, or events that have ended with their hour; notice what follows from the clock alone
//! (heartbeats, new events) sooner than [`TICK`].

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use crate::cluster::Cluster;
use crate::list::{COMPACTION_SECONDS, ListQuery};
use crate::random::mix;
use crate::read::{is_kept, item_of, kept_view, view_of};
use crate::reply::{self, Reply};
use crate::resources::Resource;
use crate::status::Failure;
use crate::view::View;

/// How often a watch looks for what only the clock has changed.
const TICK: Duration = Duration::from_secs(10);
/// Between two bookmarks; the real server's.
const BOOKMARK_PAUSE: Duration = Duration::from_secs(60);
/// A client that takes nothing for so long is let go.
const SEND_DEADLINE: Duration = Duration::from_secs(10);
/// Shortest life of a watch that asked for none; the longest is twice as long.
const LIFE_SECONDS: u64 = 1_800;
/// Most pieces that wait for a client.
const QUEUE_PIECES: usize = 16;

/// Begins a watch.
pub(crate) fn watch(
    cluster: &Arc<Cluster>,
    resource: &'static Resource,
    query: ListQuery,
    connection: u64,
) -> Result<Reply, Failure> {
    if query.send_initial_events && query.version_match.as_deref() != Some("NotOlderThan") {
        return Err(Failure::invalid(
            ("meta.k8s.io", "ListOptions"),
            "resourceVersionMatch",
            (
                "FieldValueForbidden",
                "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ),
        ));
    }
    let view = view_of(cluster, resource, query.selectors.namespace.as_deref(), cluster.now());
    if view.len() > 0 {
        // Refuses a field that this kind cannot be selected by.
        query.selectors.matches(view.as_ref(), 0)?;
    }
    drop(view);
    let (pieces, received) = mpsc::channel(QUEUE_PIECES);
    let watching = Watching { cluster: cluster.clone(), resource, query, connection, pieces };
    cluster.tasks.spawn(watching.run());
    Ok(reply::stream(received))
}

struct Watching {
    cluster: Arc<Cluster>,
    resource: &'static Resource,
    query: ListQuery,
    connection: u64,
    pieces: mpsc::Sender<Bytes>,
}

/// The other end of a watch is gone, or took nothing for too long.
struct Gone;

impl Watching {
    async fn run(self) {
        // What ended it is of no interest here: the client sees the end of its body.
        let _ = self.tell().await;
    }

    async fn tell(&self) -> Result<(), Gone> {
        let cluster = &self.cluster;
        let mut changes = cluster.changes.subscribe();
        let mut told = match self.query.from_version {
            Some(version) if version > 0 && !self.query.send_initial_events => version,
            _ => 0,
        };
        if told > 0 && told < cluster.compacted(COMPACTION_SECONDS) {
            return self.send(too_old(told, cluster.compacted(COMPACTION_SECONDS))).await;
        }
        told = self.news_tell(told).await?;
        if self.query.send_initial_events && self.query.allow_bookmarks {
            self.send(self.bookmark(told, true)).await?;
        }
        let life = self.query.timeout_seconds.unwrap_or_else(|| {
            LIFE_SECONDS + mix(cluster.profile.seed, &[60, self.connection]) % LIFE_SECONDS
        });
        let end = Instant::now() + Duration::from_secs(life.max(1));
        let mut next_bookmark = Instant::now() + BOOKMARK_PAUSE;
        loop {
            tokio::select! {
                () = cluster.stop.cancelled() => return Ok(()),
                () = self.pieces.closed() => return Err(Gone),
                changed = changes.changed() => if changed.is_err() { return Ok(()) },
                () = sleep_until(end) => {}
                () = sleep_until(next_bookmark.min(Instant::now() + TICK)) => {}
            }
            // A cluster that hangs says nothing on its open watches either.
            if cluster.is_cut(self.connection) {
                return Err(Gone);
            }
            if cluster.is_mute(self.connection) {
                let hanging = cluster.behaviour();
                tokio::select! {
                    () = cluster.hang_ended(&hanging) => {}
                    () = self.pieces.closed() => {}
                }
                return Err(Gone);
            }
            if Instant::now() >= end {
                return Ok(());
            }
            told = self.news_tell(told).await?;
            if Instant::now() >= next_bookmark {
                next_bookmark = Instant::now() + BOOKMARK_PAUSE;
                if self.query.allow_bookmarks {
                    self.send(self.bookmark(told, false)).await?;
                }
            }
        }
    }

    /// Tells what is newer than `told`, and gives the version up to which all is told.
    async fn news_tell(&self, told: i64) -> Result<i64, Gone> {
        let (pieces, version) = self.news(told);
        for piece in pieces {
            self.send(piece).await?;
        }
        Ok(version)
    }

    fn news(&self, told: i64) -> (Vec<Bytes>, i64) {
        let cluster = &self.cluster;
        let now = cluster.resource_version();
        let selectors = &self.query.selectors;
        let place = selectors.namespace.as_deref();
        let view = view_of(cluster, self.resource, place, cluster.moment_of(now));
        let mut news: Vec<(i64, Bytes)> = Vec::new();
        let mut tell = |view: &dyn View, position: usize, version: i64, kind: &str| {
            // A field that cannot be selected by was refused when the watch began.
            if selectors.matches(view, position).unwrap_or(false) {
                let mut line = Vec::with_capacity(6 * 1024);
                line.extend_from_slice(format!(r#"{{"type":"{kind}","object":"#).as_bytes());
                view.object_write(position, &mut line);
                line.extend_from_slice(b"}\n");
                news.push((version, line.into()));
            }
        };
        for position in 0..view.len() {
            let versions = view.versions(position);
            // What changed while we look is told next time.
            if versions.changed > now || (told > 0 && versions.changed <= told) {
                continue;
            }
            let is_new = versions.created > told || told == 0;
            let kind = if is_new { "ADDED" } else { "MODIFIED" };
            tell(view.as_ref(), position, versions.changed, kind);
        }
        if told > 0 && is_kept(self.resource) {
            let mut deleted = cluster.objects().deleted_since(self.resource.plural, told);
            deleted.retain(|it| it.3 <= now);
            let versions: Vec<i64> = deleted.iter().map(|it| it.3).collect();
            for it in &mut deleted {
                it.2 = item_of(&it.2);
            }
            let gone = kept_view(self.resource, deleted);
            for (position, version) in versions.into_iter().enumerate() {
                tell(&gone, position, version, "DELETED");
            }
        }
        news.sort_by_key(|(version, _)| *version);
        // A watch from the future has been told more than there is.
        (news.into_iter().map(|(_, line)| line).collect(), now.max(told))
    }

    fn bookmark(&self, version: i64, is_end_of_initial: bool) -> Bytes {
        let Resource { kind, group, version: api, .. } = self.resource;
        let api_version =
            if group.is_empty() { (*api).to_owned() } else { format!("{group}/{api}") };
        let mut object = json!({"kind": kind, "apiVersion": api_version,
            "metadata": {"resourceVersion": version.to_string(), "creationTimestamp": null}});
        if is_end_of_initial {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        event_line("BOOKMARK", &object)
    }

    async fn send(&self, piece: Bytes) -> Result<(), Gone> {
        match timeout(SEND_DEADLINE, self.pieces.send(piece)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}

fn event_line(kind: &str, object: &serde_json::Value) -> Bytes {
    let mut line = json!({"type": kind, "object": object}).to_string().into_bytes();
    line.push(b'\n');
    line.into()
}

fn too_old(asked: i64, oldest: i64) -> Bytes {
    event_line(
        "ERROR",
        &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": format!("too old resource version: {asked} ({oldest})"),
            "reason": "Expired", "code": 410}),
    )
}
