//! Who reaches whom: hosts, the proxies' targets, and the addresses that move between machines.

use crate::{
    alerts::{
        rule::{Observations, Symptom},
        subject::{Severity, Subject, SubjectKind},
    },
    fleet::facts::{DispatcherTarget, TargetState},
    values::Moment,
};
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddrV4},
};

/// One look may fail by chance.
const TIMES_UNTIL_AWAY: u32 = 2;

pub fn hosts(seen: &Observations<'_>) -> Vec<Symptom> {
    let failing = seen.world.hosts.iter().filter_map(|(name, host)| Some((name, host.failing.as_ref()?)));
    failing
        .filter(|(_, failing)| failing.times >= TIMES_UNTIL_AWAY)
        .map(|(name, failing)| {
            // Its machines may run on: a dead host is told by them, then they stand below it.
            let machines = seen.inventory.machines.iter().filter(|machine| machine.host == *name);
            let dead = machines.filter(|machine| is_away(seen, &machine.name)).count();
            let (severity, sentence) = match dead {
                0 => (Severity::Notice, format!("The hypervisor {name} does not answer; its machines do. Look at its management.")),
                _ => {
                    (Severity::Bad, format!("The host {name} does not answer, nor do {dead} of its machines. Look at its console."))
                }
            };
            let mut symptom = Symptom::new("host.away", Subject::new(SubjectKind::Host, name), severity, sentence);
            symptom.since = Some(failing.since);
            symptom.evidence([failing.why.clone()])
        })
        .collect()
}

pub(super) fn is_away(seen: &Observations<'_>, machine: &str) -> bool {
    let judgement = seen.judgements.iter().find(|judgement| judgement.name == machine);
    judgement.is_some_and(|judgement| judgement.findings.iter().any(|finding| finding.key == "machine.away"))
}

/// What each fresh proxy says of one target.
struct Views<'a> {
    set: u32,
    active: Vec<&'a str>,
    inactive: Vec<&'a str>,
}

/// Targets that proxies took out because they do not answer: one alert for each target, whoever misses it; and for a carrier none of
/// whose trunks answers anybody, one for the carrier.
pub fn targets(seen: &Observations<'_>) -> Vec<Symptom> {
    let mut targets: BTreeMap<&str, Views<'_>> = BTreeMap::new();
    for (proxy, facts) in fresh_proxies(seen) {
        for set in &facts.sets {
            for target in &set.targets {
                let DispatcherTarget { uri, state, .. } = target;
                let views = targets.entry(uri).or_insert(Views { set: set.id, active: Vec::new(), inactive: Vec::new() });
                match state {
                    TargetState::Inactive => views.inactive.push(proxy),
                    TargetState::Active | TargetState::Trying => views.active.push(proxy),
                    // Taken out by a person: they know.
                    TargetState::Disabled => {}
                }
            }
        }
    }
    let dead_carriers: Vec<_> = seen.inventory.carriers.iter().filter_map(|carrier| dead_carrier(carrier, &targets)).collect();
    let mut found: Vec<Symptom> = dead_carriers;
    for (uri, views) in targets.iter().filter(|(_, views)| !views.inactive.is_empty()) {
        found.push(target(seen, uri, views));
    }
    found
}

fn fresh_proxies<'a>(seen: &'a Observations<'_>) -> impl Iterator<Item = (&'a str, &'a crate::fleet::facts::ProxyFacts)> {
    let fresh = |(name, machine): (&'a String, &'a crate::fleet::world::MachineSeen)| {
        let proxy = machine.proxy.as_ref()?;
        // One failed look is enough to doubt what it said last.
        (proxy.failing.is_none()).then(|| proxy.fresh(seen.now)).flatten().map(|facts| (name.as_str(), facts))
    };
    seen.world.machines.iter().filter_map(fresh)
}

fn target(seen: &Observations<'_>, uri: &str, views: &Views<'_>) -> Symptom {
    let address = address_in(uri);
    let machine = address.and_then(|address| machine_at(seen, *address.ip()));
    let carrier = seen.inventory.carriers.iter().find(|carrier| address.is_some_and(|at| carrier.trunks.contains(&at)));
    let carrier = carrier.or_else(|| seen.inventory.carriers.iter().find(|carrier| u32::from(carrier.set) == views.set));
    let proxies = views.inactive.join(" and ");
    let does = if views.inactive.len() == 1 { "does" } else { "do" };
    let nobody = views.active.is_empty();
    let (key, subject, whose) = match (carrier, machine) {
        (Some(carrier), _) => (
            format!("dispatcher.inactive:{uri}"),
            Subject::new(SubjectKind::Carrier, &carrier.name),
            format!("the trunk {uri} of {}", carrier.name),
        ),
        (None, Some(machine)) => ("dispatcher.inactive".to_string(), Subject::machine(machine), machine.to_string()),
        (None, None) => (format!("dispatcher.inactive:{uri}"), Subject::machine(views.inactive[0]), uri.to_string()),
    };
    let severity = if nobody && carrier.is_none() { Severity::Bad } else { Severity::Notice };
    let sentence = format!("{proxies} {does} not reach {whose}: no call is sent there.");
    let lines = views.inactive.iter().map(|proxy| format!("{proxy}: {uri} is inactive in set {}", views.set));
    let active = views.active.iter().map(|proxy| format!("{proxy}: {uri} is active"));
    // Missed by one proxy only, it may be that proxy.
    let lone = (views.inactive.len() == 1).then(|| Subject::machine(views.inactive[0]));
    let because = machine.map(Subject::machine).into_iter().chain(lone);
    Symptom::new(key, subject, severity, sentence).evidence(lines.chain(active)).because(because)
}

