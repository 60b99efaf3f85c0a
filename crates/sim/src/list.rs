//! Lists, a page at a time, as the API server cuts them.
//!
//! Promises: the pages of one list together hold every object once, as of the moment of the first
//! page; a continue token older than etcd's compaction is answered with 410 and a token to read
//! on with. Does not: serve from a watch cache; `limit` is honoured whatever `resourceVersion`
//! says, and `labelSelector` is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta;
use serde::{Deserialize, Serialize};

use crate::status::Failure;

/// Seconds after which a real cluster compacts its history.
pub(crate) const COMPACTION_SECONDS: i64 = 300;

/// What a list request asks for.
#[derive(Debug, Default)]
pub(crate) struct ListQuery {
    pub(crate) namespace: Option<String>,
    limit: Option<usize>,
    token: Option<Token>,
    fields: Vec<FieldRequirement>,
}

/// A continue token; the same fields as a real one.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    v: String,
    rv: i64,
    /// The first key of the next page: the last one of this page and a NUL.
    start: String,
}

/// `field=value` or `field!=value`.
#[derive(Debug)]
struct FieldRequirement {
    field: String,
    value: String,
    equal: bool,
}

impl ListQuery {
    /// Reads the query of a list request.
    pub(crate) fn parse(query: &str, namespace: Option<&str>) -> Result<Self, Failure> {
        let mut list = Self { namespace: namespace.map(ToOwned::to_owned), ..Self::default() };
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
                "fieldSelector" => list.fields = field_requirements_parse(&value)?,
                "labelSelector" => {
                    return Err(Failure::bad_request("a pretend cluster does not select by label"));
                }
                "watch" if matches!(value.as_ref(), "true" | "1") => {
                    return Err(Failure::bad_request("a pretend cluster does not watch yet"));
                }
                _ => {}
            }
        }
        Ok(list)
    }

    /// The resource version that this page belongs to: that of its first page, or now.
    pub(crate) fn resource_version(&self, now: i64, compacted: i64) -> Result<i64, Failure> {
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
}

/// Gives the value of a field of a row.
pub(crate) type FieldOf<'f, R> = dyn Fn(&R, &str) -> Option<String> + 'f;

/// How rows of one kind are listed.
pub(crate) struct Listing<R> {
    pub(crate) kind: &'static str,
    pub(crate) api_version: &'static str,
    /// Namespace and name of a row.
    pub(crate) key: fn(&R) -> (&str, &str),
}

impl<R> Listing<R> {
    /// One page of `rows`, which are sorted by key, written out by `item`. `field` gives the
    /// value of a field that rows may be selected by, and nothing for any other.
    pub(crate) fn page<S: Serialize>(
        &self,
        query: &ListQuery,
        resource_version: i64,
        rows: &[R],
        field: &FieldOf<'_, R>,
        item: impl Fn(&R) -> S,
    ) -> Result<Vec<u8>, Failure> {
        let after = query.token.as_ref().map(|token| token.start.trim_end_matches('\0'));
        let mut wanted = Vec::with_capacity(rows.len());
        for row in rows {
            let is_ahead = after.is_none_or(|after| key_text((self.key)(row)).as_str() > after);
            if is_ahead && self.is_selected(query, row, field)? {
                wanted.push(row);
            }
        }
        let page = &wanted[..query.limit.unwrap_or(usize::MAX).min(wanted.len())];
        let left = wanted.len() - page.len();
        let mut metadata = ListMeta {
            resource_version: Some(resource_version.to_string()),
            ..ListMeta::default()
        };
        if let Some(last) = page.last().filter(|_| left > 0) {
            let start = format!("{}\0", key_text((self.key)(last)));
            metadata.continue_ = Some(token_text(resource_version, start));
            // The real server does not count behind a selector.
            metadata.remaining_item_count =
                query.fields.is_empty().then(|| i64::try_from(left).unwrap_or(i64::MAX));
        }
        Ok(self.write(&metadata, page, item))
    }

    fn is_selected(
        &self,
        query: &ListQuery,
        row: &R,
        field_of: &FieldOf<'_, R>,
    ) -> Result<bool, Failure> {
        let (namespace, name) = (self.key)(row);
        if query.namespace.as_deref().is_some_and(|wanted| wanted != namespace) {
            return Ok(false);
        }
        for requirement in &query.fields {
            let value = match requirement.field.as_str() {
                "metadata.name" => Some(name.to_owned()),
                "metadata.namespace" => Some(namespace.to_owned()),
                field => field_of(row, field),
            };
            let Some(value) = value else {
                let field = &requirement.field;
                return Err(Failure::bad_request(format!("field label not supported: {field}")));
            };
            if (value == requirement.value) != requirement.equal {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes item by item, so that a page is never held as objects and as bytes at once.
    fn write<S: Serialize>(
        &self,
        metadata: &ListMeta,
        page: &[&R],
        item: impl Fn(&R) -> S,
    ) -> Vec<u8> {
        const PLAIN: &str = "our own types can be written as JSON";
        let (kind, api_version) = (self.kind, self.api_version);
        let mut out =
            format!(r#"{{"kind":"{kind}","apiVersion":"{api_version}","metadata":"#).into_bytes();
        serde_json::to_writer(&mut out, metadata).expect(PLAIN);
        out.extend_from_slice(br#","items":["#);
        for (position, row) in page.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            serde_json::to_writer(&mut out, &item(row)).expect(PLAIN);
        }
        out.extend_from_slice(b"]}\n");
        out
    }
}

/// For kinds without fields of their own to select by.
pub(crate) fn no_field<R>(_: &R, _: &str) -> Option<String> {
    None
}

fn key_text((namespace, name): (&str, &str)) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

fn token_text(rv: i64, start: String) -> String {
    let token = Token { v: "meta.k8s.io/v1".to_owned(), rv, start };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).expect("strings and a number"))
}

fn token_parse(text: &str) -> Result<Token, Failure> {
    let invalid = || Failure::bad_request("invalid continue token: continue key is not valid");
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
    let token: Token = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
    if token.v == "meta.k8s.io/v1" { Ok(token) } else { Err(invalid()) }
}

fn field_requirements_parse(text: &str) -> Result<Vec<FieldRequirement>, Failure> {
    text.split(',')
        .map(|part| {
            let (field, value, equal) = part
                .split_once("!=")
                .map(|(field, value)| (field, value, false))
                .or_else(|| part.split_once("==").map(|(field, value)| (field, value, true)))
                .or_else(|| part.split_once('=').map(|(field, value)| (field, value, true)))
                .ok_or_else(|| {
                    Failure::bad_request(format!("invalid selector: '{part}'; can't understand it"))
                })?;
            Ok(FieldRequirement { field: field.to_owned(), value: value.to_owned(), equal })
        })
        .collect()
}
