//! The guard table: every server function, the doors it exists at and who may call it. A function without a line here does not
//! start; a line without a function fails the test of the registry. The door checks it before a body is read, and the function
//! checks it again, because pages call functions without passing the door.

use crate::{
    auth::{
        role::{Door, Permission},
        session::{SignedIn, Stage},
    },
    error::{AppError, SignedOut},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doors {
    Staff,
    Portal,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nobody needs to be signed in.
    Anyone,
    /// A session at any stage: the second step itself, setting it up, signing out.
    AnyStage,
    /// Whoever is fully signed in, for their own things.
    SignedIn,
    Needs(Permission),
}

#[derive(Clone, Copy, Debug)]
pub struct Guard {
    /// The path of the server function.
    pub path: &'static str,
    pub doors: Doors,
    pub access: Access,
}

const fn both(path: &'static str, access: Access) -> Guard {
    Guard { path, doors: Doors::Both, access }
}

const fn staff(path: &'static str, permission: Permission) -> Guard {
    Guard { path, doors: Doors::Staff, access: Access::Needs(permission) }
}

use Permission::{
    HandleAlerts, HangUpCalls, ManageUsers, RunOperations, SeeAlerts, SeeAudit, SeeCalls, SeeFleet, SeeOperations, SeeSystem,
};

pub const GUARDS: &[Guard] = &[
    both("/api/look/set", Access::Anyone),
    both("/api/session/sign-in", Access::Anyone),
    both("/api/session/code", Access::AnyStage),
    both("/api/session/sign-out", Access::AnyStage),
    both("/api/session/step-up", Access::SignedIn),
    both("/api/session/input", Access::SignedIn),
    both("/api/session/left", Access::SignedIn),
    both("/api/session/own", Access::SignedIn),
    both("/api/session/end", Access::SignedIn),
    both("/api/session/end-others", Access::SignedIn),
    both("/api/setup/open", Access::Anyone),
    both("/api/setup/finish", Access::Anyone),
    both("/api/profile/get", Access::SignedIn),
    both("/api/profile/password", Access::SignedIn),
    both("/api/totp/begin", Access::AnyStage),
    both("/api/totp/confirm", Access::AnyStage),
    both("/api/totp/off", Access::SignedIn),
    both("/api/totp/codes", Access::SignedIn),
    both("/api/totp/codes-kept", Access::SignedIn),
    staff("/api/users/list", ManageUsers),
    staff("/api/users/get", ManageUsers),
    staff("/api/users/add", ManageUsers),
    staff("/api/users/role", ManageUsers),
    staff("/api/users/disable", ManageUsers),
    staff("/api/users/enable", ManageUsers),
    staff("/api/users/link", ManageUsers),
    staff("/api/users/totp-off", ManageUsers),
    staff("/api/users/end-sessions", ManageUsers),
    staff("/api/roles/list", ManageUsers),
    staff("/api/roles/require-totp", ManageUsers),
    staff("/api/audit/list", SeeAudit),
    staff("/api/audit/verify", SeeAudit),
    both("/api/system/database", Access::SignedIn),
    staff("/api/system/get", SeeSystem),
    staff("/api/system/history", SeeSystem),
    staff("/api/fleet/map", SeeFleet),
    staff("/api/fleet/board", SeeFleet),
    staff("/api/fleet/blast", SeeFleet),
    staff("/api/fleet/machine", SeeFleet),
    staff("/api/fleet/changes", SeeFleet),
    staff("/api/calls/live", SeeCalls),
    staff("/api/calls/one", SeeCalls),
    staff("/api/calls/counts", SeeCalls),
    staff("/api/calls/hang-up", HangUpCalls),
    staff("/api/calls/cdrs", SeeCalls),
    staff("/api/calls/cdr", SeeCalls),
    staff("/api/calls/volume", SeeCalls),
    staff("/api/fleet/networks", SeeFleet),
    staff("/api/fleet/network", SeeFleet),
    staff("/api/fleet/databases", SeeFleet),
    staff("/api/fleet/measures", SeeFleet),
    staff("/api/alerts/firing", SeeAlerts),
    staff("/api/alerts/list", SeeAlerts),
    staff("/api/alerts/get", SeeAlerts),
    staff("/api/alerts/acknowledge", HandleAlerts),
    staff("/api/alerts/assign", HandleAlerts),
    staff("/api/alerts/silence", HandleAlerts),
    staff("/api/alerts/unsilence", HandleAlerts),
    staff("/api/silences/list", SeeAlerts),
    staff("/api/silences/add", HandleAlerts),
    staff("/api/silences/end", HandleAlerts),
    staff("/api/operations/offers", SeeOperations),
    staff("/api/operations/plan", SeeOperations),
    staff("/api/operations/list", SeeOperations),
    staff("/api/operations/show", SeeOperations),
    staff("/api/operations/start", RunOperations),
    staff("/api/operations/cancel", RunOperations),
    staff("/api/operations/pause", RunOperations),
    staff("/api/operations/continue", RunOperations),
    staff("/api/operations/resolve", RunOperations),
];

impl Guard {
    pub fn find(path: &str) -> Option<&'static Guard> {
        GUARDS.iter().find(|guard| guard.path == path)
    }

    pub const fn opens_at(&self, door: Door) -> bool {
        matches!((self.doors, door), (Doors::Both, _) | (Doors::Staff, Door::Staff) | (Doors::Portal, Door::Portal))
    }
}

