//! Questions that a client asks about itself, and the tokens it asks for.

use std::time::Duration;

use http::StatusCode;
use jiff::SignedDuration;
use k8s_openapi::api::authentication::v1::{
    SelfSubjectReview, SelfSubjectReviewStatus, TokenRequest, TokenRequestStatus, UserInfo,
};
use k8s_openapi::api::authorization::v1::{
    SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SubjectAccessReviewStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

use crate::behaviour::Behaviour;
use crate::cluster::Cluster;
use crate::identity::{AUDIENCE, Identity, ServiceAccount, token_issue};
use crate::reply::{Reply, json};
use crate::rules::{path_allowed, resource_allowed};
use crate::status::{Asked, Failure};

/// Shortest and longest life of a token; the limits of a real server with its default flags.
const TOKEN_LIFE_SECONDS: std::ops::RangeInclusive<i64> = 600..=(1 << 32);

/// "Who am I?"
pub(crate) fn self_subject_review(cluster: &Cluster, who: &Identity) -> Reply {
    let uid = match who {
        Identity::Anonymous => None,
        Identity::ServiceAccount { uid, .. } => Some(uid.clone()),
    };
    let user_info =
        UserInfo { username: Some(who.user_name()), uid, groups: Some(who.groups()), extra: None };
    let metadata =
        ObjectMeta { creation_timestamp: Some(Time(cluster.now())), ..ObjectMeta::default() };
    let review = SelfSubjectReview {
        metadata,
        status: Some(SelfSubjectReviewStatus { user_info: Some(user_info) }),
    };
    json(StatusCode::CREATED, &review)
}

/// "May I?"
pub(crate) fn access_review(
    cluster: &Cluster,
    behaviour: &Behaviour,
    who: &Identity,
    body: &[u8],
) -> Result<Reply, Failure> {
    let review: SelfSubjectAccessReview = body_parse(body)?;
    let spec = review.spec;
    let allowed = is_allowed(cluster, behaviour, who, &spec)?;
    let reason = match (allowed, who.is_admin()) {
        (true, true) => Some("RBAC: allowed by ClusterRoleBinding \"administrator\" of ClusterRole \"cluster-admin\"".to_owned()),
        (true, false) => Some("RBAC: allowed".to_owned()),
        (false, _) => None,
    };
    let status =
        SubjectAccessReviewStatus { allowed, reason, ..SubjectAccessReviewStatus::default() };
    let review = SelfSubjectAccessReview { metadata: review.metadata, spec, status: Some(status) };
    Ok(json(StatusCode::CREATED, &review))
}

fn is_allowed(
    cluster: &Cluster,
    behaviour: &Behaviour,
    who: &Identity,
    spec: &SelfSubjectAccessReviewSpec,
) -> Result<bool, Failure> {
    let given = |text: &Option<String>| text.clone().filter(|it| !it.is_empty());
    let objects = cluster.objects();
    match (&spec.resource_attributes, &spec.non_resource_attributes) {
        (Some(ask), None) => {
            let plural = given(&ask.resource).unwrap_or_default();
            let resource = match given(&ask.subresource) {
                Some(subresource) => format!("{plural}/{subresource}"),
                None => plural,
            };
            let (group, verb) = (given(&ask.group), given(&ask.verb));
            let (namespace, name) = (given(&ask.namespace), given(&ask.name));
            let asked = Asked {
                verb: verb.as_deref().unwrap_or_default(),
                group: group.as_deref().unwrap_or_default(),
                resource: &resource,
                namespace: namespace.as_deref(),
                name: name.as_deref(),
            };
            Ok(resource_allowed(&objects, behaviour, who, &asked))
        }
        (None, Some(ask)) => {
            let path = given(&ask.path).unwrap_or_default();
            Ok(path_allowed(&objects, who, &given(&ask.verb).unwrap_or_default(), &path))
        }
        _ => Err(Failure::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Invalid",
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        )),
    }
}

/// A token for a service account that was applied.
pub(crate) fn token_request(
    cluster: &Cluster,
    account: ServiceAccount<'_>,
    body: &[u8],
) -> Result<Reply, Failure> {
    let objects = cluster.objects();
    let Some(kept) = objects.value("serviceaccounts", account.namespace, account.name) else {
        return Err(Failure::object_not_found("", "serviceaccounts", account.name));
    };
    let uid = kept["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let mut request: TokenRequest = body_parse(body)?;
    let seconds = request.spec.expiration_seconds.unwrap_or(3_600);
    if !TOKEN_LIFE_SECONDS.contains(&seconds) {
        return Err(Failure::invalid(
            ("authentication.k8s.io", "TokenRequest"),
            "spec.expirationSeconds",
            (
                "FieldValueInvalid",
                &format!(
                    "Invalid value: {seconds}: may not specify a duration less than 10 minutes"
                ),
            ),
        ));
    }
    let lifetime = SignedDuration::from_secs(seconds);
    let now = cluster.now();
    request.metadata.name = Some(account.name.to_owned());
    request.metadata.namespace = Some(account.namespace.to_owned());
    request.metadata.uid = Some(uid.clone());
    request.metadata.creation_timestamp = Some(Time(now));
    if request.spec.audiences.is_empty() {
        request.spec.audiences = vec![AUDIENCE.to_owned()];
    }
    request.spec.expiration_seconds = Some(seconds);
    request.status = Some(TokenRequestStatus {
        expiration_timestamp: Time(now.saturating_add(lifetime).unwrap_or(now)),
        token: token_issue(&cluster.profile, account, &uid, now, lifetime),
    });
    Ok(json(StatusCode::CREATED, &request))
}

/// How long a client may take to send a body.
pub(crate) const BODY_DEADLINE: Duration = Duration::from_secs(10);

fn body_parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body)
        .map_err(|cause| Failure::bad_request(format!("the body cannot be read as JSON: {cause}")))
}
