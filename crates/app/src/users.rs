//! Accounts, as made and mended from the command line.

use nalabo_core::access::Role;
use nalabo_core::audit::AuditAction;
use nalabo_core::id::UserId;
use nalabo_core::password::password_check;
use nalabo_store::{self as store, NewUser, commit};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::audit::{Entry, audit_write};
use crate::sign_ins::{email_parse, name_parse};
use crate::{Actor, Ctx, Error};

/// Makes an account.
pub async fn user_create(
    ctx: &Ctx,
    email: &str,
    name: &str,
    role: Role,
    password: &SecretString,
) -> Result<UserId, Error> {
    cli_only(ctx)?;
    let email = email_parse(email)?;
    let name = name_parse(name)?;
    password_check(password.expose_secret(), &email)?;
    let app = &ctx.app;
    let password_hash = app.passwords.hash(password).await?;
    let id = UserId::new();
    let user = NewUser {
        id,
        email: &email,
        name: &name,
        role,
        password_hash: &password_hash,
        now: app.now(),
    };
    let mut tx = app.db.begin().await?;
    if store::user_find_by_email(&mut *tx, &email).await?.is_some() {
        return Err(Error::EmailTaken);
    }
    store::user_insert(&mut tx, &user).await?;
    let entry = Entry::done(AuditAction::UserCreated, "user", id, &email);
    audit_write(ctx, &mut tx, entry.with(json!({ "role": role }))).await?;
    commit(tx).await?;
    Ok(id)
}

/// Sets a new password; every sign-in of the account ends.
pub async fn user_password_reset(
    ctx: &Ctx,
    email: &str,
    password: &SecretString,
) -> Result<(), Error> {
    cli_only(ctx)?;
    let email = email_parse(email)?;
    password_check(password.expose_secret(), &email)?;
    let app = &ctx.app;
    let hash = app.passwords.hash(password).await?;
    let mut tx = app.db.begin().await?;
    let user =
        store::user_find_by_email(&mut *tx, &email).await?.ok_or(Error::NotFound("account"))?;
    store::user_password_set(&mut tx, user.id, &hash, app.now()).await?;
    store::sessions_revoke_others(&mut tx, user.id, None, app.now()).await?;
    let entry = Entry::done(AuditAction::PasswordReset, "user", user.id, &email);
    audit_write(ctx, &mut tx, entry).await?;
    Ok(commit(tx).await?)
}

/// Managing accounts over the API has no permission yet, so nobody can be given it.
fn cli_only(ctx: &Ctx) -> Result<(), Error> {
    match ctx.actor {
        Actor::Cli => Ok(()),
        _ => Err(Error::Unauthenticated),
    }
}
