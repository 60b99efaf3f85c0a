//! Somebody who asks over HTTP, and what they are answered.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, to_bytes};
use axum::extract::ConnectInfo;
use futures::StreamExt as _;
use http::{HeaderMap, Method, Request, header};
use serde_json::Value;
use tokio::time::timeout;
use tower::ServiceExt as _;

/// Longest wait for an answer or an event.
const DEADLINE: Duration = Duration::from_secs(60);
const ANSWER_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Everything that anybody was answered, for tests that look for what must not be there.
pub type Heard = Arc<Mutex<Vec<String>>>;

#[derive(Clone)]
pub struct Visitor {
    router: axum::Router,
    heard: Heard,
    headers: Vec<(&'static str, String)>,
    from: SocketAddr,
}

impl Visitor {
    pub fn new(router: axum::Router, heard: Heard) -> Self {
        let headers = vec![("host", "localhost:8080".to_owned())];
        let from = SocketAddr::from(([127, 0, 0, 1], 40_000));
        Self { router, heard, headers, from }
    }

    /// The same with this header.
    pub fn with(&self, name: &'static str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.retain(|(it, _)| *it != name);
        other.headers.push((name, value.to_owned()));
        other
    }

    /// The same from another address.
    pub fn from(&self, address: &str) -> Self {
        let from = SocketAddr::new(address.parse().expect("an address"), 40_000);
        Self { from, ..self.clone() }
    }

    /// The same with this session.
    pub fn holding(&self, session: &str) -> Self {
        self.with("cookie", &format!("__Host-nalabo={session}"))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body.to_string())).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Asks, and reads the whole answer; of a stream of events only its head.
    pub async fn send(&self, method: Method, path: &str, body: Option<String>) -> Answer {
        let (head, body) = self.open(method, path, body).await.into_parts();
        let is_stream = header_text(&head.headers, "content-type").starts_with("text/event-stream");
        let text = if is_stream {
            String::new()
        } else {
            let bytes = timeout(DEADLINE, to_bytes(body, ANSWER_MAX_BYTES)).await;
            let bytes = bytes.expect("the answer ends in time").expect("a whole answer");
            String::from_utf8(bytes.to_vec()).expect("UTF-8")
        };
        let answer = Answer { status: head.status.as_u16(), headers: head.headers, text };
        let noted = format!("{path} {} {:?} {}", answer.status, answer.headers, answer.text);
        self.heard.lock().expect("no holder panics").push(noted);
        answer
    }

    /// Listens to a stream of events.
    pub async fn listen(&self, method: Method, path: &str, body: Option<Value>) -> Listener {
        let asking = self.with("accept", "text/event-stream");
        let response = asking.open(method, path, body.map(|it| it.to_string())).await;
        let kind = header_text(response.headers(), "content-type");
        assert!(kind.starts_with("text/event-stream"), "{} {kind}", response.status());
        let stream = response.into_body().into_data_stream();
        Listener { stream, pending: String::new(), heard: self.heard.clone() }
    }

    async fn open(&self, method: Method, path: &str, body: Option<String>) -> http::Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, Body::from);
        let request = request.extension(ConnectInfo(self.from)).body(body).expect("a request");
        let asked = timeout(DEADLINE, self.router.clone().oneshot(request)).await;
        asked.expect("an answer in time").unwrap_or_else(|never| match never {})
    }
}

fn header_text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned()
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> String {
        header_text(&self.headers, name)
    }

    /// The JSON of an answer with this status; nothing when it has no body.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The problem of an answer with this status and code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem: Value = serde_json::from_str(&self.text).expect("JSON");
        assert_eq!(problem["code"], code, "{}", self.text);
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"], self.header("x-request-id").as_str());
        problem
    }

    /// The session that a sign-in set.
    #[track_caller]
    pub fn session(&self) -> String {
        assert_eq!(self.status, 204, "{}", self.text);
        let cookie = self.header("set-cookie");
        let value = cookie.strip_prefix("__Host-nalabo=").expect("the session's cookie");
        value.split(';').next().expect("a value").to_owned()
    }
}

/// One event of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heeded {
    pub event: String,
    pub id: String,
    pub data: Value,
}

pub struct Listener {
    stream: BodyDataStream,
    pending: String,
    heard: Heard,
}

impl Listener {
    /// The next event, or nothing when the stream ended.
    pub async fn next(&mut self) -> Option<Heeded> {
        timeout(DEADLINE, self.read()).await.expect("an event in time")
    }

    async fn read(&mut self) -> Option<Heeded> {
        loop {
            if let Some((block, rest)) = self.pending.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.pending = rest;
                self.heard.lock().expect("no holder panics").push(block.clone());
                // A line that begins with a colon only keeps the connection open.
                if block.lines().all(|line| line.starts_with(':')) {
                    continue;
                }
                return Some(event_parse(&block));
            }
            let bytes = self.stream.next().await?.expect("the stream is not broken");
            self.pending.push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
        }
    }
}

fn event_parse(block: &str) -> Heeded {
    let mut event = Heeded::default();
    for line in block.lines() {
        let (field, value) = line.split_once(": ").unwrap_or((line, ""));
        match field {
            "event" => event.event = value.to_owned(),
            "id" => event.id = value.to_owned(),
            "data" => event.data = serde_json::from_str(value).expect("data is JSON"),
            _ => {}
        }
    }
    event
}
