//! The geometry of a chart: round steps on its axis and the path of its line. Shared by the chart that lives in the browser and
//! the ones drawn on the server.

use std::fmt::Write as _;

/// A round number that the highest value fits under, and the steps up to it: `top_and_steps(38.2)` is `(40.0, 4)`.
pub fn top_and_steps(highest: f64) -> (f64, u32) {
    if highest <= 0.0 || !highest.is_finite() {
        return (1.0, 2);
    }
    let magnitude = 10f64.powf(highest.log10().floor());
    // Tops as multiples of the magnitude, with the number of steps that gives round labels.
    const TOPS: [(f64, u32); 7] = [(1.0, 2), (1.5, 3), (2.0, 4), (3.0, 3), (4.0, 4), (6.0, 3), (8.0, 4)];
    let fits = TOPS.into_iter().find(|(top, _)| highest <= top * magnitude * 1.000_001);
    fits.map_or((magnitude * 10.0, 2), |(top, steps)| (top * magnitude, steps))
}

/// The path of a line through `points` (x and y from 0 to 1, y upwards) in a box of that size. A gap (`None`) lifts the pen.
pub fn line_path(points: impl Iterator<Item = (f64, Option<f64>)>, width: f64, height: f64) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    for (x, y) in points {
        match y {
            Some(y) => {
                let (x, y) = (x * width, (1.0 - y.clamp(0.0, 1.0)) * height);
                write!(path, "{}{x:.1} {y:.1}", if pen_down { 'L' } else { 'M' }).expect("writing to a string cannot fail");
                pen_down = true;
            }
            None => pen_down = false,
        }
    }
    path
}

/// The area under the same line, down to the axis, one shape per run between gaps.
pub fn area_path(points: impl Iterator<Item = (f64, Option<f64>)>, width: f64, height: f64) -> String {
    let mut path = String::new();
    let mut run: Vec<(f64, Option<f64>)> = Vec::new();
    for point in points.chain(std::iter::once((0.0, None))) {
        if point.1.is_some() {
            run.push(point);
        } else if let (Some((first, _)), Some((last, _))) = (run.first().copied(), run.last().copied()) {
            path.push_str(&line_path(run.drain(..), width, height));
            write!(path, "L{:.1} {height:.1}L{:.1} {height:.1}Z", last * width, first * width)
                .expect("writing to a string cannot fail");
        }
    }
    path
}

/// A label of the axis with no more digits than its step needs.
pub fn label(value: f64, top: f64) -> String {
    match top {
        top if top >= 10.0 => format!("{value:.0}"),
        top if top >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_is_round_and_close() {
        let tops = [0.0, 0.04, 1.0, 38.2, 61.0, 99.0, 1_200.0].map(top_and_steps);
        assert_eq!(tops, [(1.0, 2), (0.04, 4), (1.0, 2), (40.0, 4), (80.0, 4), (100.0, 2), (1_500.0, 3)]);
        assert_eq!(top_and_steps(f64::NAN), (1.0, 2));
    }

    #[test]
    fn an_area_is_closed_at_each_gap() {
        let points = [(0.0, Some(1.0)), (0.5, Some(1.0)), (0.7, None), (1.0, Some(0.5))];
        let path = area_path(points.into_iter(), 10.0, 10.0);
        assert_eq!(path, "M0.0 0.0L5.0 0.0L5.0 10.0L0.0 10.0ZM10.0 5.0L10.0 10.0L10.0 10.0Z");
        assert_eq!(area_path(std::iter::empty(), 10.0, 10.0), "");
    }

    #[test]
    fn a_gap_lifts_the_pen() {
        let points = [(0.0, Some(0.0)), (0.5, None), (1.0, Some(2.0))];
        assert_eq!(line_path(points.into_iter(), 100.0, 10.0), "M0.0 10.0M100.0 0.0");
    }
}
