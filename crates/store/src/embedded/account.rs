//! The system user that the private server runs as.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use nix::unistd::{Uid, User};
use tokio::process::Command;

use super::EmbeddedError;
use super::error::io;

/// Preferred first. PostgreSQL refuses to run as root.
const SYSTEM_USERS: [&str; 2] = ["nalabo", "postgres"];

/// Ourselves, or the user that root becomes for the server.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    gid: u32,
    becomes: bool,
}

impl Account {
    /// The owner of what is there already; else ourselves, or as root a system user.
    pub(super) fn choose(pg_data: &Path) -> Result<Self, EmbeddedError> {
        let own = Uid::effective();
        if let Ok(found) = std::fs::metadata(pg_data) {
            let owner = User::from_uid(Uid::from_raw(found.uid())).ok().flatten();
            if !own.is_root() && found.uid() != own.as_raw() {
                let owner = owner.map_or_else(|| found.uid().to_string(), |it| it.name);
                return Err(EmbeddedError::OtherOwner { pg_data: pg_data.to_owned(), owner });
            }
            if own.is_root() && found.uid() != 0 {
                return Ok(Self {
                    name: owner.map_or_else(|| found.uid().to_string(), |it| it.name),
                    uid: found.uid(),
                    gid: found.gid(),
                    becomes: true,
                });
            }
        }
        if !own.is_root() {
            let name = User::from_uid(own).ok().flatten();
            return Ok(Self {
                name: name.map_or_else(|| own.to_string(), |it| it.name),
                uid: own.as_raw(),
                gid: nix::unistd::Gid::effective().as_raw(),
                becomes: false,
            });
        }
        SYSTEM_USERS
            .iter()
            .find_map(|it| User::from_name(it).ok().flatten())
            .map(|it| Self {
                name: it.name,
                uid: it.uid.as_raw(),
                gid: it.gid.as_raw(),
                becomes: true,
            })
            .ok_or(EmbeddedError::NoAccount)
    }

    /// Gives a file or folder that we made to this user.
    pub(super) fn give(&self, path: &Path) -> Result<(), EmbeddedError> {
        if self.becomes {
            chown(path, Some(self.uid), Some(self.gid)).map_err(io("change the owner of", path))?;
        }
        Ok(())
    }

    /// Makes `command` run as this user; also our groups go.
    pub(super) fn command_as(&self, command: &mut Command) {
        if self.becomes {
            command.uid(self.uid).gid(self.gid);
        }
    }
}
