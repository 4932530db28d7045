//! `lab down`: ends the one process everything hangs on, waits until the kernel has removed all that hung on it, and removes the
//! folder. By the lab's own record, never by a name.

use super::{daemons::require_root, place::Layout};
use crate::process::{self, Processes};
use std::{fs, time::Duration};

/// Says whether there was a lab.
pub fn down(lab: &Layout) -> Result<bool, String> {
    require_root("lab down")?;
    let _lock = lab.lock(Duration::from_secs(20))?;
    let was = lab.dir().exists();
    if !end(lab) {
        return Err(format!(
            "A process of the lab in {} does not end. Try again; if it stays, restart the computer.",
            lab.dir().display()
        ));
    }
    Ok(was)
}

/// False when something does not end.
pub fn end(lab: &Layout) -> bool {
    if let Some(record) = lab.running() {
        // The host's own first process: with it the kernel ends every process of every machine.
        let inside = Processes::look().descendants(record.process);
        if let Some(host) = lab.host_process() {
            process::kill(host);
        }
        process::kill(record.process);
        let gone = |pid: u32| process::wait_until_gone(pid, Duration::from_secs(10));
        if !gone(record.process) || !inside.into_iter().all(gone) {
            return false;
        }
    }
    !lab.dir().exists() || remove(lab)
}

/// The mounts were the lab's alone and are gone with it; the kernel may still be busy with the last of them.
fn remove(lab: &Layout) -> bool {
    for _ in 0..50 {
        if fs::remove_dir_all(lab.dir()).is_ok() || !lab.dir().exists() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}
