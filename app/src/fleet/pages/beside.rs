//! The two panels beside the board: how many calls, and what is wrong. The slices that know fill in plain values; live parts of
//! theirs may stand in the same place instead.

use crate::{
    routes::Page,
    ui::{
        Empty,
        scale::{label, paths, top_and_steps},
    },
    values::{Moment, Tone, quantity::format_age},
};
use leptos::{either::Either, prelude::*};

/// "ASR", "52.4", "%"
pub struct VolumeFigure {
    pub label: &'static str,
    pub number: String,
    pub unit: &'static str,
}

/// Call volume over the last hour.
pub struct Volume {
    pub figures: Vec<VolumeFigure>,
    /// What the chart shows: "attempts a second".
    pub what: &'static str,
    pub points: Vec<(Moment, Option<f64>)>,
    /// The same hour a week ago, moved to now.
    pub week_ago: Vec<(Moment, Option<f64>)>,
    pub from: Moment,
    pub until: Moment,
}

pub struct AlertLine {
    pub tone: Tone,
    pub title: String,
    pub text: String,
    pub since: Moment,
    pub href: String,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 120.0;

pub fn volume(volume: Volume) -> impl IntoView {
    let Volume { figures, what, points, week_ago, from, until } = volume;
    let figure = |figure: VolumeFigure| {
        view! {
            <div class="figure">
                <dt>{figure.label}</dt>
                <dd>{figure.number} " " <small>{figure.unit}</small></dd>
            </div>
        }
    };
    let highest = points.iter().chain(&week_ago).filter_map(|(_, value)| *value).fold(0.0, f64::max);
    let (top, steps) = top_and_steps(highest);
    // An hour in milliseconds is exact in a double.
    let span = until.since(from).as_millis().max(1) as f64;
    let drawn = |points: &[(Moment, Option<f64>)]| {
        let at = |moment: Moment| moment.since(from).as_millis() as f64 / span;
        paths(points.iter().map(|(moment, value)| (at(*moment), value.map(|value| value / top))), WIDTH, HEIGHT)
    };
    let (now, before) = (drawn(&points), drawn(&week_ago));
    let grid = (1..=steps).map(|step| {
        let y = HEIGHT * (1.0 - f64::from(step) / f64::from(steps));
        view! { <line class="grid" x1="0" x2=WIDTH.to_string() y1=y.to_string() y2=y.to_string()></line> }
    });
    let ticks = (1..=steps).map(|step| {
        let y = format!("{:.1}%", 100.0 * (1.0 - f64::from(step) / f64::from(steps)));
        view! { <text class="tick" x="2" y=y dy="-3">{label(top * f64::from(step) / f64::from(steps), top)}</text> }
    });
    view! {
        <section class="panel map-volume">
            <h2>
                <a href=Page::Volume.path()>"Call volume"</a>
                " "
                <small>{what} ", last hour; dashed: a week ago"</small>
            </h2>
            <dl class="figures">{figures.into_iter().map(figure).collect_view()}</dl>
            <div class="chart">
                <div class="plot">
                    <svg viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" role="img" aria-label=what>
                        {grid.collect_view()}
                        <path class="area" d=now.area></path>
                        <path class="week-ago" d=before.line></path>
                        <path class="line" d=now.line></path>
                    </svg>
                    <svg class="ticks" aria-hidden="true">{ticks.collect_view()}</svg>
                </div>
                <div class="axis" aria-hidden="true">
                    <span>{from.hour_and_minute()}</span>
                    <span>{until.hour_and_minute()} " UTC"</span>
                </div>
            </div>
        </section>
    }
}

/// The worst first; `now` for their ages.
pub fn alerts(lines: Vec<AlertLine>, now: Moment) -> impl IntoView {
    let line = |line: AlertLine| {
        view! {
            <li class=line.tone.name()>
                <span class="dot"></span>
                <span>
                    <a href=line.href>{line.title}</a>
                    <small class="below">{line.text}</small>
                </span>
                <time datetime=line.since.rfc3339() data-age=line.since.micros().to_string()>
                    {format_age(now.since(line.since))}
                </time>
            </li>
        }
    };
    let body = match lines.is_empty() {
        true => Either::Left(view! { <Empty what="No alert is open." next="They stand here as soon as a rule finds something."/> }),
        false => Either::Right(view! { <ul class="changes">{lines.into_iter().map(line).collect_view()}</ul> }),
    };
    view! {
        <section class="panel map-alerts">
            <h2>
                <a href=Page::Alerts.path()>"Alerts"</a>
            </h2>
            {body}
        </section>
    }
}
