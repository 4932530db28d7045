use crate::{
    ui::{
        scale::{label, paths, top_and_steps},
        time_axis::{lonely, time_labels},
    },
    values::Moment,
};
use leptos::prelude::*;

/// One bucket of a chart over time; without a value the line has a gap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimePoint {
    pub at: Moment,
    pub value: Option<f64>,
    /// The same bucket a week earlier.
    pub before: Option<f64>,
    /// What is behind it, where a link can say so.
    pub href: Option<String>,
}

const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 100.0;

/// A measure over time, drawn on the server: line, area, last week's shadow, and each bucket a link to what is behind it. Only the
/// last bucket is in the order of Tab; the page gives the same as a table.
#[component]
pub fn TimeChart(
    #[prop(into)] title: String,
    unit: &'static str,
    points: Vec<TimePoint>,
    /// Quiet, below: how it is counted.
    #[prop(optional, into)]
    note: String,
) -> impl IntoView {
    let both = points.iter().flat_map(|point| [point.value, point.before]).flatten();
    let (top, steps) = top_and_steps(both.fold(0.0, f64::max));
    let count = points.len().max(1);
    // The number of buckets of a chart is exact in a double.
    let middle = move |i: usize| (i as f64 + 0.5) / count as f64;
    let scaled = |read: fn(&TimePoint) -> Option<f64>| {
        points.iter().enumerate().map(|(i, point)| (middle(i), read(point).map(|value| value / top))).collect::<Vec<_>>()
    };
    let (now_points, before_points) = (scaled(|point| point.value), scaled(|point| point.before));
    let dots = |points: &[(f64, Option<f64>)], class: &'static str| {
        let dot = |(x, y): (f64, f64)| {
            let (x, y) = (format!("{:.3}%", 100.0 * x), format!("{:.1}%", 100.0 * (1.0 - y.clamp(0.0, 1.0))));
            view! { <circle class=class cx=x cy=y r="2.2" aria-hidden="true"></circle> }
        };
        lonely(points).into_iter().map(dot).collect_view()
    };
    let alone = view! {
        {dots(&before_points, "dot before")}
        {dots(&now_points, "dot")}
    };
    let (now, before) = (paths(now_points.into_iter(), WIDTH, HEIGHT), paths(before_points.into_iter(), WIDTH, HEIGHT));
    let grid = (0..=steps).map(|step| {
        let y = format!("{:.1}%", 100.0 * (1.0 - f64::from(step) / f64::from(steps)));
        let text = label(top * f64::from(step) / f64::from(steps), top);
        view! {
            <line class="grid" x1="0" x2="100%" y1=y.clone() y2=y.clone()></line>
            <text class="tick" x="-6" y=y dy="3" text-anchor="end">{text}</text>
        }
    });
    let ticks = axis(&points).into_iter().map(|(place, text)| {
        // At the edges a label stays inside.
        let anchor = if place < 0.03 {
            "start"
        } else if place > 0.97 {
            "end"
        } else {
            "middle"
        };
        view! { <text class="tick" x=format!("{:.2}%", place * 100.0) y="100%" dy="15" text-anchor=anchor>{text}</text> }
    });
    let buckets = points.iter().enumerate().map(|(i, point)| {
        let value = point.value.map_or_else(|| "no value".into(), |value| format!("{} {unit}", label(value, top)));
        let before = point.before.map(|value| format!(", a week before {}", label(value, top))).unwrap_or_default();
        let said = format!("{} UTC: {value}{before}", point.at);
        let spoken = said.clone();
        let (x, width) = (format!("{:.3}%", 100.0 * i as f64 / count as f64), format!("{:.3}%", 100.0 / count as f64));
        let area = view! {
            <title>{said}</title>
            <rect x=x y="0" width=width height="100%"></rect>
        };
        match point.href.clone() {
            Some(href) => {
                let skipped = (i + 1 < count).then_some("-1");
                view! { <a class="bucket" href=href aria-label=spoken tabindex=skipped>{area}</a> }.into_any()
            }
            None => view! { <g class="bucket" role="img" aria-label=spoken>{area}</g> }.into_any(),
        }
    });
    let spoken = summary(&points, unit, top);
    view! {
        <figure class="chart time-chart">
            <figcaption>
                {title.clone()} <span class="read"><small>{spoken.clone()}</small></span>
            </figcaption>
            <div class="plane">
                <svg class="face" role="group" aria-label=format!("{title}: {spoken}")>
                    {grid.collect_view()}
                    <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" width="100%" height="100%" aria-hidden="true">
                        <path class="shadow" d=before.line></path>
                        <path class="area" d=now.area></path>
                        <path class="line" d=now.line></path>
                    </svg>
                    {alone}
                    {ticks.collect_view()}
                    {buckets.collect_view()}
                </svg>
            </div>
            {(!note.is_empty()).then(|| view! { <p class="formula">{note}</p> })}
        </figure>
    }
}

/// Labels from the first bucket's beginning to the last one's end.
fn axis(points: &[TimePoint]) -> Vec<(f64, String)> {
    match points {
        [] => Vec::new(),
        [only] => vec![(0.5, only.at.hour_and_minute())],
        [first, second, ..] => {
            let last = points.last().map_or(second.at, |last| last.at);
            time_labels(first.at, last.plus(second.at.since(first.at)))
        }
    }
}

/// Newest, lowest and highest, in a sentence.
fn summary(points: &[TimePoint], unit: &str, top: f64) -> String {
    let known = || points.iter().filter_map(|point| Some((point.at, point.value?)));
    let Some((at, newest)) = known().next_back() else { return "no value in this time".into() };
    let lowest = known().map(|(_, value)| value).fold(f64::MAX, f64::min);
    let highest = known().map(|(_, value)| value).fold(f64::MIN, f64::max);
    let [newest, lowest, highest] = [newest, lowest, highest].map(|value| label(value, top));
    format!("newest {newest} {unit} at {}, lowest {lowest}, highest {highest}", at.hour_and_minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_covers_the_last_bucket_too() {
        let point = |s: i64| TimePoint { at: Moment::from_seconds(s), ..TimePoint::default() };
        let axis = |count: i64| super::axis(&(0..count).map(|i| point(60 * i)).collect::<Vec<_>>());
        assert_eq!(axis(60).last(), Some(&(1.0, "01:00".into())));
        assert_eq!((axis(1), axis(0)), (vec![(0.5, "00:00".into())], Vec::new()));
    }

    #[test]
    fn the_summary_leaves_gaps_out_and_says_when_there_is_nothing() {
        let at = Moment::from_seconds;
        let point = |s: i64, value| TimePoint { at: at(s), value, ..TimePoint::default() };
        let points = [point(0, Some(4.0)), point(60, None), point(120, Some(2.0)), point(180, None)];
        assert_eq!(summary(&points, "cps", 4.0), "newest 2.0 cps at 00:02, lowest 2.0, highest 4.0");
        assert_eq!(summary(&[point(0, None)], "cps", 1.0), "no value in this time");
    }
}
