//! The time of day, for what is compared with other machines' clocks. Everything else is reckoned from instants.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds of the Unix epoch: what a test compares with a CDR.
pub fn epoch_us() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the phone is a program of its own, and its tests compare with other clocks")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
