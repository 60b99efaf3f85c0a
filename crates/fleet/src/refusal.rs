//! Why a configuration was refused before anything was contacted.
//!
//! Promises: a code and where in the input, never a value of the input. Does not: carry the
//! YAML library's text, which quotes source lines and with them tokens.

use nalabo_core::connection::{Advice, Code, Place};

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub code: Code,
    /// Which field, for example `users[2].user.exec`.
    pub path: Option<String>,
    /// Host and port it is about, where there is one.
    pub place: Place,
    /// Line of the input, from 1, where the input could not be read as YAML.
    pub line: Option<u32>,
    /// Column of the input, from 1.
    pub column: Option<u32>,
}

impl Refusal {
    pub(crate) fn new(code: Code) -> Self {
        Self { code, path: None, place: Place::default(), line: None, column: None }
    }

    pub(crate) fn at_path(code: Code, path: impl Into<String>) -> Self {
        // The root of the document has no name.
        let path = Some(path.into()).filter(|it| !it.is_empty());
        Self { path, ..Self::new(code) }
    }

    pub(crate) fn at_line(code: Code, line: usize, column: usize) -> Self {
        let line = u32::try_from(line).ok();
        let column = u32::try_from(column).ok();
        Self { line, column, ..Self::new(code) }
    }

    /// What a person reads of it.
    pub fn advice(&self) -> Advice {
        let mut advice = self.code.advice(&self.place);
        if let (Some(line), Some(column)) = (self.line, self.column) {
            let cause = advice.cause.trim_end_matches('.');
            advice.cause = format!("{cause} (line {line}, column {column}).");
        }
        advice
    }
}
