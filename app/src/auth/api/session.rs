//! Signing in and out, and keeping or ending sessions.

use crate::{
    auth::session::SessionView,
    error::AppError,
    wire::{GetUrl, Json},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::{draft, safe_next, stage_after_password, start_try, try_succeeded};
#[cfg(feature = "ssr")]
use crate::{
    auth::{
        audit::{Action, Outcome},
        session::{SignedIn, Stage, describe_agent},
        sessions::{SessionData, handle, hash_id},
        store,
        store::users::Credentials,
        totp,
    },
    context::{self, Allowed, allowed},
    live::Topic,
    notice::Notice,
    routes::Page,
    values::Moment,
};

/// What a script learns from a sign-in; a form is sent to the right page instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignInStep {
    Done,
    CodeMissing,
    SecondStepMissing,
}

#[server(endpoint = "session/sign-in")]
pub async fn sign_in(name: String, password: String, next: Option<String>) -> Result<SignInStep, AppError> {
    let allowed = allowed::<SignIn>()?;
    let database = &allowed.panel.database;
    let name = name.trim().to_lowercase();
    start_try(&allowed, &name)?;
    let doing = "sign you in";
    let mut conn = database.acquire(doing).await?;
    let found = database.within(doing, store::users::find_credentials(&mut conn, &name)).await?;
    drop(conn);
    // The same work in every case: no such name, no password yet, disabled, the other door, wrong password.
    let usable = |user: &&Credentials| !user.disabled && user.role.door() == allowed.request.door;
    let hash = found.as_ref().filter(usable).and_then(|user| user.password_hash.clone());
    let right = allowed.panel.gate.verify(password, hash).await?;
    let mut tx = database.begin(doing).await?;
    let Some(user) = found.as_ref().filter(|_| right) else {
        // What was typed as a name may be a password: only names that exist are written down.
        let subject = found.as_ref().map_or("unknown name", |user| user.name.as_str());
        let mut row = draft(&allowed, Action::SignIn, subject);
        row.outcome = Outcome::Refused;
        database.within(doing, store::audit::append(&mut tx, row, context::now())).await?;
        database.commit(tx, doing, &[Topic::Audit]).await?;
        return Err(AppError::refused(
            "Name or password is wrong. Check both and try again; capital letters count in the password.",
        ));
    };
    try_succeeded(&allowed, &name);
    let now = context::now();
    let stage = database.within(doing, stage_after_password(&mut tx, user.role, user.totp_secret.is_some())).await?;
    let mut row = draft(&allowed, Action::SignIn, &user.name);
    row.actor.clone_from(&user.name);
    row.after = (stage != Stage::Full).then(|| "second step to come".into());
    database.within(doing, store::users::update_signed_in(&mut tx, user.id, now)).await?;
    database.within(doing, store::audit::append(&mut tx, row, now)).await?;
    database.commit(tx, doing, &[Topic::Audit, Topic::Users]).await?;
    context::start_session(&allowed, SignedIn::new(user.id, user.name.clone(), user.role, stage, now)).await?;
    Ok(go_on(&allowed, stage, next))
}

/// Sends a form to where a sign-in of this stage goes on.
#[cfg(feature = "ssr")]
pub(super) fn go_on(allowed: &Allowed, stage: Stage, next: Option<String>) -> SignInStep {
    let next = safe_next(allowed, next);
    let with_next = |page: Page| crate::values::Query::default().with("next", next.clone()).link(&page.path());
    match stage {
        Stage::Full => {
            context::go_to_path(&next, None);
            SignInStep::Done
        }
        Stage::CodeMissing => {
            context::go_to_path(&with_next(Page::Code), None);
            SignInStep::CodeMissing
        }
        Stage::SecondStepMissing => {
            context::go_to_path(&with_next(Page::Totp), None);
            SignInStep::SecondStepMissing
        }
    }
}

/// Checks a six-digit or recovery code and uses it up.
#[cfg(feature = "ssr")]
pub(super) async fn use_code(
    allowed: &Allowed,
    user: &Credentials,
    code: &str,
    doing: &str,
    now: Moment,
) -> Result<bool, AppError> {
    let database = &allowed.panel.database;
    let mut conn = database.acquire(doing).await?;
    if totp::is_recovery_code(code) {
        let hash = totp::hash_recovery_code(code);
        return database.within(doing, store::users::use_recovery_code(&mut conn, user.id, &hash, now)).await;
    }
    let Some(secret) = user.totp_secret.as_deref() else { return Ok(false) };
    match totp::check(secret, code, user.totp_last_step, now) {
        Some(step) => database.within(doing, store::users::use_totp_step(&mut conn, user.id, step)).await,
        None => Ok(false),
    }
}

#[cfg(feature = "ssr")]
const WRONG_CODE: &str = "This code is not right, or was used already. Wait for the next one, or use a recovery code; check that your device's clock is right.";

