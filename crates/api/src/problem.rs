//! Errors as `application/problem+json` (RFC 9457): what happened, and what to do.
//!
//! Promises: the one place that chooses status codes; a code is stable and language-free, the
//! sentences are English, the console has its own. Does not: show causes of ours to the caller;
//! those are logged under the request's id.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use nalabo_app::{Error, FieldError};
use nalabo_core::connection::TestReport;
use nalabo_core::environment::ExtensionRefusal;
use nalabo_core::id::InfrastructureId;
use nalabo_core::password::PasswordRefusal;
use nalabo_store::StoreError;
use serde::Serialize;
use tracing::error;

use crate::views::InfrastructureView;

/// A refusal, in words and for programs.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// `/problems/` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// Stable and language-free.
    pub code: String,
    /// HTTP status.
    pub status: u16,
    /// What happened, in a few words.
    pub title: String,
    /// What happened to what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// A command to copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Which fields, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
    /// The stages of a connection test that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Box<TestReport>>,
    /// How it is at present, when somebody else changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Box<InfrastructureView>>,
    /// What is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing: Option<ProblemExisting>,
    /// Try again after this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// Say this when you ask for help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// One field that was refused.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemField {
    /// JSON pointer.
    pub pointer: String,
    /// Stable code, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why.
    pub detail: String,
}

