//! `openapi.json` and `operations.txt` are what the code makes; `NALABO_GEN=1` rewrites them.
//! Nothing that was released is taken away.

use std::collections::BTreeSet;
use std::path::PathBuf;

use nalabo_api::openapi::{openapi, operations_text};
use serde_json::Value;

fn beside(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The file `name` says `now`, or is made to.
fn generated_file_check(name: &str, now: &str) {
    let path = beside(name);
    if std::env::var_os("NALABO_GEN").is_some() {
        std::fs::write(&path, now).expect("the folder of this crate can be written to");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == now, "crates/api/{name} is stale; run: make gen");
}

fn document() -> Value {
    serde_json::to_value(openapi()).expect("the document is JSON")
}

#[test]
fn the_generated_openapi_json_is_what_the_code_makes() {
    let mut text = serde_json::to_string_pretty(&openapi()).expect("the document is JSON");
    text.push('\n');
    generated_file_check("openapi.json", &text);
}

#[test]
fn the_generated_operations_txt_is_what_the_code_makes() {
    let text = operations_text();
    assert!(!text.contains("MISSING"), "every operation says what it needs:\n{text}");
    generated_file_check("operations.txt", &text);
}

#[test]
fn nothing_that_was_released_is_taken_away() {
    let text = std::fs::read_to_string(beside("openapi.released.json")).expect("it is committed");
    let released: Value = serde_json::from_str(&text).expect("it is JSON");
    let lost = taken_away(&released, &document());
    assert!(lost.is_empty(), "a client of the released API would break:\n{}", lost.join("\n"));
}

#[test]
fn a_path_a_method_a_field_and_a_word_that_are_gone_are_noticed() {
    let now = document();
    let infrastructures = "/paths/~1api~1admin~1infrastructures";
    let schemas = "/components/schemas";
    let removed = |pointer: &str, key: &str| {
        let mut less = now.clone();
        let parent = less.pointer_mut(pointer).expect("there is such a place");
        match parent {
            Value::Object(map) => drop(map.remove(key).expect("there is such a key")),
            Value::Array(items) => items.retain(|it| it != key),
            _ => panic!("neither list nor map"),
        }
        taken_away(&now, &less).len()
    };
    assert_eq!(removed("/paths", "/api/auth/me"), 1);
    assert_eq!(removed(infrastructures, "post"), 1);
    assert_eq!(removed(&format!("{schemas}/InfrastructureView/properties"), "status"), 1);
    assert_eq!(removed(&format!("{schemas}/InfrastructureView/required"), "status"), 1);
    assert_eq!(removed(&format!("{schemas}/State/enum"), "stale"), 1);
    assert_eq!(removed(&format!("{infrastructures}/get"), "summary"), 0, "words are free");
    let mut more = now.clone();
    let needed = more.pointer_mut(&format!("{schemas}/ProfileBody/required")).expect("it is there");
    needed.as_array_mut().expect("a list").push("region".into());
    assert_eq!(taken_away(&now, &more).len(), 1, "what must be sent must not grow");
}

/// What a client of `old` would miss in `new`.
fn taken_away(old: &Value, new: &Value) -> Vec<String> {
    let asked = schemas_asked(old);
    let mut lost = Vec::new();
    for part in ["paths", "components"] {
        compare(part, &old[part], &new[part], &asked, &mut lost);
    }
    lost
}

/// Schemas that a client sends.
fn schemas_asked(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Value> = Vec::new();
    for path in document["paths"].as_object().expect("paths").values() {
        open.extend(path.as_object().expect("operations").values().map(|it| &it["requestBody"]));
    }
    while let Some(value) = open.pop() {
        if let Some(name) = value["$ref"].as_str().and_then(|it| it.rsplit('/').next())
            && found.insert(name.to_owned())
        {
            open.push(&document["components"]["schemas"][name]);
        }
        match value {
            Value::Object(map) => open.extend(map.values()),
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    found
}

fn compare(at: &str, old: &Value, new: &Value, asked: &BTreeSet<String>, lost: &mut Vec<String>) {
    const WORDS: [&str; 5] = ["description", "summary", "title", "tags", "format"];
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old.iter().filter(|(key, _)| !WORDS.contains(&key.as_str())) {
                let at = format!("{at}/{key}");
                match (key.as_str(), new.get(key)) {
                    ("required", Some(now)) if value.is_array() => {
                        required_compare(&at, value, now, asked, lost);
                    }
                    (_, Some(now)) => compare(&at, value, now, asked, lost),
                    (_, None) => lost.push(at),
                }
            }
        }
        // Order says nothing; each thing of old must still be there, perhaps with more to it.
        (Value::Array(old), Value::Array(new)) => {
            for (index, value) in old.iter().enumerate() {
                let kept = new.iter().any(|now| {
                    let mut differences = Vec::new();
                    compare(at, value, now, asked, &mut differences);
                    differences.is_empty()
                });
                if !kept {
                    lost.push(format!("{at}/{index} {}", value["name"].as_str().unwrap_or("")));
                }
            }
        }
        // A parameter that may now be left out takes nothing away.
        (Value::Bool(true), Value::Bool(false)) if at.ends_with("/required") => {}
        (old, new) if old == new => {}
        (old, new) => lost.push(format!("{at}: {old} became {new}")),
    }
}

/// Of an answer, what is always there must stay; of a request, what is needed must not grow.
fn required_compare(
    at: &str,
    old: &Value,
    new: &Value,
    asked: &BTreeSet<String>,
    lost: &mut Vec<String>,
) {
    let words = |it: &Value| -> BTreeSet<String> {
        let items = it.as_array().into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (old, new) = (words(old), words(new));
    let schema = at.trim_start_matches("components/schemas/").split('/').next().unwrap_or("");
    let broken: Vec<&String> = if asked.contains(schema) {
        new.difference(&old).collect()
    } else {
        old.difference(&new).collect()
    };
    lost.extend(broken.into_iter().map(|it| format!("{at}: {it}")));
}
