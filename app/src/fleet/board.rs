//! Where everything stands on the map: clusters side by side, machines as columns, networks as rails they tap, whoever is outside
//! at the end of External. Made from the inventory alone, so that nothing ever moves because of a state.
//!
//! Units are those of the drawing; the page scales it to the width there is.

use super::inventory::{Inventory, Machine, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Up to this many machines each has a card with its figures; more become narrow columns with a shape and a short name.
pub const MACHINES_IN_FULL_MAX: usize = 24;
/// Whoever is outside, as far as the drawing names them one by one; the table names all.
pub const OUTSIDERS_SHOWN_MAX: usize = 5;

/// Left of the columns stand the names of the rails, right of them what is at their ends.
const LEFT: u32 = 142;
const RIGHT: u32 = 166;
const CARDS_TOP: u32 = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Density {
    Full,
    Compact,
}

/// The measures of one density.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measures {
    pub card_width: u32,
    pub card_height: u32,
    /// From one column to the next.
    pub pitch: u32,
    /// Between two clusters, in addition.
    pub gap: u32,
    pub rail_pitch: u32,
    pub rail_height: u32,
    /// From the cards to the first rail's middle.
    pub drop: u32,
    /// Columns and gaps of one board are at most this wide.
    pub columns_width_max: u32,
}

impl Density {
    pub const fn measures(self) -> Measures {
        match self {
            Density::Full => Measures {
                card_width: 92,
                card_height: 110,
                pitch: 97,
                gap: 12,
                rail_pitch: 48,
                rail_height: 40,
                drop: 40,
                columns_width_max: 1_150,
            },
            Density::Compact => Measures {
                card_width: 26,
                card_height: 40,
                pitch: 29,
                gap: 14,
                rail_pitch: 22,
                rail_height: 18,
                drop: 20,
                columns_width_max: 1_040,
            },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    pub density: Density,
    pub width: u32,
    pub height: u32,
    pub rows: Vec<BoardRow>,
    /// Differs where another inventory would draw another board; a page that shows an older one must be read again.
    pub stamp: String,
}

/// A row of clusters with rails of its own. A small carrier has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardRow {
    pub top: u32,
    pub groups: Vec<Group>,
    pub columns: Vec<Column>,
    pub rails: Vec<Rail>,
    /// The card of whoever is outside: on the first row only.
    pub outside: Option<Outside>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub title: String,
    /// The cluster's name in the inventory; absent for machines of no cluster.
    pub cluster: Option<String>,
    pub left: u32,
    pub right: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub machine: String,
    /// What stands on a narrow column, where the title of its group says the rest.
    pub short: String,
    /// Its middle.
    pub x: u32,
    pub card_top: u32,
    /// The networks it is on, and where it taps their rails.
    pub taps: Vec<(String, u32)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rail {
    pub network: String,
    pub y: u32,
    pub from: u32,
    pub until: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
    pub names: Vec<String>,
    /// How many more there are.
    pub more: usize,
}

/// The networks in the order of the rails: from the outside in, then what people and the panel use.
pub fn networks_in_order(inventory: &Inventory) -> Vec<&str> {
    const KNOWN: [&str; 4] = ["external", "voice", "data", "sync"];
    let place = |name: &str| match KNOWN.iter().position(|known| *known == name) {
        Some(place) => place,
        None if name == "management" => usize::MAX,
        None => KNOWN.len(),
    };
    let mut names: Vec<&str> = inventory.networks.keys().map(String::as_str).collect();
    names.sort_by_key(|name| (place(name), *name));
    names
}

/// "External" of `external`.
pub fn title_of(network: &str) -> String {
    let mut letters = network.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What a role's machines are called together.
pub const fn title_of_role(role: Role) -> &'static str {
    match role {
        Role::Kamailio => "SIP proxies",
        Role::Asterisk => "PBX pool",
        Role::Billing => "Billing",
        Role::Mariadb => "Databases",
        Role::Monitor => "Monitor",
        Role::Carrier => "Carriers",
        Role::Customer => "Customers",
        Role::Switch => "Switches",
    }
}

struct Party<'a> {
    title: String,
    cluster: Option<String>,
    machines: Vec<&'a Machine>,
}

/// Clusters by role, and by name within a role; then the machines of a role that are in none.
fn parties(inventory: &Inventory) -> Vec<Party<'_>> {
    let mut parties = Vec::new();
    for role in Role::ALL.into_iter().filter(|role| role.is_ours()) {
        let mut placed = BTreeSet::new();
        let clusters: Vec<_> = inventory.clusters.iter().filter(|(_, cluster)| cluster.role == role).collect();
        for (name, cluster) in &clusters {
            let machines: Vec<&Machine> =
                inventory.of_role(role).filter(|machine| cluster.members.contains(&machine.name)).collect();
            placed.extend(machines.iter().map(|machine| machine.name.as_str()));
            let title = if clusters.len() == 1 { String::new() } else { format!(" · {name}") };
            parties.push(Party { title: format!("{}{title}", title_of_role(role)), cluster: Some((*name).clone()), machines });
        }
        let machines: Vec<&Machine> = inventory.of_role(role).filter(|machine| !placed.contains(machine.name.as_str())).collect();
        parties.push(Party { title: title_of_role(role).into(), cluster: None, machines });
    }
    parties.retain(|party| !party.machines.is_empty());
    parties
}

