//! One signed-in browser: who, how far, and for how long.

use crate::{
    auth::role::Role,
    limits,
    values::{Moment, SessionHandle, UserId},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How far a sign-in has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// The password was right; the user has a second step and has not done it.
    CodeMissing,
    /// The password was right; the role requires a second step and the user has none yet.
    SecondStepMissing,
    Full,
}

/// What a session remembers of its person. The role is a copy: a change of role ends the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    pub user: UserId,
    pub name: String,
    pub role: Role,
    pub stage: Stage,
    pub signed_in_at: Moment,
    /// The last time the person proved who they are.
    pub proved_at: Moment,
    /// The secret of a second step being set up, in base 32; it counts once a code confirms it.
    pub totp_pending: Option<String>,
    /// Recovery codes the person was just given and has not yet said to have kept.
    pub codes_shown: Vec<String>,
}

/// Where a session stands between its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Good for this long without input; the absolute limit counts too.
    Live {
        left: Duration,
    },
    Idle,
    TooOld,
}

impl SignedIn {
    pub fn new(user: UserId, name: String, role: Role, stage: Stage, now: Moment) -> Self {
        Self { user, name, role, stage, signed_in_at: now, proved_at: now, totp_pending: None, codes_shown: Vec::new() }
    }

    /// Whether the last proof of identity is fresh enough for an operation of level L3.
    pub fn proved_lately(&self, now: Moment) -> bool {
        now.since(self.proved_at) <= limits::STEP_UP_LIFE
    }

    pub fn age(&self, last_input_at: Moment, now: Moment) -> Age {
        let (idle_max, life_max) = match self.stage {
            Stage::Full => (limits::SESSION_IDLE, limits::SESSION_LIFE),
            // Half a sign-in is worth nothing to keep.
            Stage::CodeMissing | Stage::SecondStepMissing => (limits::SESSION_HALF_LIFE, limits::SESSION_HALF_LIFE),
        };
        let (idle, life) = (now.since(last_input_at), now.since(self.signed_in_at));
        if life >= life_max {
            Age::TooOld
        } else if idle >= idle_max {
            Age::Idle
        } else {
            Age::Live { left: (idle_max - idle).min(life_max - life) }
        }
    }
}

/// A session as its owner, or an administrator, sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    pub handle: SessionHandle,
    pub signed_in_at: Moment,
    pub last_input_at: Moment,
    pub address: String,
    /// The browser's own description of itself, cut to something readable.
    pub agent: String,
    pub current: bool,
}

/// Live sessions at each door.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionCounts {
    pub staff: u64,
    pub customers: u64,
}

/// `Firefox on Linux`, from a User-Agent header; the header's text is shown where it says neither.
pub fn describe_agent(user_agent: &str) -> String {
    // Order matters: Chromium's descendants all say Chrome, and Chrome says Safari.
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.into(),
        _ if user_agent.is_empty() => "unnamed program".into(),
        _ => user_agent.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn admin(stage: Stage) -> SignedIn {
        SignedIn::new(UserId(1), "ada".into(), Role::Admin, stage, Moment::from_seconds(1_000))
    }

    #[test]
    fn thirty_minutes_without_input_end_a_session_and_input_keeps_it() {
        let who = admin(Stage::Full);
        let at = |seconds: i64| Moment::from_seconds(1_000 + seconds);
        assert_eq!(who.age(at(0), at(1_799)), Age::Live { left: Duration::from_secs(1) });
        assert_eq!(who.age(at(0), at(1_800)), Age::Idle);
        assert_eq!(who.age(at(1_700), at(1_800)), Age::Live { left: Duration::from_secs(1_700) });
    }

    #[test]
    fn twelve_hours_end_it_whatever_the_person_does() {
        let who = admin(Stage::Full);
        let end = Moment::from_seconds(1_000 + 12 * 3_600);
        assert_eq!(who.age(end, end), Age::TooOld);
    }

    #[test]
    fn half_a_sign_in_lives_five_minutes() {
        assert_eq!(admin(Stage::CodeMissing).age(Moment::from_seconds(1_299), Moment::from_seconds(1_300)), Age::TooOld);
    }

    #[test]
    fn a_proof_is_fresh_for_five_minutes() {
        let who = admin(Stage::Full);
        assert!(who.proved_lately(Moment::from_seconds(1_300)));
        assert!(!who.proved_lately(Moment::from_seconds(1_301)));
    }

    #[test]
    fn browsers_are_named_as_people_name_them() {
        let edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0";
        assert_eq!(describe_agent(edge), "Edge on Windows");
        assert_eq!(describe_agent("curl/8.0"), "curl");
        assert_eq!(describe_agent(""), "unnamed program");
    }

    proptest! {
        #[test]
        fn a_live_session_never_outlives_either_limit(input in 0i64..50_000, later in 0i64..50_000) {
            let who = admin(Stage::Full);
            let (input, now) = (Moment::from_seconds(1_000 + input), Moment::from_seconds(1_000 + input + later));
            if let Age::Live { left } = who.age(input, now) {
                prop_assert!(left <= limits::SESSION_IDLE && left > Duration::ZERO);
                let ended = !matches!(who.age(input, now.plus(left)), Age::Live { .. });
                prop_assert!(ended, "still live when its time was up");
            }
        }
    }
}
