//! Two machines that share what must be one machine's own: machine-id, host key, MAC, address.

use super::Proof;
use crate::fleet::{facts::ShellFacts, inventory::Machine};
use std::collections::{BTreeMap, BTreeSet};

/// MACs that move between machines on purpose (VRRP, RFC 5798).
const VRRP: &str = "00:00:5e:00:01:";

type Owners = BTreeMap<String, BTreeSet<String>>;

fn own(owners: &mut Owners, what: &str, machine: &str) {
    if !what.is_empty() {
        owners.entry(what.into()).or_default().insert(machine.into());
    }
}

fn shared(owners: Owners) -> impl Iterator<Item = (String, String, BTreeSet<String>)> {
    owners.into_iter().filter(|(_, machines)| machines.len() > 1).map(|(what, machines)| {
        let names = machines.iter().cloned().collect::<Vec<_>>().join(", ");
        (what, names, machines)
    })
}

impl<'a> Proof<'a> {
    pub(super) fn duplicates(&mut self) {
        let seen = self.fresh_shells();
        let (mut ids, mut keys, mut addresses) = (Owners::new(), Owners::new(), Owners::new());
        for (machine, facts) in &seen {
            own(&mut ids, &facts.machine_id, &machine.name);
            facts.host_keys.iter().for_each(|key| own(&mut keys, &key.fingerprint, &machine.name));
            let here = facts.cards.iter().flat_map(|card| &card.addresses).filter(|(ip, _)| self.network.subnet.contains(*ip));
            here.for_each(|(ip, _)| own(&mut addresses, &ip.to_string(), &machine.name));
        }
        let macs = self.macs(&seen);
        let before = self.violations.len();
        for (id, names, machines) in shared(ids) {
            if self.is_told_here(&machines) {
                let sentence = format!("{names} have the same machine-id, as clones do: give all but one a new one.");
                self.violated("machine_id.duplicate", &names, sentence, format!("Machine-id {id} is that of {names}."));
            }
        }
        for (key, names, machines) in shared(keys) {
            if self.is_told_here(&machines) {
                let sentence = format!("{names} have the same SSH host key: make new ones on all but one.");
                self.violated("host_key.duplicate", &names, sentence, format!("Host key {key} is that of {names}."));
            }
        }
        for (mac, names, _) in shared(macs) {
            let sentence = format!("{names} have cards with the same MAC on {}: give all but one another.", self.name);
            self.violated("mac.duplicate", &names, sentence, format!("MAC {mac} is that of {names}."));
        }
        for (address, names, _) in shared(addresses) {
            let sentence = format!("{names} both hold {address} on {}: take it off the one it is not meant for.", self.name);
            self.violated("address.duplicate", &address, sentence, format!("{names} each show {address} on a card of theirs."));
        }
        if self.violations.len() == before && !seen.is_empty() {
            self.evidence.push(format!("No machine-id, host key, MAC or address is used twice by {} machines.", seen.len()));
        }
    }

    fn fresh_shells(&self) -> Vec<(&'a Machine, &'a ShellFacts)> {
        let (world, now) = (self.world, self.now);
        let facts = |machine: &'a Machine| {
            let shell = world.machines.get(&machine.name)?.shell.as_ref()?;
            Some((machine, shell.fresh(now)?))
        };
        self.inventory.machines.iter().filter_map(facts).collect()
    }

    /// MACs of cards on this network, as hosts and guests see them. A hypervisor and the guest show the same card.
    fn macs(&self, seen: &[(&Machine, &ShellFacts)]) -> Owners {
        let mut macs = Owners::new();
        for (machine, facts) in seen {
            let here = facts.cards.iter().filter(|card| card.addresses.iter().any(|(ip, _)| self.network.subnet.contains(*ip)));
            here.for_each(|card| own(&mut macs, &card.mac, &machine.name));
        }
        for facts in self.world.hosts.values().filter_map(|host| host.fresh(self.now)) {
            for machine in &facts.machines {
                let here = machine.cards.iter().filter(|card| self.inventory.is_offered_as(self.name, &card.network));
                here.for_each(|card| own(&mut macs, &card.mac, &machine.name));
            }
        }
        macs.retain(|mac, _| !mac.starts_with(VRRP));
        macs
    }

    /// A shared identity is told once: on the network where SSH meets the machines, else on the first one they share.
    fn is_told_here(&self, machines: &BTreeSet<String>) -> bool {
        let machines: Vec<&Machine> = machines.iter().filter_map(|name| self.inventory.machine(name)).collect();
        let on = |network: &str| machines.iter().filter(|machine| machine.networks.iter().any(|on| on == network)).count();
        let ssh = |machine: &&Machine| Some(self.inventory.endpoints.get(&machine.role)?.get("ssh")?.network.as_str());
        let by_ssh = machines.iter().find_map(ssh).filter(|network| on(network) > 0);
        let most = || self.inventory.networks.keys().max_by_key(|name| (on(name), std::cmp::Reverse(name.as_str())));
        by_ssh.or_else(|| most().map(String::as_str)) == Some(self.name)
    }
}
