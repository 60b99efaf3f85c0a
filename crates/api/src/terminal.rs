//! `/api/portal/terminal`: a shell in the participant's browser.
//!
//! Promises: only NALABO's own page opens it; it ends within seconds of the seat, its environment
//! or the browser's cookie, and says why. Frames are bounded, a side that does not keep up holds
//! up the other, and a browser that is gone is noticed. Does not: keep or log what is typed.
//!
//! Binary frames are keystrokes and output. Text frames are JSON: `{"type":"resize",…}` to the
//! server, `{"type":"ready"}` and `{"type":"ended","reason":…}` from it.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use bytes::Bytes;
use futures::channel::mpsc;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt as _, Stream, StreamExt as _};
use http::{HeaderMap, StatusCode, header};
use nalabo_app::environment_access::{
    OpenEnvironment, environment_open_of_seat, terminal_end_reason, terminal_note,
};
use nalabo_app::portal::seat_actor;
use nalabo_core::environment::EnvironmentReason;
use nalabo_fleet::{EnvironmentAccess, Terminal, TerminalAction, TerminalEnd, TerminalSize};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, interval_at, sleep, timeout};
use tracing::info;
use url::Url;

use crate::cookies::{host_of_port, seat_token};
use crate::environment_gate::closed;
use crate::problem::Problem;
use crate::request::Caller;
use crate::state::Api;

/// Terminals of one seat at once: a tab each.
pub(crate) const TERMINALS_OF_ONE: usize = 8;
const FRAME_MAX_BYTES: usize = 64 * 1024;
const UNWRITTEN_MAX_BYTES: usize = 256 * 1024;
const PING_PERIOD: Duration = Duration::from_secs(20);
/// A browser answers pings by itself; one that did not for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(70);
const COOKIE_ASKED_EVERY: Duration = Duration::from_secs(5);
/// Output on its way to the browser, in frames.
const OUTPUT_MAX: usize = 16;
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Until the browser says how large it is.
const SIZE: TerminalSize = TerminalSize { columns: 80, rows: 24 };
const SIZE_MAX: u16 = 1000;

/// What a browser sends as text.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Told {
    Resize { cols: u16, rows: u16 },
}

/// What is sent to it as text.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Tell {
    Ready,
    Ended { reason: EndReason },
}

/// Why a terminal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum EndReason {
    /// The environment's time was over.
    Expired,
    /// The environment or the session ended otherwise.
    Ended,
    /// There is a new environment in its place.
    Restarted,
    /// The way to it broke.
    Lost,
    /// The shell ended.
    Closed,
}

/// Opens a shell in one's environment, as a WebSocket.
#[utoipa::path(get, path = "/api/portal/terminal", tag = "portal",
    responses((status = 101, description = "binary frames are keystrokes and output, text frames \
        are JSON"), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 429, body = Problem)))]
pub async fn portal_terminal(
    State(api): State<Api>,
    Caller(ctx): Caller,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    require_own_page(&headers)?;
    let upgrade = upgrade.map_err(|_| {
        Problem::new(StatusCode::BAD_REQUEST, "websocket_needed", "a terminal is a WebSocket")
            .hint("open it from your page")
    })?;
    let opened = environment_open_of_seat(&ctx).await?;
    let cookie = seat_token(&headers);
    let until = Box::pin(closed(api.app.clone(), opened.id, opened.opener));
    // By the environment: who takes a new one has other terminals.
    let guest = api.terminals.welcome(opened.id.uuid(), until);
    let turn = guest.requests.clone().try_acquire_owned().map_err(|_| {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_terminals", "too many terminals")
            .hint("close one of your other tabs")
    })?;
    terminal_note(&ctx, opened.id).await?;
    let upgrade = upgrade
        .max_frame_size(FRAME_MAX_BYTES)
        .max_message_size(FRAME_MAX_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(UNWRITTEN_MAX_BYTES);
    Ok(upgrade.on_upgrade(async move |socket| {
        let left = async {
            tokio::select! {
                () = guest.closed.cancelled() => {}
                () = cookie_ended(&api, cookie) => {}
                () = api.stop.cancelled() => {}
            }
        };
        serve(&api, &opened, socket, left).await;
        drop(turn);
    }))
}

/// Another site's page can open a WebSocket to here, with our cookie. A browser says from where.
fn require_own_page(headers: &HeaderMap) -> Result<(), Problem> {
    let origin = headers.get(header::ORIGIN).and_then(|it| it.to_str().ok());
    let origin = origin.and_then(|it| Url::parse(it).ok());
    let from = origin.as_ref().map(|it| &it[url::Position::BeforeHost..url::Position::AfterPort]);
    if from.is_some_and(|it| host_of_port(headers).as_deref() == Some(it)) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "cross_origin", "this came from another site")
        .hint("open NALABO itself and do it there"))
}

