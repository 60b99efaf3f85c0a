//! A shell in an environment, for a browser.
//!
//! Promises: the shell runs in the environment's own pod `terminal` with the participant's own
//! rights; what is typed and what is shown pass as they come, and a side that does not keep up
//! holds up the other. Whoever leaves takes their shell with them: it is hung up, as by a modem.
//! Does not: keep what was shown, or know what is typed.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{Sink, SinkExt as _, Stream, StreamExt as _, pin_mut};
use http::StatusCode;
use nalabo_core::connection::Code;
use nalabo_core::health::Failure;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::api::{Api, ApiFailure};
use crate::channels::{ApiStream, Channels};
use crate::environment::{TERMINAL, home, terminal_ensure};
use crate::environment_access::{Door, EnvironmentAccess};
use crate::guard::failure;

/// Both send the shell's end on a channel of its own.
const PROTOCOLS: &str = "v5.channel.k8s.io, v4.channel.k8s.io";
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const END: u8 = 3;
const RESIZE: u8 = 4;

/// A pod that is made anew needs no longer, with its image on the node.
const POD_DEADLINE: Duration = Duration::from_secs(60);
const POD_ASKED_EVERY: Duration = Duration::from_secs(1);
const HANG_UP_DEADLINE: Duration = Duration::from_secs(5);

/// `$0` marks what runs in this terminal, so that all of it is found when it is left.
const SHELL: &str = "export NALABO_TERMINAL=$0 TERM=xterm-256color; cd 2>/dev/null; \
    if command -v bash >/dev/null 2>&1; then exec bash -l; else exec sh -l; fi";
const HANG_UP: &str = "for it in /proc/[0-9]*; do \
    if grep -q NALABO_TERMINAL=$0 $it/environ 2>/dev/null; then kill -HUP ${it#/proc/}; fi; done";

/// How much a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

/// What a person does at a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalAction {
    /// Types.
    Type(Bytes),
    /// Makes it larger or smaller.
    Resize(TerminalSize),
}

/// How a terminal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminalEnd {
    /// The shell ended, with this code.
    Exited(i32),
    /// The person left.
    Left,
    /// The pod or the way to it is gone.
    Lost,
}

/// A shell that runs.
pub struct Terminal {
    channels: Mutex<Channels<ApiStream>>,
    access: EnvironmentAccess,
    mark: String,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").field("access", &self.access).finish_non_exhaustive()
    }
}

impl EnvironmentAccess {
    /// Starts a shell. A pod that is gone is made again first.
    pub async fn terminal_open(&self, size: TerminalSize) -> Result<Terminal, Failure> {
        let door = self.terminal_await().await?;
        let api = &door.api;
        let mark = Uuid::now_v7().simple().to_string();
        let path = self.exec_path(SHELL, &mark, "&stdin=true&tty=true");
        let (channels, _) = api.channels(&path, PROTOCOLS).await?;
        let channels = Mutex::new(channels);
        let lost = |_| failure(Code::Reset, api.place(), None);
        send(&channels, RESIZE, &size.message()).await.map_err(lost)?;
        Ok(Terminal { channels, access: self.clone(), mark })
    }

    /// Waits until the pod runs.
    async fn terminal_await(&self) -> Result<Arc<Door>, Failure> {
        let until = Instant::now() + POD_DEADLINE;
        let mut door = self.inner.door().await?;
        let mut refused = false;
        loop {
            match pod_read(&door.api, &self.home()).await {
                Ok(pod) if pod.runs() => return Ok(door),
                // On its way out or in.
                Ok(pod) if !pod.is_over() => {}
                Ok(_) => self.terminal_make().await?,
                Err(absent) if absent.is(StatusCode::NOT_FOUND) => self.terminal_make().await?,
                Err(unauthorized) if unauthorized.is(StatusCode::UNAUTHORIZED) && !refused => {
                    refused = true;
                    self.inner.forget(&door);
                    door = self.inner.door().await?;
                    continue;
                }
                Err(failed) => return Err(failed.into()),
            }
            if Instant::now() > until {
                let detail = "The pod of the terminal does not start.".to_owned();
                return Err(failure(Code::Timeout, door.api.place(), Some(detail)));
            }
            sleep(POD_ASKED_EVERY).await;
        }
    }

    async fn terminal_make(&self) -> Result<(), Failure> {
        let api = self.inner.administrator().await?;
        terminal_ensure(&api, self.inner.id, self.inner.driver).await.map_err(|refused| Failure {
            code: Code::ServerError,
            detail: format!("The pod of the terminal could not be made: {}.", refused.detail),
        })
    }

    fn exec_path(&self, script: &str, mark: &str, more: &str) -> String {
        let namespace = self.home();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for word in ["/bin/sh", "-c", script, mark] {
            query.append_pair("command", word);
        }
        let query = query.append_pair("stdout", "true").finish();
        format!("/api/v1/namespaces/{namespace}/pods/{TERMINAL}/exec?{query}{more}")
    }

    fn home(&self) -> String {
        home(self.inner.id, self.inner.driver)
    }

    /// Ends what was started in a terminal, as far as it can be reached.
    async fn hang_up(&self, mark: &str) -> Result<(), ApiFailure> {
        let door = self.inner.door().await?;
        let path = self.exec_path(HANG_UP, mark, "");
        let (channels, _) = door.api.channels(&path, PROTOCOLS).await?;
        let channels = Mutex::new(channels);
        while let Ok(Some((channel, _))) = receive(&channels).await
            && channel != END
        {}
        Ok(())
    }
}

