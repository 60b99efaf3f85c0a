//! Open-loop load: requests leave on a schedule, whether or not the ones before were answered.
//!
//! Promises: latency is counted from the moment a request was due, not from when a connection was
//! free to send it, so that a stall of the server shows in every request it delayed (coordinated
//! omission). Does not: limit the server; a connection more is opened where all are waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use hdrhistogram::Histogram;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

const ASK_DEADLINE: Duration = Duration::from_secs(30);
/// Connections that are kept; as many requests are under way at most.
const CONNECTIONS: usize = 64;

/// What is asked again and again.
#[derive(Debug, Clone)]
pub struct Ask {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// What of; each request takes the next.
    pub paths: Vec<String>,
    /// With this session.
    pub cookie: String,
    /// With this body.
    pub body: String,
    /// The answer that is right.
    pub status: u16,
}

impl Ask {
    /// Reads one path.
    pub fn get(path: &str, cookie: &str) -> Self {
        Self::get_each(vec![path.to_owned()], cookie)
    }

    /// Reads these in turn.
    pub fn get_each(paths: Vec<String>, cookie: &str) -> Self {
        Self { method: "GET", paths, cookie: cookie.to_owned(), body: String::new(), status: 200 }
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Loaded {
    /// From when a request was due until its answer was whole, in microseconds.
    pub latency_us: Histogram<u64>,
    /// Answers that were not what was asked for, or did not come.
    pub wrong: u64,
    /// Bytes of one answer, as sent.
    pub body_bytes: u64,
    /// Requests answered rightly, a second.
    pub per_second: f64,
}

impl Loaded {
    /// The quantile, in milliseconds.
    pub fn ms(&self, quantile: f64) -> f64 {
        self.latency_us.value_at_quantile(quantile) as f64 / 1_000.0
    }
}

/// Asks `url` at `per_second` for `seconds`.
pub async fn load(url: &str, ask: &Ask, per_second: f64, seconds: f64) -> anyhow::Result<Loaded> {
    let total = (per_second * seconds) as u64;
    let authority = url.strip_prefix("http://").context("a plain address")?.to_owned();
    let ask = Arc::new(ask.clone());
    let next = Arc::new(AtomicU64::new(0));
    // A little ahead, so that every connection stands when the first request is due.
    let start = Instant::now() + Duration::from_millis(300);
    let mut tasks = JoinSet::new();
    for _ in 0..CONNECTIONS.min(usize::try_from(total)?) {
        let (authority, ask, next) = (authority.clone(), Arc::clone(&ask), Arc::clone(&next));
        tasks.spawn(async move {
            let mut latency_us = Histogram::<u64>::new_with_bounds(1, 120_000_000, 3)?;
            let (mut wrong, mut body_bytes) = (0_u64, 0_u64);
            let mut connection = None;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= total {
                    break;
                }
                let due = start + Duration::from_secs_f64(number as f64 / per_second);
                sleep_until(due).await;
                let answered =
                    timeout(ASK_DEADLINE, ask_once(&mut connection, &authority, &ask, number));
                match answered.await {
                    Ok(Ok((status, bytes))) if status == ask.status => body_bytes = bytes,
                    Ok(Ok(_)) => wrong += 1,
                    Ok(Err(_)) | Err(_) => {
                        wrong += 1;
                        connection = None;
                    }
                }
                latency_us.saturating_record(u64::try_from(due.elapsed().as_micros())?.max(1));
            }
            anyhow::Ok((latency_us, wrong, body_bytes))
        });
    }
    let mut all = Histogram::<u64>::new_with_bounds(1, 120_000_000, 3)?;
    let (mut wrong, mut body_bytes) = (0, 0);
    while let Some(ended) = tasks.join_next().await {
        let (latency_us, some_wrong, bytes) = ended??;
        all.add(latency_us)?;
        wrong += some_wrong;
        body_bytes = body_bytes.max(bytes);
    }
    ensure!(all.len() == total, "some requests were not made");
    let took = start.elapsed().as_secs_f64().max(seconds);
    let per_second = (total - wrong) as f64 / took;
    Ok(Loaded { latency_us: all, wrong, body_bytes, per_second })
}

async fn ask_once(
    connection: &mut Option<SendRequest<Full<Bytes>>>,
    authority: &str,
    ask: &Ask,
    number: u64,
) -> anyhow::Result<(u16, u64)> {
    let mut sender = match connection.take().filter(|it| !it.is_closed()) {
        Some(sender) => sender,
        None => {
            let stream = TcpStream::connect(authority).await?;
            stream.set_nodelay(true)?;
            let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
            // Ends with its connection, which ends with the sender.
            tokio::spawn(driver);
            sender
        }
    };
    let path = &ask.paths[usize::try_from(number)? % ask.paths.len()];
    let mut request = Request::builder()
        .method(ask.method)
        .uri(path)
        .header(header::HOST, authority)
        .header(header::ACCEPT_ENCODING, "gzip")
        .header(header::COOKIE, &ask.cookie);
    if !ask.body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let request = request.body(Full::new(Bytes::from(ask.body.clone())))?;
    sender.ready().await?;
    let answer = sender.send_request(request).await?;
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await?.to_bytes().len();
    *connection = Some(sender);
    Ok((status, u64::try_from(bytes)?))
}
