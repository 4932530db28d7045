//! Call volume: the field's measures with their formulas, over a range, with last week's shadow, and cut by carrier, customer,
//! destination or PBX. Range, cut and sort are in the address.

use super::{incomplete::incomplete, volume_now::VolumeNow};
use crate::{
    calls::{
        api::get_live_counts,
        history::get_volume,
        volume::{Grouping, Measure, Measures, Range, Volume, VolumeQuestion, VolumeRow},
        volume_question::records_behind,
    },
    context,
    error::{AppError, Problem},
    live::Topic,
    notice::Notice,
    routes::Page,
    shell::{PageView, changed::Changed, fresh::Fresh},
    ui::{
        Column, DataTable, Empty, Field, FieldKind, Figure, Figures, FormState, ProblemList, Row, Submit, TableFacts,
        table_view::TableView,
        time_chart::{TimeChart, TimePoint},
    },
    values::{Moment, Query, quantity::format_count},
};
use leptos::prelude::*;

const COLUMNS: &[Column] = &[
    Column::text("name", "Name"),
    Column::number("attempts", "Attempts"),
    Column::number("cps", "CPS"),
    Column::number("concurrent", "Concurrent"),
    Column::number("asr", "ASR %"),
    Column::number("ner", "NER %"),
    Column::number("acd", "ACD s"),
    Column::number("pdd", "PDD ms"),
    Column::number("pdd-p95", "PDD p95 ms"),
];

/// A call that has ended is in the charts of an open page this much after its record is collected.
const FRESH_MS: u32 = 700;

/// The fields of the form that say what is wrong with them.
const MARKED: [&str; 2] = ["from", "to"];

pub async fn page() -> Result<PageView, AppError> {
    let query = context::request().query.clone();
    let question = VolumeQuestion::from_query(&query);
    let problems = VolumeQuestion::problems(&query);
    if !problems.is_empty() {
        return Ok(PageView::new("Volume", refused(&query, problems)));
    }
    let volume = get_volume(query.link("").trim_start_matches('?').into()).await;
    // What the PBXs tell does not need the database.
    let now = match question.range {
        Range::Live => {
            let counts = get_live_counts().await?;
            Some(view! { <VolumeNow initial=counts grouping=question.grouping name=question.only.clone()/> })
        }
        _ => None,
    };
    let volume = match (volume, &now) {
        (Ok(volume), _) => volume,
        (Err(error), None) => return Err(error),
        (Err(error), Some(_)) => {
            let body = view! {
                {ranges(&query, Some(question.range), Vec::new())}
                {now}
                <section class="panel"><Empty what="The last minutes are not known now." next=error.to_string()/></section>
            };
            return Ok(PageView::new("Volume", body));
        }
    };
    let what =
        question.only.as_ref().map_or_else(|| "All calls".to_string(), |name| format!("{} {name}", question.grouping.name()));
    let lead =
        format!("{what}, {} to {} UTC; the dashed line is a week before.", volume.span.from, volume.span.to.min(volume.span.now));
    let body = view! {
        {ranges(&query, Some(question.range), Vec::new())}
        {now}
        <div data-fresh="behind">{incomplete(&volume.behind)}</div>
        <section class="panel" data-fresh="figures">{figures(&volume)}</section>
        <section class="panel">
            <div class="charts" data-fresh="charts">
                {[Measure::Cps, Measure::Concurrent, Measure::Asr, Measure::Ner, Measure::Acd, Measure::PddP95]
                    .map(|measure| chart(&volume, measure))
                    .into_iter()
                    .collect_view()}
            </div>
        </section>
        <section class="panel flush">
            {cuts(&query, &question)}
            {table(&query, &volume)}
        </section>
        {as_table(&volume)}
    };
    Ok(PageView::new("Volume", body)
        .lead(view! { <span data-fresh="lead">{lead}</span> })
        .actions(view! { <Fresh topic=Topic::Calls every_ms=FRESH_MS/> <Changed topic=Topic::Calls/> }))
}

/// Nothing is shown for a question that cannot be read: the last hour in its place would look like an answer.
fn refused(query: &Query, problems: Vec<Problem>) -> impl IntoView + use<> {
    // What came with a link has no field to be marked.
    let elsewhere = problems.iter().filter(|problem| !MARKED.contains(&problem.at.as_str())).cloned().collect();
    view! {
        {ranges(query, None, problems)}
        <section class="panel">
            <Empty what="Nothing was counted." next="Mend what is wrong and look again, or choose one of the ranges."/>
            <ProblemList problems=elsewhere/>
        </section>
    }
}

/// The records behind a cut and a time.
fn behind(volume: &Volume, name: Option<&str>, from: Moment, to: Moment) -> Option<String> {
    records_behind(volume.grouping, name, from, to).map(|query| query.link(&Page::Cdrs.path()))
}

