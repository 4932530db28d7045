//! Call volume: the field's measures with their formulas, over a range, with last week's shadow, and cut by carrier, customer,
//! destination or PBX. Range, cut and sort are in the address.

use crate::{
    calls::{
        history::get_volume,
        volume::{Grouping, Measure, Measures, Range, Volume, VolumeQuestion, VolumeRow},
    },
    context,
    error::AppError,
    live::Topic,
    routes::Page,
    shell::{PageView, changed::Changed},
    ui::{
        Column, DataTable, Empty, Field, FieldKind, Figure, Figures, Row, Submit, TableFacts,
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

pub async fn page() -> Result<PageView, AppError> {
    let query = context::request().query.clone();
    let question = VolumeQuestion::from_query(&query);
    let volume = get_volume(query.link("").trim_start_matches('?').into()).await?;
    let what =
        question.only.as_ref().map_or_else(|| "all calls".to_string(), |name| format!("{} {name}", question.grouping.name()));
    let lead =
        format!("{what}, {} to {} UTC; the dashed line is a week before.", volume.span.from, volume.span.to.min(volume.span.now));
    let body = view! {
        {ranges(&query, question.range)}
        <section class="panel">{figures(&volume)}</section>
        <section class="panel">
            <div class="charts">
                {[Measure::Cps, Measure::Concurrent, Measure::Asr, Measure::Ner, Measure::Acd, Measure::PddP95]
                    .map(|measure| chart(&volume, measure))
                    .into_iter()
                    .collect_view()}
            </div>
        </section>
        <section class="panel flush">
            {cuts(&query, question.grouping)}
            {table(&query, &volume)}
        </section>
        {as_table(&volume)}
    };
    Ok(PageView::new("Volume", body).lead(lead).actions(view! { <Changed topic=Topic::Calls/> }))
}

/// The records behind a cut and a time.
fn behind(volume: &Volume, name: Option<&str>, from: Moment, to: Moment) -> String {
    let query = Query::default().with("from", from.rfc3339()).with("to", to.rfc3339());
    let query = match (volume.grouping, name) {
        (Grouping::Total, _) | (_, None) => query,
        (grouping, Some(name)) => query.with(grouping.name(), name),
    };
    query.link(&Page::Cdrs.path())
}

fn ranges(query: &Query, range: Range) -> impl IntoView + use<> {
    let path = Page::Volume.path();
    let chips = Range::FIXED.map(|each| {
        let current = (each == range).then_some("true");
        view! { <a class="chip" aria-current=current href=each.to_query(query).link(&path)>{each.name()}</a> }
    });
    let (from, to) = match range {
        Range::Custom { from, to } => (from.to_string(), to.to_string()),
        _ => (String::new(), String::new()),
    };
    let kept = query.pairs().filter(|(key, _)| ["by", "name", "sort", "desc"].contains(key));
    let kept =
        kept.map(|(key, value)| view! { <input type="hidden" name=key.to_string() value=value.to_string()/> }).collect_view();
    view! {
        <div class="bar plain volume-range">
            <nav class="chips" aria-label="Range">{chips.into_iter().collect_view()}</nav>
            <form class="bar plain" method="get" action=path aria-label="Custom range">
                {kept}
                <input type="hidden" name="range" value="custom"/>
                <Field label="From (UTC)" name="from" kind=FieldKind::Moment value=from required=true/>
                <Field label="To (UTC)" name="to" kind=FieldKind::Moment value=to required=true/>
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
    let shown = [Measure::Cps, Measure::Concurrent, Measure::Asr, Measure::Ner, Measure::Acd, Measure::Pdd, Measure::PddP95];
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
        href: Some(behind(volume, only, point.at, point.at.plus(volume.span.bucket()))),
    });
    view! { <TimeChart title=measure.title() unit=measure.unit() points=points.collect() note=measure.formula()/> }
}

fn cuts(query: &Query, grouping: Grouping) -> impl IntoView + use<> {
    let chips = Grouping::ALL.map(|each| {
        let href = query.clone().without("name").with("by", each.name()).link(&Page::Volume.path());
        view! { <a class="chip" aria-current=(each == grouping).then_some("true") href=href>{each.name()}</a> }
    });
    view! { <div class="bar"><nav class="chips" aria-label="Cut by">{chips.into_iter().collect_view()}</nav></div> }
}

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
        let href = behind(volume, Some(&row.name), from, to);
        let number =
            |measure: Measure| measure.of(&row.measures).map_or_else(|| "–".into(), |value| format(measure, value)).into_any();
        let measures = [Measure::Cps, Measure::Concurrent, Measure::Asr, Measure::Ner, Measure::Acd, Measure::Pdd, Measure::PddP95];
        let first = [view! { <a href=href>{row.name.clone()}</a> }.into_any(), format_count(row.measures.attempts).into_any()];
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

/// What the charts show, for whoever reads or uses the keyboard without a script.
fn as_table(volume: &Volume) -> impl IntoView + use<> {
    let measures = [Measure::Attempts, Measure::Concurrent, Measure::Asr, Measure::Ner, Measure::Acd, Measure::PddP95];
    let happened = volume.points.iter().filter(|point| point.at < volume.span.now);
    let rows = happened.map(|point| {
        let href = behind(volume, volume.only.as_deref(), point.at, point.at.plus(volume.span.bucket()));
        let cell = |measure: Measure| measure.of(&point.measures).map_or_else(|| "–".into(), |value| format(measure, value));
        view! {
            <tr>
                <td><a href=href>{point.at.to_string()}</a></td>
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
