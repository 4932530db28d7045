//! What the network itself carries: a packet as large as the declared MTU between each pair, and one card for each address.

use super::{Proof, Reach, not_seen, reach};
use crate::fleet::{
    facts::{NetworkProbes, PairPing},
    inventory::{Machine, Uplink},
};
use crate::values::quantity::format_count;
use std::collections::BTreeMap;

/// How the large packets went between two machines, either way.
#[derive(Clone, Debug, PartialEq)]
pub enum Pair {
    /// The whole size came back.
    Proved { size_bytes: u32, round_trip_ms: Option<f32> },
    /// It did not get through: what ping said.
    Lost(String),
    /// Not tried, or tried too small.
    Untried,
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
            return Pair::Lost(format!("{} bytes from {} to {}: {said}", format_count(lost.size_bytes.into()), lost.from, lost.to));
        }
        match pings.iter().filter(|ping| ping.size_bytes >= mtu).max_by_key(|ping| ping.size_bytes) {
            Some(ping) => Pair::Proved { size_bytes: ping.size_bytes, round_trip_ms: ping.round_trip_ms },
            None => Pair::Untried,
        }
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
        let reaches: Vec<Reach> = members.iter().map(|machine| reach(self.world, machine, self.now)).collect();
        let pairs = Pairs::of(probes);
        for (machine, reach) in members.iter().zip(&reaches) {
            self.unreachable(machine, reach);
        }
        let up: Vec<&Machine> = members.iter().zip(&reaches).filter(|(_, reach)| **reach == Reach::Up).map(|(m, _)| *m).collect();
        for (i, a) in up.iter().enumerate() {
            for b in &up[i + 1..] {
                wanted += 1;
                proved += usize::from(self.pair(pairs.between(&a.name, &b.name, mtu), &a.name, &b.name));
            }
        }
        if proved > 0 {
            let size = format_count(mtu.into());
            self.evidence.push(format!("{proved} of {wanted} pairs carried a packet of {size} bytes that must not be divided."));
        }
    }

    fn pair(&mut self, pair: Pair, a: &str, b: &str) -> bool {
        let mtu = self.network.mtu;
        match (pair, self.network.uplink) {
            (Pair::Proved { .. }, _) => return true,
            (Pair::Lost(said), Uplink::Forbidden) => {
                let sentence = format!(
                    "A packet of {} bytes does not get through between {a} and {b} on {}: look at the MTU of both cards and of the switch.",
                    format_count(mtu.into()),
                    self.name
                );
                self.violated("packet.lost", &format!("{a}, {b}"), sentence, format!("Ping of {said}."));
            }
            // There the firewall lets nobody in but the panel; only a packet called too long tells something.
            (Pair::Lost(said), Uplink::Expected) if said.contains("too long") || said.contains("rag") => {
                let sentence = format!("A packet of the declared MTU is too long between {a} and {b} on {}: raise it.", self.name);
                self.violated("packet.lost", &format!("{a}, {b}"), sentence, format!("Ping of {said}."));
            }
            (Pair::Untried, Uplink::Forbidden) => {
                self.misses(format!("No packet of {} bytes was tried between {a} and {b}.", format_count(mtu.into())));
            }
            (Pair::Lost(_) | Pair::Untried, Uplink::Expected) => {}
        }
        false
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
