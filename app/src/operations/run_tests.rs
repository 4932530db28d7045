//! Every failure at every boundary, without a server: a world of letters that the decisions of [`Run::next`] are carried out on.

use super::*;
use crate::operations::plan;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

/// How the next attempts of one step, or of its undo, end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Good,
    Bad,
    /// The runner is killed: it was done, and nobody wrote it down.
    KilledAfter,
    /// The runner is killed before it did anything.
    KilledBefore,
}

#[derive(Default)]
struct World {
    entries: Vec<Entry>,
    now: i64,
    /// What is done and not undone.
    done: Vec<usize>,
    ends: BTreeMap<(bool, usize), Vec<End>>,
    undone: Vec<usize>,
    /// Which step was undone while the point of no return lay behind.
    unwound_past_the_line: bool,
}

impl World {
    fn new(letters: &str, ends: &[(bool, usize, &[End])]) -> Self {
        let ends = ends.iter().map(|(undo, step, ends)| ((*undo, *step), ends.to_vec())).collect();
        let mut world = Self { ends, ..Self::default() };
        world.append(Event::Started { plan: Box::new(plan::sample(letters)) });
        world
    }

    fn append(&mut self, event: Event) {
        self.now += 1;
        let (number, at) = (self.entries.len() as u64, Moment::from_seconds(self.now));
        self.entries.push(Entry { operation: OperationId(1), number, at, by: "ada".into(), event });
    }

    fn end(&mut self, undo: bool, step: usize) -> End {
        match self.ends.get_mut(&(undo, step)) {
            Some(ends) if !ends.is_empty() => ends.remove(0),
            _ => End::Good,
        }
    }

    fn run(&self) -> Run {
        Run::fold(&self.entries).expect("a good journal")
    }

    /// One decision, carried out. Gives whether there was something to do.
    fn go(&mut self) -> bool {
        let run = self.run();
        match run.next(Moment::from_seconds(self.now)) {
            Next::RunStep { step, attempt } => {
                self.append(Event::StepBegan { step, attempt });
                let end = self.end(false, step);
                if end != End::KilledBefore && !self.done.contains(&step) {
                    // A step that fails may have done its work all the same.
                    self.done.push(step);
                }
                match end {
                    End::Good => self.append(Event::StepDone { step, facts: json!(step) }),
                    End::Bad => self.append(Event::StepFailed { step, attempt, why: "no".into() }),
                    End::KilledAfter | End::KilledBefore => {}
                }
            }
            Next::UndoStep { step, attempt } => {
                self.unwound_past_the_line |= run.is_past_the_line();
                self.append(Event::UndoBegan { step, attempt });
                let end = self.end(true, step);
                if end == End::Good || end == End::KilledAfter {
                    self.done.retain(|done| *done != step);
                }
                match end {
                    End::Good => {
                        self.undone.push(step);
                        self.append(Event::UndoDone { step });
                    }
                    End::Bad => self.append(Event::UndoFailed { step, attempt, why: "no".into() }),
                    End::KilledAfter | End::KilledBefore => {}
                }
            }
            Next::GiveUp { step, attempt, why } => self.append(Event::StepFailed { step, attempt, why }),
            Next::Wait(left) => self.now += i64::try_from(left.as_secs().max(1)).expect("seconds"),
            Next::BeStuck { question } => self.append(Event::Stuck { question }),
            Next::Finish(outcome) => self.append(Event::Finished { outcome }),
            Next::Rest => return false,
        }
        true
    }

    fn until_the_end(mut self) -> Self {
        for _ in 0..1_000 {
            if !self.go() {
                return self;
            }
        }
        panic!("it has no end: {:#?}", self.entries);
    }

    fn attempts(&self, step: usize) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.event, Event::StepBegan { step: begun, .. } if begun == step)).count()
    }
}

const ALWAYS_BAD: [End; 20] = [End::Bad; 20];
const ALWAYS_KILLED: [End; 20] = [End::KilledBefore; 20];

#[test]
fn without_a_failure_every_step_is_done_once_in_order() {
    let world = World::new("abC", &[]).until_the_end();
    assert_eq!((world.run().state, world.done.as_slice()), (RunState::Over(Outcome::Done), &[0, 1, 2][..]));
    assert_eq!((world.run().facts, world.entries.len()), (json!(2), 8));
}

