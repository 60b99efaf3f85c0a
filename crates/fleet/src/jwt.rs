//! What a JSON web token says of itself.
//!
//! Promises: subject and expiry where they can be read. Does not: verify anything; the API
//! server does that, and NALABO trusts none of it beyond showing it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;

/// The claims that are used.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct JwtClaims {
    /// `sub`, for example `system:serviceaccount:nalabo-system:nalabo-monitor`.
    pub(crate) subject: Option<String>,
    /// `iat`.
    pub(crate) issued_at: Option<Timestamp>,
    /// `exp`.
    pub(crate) expires_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Claims {
    sub: Option<String>,
    iat: Option<serde_json::Number>,
    exp: Option<serde_json::Number>,
}

impl JwtClaims {
    /// Nothing, for a token that is no JWT: its expiry is unknown.
    pub(crate) fn of(token: &str) -> Self {
        let mut parts = token.split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Self::default();
        };
        let Some(claims) = URL_SAFE_NO_PAD
            .decode(payload.trim_end_matches('='))
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Claims>(&bytes).ok())
        else {
            return Self::default();
        };
        Self {
            subject: claims.sub.map(|it| crate::certificate::shown(&it)),
            issued_at: claims.iat.and_then(moment),
            expires_at: claims.exp.and_then(moment),
        }
    }
}

/// A moment in seconds since 1970, with or without a fraction.
#[expect(clippy::cast_possible_truncation, reason = "whole seconds are enough")]
fn moment(seconds: serde_json::Number) -> Option<Timestamp> {
    let whole = seconds.as_i64().or_else(|| seconds.as_f64().map(|it| it as i64))?;
    Timestamp::from_second(whole).ok()
}
