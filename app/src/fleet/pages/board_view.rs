//! The board, drawn as SVG. The browser only writes into the pieces that have an id (see [`slots`]); nothing is drawn there.

use crate::{
    fleet::{
        blast::Blast,
        board::{Board, BoardRow, Column, Density, Group, Measures, Outside},
        map::{
            LinkView, MachineView, MapSnapshot, NetworkView, OutsiderView,
            slots::{BADGE_RADIUS, TAP_RADIUS, beside_rail, glyph, outline, spoken},
        },
    },
    routes::Page,
    values::{
        Moment, Query, Tone,
        quantity::{format_age, format_span},
    },
};
use leptos::{either::Either, prelude::*};

/// What a subject of the address leaves marked.
fn mark(pinned: Option<&Blast>, name: &str) -> &'static str {
    let has = |names: &[String]| names.iter().any(|touched| touched == name);
    match pinned {
        Some(blast) if blast.subject == name => " touched subject",
        Some(blast) if has(&blast.machines) || has(&blast.networks) || has(&blast.outsiders) => " touched",
        _ => "",
    }
}

pub fn blast_link(name: &str) -> String {
    Query::default().with("blast", name).link(&Page::Map.path())
}

pub fn board(board: &Board, map: &MapSnapshot, pinned: Option<&Blast>) -> impl IntoView + use<> {
    let density = match board.density {
        Density::Full => "full",
        Density::Compact => "compact",
    };
    let asked = if pinned.is_some() { " asked" } else { "" };
    // A drawing a row: a row that is scrolled out of sight costs nothing when two hundred machines change at once.
    let ends = board.rows.iter().skip(1).map(|row| row.top).chain([board.height]);
    let rows = board.rows.iter().zip(ends).enumerate().map(|(at, (row, end))| {
        view! {
            <div class="board-row">
                <svg viewBox=format!("0 {} {} {}", row.top, board.width, end - row.top)>{one_row(board, at, row, map, pinned)}</svg>
            </div>
        }
    });
    view! {
        <div
            class=format!("board {density}{asked}")
            id="map-board"
            role="group"
            aria-label="Machines and the networks they are on"
        >
            {rows.collect_view()}
        </div>
    }
}

fn one_row(board: &Board, at: usize, row: &BoardRow, map: &MapSnapshot, pinned: Option<&Blast>) -> impl IntoView + use<> {
    let measures = board.density.measures();
    let network = |name: &str| map.networks.iter().find(|network| network.name == name);
    let lines = row.rails.iter().map(|rail| {
        let isolated = if network(&rail.network).is_some_and(|network| network.isolated) { "isolated" } else { "open" };
        let class = format!("band {isolated}{}", mark(pinned, &rail.network));
        let top = rail.y - measures.rail_height / 2;
        view! {
            <g class=class data-subject=rail.network.clone()>
                <rect x="0" y=top.to_string() width=board.width.to_string() height=measures.rail_height.to_string() rx="6"></rect>
                <line x1=rail.from.to_string() x2=rail.until.to_string() y1=rail.y.to_string() y2=rail.y.to_string()></line>
            </g>
        }
    });
    let groups = row.groups.iter().map(|found| group(found, row.top, pinned)).collect_view();
    let columns = row.columns.iter().filter_map(|column| {
        let machine = map.machine(&column.machine)?;
        Some(match board.density {
            Density::Full => Either::Left(card(column, machine, measures, map.taken_at, pinned)),
            Density::Compact => Either::Right(narrow(column, machine, measures, pinned)),
        })
    });
    let links = map.links.iter().filter_map(|found| link(found, row, board.density, pinned));
    let rails = row.rails.iter().filter_map(|rail| {
        let network = network(&rail.network)?;
        Some(rail_end(at, rail.y, rail.until, network, board, map.taken_at, pinned))
    });
    let outside = row.outside.as_ref().map(|found| outside(found, row, map, board.density, pinned));
    view! {
        <g aria-hidden="true">{lines.collect_view()}</g>
        {groups}
        {columns.collect_view()}
        <g aria-hidden="true">{links.collect_view()}</g>
        {outside}
        {rails.collect_view()}
    }
}