#[test]
fn a_failure_before_the_line_unwinds_in_reverse_order_from_the_step_that_failed() {
    for failing in 0..4 {
        let world = World::new("abcd", &[(false, failing, &[End::Bad])]).until_the_end();
        let run = world.run();
        assert_eq!((run.state, world.done.len()), (RunState::Over(Outcome::Undone), 0), "step {failing}");
        assert_eq!(world.undone, (0..=failing).rev().collect::<Vec<_>>());
        assert_eq!((run.reason.as_deref(), world.attempts(failing)), (Some("no"), 1));
    }
}

#[test]
fn past_the_line_it_is_tried_again_and_then_a_person_is_asked() {
    for failing in 1..3 {
        let world = World::new("aBc", &[(false, failing, &[End::Bad, End::Bad])]).until_the_end();
        assert_eq!((world.run().state, world.attempts(failing)), (RunState::Over(Outcome::Done), 3));
        let mut world = World::new("aBc", &[(false, failing, &ALWAYS_BAD)]).until_the_end();
        let run = world.run();
        assert_eq!((run.state, run.word(), world.attempts(failing)), (RunState::Stuck, "stuck", 5));
        assert!(run.reason.as_ref().is_some_and(|said| said.contains("Past the point of no return") && said.contains(": no.")));
        assert!(world.undone.is_empty(), "nothing is unwound from there on");
        world.ends.clear();
        world.append(Event::Resolved { how: Resolution::TryAgain, words: "the cable is in again".into() });
        let world = world.until_the_end();
        assert_eq!((world.run().state, world.attempts(failing)), (RunState::Over(Outcome::Done), 6));
    }
}

#[test]
fn attempts_are_further_and_further_apart_and_a_clock_set_back_makes_nobody_wait() {
    let mut world = World::new("A", &[(false, 0, &ALWAYS_BAD)]);
    let mut pauses = Vec::new();
    while world.run().state == RunState::Working {
        if let Next::Wait(left) = world.run().next(Moment::from_seconds(world.now)) {
            pauses.push(left.as_secs());
            assert!(matches!(world.run().next(Moment::EPOCH), Next::RunStep { step: 0, .. }));
        }
        world.go();
    }
    assert_eq!(pauses, [1, 2, 4, 8]);
}

#[test]
fn an_undo_that_fails_is_tried_again_and_then_a_person_is_asked() {
    let ends: &[(bool, usize, &[End])] = &[(false, 1, &[End::Bad]), (true, 0, &[End::Bad, End::Bad])];
    let world = World::new("abc", ends).until_the_end();
    assert_eq!((world.run().state, world.done.len()), (RunState::Over(Outcome::Undone), 0));
    let ends: &[(bool, usize, &[End])] = &[(false, 1, &[End::Bad]), (true, 0, &ALWAYS_BAD)];
    let mut world = World::new("abc", ends).until_the_end();
    let run = world.run();
    assert_eq!((run.state, run.unwinds), (RunState::Stuck, true));
    assert!(run.reason.as_ref().is_some_and(|said| said.starts_with("The undo of “Do a” failed 5 times: no.")), "{run:?}");
    world.append(Event::Resolved { how: Resolution::UndoneByHand, words: "put back by hand".into() });
    assert_eq!(world.until_the_end().run().state, RunState::Over(Outcome::Undone));
}

#[test]
fn what_was_cut_off_is_run_again_and_what_always_takes_the_program_down_has_failed() {
    for killed in [End::KilledBefore, End::KilledAfter] {
        for step in 0..3 {
            let world = World::new("abC", &[(false, step, &[killed, killed])]).until_the_end();
            assert_eq!((world.run().state, world.attempts(step)), (RunState::Over(Outcome::Done), 3), "{killed:?} {step}");
        }
        let world = World::new("abc", &[(false, 2, &[End::Bad]), (true, 1, &[killed])]).until_the_end();
        assert_eq!((world.run().state, world.done.len()), (RunState::Over(Outcome::Undone), 0), "{killed:?}");
    }
    let world = World::new("ab", &[(false, 1, &ALWAYS_KILLED)]).until_the_end();
    assert_eq!((world.run().state, world.attempts(1)), (RunState::Over(Outcome::Undone), 5));
    let world = World::new("aB", &[(false, 1, &ALWAYS_KILLED)]).until_the_end();
    assert_eq!(world.run().state, RunState::Stuck);
    let world = World::new("ab", &[(false, 1, &[End::Bad]), (true, 1, &ALWAYS_KILLED)]).until_the_end();
    assert_eq!(world.run().state, RunState::Stuck);
}