/// Waits until the browser has no seat any more.
async fn cookie_ended(api: &Api, cookie: Option<SecretString>) {
    let Some(cookie) = cookie else { return };
    loop {
        sleep(COOKIE_ASKED_EVERY).await;
        // While the database is away nobody is sent out for it; the environment's watch does that.
        if let Ok(None) = seat_actor(&api.app, &cookie).await {
            return;
        }
    }
}

async fn serve(
    api: &Api,
    opened: &OpenEnvironment,
    socket: WebSocket,
    left: impl Future<Output = ()>,
) {
    let access = opened.service.environment_access(opened.id, opened.driver);
    let (mut to_browser, from_browser) = socket.split();
    let ended = tokio::select! {
        ended = run(opened, &access, &mut to_browser, from_browser) => ended,
        () = left => Some(match terminal_end_reason(&api.app, opened.id).await {
            Some(EnvironmentReason::Expired) => EndReason::Expired,
            Some(EnvironmentReason::Restarted) => EndReason::Restarted,
            _ => EndReason::Ended,
        }),
    };
    let Some(reason) = ended else { return };
    let goodbye = async {
        let _ = to_browser.send(tell(&Tell::Ended { reason })).await;
        let _ = to_browser.close().await;
    };
    let _ = timeout(LAST_WORDS, goodbye).await;
}

/// Runs the shell; nothing when the browser is gone, and nobody is there to be told.
async fn run(
    opened: &OpenEnvironment,
    access: &EnvironmentAccess,
    to_browser: &mut SplitSink<WebSocket, Message>,
    from_browser: SplitStream<WebSocket>,
) -> Option<EndReason> {
    let mut actions = Box::pin(actions(from_browser));
    let (terminal, size) = match open(access, &mut actions).await? {
        Ok(opened) => opened,
        Err(failure) => {
            let code = failure.code.as_str();
            info!(environment.id = %opened.id, code, "a terminal could not be opened");
            return Some(EndReason::Lost);
        }
    };
    to_browser.send(tell(&Tell::Ready)).await.ok()?;
    let first = futures::stream::iter(size.map(TerminalAction::Resize));
    let (screen, shown) = mpsc::channel(OUTPUT_MAX);
    let (end, ()) =
        tokio::join!(terminal.run(first.chain(actions), screen), show(to_browser, shown));
    match end {
        TerminalEnd::Exited(_) => Some(EndReason::Closed),
        TerminalEnd::Left => None,
        TerminalEnd::Lost => Some(EndReason::Lost),
    }
}

/// Opens the terminal, for as long as the browser waits for it. What is typed before there is a
/// shell is nobody's; how large the browser is, is kept.
async fn open(
    access: &EnvironmentAccess,
    actions: &mut (impl Stream<Item = TerminalAction> + Unpin),
) -> Option<Result<(Terminal, Option<TerminalSize>), nalabo_fleet::Failure>> {
    let mut size = None;
    let opening = access.terminal_open(SIZE);
    tokio::pin!(opening);
    loop {
        tokio::select! {
            opened = &mut opening => return Some(opened.map(|it| (it, size))),
            action = actions.next() => match action? {
                TerminalAction::Resize(said) => size = Some(said),
                TerminalAction::Type(_) => {}
            },
        }
    }
}

