//! One id type a noun, so that a user's id cannot be passed where an infrastructure's is meant.
//!
//! Ids are UUID version 7: they sort by creation, which keeps index pages together and lets
//! lists page by id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
            utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[schema(value_type = String, format = Uuid)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id; later ids sort after earlier ones.
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id that `uuid` stands for, as read back from where it was stored.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The plain UUID, for storing.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// A registered Kubernetes API server plus one credential.
    InfrastructureId
);
id!(
    /// A person with an account.
    UserId
);
id!(
    /// One sign-in of a user.
    SessionId
);
id!(
    /// One line of the audit.
    AuditId
);
id!(
    /// Where alerts are sent to: one webhook, or a list of addresses.
    AlertChannelId
);
id!(
    /// One message of the alerts, the same for every channel and at every attempt.
    NoticeId
);
id!(
    /// One notice on its way to one recipient.
    DeliveryId
);
id!(
    /// One thing that was wrong with one infrastructure, or with the fleet, for some time.
    AlertId
);
id!(
    /// Alerts of one cause that began together.
    AlertGroupId
);
id!(
    /// One exception from a rule of alerts.
    RuleOverrideId
);
id!(
    /// A time in which nobody wants to hear of alerts.
    MaintenanceWindowId
);
id!(
    /// What is taught: instructions and the kind of environment that goes with them.
    WorkshopId
);
id!(
    /// One scheduled run of a workshop.
    WorkshopSessionId
);
id!(
    /// One participant's place in a session.
    SeatId
);
id!(
    /// What one participant receives: a vCluster or a namespace.
    EnvironmentId
);
id!(
    /// One token of a kubeconfig that was handed out.
    AccessTokenId
);