#[test]
fn cancelling_unwinds_before_the_line_and_changes_nothing_past_it() {
    for steps in 0..3 {
        let mut world = World::new("abC", &[]);
        (0..steps).for_each(|_| assert!(world.go()));
        world.append(Event::CancelAsked);
        let (run, past) = (world.run(), steps == 3);
        assert_eq!((run.unwinds, run.cancelled_by.is_some()), (!past, !past));
        let world = world.until_the_end();
        assert_eq!((world.run().state, world.done.len()), (RunState::Over(Outcome::Cancelled), 0), "after {steps}");
    }
    let mut world = World::new("aBc", &[]);
    world.go();
    world.append(Event::StepBegan { step: 1, attempt: 1 });
    world.append(Event::CancelAsked);
    assert_eq!(world.until_the_end().run().state, RunState::Over(Outcome::Done));
}

#[test]
fn a_pause_is_a_rest_until_somebody_says_go_on() {
    let mut world = World::new("ab", &[]);
    world.go();
    world.append(Event::Paused);
    assert_eq!((world.run().next(Moment::from_seconds(9)), world.run().word()), (Next::Rest, "paused"));
    world.append(Event::Continued);
    assert_eq!(world.until_the_end().run().state, RunState::Over(Outcome::Done));
}

#[test]
fn a_step_with_nothing_to_undo_is_passed_over() {
    let mut plan = plan::sample("abc");
    plan.steps[1].undo = Undo::NothingToUndo("it only reads".into());
    let mut world = World { ends: BTreeMap::from([((false, 2), vec![End::Bad])]), ..World::default() };
    world.append(Event::Started { plan: Box::new(plan) });
    let world = world.until_the_end();
    assert_eq!((world.run().state, world.undone), (RunState::Over(Outcome::Undone), vec![2, 0]));
}

#[test]
fn a_broken_journal_is_named_and_never_guessed() {
    assert_eq!(Run::fold(&[]), Err(BrokenJournal::Empty));
    let good = World::new("ab", &[]).until_the_end().entries;
    assert_eq!(Run::fold(&good[1..]), Err(BrokenJournal::NoPlan));
    let mut gap = good.clone();
    gap.remove(2);
    assert_eq!(Run::fold(&gap), Err(BrokenJournal::Gap { expected: 2 }));
    let mut wild = good.clone();
    wild[1].event = Event::StepBegan { step: 9, attempt: 1 };
    assert_eq!(Run::fold(&wild), Err(BrokenJournal::NoStep { number: 1, step: 9 }));
    let mut after = good.clone();
    after.push(Entry { number: good.len() as u64, ..good[1].clone() });
    assert_eq!(Run::fold(&after), Err(BrokenJournal::AfterTheEnd { number: good.len() as u64 }));
}

#[test]
fn the_output_shows_the_last_lines_only() {
    let mut world = World::new("a", &[]);
    (0..600).for_each(|i| world.append(Event::Said { line: format!("line {i}") }));
    let output = world.run().output;
    assert_eq!((output.len(), output[0].1.as_str(), output[499].1.as_str()), (500, "line 100", "line 599"));
}

proptest! {
    #[test]
    fn whatever_fails_and_whenever_it_is_killed_it_ends_done_undone_or_stuck(
        letters in "[abc]{0,3}[A-C]?[abc]{0,2}",
        ends in prop::collection::vec((any::<bool>(), 0usize..6, prop::collection::vec(0u8..4, 0..8)), 0..6),
        cancel_at in 0usize..20,
    ) {
        let mut world = World::new(&letters, &[]);
        for (undo, step, ends) in ends {
            let end = |code| [End::Good, End::Bad, End::KilledAfter, End::KilledBefore][usize::from(code)];
            world.ends.insert((undo, step), ends.into_iter().map(end).collect());
        }
        for _ in 0..cancel_at {
            world.go();
        }
        if world.run().can_cancel().is_ok() {
            world.append(Event::CancelAsked);
        }
        let world = world.until_the_end();
        let run = world.run();
        prop_assert!(!world.unwound_past_the_line, "{:#?}", world.entries);
        match run.state {
            RunState::Over(Outcome::Done) => {
                prop_assert!(world.done.iter().copied().eq(0..run.steps.len()));
            }
            RunState::Over(Outcome::Undone | Outcome::Cancelled) => {
                prop_assert!(world.done.is_empty() && !run.is_past_the_line());
                prop_assert!(world.undone.is_sorted_by(|one, other| one > other), "{:?}", world.undone);
            }
            RunState::Stuck => prop_assert!(run.is_past_the_line() || run.unwinds),
            RunState::Working | RunState::Paused => prop_assert!(false, "it rests in the middle: {run:?}"),
        }
    }
}