/// What the person does, until they are gone.
fn actions(mut from_browser: SplitStream<WebSocket>) -> impl Stream<Item = TerminalAction> {
    async_stream::stream! {
        // A pong is heard too.
        while let Ok(Some(Ok(message))) = timeout(SILENCE_MAX, from_browser.next()).await {
            match message {
                Message::Binary(bytes) => yield TerminalAction::Type(bytes),
                Message::Text(text) => match resize_read(&text) {
                    Some(size) => yield TerminalAction::Resize(size),
                    None => return,
                },
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(_) => return,
            }
        }
    }
}

fn resize_read(text: &str) -> Option<TerminalSize> {
    let Told::Resize { cols, rows } = serde_json::from_str(text).ok()?;
    let fits = |it: u16| (1..=SIZE_MAX).contains(&it);
    (fits(cols) && fits(rows)).then_some(TerminalSize { columns: cols, rows })
}

/// Sends what the shell shows, and a ping now and then.
async fn show(to_browser: &mut SplitSink<WebSocket, Message>, mut shown: mpsc::Receiver<Bytes>) {
    let mut pings = interval_at(Instant::now() + PING_PERIOD, PING_PERIOD);
    loop {
        let message = tokio::select! {
            bytes = shown.next() => match bytes {
                Some(bytes) => Message::Binary(bytes),
                None => return,
            },
            _ = pings.tick() => Message::Ping(Bytes::new()),
        };
        if to_browser.send(message).await.is_err() {
            return;
        }
    }
}

fn tell(it: &Tell) -> Message {
    Message::Text(Utf8Bytes::from(serde_json::to_string(it).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_opened_from_our_own_page_alone() {
        let from = |host: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a host"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().expect("an origin"));
            }
            require_own_page(&headers).is_ok()
        };
        assert!(from("nalabo.example.org", Some("https://nalabo.example.org")));
        assert!(from("localhost:8080", Some("http://localhost:8080")));
        for (host, origin) in [
            ("nalabo.example.org", None),
            ("nalabo.example.org", Some("null")),
            ("nalabo.example.org", Some("https://evil.example.org")),
            ("nalabo.example.org", Some("https://nalabo.example.org.evil.example")),
            ("nalabo.example.org", Some("https://evil.example/nalabo.example.org")),
            ("localhost:8080", Some("http://localhost:8081")),
        ] {
            assert!(!from(host, origin), "{host} {origin:?}");
        }
    }

    #[test]
    fn a_browser_says_its_size_within_reason_and_nothing_else() {
        let size = resize_read(r#"{"type":"resize","cols":91,"rows":24}"#);
        assert_eq!(size, Some(TerminalSize { columns: 91, rows: 24 }));
        for text in [
            r#"{"type":"resize","cols":0,"rows":24}"#,
            r#"{"type":"resize","cols":65535,"rows":24}"#,
            r#"{"type":"resize","cols":-1,"rows":24}"#,
            r#"{"type":"exec","command":"id"}"#,
            "resize",
            "",
        ] {
            assert_eq!(resize_read(text), None, "{text}");
        }
    }

    #[test]
    fn the_end_is_told_in_the_words_of_the_page() {
        let text = |it: &Tell| serde_json::to_string(it).expect("JSON");
        assert_eq!(text(&Tell::Ready), r#"{"type":"ready"}"#);
        let ended = Tell::Ended { reason: EndReason::Restarted };
        assert_eq!(text(&ended), r#"{"type":"ended","reason":"restarted"}"#);
    }
}