/// The second step.
#[server(endpoint = "session/code")]
pub async fn give_code(code: String, next: Option<String>) -> Result<SignInStep, AppError> {
    let allowed = allowed::<GiveCode>()?;
    let who = allowed.who()?;
    if who.stage != Stage::CodeMissing {
        return Ok(go_on(&allowed, who.stage, next));
    }
    let (database, doing, now) = (&allowed.panel.database, "check the code", context::now());
    let key = format!("{} code", who.name);
    start_try(&allowed, &key)?;
    let mut conn = database.acquire(doing).await?;
    let user = database.within(doing, store::users::find_credentials(&mut conn, &who.name)).await?;
    drop(conn);
    let user = user.ok_or_else(|| AppError::not_found(format!("user {}", who.name)))?;
    let right = use_code(&allowed, &user, &code, doing, now).await?;
    let mut tx = database.begin(doing).await?;
    let mut row = draft(&allowed, Action::SignInCode, &who.name);
    row.before = totp::is_recovery_code(&code).then(|| "by a recovery code".into());
    row.outcome = if right { Outcome::Done } else { Outcome::Refused };
    database.within(doing, store::audit::append(&mut tx, row, now)).await?;
    database.commit(tx, doing, &[Topic::Audit]).await?;
    if !right {
        return Err(AppError::refused(WRONG_CODE));
    }
    try_succeeded(&allowed, &key);
    context::change_session(&allowed, true, |signed_in| {
        signed_in.stage = Stage::Full;
        signed_in.proved_at = now;
    })
    .await?;
    Ok(go_on(&allowed, Stage::Full, next))
}

#[server(endpoint = "session/sign-out")]
pub async fn sign_out() -> Result<(), AppError> {
    let allowed = allowed::<SignOut>()?;
    let (database, doing) = (&allowed.panel.database, "sign you out");
    let mut tx = database.begin(doing).await?;
    let row = draft(&allowed, Action::SignOut, &allowed.who()?.name);
    database.within(doing, store::audit::append(&mut tx, row, context::now())).await?;
    database.commit(tx, doing, &[Topic::Audit]).await?;
    context::end_session(&allowed).await?;
    context::go_to(&Page::SignIn, Some(&Notice::done("You are signed out of this browser.")));
    Ok(())
}

/// A fresh proof of identity, for operations of level L3.
#[server(endpoint = "session/step-up")]
pub async fn step_up(password: String, code: Option<String>, next: Option<String>) -> Result<(), AppError> {
    let allowed = allowed::<StepUp>()?;
    let who = allowed.who()?;
    let (database, doing, now) = (&allowed.panel.database, "check your password", context::now());
    start_try(&allowed, &who.name)?;
    let found = async {
        let mut conn = database.acquire(doing).await?;
        database.within(doing, store::users::find_credentials(&mut conn, &who.name)).await
    };
    let user = match found.await {
        Err(away @ AppError::Away { .. }) => return step_up_from_memory(&allowed, password, code, next, away).await,
        found => found?.ok_or_else(|| AppError::not_found(format!("user {}", who.name)))?,
    };
    let mut right = allowed.panel.gate.verify(password, user.password_hash.clone()).await?;
    if right && user.totp_secret.is_some() {
        right = use_code(&allowed, &user, code.as_deref().unwrap_or_default(), doing, now).await?;
    }
    let mut tx = database.begin(doing).await?;
    let mut row = draft(&allowed, Action::StepUp, &who.name);
    row.outcome = if right { Outcome::Done } else { Outcome::Refused };
    database.within(doing, store::audit::append(&mut tx, row, now)).await?;
    database.commit(tx, doing, &[Topic::Audit]).await?;
    if !right {
        return Err(wrong_proof(&user));
    }
    try_succeeded(&allowed, &who.name);
    context::change_session(&allowed, true, |signed_in| signed_in.proved_at = now).await?;
    context::go_to_path(&safe_next(&allowed, next), None);
    Ok(())
}

#[cfg(feature = "ssr")]
fn wrong_proof(user: &Credentials) -> AppError {
    let what = if user.totp_secret.is_some() { "Password or code" } else { "The password" };
    AppError::refused(format!("{what} is wrong. Nothing was changed; try again."))
}

/// The database may be what one proves oneself for: its failover. Then the proof is held against what this panel remembers of
/// those who are signed in. A recovery code cannot be used up without the database, so none counts.
#[cfg(feature = "ssr")]
async fn step_up_from_memory(
    allowed: &Allowed,
    password: String,
    code: Option<String>,
    next: Option<String>,
    away: AppError,
) -> Result<(), AppError> {
    let (who, panel, now) = (allowed.who()?, &allowed.panel, context::now());
    let (Some(user), Some(id)) = (panel.sessions.proof(who.user), context::session_id()) else { return Err(away) };
    let kept = |error: std::io::Error| {
        tracing::error!(%error, "the audit log cannot be kept on the panel's disk");
        AppError::refused(format!("It cannot be written down on the panel's disk: {error}. Make room there and try again."))
    };
    let mut right = panel.gate.verify(password, user.password_hash.clone()).await?;
    let mut step = None;
    if let Some(secret) = user.totp_secret.as_deref().filter(|_| right) {
        step = totp::check(secret, code.as_deref().unwrap_or_default(), user.totp_last_step, now);
        right = step.is_some();
    }
    let mut row = draft(allowed, Action::StepUp, &who.name);
    row.outcome = if right { Outcome::Done } else { Outcome::Refused };
    let begun = panel.kept_audit.begin(row, now).await.map_err(kept)?;
    panel.kept_audit.settle(begun, "held against memory, the database being away").await.map_err(kept)?;
    if !right {
        return Err(wrong_proof(&user));
    }
    try_succeeded(allowed, &who.name);
    panel.sessions.prove(&id, step, now);
    context::go_to_path(&safe_next(allowed, next), None);
    Ok(())
}

