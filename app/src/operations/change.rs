//! What is different in a plan that was made anew: marked, so that whoever saw the old one need not compare by eye.

use super::plan::{Plan, Undo};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanChange {
    /// The step or preflight it is about; blank for the plan as a whole.
    pub name: String,
    /// A sentence.
    pub words: String,
}

/// From the plan that was seen to the one there is now, in the order of the page.
pub fn changes(seen: &Plan, now: &Plan) -> Vec<PlanChange> {
    let mut all = Vec::new();
    let mut tell = |name: &str, words: String| all.push(PlanChange { name: name.into(), words });
    if seen.settings != now.settings {
        tell("", "The settings are others than those you saw.".into());
    }
    for step in &now.steps {
        match seen.steps.iter().find(|old| old.name == step.name) {
            None => tell(&step.name, format!("New: {}", step.words)),
            Some(old) if old.commands != step.commands => tell(&step.name, format!("It does something else now: {}", step.words)),
            Some(old) if old.undo != step.undo => tell(&step.name, format!("It is undone otherwise: {}", undo(&step.undo))),
            Some(_) => {}
        }
    }
    for old in seen.steps.iter().filter(|old| now.steps.iter().all(|step| step.name != old.name)) {
        tell("", format!("No longer done: {}", old.words));
    }
    let order = |plan: &Plan| plan.steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>();
    if all.is_empty() && order(seen) != order(now) {
        all.push(PlanChange { name: String::new(), words: "The steps come in another order.".into() });
    }
    for check in &now.preflights {
        match seen.preflights.iter().find(|old| old.name == check.name) {
            Some(old) if old.verdict == check.verdict => {}
            old => {
                let was = old.map_or("not looked at", |old| old.verdict.name());
                let words = format!("{} was {was} and is {} now: {}", check.name, check.verdict.name(), check.evidence);
                all.push(PlanChange { name: check.name.clone(), words });
            }
        }
    }
    for old in seen.preflights.iter().filter(|old| now.preflights.iter().all(|check| check.name != old.name)) {
        all.push(PlanChange { name: String::new(), words: format!("{} is not looked at any more.", old.name) });
    }
    all
}

fn undo(undo: &Undo) -> &str {
    let (Undo::By(words) | Undo::NothingToUndo(words) | Undo::Impossible(words)) = undo;
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::plan::{Preflight, Verdict, sample};

    fn words(seen: &Plan, now: &Plan) -> Vec<(String, String)> {
        changes(seen, now).into_iter().map(|change| (change.name, change.words)).collect()
    }

    #[test]
    fn the_same_plan_has_no_change_whatever_was_measured() {
        let (seen, mut now) = (sample("aB"), sample("aB"));
        now.preflights[0].evidence = "both answer within 2 ms".into();
        assert_eq!(changes(&seen, &now), []);
        assert_eq!(seen.fingerprint(), now.fingerprint());
    }

    #[test]
    fn every_change_of_the_fingerprint_is_told_and_names_what_it_is_about() {
        let seen = sample("ab");
        let change = |change: fn(&mut Plan)| {
            let mut now = seen.clone();
            change(&mut now);
            assert_ne!(now.fingerprint(), seen.fingerprint());
            words(&seen, &now)
        };
        let told = change(|plan| plan.steps[1].commands.push("more".into()));
        assert_eq!(told, [("b".to_string(), "It does something else now: Do b.".to_string())]);
        let told = change(|plan| plan.steps[0].undo = Undo::Impossible("it is gone".into()));
        assert_eq!(told, [("a".to_string(), "It is undone otherwise: it is gone".to_string())]);
        assert_eq!(change(|plan| plan.steps.swap(0, 1))[0].1, "The steps come in another order.");
        assert_eq!(change(|plan| drop(plan.steps.pop()))[0].1, "No longer done: Do b.");
        assert_eq!(change(|plan| plan.steps.extend(sample("c").steps))[0], ("c".to_string(), "New: Do c.".to_string()));
        let told = change(|plan| plan.preflights[0].verdict = Verdict::Block);
        assert_eq!(told, [("proxies".to_string(), "proxies was pass and is block now: both answer".to_string())]);
        let told = change(|plan| plan.preflights.push(Preflight::new("lag", Verdict::Warn, "3 s")));
        assert_eq!(told[0].1, "lag was not looked at and is warn now: 3 s");
        assert_eq!(change(|plan| plan.preflights.clear())[0].1, "proxies is not looked at any more.");
        assert_eq!(change(|plan| drop(plan.settings.insert("x".into(), "y".into()))).len(), 1);
    }
}
