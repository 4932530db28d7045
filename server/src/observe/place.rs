//! Where the observers stand. The lab's Management network is in a network namespace of its own, so the observers of a lab run on a
//! thread that has gone there: every socket it opens and every program it starts is in that network. The doors and the panel's own
//! database stay where the panel is.

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::{fs::File, future::Future, os::fd::AsFd, path::PathBuf, thread::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Whose network the observers are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The panel's.
    Here,
    /// That of the lab's host, as `/proc/PID/ns/net`.
    Namespace(PathBuf),
}

impl Place {
    pub fn of_process(process: u32) -> Self {
        Self::Namespace(PathBuf::from(format!("/proc/{process}/ns/net")))
    }

    /// Moves the calling thread there. Threads and programs it starts from now on are there too.
    pub fn enter(&self) -> Result<(), String> {
        let Self::Namespace(path) = self else { return Ok(()) };
        let failed =
            |error: std::io::Error| format!("The network {} cannot be entered: {error}. Run the panel as root.", path.display());
        let file = File::open(path).map_err(failed)?;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).map_err(|error| failed(error.into()))
    }
}

/// A thread with a runtime of its own, in a place.
pub struct Outpost {
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Outpost {
    /// Runs `work` there until it is done or the outpost is stopped; then everything `work` spawned ends with it.
    pub fn start<F>(place: Place, name: &str, work: impl FnOnce(CancellationToken) -> F + Send + 'static) -> Result<Self, String>
    where
        F: Future<Output = ()>,
    {
        let stop = CancellationToken::new();
        let inner = stop.clone();
        let (tell, told) = std::sync::mpsc::channel();
        let run = move || {
            let entered = place.enter().and_then(|()| {
                tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| format!("No runtime: {error}."))
            });
            let runtime = match entered {
                Ok(runtime) => runtime,
                Err(why) => {
                    let _ = tell.send(Err(why));
                    return;
                }
            };
            let _ = tell.send(Ok(()));
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, async move {
                let ended = inner.clone();
                tokio::select! {
                    () = work(inner) => {}
                    () = ended.cancelled() => {}
                }
            });
            drop(local);
            // Programs that were being waited for are killed by their handles.
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        };
        let failed = |error: std::io::Error| format!("A thread for {name} cannot be started: {error}.");
        let thread = std::thread::Builder::new().name(name.into()).spawn(run).map_err(failed)?;
        told.recv().map_err(|_| format!("The thread for {name} ended at once."))??;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Whether its work ended by itself.
    pub fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Outpost {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a thread of observers ended by an error of ours");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
        time::Duration,
    };

    #[test]
    fn what_runs_there_ends_with_it() {
        let ticks = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&ticks);
        let outpost = Outpost::start(Place::Here, "test", move |stop| async move {
            tokio::task::spawn_local(async move {
                loop {
                    counted.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            });
            stop.cancelled().await;
        })
        .expect("it starts");
        std::thread::sleep(Duration::from_millis(50));
        assert!(!outpost.is_over());
        drop(outpost);
        let at_the_end = ticks.load(Ordering::Relaxed);
        assert!(at_the_end > 1);
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(ticks.load(Ordering::Relaxed), at_the_end);
    }

    #[test]
    fn a_place_that_is_not_there_is_told_in_a_sentence() {
        let nowhere = Place::Namespace("/proc/0/ns/net".into());
        let told = Outpost::start(nowhere, "test", |_| async {}).err().expect("it cannot start");
        assert!(told.contains("/proc/0/ns/net cannot be entered"), "{told}");
    }
}