fn dead_carrier(carrier: &crate::fleet::inventory::Carrier, targets: &BTreeMap<&str, Views<'_>>) -> Option<Symptom> {
    let own: Vec<_> = targets.iter().filter(|(_, views)| views.set == u32::from(carrier.set)).collect();
    let dead = !own.is_empty() && own.iter().all(|(_, views)| views.active.is_empty() && !views.inactive.is_empty());
    dead.then(|| {
        let name = &carrier.name;
        let sentence = format!("No proxy reaches any trunk of {name}: its calls go to the other carriers. Call {name}.");
        let lines = own.iter().map(|(uri, views)| format!("{uri}: inactive at {}", views.inactive.join(", ")));
        Symptom::new("carrier.away", Subject::new(SubjectKind::Carrier, name), Severity::Bad, sentence).evidence(lines)
    })
}

/// Carriers that answer, and take no call.
pub fn refusing(seen: &Observations<'_>) -> Vec<Symptom> {
    let failing = seen.inventory.carriers.iter().filter_map(|carrier| {
        let tries = seen.tries.get(&carrier.name)?;
        let (since, times) = tries.failing()?;
        let name = &carrier.name;
        let sentence = format!("{name} refused the last {times} calls sent to it: they go to the other carriers. Call {name}.");
        let statuses = tries.refused.iter().map(|(status, times)| format!("{times} × SIP {status} since {since} UTC"));
        let subject = Subject::new(SubjectKind::Carrier, name);
        let mut symptom = Symptom::new("carrier.failing", subject, Severity::Bad, sentence).evidence(statuses);
        symptom.since = Some(since);
        Some(symptom)
    });
    failing.collect()
}

/// The address in `sip:10.10.10.21:5060;transport=udp`.
pub(super) fn address_in(uri: &str) -> Option<SocketAddrV4> {
    let at = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    let at = at.rsplit('@').next()?.split([';', '?']).next()?;
    at.parse().ok().or_else(|| at.parse::<Ipv4Addr>().ok().map(|ip| SocketAddrV4::new(ip, 5060)))
}

pub(super) fn machine_at<'a>(seen: &'a Observations<'_>, address: Ipv4Addr) -> Option<&'a str> {
    let machines = &seen.inventory.machines;
    let found = machines.iter().find(|machine| seen.inventory.nics(machine).iter().any(|nic| nic.address == address));
    found.map(|machine| machine.name.as_str())
}

/// An address that moves by VRRP stands on one machine, best on the one it prefers.
pub fn virtual_addresses(seen: &Observations<'_>) -> Vec<Symptom> {
    let mut found = Vec::new();
    for (name, cluster) in &seen.inventory.clusters {
        for address in &cluster.virtual_addresses {
            let looked: Vec<(&String, bool)> =
                cluster.members.iter().filter_map(|member| Some((member, holds(seen, member, address.address)?))).collect();
            let holders: Vec<&String> = looked.iter().filter(|(_, holds)| *holds).map(|(member, _)| *member).collect();
            let at = address.address;
            let (key, severity, sentence) = match holders.as_slice() {
                // Whoever was not looked at may hold it.
                [] if looked.len() < cluster.members.len() => continue,
                [] => {
                    let sentence = format!("{at} of {name} stands on no machine: who calls it reaches nobody. Look at keepalived.");
                    ("address.nowhere", Severity::Bad, sentence)
                }
                [one] if **one == address.prefers => continue,
                [one] => {
                    let sentence = format!("{at} of {name} stands on {one} instead of {}.", address.prefers);
                    ("address.moved", Severity::Notice, sentence)
                }
                many => {
                    let names: Vec<&str> = many.iter().map(|name| name.as_str()).collect();
                    let sentence =
                        format!("{at} of {name} stands on {} at once: calls break. Stop keepalived on one.", names.join(" and "));
                    ("address.twice", Severity::Bad, sentence)
                }
            };
            let lines =
                looked.iter().map(|(member, holds)| format!("{member}: {}", if *holds { "has it" } else { "does not have it" }));
            let because = cluster.members.iter().map(Subject::machine);
            let symptom = Symptom::new(format!("{key}:{at}"), Subject::new(SubjectKind::Cluster, name), severity, sentence);
            found.push(symptom.evidence(lines).because(because));
        }
    }
    found
}

/// `None` where nobody looked lately.
fn holds(seen: &Observations<'_>, machine: &str, address: Ipv4Addr) -> Option<bool> {
    let shell = seen.world.machines.get(machine)?.shell.as_ref()?;
    if shell.failing.is_some() {
        return None;
    }
    let facts = shell.fresh(seen.now)?;
    Some(facts.cards.iter().any(|card| card.addresses.iter().any(|(has, _)| *has == address)))
}

/// The newest moment a proxy was read, for rules that ask whether anybody sees the targets.
pub(super) fn proxies_seen_at(seen: &Observations<'_>) -> Option<Moment> {
    let machines = seen.world.machines.values();
    machines
        .filter_map(|machine| machine.proxy.as_ref())
        .filter(|proxy| proxy.fresh(seen.now).is_some())
        .filter_map(|p| p.observed_at())
        .max()
}
