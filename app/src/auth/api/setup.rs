//! Set-up links: how a person gets a first or a new password without anybody else knowing it.

use crate::{
    auth::role::Role,
    error::AppError,
    values::Moment,
    wire::{GetUrl, Json},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(not(feature = "ssr"))]
use super::session::SignInStep;
#[cfg(feature = "ssr")]
use super::{draft, session::SignInStep, session::go_on, stage_after_password};
#[cfg(feature = "ssr")]
use crate::{
    auth::{audit::Action, session::SignedIn, store, store::users::SetupLink, user::UserRefusal, user::parse_name},
    context::{self, Allowed, allowed},
    limits,
    live::Topic,
};
#[cfg(feature = "ssr")]
use sqlx::MySqlConnection;

/// Whom a link is for. Without a name it makes the first administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupView {
    pub name: Option<String>,
    pub role: Role,
    pub expires_at: Moment,
}

/// Makes a link for a user (or the first administrator) and gives the path it has at its door.
#[cfg(feature = "ssr")]
pub async fn make_setup_link(conn: &mut MySqlConnection, user: Option<crate::values::UserId>, now: Moment) -> sqlx::Result<String> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    store::users::insert_setup_link(conn, &hash_token(&token), user, now, now.plus(limits::SETUP_LINK_LIFE)).await?;
    Ok(crate::routes::Page::SetUp(token).path())
}

#[cfg(feature = "ssr")]
fn hash_token(token: &str) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(token).into()
}

#[cfg(feature = "ssr")]
fn check_link(allowed: &Allowed, link: Option<SetupLink>, now: Moment) -> Result<SetupLink, AppError> {
    let again = "Ask an administrator for a new one, or run: wirecenter user link NAME";
    let link = link.filter(|link| link.role.door() == allowed.request.door).ok_or_else(|| {
        AppError::refused(format!("This set-up link is not valid: it was mistyped, or a newer one replaced it. {again}."))
    })?;
    if link.disabled {
        return Err(AppError::refused(
            "This account is disabled, so its set-up link does not work. Ask an administrator to enable it first.",
        ));
    }
    if let Some(at) = link.used_at {
        return Err(AppError::refused(format!(
            "This set-up link was used at {at} UTC. Sign in with the password chosen then. {again}."
        )));
    }
    if link.expires_at <= now {
        let at = link.expires_at;
        return Err(AppError::refused(format!(
            "This set-up link expired at {at} UTC. {again}; restart the panel if nobody can sign in yet."
        )));
    }
    Ok(link)
}

#[server(endpoint = "setup/open", input = GetUrl, output = Json)]
pub async fn open_setup(token: String) -> Result<SetupView, AppError> {
    let allowed = allowed::<OpenSetup>()?;
    let (database, doing) = (&allowed.panel.database, "read the set-up link");
    let mut conn = database.acquire(doing).await?;
    let link = database.within(doing, store::users::find_setup_link(&mut conn, &hash_token(&token))).await?;
    let link = check_link(&allowed, link, context::now())?;
    Ok(SetupView { name: link.name, role: link.role, expires_at: link.expires_at })
}

/// Sets the password, uses the link up and signs in. A second step the user has is still asked for.
#[server(endpoint = "setup/finish")]
pub async fn finish_setup(token: String, name: Option<String>, password: String) -> Result<SignInStep, AppError> {
    let allowed = allowed::<FinishSetup>()?;
    let (database, doing) = (&allowed.panel.database, "set the password");
    let token_hash = hash_token(&token);
    // Looked at twice: here, so that nobody makes the server hash without a link, and under the lock below.
    let mut conn = database.acquire(doing).await?;
    let link = database.within(doing, store::users::find_setup_link(&mut conn, &token_hash)).await?;
    drop(conn);
    let link = check_link(&allowed, link, context::now())?;
    let name = match link.name {
        Some(name) => name,
        None => parse_name(name.as_deref().unwrap_or_default()).map_err(|problem| AppError::wrong(vec![problem]))?,
    };
    let hash = allowed.panel.gate.choose(password, name.clone()).await?;
    let now = context::now();
    let mut tx = database.begin(doing).await?;
    let link = database.within(doing, store::users::find_setup_link(&mut tx, &token_hash)).await?;
    let link = check_link(&allowed, link, now)?;
    let mut row = draft(&allowed, Action::SetUp, &name);
    row.actor.clone_from(&name);
    let user = match link.user {
        Some(user) => {
            database.within(doing, store::users::update_password(&mut tx, user, &hash, now)).await?;
            database.within(doing, store::sessions::delete_of_user(&mut tx, user, None)).await?;
            row.after = Some("password set".into());
            user
        }
        None => {
            row.after = Some(format!("first {}", Role::Admin.name()));
            let inserted = database.within(doing, store::users::insert_user(&mut tx, &name, Role::Admin, Some(&hash), now)).await?;
            inserted.ok_or_else(|| UserRefusal::NameTaken { name: name.clone() })?
        }
    };
    database.within(doing, store::users::use_setup_link(&mut tx, &token_hash, now)).await?;
    database.within(doing, store::users::update_signed_in(&mut tx, user, now)).await?;
    let found = database.within(doing, store::users::find_credentials(&mut tx, &name)).await?;
    let found = found.ok_or_else(|| AppError::not_found(format!("user {name}")))?;
    let stage = database.within(doing, stage_after_password(&mut tx, found.role, found.totp_secret.is_some())).await?;
    database.within(doing, store::audit::append(&mut tx, row, now)).await?;
    database.commit(tx, doing, &[Topic::Users, Topic::Sessions, Topic::Audit]).await?;
    allowed.panel.sessions.forget(|_, other| other == user);
    context::start_session(&allowed, SignedIn::new(user, name, found.role, stage, now)).await?;
    Ok(go_on(&allowed, stage, None))
}
