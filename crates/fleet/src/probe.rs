//! The liveness probe: cheap, fast, often.
//!
//! Promises: an answer or a failure within five seconds, on the kept connection or, when asked,
//! on a new one. Does not: look at nodes or rights; the inventory does.

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use nalabo_core::connection::Code;
use nalabo_core::health::Failure;
use tokio::time::timeout;

use crate::KubernetesInfrastructureService;
use crate::api::{ANSWER_MAX_BYTES, ApiFailure};
use crate::guard::failure;
use crate::pool::{Answer, Lane};

const PROBE_DEADLINE: Duration = Duration::from_secs(5);

/// A probe that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// From the request to the first byte of the answer.
    pub latency_ms: u32,
    /// When the certificate that the server showed ends.
    pub certificate_expires_at: Option<Timestamp>,
}

impl KubernetesInfrastructureService {
    /// Asks `/readyz`, and `/version` where that is not offered.
    pub async fn probe(&self, new_connection: bool) -> Result<ProbeAnswer, Failure> {
        let api = &self.inner.api;
        if new_connection {
            api.pool.forget();
        }
        let ask = |path| api.call(Lane::Probe, path, None, ANSWER_MAX_BYTES);
        let asked = async {
            match ask("/readyz").await {
                Ok(answer) if answer.body.as_ref() == b"ok" => Ok(answer),
                // A login page, or anything else that says yes to everything.
                Ok(_) => Err(failure(Code::NotKubernetes, api.place(), None).into()),
                Err(refused) if is_not_offered(&refused) => {
                    let answer = ask("/version").await?;
                    let is_version = answer.body.windows(12).any(|it| it == b"\"gitVersion\"");
                    if is_version { Ok(answer) } else { Err(refused) }
                }
                Err(refused) => Err(refused),
            }
        };
        let answer: Answer = timeout(PROBE_DEADLINE, asked)
            .await
            .map_err(|_| failure(Code::Timeout, api.place(), None))??;
        Ok(ProbeAnswer {
            latency_ms: u32::try_from(answer.latency.as_millis()).unwrap_or(u32::MAX),
            certificate_expires_at: api.pool.certificate_expires_at(),
        })
    }
}

/// Some providers keep `/readyz` to themselves.
fn is_not_offered(refused: &ApiFailure) -> bool {
    refused.is(StatusCode::FORBIDDEN)
        || refused.is(StatusCode::NOT_FOUND)
        || refused.failure.code == Code::NotKubernetes
}
