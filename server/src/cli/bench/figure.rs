//! What a measurement found, and whether that is good enough.

use serde::Serialize;

/// One measured figure. Where there is a baseline it was measured in the same run, on the same machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    pub name: &'static str,
    /// What was measured, in words.
    pub what: &'static str,
    pub value: f64,
    pub unit: &'static str,
    pub baseline: Option<f64>,
    /// `value / baseline`.
    pub ratio: Option<f64>,
    /// The value must not be above it.
    pub goal: f64,
    /// Nor the ratio above this.
    pub goal_ratio: Option<f64>,
    pub ok: bool,
}

/// A figure that must not be above its goal.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    pub name: &'static str,
    pub what: &'static str,
    pub unit: &'static str,
    pub at_most: f64,
    pub ratio_at_most: Option<f64>,
}

impl Goal {
    /// One that needs no baseline.
    pub const fn at_most(name: &'static str, what: &'static str, unit: &'static str, at_most: f64) -> Self {
        Self { name, what, unit, at_most, ratio_at_most: None }
    }

    pub fn judge(self, value: f64, baseline: Option<f64>) -> Figure {
        let Goal { name, what, unit, at_most: goal, ratio_at_most: goal_ratio } = self;
        let ratio = baseline.filter(|baseline| *baseline > 0.0).map(|baseline| value / baseline);
        // A ratio that was asked for and could not be had is not met.
        let ratio_ok = goal_ratio.is_none_or(|most| ratio.is_some_and(|ratio| ratio <= most));
        let ok = value.is_finite() && value <= goal && ratio_ok;
        Figure {
            name,
            what,
            value: round(value),
            unit,
            baseline: baseline.map(round),
            ratio: ratio.map(round),
            goal,
            goal_ratio,
            ok,
        }
    }
}

/// Three decimals are more than a noisy machine can repeat.
fn round(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// The value below which `percent` of the sorted values lie (nearest rank); `NAN` of none, which meets no goal.
pub fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOAL: Goal = Goal { name: "n", what: "w", unit: "ms", at_most: 30.0, ratio_at_most: Some(3.0) };

    #[test]
    fn a_goal_is_met_by_value_and_ratio_together() {
        assert!(GOAL.judge(30.0, Some(10.0)).ok);
        assert!(!GOAL.judge(30.1, Some(29.0)).ok, "the value is too high");
        assert!(!GOAL.judge(20.0, Some(5.0)).ok, "the ratio is too high");
        assert!(!GOAL.judge(20.0, None).ok, "the ratio is unknown");
        assert!(!GOAL.judge(f64::NAN, Some(1.0)).ok, "nothing was measured");
        assert!(Goal { ratio_at_most: None, ..GOAL }.judge(20.0, None).ok);
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let mut values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut values, 95), 95.0);
        assert_eq!(percentile(&mut values, 50), 50.0);
        assert_eq!(percentile(&mut [7.0], 95), 7.0);
        assert!(percentile(&mut [], 95).is_nan());
    }
}
