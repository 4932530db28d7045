//! Rows of the audit log kept in files beside the panel, for actions on machines: those must work while the database is away, and
//! what they did must not be lost. A row is on this machine's disk before its action begins, and in the database exactly once:
//! right after the action, or when the database is back.
//!
//! A file ends in `.begun` until its action has ended, and in `.json` from then on. Each is whole or not there.

use super::audit::{append_kept, fit_columns};
use crate::{
    auth::audit::{Draft, Entry},
    database::Database,
    error::AppError,
    live::Topic,
    values::Moment,
};
use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

const BEGUN: &str = "begun";
const SETTLED: &str = "json";
/// What stands in the log of an action whose end nobody here saw.
const UNKNOWN: &str = "begun; the program ended before it heard whether it was done";

#[derive(Clone)]
pub struct KeptAudit {
    dir: Arc<Path>,
}

/// A row whose action is under way.
pub struct Begun {
    file: PathBuf,
    entry: Entry,
}

impl KeptAudit {
    /// `dir` is made when it is first needed.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.into() }
    }

    /// Before the action. The request's id makes the row one of its own.
    pub async fn begin(&self, draft: Draft, now: Moment) -> io::Result<Begun> {
        let mut entry = Entry::from_draft(fit_columns(draft), 0, now);
        entry.after = Some(UNKNOWN.into());
        let request: String = entry.request.chars().filter(char::is_ascii_alphanumeric).collect();
        let file = self.dir.join(format!("{:020}-{}-{request}.{BEGUN}", now.micros(), entry.action));
        let begun = Begun { file, entry };
        aside(move || {
            write_whole(&begun.file, &begun.entry)?;
            Ok(begun)
        })
        .await
    }

    /// The action has ended like this. Where that cannot be written any more, the row says that nobody knows.
    pub async fn settle(&self, begun: Begun, after: &str) -> io::Result<()> {
        let Begun { file, mut entry } = begun;
        entry.after = Some(after.into());
        aside(move || {
            let settled = file.with_extension(SETTLED);
            match write_whole(&settled, &entry) {
                Ok(()) => fs::remove_file(file),
                // A full disk has no room for a new file, and a new name needs none.
                Err(_) => fs::rename(file, settled),
            }
        })
        .await
    }

    /// The action came to nothing.
    pub async fn forget(&self, begun: Begun) -> io::Result<()> {
        aside(move || fs::remove_file(begun.file)).await
    }

    /// What a panel that was killed had begun. Before anything else of this one begins.
    pub fn adopt(&self) -> io::Result<usize> {
        let begun = files(&self.dir, BEGUN)?;
        begun.iter().try_for_each(|file| fs::rename(file, file.with_extension(SETTLED)))?;
        Ok(begun.len())
    }

    /// Into the database with everything whose action has ended; how many rows were new there. A second try writes nothing twice.
    pub async fn write(&self, database: &Database) -> Result<usize, AppError> {
        let dir = Arc::clone(&self.dir);
        let ours = |error: io::Error| {
            AppError::refused(format!("Rows of the audit log kept in {} cannot be read or removed: {error}.", self.dir.display()))
        };
        let rows = aside(move || read(&dir)).await.map_err(ours)?;
        if rows.is_empty() {
            return Ok(0);
        }
        let doing = "write what was kept of the audit log";
        let mut tx = database.begin(doing).await?;
        let mut new = 0;
        for (_, entry) in &rows {
            new += usize::from(database.within(doing, append_kept(&mut tx, entry.clone())).await?);
        }
        database.commit(tx, doing, &[Topic::Audit]).await?;
        aside(move || rows.iter().try_for_each(|(file, _)| remove(file))).await.map_err(ours)?;
        Ok(new)
    }
}

/// Off the threads that serve requests: a disk may be slow.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}

/// Whole and on the disk, or not there.
fn write_whole(file: &Path, entry: &Entry) -> io::Result<()> {
    let dir = file.parent().ok_or_else(|| io::Error::other("a row is kept in a folder"))?;
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let half = file.with_extension("new");
    let mut open = File::options().create(true).write(true).truncate(true).mode(0o600).open(&half)?;
    open.write_all(&serde_json::to_vec(entry)?)?;
    open.sync_all()?;
    fs::rename(half, file)?;
    File::open(dir)?.sync_all()
}

/// Oldest first.
fn files(dir: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let file = entry?.path();
        if file.extension().is_some_and(|end| end == extension) {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

fn read(dir: &Path) -> io::Result<Vec<(PathBuf, Entry)>> {
    let mut rows = Vec::new();
    for file in files(dir, SETTLED)? {
        let bytes = match fs::read(&file) {
            // Another process has just written it to the database.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            bytes => bytes?,
        };
        match serde_json::from_slice(&bytes) {
            Ok(entry) => rows.push((file, entry)),
            Err(error) => {
                // Not ours to guess; it stays for a person, and holds up no other row.
                tracing::error!(%error, file = %file.display(), "a kept row of the audit log cannot be read and is put aside");
                fs::rename(&file, file.with_extension("unreadable"))?;
            }
        }
    }
    Ok(rows)
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
