//! The audit log: who, from where, what, before → after, result. Append-only and chained: each row's hash covers the row and the
//! hash before it, and the head of the chain is kept apart, so an edited, removed, inserted or reordered row is found, the last
//! one included.

use crate::values::{Moment, Query, Tone};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

/// The hash before the first row.
pub const GENESIS: Hash = [0; 32];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Done,
    Refused,
}

impl Outcome {
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Refused => "refused",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Outcome::Done, Outcome::Refused].into_iter().find(|outcome| outcome.name() == name)
    }

    pub const fn tone(self) -> Tone {
        match self {
            Outcome::Done => Tone::Good,
            Outcome::Refused => Tone::Notice,
        }
    }
}

/// What happened. The text in the log is `name()`; add here, never rename: old rows keep their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    SignIn,
    SignInCode,
    SignOut,
    StepUp,
    SessionEnd,
    SetUp,
    PasswordChange,
    TotpOn,
    TotpOff,
    RecoveryCodes,
    UserAdd,
    UserRole,
    UserDisable,
    UserEnable,
    UserLink,
    RoleRule,
    CallHangUp,
    AlertAcknowledge,
    AlertAssign,
    AlertSilence,
    AlertUnsilence,
    SilenceAdd,
    SilenceEnd,
    HostKeyPin,
    HostKeyRemove,
    OperationStart,
    OperationCancel,
    OperationPause,
    OperationContinue,
    OperationResolve,
}

impl Action {
    pub const ALL: [Action; 30] = [
        Action::SignIn,
        Action::SignInCode,
        Action::SignOut,
        Action::StepUp,
        Action::SessionEnd,
        Action::SetUp,
        Action::PasswordChange,
        Action::TotpOn,
        Action::TotpOff,
        Action::RecoveryCodes,
        Action::UserAdd,
        Action::UserRole,
        Action::UserDisable,
        Action::UserEnable,
        Action::UserLink,
        Action::RoleRule,
        Action::CallHangUp,
        Action::AlertAcknowledge,
        Action::AlertAssign,
        Action::AlertSilence,
        Action::AlertUnsilence,
        Action::SilenceAdd,
        Action::SilenceEnd,
        Action::HostKeyPin,
        Action::HostKeyRemove,
        Action::OperationStart,
        Action::OperationCancel,
        Action::OperationPause,
        Action::OperationContinue,
        Action::OperationResolve,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Action::SignIn => "sign_in",
            Action::SignInCode => "sign_in_code",
            Action::SignOut => "sign_out",
            Action::StepUp => "step_up",
            Action::SessionEnd => "session_end",
            Action::SetUp => "set_up",
            Action::PasswordChange => "password_change",
            Action::TotpOn => "totp_on",
            Action::TotpOff => "totp_off",
            Action::RecoveryCodes => "recovery_codes",
            Action::UserAdd => "user_add",
            Action::UserRole => "user_role",
            Action::UserDisable => "user_disable",
            Action::UserEnable => "user_enable",
            Action::UserLink => "user_link",
            Action::RoleRule => "role_rule",
            Action::CallHangUp => "call_hang_up",
            Action::AlertAcknowledge => "alert_acknowledge",
            Action::AlertAssign => "alert_assign",
            Action::AlertSilence => "alert_silence",
            Action::AlertUnsilence => "alert_unsilence",
            Action::SilenceAdd => "silence_add",
            Action::SilenceEnd => "silence_end",
            Action::HostKeyPin => "host_key_pin",
            Action::HostKeyRemove => "host_key_remove",
            Action::OperationStart => "operation_start",
            Action::OperationCancel => "operation_cancel",
            Action::OperationPause => "operation_pause",
            Action::OperationContinue => "operation_continue",
            Action::OperationResolve => "operation_resolve",
        }
    }
}

/// A row before it has its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub actor: String,
    pub address: String,
    pub request: String,
    pub action: Action,
    pub subject: String,
    pub before: Option<String>,
    pub after: Option<String>,
    pub outcome: Outcome,
}

/// A row of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// 1, 2, 3 … without a gap.
    pub seq: u64,
    pub at: Moment,
    pub actor: String,
    pub address: String,
    pub request: String,
    pub action: String,
    pub subject: String,
    pub before: Option<String>,
    pub after: Option<String>,
    pub outcome: Outcome,
}

impl Entry {
    pub fn from_draft(draft: Draft, seq: u64, at: Moment) -> Self {
        let Draft { actor, address, request, action, subject, before, after, outcome } = draft;
        Self { seq, at, actor, address, request, action: action.name().into(), subject, before, after, outcome }
    }

    /// The row's hash on top of the one before. Every field is preceded by its length, so that no two different rows can be
    /// written the same way.
    pub fn hash(&self, previous: &Hash) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(previous);
        hasher.update(self.seq.to_be_bytes());
        hasher.update(self.at.micros().to_be_bytes());
        let mut field = |text: Option<&str>| match text {
            Some(text) => {
                hasher.update([1]);
                hasher.update((text.len() as u64).to_be_bytes());
                hasher.update(text.as_bytes());
            }
            None => hasher.update([0]),
        };
        for text in [&self.actor, &self.address, &self.request, &self.action, &self.subject] {
            field(Some(text));
        }
        field(self.before.as_deref());
        field(self.after.as_deref());
        field(Some(self.outcome.name()));
        hasher.finalize().into()
    }
}

/// The first place where the chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Break {
    #[error("Row {expected} is missing: after row {after} comes row {found}.", after = expected - 1)]
    Missing { expected: u64, found: u64 },
    #[error("Row {seq} is not what was written: its contents do not match its hash, or a row before it was changed.")]
    Changed { seq: u64 },
    #[error("The log ends at row {found}, but row {expected} was written: the last rows were removed.")]
    CutOff { expected: u64, found: u64 },
    #[error("The head of the log does not match its last row, {seq}.")]
    HeadChanged { seq: u64 },
}

