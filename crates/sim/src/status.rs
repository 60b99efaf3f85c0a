//! Errors as an API server words them: `Status` objects.
//!
//! Promises: code, reason, message and details as the real server gives them for the same cause.
//! Does not: cover every cause; the two that the real server answers in plain text (unknown API
//! group, too many requests) are made in [`crate::reply`].

use http::StatusCode;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    ListMeta, Status, StatusCause, StatusDetails,
};

/// A request that failed, boxed because it is rare and large.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Box<Status>);

impl Failure {
    /// An error with the words of `message`.
    pub(crate) fn new(code: StatusCode, reason: &str, message: impl Into<String>) -> Self {
        Self(Box::new(Status {
            code: Some(i32::from(code.as_u16())),
            reason: Some(reason.to_owned()),
            message: Some(message.into()),
            status: Some("Failure".to_owned()),
            ..Status::default()
        }))
    }

    fn with_details(mut self, details: StatusDetails) -> Self {
        self.0.details = Some(details);
        self
    }

    /// 401: the credential is not accepted.
    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    /// 403: the rules let `user` not do this to a resource.
    pub(crate) fn forbidden_resource(user: &str, asked: &Asked<'_>) -> Self {
        let Asked { verb, group, resource, namespace, name } = asked;
        let place = namespace.map_or_else(
            || "at the cluster scope".to_owned(),
            |it| format!("in the namespace \"{it}\""),
        );
        let object = name.map_or_else(String::new, |it| format!(" \"{it}\""));
        let plural = resource.split('/').next().unwrap_or(resource);
        let dotted = dotted(group, plural);
        Self::new(
            StatusCode::FORBIDDEN,
            "Forbidden",
            format!(
                "{dotted}{object} is forbidden: User \"{user}\" cannot {verb} resource \
                 \"{resource}\" in API group \"{group}\" {place}"
            ),
        )
        .with_details(details(group, plural, name.unwrap_or_default()))
    }

    /// 403: the rules let `user` not read a path.
    pub(crate) fn forbidden_path(user: &str, verb: &str, path: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Forbidden",
            format!("forbidden: User \"{user}\" cannot {verb} path \"{path}\""),
        )
        .with_details(StatusDetails::default())
    }

    /// 404: there is no such object.
    pub(crate) fn object_not_found(group: &str, resource: &str, name: &str) -> Self {
        let dotted = dotted(group, resource);
        Self::new(StatusCode::NOT_FOUND, "NotFound", format!("{dotted} \"{name}\" not found"))
            .with_details(details(group, resource, name))
    }

    /// 409: there is one of that name.
    pub(crate) fn already_exists(group: &str, resource: &str, name: &str) -> Self {
        let dotted = dotted(group, resource);
        let message = format!("{dotted} \"{name}\" already exists");
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message)
            .with_details(details(group, resource, name))
    }

    /// 409: what was asked does not go with what is there.
    pub(crate) fn conflict((group, resource): (&str, &str), name: &str, why: &str) -> Self {
        let dotted = dotted(group, resource);
        let message = format!("Operation cannot be fulfilled on {dotted} \"{name}\": {why}");
        Self::new(StatusCode::CONFLICT, "Conflict", message)
            .with_details(details(group, resource, name))
    }

    /// 403: admission says no.
    pub(crate) fn not_admitted((group, resource): (&str, &str), name: &str, why: &str) -> Self {
        let dotted = dotted(group, resource);
        let message = format!("{dotted} \"{name}\" is forbidden: {why}");
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
            .with_details(details(group, resource, name))
    }

    /// 404: there is no such resource in a group that exists.
    pub(crate) fn resource_not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NotFound",
            "the server could not find the requested resource",
        )
        .with_details(StatusDetails::default())
    }

    /// 405: the resource is there, the verb is not.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )
        .with_details(StatusDetails::default())
    }

    /// 400: the request cannot be read.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 422: a field of an object without a name is not as it must be.
    pub(crate) fn invalid(
        (group, kind): (&str, &str),
        field: &str,
        (reason, message): (&str, &str),
    ) -> Self {
        let cause = StatusCause {
            field: Some(field.to_owned()),
            message: Some(message.to_owned()),
            reason: Some(reason.to_owned()),
        };
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Invalid",
            format!("{kind}.{group} \"\" is invalid: {field}: {message}"),
        )
        .with_details(StatusDetails { causes: Some(vec![cause]), ..details(group, kind, "") })
    }

    /// 504: a version that is not there yet.
    pub(crate) fn version_too_large(asked: i64, current: i64) -> Self {
        let cause = StatusCause {
            field: None,
            message: Some("Too large resource version".to_owned()),
            reason: Some("ResourceVersionTooLarge".to_owned()),
        };
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            "Timeout",
            format!("Timeout: Too large resource version: {asked}, current: {current}"),
        )
        .with_details(StatusDetails {
            causes: Some(vec![cause]),
            retry_after_seconds: Some(1),
            ..StatusDetails::default()
        })
    }

    /// 503: what a proxied request should have reached is not there.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
    }

    /// 410: the list that this page belongs to is gone; `token` reads on in a newer one.
    pub(crate) fn expired(token: String) -> Self {
        let mut failure = Self::new(
            StatusCode::GONE,
            "Expired",
            "The provided continue parameter is too old to display a consistent list result. You \
             can start a new list without the continue parameter, or use the continue token in \
             this response to retrieve the remainder of the results. Continuing with the provided \
             token results in an inconsistent list - objects that were created, modified, or \
             deleted between the time the first chunk was returned and now may show up in the list.",
        );
        failure.0.metadata = ListMeta { continue_: Some(token), ..ListMeta::default() };
        failure
    }
}

/// What somebody wants to do to a resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    /// Plural, with the subresource after a slash.
    pub(crate) resource: &'a str,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
}

fn dotted(group: &str, plural: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

fn details(group: &str, resource: &str, name: &str) -> StatusDetails {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    StatusDetails {
        group: given(group),
        kind: given(resource),
        name: given(name),
        ..StatusDetails::default()
    }
}