impl Terminal {
    /// Passes what a person does to the shell, and what it shows to `screen`, until one of them
    /// ends.
    pub async fn run<I, O>(self, actions: I, screen: O) -> TerminalEnd
    where
        I: Stream<Item = TerminalAction> + Send,
        O: Sink<Bytes> + Send,
    {
        let end = {
            let typed = type_all(&self.channels, actions);
            let shown = show_all(&self.channels, screen);
            // In one task, because a WebSocket wakes one reader and one writer.
            tokio::select! {
                end = typed => end,
                end = shown => end,
            }
        };
        if !matches!(end, TerminalEnd::Exited(_)) {
            // Without this, the shell would wait for its next line for as long as the pod lives.
            let _ = timeout(HANG_UP_DEADLINE, self.access.hang_up(&self.mark)).await;
        }
        end
    }
}

/// Types until the person leaves.
async fn type_all<S>(
    channels: &Mutex<Channels<S>>,
    actions: impl Stream<Item = TerminalAction>,
) -> TerminalEnd
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    pin_mut!(actions);
    while let Some(action) = actions.next().await {
        let sent = match action {
            TerminalAction::Type(bytes) => send(channels, STDIN, &bytes).await,
            TerminalAction::Resize(size) => send(channels, RESIZE, &size.message()).await,
        };
        if sent.is_err() {
            return TerminalEnd::Lost;
        }
    }
    TerminalEnd::Left
}

/// Shows until the shell ends, or the screen takes nothing more.
async fn show_all<S>(channels: &Mutex<Channels<S>>, screen: impl Sink<Bytes>) -> TerminalEnd
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    pin_mut!(screen);
    loop {
        match receive(channels).await {
            Ok(Some((STDOUT | STDERR, bytes))) => {
                if !bytes.is_empty() && screen.send(bytes).await.is_err() {
                    return TerminalEnd::Left;
                }
            }
            Ok(Some((END, status))) => return end_read(&status),
            // What it is for is not known here; it is no reason to stop.
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return TerminalEnd::Lost,
        }
    }
}

async fn send<S>(channels: &Mutex<Channels<S>>, channel: u8, mut bytes: &[u8]) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while !bytes.is_empty() {
        let sent = poll_fn(|cx| lock(channels).poll_send(cx, channel, bytes)).await?;
        bytes = &bytes[sent..];
    }
    poll_fn(|cx| lock(channels).poll_flush(cx)).await
}

async fn receive<S>(channels: &Mutex<Channels<S>>) -> io::Result<Option<(u8, Bytes)>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| lock(channels).poll_message(cx)).await
}

fn lock<S>(channels: &Mutex<Channels<S>>) -> MutexGuard<'_, Channels<S>> {
    channels.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TerminalSize {
    fn message(self) -> Vec<u8> {
        let Self { columns, rows } = self;
        format!(r#"{{"Width":{columns},"Height":{rows}}}"#).into_bytes()
    }
}

/// What Kubernetes says of the end: a `Status`, with the code of a shell that failed.
fn end_read(status: &[u8]) -> TerminalEnd {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Status {
        status: String,
        details: Details,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Details {
        causes: Vec<Cause>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Cause {
        reason: String,
        message: String,
    }
    let Ok(it) = serde_json::from_slice::<Status>(status) else { return TerminalEnd::Lost };
    if it.status == "Success" {
        return TerminalEnd::Exited(0);
    }
    let code = it.details.causes.iter().find(|it| it.reason == "ExitCode");
    code.and_then(|it| it.message.parse().ok()).map_or(TerminalEnd::Lost, TerminalEnd::Exited)
}

#[derive(Deserialize)]
struct Pod {
    metadata: PodMetadata,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodMetadata {
    deletion_timestamp: Option<serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    phase: String,
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize)]
struct ContainerStatus {
    ready: bool,
}

impl Pod {
    fn runs(&self) -> bool {
        self.metadata.deletion_timestamp.is_none()
            && self.status.phase == "Running"
            && self.status.container_statuses.iter().all(|it| it.ready)
    }

    /// It will not run again, and is not on its way out either.
    fn is_over(&self) -> bool {
        self.metadata.deletion_timestamp.is_none()
            && matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }
}

async fn pod_read(api: &Api, namespace: &str) -> Result<Pod, ApiFailure> {
    api.get(&format!("/api/v1/namespaces/{namespace}/pods/{TERMINAL}")).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_shell_says_its_code() {
        let end = |status: &str| end_read(status.as_bytes());
        assert_eq!(end(r#"{"metadata":{},"status":"Success"}"#), TerminalEnd::Exited(0));
        let failed = r#"{"status":"Failure","reason":"NonZeroExitCode",
            "details":{"causes":[{"reason":"ExitCode","message":"130"}]}}"#;
        assert_eq!(end(failed), TerminalEnd::Exited(130));
        let gone = r#"{"status":"Failure","message":"container not found"}"#;
        assert_eq!(end(gone), TerminalEnd::Lost);
        assert_eq!(end("no JSON"), TerminalEnd::Lost);
    }

    #[test]
    fn a_pod_on_its_way_out_is_neither_used_nor_made_anew() {
        let pod = |json| serde_json::from_value::<Pod>(json).expect("a pod");
        let running = pod(serde_json::json!({
            "metadata": {}, "status": { "phase": "Running", "containerStatuses": [{ "ready": true }] },
        }));
        assert!(running.runs() && !running.is_over());
        let going = pod(serde_json::json!({
            "metadata": { "deletionTimestamp": "2026-08-05T10:00:00Z" },
            "status": { "phase": "Failed" },
        }));
        assert!(!going.runs() && !going.is_over());
        let over = pod(serde_json::json!({ "metadata": {}, "status": { "phase": "Failed" } }));
        assert!(!over.runs() && over.is_over());
    }
}
