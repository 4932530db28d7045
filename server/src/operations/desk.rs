//! What stands behind the doors: plans, starts and the journal, for server functions that know nothing of machines.
//!
//! A plan asks machines, and one that is dead takes seconds to say nothing. So a page waits for a short while only; what is found
//! then is kept for whoever asks again, and the page does by itself.

use super::{
    ground::Ground,
    journal::{Journal, JournalError},
    start::{self, NotStarted, Wanted, ask},
};
use app::{
    context,
    fleet::operations::offers,
    operations::{
        ask::Ask,
        journal::Entry,
        kind::OperationKind,
        plan::Plan,
        refusal::{Before, Refusal, can_start},
        run::Run,
        setting::Setting,
        sheet::{Looked, Offer, Summary},
        state::{Desk, Later, NotDone, Wish},
    },
    values::{Level, Moment, OperationId},
};
use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Mutex as AsyncMutex, watch};

/// A page waits this long for a plan.
const LOOK_WITHIN: Duration = Duration::from_millis(700);
/// A plan that is older is made anew for whoever looks again.
const FRESH_FOR: Duration = Duration::from_secs(4);
/// Plans that are made at once. Whoever asks for one more waits, as for a machine that is slow.
const LOOKS_MAX: usize = 8;
/// Plans that were shown, for telling what changed since.
const SHOWN_MAX: usize = 100;

type Made = Result<Plan, String>;

/// A plan that is being made, or was.
struct Look {
    made: watch::Receiver<Option<(Moment, Made)>>,
}

#[derive(Default)]
struct Looks {
    by_wish: BTreeMap<Wish, Look>,
    /// With their fingerprints, the newest last.
    shown: VecDeque<(String, Plan)>,
}

pub struct ServerDesk {
    state: PathBuf,
    /// The inventory of the configuration.
    given: Option<PathBuf>,
    journal: AsyncMutex<Option<Journal>>,
    looks: Mutex<Looks>,
    /// Operations that are over, which nothing changes any more.
    over: Mutex<BTreeMap<OperationId, Summary>>,
    look_within: Duration,
}

fn of_start(error: NotStarted) -> NotDone {
    match error {
        NotStarted::Refused(refusal) => refusal.into(),
        NotStarted::Journal(error) => of_journal(error),
        NotStarted::Blind(why) => NotDone::Failed(why),
    }
}

fn of_journal(error: JournalError) -> NotDone {
    match error {
        JournalError::Unknown(id) => NotDone::Unknown(id),
        other => NotDone::Failed(other.to_string()),
    }
}

impl ServerDesk {
    pub fn new(state: &Path, given: Option<PathBuf>) -> Self {
        let (journal, looks, over) = (AsyncMutex::default(), Mutex::default(), Mutex::default());
        Self { state: state.into(), given, journal, looks, over, look_within: LOOK_WITHIN }
    }

    // A panic while it was locked cannot leave it half changed: every change is one call.
    fn looks(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn over(&self) -> MutexGuard<'_, BTreeMap<OperationId, Summary>> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ground(&self) -> Result<Ground, NotDone> {
        Ground::find(&self.state, self.given.as_deref()).map_err(NotDone::Failed)
    }

    /// The journal, where there is one.
    pub async fn existing(&self) -> Result<Option<Journal>, JournalError> {
        let mut journal = self.journal.lock().await;
        if journal.is_none() {
            *journal = Journal::open_existing(&self.state).await?;
        }
        Ok(journal.clone())
    }

    async fn for_writing(&self) -> Result<Journal, NotDone> {
        let mut journal = self.journal.lock().await;
        match &*journal {
            Some(journal) => Ok(journal.clone()),
            None => {
                let opened = Journal::open(&self.state).await.map_err(of_journal)?;
                Ok(journal.insert(opened).clone())
            }
        }
    }

    /// The plan that is being made for this wish, or was made a moment ago; begun where there is none, unless too many are.
    fn made(&self, wish: &Wish, now: Moment) -> Option<watch::Receiver<Option<(Moment, Made)>>> {
        let mut looks = self.looks();
        // A look whose thread ended without a word counts as none.
        let is_fresh = |look: &Look| match &*look.made.borrow() {
            Some((at, _)) => now.since(*at) < FRESH_FOR,
            None => look.made.has_changed().is_ok(),
        };
        looks.by_wish.retain(|_, look| is_fresh(look));
        if let Some(look) = looks.by_wish.get(wish) {
            return Some(look.made.clone());
        }
        if looks.by_wish.values().filter(|look| look.made.borrow().is_none()).count() >= LOOKS_MAX {
            return None;
        }
        let (tell, made) = watch::channel(None);
        let wanted = Wanted { kind: wish.kind, subject: wish.subject.clone(), settings: wish.settings.clone() };
        let ground = self.ground();
        tokio::spawn(async move {
            let plan = match ground {
                Ok(ground) => wanted.plan(ground).await.map_err(|error| error.to_string()),
                Err(why) => Err(why.to_string()),
            };
            // Nobody may be waiting any more; the next one finds it.
            tell.send_replace(Some((context::now(), plan)));
            // Kept alive as long as somebody may ask for it.
            tokio::time::sleep(FRESH_FOR).await;
        });
        looks.by_wish.insert(wish.clone(), Look { made: made.clone() });
        Some(made)
    }

