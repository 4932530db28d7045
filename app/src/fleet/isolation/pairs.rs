//! What the network itself carries: a packet as large as the declared MTU between each pair, and one card for each address.

use super::{Proof, Reach, not_seen, reach};
use crate::fleet::{
    facts::{NetworkProbes, PairPing},
    inventory::{Machine, Uplink},
};
use crate::values::quantity::format_count;

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

/// An answer carries the whole packet both ways, so one direction proves both; one direction lost is a loss.
pub fn pair(probes: &NetworkProbes, a: &str, b: &str, mtu: u32) -> Pair {
    let ours = |ping: &&PairPing| (ping.from == a && ping.to == b) || (ping.from == b && ping.to == a);
    let pings: Vec<&PairPing> = probes.pings.iter().filter(ours).collect();
    if let Some(lost) = pings.iter().find(|ping| !ping.answered) {
        let said = lost.said.clone().unwrap_or_else(|| "no answer".into());
        return Pair::Lost(format!("{} bytes from {} to {}: {said}", format_count(lost.size_bytes.into()), lost.from, lost.to));
    }
    match pings.iter().filter(|ping| ping.size_bytes >= mtu).max_by_key(|ping| ping.size_bytes) {
        Some(ping) => Pair::Proved { size_bytes: ping.size_bytes, round_trip_ms: ping.round_trip_ms },
        None => Pair::Untried,
    }
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
        for (i, a) in members.iter().enumerate() {
            for b in &members[i + 1..] {
                match [a, b].map(|machine| reach(self.world, machine, self.now)) {
                    [Reach::Up, Reach::Up] => {
                        wanted += 1;
                        proved += usize::from(self.reachable_pair(probes, &a.name, &b.name, mtu));
                    }
                    reaches => self.unreachable_pair(reaches, [a, b]),
                }
            }
        }
        if proved > 0 {
            let size = format_count(mtu.into());
            self.evidence.push(format!("{proved} of {wanted} pairs carried a packet of {size} bytes that must not be divided."));
        }
    }

    fn reachable_pair(&mut self, probes: &NetworkProbes, a: &str, b: &str, mtu: u32) -> bool {
        match (pair(probes, a, b, mtu), self.network.uplink) {
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

    /// A machine that is down loses no packets: the pair is unknown, and says so.
    fn unreachable_pair(&mut self, reaches: [Reach; 2], machines: [&Machine; 2]) {
        if self.network.uplink == Uplink::Expected {
            return;
        }
        for (reach, machine) in reaches.into_iter().zip(machines) {
            match reach {
                Reach::Up => {}
                Reach::Off => {
                    let line = format!("{} is switched off: its pairs are unknown.", machine.name);
                    if !self.evidence.contains(&line) {
                        self.evidence.push(line);
                    }
                }
                Reach::Unseen(why) => self.misses(why),
            }
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
