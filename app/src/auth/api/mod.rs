//! The server functions of sign-in, users and the audit log. Each guards, parses, calls and returns.

pub mod audit;
pub mod profile;
pub mod session;
pub mod setup;
pub mod totp;
pub mod users;

#[cfg(feature = "ssr")]
use crate::{
    auth::audit::{Action, Draft, Outcome},
    auth::role::Role,
    auth::session::Stage,
    auth::store,
    context::Allowed,
    error::AppError,
};
#[cfg(feature = "ssr")]
use sqlx::MySqlConnection;

/// A row for the audit log about what this request does.
#[cfg(feature = "ssr")]
pub(crate) fn draft(allowed: &Allowed, action: Action, subject: &str) -> Draft {
    let request = &allowed.request;
    Draft {
        actor: request.who.as_ref().map_or_else(|| "nobody".into(), |who| who.name.clone()),
        address: request.address.to_string(),
        request: request.id.0.clone(),
        action,
        subject: subject.into(),
        before: None,
        after: None,
        outcome: Outcome::Done,
    }
}

/// How far a right password brings a user.
#[cfg(feature = "ssr")]
async fn stage_after_password(conn: &mut MySqlConnection, role: Role, has_totp: bool) -> sqlx::Result<Stage> {
    if has_totp {
        return Ok(Stage::CodeMissing);
    }
    let required = store::users::list_totp_roles(conn).await?.contains(&role);
    Ok(if required { Stage::SecondStepMissing } else { Stage::Full })
}

/// Counts a try against name and network, or says how long to wait.
#[cfg(feature = "ssr")]
fn start_try(allowed: &Allowed, name: &str) -> Result<(), AppError> {
    let mut attempts = allowed.panel.attempts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    attempts.start(name, allowed.request.address.into(), crate::context::now()).map_err(|wait| AppError::TooMany {
        what: "Too many wrong tries for this name from your network.".into(),
        retry_after_s: wait.as_secs().max(1),
    })
}

#[cfg(feature = "ssr")]
fn try_succeeded(allowed: &Allowed, name: &str) {
    let mut attempts = allowed.panel.attempts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    attempts.succeeded(name, allowed.request.address.into());
}

/// The page a person wanted before signing in; only a path of our own is followed.
#[cfg(feature = "ssr")]
fn safe_next(allowed: &Allowed, next: Option<String>) -> String {
    let door = allowed.request.door;
    let wanted = next.filter(|next| crate::routes::Page::parse(door, next.split('?').next().unwrap_or_default()).is_some());
    wanted.unwrap_or_else(|| "/".into())
}
