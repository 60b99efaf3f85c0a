//! The pods of one environment while it starts, watched.
//!
//! Promises: what is waited for is seen when it happens, and what will not come by itself is said
//! with its reason: an image that cannot be had, no node, no volume, a control plane that fails
//! over and over. A watch that ends is begun anew. Does not: have a deadline; the caller does.

use std::collections::HashMap;
use std::time::Duration;

use nalabo_core::connection::Code;
use nalabo_core::environment::{EnvironmentFailure, EnvironmentReason};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::calls::Calls;
use super::names::Names;
use crate::certificate::shown_up_to;
use crate::pool::Lines;

/// What is not an event is looked for this often.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The server ends a watch after this.
const WATCH_SECONDS: u32 = 240;
/// A watch that says nothing for so long is begun anew: its connection may be dead.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);
/// Watches that fail one after the other, until the infrastructure is said not to answer.
const TROUBLES_MAX: u32 = 5;
/// A kubelet tries an image again after ten seconds: twice is enough.
const IMAGE_PATIENCE: Duration = Duration::from_secs(20);
/// A volume is bound, or a node added, after a while.
const NODE_PATIENCE: Duration = Duration::from_secs(60);
/// Between a controller and its pod.
const POD_PATIENCE: Duration = Duration::from_secs(10);
/// A control plane that ended so often does not get better.
const RESTARTS_MAX: u32 = 3;
const WORDS_MAX_CHARACTERS: usize = 300;

/// Pods by their names.
pub(super) type Pods = HashMap<String, Pod>;