/// Checks the chain row by row, in constant memory.
#[derive(Debug)]
pub struct Verifier {
    rows: u64,
    last: Hash,
}

impl Default for Verifier {
    fn default() -> Self {
        Self { rows: 0, last: GENESIS }
    }
}

impl Verifier {
    pub fn next(&mut self, entry: &Entry, stored: &Hash) -> Result<(), Break> {
        let expected = self.rows + 1;
        if entry.seq != expected {
            return Err(Break::Missing { expected, found: entry.seq });
        }
        let hash = entry.hash(&self.last);
        if hash != *stored {
            return Err(Break::Changed { seq: entry.seq });
        }
        self.rows = entry.seq;
        self.last = hash;
        Ok(())
    }

    /// `head` is the last row's number and hash as kept apart from the rows. Gives the number of rows.
    pub fn finish(self, head: (u64, Hash)) -> Result<u64, Break> {
        match head {
            (seq, _) if seq != self.rows => Err(Break::CutOff { expected: seq, found: self.rows }),
            (seq, hash) if hash != self.last => Err(Break::HeadChanged { seq }),
            _ => Ok(self.rows),
        }
    }
}

/// Which rows a page or an export shows; the whole of it stands in the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Part of the actor, the subject, the address, the request id, or a value before or after.
    pub q: Option<String>,
    pub action: Option<String>,
    pub outcome: Option<Outcome>,
    pub from: Option<Moment>,
    pub until: Option<Moment>,
}

impl AuditFilter {
    pub fn from_query(query: &Query) -> Self {
        Self {
            q: query.get("q").map(Into::into),
            action: query.get("action").filter(|name| Action::ALL.iter().any(|action| action.name() == *name)).map(Into::into),
            outcome: query.get("outcome").and_then(Outcome::parse),
            from: query.get("from").and_then(Moment::parse),
            until: query.get("until").and_then(Moment::parse),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(seq: u64, subject: &str) -> Entry {
        let draft = Draft {
            actor: "ada".into(),
            address: "203.0.113.7".into(),
            request: "r".into(),
            action: Action::UserRole,
            subject: subject.into(),
            before: Some("noc".into()),
            after: Some("admin".into()),
            outcome: Outcome::Done,
        };
        Entry::from_draft(draft, seq, Moment::from_seconds(seq.try_into().expect("small")))
    }

    fn chain(rows: u64) -> Vec<(Entry, Hash)> {
        let mut last = GENESIS;
        (1..=rows)
            .map(|seq| {
                let entry = entry(seq, &format!("user{seq}"));
                last = entry.hash(&last);
                (entry, last)
            })
            .collect()
    }

    fn verify(rows: &[(Entry, Hash)], head: (u64, Hash)) -> Result<u64, Break> {
        let mut verifier = Verifier::default();
        for (entry, hash) in rows {
            verifier.next(entry, hash)?;
        }
        verifier.finish(head)
    }

    fn head(rows: &[(Entry, Hash)]) -> (u64, Hash) {
        rows.last().map_or((0, GENESIS), |(entry, hash)| (entry.seq, *hash))
    }

    #[test]
    fn an_untouched_log_holds_and_an_empty_one_too() {
        let rows = chain(20);
        assert_eq!(verify(&rows, head(&rows)), Ok(20));
        assert_eq!(verify(&[], (0, GENESIS)), Ok(0));
    }

    #[test]
    fn a_row_removed_at_the_end_is_found_by_the_head() {
        let rows = chain(20);
        assert_eq!(verify(&rows[..19], head(&rows)), Err(Break::CutOff { expected: 20, found: 19 }));
    }

    #[test]
    fn neighbouring_fields_cannot_lend_each_other_characters() {
        let (mut a, mut b) = (entry(1, "bc"), entry(1, "c"));
        a.action = "a".into();
        b.action = "ab".into();
        assert_ne!(a.hash(&GENESIS), b.hash(&GENESIS));
        let (mut none, mut blank) = (entry(1, "x"), entry(1, "x"));
        none.before = None;
        blank.before = Some(String::new());
        assert_ne!(none.hash(&GENESIS), blank.hash(&GENESIS));
    }

    proptest! {
        #[test]
        fn any_edit_removal_or_swap_breaks_the_chain(rows in 2u64..30, at in 0usize..29, what in 0u8..7, other in 0usize..29) {
            let whole = chain(rows);
            let (at, other) = (at % whole.len(), other % whole.len());
            let mut touched = whole.clone();
            match what {
                0 => touched[at].0.actor.push('x'),
                1 => touched[at].0.after = None,
                2 => touched[at].0.at = Moment::EPOCH,
                3 => { touched.remove(at); }
                4 => touched.swap(at, other),
                5 => touched[at].1[7] ^= 1,
                _ => touched[at].0.outcome = Outcome::Refused,
            }
            let changed = touched != whole;
            prop_assert_eq!(verify(&touched, head(&whole)).is_err(), changed);
        }

        #[test]
        fn even_a_rewritten_tail_is_found_by_the_head(rows in 2u64..30, at in 0usize..29) {
            let whole = chain(rows);
            let at = at % whole.len();
            let mut touched = whole.clone();
            touched[at].0.actor = "nobody".into();
            for i in at..touched.len() {
                let last = if i == 0 { GENESIS } else { touched[i - 1].1 };
                touched[i].1 = touched[i].0.hash(&last);
            }
            prop_assert!(verify(&touched, head(&whole)).is_err());
        }
    }
}
