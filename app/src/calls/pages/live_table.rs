//! The part of the Calls page that lives: figures and the table. Rows are kept by the call's own id, so what changes is a word in a
//! cell; nothing moves that did not begin or end.

use crate::{
    calls::{
        api::list_live_calls,
        board::{BoardCall, Counts},
        live_list::LiveList,
    },
    live::{
        Topic,
        client::{Bus, Connection, bus, follow_aging},
    },
    routes::Page,
    ui::{
        Badge, Column, Figure, Figures, TableFacts, column_chooser, shown_columns, table_count, table_head, table_view::TableView,
    },
    values::{Moment, Query, Tone, quantity::format_count},
    wire::Given,
};
use leptos::{either::EitherOf6, prelude::*};
use std::{collections::BTreeMap, time::Duration};

/// Calls per second that are older than this are read again.
const RATE_KEPT: Duration = Duration::from_secs(2);

pub const COLUMNS: &[Column] = &[
    Column::text("caller", "Caller"),
    Column::text("called", "Called"),
    Column::text("customer", "Customer"),
    Column::text("carrier", "Carrier"),
    Column::text("pbx", "PBX"),
    Column::text("state", "State"),
    Column::number("seconds", "Seconds"),
    Column::text("codec", "Codec"),
    Column::text("started", "Began (UTC)").unsorted().hidden(),
    Column::text("reference", "Reference").unsorted().hidden(),
    Column::text("end", "End it").unsorted(),
];

/// What the table says of itself; `query` without the dialog's part.
fn facts(query: &str, total: u64) -> TableFacts {
    TableFacts {
        path: Page::Calls.path(),
        query: Query::parse(query),
        what: ("call", "calls"),
        columns: COLUMNS,
        default_sort: "seconds",
        total: Some(total),
        export: None,
        older: None,
    }
}

/// A call by PBX and the PBX's own id.
type Key = (String, String);

fn key(one: &BoardCall) -> Key {
    (one.call.pbx.clone(), one.call.unique_id.clone())
}

#[island]
pub fn LiveCalls(#[prop(into)] initial: Given<LiveList>, query: String, may_hang_up: bool, children: Children) -> impl IntoView {
    let Given(initial) = initial;
    let at_load = initial.at;
    let list = RwSignal::new(initial);
    let asked = query.clone();
    // Calls per second fall while nothing happens, until they are zero.
    let old_at = |list: &LiveList| (list.counts.cps_60s > 0.0).then(|| list.at.plus(RATE_KEPT));
    follow_aging(Topic::Calls, list, old_at, move |_| list_live_calls(asked.clone()), |_, new| new);
    let (now, Bus { now: tick, connection, .. }) = (RwSignal::new(at_load), bus());
    Effect::new(move |_| now.set(tick.get()));
    // The list is read again when something changes; what is unknown is whether one would hear of it.
    let lost_since = Memo::new(move |_| match connection.get() {
        Connection::LostSince(at) => Some(at),
        Connection::Connecting | Connection::Live => None,
    });
    let tone = move || if lost_since.get().is_some() { Tone::Idle } else { list.with(|list| list.counts.tone()) };
    let word = move || match tone() {
        Tone::Good => "live",
        Tone::Idle => "unknown",
        _ => "needs a look",
    };
    let sentence = move || match lost_since.get() {
        Some(at) => format!("Unknown since {} UTC: the panel does not answer this page.", at.time_of_day()),
        None => list.with(|list| list.counts.sentence()),
    };
    let said = Memo::new(move |_| (tone(), word(), sentence()));
    view! {
        <div class="live-area live-calls" class:unknown=move || lost_since.get().is_some()>
            <p class="say first">
                {move || {
                    let (tone, word, sentence) = said.get();
                    view! { <Badge tone=tone word=word/> " " <span>{sentence}</span> }
                }}
            </p>
            {figures(list)}
            <section class="panel flush">{children()} {table(list, now, &query, may_hang_up)}</section>
        </div>
    }
}

fn figures(list: RwSignal<LiveList>) -> impl IntoView {
    let text = move |read: fn(&Counts) -> String| Signal::derive(move || list.with(|list| read(&list.counts)));
    let [by_pbx, by_carrier, by_customer] = [
        text(|counts| format!("open calls at the PBXs; {}", most(&counts.by_pbx)).trim_end_matches("; ").to_string()),
        text(|counts| most(&counts.by_carrier)),
        text(|counts| most(&counts.by_customer)),
    ];
    view! {
        <section class="panel">
            <Figures>
                <Figure label="Concurrent" number=text(|counts| format_count(counts.concurrent)) unit="calls".to_string() note=by_pbx/>
                <Figure
                    label="Calls per second"
                    number=text(|counts| format!("{:.1}", counts.cps_10s))
                    unit="/s".to_string()
                    note=text(|counts| format!("begun in the last 10 s ÷ 10; {:.1} over 60 s", counts.cps_60s))
                />
                <Figure label="Carriers" number=text(|counts| counts.by_carrier.len().to_string()) unit="in use".to_string() note=by_carrier/>
                <Figure label="Customers" number=text(|counts| counts.by_customer.len().to_string()) unit="calling".to_string() note=by_customer/>
                <Figure
                    label="Transcoding"
                    number=text(|counts| format_count(counts.transcoding))
                    unit="calls".to_string()
                    note="legs with different codecs".to_string()
                />
            </Figures>
        </section>
    }
}

