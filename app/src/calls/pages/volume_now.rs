//! Volume of this moment: what the PBXs tell now, beside the minutes that are collected. It is asked again at each change, and every
//! few seconds, because calls per second fall while nothing happens.

use crate::{
    calls::{
        api::get_live_counts,
        board::{Counts, LiveCounts},
        volume::Grouping,
    },
    live::{
        Topic,
        client::{Bus, Connection, bus, follow_aging},
    },
    routes::Page,
    ui::{Badge, Figure, Figures, LiveChart, LivePoint},
    values::{Tone, quantity::format_count},
    wire::Given,
};
use leptos::prelude::*;
use std::time::Duration;

/// The window of the charts; they begin with the page.
const SPAN_S: u32 = 5 * 60;
/// Counts older than this are asked for again.
const AGE_MAX: Duration = Duration::from_secs(2);

/// `name` is the one of `grouping` that is looked at.
#[island]
pub fn VolumeNow(#[prop(into)] initial: Given<LiveCounts>, grouping: Grouping, name: Option<String>) -> impl IntoView {
    let Given(initial) = initial;
    let heard = RwSignal::new(vec![initial]);
    let old_at = |heard: &Vec<LiveCounts>| heard.last().map(|newest| newest.at.plus(AGE_MAX));
    follow_aging(Topic::Calls, heard, old_at, |_| async { get_live_counts().await.map(|new| vec![new]) }, longer);
    let Bus { connection, .. } = bus();
    let live = Memo::new(move |_| connection.get());
    let said = Memo::new(move |_| match live.get() {
        Connection::LostSince(at) => {
            (Tone::Idle, "unknown", format!("Unknown since {} UTC: the panel does not answer this page.", at.time_of_day()))
        }
        Connection::Connecting | Connection::Live => heard.with(|heard| {
            let counts = heard.last().map(|newest| newest.counts.clone()).unwrap_or_default();
            let word = match counts.tone() {
                Tone::Good => "live",
                Tone::Idle => "unknown",
                _ => "needs a look",
            };
            (counts.tone(), word, counts.sentence())
        }),
    });
    let asked = StoredValue::new((grouping, name.clone()));
    let concurrent = move |counts: &Counts| asked.with_value(|(grouping, name)| up(counts, *grouping, name.as_deref()));
    let newest = move |read: fn(&Counts) -> String| {
        Signal::derive(move || heard.with(|heard| heard.last().map_or_else(String::new, |newest| read(&newest.counts))))
    };
    let concurrent_now = Signal::derive(move || {
        heard.with(|heard| heard.last().and_then(|newest| concurrent(&newest.counts)).map_or_else(|| "–".into(), format_count))
    });
    let of = name.map_or_else(String::new, |name| format!(" of {name}"));
    let note = match grouping {
        Grouping::Destination if !of.is_empty() => "= calls that are up; a PBX tells no destination of them".to_string(),
        _ => "= calls that are up at the PBXs now".to_string(),
    };
    // A number of calls is exact in a double.
    #[expect(clippy::cast_precision_loss, reason = "counts of calls are far below 2^53")]
    let up_points = Signal::derive(move || {
        heard.with(|heard| {
            let point = |one: &LiveCounts| LivePoint { at: one.at, value: concurrent(&one.counts).map(|up| up as f64) };
            heard.iter().map(point).collect::<Vec<_>>()
        })
    });
    let cps_points = Signal::derive(move || {
        heard.with(|heard| {
            let point = |one: &LiveCounts| LivePoint { at: one.at, value: Some(f64::from(one.counts.cps_10s)) };
            heard.iter().map(point).collect::<Vec<_>>()
        })
    });
    view! {
        <section class="panel live-area" class:unknown=move || matches!(live.get(), Connection::LostSince(_))>
            <h2>"Now"</h2>
            <p class="say">
                {move || {
                    let (tone, word, sentence) = said.get();
                    view! { <Badge tone=tone word=word/> " " <span>{sentence}</span> }
                }}
                " "
                <a href=Page::Calls.path()>"The calls that are up"</a>
            </p>
            <Figures>
                <Figure
                    label="CPS now, all calls"
                    number=newest(|counts| format!("{:.1}", counts.cps_10s))
                    unit="/s".to_string()
                    note="= calls that began in the last 10 s ÷ 10".to_string()
                />
                <Figure
                    label="CPS of the last minute, all calls"
                    number=newest(|counts| format!("{:.1}", counts.cps_60s))
                    unit="/s".to_string()
                    note="= calls that began in the last 60 s ÷ 60".to_string()
                />
                <Figure label=format!("Concurrent now{of}") number=concurrent_now unit="calls".to_string() note=note/>
            </Figures>
            <div class="charts">
                <LiveChart title="CPS now, since this page was opened" unit="/s" points=cps_points span_s=SPAN_S/>
                <LiveChart title="Concurrent now, since this page was opened" unit="calls" points=up_points span_s=SPAN_S/>
            </div>
        </section>
    }
}

/// Calls that are up under that name; `None` where the PBXs do not tell it.
fn up(counts: &Counts, grouping: Grouping, name: Option<&str>) -> Option<u64> {
    let Some(name) = name else { return Some(counts.concurrent) };
    let by = match grouping {
        Grouping::Total => return Some(counts.concurrent),
        Grouping::Destination => return None,
        Grouping::Carrier => &counts.by_carrier,
        Grouping::Customer => &counts.by_customer,
        Grouping::Pbx => &counts.by_pbx,
    };
    Some(by.get(name).copied().unwrap_or(0))
}

/// What was heard and what is new, without what is older than the charts show.
fn longer(mut heard: Vec<LiveCounts>, new: Vec<LiveCounts>) -> Vec<LiveCounts> {
    let end = new.last().map(|newest| newest.at);
    heard.extend(new);
    heard.sort_by_key(|one| one.at);
    if let Some(end) = end {
        heard.retain(|one| end.since(one.at) <= Duration::from_secs(u64::from(SPAN_S)));
    }
    heard
}
