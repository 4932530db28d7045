//! The store behind the session cookies: MariaDB, with everything also in memory, so that whoever is signed in stays signed in
//! while the database is away. Ending is as quick: what ends a session raises the topic's version, and each panel compares its
//! memory with the table at once.

use crate::{
    auth::{
        role::Door,
        session::{Age, SessionCounts, SignedIn, Stage},
        store::{self, users::Credentials},
    },
    context,
    database::Database,
    limits,
    live::{Hub, Topic},
    values::{Moment, SessionHandle, UserId},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};
use time::OffsetDateTime;
use tower_sessions::{
    Expiry, SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};

/// Where [`SessionData`] lies in a session.
pub const SESSION_KEY: &str = "wirecenter";

pub type IdHash = [u8; 32];

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SessionData {
    pub signed_in: SignedIn,
    pub door: Door,
    pub address: String,
    pub agent: String,
}

impl SessionData {
    /// The absolute limit. The idle one is not the cookie's business, because only the person's input moves it.
    fn expires_at(&self) -> OffsetDateTime {
        let end = self.signed_in.signed_in_at.plus(limits::SESSION_LIFE);
        OffsetDateTime::from_unix_timestamp(end.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    pub fn expiry(&self) -> Expiry {
        Expiry::AtDateTime(self.expires_at())
    }
}

pub fn hash_id(id: &Id) -> IdHash {
    Sha256::digest(id.0.to_be_bytes()).into()
}

pub fn handle(id_hash: &IdHash) -> SessionHandle {
    SessionHandle(id_hash[..8].iter().map(|byte| format!("{byte:02x}")).collect())
}

#[derive(Clone, Debug)]
pub struct Cached {
    pub data: SessionData,
    pub last_input_at: Moment,
    /// What the table knows of it.
    written_input_at: Moment,
}

pub struct Sessions {
    database: Arc<Database>,
    hub: Arc<Hub>,
    cache: RwLock<HashMap<IdHash, Cached>>,
    /// How the staff who are signed in prove who they are, for the time when the database cannot be asked.
    proofs: RwLock<HashMap<UserId, Credentials>>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

impl Sessions {
    pub fn new(database: Arc<Database>, hub: Arc<Hub>) -> Self {
        Self { database, hub, cache: RwLock::default(), proofs: RwLock::default() }
    }

    // A panic while the map was locked cannot leave it half changed: every change is one call.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<IdHash, Cached>> {
        self.cache.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<IdHash, Cached>> {
        self.cache.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The person did something. Gives how long the session lives without more; `None` when it has ended.
    pub fn input(&self, id: &Id, now: Moment) -> Option<std::time::Duration> {
        let mut cache = self.write();
        let cached = cache.get_mut(&hash_id(id))?;
        match cached.data.signed_in.age(cached.last_input_at, now) {
            Age::Live { .. } => cached.last_input_at = cached.last_input_at.max(now),
            Age::Idle | Age::TooOld => return None,
        }
        match cached.data.signed_in.age(cached.last_input_at, now) {
            Age::Live { left } => Some(left),
            Age::Idle | Age::TooOld => None,
        }
    }

    /// How long the session lives without input; `None` when it has ended.
    pub fn left(&self, id: &Id, now: Moment) -> Option<std::time::Duration> {
        let cache = self.read();
        let cached = cache.get(&hash_id(id))?;
        match cached.data.signed_in.age(cached.last_input_at, now) {
            Age::Live { left } => Some(left),
            Age::Idle | Age::TooOld => None,
        }
    }

    pub fn counts(&self, now: Moment) -> SessionCounts {
        let cache = self.read();
        let live = |door: Door| {
            let live = cache.values().filter(|cached| {
                cached.data.door == door && matches!(cached.data.signed_in.age(cached.last_input_at, now), Age::Live { .. })
            });
            live.count() as u64
        };
        SessionCounts { staff: live(Door::Staff), customers: live(Door::Portal) }
    }

    /// Forgets sessions that were ended in the table by the caller's transaction.
    pub fn forget(&self, gone: impl Fn(&IdHash, UserId) -> bool) {
        self.write().retain(|id_hash, cached| !gone(id_hash, cached.data.signed_in.user));
        self.hub.wake(Topic::Sessions);
    }

    /// Compares memory with the table: drops what is gone there, takes over newer input that another panel saw.
    pub async fn reconcile(&self) -> sqlx::Result<()> {
        let mut conn = self.database.pool().acquire().await?;
        // What is signed in between the two looks is in the table, but not in `known`, and is kept.
        let known: HashSet<IdHash> = self.read().keys().copied().collect();
        let in_table: HashMap<IdHash, Moment> = store::sessions::list_ids(&mut conn).await?.into_iter().collect();
        self.write().retain(|id_hash, cached| match in_table.get(id_hash) {
            Some(input_at) => {
                cached.last_input_at = cached.last_input_at.max(*input_at);
                true
            }
            None => !known.contains(id_hash),
        });
        self.hub.wake(Topic::Sessions);
        Ok(())
    }

    /// Writes the input seen since the last call, and removes what has ended, here and in the table.
    pub async fn flush(&self, now: Moment) -> sqlx::Result<()> {
        let mut conn = self.database.pool().acquire().await?;
        let dirty: Vec<(IdHash, Moment)> = self
            .read()
            .iter()
            .filter(|(_, cached)| cached.last_input_at > cached.written_input_at)
            .map(|(id_hash, cached)| (*id_hash, cached.last_input_at))
            .collect();
        for (id_hash, input_at) in dirty {
            store::sessions::update_input(&mut conn, &id_hash, input_at).await?;
            if let Some(cached) = self.write().get_mut(&id_hash) {
                cached.written_input_at = cached.written_input_at.max(input_at);
            }
        }
        let idle_before = now.minus(limits::SESSION_IDLE);
        self.remember_proofs(&mut conn).await?;
        let ended = store::sessions::delete_ended(&mut conn, now, idle_before).await?;
        let before = self.read().len();
        self.write().retain(|_, cached| matches!(cached.data.signed_in.age(cached.last_input_at, now), Age::Live { .. }));
        if ended > 0 || self.read().len() != before {
            self.hub.wake(Topic::Sessions);
        }
        Ok(())
    }

    /// Reads anew how the staff who are signed in prove who they are.
    async fn remember_proofs(&self, conn: &mut sqlx::MySqlConnection) -> sqlx::Result<()> {
        let of_staff = |cached: &Cached| cached.data.door == Door::Staff && cached.data.signed_in.stage == Stage::Full;
        let names: HashSet<String> =
            self.read().values().filter(|cached| of_staff(cached)).map(|cached| cached.data.signed_in.name.clone()).collect();
        let mut proofs = HashMap::new();
        for name in names {
            let found = store::users::find_credentials(conn, &name).await?;
            let Some(mut known) = found.filter(|known| !known.disabled) else { continue };
            // A code that was used while the database was away is used up there too.
            if let Some(used) = self.proof(known.id).map(|used| used.totp_last_step).filter(|used| *used > known.totp_last_step) {
                store::users::use_totp_step(conn, known.id, used).await?;
                known.totp_last_step = used;
            }
            proofs.insert(known.id, known);
        }
        *self.proofs.write().unwrap_or_else(PoisonError::into_inner) = proofs;
        Ok(())
    }

    /// As the database last told it.
    pub fn proof(&self, user: UserId) -> Option<Credentials> {
        self.proofs.read().unwrap_or_else(PoisonError::into_inner).get(&user).cloned()
    }

    /// The person has proved who they are while the database is away: in this panel's memory only. A code counts once.
    pub fn prove(&self, id: &Id, totp_step: Option<u64>, now: Moment) {
        let Some(user) = self.write().get_mut(&hash_id(id)).map(|cached| {
            cached.data.signed_in.proved_at = now;
            cached.data.signed_in.user
        }) else {
            return;
        };
        if let (Some(step), Some(known)) = (totp_step, self.proofs.write().unwrap_or_else(PoisonError::into_inner).get_mut(&user)) {
            known.totp_last_step = known.totp_last_step.max(step);
        }
    }

    /// One session: from memory, else from the table (it was started before a restart, or at another panel).
    async fn find(&self, id_hash: &IdHash, now: Moment) -> std::result::Result<Option<Cached>, sqlx::Error> {
        let in_memory = self.read().get(id_hash).cloned();
        if let Some(cached) = in_memory
            && matches!(cached.data.signed_in.age(cached.last_input_at, now), Age::Live { .. })
        {
            return Ok(Some(cached));
        }
        // Not here, or idle as far as this panel knows: another panel may have seen the person's input.
        let mut conn = self.database.pool().acquire().await?;
        let Some((data, last_input_at)) = store::sessions::find(&mut conn, id_hash).await? else {
            self.write().remove(id_hash);
            return Ok(None);
        };
        let Ok(data) = serde_json::from_str::<SessionData>(&data) else {
            // Written by a version with other fields: the person signs in again.
            store::sessions::delete(&mut conn, id_hash).await?;
            return Ok(None);
        };
        if !matches!(data.signed_in.age(last_input_at, now), Age::Live { .. }) {
            store::sessions::delete(&mut conn, id_hash).await?;
            self.write().remove(id_hash);
            return Ok(None);
        }
        let cached = Cached { data, last_input_at, written_input_at: last_input_at };
        self.write().insert(*id_hash, cached.clone());
        Ok(Some(cached))
    }
}

fn backend(error: impl std::fmt::Display) -> Error {
    Error::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for Sessions {
    async fn save(&self, record: &Record) -> Result<()> {
        let Some(value) = record.data.get(SESSION_KEY) else { return Ok(()) };
        let data: SessionData = serde_json::from_value(value.clone()).map_err(|error| Error::Encode(error.to_string()))?;
        let id_hash = hash_id(&record.id);
        let now = context::now();
        let write = async {
            let mut conn = self.database.pool().acquire().await?;
            let json = value.to_string();
            store::sessions::save(&mut conn, &id_hash, &data, &json, now, record.expiry_date.into()).await?;
            crate::store::raise_version(&mut conn, Topic::Sessions.name()).await
        };
        tokio::time::timeout(limits::DATABASE_DEADLINE, write).await.map_err(backend)?.map_err(backend)?;
        self.write().insert(id_hash, Cached { data, last_input_at: now, written_input_at: now });
        self.hub.wake(Topic::Sessions);
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let id_hash = hash_id(id);
        let find = self.find(&id_hash, context::now());
        let cached = tokio::time::timeout(limits::DATABASE_DEADLINE, find).await.map_err(backend)?.map_err(backend)?;
        Ok(cached.map(|cached| {
            let expiry_date = cached.data.expires_at();
            let value = serde_json::to_value(&cached.data).expect("session data is plain");
            Record { id: *id, data: HashMap::from([(SESSION_KEY.to_string(), value)]), expiry_date }
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let id_hash = hash_id(id);
        self.write().remove(&id_hash);
        let delete = async {
            let mut conn = self.database.pool().acquire().await?;
            store::sessions::delete(&mut conn, &id_hash).await?;
            crate::store::raise_version(&mut conn, Topic::Sessions.name()).await
        };
        tokio::time::timeout(limits::DATABASE_DEADLINE, delete).await.map_err(backend)?.map_err(backend)?;
        self.hub.wake(Topic::Sessions);
        Ok(())
    }
}

/// The session layer takes its store by value; this shares ours with it.
#[derive(Clone, Debug)]
pub struct SharedSessions(pub Arc<Sessions>);

#[async_trait]
impl SessionStore for SharedSessions {
    async fn save(&self, record: &Record) -> Result<()> {
        self.0.save(record).await
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        self.0.load(id).await
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.0.delete(id).await
    }
}