/// A pod, as far as it says whether it starts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pod {
    metadata: Meta,
    status: Status,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Meta {
    name: String,
    labels: HashMap<String, String>,
    deletion_timestamp: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    phase: String,
    conditions: Vec<Condition>,
    init_container_statuses: Vec<Container>,
    container_statuses: Vec<Container>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    reason: Option<String>,
    message: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    name: String,
    image: String,
    restart_count: u32,
    state: States,
    last_state: States,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct States {
    waiting: Option<Why>,
    running: Option<serde::de::IgnoredAny>,
    terminated: Option<Why>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Why {
    reason: Option<String>,
    message: Option<String>,
    exit_code: Option<i32>,
}

impl Pod {
    pub(super) fn has(&self, label: &str, value: &str) -> bool {
        self.metadata.labels.get(label).is_some_and(|it| it == value)
    }

    fn is_leaving(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    pub(super) fn is_ready(&self) -> bool {
        !self.is_leaving()
            && self.status.conditions.iter().any(|it| it.kind == "Ready" && it.status == "True")
    }

    /// Its programs run; whether they answer is another question.
    pub(super) fn is_running(&self) -> bool {
        let containers = &self.status.container_statuses;
        !self.is_leaving()
            && self.status.phase == "Running"
            && containers.iter().all(|it| it.state.running.is_some())
    }

    /// What is wrong with it, and how long that may last.
    fn trouble(&self) -> Option<(Duration, EnvironmentFailure)> {
        if self.is_leaving() {
            return None;
        }
        let trouble = |patience, reason, detail: String| {
            Some((patience, EnvironmentFailure { reason, detail }))
        };
        let scheduled = self.status.conditions.iter().find(|it| it.kind == "PodScheduled");
        if let Some(it) = scheduled.filter(|it| it.reason.as_deref() == Some("Unschedulable")) {
            let words = words(it.message.as_deref());
            let is_volume =
                ["PersistentVolumeClaim", "persistentvolumeclaim", "volume node affinity"]
                    .iter()
                    .any(|text| words.contains(text));
            let reason = if is_volume {
                EnvironmentReason::Volume
            } else {
                EnvironmentReason::Unschedulable
            };
            let pod = &self.metadata.name;
            return trouble(NODE_PATIENCE, reason, format!("the pod {pod} finds no node: {words}"));
        }
        let containers =
            self.status.init_container_statuses.iter().chain(&self.status.container_statuses);
        for it in containers {
            let waiting = it.state.waiting.as_ref();
            let reason = waiting.and_then(|it| it.reason.as_deref()).unwrap_or_default();
            let says = words(waiting.and_then(|it| it.message.as_deref()));
            match reason {
                "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" => {
                    let detail = format!("the image {} cannot be fetched: {says}", it.image);
                    return trouble(IMAGE_PATIENCE, EnvironmentReason::ImagePull, detail);
                }
                "InvalidImageName" => {
                    let detail = format!("{} is no name of an image", it.image);
                    return trouble(Duration::ZERO, EnvironmentReason::ImagePull, detail);
                }
                "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
                    let detail = format!("the container {} cannot be made: {says}", it.name);
                    return trouble(IMAGE_PATIENCE, EnvironmentReason::Refused, detail);
                }
                _ => {}
            }
            if it.restart_count >= RESTARTS_MAX {
                let ended = it.last_state.terminated.as_ref().or(it.state.terminated.as_ref());
                let why = ended.and_then(|it| it.reason.as_deref()).unwrap_or("Error");
                let code = ended.and_then(|it| it.exit_code).unwrap_or_default();
                let detail = format!(
                    "the container {} ended {} times, last with {} ({code})",
                    it.name,
                    it.restart_count,
                    shown_up_to(why, 60)
                );
                return trouble(Duration::ZERO, EnvironmentReason::Crash, detail);
            }
        }
        None
    }
}

fn words(message: Option<&str>) -> String {
    shown_up_to(message.unwrap_or("it does not say why"), WORDS_MAX_CHARACTERS)
}

/// The pods of an environment, as they are and become.
pub(super) struct PodsWatch<'a> {
    calls: Calls<'a>,
    namespace: String,
    pods: Pods,
    lines: Option<Lines>,
    heard_at: Instant,
    troubles: u32,
    /// Since when something is wrong, by pod and reason.
    wrong_since: HashMap<(String, EnvironmentReasonKey), Instant>,
    /// How often a pod was refused, when last looked.
    refusals: Option<u64>,
    looked_at: Option<Instant>,
}

/// That pods were refused, as controllers say it.
#[derive(Deserialize)]
struct Events {
    items: Vec<Event>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event {
    message: Option<String>,
    count: Option<u64>,
    last_timestamp: Option<String>,
}

impl Events {
    fn count(&self) -> u64 {
        self.items.iter().map(|it| it.count.unwrap_or(1)).sum()
    }
}

/// A reason, as a key.
type EnvironmentReasonKey = std::mem::Discriminant<EnvironmentReason>;

impl<'a> PodsWatch<'a> {
    pub(super) fn new(calls: Calls<'a>, names: &Names) -> Self {
        Self {
            calls,
            namespace: names.namespace.clone(),
            pods: Pods::new(),
            lines: None,
            heard_at: Instant::now(),
            troubles: 0,
            wrong_since: HashMap::new(),
            refusals: None,
            looked_at: None,
        }
    }

    /// Begins, so that what is not there any more is not taken for what was not heard yet.
    pub(super) async fn begun(&mut self) -> Result<(), EnvironmentFailure> {
        while self.lines.is_none() {
            self.begin().await?;
        }
        self.hear().await
    }

    /// Waits until `seen` is true of the pods.
    pub(super) async fn seen(
        &mut self,
        seen: impl Fn(&Pods) -> bool,
    ) -> Result<(), EnvironmentFailure> {
        while !seen(&self.pods) {
            self.hear().await?;
        }
        Ok(())
    }

    /// Waits until `seen` is true of the pods, or one that `counts` will not come by itself.
    pub(super) async fn until(
        &mut self,
        counts: impl Fn(&Pod) -> bool,
        seen: impl Fn(&Pods) -> bool,
    ) -> Result<(), EnvironmentFailure> {
        let began = Instant::now();
        loop {
            if seen(&self.pods) {
                return Ok(());
            }
            self.troubles_judge(&counts)?;
            let nobody_came = !self.pods.values().any(&counts);
            if nobody_came && began.elapsed() > POD_PATIENCE {
                self.refusal_look().await?;
            }
            self.hear().await?;
        }
    }

    fn troubles_judge(&mut self, counts: impl Fn(&Pod) -> bool) -> Result<(), EnvironmentFailure> {
        let now = Instant::now();
        let mut wrong = HashMap::new();
        for (name, pod) in self.pods.iter().filter(|(_, pod)| counts(pod)) {
            let Some((patience, failure)) = pod.trouble() else { continue };
            let key = (name.clone(), std::mem::discriminant(&failure.reason));
            let since = self.wrong_since.get(&key).copied().unwrap_or(now);
            if now.duration_since(since) >= patience {
                return Err(failure);
            }
            wrong.insert(key, since);
        }
        self.wrong_since = wrong;
        Ok(())
    }

    /// Nobody makes the pod: why is said only by events. Those of an earlier start may still be
    /// there, so that only a new one counts.
    async fn refusal_look(&mut self) -> Result<(), EnvironmentFailure> {
        if self.looked_at.is_some_and(|it| it.elapsed() < LOOK_EVERY) {
            return Ok(());
        }
        self.looked_at = Some(Instant::now());
        let path = format!(
            "/api/v1/namespaces/{}/events?fieldSelector=reason%3DFailedCreate&limit=50",
            self.namespace
        );
        let Ok(events) = self.calls.get::<Events>(&path).await else { return Ok(()) };
        let known = self.refusals.replace(events.count());
        if known.is_none_or(|known| events.count() <= known) {
            return Ok(());
        }
        let message = events.items.iter().max_by_key(|it| &it.last_timestamp);
        let message = message.and_then(|it| it.message.as_deref());
        let is_quota = message.is_some_and(|it| it.contains("exceeded quota"));
        let reason = if is_quota { EnvironmentReason::Quota } else { EnvironmentReason::Refused };
        Err(EnvironmentFailure { reason, detail: format!("no pod is made: {}", words(message)) })
    }

    /// Takes the next change, or comes back after a moment without one.
    async fn hear(&mut self) -> Result<(), EnvironmentFailure> {
        let Some(lines) = &mut self.lines else { return self.begin().await };
        match lines.next(LOOK_EVERY).await {
            Ok(Some(line)) => {
                self.heard_at = Instant::now();
                self.troubles = 0;
                if take(&line, &mut self.pods).is_err() {
                    self.lines = None;
                }
            }
            Err(Code::Timeout) if self.heard_at.elapsed() < SILENCE_MAX => {}
            Ok(None) | Err(_) => self.lines = None,
        }
        Ok(())
    }

    async fn begin(&mut self) -> Result<(), EnvironmentFailure> {
        if self.troubles > 0 {
            sleep(PAUSE * self.troubles).await;
        }
        self.troubles += 1;
        // Without a version, a watch begins with everything that is there.
        let path = format!(
            "/api/v1/namespaces/{}/pods?watch=1&timeoutSeconds={WATCH_SECONDS}",
            self.namespace
        );
        match self.calls.watch(&path).await {
            Ok(lines) => {
                self.pods.clear();
                self.lines = Some(lines);
                self.heard_at = Instant::now();
                Ok(())
            }
            // Our own binding is on its way, or a server is being replaced.
            Err(_) if self.troubles < TROUBLES_MAX => Ok(()),
            Err(failed) => Err(failed.of("watch the pods of the environment")),
        }
    }
}

/// Takes one line of a watch.
fn take(line: &[u8], pods: &mut Pods) -> Result<(), serde_json::Error> {
    #[derive(Deserialize)]
    struct Event {
        #[serde(rename = "type")]
        kind: String,
        object: Pod,
    }
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let event: Event = serde_json::from_slice(line)?;
    let name = event.object.metadata.name.clone();
    match event.kind.as_str() {
        "ADDED" | "MODIFIED" => drop(pods.insert(name, event.object)),
        "DELETED" => drop(pods.remove(&name)),
        "ERROR" => return Err(serde::de::Error::custom("the watch ended with an error")),
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn trouble(status: &Value) -> Option<(Duration, EnvironmentReason, String)> {
        let pod = json!({ "metadata": { "name": "it" }, "status": status });
        let pod: Pod = serde_json::from_value(pod).expect("a pod");
        pod.trouble().map(|(patience, failure)| (patience, failure.reason, failure.detail))
    }

    fn unscheduled(message: &str) -> Value {
        json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": message }] })
    }

    fn waiting(reason: &str, restarts: u32) -> Value {
        json!({ "phase": "Running", "containerStatuses": [{
            "name": "syncer", "image": "example.org/vcluster:1", "restartCount": restarts,
            "state": { "waiting": { "reason": reason, "message": "says why" } },
            "lastState": { "terminated": { "reason": "OOMKilled", "exitCode": 137 } },
        }] })
    }

    #[test]
    fn what_keeps_a_pod_from_starting_has_its_reason() {
        for (status, patience, reason, words) in [
            (
                unscheduled("0/3 nodes are available: 3 Insufficient memory."),
                NODE_PATIENCE,
                EnvironmentReason::Unschedulable,
                "3 Insufficient memory",
            ),
            (
                unscheduled("pod has unbound immediate PersistentVolumeClaims"),
                NODE_PATIENCE,
                EnvironmentReason::Volume,
                "unbound",
            ),
            (
                waiting("ImagePullBackOff", 0),
                IMAGE_PATIENCE,
                EnvironmentReason::ImagePull,
                "example.org/vcluster:1",
            ),
            (
                waiting("CrashLoopBackOff", RESTARTS_MAX),
                Duration::ZERO,
                EnvironmentReason::Crash,
                "ended 3 times, last with OOMKilled (137)",
            ),
        ] {
            let (waits, why, detail) = trouble(&status).expect("a trouble");
            assert_eq!((waits, why), (patience, reason), "{detail}");
            assert!(detail.contains(words), "{detail}");
        }
        for fine in [json!({}), waiting("ContainerCreating", 0), waiting("CrashLoopBackOff", 2)] {
            assert_eq!(trouble(&fine), None, "{fine}");
        }
    }

    #[test]
    fn a_watch_is_taken_event_by_event_and_its_error_begins_a_new_one() {
        let mut pods = Pods::new();
        let event = |kind: &str, phase: &str| {
            let object = json!({ "metadata": { "name": "a" }, "status": { "phase": phase,
                "containerStatuses": [{ "state": { "running": {} } }] } });
            json!({ "type": kind, "object": object }).to_string().into_bytes()
        };
        take(&event("ADDED", "Pending"), &mut pods).expect("an event");
        assert!(!pods["a"].is_running());
        take(&event("MODIFIED", "Running"), &mut pods).expect("an event");
        assert!(pods["a"].is_running() && !pods["a"].is_ready());
        take(&event("DELETED", "Running"), &mut pods).expect("an event");
        assert!(pods.is_empty());
        take(b"\n", &mut pods).expect("nothing");
        assert!(take(&event("ERROR", ""), &mut pods).is_err());
    }
}
