//! Every page of both doors in one table: its address, its title, who may see it, where the menu shows it. The menu, the palette,
//! the key map, the door's check and the browser tests all read it; `parse` and `path` are inverses.

use crate::{
    auth::{
        guards::Access,
        role::{Door, Permission},
    },
    values::{
        AlertId, OperationId, UserId,
        query::{decode_part, encode_part},
    },
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The start of a door: the staff panel goes on to its first page, the portal shows the account.
    Home,
    SignIn,
    /// The second step.
    Code,
    /// A set-up link with its token.
    SetUp(String),
    /// A fresh proof of identity.
    StepUp,
    Profile,
    /// Setting the second step up.
    Totp,
    /// Recovery codes, shown once.
    Codes,
    /// The first page of the staff: machines, networks, what flows, what is wrong.
    Map,
    Machine(String),
    Networks,
    Network(String),
    Databases,
    Calls,
    /// One call, by its reference.
    Call(String),
    Volume,
    Cdrs,
    Alerts,
    Alert(AlertId),
    Operations,
    /// A plan, to be confirmed.
    NewOperation,
    Operation(OperationId),
    System,
    Users,
    NewUser,
    User(UserId),
    Roles,
    Audit,
    Search,
    Gallery,
}

/// What the menu shows of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MenuItem {
    pub title: &'static str,
    pub icon: crate::ui::icon::Icon,
    /// Pressed after `g`.
    pub key: char,
    /// Said in the palette.
    pub about: &'static str,
}

impl Page {
    /// The pages of a door that have an address of their own, in the order of the menu. Examples stand for those with a part.
    pub fn list(door: Door) -> Vec<Page> {
        let both = [Page::SignIn, Page::Code, Page::SetUp("token".into()), Page::StepUp, Page::Profile, Page::Totp, Page::Codes];
        let staff = [
            Page::Home,
            Page::Map,
            Page::Machine("kamailio-01".into()),
            Page::Networks,
            Page::Network("voice".into()),
            Page::Databases,
            Page::Calls,
            Page::Call("reference".into()),
            Page::Volume,
            Page::Cdrs,
            Page::Alerts,
            Page::Alert(AlertId(1)),
            Page::Operations,
            Page::NewOperation,
            Page::Operation(OperationId(1)),
            Page::System,
            Page::Users,
            Page::NewUser,
            Page::User(UserId(1)),
            Page::Roles,
            Page::Audit,
            Page::Search,
            Page::Gallery,
        ];
        match door {
            Door::Staff => staff.into_iter().chain(both).collect(),
            Door::Portal => [Page::Home].into_iter().chain(both).collect(),
        }
    }

    pub fn path(&self) -> String {
        match self {
            Page::Home => "/".into(),
            Page::SignIn => "/sign-in".into(),
            Page::Code => "/sign-in/code".into(),
            Page::SetUp(token) => format!("/setup/{token}"),
            Page::StepUp => "/step-up".into(),
            Page::Profile => "/profile".into(),
            Page::Totp => "/profile/second-step".into(),
            Page::Codes => "/profile/recovery-codes".into(),
            Page::Map => "/map".into(),
            Page::Machine(name) => format!("/machines/{}", encode_part(name)),
            Page::Networks => "/networks".into(),
            Page::Network(name) => format!("/networks/{}", encode_part(name)),
            Page::Databases => "/databases".into(),
            Page::Calls => "/calls".into(),
            Page::Call(reference) => format!("/calls/{}", encode_part(reference)),
            Page::Volume => "/volume".into(),
            Page::Cdrs => "/cdrs".into(),
            Page::Alerts => "/alerts".into(),
            Page::Alert(id) => format!("/alerts/{id}"),
            Page::Operations => "/operations".into(),
            Page::NewOperation => "/operations/new".into(),
            Page::Operation(id) => format!("/operations/{id}"),
            Page::System => "/system".into(),
            Page::Users => "/users".into(),
            Page::NewUser => "/users/new".into(),
            Page::User(id) => format!("/users/{id}"),
            Page::Roles => "/roles".into(),
            Page::Audit => "/audit".into(),
            Page::Search => "/search".into(),
            Page::Gallery => "/gallery".into(),
        }
    }

