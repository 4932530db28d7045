//! Roles and what each may do.

use serde::{Deserialize, Serialize};

/// One role per user. `Customer` signs in at the portal only, all others at the staff panel only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Admin,
    Noc,
    Rates,
    Billing,
    Viewer,
    Customer,
}

/// A door is a listener with its own cookie and its own list of server functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Door {
    Staff,
    Portal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Permission {
    /// The state of the panel itself.
    SeeSystem,
    /// Users: see, add, change role, disable, send a set-up link.
    ManageUsers,
    /// What everybody did.
    SeeAudit,
    /// Machines, networks and databases.
    SeeFleet,
    /// Calls that are up and calls that are over, with the numbers in them.
    SeeCalls,
    /// End somebody's call.
    HangUpCalls,
    SeeAlerts,
    /// Acknowledge, silence and assign alerts.
    HandleAlerts,
    /// Operations of everybody, and what one would do.
    SeeOperations,
    /// Start an operation, and cancel, pause or resolve one.
    RunOperations,
}

impl Role {
    pub const ALL: [Role; 6] = [Role::Admin, Role::Noc, Role::Rates, Role::Billing, Role::Viewer, Role::Customer];

    pub const fn name(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Noc => "noc",
            Role::Rates => "rates",
            Role::Billing => "billing",
            Role::Viewer => "viewer",
            Role::Customer => "customer",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    pub const fn door(self) -> Door {
        match self {
            Role::Admin | Role::Noc | Role::Rates | Role::Billing | Role::Viewer => Door::Staff,
            Role::Customer => Door::Portal,
        }
    }

    /// What the role is for, as shown beside it when one is chosen.
    pub const fn describe(self) -> &'static str {
        match self {
            Role::Admin => "everything, users included",
            Role::Noc => "machines, networks, calls, alerts and their operations",
            Role::Rates => "carriers' sheets, rate tables and routing",
            Role::Billing => "accounts, payments and disputes",
            Role::Viewer => "sees machines, volume and alerts, no numbers; changes nothing",
            Role::Customer => "the portal: own account only",
        }
    }

    /// The permission table.
    pub const fn may(self, permission: Permission) -> bool {
        match permission {
            Permission::SeeSystem => !matches!(self, Role::Customer),
            Permission::ManageUsers => matches!(self, Role::Admin),
            Permission::SeeAudit => matches!(self, Role::Admin | Role::Noc),
            Permission::SeeFleet | Permission::SeeAlerts | Permission::SeeOperations => !matches!(self, Role::Customer),
            Permission::SeeCalls => !matches!(self, Role::Customer | Role::Viewer),
            Permission::HangUpCalls | Permission::HandleAlerts | Permission::RunOperations => {
                matches!(self, Role::Admin | Role::Noc)
            }
        }
    }
}

impl Door {
    pub const fn name(self) -> &'static str {
        match self {
            Door::Staff => "staff",
            Door::Portal => "portal",
        }
    }
}

impl Permission {
    pub const ALL: [Permission; 10] = [
        Permission::SeeSystem,
        Permission::ManageUsers,
        Permission::SeeAudit,
        Permission::SeeFleet,
        Permission::SeeCalls,
        Permission::HangUpCalls,
        Permission::SeeAlerts,
        Permission::HandleAlerts,
        Permission::SeeOperations,
        Permission::RunOperations,
    ];

    /// Completes "Your role does not allow you to …".
    pub const fn doing(self) -> &'static str {
        match self {
            Permission::SeeSystem => "see the state of the panel",
            Permission::ManageUsers => "see or change users",
            Permission::SeeAudit => "read the audit log",
            Permission::SeeFleet => "see machines and networks",
            Permission::SeeCalls => "see calls",
            Permission::HangUpCalls => "end a call",
            Permission::SeeAlerts => "see alerts",
            Permission::HandleAlerts => "acknowledge or silence alerts",
            Permission::SeeOperations => "see operations",
            Permission::RunOperations => "run operations",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_may_do_nothing_at_the_staff_panel() {
        assert!(Permission::ALL.into_iter().all(|permission| !Role::Customer.may(permission)));
        assert_eq!(Role::Customer.door(), Door::Portal);
    }

    #[test]
    fn an_administrator_may_do_everything_and_nobody_else_manages_users() {
        assert!(Permission::ALL.into_iter().all(|permission| Role::Admin.may(permission)));
        assert_eq!(Role::ALL.into_iter().filter(|role| role.may(Permission::ManageUsers)).count(), 1);
    }

    #[test]
    fn names_are_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }
}
