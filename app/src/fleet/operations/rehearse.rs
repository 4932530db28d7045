//! `rehearse`: the switchover and the failover of a database cluster where they hurt nobody, with a clock beside them. On a lab of its
//! own, which is thrown away afterwards; or, dry, the plan of the real cluster with everybody asked and nothing done.

use crate::{
    fleet::inventory::{Inventory, Role},
    operations::{
        kind::OperationKind,
        plan::{Plan, PlannedStep, Preflight, Undo},
        refusal::Refusal,
    },
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub const DRY_RUN: &str = "dry_run";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RehearseStep {
    BuildLab,
    SwitchOver,
    FailOver,
    TakeDown,
    AskEverybody,
}

impl RehearseStep {
    pub const ALL: [RehearseStep; 5] = [
        RehearseStep::BuildLab,
        RehearseStep::SwitchOver,
        RehearseStep::FailOver,
        RehearseStep::TakeDown,
        RehearseStep::AskEverybody,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            RehearseStep::BuildLab => "build_lab",
            RehearseStep::SwitchOver => "switch_over",
            RehearseStep::FailOver => "fail_over",
            RehearseStep::TakeDown => "take_down",
            RehearseStep::AskEverybody => "ask_everybody",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
}

/// What was measured. Absent is what was not done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RehearsalFacts {
    /// The longest time without an acknowledged row, at 200 a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switchover_gap_ms: Option<u64>,
    /// From the start of the operation, after the primary was killed, to the next acknowledged row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover_ms: Option<u64>,
    pub acknowledged: u64,
    pub lost: u64,
    /// How long everybody took to answer, in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_ms: Option<u64>,
}

/// What a rehearsal is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    pub cluster: String,
    pub is_dry: bool,
}

impl Rehearsal {
    pub fn new(inventory: &Inventory, cluster: &str, settings: &BTreeMap<String, String>) -> Result<Self, Refusal> {
        let kind = OperationKind::Rehearse;
        if let Some(read) = settings.keys().find(|name| *name != DRY_RUN) {
            return Err(Refusal::UnknownSetting { kind, read: read.clone(), known: vec![DRY_RUN] });
        }
        let known = || inventory.clusters.iter().filter(|(_, cluster)| cluster.role == Role::Mariadb).map(|(name, _)| name);
        if !known().any(|name| name == cluster) {
            let known = known().cloned().collect();
            return Err(Refusal::UnknownSubject { sort: "database cluster", read: cluster.into(), known });
        }
        let is_dry = match settings.get(DRY_RUN).map(String::as_str) {
            None | Some("no") => false,
            Some("yes") => true,
            Some(other) => {
                return Err(Refusal::WrongSetting { name: DRY_RUN, read: other.into(), expected: "yes or no".into() });
            }
        };
        Ok(Self { cluster: cluster.into(), is_dry })
    }

    /// `possible` says whether a lab can be built here.
    pub fn plan(&self, settings: &BTreeMap<String, String>, possible: Preflight) -> Plan {
        let step = |step: RehearseStep, words: &str, commands: &[&str], undo: Undo, seconds_expected| PlannedStep {
            name: step.name().into(),
            words: words.into(),
            commands: commands.iter().map(ToString::to_string).collect(),
            undo,
            seconds_expected,
        };
        let thrown_away = || Undo::NothingToUndo("The lab is thrown away.".into());
        let steps = match self.is_dry {
            true => vec![step(
                RehearseStep::AskEverybody,
                "Ask every server, client and hypervisor what a switchover would ask them, and change nothing.",
                &[],
                Undo::NothingToUndo("It only reads.".into()),
                2,
            )],
            false => vec![
                step(
                    RehearseStep::BuildLab,
                    "Build a lab of its own beside everything else.",
                    &["wirecenter lab up"],
                    Undo::By("It is taken down.".into()),
                    20,
                ),
                step(
                    RehearseStep::SwitchOver,
                    "Switch its cluster over while a client writes 200 rows a second, and measure the gap.",
                    &["wirecenter operation start switch_over_database database"],
                    thrown_away(),
                    10,
                ),
                step(
                    RehearseStep::FailOver,
                    "Kill its primary, fail over, and measure how long nobody can write and what is lost.",
                    &["wirecenter lab break kill", "wirecenter operation start fail_over_database database"],
                    thrown_away(),
                    10,
                ),
                step(
                    RehearseStep::TakeDown,
                    "Take the lab down.",
                    &["wirecenter lab down"],
                    Undo::NothingToUndo("Nothing is left.".into()),
                    1,
                ),
            ],
        };
        Plan {
            kind: OperationKind::Rehearse,
            subject: self.cluster.clone(),
            settings: settings.clone(),
            level: OperationKind::Rehearse.level(),
            steps,
            preflights: vec![possible],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::plan::Verdict;

    #[test]
    fn a_rehearsal_is_of_a_database_cluster_and_undoes_what_it_builds() {
        let inventory: Inventory = toml_inventory();
        let settings = BTreeMap::new();
        let rehearsal = Rehearsal::new(&inventory, "database", &settings).expect("it is known");
        let plan = rehearsal.plan(&settings, Preflight::new("place", Verdict::Pass, "There is room."));
        assert_eq!(plan.point_of_no_return(), None);
        assert_eq!(plan.steps.len(), 4);
        assert!(plan.steps.iter().all(|step| RehearseStep::find(&step.name).is_some()));
        let dry = BTreeMap::from([(DRY_RUN.to_string(), "yes".to_string())]);
        let rehearsal = Rehearsal::new(&inventory, "database", &dry).expect("it is known");
        assert_eq!(rehearsal.plan(&dry, Preflight::new("place", Verdict::Pass, "")).steps.len(), 1);
        let told = Rehearsal::new(&inventory, "pbx", &settings).expect_err("no database").to_string();
        assert!(told.contains("database cluster \"pbx\"") && told.contains("There are: database."), "{told}");
        let wrong = BTreeMap::from([(DRY_RUN.to_string(), "perhaps".to_string())]);
        assert!(Rehearsal::new(&inventory, "database", &wrong).is_err());
    }

    fn toml_inventory() -> Inventory {
        serde_json::from_value(serde_json::json!({
            "name": "test", "networks": {}, "hosts": [], "machines": [], "carriers": [], "customers": [],
            "endpoints": {}, "credentials": {},
            "clusters": {
                "database": { "role": "mariadb", "members": [] },
                "pbx": { "role": "asterisk", "members": [] },
            },
        }))
        .expect("an inventory")
    }
}
