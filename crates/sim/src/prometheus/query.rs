//! A small part of PromQL.
//!
//! Promises: what can be read is worked out as Prometheus works it out; what cannot gives nothing.
//! Does not: know regular expressions beyond alternatives of plain text with `.*` and `.+` in it,
//! functions beyond `timestamp` and `label_replace`, or `group_left`.

use std::collections::BTreeMap;

use super::Sample;

/// Gives the series of a metric.
type Series<'a> = dyn Fn(&str) -> Vec<Sample> + 'a;

const AGGREGATIONS: [&str; 5] = ["sum", "max", "min", "avg", "count"];

/// The vector that `text` stands for; none when it cannot be read.
pub(super) fn evaluate(text: &str, at_second: i64, series: &Series<'_>) -> Option<Vec<Sample>> {
    let mut reader = Reader { rest: text, series, at_second, depth: 0 };
    let value = reader.union()?;
    if !reader.rest.trim().is_empty() {
        return None;
    }
    match value {
        Is::Vector(samples) => Some(samples),
        Is::Number(number) => Some(vec![(BTreeMap::new(), number)]),
    }
}

enum Is {
    Vector(Vec<Sample>),
    Number(f64),
}

struct Reader<'a> {
    rest: &'a str,
    series: &'a Series<'a>,
    at_second: i64,
    depth: u32,
}