    pub fn parse(door: Door, path: &str) -> Option<Page> {
        let mut parts = path.strip_prefix('/')?.split('/');
        let parts = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let page = match parts {
            ("", None, None) => Page::Home,
            ("sign-in", None, None) => Page::SignIn,
            ("sign-in", Some("code"), None) => Page::Code,
            ("setup", Some(token), None) if !token.is_empty() => Page::SetUp(token.into()),
            ("step-up", None, None) => Page::StepUp,
            ("profile", None, None) => Page::Profile,
            ("profile", Some("second-step"), None) => Page::Totp,
            ("profile", Some("recovery-codes"), None) => Page::Codes,
            ("map", None, None) => Page::Map,
            ("machines", Some(name), None) if !name.is_empty() => Page::Machine(decode_part(name)),
            ("networks", None, None) => Page::Networks,
            ("networks", Some(name), None) if !name.is_empty() => Page::Network(decode_part(name)),
            ("databases", None, None) => Page::Databases,
            ("calls", None, None) => Page::Calls,
            ("calls", Some(reference), None) if !reference.is_empty() => Page::Call(decode_part(reference)),
            ("volume", None, None) => Page::Volume,
            ("cdrs", None, None) => Page::Cdrs,
            ("alerts", None, None) => Page::Alerts,
            ("alerts", Some(id), None) => Page::Alert(AlertId(id.parse().ok()?)),
            ("operations", None, None) => Page::Operations,
            ("operations", Some("new"), None) => Page::NewOperation,
            ("operations", Some(id), None) => Page::Operation(OperationId(id.parse().ok()?)),
            ("system", None, None) => Page::System,
            ("users", None, None) => Page::Users,
            ("users", Some("new"), None) => Page::NewUser,
            ("users", Some(id), None) => Page::User(UserId(id.parse().ok()?)),
            ("roles", None, None) => Page::Roles,
            ("audit", None, None) => Page::Audit,
            ("search", None, None) => Page::Search,
            ("gallery", None, None) => Page::Gallery,
            _ => return None,
        };
        // A page exists at the doors that list one of its kind.
        let kind = std::mem::discriminant(&page);
        Page::list(door).iter().any(|listed| std::mem::discriminant(listed) == kind).then_some(page)
    }

    pub const fn access(&self) -> Access {
        match self {
            Page::SignIn | Page::SetUp(_) => Access::Anyone,
            Page::Code | Page::Totp => Access::AnyStage,
            Page::Home | Page::StepUp | Page::Profile | Page::Codes | Page::Search => Access::SignedIn,
            Page::Map | Page::Machine(_) | Page::Networks | Page::Network(_) | Page::Databases => {
                Access::Needs(Permission::SeeFleet)
            }
            Page::Calls | Page::Call(_) | Page::Volume | Page::Cdrs => Access::Needs(Permission::SeeCalls),
            Page::Alerts | Page::Alert(_) => Access::Needs(Permission::SeeAlerts),
            Page::Operations | Page::NewOperation | Page::Operation(_) => Access::Needs(Permission::SeeOperations),
            Page::System | Page::Gallery => Access::Needs(Permission::SeeSystem),
            Page::Users | Page::NewUser | Page::User(_) | Page::Roles => Access::Needs(Permission::ManageUsers),
            Page::Audit => Access::Needs(Permission::SeeAudit),
        }
    }

