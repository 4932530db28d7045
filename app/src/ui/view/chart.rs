//! Charts of the past, drawn on the server by plotters: no script, and the same picture in a mail or a report later.

use crate::{ui::scale::top_and_steps, values::Moment};
use leptos::prelude::*;
use plotters::prelude::*;

/// Stand-ins for colors: the page's roles are put in their place, so that a chart follows the theme.
const LINE: RGBColor = RGBColor(1, 2, 3);
const QUIET: RGBColor = RGBColor(1, 2, 4);
const GRID: RGBColor = RGBColor(1, 2, 5);
/// About the size it is shown at, so that its labels are as large as those around it.
const SIZE: (u32, u32) = (460, 150);

type Points = Vec<(Moment, Option<f64>)>;

/// The measure over time as an SVG. A missing value is a gap.
fn draw(points: &[(Moment, Option<f64>)], from: Moment, until: Moment) -> Result<String, Box<dyn std::error::Error>> {
    let highest = points.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max);
    let (top, steps) = top_and_steps(highest);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin(6)
            .margin_right(24)
            .x_label_area_size(20)
            .y_label_area_size(44)
            .build_cartesian_2d(from.seconds()..until.seconds().max(from.seconds() + 1), 0.0..top)?;
        let label = TextStyle::from(("sans-serif", 13).into_font()).color(&QUIET);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(GRID)
            .x_labels(6)
            .y_labels(usize::try_from(steps)? + 1)
            .x_label_formatter(&|seconds| Moment::from_seconds(*seconds).hour_and_minute())
            .y_label_formatter(&|value| crate::ui::scale::label(*value, top))
            .label_style(label)
            .draw()?;
        // Runs of values between gaps, each a line of its own.
        for run in points.split(|(_, value)| value.is_none()) {
            let line = run.iter().filter_map(|(at, value)| Some((at.seconds(), (*value)?)));
            chart.draw_series(LineSeries::new(line, LINE.stroke_width(2)))?;
        }
        root.present()?;
    }
    let svg = svg.replace("#010203", "var(--accent)").replace("#010204", "var(--quiet)").replace("#010205", "var(--line)");
    // Its size is the page's business.
    Ok(svg.replacen(&format!("width=\"{}\" height=\"{}\" ", SIZE.0, SIZE.1), "", 1))
}

#[component]
pub fn HistoryChart(#[prop(into)] title: String, unit: &'static str, points: Points, from: Moment, until: Moment) -> impl IntoView {
    let known: Vec<f64> = points.iter().filter_map(|(_, value)| *value).collect();
    let highest = known.iter().copied().fold(f64::MIN, f64::max);
    // The number of points on a screen is exact in a double.
    let mean = known.iter().sum::<f64>() / (known.len().max(1) as f64);
    let spoken = match known.is_empty() {
        true => "no values in this time".to_string(),
        false => format!("mean {mean:.1} {unit}, highest {highest:.1} {unit}"),
    };
    let svg = draw(&points, from, until).unwrap_or_else(|error| {
        tracing::error!(%error, title, "a chart could not be drawn");
        String::new()
    });
    view! {
        <figure class="chart history">
            <figcaption>
                {title.clone()} <span class="read">
                    <small>{spoken.clone()}</small>
                </span>
            </figcaption>
            <div class="drawing" role="img" aria-label=format!("{title}: {spoken}") inner_html=svg></div>
        </figure>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_takes_its_colors_from_the_page_and_draws_a_line_per_run() {
        let at = Moment::from_seconds;
        let points = [(at(0), Some(1.0)), (at(60), Some(2.0)), (at(120), None), (at(180), Some(1.5)), (at(240), Some(1.0))];
        let svg = draw(&points, at(0), at(300)).expect("plain numbers can be drawn");
        assert_eq!(svg.matches("stroke=\"var(--accent)\"").count(), 2, "{svg}");
        assert!(!svg.contains("#01020"), "{svg}");
        assert!(svg.starts_with("<svg viewBox="), "{}", &svg[..80]);
        assert!(!svg.contains("style="), "a style attribute would be refused by the page's policy");
    }

    #[test]
    fn no_points_at_all_still_make_an_empty_chart() {
        assert!(draw(&[], Moment::from_seconds(5), Moment::from_seconds(5)).is_ok());
    }
}
