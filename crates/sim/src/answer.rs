//! From a request to its answer, as the real server goes: behaviour, credential, rules, object.
//!
//! Promises: what the credential or the rules refuse is refused before anybody looks whether it
//! exists. Does not: read more than [`BODY_MAX_BYTES`] of a request.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tokio::time::{sleep, timeout};

use crate::behaviour::Behaviour;
use crate::cluster::Cluster;
use crate::identity::{Identity, ServiceAccount, token_verify};
use crate::list::{ListQuery, is_watch};
use crate::objects::How;
use crate::random::mix;
use crate::read::{is_kept, object_get, objects_list, pods_squeezed};
use crate::reply::{self, Reply};
use crate::resources::{Resource, Target, asked, verb_of};
use crate::rules::{path_allowed, resource_allowed};
use crate::status::Failure;
use crate::{discovery, proxy, reviews, watch, write};

/// Most bytes of a request that are read; the real server's limit.
pub(crate) const BODY_MAX_BYTES: usize = 3 * 1024 * 1024;

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("a pretend cluster cut the connection, as it was told to")]
pub(crate) struct Cut;

/// A request without its body.
pub(crate) struct Ask<'a> {
    pub(crate) behaviour: &'a Behaviour,
    pub(crate) resource: &'static Resource,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) query: &'a str,
}

/// Answers one request.
pub(crate) async fn respond(
    cluster: Arc<Cluster>,
    connection: u64,
    request: Request<Incoming>,
) -> Result<Reply, Cut> {
    let number = cluster.requests_received.fetch_add(1, Ordering::Relaxed) + 1;
    for delay in [cluster.delay(number), cluster.behaviour().delay()].into_iter().flatten() {
        sleep(delay).await;
    }
    let behaviour = cluster.behaviour();
    if cluster.is_cut(connection) {
        return Err(Cut);
    }
    if cluster.is_mute(connection) {
        cluster.hang_ended(&behaviour).await;
        return Err(Cut);
    }
    if behaviour.loses(mix(cluster.profile.seed, &[62, number])) {
        return Err(Cut);
    }
    match behaviour {
        Behaviour::Down => Err(Cut),
        Behaviour::Status(code) => Ok(reply::failure(&told_to_fail(code))),
        Behaviour::RateLimited { retry_after_seconds } => {
            Ok(reply::rate_limited(retry_after_seconds))
        }
        Behaviour::EndlessBody => Ok(reply::endless()),
        Behaviour::LargeBody { megabytes } => Ok(reply::large(megabytes)),
        Behaviour::Drip { pause_milliseconds } => {
            let inner = answer(&cluster, &behaviour, connection, request).await;
            Ok(reply::drip(inner, Duration::from_millis(pause_milliseconds)))
        }
        _ => Ok(answer(&cluster, &behaviour, connection, request).await),
    }
}

async fn answer(
    cluster: &Arc<Cluster>,
    behaviour: &Behaviour,
    connection: u64,
    request: Request<Incoming>,
) -> Reply {
    answer_or_failure(cluster, behaviour, connection, request)
        .await
        .unwrap_or_else(|failure| reply::failure(&failure))
}

