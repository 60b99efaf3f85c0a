//! The first owner, signing in and out, sessions, one's own password.
//!
//! Promises: the answer to a wrong address is the answer to a wrong password, in words and in
//! time; a session is a random value of which only the hash is stored; it ends when idle, when
//! old, when revoked and when the password changes. Does not: set cookies; `api` does.

use nalabo_core::access::{Permission, Role};
use nalabo_core::audit::AuditAction;
use nalabo_core::id::{SessionId, UserId};
use nalabo_core::infrastructure::line_parse;
use nalabo_core::password::password_check;
use nalabo_core::{SignedDuration, Timestamp};
use nalabo_store::{self as store, NewSession, NewUser, Session, Tx, User, commit};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::audit::{Entry, audit_refusal, audit_write};
use crate::throttle::{Scope, network_of};
use crate::{Actor, App, Ctx, Error, FieldError};

/// Longest e-mail address that mail servers take.
const EMAIL_MAX: usize = 254;
/// How long a set-up link works.
const SETUP_LINK_LIFE: SignedDuration = SignedDuration::from_hours(1);
/// A session's last use is noted this often, not at every request.
const TOUCH_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A new session: the value the browser keeps.
#[derive(Debug)]
pub struct SignIn {
    /// The secret; its hash is all we keep.
    pub token: SecretString,
    /// When it ends in any case.
    pub expires_at: Timestamp,
}

/// The one who is signed in.
#[derive(Debug)]
pub struct Me {
    /// Their account.
    pub user: User,
    /// The session they came with.
    pub session: Session,
    /// When it ends if nothing more is asked.
    pub idle_expires_at: Timestamp,
    /// What they may do.
    pub permissions: Vec<Permission>,
}

/// How an installation got, or will get, its first owner.
#[derive(Debug)]
pub enum FirstOwner {
    /// There are accounts already.
    Exists,
    /// Made from the settings.
    Created {
        /// Their address.
        email: String,
    },
    /// Whoever opens this link first. The secret belongs in its fragment.
    Link {
        /// The secret of the link.
        token: SecretString,
    },
}

/// Makes the first owner from the settings, or a one-time link to do it in the browser.
pub async fn first_owner_ensure(
    ctx: &Ctx,
    given: Option<(String, SecretString)>,
) -> Result<FirstOwner, Error> {
    let app = &ctx.app;
    let now = app.now();
    if store::user_count(app.db.pool()).await? > 0 {
        return Ok(FirstOwner::Exists);
    }
    let Some((email, password)) = given else {
        let (token, hash) = secret_new();
        let mut tx = app.db.begin().await?;
        store::setup_token_insert(&mut tx, &hash, now + SETUP_LINK_LIFE, now).await?;
        commit(tx).await?;
        return Ok(FirstOwner::Link { token });
    };
    let email = email_parse(&email)?;
    password_check(password.expose_secret(), &email)?;
    let hash = app.passwords.hash(&password).await?;
    let mut tx = app.db.begin().await?;
    match owner_insert(ctx, &mut tx, &email, "", hash).await {
        // Another replica was first.
        Err(Error::SetUpDone) => return Ok(FirstOwner::Exists),
        other => other?,
    };
    commit(tx).await?;
    Ok(FirstOwner::Created { email })
}

/// Whether the first owner is still to be made.
pub async fn set_up_required(app: &App) -> Result<bool, Error> {
    Ok(store::user_count(app.db.pool()).await? == 0)
}

/// Makes the first owner by the one-time link, and signs them in.
pub async fn set_up(
    ctx: &Ctx,
    token: &SecretString,
    email: &str,
    name: &str,
    password: &SecretString,
) -> Result<SignIn, Error> {
    let app = &ctx.app;
    let email = email_parse(email)?;
    let name = name_parse(name)?;
    password_check(password.expose_secret(), &email)?;
    let now = app.now();
    let hash = app.passwords.hash(password).await?;
    let mut tx = app.db.begin().await?;
    if !store::setup_token_consume(&mut tx, &hash_of(token), now).await? {
        return Err(Error::SetUpTokenRefused);
    }
    let user = owner_insert(ctx, &mut tx, &email, &name, hash).await?;
    let (_, sign_in) = session_open(ctx, &mut tx, user).await?;
    commit(tx).await?;
    Ok(sign_in)
}

async fn owner_insert(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    email: &str,
    name: &str,
    password_hash: SecretString,
) -> Result<UserId, Error> {
    store::user_insert_lock(tx).await?;
    if store::user_count(&mut **tx).await? > 0 {
        return Err(Error::SetUpDone);
    }
    let id = UserId::new();
    let role = Role::Owner;
    let user = NewUser { id, email, name, role, password_hash: &password_hash, now: ctx.app.now() };
    store::user_insert(tx, &user).await?;
    let entry = Entry::done(AuditAction::SetUpDone, "user", id, email);
    audit_write(ctx, tx, entry.with(json!({ "role": Role::Owner }))).await?;
    Ok(id)
}

