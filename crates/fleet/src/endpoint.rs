//! The address of an API server, as a person writes it.
//!
//! Promises: what passes is `https://host:port` and nothing else; a host written as a number or
//! in hexadecimal becomes the address it means. Does not: say whether that address may be
//! contacted; [`crate::guard`] does, when it is dialled.

use nalabo_core::connection::{Code, Place};
use url::Url;

/// Longest address that is read.
const ENDPOINT_MAX_BYTES: usize = 512;

/// Reads `https://host[:port]`.
pub(crate) fn endpoint_parse(text: &str) -> Result<Url, Code> {
    let text = text.trim();
    // The URL standard drops tabs and line breaks inside; a person who sent them meant something
    // else than what would be dialled.
    if text.len() > ENDPOINT_MAX_BYTES || text.chars().any(|c| c.is_control() || c == ' ') {
        return Err(Code::ServerForm);
    }
    if !text.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) {
        return Err(Code::ServerScheme);
    }
    let url = Url::parse(text).map_err(|_| Code::ServerForm)?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && matches!(url.path(), "" | "/")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.port_or_known_default() != Some(0)
        && !text[8..].contains('@')
        && !text.contains('\\');
    if plain { Ok(url) } else { Err(Code::ServerForm) }
}

/// `https://host:port`, the port always written.
pub(crate) fn endpoint_text(url: &Url) -> String {
    let place = place_of(url);
    format!("https://{}:{}", place.host, place.port)
}

/// Host and port, for texts.
pub(crate) fn place_of(url: &Url) -> Place {
    Place {
        host: url.host_str().unwrap_or_default().to_owned(),
        port: url.port_or_known_default().unwrap_or(443),
    }
}
