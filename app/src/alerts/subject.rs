//! What an alert is about, and how bad it is.

use crate::values::Tone;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Not wrong yet; someone should know.
    Notice,
    /// Service is hurt, or will be within the hour; someone must act.
    Bad,
}

impl Severity {
    pub const ALL: [Severity; 2] = [Severity::Bad, Severity::Notice];

    pub const fn name(self) -> &'static str {
        match self {
            Severity::Notice => "notice",
            Severity::Bad => "bad",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == name)
    }

    pub const fn tone(self) -> Tone {
        match self {
            Severity::Notice => Tone::Notice,
            Severity::Bad => Tone::Bad,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    Machine,
    Host,
    Network,
    Cluster,
    Carrier,
    Customer,
    /// All traffic together.
    Traffic,
    /// Wirecenter itself.
    Panel,
}

impl SubjectKind {
    pub const ALL: [SubjectKind; 8] = [
        SubjectKind::Machine,
        SubjectKind::Host,
        SubjectKind::Network,
        SubjectKind::Cluster,
        SubjectKind::Carrier,
        SubjectKind::Customer,
        SubjectKind::Traffic,
        SubjectKind::Panel,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            SubjectKind::Machine => "machine",
            SubjectKind::Host => "host",
            SubjectKind::Network => "network",
            SubjectKind::Cluster => "cluster",
            SubjectKind::Carrier => "carrier",
            SubjectKind::Customer => "customer",
            SubjectKind::Traffic => "traffic",
            SubjectKind::Panel => "panel",
        }
    }
}

/// The thing an alert is about: `machine:kamailio-01`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject {
    pub kind: SubjectKind,
    pub name: String,
}

impl Subject {
    pub fn new(kind: SubjectKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }

    pub fn machine(name: impl Into<String>) -> Self {
        Self::new(SubjectKind::Machine, name)
    }

    pub fn panel() -> Self {
        Self::new(SubjectKind::Panel, "wirecenter")
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.name(), self.name)
    }
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a subject like machine:kamailio-01");
        let (kind, name) = text.split_once(':').ok_or_else(wrong)?;
        let kind = SubjectKind::ALL.into_iter().find(|known| known.name() == kind).ok_or_else(wrong)?;
        if name.is_empty() { Err(wrong()) } else { Ok(Self::new(kind, name)) }
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

impl TryFrom<String> for Subject {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_read_back_and_nonsense_is_not() {
        for kind in SubjectKind::ALL {
            let subject = Subject::new(kind, "a:b c");
            assert_eq!(subject.to_string().parse(), Ok(subject));
        }
        for nonsense in ["", "machine", "machine:", "weather:rain"] {
            assert!(nonsense.parse::<Subject>().is_err(), "{nonsense}");
        }
    }
}
