//! Which piece of the page shows which piece of the map. The server writes the pieces; when the map changes, the browser writes only
//! those whose value is another: of two hundred machines, the two that changed.

use super::{MachineView, MapSnapshot, NetworkView, OutsiderView};
use crate::values::{Moment, Tone};

/// What an element of this id shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    pub id: String,
    pub put: Put,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Put {
    Text(String),
    Class(String),
    /// The `d` of a path.
    Path(String),
    /// "12 s ago", counting on.
    Age(Option<Moment>),
    /// "for 42 s", counting on.
    For(Option<Moment>),
}

impl Slot {
    /// In the tables and lists that say the same as the board.
    pub fn is_below_board(&self) -> bool {
        ["r-", "l-", "x-"].iter().any(|side| self.id.starts_with(side))
    }
}

/// The outline of a state's shape around the middle, in the style sheet's words filled, hollow or dashed: circle, triangle, square.
pub fn outline(tone: Tone, radius: f32) -> String {
    let r = radius;
    match tone {
        Tone::Good | Tone::Busy | Tone::Idle => format!("M-{r} 0a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0", d = r * 2.0),
        Tone::Notice => format!("M0 -{a:.1}L{b:.1} {c:.1}H-{b:.1}Z", a = r * 1.15, b = r * 1.12, c = r * 0.9),
        Tone::Bad => format!("M-{a:.1} -{a:.1}H{a:.1}V{a:.1}H-{a:.1}Z", a = r * 0.92),
    }
}

/// The sign inside the shape of a card.
pub const fn glyph(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "M-4 0L-1 3L4.5 -3.5",
        Tone::Busy => "M0 -4.5A4.5 4.5 0 1 1 -4.5 0",
        Tone::Notice => "M0 -4V1.8M0 4.7V4.9",
        Tone::Bad => "M-3.6 -3.6L3.6 3.6M3.6 -3.6L-3.6 3.6",
        Tone::Idle => "M-2.6 -2.4C-2.6 -5.6 2.8 -5.2 2.5 -2.2C2.3 -.6 0 -.4 0 1.5M0 4.3V4.5",
    }
}

pub const BADGE_RADIUS: f32 = 9.0;
pub const TAP_RADIUS: f32 = 5.5;

/// What a machine's card says when one points at it, and what a screen reader says of its link.
pub fn spoken(machine: &MachineView) -> String {
    let why = machine.why.as_ref().map_or_else(String::new, |why| format!(" {why}"));
    format!("{}, {}: {}.{why}", machine.name, machine.role, machine.word)
}

fn slot(id: String, put: Put) -> Slot {
    Slot { id, put }
}

pub fn machine_slots(machine: &MachineView) -> Vec<Slot> {
    let (name, tone) = (&machine.name, machine.state.tone());
    let mut slots = vec![
        slot(format!("m-{name}"), Put::Class(format!("node {}", tone.name()))),
        slot(format!("m-{name}-title"), Put::Text(spoken(machine))),
        slot(format!("m-{name}-role"), Put::Text(machine.role_short.clone())),
        slot(format!("r-{name}"), Put::Class(tone.name().into())),
        slot(format!("r-{name}-role"), Put::Text(machine.role.clone())),
        slot(format!("r-{name}-why"), Put::Text(machine.why.clone().unwrap_or_default())),
        slot(format!("r-{name}-since"), Put::Age(machine.since)),
        slot(format!("r-{name}-seen"), Put::Age(machine.observed_at)),
    ];
    for side in ["m", "r"] {
        slots.push(slot(format!("{side}-{name}-badge"), Put::Path(outline(tone, BADGE_RADIUS))));
        slots.push(slot(format!("{side}-{name}-glyph"), Put::Path(glyph(tone).into())));
        slots.push(slot(format!("{side}-{name}-word"), Put::Text(machine.word.clone())));
        slots.push(slot(format!("{side}-{name}-f1"), Put::Text(machine.figures[0].clone())));
        let below = match machine.since {
            Some(since) if machine.figures[1].is_empty() => Put::For(Some(since)),
            _ => Put::Text(machine.figures[1].clone()),
        };
        slots.push(slot(format!("{side}-{name}-f2"), below));
    }
    for (network, tone) in &machine.taps {
        slots.push(slot(format!("t-{name}-{network}"), Put::Class(format!("tap {}", tone.name()))));
        slots.push(slot(format!("t-{name}-{network}"), Put::Path(outline(*tone, TAP_RADIUS))));
    }
    slots
}

