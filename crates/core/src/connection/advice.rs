//! The texts of [`Code`](super::Code): cause, remedy and a command to copy.

/// The place a failure happened at, for the words and commands that name it. Never a secret.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Host name or address of the API server.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// What a person reads of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Why it happened, one sentence.
    pub cause: String,
    /// What to do, one sentence.
    pub remedy: String,
    /// A command to copy, where one helps.
    pub command: Option<String>,
}
