//! Call volume of the last hour, for beside the map: six figures and a curve with last week's under it.

use crate::{
    calls::{
        history::get_volume,
        volume::{Volume, VolumePoint},
    },
    context,
    error::AppError,
    fleet::pages::beside::{self, VolumeFigure},
    live::Topic,
    routes::Page,
    shell::fresh::Fresh,
    ui::Empty,
    values::{Moment, quantity::format_count},
};
use leptos::{either::Either, prelude::*};
use std::time::Duration;
use tokio::sync::Mutex;

/// The hour is read from the database for all who look, not by each of them.
const KEPT: Duration = Duration::from_secs(5);

/// The minutes of an hour move slowly, and the whole map is read for them.
const FRESH_MS: u32 = 10_000;

static NEWEST: Mutex<Option<(Moment, Result<Volume, AppError>)>> = Mutex::const_new(None);

async fn newest() -> Result<Volume, AppError> {
    let mut newest = NEWEST.lock().await;
    let now = context::now();
    match newest.as_ref() {
        Some((at, volume)) if now.since(*at) < KEPT => volume.clone(),
        _ => {
            let volume = get_volume("range=1h".into()).await;
            *newest = Some((now, volume.clone()));
            volume
        }
    }
}

/// The panel. While the database is away it says so; the map beside it goes on.
pub async fn volume() -> impl IntoView {
    let panel = match newest().await {
        Ok(volume) => Either::Left(panel(&volume)),
        Err(error) => Either::Right(view! {
            <section class="panel">
                <h2><a href=Page::Volume.path()>"Call volume"</a></h2>
                <Empty what="Not known now." next=error.to_string()/>
            </section>
        }),
    };
    view! {
        <div class="map-fresh">
            <div data-fresh="volume">{panel}</div>
            <Fresh topic=Topic::Calls every_ms=FRESH_MS/>
        </div>
    }
}

fn panel(volume: &Volume) -> impl IntoView + use<> {
    let whole = &volume.whole;
    let shown = |value: Option<f64>, digits: usize| value.map_or_else(|| "–".to_string(), |value| format!("{value:.digits$}"));
    let figures = vec![
        VolumeFigure { label: "Attempts", number: shown(whole.cps, 2), unit: "/s" },
        VolumeFigure { label: "Concurrent", number: format_count(whole.concurrent), unit: "calls" },
        VolumeFigure { label: "ASR", number: shown(whole.asr_percent, 1), unit: "%" },
        VolumeFigure { label: "NER", number: shown(whole.ner_percent, 1), unit: "%" },
        VolumeFigure { label: "ACD", number: shown(whole.acd_s, 0), unit: "s" },
        VolumeFigure { label: "PDD p95", number: shown(whole.pdd_p95_ms, 0), unit: "ms" },
    ];
    let curve = |points: &[VolumePoint]| points.iter().map(|point| (point.at, point.measures.cps)).collect();
    beside::volume(beside::Volume {
        figures,
        what: "attempts a second",
        points: curve(&volume.points),
        week_ago: curve(&volume.shadow),
        from: volume.span.from,
        until: volume.span.to,
    })
}