async fn answer_or_failure(
    cluster: &Arc<Cluster>,
    behaviour: &Behaviour,
    connection: u64,
    request: Request<Incoming>,
) -> Result<Reply, Failure> {
    let (head, body) = request.into_parts();
    let who = credential_check(cluster, behaviour, &head.headers)?;
    let path = head.uri.path();
    let has_metrics = cluster.profile.has_metrics && *behaviour != Behaviour::MetricsAbsent;
    let ask = match Target::parse(path) {
        Target::Path => {
            let verb = if head.method == Method::GET { "get" } else { "update" };
            if !path_allowed(&cluster.objects(), &who, verb, path) {
                return Err(Failure::forbidden_path(&who.user_name(), verb, path));
            }
            let host = cluster.address.to_string();
            return Ok(discovery::path_reply(&cluster.profile, has_metrics, &host, path));
        }
        Target::UnknownResource { group, plural } => {
            let verb = verb_of(&head.method, false);
            let asked =
                crate::status::Asked { verb, group, resource: plural, namespace: None, name: None };
            if !resource_allowed(&cluster.objects(), behaviour, &who, &asked) {
                return Err(Failure::forbidden_resource(&who.user_name(), &asked));
            }
            return Err(Failure::resource_not_found());
        }
        Target::Objects { resource, namespace, name } => {
            Ask { behaviour, resource, namespace, name, query: head.uri.query().unwrap_or("") }
        }
    };
    let verb = match verb_of(&head.method, ask.name.is_some()) {
        "list" if is_watch(ask.query) => "watch",
        verb => verb,
    };
    let asked = asked(verb, ask.resource, ask.namespace, ask.name);
    if !resource_allowed(&cluster.objects(), behaviour, &who, &asked) {
        return Err(Failure::forbidden_resource(&who.user_name(), &asked));
    }
    if ask.resource.group == "metrics.k8s.io" && !has_metrics {
        return Ok(reply::path_not_found());
    }
    if !ask.resource.verbs.contains(&verb) {
        return Err(Failure::method_not_allowed());
    }
    let wants_gzip = head
        .headers
        .get(ACCEPT_ENCODING)
        .and_then(|it| it.to_str().ok())
        .is_some_and(|it| it.contains("gzip"));
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    match verb {
        "list" if is_large(ask.resource) => list_aside(cluster, &ask, wants_gzip).await,
        "list" => finish(objects_list(cluster, &ask), wants_gzip),
        "watch" => watch::watch(
            cluster,
            ask.resource,
            ListQuery::parse(ask.query, ask.namespace)?,
            connection,
        ),
        "get" if ask.resource.plural.ends_with("/proxy") => {
            finish(proxy::proxied(cluster, &ask, path), wants_gzip)
        }
        "get" => finish(object_get(cluster, &ask), wants_gzip),
        "delete" => {
            write_fault(cluster).await?;
            write::object_delete(cluster, &ask, &body_read(body).await?)
        }
        "deletecollection" => {
            write_fault(cluster).await?;
            write::objects_delete(cluster, &ask, &body_read(body).await?)
        }
        "patch" => {
            let how = how_of(content_type)?;
            write_fault(cluster).await?;
            let body = body_read(body).await?;
            // To apply what is not there is to create it.
            let asked = crate::status::Asked { verb: "create", ..asked };
            write::object_write(cluster, &ask, how, &body, |objects| {
                let may = resource_allowed(objects, behaviour, &who, &asked);
                let refusal = || Failure::forbidden_resource(&who.user_name(), &asked);
                may.then_some(()).ok_or_else(refusal)
            })
        }
        "create" => {
            if content_type.is_some_and(|it| it.contains("protobuf")) {
                return Err(write::unknown_format("application/json"));
            }
            if is_kept(ask.resource) || ask.resource.plural == "serviceaccounts/token" {
                write_fault(cluster).await?;
            }
            let body = body_read(body).await?;
            create(cluster, &ask, &who, &body)
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

fn finish(reply: Result<Reply, Failure>, wants_gzip: bool) -> Result<Reply, Failure> {
    if wants_gzip { reply.map(reply::gzip) } else { reply }
}

/// Whether a page of a kind takes long enough to write to hold up other clusters.
fn is_large(resource: &Resource) -> bool {
    matches!(resource.plural, "pods" | "events")
}

/// Writes a large page on a thread of its own, as many at once as there are processors.
async fn list_aside(
    cluster: &Arc<Cluster>,
    ask: &Ask<'_>,
    wants_gzip: bool,
) -> Result<Reply, Failure> {
    let closed =
        |_| Failure::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "stopping");
    let _permit = cluster.writers.acquire().await.map_err(closed)?;
    let cluster = cluster.clone();
    let behaviour = ask.behaviour.clone();
    let (resource, query) = (ask.resource, ask.query.to_owned());
    let namespace = ask.namespace.map(ToOwned::to_owned);
    let written = tokio::task::spawn_blocking(move || {
        let ask = Ask {
            behaviour: &behaviour,
            resource,
            namespace: namespace.as_deref(),
            name: None,
            query: &query,
        };
        if wants_gzip
            && resource.plural == "pods"
            && resource.group.is_empty()
            && let Some(page) = pods_squeezed(&cluster, &ask)
        {
            return page;
        }
        finish(objects_list(&cluster, &ask), wants_gzip)
    });
    written.await.unwrap_or_else(|_| Err(told_to_fail(500)))
}

fn how_of(content_type: Option<&str>) -> Result<How, Failure> {
    let content_type = content_type.unwrap_or_default();
    match content_type.split(';').next().unwrap_or_default().trim() {
        "application/apply-patch+yaml" => Ok(How::Apply),
        "application/merge-patch+json" => Ok(How::Merge),
        _ => {
            Err(write::unknown_format("application/apply-patch+yaml, application/merge-patch+json"))
        }
    }
}

/// Delays a write, or refuses it, as the cluster was told to.
async fn write_fault(cluster: &Cluster) -> Result<(), Failure> {
    let hosting = cluster.hosting();
    if hosting.write_delay_milliseconds > 0 {
        sleep(Duration::from_millis(hosting.write_delay_milliseconds)).await;
    }
    let number = cluster.writes_received.fetch_add(1, Ordering::Relaxed) + 1;
    let every = u64::from(hosting.write_fails_every);
    if every > 0 && number.is_multiple_of(every) {
        return Err(told_to_fail(hosting.write_fails_with));
    }
    Ok(())
}

fn create(
    cluster: &Arc<Cluster>,
    ask: &Ask<'_>,
    who: &Identity,
    body: &[u8],
) -> Result<Reply, Failure> {
    if is_kept(ask.resource) {
        return write::object_write(cluster, ask, How::Create, body, |_| Ok(()));
    }
    create_review(cluster, ask, who, body)
}

fn create_review(
    cluster: &Cluster,
    ask: &Ask<'_>,
    who: &Identity,
    body: &[u8],
) -> Result<Reply, Failure> {
    match (ask.resource.plural, ask.namespace, ask.name) {
        ("selfsubjectreviews", ..) => Ok(reviews::self_subject_review(cluster, who)),
        ("selfsubjectaccessreviews", ..) => {
            reviews::access_review(cluster, ask.behaviour, who, body)
        }
        ("serviceaccounts/token", Some(namespace), Some(name)) => {
            reviews::token_request(cluster, ServiceAccount { namespace, name }, body)
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

/// Who sends these headers; nobody at all is somebody too.
fn credential_check(
    cluster: &Cluster,
    behaviour: &Behaviour,
    headers: &HeaderMap,
) -> Result<Identity, Failure> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(Identity::Anonymous) };
    if *behaviour == Behaviour::Unauthorized {
        return Err(Failure::unauthorized());
    }
    value
        .to_str()
        .ok()
        .and_then(|it| it.strip_prefix("Bearer "))
        .and_then(|token| token_verify(&cluster.profile, token, cluster.now()))
        .filter(|who| cluster.account_exists(who))
        .ok_or_else(Failure::unauthorized)
}

async fn body_read(body: Incoming) -> Result<Vec<u8>, Failure> {
    let collected = timeout(reviews::BODY_DEADLINE, Limited::new(body, BODY_MAX_BYTES).collect());
    match collected.await {
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
        Ok(Err(_)) => Err(Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            format!("Request entity too large: limit is {BODY_MAX_BYTES}"),
        )),
        Err(_) => Err(Failure::bad_request("the body did not arrive in time")),
    }
}

fn told_to_fail(code: u16) -> Failure {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (reason, message) = match code {
        StatusCode::SERVICE_UNAVAILABLE => {
            ("ServiceUnavailable", "the server is currently unable to handle the request")
        }
        StatusCode::TOO_MANY_REQUESTS => {
            ("TooManyRequests", "the server has received too many requests, try again later")
        }
        StatusCode::GATEWAY_TIMEOUT => {
            ("Timeout", "the server was unable to return a response in the time allotted")
        }
        _ => ("InternalError", "an error on the server has prevented the request from succeeding"),
    };
    Failure::new(code, reason, message)
}
