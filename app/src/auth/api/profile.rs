//! A person's own account.

use crate::{
    auth::role::Role,
    error::AppError,
    values::Moment,
    wire::{GetUrl, Json},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::{draft, start_try, try_succeeded};
#[cfg(feature = "ssr")]
use crate::{
    auth::{audit::Action, audit::Outcome, sessions::hash_id, store},
    context::{self, allowed},
    live::Topic,
    notice::Notice,
    routes::Page,
    ui::look::Look,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub name: String,
    pub role: Role,
    pub signed_in_at: Moment,
    pub totp: bool,
    /// The role may not do without a second step.
    pub totp_required: bool,
    pub recovery_codes_left: u64,
}

#[server(endpoint = "profile/get", input = GetUrl, output = Json)]
pub async fn get_profile() -> Result<Profile, AppError> {
    let allowed = allowed::<GetProfile>()?;
    let who = allowed.who()?;
    let (database, doing) = (&allowed.panel.database, "read your profile");
    let mut conn = database.acquire(doing).await?;
    let user = database.within(doing, store::users::find_user(&mut conn, who.user)).await?;
    let user = user.ok_or_else(|| AppError::not_found(format!("user {}", who.name)))?;
    let totp_required = database.within(doing, store::users::list_totp_roles(&mut conn)).await?.contains(&who.role);
    let recovery_codes_left = database.within(doing, store::users::count_recovery_codes(&mut conn, who.user)).await?;
    let (name, role, signed_in_at) = (user.name, user.role, who.signed_in_at);
    Ok(Profile { name, role, signed_in_at, totp: user.totp, totp_required, recovery_codes_left })
}

/// Theme, row height and motion, kept in a cookie of this browser.
#[server(endpoint = "look/set")]
pub async fn set_look(theme: String, density: String, still: Option<bool>) -> Result<(), AppError> {
    let allowed = allowed::<SetLook>()?;
    let wanted = crate::values::Query::default().with("theme", theme).with("density", density);
    let wanted = wanted.with("still", still.unwrap_or_default().to_string()).link("");
    // Through the noun and back, so that nothing a stranger typed gets into a header.
    let look = Look::parse(wanted.trim_start_matches('?'));
    let (panel, door) = (&allowed.panel, allowed.request.door);
    let secure = if panel.is_secure(door) { "; Secure" } else { "" };
    let name = panel.cookie_name(door, "look");
    context::append_cookie(&format!("{name}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}", look.format()));
    Ok(())
}

/// Changes the password; every other session of the person ends.
#[server(endpoint = "profile/password")]
pub async fn change_password(current_password: String, password: String) -> Result<(), AppError> {
    let allowed = allowed::<ChangePassword>()?;
    let who = allowed.who()?;
    let (database, doing) = (&allowed.panel.database, "change your password");
    start_try(&allowed, &who.name)?;
    let mut conn = database.acquire(doing).await?;
    let user = database.within(doing, store::users::find_credentials(&mut conn, &who.name)).await?;
    drop(conn);
    let user = user.ok_or_else(|| AppError::not_found(format!("user {}", who.name)))?;
    if !allowed.panel.gate.verify(current_password, user.password_hash).await? {
        let mut tx = database.begin(doing).await?;
        let mut row = draft(&allowed, Action::PasswordChange, &who.name);
        row.outcome = Outcome::Refused;
        database.within(doing, store::audit::append(&mut tx, row, context::now())).await?;
        database.commit(tx, doing, &[Topic::Audit]).await?;
        let problem = crate::error::Problem::new("current_password", "", "the password you signed in with");
        return Err(AppError::wrong(vec![problem]));
    }
    try_succeeded(&allowed, &who.name);
    let hash = allowed.panel.gate.choose(password, who.name.clone()).await?;
    let now = context::now();
    let current = context::session_id().map(|id| hash_id(&id));
    let mut tx = database.begin(doing).await?;
    database.within(doing, store::users::update_password(&mut tx, who.user, &hash, now)).await?;
    database.within(doing, store::sessions::delete_of_user(&mut tx, who.user, current.as_ref())).await?;
    database.within(doing, store::audit::append(&mut tx, draft(&allowed, Action::PasswordChange, &who.name), now)).await?;
    database.commit(tx, doing, &[Topic::Users, Topic::Sessions, Topic::Audit]).await?;
    allowed.panel.sessions.forget(|other, user| user == who.user && Some(*other) != current);
    context::change_session(&allowed, true, |signed_in| signed_in.proved_at = now).await?;
    context::go_to(&Page::Profile, Some(&Notice::done("Your password was changed; your other sessions have ended.")));
    Ok(())
}
