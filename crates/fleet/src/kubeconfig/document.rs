//! YAML, as far as a kubeconfig needs it.
//!
//! Promises: one document of maps, lists and scalars; anchors, aliases, merge keys, tags,
//! directives and second documents are refused at the first one met, before anything is
//! expanded, so that a small input stays small. Scalars are wiped when dropped. Does not: keep or
//! repeat the parser's messages, which quote source lines and with them tokens.

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use nalabo_core::connection::Code;
use zeroize::Zeroizing;

use crate::Refusal;

/// Largest text that is read.
pub(super) const TEXT_MAX_BYTES: usize = 256 * 1024;
/// Most maps, lists and scalars together.
const NODES_MAX: usize = 8_000;
/// Most fields of one map, each of which is compared with the others.
const FIELDS_MAX: usize = 256;
/// Deepest nesting; a kubeconfig has six levels, its extensions may have more.
const DEPTH_MAX: usize = 32;
/// Longest field name that is repeated in a path.
const KEY_SHOWN_MAX_BYTES: usize = 40;

/// A value and where it is, for refusals.
pub(super) struct Node {
    pub(super) path: String,
    pub(super) value: Value,
}

pub(super) enum Value {
    /// Nothing, or `null`.
    Null,
    Bool(bool),
    /// A number, or a word that some YAML readers take for a boolean: never text to kubectl.
    OtherScalar,
    Text(Zeroizing<String>),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Reads one document.
pub(super) fn document_read(text: &str) -> Result<Node, Refusal> {
    if text.len() > TEXT_MAX_BYTES {
        return Err(Refusal::new(Code::KubeconfigTooLarge));
    }
    if let Some(at) = text.bytes().position(|c| c == 0) {
        let line = text.as_bytes()[..at].iter().filter(|&&c| c == b'\n').count() + 1;
        let column = at - text[..at].rfind('\n').map_or(0, |it| it + 1) + 1;
        return Err(Refusal::at_line(Code::KubeconfigNotYaml, line, column));
    }
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: 64,
        block_nesting_limit: 64,
    };
    let mut reader = Reader { events: Parser::new_from_str_with_options(text, options), nodes: 0 };
    let mut document = None;
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::DocumentEnd | Event::StreamEnd => {}
            Event::DocumentStart(..) if document.is_some() => {
                return Err(refusal_at(Code::KubeconfigMultiDocument, &span));
            }
            Event::DocumentStart(..) => {
                let Some((event, span)) = reader.next()? else { break };
                document = Some(reader.node(event, &span, String::new(), 0)?);
            }
            _ => return Err(refusal_at(Code::KubeconfigNotYaml, &span)),
        }
    }
    document.ok_or_else(|| Refusal::at_line(Code::KubeconfigNotYaml, 1, 1))
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Refusal> {
        self.events.next_event().transpose().map_err(|error| refusal_of_scan(&error))
    }

    fn node(
        &mut self,
        event: Event<'a>,
        span: &Span,
        path: String,
        depth: usize,
    ) -> Result<Node, Refusal> {
        self.nodes += 1;
        if self.nodes > NODES_MAX || depth > DEPTH_MAX {
            return Err(refusal_at(Code::KubeconfigTooLarge, span));
        }
        let value = match event {
            Event::Scalar(_, _, anchor, ref tag)
            | Event::SequenceStart(_, anchor, ref tag)
            | Event::MappingStart(_, anchor, ref tag)
                if anchor != 0 || tag.is_some() =>
            {
                return Err(refusal_at(Code::KubeconfigYamlFeature, span));
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) | Event::Anchor(..) => {
                return Err(refusal_at(Code::KubeconfigYamlFeature, span));
            }
            Event::Scalar(text, style, ..) => scalar_value(text.into_owned().into(), style),
            Event::SequenceStart(..) => self.list(&path, depth)?,
            Event::MappingStart(..) => self.map(&path, depth)?,
            _ => return Err(refusal_at(Code::KubeconfigNotYaml, span)),
        };
        Ok(Node { path, value })
    }

    fn list(&mut self, path: &str, depth: usize) -> Result<Value, Refusal> {
        let mut list = Vec::new();
        while let Some((event, span)) = self.next()? {
            if event == Event::SequenceEnd {
                break;
            }
            let path = format!("{path}[{}]", list.len());
            list.push(self.node(event, &span, path, depth + 1)?);
        }
        Ok(Value::List(list))
    }

    fn map(&mut self, path: &str, depth: usize) -> Result<Value, Refusal> {
        let mut map: Vec<(String, Node)> = Vec::new();
        while let Some((event, span)) = self.next()? {
            if event == Event::MappingEnd {
                break;
            }
            let key = match event {
                Event::Scalar(key, style, 0, None) => {
                    if key == "<<" && style == ScalarStyle::Plain {
                        return Err(refusal_at(Code::KubeconfigYamlFeature, &span));
                    }
                    key.into_owned()
                }
                Event::Scalar(..)
                | Event::Alias(_)
                | Event::UnresolvedAlias(_)
                | Event::Anchor(..) => {
                    return Err(refusal_at(Code::KubeconfigYamlFeature, &span));
                }
                _ => return Err(refusal_at(Code::KubeconfigNotYaml, &span)),
            };
            if map.len() == FIELDS_MAX {
                return Err(refusal_at(Code::KubeconfigTooLarge, &span));
            }
            let path = path_join(path, &key);
            if map.iter().any(|(name, _)| *name == key) {
                return Err(Refusal::at_path(Code::KubeconfigDuplicate, path));
            }
            let Some((event, span)) = self.next()? else { break };
            let value = self.node(event, &span, path, depth + 1)?;
            map.push((key, value));
        }
        Ok(Value::Map(map))
    }
}

