//! A network that carries nothing, or a carrier that takes nothing.

use super::{Blast, calls, calls_in_all};
use crate::{
    fleet::{
        flows::format_rate,
        inventory::{Machine, Role},
        map::{Sight, carrier_reach, lead::list},
    },
    values::Tone,
};

pub(super) fn gone(sight: &Sight<'_>, name: &str, blast: &mut Blast) {
    let inventory = sight.inventory;
    let members: Vec<&Machine> = inventory
        .machines
        .iter()
        .filter(|machine| machine.role.is_ours() && machine.networks.iter().any(|on| on == name))
        .collect();
    blast.networks.push(name.into());
    blast.touch(members.iter().copied());
    let has = |role: Role| members.iter().any(|machine| machine.role == role);
    let up = calls_in_all(sight);
    let up_say = |what: &str| up.filter(|up| *up > 0).map(|up| format!("{} up now {what}", calls(up)));
    match name {
        "external" => {
            blast.say(Tone::Bad, "Customers and carriers are out of reach: no call comes in and none goes out.");
            if let Some(text) = up_say("would lose their audio and end.") {
                blast.say(Tone::Bad, text);
            }
            blast.touch_outside(inventory);
        }
        "voice" if has(Role::Kamailio) && has(Role::Asterisk) => {
            blast.say(Tone::Bad, "Proxies and PBXs lose each other: no new call.");
            if let Some(text) = up_say("would lose their signaling; whoever hangs up is not heard.") {
                blast.say(Tone::Bad, text);
            }
            blast.touch_outside(inventory);
        }
        "data" => {
            if has(Role::Asterisk) && has(Role::Billing) {
                blast.say(Tone::Bad, "PBXs reach no authorizer: every new call is refused (authorizer_unavailable).");
                blast.touch_outside(inventory);
            }
            if has(Role::Mariadb) {
                blast.say(Tone::Notice, "CDRs wait on the PBXs until MariaDB is reached again.");
            }
            blast.say(Tone::Good, "Calls that are up go on.");
        }
        "sync" => {
            if has(Role::Mariadb) {
                blast.say(Tone::Bad, "Replication stops: the replica falls behind, and a failover would lose what came since.");
                blast.say(Tone::Notice, "Semi-sync gives up after its timeout; commits then wait for nobody.");
            }
            if has(Role::Kamailio) {
                blast.say(Tone::Notice, "Proxies share no dialogs and no blocks (DMQ) meanwhile.");
            }
            blast.say(Tone::Good, "Calls go on.");
        }
        "management" => {
            blast.say(Tone::Bad, "The panel sees nothing and can change nothing; everything here reads unknown.");
            blast.say(Tone::Good, "Calls go on.");
        }
        _ => blast.say(Tone::Notice, format!("{} machines lose each other on {name}.", members.len())),
    }
}

pub(super) fn carrier_gone(sight: &Sight<'_>, name: &str) -> Option<Blast> {
    let inventory = sight.inventory;
    let carrier = inventory.carriers.iter().find(|carrier| carrier.name == name)?;
    let mut blast = Blast::new(name, format!("If {name} took no call now"));
    blast.outsiders.push(name.into());
    blast.networks.push("external".into());
    blast.touch(inventory.of_role(Role::Kamailio));
    let others: Vec<&str> = inventory
        .carriers
        .iter()
        .filter(|other| other.set != carrier.set && carrier_reach(sight, other.set).is_none_or(|(reaching, _)| reaching > 0))
        .map(|other| other.name.as_str())
        .collect();
    if let Some(cps) = sight.flows.carrier_cps.get(name) {
        blast.say(Tone::Notice, format!("{} calls a second go there now.", format_rate(*cps)));
    }
    if let Some(up) = sight.flows.carrier_calls.get(name).filter(|up| **up > 0) {
        blast.say(Tone::Bad, format!("{} up through it may end.", calls(*up)));
    }
    if others.is_empty() {
        blast.say(Tone::Bad, "No other carrier is reached: calls to the outside are refused (no_route).");
    } else {
        blast.outsiders.extend(others.iter().map(|other| (*other).to_string()));
        blast.say(Tone::Busy, format!("Kamailio goes on to {} where they have a rate for the number.", list(&others)));
    }
    Some(blast)
}
