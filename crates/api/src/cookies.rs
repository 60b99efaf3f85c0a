//! The session cookie, and where it may be set.
//!
//! Promises: `__Host-`, Secure, HttpOnly, Strict: the browser sends it to this host only, never
//! from another site, never in clear. Browsers take it over plain http from localhost; anywhere
//! else without TLS in front it is not set, and the answer says what to do.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use nalabo_app::Ctx;
use nalabo_app::sign_ins::SignIn;
use secrecy::{ExposeSecret, SecretString};

use crate::problem::Problem;
use crate::state::Api;

const NAME: &str = "__Host-nalabo";
const SEAT_NAME: &str = "__Host-nalabo-seat";
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";

/// The cookie of a new session.
pub fn session_cookie(made: &SignIn) -> HeaderValue {
    let token = made.token.expose_secret();
    let mut value = HeaderValue::from_str(&format!("{NAME}={token}; {ATTRIBUTES}"))
        .expect("base64 is made of visible characters");
    value.set_sensitive(true);
    value
}

/// Takes the cookie back.
pub fn ended_cookie() -> HeaderValue {
    HeaderValue::from_str(&format!("{NAME}=; {ATTRIBUTES}; Max-Age=0")).expect("a constant")
}

/// The cookie of a participant's seat: another name, so that a trainer may try their own session.
pub fn seat_cookie(token: &SecretString) -> HeaderValue {
    let token = token.expose_secret();
    // As long as sessions may last; what it opens ends by itself.
    let life = 31 * 24 * 3_600;
    let text = format!("{SEAT_NAME}={token}; {ATTRIBUTES}; Max-Age={life}");
    let mut value = HeaderValue::from_str(&text).expect("base64 is made of visible characters");
    value.set_sensitive(true);
    value
}

/// Takes a seat's cookie back.
pub fn seat_cookie_ended() -> HeaderValue {
    HeaderValue::from_str(&format!("{SEAT_NAME}=; {ATTRIBUTES}; Max-Age=0")).expect("a constant")
}

/// The session of a request.
pub fn session_token(headers: &HeaderMap) -> Option<SecretString> {
    cookie(headers, NAME)
}

/// The seat of a request.
pub fn seat_token(headers: &HeaderMap) -> Option<SecretString> {
    cookie(headers, SEAT_NAME)
}

fn cookie(headers: &HeaderMap, wanted: &str) -> Option<SecretString> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(';'))
        .filter_map(|it| it.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| SecretString::from(value))
}

/// Refuses to sign anybody in where the cookie would not be kept, or would travel in clear.
pub fn require_safe_origin(api: &Api, headers: &HeaderMap, ctx: &Ctx) -> Result<(), Problem> {
    let host = host_of(headers).unwrap_or_default();
    if api.is_https(headers, ctx) || is_localhost(&host) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "insecure_origin", "signing in needs https here")
        .detail("this page came over plain http, and the session would travel in clear")
        .hint(
            "put TLS in front and set NALABO_PUBLIC_URL=https://…, or open http://localhost on the \
         machine itself",
        ))
}

/// The host a request was sent to, without its port.
pub fn host_of(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let authority: http::uri::Authority = host.parse().ok()?;
    Some(authority.host().to_owned())
}

/// The host a request was sent to, with its port.
pub fn host_of_port(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    host.parse::<http::uri::Authority>().ok().map(|it| it.to_string())
}

fn is_localhost(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_found_among_other_cookies() {
        use secrecy::ExposeSecret as _;
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; __Host-nalabo=xyz; c=d"));
        assert_eq!(session_token(&headers).expect("there").expose_secret(), "xyz");
        headers.insert(header::COOKIE, HeaderValue::from_static("nalabo=xyz"));
        assert!(session_token(&headers).is_none());
    }

    #[test]
    fn localhost_is_this_machine_by_any_of_its_names() {
        assert!(["localhost", "127.0.0.1", "[::1]", "app.localhost"].into_iter().all(is_localhost));
        assert!(!["localhost.evil.org", "10.0.0.1", ""].into_iter().any(is_localhost));
    }
}