/// What is in the way of a new one.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemExisting {
    /// Its id.
    pub id: InfrastructureId,
    /// Its name, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Problem {
    /// A problem with a code and a title.
    pub fn new(status: StatusCode, code: &str, title: &str) -> Self {
        Self {
            kind: format!("/problems/{}", code.replace('_', "-")),
            code: code.to_owned(),
            status: status.as_u16(),
            title: title.to_owned(),
            ..Self::default()
        }
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }

    /// Says more of what happened.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Names one field.
    #[must_use]
    pub fn field(mut self, pointer: &str, detail: impl Into<String>) -> Self {
        let field = ProblemField { pointer: pointer.to_owned(), code: None, detail: detail.into() };
        self.errors.push(field);
        self
    }

    /// Nobody is signed in.
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "nobody is signed in")
            .hint("sign in, then ask again")
    }

    /// There is nothing here, or nothing that the caller may know of.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", &format!("there is no such {what}"))
    }

    /// Something that cannot happen did.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "NALABO failed")
            .hint("try again; if it stays, look for the request id in NALABO's log")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry = self.retry_after_seconds;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<FieldError> for ProblemField {
    fn from(it: FieldError) -> Self {
        Self { pointer: it.pointer.to_owned(), code: None, detail: it.detail }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        use StatusCode as S;
        match error {
            Error::Unauthenticated => Self::unauthenticated(),
            Error::PermissionMissing(permission) => {
                Self::new(S::FORBIDDEN, "permission_missing", "your role does not allow this")
                    .detail(format!("it needs {permission:?}"))
                    .hint("ask an owner or administrator of this installation")
            }
            Error::NotFound(what) => Self::not_found(what),
            Error::Invalid(fields) => Self {
                errors: fields.into_iter().map(Into::into).collect(),
                ..Self::new(S::UNPROCESSABLE_ENTITY, "invalid", "some fields cannot be accepted")
                    .hint("mend the fields named and send it again; nothing was changed")
            },
            Error::ConfigurationRefused(refusal) => refused(&refusal),
            Error::ConnectionFailed(report) => connection_failed(report),
            Error::NarrowFailed(why) => Self::new(
                S::UNPROCESSABLE_ENTITY,
                "narrow_failed",
                "the narrow service account could not be made",
            )
            .detail(why)
            .hint("connect without it, or apply /api/admin/rbac.yaml yourself and use its token"),
            Error::NameTaken(id) => Self {
                existing: id.map(|id| ProblemExisting { id, name: None }),
                ..Self::new(S::CONFLICT, "name_taken", "the name is in use")
                    .field("#/name", "another infrastructure has this name")
                    .hint("choose another name")
            },
            Error::DuplicateCluster { id, name } => Self {
                detail: Some(format!("it is connected as {name}")),
                existing: Some(ProblemExisting { id, name: Some(name) }),
                ..Self::new(S::CONFLICT, "duplicate_cluster", "this cluster is connected already")
                    .hint("open that infrastructure and replace its credential if you must")
            },
            Error::OtherCluster => {
                Self::new(S::CONFLICT, "other_cluster", "another cluster answers at that address")
                    .hint("connect it as a new infrastructure")
            }
            Error::RevisionChanged(current) => Self {
                current: Some(Box::new(InfrastructureView::from(*current))),
                ..Self::new(
                    S::PRECONDITION_FAILED,
                    "revision_changed",
                    "somebody changed it in the meantime",
                )
                .hint("look at the present state, then send your change again")
            },
            Error::Outdated => Self::new(
                S::PRECONDITION_FAILED,
                "revision_changed",
                "somebody else changed it in the meantime",
            )
            .hint("read it again, and make your change to what is there now"),
            Error::AlertResolved => Self::new(S::CONFLICT, "alert_resolved", "the alert is over")
                .hint("there is nothing to take or to mute any more"),
            Error::IsDefault => {
                Self::new(S::CONFLICT, "is_default", "it is the default infrastructure")
                    .hint("choose another default first")
            }
            Error::IsDisabled => {
                Self::new(S::CONFLICT, "is_disabled", "it is disabled").hint("enable it first")
            }
            Error::ConfirmationMismatch => Self::new(
                S::UNPROCESSABLE_ENTITY,
                "confirmation_mismatch",
                "the name typed is not its name",
            )
            .hint("send its exact name as `confirm`"),
            Error::SignInRefused => Self::new(
                S::UNAUTHORIZED,
                "sign_in_refused",
                "the address or the password is wrong",
            ),
            Error::TooManyAttempts { retry_after_seconds } => Self {
                retry_after_seconds: Some(retry_after_seconds),
                ..Self::new(S::TOO_MANY_REQUESTS, "too_many_attempts", "too many attempts")
                    .hint("wait, then try again")
            },
            Error::SetUpDone => {
                Self::new(S::CONFLICT, "set_up_done", "the first owner exists already")
                    .hint("sign in")
            }
            Error::SetUpTokenRefused => Self::new(
                S::FORBIDDEN,
                "set_up_token_refused",
                "the set-up link is wrong, used or too old",
            )
            .hint("restart NALABO: it prints a new link while there is no account"),
            Error::PasswordRefused(refusal) => password_refused(refusal),
            Error::EmailTaken => {
                Self::new(S::CONFLICT, "email_taken", "an account with this address exists already")
            }
            Error::InUse(what) => {
                Self::new(S::CONFLICT, &format!("{what}_in_use"), &format!("the {what} is in use"))
                    .hint("end what still needs it first, and wait until that is gone")
            }
            Error::SessionNotStarted { starts_at } => {
                Self::new(S::CONFLICT, "not_started", "the session has not begun")
                    .detail(format!("it begins at {starts_at}"))
                    .hint("come back then; this page waits for you")
            }
            Error::SessionOver => Self::new(S::CONFLICT, "session_over", "the session is over")
                .hint("ask your trainer whether there is another one"),
            Error::SessionFull => {
                Self::new(S::CONFLICT, "session_full", "every seat of this session is taken")
                    .hint("ask your trainer for one more seat, then try again")
            }
            Error::SeatNameTaken => {
                Self::new(S::CONFLICT, "name_taken", "somebody in this session has that name")
                    .field("#/name", "somebody in this session has that name")
                    .hint("choose another name; if it is you, come back by the key of your seat")
            }
            Error::SeatNameNeeded(why) => {
                Self::new(S::UNPROCESSABLE_ENTITY, "name_needed", "a name is needed")
                    .field("#/name", why)
                    .hint("type what your trainer shall call you, up to 60 characters")
            }
            Error::SeatKeyNeeded => {
                Self::new(S::UNPROCESSABLE_ENTITY, "key_needed", "your own key is needed")
                    .field("#/key", "this session is for those on its roster")
                    .hint("it is on your card, or your trainer has it")
            }
            Error::SeatKeyWrong => {
                Self::new(S::UNPROCESSABLE_ENTITY, "key_wrong", "this key opens no seat")
                    .field("#/key", "this key opens no seat of this session")
                    .hint("look at it again, or ask your trainer")
            }
            Error::EnvironmentNotReady => {
                Self::new(S::CONFLICT, "environment_not_ready", "your environment is not ready")
                    .hint("wait until it is, or take a new one")
            }
            Error::ExtensionRefused(why) => extension_refused(&why),
            Error::KubeAddressMissing => Self::new(
                S::CONFLICT,
                "kube_address_missing",
                "kubectl cannot reach environments here",
            )
            .detail("kubectl sends tokens over https only, and no https address is set")
            .hint(
                "put TLS in front and set NALABO_PUBLIC_URL=https://…, or set NALABO_KUBE_LISTEN",
            ),
            Error::Store(source) => store_failed(&source),
            Error::Internal(why) => {
                error!(why, "internal failure");
                Self::internal()
            }
        }
    }
}

