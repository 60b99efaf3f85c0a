//! Switching pretend clusters from outside: a small HTTP server on loopback.
//!
//! Promises: what a test can do in the process of a sim, a bench can do from another one: set
//! behaviours, latencies, hosting and nodes, of one cluster or of a share of all, and read the counts.
//! Does not: ask who comes; it listens on loopback only and opens nothing but pretend clusters.
//!
//! ```text
//! GET  /counts                        sums over all clusters
//! GET  /clusters                      what each one is and how it is asked
//! GET  /clusters/3                    the same of one
//! PUT  /clusters/3/behaviour          "down", {"flapping":{"up_seconds":60,"down_seconds":20}}, …
//! PUT  /clusters/3/latency            {"constant":{"milliseconds":80}}, …
//! PUT  /clusters/3/nodes/0            {"is_cordoned":true}, …
//! PUT  /clusters/3/hosting            {"start_milliseconds":3000,"write_fails_every":7}, …
//! POST /clusters/3/compact            lists that were begun have expired
//! PUT  /behaviour                     {"share":0.3,"behaviour":"hang"}: so many, the same ones again;
//!                                     {"share":0.3} in a believable mix, {"share":0} all healthy
//! PUT  /latency                       for all
//! PUT  /hosting                       for all
//! ```

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::behaviour::Behaviour;
use crate::hosting::SimHosting;
use crate::latency::Latency;
use crate::random::mix;
use crate::{Sim, SimCluster, SimError};

const BODY_MAX_BYTES: usize = 64 * 1024;
const BODY_DEADLINE: Duration = Duration::from_secs(5);
const HEAD_DEADLINE: Duration = Duration::from_secs(60);
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Serves the controls of `sim` at `address`, which must be a loopback one, until the sim stops.
/// Gives the address, with its port.
pub async fn control_serve(sim: &Sim, address: SocketAddr) -> Result<SocketAddr, SimError> {
    let failed = |cause| SimError::Listen { address, cause };
    if !address.ip().is_loopback() {
        return Err(failed(std::io::Error::other("the controls listen on loopback only")));
    }
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let controls = Arc::new(Controls { clusters: sim.clusters().to_vec(), seed: sim.seed });
    let (stop, tasks) = (sim.stop.clone(), sim.tasks.clone());
    sim.tasks.spawn(async move {
        loop {
            let stream = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "the controls could not accept a connection");
                        sleep(RETRY_PAUSE).await;
                        continue;
                    }
                },
            };
            let (controls, stop) = (controls.clone(), stop.clone());
            tasks.spawn(async move {
                let service = service_fn(|request| respond(controls.clone(), request));
                let connection = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_DEADLINE)
                    .serve_connection(TokioIo::new(stream), service);
                tokio::select! {
                    ended = connection => if let Err(error) = ended {
                        tracing::debug!(%error, "a connection to the controls ended early");
                    },
                    () = stop.cancelled() => {}
                }
            });
        }
    });
    Ok(bound)
}

struct Controls {
    clusters: Vec<SimCluster>,
    seed: u64,
}

/// Why a request was not carried out.
struct Refused(StatusCode, String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Share {
    share: f64,
    behaviour: Option<Behaviour>,
}

async fn respond(
    controls: Arc<Controls>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, value) = match controls.answer(request).await {
        Ok(value) => (StatusCode::OK, value),
        Err(Refused(status, why)) => (status, json!({ "error": why })),
    };
    let mut response = Response::new(Full::from(value.to_string()));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    Ok(response)
}

