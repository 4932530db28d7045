//! Setting the second step up, and its recovery codes.

use crate::error::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::{draft, session::go_on, start_try, try_succeeded};
#[cfg(feature = "ssr")]
use crate::{
    auth::{
        audit::Action,
        session::{SignedIn, Stage},
        sessions::hash_id,
        store, totp,
    },
    context::{self, Allowed, allowed},
    error::SignedOut,
    limits,
    live::Topic,
    notice::Notice,
    routes::Page,
};

/// Who may set up a second step now: whoever must, and whoever proved lately that it is them.
#[cfg(feature = "ssr")]
fn enrolling(allowed: &Allowed) -> Result<&SignedIn, AppError> {
    match allowed.who()? {
        who if who.stage == Stage::SecondStepMissing => Ok(who),
        who if who.stage == Stage::Full => allowed.proved(),
        _ => Err(AppError::SignedOut(SignedOut::CodeMissing)),
    }
}

/// Makes a secret and recovery codes; they count once a code confirms them.
#[server(endpoint = "totp/begin")]
pub async fn begin_totp() -> Result<(), AppError> {
    let allowed = allowed::<BeginTotp>()?;
    let who = enrolling(&allowed)?;
    let (database, doing) = (&allowed.panel.database, "set up your second step");
    let mut conn = database.acquire(doing).await?;
    let user = database.within(doing, store::users::find_user(&mut conn, who.user)).await?;
    drop(conn);
    if user.is_some_and(|user| user.totp) {
        return Err(AppError::refused(
            "You have a second step already. Switch it off first if you want to move it to another device.",
        ));
    }
    context::change_session(&allowed, false, |signed_in| {
        signed_in.totp_pending = Some(totp::new_secret());
        signed_in.codes_shown = (0..limits::RECOVERY_CODES).map(|_| totp::new_recovery_code()).collect();
    })
    .await?;
    context::go_to(&Page::Totp, None);
    Ok(())
}

#[server(endpoint = "totp/confirm")]
pub async fn confirm_totp(code: String, next: Option<String>) -> Result<(), AppError> {
    let allowed = allowed::<ConfirmTotp>()?;
    let who = allowed.who()?;
    let (database, doing, now) = (&allowed.panel.database, "switch on your second step", context::now());
    let pending = who.totp_pending.as_deref().and_then(totp::secret_bytes);
    let secret =
        pending.ok_or_else(|| AppError::refused("There is no second step being set up. Start again from your profile."))?;
    let key = format!("{} code", who.name);
    start_try(&allowed, &key)?;
    let step = totp::check(&secret, &code, 0, now).ok_or_else(|| {
        let expected = "the six digits your authenticator shows now; check that your device's clock is right";
        AppError::wrong(vec![crate::error::Problem::new("code", "", expected)])
    })?;
    try_succeeded(&allowed, &key);
    let hashes: Vec<[u8; 32]> = who.codes_shown.iter().map(|code| totp::hash_recovery_code(code)).collect();
    let current = context::session_id().map(|id| hash_id(&id));
    let mut tx = database.begin(doing).await?;
    database.within(doing, store::users::update_totp(&mut tx, who.user, Some(&secret), step)).await?;
    database.within(doing, store::users::replace_recovery_codes(&mut tx, who.user, &hashes)).await?;
    database.within(doing, store::sessions::delete_of_user(&mut tx, who.user, current.as_ref())).await?;
    database.within(doing, store::audit::append(&mut tx, draft(&allowed, Action::TotpOn, &who.name), now)).await?;
    database.commit(tx, doing, &[Topic::Users, Topic::Sessions, Topic::Audit]).await?;
    allowed.panel.sessions.forget(|other, user| user == who.user && Some(*other) != current);
    context::change_session(&allowed, true, |signed_in| {
        signed_in.stage = Stage::Full;
        signed_in.proved_at = now;
        signed_in.totp_pending = None;
        signed_in.codes_shown.clear();
    })
    .await?;
    if who.stage == Stage::Full {
        context::go_to(&Page::Profile, Some(&Notice::done("Your second step is on: from now on signing in asks for a code.")));
    } else {
        go_on(&allowed, Stage::Full, next);
    }
    Ok(())
}

/// Switches the person's own second step off (L3), unless their role must have one.
#[server(endpoint = "totp/off")]
pub async fn switch_totp_off() -> Result<(), AppError> {
    let allowed = allowed::<SwitchTotpOff>()?;
    let who = allowed.proved()?;
    let (database, doing, now) = (&allowed.panel.database, "switch off your second step", context::now());
    let mut tx = database.begin(doing).await?;
    if database.within(doing, store::users::list_totp_roles(&mut tx)).await?.contains(&who.role) {
        return Err(AppError::refused(format!("The role {} must use a second step, so it stays on.", who.role.name())));
    }
    database.within(doing, store::users::update_totp(&mut tx, who.user, None, 0)).await?;
    database.within(doing, store::users::replace_recovery_codes(&mut tx, who.user, &[])).await?;
    database.within(doing, store::audit::append(&mut tx, draft(&allowed, Action::TotpOff, &who.name), now)).await?;
    database.commit(tx, doing, &[Topic::Users, Topic::Audit]).await?;
    context::go_to(&Page::Profile, Some(&Notice::done("Your second step is off: your password alone signs you in.")));
    Ok(())
}

/// New recovery codes (L3); the old ones stop working.
#[server(endpoint = "totp/codes")]
pub async fn renew_recovery_codes() -> Result<(), AppError> {
    let allowed = allowed::<RenewRecoveryCodes>()?;
    let who = allowed.proved()?;
    let (database, doing, now) = (&allowed.panel.database, "make new recovery codes", context::now());
    let codes: Vec<String> = (0..limits::RECOVERY_CODES).map(|_| totp::new_recovery_code()).collect();
    let hashes: Vec<[u8; 32]> = codes.iter().map(|code| totp::hash_recovery_code(code)).collect();
    let mut tx = database.begin(doing).await?;
    let user = database.within(doing, store::users::find_user(&mut tx, who.user)).await?;
    if !user.is_some_and(|user| user.totp) {
        return Err(AppError::refused("You have no second step, so there is nothing to recover. Set one up first."));
    }
    database.within(doing, store::users::replace_recovery_codes(&mut tx, who.user, &hashes)).await?;
    database.within(doing, store::audit::append(&mut tx, draft(&allowed, Action::RecoveryCodes, &who.name), now)).await?;
    database.commit(tx, doing, &[Topic::Audit]).await?;
    context::change_session(&allowed, false, |signed_in| signed_in.codes_shown = codes).await?;
    context::go_to(&Page::Codes, None);
    Ok(())
}

/// The person has kept the codes; they are not shown again.
#[server(endpoint = "totp/codes-kept")]
pub async fn keep_recovery_codes() -> Result<(), AppError> {
    let allowed = allowed::<KeepRecoveryCodes>()?;
    context::change_session(&allowed, false, |signed_in| signed_in.codes_shown.clear()).await?;
    context::go_to(&Page::Profile, Some(&Notice::done("The recovery codes are not shown again.")));
    Ok(())
}
