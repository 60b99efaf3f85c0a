//! The only door to the network: resolves once, checks every answer, dials what was checked.
//!
//! Promises: no address that the policy denies is ever contacted, whatever a name resolves to at
//! whatever moment; the address that was checked is the one that is dialled. Does not: speak
//! TLS; [`crate::tls`] does, on the connection made here. Not a second line of defence either:
//! the network policy of the pod is that.

mod addresses;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use nalabo_core::connection::{Code, Place};
use nalabo_core::health::Failure;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use url::{Host, Url};

pub use addresses::AddressPolicy;

use crate::endpoint::place_of;

/// Name, TCP and TLS together must be done in this time.
pub(crate) const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How long a connection may be quiet until the system asks whether somebody is there, and how
/// often it asks.
const QUIET_MAX: Duration = Duration::from_secs(60);
const QUIET_ASK: Duration = Duration::from_secs(15);
/// Most addresses of one name that are tried.
const DIALS_MAX: usize = 4;
/// Most addresses of one name that are looked at; a name with more is refused.
const ANSWERS_MAX: usize = 64;

/// Resolves a name. Tests bring their own, to answer differently the second time.
pub type Resolver =
    Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Dials API servers, and nothing that the policy denies.
#[derive(Clone)]
pub struct GuardedConnector {
    policy: Arc<AddressPolicy>,
    resolver: Resolver,
}

impl fmt::Debug for GuardedConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedConnector").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl GuardedConnector {
    /// With the resolver of the operating system.
    pub fn new(policy: AddressPolicy) -> Self {
        Self::with_resolver(policy, Arc::new(|name| Box::pin(system_resolve(name))))
    }

    /// With another resolver.
    pub fn with_resolver(policy: AddressPolicy, resolver: Resolver) -> Self {
        Self { policy: Arc::new(policy), resolver }
    }

    /// The same door for webhooks; see [`AddressPolicy::for_webhooks`].
    #[must_use]
    pub fn for_webhooks(&self) -> Self {
        let policy = Arc::new(self.policy.for_webhooks());
        Self { policy, resolver: Arc::clone(&self.resolver) }
    }

    /// What may be contacted.
    pub fn policy(&self) -> &AddressPolicy {
        &self.policy
    }

    /// The addresses of the endpoint, all of them allowed.
    pub async fn resolve(&self, endpoint: &Url) -> Result<Vec<SocketAddr>, Failure> {
        let place = place_of(endpoint);
        let fail = |code, detail: Option<String>| failure(code, &place, detail);
        let answers = match endpoint.host() {
            Some(Host::Ipv4(it)) => vec![IpAddr::V4(it)],
            Some(Host::Ipv6(it)) => vec![IpAddr::V6(it)],
            Some(Host::Domain(name)) => {
                match timeout(CONNECT_DEADLINE, (self.resolver)(name.to_owned())).await {
                    Ok(Ok(answers)) => answers,
                    Ok(Err(_)) | Err(_) => Vec::new(),
                }
            }
            None => Vec::new(),
        };
        if answers.is_empty() {
            return Err(fail(Code::Dns, None));
        }
        if answers.len() > ANSWERS_MAX {
            let detail = format!("{} has more than {ANSWERS_MAX} addresses.", place.host);
            return Err(fail(Code::DeniedAddress, Some(detail)));
        }
        // One bad answer refuses all: a name that points to a metadata service as well as to an
        // API server is an attack or a mistake, and dialling the good half would hide it.
        for &address in &answers {
            if let Err((code, why)) = self.policy.check(address, place.port) {
                let detail = if !matches!(endpoint.host(), Some(Host::Domain(_))) {
                    format!("{address} {why}.")
                } else {
                    format!("{} resolves to {address}, which {why}.", place.host)
                };
                return Err(fail(code, Some(detail)));
            }
        }
        Ok(answers.into_iter().map(|it| SocketAddr::new(it, place.port)).collect())
    }

    /// Connects to the first of `addresses` that answers; they come from
    /// [`GuardedConnector::resolve`].
    pub async fn dial(
        &self,
        endpoint: &Url,
        addresses: &[SocketAddr],
        deadline: Instant,
    ) -> Result<TcpStream, Failure> {
        let place = place_of(endpoint);
        let addresses = &addresses[..addresses.len().min(DIALS_MAX)];
        let mut worst = Code::Timeout;
        for (tried, address) in addresses.iter().enumerate() {
            // A silent address leaves the others their share of the time.
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(addresses.len() - tried).unwrap_or(1);
            match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Requests are small; waiting to fill a packet only makes them late.
                    let _ = stream.set_nodelay(true);
                    // A stream that is quiet for hours has no other way to notice a dead line.
                    let often = TcpKeepalive::new().with_time(QUIET_MAX).with_interval(QUIET_ASK);
                    let _ = SockRef::from(&stream).set_tcp_keepalive(&often);
                    return Ok(stream);
                }
                Ok(Err(error)) => worst = code_of_io(&error),
                Err(_) => worst = Code::Timeout,
            }
        }
        Err(failure(worst, &place, None))
    }

    /// Resolves, checks and dials.
    pub async fn connect(&self, endpoint: &Url, deadline: Instant) -> Result<TcpStream, Failure> {
        let addresses = match timeout_at(deadline, self.resolve(endpoint)).await {
            Ok(addresses) => addresses?,
            Err(_) => return Err(failure(Code::Dns, &place_of(endpoint), None)),
        };
        self.dial(endpoint, &addresses, deadline).await
    }
}

async fn system_resolve(name: String) -> io::Result<Vec<IpAddr>> {
    let answers = tokio::net::lookup_host((name, 0)).await?;
    let mut addresses: Vec<_> = answers.map(|it| it.ip()).collect();
    addresses.dedup();
    Ok(addresses)
}

/// The failure that an error of a socket means.
pub(crate) fn code_of_io(error: &io::Error) -> Code {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Code::Refused,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Code::Reset,
        // No route and the like: nothing will come back, as with a firewall that is silent.
        _ => Code::Timeout,
    }
}

/// A failure in our own words: `detail`, or what the code always says.
pub(crate) fn failure(code: Code, place: &Place, detail: Option<String>) -> Failure {
    Failure { code, detail: detail.unwrap_or_else(|| code.advice(place).cause) }
}

#[cfg(test)]
mod tests;