impl Controls {
    async fn answer(&self, request: Request<Incoming>) -> Result<Value, Refused> {
        let (head, body) = request.into_parts();
        let path = head.uri.path().trim_matches('/').to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        match (&head.method, parts.as_slice()) {
            (&Method::GET, ["counts"]) => Ok(self.counts()),
            (&Method::GET, ["clusters"]) => {
                Ok(self.clusters.iter().enumerate().map(|(at, it)| shown(at, it)).collect())
            }
            (&Method::GET, ["clusters", at]) => {
                let (at, cluster) = self.cluster(at)?;
                Ok(shown(at, cluster))
            }
            (&Method::PUT, ["clusters", at, "behaviour"]) => {
                let (at, cluster) = self.cluster(at)?;
                cluster.set(body_read(body).await?).await.map_err(switch_failed)?;
                Ok(shown(at, cluster))
            }
            (&Method::PUT, ["clusters", at, "latency"]) => {
                let (at, cluster) = self.cluster(at)?;
                cluster.latency_set(body_read(body).await?);
                Ok(shown(at, cluster))
            }
            (&Method::PUT, ["clusters", at, "nodes", node]) => {
                let (at, cluster) = self.cluster(at)?;
                let node: u32 = number(node)?;
                if node >= cluster.nodes() {
                    return Err(Refused(StatusCode::NOT_FOUND, format!("no node {node}")));
                }
                cluster.node_set(node, body_read(body).await?);
                Ok(shown(at, cluster))
            }
            (&Method::PUT, ["clusters", at, "hosting"]) => {
                let (at, cluster) = self.cluster(at)?;
                cluster.hosting_set(body_read(body).await?);
                Ok(shown(at, cluster))
            }
            (&Method::POST, ["clusters", at, "compact"]) => {
                let (at, cluster) = self.cluster(at)?;
                cluster.compact();
                Ok(shown(at, cluster))
            }
            (&Method::PUT, ["behaviour"]) => self.share_set(&body_read(body).await?).await,
            (&Method::PUT, ["latency"]) => {
                let latency: Latency = body_read(body).await?;
                self.clusters.iter().for_each(|it| it.latency_set(latency));
                Ok(self.counts())
            }
            (&Method::PUT, ["hosting"]) => {
                let hosting: SimHosting = body_read(body).await?;
                self.clusters.iter().for_each(|it| it.hosting_set(hosting));
                Ok(self.counts())
            }
            _ => Err(Refused(StatusCode::NOT_FOUND, format!("no {} /{path}", head.method))),
        }
    }

    fn cluster(&self, at: &str) -> Result<(usize, &SimCluster), Refused> {
        let at: usize = number(at)?;
        let found = self.clusters.get(at).map(|it| (at, it));
        found.ok_or_else(|| Refused(StatusCode::NOT_FOUND, format!("no cluster {at}")))
    }

    fn counts(&self) -> Value {
        let sum = |of: fn(&SimCluster) -> u64| self.clusters.iter().map(of).sum::<u64>();
        json!({
            "clusters": self.clusters.len(),
            "nodes": sum(|it| u64::from(it.nodes())),
            "pods": sum(|it| u64::from(it.pods())),
            "requests": sum(SimCluster::requests_received),
            "writes": sum(SimCluster::writes_received),
            "connections_accepted": sum(SimCluster::connections_accepted),
            "connections_open": sum(SimCluster::connections_open),
            "not_healthy": sum(|it| u64::from(it.behaviour() != Behaviour::Healthy)),
        })
    }

    /// Sets the behaviour of a share, and says which clusters that is.
    async fn share_set(&self, ask: &Share) -> Result<Value, Refused> {
        let count = self.clusters.len();
        let behaviours = match &ask.behaviour {
            None => crate::behaviour::behaviours_with_failures(self.seed, count, ask.share),
            Some(behaviour) => {
                let mut order: Vec<usize> = (0..count).collect();
                order.sort_by_key(|at| mix(self.seed, &[0xfa11, *at as u64]));
                let chosen = (count as f64 * ask.share.clamp(0.0, 1.0)).round() as usize;
                let mut behaviours = vec![Behaviour::Healthy; count];
                order.into_iter().take(chosen).for_each(|at| behaviours[at] = behaviour.clone());
                behaviours
            }
        };
        let mut chosen = Vec::new();
        for (at, (cluster, behaviour)) in self.clusters.iter().zip(behaviours).enumerate() {
            if behaviour != Behaviour::Healthy {
                chosen.push(at);
            }
            if cluster.behaviour() != behaviour {
                cluster.set(behaviour).await.map_err(switch_failed)?;
            }
        }
        Ok(json!({ "chosen": chosen }))
    }
}

fn shown(at: usize, cluster: &SimCluster) -> Value {
    json!({
        "index": at,
        "name": cluster.name(),
        "endpoint": cluster.endpoint(),
        "behaviour": cluster.behaviour(),
        "requests": cluster.requests_received(),
        "connections_accepted": cluster.connections_accepted(),
        "connections_open": cluster.connections_open(),
    })
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, Refused> {
    text.parse().map_err(|_| Refused(StatusCode::BAD_REQUEST, format!("{text} is no number")))
}

fn switch_failed(error: SimError) -> Refused {
    Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

async fn body_read<T: DeserializeOwned>(body: Incoming) -> Result<T, Refused> {
    let refused = |why: String| Refused(StatusCode::BAD_REQUEST, why);
    let whole = timeout(BODY_DEADLINE, Limited::new(body, BODY_MAX_BYTES).collect()).await;
    let bytes = whole
        .map_err(|_| refused("the body did not arrive in time".to_owned()))?
        .map_err(|error| refused(error.to_string()))?
        .to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))
}
