//! Calls that make and remove environments: in a lane of their own, and with the server's words.
//!
//! Promises: what the API server says of a refusal is kept, cut and cleaned, because an operator
//! has to act on it; a refusal becomes the reason that fits. An object is applied as the manager
//! `nalabo`, and rights that have not arrived yet are waited for, a little. Does not: know which
//! objects an environment has.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{Method, StatusCode};
use nalabo_core::connection::Code;
use nalabo_core::environment::{EnvironmentFailure, EnvironmentReason};
use nalabo_core::health::Failure;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::api::{ANSWER_MAX_BYTES, Api, Write};
use crate::certificate::shown_up_to;
use crate::pool::{Answer, Lane, Lines};
use crate::rbac::ManifestObject;

/// Objects applied at once; the pool bounds all environments of an infrastructure together.
const APPLIES_AT_ONCE: usize = 8;
/// A new binding reaches the authorizer, and a new quota its first count, within a moment.
const RIGHTS_DEADLINE: Duration = Duration::from_secs(10);
const RIGHTS_ASKED_EVERY: Duration = Duration::from_millis(100);
/// A server that is busy with itself is asked again so often.
const BUSY_TRIES: u32 = 3;
const BUSY_PAUSE: Duration = Duration::from_millis(500);
const WORDS_MAX_CHARACTERS: usize = 300;

/// A call that failed.
#[derive(Debug, Clone)]
pub(super) struct CallFailure {
    pub(super) failure: Failure,
    /// The HTTP status, where Kubernetes answered.
    pub(super) status: Option<StatusCode>,
    /// What it said.
    pub(super) words: Option<String>,
}

impl CallFailure {
    pub(super) fn is(&self, status: StatusCode) -> bool {
        self.status == Some(status)
    }

    fn says(&self, text: &str) -> bool {
        self.words.as_deref().is_some_and(|it| it.contains(text))
    }

    /// Refused for a right, or for a count, that is on its way.
    fn may_pass(&self) -> bool {
        self.is(StatusCode::FORBIDDEN)
            && !self.says("exceeded quota")
            && !self.says("is being terminated")
            && !self.says("ValidatingAdmissionPolicy")
            && !self.says("violates PodSecurity")
    }

    /// What it means for an environment that needed `what`.
    pub(super) fn of(self, what: &str) -> EnvironmentFailure {
        let status = self.status;
        let reason = match self.failure.code {
            _ if self.says("exceeded quota") => EnvironmentReason::Quota,
            _ if status == Some(StatusCode::CONFLICT) => EnvironmentReason::Conflict,
            Code::Forbidden if self.says("is being terminated") => EnvironmentReason::Conflict,
            Code::Forbidden
                if self.says("ValidatingAdmissionPolicy") || self.says("violates PodSecurity") =>
            {
                EnvironmentReason::Refused
            }
            Code::Forbidden | Code::Unauthorized => EnvironmentReason::Forbidden,
            _ if status
                .is_some_and(|it| it.is_client_error() && it != StatusCode::TOO_MANY_REQUESTS) =>
            {
                EnvironmentReason::Refused
            }
            _ => EnvironmentReason::Unreachable,
        };
        let detail = match self.words {
            Some(words) => format!("{what}: the API server says: {words}"),
            None => format!("{what}: {}", self.failure.detail),
        };
        EnvironmentFailure { reason, detail }
    }
}

impl From<Failure> for CallFailure {
    fn from(failure: Failure) -> Self {
        Self { failure, status: None, words: None }
    }
}

/// Calls to one API, in the lane of environments.
#[derive(Clone, Copy)]
pub(super) struct Calls<'a> {
    pub(super) api: &'a Api,
}

