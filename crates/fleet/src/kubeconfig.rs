//! The strict reader of kubeconfigs.
//!
//! Promises: nothing in a kubeconfig makes NALABO run a program, read a file or contact a proxy;
//! what cannot be used is refused with its exact path and never with its value; one bad entry
//! leaves the other contexts usable. Does not: use kube's `Kubeconfig`, which does all of that
//! while a client is made, nor keep any of the text.
//!
//! ```text
//! text ─▶ document (YAML without its tricks) ─▶ entries (field by field) ─▶ contexts
//! ```

mod document;
mod entries;

use jiff::Timestamp;
use nalabo_core::connection::Code;
use nalabo_core::infrastructure::{CredentialKind, SourceKind};

use crate::Refusal;
use crate::authority::Authorities;
use crate::endpoint::{endpoint_text, place_of};
use crate::source::{Source, SourcePlace};
use document::{Node, document_read};
use entries::{ClusterFields, UserFields, cluster_read, user_read};

/// Most contexts of one kubeconfig.
pub const CONTEXTS_MAX: usize = 64;
/// Most clusters or users of one kubeconfig.
const ENTRIES_MAX: usize = 256;
/// Longest name of a context, cluster or user.
const NAME_MAX_CHARACTERS: usize = 253;

/// One context of a kubeconfig, as the chooser shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextEntry {
    /// Its name.
    pub name: String,
    /// `https://host:port` of its API server, where that could be read.
    pub server: Option<String>,
    /// Name of its user entry.
    pub user: String,
    /// What its credential is, where it has a usable one.
    pub credential_kind: Option<CredentialKind>,
    /// When that ends, where it says so.
    pub credential_expires_at: Option<Timestamp>,
    /// Name that the certificate is checked for instead of the host.
    pub tls_server_name: Option<String>,
    /// Named by `current-context`.
    pub is_current: bool,
    /// What is wrong with it; usable when nothing is.
    pub problems: Vec<Refusal>,
}

impl ContextEntry {
    /// Nothing is wrong with it.
    pub const fn is_usable(&self) -> bool {
        self.problems.is_empty()
    }
}

/// Lists the contexts of a kubeconfig. A structural fault refuses the whole of it.
pub fn kubeconfig_parse(text: &str) -> Result<Vec<ContextEntry>, Refusal> {
    let document = document_read(text)?;
    let outline = Outline::read(&document)?;
    outline.contexts.iter().map(|context| Ok(outline.resolve(context).entry)).collect()
}

/// The source that one context stands for: the one of that name, else the current one, else the
/// only one.
pub fn kubeconfig_source(text: &str, context: Option<&str>) -> Result<Source, Refusal> {
    let document = document_read(text)?;
    let outline = Outline::read(&document)?;
    let found = match (context, &outline.contexts[..]) {
        (Some(name), all) => all.iter().find(|it| it.name == name),
        (None, [only]) => Some(only),
        (None, all) => all.iter().find(|it| Some(it.name) == outline.current),
    };
    let missing = || Refusal::at_path(Code::KubeconfigMissingContext, "current-context");
    let resolved = outline.resolve(found.ok_or_else(missing)?);
    if let Some(problem) = resolved.entry.problems.into_iter().next() {
        return Err(problem);
    }
    let (cluster, user) = (resolved.cluster, resolved.user);
    let (Some(endpoint), Some(credential)) = (cluster.endpoint, user.credential) else {
        return Err(missing());
    };
    let place = SourcePlace {
        kind: SourceKind::Kubeconfig,
        endpoint,
        context: Some(resolved.entry.name),
        authorities: cluster.authorities.unwrap_or(Authorities::System),
        tls_server_name: cluster.tls_server_name,
    };
    Ok(Source { place, credential })
}

/// The lists of a kubeconfig, their entries by name and not yet looked into.
struct Outline<'a> {
    current: Option<&'a str>,
    clusters: Vec<Named<'a>>,
    users: Vec<Named<'a>>,
    contexts: Vec<ContextFields<'a>>,
}

/// `{name: …, cluster: …}` and its like.
struct Named<'a> {
    name: &'a str,
    path: String,
    body: Option<&'a Node>,
    problems: Vec<Refusal>,
}

struct ContextFields<'a> {
    name: &'a str,
    path: String,
    cluster: &'a str,
    user: &'a str,
    problems: Vec<Refusal>,
}

struct Resolved {
    entry: ContextEntry,
    cluster: ClusterFields,
    user: UserFields,
}