/// A network stands on each row of the board (`n0`, `n1`, …) and in the list (`l`).
pub fn network_slots(network: &NetworkView, rows: usize) -> Vec<Slot> {
    let name = &network.name;
    let places = (0..rows).map(|row| format!("n{row}")).chain(std::iter::once("l".to_string()));
    let isolated = if network.isolated { "isolated" } else { "open" };
    let slots = places.flat_map(|place| {
        let note = if place == "l" { network.note.clone() } else { beside_rail(&network.note) };
        [
            slot(format!("{place}-{name}"), Put::Class(format!("rail {isolated} {}", network.tone.name()))),
            slot(format!("{place}-{name}-word"), Put::Text(network.word.clone())),
            slot(format!("{place}-{name}-note"), Put::Text(note)),
            slot(format!("{place}-{name}-age"), Put::Age(network.at)),
        ]
    });
    slots.collect()
}

pub fn outsider_slots(outsider: &OutsiderView) -> Vec<Slot> {
    let name = &outsider.name;
    let slots = ["o", "x"].into_iter().flat_map(|side| {
        [
            slot(format!("{side}-{name}"), Put::Class(format!("party {}", outsider.tone.name()))),
            slot(format!("{side}-{name}-mark"), Put::Path(outline(outsider.tone, TAP_RADIUS))),
            slot(format!("{side}-{name}-word"), Put::Text(outsider.word.clone())),
            slot(format!("{side}-{name}-figure"), Put::Text(outsider.figure.clone())),
        ]
    });
    slots.collect()
}

/// What to write so that a page that shows `old` shows `new`. Without an old one: everything.
pub fn changes(old: Option<&MapSnapshot>, new: &MapSnapshot, rows: usize) -> Vec<Slot> {
    let mut changed = Vec::new();
    for (i, machine) in new.machines.iter().enumerate() {
        match old.and_then(|old| old.machines.get(i)) {
            // Every round sees every machine again; of most of them that is all that is new.
            Some(old) if only_seen_again(old, machine) => {
                changed.push(slot(format!("r-{}-seen", machine.name), Put::Age(machine.observed_at)));
            }
            old => differing(old, machine, machine_slots, &mut changed),
        }
    }
    for (i, network) in new.networks.iter().enumerate() {
        differing(old.and_then(|old| old.networks.get(i)), network, |network| network_slots(network, rows), &mut changed);
    }
    for (i, outsider) in new.outsiders.iter().enumerate() {
        differing(old.and_then(|old| old.outsiders.get(i)), outsider, outsider_slots, &mut changed);
    }
    for (i, link) in new.links.iter().enumerate() {
        let slots = |link: &super::LinkView| {
            let id = format!("k-{}-{}", link.from, link.to);
            vec![
                slot(id.clone(), Put::Class(format!("link {}", link.tone.name()))),
                slot(format!("{id}-figure"), Put::Text(link.figure.clone())),
            ]
        };
        differing(old.and_then(|old| old.links.get(i)), link, slots, &mut changed);
    }
    changed
}

fn only_seen_again(old: &MachineView, new: &MachineView) -> bool {
    let shown = |machine: &MachineView| (machine.state, machine.since, machine.findings);
    let same = old.word == new.word && old.role == new.role && old.figures == new.figures && old.why == new.why;
    same && shown(old) == shown(new) && old.taps == new.taps && old.observed_at != new.observed_at
}

fn differing<T: PartialEq>(old: Option<&T>, new: &T, slots: impl Fn(&T) -> Vec<Slot>, changed: &mut Vec<Slot>) {
    match old {
        Some(old) if old == new => {}
        Some(old) => {
            let before = slots(old);
            changed.extend(slots(new).into_iter().filter(|slot| !before.contains(slot)));
        }
        None => changed.extend(slots(new)),
    }
}

/// As much of a note as fits at the end of a rail; the list of networks below has all of it.
pub fn beside_rail(note: &str) -> String {
    const LETTERS_MAX: usize = 16;
    match note.char_indices().nth(LETTERS_MAX) {
        Some((end, _)) => format!("{}…", note[..end].trim_end()),
        None => note.into(),
    }
}
