//! A list, page by page, each folded and dropped.
//!
//! Promises: nothing is counted twice, also when the list expires under us. What was counted
//! before a failure stays counted and the caller hears that it is not all. Does not: know what
//! is listed.

use http::StatusCode;
use nalabo_core::connection::Code;
use url::form_urlencoded;

use crate::api::{Api, ApiFailure, PageAnswer};
use crate::guard::failure;
use crate::page::Fold;

pub(super) const PAGE_ITEMS: u32 = 500;
/// Where 500 objects do not fit into a page's bytes.
const PAGE_ITEMS_SMALL: u32 = 50;
/// Most pages of one list; beyond, figures are lower bounds.
pub(super) const PAGES_MAX: u32 = 600;

/// How far a list could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListEnd {
    Whole,
    Refused,
    BrokenOff,
}

/// What is listed, and how much of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListAsk<'a> {
    pub(crate) path: &'a str,
    /// More for the query, such as a selector.
    pub(crate) query: &'a [(&'a str, &'a str)],
    pub(crate) page_items: u32,
    pub(crate) pages_max: u32,
}

impl<'a> ListAsk<'a> {
    /// All of it.
    pub(crate) const fn whole(path: &'a str) -> Self {
        Self { path, query: &[], page_items: PAGE_ITEMS, pages_max: PAGES_MAX }
    }
}

/// Folds a whole list, and says how far it came.
pub(super) async fn list_fold<F: Fold>(api: &Api, path: &str) -> (F, ListEnd) {
    let mut fold = F::default();
    let end = match pages_fold(api, ListAsk::whole(path), &mut fold).await {
        Ok(_) => ListEnd::Whole,
        Err(refused) if refused.is(StatusCode::FORBIDDEN) => ListEnd::Refused,
        Err(_) => ListEnd::BrokenOff,
    };
    (fold, end)
}

/// Reads a list page by page, and says which version it is of. What was counted before a failure
/// stays counted.
pub(crate) async fn pages_fold<F: Fold>(
    api: &Api,
    ask: ListAsk<'_>,
    fold: &mut F,
) -> Result<String, ApiFailure> {
    let mut items = ask.page_items;
    let mut next = String::new();
    let mut begun_anew = false;
    for _ in 0..ask.pages_max {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(ask.query)
            .append_pair("limit", &items.to_string())
            .extend_pairs((!next.is_empty()).then_some(("continue", &next)))
            .finish();
        let answer = api.page(&format!("{}?{query}", ask.path)).await;
        let read = match answer {
            Ok(PageAnswer::Page(body)) => api.page_fold(body, fold).await,
            // The server goes on from the same place, with what is there now: no object comes
            // twice, because the order is that of names.
            Ok(PageAnswer::Expired { next: Some(token) }) if token != next => {
                next = token;
                continue;
            }
            Ok(PageAnswer::Expired { .. }) if !begun_anew => {
                (begun_anew, *fold) = (true, F::default());
                next.clear();
                continue;
            }
            Ok(PageAnswer::Expired { .. }) => {
                return Err(failure(Code::ServerError, api.place(), None).into());
            }
            Err(failed) => Err(failed),
        };
        let end = match read {
            // Nothing of a page that is too large was counted.
            Err(failed) if failed.failure.code == Code::TooLarge && items > PAGE_ITEMS_SMALL => {
                items = PAGE_ITEMS_SMALL;
                continue;
            }
            other => other?,
        };
        match end.next {
            None => return Ok(end.resource_version),
            // A server that turns in a circle would be counted for ever.
            Some(token) if token == next => break,
            Some(token) => next = token,
        }
    }
    Err(failure(Code::TooLarge, api.place(), None).into())
}
