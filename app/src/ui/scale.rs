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

/// The line of a measure and the area under it, as SVG paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    pub line: String,
    /// Down to the axis, one shape per run between gaps.
    pub area: String,
}

/// Draws `points` (x and y from 0 to 1, y upwards) in a box of that size. A gap (`None`) lifts the pen.
pub fn paths(points: impl Iterator<Item = (f64, Option<f64>)>, width: f64, height: f64) -> Paths {
    let mut paths = Paths::default();
    // Where the run under way began in the line, and its first and last x.
    let mut run: Option<(usize, f64, f64)> = None;
    for (x, y) in points {
        let Some(y) = y else {
            close(&mut paths, run.take(), height);
            continue;
        };
        let (x, y) = (x * width, (1.0 - y.clamp(0.0, 1.0)) * height);
        let (began, first, _) = run.unwrap_or((paths.line.len(), x, x));
        paths.line.push(if paths.line.len() == began { 'M' } else { 'L' });
        push_point(&mut paths.line, x, y);
        run = Some((began, first, x));
    }
    close(&mut paths, run, height);
    paths
}

fn close(paths: &mut Paths, run: Option<(usize, f64, f64)>, height: f64) {
    let Some((began, first, last)) = run else { return };
    paths.area.push_str(&paths.line[began..]);
    for x in [last, first] {
        paths.area.push('L');
        push_point(&mut paths.area, x, height);
    }
    paths.area.push('Z');
}

/// A point in tenths of a unit, finer than a screen shows. As whole numbers, which are written ten times quicker than fractions.
fn push_point(path: &mut String, x: f64, y: f64) {
    for (i, value) in [x, y].into_iter().enumerate() {
        // A chart is some hundred units wide, so the tenths fit by far; a value that is no number becomes 0.
        let tenths = (value * 10.0).round() as i32;
        let (sign, whole, rest) = (if tenths < 0 { "-" } else { "" }, tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10);
        let gap = if i == 0 { "" } else { " " };
        write!(path, "{gap}{sign}{whole}").expect("writing to a string cannot fail");
        if rest != 0 {
            write!(path, ".{rest}").expect("writing to a string cannot fail");
        }
    }
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
        let Paths { line, area } = paths(points.into_iter(), 10.0, 10.0);
        assert_eq!(line, "M0 0L5 0M10 5");
        assert_eq!(area, "M0 0L5 0L5 10L0 10ZM10 5L10 10L10 10Z");
        assert_eq!(paths(std::iter::empty(), 10.0, 10.0), Paths::default());
    }

    #[test]
    fn a_gap_lifts_the_pen() {
        let points = [(0.0, Some(0.0)), (0.5, None), (1.0, Some(2.0))];
        assert_eq!(paths(points.into_iter(), 100.0, 10.0).line, "M0 10M100 0");
    }

    #[test]
    fn a_point_is_written_in_tenths() {
        let points = [(0.123_4, Some(0.5)), (-0.01, Some(0.24)), (f64::NAN, Some(1.0))];
        assert_eq!(paths(points.into_iter(), 100.0, 10.0).line, "M12.3 5L-1 7.6L0 0");
    }
}
