//! Pods written by copying, not by building them.
//!
//! Promises: byte for byte what the types of the Kubernetes API would write, at a fraction of the
//! work, because a bench shares its processors with what it measures. Does not: keep a pod; kept
//! is one text with holes for each shape, of which there are a few dozen.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use super::item::pod_item;
use super::values::{HOLES, Shape, Values};

/// A text with holes.
#[derive(Debug)]
struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    Hole(usize),
}

impl Template {
    /// The pod of a shape, cut at its holes.
    fn of(shape: &Shape) -> Self {
        let marks = Values::marks();
        let text = serde_json::to_string(&pod_item(shape, &marks)).expect("strings and numbers");
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        loop {
            let next =
                (0..HOLES).filter_map(|hole| rest.find(marks.at(hole)).map(|at| (at, hole))).min();
            let Some((at, hole)) = next else { break };
            pieces.push(Piece::Text(rest[..at].into()));
            pieces.push(Piece::Hole(hole));
            rest = &rest[at + marks.at(hole).len()..];
        }
        pieces.push(Piece::Text(rest.into()));
        Self { pieces }
    }

    fn write(&self, values: &Values, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Hole(hole) => out.extend_from_slice(values.at(*hole).as_bytes()),
            }
        }
    }
}

/// Made once for each shape, for all sims of the process: nothing of a cluster is in them.
static TEMPLATES: LazyLock<Mutex<HashMap<Shape, Arc<Template>>>> = LazyLock::new(Mutex::default);

/// Writes the pod of a shape with these values.
pub(super) fn pod_write(shape: &Shape, values: &Values, out: &mut Vec<u8>) {
    let template = {
        let mut templates = TEMPLATES.lock().expect("a template that panicked once panics again");
        templates.entry(*shape).or_insert_with(|| Arc::new(Template::of(shape))).clone()
    };
    template.write(values, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::workload::pods;

    #[test]
    fn a_pod_from_a_template_is_the_pod_byte_for_byte() {
        let mut shapes = std::collections::HashSet::new();
        for position in 0..20 {
            let profile = Profile::of(3, position, &(3..=3), &(60..=60));
            for (pod, is_silent) in pods(&profile).iter().zip([false, true].into_iter().cycle()) {
                let shape = Shape::of(pod, is_silent);
                let values = Values::of(&profile, pod, 12_345);
                let built = serde_json::to_vec(&pod_item(&shape, &values)).unwrap();
                let mut copied = Vec::new();
                pod_write(&shape, &values, &mut copied);
                assert_eq!(String::from_utf8(copied), String::from_utf8(built));
                shapes.insert(shape);
            }
        }
        assert!(shapes.len() > 30, "{} shapes were met", shapes.len());
    }
}
