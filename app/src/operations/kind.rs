//! The kinds of operations, by the names that scripts use. They are for good.

use crate::values::Level;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    SwitchOverDatabase,
    FailOverDatabase,
    RejoinDatabase,
    Drain,
    ReturnToService,
    FailOverAddress,
    DisableCarrier,
    EnableCarrier,
    RestartService,
    CloneMachine,
    ReaddressMachine,
    ApplyPriceList,
    Rehearse,
}

/// What an operation is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectSort {
    Carrier,
    Cluster,
    Machine,
}

impl SubjectSort {
    pub const fn name(self) -> &'static str {
        match self {
            SubjectSort::Carrier => "carrier",
            SubjectSort::Cluster => "cluster",
            SubjectSort::Machine => "machine",
        }
    }
}

impl OperationKind {
    pub const ALL: [OperationKind; 13] = [
        OperationKind::SwitchOverDatabase,
        OperationKind::FailOverDatabase,
        OperationKind::RejoinDatabase,
        OperationKind::Drain,
        OperationKind::ReturnToService,
        OperationKind::FailOverAddress,
        OperationKind::DisableCarrier,
        OperationKind::EnableCarrier,
        OperationKind::RestartService,
        OperationKind::CloneMachine,
        OperationKind::ReaddressMachine,
        OperationKind::ApplyPriceList,
        OperationKind::Rehearse,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            OperationKind::SwitchOverDatabase => "switch_over_database",
            OperationKind::FailOverDatabase => "fail_over_database",
            OperationKind::RejoinDatabase => "rejoin_database",
            OperationKind::Drain => "drain",
            OperationKind::ReturnToService => "return_to_service",
            OperationKind::FailOverAddress => "fail_over_address",
            OperationKind::DisableCarrier => "disable_carrier",
            OperationKind::EnableCarrier => "enable_carrier",
            OperationKind::RestartService => "restart_service",
            OperationKind::CloneMachine => "clone_machine",
            OperationKind::ReaddressMachine => "readdress_machine",
            OperationKind::ApplyPriceList => "apply_price_list",
            OperationKind::Rehearse => "rehearse",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What it is called in a sentence: "Disable carrier-a".
    pub const fn verb(self) -> &'static str {
        match self {
            OperationKind::SwitchOverDatabase => "Switch over",
            OperationKind::FailOverDatabase | OperationKind::FailOverAddress => "Fail over",
            OperationKind::RejoinDatabase => "Rejoin",
            OperationKind::Drain => "Drain",
            OperationKind::ReturnToService => "Return to service",
            OperationKind::DisableCarrier => "Disable",
            OperationKind::EnableCarrier => "Enable",
            OperationKind::RestartService => "Restart a service of",
            OperationKind::CloneMachine => "Clone",
            OperationKind::ReaddressMachine => "Readdress",
            OperationKind::ApplyPriceList => "Apply the price list of",
            OperationKind::Rehearse => "Rehearse on",
        }
    }

    pub const fn level(self) -> Level {
        match self {
            OperationKind::ReturnToService | OperationKind::EnableCarrier => Level::L1,
            OperationKind::SwitchOverDatabase
            | OperationKind::RejoinDatabase
            | OperationKind::Drain
            | OperationKind::FailOverAddress
            | OperationKind::DisableCarrier
            | OperationKind::RestartService
            | OperationKind::CloneMachine
            | OperationKind::ReaddressMachine
            | OperationKind::ApplyPriceList
            | OperationKind::Rehearse => Level::L2,
            // It may lose what the old primary had acknowledged.
            OperationKind::FailOverDatabase => Level::L3,
        }
    }

    pub const fn subject(self) -> SubjectSort {
        match self {
            OperationKind::SwitchOverDatabase
            | OperationKind::FailOverDatabase
            | OperationKind::FailOverAddress
            | OperationKind::Rehearse => SubjectSort::Cluster,
            OperationKind::RejoinDatabase
            | OperationKind::Drain
            | OperationKind::ReturnToService
            | OperationKind::RestartService
            | OperationKind::CloneMachine
            | OperationKind::ReaddressMachine => SubjectSort::Machine,
            OperationKind::DisableCarrier | OperationKind::EnableCarrier | OperationKind::ApplyPriceList => SubjectSort::Carrier,
        }
    }

    /// Whether this program can do it.
    pub const fn is_built(self) -> bool {
        matches!(
            self,
            OperationKind::DisableCarrier
                | OperationKind::EnableCarrier
                | OperationKind::Drain
                | OperationKind::ReturnToService
                | OperationKind::SwitchOverDatabase
                | OperationKind::FailOverDatabase
                | OperationKind::RejoinDatabase
                | OperationKind::Rehearse
        )
    }

    /// How long a subject is left alone after an operation of this kind that was done. A cluster that was failed over twice within
    /// the hour has a trouble that a third time does not cure.
    pub const fn cool_down(self) -> Option<Duration> {
        match self {
            OperationKind::SwitchOverDatabase | OperationKind::FailOverDatabase => Some(Duration::from_secs(3_600)),
            _ => None,
        }
    }
}

impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_is_read_back_by_the_name_it_has_in_json_too() {
        for kind in OperationKind::ALL {
            assert_eq!(OperationKind::parse(kind.name()), Some(kind));
            assert_eq!(serde_json::to_string(&kind).expect("a word"), format!("\"{kind}\""));
        }
        assert_eq!(OperationKind::ALL.map(OperationKind::name).into_iter().collect::<BTreeSet<_>>().len(), 13);
        assert_eq!(OperationKind::parse("explode"), None);
    }

    #[test]
    fn nothing_that_changes_the_world_goes_without_a_confirmation() {
        for kind in OperationKind::ALL {
            assert!(kind.level() >= Level::L1, "{kind}");
            let loses = kind == OperationKind::FailOverDatabase;
            assert_eq!(kind.level() == Level::L3, loses, "{kind}: only what may lose data asks who one is again");
        }
    }
}