impl Access {
    /// The one decision, for the door, the function, the page and the greyed button alike.
    pub fn allows(self, who: Option<&SignedIn>) -> Result<(), AppError> {
        if self == Access::Anyone {
            return Ok(());
        }
        let who = who.ok_or(AppError::SignedOut(SignedOut::NoSession))?;
        match (self, who.stage) {
            (Access::Anyone | Access::AnyStage, _) => Ok(()),
            (_, Stage::CodeMissing) => Err(AppError::SignedOut(SignedOut::CodeMissing)),
            (_, Stage::SecondStepMissing) => Err(AppError::SignedOut(SignedOut::SecondStepMissing)),
            (Access::SignedIn, Stage::Full) => Ok(()),
            (Access::Needs(permission), Stage::Full) if who.role.may(permission) => Ok(()),
            (Access::Needs(permission), Stage::Full) => Err(AppError::NotAllowed { doing: permission.doing().into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::role::Role, values::Moment, values::UserId};

    fn who(role: Role, stage: Stage) -> SignedIn {
        SignedIn::new(UserId(1), "x".into(), role, stage, Moment::EPOCH)
    }

    #[test]
    fn each_function_has_one_line() {
        for (i, guard) in GUARDS.iter().enumerate() {
            assert!(GUARDS[i + 1..].iter().all(|other| other.path != guard.path), "{} twice", guard.path);
            assert!(guard.path.starts_with("/api/"), "{}", guard.path);
        }
    }

    #[test]
    fn nothing_that_needs_a_permission_opens_at_the_portal() {
        for guard in GUARDS.iter().filter(|guard| matches!(guard.access, Access::Needs(_))) {
            assert!(!guard.opens_at(Door::Portal), "{}", guard.path);
        }
    }

    #[test]
    fn half_signed_in_people_reach_only_what_finishes_signing_in() {
        for stage in [Stage::CodeMissing, Stage::SecondStepMissing] {
            assert!(Access::AnyStage.allows(Some(&who(Role::Admin, stage))).is_ok());
            assert!(Access::SignedIn.allows(Some(&who(Role::Admin, stage))).is_err());
            assert!(Access::Needs(SeeSystem).allows(Some(&who(Role::Admin, stage))).is_err());
        }
    }

    #[test]
    fn the_table_decides_by_permission() {
        assert!(Access::Needs(SeeAudit).allows(Some(&who(Role::Noc, Stage::Full))).is_ok());
        let refused = Access::Needs(ManageUsers).allows(Some(&who(Role::Noc, Stage::Full)));
        assert_eq!(refused, Err(AppError::NotAllowed { doing: "see or change users".into() }));
        assert_eq!(Access::SignedIn.allows(None), Err(AppError::SignedOut(SignedOut::NoSession)));
        assert!(Access::Anyone.allows(None).is_ok());
    }
}