impl<'a> Reader<'a> {
    /// Takes `text` when it comes next.
    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.trim_start();
        rest.strip_prefix(text).is_some_and(|rest| {
            self.rest = rest;
            true
        })
    }

    /// Takes a word when it comes next, whole.
    fn take_word(&mut self, word: &str) -> bool {
        let before = self.rest;
        if self.word() == Some(word) {
            return true;
        }
        self.rest = before;
        false
    }

    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let is_part = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | ':');
        let end = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() || word.starts_with(|it: char| it.is_ascii_digit()) {
            return None;
        }
        self.rest = after;
        Some(word)
    }

    /// `a or b`
    fn union(&mut self) -> Option<Is> {
        self.depth += 1;
        // Brackets within brackets without end must not overflow the stack.
        if self.depth > 16 {
            return None;
        }
        let mut left = self.intersection()?;
        while self.take_word("or") {
            let (Is::Vector(mut both), Is::Vector(more)) = (left, self.intersection()?) else {
                return None;
            };
            let new: Vec<Sample> = more
                .into_iter()
                .filter(|it| !both.iter().any(|other| is_same(&other.0, &it.0)))
                .collect();
            both.extend(new);
            left = Is::Vector(both);
        }
        self.depth -= 1;
        Some(left)
    }

    /// `a and b`, `a unless on (c) b`
    fn intersection(&mut self) -> Option<Is> {
        let mut left = self.sum()?;
        loop {
            let keeps_common = match () {
                () if self.take_word("and") => true,
                () if self.take_word("unless") => false,
                () => return Some(left),
            };
            let on = self.grouping("on")?;
            let (Is::Vector(mut of), Is::Vector(other)) = (left, self.sum()?) else { return None };
            of.retain(|(labels, _)| {
                let is_common = other.iter().any(|(more, _)| match &on {
                    None => is_same(labels, more),
                    Some(on) => on.iter().all(|it| labels.get(it) == more.get(it)),
                });
                is_common == keeps_common
            });
            left = Is::Vector(of);
        }
    }

    /// `a + b - c`
    fn sum(&mut self) -> Option<Is> {
        let mut left = self.product()?;
        loop {
            let operate: fn(f64, f64) -> f64 = match () {
                () if self.take("+") => |a, b| a + b,
                () if self.take("-") => |a, b| a - b,
                () => return Some(left),
            };
            left = together(left, self.product()?, operate);
        }
    }

    /// `a * b / c`
    fn product(&mut self) -> Option<Is> {
        let mut left = self.operand()?;
        loop {
            let operate: fn(f64, f64) -> f64 = match () {
                () if self.take("*") => |a, b| a * b,
                () if self.take("/") => |a, b| a / b,
                () => return Some(left),
            };
            left = together(left, self.operand()?, operate);
        }
    }

    fn operand(&mut self) -> Option<Is> {
        if self.take("(") {
            let inner = self.union()?;
            return self.take(")").then_some(inner);
        }
        let rest = self.rest.trim_start();
        let end = rest.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(rest.len());
        if let Ok(number) = rest[..end].parse() {
            self.rest = &rest[end..];
            return Some(Is::Number(number));
        }
        if rest.starts_with('{') {
            return self.selected("").map(Is::Vector);
        }
        let word = self.word()?;
        match word {
            "timestamp" => self.timestamp().map(Is::Vector),
            "label_replace" => self.label_replace().map(Is::Vector),
            "topk" | "bottomk" => self.ranked(word == "topk").map(Is::Vector),
            word if AGGREGATIONS.contains(&word) => self.aggregation(word).map(Is::Vector),
            word => self.selected(word).map(Is::Vector),
        }
    }

    /// `timestamp(v)`: every series here is as new as the question.
    fn timestamp(&mut self) -> Option<Vec<Sample>> {
        let Is::Vector(samples) = self.operand()? else { return None };
        let at = self.at_second as f64;
        Some(samples.into_iter().map(|(labels, _)| (unnamed(labels), at)).collect())
    }

    /// `label_replace(v, "to", "value", "from", "pattern")`, without references into the pattern.
    fn label_replace(&mut self) -> Option<Vec<Sample>> {
        if !self.take("(") {
            return None;
        }
        let Is::Vector(mut samples) = self.union()? else { return None };
        let mut texts = [""; 4];
        for text in &mut texts {
            if !self.take(",") {
                return None;
            }
            *text = self.quoted()?;
        }
        let [to, value, from, pattern] = texts;
        for (labels, _) in &mut samples {
            if is_match(pattern, labels.get(from).map_or("", String::as_str)) {
                labels.insert(to.to_owned(), value.to_owned());
            }
        }
        self.take(")").then_some(samples)
    }

    /// `topk(3, v)`
    fn ranked(&mut self, is_top: bool) -> Option<Vec<Sample>> {
        if !self.take("(") {
            return None;
        }
        let Is::Number(count) = self.operand()? else { return None };
        if !self.take(",") {
            return None;
        }
        let Is::Vector(mut samples) = self.union()? else { return None };
        samples.sort_by(|a, b| if is_top { b.1.total_cmp(&a.1) } else { a.1.total_cmp(&b.1) });
        samples.truncate(count as usize);
        self.take(")").then_some(samples)
    }

    /// `sum by (a, b) (…)`, or the labels after the brackets.
    fn aggregation(&mut self, how: &str) -> Option<Vec<Sample>> {
        let mut by = self.grouping("by")?;
        if !self.take("(") {
            return None;
        }
        let Is::Vector(samples) = self.union()? else { return None };
        if !self.take(")") {
            return None;
        }
        if by.is_none() {
            by = self.grouping("by")?;
        }
        let by = by.unwrap_or_default();
        let mut groups: BTreeMap<BTreeMap<String, String>, Vec<f64>> = BTreeMap::new();
        for (mut labels, value) in samples {
            labels.retain(|label, _| by.iter().any(|it| it == label));
            groups.entry(labels).or_default().push(value);
        }
        let fold = |values: Vec<f64>| {
            let (count, sum) = (values.len() as f64, values.iter().sum::<f64>());
            match how {
                "sum" => sum,
                "avg" => sum / count,
                "count" => count,
                "max" => values.into_iter().fold(f64::NEG_INFINITY, f64::max),
                _ => values.into_iter().fold(f64::INFINITY, f64::min),
            }
        };
        Some(groups.into_iter().map(|(labels, values)| (labels, fold(values))).collect())
    }

    /// Nothing there: `Some(None)`; cannot be read: `None`.
    fn grouping(&mut self, word: &str) -> Option<Option<Vec<String>>> {
        if !self.take_word(word) {
            return Some(None);
        }
        if !self.take("(") {
            return None;
        }
        let mut labels = Vec::new();
        while !self.take(")") {
            labels.push(self.word()?.to_owned());
            self.take(",");
        }
        Some(Some(labels))
    }

    /// `metric{label="value"}`
    fn selected(&mut self, metric: &str) -> Option<Vec<Sample>> {
        let mut metric = metric.to_owned();
        let mut matchers = Vec::new();
        if self.take("{") {
            while !self.take("}") {
                let label = self.word()?;
                let operator = ["=~", "!~", "!=", "="].into_iter().find(|it| self.take(it))?;
                let value = self.quoted()?;
                self.take(",");
                match (label, operator) {
                    ("__name__", "=") => metric = value.to_owned(),
                    _ => matchers.push((label, operator, value)),
                }
            }
        }
        // A range, a function's bracket or an offset: nothing that is known here.
        if self.rest.trim_start().starts_with(['[', '(', '@']) {
            return None;
        }
        let mut samples = (self.series)(&metric);
        samples.retain(|(labels, _)| {
            matchers.iter().all(|(label, operator, wanted)| {
                let value = labels.get(*label).map_or("", String::as_str);
                match *operator {
                    "=" => value == *wanted,
                    "!=" => value != *wanted,
                    "=~" => is_match(wanted, value),
                    _ => !is_match(wanted, value),
                }
            })
        });
        Some(samples)
    }

    fn quoted(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let quote = rest.chars().next().filter(|it| matches!(it, '"' | '\''))?;
        let (value, after) = rest[1..].split_once(quote)?;
        self.rest = after;
        Some(value)
    }
}

