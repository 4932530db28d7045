//! The map: what there is, how it is, what flows. The first screen at 3 a.m.

use super::{board_view, map_live::MapLive, map_tables};
use crate::{
    error::AppError,
    fleet::{
        api::{get_blast, get_board, get_map},
        blast::Blast,
        board::Board,
        map::{MapSnapshot, Said},
    },
    shell::PageView,
    ui::{Empty, Kept},
    values::quantity::format_age,
};
use leptos::prelude::*;

/// What the page is made from. Nobody is named in it, so all who look within one second see one rendering.
#[derive(Clone, PartialEq)]
struct Facts {
    board: Board,
    map: MapSnapshot,
    /// Of what the address asks about, so that the blast radius is there without a script.
    pinned: Option<Blast>,
}

static DRAWING: Kept<Facts> = Kept::empty();
static TABLES: Kept<MapSnapshot> = Kept::empty();

/// `beside` are panels of slices that know the fleet: call volume, alerts.
pub async fn page(beside: AnyView) -> Result<PageView, AppError> {
    let (Some(board), Some(map)) = (get_board().await?, get_map().await?) else {
        return Ok(PageView::new("Map", empty()));
    };
    let asked = crate::context::request().query.get("blast").map(str::to_string);
    let pinned = match asked {
        Some(name) => get_blast(name).await?,
        None => None,
    };
    let lead = lead(&map);
    let facts = Facts { board, map, pinned };
    let body = view! {
        <div class="map-page" data-map="">
            {DRAWING.view(facts.clone(), || drawing(&facts))} <div class="map-beside">{beside}</div>
            {TABLES.view(facts.map.clone(), || view! { {map_tables::machines(&facts.map)} {map_tables::networks(&facts.map)} })}
        </div>
    };
    Ok(PageView::new("Map", body).lead(lead))
}

fn empty() -> impl IntoView {
    view! {
        <section class="panel">
            <Empty
                what="No inventory: the panel does not know any machine."
                next="Start it with a carrier in a box, or name your own inventory in wirecenter.toml and start it again."
            >
                <pre class="lines">"wirecenter serve --lab"</pre>
                <pre class="lines">"[fleet]\ninventory = \"/etc/wirecenter/inventory.toml\""</pre>
            </Empty>
        </section>
    }
}

fn lead(map: &MapSnapshot) -> impl IntoView + use<> {
    let now = map.taken_at;
    let piece = |said: &Said| {
        let age = said.at.map(|at| {
            let age = format_age(now.since(at));
            view! {
                " "
                <small data-age=at.micros().to_string()>{age}</small>
            }
        });
        view! {
            <span class=said.tone.map_or("", crate::values::Tone::name)>{said.text.clone()}</span>
            {age}
            " "
        }
    };
    view! {
        <span class="map-lead" id="map-lead">
            {map.lead.iter().map(piece).collect_view()}
        </span>
    }
}

fn drawing(facts: &Facts) -> impl IntoView + use<> {
    let Facts { board, map, pinned } = facts;
    view! {
        <section class="panel map-board" aria-label="Board of machines and networks">
            <a class="skip-board unseen" href="#map-table">
                "Skip the board: to the table"
            </a>
            <div class="scroll" tabindex="0" role="region" aria-label="Board">
                {board_view::board(board, map, pinned.as_ref())}
            </div>
            <MapLive taken_at=map.taken_at stamp=map.stamp.clone() rows=board.rows.len() pinned=pinned.clone()/>
        </section>
    }
}
