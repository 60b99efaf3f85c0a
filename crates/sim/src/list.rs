//! Lists, a page at a time, as the API server cuts them.
//!
//! Promises: the pages of one list together hold every object once, as of the moment of the first
//! page; a continue token older than etcd's compaction is answered with 410 and a token to read
//! on with; `resourceVersion=0` is answered whole, whatever `limit` says, as a watch cache does; a
//! version from the future is refused. Does not: tell `resourceVersionMatch=Exact` from
//! `NotOlderThan`; both are answered as of now.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use serde::{Deserialize, Serialize};

use crate::selectors::Selectors;
use crate::status::Failure;
use crate::view::View;

/// Seconds after which a real cluster compacts its history.
pub(crate) const COMPACTION_SECONDS: i64 = 300;

/// What a list or watch asks for.
#[derive(Debug, Default)]
pub(crate) struct ListQuery {
    pub(crate) selectors: Selectors,
    /// The version that was asked for; 0 is "any".
    pub(crate) from_version: Option<i64>,
    /// Watches only: end after so many seconds.
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) allow_bookmarks: bool,
    /// Watches only: begin with what there is, and say when that was all.
    pub(crate) send_initial_events: bool,
    pub(crate) version_match: Option<String>,
    limit: Option<usize>,
    token: Option<Token>,
}

/// A continue token; the same fields as a real one.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    v: String,
    rv: i64,
    /// The first key of the next page: the last one of this page and a NUL.
    start: String,
}

/// Whether a query asks to watch; routing needs to know before anything else is read.
pub(crate) fn is_watch(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes()).any(|it| it.0 == "watch" && is_true(&it.1))
}

fn is_true(value: &str) -> bool {
    matches!(value, "true" | "1" | "t" | "T" | "TRUE" | "True")
}