/// A configuration that was refused before anything was contacted.
fn refused(refusal: &nalabo_fleet::Refusal) -> Problem {
    let advice = refusal.advice();
    let code = refusal.code.as_str();
    let mut problem =
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, &code, "this configuration is not accepted")
            .detail(advice.cause.clone())
            .hint(&advice.remedy);
    problem.command = advice.command;
    let detail = match &refusal.path {
        Some(path) => format!("{path}: {}", advice.cause),
        None => advice.cause,
    };
    problem.errors.push(ProblemField { pointer: "#/source".to_owned(), code: Some(code), detail });
    problem
}

fn connection_failed(report: Box<TestReport>) -> Problem {
    let failure = report.failure();
    let mut problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "connection_failed",
        "the connection test failed; nothing was saved",
    );
    problem.detail = failure.and_then(|it| it.cause.clone());
    problem.hint = failure.and_then(|it| it.remedy.clone());
    problem.command = failure.and_then(|it| it.command.clone());
    problem.report = Some(report);
    problem
}

fn extension_refused(why: &ExtensionRefusal) -> Problem {
    let (code, detail) = match why {
        ExtensionRefusal::NotOffered => {
            ("extension_not_offered", "nothing can be added here".to_owned())
        }
        ExtensionRefusal::TooEarly { from } => {
            ("extension_too_early", format!("more time is offered from {from} on"))
        }
        ExtensionRefusal::Deadline { at } => {
            ("extension_deadline", format!("it lasts until {at} at most"))
        }
        ExtensionRefusal::SessionEnd { at } => {
            ("extension_session_end", format!("the session ends at {at}"))
        }
        ExtensionRefusal::TooLate => ("extension_too_late", "it is being removed".to_owned()),
    };
    Problem::new(StatusCode::CONFLICT, code, "there is no more time to be had")
        .detail(detail)
        .hint("ask your trainer, who may give more")
}

fn password_refused(refusal: PasswordRefusal) -> Problem {
    let code = match refusal {
        PasswordRefusal::TooShort => "password_too_short",
        PasswordRefusal::TooLong => "password_too_long",
        PasswordRefusal::TooCommon => "password_too_common",
    };
    let mut problem =
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, "the password is not good enough")
            .hint("take a sentence of four words or more");
    problem.errors.push(ProblemField {
        pointer: "#/password".to_owned(),
        code: Some(code.to_owned()),
        detail: refusal.to_string(),
    });
    problem
}

fn store_failed(source: &StoreError) -> Problem {
    let causes: Vec<String> =
        std::iter::successors(Some(source as &dyn std::error::Error), |it| it.source())
            .map(ToString::to_string)
            .collect();
    error!(error = causes.join(": "), "the database failed a request");
    match source {
        StoreError::Unreachable { .. } => Problem {
            retry_after_seconds: Some(5),
            ..Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "database_unreachable",
                "the database does not answer",
            )
            .hint("nothing was changed; try again in a few seconds")
        },
        _ => Problem::internal(),
    }
}
