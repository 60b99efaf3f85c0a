//! The listener of `/k8s` with TLS of its own: kubectl sends no token over plain http.
//!
//! Promises: nothing but the router it is given; a handshake and the head of a request have
//! deadlines, connections a bound; a caller whose line went dead is noticed. Does not: make or
//! choose certificates; the program does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

const CONNECTIONS_MAX: usize = 4096;
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
/// Also the longest that a connection waits for its next request.
const HEAD_DEADLINE: Duration = Duration::from_secs(60);
/// Out of file descriptors, for example: there will be some again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
const DEAD_AFTER_IDLE: Duration = Duration::from_secs(60);
const DEAD_ASKED_EVERY: Duration = Duration::from_secs(15);
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);

/// Serves `router` on `listener` until `stop`.
pub async fn kube_serve(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    router: Router,
    stop: CancellationToken,
) {
    let acceptor = TlsAcceptor::from(tls);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = TaskTracker::new();
    loop {
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (tcp, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "kubectl's listener takes no connection at present");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (acceptor, router, stop) = (acceptor.clone(), router.clone(), stop.clone());
        connections.spawn(async move {
            serve_one(&acceptor, tcp, peer, router, stop).await;
            drop(place);
        });
    }
    connections.close();
    let _ = timeout(DRAIN_DEADLINE, connections.wait()).await;
}

async fn serve_one(
    acceptor: &TlsAcceptor,
    tcp: TcpStream,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
) {
    keep_alive(&tcp);
    let stream = match timeout(HANDSHAKE_DEADLINE, acceptor.accept(tcp)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return debug!(%peer, %error, "no TLS"),
        Err(_) => return debug!(%peer, "no TLS in time"),
    };
    let service = TowerToHyperService::new(router);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE).max_buf_size(64 * 1024);
    let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                debug!(%peer, %error, "a connection of kubectl broke off");
            }
        }
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = timeout(DRAIN_DEADLINE, connection).await;
        }
    }
}

/// Lets the system notice a peer that is gone without a word, as after a laptop was closed.
fn keep_alive(tcp: &TcpStream) {
    let _ = tcp.set_nodelay(true);
    let often = TcpKeepalive::new().with_time(DEAD_AFTER_IDLE).with_interval(DEAD_ASKED_EVERY);
    let _ = SockRef::from(tcp).set_tcp_keepalive(&often);
}
