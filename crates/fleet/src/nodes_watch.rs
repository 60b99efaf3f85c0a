//! A watch on nodes: says at once that one came, went or changed.
//!
//! Promises: heartbeats alone are no change. An end that servers plan, a reset connection, a
//! connection that fell silent and a version that expired are bridged without a word: the watch
//! goes on from the last version seen, or compares a new list with what it knew. What a few
//! seconds do not bridge ends the stream with the reason. Does not: say what changed; the caller
//! reads everything then, and starts a new watch when the infrastructure answers again.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use http::StatusCode;
use nalabo_core::connection::Code;
use nalabo_core::health::Failure;
use nalabo_core::inventory::{Inspection, NodeFacts};
use serde::Deserialize;
use tokio::time::Instant;

use crate::KubernetesInfrastructureService;
use crate::api::Api;
use crate::guard::failure;
use crate::inventory::{ListAsk, Node, node_facts, pages_fold};
use crate::page::{Fold, PageEnd, PageUnreadable, page_fold};
use crate::pool::{Lane, Lines};

const NODES: &str = "/api/v1/nodes";
/// The server ends a watch after this, so that watches do not gather on one replica of it.
const WATCH_SECONDS: u32 = 300;
/// Servers send a bookmark about every minute: longer silence is a dead connection.
const SILENCE_MAX: Duration = Duration::from_secs(90);
/// A watch that lived shorter did not work.
const SHORT_LIFE: Duration = Duration::from_secs(2);
/// So many that did not work, one after the other, and the caller decides.
const TROUBLES_MAX: u32 = 4;
/// The first is tried again after this, the next after twice as long …
const PAUSE: Duration = Duration::from_millis(500);

/// Something about the nodes is other than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodesChanged;

/// Changes of nodes, until the first error, which is the last item.
pub type NodesWatch = BoxStream<'static, Result<NodesChanged, Failure>>;

impl KubernetesInfrastructureService {
    /// Watches the nodes on a connection of its own. Begins with the first poll, by a list that
    /// yields nothing: read everything after starting it, not before.
    pub fn nodes_watch(&self) -> NodesWatch {
        let service = self.clone();
        async_stream::try_stream! {
            let api = &service.inner.api;
            let (mut known, mut version) = nodes_list(api).await?;
            let (mut troubles, mut expired) = (0, false);
            loop {
                if troubles > 0 {
                    tokio::time::sleep(PAUSE * troubles).await;
                }
                let mut why = None;
                if expired {
                    match nodes_list(api).await {
                        Ok((now, newer)) => {
                            expired = false;
                            let changed = now != known;
                            (known, version) = (now, newer);
                            if changed {
                                yield NodesChanged;
                            }
                        }
                        Err(failed) => why = Some(failed),
                    }
                }
                let mut lived = Duration::ZERO;
                if why.is_none() {
                    match watch_open(api, &version).await {
                        Ok(None) => expired = true,
                        Ok(Some(mut lines)) => {
                            let opened = Instant::now();
                            // An end of any kind is bridged by the next connection.
                            while let Ok(Some(line)) = lines.next(SILENCE_MAX).await {
                                // What cannot be read, a new list tells.
                                let Ok(taken) = event_take(&line, &mut known) else {
                                    expired = true;
                                    break;
                                };
                                version = taken.version.unwrap_or(version);
                                if taken.changed {
                                    yield NodesChanged;
                                }
                            }
                            lived = opened.elapsed();
                        }
                        Err(failed) => why = Some(failed),
                    }
                }
                troubles = if lived < SHORT_LIFE { troubles + 1 } else { 0 };
                let refused = matches!(&why, Some(it) if is_refusal(it.code));
                if troubles > TROUBLES_MAX || refused {
                    Err(why.unwrap_or_else(|| failure(Code::Reset, api.place(), None)))?;
                }
            }
        }
        .boxed()
    }
}

/// Nothing that a second try would change.
const fn is_refusal(code: Code) -> bool {
    matches!(code, Code::Unauthorized | Code::Forbidden | Code::DeniedAddress)
}

/// Of each node its name and what is worth a full check, as hashes: 16 bytes a node.
type Known = HashMap<u64, u64>;

async fn nodes_list(api: &Api) -> Result<(Known, String), Failure> {
    let mut fold = KnownFold::default();
    let version = pages_fold(api, ListAsk::whole(NODES), &mut fold).await?;
    Ok((fold.0, version))
}

#[derive(Default)]
struct KnownFold(Known);

impl Fold for KnownFold {
    fn page(&mut self, bytes: &[u8]) -> Result<PageEnd, PageUnreadable> {
        page_fold(bytes, |node: Node<'_>| {
            if self.0.len() < Inspection::NODES_MAX {
                let facts = node_facts(node);
                self.0.insert(hash_of(&facts.name), digest(&facts));
            }
        })
    }
}