impl Calls<'_> {
    /// Reads one object.
    pub(super) async fn get<T>(&self, path: &str) -> Result<T, CallFailure>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let answer = self.ask(path, None).await?;
        self.read(answer).await
    }

    /// The same; nothing where there is none.
    pub(super) async fn find<T>(&self, path: &str) -> Result<Option<T>, CallFailure>
    where
        T: DeserializeOwned + Send + 'static,
    {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(absent) if absent.is(StatusCode::NOT_FOUND) => Ok(None),
            Err(failed) => Err(failed),
        }
    }

    /// Sends an object that is answered with one.
    pub(super) async fn post<T>(&self, path: &str, body: &Value) -> Result<T, CallFailure>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let write = Write { method: Method::POST, content_type: "application/json", body };
        let answer = self.ask(path, Some(write)).await?;
        self.read(answer).await
    }

    /// Creates `object`, or brings it back to what is said there.
    pub(super) async fn apply<T>(&self, object: &ManifestObject) -> Result<T, CallFailure>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let path = format!("{}?fieldManager=nalabo&force=true", object.path);
        let mut tries = 1;
        let answer = loop {
            let content_type = "application/apply-patch+yaml";
            let write = Write { method: Method::PATCH, content_type, body: &object.body };
            match self.ask(&path, Some(write)).await {
                // Applying twice is applying once, so that a busy server may be asked again.
                Err(busy) if tries < BUSY_TRIES && is_busy(&busy) => {
                    sleep(BUSY_PAUSE * tries).await;
                    tries += 1;
                }
                other => break other?,
            }
        };
        self.read(answer).await
    }

    /// Applies objects that do not depend on each other, side by side.
    pub(super) async fn apply_all(
        &self,
        objects: Vec<ManifestObject>,
    ) -> Result<(), EnvironmentFailure> {
        stream::iter(objects)
            .map(|object| async move { self.apply_in_time(&object).await })
            .buffer_unordered(APPLIES_AT_ONCE)
            .try_collect()
            .await
    }

    /// Applies an object as soon as our rights to do so have arrived.
    pub(super) async fn apply_in_time(
        &self,
        object: &ManifestObject,
    ) -> Result<(), EnvironmentFailure> {
        let until = Instant::now() + RIGHTS_DEADLINE;
        loop {
            match self.apply::<IgnoredAny>(object).await {
                Ok(_) => return Ok(()),
                Err(early) if early.may_pass() && Instant::now() < until => {
                    sleep(RIGHTS_ASKED_EVERY).await;
                }
                Err(failed) => return Err(failed.of(&format!("apply {}", object.path))),
            }
        }
    }

    /// Removes what `path` names, under the conditions of `options`.
    pub(super) async fn delete(&self, path: &str, options: &Value) -> Result<(), CallFailure> {
        let mut body = json!({ "apiVersion": "v1", "kind": "DeleteOptions" });
        if let (Some(body), Some(options)) = (body.as_object_mut(), options.as_object()) {
            body.extend(options.clone());
        }
        let write = Write { method: Method::DELETE, content_type: "application/json", body: &body };
        self.ask(path, Some(write)).await.map(drop)
    }

    /// Begins a watch.
    pub(super) async fn watch(&self, path: &str) -> Result<Lines, CallFailure> {
        self.api.watch(Lane::Environment, path).await.map_err(|it| CallFailure {
            failure: it.failure,
            status: it.status,
            words: None,
        })
    }

    async fn ask(&self, path: &str, write: Option<Write<'_>>) -> Result<Answer, CallFailure> {
        let answer =
            self.api.ask(Lane::Environment, path, write, ANSWER_MAX_BYTES).await.map_err(|it| {
                CallFailure { failure: it.failure, status: it.status, words: None }
            })?;
        let words = (!answer.status.is_success()).then(|| words_of(&answer.body)).flatten();
        self.api.accept(answer).map_err(|it| CallFailure {
            // Words of something in front of the API server are not its words.
            words: it.status.and(words),
            failure: it.failure,
            status: it.status,
        })
    }

    async fn read<T>(&self, answer: Answer) -> Result<T, CallFailure>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.api.parse(answer.body).await.map_err(|it| CallFailure::from(it.failure))
    }
}

fn is_busy(failed: &CallFailure) -> bool {
    matches!(failed.failure.code, Code::RateLimited | Code::ServerError | Code::Reset)
}

/// What a `Status` of Kubernetes says, fit to be shown.
fn words_of(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Status {
        #[serde(default)]
        message: String,
    }
    let status: Status = serde_json::from_slice(body).ok()?;
    (!status.message.is_empty()).then(|| shown_up_to(&status.message, WORDS_MAX_CHARACTERS))
}