/// The names with the most calls.
fn most(counts: &BTreeMap<String, u64>) -> String {
    let mut by_count: Vec<_> = counts.iter().collect();
    by_count.sort_by(|a, b| b.1.cmp(a.1));
    by_count.iter().take(4).map(|(name, calls)| format!("{name} {}", format_count(**calls))).collect::<Vec<_>>().join(", ")
}

fn table(list: RwSignal<LiveList>, now: RwSignal<Moment>, query: &str, may_hang_up: bool) -> impl IntoView + use<> {
    let still = facts(query, 0);
    let view = TableView::from_query(&still.query);
    let shown = StoredValue::new(shown_columns(&still));
    let query = StoredValue::new(query.to_string());
    let amount = Memo::new(move |_| list.with(|list| (list.total, list.calls.len())));
    let count = move || {
        let (total, here) = amount.get();
        table_count(&facts(&query.read_value(), total), here)
    };
    let keys = move || list.with(|list| list.calls.iter().map(key).collect::<Vec<_>>());
    let row = move |key: Key| {
        let one = Memo::new(move |before: Option<&Option<BoardCall>>| {
            let now = list.with(|list| list.calls.iter().find(|one| one.call.unique_id == key.1 && one.call.pbx == key.0).cloned());
            // A row that is about to go keeps its words until it does.
            now.or_else(|| before.cloned().flatten())
        });
        cells(one, now, shown, query, may_hang_up)
    };
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Table of calls">
            <table>
                {table_head(&still)}
                <tbody>
                    <For each=keys key=|key| key.clone() children=row/>
                </tbody>
            </table>
        </div>
        <div class="foot">{count} <span class="grow"></span> {column_chooser(&still, &view)}</div>
    }
}

fn cells(
    one: Memo<Option<BoardCall>>,
    now: RwSignal<Moment>,
    shown: StoredValue<Vec<bool>>,
    query: StoredValue<String>,
    may_hang_up: bool,
) -> impl IntoView {
    let cell = move |column: &'static str| match column {
        "seconds" => EitherOf6::A(move || {
            let running = one.with(|one| one.as_ref().map(|one| now.get().since(one.call.started_at).as_secs()));
            running.map(format_count)
        }),
        "state" => EitherOf6::B(move || one.get().map(state)),
        "codec" => EitherOf6::C(move || one.get().map(codec)),
        "end" => EitherOf6::D(move || one.get().filter(|_| may_hang_up).map(|one| hang_up_link(&one, &query.read_value()))),
        "called" => EitherOf6::E(move || one.get().map(|one| called(&one))),
        other => EitherOf6::F(move || one.get().map(|one| text(&one, other))),
    };
    let shown = shown.read_value();
    let cells = COLUMNS.iter().zip(shown.iter()).filter(|(_, shown)| **shown);
    let cells = cells.map(|(column, _)| view! { <td class=column.numeric.then_some("r")>{cell(column.key)}</td> }).collect_view();
    view! { <tr class:unknown=move || one.with(|one| one.as_ref().is_some_and(|one| one.unknown_since.is_some()))>{cells}</tr> }
}

fn text(one: &BoardCall, column: &str) -> String {
    let call = &one.call;
    let or_dash = |text: Option<&String>| text.cloned().unwrap_or_else(|| "–".into());
    match column {
        "caller" if call.caller.is_empty() => "withheld".into(),
        "caller" => call.caller.clone(),
        "customer" => or_dash(call.customer.as_ref()),
        "carrier" => or_dash(call.carrier.as_ref()),
        "pbx" => call.pbx.clone(),
        "started" => call.started_at.time_of_day(),
        "reference" => call.reference.clone(),
        _ => String::new(),
    }
}

fn called(one: &BoardCall) -> impl IntoView + use<> {
    let number = if one.call.called.is_empty() { "not said".to_string() } else { one.call.called.clone() };
    view! { <a href=Page::Call(one.call.reference.clone()).path()>{number}</a> }
}

fn state(one: BoardCall) -> impl IntoView {
    match one.unknown_since {
        Some(at) => view! { <Badge tone=Tone::Idle word=format!("unknown since {}", at.time_of_day())/> },
        None => view! { <Badge tone=one.call.state.tone() word=one.call.state.name()/> },
    }
}

fn codec(one: BoardCall) -> impl IntoView {
    let transcodes = one.call.transcodes();
    let words = match (one.call.customer_codec, one.call.carrier_codec) {
        (None, None) => "–".into(),
        (Some(one), Some(other)) if one == other => one,
        (one, other) => [one, other].map(|codec| codec.unwrap_or_else(|| "?".into())).join(" → "),
    };
    view! {
        {words}
        {transcodes.then(|| view! { " " <Badge tone=Tone::Notice word="transcodes"/> })}
    }
}

pub(super) fn hang_up_link(one: &BoardCall, query: &str) -> impl IntoView + use<> {
    let call = &one.call;
    let query = Query::parse(query).with("do", "hang-up").with("call", call.unique_id.as_str()).with("pbx", call.pbx.as_str());
    let label = format!("Hang up the call from {} to {}", call.caller, call.called);
    view! {
        <a class="button quiet" href=query.link(&Page::Calls.path()) aria-label=label>
            "Hang up…"
        </a>
    }
}
