//! Making a plan of the world as it is now, starting the one that a person has seen, and what people ask of one that was started.
//! The same for every door.

use super::{
    ground::Ground,
    journal::{Journal, JournalError},
    steps,
};
use crate::observe::place::Outpost;
use app::{
    context,
    operations::{
        ask::Ask,
        journal::Event,
        kind::OperationKind,
        plan::Plan,
        refusal::{Before, Refusal, Unable, can_start},
    },
    values::{Level, OperationId},
};
use std::collections::BTreeMap;

/// What somebody wants done.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub kind: OperationKind,
    pub subject: String,
    pub settings: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotStarted {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The world cannot be looked at.
    #[error("{0}")]
    Blind(String),
}

impl Wanted {
    pub fn named(kind: &str, subject: &str, settings: BTreeMap<String, String>) -> Result<Self, Refusal> {
        let kind = OperationKind::parse(kind).ok_or_else(|| Refusal::UnknownKind { read: kind.into() })?;
        Ok(Self { kind, subject: subject.into(), settings })
    }

    /// Looks at the world from where its machines are reached, and says what would be done.
    pub async fn plan(&self, ground: Ground) -> Result<Plan, NotStarted> {
        let (tell, told) = tokio::sync::oneshot::channel();
        let (wanted, place) = (self.clone(), ground.place.clone());
        let outpost = Outpost::start(place, "plan", move |_stop| async move {
            // Whoever asked may have gone.
            let _ = tell.send(steps::plan(wanted.kind, &wanted.subject, &wanted.settings, &ground).await);
        });
        let outpost = outpost.map_err(NotStarted::Blind)?;
        let plan = told.await.map_err(|_| NotStarted::Blind("The thread that makes the plan ended. See the log.".into()))?;
        // It has nothing left to do.
        drop(outpost);
        Ok(plan?)
    }

    /// Starts it for somebody who saw the plan with this fingerprint. Whoever runs operations of this folder goes on with it.
    pub async fn start(
        &self,
        ground: Ground,
        journal: &Journal,
        fingerprint: &str,
        confirmed: Level,
        by: &str,
    ) -> Result<OperationId, NotStarted> {
        let plan = self.plan(ground).await?;
        let (before, now) = (journal.of_subject(&plan).await?, context::now());
        let known = Before { active: before.active.as_ref(), last_done: before.last_done.as_ref() };
        can_start(&plan, fingerprint, confirmed, known, now)?;
        match journal.start(&plan, by, now).await {
            // Somebody was quicker by a moment.
            Err(JournalError::Held(by)) => {
                let title = journal.run(by).await?.plan.title();
                Err(Refusal::Held { by, title, subject: plan.subject }.into())
            }
            started => Ok(started?),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    #[error(transparent)]
    Unable(#[from] Unable),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Writes it down, unless it cannot be done; whoever runs the operation sees it.
pub async fn ask(journal: &Journal, id: OperationId, by: &str, asked: &Ask) -> Result<(), NotDone> {
    loop {
        let run = journal.run(id).await?;
        let event = match asked {
            Ask::Cancel => run.can_cancel().map(|()| Event::CancelAsked),
            Ask::Pause => run.can_pause().map(|()| Event::Paused),
            Ask::Continue => run.can_continue().map(|()| Event::Continued),
            Ask::Resolve { how, words } => run.can_resolve().map(|()| Event::Resolved { how: *how, words: words.clone() }),
        };
        match journal.append(&run, by, context::now(), event?).await {
            // Something happened meanwhile, perhaps the point of no return: look again.
            Err(JournalError::Conflict) => {}
            done => return done.map(drop).map_err(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::harness::letters;
    use app::operations::journal::{Outcome, Resolution};

    #[tokio::test]
    async fn what_is_asked_is_written_down_or_refused_with_the_reason() {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(dir.path()).await.expect("a journal");
        let id = journal.start(&letters("carrier-a", "aB"), "ada", context::now()).await.expect("it starts");
        assert_eq!(ask(&journal, id, "bob", &Ask::Continue).await, Err(Unable::Runs(id).into()));
        assert_eq!(ask(&journal, id, "bob", &Ask::Pause).await, Ok(()));
        assert_eq!(ask(&journal, id, "bob", &Ask::Pause).await, Err(Unable::Paused(id).into()));
        assert_eq!(ask(&journal, id, "bob", &Ask::Continue).await, Ok(()));
        let resolve = Ask::Resolve { how: Resolution::TryAgain, words: "again".into() };
        assert_eq!(ask(&journal, id, "bob", &resolve).await, Err(Unable::NotStuck(id).into()));
        let run = journal.run(id).await.expect("it is there");
        journal.append(&run, "panel", context::now(), Event::StepBegan { step: 1, attempt: 1 }).await.expect("appended");
        let refused = ask(&journal, id, "bob", &Ask::Cancel).await.expect_err("past the line").to_string();
        assert!(refused.contains("point of no return (B)"), "{refused}");
        let run = journal.run(id).await.expect("it is there");
        journal.append(&run, "panel", context::now(), Event::Finished { outcome: Outcome::Done }).await.expect("appended");
        assert!(ask(&journal, id, "bob", &Ask::Cancel).await.expect_err("over").to_string().contains("it was done"));
        let nobody = ask(&journal, OperationId(9), "bob", &Ask::Cancel).await;
        assert_eq!(nobody, Err(JournalError::Unknown(OperationId(9)).into()));
    }

    #[tokio::test]
    async fn a_plan_of_what_cannot_be_reached_says_so_and_does_not_start() {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(dir.path()).await.expect("a journal");
        let shipped = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/stack/inventory.toml")).expect("ours");
        // The proxies' door is a port of this machine where nobody listens.
        let file = dir.path().join("inventory.toml");
        std::fs::write(&file, shipped.replace("10.40.40.0/24", "127.40.40.0/24").replace("10.40.40.1\"", "127.40.40.1\""))
            .expect("written");
        let ground = Ground::find(dir.path(), None).expect("a good file");
        let wanted = Wanted::named("disable_carrier", "carrier-a", BTreeMap::new()).expect("a kind");
        let plan = wanted.plan(ground.clone()).await.expect("a plan");
        assert!(plan.blocking().any(|preflight| preflight.name == "proxies"), "{plan:#?}");
        let refused = wanted.start(ground.clone(), &journal, &plan.fingerprint(), Level::L2, "ada").await;
        assert!(matches!(refused, Err(NotStarted::Refused(Refusal::Blocked { .. }))), "{refused:?}");
        let stale = wanted.start(ground, &journal, "0000", Level::L2, "ada").await;
        assert_eq!(stale, Err(NotStarted::Refused(Refusal::Stale)));
        assert_eq!(journal.active().await, Ok(Vec::new()));
        assert!(Wanted::named("explode", "x", BTreeMap::new()).is_err());
    }
}
