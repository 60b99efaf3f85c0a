//! What is read from a request before a handler runs.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request};
use http::request::Parts;
use http::{StatusCode, header};
use nalabo_app::Ctx;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The caller, already let through by the gate.
#[derive(Debug, Clone)]
pub struct Caller(pub Ctx);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Ctx>().cloned().map(Self).ok_or_else(Problem::unauthenticated)
    }
}

/// A JSON body; what is wrong with it is said without repeating it.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match <axum::Json<T> as FromRequest<S>>::from_request(request, state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(body_refused(&rejection)),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> OptionalFromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        if request.headers().get(header::CONTENT_TYPE).is_none() {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

/// The text of serde may quote the body, and the body may hold a credential: only the place and
/// the kind of fault are passed on.
fn body_refused(rejection: &JsonRejection) -> Problem {
    let status = rejection.status();
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(status, "body_too_large", "the request is too large")
            .hint("a kubeconfig may have 256 KiB; send only the contexts you need");
    }
    let text = rejection.body_text();
    let field = text
        .split("missing field `")
        .nth(1)
        .and_then(|rest| rest.split('`').next())
        .filter(|it| it.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    let problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "body_form",
        "the request is not understood",
    )
    .hint("send JSON as /api/docs describes it, with content-type application/json");
    match (field, rejection) {
        (Some(field), _) => problem.field(&format!("#/{field}"), "this is needed"),
        (None, JsonRejection::MissingJsonContentType(_)) => {
            problem.detail("the content-type is not application/json")
        }
        (None, JsonRejection::JsonSyntaxError(_)) => problem.detail("the body is not JSON"),
        _ => problem.detail("a field has the wrong type or an unknown value"),
    }
}

/// A query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query.map(|it| Self(it.0)).map_err(|rejection: QueryRejection| {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "query_form",
                "the query is not understood",
            )
            .detail(rejection.body_text())
            .hint("see /api/docs for what may stand after the question mark")
        })
    }
}

/// An id in the path. One that is no id names nothing, like one that is unknown.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|it| Self(it.0)).map_err(|_: PathRejection| Problem::not_found("thing"))
    }
}

/// The revision that a change was made against.
#[derive(Debug)]
pub struct IfMatch(pub i64);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Err(Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "if_match_missing",
                "which state this change was made against is not said",
            )
            .hint("send the ETag of what you read as If-Match, for example If-Match: \"3\""));
        };
        let revision = value.to_str().ok().and_then(|it| it.trim().trim_matches('"').parse().ok());
        revision.map(Self).ok_or_else(|| {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "if_match_form",
                "If-Match is not understood",
            )
            .hint("send the ETag of what you read, for example If-Match: \"3\"")
        })
    }
}
