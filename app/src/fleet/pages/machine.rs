//! One machine: who it is, how it is, what its service tells, how to get there.

use super::{board_view::blast_link, machine_live::MachineLive, operate::on_machine};
use crate::{
    error::AppError,
    fleet::{
        api::{get_blast, get_changes, get_machine},
        blast::Blast,
        change::Change,
        detail::MachineDetail,
        measure::Measure,
        measures_api::{MeasureSeries, Measures, get_measures},
    },
    routes::Page,
    shell::PageView,
    ui::{ActionLink, Empty, chart::HistoryChart},
    values::{Moment, Query},
};
use leptos::prelude::*;

/// The choices of the charts: hours, and the word.
const RANGES_H: [(u32, &str); 3] = [(1, "1 h"), (24, "24 h"), (168, "7 d")];

pub async fn page(name: &str) -> Result<PageView, AppError> {
    let detail = get_machine(name.into()).await?;
    let blast = get_blast(name.into()).await?;
    let request = crate::context::request();
    let asked = request.query.get("hours").and_then(|hours| hours.parse().ok());
    let hours = RANGES_H.iter().map(|(hours, _)| *hours).find(|hours| Some(*hours) == asked).unwrap_or(1);
    let range = RANGES_H.iter().find(|(known, _)| *known == hours).map_or("1h", |(_, word)| word);
    let every: Vec<&str> = Measure::ALL.into_iter().map(Measure::name).collect();
    let measures = get_measures(name.into(), every.join(","), range.replace(' ', "")).await?;
    let changed = get_changes(name.into()).await?;
    let actions = actions(&detail);
    let lead = format!("{} on {}.", detail.machine.role, networks(&detail));
    let body = view! {
        <MachineLive initial=detail.clone()/>
        {charts(name, hours, measures)}
        <div class="cols">{changes(changed)} {reach(&detail)} {blast.map(|blast| radius(&blast, name))}</div>
    };
    Ok(PageView::new(name, body).lead(lead).actions(actions))
}

fn networks(detail: &MachineDetail) -> String {
    let names: Vec<&str> = detail.cards.iter().map(|card| card.network.as_str()).collect();
    if names.is_empty() { "no network".into() } else { crate::fleet::map::lead::list(&names) }
}

fn actions(detail: &MachineDetail) -> impl IntoView + use<> {
    let databases = detail.sections.iter().any(|section| section.title.starts_with("MariaDB"));
    view! {
        {on_machine(&detail.machine.name)}
        {databases.then(|| view! { <ActionLink label="Databases" href=Page::Databases.path()/> })}
        <ActionLink label="On the map" href=blast_link(&detail.machine.name)/>
    }
}

fn charts(name: &str, hours: u32, measures: Measures) -> impl IntoView + use<> {
    let path = Page::Machine(name.into()).path();
    let chip = move |(choice, word): &(u32, &'static str)| {
        let href = Query::default().with("hours", choice.to_string()).link(&path);
        view! {
            <a class="chip" href=href aria-current=(*choice == hours).then_some("true")>
                {*word}
            </a>
        }
    };
    let Measures { from, until, series, lacks, .. } = measures;
    // What this machine does not have is left out: a proxy has no replication lag.
    let series: Vec<MeasureSeries> = series.into_iter().filter(|series| !series.points.is_empty()).collect();
    let one = move |series: MeasureSeries| {
        let (title, unit) = series.measure.title();
        let points: Vec<(Moment, Option<f64>)> = series.points.iter().map(|point| (point.at, Some(point.average))).collect();
        view! { <HistoryChart title=title unit=unit points=points from=from until=until/> }
    };
    let body = match series.is_empty() {
        true => {
            let next = "They are kept from the moment the panel first sees the machine.";
            view! { <Empty what="No measures of this machine are kept yet." next=next/> }.into_any()
        }
        false => view! { <div class="charts">{series.into_iter().map(one).collect_view()}</div> }.into_any(),
    };
    view! {
        <section class="panel">
            <div class="bar plain">
                <h2>"Measures"</h2>
                <nav class="chips" aria-label="Range of the charts">
                    {RANGES_H.iter().map(chip).collect_view()}
                </nav>
            </div>
            {lacks.map(|lacks| view! { <p class="quiet">{lacks}</p> })}
            {body}
        </section>
    }
}

fn changes(changes: Vec<Change>) -> impl IntoView {
    let line = |change: Change| {
        view! {
            <li class=change.tone.name()>
                <span class="dot"></span>
                <span>{change.text}</span>
                <time datetime=change.at.rfc3339()>{change.at.to_string()}</time>
            </li>
        }
    };
    let body = match changes.is_empty() {
        true => {
            view! { <Empty what="Nothing changed lately." next="State, addresses, read_only, versions: what turns is told here."/> }
                .into_any()
        }
        false => view! { <ul class="changes">{changes.into_iter().map(line).collect_view()}</ul> }.into_any(),
    };
    view! {
        <section class="panel">
            <h2>"What changed " <small>"UTC"</small></h2>
            {body}
        </section>
    }
}

fn reach(detail: &MachineDetail) -> impl IntoView + use<> {
    let line = |(label, line): &(String, String)| {
        view! {
            <li>
                <span class="label">{label.clone()}</span>
                <code>{line.clone()}</code>
            </li>
        }
    };
    view! {
        <section class="panel">
            <h2>"How to get there"</h2>
            <ul class="facts">{detail.reach.iter().map(line).collect_view()}</ul>
        </section>
    }
}

fn radius(blast: &Blast, name: &str) -> impl IntoView + use<> {
    let line = |line: &crate::fleet::blast::BlastLine| {
        view! {
            <li class=line.tone.name()>
                <span class="dot"></span>
                {line.text.clone()}
            </li>
        }
    };
    view! {
        <section class="panel map-blast">
            <h2>
                {blast.title.clone()} " "
                <small>
                    <a href=blast_link(name)>"on the map"</a>
                </small>
            </h2>
            <ul>{blast.lines.iter().map(line).collect_view()}</ul>
        </section>
    }
}
