//! Empties one receiver's queue in the outbox, the oldest first.

use super::{NotSent, SEND_DEADLINE, Way};
use app::{
    alerts::{
        store::notices::{self, Due},
        telling::{GIVE_UP_AFTER, Receiver, wait_after},
    },
    context,
    database::Database,
    error::AppError,
};
use std::time::{Duration, Instant};

/// A claim outlives the longest sending, so that nobody sends beside us, and ends soon after a kill.
const CLAIM_S: u32 = 15;
/// One run ends after this; the next goes on.
const RUN_MAX: Duration = Duration::from_secs(20);

/// Sends what is due until the queue is empty or a notice does not get out. Gives how many did; the error is the receiver's.
pub async fn empty(database: &Database, receiver: &Receiver, way: &Way) -> Result<usize, String> {
    let started = Instant::now();
    let mut sent = 0;
    while started.elapsed() < RUN_MAX {
        let due = match claim(database, receiver).await {
            Ok(Some(due)) => due,
            Ok(None) | Err(AppError::Away { .. }) => break,
            Err(error) => return Err(error.to_string()),
        };
        let result = tokio::time::timeout(SEND_DEADLINE, way.send(&due.telling)).await;
        let result = result.unwrap_or_else(|_| Err(NotSent::for_now(format!("no end within {} s", SEND_DEADLINE.as_secs()))));
        note(database, &due, &result).await;
        match result {
            Ok(()) => sent += 1,
            Err(not_sent) if not_sent.for_good => {
                tracing::warn!(
                    receiver = receiver.name,
                    alert = due.telling.id.0,
                    why = not_sent.why,
                    "a notice was refused for good"
                );
            }
            Err(not_sent) => return Err(format!("{} gets no notices: {}", receiver.name, not_sent.why)),
        }
    }
    Ok(sent)
}

async fn claim(database: &Database, receiver: &Receiver) -> Result<Option<Due>, AppError> {
    let doing = "read the outbox";
    let mut conn = database.acquire(doing).await?;
    let now = context::now();
    database.within(doing, notices::claim(&mut conn, &receiver.name, now, CLAIM_S)).await
}

/// What cannot be written stays claimed, and is sent again under its key when the claim has ended.
async fn note(database: &Database, due: &Due, result: &Result<(), NotSent>) {
    let doing = "note what became of a notice";
    let now = context::now();
    let noted = async {
        let mut conn = database.acquire(doing).await?;
        let written = async {
            match result {
                Ok(()) => notices::mark_sent(&mut conn, due.id, now).await,
                Err(not_sent) => {
                    let too_old = now.since(due.created_at) > GIVE_UP_AFTER;
                    let again = (!not_sent.for_good && !too_old).then(|| now.plus(wait_after(due.attempts + 1)));
                    notices::mark_failed(&mut conn, due.id, &not_sent.why, again, now).await
                }
            }
        };
        database.within(doing, written).await
    };
    if let Err(error) = noted.await {
        tracing::info!(%error, alert = due.telling.id.0, "the outbox could not be written; the notice is sent again under its key");
    }
}
