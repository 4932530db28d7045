//! The five tones. Every state enum maps to one by an exhaustive `tone()`; a state is always tone, shape and word together.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// As it should be.
    Good,
    /// Working on it; will change by itself.
    Busy,
    /// Not wrong yet; someone should know.
    Notice,
    /// Wrong; someone must act.
    Bad,
    /// Not in use, or not known.
    Idle,
}

impl Tone {
    pub const ALL: [Tone; 5] = [Tone::Good, Tone::Busy, Tone::Notice, Tone::Bad, Tone::Idle];

    /// The class in the style sheet and the name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Busy => "busy",
            Tone::Notice => "notice",
            Tone::Bad => "bad",
            Tone::Idle => "idle",
        }
    }
}
