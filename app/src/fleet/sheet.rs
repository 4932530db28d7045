//! A page of the fleet as plain values: a first sentence, tables and lists. The server makes it anew at each wake-up; the browser only
//! draws it, so that its part stays small.

use crate::values::{Moment, Tone};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    /// How things are, in words.
    pub first: Said,
    pub parts: Vec<Part>,
    /// When the server made it.
    pub at: Moment,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub tone: Tone,
    pub word: String,
    pub sentence: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Part {
    Table(SheetTable),
    Lines(Lines),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SheetTable {
    pub title: String,
    /// Quiet, beside the title.
    pub note: String,
    /// The class of the section, for its style.
    pub class: String,
    pub columns: Vec<Head>,
    /// The first cell of a row is its head.
    pub rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub title: String,
    pub href: Option<String>,
    pub numeric: bool,
}

/// A list of sentences.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lines {
    pub title: String,
    pub note: String,
    pub lines: Vec<Line>,
    /// What stands there when there is none, and what to do about it.
    pub empty: (String, String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub tone: Tone,
    /// The state in a word; blank where the sentence says it.
    pub word: String,
    pub text: String,
    /// Quiet, below.
    pub below: String,
    pub at: Option<Moment>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// With a tone it is drawn as a state: tone, shape and word.
    pub tone: Option<Tone>,
    pub text: String,
    pub below: String,
    pub href: Option<String>,
    /// Shown as an age after the text.
    pub at: Option<Moment>,
    /// More of it, when pointed at.
    pub title: String,
    pub code: bool,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub fn state(tone: Tone, word: impl Into<String>) -> Self {
        Self { tone: Some(tone), ..Self::text(word) }
    }

    /// Addresses, positions: to be compared digit by digit.
    pub fn code(text: impl Into<String>) -> Self {
        Self { code: true, ..Self::text(text) }
    }

    pub fn unknown() -> Self {
        Self::text("–")
    }

    pub fn below(self, below: impl Into<String>) -> Self {
        Self { below: below.into(), ..self }
    }

    pub fn link(self, href: impl Into<String>) -> Self {
        Self { href: Some(href.into()), ..self }
    }

    pub fn at(self, at: Option<Moment>) -> Self {
        Self { at, ..self }
    }

    pub fn title(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }
}

impl Head {
    pub fn text(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    pub fn number(title: impl Into<String>) -> Self {
        Self { numeric: true, ..Self::text(title) }
    }

    pub fn link(self, href: impl Into<String>) -> Self {
        Self { href: Some(href.into()), ..self }
    }
}

impl Said {
    pub fn new(tone: Tone, word: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { tone, word: word.into(), sentence: sentence.into() }
    }
}

impl Sheet {
    pub fn without_inventory(now: Moment) -> Self {
        let sentence = "No inventory is loaded, so the panel does not know what there should be. Name its file in wirecenter.toml.";
        Self { first: Said::new(Tone::Idle, "unknown", sentence), parts: Vec::new(), at: now }
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).into(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_as_people_do() {
        assert_eq!([&[][..], &["a"], &["a", "b"], &["a", "b", "c"]].map(listed), ["", "a", "a and b", "a, b and c"]);
    }
}
