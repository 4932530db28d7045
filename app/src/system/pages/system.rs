//! The panel itself.

use super::live::SystemLive;
use crate::{
    error::AppError,
    routes::Page,
    shell::PageView,
    system::{
        api::{get_history, get_system},
        snapshot::{Sample, SystemSnapshot},
    },
    ui::{Kept, chart::HistoryChart},
    values::{Moment, Query},
};
use leptos::prelude::*;

/// The choices of the longer charts, in hours.
const RANGES_H: [u32; 3] = [1, 6, 24];

/// What the page shows: the state of the panel, the samples of the longer charts, and their range in hours.
#[derive(Clone, PartialEq)]
struct Facts {
    snapshot: SystemSnapshot,
    samples: Vec<Sample>,
    hours: u32,
    until: Moment,
}

/// The page names nobody, so all who look between two samples see one rendering.
static BODY: Kept<Facts> = Kept::empty();

pub async fn page() -> Result<PageView, AppError> {
    let snapshot = get_system(Moment::EPOCH).await?;
    let query = crate::context::request().query.clone();
    let hours = query.get("hours").and_then(|hours| hours.parse().ok()).filter(|hours| RANGES_H.contains(hours)).unwrap_or(1);
    let samples = get_history(hours).await?;
    // To the whole minute: until it is over, the charts are the same for everybody who looks.
    let until = Moment::from_seconds((crate::context::now().seconds() / 60 + 1) * 60);
    let facts = Facts { snapshot, samples, hours, until };
    Ok(PageView::new("System", BODY.view(facts.clone(), || body(facts))))
}

fn body(facts: Facts) -> impl IntoView {
    let Facts { snapshot, samples, hours, until } = facts;
    let from = until.minus(std::time::Duration::from_secs(u64::from(hours) * 3_600));
    let chart = |title: &'static str, unit: &'static str, value: fn(&Sample) -> Option<f64>| {
        let points = samples.iter().map(|sample| (sample.at, value(sample))).collect::<Vec<_>>();
        view! { <HistoryChart title=title unit=unit points=points from=from until=until/> }
    };
    let range = |choice: &u32| {
        let choice = *choice;
        let href = Query::default().with("hours", choice.to_string()).link(&Page::System.path());
        view! {
            <a class="chip" href=href aria-current=(choice == hours).then_some("true")>
                {choice}
                " h"
            </a>
        }
    };
    view! {
        <SystemLive initial=snapshot/>
        <section class="panel">
            <div class="bar plain">
                <h2>"Longer"</h2>
                <nav class="chips" aria-label="Range of the charts">
                    {RANGES_H.iter().map(range).collect_view()}
                </nav>
                <span class="quiet">"one sample a minute, since the panel started at most"</span>
            </div>
            <div class="charts">
                {chart("Processor", "% of a core", |sample| Some(f64::from(sample.cpu_percent)))}
                {chart("Memory", "MiB", |sample| Some(sample.rss_mib()))}
                {chart("Requests", "/s", |sample| Some(f64::from(sample.requests_per_s)))}
                {chart("Database round trip", "ms", |sample| sample.database_ms.map(f64::from))}
            </div>
        </section>
    }
}
