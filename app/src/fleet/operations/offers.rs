//! Which operations are offered on what, and what a form asks for each. The operations' own nouns judge what was chosen.

use super::{
    database::{ERRANT, KILL_TRANSACTIONS, TARGET, WITHOUT_CLIENTS},
    rehearse::DRY_RUN,
    switch::{ACCEPT_NO_ROUTE, WITHIN_S, WITHOUT},
};
use crate::{
    fleet::inventory::{Inventory, Role},
    operations::{
        kind::{OperationKind, SubjectSort},
        refusal::DESPITE_COOL_DOWN,
        setting::{Setting, SettingSort},
    },
};

/// What the form of this kind asks for. A setting that has no line here still gets a field when a link names it.
pub fn settings(kind: OperationKind) -> Vec<Setting> {
    let names = "proxies that are left as they are, with commas between them";
    let without = || Setting::new(WITHOUT, "Without", names, SettingSort::Names);
    let no_route = "calls then fail where no other way is active";
    let accept = || Setting::new(ACCEPT_NO_ROUTE, "Take the last way out too", no_route, SettingSort::YesNo);
    let farthest = "the server that becomes primary; blank: the one that has received most";
    let target = || Setting::new(TARGET, "New primary", farthest, SettingSort::Text);
    let whose = "machines whose way to the new primary is not tried, with commas between them";
    let without_clients = || Setting::new(WITHOUT_CLIENTS, "Without clients", whose, SettingSort::Names);
    let mut all = match kind {
        OperationKind::DisableCarrier => vec![without(), accept()],
        OperationKind::EnableCarrier | OperationKind::ReturnToService => vec![without()],
        OperationKind::Drain => {
            let hint = "seconds for the calls that are up to end";
            vec![without(), accept(), Setting::new(WITHIN_S, "Wait at most", hint, SettingSort::Number { by_default: 600 })]
        }
        OperationKind::SwitchOverDatabase => {
            let hint = "what is open on the primary, where it does not end by itself";
            vec![target(), Setting::new(KILL_TRANSACTIONS, "End open transactions", hint, SettingSort::YesNo), without_clients()]
        }
        OperationKind::FailOverDatabase => vec![target(), without_clients()],
        OperationKind::RejoinDatabase => {
            let hint = "saved to a file, and the server is made anew from the primary";
            let sort = SettingSort::OneOf(vec!["save_and_reseed".into()]);
            vec![Setting::new(ERRANT, "Transactions only it has", hint, sort)]
        }
        OperationKind::Rehearse => {
            let hint = "everybody is asked and nothing is done; without it, on a lab of its own";
            vec![Setting::new(DRY_RUN, "Dry run", hint, SettingSort::YesNo)]
        }
        OperationKind::FailOverAddress
        | OperationKind::RestartService
        | OperationKind::CloneMachine
        | OperationKind::ReaddressMachine
        | OperationKind::ApplyPriceList => Vec::new(),
    };
    if kind.cool_down().is_some() {
        let hint = "although the last one ended a short time ago";
        all.push(Setting::new(DESPITE_COOL_DOWN, "Despite the cool-down", hint, SettingSort::YesNo));
    }
    all
}

/// Which machines an operation on a machine is offered for.
pub const fn suits(kind: OperationKind, role: Role) -> bool {
    match kind {
        OperationKind::Drain | OperationKind::ReturnToService => matches!(role, Role::Asterisk | Role::Kamailio),
        OperationKind::RejoinDatabase => matches!(role, Role::Mariadb),
        OperationKind::CloneMachine | OperationKind::RestartService | OperationKind::ReaddressMachine => role.is_ours(),
        _ => false,
    }
}

/// What this program can do to a machine of this role.
pub fn of_role(role: Role) -> impl Iterator<Item = OperationKind> {
    OperationKind::ALL.into_iter().filter(move |kind| kind.is_built() && suits(*kind, role))
}

