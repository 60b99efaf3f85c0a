//! Accepting connections and speaking TLS and HTTP on them; one path for every cluster.
//!
//! Promises: one task a cluster and one a connection, each bounded, with a deadline for
//! everything that waits for a peer, and all of them ended by the sim's stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::address::listener_at;
use crate::answer::respond;
use crate::behaviour::Behaviour;
use crate::cluster::Cluster;
use crate::random::mix;

/// How long a peer may take to agree on TLS.
const TLS_DEADLINE: Duration = Duration::from_secs(10);
/// How long a connection may lie idle, or take to send a request's head.
const IDLE_DEADLINE: Duration = Duration::from_secs(180);
/// How long requests in flight may take once the sim stops.
const STOP_DEADLINE: Duration = Duration::from_secs(1);
/// Pause before a port that could not be had is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// Longer than any sim runs.
const FOR_EVER: Duration = Duration::from_secs(365 * 86_400);
/// Most connections of one cluster at once; more are closed.
const CONNECTIONS_MAX: usize = 512;

/// Serves `cluster` until its sim stops.
pub(crate) async fn cluster_serve(cluster: Arc<Cluster>, listener: TcpListener) {
    let mut behaviour = cluster.behaviour.subscribe();
    let mut switched = Instant::now();
    let mut listener = Some(listener);
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        if behaviour.has_changed().unwrap_or(false) {
            switched = Instant::now();
        }
        let (is_down, flips_in) = behaviour.borrow_and_update().is_down(switched.elapsed());
        if is_down {
            listener = None;
        } else if listener.is_none() {
            match listener_at(cluster.address) {
                Ok(opened) => listener = Some(opened),
                Err(error) => {
                    warn!(%error, "{} cannot listen on {} again yet", cluster.profile.name, cluster.address);
                    tokio::select! {
                        () = cluster.stop.cancelled() => return,
                        () = sleep(RETRY_PAUSE) => continue,
                    }
                }
            }
        }
        cluster
            .is_listening
            .send_if_modified(|it| std::mem::replace(it, listener.is_some()) != listener.is_some());
        tokio::select! {
            biased;
            () = cluster.stop.cancelled() => return,
            changed = behaviour.changed() => {
                if changed.is_err() {
                    return;
                }
                switched = Instant::now();
            }
            () = sleep(flips_in.unwrap_or(FOR_EVER)), if flips_in.is_some() => {}
            stream = connection_accept(listener.as_ref()) => {
                if let Some(stream) = stream
                    && let Ok(permit) = connections.clone().try_acquire_owned()
                {
                    cluster.tasks.spawn(connection_serve(cluster.clone(), stream, permit));
                }
            }
        }
    }
}

/// The next connection; waits for ever while nothing listens.
async fn connection_accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    let Some(listener) = listener else { return std::future::pending().await };
    match listener.accept().await {
        Ok((stream, _)) => Some(stream),
        Err(error) => {
            // Usually the limit of open files: accepting again at once would only spin.
            warn!(%error, "a pretend cluster could not accept a connection");
            sleep(RETRY_PAUSE).await;
            None
        }
    }
}

async fn connection_serve(cluster: Arc<Cluster>, stream: TcpStream, _permit: OwnedSemaphorePermit) {
    let mut behaviour = cluster.behaviour.subscribe();
    let now = behaviour.borrow_and_update().clone();
    let number = cluster.connections_accepted.fetch_add(1, Ordering::Relaxed) + 1;
    let _open = Open::count(&cluster.connections_open);
    if now.loses(mix(cluster.profile.seed, &[61, number])) {
        return;
    }
    if now == Behaviour::Hang {
        connection_hold(&cluster, stream, behaviour).await;
        return;
    }
    // Small answers must not wait for an acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "a connection was gone before it was served");
        return;
    }
    let Some(tls) = cluster.tls() else { return };
    let agreed = tokio::select! {
        agreed = timeout(TLS_DEADLINE, TlsAcceptor::from(tls).accept(stream)) => agreed,
        () = cluster.stop.cancelled() => return,
    };
    let Ok(Ok(stream)) = agreed else {
        debug!("a client of {} did not agree on TLS", cluster.profile.name);
        return;
    };
    let mut builder = auto::Builder::new(Tracked(cluster.tasks.clone()));
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_DEADLINE)
        .max_buf_size(16 * 1024);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(250);
    let service = service_fn(|request| respond(cluster.clone(), number, request));
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                debug!(error, "a connection to {} ended early", cluster.profile.name);
            }
        }
        // Dropping the connection cuts it, as the end of a real server would.
        () = connection_cut(&cluster, number, behaviour) => {}
        () = cluster.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            if timeout(STOP_DEADLINE, connection).await.is_err() {
                debug!("a request to {} was still open at the stop", cluster.profile.name);
            }
        }
    }
}

/// Ends when an open connection is to be cut: the cluster is down, comes back with another
/// certificate, or has been silent on this connection and is no longer.
async fn connection_cut(cluster: &Cluster, number: u64, mut behaviour: watch::Receiver<Behaviour>) {
    let mut is_listening = cluster.is_listening.subscribe();
    while !cluster.is_cut(number) {
        tokio::select! {
            changed = behaviour.changed() => {
                let is_expired = *behaviour.borrow_and_update() == Behaviour::CertificateExpired;
                if changed.is_err() || is_expired {
                    return;
                }
            }
            down = is_listening.wait_for(|it| !*it) => {
                // The answer holds a lock that must not outlive this line.
                drop(down);
                return;
            }
        }
    }
}

/// Counts an open connection for as long as it lives.
struct Open<'a>(&'a AtomicU64);

impl<'a> Open<'a> {
    fn count(open: &'a AtomicU64) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Says nothing until the peer goes, or the cluster behaves otherwise.
async fn connection_hold(
    cluster: &Cluster,
    mut stream: TcpStream,
    mut behaviour: watch::Receiver<Behaviour>,
) {
    let mut heard = [0; 512];
    loop {
        tokio::select! {
            () = cluster.stop.cancelled() => return,
            _ = behaviour.changed() => return,
            read = stream.read(&mut heard) => {
                if matches!(read, Ok(0) | Err(_)) {
                    return;
                }
            }
        }
    }
}

/// Starts the tasks of HTTP/2 streams where the stop waits for them.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}
