//! What was last seen of each database, on the panel's own disk: when a primary is gone, it cannot be asked any more whether what it
//! acknowledged stood on a replica.

use app::{fleet::facts::DatabaseFacts, values::Moment};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

/// Below the state folder.
const FILE: &str = "databases.json";
/// Nothing new is written down this often all the same, so that its age tells something.
const AGAIN: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSeen {
    pub at: Moment,
    pub took_writes: bool,
    /// Whether each commit waited for a replica.
    pub semi_sync: bool,
    /// Since when `semi_sync` has been what it is.
    pub since: Moment,
    pub position: String,
    /// Commits that did not wait, since the server started.
    pub unacknowledged: u64,
}

/// Everything that is known, by machine. A file that is missing or cannot be read is nothing known.
pub fn read(state: &Path) -> BTreeMap<String, LastSeen> {
    let text = std::fs::read(state.join(FILE)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Keeps the file.
pub struct Memory {
    file: PathBuf,
    known: BTreeMap<String, LastSeen>,
}

impl Memory {
    pub fn open(state: &Path) -> Self {
        Self { file: state.join(FILE), known: read(state) }
    }

    pub fn note(&mut self, machine: &str, facts: &DatabaseFacts) -> std::io::Result<()> {
        let semi_sync = facts.semi_sync.primary_active && facts.semi_sync.replicas > 0;
        let before = self.known.get(machine);
        let since = before.filter(|before| before.semi_sync == semi_sync).map_or(facts.observed_at, |before| before.since);
        let now = LastSeen {
            at: facts.observed_at,
            took_writes: !facts.read_only,
            semi_sync,
            since,
            position: facts.gtid_binlog.clone(),
            unacknowledged: facts.semi_sync.unacknowledged,
        };
        let says_something = before.is_none_or(|before| {
            let news = (before.took_writes, before.semi_sync, before.unacknowledged)
                != (now.took_writes, now.semi_sync, now.unacknowledged);
            news || now.at.since(before.at) >= AGAIN
        });
        if !says_something {
            return Ok(());
        }
        self.known.insert(machine.into(), now);
        let folder = self.file.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, &self.known)?;
        file.flush()?;
        file.persist(&self.file)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::fleet::facts::SemiSync;

    fn facts(at_s: i64, active: bool, unacknowledged: u64) -> DatabaseFacts {
        let semi_sync = SemiSync { primary_active: active, replicas: u64::from(active), unacknowledged, ..SemiSync::default() };
        DatabaseFacts { semi_sync, observed_at: Moment::from_seconds(at_s), ..DatabaseFacts::default() }
    }

    #[test]
    fn it_is_known_since_when_commits_wait_also_by_the_next_program() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(read(dir.path()).is_empty());
        let mut memory = Memory::open(dir.path());
        memory.note("mariadb-01", &facts(100, true, 0)).expect("written");
        memory.note("mariadb-01", &facts(100, true, 0)).expect("nothing new");
        assert_eq!(read(dir.path())["mariadb-01"].at, Moment::from_seconds(100), "nothing was written for nothing");
        memory.note("mariadb-01", &facts(106, true, 0)).expect("written");
        let mut memory = Memory::open(dir.path());
        memory.note("mariadb-01", &facts(107, true, 3)).expect("written");
        let known = read(dir.path());
        let seen = &known["mariadb-01"];
        assert_eq!((seen.since, seen.at, seen.unacknowledged), (Moment::from_seconds(100), Moment::from_seconds(107), 3));
        memory.note("mariadb-01", &facts(108, false, 3)).expect("written");
        let known = read(dir.path());
        assert_eq!((known["mariadb-01"].since, known["mariadb-01"].semi_sync), (Moment::from_seconds(108), false));
        std::fs::write(dir.path().join(FILE), "{").expect("a broken file");
        assert!(read(dir.path()).is_empty());
    }
}
