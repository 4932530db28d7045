//! Machines that are gone: who takes over, what ends, what nobody does any more.

use super::{Blast, calls, calls_on, can_stand_in};
use crate::{
    fleet::{
        facts::TargetState,
        inventory::{Cluster, Machine, Role, VirtualAddress},
        map::{Sight, lag, lead::list},
    },
    values::{Tone, quantity::format_span},
};
use std::time::Duration;

/// Those of the lost, and those left who could do their work.
struct Party<'a> {
    lost: Vec<&'a Machine>,
    left: Vec<&'a Machine>,
}

impl<'a> Party<'a> {
    fn left_names(&self) -> String {
        list(&self.left.iter().map(|machine| machine.name.as_str()).collect::<Vec<_>>())
    }
}

fn party<'a>(sight: &Sight<'a>, gone: &[&'a Machine], role: Role) -> Option<Party<'a>> {
    let lost: Vec<&Machine> = gone.iter().copied().filter(|machine| machine.role == role).collect();
    if lost.is_empty() {
        return None;
    }
    let is_lost = |machine: &&Machine| lost.iter().any(|lost| lost.name == machine.name);
    let left = sight.inventory.of_role(role).filter(|machine| !is_lost(machine) && can_stand_in(sight, machine)).collect();
    Some(Party { lost, left })
}

pub(super) fn gone<'a>(sight: &Sight<'a>, gone: &[&'a Machine], blast: &mut Blast) {
    blast.touch(gone.iter().copied());
    if let Some(party) = party(sight, gone, Role::Kamailio) {
        proxies(sight, &party, blast);
    }
    if let Some(party) = party(sight, gone, Role::Asterisk) {
        pbxs(sight, &party, blast);
    }
    if let Some(party) = party(sight, gone, Role::Billing) {
        authorizers(sight, &party, blast);
    }
    if let Some(party) = party(sight, gone, Role::Mariadb) {
        databases(sight, &party, blast);
    }
    if party(sight, gone, Role::Monitor).is_some() {
        blast.say(Tone::Notice, "Logs and outside watch are blind meanwhile.");
        blast.say(Tone::Good, "No call depends on it.");
    }
}

fn proxies(sight: &Sight<'_>, party: &Party<'_>, blast: &mut Blast) {
    let up: Vec<u64> = party.lost.iter().filter_map(|machine| calls_on(sight, machine)).collect();
    if party.left.is_empty() {
        blast.say(Tone::Bad, "No proxy is left: no call is taken from customers and none is placed with carriers.");
        blast.touch(sight.inventory.of_role(Role::Asterisk));
        blast.touch_outside(sight.inventory);
    } else {
        let text = match party.left.len() {
            1 => format!("{} goes on taking calls, alone: the next failure ends all calls.", party.left_names()),
            _ => format!("{} go on taking calls.", party.left_names()),
        };
        blast.say(if party.left.len() == 1 { Tone::Notice } else { Tone::Good }, text);
    }
    if up.iter().sum::<u64>() > 0 {
        let text =
            format!("{} up through it: media goes on, but a hang-up on one side is not told to the other.", calls(up.iter().sum()));
        blast.say(Tone::Notice, text);
    }
    let cluster = sight.inventory.cluster_of(Role::Kamailio);
    for address in cluster.map_or(&[][..], |cluster| &cluster.virtual_addresses) {
        if stands_on_lost(sight, party, address) {
            moves(party, cluster, address, blast);
        }
    }
    carriers_out_of_reach(sight, party, blast);
}

fn stands_on_lost(sight: &Sight<'_>, party: &Party<'_>, address: &VirtualAddress) -> bool {
    let holds = |machine: &Machine| {
        let seen = sight.world.machines.get(&machine.name)?;
        Some(crate::fleet::map::held(sight.inventory, machine, seen)?.contains(&address.address))
    };
    let told: Vec<(&Machine, bool)> =
        sight.inventory.of_role(Role::Kamailio).filter_map(|machine| Some((machine, holds(machine)?))).collect();
    match told.iter().find(|(_, holds)| *holds) {
        Some((holder, _)) => party.lost.iter().any(|lost| lost.name == holder.name),
        // Nobody was seen with it: it stands where it prefers to.
        None => party.lost.iter().any(|lost| lost.name == address.prefers),
    }
}

fn moves(party: &Party<'_>, cluster: Option<&Cluster>, address: &VirtualAddress, blast: &mut Blast) {
    blast.networks.push(address.network.clone());
    let member = |machine: &&&Machine| cluster.is_some_and(|cluster| cluster.members.contains(&machine.name));
    match party.left.iter().find(member) {
        Some(next) => {
            blast.machines.push(next.name.clone());
            blast.say(Tone::Busy, format!("{} moves to {} by VRRP, within seconds.", address.address, next.name));
        }
        None => blast.say(Tone::Bad, format!("Nobody takes {} over: whoever sends there gets no answer.", address.address)),
    }
}

/// Carriers that only the lost proxies reach now.
fn carriers_out_of_reach(sight: &Sight<'_>, party: &Party<'_>, blast: &mut Blast) {
    if party.left.is_empty() {
        return;
    }
    for carrier in &sight.inventory.carriers {
        let reaches = |machine: &Machine| {
            let proxy = sight.world.machines.get(&machine.name)?.proxy.as_ref()?.fresh(sight.now)?;
            let set = proxy.sets.iter().find(|set| set.id == u32::from(carrier.set))?;
            Some(set.targets.iter().any(|target| matches!(target.state, TargetState::Active | TargetState::Trying)))
        };
        let by_lost = party.lost.iter().any(|machine| reaches(machine) == Some(true));
        let by_left: Vec<bool> = party.left.iter().filter_map(|machine| reaches(machine)).collect();
        if by_lost && !by_left.is_empty() && by_left.iter().all(|reaches| !reaches) {
            blast.outsiders.push(carrier.name.clone());
            blast.say(Tone::Bad, format!("{} is out of reach: {} cannot send there now.", carrier.name, party.left_names()));
        }
    }
}

fn pbxs(sight: &Sight<'_>, party: &Party<'_>, blast: &mut Blast) {
    let up: u64 = party.lost.iter().filter_map(|machine| calls_on(sight, machine)).sum();
    if up > 0 {
        let on = if party.lost.len() == 1 { party.lost[0].name.as_str() } else { "them" };
        let verb = if up == 1 { "is up on" } else { "are up on" };
        blast.say(Tone::Bad, format!("{} {verb} {on} and would end.", calls(up)));
    } else {
        blast.say(Tone::Good, "No call is known to be up on it.");
    }
    blast.touch(sight.inventory.of_role(Role::Kamailio));
    if party.left.is_empty() {
        blast.say(Tone::Bad, "No PBX is left: the proxies refuse every new call.");
        blast.touch_outside(sight.inventory);
    } else {
        let all = party.left.len() + party.lost.len();
        let tone = if party.left.len() == 1 { Tone::Notice } else { Tone::Good };
        blast.say(tone, format!("New calls go to {} ({} of {all} left).", party.left_names(), party.left.len()));
    }
}

fn authorizers(sight: &Sight<'_>, party: &Party<'_>, blast: &mut Blast) {
    blast.touch(sight.inventory.of_role(Role::Asterisk));
    if party.left.is_empty() {
        blast.say(Tone::Bad, "Nobody authorizes: every new call is refused (authorizer_unavailable).");
        blast.say(Tone::Good, "Calls that are up go on.");
        blast.touch_outside(sight.inventory);
    } else if party.left.len() == 1 {
        let text = format!("{} authorizes alone: the next failure refuses every new call.", party.left_names());
        blast.say(Tone::Notice, text);
    } else {
        blast.say(Tone::Good, format!("{} authorize.", party.left_names()));
    }
}

fn databases(sight: &Sight<'_>, party: &Party<'_>, blast: &mut Blast) {
    let inventory = sight.inventory;
    let cluster = inventory.cluster_of(Role::Mariadb);
    let primary = cluster.and_then(|cluster| cluster.primary.as_deref());
    let primary_lost = party.lost.iter().any(|machine| Some(machine.name.as_str()) == primary);
    if !primary_lost {
        let left = primary.filter(|primary| party.left.iter().any(|machine| machine.name == *primary));
        let replicas = party.left.iter().filter(|machine| Some(machine.name.as_str()) != primary).count();
        blast.networks.extend(shared_network(sight, party));
        if let Some(primary) = left {
            blast.machines.push(primary.to_string());
            if replicas == 0 {
                blast.say(Tone::Bad, format!("No replica is left: if {primary} fails then, what it wrote last is lost."));
                blast.say(Tone::Notice, format!("Semi-sync is off meanwhile: commits on {primary} wait for nobody."));
            } else {
                blast.say(Tone::Notice, format!("{replicas} further replica keeps the copy."));
            }
        }
        blast.say(Tone::Good, "Calls, CDRs and balances go on: they are written to the primary.");
        return;
    }
    blast.say(Tone::Bad, "Nothing can be written: CDRs wait on the PBXs, balances stand still.");
    blast.say(Tone::Good, "Calls go on: no call waits for a database.");
    blast.touch(inventory.of_role(Role::Asterisk));
    blast.touch(inventory.of_role(Role::Billing));
    let writer = cluster.map(|cluster| &cluster.writer);
    for (network, address) in writer.into_iter().flatten() {
        blast.networks.push(network.clone());
        blast.say(Tone::Notice, format!("{address} answers nobody until a failover moves it."));
    }
    match party.left.first() {
        None => blast.say(Tone::Bad, "No node is left that could take over."),
        Some(next) => {
            blast.machines.push(next.name.clone());
            takeover(sight, party, next, blast);
        }
    }
}

/// What a failover to this replica would keep and lose.
fn takeover(sight: &Sight<'_>, party: &Party<'_>, next: &Machine, blast: &mut Blast) {
    let facts = |machine: &Machine| sight.world.machines.get(&machine.name)?.database.as_ref()?.value();
    let semi_sync = party.lost.iter().filter_map(|machine| facts(machine)).any(|facts| facts.semi_sync.primary_active);
    match facts(next).and_then(lag) {
        _ if semi_sync => blast.say(Tone::Busy, format!("{} can take over and has every commit (semi-sync).", next.name)),
        Some(behind) if behind < Duration::from_secs(2) => {
            blast.say(Tone::Notice, format!("{} can take over; without semi-sync the last commits may be lost.", next.name));
        }
        Some(behind) => {
            let span = format_span(behind);
            blast.say(Tone::Bad, format!("{} is {span} behind: a failover now may lose that much.", next.name));
        }
        None => blast.say(Tone::Notice, format!("{} may take over; how far it is behind is not known.", next.name)),
    }
}

fn shared_network(sight: &Sight<'_>, party: &Party<'_>) -> Option<String> {
    let on_sync = |machine: &&Machine| machine.networks.iter().any(|on| on == "sync");
    (party.lost.iter().any(on_sync) && sight.inventory.networks.contains_key("sync")).then(|| "sync".to_string())
}
