//! What only one of several panels on one database does. A row names the holder and until when, by the database's clock; whoever is
//! killed leaves a lease that ends by itself, and another panel goes on within fifteen seconds.
//!
//! Time alone does not keep two apart: a holder may have slept past its end. So whoever writes asks in the same transaction whether
//! the row is still theirs ([`Lease::is_mine`]), and that row is locked until the commit.

use crate::{database::Database, error::AppError, store};
use sqlx::MySqlConnection;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A holder that is silent for longer has lost it.
const LASTS_S: u32 = 10;
const RENEW_EVERY: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Nobody else had it since we last did; also after a restart of the same panel.
    Mine,
    /// It was another panel's until now.
    Taken,
    Theirs,
}

pub struct Lease {
    name: &'static str,
    holder: String,
    /// The last answer, and when it was given. The same is said again until it is time to ask again.
    last: Mutex<Option<(Instant, Hold)>>,
}

impl Lease {
    /// `holder` names this panel among those on the database, and stays the same over its restarts.
    pub fn new(name: &'static str, holder: impl Into<String>) -> Self {
        Self { name, holder: holder.into(), last: Mutex::default() }
    }

    fn last(&self) -> MutexGuard<'_, Option<(Instant, Hold)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renews it, or takes it when nobody holds it any more.
    pub async fn keep(&self, database: &Database) -> Result<Hold, AppError> {
        let known = *self.last();
        if let Some((at, Hold::Mine)) = known
            && at.elapsed() < RENEW_EVERY
        {
            return Ok(Hold::Mine);
        }
        let doing = "see which panel does what only one does";
        let asked = Instant::now();
        let mut tx = database.begin(doing).await?;
        let work = async {
            let row = store::lock_lease(&mut tx, self.name, &self.holder).await?;
            let hold = match (row.holder == self.holder, row.is_over) {
                (true, _) => Hold::Mine,
                (false, true) => Hold::Taken,
                (false, false) => Hold::Theirs,
            };
            if hold != Hold::Theirs {
                store::update_lease(&mut tx, self.name, &self.holder, LASTS_S).await?;
            }
            tx.commit().await?;
            Ok(hold)
        };
        let hold = database.within(doing, work).await?;
        let now_known = if hold == Hold::Taken { Hold::Mine } else { hold };
        if hold == Hold::Taken || (hold == Hold::Theirs && matches!(known, Some((_, Hold::Mine)))) {
            tracing::info!(lease = self.name, ?hold, "another panel on this database was, or is, at it");
        }
        *self.last() = Some((asked, now_known));
        Ok(hold)
    }

    /// Whether the row is still ours, which it then stays until the transaction ends.
    pub async fn is_mine(&self, tx: &mut MySqlConnection) -> sqlx::Result<bool> {
        Ok(store::lock_lease(tx, self.name, &self.holder).await?.holder == self.holder)
    }

    /// Makes it ours with the transaction's commit, whoever holds it. Gives whether it was ours already.
    pub async fn seize(&self, tx: &mut MySqlConnection) -> sqlx::Result<bool> {
        let mine = self.is_mine(&mut *tx).await?;
        store::update_lease(tx, self.name, &self.holder, LASTS_S).await?;
        *self.last() = None;
        Ok(mine)
    }
}
