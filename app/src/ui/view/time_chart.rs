use crate::{
    ui::scale::{label, paths, top_and_steps},
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
    /// What is behind it.
    pub href: String,
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
        paths(points.iter().enumerate().map(|(i, point)| (middle(i), read(point).map(|value| value / top))), WIDTH, HEIGHT)
    };
    let (now, before) = (scaled(|point| point.value), scaled(|point| point.before));
    let grid = (0..=steps).map(|step| {
        let y = format!("{:.1}%", 100.0 * (1.0 - f64::from(step) / f64::from(steps)));
        let text = label(top * f64::from(step) / f64::from(steps), top);
        view! {
            <line class="grid" x1="0" x2="100%" y1=y.clone() y2=y.clone()></line>
            <text class="tick" x="-6" y=y dy="3" text-anchor="end">{text}</text>
        }
    });
    let days = points.last().zip(points.first()).is_some_and(|(last, first)| last.at.since(first.at).as_secs() > 36 * 3_600);
    let ticks = (0..count).step_by(count.div_ceil(5)).filter_map(|i| points.get(i).map(|point| (i, point.at))).map(|(i, at)| {
        let text = if days { at.date()[5..].to_string() } else { at.hour_and_minute() };
        view! { <text class="tick" x=format!("{:.2}%", middle(i) * 100.0) y="100%" dy="15" text-anchor="middle">{text}</text> }
    });
    let buckets = points.iter().enumerate().map(|(i, point)| {
        let value = point.value.map_or_else(|| "no value".into(), |value| format!("{} {unit}", label(value, top)));
        let before = point.before.map(|value| format!(", a week before {}", label(value, top))).unwrap_or_default();
        let said = format!("{} UTC: {value}{before}", point.at);
        let spoken = said.clone();
        let (x, width) = (format!("{:.3}%", 100.0 * i as f64 / count as f64), format!("{:.3}%", 100.0 / count as f64));
        view! {
            <a class="bucket" href=point.href.clone() aria-label=spoken tabindex=(i + 1 < count).then_some("-1")>
                <title>{said}</title>
                <rect x=x y="0" width=width height="100%"></rect>
            </a>
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
                    {ticks.collect_view()}
                    {buckets.collect_view()}
                </svg>
            </div>
            {(!note.is_empty()).then(|| view! { <p class="formula">{note}</p> })}
        </figure>
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
    fn the_summary_leaves_gaps_out_and_says_when_there_is_nothing() {
        let at = Moment::from_seconds;
        let point = |s: i64, value| TimePoint { at: at(s), value, ..TimePoint::default() };
        let points = [point(0, Some(4.0)), point(60, None), point(120, Some(2.0)), point(180, None)];
        assert_eq!(summary(&points, "cps", 4.0), "newest 2.0 cps at 00:02, lowest 2.0, highest 4.0");
        assert_eq!(summary(&[point(0, None)], "cps", 1.0), "no value in this time");
    }
}
