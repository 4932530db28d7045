//! The part of the System page that lives.

use crate::{
    live::{
        Topic,
        client::{bus, follow},
    },
    system::{
        api::get_system,
        snapshot::{Change, DatabaseState, SAMPLE_EVERY_MS, SAMPLES_KEPT, Sample, SystemSnapshot, TaskView},
    },
    ui::{Badge, Empty, Figure, Figures, LiveChart, LivePoint},
    values::{
        Freshness, Moment, Observed, Tone,
        quantity::{format_age, format_bytes, format_count, format_span},
    },
    wire::Given,
};
use leptos::{either::Either, prelude::*};

/// The width of the live charts.
const SPAN_S: u32 = SAMPLE_EVERY_MS / 1_000 * SAMPLES_KEPT as u32;

/// Adds the new samples to those there are; a gap too long to fill starts the chart anew.
fn merge(old: SystemSnapshot, new: SystemSnapshot) -> SystemSnapshot {
    let newest = old.samples.last().map_or(Moment::EPOCH, |sample| sample.at);
    let mut samples = old.samples;
    samples.extend(new.samples.iter().copied().filter(|sample| sample.at > newest));
    let too_many = samples.len().saturating_sub(SAMPLES_KEPT);
    samples.drain(..too_many);
    SystemSnapshot { samples, ..new }
}

#[island]
pub fn SystemLive(#[prop(into)] initial: Given<SystemSnapshot>) -> impl IntoView {
    let Given(initial) = initial;
    let at_load = initial.observed_at;
    let system = RwSignal::new(initial);
    let newest = |system: &SystemSnapshot| system.samples.last().map_or(Moment::EPOCH, |sample| sample.at);
    follow(Topic::System, system, move |system| get_system(newest(system)), merge);
    let (now, tick) = (RwSignal::new(at_load), bus().now);
    Effect::new(move |_| now.set(tick.get()));
    // What the server says of itself is worth nothing when it has been silent for three rounds.
    let unknown_since = Memo::new(move |_| {
        let seen = Observed { value: (), observed_at: system.with(|system| system.observed_at), every_ms: SAMPLE_EVERY_MS };
        match seen.freshness(now.get()) {
            Freshness::Fresh => None,
            Freshness::UnknownSince(at) => Some(at),
        }
    });
    let sentence = move || match unknown_since.get() {
        Some(at) => format!("Unknown since {} UTC: the panel does not answer this page.", at.time_of_day()),
        None => system.with(|system| system.sentence(now.get())),
    };
    let tone = move || match unknown_since.get() {
        Some(_) => Tone::Idle,
        None if sentence().starts_with("Everything") => Tone::Good,
        None => Tone::Bad,
    };
    let age = move || format_age(now.get().since(system.with(|system| system.observed_at)));
    view! {
        <div class="live-area" class:unknown=move || unknown_since.get().is_some()>
            <p class="say first">
                {move || {
                    let word = match tone() {
                        Tone::Good => "well",
                        Tone::Idle => "unknown",
                        _ => "needs a look",
                    };
                    view! { <Badge tone=tone() word=word/> }
                }} " " {sentence} " "
                <small class="quiet">{age}</small>
            </p>
            {figures(system, now)}
            <section class="panel">
                <div class="charts">
                    {chart(system, "Processor", "% of a core", |sample| Some(f64::from(sample.cpu_percent)))}
                    {chart(system, "Memory", "MiB", |sample| Some(sample.rss_mib()))}
                    {chart(system, "Requests", "/s", |sample| Some(f64::from(sample.requests_per_s)))}
                    {chart(system, "Database round trip", "ms", |sample| sample.database_ms.map(f64::from))}
                </div>
            </section>
            <div class="cols uneven">{tasks(system, now)} {changes(system)}</div>
        </div>
    }
}

fn chart(
    system: RwSignal<SystemSnapshot>,
    title: &'static str,
    unit: &'static str,
    value: fn(&Sample) -> Option<f64>,
) -> impl IntoView {
    let points = Signal::derive(move || {
        system.with(|system| system.samples.iter().map(|sample| LivePoint { at: sample.at, value: value(sample) }).collect())
    });
    view! { <LiveChart title=title unit=unit points=points span_s=SPAN_S/> }
}