/// `users[2].user` and `exec` make `users[2].user.exec`. A key that does not look like the name
/// of a field may be a secret on the wrong side of a colon, and is not repeated.
fn path_join(path: &str, key: &str) -> String {
    let plain = |c: u8| c.is_ascii_alphabetic() || c == b'-';
    let shown = key.len() <= KEY_SHOWN_MAX_BYTES && !key.is_empty() && key.bytes().all(plain);
    let key = if shown { key } else { "?" };
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// What kubectl takes a scalar for: quoted is text, plain may be something else.
fn scalar_value(text: Zeroizing<String>, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(text);
    }
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        it if is_yaml_1_1_bool(it) || is_number(it) => Value::OtherScalar,
        _ => Value::Text(text),
    }
}

fn is_yaml_1_1_bool(text: &str) -> bool {
    ["y", "n", "yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']).replace('_', "");
    let based = |prefix: &str, base| {
        digits
            .strip_prefix(prefix)
            .is_some_and(|it| !it.is_empty() && it.chars().all(|c: char| c.is_digit(base)))
    };
    let decimal = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.parse::<f64>().is_ok();
    let named = [".inf", ".nan"].iter().any(|it| digits.eq_ignore_ascii_case(it));
    decimal || named || based("0x", 16) || based("0o", 8) || based("0b", 2)
}

fn refusal_at(code: Code, span: &Span) -> Refusal {
    Refusal::at_line(code, span.start.line(), span.start.col() + 1)
}

fn refusal_of_scan(error: &ScanError) -> Refusal {
    let code = match error.kind() {
        ErrorKind::DirectiveDisallowed | ErrorKind::UnknownAnchor => Code::KubeconfigYamlFeature,
        _ => Code::KubeconfigNotYaml,
    };
    Refusal::at_line(code, error.marker().line(), error.marker().col() + 1)
}

impl Node {
    /// The same as JSON. Numbers have no place in what we write ourselves.
    pub(super) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null | Value::OtherScalar => Json::Null,
            Value::Bool(it) => Json::Bool(*it),
            Value::Text(it) => Json::String(it.to_string()),
            Value::List(list) => list.iter().map(Self::to_json).collect(),
            Value::Map(map) => {
                Json::Object(map.iter().map(|(key, node)| (key.clone(), node.to_json())).collect())
            }
        }
    }
}
