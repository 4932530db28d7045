//! The lab beside a panel: `serve --lab` builds it while the panel is already answering, lets a little traffic flow, and takes it down
//! with the panel if it was the panel that built it.

use super::{
    down,
    load::{self, Profile},
    place::Layout,
    up::{self, Done},
};
use app::{context, system::state::SystemState, values::Tone};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// A day's curve in twenty minutes, two calls a second at its peak: call volume has a shape, and two cores hardly notice.
const GENTLE_CPS: f64 = 2.0;
const GENTLE_DAY_S: u64 = 20 * 60;
/// When calls cannot be placed, because somebody broke the customer's PBX on purpose, it is tried again.
const RETRY: Duration = Duration::from_secs(10);

pub struct LabBeside {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl LabBeside {
    pub fn start(state: &Path, system: Arc<SystemState>) -> Self {
        let (lab, stop) = (Layout::below(state), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || run(&lab, &stopped, &system));
        Self { stop, thread }
    }

    /// Comes back when the lab is down, if it was ours to take down.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        if self.thread.join().is_err() {
            tracing::warn!("the lab's thread ended by an error of ours; wirecenter lab down removes the lab");
        }
    }
}

fn run(lab: &Layout, stop: &AtomicBool, system: &SystemState) {
    let tell = |tone: Tone, text: String| {
        tracing::info!("{text}");
        system.tell(context::now(), tone, text);
    };
    let began = Instant::now();
    tracing::info!("building the lab; the panel answers meanwhile");
    let built = match up::up(lab, &|progress| tracing::info!("lab: {progress}")) {
        Ok(Done::Built) => {
            tell(Tone::Good, format!("The lab is up after {:.1} s; a little traffic flows.", began.elapsed().as_secs_f64()));
            true
        }
        Ok(Done::Repaired(_)) => {
            tell(Tone::Good, "The lab was up already; a little traffic flows. It stays when the panel stops.".into());
            false
        }
        Err(sentence) => {
            tell(Tone::Notice, format!("The panel runs without the lab. {sentence}"));
            return;
        }
    };
    while !stop.load(Ordering::Relaxed) {
        if let Err(sentence) = load::run(lab, GENTLE_CPS, GENTLE_DAY_S, Profile::Day, stop) {
            tracing::info!("no calls can be placed in the lab at the moment: {sentence}");
            let again = Instant::now() + RETRY;
            while Instant::now() < again && !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
    if built && let Err(sentence) = down::down(lab) {
        tracing::warn!("{sentence}");
    }
}