    /// What the menu says of it; `None` for pages that are reached from others.
    pub const fn menu(&self, door: Door) -> Option<MenuItem> {
        use crate::ui::icon::Icon;
        match (self, door) {
            (Page::Home, Door::Portal) => {
                Some(MenuItem { title: "Account", icon: Icon::Home, key: 'h', about: "your account at a glance" })
            }
            (Page::Map, _) => {
                Some(MenuItem { title: "Map", icon: Icon::Map, key: 'm', about: "machines, networks, what flows, what is wrong" })
            }
            (Page::Alerts, _) => Some(MenuItem {
                title: "Alerts",
                icon: Icon::Bell,
                key: 'e',
                about: "what is wrong, since when, who looks after it",
            }),
            (Page::Calls, _) => Some(MenuItem { title: "Calls", icon: Icon::Phone, key: 'c', about: "calls that are up now" }),
            (Page::Volume, _) => {
                Some(MenuItem { title: "Volume", icon: Icon::Chart, key: 'v', about: "attempts, ASR, NER, ACD, PDD over time" })
            }
            (Page::Cdrs, _) => {
                Some(MenuItem { title: "CDRs", icon: Icon::List, key: 'd', about: "calls that are over: search and export" })
            }
            (Page::Operations, _) => Some(MenuItem {
                title: "Operations",
                icon: Icon::Steps,
                key: 'o',
                about: "what runs and what ran: plan, journal, undo",
            }),
            (Page::Networks, _) => Some(MenuItem {
                title: "Networks",
                icon: Icon::Network,
                key: 'n',
                about: "isolation, proved; who is on which network",
            }),
            (Page::Databases, _) => Some(MenuItem {
                title: "Databases",
                icon: Icon::Database,
                key: 'b',
                about: "replication, lag, what a failover would lose",
            }),
            (Page::System, _) => {
                Some(MenuItem { title: "System", icon: Icon::System, key: 's', about: "the panel itself: database, tasks, load" })
            }
            (Page::Users, _) => {
                Some(MenuItem { title: "Users", icon: Icon::Users, key: 'u', about: "who may sign in, and their sessions" })
            }
            (Page::Roles, _) => {
                Some(MenuItem { title: "Roles", icon: Icon::Key, key: 'r', about: "what each role may do; second step by role" })
            }
            (Page::Audit, _) => {
                Some(MenuItem { title: "Audit", icon: Icon::Audit, key: 'a', about: "who did what, and the proof" })
            }
            (Page::Profile, _) => {
                Some(MenuItem { title: "Profile", icon: Icon::Person, key: 'p', about: "password, second step, own sessions" })
            }
            (Page::Gallery, _) => {
                Some(MenuItem { title: "Gallery", icon: Icon::Grid, key: 'y', about: "each component in each state (development)" })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_found_by_its_own_path() {
        for door in [Door::Staff, Door::Portal] {
            for page in Page::list(door) {
                assert_eq!(Page::parse(door, &page.path()), Some(page.clone()), "{page:?}");
            }
        }
    }

    #[test]
    fn staff_pages_do_not_exist_at_the_portal() {
        for page in Page::list(Door::Staff).into_iter().filter(|page| matches!(page.access(), Access::Needs(_))) {
            assert_eq!(Page::parse(Door::Portal, &page.path()), None, "{page:?}");
        }
    }

    #[test]
    fn nonsense_is_no_page() {
        for nonsense in ["", "users", "/users/x", "/users/1/2", "//evil.example", "/setup/", "/sign-in/", "/api/users/list"] {
            assert_eq!(Page::parse(Door::Staff, nonsense), None, "{nonsense:?}");
        }
    }

    #[test]
    fn each_key_of_the_menu_leads_to_one_page() {
        for door in [Door::Staff, Door::Portal] {
            let mut keys: Vec<char> = Page::list(door).iter().filter_map(|page| page.menu(door)).map(|item| item.key).collect();
            let all = keys.len();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), all);
        }
    }

    /// The addresses are a contract with people's bookmarks and with the browser tests; change the file together with the table.
    #[test]
    fn the_browser_tests_know_every_page() {
        let list = |door: Door| Page::list(door).iter().map(Page::path).collect::<Vec<_>>();
        let now = serde_json::json!({ "staff": list(Door::Staff), "portal": list(Door::Portal) });
        let known: serde_json::Value =
            serde_json::from_str(include_str!("../../end2end/pages.json")).expect("end2end/pages.json is JSON");
        assert_eq!(known, now, "write this into end2end/pages.json: {now:#}");
    }
}
