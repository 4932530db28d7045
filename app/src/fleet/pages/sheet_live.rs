//! Draws a sheet, and draws it anew at each wake-up of the fleet.

use crate::{
    error::AppError,
    fleet::{
        networks_api::{get_databases, get_network, get_networks},
        sheet::{Cell, Head, Line, Lines, Part, Sheet, SheetTable},
    },
    live::{
        Topic,
        client::{Connection, bus, follow},
    },
    ui::{Badge, Empty},
    values::{Moment, Tone, quantity::format_age},
    wire::Given,
};
use leptos::{
    either::{Either, EitherOf4},
    prelude::*,
};
use serde::{Deserialize, Serialize};

/// Which sheet is read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    Networks,
    Network(String),
    Databases,
}

impl Source {
    pub async fn read(self) -> Result<Sheet, AppError> {
        match self {
            Source::Networks => get_networks().await,
            Source::Network(name) => get_network(name).await,
            Source::Databases => get_databases().await,
        }
    }
}

#[island]
pub fn SheetLive(source: Source, #[prop(into)] initial: Given<Sheet>) -> impl IntoView {
    let Given(initial) = initial;
    let at_load = initial.at;
    let sheet = RwSignal::new(initial);
    follow(Topic::Fleet, sheet, move |_| source.clone().read(), |_, new| new);
    let (now, tick, connection) = (RwSignal::new(at_load), bus().now, bus().connection);
    Effect::new(move |_| now.set(tick.get()));
    // Without the panel's word everything here is of the past.
    let lost = Memo::new(move |_| match connection.get() {
        Connection::LostSince(at) => Some(at),
        Connection::Connecting | Connection::Live => None,
    });
    let first = move || {
        let said = sheet.with(|sheet| sheet.first.clone());
        let (tone, word, sentence) = match lost.get() {
            Some(at) => {
                let sentence = format!("Unknown since {} UTC: the panel does not answer this page.", at.time_of_day());
                (Tone::Idle, "unknown".to_string(), sentence)
            }
            None => (said.tone, said.word, said.sentence),
        };
        view! { <Badge tone=tone word=word/> " " {sentence} }
    };
    view! {
        <div class="live-area sheets" class:unknown=move || lost.get().is_some()>
            <p class="say first">{first}</p>
            {move || sheet.with(|sheet| sheet.parts.iter().map(|part| draw(part, now)).collect_view())}
        </div>
    }
}

fn draw(part: &Part, now: RwSignal<Moment>) -> impl IntoView + use<> {
    match part {
        Part::Table(table) => Either::Left(draw_table(table, now)),
        Part::Lines(lines) => Either::Right(draw_lines(lines)),
    }
}

fn title(title: &str, note: &str) -> Option<impl IntoView + use<>> {
    let (title, note) = (title.to_string(), note.to_string());
    (!title.is_empty()).then(|| view! { <h2>{title} " " <small>{note}</small></h2> })
}

fn draw_table(table: &SheetTable, now: RwSignal<Moment>) -> impl IntoView + use<> {
    let head = |head: &Head| {
        let title = head.title.clone();
        let title = match head.href.clone() {
            Some(href) => Either::Left(view! { <a href=href>{title}</a> }),
            None => Either::Right(title),
        };
        view! {
            <th scope="col" class=head.numeric.then_some("r")>
                {title}
            </th>
        }
    };
    let row = |cells: &Vec<Cell>| {
        let mut cells = cells.iter().zip(&table.columns);
        let first = cells.next().map(|(cell, _)| view! { <th scope="row">{draw_cell(cell, now)}</th> });
        let rest = cells.map(|(cell, head)| {
            let title = (!cell.title.is_empty()).then(|| cell.title.clone());
            view! {
                <td class=head.numeric.then_some("r") title=title data-label=head.title.clone()>
                    {draw_cell(cell, now)}
                </td>
            }
        });
        view! { <tr>{first} {rest.collect_view()}</tr> }
    };
    let label = if table.title.is_empty() { "Summary".to_string() } else { table.title.clone() };
    let bar = title(&table.title, &table.note).map(|title| view! { <div class="bar">{title}</div> });
    view! {
        <section class=format!("panel flush sheet-table {}", table.class)>
            {bar}
            <div class="scroll" tabindex="0" role="region" aria-label=label>
                <table>
                    <thead>
                        <tr>{table.columns.iter().map(head).collect_view()}</tr>
                    </thead>
                    <tbody>{table.rows.iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
}

fn draw_cell(cell: &Cell, now: RwSignal<Moment>) -> impl IntoView + use<> {
    let text = cell.text.clone();
    let text = match (cell.tone, cell.code, cell.href.clone()) {
        (Some(tone), ..) => EitherOf4::A(view! { <Badge tone=tone word=text/> }),
        (_, _, Some(href)) => EitherOf4::B(view! { <a href=href>{text}</a> }),
        (_, true, _) => EitherOf4::C(view! { <code>{text}</code> }),
        _ => EitherOf4::D(text),
    };
    let below = (!cell.below.is_empty()).then(|| view! { <span class="below">{cell.below.clone()}</span> });
    let age = cell.at.map(|at| {
        view! {
            <time class="below" datetime=at.rfc3339() title=format!("{at} UTC")>
                {move || format_age(now.get().since(at))}
            </time>
        }
    });
    view! { {text} {below} {age} }
}

fn draw_lines(lines: &Lines) -> impl IntoView + use<> {
    let line = |line: &Line| {
        let word = (!line.word.is_empty()).then(|| view! { <Badge tone=line.tone word=line.word.clone()/> " " });
        let below = (!line.below.is_empty()).then(|| view! { <span class="below">{line.below.clone()}</span> });
        let time = line.at.map(|at| view! { <time datetime=at.rfc3339()>{at.to_string()}</time> });
        view! {
            <li class=line.tone.name()>
                <span class="dot"></span>
                <span>{word} {line.text.clone()} {below}</span>
                {time}
            </li>
        }
    };
    let body = if lines.lines.is_empty() {
        Either::Left(view! { <Empty what=lines.empty.0.clone() next=lines.empty.1.clone()/> })
    } else {
        Either::Right(view! { <ul class="changes">{lines.lines.iter().map(line).collect_view()}</ul> })
    };
    view! { <section class="panel">{title(&lines.title, &lines.note)} {body}</section> }
}
