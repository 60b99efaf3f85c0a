//! The description of the API, made from the code.
//!
//! Promises: `openapi.json` beside this crate is this text; a test compares them, and another
//! refuses a change that takes something away from what was released.

use axum::Json;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::operations::{Access, access_of};
use crate::state::Api;
use crate::{
    alert_channels, alert_rules, alerts, audit, auth, cluster_events, connection_tests,
    environments, events, history, infrastructures, maintenance_windows, nodes, platform, portal,
    resources, terminal, workshop_sessions, workshops,
};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "NALABO",
        description = "Connect Kubernetes clusters, watch them, give workshop participants environments on them. \
            Errors are `application/problem+json`. Sign in at `/api/auth/login`; the cookie is the session.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(
        crate::problem::Problem,
        nalabo_core::connection::StageEvent,
        events::InfrastructureEventView,
        events::AlertEventView,
        events::EnvironmentEventView,
        events::SessionEventView,
    ))
)]
struct Document;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(auth::set_up_state))
        .routes(routes!(auth::set_up))
        .routes(routes!(auth::sign_in))
        .routes(routes!(auth::sign_out))
        .routes(routes!(auth::me))
        .routes(routes!(auth::password_change))
        .routes(routes!(auth::session_list))
        .routes(routes!(auth::session_revoke))
        .routes(routes!(
            infrastructures::infrastructure_list,
            infrastructures::infrastructure_create
        ))
        .routes(routes!(connection_tests::connection_test))
        .routes(routes!(connection_tests::kubeconfig_parse))
        .routes(routes!(
            infrastructures::infrastructure_find,
            infrastructures::infrastructure_update,
            infrastructures::infrastructure_delete
        ))
        .routes(routes!(infrastructures::infrastructure_reach))
        .routes(routes!(infrastructures::infrastructure_credential_replace))
        .routes(routes!(infrastructures::infrastructure_default_set))
        .routes(routes!(infrastructures::infrastructure_cordon))
        .routes(routes!(infrastructures::infrastructure_uncordon))
        .routes(routes!(infrastructures::infrastructure_disable))
        .routes(routes!(infrastructures::infrastructure_enable))
        .routes(routes!(infrastructures::status_change_list))
        .routes(routes!(connection_tests::infrastructure_test))
        .routes(routes!(infrastructures::rbac_manifest_read))
        .routes(routes!(resources::resource_usage))
        .routes(routes!(resources::stats))
        .routes(routes!(history::infrastructure_history_read))
        .routes(routes!(history::fleet_history_read))
        .routes(routes!(history::availability_read))
        .routes(routes!(nodes::node_list))
        .routes(routes!(nodes::node_history_read))
        .routes(routes!(cluster_events::cluster_event_list))
        .routes(routes!(alerts::alert_list))
        .routes(routes!(alerts::alert_group_list))
        .routes(routes!(alerts::alert_summary))
        .routes(routes!(alert_rules::alert_rule_list))
        .routes(routes!(alert_rules::alert_rule_update))
        .routes(routes!(alerts::alert_find))
        .routes(routes!(alerts::alert_acknowledge))
        .routes(routes!(alerts::alert_unacknowledge))
        .routes(routes!(alerts::alert_mute))
        .routes(routes!(alerts::alert_unmute))
        .routes(routes!(alerts::alert_group_acknowledge))
        .routes(routes!(
            maintenance_windows::maintenance_window_list,
            maintenance_windows::maintenance_window_create
        ))
        .routes(routes!(
            maintenance_windows::maintenance_window_update,
            maintenance_windows::maintenance_window_delete
        ))
        .routes(routes!(audit::audit_list))
        .routes(routes!(alert_channels::alert_channel_list, alert_channels::alert_channel_create))
        .routes(routes!(alert_channels::alert_channel_update, alert_channels::alert_channel_delete))
        .routes(routes!(alert_channels::alert_channel_test))
        .routes(routes!(alert_channels::delivery_list))
        .routes(routes!(workshops::workshop_list, workshops::workshop_create))
        .routes(routes!(
            workshops::workshop_find,
            workshops::workshop_update,
            workshops::workshop_delete
        ))
        .routes(routes!(
            workshop_sessions::workshop_session_list,
            workshop_sessions::workshop_session_create
        ))
        .routes(routes!(
            workshop_sessions::workshop_session_find,
            workshop_sessions::workshop_session_update,
            workshop_sessions::workshop_session_delete
        ))
        .routes(routes!(workshop_sessions::board_read))
        .routes(routes!(workshop_sessions::roster_write))
        .routes(routes!(workshop_sessions::seats_extend))
        .routes(routes!(workshop_sessions::seats_end))
        .routes(routes!(workshop_sessions::seats_restart))
        .routes(routes!(workshop_sessions::seats_message))
        .routes(routes!(workshop_sessions::seats_help_done))
        .routes(routes!(workshop_sessions::seat_table_read))
        .routes(routes!(workshop_sessions::card_list))
        .routes(routes!(workshop_sessions::session_report_read))
        .routes(routes!(environments::environment_list))
        .routes(routes!(environments::environment_find))
        .routes(routes!(environments::environments_end))
        .routes(routes!(environments::environments_extend))
        .routes(routes!(environments::infrastructure_environment_list))
        .routes(routes!(environments::placement_preview))
        .routes(routes!(platform::settings_read, platform::settings_update))
        .routes(routes!(portal::portal_session_find))
        .routes(routes!(portal::portal_join))
        .routes(routes!(portal::portal_read))
        .routes(routes!(portal::portal_extend))
        .routes(routes!(portal::portal_restart))
        .routes(routes!(portal::portal_help))
        .routes(routes!(portal::portal_leave))
        .routes(routes!(portal::portal_kubeconfig))
        .routes(routes!(terminal::portal_terminal))
        .routes(routes!(events::event_stream))
        .routes(routes!(openapi_read))
}

