//! What is usual: the median of past weeks and how far they lie apart.

/// Fewer weeks than this say nothing.
pub const WEEKS_MIN: usize = 3;
/// Of a normal distribution, the median deviation times this is the standard deviation.
const NORMAL: f64 = 1.4826;
/// Standard deviations a figure may lie outside before it is worth waking somebody.
const WIDTH: f64 = 4.0;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

/// `spread_min` is how far a figure always may move: four weeks that happen to be equal make no band of width zero.
pub fn band(usual: &[f64], spread_min: f64) -> Option<Band> {
    let mut sorted: Vec<f64> = usual.iter().copied().filter(|value| value.is_finite()).collect();
    if sorted.len() < WEEKS_MIN {
        return None;
    }
    sorted.sort_by(f64::total_cmp);
    let center = median(&sorted);
    let mut away: Vec<f64> = sorted.iter().map(|value| (value - center).abs()).collect();
    away.sort_by(f64::total_cmp);
    let spread = (median(&away) * NORMAL * WIDTH).max(spread_min);
    Some(Band { median: center, low: center - spread, high: center + spread })
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) { (sorted[middle - 1] + sorted[middle]) / 2.0 } else { sorted[middle] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_band_is_the_median_with_the_spread_of_past_weeks() {
        let found = band(&[50.0, 52.0, 48.0, 51.0], 1.0).expect("four weeks");
        assert_eq!(found.median, 50.5);
        assert!((found.high - 50.5 - 1.0 * NORMAL * WIDTH).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn one_wild_week_does_not_widen_it() {
        let found = band(&[50.0, 51.0, 49.0, 50.0, 3.0], 5.0).expect("five weeks");
        assert!(found.low > 40.0 && found.high < 60.0, "{found:?}");
    }

    #[test]
    fn too_few_weeks_are_no_band_and_equal_ones_have_a_width() {
        assert_eq!(band(&[50.0, 50.0], 5.0), None);
        assert_eq!(band(&[50.0, f64::NAN, 50.0], 5.0), None);
        assert_eq!(band(&[50.0; 4], 5.0), Some(Band { median: 50.0, low: 45.0, high: 55.0 }));
    }
}