fn figures(system: RwSignal<SystemSnapshot>, now: RwSignal<Moment>) -> impl IntoView {
    let text = move |read: fn(&SystemSnapshot) -> String| Signal::derive(move || system.with(read));
    let database_tone = Signal::derive(move || system.with(|system| system.database.state.tone()));
    let disk_tone = Signal::derive(move || system.with(|system| system.disk.as_ref().map_or(Tone::Idle, |disk| disk.tone())));
    let database_note = Signal::derive(move || {
        system.with(|system| {
            let state = &system.database.state;
            let version = system.database.version.clone().unwrap_or_else(|| "version unknown".into());
            let since = format_span(now.get().since(state.since()));
            let why = match state {
                DatabaseState::Down { why, .. } | DatabaseState::Unfit { why, .. } => format!(" {why}"),
                DatabaseState::Starting { .. } | DatabaseState::Up { .. } => String::new(),
            };
            format!("for {since}, {version}, {}.{why}", system.database.place)
        })
    });
    let pool = |system: &SystemSnapshot| {
        let database = &system.database;
        format!(
            "{} of {} in use, {} open",
            database.pool_open - database.pool_idle.min(database.pool_open),
            database.pool_max,
            database.pool_open
        )
    };
    let uptime = Signal::derive(move || format_span(now.get().since(system.with(|system| system.started_at))));
    view! {
        <section class="panel">
            <Figures>
                <Figure
                    label="Database"
                    number=text(|system| system.database.state.word().into())
                    tone=database_tone
                    note=database_note
                />
                <Figure
                    label="Round trip"
                    number=text(|system| system.database.round_trip_ms.map_or_else(|| "–".into(), |ms| format!("{ms:.1}")))
                    unit="ms".to_string()
                    note=text(pool)
                />
                <Figure
                    label="Signed in"
                    number=text(|system| format_count(system.sessions.staff + system.sessions.customers))
                    unit="sessions".to_string()
                    note=text(|system| format!("{} staff, {} customers; {} live", system.sessions.staff, system.sessions.customers, system.live_browsers))
                />
                <Figure
                    label="Free disk"
                    number=text(|system| system.disk.as_ref().map_or_else(|| "–".into(), |disk| format_bytes(disk.free_bytes).number))
                    unit=text(|system| system.disk.as_ref().map_or_else(String::new, |disk| format_bytes(disk.free_bytes).unit.into()))
                    tone=disk_tone
                    note=text(|system| {
                        system.disk.as_ref().map_or_else(String::new, |disk| format!("of {} at {}", format_bytes(disk.total_bytes), disk.path))
                    })
                />
                <Figure
                    label="Memory"
                    number=text(|system| system.samples.last().map_or_else(|| "–".into(), |sample| format_bytes(sample.rss_bytes).number))
                    unit=text(|system| system.samples.last().map_or_else(String::new, |sample| format_bytes(sample.rss_bytes).unit.into()))
                    note="the panel’s process, without MariaDB".to_string()
                />
                <Figure
                    label="Running for"
                    number=uptime
                    note=text(|system| format!("version {} on {}", system.version, system.host))
                />
            </Figures>
        </section>
    }
}

fn tasks(system: RwSignal<SystemSnapshot>, now: RwSignal<Moment>) -> impl IntoView {
    let row = move |task: TaskView| {
        let ran = task.last_run_at.map_or_else(|| "–".into(), |at| format_age(now.get_untracked().since(at)));
        let took = task.last_took_ms.map_or_else(|| "–".into(), |ms| format!("{ms} ms"));
        let error = task.last_error.as_ref().map_or_else(|| "none".into(), |error| format!("{} UTC: {}", error.at, error.text));
        view! {
            <tr>
                <td>
                    <b>{task.name.clone()}</b>
                    <span class="below">{task.does.clone()}</span>
                </td>
                <td>
                    <Badge tone=task.tone(now.get_untracked()) word=task.word(now.get_untracked())/>
                </td>
                <td class="r">{format_span(std::time::Duration::from_millis(task.every_ms))}</td>
                <td class="r">{ran}</td>
                <td class="r">{took}</td>
                <td class="wrap">{error}</td>
            </tr>
        }
    };
    view! {
        <section class="panel flush">
            <div class="bar">
                <h2>"Background tasks"</h2>
            </div>
            <div class="scroll" tabindex="0" role="region" aria-label="Table of background tasks">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Task"</th>
                            <th scope="col">"State"</th>
                            <th scope="col" class="r">"Every"</th>
                            <th scope="col" class="r">"Last run"</th>
                            <th scope="col" class="r">"Took"</th>
                            <th scope="col">"Last error"</th>
                        </tr>
                    </thead>
                    <tbody>{move || system.with(|system| system.tasks.clone()).into_iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
}

fn changes(system: RwSignal<SystemSnapshot>) -> impl IntoView {
    let line = |change: Change| {
        view! {
            <li class=change.tone.name()>
                <span class="dot"></span>
                <span>{change.text}</span>
                <time datetime=change.at.rfc3339()>{change.at.time_of_day()}</time>
            </li>
        }
    };
    view! {
        <section class="panel">
            <h2>"What happened lately" <small>" UTC"</small></h2>
            {move || {
                let changes = system.with(|system| system.changes.clone());
                if changes.is_empty() {
                    Either::Left(view! { <Empty what="Nothing to tell." next="Starts, stops and failures of the panel’s parts stand here."/> })
                } else {
                    Either::Right(view! { <ul class="changes">{changes.into_iter().take(12).map(line).collect_view()}</ul> })
                }
            }}
        </section>
    }
}
