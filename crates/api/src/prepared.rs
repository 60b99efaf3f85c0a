//! Answers about the whole fleet that many ask for and that are the same for all of them: written
//! as JSON once, squeezed once, until the fleet is another.
//!
//! Promises: an answer is of the snapshot that its `ETag` names, and who has that one already is
//! told so in a few bytes. A bounded number is kept. Does not: decide who may ask; the use case
//! that gives the snapshot does.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use uuid::Uuid;

use crate::problem::Problem;

/// Most answers that are kept; each is of a question that somebody asked of the present fleet.
const KEPT_MAX: usize = 32;
/// Longer questions are answered and not kept.
const QUESTION_MAX_BYTES: usize = 512;

/// Answers of this process.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Tells the numbers of this process from those of another.
    epoch: Uuid,
    kept: Mutex<HashMap<String, Arc<Answer>>>,
}

#[derive(Debug)]
struct Answer {
    number: u64,
    json: Bytes,
    gzip: Bytes,
}

impl Default for Prepared {
    fn default() -> Self {
        Self { epoch: Uuid::now_v7(), kept: Mutex::default() }
    }
}

impl Prepared {
    /// The answer to `question` about the fleet of that number, if somebody asked it before.
    pub fn find(&self, headers: &HeaderMap, question: &str, number: u64) -> Option<Response> {
        let kept = self.kept.lock().expect("no holder of this lock can panic");
        let answer = Arc::clone(kept.get(question).filter(|it| it.number == number)?);
        drop(kept);
        Some(self.respond(headers, &answer))
    }

    /// Writes an answer, and keeps it for the next who ask.
    pub async fn make(
        &self,
        headers: &HeaderMap,
        question: String,
        number: u64,
        view: impl Serialize + Send + 'static,
    ) -> Result<Response, Problem> {
        // Half a second of work for a large fleet, once in a while, is not for the threads that
        // answer everybody.
        let made = tokio::task::spawn_blocking(move || {
            let json = serde_json::to_vec(&view).ok()?;
            let mut gzip = GzEncoder::new(Vec::with_capacity(json.len() / 8), Compression::fast());
            gzip.write_all(&json).ok()?;
            let gzip = gzip.finish().ok()?;
            Some(Answer { number, json: json.into(), gzip: gzip.into() })
        });
        let answer = Arc::new(made.await.ok().flatten().ok_or_else(Problem::internal)?);
        if question.len() <= QUESTION_MAX_BYTES {
            let mut kept = self.kept.lock().expect("no holder of this lock can panic");
            kept.retain(|_, it| it.number >= number);
            if kept.len() < KEPT_MAX {
                kept.insert(question, Arc::clone(&answer));
            }
        }
        Ok(self.respond(headers, &answer))
    }

    fn respond(&self, headers: &HeaderMap, answer: &Answer) -> Response {
        let says = |name, part: &str| {
            headers.get(name).and_then(|it| it.to_str().ok()).is_some_and(|it| it.contains(part))
        };
        let tag = format!("\"{}-{}\"", self.epoch.simple(), answer.number);
        let about = [(header::ETAG, tag.clone()), (header::VARY, "accept-encoding".to_owned())];
        if says(header::IF_NONE_MATCH, &tag) {
            return (StatusCode::NOT_MODIFIED, about).into_response();
        }
        let kind = [(header::CONTENT_TYPE, "application/json")];
        if says(header::ACCEPT_ENCODING, "gzip") {
            let squeezed = [(header::CONTENT_ENCODING, "gzip")];
            return (about, kind, squeezed, Body::from(answer.gzip.clone())).into_response();
        }
        (about, kind, Body::from(answer.json.clone())).into_response()
    }
}
