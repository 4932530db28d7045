//! What a page says of an operation at each point of its life.

use super::*;
use crate::operations::{journal::Outcome, plan::sample};
use serde_json::json;
use std::time::Duration;

fn entries(letters: &str, events: Vec<Event>) -> Vec<Entry> {
    let started = Event::Started { plan: Box::new(sample(letters)) };
    let entry = |(number, event): (usize, Event)| Entry {
        operation: OperationId(7),
        number: number as u64,
        at: Moment::from_seconds(100).plus(Duration::from_secs(number as u64)),
        by: "ada".into(),
        event,
    };
    std::iter::once(started).chain(events).enumerate().map(entry).collect()
}

fn sheet(letters: &str, events: Vec<Event>) -> OperationSheet {
    let entries = entries(letters, events);
    OperationSheet::of(&Run::fold(&entries).expect("a good journal"), &entries)
}

#[test]
fn while_it_runs_it_says_at_which_step_since_when_and_what_was_said_last() {
    let done = Event::StepDone { step: 0, facts: json!({"calls_left": 3, "who": "me", "nothing": null}) };
    let began = Event::StepBegan { step: 1, attempt: 1 };
    let said = Event::Said { line: "12 calls are up".into() };
    let now = sheet("ab", vec![Event::StepBegan { step: 0, attempt: 1 }, done, began, said]);
    assert_eq!(now.summary.step.as_deref(), Some("Step 2 of 2: Do b."));
    assert_eq!((now.summary.since, now.summary.last_line.as_deref()), (Some(Moment::from_seconds(103)), Some("12 calls are up")));
    assert_eq!((now.summary.word.as_str(), now.summary.over), ("running", false));
    assert_eq!((now.steps[0].word.as_str(), now.steps[0].took_ms), ("done", Some(1_000)));
    assert!(now.steps[1].current && !now.steps[0].current);
    assert_eq!(now.facts[0], ("calls_left".to_string(), "3".to_string()));
    assert!(now.facts.contains(&("who".into(), "me".into())) && now.facts.contains(&("nothing".into(), "not known".into())));
    assert_eq!((now.log.len(), now.log[4].words.as_str()), (5, "12 calls are up"));
    assert_eq!((now.can.cancel, now.can.pause), (None, None));
    assert_eq!(now.can.go_on.as_deref(), Some("Operation 7 runs; there is nothing to resume."));
}

#[test]
fn a_line_of_an_earlier_step_is_not_what_it_waits_on_now() {
    let said = Event::Said { line: "noted".into() };
    let events = vec![
        Event::StepBegan { step: 0, attempt: 1 },
        said,
        Event::StepDone { step: 0, facts: Value::Null },
        Event::StepBegan { step: 1, attempt: 1 },
    ];
    assert_eq!(sheet("ab", events).summary.last_line, None);
}

#[test]
fn a_failure_is_told_with_what_comes_of_it() {
    let failed = |step| Event::StepFailed { step, attempt: 1, why: "it says no".into() };
    let began = |step| Event::StepBegan { step, attempt: 1 };
    let past = sheet("A", vec![began(0), failed(0)]);
    assert_eq!(past.summary.last_line.as_deref(), Some("it says no; it is tried again"));
    assert!(past.past_the_line && past.can.cancel.is_some());
    let undoing = sheet("ab", vec![began(0), failed(0), Event::UndoBegan { step: 0, attempt: 1 }]);
    assert_eq!(undoing.summary.step.as_deref(), Some("Undoing step 1 of 2: undo a"));
    assert_eq!((undoing.summary.word.as_str(), undoing.steps[0].word.as_str()), ("undoing", "being undone"));
    assert_eq!(undoing.summary.reason.as_deref(), Some("it says no"));
}

#[test]
fn one_that_is_over_can_be_asked_nothing_and_says_so() {
    let over = sheet("a", vec![Event::CancelAsked, Event::Finished { outcome: Outcome::Cancelled }]);
    assert_eq!((over.summary.word.as_str(), over.summary.over, over.summary.step), ("cancelled", true, None));
    let sentences = [over.can.cancel, over.can.pause, over.can.go_on, over.can.resolve];
    assert!(sentences.iter().all(|why| why.as_deref() == Some("Operation 7 is over: it was cancelled.")), "{sentences:?}");
}

#[test]
fn the_filter_of_the_address_chooses_by_state_kind_and_subject() {
    let running = sheet("a", vec![]).summary;
    let over = sheet("a", vec![Event::Finished { outcome: Outcome::Done }]).summary;
    let passes = |query: &str, summary: &Summary| Filter::of(&Query::parse(query)).passes(summary);
    assert!(passes("", &running) && passes("", &over));
    assert!(passes("state=active", &running) && !passes("state=active", &over));
    for state in Filter::STATES {
        let filter = Filter { state: Some(state.into()), ..Filter::default() };
        assert!(!(filter.is_of_active() && filter.passes(&over)), "{state}");
    }
    assert!(passes("state=done", &over) && !passes("state=done", &running));
    assert!(passes("kind=disable_carrier&subject=rier-a", &running));
    assert!(!passes("kind=drain", &running) && !passes("subject=carrier-b", &running));
    assert!(passes("kind=explode", &running), "a kind that is none chooses nothing");
}

#[test]
fn a_fact_reads_as_what_it_is() {
    let found = serde_json::json!({
        "primary": "mariadb-01", "write_gap_ms": 136, "stopped_at_us": 1_000_000, "was_off": false, "proved_by": ["billing-01", "asterisk-01"],
        "lost": null,
    });
    let told: Vec<(String, String)> = facts(&found);
    let of = |name: &str| told.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!((of("write_gap"), of("stopped_at")), (Some("136 ms"), Some("1970-01-01 00:00:01 UTC")));
    assert_eq!((of("was_off"), of("proved_by"), of("lost")), (Some("no"), Some("billing-01, asterisk-01"), Some("not known")));
}
