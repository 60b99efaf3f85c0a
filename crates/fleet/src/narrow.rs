//! The narrow service account: made once with the credential that was pasted, used ever after.
//!
//! Promises: the new source holds a token of a week at most, of an account that may do what the
//! manifest lists; applying twice changes nothing. Does not: keep the pasted credential, decide
//! when to renew, or remove the account; the caller does.

use std::time::Duration;

use http::{Method, StatusCode};
use jiff::Timestamp;
use nalabo_core::connection::Code;
use nalabo_core::health::Failure;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::KubernetesInfrastructureService;
use crate::api::{Api, ApiFailure, Write};
use crate::guard::failure;
use crate::rbac::{ADMISSION, NAMESPACE, RbacPurpose, rbac_objects};
use crate::rights::{RightsMemory, rights_missing};
use crate::source::{Credential, Minted, Source};

/// Long enough that NALABO may be switched off over a few days, short enough that a stolen copy
/// of the database is soon worthless. The API server may grant less.
const TOKEN_LIFE_SECONDS: u32 = 7 * 24 * 3600;
/// All of it together.
const NARROW_DEADLINE: Duration = Duration::from_secs(30);
/// New rights reach the API server's authorizer a moment after they are written.
const RIGHTS_DEADLINE: Duration = Duration::from_secs(10);
const RIGHTS_ASKED_EVERY: Duration = Duration::from_millis(200);

impl KubernetesInfrastructureService {
    /// Makes namespace, service account and RBAC for `purpose` with the present credential, and
    /// returns a source with a token of that account. Nothing of the present one is kept in it.
    pub async fn narrow_create(
        &self,
        purpose: RbacPurpose,
        _now: Timestamp,
    ) -> Result<Source, Failure> {
        let api = &self.inner.api;
        let create = async {
            for object in rbac_objects(purpose) {
                match apply(api, &object.path, &object.body).await {
                    // An older cluster has no such policies, and is none the worse for it.
                    Err(absent)
                        if absent.is(StatusCode::NOT_FOUND)
                            && object.path.starts_with(ADMISSION) => {}
                    applied => applied?,
                }
            }
            let minted = Minted {
                namespace: NAMESPACE.to_owned(),
                service_account: purpose.service_account().to_owned(),
            };
            let source = self.mint(&minted).await?;
            self.rights_await(&source).await?;
            Ok(source)
        };
        let elapsed = |_| failure(Code::Timeout, api.place(), None);
        timeout(NARROW_DEADLINE, create).await.map_err(elapsed)?
    }

    /// A source with a new token, where the present one is ours to renew; nothing otherwise.
    pub async fn token_renew(&self, _now: Timestamp) -> Result<Option<Source>, Failure> {
        match &self.inner.minted {
            Some(minted) => self.mint(minted).await.map(Some),
            None => Ok(None),
        }
    }

    async fn mint(&self, minted: &Minted) -> Result<Source, Failure> {
        #[derive(Deserialize)]
        struct TokenRequest {
            status: TokenStatus,
        }
        #[derive(Deserialize)]
        struct TokenStatus {
            token: SecretString,
        }
        let api = &self.inner.api;
        let Minted { namespace, service_account } = minted;
        let path =
            format!("/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token");
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": { "expirationSeconds": TOKEN_LIFE_SECONDS },
        });
        let write = Write { method: Method::POST, content_type: "application/json", body: &body };
        let request: TokenRequest = api.send(&path, write).await?;
        let credential = Credential::token(request.status.token.expose_secret())
            .map_err(|code| failure(code, api.place(), None))?;
        let Credential::Token { token, .. } = credential else {
            return Err(failure(Code::KubeconfigBadToken, api.place(), None));
        };
        let place = self.inner.place.travelling();
        Ok(Source { place, credential: Credential::Token { token, minted: Some(minted.clone()) } })
    }

    /// Waits until the new token may do what it was made for.
    async fn rights_await(&self, source: &Source) -> Result<(), Failure> {
        let api = self.inner.api.with_source(source)?;
        let until = Instant::now() + RIGHTS_DEADLINE;
        loop {
            match rights_missing(&api, &RightsMemory::default()).await {
                Ok(missing) if missing.is_empty() => return Ok(()),
                Ok(_) if Instant::now() < until => sleep(RIGHTS_ASKED_EVERY).await,
                Ok(_) => return Err(failure(Code::Forbidden, api.place(), None)),
                Err(failed) => return Err(failed.into()),
            }
        }
    }
}

/// Server-side apply: creates, or brings back to what is said here. Names are fixed, so that a
/// repeat is harmless.
async fn apply(api: &Api, path: &str, body: &Value) -> Result<(), ApiFailure> {
    let path = format!("{path}?fieldManager=nalabo&force=true");
    let write = Write { method: Method::PATCH, content_type: "application/apply-patch+yaml", body };
    api.send::<serde::de::IgnoredAny>(&path, write).await.map(|_| ())
}
