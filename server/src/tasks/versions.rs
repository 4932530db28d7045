//! Hears what other processes changed: twice a second the versions of all topics are read, and a topic whose version rose wakes
//! its listeners. A change of the sessions also compares memory with the table, which is how a session ends within a second.

use app::{
    auth::sessions::Sessions,
    database::Database,
    live::{Hub, Topic},
};
use std::{collections::HashMap, sync::Arc};

pub struct VersionWatch {
    pub database: Arc<Database>,
    pub sessions: Arc<Sessions>,
    pub hub: Arc<Hub>,
    /// What the last look found; nothing before the first. A topic that never changed has no version yet.
    pub seen: Option<HashMap<String, u64>>,
}

impl VersionWatch {
    pub async fn look(&mut self) -> Result<(), String> {
        // The database's own watch tells when it is away; then there is nothing to hear.
        if !self.database.state().is_up() {
            return Ok(());
        }
        let read = async {
            let mut conn = self.database.pool().acquire().await?;
            app::list_versions(&mut conn).await
        };
        let versions = match read.await {
            Ok(versions) => versions,
            Err(error) if app::database::is_away(&error) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        let versions: HashMap<String, u64> = versions.into_iter().collect();
        for (topic, version) in &versions {
            let rose = self.seen.as_ref().is_some_and(|before| before.get(topic) != Some(version));
            let Some(topic) = Topic::parse(topic).filter(|_| rose) else { continue };
            if topic == Topic::Sessions {
                self.sessions.reconcile().await.map_err(|error| error.to_string())?;
            }
            self.hub.wake(topic);
        }
        // Last, so that what failed above is heard again at the next look.
        self.seen = Some(versions);
        Ok(())
    }
}