fn group(group: &Group, top: u32, pinned: Option<&Blast>) -> impl IntoView + use<> {
    let bracket = format!("M{} {}V{}H{}V{}", group.left, top + 27, top + 21, group.right, top + 27);
    let middle = group.left.midpoint(group.right).to_string();
    let text = view! {
        <path class="bracket" d=bracket></path>
        <text class="group" x=middle y=(top + 13).to_string() text-anchor="middle">
            {group.title.clone()}
        </text>
    };
    match &group.cluster {
        // By the mouse only: with the keyboard each machine of it is a stop already.
        Some(cluster) => Either::Left(view! {
            <a class=format!("cluster{}", mark(pinned, cluster)) href=blast_link(cluster) tabindex="-1" data-subject=cluster.clone()>
                {text}
            </a>
        }),
        None => Either::Right(view! { <g class="cluster">{text}</g> }),
    }
}

/// The line down to the networks, and a shape on each.
fn stem(column: &Column, machine: &MachineView, from: u32) -> impl IntoView + use<> {
    let x = column.x;
    let taps = column.taps.iter().map(|(network, y)| {
        let tone = machine.taps.iter().find(|(name, _)| name == network).map_or(Tone::Idle, |(_, tone)| *tone);
        view! {
            <path
                class=format!("tap {}", tone.name())
                id=format!("t-{}-{network}", machine.name)
                transform=format!("translate({x} {y})")
                d=outline(tone, TAP_RADIUS)
            ></path>
        }
    });
    let until = column.taps.last().map_or(from, |(_, y)| *y);
    view! {
        <line class="stem" x1=x.to_string() x2=x.to_string() y1=from.to_string() y2=until.to_string()></line>
        {taps.collect_view()}
    }
}

fn badge(side: &str, name: &str, tone: Tone) -> impl IntoView + use<> {
    view! {
        <path class="badge" id=format!("{side}-{name}-badge") d=outline(tone, BADGE_RADIUS)></path>
        <path class="glyph" id=format!("{side}-{name}-glyph") d=glyph(tone)></path>
    }
}

/// The same sign in a table.
pub fn sign(name: &str, tone: Tone) -> impl IntoView + use<> {
    view! {
        <svg class="sign" viewBox="-11 -11 22 22" aria-hidden="true">
            {badge("r", name, tone)}
        </svg>
    }
}

/// A name too long for its card keeps its end, where names differ.
fn fitting(name: &str) -> String {
    const LETTERS_MAX: usize = 12;
    let letters = name.chars().count();
    if letters <= LETTERS_MAX {
        name.into()
    } else {
        format!("…{}", name.chars().skip(letters + 1 - LETTERS_MAX).collect::<String>())
    }
}

fn card(column: &Column, machine: &MachineView, measures: Measures, now: Moment, pinned: Option<&Blast>) -> impl IntoView + use<> {
    let (name, tone) = (&machine.name, machine.state.tone());
    let (left, top) = (column.x - measures.card_width / 2, column.card_top);
    let below = second_line(machine, now);
    view! {
        <a
            class=format!("node {}{}", tone.name(), mark(pinned, name))
            id=format!("m-{name}")
            href=Page::Machine(name.clone()).path()
            data-subject=name.clone()
        >
            <title id=format!("m-{name}-title")>{spoken(machine)}</title>
            {stem(column, machine, top + measures.card_height)}
            <g transform=format!("translate({left} {top})")>
                <rect class="card" width=measures.card_width.to_string() height=measures.card_height.to_string() rx="7"></rect>
                <rect class="edge" width=measures.card_width.to_string() height="5" rx="2.5"></rect>
                <g transform="translate(17 23)">{badge("m", name, tone)}</g>
                <text class="word" id=format!("m-{name}-word") x="31" y="27">
                    {machine.word.clone()}
                </text>
                <text class="name" x="8" y="52">
                    {fitting(name)}
                </text>
                <text class="role" id=format!("m-{name}-role") x="8" y="66">
                    {machine.role_short.clone()}
                </text>
                <text class="figure" id=format!("m-{name}-f1") x="8" y="87">
                    {machine.figures[0].clone()}
                </text>
                <text class="role" id=format!("m-{name}-f2") x="8" y="101" data-for=below.1>
                    {below.0}
                </text>
            </g>
        </a>
    }
}

