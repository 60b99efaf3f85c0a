//! Who may do what, by the roles that were applied.
//!
//! Promises: the administrator may do everything; another account exactly what applied
//! ClusterRoles and Roles give it through bindings, and what every cluster gives to all; what the
//! behaviour denies is denied to all. Does not: aggregate ClusterRoles, guard against escalation,
//! or know users and groups besides service accounts.

use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject,
};
use serde::de::DeserializeOwned;

use crate::behaviour::Behaviour;
use crate::identity::Identity;
use crate::objects::Objects;
use crate::status::Asked;

/// Paths that every client may read, also one without a credential.
const PUBLIC_PATHS: [&str; 4] = ["/healthz", "/livez", "/readyz", "/version"];

/// Whether `who` may do what is asked of a resource.
pub(crate) fn resource_allowed(
    objects: &Objects,
    behaviour: &Behaviour,
    who: &Identity,
    asked: &Asked<'_>,
) -> bool {
    if behaviour.denies(asked.group, asked.resource) {
        return false;
    }
    if who.is_admin() || is_about_oneself(who, asked) {
        return true;
    }
    rules_of(objects, who, asked.namespace).iter().any(|rule| {
        let name = asked.name.unwrap_or_default();
        has(Some(&rule.verbs), asked.verb)
            && has(rule.api_groups.as_ref(), asked.group)
            && has(rule.resources.as_ref(), asked.resource)
            && rule
                .resource_names
                .as_deref()
                .is_none_or(|names| names.is_empty() || names.iter().any(|it| it.as_str() == name))
    })
}

/// Whether `who` may `verb` a path that is no object.
pub(crate) fn path_allowed(objects: &Objects, who: &Identity, verb: &str, path: &str) -> bool {
    let is_below = |root: &str| path == root || path.starts_with(&format!("{root}/"));
    if verb == "get" && PUBLIC_PATHS.into_iter().any(is_below) || who.is_admin() {
        return true;
    }
    let is_discovery = ["/api", "/apis", "/openapi"].into_iter().any(is_below);
    if verb == "get" && is_discovery && *who != Identity::Anonymous {
        return true;
    }
    rules_of(objects, who, None).iter().any(|rule| {
        has(Some(&rule.verbs), verb)
            && rule.non_resource_urls.iter().flatten().any(|it| {
                it == path || it.strip_suffix('*').is_some_and(|start| path.starts_with(start))
            })
    })
}

/// `system:basic-user`: whoever signed in may ask about itself.
fn is_about_oneself(who: &Identity, asked: &Asked<'_>) -> bool {
    *who != Identity::Anonymous
        && asked.verb == "create"
        && asked.resource.starts_with("selfsubject")
}

fn has(list: Option<&Vec<String>>, wanted: &str) -> bool {
    list.into_iter().flatten().any(|it| it == "*" || it == wanted)
}

/// The rules that bindings give to `who`, in the whole cluster and in `namespace`.
fn rules_of(objects: &Objects, who: &Identity, namespace: Option<&str>) -> Vec<PolicyRule> {
    let mut rules = Vec::new();
    for binding in objects.all::<ClusterRoleBinding>("clusterrolebindings", "") {
        if is_bound(binding.subjects.as_deref(), who, "") {
            rules.extend(rules_named(objects, &binding.role_ref, ""));
        }
    }
    let Some(namespace) = namespace else { return rules };
    for binding in objects.all::<RoleBinding>("rolebindings", namespace) {
        if is_bound(binding.subjects.as_deref(), who, namespace) {
            rules.extend(rules_named(objects, &binding.role_ref, namespace));
        }
    }
    rules
}

fn is_bound(subjects: Option<&[Subject]>, who: &Identity, binding_namespace: &str) -> bool {
    let user_name = who.user_name();
    let groups = who.groups();
    subjects.into_iter().flatten().any(|subject| match subject.kind.as_str() {
        "ServiceAccount" => {
            let namespace = subject.namespace.as_deref().unwrap_or(binding_namespace);
            user_name == format!("system:serviceaccount:{namespace}:{}", subject.name)
        }
        "User" => user_name == subject.name,
        "Group" => groups.contains(&subject.name),
        _ => false,
    })
}

fn rules_named(objects: &Objects, role: &RoleRef, namespace: &str) -> Vec<PolicyRule> {
    fn find<T: DeserializeOwned>(
        objects: &Objects,
        plural: &str,
        place: (&str, &str),
    ) -> Option<T> {
        objects.find(plural, place.0, place.1)
    }
    let rules = match role.kind.as_str() {
        "ClusterRole" => {
            find::<ClusterRole>(objects, "clusterroles", ("", &role.name)).and_then(|it| it.rules)
        }
        "Role" => find::<Role>(objects, "roles", (namespace, &role.name)).and_then(|it| it.rules),
        _ => None,
    };
    rules.unwrap_or_default()
}