impl ListQuery {
    /// Reads the query of a list or watch.
    pub(crate) fn parse(query: &str, namespace: Option<&str>) -> Result<Self, Failure> {
        let mut list = Self::default();
        list.selectors.namespace = namespace.map(ToOwned::to_owned);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if value.is_empty() {
                continue;
            }
            match name.as_ref() {
                "limit" => {
                    let limit: usize = value.parse().map_err(|_| {
                        Failure::bad_request(format!("limit {value:?} is not a number"))
                    })?;
                    list.limit = (limit > 0).then_some(limit);
                }
                "continue" => list.token = Some(token_parse(&value)?),
                "fieldSelector" => list.selectors.fields_add(&value)?,
                "labelSelector" => list.selectors.labels_add(&value)?,
                "resourceVersion" => {
                    let version = value.parse::<i64>().ok().filter(|it| *it >= 0);
                    list.from_version = Some(version.ok_or_else(|| not_a_version(&value))?);
                }
                "resourceVersionMatch" => list.version_match = Some(value.into_owned()),
                "timeoutSeconds" => list.timeout_seconds = value.parse().ok(),
                "allowWatchBookmarks" => list.allow_bookmarks = is_true(&value),
                "sendInitialEvents" => list.send_initial_events = is_true(&value),
                _ => {}
            }
        }
        Ok(list)
    }

    /// The resource version that this page belongs to: that of its first page, or now.
    pub(crate) fn resource_version(&self, now: i64, compacted: i64) -> Result<i64, Failure> {
        if let Some(ahead) = self.from_version.filter(|wanted| *wanted > now) {
            return Err(Failure::version_too_large(ahead, now));
        }
        match &self.token {
            None => Ok(now),
            // The real server's mark for "as of now": a list that goes on after an expiry.
            Some(token) if token.rv < 0 => Ok(now),
            Some(token) if token.rv < compacted => {
                Err(Failure::expired(token_text(-1, token.start.clone())))
            }
            Some(token) => Ok(token.rv),
        }
    }

    /// A page of what there is; `is_cached` when the real server keeps this kind in a watch
    /// cache, as it keeps all but events.
    pub(crate) fn page(
        &self,
        view: &dyn View,
        resource_version: i64,
        is_cached: bool,
    ) -> Result<Vec<u8>, Failure> {
        let cut = self.cut(view, is_cached)?;
        let mut out = self.head(view.kind(), resource_version, cut.next.as_ref(), cut.left);
        items_write(view, &cut.positions, &mut out);
        Ok(out)
    }

    /// Which objects are on the page.
    pub(crate) fn cut(&self, view: &dyn View, is_cached: bool) -> Result<Cut, Failure> {
        let after = self.token.as_ref().map(|token| token.start.trim_end_matches('\0'));
        let mut positions = Vec::with_capacity(view.len());
        for position in 0..view.len() {
            let is_ahead = after.is_none_or(|after| key_is_after(view.key(position), after));
            if is_ahead && self.selectors.matches(view, position)? {
                positions.push(position);
            }
        }
        let left = positions.len().saturating_sub(self.limit(is_cached));
        positions.truncate(self.limit(is_cached));
        let next = positions.last().filter(|_| left > 0);
        let next = next.map(|last| format!("{}\0", key_text(view.key(*last))));
        Ok(Cut { positions, next, left })
    }

    /// Most objects on a page.
    pub(crate) fn limit(&self, is_cached: bool) -> usize {
        let is_whole = is_cached && self.from_version == Some(0) && self.token.is_none();
        self.limit.filter(|_| !is_whole).unwrap_or(usize::MAX)
    }

    /// The key after which the page begins; empty for the first.
    pub(crate) fn start(&self) -> &str {
        self.token.as_ref().map_or("", |token| &token.start)
    }

    /// Everything of a page that comes before its items.
    pub(crate) fn head(
        &self,
        (kind, api_version): (&str, &str),
        resource_version: i64,
        next: Option<&String>,
        left: usize,
    ) -> Vec<u8> {
        let metadata = ListMeta {
            resource_version: Some(resource_version.to_string()),
            continue_: next.map(|it| token_text(resource_version, it.clone())),
            // The real server does not count behind a selector.
            remaining_item_count: (next.is_some() && self.selectors.is_empty())
                .then(|| i64::try_from(left).unwrap_or(i64::MAX)),
            ..ListMeta::default()
        };
        let mut out = format!(r#"{{"kind":"{kind}List","apiVersion":"{api_version}","metadata":"#)
            .into_bytes();
        serde_json::to_writer(&mut out, &metadata).expect("strings and a number");
        out.extend_from_slice(br#","items":["#);
        out
    }
}

/// The objects of a page, and what comes after it.
pub(crate) struct Cut {
    pub(crate) positions: Vec<usize>,
    /// Where the next page begins; none after the last.
    pub(crate) next: Option<String>,
    /// How many objects are on later pages.
    pub(crate) left: usize,
}

/// Writes item by item, so that a page is never held as objects and as bytes at once; then the
/// end of the page.
pub(crate) fn items_write(view: &dyn View, positions: &[usize], out: &mut Vec<u8>) {
    for (rank, position) in positions.iter().enumerate() {
        if rank > 0 {
            out.push(b',');
        }
        view.item_write(*position, out);
    }
    out.extend_from_slice(b"]}\n");
}

fn key_text((namespace, name): (&str, &str)) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// Compares `namespace/name` without writing it down.
fn key_is_after((namespace, name): (&str, &str), after: &str) -> bool {
    let slash = (!namespace.is_empty()).then_some(b'/');
    namespace.bytes().chain(slash).chain(name.bytes()).gt(after.bytes())
}

fn token_text(rv: i64, start: String) -> String {
    let token = Token { v: "meta.k8s.io/v1".to_owned(), rv, start };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).expect("strings and a number"))
}

fn token_parse(text: &str) -> Result<Token, Failure> {
    let invalid = || Failure::bad_request("continue key is not valid: illegal base64 data");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
    let token: Token = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
    if token.v == "meta.k8s.io/v1" { Ok(token) } else { Err(invalid()) }
}

fn not_a_version(value: &str) -> Failure {
    Failure::bad_request(format!(
        "resourceVersion: Invalid value: \"{value}\": strconv.ParseUint: parsing \"{value}\": \
         invalid syntax"
    ))
}
