//! Selectors: which objects of a list somebody wants.
//!
//! Promises: field and label selectors read as the API server reads them, and a field that a kind
//! cannot be selected by is refused with its words. Does not: check that keys and values are
//! valid label names.

use std::collections::BTreeMap;

use crate::status::Failure;
use crate::view::View;

/// All that an object must fulfil.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selectors {
    pub(crate) namespace: Option<String>,
    fields: Vec<FieldRequirement>,
    labels: Vec<LabelRequirement>,
}

/// `field=value` or `field!=value`.
#[derive(Debug, Clone)]
struct FieldRequirement {
    field: String,
    value: String,
    is_equal: bool,
}

/// One part of a label selector.
#[derive(Debug, Clone, PartialEq, Eq)]
enum LabelRequirement {
    /// `key=value`, `key in (…)`; turned around: `key!=value`, `key notin (…)`.
    OneOf { key: String, values: Vec<String>, is_in: bool },
    /// `key`; turned around: `!key`.
    There { key: String, is_there: bool },
}

impl Selectors {
    /// Adds what a `fieldSelector` says.
    pub(crate) fn fields_add(&mut self, text: &str) -> Result<(), Failure> {
        for part in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            let (field, value, is_equal) = part
                .split_once("!=")
                .map(|(field, value)| (field, value, false))
                .or_else(|| part.split_once("==").map(|(field, value)| (field, value, true)))
                .or_else(|| part.split_once('=').map(|(field, value)| (field, value, true)))
                .ok_or_else(|| {
                    Failure::bad_request(format!(
                        "unable to parse requirement: invalid selector: '{part}'; can't understand '{part}'"
                    ))
                })?;
            let (field, value) = (field.to_owned(), value.to_owned());
            self.fields.push(FieldRequirement { field, value, is_equal });
        }
        Ok(())
    }

    /// Adds what a `labelSelector` says.
    pub(crate) fn labels_add(&mut self, text: &str) -> Result<(), Failure> {
        for part in parts_outside_brackets(text) {
            self.labels.push(label_requirement_parse(part.trim())?);
        }
        Ok(())
    }

    /// Whether there is anything to select by besides the namespace.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.labels.is_empty()
    }

    /// Whether every object is wanted.
    pub(crate) fn is_everything(&self) -> bool {
        self.namespace.is_none() && self.is_empty()
    }

    /// Whether the object at `position` is wanted.
    pub(crate) fn matches(&self, view: &dyn View, position: usize) -> Result<bool, Failure> {
        let (namespace, name) = view.key(position);
        if self.namespace.as_deref().is_some_and(|wanted| wanted != namespace) {
            return Ok(false);
        }
        for FieldRequirement { field, value, is_equal } in &self.fields {
            let is = match field.as_str() {
                "metadata.name" => name == value,
                "metadata.namespace" => namespace == value,
                field => match view.field(position, field) {
                    Some(given) => given == *value,
                    None => {
                        return Err(Failure::bad_request(format!(
                            "field label not supported: {field}"
                        )));
                    }
                },
            };
            if is != *is_equal {
                return Ok(false);
            }
        }
        if self.labels.is_empty() {
            return Ok(true);
        }
        let labels = view.labels(position);
        Ok(self.labels.iter().all(|it| it.is_met(&labels)))
    }
}

impl LabelRequirement {
    fn is_met(&self, labels: &BTreeMap<String, String>) -> bool {
        match self {
            Self::There { key, is_there } => labels.contains_key(key) == *is_there,
            // An object without the label has a value that is not in the list, too.
            Self::OneOf { key, values, is_in } => {
                labels.get(key).is_some_and(|it| values.contains(it)) == *is_in
            }
        }
    }
}

fn label_requirement_parse(part: &str) -> Result<LabelRequirement, Failure> {
    let fail = || {
        Failure::bad_request(format!(
            "unable to parse requirement: found '{part}', expected: identifier"
        ))
    };
    let one_of = |key: &str, values: Vec<String>, is_in: bool| LabelRequirement::OneOf {
        key: key.trim().to_owned(),
        values,
        is_in,
    };
    if let Some(key) = part.strip_prefix('!') {
        return Ok(LabelRequirement::There { key: key.trim().to_owned(), is_there: false });
    }
    if let Some((before, list)) = part.split_once('(') {
        let list = list.trim_end().strip_suffix(')').ok_or_else(fail)?;
        let values = list.split(',').map(|it| it.trim().to_owned()).collect();
        return match before.trim().rsplit_once(char::is_whitespace) {
            Some((key, "in")) => Ok(one_of(key, values, true)),
            Some((key, "notin")) => Ok(one_of(key, values, false)),
            _ => Err(fail()),
        };
    }
    for (operator, is_in) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((key, value)) = part.split_once(operator) {
            return Ok(one_of(key, vec![value.trim().to_owned()], is_in));
        }
    }
    if part.is_empty() || part.contains(char::is_whitespace) {
        return Err(fail());
    }
    Ok(LabelRequirement::There { key: part.to_owned(), is_there: true })
}

/// The text cut at commas, but not at those between brackets.
fn parts_outside_brackets(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0u32);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_selector_is_read_as_kubectl_writes_it() {
        let labels: BTreeMap<String, String> =
            [("app", "prometheus"), ("tier", "back")].map(|(k, v)| (k.into(), v.into())).into();
        let table = [
            ("app=prometheus", true),
            ("app==prometheus,tier=back", true),
            ("app in (prometheus, victoria-metrics),tier", true),
            ("app notin (prometheus)", false),
            ("app!=prometheus", false),
            ("absent!=x", true),
            ("!absent", true),
            ("absent", false),
            ("tier,!app", false),
        ];
        for (text, expected) in table {
            let mut selectors = Selectors::default();
            selectors.labels_add(text).unwrap();
            assert_eq!(selectors.labels.iter().all(|it| it.is_met(&labels)), expected, "{text}");
        }
        assert!(Selectors::default().labels_add("app in prometheus").is_err());
        assert!(Selectors::default().labels_add("app in (x").is_err());
    }
}
