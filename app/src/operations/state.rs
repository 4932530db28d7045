//! The desk: where a page asks for a plan, starts it, and reads what runs. The server stands behind it; nothing here or there needs a
//! database.

use super::{
    ask::Ask,
    journal::Entry,
    kind::OperationKind,
    plan::Plan,
    refusal::{Refusal, Unable},
    run::Run,
    setting::Setting,
    sheet::{Looked, Offer, Summary},
};
use crate::{
    error::{AppError, Problem, SignedOut},
    live::{Hub, Topic},
    values::{Level, Moment, OperationId, Query},
};
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// What somebody wants done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wish {
    pub kind: OperationKind,
    pub subject: String,
    pub settings: BTreeMap<String, String>,
}

impl Wish {
    /// `settings` is a query; what is blank in it was not chosen.
    pub fn parse(kind: &str, subject: &str, settings: &str) -> Result<Self, Refusal> {
        let kind = OperationKind::parse(kind).ok_or_else(|| Refusal::UnknownKind { read: kind.into() })?;
        let settings = Query::parse(settings);
        let chosen = settings.pairs().map(|(name, value)| (name.to_string(), value.trim().to_string()));
        Ok(Self { kind, subject: subject.trim().into(), settings: chosen.filter(|(_, value)| !value.is_empty()).collect() })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Unable(#[from] Unable),
    #[error("There is no operation {0}.")]
    Unknown(OperationId),
    /// The journal, or whoever makes plans, in their own sentence.
    #[error("{0}")]
    Failed(String),
}

impl From<NotDone> for AppError {
    fn from(error: NotDone) -> Self {
        match &error {
            NotDone::Unknown(id) | NotDone::Unable(Unable::Unknown(id)) => AppError::not_found(format!("operation {id}")),
            NotDone::Refused(Refusal::NotConfirmed { needed: Level::L3, given }) if *given >= Level::L2 => {
                AppError::SignedOut(SignedOut::ProofTooOld)
            }
            NotDone::Refused(Refusal::NotConfirmed { .. }) => {
                let problems = vec![Problem::new("typed", "", "the name of what it is done to, exactly")];
                AppError::Refused { why: error.to_string(), problems }
            }
            _ => AppError::refused(error),
        }
    }
}

/// What comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

pub trait Desk: Send + Sync {
    /// What can be done to what, by the inventory in force.
    fn offers(&self) -> Result<Vec<Offer>, String>;
    fn settings(&self, kind: OperationKind) -> Vec<Setting>;
    /// The plan as things are now, if that takes no longer than a page may; whoever asks again gets what was found meanwhile.
    fn look<'a>(&'a self, wish: &'a Wish) -> Later<'a, Looked>;
    /// A plan that was shown a while ago.
    fn shown(&self, fingerprint: &str) -> Option<Plan>;
    fn start(&self, wish: Wish, fingerprint: String, confirmed: Level, by: String) -> Later<'_, Result<OperationId, NotDone>>;
    fn ask(&self, id: OperationId, by: String, ask: Ask) -> Later<'_, Result<(), NotDone>>;
    /// The newest first.
    fn list(&self, limit: u32) -> Later<'_, Result<Vec<Summary>, NotDone>>;
    fn find(&self, id: OperationId) -> Later<'_, Result<(Run, Vec<Entry>), NotDone>>;
}

/// The desk, and in memory what is not over: the frame of every page says it.
pub struct OperationsState {
    pub desk: Arc<dyn Desk>,
    hub: Arc<Hub>,
    active: RwLock<Arc<Vec<Summary>>>,
    told_at: RwLock<Moment>,
}

/// A page takes less than this from being drawn to hearing wake-ups.
const JUST_NOW: Duration = Duration::from_secs(15);

impl OperationsState {
    pub fn new(desk: Arc<dyn Desk>, hub: Arc<Hub>) -> Self {
        Self { desk, hub, active: RwLock::default(), told_at: RwLock::default() }
    }

    /// What is not over, the oldest first.
    pub fn active(&self) -> Arc<Vec<Summary>> {
        Arc::clone(&self.active.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a page that was drawn a moment ago may be old already.
    pub fn moved_just_now(&self, now: Moment) -> bool {
        now.since(*self.told_at.read().unwrap_or_else(PoisonError::into_inner)) < JUST_NOW
    }

    /// The journal has grown: this is what is not over now.
    pub fn tell(&self, active: Vec<Summary>, now: Moment) {
        *self.told_at.write().unwrap_or_else(PoisonError::into_inner) = now;
        *self.active.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(active);
        self.hub.wake(Topic::Operations);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_blank_in_a_form_was_not_chosen() {
        let wish = Wish::parse("drain", " asterisk-01 ", "within_s=90&without=&accept_no_route=+").expect("a kind");
        assert_eq!((wish.subject.as_str(), wish.settings.len()), ("asterisk-01", 1));
        assert!(Wish::parse("explode", "x", "").is_err());
    }

    #[test]
    fn a_confirmation_that_is_missing_leads_to_where_it_is_given() {
        let missing = |needed, given| AppError::from(NotDone::from(Refusal::NotConfirmed { needed, given }));
        assert_eq!(missing(Level::L3, Level::L2), AppError::SignedOut(SignedOut::ProofTooOld));
        assert_eq!(missing(Level::L3, Level::L1).problems()[0].at, "typed");
        assert_eq!(missing(Level::L2, Level::L1).problems()[0].at, "typed");
        assert_eq!(AppError::from(NotDone::Unknown(OperationId(3))).status(), 404);
    }
}
