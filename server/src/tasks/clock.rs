//! Notices when somebody, or a virtual machine that was paused, moves the wall clock: sessions and logs go by it.

use app::{context, system::state::SystemState, values::Moment, values::Tone};
use std::time::{Duration, Instant};

/// A step below this is what time servers do all day.
const STEP_MS_MIN: i64 = 2_000;
/// How long the page mentions it.
const TOLD_FOR: Duration = Duration::from_secs(600);

pub struct ClockWatch {
    last: (Instant, Moment),
    told: Option<(Instant, i64)>,
}

impl ClockWatch {
    pub fn new() -> Self {
        Self { last: (Instant::now(), context::now()), told: None }
    }

    /// Compares how far both clocks went since the last look.
    pub fn look(&mut self, system: &SystemState) {
        let (steady, wall) = (Instant::now(), context::now());
        let step_ms = step_ms(self.last, (steady, wall));
        self.last = (steady, wall);
        if step_ms.abs() >= STEP_MS_MIN {
            self.told = Some((steady, step_ms));
            let way = if step_ms > 0 { "forward" } else { "back" };
            let seconds = step_ms.abs() as f64 / 1_000.0;
            tracing::warn!(step_ms, "the clock was moved");
            let text =
                format!("The clock was moved {way} by {seconds:.1} s. Sessions and log times follow it; check the time server.");
            system.tell(wall, Tone::Notice, text);
        }
        if self.told.is_some_and(|(at, _)| steady.duration_since(at) > TOLD_FOR) {
            self.told = None;
        }
        system.set_clock_step(self.told.map(|(_, step_ms)| step_ms));
    }
}

impl Default for ClockWatch {
    fn default() -> Self {
        Self::new()
    }
}

/// How much further the wall clock went than the steady one.
fn step_ms(before: (Instant, Moment), after: (Instant, Moment)) -> i64 {
    let steady_ms = i64::try_from(after.0.duration_since(before.0).as_millis()).unwrap_or(i64::MAX);
    (after.1.millis() - before.1.millis()).saturating_sub(steady_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_difference_between_the_clocks_is_a_step() {
        let start = Instant::now();
        let at = |steady_s: u64, wall_s: i64| (start + Duration::from_secs(steady_s), Moment::from_seconds(wall_s));
        assert_eq!(step_ms(at(0, 1_000), at(2, 1_002)), 0);
        assert_eq!(step_ms(at(0, 1_000), at(2, 4_602)), 3_600_000);
        assert_eq!(step_ms(at(0, 1_000), at(2, 902)), -100_000);
    }
}
