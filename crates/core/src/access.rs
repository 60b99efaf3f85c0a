//! Who may do what: the one table of roles and permissions.
//!
//! Promises: every operation of the API names a [`Permission`], and [`Role::allows`] is the only
//! place that answers whether a role holds it. No role grants the sight of a stored credential:
//! there is no such permission. Does not: know users or sessions; `app` brings the role.
//!
//! | | owner | admin | operator | trainer | viewer |
//! |---|---|---|---|---|---|
//! | see infrastructures and resources | ✓ | ✓ | ✓ | ✓ | ✓ |
//! | test, cordon and uncordon | ✓ | ✓ | ✓ | | |
//! | connect, change, delete infrastructures | ✓ | ✓ | | | |
//! | see alerts, rules and channels | ✓ | ✓ | ✓ | ✓ | ✓ |
//! | acknowledge and mute alerts, keep maintenance windows | ✓ | ✓ | ✓ | | |
//! | change rules and channels of alerts | ✓ | ✓ | | | |
//! | read the audit | ✓ | ✓ | | | |
//! | see workshops, sessions and environments | ✓ | ✓ | ✓ | own sessions | ✓ |
//! | make workshops and run sessions | ✓ | ✓ | | own sessions | |
//! | end and extend any environment | ✓ | ✓ | ✓ | | |
//! | change the settings of workshops | ✓ | ✓ | | | |

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a user is to NALABO. Stored by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything, and is the last one who can: the only owner cannot be removed.
    Owner,
    /// Runs the installation: infrastructures, people, settings.
    Admin,
    /// Keeps infrastructures running; does not connect or delete them.
    Operator,
    /// Runs workshop sessions.
    Trainer,
    /// Looks, changes nothing.
    Viewer,
}

/// One thing that somebody may or may not do. Named as in the API.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See one's own account and sign-ins, change one's own password, sign out.
    AccountSelf,
    /// See infrastructures, their state and metadata.
    InfrastructureRead,
    /// Run the connection test of a stored infrastructure.
    InfrastructureTest,
    /// Take an infrastructure out of placement and back in.
    InfrastructureCordon,
    /// Connect, change, disable and delete infrastructures, and replace their credentials.
    InfrastructureWrite,
    /// See resource usage and global statistics.
    ResourceRead,
    /// Read who changed what.
    AuditRead,
    /// See alerts, their rules, channels and maintenance windows.
    AlertRead,
    /// Acknowledge and mute alerts, and keep maintenance windows.
    AlertAcknowledge,
    /// Change the rules and channels of alerts.
    AlertWrite,
    /// See workshops.
    WorkshopRead,
    /// Make, change and remove workshops.
    WorkshopWrite,
    /// See sessions and their seats; a trainer only their own.
    SessionRead,
    /// Make, change, run and end sessions; a trainer only their own.
    SessionWrite,
    /// See environments; a trainer only those of their own sessions.
    EnvironmentRead,
    /// End and extend any environment.
    EnvironmentWrite,
    /// See the settings of workshops.
    SettingsRead,
    /// Change the settings of workshops.
    SettingsWrite,
}

impl Permission {
    /// Every permission, in the order of the table.
    pub const ALL: [Self; 18] = [
        Self::AccountSelf,
        Self::InfrastructureRead,
        Self::InfrastructureTest,
        Self::InfrastructureCordon,
        Self::InfrastructureWrite,
        Self::ResourceRead,
        Self::AuditRead,
        Self::AlertRead,
        Self::AlertAcknowledge,
        Self::AlertWrite,
        Self::WorkshopRead,
        Self::WorkshopWrite,
        Self::SessionRead,
        Self::SessionWrite,
        Self::EnvironmentRead,
        Self::EnvironmentWrite,
        Self::SettingsRead,
        Self::SettingsWrite,
    ];
}

impl Role {
    /// Every role, the mightiest first.
    pub const ALL: [Self; 5] =
        [Self::Owner, Self::Admin, Self::Operator, Self::Trainer, Self::Viewer];

    /// Whether sessions of others are there for this role at all.
    pub const fn sees_all_sessions(self) -> bool {
        !matches!(self, Self::Trainer)
    }

    /// Whether this role holds `permission`.
    pub const fn allows(self, permission: Permission) -> bool {
        use Permission as P;
        match permission {
            P::AccountSelf
            | P::InfrastructureRead
            | P::ResourceRead
            | P::AlertRead
            | P::WorkshopRead
            | P::SessionRead
            | P::EnvironmentRead
            | P::SettingsRead => true,
            P::InfrastructureTest
            | P::InfrastructureCordon
            | P::AlertAcknowledge
            | P::EnvironmentWrite => {
                matches!(self, Self::Owner | Self::Admin | Self::Operator)
            }
            P::WorkshopWrite | P::SessionWrite => {
                matches!(self, Self::Owner | Self::Admin | Self::Trainer)
            }
            P::InfrastructureWrite | P::AuditRead | P::AlertWrite | P::SettingsWrite => {
                matches!(self, Self::Owner | Self::Admin)
            }
        }
    }

    /// The name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Trainer => "trainer",
            Self::Viewer => "viewer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no role.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no role; roles are owner, admin, operator, trainer and viewer")]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_sees_infrastructures_and_changes_nothing() {
        let held: Vec<_> =
            Permission::ALL.into_iter().filter(|it| Role::Viewer.allows(*it)).collect();
        assert_eq!(
            held,
            [
                Permission::AccountSelf,
                Permission::InfrastructureRead,
                Permission::ResourceRead,
                Permission::AlertRead,
                Permission::WorkshopRead,
                Permission::SessionRead,
                Permission::EnvironmentRead,
                Permission::SettingsRead,
            ]
        );
    }

    #[test]
    fn an_operator_cordons_but_does_not_connect() {
        assert!(Role::Operator.allows(Permission::InfrastructureCordon));
        assert!(!Role::Operator.allows(Permission::InfrastructureWrite));
    }

    #[test]
    fn an_operator_takes_an_alert_but_does_not_say_where_alerts_go() {
        assert!(Role::Operator.allows(Permission::AlertAcknowledge));
        assert!(!Role::Operator.allows(Permission::AlertWrite));
        assert!(!Role::Trainer.allows(Permission::AlertAcknowledge));
    }

    #[test]
    fn a_role_is_read_back_from_the_name_it_is_stored_under() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().expect("own name"), role);
        }
        assert!("root".parse::<Role>().is_err());
    }
}
