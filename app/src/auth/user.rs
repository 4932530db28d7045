//! A user, and the rules for changing one.

use crate::{
    auth::role::Role,
    error::{AppError, Problem},
    values::{Level, Moment, Query, Tone, UserId},
};
use serde::{Deserialize, Serialize};

/// A user as an administrator sees one. Never carries a hash or a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    pub name: String,
    pub role: Role,
    pub state: UserState,
    pub totp: bool,
    pub created_at: Moment,
    pub last_signed_in_at: Option<Moment>,
    /// Signed-in browsers now.
    pub sessions: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserState {
    Active,
    /// Has a set-up link and no password yet.
    Invited,
    Disabled,
}

impl UserState {
    pub const ALL: [UserState; 3] = [UserState::Active, UserState::Invited, UserState::Disabled];

    pub const fn name(self) -> &'static str {
        match self {
            UserState::Active => "active",
            UserState::Invited => "invited",
            UserState::Disabled => "disabled",
        }
    }

    pub const fn tone(self) -> Tone {
        match self {
            UserState::Active => Tone::Good,
            UserState::Invited => Tone::Busy,
            UserState::Disabled => Tone::Idle,
        }
    }
}

/// Reads a user's name: 2 to 64 of letters, digits and `. _ - @`, starting with a letter or digit. Upper case is folded, so that
/// `Ada` and `ada` cannot be two people.
pub fn parse_name(text: &str) -> Result<String, Problem> {
    let name = text.trim().to_lowercase();
    let chars = name.chars().count();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
    if (2..=64).contains(&chars) && name.chars().all(allowed) && name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Ok(name)
    } else {
        let expected = "2 to 64 letters, digits or . _ - @, starting with a letter or digit";
        Err(Problem::new("name", text.chars().take(80).collect::<String>(), expected))
    }
}

/// What an administrator can do to a user. The level is what the dialog asks for and the server insists on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UserChange {
    Add,
    ChangeRole,
    /// Making somebody an administrator.
    Promote,
    Disable,
    Enable,
    SendLink,
    TotpOff,
    EndSessions,
}

impl UserChange {
    pub const ALL: [UserChange; 8] = [
        UserChange::Add,
        UserChange::ChangeRole,
        UserChange::Promote,
        UserChange::Disable,
        UserChange::Enable,
        UserChange::SendLink,
        UserChange::TotpOff,
        UserChange::EndSessions,
    ];

    pub const fn level(self) -> Level {
        match self {
            UserChange::Add | UserChange::Enable | UserChange::EndSessions | UserChange::ChangeRole => Level::L1,
            UserChange::Disable | UserChange::SendLink => Level::L2,
            UserChange::Promote | UserChange::TotpOff => Level::L3,
        }
    }
}

/// Why a change to a user is refused. The same sentence greys the button and answers the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserRefusal {
    #[error(
        "This is your own account: another administrator must do this, so that nobody locks the panel's last door from inside."
    )]
    Yourself,
    #[error("{name} is the last active administrator. Make somebody else an administrator first.")]
    LastAdmin { name: String },
    #[error("{name} is disabled already.")]
    AlreadyDisabled { name: String },
    #[error("{name} is not disabled.")]
    NotDisabled { name: String },
    #[error("{name} is {role} already.")]
    SameRole { name: String, role: &'static str },
    #[error("{name} signs in at the other door: staff cannot become customers, nor customers staff. Add a second user instead.")]
    OtherDoor { name: String },
    #[error("{name} has no second step.")]
    NoSecondStep { name: String },
    #[error("There is already a user named {name}. Choose another name.")]
    NameTaken { name: String },
}

impl From<UserRefusal> for AppError {
    fn from(refusal: UserRefusal) -> Self {
        let why = refusal.to_string();
        let problems = match &refusal {
            UserRefusal::NameTaken { name } => vec![Problem::new("name", name, "a name that is still free")],
            _ => Vec::new(),
        };
        AppError::Refused { why, problems }
    }
}

/// `active_admins` counts administrators who can sign in now.
pub fn can_disable(actor: Option<UserId>, user: &User, active_admins: u64) -> Result<(), UserRefusal> {
    let name = || user.name.clone();
    match user.state {
        UserState::Disabled => Err(UserRefusal::AlreadyDisabled { name: name() }),
        _ if actor == Some(user.id) => Err(UserRefusal::Yourself),
        _ if is_last_admin(user, active_admins) => Err(UserRefusal::LastAdmin { name: name() }),
        _ => Ok(()),
    }
}