    /// Why the plan cannot start now, and who has its subject.
    async fn why_not(&self, plan: &Plan, now: Moment) -> Result<(), Refusal> {
        let before = match self.existing().await {
            Ok(Some(journal)) => journal.of_subject(plan).await.unwrap_or_default(),
            _ => super::journal::SubjectRuns::default(),
        };
        let known = Before { active: before.active.as_ref(), last_done: before.last_done.as_ref() };
        can_start(plan, &plan.fingerprint(), Level::L3, known, now)
    }

    async fn look_at(&self, wish: &Wish) -> Looked {
        let Some(mut made) = self.made(wish, context::now()) else { return Looked::Looking };
        // Past the time, what is there now is as good as it gets.
        let _ = tokio::time::timeout(self.look_within, made.wait_for(Option::is_some)).await;
        let Some((at, made)) = made.borrow().clone() else { return Looked::Looking };
        match made {
            Err(why) => Looked::Refused(why),
            Ok(plan) => {
                let refusal = self.why_not(&plan, context::now()).await.err();
                let held_by = match &refusal {
                    Some(Refusal::Held { by, .. }) => Some(*by),
                    _ => None,
                };
                let mut looks = self.looks();
                let fingerprint = plan.fingerprint();
                looks.shown.retain(|(known, _)| *known != fingerprint);
                looks.shown.push_back((fingerprint, plan.clone()));
                if looks.shown.len() > SHOWN_MAX {
                    looks.shown.pop_front();
                }
                Looked::Plan { plan: Box::new(plan), at, why_not: refusal.map(|refusal| refusal.to_string()), held_by }
            }
        }
    }

    async fn start_it(&self, wish: Wish, fingerprint: String, confirmed: Level, by: String) -> Result<OperationId, NotDone> {
        let (ground, journal) = (self.ground()?, self.for_writing().await?);
        // What comes next is looked at anew.
        self.looks().by_wish.remove(&wish);
        let wanted = Wanted { kind: wish.kind, subject: wish.subject, settings: wish.settings };
        wanted.start(ground, &journal, &fingerprint, confirmed, &by).await.map_err(of_start)
    }

    /// What is over is read once.
    async fn list_them(&self, limit: u32) -> Result<Vec<Summary>, NotDone> {
        let Some(journal) = self.existing().await.map_err(of_journal)? else { return Ok(Vec::new()) };
        let mut listed = Vec::new();
        for id in journal.newest(limit).await.map_err(of_journal)? {
            let known = self.over().get(&id).cloned();
            let summary = match known {
                Some(summary) => summary,
                None => Summary::of(&journal.run(id).await.map_err(of_journal)?),
            };
            if summary.over {
                self.over().insert(id, summary.clone());
            }
            listed.push(summary);
        }
        Ok(listed)
    }

    async fn find_it(&self, id: OperationId) -> Result<(Run, Vec<Entry>), NotDone> {
        let journal = self.existing().await.map_err(of_journal)?.ok_or(NotDone::Unknown(id))?;
        let entries = journal.entries(id, 0).await.map_err(of_journal)?;
        if entries.is_empty() {
            return Err(NotDone::Unknown(id));
        }
        let run = Run::fold(&entries);
        let run = run.map_err(|broken| NotDone::Failed(format!("Operation {id} cannot be shown: {broken}. See the log.")))?;
        Ok((run, entries))
    }
}

impl Desk for ServerDesk {
    fn offers(&self) -> Result<Vec<Offer>, String> {
        let ground = self.ground().map_err(|error| error.to_string())?;
        let built = OperationKind::ALL.into_iter().filter(|kind| kind.is_built());
        let offers = built.map(|kind| Offer { kind, subjects: offers::subjects(kind, &ground.inventory) });
        Ok(offers.filter(|offer| !offer.subjects.is_empty()).collect())
    }

    fn settings(&self, kind: OperationKind) -> Vec<Setting> {
        offers::settings(kind)
    }

    fn look<'a>(&'a self, wish: &'a Wish) -> Later<'a, Looked> {
        Box::pin(self.look_at(wish))
    }

    fn shown(&self, fingerprint: &str) -> Option<Plan> {
        self.looks().shown.iter().find(|(known, _)| known == fingerprint).map(|(_, plan)| plan.clone())
    }

    fn start(&self, wish: Wish, fingerprint: String, confirmed: Level, by: String) -> Later<'_, Result<OperationId, NotDone>> {
        Box::pin(self.start_it(wish, fingerprint, confirmed, by))
    }

    fn ask(&self, id: OperationId, by: String, asked: Ask) -> Later<'_, Result<(), NotDone>> {
        Box::pin(async move {
            let journal = self.existing().await.map_err(of_journal)?.ok_or(NotDone::Unknown(id))?;
            ask(&journal, id, &by, &asked).await.map_err(|error| match error {
                start::NotDone::Unable(unable) => unable.into(),
                start::NotDone::Journal(error) => of_journal(error),
            })
        })
    }

    fn list(&self, limit: u32) -> Later<'_, Result<Vec<Summary>, NotDone>> {
        Box::pin(self.list_them(limit))
    }

    fn find(&self, id: OperationId) -> Later<'_, Result<(Run, Vec<Entry>), NotDone>> {
        Box::pin(self.find_it(id))
    }
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