fn ranges(query: &Query, range: Option<Range>, problems: Vec<Problem>) -> impl IntoView + use<> {
    let path = Page::Volume.path();
    // A cut that cannot be read is not handed on.
    let wrong_cut = problems.iter().any(|problem| problem.at == "by");
    let query = if wrong_cut { query.clone().without("by").without("name") } else { query.clone() };
    let chips = Range::FIXED.map(|each| {
        let current = (Some(each) == range).then_some("true");
        view! { <a class="chip" aria-current=current href=each.to_query(&query).link(&path)>{each.name()}</a> }
    });
    // As it was typed, where it cannot be read.
    let typed = |key: &str| {
        query.get(key).map_or_else(String::new, |text| Moment::parse(text).map_or_else(|| text.into(), |at| at.to_string()))
    };
    let (from, to) = match range {
        Some(Range::Custom { .. }) | None => (typed("from"), typed("to")),
        Some(_) => (String::new(), String::new()),
    };
    let notice = Notice { form: Some(path.clone()), problems, ..Notice::done("") };
    let state = FormState::of(Some(&notice), &path);
    let kept = query.pairs().filter(|(key, _)| ["by", "name", "sort", "desc"].contains(key));
    let kept =
        kept.map(|(key, value)| view! { <input type="hidden" name=key.to_string() value=value.to_string()/> }).collect_view();
    view! {
        <div class="bar plain volume-range">
            <nav class="chips" aria-label="Range">{chips.into_iter().collect_view()}</nav>
            <form class="bar plain" method="get" action=path aria-label="Custom range">
                {kept}
                <input type="hidden" name="range" value="custom"/>
                <Field label="From (UTC)" name="from" kind=FieldKind::Moment value=from state=state.clone() required=true/>
                <Field label="To (UTC)" name="to" kind=FieldKind::Moment value=to state=state required=true/>
                <Submit label="Show"/>
            </form>
        </div>
    }
}

fn format(measure: Measure, value: f64) -> String {
    match measure {
        Measure::Attempts | Measure::Concurrent | Measure::Pdd | Measure::PddP95 => format!("{value:.0}"),
        Measure::Cps => format!("{value:.2}"),
        Measure::Asr | Measure::Ner | Measure::Acd => format!("{value:.1}"),
    }
}

/// Why a figure is missing.
fn why_none(measure: Measure, measures: &Measures) -> &'static str {
    match measure {
        _ if measures.attempts == 0 => "no attempts in this time",
        Measure::Acd => "no call was answered in this time",
        Measure::Pdd | Measure::PddP95 => "nothing rang in this time",
        _ => "no time has gone by",
    }
}

fn figures(volume: &Volume) -> impl IntoView + use<> {
    let shown = Measure::ALL;
    let whole = volume.whole;
    let figure = move |measure: Measure| {
        let value = measure.of(&whole);
        let number = value.map_or_else(|| "–".to_string(), |value| format(measure, value));
        let note = match value {
            Some(_) => format!("= {}", measure.formula()),
            None => format!("{}; = {}", why_none(measure, &whole), measure.formula()),
        };
        let unit = if value.is_some() { measure.unit() } else { "" };
        view! { <Figure label=measure.title() number=number unit=unit.to_string() note=note/> }
    };
    view! { <Figures>{shown.into_iter().map(figure).collect_view()}</Figures> }
}

fn chart(volume: &Volume, measure: Measure) -> impl IntoView + use<> {
    let only = volume.only.as_deref();
    let points = volume.points.iter().enumerate().map(|(i, point)| TimePoint {
        at: point.at,
        // What has not happened yet is a gap, not a zero.
        value: measure.of(&point.measures).filter(|_| point.at < volume.span.now),
        before: volume.shadow.get(i).and_then(|shadow| measure.of(&shadow.measures)),
        href: behind(volume, only, point.at, point.at.plus(volume.span.bucket())),
    });
    view! { <TimeChart title=measure.title() unit=measure.unit() points=points.collect() note=measure.formula()/> }
}

fn cuts(query: &Query, question: &VolumeQuestion) -> impl IntoView + use<> {
    let grouping = question.grouping;
    let chips = Grouping::ALL.map(|each| {
        let href = query.clone().without("name").with("by", each.name()).link(&Page::Volume.path());
        view! { <a class="chip" aria-current=(each == grouping).then_some("true") href=href>{each.name()}</a> }
    });
    let all = question.only.as_ref().map(|name| {
        let href = query.clone().without("name").link(&Page::Volume.path());
        view! { <a class="button quiet" href=href>{format!("Charts of all calls instead of {name}")}</a> }
    });
    let tries = (grouping == Grouping::Carrier).then_some(TRIES);
    view! {
        <div class="bar"><nav class="chips" aria-label="Cut by">{chips.into_iter().collect_view()}</nav> {all}</div>
        {tries.map(|tries| view! { <p class="bar quiet">{tries}</p> })}
    }
}

