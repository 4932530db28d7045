//! What is known of live calls, in memory: told by the server's listeners, read by pages and functions.

use super::{
    board::{Board, BoardCall, Counts, HangUpRefusal},
    call_now::CallNow,
    live::{LiveCall, PbxEvent},
    live_list::LiveList,
    sources::{Behind, RecordSource, RecordSources, SHOWN_AFTER, SourceKind},
    tally::Tally,
};
use crate::{
    live::{Hub, Topic, Wake},
    values::{Moment, PortError, Query},
};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

pub type Ended = Pin<Box<dyn Future<Output = Result<(), PortError>> + Send>>;
/// Ends a call, by its PBX and channel.
pub type HangUp = Arc<dyn Fn(String, String) -> Ended + Send + Sync>;

pub struct CallsState {
    board: Mutex<Board>,
    sources: Mutex<RecordSources>,
    wake: Arc<Wake>,
    hang_up: OnceLock<HangUp>,
}

impl CallsState {
    pub fn new(hub: Arc<Hub>) -> Self {
        Self { board: Mutex::default(), sources: Mutex::default(), wake: Wake::new(hub, Topic::Calls), hang_up: OnceLock::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        // The next All puts right whatever a panic elsewhere may have left.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the server reaches the PBXs; set once, at the start.
    pub fn set_pbx_control(&self, hang_up: HangUp) {
        let _ = self.hang_up.set(hang_up);
    }

    /// Takes what a PBX tells.
    pub fn tell(&self, pbx: &str, event: PbxEvent, now: Moment) {
        if self.lock().tell(pbx, event, now) {
            self.wake.soon();
        }
    }

    /// Nothing is heard of the PBX; may be said again and again while that is so.
    pub fn away(&self, pbx: &str, now: Moment) {
        if self.lock().away(pbx, now) {
            self.wake.soon();
        }
    }

    /// The PBX is not in the inventory any more.
    pub fn forget(&self, pbx: &str) {
        self.lock().forget(pbx);
        self.wake.soon();
    }

    pub fn counts(&self, now: Moment) -> Counts {
        let mut board = self.lock();
        board.sweep(now);
        board.counts(now)
    }

    pub fn list(&self, query: &Query, now: Moment) -> LiveList {
        let mut board = self.lock();
        board.sweep(now);
        LiveList::read(&board, query, now)
    }

    /// Every live call, for what is not a page.
    pub fn all(&self, now: Moment) -> Vec<BoardCall> {
        let mut board = self.lock();
        board.sweep(now);
        board.calls().map(|(call, unknown_since)| BoardCall { call: call.clone(), unknown_since }).collect()
    }

    /// What the calls that are not over add to the sums of those that are.
    pub fn tally(&self, now: Moment) -> Tally {
        let (mut board, mut tally) = (self.lock(), Tally::default());
        board.sweep(now);
        board.calls().for_each(|(call, _)| tally.note_live(call, now));
        tally
    }

    pub fn find_by_reference(&self, reference: &str) -> Option<BoardCall> {
        self.lock().find_by_reference(reference)
    }

    /// The call of this name that is up, or else the one that ended last and whose record may still be on its way.
    pub fn find_now(&self, reference: &str, now: Moment) -> Option<CallNow> {
        let mut board = self.lock();
        board.sweep(now);
        CallNow::find(&board, reference, now)
    }

    fn sources(&self) -> MutexGuard<'_, RecordSources> {
        // The next reading of each source puts right whatever a panic elsewhere may have left.
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Call records will be read from there.
    pub fn expect_source(&self, kind: SourceKind, name: &str, now: Moment) {
        self.sources().expect(kind, name, now);
    }

    pub fn note_source(&self, kind: SourceKind, name: &str, result: Result<(), &str>, now: Moment) {
        if self.sources().note(kind, name, result, now) {
            self.wake.soon();
        }
    }

    /// Another inventory is in force.
    pub fn forget_sources(&self) {
        self.sources().forget();
    }

    pub fn list_sources(&self) -> Vec<RecordSource> {
        self.sources().list()
    }

    /// Sources without which figures up to this moment are not whole; `None` stands for now.
    pub fn behind(&self, until: Option<Moment>, now: Moment) -> Vec<Behind> {
        let mut behind = self.sources().behind(SHOWN_AFTER, now);
        behind.retain(|behind| behind.concerns(until));
        behind
    }

    pub fn can_hang_up(&self, pbx: &str, channel: &str, reference: &str) -> Result<LiveCall, HangUpRefusal> {
        self.lock().can_hang_up(pbx, channel, reference).cloned()
    }

    pub fn away_since(&self, pbx: &str) -> Option<Moment> {
        self.lock().away_since(pbx)
    }

    /// Tells the PBX to end the call; `None` while the server has no way to any PBX.
    pub fn hang_up(&self, call: &LiveCall) -> Option<Ended> {
        self.hang_up.get().map(|hang_up| hang_up(call.pbx.clone(), call.channel.clone()))
    }
}