/// What this program can do to a cluster of this role.
pub fn of_cluster(role: Role) -> impl Iterator<Item = OperationKind> {
    let suits = move |kind: &OperationKind| match kind {
        OperationKind::SwitchOverDatabase | OperationKind::FailOverDatabase | OperationKind::Rehearse => role == Role::Mariadb,
        OperationKind::FailOverAddress => role == Role::Kamailio,
        _ => false,
    };
    OperationKind::ALL.into_iter().filter(move |kind| kind.is_built() && suits(kind))
}

/// What this program can do to a machine as a member of its cluster.
pub fn of_member(role: Role) -> impl Iterator<Item = OperationKind> {
    of_role(role).filter(|kind| *kind == OperationKind::RejoinDatabase)
}

/// Whom an operation can be done to, by the inventory.
pub fn subjects(kind: OperationKind, inventory: &Inventory) -> Vec<String> {
    match kind.subject() {
        SubjectSort::Carrier => inventory.carriers.iter().map(|carrier| carrier.name.clone()).collect(),
        SubjectSort::Machine => {
            let machines = inventory.machines.iter().filter(|machine| suits(kind, machine.role));
            machines.map(|machine| machine.name.clone()).collect()
        }
        SubjectSort::Cluster => {
            let clusters = inventory.clusters.iter().filter(|(_, cluster)| of_cluster(cluster.role).any(|offered| offered == kind));
            clusters.map(|(name, _)| name.clone()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fleet::{
            operations::{database::DatabaseChange, rehearse::Rehearsal, switch::Switch},
            sample,
        },
        operations::refusal::Refusal,
    };

    #[test]
    fn the_form_asks_for_settings_that_the_operation_knows() {
        let inventory = sample::lab();
        for (kind, subject) in [
            (OperationKind::DisableCarrier, "carrier-a"),
            (OperationKind::EnableCarrier, "carrier-a"),
            (OperationKind::Drain, "asterisk-01"),
            (OperationKind::ReturnToService, "asterisk-01"),
            (OperationKind::SwitchOverDatabase, "database"),
            (OperationKind::FailOverDatabase, "database"),
            (OperationKind::RejoinDatabase, "mariadb-01"),
            (OperationKind::Rehearse, "database"),
        ] {
            for setting in settings(kind) {
                let value = match setting.sort {
                    SettingSort::YesNo => "yes".to_string(),
                    SettingSort::Number { by_default } => by_default.to_string(),
                    SettingSort::OneOf(words) => words[0].clone(),
                    SettingSort::Names | SettingSort::Text if setting.name == TARGET => "mariadb-02".into(),
                    SettingSort::Names | SettingSort::Text => "kamailio-02".into(),
                };
                let given = [(setting.name.clone(), value)].into();
                let refused = match kind {
                    OperationKind::Rehearse => Rehearsal::new(&inventory, subject, &given).err(),
                    OperationKind::SwitchOverDatabase | OperationKind::FailOverDatabase | OperationKind::RejoinDatabase => {
                        DatabaseChange::new(&inventory, kind, subject, &given).err()
                    }
                    _ => Switch::new(&inventory, kind, subject, &given).err(),
                };
                assert!(!matches!(refused, Some(Refusal::UnknownSetting { .. } | Refusal::WrongSetting { .. })), "{refused:?}");
            }
        }
    }

    #[test]
    fn only_what_is_built_is_offered_and_only_where_it_belongs() {
        let inventory = sample::lab();
        assert!(of_role(Role::Asterisk).any(|kind| kind == OperationKind::Drain));
        assert!(of_role(Role::Mariadb).all(|kind| kind != OperationKind::Drain));
        assert!(
            OperationKind::ALL.into_iter().all(|kind| kind.is_built() || of_role(Role::Asterisk).all(|offered| offered != kind))
        );
        assert_eq!(subjects(OperationKind::DisableCarrier, &inventory), ["carrier-b", "carrier-a"]);
        assert!(subjects(OperationKind::Drain, &inventory).contains(&"asterisk-01".to_string()));
        assert!(!subjects(OperationKind::Drain, &inventory).contains(&"mariadb-01".to_string()));
    }
}
