//! When something will be full, if it goes on as it did.

use crate::values::Moment;
use std::time::Duration;

/// Fewer points, or a shorter time, and a nightly dump looks like the end.
const POINTS_MIN: usize = 10;
const SPAN_MIN: Duration = Duration::from_secs(10 * 60);

/// Time left until the line through the points reaches 1; `None` where it falls, is flat, or too little was seen.
pub fn time_to_full(points: &[(Moment, f64)]) -> Option<Duration> {
    let (first, last) = (points.first()?, points.last()?);
    if points.len() < POINTS_MIN || last.0.since(first.0) < SPAN_MIN {
        return None;
    }
    let seconds = |at: Moment| at.since(first.0).as_secs_f64();
    // Counts of points are small numbers.
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(at, _)| seconds(*at)).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, used)| used).sum::<f64>() / count;
    let (mut above, mut below) = (0.0, 0.0);
    for (at, used) in points {
        let x = seconds(*at) - mean_x;
        above += x * (used - mean_y);
        below += x * x;
    }
    let slope_per_s = above / below;
    if !slope_per_s.is_finite() || slope_per_s <= 0.0 {
        return None;
    }
    let left_s = ((1.0 - last.1) / slope_per_s).max(0.0);
    // Beyond a year it is noise.
    (left_s < 365.0 * 86_400.0).then(|| Duration::from_secs_f64(left_s))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(minutes: i64, from: f64, per_minute: f64) -> Vec<(Moment, f64)> {
        (0..minutes).map(|minute| (Moment::from_seconds(minute * 60), from + per_minute * minute as f64)).collect()
    }

    #[test]
    fn a_steady_climb_is_full_when_the_line_says() {
        let left = time_to_full(&line(31, 0.50, 0.01)).expect("it climbs");
        assert!((left.as_secs_f64() - 20.0 * 60.0).abs() < 1.0, "{left:?}");
    }

    #[test]
    fn flat_falling_and_short_series_promise_nothing() {
        assert_eq!(time_to_full(&line(31, 0.9, 0.0)), None);
        assert_eq!(time_to_full(&line(31, 0.9, -0.01)), None);
        assert_eq!(time_to_full(&line(5, 0.9, 0.01)), None);
        assert_eq!(time_to_full(&[]), None);
        assert_eq!(time_to_full(&[(Moment::EPOCH, 0.5); 20]), None);
    }
}
