//! Wake-ups of what changes all the time: the first at once, then at most one every so often, and the last one is never forgotten.

use super::{Hub, Topic};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::{
    runtime::Handle,
    time::{Duration, Instant},
};

/// A busy PBX tells of hundreds of changes a second, and nobody reads that fast.
const WAKE_EVERY: Duration = Duration::from_millis(250);

pub struct Wake {
    hub: Arc<Hub>,
    topic: Topic,
    /// Of whoever made it: the threads that tell of changes come and go, and would take what waits along.
    runtime: Option<Handle>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: Option<Instant>,
    /// Somebody is about to wake already.
    waiting: bool,
}

impl Wake {
    pub fn new(hub: Arc<Hub>, topic: Topic) -> Arc<Self> {
        Arc::new(Self { hub, topic, runtime: Handle::try_current().ok(), state: Mutex::default() })
    }

    pub fn soon(self: &Arc<Self>) {
        let Some(runtime) = &self.runtime else { return self.hub.wake(self.topic) };
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
        let Some(rest) = rest else { return self.hub.wake(self.topic) };
        let wake = Arc::clone(self);
        runtime.spawn(async move {
            tokio::time::sleep(rest).await;
            *wake.state.lock().unwrap_or_else(PoisonError::into_inner) = State { last: Some(Instant::now()), waiting: false };
            wake.hub.wake(wake.topic);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::RequestId;

    fn hub() -> Arc<Hub> {
        Arc::new(Hub::new(RequestId("boot".into())))
    }

    #[tokio::test]
    async fn many_changes_wake_a_few_times_and_the_last_one_is_never_forgotten() {
        let hub = hub();
        let wake = Wake::new(Arc::clone(&hub), Topic::Calls);
        let mut woken = hub.watch(Topic::Calls);
        let began = Instant::now();
        (0..100).for_each(|_| wake.soon());
        assert_eq!(*woken.borrow(), 1, "the first at once");
        woken.mark_unchanged();
        woken.changed().await.expect("the hub is there");
        // Counted from the second wake, however late a busy machine told of it.
        tokio::time::sleep(WAKE_EVERY * 2).await;
        assert_eq!(*woken.borrow(), 2, "the other ninety-nine together, {:?} later", began.elapsed());
        wake.soon();
        assert_eq!(*woken.borrow(), 3, "after a quiet while at once again");
    }

    #[tokio::test]
    async fn a_thread_that_ends_takes_no_wake_up_along() {
        let hub = hub();
        let wake = Wake::new(Arc::clone(&hub), Topic::Fleet);
        let mut woken = hub.watch(Topic::Fleet);
        let observers = Arc::clone(&wake);
        // As the observers of an inventory that is replaced: a runtime of their own, and gone at once.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { (0..3).for_each(|_| observers.soon()) });
        });
        thread.join().expect("it ends");
        woken.mark_unchanged();
        woken.changed().await.expect("the hub is there");
        assert_eq!(*woken.borrow(), 2);
    }
}
