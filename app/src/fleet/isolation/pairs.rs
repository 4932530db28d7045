//! What the network itself carries: a packet as large as the declared MTU between each pair, and one card for each address.

use super::{Proof, Reach, Violation, not_seen, reach};
use crate::fleet::{
    facts::{NetworkProbes, PairPing},
    inventory::{Machine, Uplink},
};
use crate::values::quantity::format_count;
use std::collections::{BTreeMap, BTreeSet};

/// How the large packets went between two machines, either way.
#[derive(Clone, Debug, PartialEq)]
pub enum Pair {
    /// The whole size came back.
    Proved { size_bytes: u32, round_trip_ms: Option<f32> },
    /// It did not get through, and what ping said.
    Lost(Loss, String),
    /// Not tried, or tried too small.
    Untried,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// The whole size, while a small packet may arrive.
    Large,
    /// A small packet as well.
    Everything,
}

/// The pings of a network by their two machines, whichever way.
pub struct Pairs<'a>(BTreeMap<(&'a str, &'a str), Vec<&'a PairPing>>);

impl<'a> Pairs<'a> {
    pub fn of(probes: &'a NetworkProbes) -> Self {
        let mut pairs: BTreeMap<(&str, &str), Vec<&PairPing>> = BTreeMap::new();
        for ping in &probes.pings {
            pairs.entry(ordered(&ping.from, &ping.to)).or_default().push(ping);
        }
        Self(pairs)
    }

    /// An answer carries the whole packet both ways, so one direction proves both; one direction lost is a loss.
    pub fn between(&self, a: &str, b: &str, mtu: u32) -> Pair {
        let pings = self.0.get(&ordered(a, b)).map_or(&[][..], Vec::as_slice);
        if let Some(lost) = pings.iter().find(|ping| !ping.answered) {
            let said = lost.said.clone().unwrap_or_else(|| "no answer".into());
            let nothing = pings.iter().any(|ping| ping.small_answered == Some(false));
            let (loss, also) = if nothing { (Loss::Everything, "; nor a small one") } else { (Loss::Large, "") };
            let size = format_count(lost.size_bytes.into());
            return Pair::Lost(loss, format!("{size} bytes from {} to {}: {said}{also}", lost.from, lost.to));
        }
        match pings.iter().filter(|ping| ping.size_bytes >= mtu).max_by_key(|ping| ping.size_bytes) {
            Some(ping) => Pair::Proved { size_bytes: ping.size_bytes, round_trip_ms: ping.round_trip_ms },
            None => Pair::Untried,
        }
    }
}

/// A lost pair, and what ping said.
type Said<'a> = ((&'a str, &'a str), String);

/// "a and b", "a and b, c", "a, b and c, d" where each of the one side lost each of the other; else the first pair and how many more.
fn between(pairs: &[Said<'_>]) -> String {
    let Some(((first, second), _)) = pairs.first() else { return String::new() };
    let lost = |a: &str, b: &str| pairs.iter().any(|((x, y), _)| (*x, *y) == (a, b) || (*x, *y) == (b, a));
    let everyone: BTreeSet<&str> = pairs.iter().flat_map(|((a, b), _)| [*a, *b]).collect();
    let left: Vec<&str> = everyone.iter().copied().filter(|name| lost(name, second)).collect();
    let right: Vec<&str> = everyone.iter().copied().filter(|name| lost(first, name)).collect();
    let whole = left.len() * right.len() == pairs.len() && left.iter().all(|a| right.iter().all(|b| lost(a, b)));
    match pairs.len() - 1 {
        _ if whole => format!("{} and {}", left.join(", "), right.join(", ")),
        more => format!("{first} and {second} and {more} other pairs"),
    }
}

fn ordered<'a>(a: &'a str, b: &'a str) -> (&'a str, &'a str) {
    if a <= b { (a, b) } else { (b, a) }
}