/// What the names of a party begin with, up to a hyphen: `asterisk-`.
fn common_start<'a>(machines: &[&'a Machine]) -> &'a str {
    let Some(first) = machines.first() else { return "" };
    let end = first.name.rfind('-').map_or(0, |at| at + 1);
    let start = &first.name[..end];
    if machines.iter().all(|machine| machine.name.starts_with(start)) { start } else { "" }
}

impl Board {
    pub fn of(inventory: &Inventory) -> Self {
        let ours = inventory.machines.iter().filter(|machine| machine.role.is_ours()).count();
        let density = if ours <= MACHINES_IN_FULL_MAX { Density::Full } else { Density::Compact };
        let (measures, networks) = (density.measures(), networks_in_order(inventory));
        let mut outside = Some(outsiders(inventory)).filter(|names| !names.is_empty());
        let mut rows: Vec<BoardRow> = Vec::new();
        let (mut top, mut columns_right) = (0, LEFT);
        for pieces in split(parties(inventory), density, measures) {
            let row = row(inventory, &networks, &pieces, density, top);
            columns_right = columns_right.max(row.columns.last().map_or(LEFT, |column| column.x + measures.pitch / 2));
            top = row.rails.last().map_or(top + CARDS_TOP + measures.card_height, |rail| rail.y + measures.rail_height / 2) + 14;
            rows.push(row);
        }
        let width = columns_right + 12 + RIGHT;
        for row in &mut rows {
            row.rails.iter_mut().for_each(|rail| rail.until = columns_right + 4);
            if let Some(names) = outside.take() {
                row.outside = Some(beside(names, columns_right + 16, row.top, measures));
            }
        }
        let stamp = stamp(inventory, &networks);
        Self { density, width, height: top.saturating_sub(8).max(1), rows, stamp }
    }

    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.rows.iter().flat_map(|row| &row.columns)
    }
}

/// Carriers by their priority, then customers.
fn outsiders(inventory: &Inventory) -> Vec<String> {
    let mut carriers: Vec<_> = inventory.carriers.iter().collect();
    carriers.sort_by_key(|carrier| (carrier.priority, &carrier.name));
    let carriers = carriers.into_iter().map(|carrier| carrier.name.clone());
    carriers.chain(inventory.customers.iter().map(|customer| customer.name.clone())).collect()
}

fn beside(names: Vec<String>, x: u32, top: u32, measures: Measures) -> Outside {
    // A narrow board has room for two lines beside its cards.
    let shown_max = if measures.card_height < 100 { 2 } else { OUTSIDERS_SHOWN_MAX };
    let more = names.len().saturating_sub(shown_max);
    let names = names.into_iter().take(shown_max).collect();
    Outside { x, y: top + CARDS_TOP, width: RIGHT - 8, height: measures.card_height, names, more }
}

