//! `/api/events`: what changed, as it changes, so that pages need not ask.
//!
//! Promises: typed events with ids; `Last-Event-ID` continues where a connection broke, or says
//! `resync` when that is not known any more; the session is asked for again every half minute,
//! and the stream ends with it.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use http::HeaderMap;
use nalabo_app::changes::Numbered;
use nalabo_core::alert::AlertChange;
use nalabo_core::id::{AlertId, EnvironmentId, InfrastructureId, WorkshopSessionId};
use nalabo_store::notify::{Change, ChangeKind};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::interval;

use crate::cookies;
use crate::problem::Problem;
use crate::state::Api;

/// How often a stream asks whether its session still holds.
const SESSION_CHECK_EVERY: Duration = Duration::from_secs(30);

/// Data of an `infrastructure` event.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InfrastructureEventView {
    id: InfrastructureId,
    /// `created`, `changed`, `status` or `deleted`.
    #[schema(value_type = String)]
    change: ChangeKind,
}

/// Data of an `alert` event.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AlertEventView {
    id: AlertId,
    change: AlertChange,
}

/// Data of an `environment` event.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct EnvironmentEventView {
    id: EnvironmentId,
    session_id: WorkshopSessionId,
}

/// Data of a `workshop_session` event: it, or a seat of it, changed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionEventView {
    id: WorkshopSessionId,
}

/// What changes, as it changes.
#[utoipa::path(get, path = "/api/events", tag = "events",
    params(("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = InfrastructureEventView,
        description = "events `infrastructure`, `alert`, `environment`, `workshop_session` and `resync`")))]
pub async fn event_stream(
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let last = headers.get("last-event-id").and_then(|it| it.to_str().ok());
    let mut heard = api.app.changes().subscribe(last);
    let session = cookies::session_token(&headers);
    let stopping = api.stop.clone();
    let stream = async_stream::stream! {
        match heard.missed {
            Some(missed) => for it in &missed { yield Ok(event_of(&api, it)); },
            None => yield Ok(resync()),
        }
        let mut check = interval(SESSION_CHECK_EVERY);
        check.tick().await;
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                change = heard.live.recv() => match change {
                    Ok(it) => yield Ok(event_of(&api, &it)),
                    Err(RecvError::Lagged(_)) => yield Ok(resync()),
                    Err(RecvError::Closed) => return,
                },
                _ = check.tick() => {
                    if !api.session_holds(session.as_ref()).await {
                        return;
                    }
                }
            }
        }
    };
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn event_of(api: &Api, it: &Numbered) -> Event {
    let event = match it.change {
        Change::Infrastructure { id, change } => Event::default()
            .event("infrastructure")
            .json_data(InfrastructureEventView { id, change })
            .unwrap_or_else(|_| resync()),
        Change::Alert { id, change } => Event::default()
            .event("alert")
            .json_data(AlertEventView { id, change })
            .unwrap_or_else(|_| resync()),
        Change::Environment { id, session_id } => Event::default()
            .event("environment")
            .json_data(EnvironmentEventView { id, session_id })
            .unwrap_or_else(|_| resync()),
        Change::WorkshopSession { id } => Event::default()
            .event("workshop_session")
            .json_data(SessionEventView { id })
            .unwrap_or_else(|_| resync()),
        // Looks do not come this way; they concern the watchers only.
        Change::Look { .. } | Change::Resync => resync(),
    };
    event.id(api.app.changes().event_id(it.number))
}

fn resync() -> Event {
    Event::default().event("resync").data("{}")
}
