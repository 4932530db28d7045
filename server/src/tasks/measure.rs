//! Measures the panel's own process and its disk.

use crate::process;
use app::{
    context,
    system::{snapshot::Sample, state::SystemState},
};
use std::{path::PathBuf, sync::atomic::Ordering, time::Duration, time::Instant};

pub struct Measure {
    state_dir: PathBuf,
    last: Option<(Instant, Duration, u64)>,
}

impl Measure {
    pub fn new(state_dir: PathBuf) -> Self {
        Self { state_dir, last: None }
    }

    /// One sample: what was used since the one before.
    pub fn look(&mut self, system: &SystemState) -> Result<(), String> {
        let usage = process::usage(std::process::id()).ok_or("there is no /proc to read the process's usage from")?;
        let (at, requests) = (Instant::now(), system.requests.load(Ordering::Relaxed));
        let since = self.last.replace((at, usage.cpu, requests));
        let (cpu_percent, requests_per_s) = match since {
            None => (0.0, 0.0),
            Some((then, cpu, requests_then)) => {
                let span_s = at.duration_since(then).as_secs_f64().max(0.001);
                let cpu = usage.cpu.saturating_sub(cpu).as_secs_f64() / span_s * 100.0;
                // Counts of a few seconds are exact in a double; two decimals are kept.
                (cpu, requests.saturating_sub(requests_then) as f64 / span_s)
            }
        };
        system.set_disk(process::disk(&self.state_dir));
        let database_ms = system.round_trip_ms();
        let (cpu_percent, requests_per_s) = (cpu_percent as f32, requests_per_s as f32);
        system.add_sample(Sample { at: context::now(), cpu_percent, rss_bytes: usage.rss_bytes, requests_per_s, database_ms });
        Ok(())
    }
}
