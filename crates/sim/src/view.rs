//! The objects of one kind at one moment, as lists, single reads and watches see them.
//!
//! Promises: objects are sorted by key and written out only when somebody wants them; each knows
//! at which version it was made and changed last, which is all that a watch needs. Does not: keep
//! anything; a view lives as long as one request.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::workload::key_order;

/// The versions of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Versions {
    pub(crate) created: i64,
    /// What its metadata says.
    pub(crate) changed: i64,
}

impl Versions {
    /// Of an object that never changed.
    pub(crate) const fn unchanged(created: i64) -> Self {
        Self { created, changed: created }
    }
}

/// The objects of a kind.
pub(crate) trait View {
    /// Kind and API version of one of them.
    fn kind(&self) -> (&'static str, &'static str);
    /// How many there are.
    fn len(&self) -> usize;
    /// Namespace and name.
    fn key(&self, position: usize) -> (&str, &str);
    /// Its labels.
    fn labels(&self, position: usize) -> BTreeMap<String, String>;
    /// The value of a field to select by; none when there is no such field.
    fn field(&self, position: usize, field: &str) -> Option<String>;
    /// Its versions.
    fn versions(&self, position: usize) -> Versions;
    /// Writes it as an item of a list: without `kind` and `apiVersion`.
    fn item_write(&self, position: usize, out: &mut Vec<u8>);

    /// Writes it as an object by itself.
    fn object_write(&self, position: usize, out: &mut Vec<u8>) {
        let (kind, api_version) = self.kind();
        out.extend_from_slice(
            format!(r#"{{"kind":"{kind}","apiVersion":"{api_version}","#).as_bytes(),
        );
        let start = out.len();
        self.item_write(position, out);
        // The brace that opens the item is already there.
        out.remove(start);
    }
}

/// Gives the labels of a row.
type LabelsOf<'a, R> = Box<dyn Fn(&R) -> BTreeMap<String, String> + 'a>;
/// Gives a field of a row, when there is such a field.
type FieldOf<'a, R> = Box<dyn Fn(&R, &str) -> Option<String> + 'a>;
/// Writes a row as an item of a list.
type WriteOf<'a, R> = Box<dyn Fn(&R, &mut Vec<u8>) + 'a>;

/// How rows of one type are seen; each part is a closure over the cluster.
pub(crate) struct Table<'a, R> {
    pub(crate) kind: &'static str,
    pub(crate) api_version: &'static str,
    pub(crate) rows: Vec<R>,
    pub(crate) key: fn(&R) -> (&str, &str),
    pub(crate) labels: LabelsOf<'a, R>,
    pub(crate) field: FieldOf<'a, R>,
    pub(crate) versions: Box<dyn Fn(&R) -> Versions + 'a>,
    pub(crate) write: WriteOf<'a, R>,
}

impl<'a, R: 'a> Table<'a, R> {
    /// Rows that are written by `item`, cannot be selected, and never changed since `created`.
    pub(crate) fn new<S: Serialize>(
        (kind, api_version): (&'static str, &'static str),
        rows: Vec<R>,
        key: fn(&R) -> (&str, &str),
        created: i64,
        item: impl Fn(&R) -> S + 'a,
    ) -> Self {
        Self {
            kind,
            api_version,
            rows,
            key,
            labels: Box::new(|_| BTreeMap::new()),
            field: Box::new(|_, _| None),
            versions: Box::new(move |_| Versions::unchanged(created)),
            write: Box::new(move |row, out| {
                serde_json::to_writer(out, &item(row)).expect("our own types can be written");
            }),
        }
    }

    /// The same with labels.
    pub(crate) fn with_labels(
        mut self,
        labels: impl Fn(&R) -> BTreeMap<String, String> + 'a,
    ) -> Self {
        self.labels = Box::new(labels);
        self
    }

    /// The same with fields to select by.
    pub(crate) fn with_fields(mut self, field: impl Fn(&R, &str) -> Option<String> + 'a) -> Self {
        self.field = Box::new(field);
        self
    }

    /// The same with versions of their own.
    pub(crate) fn with_versions(mut self, versions: impl Fn(&R) -> Versions + 'a) -> Self {
        self.versions = Box::new(versions);
        self
    }
}

impl<R> View for Table<'_, R> {
    fn kind(&self) -> (&'static str, &'static str) {
        (self.kind, self.api_version)
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, position: usize) -> (&str, &str) {
        (self.key)(&self.rows[position])
    }

    fn labels(&self, position: usize) -> BTreeMap<String, String> {
        (self.labels)(&self.rows[position])
    }

    fn field(&self, position: usize, field: &str) -> Option<String> {
        (self.field)(&self.rows[position], field)
    }

    fn versions(&self, position: usize) -> Versions {
        (self.versions)(&self.rows[position])
    }

    fn item_write(&self, position: usize, out: &mut Vec<u8>) {
        (self.write)(&self.rows[position], out);
    }
}

/// Several views of one kind as one, in the order of keys.
pub(crate) struct Merged<'a> {
    parts: Vec<Box<dyn View + 'a>>,
    /// Part, and position in it.
    order: Vec<(usize, usize)>,
}

impl<'a> Merged<'a> {
    /// The objects of all `parts`, of which there is at least one.
    pub(crate) fn new(parts: Vec<Box<dyn View + 'a>>) -> Self {
        let lengths = parts.iter().map(|it| it.len()).enumerate();
        let mut order: Vec<_> =
            lengths.flat_map(|(part, length)| (0..length).map(move |it| (part, it))).collect();
        order.sort_by(|a, b| key_order(parts[a.0].key(a.1), parts[b.0].key(b.1)));
        Self { parts, order }
    }

    fn at(&self, position: usize) -> (&(dyn View + 'a), usize) {
        let (part, position) = self.order[position];
        (self.parts[part].as_ref(), position)
    }
}

impl View for Merged<'_> {
    fn kind(&self) -> (&'static str, &'static str) {
        self.parts[0].kind()
    }

    fn len(&self) -> usize {
        self.order.len()
    }

    fn key(&self, position: usize) -> (&str, &str) {
        let (view, position) = self.at(position);
        view.key(position)
    }

    fn labels(&self, position: usize) -> BTreeMap<String, String> {
        let (view, position) = self.at(position);
        view.labels(position)
    }

    fn field(&self, position: usize, field: &str) -> Option<String> {
        let (view, position) = self.at(position);
        view.field(position, field)
    }

    fn versions(&self, position: usize) -> Versions {
        let (view, position) = self.at(position);
        view.versions(position)
    }

    fn item_write(&self, position: usize, out: &mut Vec<u8>) {
        let (view, position) = self.at(position);
        view.item_write(position, out);
    }
}