/// Why a carrier's attempts are more than the records behind them.
const TRIES: &str = "By carrier each try counts: a call that went to two carriers is an attempt at both. A CDR names only the carrier \
                     that answered, so behind a row are the calls this carrier answered.";

fn sorted(query: &Query, rows: &[VolumeRow]) -> Vec<VolumeRow> {
    let view = TableView::from_query(query);
    let mut rows = rows.to_vec();
    match view.sort.as_deref().map(|sort| (sort, Measure::parse(sort))) {
        Some((_, Some(measure))) => {
            // A missing value is below every other.
            let key = |row: &VolumeRow| measure.of(&row.measures).unwrap_or(f64::MIN);
            rows.sort_by(|a, b| key(a).total_cmp(&key(b)));
        }
        Some(("name", None)) => rows.sort_by(|a, b| a.name.cmp(&b.name)),
        // As they came: most attempts first.
        _ => return rows,
    }
    if view.descending {
        rows.reverse();
    }
    rows
}

fn table(query: &Query, volume: &Volume) -> AnyView {
    if volume.rows.is_empty() {
        return view! { <Empty what="No attempts in this time." next="Look at a longer range."/> }.into_any();
    }
    let (from, to) = (volume.span.from, volume.span.to);
    let row = |row: VolumeRow| -> Row {
        let cdrs = behind(volume, Some(&row.name), from, to);
        let chart = (volume.grouping != Grouping::Total)
            .then(|| query.clone().with("by", volume.grouping.name()).with("name", row.name.clone()).link(&Page::Volume.path()));
        let number =
            |measure: Measure| measure.of(&row.measures).map_or_else(|| "–".into(), |value| format(measure, value)).into_any();
        let measures = [Measure::Cps, Measure::Concurrent, Measure::Asr, Measure::Ner, Measure::Acd, Measure::Pdd, Measure::PddP95];
        let first = [name_cell(&row.name, cdrs, chart), format_count(row.measures.attempts).into_any()];
        first.into_iter().chain(measures.map(number)).collect()
    };
    let facts = TableFacts {
        path: Page::Volume.path(),
        query: query.clone(),
        what: ("row", "rows"),
        columns: COLUMNS,
        default_sort: "",
        total: None,
        export: None,
        older: None,
    };
    view! { <DataTable facts=facts rows=sorted(query, &volume.rows).into_iter().map(row).collect()/> }.into_any()
}

fn linked(text: String, href: Option<String>) -> AnyView {
    match href {
        Some(href) => view! { <a href=href>{text}</a> }.into_any(),
        None => text.into_any(),
    }
}

/// A name, with the way to its records and to its charts.
fn name_cell(name: &str, cdrs: Option<String>, chart: Option<String>) -> AnyView {
    let shown = match cdrs {
        Some(href) => view! { <a href=href>{name.to_string()}</a> }.into_any(),
        // Nothing finds a record by a name it does not have.
        None => view! { {name.to_string()} <span class="below">"not named in the CDRs"</span> }.into_any(),
    };
    let label = format!("Charts of {name}");
    let chart = chart.map(|href| view! { " " <small><a href=href aria-label=label>"charts"</a></small> });
    view! { {shown} {chart} }.into_any()
}

/// What the charts show, for whoever reads or uses the keyboard without a script.
fn as_table(volume: &Volume) -> impl IntoView + use<> {
    let measures = [Measure::Attempts, Measure::Concurrent, Measure::Asr, Measure::Ner, Measure::Acd, Measure::PddP95];
    let happened = volume.points.iter().filter(|point| point.at < volume.span.now);
    let rows = happened.map(|point| {
        let href = behind(volume, volume.only.as_deref(), point.at, point.at.plus(volume.span.bucket()));
        let cell = |measure: Measure| measure.of(&point.measures).map_or_else(|| "–".into(), |value| format(measure, value));
        view! {
            <tr>
                <td>{linked(point.at.to_string(), href)}</td>
                {measures.map(|measure| view! { <td class="r">{cell(measure)}</td> }).into_iter().collect_view()}
            </tr>
        }
    });
    view! {
        <details class="panel">
            <summary>"The charts as a table"</summary>
            <div class="scroll" tabindex="0" role="region" aria-label="Table of the charts">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"From (UTC)"</th>
                            {measures.map(|measure| view! { <th scope="col" class="r">{measure.title()} " " {measure.unit()}</th> }).into_iter().collect_view()}
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
}
