//! How long a symptom must hold before it is told, and be gone before it counts as over: by rule.

use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    pub hold: Duration,
    pub clear: Duration,
}

/// Alerts of the same identity within this time, from which on it flaps.
pub const FLAPS_MIN: usize = 3;
pub const FLAP_WINDOW: Duration = Duration::from_secs(15 * 60);
/// An alert that flaps is over when its symptom was gone for this long.
pub const FLAP_CLEAR: Duration = Duration::from_secs(5 * 60);
/// More than this that would open at once, or more than that open at all: the rest is one alert.
pub const OPENED_AT_ONCE_MAX: usize = 20;
pub const OPEN_MAX: usize = 100;
/// Words that change every second are written this often.
pub const REFRESH_EVERY: Duration = Duration::from_secs(5);

/// By the part of the key before the colon (`disk.full:/var` is `disk.full`).
pub fn timing(key: &str) -> Timing {
    let (hold_s, clear_s) = match key.split(':').next().unwrap_or_default() {
        // Judged over two rounds already; a person wants it within ten seconds of the machine's death.
        "machine.away" | "host.away" | "panel.blind" => (1, 5),
        "service.away" | "primary.read-only" | "replica.writable" => (2, 5),
        "alerts.storm" => (0, 30),
        // The machine's own death explains these, once it is seen: so they wait for it.
        "dispatcher.inactive"
        | "carrier.away"
        | "dmq.lost"
        | "trunk.unreachable"
        | "replica.broken"
        | "semi-sync.off"
        | "address.moved"
        | "address.nowhere"
        | "address.twice" => (8, 10),
        // Judged over a minute already; right after the panel's own database was away it is so for a moment.
        "cdrs.behind" => (10, 30),
        "replica.behind" | "shell.away" | "observer.refused" | "clock.off" => (10, 30),
        "machine.unknown" => (15, 10),
        // Judged over five minutes already.
        "cpu.full" => (5, 15),
        "memory.full" | "memory.filling" | "disk.filling" => (60, 120),
        "disk.full" => (10, 60),
        "asr.low" | "ner.low" | "pdd.high" | "cps.low" | "cps.high" => (60, 180),
        "certificate.ending" | "certificate.early" | "certificate.name" => (0, 60),
        // A machine that is just being made or moved is not there with all its cards at once.
        kind if kind.starts_with("inventory.") => (30, 30),
        _ => (5, 15),
    };
    Timing { hold: Duration::from_secs(hold_s), clear: Duration::from_secs(clear_s) }
}