impl Proof<'_> {
    pub(super) fn pairs(&mut self) {
        let (name, mtu) = (self.name, self.network.mtu);
        let Some(seen) = self.world.networks.get(name) else {
            // Where a way out is expected nothing hangs on large packets; whoever observes may leave them out.
            match self.network.uplink {
                Uplink::Expected => {}
                Uplink::Forbidden => self.misses(format!("No large packet was tried on {name} yet.")),
            }
            return;
        };
        let Some(probes) = seen.fresh(self.now) else {
            if self.network.uplink == Uplink::Forbidden {
                self.misses(not_seen(&format!("The large packets on {name}"), seen));
            }
            return;
        };
        self.rests_on(seen.observed_at());
        let members: Vec<&Machine> = self.members.iter().copied().filter(|machine| machine.role.is_ours()).collect();
        let (mut proved, mut wanted) = (0, 0);
        let mut lost: BTreeMap<Loss, Vec<Said<'_>>> = BTreeMap::new();
        let reaches: Vec<Reach> = members.iter().map(|machine| reach(self.world, machine, self.now)).collect();
        let pairs = Pairs::of(probes);
        for (machine, reach) in members.iter().zip(&reaches) {
            self.unreachable(machine, reach);
        }
        let up: Vec<&Machine> = members.iter().zip(&reaches).filter(|(_, reach)| **reach == Reach::Up).map(|(m, _)| *m).collect();
        for (i, a) in up.iter().enumerate() {
            for b in &up[i + 1..] {
                wanted += 1;
                match (pairs.between(&a.name, &b.name, mtu), self.network.uplink) {
                    (Pair::Proved { .. }, _) => proved += 1,
                    (Pair::Lost(loss, said), Uplink::Forbidden) => {
                        lost.entry(loss).or_default().push(((&*a.name, &*b.name), said));
                    }
                    // There the firewall lets nobody in but the panel; only a packet called too long tells something.
                    (Pair::Lost(_, said), Uplink::Expected) if said.contains("too long") || said.contains("rag") => {
                        lost.entry(Loss::Large).or_default().push(((&*a.name, &*b.name), said));
                    }
                    (Pair::Untried, Uplink::Forbidden) => {
                        self.misses(format!(
                            "No packet of {} bytes was tried between {} and {}.",
                            format_count(mtu.into()),
                            a.name,
                            b.name
                        ));
                    }
                    (Pair::Lost(..) | Pair::Untried, Uplink::Expected) => {}
                }
            }
        }
        for (loss, pairs) in lost {
            self.lost(loss, &pairs);
        }
        if proved > 0 {
            let size = format_count(mtu.into());
            self.evidence.push(format!("{proved} of {wanted} pairs carried a packet of {size} bytes that must not be divided."));
        }
    }

    /// Whatever breaks a network breaks it for many pairs: they are one violation, of the network.
    fn lost(&mut self, loss: Loss, pairs: &[Said<'_>]) {
        let (between, network) = (between(pairs), self.name);
        let (key, sentence) = match loss {
            Loss::Large => {
                let size = format_count(self.network.mtu.into());
                let remedy = "look at the MTU of their cards and of the switch.";
                ("packet.lost", format!("Packets of {size} bytes do not get through on {network} between {between}: {remedy}"))
            }
            Loss::Everything => {
                let remedy = "look at their firewalls and cards and at the switch.";
                ("pair.cut", format!("Nothing gets through on {network} between {between}: {remedy}"))
            }
        };
        let in_all = |name: &&str| pairs.iter().all(|((a, b), _)| [a, b].contains(&name));
        let first = pairs.first().map(|((a, b), _)| [*a, *b]);
        let because = first.into_iter().flatten().filter(in_all).map(String::from).collect();
        let evidence: Vec<String> = pairs.iter().map(|(_, said)| format!("Ping of {said}.")).collect();
        let (key, subject, evidence) = (key.into(), network.into(), evidence.join(" "));
        self.violations.push(Violation { key, subject, sentence, evidence, because });
    }

    /// A machine that is down loses no packets: its pairs are unknown, and it says so.
    fn unreachable(&mut self, machine: &Machine, reach: &Reach) {
        match (reach, self.network.uplink) {
            (Reach::Off(how), Uplink::Forbidden) => {
                self.evidence.push(format!("{} is {how}: its pairs are unknown.", machine.name));
            }
            (Reach::Unseen(why), Uplink::Forbidden) => self.misses(why.clone()),
            (Reach::Up, _) | (_, Uplink::Expected) => {}
        }
    }

    pub(super) fn answers(&mut self) {
        let Some(probes) = self.world.networks.get(self.name).and_then(|seen| seen.fresh(self.now)) else { return };
        let mut single = 0;
        for answer in &probes.answers {
            match answer.macs.as_slice() {
                [] => {}
                [_] => single += 1,
                macs => {
                    let (address, macs) = (answer.address.to_string(), macs.join(" and "));
                    let sentence =
                        format!("Two cards answer for {address} on {}: find the machine that took it and cut it off.", self.name);
                    self.violated("address.conflict", &address, sentence, format!("{macs} answer for {address}."));
                }
            }
        }
        if single > 0 {
            self.evidence.push(format!("One card answers for each of {single} addresses."));
        }
    }
}
