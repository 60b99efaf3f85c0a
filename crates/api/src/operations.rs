//! Every operation, and what it needs: the table that the router enforces.
//!
//! Promises: the router refuses to start when an operation is missing here, or listed and not
//! there; `operations.txt` shows the table with methods and paths, and a test calls each line as
//! nobody and as every role.

use nalabo_core::access::Permission;

/// What somebody needs to call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: it is part of signing in, or tells nothing of the installation.
    Public,
    /// A signed-in caller whose role holds this.
    Needs(Permission),
    /// A participant on a seat.
    Seat,
}

use Access::{Needs, Public, Seat};
use Permission as P;

/// Operation id and what it needs.
pub const OPERATIONS: &[(&str, Access)] = &[
    ("set_up_state", Public),
    ("set_up", Public),
    ("sign_in", Public),
    ("sign_out", Public),
    ("openapi_read", Public),
    ("me", Needs(P::AccountSelf)),
    ("password_change", Needs(P::AccountSelf)),
    ("session_list", Needs(P::AccountSelf)),
    ("session_revoke", Needs(P::AccountSelf)),
    ("event_stream", Needs(P::InfrastructureRead)),
    ("infrastructure_list", Needs(P::InfrastructureRead)),
    ("infrastructure_find", Needs(P::InfrastructureRead)),
    ("infrastructure_reach", Needs(P::InfrastructureRead)),
    ("status_change_list", Needs(P::InfrastructureRead)),
    ("availability_read", Needs(P::InfrastructureRead)),
    ("cluster_event_list", Needs(P::InfrastructureRead)),
    ("rbac_manifest_read", Needs(P::InfrastructureRead)),
    ("infrastructure_test", Needs(P::InfrastructureTest)),
    ("infrastructure_cordon", Needs(P::InfrastructureCordon)),
    ("infrastructure_uncordon", Needs(P::InfrastructureCordon)),
    ("infrastructure_create", Needs(P::InfrastructureWrite)),
    ("infrastructure_update", Needs(P::InfrastructureWrite)),
    ("infrastructure_delete", Needs(P::InfrastructureWrite)),
    ("infrastructure_credential_replace", Needs(P::InfrastructureWrite)),
    ("infrastructure_default_set", Needs(P::InfrastructureWrite)),
    ("infrastructure_disable", Needs(P::InfrastructureWrite)),
    ("infrastructure_enable", Needs(P::InfrastructureWrite)),
    ("connection_test", Needs(P::InfrastructureWrite)),
    ("kubeconfig_parse", Needs(P::InfrastructureWrite)),
    ("resource_usage", Needs(P::ResourceRead)),
    ("node_list", Needs(P::ResourceRead)),
    ("node_history_read", Needs(P::ResourceRead)),
    ("infrastructure_history_read", Needs(P::ResourceRead)),
    ("fleet_history_read", Needs(P::ResourceRead)),
    ("stats", Needs(P::ResourceRead)),
    ("alert_list", Needs(P::AlertRead)),
    ("alert_find", Needs(P::AlertRead)),
    ("alert_group_list", Needs(P::AlertRead)),
    ("alert_summary", Needs(P::AlertRead)),
    ("alert_rule_list", Needs(P::AlertRead)),
    ("maintenance_window_list", Needs(P::AlertRead)),
    ("alert_acknowledge", Needs(P::AlertAcknowledge)),
    ("alert_unacknowledge", Needs(P::AlertAcknowledge)),
    ("alert_group_acknowledge", Needs(P::AlertAcknowledge)),
    ("alert_mute", Needs(P::AlertAcknowledge)),
    ("alert_unmute", Needs(P::AlertAcknowledge)),
    ("maintenance_window_create", Needs(P::AlertAcknowledge)),
    ("maintenance_window_update", Needs(P::AlertAcknowledge)),
    ("maintenance_window_delete", Needs(P::AlertAcknowledge)),
    ("alert_rule_update", Needs(P::AlertWrite)),
    ("audit_list", Needs(P::AuditRead)),
    ("alert_channel_list", Needs(P::AlertRead)),
    ("delivery_list", Needs(P::AlertRead)),
    ("alert_channel_create", Needs(P::AlertWrite)),
    ("alert_channel_update", Needs(P::AlertWrite)),
    ("alert_channel_delete", Needs(P::AlertWrite)),
    ("alert_channel_test", Needs(P::AlertWrite)),
    ("workshop_list", Needs(P::WorkshopRead)),
    ("workshop_find", Needs(P::WorkshopRead)),
    ("workshop_create", Needs(P::WorkshopWrite)),
    ("workshop_update", Needs(P::WorkshopWrite)),
    ("workshop_delete", Needs(P::WorkshopWrite)),
    ("workshop_session_list", Needs(P::SessionRead)),
    ("workshop_session_find", Needs(P::SessionRead)),
    ("board_read", Needs(P::SessionRead)),
    ("seat_table_read", Needs(P::SessionRead)),
    ("session_report_read", Needs(P::SessionRead)),
    ("placement_preview", Needs(P::SessionRead)),
    ("workshop_session_create", Needs(P::SessionWrite)),
    ("workshop_session_update", Needs(P::SessionWrite)),
    ("workshop_session_delete", Needs(P::SessionWrite)),
    ("card_list", Needs(P::SessionWrite)),
    ("roster_write", Needs(P::SessionWrite)),
    ("seats_extend", Needs(P::SessionWrite)),
    ("seats_end", Needs(P::SessionWrite)),
    ("seats_restart", Needs(P::SessionWrite)),
    ("seats_message", Needs(P::SessionWrite)),
    ("seats_help_done", Needs(P::SessionWrite)),
    ("environment_list", Needs(P::EnvironmentRead)),
    ("environment_find", Needs(P::EnvironmentRead)),
    ("infrastructure_environment_list", Needs(P::EnvironmentRead)),
    ("environments_end", Needs(P::EnvironmentWrite)),
    ("environments_extend", Needs(P::EnvironmentWrite)),
    ("settings_read", Needs(P::SettingsRead)),
    ("settings_update", Needs(P::SettingsWrite)),
    ("portal_session_find", Public),
    ("portal_join", Public),
    ("portal_read", Seat),
    ("portal_extend", Seat),
    ("portal_restart", Seat),
    ("portal_help", Seat),
    ("portal_leave", Seat),
    ("portal_kubeconfig", Seat),
    ("portal_terminal", Seat),
];

/// What the operation `id` needs, if there is such an operation.
pub fn access_of(id: &str) -> Option<Access> {
    OPERATIONS.iter().find(|(name, _)| *name == id).map(|(_, access)| *access)
}