pub fn can_enable(user: &User) -> Result<(), UserRefusal> {
    if user.state == UserState::Disabled { Ok(()) } else { Err(UserRefusal::NotDisabled { name: user.name.clone() }) }
}

pub fn can_change_role(actor: Option<UserId>, user: &User, role: Role, active_admins: u64) -> Result<(), UserRefusal> {
    let name = || user.name.clone();
    if user.role == role {
        Err(UserRefusal::SameRole { name: name(), role: role.name() })
    } else if user.role.door() != role.door() {
        Err(UserRefusal::OtherDoor { name: name() })
    } else if actor == Some(user.id) {
        Err(UserRefusal::Yourself)
    } else if is_last_admin(user, active_admins) {
        Err(UserRefusal::LastAdmin { name: name() })
    } else {
        Ok(())
    }
}

pub fn can_switch_totp_off(actor: Option<UserId>, user: &User) -> Result<(), UserRefusal> {
    if !user.totp {
        Err(UserRefusal::NoSecondStep { name: user.name.clone() })
    } else if actor == Some(user.id) {
        Err(UserRefusal::Yourself)
    } else {
        Ok(())
    }
}

fn is_last_admin(user: &User, active_admins: u64) -> bool {
    user.role == Role::Admin && user.state == UserState::Active && active_admins <= 1
}

/// Which users a page lists, and in what order; the whole of it stands in the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFilter {
    /// Part of a name.
    pub q: Option<String>,
    pub role: Option<Role>,
    pub state: Option<UserState>,
}

impl UserFilter {
    pub fn from_query(query: &Query) -> Self {
        Self {
            q: query.get("q").map(str::to_lowercase),
            role: query.get("role").and_then(Role::parse),
            state: query.get("state").and_then(|name| UserState::ALL.into_iter().find(|state| state.name() == name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(role: Role, state: UserState) -> User {
        User {
            id: UserId(7),
            name: "ada".into(),
            role,
            state,
            totp: true,
            created_at: Moment::EPOCH,
            last_signed_in_at: None,
            sessions: 0,
        }
    }

    #[test]
    fn names_are_folded_and_odd_ones_refused() {
        assert_eq!(parse_name("  Ada.Lovelace@noc "), Ok("ada.lovelace@noc".into()));
        for bad in ["", "a", ".ada", "ada lovelace", "ada/..", "аda", &"x".repeat(65)] {
            assert!(parse_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_last_administrator_cannot_be_disabled_or_demoted() {
        let last = user(Role::Admin, UserState::Active);
        assert_eq!(can_disable(None, &last, 1), Err(UserRefusal::LastAdmin { name: "ada".into() }));
        assert_eq!(can_change_role(None, &last, Role::Noc, 1), Err(UserRefusal::LastAdmin { name: "ada".into() }));
        assert_eq!(can_disable(None, &last, 2), Ok(()));
    }

    #[test]
    fn nobody_disables_demotes_or_weakens_themselves() {
        let me = user(Role::Admin, UserState::Active);
        assert_eq!(can_disable(Some(me.id), &me, 5), Err(UserRefusal::Yourself));
        assert_eq!(can_change_role(Some(me.id), &me, Role::Noc, 5), Err(UserRefusal::Yourself));
        assert_eq!(can_switch_totp_off(Some(me.id), &me), Err(UserRefusal::Yourself));
    }

    #[test]
    fn staff_and_customers_never_change_doors() {
        let customer = user(Role::Customer, UserState::Active);
        assert_eq!(can_change_role(None, &customer, Role::Viewer, 5), Err(UserRefusal::OtherDoor { name: "ada".into() }));
        let noc = user(Role::Noc, UserState::Active);
        assert_eq!(can_change_role(None, &noc, Role::Customer, 5), Err(UserRefusal::OtherDoor { name: "ada".into() }));
        assert_eq!(can_change_role(None, &noc, Role::Rates, 5), Ok(()));
    }

    #[test]
    fn what_cannot_be_taken_back_asks_for_more_than_a_click() {
        for change in UserChange::ALL {
            assert!(change.level() >= Level::L1, "{change:?} changes what others see");
        }
        assert_eq!(UserChange::Promote.level(), Level::L3);
        assert_eq!(UserChange::TotpOff.level(), Level::L3);
        assert_eq!(UserChange::Disable.level(), Level::L2);
    }

    #[test]
    fn a_filter_ignores_what_it_does_not_know() {
        let filter = UserFilter::from_query(&Query::parse("q=Ad&role=king&state=disabled"));
        assert_eq!(filter, UserFilter { q: Some("ad".into()), role: None, state: Some(UserState::Disabled) });
    }
}
