//! `/metrics`: NALABO's own figures, for a Prometheus.
//!
//! Promises: answers a caller on this machine, and one from elsewhere that brings the token which
//! the operator set; everybody else is told the same as of a page that is not there. Does not:
//! take a session of the console; whoever scrapes is a program. Not part of the API: its families
//! may change with the program, and are described by their own text.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Extension;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use nalabo_app::metrics::metrics_text;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio::time::timeout;

use crate::problem::Problem;
use crate::service::unknown_operation;
use crate::state::Api;

const CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
/// The database is asked for five seconds at most, once for the wait and once for the fleet.
const DEADLINE: Duration = Duration::from_secs(15);
/// What a proxy adds. A request with one of these came from elsewhere, whoever passed it on.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// The figures, or nothing to see.
pub async fn metrics(
    State(api): State<Api>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Response {
    let local = peer.is_some_and(|it| it.0.0.ip().to_canonical().is_loopback());
    let token = api.app.settings().metrics.token.as_ref();
    if !((local && is_from_here(&headers)) || token.is_some_and(|it| brings(&headers, it))) {
        return unknown_operation().await.into_response();
    }
    match timeout(DEADLINE, metrics_text(&api.app)).await {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(_) => Problem::internal().into_response(),
    }
}

/// Whether nothing says that somebody on this machine only passes the request on. A browser that
/// was led here under another name says that name as host.
fn is_from_here(headers: &HeaderMap) -> bool {
    let forwarded = FORWARDED.iter().any(|it| headers.contains_key(HeaderName::from_static(it)));
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|it| it.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    !forwarded && (name == "localhost" || address.is_ok_and(|it| it.is_loopback()))
}

fn brings(headers: &HeaderMap, token: &SecretString) -> bool {
    let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let given = given.strip_prefix(b"Bearer ").unwrap_or_default();
    given.ct_eq(token.expose_secret().as_bytes()).into()
}