/// The person did something at the page. Gives the seconds the session lives without more.
#[server(endpoint = "session/input")]
pub async fn report_input() -> Result<u64, AppError> {
    let allowed = allowed::<ReportInput>()?;
    let left = context::session_id().and_then(|id| allowed.panel.sessions.input(&id, context::now()));
    left.map(|left| left.as_secs()).ok_or(AppError::SignedOut(crate::error::SignedOut::NoSession))
}

/// The seconds this session lives without input. Asking does not count as input.
#[server(endpoint = "session/left", input = GetUrl, output = Json)]
pub async fn get_session_left() -> Result<u64, AppError> {
    let allowed = allowed::<GetSessionLeft>()?;
    let left = context::session_id().and_then(|id| allowed.panel.sessions.left(&id, context::now()));
    left.map(|left| left.as_secs()).ok_or(AppError::SignedOut(crate::error::SignedOut::NoSession))
}

/// The person's own sessions at this door, the newest input first.
#[server(endpoint = "session/own", input = GetUrl, output = Json)]
pub async fn list_own_sessions() -> Result<Vec<SessionView>, AppError> {
    let allowed = allowed::<ListOwnSessions>()?;
    let (database, doing) = (&allowed.panel.database, "list your sessions");
    let mut conn = database.acquire(doing).await?;
    let rows = database.within(doing, store::sessions::list_of_user(&mut conn, allowed.who()?.user)).await?;
    let current = context::session_id().map(|id| hash_id(&id));
    let views = rows.into_iter().filter_map(|(id_hash, data, last_input_at)| {
        let data: SessionData = serde_json::from_str(&data).ok()?;
        Some(SessionView {
            handle: handle(&id_hash),
            signed_in_at: data.signed_in.signed_in_at,
            last_input_at,
            address: data.address,
            agent: describe_agent(&data.agent),
            current: current == Some(id_hash),
        })
    });
    Ok(views.collect())
}

/// Ends one of the person's own sessions.
#[server(endpoint = "session/end")]
pub async fn end_own_session(handle: String) -> Result<(), AppError> {
    let allowed = allowed::<EndOwnSession>()?;
    let who = allowed.who()?;
    let (database, doing) = (&allowed.panel.database, "end the session");
    let mut tx = database.begin(doing).await?;
    let rows = database.within(doing, store::sessions::list_of_user(&mut tx, who.user)).await?;
    let wanted = rows.into_iter().map(|(id_hash, ..)| id_hash).find(|id_hash| self::handle(id_hash).0 == handle);
    let id_hash = wanted.ok_or_else(|| AppError::not_found("such session of yours; it may have ended already"))?;
    database.within(doing, store::sessions::delete(&mut tx, &id_hash)).await?;
    let row = draft(&allowed, Action::SessionEnd, &format!("{} {handle}", who.name));
    database.within(doing, store::audit::append(&mut tx, row, context::now())).await?;
    database.commit(tx, doing, &[Topic::Sessions, Topic::Users, Topic::Audit]).await?;
    allowed.panel.sessions.forget(|other, _| *other == id_hash);
    context::go_to(&Page::Profile, Some(&Notice::done("The session was ended; that browser must sign in again.")));
    Ok(())
}

/// Ends all of the person's sessions but this one.
#[server(endpoint = "session/end-others")]
pub async fn end_other_sessions() -> Result<u64, AppError> {
    let allowed = allowed::<EndOtherSessions>()?;
    let who = allowed.who()?;
    let (database, doing) = (&allowed.panel.database, "end the other sessions");
    let current = context::session_id().map(|id| hash_id(&id));
    let mut tx = database.begin(doing).await?;
    let ended = database.within(doing, store::sessions::delete_of_user(&mut tx, who.user, current.as_ref())).await?;
    let mut row = draft(&allowed, Action::SessionEnd, &who.name);
    row.after = Some(format!("{ended} other sessions ended"));
    database.within(doing, store::audit::append(&mut tx, row, context::now())).await?;
    database.commit(tx, doing, &[Topic::Sessions, Topic::Users, Topic::Audit]).await?;
    allowed.panel.sessions.forget(|other, user| user == who.user && Some(*other) != current);
    let text = match ended {
        0 => "There was no other session to end.".into(),
        1 => "The other session was ended.".into(),
        n => format!("The {n} other sessions were ended."),
    };
    context::go_to(&Page::Profile, Some(&Notice::done(text)));
    Ok(ended)
}
