//! The map as tables: the same pieces, the worst first.

use super::board_view::{blast_link, second_line, sign};
use crate::{
    fleet::map::{
        MachineView, MapSnapshot, NetworkView, OutsiderView, UndeclaredView,
        slots::{TAP_RADIUS, outline},
    },
    operations::pages::links::offers_at,
    routes::Page,
    values::{Moment, quantity::format_age},
};
use leptos::prelude::*;

/// "12 s ago", counting on in the browser; empty without a moment.
fn age(id: String, at: Option<Moment>, now: Moment) -> impl IntoView {
    let text = at.map_or_else(String::new, |at| format_age(now.since(at)));
    let title = at.map(|at| format!("{at} UTC"));
    view! {
        <span id=id title=title data-age=at.map(|at| at.micros().to_string())>
            {text}
        </span>
    }
}

pub fn machines(map: &MapSnapshot) -> impl IntoView + use<> {
    let now = map.taken_at;
    let mut worst_first: Vec<&MachineView> = map.machines.iter().collect();
    worst_first.sort_by_key(|machine| std::cmp::Reverse(machine.state));
    let rows = worst_first.into_iter().map(|machine| row(machine, now)).collect_view();
    let undeclared = map.undeclared.iter().map(undeclared).collect_view();
    let differing = (map.differences > 0).then(|| {
        let word = if map.differences == 1 { "difference" } else { "differences" };
        view! {
            " "
            <a class="quiet-link" href=Page::Networks.path()>
                {format!("{} {word} from the inventory", map.differences)}
            </a>
        }
    });
    view! {
        <section class="panel flush map-machines" id="map-table" tabindex="-1">
            <div class="bar">
                <h2>"Machines"</h2>
                <span class="quiet">"the worst first" {differing}</span>
            </div>
            <div class="scroll" tabindex="0" role="region" aria-label="Table of machines">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"Machine"</th>
                            <th scope="col">"State"</th>
                            <th scope="col">"Now"</th>
                            <th scope="col">"Why"</th>
                            <th scope="col">"Since"</th>
                            <th scope="col">"Role"</th>
                            <th scope="col">"Seen"</th>
                            <th scope="col">
                                <span class="unseen">"Blast radius"</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>{rows} {undeclared}</tbody>
                </table>
            </div>
        </section>
    }
}

fn row(machine: &MachineView, now: Moment) -> impl IntoView + use<> {
    let (name, tone) = (&machine.name, machine.state.tone());
    let below = second_line(machine, now);
    view! {
        <tr id=format!("r-{name}") class=tone.name() data-subject=name.clone()>
            <td>
                <a href=Page::Machine(name.clone()).path()>{name.clone()}</a>
            </td>
            <td class="state">
                {sign(name, tone)} <b id=format!("r-{name}-word")>{machine.word.clone()}</b>
            </td>
            <td class="now">
                <span id=format!("r-{name}-f1")>{machine.figures[0].clone()}</span>
                " "
                <small id=format!("r-{name}-f2") data-for=below.1>
                    {below.0}
                </small>
            </td>
            <td class="wrap why" id=format!("r-{name}-why")>
                {machine.why.clone()}
            </td>
            <td class="since">{age(format!("r-{name}-since"), machine.since, now)}</td>
            <td class="role" id=format!("r-{name}-role")>
                {machine.role.clone()}
            </td>
            <td class="seen quiet">{age(format!("r-{name}-seen"), machine.observed_at, now)}</td>
            <td class="r">
                <a class="quiet-link" href=blast_link(name) aria-label=format!("Blast radius of {name}")>
                    "Blast radius"
                </a>
            </td>
        </tr>
    }
}

/// A machine that nobody declared has no page; where it is told is the page of networks.
fn undeclared(machine: &UndeclaredView) -> impl IntoView + use<> {
    let (name, tone) = (&machine.name, machine.state.tone());
    view! {
        <tr class=tone.name()>
            <td>
                <a href=Page::Networks.path()>{name.clone()}</a>
            </td>
            <td class="state">{sign(name, tone)} <b>"not in the inventory"</b></td>
            <td class="now">{format!("on {}", machine.host)}</td>
            <td class="wrap why">{machine.why.clone()}</td>
            <td class="since"></td>
            <td class="role">"unknown"</td>
            <td class="seen quiet"></td>
            <td class="r"></td>
        </tr>
    }
}

pub fn networks(map: &MapSnapshot) -> impl IntoView + use<> {
    let now = map.taken_at;
    let network = |network: &NetworkView| {
        let name = &network.name;
        let isolated = if network.isolated { "isolated" } else { "open" };
        view! {
            <li class=format!("rail {isolated} {}", network.tone.name()) id=format!("l-{name}") data-subject=name.clone()>
                <a href=Page::Network(name.clone()).path()>{network.title.clone()}</a>
                <small class="num">{network.about.clone()}</small>
                <b class="verdict" id=format!("l-{name}-word")>
                    {network.word.clone()}
                </b>
                <small>
                    <span id=format!("l-{name}-note")>{network.note.clone()}</span>
                    " "
                    {age(format!("l-{name}-age"), network.at, now)}
                </small>
                <a class="quiet-link" href=blast_link(name) aria-label=format!("Blast radius of {}", network.title)>
                    "Blast radius"
                </a>
            </li>
        }
    };
    let party = |party: &OutsiderView| {
        let name = &party.name;
        view! {
            <li class=format!("party {}", party.tone.name()) id=format!("x-{name}") data-subject=name.clone()>
                <span class="who">
                    <svg class="sign" viewBox="-11 -11 22 22" aria-hidden="true">
                        <path class="tap" id=format!("x-{name}-mark") d=outline(party.tone, TAP_RADIUS)></path>
                    </svg>
                    {name.clone()}
                </span>
                <b class="verdict" id=format!("x-{name}-word")>
                    {party.word.clone()}
                </b>
                <small class="num" id=format!("x-{name}-figure")>
                    {party.figure.clone()}
                </small>
                {party
                    .is_carrier
                    .then(|| {
                        view! {
                            <a class="quiet-link" href=blast_link(name) aria-label=format!("Blast radius of {name}")>
                                "Blast radius"
                            </a>
                            <a class="quiet-link" href=offers_at(name) aria-label=format!("Operations on {name}")>
                                "Operations"
                            </a>
                        }
                    })}
            </li>
        }
    };
    view! {
        <div class="cols map-lists">
            <section class="panel">
                <h2>"Networks"</h2>
                <ul class="map-list">{map.networks.iter().map(network).collect_view()}</ul>
            </section>
            <section class="panel">
                <h2>"Outside"</h2>
                <ul class="map-list">{map.outsiders.iter().map(party).collect_view()}</ul>
            </section>
        </div>
    }
}
