//! The axis of time under a chart whose buckets are links: whole hours and dates, not whatever moment the first bucket begins at; and
//! which values no line leads to.

use crate::values::Moment;

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 60 * MINUTE_S;
const DAY_S: u64 = 24 * HOUR_S;
/// Steps between two labels of the axis that people count in.
const STEPS_S: [u64; 16] = [
    MINUTE_S,
    5 * MINUTE_S,
    10 * MINUTE_S,
    15 * MINUTE_S,
    30 * MINUTE_S,
    HOUR_S,
    2 * HOUR_S,
    3 * HOUR_S,
    6 * HOUR_S,
    12 * HOUR_S,
    DAY_S,
    2 * DAY_S,
    5 * DAY_S,
    10 * DAY_S,
    30 * DAY_S,
    90 * DAY_S,
];
/// More labels would touch each other.
const LABELS_MAX: u64 = 6;

/// Labels of the axis of time: where they stand, from 0 to 1, and what they say. Whole steps in UTC; midnight is its date.
pub fn time_labels(from: Moment, until: Moment) -> Vec<(f64, String)> {
    let span_s = until.since(from).as_secs();
    if span_s == 0 {
        return Vec::new();
    }
    let step_s = STEPS_S.into_iter().find(|step| span_s / step <= LABELS_MAX).unwrap_or(span_s);
    // A step is at most some years long.
    let step = i64::try_from(step_s).unwrap_or(i64::MAX);
    let first = from.seconds().div_euclid(step) * step;
    let at = (0..=LABELS_MAX + 1)
        .map(|i| Moment::from_seconds(first.saturating_add(step.saturating_mul(i64::try_from(i).unwrap_or(0)))));
    at.filter(|at| *at >= from && *at <= until)
        .map(|at| {
            let place = at.since(from).as_secs_f64() / until.since(from).as_secs_f64();
            let midnight = at.seconds().rem_euclid(24 * 3_600) == 0;
            (place, if midnight { day(at) } else { at.hour_and_minute() })
        })
        .collect()
}

/// `11-22`, as dates are written everywhere here, without the year.
fn day(at: Moment) -> String {
    at.date().split_once('-').map_or_else(String::new, |(_, day)| day.into())
}

/// Points with a gap on both sides: no line leads there, so they need a dot.
pub fn lonely(points: &[(f64, Option<f64>)]) -> Vec<(f64, f64)> {
    let known = |index: Option<usize>| index.and_then(|index| points.get(index)).is_some_and(|(_, value)| value.is_some());
    let alone = points.iter().enumerate().filter(|(index, _)| !known(index.checked_sub(1)) && !known(Some(index + 1)));
    alone.filter_map(|(_, (x, y))| Some((*x, (*y)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment::parse(text).expect("a date")
    }

    fn words(from: &str, until: &str) -> Vec<String> {
        time_labels(at(from), at(until)).into_iter().map(|(_, word)| word).collect()
    }

    #[test]
    fn labels_stand_at_whole_steps_and_midnight_is_a_date() {
        assert_eq!(words("2026-11-22 03:07", "2026-11-22 04:07"), ["03:10", "03:20", "03:30", "03:40", "03:50", "04:00"]);
        let labels = time_labels(at("2026-11-22 03:07"), at("2026-11-22 04:07"));
        assert!((labels[0].0 - 0.05).abs() < 1e-9);
        assert_eq!(words("2026-11-21 20:00", "2026-11-22 20:00"), ["11-22", "06:00", "12:00", "18:00"]);
        assert!(words("2026-10-23", "2026-11-22").iter().all(|word| word.contains('-')), "days alone");
    }

    #[test]
    fn any_time_has_labels_that_do_not_touch() {
        for hours in [1, 2, 3, 7, 24, 100, 168, 720, 9_600, 50_000] {
            let until = at("2026-11-22 03:07");
            let labels = time_labels(until.minus(std::time::Duration::from_secs(hours * 3_600)), until);
            assert!((1..=7).contains(&labels.len()), "{hours} h: {labels:?}");
            assert!(labels.iter().all(|(place, _)| (0.0..=1.0).contains(place)), "{hours} h: {labels:?}");
        }
        assert!(time_labels(at("2026-11-22"), at("2026-11-22")).is_empty());
    }

    #[test]
    fn a_value_between_two_gaps_gets_a_dot() {
        let values = [Some(0.25), None, Some(0.5), None, Some(0.75), Some(1.0)];
        let points: Vec<(f64, Option<f64>)> = values.into_iter().map(|value| (0.0, value)).collect();
        assert_eq!(lonely(&points).iter().map(|(_, y)| *y).collect::<Vec<_>>(), [0.25, 0.5]);
        assert!(lonely(&[]).is_empty());
    }
}
