//! What can go wrong, as data. Three tiers:
//!
//! 1. **Wrong data** is a list of [`Problem`]s: each says where, what was read and what was expected; all of them, not the first.
//! 2. **A rule says no**: each slice has a small enum of refusals; on the wire it is [`AppError::Refused`] with the enum's sentence.
//! 3. **The world failed** ([`AppError::Away`]) or **we were wrong** ([`AppError::Broken`], whose details are in the log only).
//!
//! Every sentence says what happened, to which thing, and what to do next.

use crate::values::{Moment, quantity::format_span};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// One wrong value in what a person or a file gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The field of a form, or the line and column of a file.
    pub at: String,
    /// What was read there; blank where it must not be repeated (passwords).
    pub read: String,
    /// What would have been right.
    pub expected: String,
}

impl Problem {
    pub fn new(at: impl Into<String>, read: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { at: at.into(), read: read.into(), expected: expected.into() }
    }
}

/// Why a request that needs a signed-in person has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignedOut {
    /// No session, or one that was ended or timed out.
    NoSession,
    /// The password was right; the code is still to come.
    CodeMissing,
    /// This role must use a second step and this person has none yet.
    SecondStepMissing,
    /// The operation is of level L3 and the last proof of identity is too old.
    ProofTooOld,
}

/// Everything a server function can answer instead of a result. At most eight, so that every page can handle all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum AppError {
    SignedOut(SignedOut),
    NotAllowed {
        doing: String,
    },
    NotFound {
        what: String,
    },
    /// A rule said no, or values were wrong; `problems` name the fields where there are any.
    Refused {
        why: String,
        problems: Vec<Problem>,
    },
    TooMany {
        what: String,
        retry_after_s: u64,
    },
    /// The request was not one our pages send.
    Malformed {
        detail: String,
    },
    /// A system we need does not answer.
    Away {
        system: String,
        since: Option<Moment>,
        doing: String,
    },
    /// We were wrong. The log has the details under the request's id.
    Broken,
}

impl AppError {
    pub fn refused(why: impl fmt::Display) -> Self {
        Self::Refused { why: why.to_string(), problems: Vec::new() }
    }

    pub fn wrong(problems: Vec<Problem>) -> Self {
        let why = match problems.len() {
            1 => "One field needs another value; nothing was changed.".into(),
            n => format!("{n} fields need other values; nothing was changed."),
        };
        Self::Refused { why, problems }
    }

    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into() }
    }

    /// The HTTP status this error travels with.
    pub const fn status(&self) -> u16 {
        match self {
            Self::SignedOut(_) => 401,
            Self::NotAllowed { .. } => 403,
            Self::NotFound { .. } => 404,
            Self::Refused { .. } => 422,
            Self::TooMany { .. } => 429,
            Self::Malformed { .. } => 400,
            Self::Away { .. } => 503,
            Self::Broken => 500,
        }
    }

    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Refused { problems, .. } => problems,
            _ => &[],
        }
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignedOut(SignedOut::NoSession) => {
                f.write_str("You are not signed in, or your session has ended. Sign in to go on; nothing was changed.")
            }
            Self::SignedOut(SignedOut::CodeMissing) => {
                f.write_str("Your password was right. Enter the code from your authenticator to finish signing in.")
            }
            Self::SignedOut(SignedOut::SecondStepMissing) => {
                f.write_str("Your role must use a second step at sign-in. Set it up now to go on.")
            }
            Self::SignedOut(SignedOut::ProofTooOld) => {
                f.write_str("This needs a fresh proof that it is you. Enter your password again; nothing was changed.")
            }
            Self::NotAllowed { doing } => {
                write!(f, "Your role does not allow you to {doing}. Ask an administrator for it; nothing was changed.")
            }
            Self::NotFound { what } => write!(f, "There is no {what}. It may have been removed, or the address was mistyped."),
            Self::Refused { why, .. } => f.write_str(why),
            Self::TooMany { what, retry_after_s } => {
                write!(f, "{what} Try again in {}.", format_span(Duration::from_secs(*retry_after_s)))
            }
            Self::Malformed { detail } => write!(f, "The panel could not read this request: {detail}. Reload the page and try again."),
            Self::Away { system, since, doing } => {
                write!(f, "{system} does not answer")?;
                if let Some(since) = since {
                    write!(f, " since {} UTC", since.time_of_day())?;
                }
                write!(f, ", so the panel could not {doing}. Nothing was changed; the panel keeps trying and goes on by itself.")
            }
            Self::Broken => f.write_str(
                "The panel made a mistake and stopped this request. The log has the details under the request id below; other pages go on.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_says_what_to_do_next_and_ends_with_a_full_stop() {
        let all = [
            AppError::SignedOut(SignedOut::NoSession),
            AppError::SignedOut(SignedOut::CodeMissing),
            AppError::SignedOut(SignedOut::SecondStepMissing),
            AppError::SignedOut(SignedOut::ProofTooOld),
            AppError::NotAllowed { doing: "see users".into() },
            AppError::not_found("user 7"),
            AppError::wrong(vec![Problem::new("name", "", "a name")]),
            AppError::TooMany { what: "Too many tries for this name from your network.".into(), retry_after_s: 90 },
            AppError::Malformed { detail: "field `name` is missing".into() },
            AppError::Away { system: "The database".into(), since: Some(Moment::from_seconds(0)), doing: "list the users".into() },
            AppError::Broken,
        ];
        for error in all {
            let sentence = error.to_string();
            assert!(sentence.ends_with('.') && sentence.len() > 30, "{sentence}");
            assert!(!sentence.contains("went wrong"), "{sentence}");
            assert!((400..600).contains(&error.status()));
        }
    }

    #[test]
    fn an_error_survives_the_wire() {
        let error = AppError::Away { system: "The database".into(), since: Some(Moment::from_seconds(9)), doing: "x".into() };
        let json = serde_json::to_string(&error).expect("an enum of strings is JSON");
        assert_eq!(serde_json::from_str::<AppError>(&json).expect("what we wrote we read"), error);
    }
}