/// Signs in with address and password.
pub async fn sign_in(ctx: &Ctx, email: &str, password: &SecretString) -> Result<SignIn, Error> {
    let app = &ctx.app;
    let now = app.now();
    let email = email.trim().to_lowercase();
    let network = ctx.request.address.map(network_of);
    let mut keys = vec![(Scope::Account, email.clone())];
    keys.extend(network.map(|it| (Scope::Network, it)));

    for (scope, key) in &keys {
        if let Some(seen) = store::sign_in_failure_find(app.db.pool(), scope.as_str(), key).await? {
            let left = scope.wait_left(seen.count, seen.last_at, now);
            if left > SignedDuration::ZERO {
                let retry_after_seconds = u64::try_from(left.as_secs()).unwrap_or(0) + 1;
                return Err(Error::TooManyAttempts { retry_after_seconds });
            }
        }
    }

    let user = store::user_find_by_email(app.db.pool(), &email).await?;
    let user = user.filter(|it| it.disabled_at.is_none());
    let stored = user.as_ref().map(|it| it.password_hash.clone());
    let known = app.passwords.verify(password, stored).await?;
    let Some(user) = user.filter(|_| known) else {
        for (scope, key) in &keys {
            store::sign_in_failure_record(app.db.pool(), scope.as_str(), key, now).await?;
        }
        audit_refusal(ctx, Entry::refused(AuditAction::SignInRefused, "user", &email)).await?;
        return Err(Error::SignInRefused);
    };

    let mut tx = app.db.begin().await?;
    store::sign_in_failure_clear(&mut *tx, Scope::Account.as_str(), &email).await?;
    let (session, sign_in) = session_open(ctx, &mut tx, user.id).await?;
    let actor = Actor::User { id: user.id, email: user.email.clone(), role: user.role, session };
    let ctx = Ctx { actor, ..ctx.clone() };
    let entry = Entry::done(AuditAction::SignedIn, "user", user.id, &user.email);
    audit_write(&ctx, &mut tx, entry).await?;
    commit(tx).await?;
    Ok(sign_in)
}

async fn session_open(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    user: UserId,
) -> Result<(SessionId, SignIn), Error> {
    let now = ctx.app.now();
    let life = SignedDuration::try_from(ctx.app.settings.session_absolute)
        .map_err(|_| Error::Internal("session life out of range".to_owned()))?;
    let (token, token_hash) = secret_new();
    let id = SessionId::new();
    let expires_at = now + life;
    let address = ctx.request.address.map(|it| it.to_string());
    let session = NewSession {
        id,
        user_id: user,
        token_hash: &token_hash,
        now,
        expires_at,
        address: address.as_deref(),
        user_agent: ctx.request.user_agent.as_deref(),
    };
    store::session_insert(tx, &session).await?;
    Ok((id, SignIn { token, expires_at }))
}

/// Why a session is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionUse {
    /// Somebody does something: the idle time begins anew.
    Person,
    /// A page that was left open keeps itself up to date: the idle time goes on.
    Background,
}

/// Who holds this session, if it is still good. Called at every request.
pub async fn session_actor(
    app: &App,
    token: &SecretString,
    session_use: SessionUse,
) -> Result<Option<Actor>, Error> {
    let Some((session, user)) = store::session_find_by_hash(app.db.pool(), &hash_of(token)).await?
    else {
        return Ok(None);
    };
    let now = app.now();
    if user.disabled_at.is_some() || session.expires_at <= now || idle_end(app, &session) <= now {
        return Ok(None);
    }
    let by_person = session_use == SessionUse::Person;
    if by_person && now.duration_since(session.last_seen_at) >= TOUCH_EVERY {
        store::session_touch(app.db.pool(), session.id, now).await?;
    }
    Ok(Some(Actor::User { id: user.id, email: user.email, role: user.role, session: session.id }))
}

fn idle_end(app: &App, session: &Session) -> Timestamp {
    let idle = SignedDuration::try_from(app.settings.session_idle).unwrap_or(SignedDuration::MAX);
    // Nothing that a person waits for is so far off that the sum leaves the calendar.
    session.last_seen_at.checked_add(idle).unwrap_or(Timestamp::MAX)
}

/// Who is asking, and what they may do.
pub async fn me(ctx: &Ctx) -> Result<Me, Error> {
    ctx.require(Permission::AccountSelf)?;
    let Actor::User { id, session, role, .. } = &ctx.actor else {
        return Err(Error::Unauthenticated);
    };
    let app = &ctx.app;
    let user = store::user_find(app.db.pool(), *id).await?.ok_or(Error::Unauthenticated)?;
    let session = store::session_list(app.db.pool(), *id)
        .await?
        .into_iter()
        .find(|it| it.id == *session)
        .ok_or(Error::Unauthenticated)?;
    let permissions = Permission::ALL.into_iter().filter(|it| role.allows(*it)).collect();
    Ok(Me { user, idle_expires_at: idle_end(app, &session), session, permissions })
}

