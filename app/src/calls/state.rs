//! What is known of live calls, in memory: told by the server's listeners, read by pages and functions.

use super::{
    board::{Board, BoardCall, Counts, HangUpRefusal},
    live::{LiveCall, PbxEvent},
    live_list::LiveList,
};
use crate::{
    live::{Hub, Topic},
    values::{Moment, PortError, Query},
};
use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// A busy PBX tells of hundreds of changes a second, and nobody reads that fast.
const WAKE_EVERY: Duration = Duration::from_millis(250);

pub type Ended = Pin<Box<dyn Future<Output = Result<(), PortError>> + Send>>;
/// Ends a call, by its PBX and channel.
pub type HangUp = Arc<dyn Fn(String, String) -> Ended + Send + Sync>;

pub struct CallsState {
    board: Mutex<Board>,
    wake: Arc<Wake>,
    hang_up: OnceLock<HangUp>,
}

impl CallsState {
    pub fn new(hub: Arc<Hub>) -> Self {
        Self { board: Mutex::default(), wake: Arc::new(Wake { hub, state: Mutex::default() }), hang_up: OnceLock::new() }
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

    pub fn find_by_reference(&self, reference: &str) -> Option<BoardCall> {
        self.lock().find_by_reference(reference)
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

/// Wakes whoever looks, at once after a quiet while and otherwise a quarter of a second after the last time.
struct Wake {
    hub: Arc<Hub>,
    state: Mutex<WakeState>,
}

#[derive(Default)]
struct WakeState {
    last: Option<Instant>,
    /// Somebody is about to wake already.
    waiting: bool,
}

impl Wake {
    fn soon(self: &Arc<Self>) {
        let now = Instant::now();
        let rest = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.waiting {
                return;
            }
            let rest = state.last.and_then(|last| WAKE_EVERY.checked_sub(now.duration_since(last)));
            match rest {
                Some(_) => state.waiting = true,
                None => state.last = Some(now),
            }
            rest
        };
        let Some(rest) = rest else { return self.hub.wake(Topic::Calls) };
        let wake = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(rest).await;
            *wake.state.lock().unwrap_or_else(PoisonError::into_inner) = WakeState { last: Some(Instant::now()), waiting: false };
            wake.hub.wake(Topic::Calls);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::RequestId;

    #[tokio::test]
    async fn many_changes_wake_a_few_times_and_the_last_one_is_never_forgotten() {
        let hub = Arc::new(Hub::new(RequestId("boot".into())));
        let calls = CallsState::new(Arc::clone(&hub));
        let mut woken = hub.watch(Topic::Calls);
        let began = Instant::now();
        for second in 0..100 {
            // Each is another change: away, back, away…
            let now = Moment::from_seconds(second);
            if second % 2 == 0 { calls.away("asterisk-01", now) } else { calls.tell("asterisk-01", PbxEvent::All(Vec::new()), now) }
        }
        assert_eq!(*woken.borrow(), 1, "the first at once");
        woken.mark_unchanged();
        woken.changed().await.expect("the hub is there");
        // Counted from the second wake, however late a busy machine told of it.
        tokio::time::sleep(WAKE_EVERY * 2).await;
        assert_eq!(*woken.borrow(), 2, "the other ninety-nine together, {:?} later", began.elapsed());
        calls.away("asterisk-01", Moment::from_seconds(200));
        assert_eq!(*woken.borrow(), 3, "after a quiet while at once again");
    }
}
