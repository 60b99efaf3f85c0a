//! The console's files and the participant's page, inside the binary.
//!
//! Promises: hashed assets are cached for ever, pages never; a path that is no file is a page,
//! because both pages have addresses of their own: `/join` and what is below it belong to the
//! participant's, everything else to the console. Does not: serve anything from disk.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Files;

/// A file of the console, or the page that an address belongs to.
pub async fn file(method: Method, uri: Uri) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = uri.path().trim_start_matches('/');
    if let Some(found) = Files::get(path).filter(|_| !PAGES.contains(&path)) {
        return served(path, found);
    }
    // A missing asset must not be answered with the page: it would be kept as the asset.
    if path.starts_with("assets/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    let page = page_of(path);
    match Files::get(page) {
        Some(found) => served(page, found),
        None => {
            (StatusCode::NOT_FOUND, "this build has no console: run `make ui`, then build again\n")
                .into_response()
        }
    }
}

/// Both pages, by their files.
const PAGES: [&str; 2] = ["index.html", "join.html"];

/// Which page answers at `path`, which has no leading slash.
fn page_of(path: &str) -> &'static str {
    let [console, join] = PAGES;
    let first = path.split('/').next().unwrap_or_default();
    if first == "join" || path == join { join } else { console }
}

fn served(path: &str, file: EmbeddedFile) -> Response {
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(kind) = HeaderValue::from_str(kind.as_ref()) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_participant_gets_a_page_of_their_own_and_everybody_else_the_console() {
        for path in ["join", "join/", "join/K7P2MX4TQZ", "join/a/b", "join.html"] {
            assert_eq!(page_of(path), "join.html", "{path}");
        }
        for path in ["", "index.html", "admin", "joined", "admin/join", "login"] {
            assert_eq!(page_of(path), "index.html", "{path}");
        }
    }
}
