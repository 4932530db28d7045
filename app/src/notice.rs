//! A sentence carried from one request to the next page: the answer to a plain HTML form.
//!
//! A form posts to a server function, the answer is a redirect, and the page that follows shows this. It travels in a cookie
//! that the next page removes, so it works with scripts off and on any panel of several.

use crate::{error::AppError, error::Problem, limits, values::Tone};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub tone: Tone,
    pub text: String,
    /// The server function the form was sent to: the page shows the problems in that form.
    pub form: Option<String>,
    pub problems: Vec<Problem>,
    /// What the person had typed, so that nothing is lost; never a password, code or token.
    pub typed: Vec<(String, String)>,
}

impl Notice {
    pub fn done(text: impl Into<String>) -> Self {
        Self { tone: Tone::Good, text: text.into(), form: None, problems: Vec::new(), typed: Vec::new() }
    }

    pub fn failed(error: &AppError, form: &str, typed: Vec<(String, String)>) -> Self {
        let tone = match error {
            AppError::Broken | AppError::Away { .. } => Tone::Bad,
            _ => Tone::Notice,
        };
        let problems = error.problems().to_vec();
        Self { tone, text: error.to_string(), form: Some(form.into()), problems, typed }
    }

    /// JSON that fits a cookie; what was typed is dropped first, then the problems.
    pub fn to_json(&self) -> String {
        let write = |notice: &Self| serde_json::to_string(notice).expect("a notice is plain strings");
        let whole = write(self);
        if whole.len() <= limits::NOTICE_BYTES_MAX {
            return whole;
        }
        let short = write(&Self { typed: Vec::new(), ..self.clone() });
        if short.len() <= limits::NOTICE_BYTES_MAX {
            return short;
        }
        let text = self.text.chars().take(limits::NOTICE_BYTES_MAX / 8).collect();
        write(&Self { tone: self.tone, text, form: self.form.clone(), problems: Vec::new(), typed: Vec::new() })
    }

    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub fn typed(&self, field: &str) -> Option<&str> {
        self.typed.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str())
    }
}

/// Whether a form field may be repeated to the person after a refusal.
pub fn may_repeat(field: &str) -> bool {
    !["password", "code", "token", "secret"].iter().any(|secret| field.contains(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_always_fits_a_cookie_and_keeps_its_sentence() {
        let problems = vec![Problem::new("name", "x", "y"); 200];
        let notice = Notice { problems, typed: vec![("name".into(), "z".repeat(9_000))], ..Notice::done("Nothing was changed.") };
        let json = notice.to_json();
        assert!(json.len() <= limits::NOTICE_BYTES_MAX);
        assert_eq!(Notice::from_json(&json).expect("our own JSON").text, "Nothing was changed.");
        let endless = Notice::done("\u{1}".repeat(9_000)).to_json();
        assert!(endless.len() <= limits::NOTICE_BYTES_MAX, "{}", endless.len());
    }

    #[test]
    fn secrets_are_never_repeated() {
        assert!(may_repeat("name") && may_repeat("role"));
        for secret in ["password", "new_password", "code", "token", "recovery_code"] {
            assert!(!may_repeat(secret), "{secret}");
        }
    }
}
