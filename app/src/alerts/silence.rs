//! Silences: a person says that for a while nothing is to be told about a rule or a subject. What is silent is still shown.

use super::alert::Alert;
use crate::values::Moment;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longer, and it is forgotten; it can be made again.
pub const SILENCE_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The milliseconds of its making.
    pub id: u64,
    /// `replica.*`, `*`; a star stands for anything.
    pub rule: String,
    /// `machine:asterisk-*`.
    pub subject: String,
    pub until: Moment,
    pub by: String,
    pub created_at: Moment,
    pub comment: String,
    pub ended_at: Option<Moment>,
}

impl Silence {
    pub fn counts(&self, now: Moment) -> bool {
        self.ended_at.is_none() && self.until > now
    }

    pub fn covers(&self, alert: &Alert, now: Moment) -> bool {
        self.counts(now) && matches(&self.rule, &alert.key) && matches(&self.subject, &alert.subject.to_string())
    }
}

/// Whether `text` fits `pattern`, in which a star stands for any text.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_the_rest_for_itself() {
        for (pattern, text, fits) in [
            ("replica.*", "replica.behind", true),
            ("replica.*", "machine.away", false),
            ("*", "", true),
            ("*:asterisk-*", "machine:asterisk-01", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c", false),
            ("ab*ba", "aba", false),
            ("machine:a", "machine:ab", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
