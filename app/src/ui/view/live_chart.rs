use crate::{
    ui::scale::{label, paths, top_and_steps},
    values::Moment,
};
use leptos::prelude::*;

/// One point of a live chart; without a value the line has a gap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LivePoint {
    pub at: Moment,
    pub value: Option<f64>,
}

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// A line that moves: the last minutes of a measure, with its axis and a cursor that reads values out. Drawn by the server
/// first, so it is there without a script too.
#[component]
pub fn LiveChart(
    #[prop(into)] title: String,
    unit: &'static str,
    points: Signal<Vec<LivePoint>>,
    /// The width of the window in seconds.
    span_s: u32,
) -> impl IntoView {
    let at_cursor = RwSignal::new(None::<f64>);
    // Read many times below, and made anew at each reading otherwise.
    let points = Memo::new(move |_| points.get());
    let span_ms = f64::from(span_s) * 1_000.0;
    let end_of = |points: &[LivePoint]| points.last().map_or(0, |point| point.at.millis());
    // A span of minutes in milliseconds is exact in a double.
    let x_of = move |end_ms: i64, at: Moment| 1.0 - (end_ms - at.millis()) as f64 / span_ms;
    let top = Memo::new(move |_| {
        let highest = points.with(|points| points.iter().filter_map(|point| point.value).fold(0.0, f64::max));
        top_and_steps(highest)
    });
    let drawn = Memo::new(move |_| {
        let top = top.get().0;
        points.with(|points| {
            let end_ms = end_of(points);
            let shown = points.iter().map(|point| (x_of(end_ms, point.at), point.value.map(|value| value / top)));
            paths(shown.filter(|(x, _)| *x >= 0.0), WIDTH, HEIGHT)
        })
    });
    let grid = move || {
        let steps = top.get().1;
        let line = move |step: u32| {
            let y = HEIGHT * (1.0 - f64::from(step) / f64::from(steps));
            view! { <line class="grid" x1="0" x2=WIDTH.to_string() y1=y.to_string() y2=y.to_string()></line> }
        };
        (1..=steps).map(line).collect_view()
    };
    // Labels in a drawing of their own, because the one with the line is stretched to the width there is.
    let ticks = move || {
        let (top, steps) = top.get();
        let tick = move |step: u32| {
            let y = format!("{:.1}%", 100.0 * (1.0 - f64::from(step) / f64::from(steps)));
            view! {
                <text class="tick" x="2" y=y dy="-3">
                    {label(top * f64::from(step) / f64::from(steps), top)}
                </text>
            }
        };
        (1..=steps).map(tick).collect_view()
    };
    let newest = move || points.with(|points| points.last().and_then(|point| point.value));
    let read = move || match at_cursor.get() {
        None => newest().map(|value| (format!("{value:.1}"), "now".to_string())),
        Some(x) => points.with(|points| {
            let off = |point: &&LivePoint| (x_of(end_of(points), point.at) - x).abs();
            let known = points.iter().filter(|point| point.value.is_some());
            let nearest = known.min_by(|a, b| off(a).total_cmp(&off(b)));
            nearest.and_then(|point| Some((format!("{:.1}", point.value?), format!("{} UTC", point.at.time_of_day()))))
        }),
    };
    let moved = move |event: leptos::ev::PointerEvent| {
        #[cfg(feature = "hydrate")]
        {
            use wasm_bindgen::JsCast;
            let element = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
            if let Some(element) = element {
                let area = element.get_bounding_client_rect();
                at_cursor.set(Some((f64::from(event.client_x()) - area.left()) / area.width().max(1.0)));
            }
        }
        #[cfg(not(feature = "hydrate"))]
        let _ = event;
    };
    let spoken = {
        let title = title.clone();
        move || newest().map_or_else(|| format!("{title}: no value"), |value| format!("{title}: {value:.1} {unit} now"))
    };
    view! {
        <figure class="chart">
            <figcaption>
                {title} <span class="read">
                    {move || {
                        let (value, when) = read()
                            .map_or_else(|| ("–".to_string(), None), |(value, when)| (value, Some(format!("{unit} · {when}"))));
                        view! { <b>{value}</b> " " {when.map(|when| view! { <small>{when}</small> })} }
                    }}
                </span>
            </figcaption>
            <div class="plot">
            <svg
                viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                preserveAspectRatio="none"
                role="img"
                aria-label=spoken
                on:pointermove=moved
                on:pointerleave=move |_| at_cursor.set(None)
            >
                {grid}
                <path class="area" d=move || drawn.with(|drawn| drawn.area.clone())></path>
                <path class="line" d=move || drawn.with(|drawn| drawn.line.clone())></path>
                {move || {
                    at_cursor
                        .get()
                        .map(|x| {
                            let x = (x.clamp(0.0, 1.0) * WIDTH).to_string();
                            view! { <line class="cursor" x1=x.clone() x2=x y1="0" y2=HEIGHT.to_string()></line> }
                        })
                }}
            </svg>
            <svg class="ticks" aria-hidden="true">{ticks}</svg>
            </div>
            <div class="axis" aria-hidden="true">
                <span>{format!("−{} min", span_s / 60)}</span>
                <span>"now"</span>
            </div>
        </figure>
    }
}
