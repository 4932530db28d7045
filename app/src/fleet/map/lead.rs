//! The first sentence of the map: what a person at 3 a.m. must know before anything else.

use super::{MachineView, NetworkView, OutsiderView, Sight};
use crate::{
    fleet::judge::MachineState,
    values::{Moment, Tone},
};
use serde::{Deserialize, Serialize};

/// A piece of the sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    pub text: String,
    pub tone: Option<Tone>,
    /// Its age stands after the text.
    pub at: Option<Moment>,
}

impl Said {
    fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: None, at: None }
    }

    fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone: Some(tone), at: None }
    }
}

/// "Voice, Data and Sync"
pub fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_string(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

pub fn lead(sight: &Sight<'_>, machines: &[MachineView], networks: &[NetworkView], outsiders: &[OutsiderView]) -> Vec<Said> {
    let mut said = Vec::new();
    if let Some(since) = sight.cut_off_since {
        let text = format!("This panel itself seems cut off since {} UTC.", since.time_of_day());
        said.push(Said::toned(text, Tone::Bad));
        let look = "It reaches almost no machine over Management; look there first. Calls may well go on.";
        said.push(Said::plain(look));
        return said;
    }
    machines_said(machines, &mut said);
    let bad = outsiders.iter().filter(|outsider| outsider.tone == Tone::Bad);
    said.extend(bad.map(|outsider| Said::toned(format!("{}: {}.", outsider.name, outsider.word), Tone::Bad)));
    isolation_said(networks, &mut said);
    said
}

/// Quiet: the page of networks says which.
pub(super) fn differing(count: usize) -> Option<Said> {
    match count {
        0 => None,
        1 => Some(Said::plain("1 difference from the inventory.")),
        many => Some(Said::plain(format!("{many} differences from the inventory."))),
    }
}

/// Machines by state and word, the worst first; named where they are one or two.
fn machines_said(machines: &[MachineView], said: &mut Vec<Said>) {
    let mut kinds: Vec<(MachineState, &str, Vec<&str>)> = Vec::new();
    for machine in machines.iter().filter(|machine| machine.state != MachineState::Good) {
        match kinds.iter_mut().find(|(state, word, _)| (*state, *word) == (machine.state, machine.word.as_str())) {
            Some((.., names)) => names.push(&machine.name),
            None => kinds.push((machine.state, &machine.word, vec![&machine.name])),
        }
    }
    kinds.sort_by(|a, b| b.0.cmp(&a.0).then(b.2.len().cmp(&a.2.len())));
    if kinds.is_empty() {
        match machines.len() {
            0 => said.push(Said::plain("The inventory names no machine.")),
            1 => said.push(Said::toned("The one machine is well.", Tone::Good)),
            all => said.push(Said::toned(format!("All {all} machines are well."), Tone::Good)),
        }
        return;
    }
    let last = kinds.len() - 1;
    for (i, (state, word, names)) in kinds.into_iter().enumerate() {
        let who = if names.len() <= 2 { list(&names) } else { format!("{} machines", names.len()) };
        said.push(Said::toned(format!("{who}: {word}{}", if i == last { "." } else { "," }), state.tone()));
    }
}

fn isolation_said(networks: &[NetworkView], said: &mut Vec<Said>) {
    let isolated = || networks.iter().filter(|network| network.isolated);
    for broken in isolated().filter(|network| network.tone == Tone::Bad) {
        said.push(Said::toned(format!("{} is not isolated: {}.", broken.title, broken.note), Tone::Bad));
    }
    let proved: Vec<&NetworkView> = isolated().filter(|network| network.tone == Tone::Good).collect();
    if !proved.is_empty() {
        let names: Vec<&str> = proved.iter().map(|network| network.title.as_str()).collect();
        said.push(Said::plain(list(&names)));
        let oldest = proved.iter().filter_map(|network| network.at).min();
        said.push(Said { text: "proved isolated".into(), tone: Some(Tone::Good), at: oldest });
    }
    let open: Vec<&str> = isolated()
        .filter(|network| !matches!(network.tone, Tone::Bad | Tone::Good))
        .map(|network| network.title.as_str())
        .collect();
    if !open.is_empty() {
        said.push(Said::toned(format!("Isolation of {} is not proved.", list(&open)), Tone::Idle));
    }
}