/// Begins a watch after `version`; nothing when that version has expired.
async fn watch_open(api: &Api, version: &str) -> Result<Option<Lines>, Failure> {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("watch", "1")
        .append_pair("allowWatchBookmarks", "true")
        .append_pair("resourceVersion", version)
        .append_pair("timeoutSeconds", &WATCH_SECONDS.to_string())
        .finish();
    match api.watch(Lane::Common, &format!("{NODES}?{query}")).await {
        Ok(lines) => Ok(Some(lines)),
        Err(expired) if expired.is(StatusCode::GONE) => Ok(None),
        Err(failed) => Err(failed.into()),
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Taken {
    version: Option<String>,
    changed: bool,
}

/// An error of the server, such as that the version has expired, or no event at all.
#[derive(Debug, PartialEq, Eq)]
struct EventUnreadable;

/// Takes one line of a watch into what is known.
fn event_take(line: &[u8], known: &mut Known) -> Result<Taken, EventUnreadable> {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }
    #[derive(Deserialize)]
    struct NodeEvent<'a> {
        #[serde(borrow)]
        object: Node<'a>,
    }
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(Taken::default());
    }
    // The type may come after the object, so that the line is looked at twice; it is short.
    let unreadable = |_| EventUnreadable;
    let kind: Kind = serde_json::from_slice(line).map_err(unreadable)?;
    if kind.kind == "ERROR" {
        return Err(EventUnreadable);
    }
    let event: NodeEvent<'_> = serde_json::from_slice(line).map_err(unreadable)?;
    let version = event.object.metadata.resource_version.clone().into_owned();
    let facts = node_facts(event.object);
    let name = hash_of(&facts.name);
    let changed = match kind.kind.as_str() {
        "ADDED" | "MODIFIED" => {
            let digest = digest(&facts);
            let room = known.len() < Inspection::NODES_MAX || known.contains_key(&name);
            room && known.insert(name, digest) != Some(digest)
        }
        "DELETED" => known.remove(&name).is_some(),
        _ => false,
    };
    Ok(Taken { version: (!version.is_empty()).then_some(version), changed })
}

/// What of a node is worth a full check.
fn digest(it: &NodeFacts) -> u64 {
    let amounts = (
        it.cpu.allocatable_millicores,
        it.memory.allocatable_bytes,
        it.storage.allocatable_bytes,
        it.pods.allocatable,
    );
    hash_of(&(it.ready, it.unschedulable, &it.pressures, &it.roles, &it.kubelet_version, amounts))
}

fn hash_of<T: std::hash::Hash + ?Sized>(it: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, name: &str, version: &str, ready: &str, heartbeat: &str) -> Vec<u8> {
        format!(
            r#"{{"type":"{kind}","object":{{"metadata":{{"name":"{name}","resourceVersion":"{version}"}},
                "status":{{"conditions":[{{"type":"Ready","status":"{ready}","lastHeartbeatTime":"{heartbeat}"}}]}}}}}}"#
        )
        .into_bytes()
    }

    fn taken(version: &str, changed: bool) -> Result<Taken, EventUnreadable> {
        Ok(Taken { version: Some(version.to_owned()), changed })
    }

    #[test]
    fn a_heartbeat_is_no_change_and_the_loss_of_a_node_is() {
        let mut known = Known::new();
        let mut take = |line: &[u8]| event_take(line, &mut known);
        assert_eq!(take(&event("ADDED", "a", "1", "True", "x")), taken("1", true));
        assert_eq!(take(&event("MODIFIED", "a", "2", "True", "y")), taken("2", false));
        assert_eq!(take(&event("MODIFIED", "a", "3", "Unknown", "y")), taken("3", true));
        assert_eq!(take(&event("BOOKMARK", "", "9", "True", "")), taken("9", false));
        assert_eq!(take(&event("DELETED", "a", "10", "Unknown", "y")), taken("10", true));
        assert_eq!(take(&event("DELETED", "a", "11", "Unknown", "y")), taken("11", false));
    }

    #[test]
    fn an_error_and_nonsense_are_no_events_and_an_empty_line_is_nothing() {
        let mut known = Known::new();
        let gone = br#"{"type":"ERROR","object":{"kind":"Status","status":"Failure","code":410}}"#;
        for odd in [&gone[..], b"<html>", br#"{"type":"ADDED"}"#] {
            assert_eq!(event_take(odd, &mut known), Err(EventUnreadable));
        }
        assert_eq!(event_take(b" ", &mut known), Ok(Taken::default()));
    }
}
