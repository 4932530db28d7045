//! Asks the database every second how it is. At the first answer, and whenever it comes back, its fitness is checked and its
//! migrations are run, so the panel goes on without a restart.

use super::{Place, fitness, migrate, place::DATABASE_NAME};
use app::{
    context,
    database::Database,
    system::{snapshot::DatabaseState, state::SystemState},
    values::{Tone, quantity::format_span},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// A round trip is well under a millisecond; a server that needs this long cannot be worked with.
const ANSWER_MAX: Duration = Duration::from_secs(1);
const PREPARE_MAX: Duration = Duration::from_secs(60);

pub struct Watch {
    pub place: Arc<Place>,
    pub database: Arc<Database>,
    pub system: Arc<SystemState>,
    /// The private server's process at the last answer.
    pub answered: Mutex<Option<u32>>,
}

/// Why the first contact ended.
pub enum Contact {
    Ready {
        migrated: usize,
    },
    NoAnswer(String),
    /// It answers and must not be used; starting makes no sense.
    Unfit(String),
}

impl Watch {
    /// One look. Never fails: what it finds is the database's state.
    pub async fn look(&self) {
        let started = std::time::Instant::now();
        let asked =
            tokio::time::timeout(ANSWER_MAX, sqlx::query_scalar::<_, i64>("SELECT 1").fetch_one(self.database.pool())).await;
        let answer = match asked {
            Ok(Ok(_)) => Ok(started.elapsed()),
            // The private server may not have its database yet.
            Ok(Err(error)) if is_unknown_database(&error) => Ok(started.elapsed()),
            Ok(Err(error)) => Err(say(&error)),
            Err(_) => Err(format!("no answer within {}", format_span(ANSWER_MAX))),
        };
        match answer {
            Ok(took) => {
                self.system.set_database(None, Some(took.as_secs_f32() * 1_000.0));
                self.tell_if_restarted();
                if !self.database.state().is_up() {
                    self.prepare().await;
                }
            }
            Err(why) => {
                let ended = self.place.private().is_some_and(|private| private.process().is_none());
                self.set_down(if ended { "its process has ended and is being started again".into() } else { why });
            }
        }
    }

    /// A private server that died between two looks is back before it was missed; that is worth a line all the same.
    fn tell_if_restarted(&self) {
        let Some(process) = self.place.private().and_then(|private| private.process()) else { return };
        let before = self.answered.lock().unwrap_or_else(PoisonError::into_inner).replace(process);
        if before.is_some_and(|before| before != process) {
            self.system.set_database_place(self.place.describe());
            self.system.tell(context::now(), Tone::Good, format!("The private MariaDB answers again, as process {process}."));
        }
    }

    pub fn set_down(&self, why: String) {
        let now = context::now();
        self.system.set_database(None, None);
        if self.database.set_state(DatabaseState::Down { since: now, why: why.clone() }) {
            tracing::warn!(why, place = self.place.describe(), "the database does not answer");
            self.system.tell(now, Tone::Bad, format!("The database does not answer: {why}."));
        }
    }

    /// As [`Watch::prepare_once`]; no answer is told as a state.
    async fn prepare(&self) {
        if let Contact::NoAnswer(why) = self.prepare_once().await {
            self.set_down(why);
        }
    }

    /// Fitness and migrations, then the state is up. While a server is starting, no answer is not worth a word yet.
    pub async fn prepare_once(&self) -> Contact {
        let contact = match tokio::time::timeout(PREPARE_MAX, self.first_contact()).await {
            Ok(contact) => contact,
            Err(_) => Contact::NoAnswer(format!("preparing it took longer than {}", format_span(PREPARE_MAX))),
        };
        let now = context::now();
        self.system.set_database_place(self.place.describe());
        match &contact {
            Contact::Ready { migrated } => {
                let since = self.database.state().since();
                let first = matches!(self.database.state(), DatabaseState::Starting { .. });
                if self.database.set_state(DatabaseState::Up { since: now }) {
                    let away = format_span(now.since(since));
                    tracing::info!(place = self.place.describe(), migrated, "the database answers");
                    let text = match first {
                        true => format!("The database answered {away} after the start; {migrated} migrations were run."),
                        false => format!("The database answers again, after {away}."),
                    };
                    self.system.tell(now, Tone::Good, text);
                }
            }
            Contact::NoAnswer(_) => {}
            Contact::Unfit(why) => {
                if self.database.set_state(DatabaseState::Unfit { since: now, why: why.clone() }) {
                    tracing::error!(why, "the database cannot be used");
                    self.system.tell(now, Tone::Bad, why.clone());
                }
            }
        }
        contact
    }

    async fn first_contact(&self) -> Contact {
        if self.place.is_private()
            && let Err(error) = self.make_database().await
        {
            return Contact::NoAnswer(say(&error));
        }
        let facts = match fitness::ask(self.database.pool()).await {
            Ok(facts) => facts,
            Err(error) if is_unknown_database(&error) => {
                return Contact::Unfit(format!(
                    "The database of DATABASE_URL does not exist on {}. Make it: CREATE DATABASE … CHARACTER SET utf8mb4",
                    self.place.describe()
                ));
            }
            Err(error) if is_refused(&error) => {
                return Contact::Unfit(format!("{} refuses the name or password of DATABASE_URL.", self.place.describe()));
            }
            Err(error) => return Contact::NoAnswer(say(&error)),
        };
        self.system.set_database(Some(facts.version.clone()), None);
        let problems = fitness::problems(&facts);
        if !problems.is_empty() {
            return Contact::Unfit(problems.join(" "));
        }
        match migrate::migrate(self.database.pool()).await {
            Ok(migrated) => Contact::Ready { migrated },
            Err(why) => Contact::Unfit(why),
        }
    }

    async fn make_database(&self) -> sqlx::Result<()> {
        let pool = self.place.server_pool();
        let statement = format!("CREATE DATABASE IF NOT EXISTS {DATABASE_NAME} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
        let made = sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&pool).await;
        pool.close().await;
        made.map(|_| ())
    }
}

fn error_number(error: &sqlx::Error) -> Option<u16> {
    error.as_database_error()?.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().map(sqlx::mysql::MySqlDatabaseError::number)
}

fn is_unknown_database(error: &sqlx::Error) -> bool {
    error_number(error) == Some(1049)
}

fn is_refused(error: &sqlx::Error) -> bool {
    matches!(error_number(error), Some(1044 | 1045 | 1698))
}

/// The error in words for a person; sqlx's own talk of pools says nothing to them.
fn say(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::PoolTimedOut => "no connection within 2 s".into(),
        sqlx::Error::Io(error) => match error.kind() {
            std::io::ErrorKind::NotFound => "its socket is not there: the server is not running".into(),
            std::io::ErrorKind::ConnectionRefused => "the connection is refused: the server is not running".into(),
            _ => error.to_string(),
        },
        sqlx::Error::Database(error) => error.message().to_string(),
        other => other.to_string(),
    }
}