/// Parties to rows: a party that does not fit beside the others goes to the next row; one wider than a whole row fills what is left
/// and goes on below.
fn split(parties: Vec<Party<'_>>, density: Density, measures: Measures) -> Vec<Vec<Party<'_>>> {
    /// Fewer columns than this at the end of a row are not worth a piece of their own.
    const PIECE_MIN: usize = 4;
    let columns = |width: u32| usize::try_from(width / measures.pitch).unwrap_or(0);
    let in_a_row = columns(measures.columns_width_max).max(1);
    let mut rows: Vec<Vec<Party<'_>>> = vec![Vec::new()];
    let mut used = 0;
    for party in parties {
        // On narrow columns the beginning all names share stands once, in the title.
        let start = if density == Density::Compact { common_start(&party.machines) } else { "" };
        let mut title = if start.is_empty() { party.title.clone() } else { format!("{} · {start}", party.title) };
        let mut machines = party.machines.as_slice();
        while !machines.is_empty() {
            let room = columns(measures.columns_width_max.saturating_sub(used));
            let goes_on = machines.len() > in_a_row && room >= PIECE_MIN;
            if used > 0 && room < machines.len() && !goes_on {
                rows.push(Vec::new());
                used = 0;
                continue;
            }
            let (piece, rest) = machines.split_at(machines.len().min(room.max(1)));
            used += u32::try_from(piece.len()).unwrap_or(u32::MAX).saturating_mul(measures.pitch) + measures.gap;
            if let Some(row) = rows.last_mut() {
                row.push(Party { title: title.clone(), cluster: party.cluster.clone(), machines: piece.to_vec() });
            }
            machines = rest;
            if !rest.is_empty() && !title.starts_with('…') {
                title.insert_str(0, "… ");
            }
        }
    }
    rows.retain(|row| !row.is_empty());
    rows
}

fn row(inventory: &Inventory, networks: &[&str], parties: &[Party<'_>], density: Density, top: u32) -> BoardRow {
    let measures = density.measures();
    let first_rail = top + CARDS_TOP + measures.card_height + measures.drop;
    let mut y = first_rail;
    let mut rails = Vec::new();
    for network in networks {
        rails.push(Rail { network: (*network).into(), y, from: LEFT - 4, until: 0 });
        y += measures.rail_pitch;
    }
    let (mut groups, mut columns, mut left) = (Vec::new(), Vec::new(), LEFT);
    for party in parties {
        let start = common_start(&party.machines);
        let begin = left;
        for machine in &party.machines {
            let on = |rail: &&Rail| machine.networks.contains(&rail.network) && inventory.networks.contains_key(&rail.network);
            let taps = rails.iter().filter(on).map(|rail| (rail.network.clone(), rail.y)).collect();
            let short = machine.name.strip_prefix(start).unwrap_or(&machine.name);
            let short = short.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
            let x = left + measures.pitch / 2;
            columns.push(Column { machine: machine.name.clone(), short, x, card_top: top + CARDS_TOP, taps });
            left += measures.pitch;
        }
        let inset = (measures.pitch - measures.card_width) / 2;
        groups.push(Group { title: party.title.clone(), cluster: party.cluster.clone(), left: begin + inset, right: left - inset });
        left += measures.gap;
    }
    BoardRow { top, groups, columns, rails, outside: None }
}

/// A short name of what the drawing is made from (FNV-1a of names, roles, networks, clusters and outsiders).
fn stamp(inventory: &Inventory, networks: &[&str]) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut eat = |text: &str| {
        for byte in text.bytes().chain(std::iter::once(0)) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    };
    networks.iter().for_each(|name| eat(name));
    for machine in &inventory.machines {
        eat(&machine.name);
        eat(machine.role.name());
        machine.networks.iter().for_each(|name| eat(name));
    }
    for (name, cluster) in &inventory.clusters {
        eat(name);
        cluster.members.iter().for_each(|member| eat(member));
    }
    outsiders(inventory).iter().for_each(|name| eat(name));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests;
