//! A value that knows its age. Older than three rounds it reads *unknown*, never its last color.

use crate::values::Moment;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How many rounds of its observer a value may miss before it counts as unknown.
pub const ROUNDS_UNTIL_UNKNOWN: u32 = 3;

/// Something seen at a time by an observer that looks again every so often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed<T> {
    pub value: T,
    pub observed_at: Moment,
    /// The observer's round in milliseconds.
    pub every_ms: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    /// Nothing heard for three rounds; the moment is the last time something was.
    UnknownSince(Moment),
}

impl<T> Observed<T> {
    pub fn freshness(&self, now: Moment) -> Freshness {
        let limit = Duration::from_millis(u64::from(self.every_ms)) * ROUNDS_UNTIL_UNKNOWN;
        if now.since(self.observed_at) > limit { Freshness::UnknownSince(self.observed_at) } else { Freshness::Fresh }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_fresh_for_three_rounds_and_unknown_after() {
        let seen = Observed { value: 1, observed_at: Moment::from_seconds(100), every_ms: 2_000 };
        assert_eq!(seen.freshness(Moment::from_seconds(106)), Freshness::Fresh);
        assert_eq!(seen.freshness(Moment::from_millis(106_001)), Freshness::UnknownSince(Moment::from_seconds(100)));
        assert_eq!(seen.freshness(Moment::from_seconds(90)), Freshness::Fresh, "a clock set back makes nothing stale");
    }
}
