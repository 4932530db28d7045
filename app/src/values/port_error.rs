//! How a foreign system failed us, in words.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How a foreign system failed us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortErrorKind {
    /// Nobody listens, or no way there.
    Refused,
    /// No answer within the deadline.
    TimedOut,
    /// The connection broke in the middle.
    Broken,
    /// An answer that is not what the system's protocol says.
    Garbage,
    /// It answers, but not in a version we understand.
    WrongVersion,
    /// It does not know our credentials, or they may not do this.
    Denied,
    /// Whoever answers is not who we know under this name (SSH host key).
    WrongIdentity,
    /// It understood, and says no.
    Failed,
    /// Ours to mend: a credential that cannot be read, a program that is not installed.
    NotConfigured,
}

/// A failure of a foreign system, in words: "kamailio-01 (JSON-RPC at 10.40.40.11:8060): no answer within 2 s while reading dispatcher.list".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{system}: {said} ({doing})")]
pub struct PortError {
    /// The system with its address: `kamailio-01 JSON-RPC 10.40.40.11:8060`.
    pub system: String,
    /// What was being done: `read dispatcher.list`.
    pub doing: String,
    pub kind: PortErrorKind,
    /// A clause that completes the sentence; never with a secret in it.
    pub said: String,
}

impl PortError {
    pub fn new(system: impl Into<String>, doing: impl Into<String>, kind: PortErrorKind, said: impl fmt::Display) -> Self {
        Self { system: system.into(), doing: doing.into(), kind, said: said.to_string() }
    }
}
