//! The statements of sign-in, users and the audit log. Nothing is decided here: rules stand in the nouns, guards in `api`.

pub mod audit;
pub mod kept;
pub mod sessions;
pub mod users;

/// A value in the database that this version cannot read.
fn unreadable(what: &'static str, value: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{what} has the unknown value {value:?}").into())
}