/// One's own sign-ins that are still good, newest first, and which one asks.
pub async fn session_list(ctx: &Ctx) -> Result<(Vec<Session>, SessionId), Error> {
    ctx.require(Permission::AccountSelf)?;
    let (user, current) = signed_in(ctx)?;
    let now = ctx.app.now();
    let mut items = store::session_list(ctx.app.db.pool(), user).await?;
    items.retain(|it| it.expires_at > now && idle_end(&ctx.app, it) > now);
    Ok((items, current))
}

/// Ends one of one's own sign-ins.
pub async fn session_revoke(ctx: &Ctx, id: SessionId) -> Result<(), Error> {
    ctx.require(Permission::AccountSelf)?;
    let (user, _) = signed_in(ctx)?;
    let mut tx = ctx.app.db.begin().await?;
    if !store::session_revoke(&mut tx, id, user, ctx.app.now()).await? {
        return Err(Error::NotFound("sign-in"));
    }
    audit_write(ctx, &mut tx, Entry::done(AuditAction::SessionRevoked, "session", id, "")).await?;
    Ok(commit(tx).await?)
}

/// Ends the session that asks. Nobody signed in is signed out already.
pub async fn sign_out(ctx: &Ctx) -> Result<(), Error> {
    let Ok((user, session)) = signed_in(ctx) else { return Ok(()) };
    let mut tx = ctx.app.db.begin().await?;
    store::session_revoke(&mut tx, session, user, ctx.app.now()).await?;
    audit_write(ctx, &mut tx, Entry::done(AuditAction::SignedOut, "session", session, "")).await?;
    Ok(commit(tx).await?)
}

/// Changes one's own password; every other sign-in of the account ends.
pub async fn password_change(
    ctx: &Ctx,
    current: &SecretString,
    new: &SecretString,
) -> Result<(), Error> {
    ctx.require(Permission::AccountSelf)?;
    let (user_id, session) = signed_in(ctx)?;
    let app = &ctx.app;
    let user = store::user_find(app.db.pool(), user_id).await?.ok_or(Error::Unauthenticated)?;
    if !app.passwords.verify(current, Some(user.password_hash.clone())).await? {
        return Err(Error::Invalid(vec![FieldError {
            pointer: "#/current_password",
            detail: "this is not your present password".to_owned(),
        }]));
    }
    password_check(new.expose_secret(), &user.email)?;
    let hash = app.passwords.hash(new).await?;
    let mut tx = app.db.begin().await?;
    store::user_password_set(&mut tx, user_id, &hash, app.now()).await?;
    store::sessions_revoke_others(&mut tx, user_id, Some(session), app.now()).await?;
    let entry = Entry::done(AuditAction::PasswordChanged, "user", user_id, &user.email);
    audit_write(ctx, &mut tx, entry).await?;
    Ok(commit(tx).await?)
}

fn signed_in(ctx: &Ctx) -> Result<(UserId, SessionId), Error> {
    match &ctx.actor {
        Actor::User { id, session, .. } => Ok((*id, *session)),
        _ => Err(Error::Unauthenticated),
    }
}

/// An address as it is stored: trimmed, lower case, one `@` with something on both sides.
pub(crate) fn email_parse(text: &str) -> Result<String, Error> {
    let refuse = |detail: String| Error::Invalid(vec![FieldError { pointer: "#/email", detail }]);
    let email = line_parse(text, EMAIL_MAX).map_err(|it| refuse(it.to_string()))?.to_lowercase();
    let good = email
        .split_once('@')
        .is_some_and(|(who, host)| !who.is_empty() && !host.is_empty() && !host.contains('@'))
        && !email.contains(char::is_whitespace);
    if good { Ok(email) } else { Err(refuse("this is no e-mail address".to_owned())) }
}

/// A person's name: may be empty.
pub(crate) fn name_parse(text: &str) -> Result<String, Error> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    line_parse(text, 100).map_err(|it| Error::Invalid(vec![FieldError::new("#/name", &it)]))
}

/// 256 random bits, and the hash of them that is stored.
fn secret_new() -> (SecretString, Vec<u8>) {
    use base64::Engine as _;
    let bytes: [u8; 32] = rand::random();
    let token = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let token = SecretString::from(token);
    let hash = hash_of(&token);
    (token, hash)
}

// Plain SHA-256 is enough for 256 random bits; a slow hash is for what people choose.
fn hash_of(token: &SecretString) -> Vec<u8> {
    Sha256::digest(token.expose_secret().as_bytes()).to_vec()
}