/// The second figure, or the time gone by and its beginning.
pub fn second_line(machine: &MachineView, now: Moment) -> (String, Option<String>) {
    match machine.since {
        Some(since) if machine.figures[1].is_empty() => {
            let span = std::time::Duration::from_secs(now.since(since).as_secs());
            (format!("for {}", format_span(span)), Some(since.micros().to_string()))
        }
        _ => (machine.figures[1].clone(), None),
    }
}

fn narrow(column: &Column, machine: &MachineView, measures: Measures, pinned: Option<&Blast>) -> impl IntoView + use<> {
    let (name, tone) = (&machine.name, machine.state.tone());
    let (left, top) = (column.x - measures.card_width / 2, column.card_top);
    let middle = measures.card_width / 2;
    view! {
        <a
            class=format!("node {}{}", tone.name(), mark(pinned, name))
            id=format!("m-{name}")
            href=Page::Machine(name.clone()).path()
            data-subject=name.clone()
        >
            <title id=format!("m-{name}-title")>{spoken(machine)}</title>
            {stem(column, machine, top + measures.card_height)}
            <g transform=format!("translate({left} {top})")>
                <rect class="card" width=measures.card_width.to_string() height=measures.card_height.to_string() rx="5"></rect>
                <g transform=format!("translate({middle} 14) scale(.85)")>{badge("m", name, tone)}</g>
                <text class="name" x=middle.to_string() y="34" text-anchor="middle">
                    {column.short.clone()}
                </text>
            </g>
        </a>
    }
}

/// Replication, above the rail it runs on.
fn link(link: &LinkView, row: &BoardRow, density: Density, pinned: Option<&Blast>) -> Option<impl IntoView + use<>> {
    if density == Density::Compact {
        return None;
    }
    let x = |name: &str| row.columns.iter().find(|column| column.machine == name).map(|column| column.x);
    let (from, to) = (x(&link.from)?, x(&link.to)?);
    let y = row.rails.iter().find(|rail| rail.network == link.network)?.y;
    let (start, end) = if from < to { (from + 12, to - 12) } else { (from - 12, to + 12) };
    let back = if from < to { -6 } else { 6 };
    let id = format!("k-{}-{}", link.from, link.to);
    let figure_id = format!("{id}-figure");
    // It belongs to both of its ends: marked when the replica is.
    let class = format!("link {}{}", link.tone.name(), mark(pinned, &link.to));
    Some(view! {
        <g class=class id=id data-subject=link.to.clone()>
            <path class="arrow" d=format!("M{start} {y}H{end}m{back} -4l{} 4l{back} 4", -back)></path>
            <text class="figure" id=figure_id x=start.midpoint(end).to_string() y=(y - 7).to_string() text-anchor="middle">
                {link.figure.clone()}
            </text>
        </g>
    })
}

