//! Pages of pods, compressed once and served many times.
//!
//! Promises: what a client unpacks is byte for byte the page that would have been written; pages
//! that differ only in their version share their compressed items. Bounded: the oldest go. Does
//! not: serve selected or uncompressed pages, which are written anew; a bench that shares its
//! processors asks for neither.

use std::collections::{HashMap, VecDeque};
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// Most bytes kept, for all clusters of a sim together: a thousand clusters of 300 pods.
const BYTES_MAX: usize = 192 * 1024 * 1024;
/// A stored block of deflate holds no more.
const STORED_MAX: usize = 0xffff;

/// Which items: cluster, versions of its nodes and of written pods, where the page begins, how many it may hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PageKey {
    pub(crate) cluster: u64,
    pub(crate) nodes_version: i64,
    pub(crate) pods_version: i64,
    pub(crate) start: String,
    pub(crate) limit: usize,
}

/// The items of a page, compressed, and what its metadata says.
#[derive(Debug)]
pub(crate) struct Squeezed {
    /// Where the next page begins; none after the last.
    pub(crate) next: Option<String>,
    /// How many items are on later pages.
    pub(crate) left: usize,
    packed: Bytes,
    crc: Crc,
}

impl Squeezed {
    /// Compresses `items`, which is everything of a page from the first item on.
    pub(crate) fn of(items: &[u8], next: Option<String>, left: usize) -> Self {
        let mut encoder =
            DeflateEncoder::new(Vec::with_capacity(items.len() / 8), Compression::fast());
        encoder.write_all(items).expect("writing to memory cannot fail");
        let packed = encoder.finish().expect("writing to memory cannot fail");
        let mut crc = Crc::new();
        crc.update(items);
        Self { next, left, packed: packed.into(), crc }
    }

    /// A gzip file of `head`, which is short, and the items.
    pub(crate) fn with_head(&self, head: &[u8]) -> Vec<u8> {
        assert!(head.len() <= STORED_MAX, "the head of a page is a few hundred bytes");
        let length = u16::try_from(head.len()).unwrap_or(u16::MAX);
        let mut out = Vec::with_capacity(self.packed.len() + head.len() + 32);
        // Gzip's header: deflate, no name, no time, fastest, unknown system.
        out.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255]);
        // The head as it is, in a block that is not the last; then the blocks of the items.
        out.push(0);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(head);
        out.extend_from_slice(&self.packed);
        let mut crc = Crc::new();
        crc.update(head);
        crc.combine(&self.crc);
        out.extend_from_slice(&crc.sum().to_le_bytes());
        out.extend_from_slice(&crc.amount().to_le_bytes());
        out
    }
}

/// Compressed pages of all clusters of a sim.
#[derive(Debug, Default)]
pub(crate) struct Pages(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    pages: HashMap<PageKey, Arc<Squeezed>>,
    order: VecDeque<PageKey>,
    bytes: usize,
}

impl Pages {
    /// A page, when it is there.
    pub(crate) fn find(&self, key: &PageKey) -> Option<Arc<Squeezed>> {
        self.0.lock().expect("no holder of this lock can panic").pages.get(key).cloned()
    }

    /// Keeps a page, and lets the oldest go when there are too many.
    pub(crate) fn keep(&self, key: PageKey, page: Arc<Squeezed>) {
        let mut kept = self.0.lock().expect("no holder of this lock can panic");
        if kept.pages.contains_key(&key) {
            return;
        }
        kept.bytes += page.packed.len();
        kept.order.push_back(key.clone());
        kept.pages.insert(key, page);
        while kept.bytes > BYTES_MAX {
            let Some(oldest) = kept.order.pop_front() else { break };
            kept.bytes -= kept.pages.remove(&oldest).map_or(0, |it| it.packed.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_page_put_together_unpacks_to_its_head_and_its_items() {
        let items = "{\"metadata\":{}},".repeat(9_000);
        let squeezed = Squeezed::of(items.as_bytes(), None, 0);
        for head in ["", "{\"kind\":\"PodList\",\"items\":["] {
            let file = squeezed.with_head(head.as_bytes());
            let mut text = String::new();
            flate2::read::GzDecoder::new(file.as_slice()).read_to_string(&mut text).unwrap();
            assert!(text == format!("{head}{items}"));
            assert!(file.len() < items.len() / 20);
        }
    }
}
