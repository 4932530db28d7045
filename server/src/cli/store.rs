//! The database as commands use it: the running panel's, the given one, or the private one started for the moment.

use super::{Common, Failure};
use crate::{
    database::{Place, watch::Contact, watch::Watch},
    wiring,
};
use app::{
    auth::{audit::Action, audit::Draft, audit::Outcome, store as auth_store},
    context,
    database::Database,
    live::{Hub, Topic},
};
use sqlx::{MySql, MySqlConnection, Transaction};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

pub struct Store {
    place: Arc<Place>,
    pub database: Arc<Database>,
}

const ANSWER_MAX: Duration = Duration::from_secs(60);

impl Store {
    /// Opens the database and brings it to this version.
    pub async fn open(common: &Common) -> Result<Self, Failure> {
        let (config, state) = (common.config()?, common.state());
        let place = tokio::task::spawn_blocking(move || Place::borrow(&config, &state)).await.map_err(Failure::new)?;
        let place = Arc::new(place.map_err(Failure::new)?);
        let hub = Arc::new(Hub::new(wiring::new_id()));
        let system = wiring::system_state(&hub);
        let database = Arc::new(Database::new(place.pool(), hub, context::now()));
        let watch = Watch { place: Arc::clone(&place), database: Arc::clone(&database), system, answered: Mutex::default() };
        let until = Instant::now() + ANSWER_MAX;
        loop {
            match watch.prepare_once().await {
                Contact::Ready { .. } => return Ok(Self { place, database }),
                Contact::Unfit(why) => return Err(Failure::new(why)),
                Contact::NoAnswer(why) if !place.is_private() || Instant::now() >= until => {
                    return Err(Failure::new(format!("{} does not answer: {why}. Run wirecenter doctor.", place.describe())));
                }
                Contact::NoAnswer(_) => {
                    if let Some(death) = place.private().and_then(|private| private.death()) {
                        return Err(Failure::new(death));
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    pub async fn begin(&self) -> Result<Transaction<'static, MySql>, Failure> {
        Ok(self.database.pool().begin().await?)
    }

    /// Appends the row, raises the topics' versions so that running panels hear of it, and commits.
    pub async fn commit(&self, mut tx: Transaction<'static, MySql>, row: Draft) -> Result<(), Failure> {
        auth_store::audit::append(&mut tx, row, context::now()).await?;
        self.database.commit(tx, "write the change", &[Topic::Users, Topic::Sessions, Topic::Audit]).await?;
        Ok(())
    }

    /// Stops what was started for this command.
    pub async fn close(self) {
        self.database.pool().close().await;
        let Self { place, database } = self;
        drop(database);
        if let Ok(Place::Private(private)) = Arc::try_unwrap(place) {
            // Only a panic in the keeper can fail it, and then the server is gone too.
            let _ = tokio::task::spawn_blocking(move || private.stop()).await;
        }
    }
}

/// A row about what was done at the command line, by whom as the system knows them.
pub fn draft(action: Action, subject: &str) -> Draft {
    Draft {
        actor: format!("command line ({})", crate::database::private::user_name()),
        address: "local".into(),
        request: String::new(),
        action,
        subject: subject.into(),
        before: None,
        after: None,
        outcome: Outcome::Done,
    }
}

pub async fn find_id(conn: &mut MySqlConnection, name: &str) -> Result<app::values::UserId, Failure> {
    let id = auth_store::users::find_id(conn, &name.to_lowercase()).await?;
    id.ok_or_else(|| Failure::new(format!("There is no user named {name}. See: wirecenter user list")))
}
