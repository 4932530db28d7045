//! The tests that every operation passes: each step twice, each undo twice, a failure at every step and at every single call of the
//! world, a kill at every boundary. An operation brings a [`Rig`] and calls [`check`].

use super::{
    journal::Journal,
    perform::{Operation, Pace, Performer, Say},
};
use app::{
    operations::{
        journal::Outcome,
        kind::OperationKind,
        plan::{Plan, PlannedStep, Preflight, Undo, Verdict},
        run::{Run, RunState},
    },
    values::{Level, Moment, OperationId},
};
use std::{
    cell::Cell,
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// A world made for one test, and an operation on it.
pub trait Rig {
    type Operation: Operation;
    fn plan(&self) -> Plan;
    /// Anew, as by a program that was just started.
    fn operation(&self) -> Self::Operation;
    /// All of the world that the operation could have changed.
    fn world(&self) -> String;
    /// The call of this number from now on fails, once. Gives whether the one broken before was reached.
    fn break_call(&self, number: Option<usize>) -> bool;
}

/// A second of waiting takes a millisecond.
pub const FAST: Pace = Pace { now: fast_now, times_faster: 1_000 };

fn fast_now() -> Moment {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let elapsed = BEGAN.get_or_init(Instant::now).elapsed();
    Moment::from_seconds(1_000_000).plus(elapsed * FAST.times_faster)
}

#[derive(Clone, Copy, Debug, Default)]
struct Twist {
    twice: bool,
    /// The step of this name fails, before or after it did its work.
    fail: Option<(&'static str, bool)>,
    /// The program dies in this undo (or step), before or after it did its work.
    kill: Option<(bool, &'static str, bool)>,
}

struct Twisted<O> {
    inner: O,
    twist: Twist,
    killed: Arc<Notify>,
    /// A twist happens once.
    spent: Cell<bool>,
}

impl<O> Twisted<O> {
    async fn die(&self, undo: bool, name: &str, after: bool) {
        if self.twist.kill.is_some_and(|kill| kill == (undo, name, after)) {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
    }

    fn fail(&self, name: &str, after: bool) -> Result<(), String> {
        let fails = self.twist.fail.is_some_and(|fail| fail == (name, after)) && !self.spent.replace(true);
        if fails { Err("It was made to fail.".into()) } else { Ok(()) }
    }
}

impl<O: Operation> Operation for Twisted<O> {
    type Step = (O::Step, &'static str);
    type Facts = O::Facts;

    fn find_step(name: &str) -> Option<Self::Step> {
        Some((O::find_step(name)?, Box::leak(name.to_string().into_boxed_str())))
    }

    fn deadline(&self, step: Self::Step) -> Duration {
        self.inner.deadline(step.0)
    }

    async fn run(&self, (step, name): Self::Step, facts: &mut O::Facts, say: &Say<'_>) -> Result<(), String> {
        self.die(false, name, false).await;
        self.fail(name, false)?;
        self.inner.run(step, facts, say).await?;
        if self.twist.twice {
            self.inner.run(step, facts, say).await?;
        }
        self.die(false, name, true).await;
        self.fail(name, true)
    }

    async fn undo(&self, (step, name): Self::Step, facts: &O::Facts, say: &Say<'_>) -> Result<(), String> {
        self.die(true, name, false).await;
        self.inner.undo(step, facts, say).await?;
        if self.twist.twice {
            self.inner.undo(step, facts, say).await?;
        }
        self.die(true, name, true).await;
        Ok(())
    }
}

struct Trial<R> {
    dir: tempfile::TempDir,
    rig: R,
    before: String,
    id: OperationId,
}

impl<R: Rig> Trial<R> {
    async fn new(rig: R) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(dir.path()).await.expect("a journal");
        let id = journal.start(&rig.plan(), "ada", fast_now()).await.expect("it starts");
        journal.close().await;
        let before = rig.world();
        Self { dir, rig, before, id }
    }

    /// As far as it goes with one program, which may be killed.
    async fn go(&self, twist: Twist) -> Option<Run> {
        let journal = Journal::open(self.dir.path()).await.expect("a journal");
        let killed = Arc::new(Notify::new());
        let operation = Twisted { inner: self.rig.operation(), twist, killed: Arc::clone(&killed), spent: Cell::new(false) };
        let performer = Performer { journal: &journal, id: self.id, pace: FAST };
        let ended = tokio::select! {
            ended = performer.perform(&operation) => Some(ended.expect("the journal is whole")),
            () = killed.notified() => None,
        };
        journal.close().await;
        ended
    }

    /// Nothing is half done: done, or as before, or a person is asked because there was no way back.
    fn judge(&self, run: &Run, what: &str) {
        match run.state {
            RunState::Over(Outcome::Done) => {}
            RunState::Over(Outcome::Undone | Outcome::Cancelled) => assert_eq!(self.rig.world(), self.before, "{what}: {run:#?}"),
            RunState::Stuck => assert!(run.is_past_the_line(), "{what}: stuck with a way back: {run:#?}"),
            RunState::Working | RunState::Paused => panic!("{what}: it rests in the middle: {run:#?}"),
        }
    }
}

/// The whole harness.
pub async fn check<R: Rig>(make: impl Fn() -> R) {
    let plan = make().plan();
    let names: Vec<&'static str> =
        plan.steps.iter().map(|step| -> &'static str { Box::leak(step.name.clone().into_boxed_str()) }).collect();
    let line = plan.point_of_no_return();
    let last = *names.last().expect("a plan has a step");

    let plain = Trial::new(make()).await;
    let run = plain.go(Twist::default()).await.expect("nobody kills it");
    assert_eq!(run.state, RunState::Over(Outcome::Done), "{run:#?}");
    let done = plain.rig.world();

    let twice = Trial::new(make()).await;
    let run = twice.go(Twist { twice: true, ..Twist::default() }).await.expect("nobody kills it");
    assert_eq!((run.state, twice.rig.world()), (RunState::Over(Outcome::Done), done.clone()), "each step twice: {run:#?}");

    for (number, name) in names.iter().enumerate() {
        for after in [false, true] {
            let what = format!("{name} fails {}", if after { "after" } else { "before" });
            for twice in [false, true] {
                let trial = Trial::new(make()).await;
                let run = trial.go(Twist { twice, fail: Some((name, after)), kill: None }).await.expect("nobody kills it");
                trial.judge(&run, &what);
                let past = line.is_some_and(|line| number >= line);
                let expected = if past { Outcome::Done } else { Outcome::Undone };
                assert_eq!(run.state, RunState::Over(expected), "{what}: {run:#?}");
            }
            let trial = Trial::new(make()).await;
            let what = format!("killed in {name}, {}", if after { "after" } else { "before" });
            assert!(trial.go(Twist { kill: Some((false, name, after)), ..Twist::default() }).await.is_none(), "{what}");
            let run = trial.go(Twist::default()).await.expect("nobody kills it");
            assert_eq!((run.state, trial.rig.world()), (RunState::Over(Outcome::Done), done.clone()), "{what}: {run:#?}");
        }
    }
    if line.is_none() {
        let undone = plan.steps.iter().zip(&names).filter(|(step, _)| matches!(step.undo, Undo::By(_)));
        for (_, name) in undone {
            for after in [false, true] {
                let trial = Trial::new(make()).await;
                let twist = Twist { fail: Some((last, true)), kill: Some((true, name, after)), twice: false };
                assert!(trial.go(twist).await.is_none(), "killed in the undo of {name}");
                let run = trial.go(Twist::default()).await.expect("nobody kills it");
                trial.judge(&run, "killed in an undo");
                assert_eq!(run.state, RunState::Over(Outcome::Undone), "{run:#?}");
            }
        }
    }
    for number in 0.. {
        assert!(number < 1_000, "an operation of so many calls needs a smaller rig");
        let trial = Trial::new(make()).await;
        trial.rig.break_call(Some(number));
        let run = trial.go(Twist::default()).await.expect("nobody kills it");
        let reached = trial.rig.break_call(None);
        trial.judge(&run, &format!("call {number} fails"));
        if !reached {
            assert_eq!(run.state, RunState::Over(Outcome::Done));
            break;
        }
    }
}

/// A plan of steps named by letters; a capital one cannot be undone.
pub fn letters(subject: &str, letters: &str) -> Plan {
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
        subject: subject.into(),
        settings: [].into(),
        level: Level::L2,
        steps: letters.chars().map(step).collect(),
        preflights: vec![Preflight::new("world", Verdict::Pass, "it is there")],
    }
}

/// Fails the call that a test broke.
#[derive(Default)]
pub struct Calls {
    made: usize,
    broken: Option<usize>,
    reached: bool,
}

impl Calls {
    pub fn make(&mut self) -> Result<(), String> {
        let number = self.made;
        self.made += 1;
        if self.broken != Some(number) {
            return Ok(());
        }
        self.reached = true;
        Err("The world says no.".into())
    }

    pub fn break_call(&mut self, number: Option<usize>) -> bool {
        (self.made, self.broken) = (0, number);
        std::mem::take(&mut self.reached)
    }
}

/// The stand-in operation: a set of letters. `h` never ends.
#[derive(Clone, Default)]
pub struct Letters {
    plan: String,
    world: Arc<Mutex<(BTreeSet<char>, Calls)>>,
}

impl Letters {
    pub fn new(plan: &str) -> Self {
        Self { plan: plan.into(), world: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, (BTreeSet<char>, Calls)> {
        self.world.lock().expect("nobody panics")
    }
}

impl Operation for Letters {
    type Step = char;
    type Facts = BTreeSet<char>;

    fn find_step(name: &str) -> Option<char> {
        name.chars().next()
    }

    fn deadline(&self, _step: char) -> Duration {
        Duration::from_millis(1_500)
    }

    async fn run(&self, step: char, facts: &mut BTreeSet<char>, say: &Say<'_>) -> Result<(), String> {
        say(format!("doing {step}"));
        if step == 'h' {
            std::future::pending::<()>().await;
        }
        self.lock().1.make()?;
        self.lock().0.insert(step);
        facts.insert(step);
        self.lock().1.make()
    }

    async fn undo(&self, step: char, _facts: &BTreeSet<char>, _say: &Say<'_>) -> Result<(), String> {
        self.lock().0.remove(&step);
        self.lock().1.make()
    }
}

impl Rig for Letters {
    type Operation = Self;

    fn plan(&self) -> Plan {
        letters("carrier-a", &self.plan)
    }

    fn operation(&self) -> Self {
        self.clone()
    }

    fn world(&self) -> String {
        self.lock().0.iter().collect()
    }

    fn break_call(&self, number: Option<usize>) -> bool {
        self.lock().1.break_call(number)
    }
}

#[tokio::test]
async fn the_runner_passes_its_own_harness_with_and_without_a_point_of_no_return() {
    check(|| Letters::new("abc")).await;
    check(|| Letters::new("abCd")).await;
}

#[tokio::test]
async fn a_step_that_hangs_has_failed_at_its_deadline() {
    let trial = Trial::new(Letters::new("ah")).await;
    let run = trial.go(Twist::default()).await.expect("nobody kills it");
    assert_eq!((run.state, trial.rig.world()), (RunState::Over(Outcome::Undone), String::new()));
    assert_eq!(run.reason.as_deref(), Some("It had no end within 1.5 s."));
    assert!(run.output.iter().any(|(_, line)| line == "doing h"), "{:?}", run.output);
}

#[tokio::test]
async fn cancelling_ends_a_step_that_is_under_way_and_unwinds() {
    use app::operations::journal::Event;
    let trial = Trial::new(Letters::new("ah")).await;
    let journal = Journal::open(trial.dir.path()).await.expect("a journal");
    let cancel = async {
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let run = journal.run(trial.id).await.expect("it is there");
            if run.output.iter().any(|(_, line)| line == "doing h")
                && journal.append(&run, "bob", fast_now(), Event::CancelAsked).await.is_ok()
            {
                break;
            }
        }
    };
    let (run, ()) = tokio::join!(trial.go(Twist::default()), cancel);
    let run = run.expect("nobody kills it");
    assert_eq!((run.state, run.cancelled_by.as_deref()), (RunState::Over(Outcome::Cancelled), Some("bob")));
    assert_eq!(trial.rig.world(), "");
}

#[tokio::test]
async fn a_step_of_another_version_makes_it_stuck_and_touches_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = Journal::open(dir.path()).await.expect("a journal");
    let mut plan = letters("carrier-a", "ab");
    plan.steps[0].name = String::new();
    let id = journal.start(&plan, "ada", fast_now()).await.expect("it starts");
    let rig = Letters::new("ab");
    let run = Performer { journal: &journal, id, pace: FAST }.perform(&rig).await.expect("the journal is whole");
    assert_eq!((run.state, rig.lock().0.len()), (RunState::Stuck, 0));
    assert!(run.reason.is_some_and(|said| said.contains("does not know the step")));
}
