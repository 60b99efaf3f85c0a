//! One page of a list, folded item by item.
//!
//! Promises: at any moment one item is in memory, and of it only the fields that are counted;
//! texts are borrowed from the page. A page that is squeezed is unsqueezed up to a limit, and a
//! larger one is refused before any of it is counted. Does not: fetch; `inventory` does.
//!
//! Public, so that what it costs can be measured against reading whole objects: feed
//! [`NodesFold`] and [`PodsFold`] with the bytes of a page.

use std::fmt;
use std::io::Read as _;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess};

pub use crate::inventory::fold::{NodesFold, PodsFold};

/// Sums over a list, a page at a time.
pub trait Fold: Default + Send + 'static {
    /// Counts every item of a page. What was counted before an unreadable item stays counted.
    fn page(&mut self, bytes: &[u8]) -> Result<PageEnd, PageUnreadable>;
}

/// What stands around the items of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageEnd {
    /// Asks for the next page; absent on the last.
    pub next: Option<String>,
    /// The version that the list is of.
    pub resource_version: String,
    /// How many items this page held.
    pub items: usize,
}

/// Not a list of what was expected.
#[derive(Debug, thiserror::Error)]
#[error("read a page of a list")]
pub struct PageUnreadable(#[source] serde_json::Error);

/// Calls `take` with every item of a page.
pub fn page_fold<'de, T: Deserialize<'de>>(
    bytes: &'de [u8],
    take: impl FnMut(T),
) -> Result<PageEnd, PageUnreadable> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let page = Page { take, item: PhantomData };
    let end = json.deserialize_map(page).map_err(PageUnreadable)?;
    json.end().map_err(PageUnreadable)?;
    Ok(end)
}

/// Why a squeezed page was not unsqueezed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsqueezable {
    TooLarge,
    Broken,
}

/// Undoes gzip, up to `max_bytes`: a few kilobytes may claim to be many gigabytes.
pub(crate) fn gzip_read(squeezed: &[u8], max_bytes: usize) -> Result<Vec<u8>, Unsqueezable> {
    // JSON of Kubernetes shrinks to about a tenth; a wrong guess costs a few copies.
    let mut bytes = Vec::with_capacity(squeezed.len().saturating_mul(8).min(max_bytes));
    let limit = max_bytes as u64 + 1;
    let read = flate2::read::MultiGzDecoder::new(squeezed).take(limit).read_to_end(&mut bytes);
    match read {
        Ok(_) if bytes.len() > max_bytes => Err(Unsqueezable::TooLarge),
        Ok(_) => Ok(bytes),
        Err(_) => Err(Unsqueezable::Broken),
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum PageField {
    Metadata,
    Items,
    #[serde(other)]
    Other,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListMeta {
    #[serde(rename = "continue")]
    next: Option<String>,
    resource_version: Option<String>,
}

struct Page<T, F> {
    take: F,
    item: PhantomData<fn(T)>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> serde::de::Visitor<'de> for Page<T, F> {
    type Value = PageEnd;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of Kubernetes objects")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<PageEnd, A::Error> {
        let (mut meta, mut items) = (ListMeta::default(), None);
        while let Some(field) = map.next_key()? {
            match field {
                PageField::Metadata => meta = map.next_value::<Option<_>>()?.unwrap_or_default(),
                // Twice would count twice.
                PageField::Items if items.is_some() => {
                    return Err(A::Error::duplicate_field("items"));
                }
                PageField::Items => {
                    let seed = Items { take: &mut self.take, item: PhantomData };
                    items = Some(map.next_value_seed(seed)?);
                }
                PageField::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(PageEnd {
            next: meta.next.filter(|it| !it.is_empty()),
            resource_version: meta.resource_version.unwrap_or_default(),
            items: items.ok_or_else(|| A::Error::missing_field("items"))?,
        })
    }
}

struct Items<'f, T, F> {
    take: &'f mut F,
    item: PhantomData<fn(T)>,
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Items<'_, T, F> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> serde::de::Visitor<'de> for Items<'_, T, F> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the items of a list")
    }

    // Lists without entries are written as null by some servers.
    fn visit_unit<E>(self) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while let Some(item) = seq.next_element()? {
            (self.take)(item);
            count += 1;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