impl<'a> Outline<'a> {
    fn read(document: &'a Node) -> Result<Self, Refusal> {
        let mut outline =
            Self { current: None, clusters: Vec::new(), users: Vec::new(), contexts: Vec::new() };
        let mut contexts = Vec::new();
        for (name, node) in document.map()? {
            match name.as_str() {
                "clusters" => outline.clusters = named_read(node, "cluster", ENTRIES_MAX)?,
                "users" => outline.users = named_read(node, "user", ENTRIES_MAX)?,
                "contexts" => contexts = named_read(node, "context", CONTEXTS_MAX)?,
                "current-context" => outline.current = node.text()?,
                "apiVersion" => expect_text(node, "v1")?,
                "kind" => expect_text(node, "Config")?,
                "preferences" | "extensions" => {}
                _ => return Err(node.refuse(Code::KubeconfigUnknownField)),
            }
        }
        outline.contexts = contexts.into_iter().map(context_read).collect();
        if outline.contexts.is_empty() {
            return Err(Refusal::at_path(Code::KubeconfigMissingContext, "contexts"));
        }
        Ok(outline)
    }

    fn resolve(&self, context: &ContextFields<'a>) -> Resolved {
        let mut problems = context.problems.clone();
        let missing = |field| {
            Refusal::at_path(Code::KubeconfigMissingReference, format!("{}.{field}", context.path))
        };
        let cluster = match self.clusters.iter().find(|it| it.name == context.cluster) {
            Some(Named { body: Some(body), problems: own, .. }) => {
                problems.extend_from_slice(own);
                cluster_read(body)
            }
            _ => ClusterFields { problems: vec![missing("cluster")], ..Default::default() },
        };
        let user = match self.users.iter().find(|it| it.name == context.user) {
            Some(Named { body: Some(body), problems: own, .. }) => {
                problems.extend_from_slice(own);
                user_read(body)
            }
            _ => UserFields { problems: vec![missing("user")], ..Default::default() },
        };
        problems.extend_from_slice(&cluster.problems);
        problems.extend_from_slice(&user.problems);
        if let Some(endpoint) = &cluster.endpoint {
            let place = place_of(endpoint);
            problems.iter_mut().for_each(|it| it.place = place.clone());
        }
        let entry = ContextEntry {
            name: context.name.to_owned(),
            server: cluster.endpoint.as_ref().map(endpoint_text),
            user: context.user.to_owned(),
            credential_kind: user.kind,
            credential_expires_at: user.expires_at,
            tls_server_name: cluster.tls_server_name.clone(),
            is_current: self.current == Some(context.name),
            problems,
        };
        Resolved { entry, cluster, user }
    }
}

/// Reads a list of `{name, BODY}`; names are there, readable, and there once.
fn named_read<'a>(list: &'a Node, body: &str, max: usize) -> Result<Vec<Named<'a>>, Refusal> {
    let mut entries: Vec<Named<'a>> = Vec::new();
    for item in list.list()? {
        if entries.len() == max {
            return Err(list.refuse(Code::KubeconfigTooLarge));
        }
        let mut entry = Named {
            name: "",
            path: format!("{}.{body}", item.path),
            body: None,
            problems: Vec::new(),
        };
        for (key, node) in item.map()? {
            match key.as_str() {
                "name" => entry.name = name_read(node)?,
                it if it == body => entry.body = Some(node),
                _ => entry.problems.push(node.refuse(Code::KubeconfigUnknownField)),
            }
        }
        let path = format!("{}.name", item.path);
        if entry.name.is_empty() {
            return Err(Refusal::at_path(Code::KubeconfigNotYaml, path));
        }
        if entries.iter().any(|it| it.name == entry.name) {
            return Err(Refusal::at_path(Code::KubeconfigDuplicate, path));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn context_read(named: Named<'_>) -> ContextFields<'_> {
    let mut problems = named.problems;
    let (mut cluster, mut user) = ("", "");
    match named.body.map_or(Ok(&[][..]), Node::map) {
        Ok(fields) => {
            for (key, node) in fields {
                let read = match key.as_str() {
                    "cluster" => name_read(node).map(|it| cluster = it),
                    "user" => name_read(node).map(|it| user = it),
                    "namespace" => node.text().map(|_| ()),
                    "extensions" => Ok(()),
                    _ => Err(node.refuse(Code::KubeconfigUnknownField)),
                };
                problems.extend(read.err());
            }
        }
        Err(refusal) => problems.push(refusal),
    }
    ContextFields { name: named.name, path: named.path, cluster, user, problems }
}

/// A name that can be shown: one line, not endless.
fn name_read(node: &Node) -> Result<&str, Refusal> {
    let name = node.text()?.unwrap_or_default();
    if name.chars().count() > NAME_MAX_CHARACTERS || name.chars().any(char::is_control) {
        return Err(node.refuse(Code::KubeconfigNotYaml));
    }
    Ok(name)
}

fn expect_text(node: &Node, expected: &str) -> Result<(), Refusal> {
    match node.text()? {
        None => Ok(()),
        Some(text) if text == expected => Ok(()),
        Some(_) => Err(node.refuse(Code::KubeconfigNotYaml)),
    }
}

/// Plain YAML of our own as JSON: maps, lists, texts and booleans.
pub(crate) fn json_read(text: &str) -> Result<serde_json::Value, Refusal> {
    document_read(text).map(|it| it.to_json())
}

#[cfg(test)]
mod tests;
