//! The stream of wake-ups: one per browser. Carries no data, only which topics to read again, and ends with its session.

use super::context::{DoorContext, problem};
use app::{
    auth::{
        guards::Access,
        role::Permission,
        session::{SignedIn, Stage},
    },
    context::{self, Request as Described},
    error::{AppError, SignedOut},
    live::Topic,
};
use axum::{
    Extension,
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio_stream::wrappers::{IntervalStream, WatchStream};
use tower_sessions::{Session, session::Id};

/// A browser that lost the stream tries again after this.
const RETRY: Duration = Duration::from_millis(1_000);
const PING_EVERY: Duration = Duration::from_secs(3);
/// Two wake-ups of a topic closer together than this become one.
const CALM: Duration = Duration::from_millis(200);

pub async fn stream(
    State(context): State<DoorContext>,
    Extension(described): Extension<Arc<Described>>,
    Extension(session): Extension<Session>,
) -> Response {
    let who = described.who.clone().filter(|who| who.stage == Stage::Full);
    let (Some(who), Some(id)) = (who, session.id()) else {
        return problem(AppError::SignedOut(SignedOut::NoSession));
    };
    let boot = context.panel.hub.boot.clone();
    let hello = Event::default().retry(RETRY).data(format!("hello {boot} {}", context::now().millis()));
    // What changed after the page was drawn and before it hears this stream is read again.
    let operations = context.panel.operations.moved_just_now(context::now()) && may_hear(&who, Topic::Operations);
    let missed =
        operations.then(|| Ok(Event::default().data(format!("wake {} {}", Topic::Operations.name(), context::now().millis()))));
    let count = Counted::new(&context);
    let wakes = Topic::ALL.into_iter().filter(|topic| may_hear(&who, *topic)).map(|topic| wakes(&context, topic));
    let pings = IntervalStream::new(tokio::time::interval(PING_EVERY)).map(|_| format!("ping {}", context::now().millis()));
    let lines = stream::select(stream::select_all(wakes), pings).take_until(ended(context, id)).map(move |line| {
        // Lives as long as the stream, and no longer.
        let _ = &count;
        Ok::<_, Infallible>(Event::default().data(line))
    });
    Sse::new(stream::once(async { Ok(hello) }).chain(stream::iter(missed)).chain(lines)).into_response()
}

/// A wake-up says that something changed, not what; still nobody hears of what they may not see.
fn may_hear(who: &SignedIn, topic: Topic) -> bool {
    let access = match topic {
        // The banner about the database is on every page.
        Topic::System | Topic::Sessions => Access::SignedIn,
        Topic::Users => Access::Needs(Permission::ManageUsers),
        Topic::Audit => Access::Needs(Permission::SeeAudit),
        Topic::Fleet => Access::Needs(Permission::SeeFleet),
        Topic::Calls => Access::Needs(Permission::SeeCalls),
        Topic::Alerts => Access::Needs(Permission::SeeAlerts),
        Topic::Operations => Access::Needs(Permission::SeeOperations),
    };
    access.allows(Some(who)).is_ok()
}

fn wakes(context: &DoorContext, topic: Topic) -> std::pin::Pin<Box<dyn Stream<Item = String> + Send>> {
    let versions = WatchStream::from_changes(context.panel.hub.watch(topic));
    let lines = versions.then(move |_| async move {
        tokio::time::sleep(CALM).await;
        format!("wake {} {}", topic.name(), context::now().millis())
    });
    Box::pin(lines)
}

/// Comes back when the session is over or the panel stops.
async fn ended(context: DoorContext, id: Id) {
    let mut sessions = context.panel.hub.watch(Topic::Sessions);
    let mut timer = tokio::time::interval(Duration::from_secs(5));
    loop {
        tokio::select! {
            () = context.stop.cancelled() => return,
            // Ended by somebody: heard at once. Ended by idling: seen within five seconds.
            _ = sessions.changed() => {}
            _ = timer.tick() => {}
        }
        if context.panel.sessions.left(&id, context::now()).is_none() {
            // The page hears of it by one last wake-up, and asks.
            tokio::time::sleep(CALM * 2).await;
            return;
        }
    }
}

/// Counts the browsers that listen.
struct Counted(DoorContext);

impl Counted {
    fn new(context: &DoorContext) -> Self {
        context.panel.system.live_browsers.fetch_add(1, Ordering::Relaxed);
        Self(context.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.panel.system.live_browsers.fetch_sub(1, Ordering::Relaxed);
    }
}
