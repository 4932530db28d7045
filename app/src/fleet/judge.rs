//! How a machine is, from what was observed of it: a state, and every finding that made it so.

use crate::values::{Moment, Tone};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MachineState {
    Good,
    /// Something is under way that will end by itself.
    Busy,
    Notice,
    /// Not looked at for three rounds, or not yet.
    Unknown,
    Bad,
}

impl MachineState {
    pub const fn word(self) -> &'static str {
        match self {
            MachineState::Good => "good",
            MachineState::Busy => "busy",
            MachineState::Notice => "notice",
            MachineState::Unknown => "unknown",
            MachineState::Bad => "bad",
        }
    }

    pub const fn tone(self) -> Tone {
        match self {
            MachineState::Good => Tone::Good,
            MachineState::Busy => Tone::Busy,
            MachineState::Notice => Tone::Notice,
            MachineState::Unknown => Tone::Idle,
            MachineState::Bad => Tone::Bad,
        }
    }
}

/// One thing that is not as it should be, in a sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind of thing: `service.away`, `replica.behind`, `disk.full`. The same key on the same machine is the same finding.
    pub key: String,
    pub severity: MachineState,
    /// "MariaDB on mariadb-02 is 31 s behind mariadb-01."
    pub message: String,
    /// What was measured or answered, word for word.
    pub evidence: String,
    pub since: Option<Moment>,
}

/// A machine, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    pub name: String,
    pub state: MachineState,
    /// The newest look that worked.
    pub observed_at: Option<Moment>,
    pub findings: Vec<Finding>,
}
