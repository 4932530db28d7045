//! What an operation will do, before it does it. Pure data: the browser draws exactly what the server will run.

use super::kind::OperationKind;
use crate::values::Level;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub kind: OperationKind,
    /// The name of what it is done to.
    pub subject: String,
    /// What the operator chose, by name; what was left out has its default.
    pub settings: BTreeMap<String, String>,
    pub level: Level,
    pub steps: Vec<PlannedStep>,
    pub preflights: Vec<Preflight>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The name of the step in the program, for good: a run that was cut off is continued by it.
    pub name: String,
    /// A sentence.
    pub words: String,
    /// Exactly what is sent, one a line.
    pub commands: Vec<String>,
    pub undo: Undo,
    pub seconds_expected: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// What is done to undo it.
    By(String),
    /// Why there is nothing to undo.
    NothingToUndo(String),
    /// Why it cannot be undone. The first of these is the point of no return.
    Impossible(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preflight {
    pub name: String,
    pub verdict: Verdict,
    /// What was seen, in the words of whoever said it.
    pub evidence: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Pass,
    Warn,
    Block,
}

impl Verdict {
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Warn => "warn",
            Verdict::Block => "block",
        }
    }
}

impl Preflight {
    pub fn new(name: &str, verdict: Verdict, evidence: impl Into<String>) -> Self {
        Self { name: name.into(), verdict, evidence: evidence.into() }
    }
}

impl Plan {
    /// The first step that cannot be undone. From where it begins there is only forward.
    pub fn point_of_no_return(&self) -> Option<usize> {
        self.steps.iter().position(|step| matches!(step.undo, Undo::Impossible(_)))
    }

    pub fn blocking(&self) -> impl Iterator<Item = &Preflight> {
        self.preflights.iter().filter(|preflight| preflight.verdict == Verdict::Block)
    }

    /// "Disable carrier-a"
    pub fn title(&self) -> String {
        format!("{} {}", self.kind.verb(), self.subject)
    }

    /// Whom the operation has for itself: `carrier carrier-a`.
    pub fn hold(&self) -> String {
        format!("{} {}", self.kind.subject().name(), self.subject)
    }

    /// SHA-256 over what will be done, in hexadecimal. The evidence of the preflights is left out, because its figures change every
    /// second; their verdicts are in it.
    pub fn fingerprint(&self) -> String {
        let steps: Vec<_> = self.steps.iter().map(|step| (&step.name, &step.commands, &step.undo)).collect();
        let preflights: Vec<_> = self.preflights.iter().map(|preflight| (&preflight.name, preflight.verdict)).collect();
        // JSON keeps apart what a plain row of words would run together.
        let done = json!([self.kind, self.subject, self.settings, self.level, steps, preflights]);
        Sha256::digest(done.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// For scripts, with what follows from the plan.
    pub fn document(&self) -> Value {
        let line = self.point_of_no_return().and_then(|at| self.steps.get(at)).map(|step| &step.name);
        json!({
            "kind": self.kind, "subject": self.subject, "settings": self.settings, "fingerprint": self.fingerprint(),
            "level": self.level, "steps": self.steps, "preflights": self.preflights, "point_of_no_return": line,
        })
    }
}

/// A plan of steps named `a`, `b`, …; a capital letter cannot be undone.
#[cfg(test)]
pub fn sample(letters: &str) -> Plan {
    let step = |letter: char| PlannedStep {
        name: letter.to_string(),
        words: format!("Do {letter}."),
        commands: vec![format!("do {letter}")],
        undo: match letter.is_uppercase() {
            true => Undo::Impossible("it is gone".into()),
            false => Undo::By(format!("undo {letter}")),
        },
        seconds_expected: 1,
    };
    Plan {
        kind: OperationKind::DisableCarrier,
        subject: "carrier-a".into(),
        settings: BTreeMap::new(),
        level: Level::L2,
        steps: letters.chars().map(step).collect(),
        preflights: vec![Preflight::new("proxies", Verdict::Pass, "both answer")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_tells_what_is_done_and_not_what_was_measured() {
        let plan = sample("ab");
        let with = |change: fn(&mut Plan)| {
            let mut changed = plan.clone();
            change(&mut changed);
            changed.fingerprint()
        };
        assert_eq!(plan.fingerprint().len(), 64);
        assert_eq!(with(|plan| plan.preflights[0].evidence = "both answer within 2 ms".into()), plan.fingerprint());
        assert_eq!(with(|plan| plan.steps[0].seconds_expected = 9), plan.fingerprint());
        let changes: [fn(&mut Plan); 8] = [
            |plan| plan.kind = OperationKind::EnableCarrier,
            |plan| plan.subject = "carrier-b".into(),
            |plan| drop(plan.settings.insert("without".into(), "kamailio-02".into())),
            |plan| plan.steps[1].commands.push("more".into()),
            |plan| plan.steps[1].undo = Undo::NothingToUndo("it only reads".into()),
            |plan| plan.steps.swap(0, 1),
            |plan| plan.preflights[0].verdict = Verdict::Warn,
            |plan| plan.preflights.clear(),
        ];
        for (i, change) in changes.into_iter().enumerate() {
            assert_ne!(with(change), plan.fingerprint(), "change {i}");
        }
    }

    #[test]
    fn the_first_step_that_cannot_be_undone_is_the_point_of_no_return() {
        assert_eq!(sample("abC").point_of_no_return(), Some(2));
        assert_eq!(sample("aBcD").point_of_no_return(), Some(1));
        assert_eq!(sample("ab").point_of_no_return(), None);
    }

    #[test]
    fn the_document_has_what_scripts_were_promised() {
        let document = sample("aB").document();
        assert_eq!((&document["kind"], &document["subject"]), (&json!("disable_carrier"), &json!("carrier-a")));
        assert_eq!((&document["level"], &document["point_of_no_return"]), (&json!("L2"), &json!("B")));
        assert_eq!(document["steps"][0]["undo"], json!({"by": "undo a"}));
        assert_eq!((&document["steps"][1]["name"], &document["steps"][1]["seconds_expected"]), (&json!("B"), &json!(1)));
        assert_eq!(document["preflights"][0], json!({"name": "proxies", "verdict": "pass", "evidence": "both answer"}));
        assert!(sample("a").document()["point_of_no_return"].is_null());
        let read: Plan = serde_json::from_value(document).expect("a plan is read back from its document");
        assert_eq!(read, sample("aB"));
    }
}
