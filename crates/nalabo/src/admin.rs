//! Accounts and keys, for somebody with a shell on the machine.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use nalabo_app::{Actor, App, AppOptions, Ctx, Error, RequestFace, keys, users};
use nalabo_core::access::Role;
use nalabo_core::clock::SystemClock;
use nalabo_fleet::InfrastructureFactory;
use nalabo_store::KeyRing;
use secrecy::SecretString;

use crate::serve::Database;
use crate::settings::Settings;

/// `nalabo admin`.
#[derive(Debug, Args)]
pub struct AdminOptions {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Accounts.
    #[command(subcommand)]
    User(UserCommand),
    /// Key files.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Seal every credential again under the first key of NALABO_KEY_FILE, while NALABO runs.
    RotateKeys {
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Make an account; the password is read from standard input.
    Create {
        /// E-mail address.
        email: String,
        /// owner, admin, operator, trainer or viewer.
        #[arg(long, default_value = "admin")]
        role: Role,
        /// Name shown to others.
        #[arg(long, default_value = "")]
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Set a new password, read from standard input; every sign-in of the account ends.
    ResetPassword {
        /// E-mail address.
        email: String,
        #[command(flatten)]
        settings: Settings,
    },
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Write a new key to a file that does not exist yet.
    Create {
        /// The file.
        file: PathBuf,
    },
    /// Say how many credentials each key seals.
    Status {
        #[command(flatten)]
        settings: Box<Settings>,
    },
}

/// Runs the command.
pub async fn admin(options: AdminOptions) -> anyhow::Result<()> {
    match options.command {
        AdminCommand::User(UserCommand::Create { email, role, name, settings }) => {
            let password = password_read()?;
            with_app(&settings, async |ctx| {
                users::user_create(&ctx, &email, &name, role, &password).await
            })
            .await?;
            println!("made the account {email} with the role {role}");
        }
        AdminCommand::User(UserCommand::ResetPassword { email, settings }) => {
            let password = password_read()?;
            with_app(&settings, async |ctx| {
                users::user_password_reset(&ctx, &email, &password).await
            })
            .await?;
            println!("the password of {email} is set; its sign-ins have ended");
        }
        AdminCommand::Key(KeyCommand::Create { file }) => {
            KeyRing::create(&file)?;
            println!("wrote a new key to {}; keep a copy apart from the database", file.display());
        }
        AdminCommand::Key(KeyCommand::Status { settings }) => {
            let usage = with_app(&settings, async |ctx| keys::key_usage(&ctx).await).await?;
            for (key, credentials) in usage {
                println!("{key}  {credentials} credentials");
            }
        }
        AdminCommand::RotateKeys { settings } => {
            let sealed = with_app(&settings, async |ctx| {
                keys::keys_rotate(&ctx, |done| eprintln!("{done} credentials sealed again")).await
            })
            .await?;
            println!("done: {sealed} credentials sealed under the first key");
        }
    }
    Ok(())
}

/// Runs one use case beside a server that may be running.
async fn with_app<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(Ctx) -> Result<T, Error>,
) -> anyhow::Result<T> {
    let app_settings = settings.app_settings()?;
    let database = Database::open_beside(settings).await?;
    let app = App::new(AppOptions {
        db: database.db.clone(),
        keys: Arc::clone(&database.keys),
        clock: Arc::new(SystemClock),
        factory: InfrastructureFactory::new(settings.address_policy()),
        settings: app_settings,
    });
    let result = work(app.ctx(Actor::Cli, RequestFace::default())).await;
    database.close().await;
    match result {
        Ok(value) => Ok(value),
        Err(Error::Invalid(fields)) => {
            let said: Vec<String> = fields.into_iter().map(|it| it.detail).collect();
            bail!(said.join("; "))
        }
        Err(error) => Err(error.into()),
    }
}

/// The first line of standard input. Never an argument: other users can read those.
fn password_read() -> anyhow::Result<SecretString> {
    if std::io::stdin().is_terminal() {
        eprintln!("Type the new password and press Enter (it is shown):");
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        return Ok(SecretString::from(line.trim_end_matches(['\r', '\n'])));
    }
    let mut text = String::new();
    std::io::stdin().take(4_096).read_to_string(&mut text).context("read the password")?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        bail!("no password on standard input: echo 'a long sentence' | nalabo admin user …");
    }
    Ok(SecretString::from(line))
}
