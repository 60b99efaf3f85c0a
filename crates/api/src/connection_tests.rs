//! Reading a kubeconfig and testing a connection, as one answer or stage by stage.

use std::convert::Infallible;

use axum::Json;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use http::{HeaderMap, header};
use nalabo_app::connection_tests::{self as app, RunningTest, SourceAsk};
use nalabo_core::Timestamp;
use nalabo_core::connection::TestReport;
use nalabo_core::id::InfrastructureId;
use nalabo_core::infrastructure::CredentialKind;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::request::{Body, Caller, Path};

/// A way in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourceBody {
    /// One context of a kubeconfig; the current one when none is named.
    Kubeconfig {
        /// The YAML.
        #[schema(value_type = String, format = Password)]
        kubeconfig: SecretString,
        /// The context.
        context: Option<String>,
    },
    /// Address and bearer token.
    Token {
        /// `https://host:port`.
        endpoint: String,
        /// The token.
        #[schema(value_type = Option<String>, format = Password)]
        token: Option<SecretString>,
        /// PEM of the authority that signed the server's certificate; or the server's public key,
        /// `sha256/` and the base64 of its SHA-256, where no authority is to be had.
        certificate_authority: Option<String>,
    },
    /// The cluster NALABO runs in.
    InCluster,
}

impl From<SourceBody> for SourceAsk {
    fn from(it: SourceBody) -> Self {
        match it {
            SourceBody::Kubeconfig { kubeconfig, context } => {
                Self::Kubeconfig { kubeconfig, context: context.filter(|it| !it.is_empty()) }
            }
            SourceBody::Token { endpoint, token, certificate_authority } => {
                Self::Token { endpoint, token, certificate_authority }
            }
            SourceBody::InCluster => Self::InCluster,
        }
    }
}

/// A configuration that is not saved.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct TestBody {
    source: SourceBody,
}

/// A pasted kubeconfig.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct ParseBody {
    #[schema(value_type = String, format = Password)]
    kubeconfig: SecretString,
}

/// What speaks against a context.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ContextProblemView {
    code: String,
    /// Where in the kubeconfig, for example `users[2].user.exec`.
    path: Option<String>,
    cause: String,
    remedy: String,
    command: Option<String>,
}

/// One context of a kubeconfig.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ContextView {
    name: String,
    server: Option<String>,
    user: String,
    credential_kind: Option<CredentialKind>,
    credential_expires_at: Option<Timestamp>,
    tls_server_name: Option<String>,
    /// It is the current one.
    is_current: bool,
    /// It can be connected.
    usable: bool,
    /// Why not.
    problems: Vec<ContextProblemView>,
}

/// The contexts of a kubeconfig.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ContextListView {
    contexts: Vec<ContextView>,
}

/// Lists the contexts of a pasted kubeconfig, each with what speaks against it.
#[utoipa::path(post, path = "/api/admin/infrastructures/parse", tag = "infrastructures",
    request_body = ParseBody,
    responses((status = 200, body = ContextListView), (status = 422, body = Problem)))]
pub async fn kubeconfig_parse(
    Caller(ctx): Caller,
    Body(body): Body<ParseBody>,
) -> Result<Json<ContextListView>, Problem> {
    let contexts = app::kubeconfig_parse(&ctx, body.kubeconfig).await?;
    let contexts = contexts
        .into_iter()
        .map(|it| ContextView {
            usable: it.is_usable(),
            problems: it
                .problems
                .iter()
                .map(|problem| {
                    let advice = problem.advice();
                    ContextProblemView {
                        code: problem.code.as_str(),
                        path: problem.path.clone(),
                        cause: advice.cause,
                        remedy: advice.remedy,
                        command: advice.command,
                    }
                })
                .collect(),
            name: it.name,
            server: it.server,
            user: it.user,
            credential_kind: it.credential_kind,
            credential_expires_at: it.credential_expires_at,
            tls_server_name: it.tls_server_name,
            is_current: it.is_current,
        })
        .collect();
    Ok(Json(ContextListView { contexts }))
}

/// Tests a configuration that is not saved. Ask for `text/event-stream` to see each stage as it
/// ends.
#[utoipa::path(post, path = "/api/admin/infrastructures/test", tag = "infrastructures",
    request_body = TestBody,
    responses((status = 200, body = TestReport), (status = 422, body = Problem),
        (status = 429, body = Problem)))]
pub async fn connection_test(
    Caller(ctx): Caller,
    headers: HeaderMap,
    Body(body): Body<TestBody>,
) -> Result<Response, Problem> {
    let running = app::connection_test_start(&ctx, &body.source.into())?;
    answer(running, &headers).await
}

/// Tests a connected infrastructure. Ask for `text/event-stream` to see each stage as it ends.
#[utoipa::path(post, path = "/api/admin/infrastructures/{id}/test", tag = "infrastructures",
    params(("id" = InfrastructureId, Path)),
    responses((status = 200, body = TestReport), (status = 404, body = Problem),
        (status = 429, body = Problem)))]
pub async fn infrastructure_test(
    Caller(ctx): Caller,
    headers: HeaderMap,
    Path(id): Path<InfrastructureId>,
) -> Result<Response, Problem> {
    let running = app::infrastructure_test_start(&ctx, id).await?;
    answer(running, &headers).await
}

async fn answer(running: RunningTest, headers: &HeaderMap) -> Result<Response, Problem> {
    let streamed = headers
        .get(header::ACCEPT)
        .and_then(|it| it.to_str().ok())
        .is_some_and(|it| it.contains("text/event-stream"));
    if streamed {
        let stream = Sse::new(stages(running)).keep_alive(KeepAlive::default());
        return Ok(stream.into_response());
    }
    let report = running.report.await.map_err(|_| Problem::internal())??;
    Ok(Json(report).into_response())
}

/// Stages as they end, then the report; a failure of ours is sent as a problem.
fn stages(mut running: RunningTest) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        while let Some(stage) = running.events.recv().await {
            if let Ok(event) = Event::default().event("stage").json_data(&stage) {
                yield Ok(event);
            }
        }
        let event = match running.report.await {
            Ok(Ok(report)) => Event::default().event("report").json_data(&report),
            Ok(Err(error)) => Event::default().event("problem").json_data(Problem::from(error)),
            Err(_) => Event::default().event("problem").json_data(Problem::internal()),
        };
        if let Ok(event) = event {
            yield Ok(event);
        }
    }
}
