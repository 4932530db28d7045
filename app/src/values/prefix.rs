//! The leading digits of E.164 numbers. Text, never a number: `0044` and `44` are different things until somebody says so.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// E.164 allows 15 digits; no prefix is longer than a number.
pub const DIGITS_MAX: usize = 15;

/// One to fifteen digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix(String);

impl Prefix {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether numbers that begin with `self` begin with `other` too.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Itself, then ever shorter: the order in which the longest match is found.
    pub fn and_shorter(&self) -> impl Iterator<Item = &str> {
        (1..=self.0.len()).rev().map(|len| &self.0[..len])
    }
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = !text.is_empty() && text.len() <= DIGITS_MAX && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { Ok(Self(text.into())) } else { Err(format!("{text:?} is not a prefix: one to fifteen digits")) }
    }
}

impl TryFrom<String> for Prefix {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_digits_and_nothing_else() {
        for wrong in ["", "+44", "44 20", "4.47E+11", "1234567890123456", "４４"] {
            assert!(wrong.parse::<Prefix>().is_err(), "{wrong}");
        }
        let london: Prefix = "4420".parse().expect("digits");
        assert_eq!(london.and_shorter().collect::<Vec<_>>(), ["4420", "442", "44", "4"]);
        assert!(london.is_within(&"44".parse().expect("digits")) && !london.is_within(&"45".parse().expect("digits")));
    }
}