/// The description of this API.
#[utoipa::path(get, path = "/api/openapi.json", tag = "docs",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
pub async fn openapi_read() -> Json<OpenApi> {
    Json(openapi())
}

/// The whole document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

/// One line of `operations.txt`.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its id: the name of its handler.
    pub id: String,
    /// HTTP method, upper case.
    pub method: String,
    /// Path with its parameters in braces.
    pub path: String,
    /// What it needs, absent when the table does not name it.
    pub access: Option<Access>,
}

/// Every operation of the document, with what it needs.
pub fn operations() -> Vec<Operation> {
    let document = openapi();
    let mut found = Vec::new();
    for (path, item) in &document.paths.paths {
        let methods = [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PUT", &item.put),
            ("DELETE", &item.delete),
            ("PATCH", &item.patch),
        ];
        for (method, operation) in methods {
            let Some(id) = operation.as_ref().and_then(|it| it.operation_id.clone()) else {
                continue;
            };
            let access = access_of(&id);
            found.push(Operation { id, method: method.to_owned(), path: path.clone(), access });
        }
    }
    found.sort_by(|a, b| (&a.path, &a.method).cmp(&(&b.path, &b.method)));
    found
}

/// `operations.txt`: id, method, path, permission.
pub fn operations_text() -> String {
    let mut text = String::new();
    for it in operations() {
        let access = match it.access {
            Some(Access::Public) => "public".to_owned(),
            Some(Access::Seat) => "seat".to_owned(),
            Some(Access::Needs(permission)) => word_of(&permission),
            None => "MISSING".to_owned(),
        };
        let line = format!("{:<34} {:<7} {:<56} {access}", it.id, it.method, it.path);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn word_of(permission: &nalabo_core::access::Permission) -> String {
    match serde_json::to_value(permission) {
        Ok(serde_json::Value::String(word)) => word,
        _ => unreachable!("a unit variant is written as its name"),
    }
}
