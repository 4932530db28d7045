//! What a person asks of an operation that was started.

use super::{journal::Resolution, refusal::Unable, run::Run};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    Cancel,
    Pause,
    Continue,
    Resolve { how: Resolution, words: String },
}

impl Run {
    /// Whether it can be done, or the sentence why not.
    pub fn can(&self, ask: &Ask) -> Result<(), Unable> {
        match ask {
            Ask::Cancel => self.can_cancel(),
            Ask::Pause => self.can_pause(),
            Ask::Continue => self.can_continue(),
            Ask::Resolve { .. } => self.can_resolve(),
        }
    }
}