/// Alternatives of plain text with `.*` and `.+` in it.
fn is_match(pattern: &str, value: &str) -> bool {
    let pattern = pattern.trim_start_matches(['^', '(']).trim_end_matches([')', '$']);
    pattern.split('|').any(|it| {
        let (start, rest) = match (it.split_once(".*"), it.split_once(".+")) {
            (None, None) => return it == value,
            (Some(cut), _) | (None, Some(cut)) => cut,
        };
        let least = start.len() + rest.len() + usize::from(it.contains(".+"));
        value.len() >= least && value.starts_with(start) && value.ends_with(rest)
    })
}

fn unnamed(mut labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels.remove("__name__");
    labels
}

/// Whether two series have the same labels, whatever their names.
fn is_same(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> bool {
    let named = |it: &(&String, &String)| it.0 != "__name__";
    a.iter().filter(named).eq(b.iter().filter(named))
}

fn together(left: Is, right: Is, operate: fn(f64, f64) -> f64) -> Is {
    match (left, right) {
        (Is::Number(a), Is::Number(b)) => Is::Number(operate(a, b)),
        (Is::Vector(of), Is::Number(b)) => {
            Is::Vector(of.into_iter().map(|(it, a)| (unnamed(it), operate(a, b))).collect())
        }
        (Is::Number(a), Is::Vector(of)) => {
            Is::Vector(of.into_iter().map(|(it, b)| (unnamed(it), operate(a, b))).collect())
        }
        (Is::Vector(left), Is::Vector(right)) => Is::Vector(
            left.into_iter()
                .filter_map(|(labels, a)| {
                    let (_, b) = right.iter().find(|(other, _)| is_same(&labels, other))?;
                    Some((unnamed(labels), operate(a, *b)))
                })
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(metric: &str) -> Vec<Sample> {
        let of = |node: &str, value| {
            let labels = [("__name__", metric), ("node", node), ("job", "kubelet")];
            (labels.map(|(k, v)| (k.to_owned(), v.to_owned())).into(), value)
        };
        match metric {
            "size" => vec![of("a", 10.0), of("b", 20.0)],
            "free" => vec![of("a", 4.0), of("b", 5.0)],
            _ => Vec::new(),
        }
    }

    fn values(text: &str) -> Vec<f64> {
        evaluate(text, 1_700, &series).unwrap_or_default().into_iter().map(|it| it.1).collect()
    }

    #[test]
    fn what_a_console_asks_is_worked_out() {
        assert_eq!(values("sum(size)"), [30.0]);
        assert_eq!(values("sum by (node) (size - free)"), [6.0, 15.0]);
        assert_eq!(values("max(size) by (job)"), [20.0]);
        assert_eq!(values(r#"size{node=~"b|c",job!="x"} / 1024 * 512"#), [10.0]);
        assert_eq!(values("absent or count(size)"), [2.0]);
        assert_eq!(values("free or size"), [4.0, 5.0]);
        assert_eq!(values(r#"{__name__="free",node="b"}"#), [5.0]);
        assert_eq!(values("topk(1, size)"), [20.0]);
        assert_eq!(values("max(timestamp(absent) or timestamp(free))"), [1_700.0]);
        assert_eq!(values("size unless on() (free)"), Vec::<f64>::new());
        assert_eq!(values("size unless on() (absent)"), [10.0, 20.0]);
        assert_eq!(values("size unless size"), Vec::<f64>::new());
        assert_eq!(values(r#"size{node=~"a.*",job=~"k.+t"}"#), [10.0]);
    }

    #[test]
    fn parts_of_one_query_are_told_apart_by_a_label() {
        let query = r#"label_replace(sum(size),"part","all","","") or label_replace(size,"part","each","","")"#;
        let answer = evaluate(query, 0, &series).unwrap();
        let parts: Vec<_> = answer.iter().map(|it| (it.0["part"].as_str(), it.1)).collect();
        assert_eq!(parts, [("all", 30.0), ("each", 10.0), ("each", 20.0)]);
    }

    #[test]
    fn what_is_unknown_or_cannot_be_read_gives_nothing() {
        for text in ["absent", "rate(size[5m])", "size[5m]", "sum(", "size{", "((((", "size ^ 2"] {
            assert_eq!(values(text), Vec::<f64>::new(), "{text}");
        }
        assert_eq!(values(&"(".repeat(10_000)), Vec::<f64>::new());
    }
}