/// A rail's name at its left end, and at its right end the cap or the arrow, and the verdict.
fn rail_end(
    row: usize,
    y: u32,
    until: u32,
    network: &NetworkView,
    board: &Board,
    now: Moment,
    pinned: Option<&Blast>,
) -> impl IntoView + use<> {
    let name = &network.name;
    let compact = board.density == Density::Compact;
    let isolated = if network.isolated { "isolated" } else { "open" };
    let half = if compact { 6 } else { 9 };
    let end = if network.isolated {
        format!("M{until} {}v{}", y - half, half * 2)
    } else {
        format!("M{} {}l7 {half}l-7 {half}", until - 5, y - half)
    };
    let age = network.at.map_or_else(String::new, |at| format_age(now.since(at)));
    let (above, below) = if compact { (y + 4, y + 4) } else { (y - 2, y + 12) };
    let half_band = board.density.measures().rail_height / 2;
    let hit = view! {
        <rect class="hit" x="0" y=(y - half_band).to_string() width="128" height=(half_band * 2).to_string() rx="6"></rect>
        <rect class="hit" x=until.to_string() y=(y - half_band).to_string() width=(board.width - until).to_string() height=(half_band * 2).to_string()></rect>
    };
    view! {
        <a
            class=format!("rail {isolated} {}{}", network.tone.name(), mark(pinned, name))
            id=format!("n{row}-{name}")
            href=Page::Network(name.clone()).path()
            data-subject=name.clone()
        >
            {hit} <text class="rail-name" x="12" y=above.to_string()>
                {network.title.clone()}
            </text>
            {(!compact).then(|| view! { <text class="rail-note" x="12" y=below.to_string()>{network.about.clone()}</text> })}
            <path class="end" d=end></path>
            <text class="verdict" id=format!("n{row}-{name}-word") x=(until + 14).to_string() y=above.to_string()>
                {network.word.clone()}
            </text>
            {(!compact).then(|| view! {
                <text class="rail-note" x=(until + 14).to_string() y=below.to_string()>
                    <tspan id=format!("n{row}-{name}-note")>{beside_rail(&network.note)}</tspan>
                    " "
                    <tspan id=format!("n{row}-{name}-age") data-age=network.at.map(|at| at.micros().to_string())>{age}</tspan>
                </text>
            })}
        </a>
    }
}

/// Whoever is outside hangs on External's end.
fn outside(
    outside: &Outside,
    row: &BoardRow,
    map: &MapSnapshot,
    density: Density,
    pinned: Option<&Blast>,
) -> impl IntoView + use<> {
    let (x, y, middle) = (outside.x, outside.y, outside.x + 20);
    // Down to External's band; the words at the rail's end stand below.
    let half_band = density.measures().rail_height / 2;
    let external = row.rails.first().map_or(y + outside.height, |rail| rail.y.saturating_sub(half_band));
    let pitch = if density == Density::Full { 20 } else { 17 };
    let first = if density == Density::Full { 22 } else { 14 };
    let line = |(i, name): (usize, &String)| {
        let party: &OutsiderView = map.outsiders.iter().find(|party| party.name == *name)?;
        let at = y + first + u32::try_from(i).unwrap_or(0) * pitch;
        Some(view! {
            <a
                class=format!("party {}{}", party.tone.name(), mark(pinned, name))
                id=format!("o-{name}")
                href=blast_link(name)
                tabindex="-1"
                data-subject=name.clone()
            >
                <path class="tap" id=format!("o-{name}-mark") transform=format!("translate({} {})", x + 14, at - 4) d=outline(party.tone, TAP_RADIUS)></path>
                <text class="name" x=(x + 26).to_string() y=at.to_string()>
                    {fitting(name)}
                </text>
                <text class="role" id=format!("o-{name}-figure") x=(x + outside.width - 8).to_string() y=at.to_string() text-anchor="end">
                    {party.figure.clone()}
                </text>
            </a>
        })
    };
    let more = (outside.more > 0).then(|| {
        let at = y + first + u32::try_from(outside.names.len()).unwrap_or(0) * pitch - 3;
        view! { <text class="role" x=(x + 26).to_string() y=at.to_string()>{format!("and {} more", outside.more)}</text> }
    });
    let bracket = format!("M{x} {}V{}H{}V{}", row.top + 27, row.top + 21, x + outside.width, row.top + 27);
    view! {
        <path class="bracket" d=bracket></path>
        <text class="group" x=(x + outside.width / 2).to_string() y=(row.top + 13).to_string() text-anchor="middle">
            "Outside"
        </text>
        <line class="stem" x1=middle.to_string() x2=middle.to_string() y1=(y + outside.height).to_string() y2=external.to_string()></line>
        <rect class="card away" x=x.to_string() y=y.to_string() width=outside.width.to_string() height=outside.height.to_string() rx="7"></rect>
        {outside.names.iter().enumerate().filter_map(line).collect_view()}
        {more}
    }
}
