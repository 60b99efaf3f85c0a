//! What every handler is given: the application, and how requests reach it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, Method};
use ipnet::IpNet;
use nalabo_app::sign_ins::{self, SessionUse};
use nalabo_app::{App, Ctx};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::environment_gate::Guests;
use crate::operations::Access;
use crate::prepared::Prepared;

/// Method and path of an operation, its id and what it needs.
pub type OperationTable = HashMap<(Method, String), (&'static str, Access)>;

/// State of the handlers.
#[derive(Debug, Clone)]
pub struct Api {
    pub(crate) app: Arc<App>,
    pub(crate) stop: CancellationToken,
    pub(crate) public_url: Option<Url>,
    pub(crate) trusted_proxies: Arc<Vec<IpNet>>,
    pub(crate) operations: Arc<OperationTable>,
    pub(crate) prepared: Arc<Prepared>,
    /// Who has terminals open.
    pub(crate) terminals: Arc<Guests>,
}

impl Api {
    /// Whether the browser's connection is encrypted: said by the operator, or by a proxy that
    /// is trusted.
    pub(crate) fn is_https(&self, headers: &HeaderMap, ctx: &Ctx) -> bool {
        let said = self.public_url.as_ref().is_some_and(|it| it.scheme() == "https");
        let forwarded = headers.get("x-forwarded-proto").is_some_and(|it| it == "https");
        said || (forwarded && ctx.via_trusted_proxy())
    }

    /// Whether a stream may go on.
    pub(crate) async fn session_holds(&self, session: Option<&SecretString>) -> bool {
        match session {
            Some(token) => {
                let actor = sign_ins::session_actor(&self.app, token, SessionUse::Background).await;
                matches!(actor, Ok(Some(_)))
            }
            None => false,
        }
    }

    /// Where a request really came from.
    pub(crate) fn caller_address(&self, peer: IpAddr, headers: &HeaderMap) -> (IpAddr, bool) {
        let trusted = |it: &IpAddr| self.trusted_proxies.iter().any(|net| net.contains(it));
        if !trusted(&peer) {
            return (peer, false);
        }
        // The rightmost address that is not one of our own proxies: what stands left of it could
        // have been written by anybody.
        let forwarded = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|it| it.to_str().ok())
            .flat_map(|it| it.split(','))
            .filter_map(|it| it.trim().parse::<IpAddr>().ok())
            .collect::<Vec<_>>();
        let caller = forwarded.into_iter().rev().find(|it| !trusted(it)).unwrap_or(peer);
        (caller, true)
    }
}
