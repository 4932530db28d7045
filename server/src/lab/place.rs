//! Where a lab keeps what, and the record by which it is found again and ended.
//!
//! Everything a lab makes hangs on one process, the host: its namespaces, switches, disks and machines go with it. So the record is
//! that one process and when it was born (a number can be given again), and the folder.

use crate::{
    files::make_private_dir,
    process::{self, Processes},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

#[derive(Clone, Debug)]
pub struct Layout {
    dir: PathBuf,
}

/// The process everything hangs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What `lab up` started; its only child is the host.
    pub process: u32,
    /// When it was born, in ticks since the machine's boot.
    pub born: u64,
    /// The machine's boot this belongs to.
    pub boot_id: String,
}

impl Layout {
    /// Of the panel's state folder.
    pub fn below(state: &Path) -> Self {
        Self { dir: state.join("lab") }
    }

    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.into() }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn host_plan(&self) -> PathBuf {
        self.dir.join("host.json")
    }

    pub fn host_socket(&self) -> PathBuf {
        self.dir.join("host.sock")
    }

    pub fn machine_plan(&self, name: &str) -> PathBuf {
        self.dir.join("machines").join(name).join("plan.json")
    }

    /// The files of its configuration, as they will stand below its root.
    pub fn machine_files(&self, name: &str) -> PathBuf {
        self.dir.join("machines").join(name).join("files")
    }

    pub fn disk(&self, name: &str) -> PathBuf {
        self.dir.join("disks").join(name)
    }

    pub fn logs(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// The program as it was when the lab was started: a new build must not change a running machine.
    pub fn program(&self) -> PathBuf {
        self.dir.join("bin/wirecenter")
    }

    pub fn inventory(&self) -> PathBuf {
        self.dir.join("inventory.toml")
    }

    pub fn faults(&self) -> PathBuf {
        self.dir.join("faults.json")
    }

    fn record(&self) -> PathBuf {
        self.dir.join("record.json")
    }

    /// Beside the folder, because `down` removes the folder.
    fn lock_file(&self) -> PathBuf {
        self.dir.with_extension("lock")
    }

    /// One command changes a lab at a time; the second waits, or is told.
    pub fn lock(&self, patience: Duration) -> Result<File, String> {
        let path = self.lock_file();
        let failed = |error: io::Error| format!("{} cannot be used: {error}. Check who owns it.", path.display());
        if let Some(parent) = path.parent() {
            make_private_dir(parent).map_err(failed)?;
        }
        let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
        let give_up = std::time::Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if std::time::Instant::now() < give_up => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(format!(
                        "Another wirecenter command is changing the lab in {} at the moment. Wait for it, then try again.",
                        self.dir.display()
                    ));
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }

    pub fn write_record(&self, process: u32) -> io::Result<()> {
        let born = process::born(process).ok_or_else(|| io::Error::other("the host process is gone"))?;
        let record = Record { process, born, boot_id: boot_id() };
        // Whole or not at all: whoever reads it ends that process.
        let half = self.dir.join("record.new");
        let mut file = File::create(&half)?;
        file.write_all(serde_json::to_string(&record)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(half, self.record())
    }

    pub fn is_recorded(&self) -> bool {
        self.record().exists()
    }

    /// The record, if what it names still runs.
    pub fn running(&self) -> Option<Record> {
        let record: Record = serde_json::from_str(&fs::read_to_string(self.record()).ok()?).ok()?;
        let same = record.boot_id == boot_id() && process::born(record.process) == Some(record.born);
        (same && process::is_alive(record.process)).then_some(record)
    }

    /// The host's first process, as the real machine numbers it.
    pub fn host_process(&self) -> Option<u32> {
        let record = self.running()?;
        Processes::look().children(record.process).next()
    }

    /// Each machine's first process, as the real machine numbers it, by name.
    pub fn machine_processes(&self) -> BTreeMap<String, u32> {
        let Some(record) = self.running() else { return BTreeMap::new() };
        let all = Processes::look();
        let Some(host) = all.children(record.process).next() else { return BTreeMap::new() };
        let named = |first: u32| {
            // As the host started it: program, lab, machine, its name, the lab's folder.
            let words = process::arguments(first)?;
            let at = words.iter().position(|word| word == "machine")?;
            Some((words.get(at + 1)?.clone(), first))
        };
        all.children(host).flat_map(|starter| all.children(starter)).filter_map(named).collect()
    }

    pub fn machine_process(&self, name: &str) -> Option<u32> {
        self.machine_processes().remove(name)
    }

    /// A path inside a machine, as the real machine reaches it.
    pub fn inside(&self, machine: &str, path: &str) -> Option<PathBuf> {
        let first = self.machine_process(machine)?;
        Some(PathBuf::from(format!("/proc/{first}/root{path}")))
    }
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_string()).unwrap_or_default()
}
