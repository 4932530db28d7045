//! What must hold between the entries of an inventory.

use crate::nearest::nearest;
use app::fleet::{
    certificate::split_address,
    inventory::{Inventory, Machine, Role, Uplink},
};
use rustls::pki_types::ServerName;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

/// A mistake, at a key.
pub(super) struct Mistake {
    pub key: String,
    pub message: String,
}

pub(super) fn check(inventory: &Inventory) -> Vec<Mistake> {
    let mut rules = Rules { inventory, found: Vec::new(), taken: BTreeMap::new() };
    rules.networks();
    rules.names();
    rules.machines();
    rules.jumps();
    rules.endpoints();
    rules.clusters();
    rules.trunks();
    rules.certificates();
    rules.credentials();
    rules.found
}

struct Rules<'a> {
    inventory: &'a Inventory,
    found: Vec<Mistake>,
    /// Which key has which address.
    taken: BTreeMap<Ipv4Addr, String>,
}

impl Rules<'_> {
    fn wrong(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.found.push(Mistake { key: key.into(), message: message.into() });
    }

    fn unknown(&mut self, key: String, what: &str, asked: &str, known: Vec<&str>) {
        let meant = nearest(known.iter().copied(), asked);
        let message = match meant {
            "" => format!("There is no {what} {asked:?}, and none is declared."),
            meant => format!("There is no {what} {asked:?}; the nearest is {meant:?}."),
        };
        self.wrong(key, message);
    }

    fn take(&mut self, address: Ipv4Addr, key: &str) {
        match self.taken.get(&address) {
            Some(other) => {
                let message = format!("The address {address} is that of {other} already. Give one of them another.");
                self.wrong(key, message);
            }
            None => {
                self.taken.insert(address, key.into());
            }
        }
    }

    fn networks(&mut self) {
        let networks: Vec<_> = self.inventory.networks.iter().collect();
        for (i, (name, network)) in networks.iter().enumerate() {
            let key = format!("networks.{name}");
            if !(576..=65_535).contains(&network.mtu) {
                self.wrong(format!("{key}.mtu"), format!("An MTU of {} bytes is not possible; use 576 to 65535.", network.mtu));
            }
            for (other_name, other) in &networks[..i] {
                if network.subnet.contains(other.subnet.base) || other.subnet.contains(network.subnet.base) {
                    let message = format!(
                        "{} overlaps {other_name} ({}). Two networks with common addresses cannot be told apart.",
                        network.subnet, other.subnet
                    );
                    self.wrong(format!("{key}.subnet"), message);
                }
            }
        }
        let mut groups = BTreeMap::new();
        for (name, network) in networks {
            let group = network.port_group.as_deref().unwrap_or(name);
            if let Some(other) = groups.insert(group, name) {
                self.wrong(format!("networks.{name}.port_group"), format!("The port group {group:?} is that of {other} already."));
            }
        }
    }

    fn names(&mut self) {
        let inventory = self.inventory;
        let lists: [(&str, Vec<&str>); 5] = [
            ("hosts", inventory.hosts.iter().map(|host| host.name.as_str()).collect()),
            ("machines", inventory.machines.iter().map(|machine| machine.name.as_str()).collect()),
            ("carriers", inventory.carriers.iter().map(|carrier| carrier.name.as_str()).collect()),
            ("customers", inventory.customers.iter().map(|customer| customer.name.as_str()).collect()),
            ("certificates", inventory.certificates.iter().map(|endpoint| endpoint.name.as_str()).collect()),
        ];
        for (section, names) in &lists {
            let mut seen = BTreeSet::new();
            for (number, name) in names.iter().enumerate() {
                let again = !seen.insert(*name);
                let key = if again { format!("{section}.{name}#{}", number + 1) } else { format!("{section}.{name}") };
                if again {
                    self.wrong(key.clone(), format!("The name {name:?} is given twice. Give this one another."));
                }
                if !is_name(name) {
                    self.wrong(key, format!("{name:?} is not a name: use at most 63 of a-z 0-9 - with a letter first."));
                }
            }
        }
        // A machine that is called like a host could be either in an alert; so could a certificate.
        let hosts: BTreeSet<&str> = lists[0].1.iter().copied().collect();
        for (section, names) in [&lists[1], &lists[4]] {
            for name in names.iter().filter(|name| hosts.contains(**name)) {
                self.wrong(format!("{section}.{name}"), format!("{name:?} is the name of a host too. Give one of them another."));
            }
        }
        for name in inventory.networks.keys().filter(|name| !is_name(name)) {
            self.wrong(
                format!("networks.{name}"),
                format!("{name:?} is not a name: use at most 63 of a-z 0-9 - with a letter first."),
            );
        }
    }

    fn machines(&mut self) {
        let inventory = self.inventory;
        for host in &inventory.hosts {
            self.take(host.management, &format!("hosts.{}", host.name));
        }
        for machine in &inventory.machines {
            let key = format!("machines.{}", machine.name);
            if !inventory.hosts.iter().any(|host| host.name == machine.host) {
                let known = inventory.hosts.iter().map(|host| host.name.as_str()).collect();
                self.unknown(format!("{key}.host"), "host", &machine.host, known);
            }
            if matches!(machine.number, 0 | 255) {
                let message =
                    format!("{} is the first or last address of a network and no machine's; use 1 to 254.", machine.number);
                self.wrong(format!("{key}.number"), message);
            }
            let mut on = BTreeSet::new();
            for network in &machine.networks {
                if !inventory.networks.contains_key(network) {
                    let known = inventory.networks.keys().map(String::as_str).collect();
                    self.unknown(format!("{key}.networks"), "network", network, known);
                } else if !on.insert(network) {
                    self.wrong(format!("{key}.networks"), format!("{network:?} is given twice. Take one out."));
                }
            }
            for nic in inventory.nics(machine) {
                self.take(nic.address, &key);
            }
            self.database_has_no_way_out(machine, &key);
        }
    }

    /// The air gap by construction: a database is on no network that leads to carriers.
    fn database_has_no_way_out(&mut self, machine: &Machine, key: &str) {
        let reaches_out = |name: &&String| {
            let external = self.inventory.networks.get(*name).is_some_and(|network| network.uplink == Uplink::Expected);
            external && **name != "management"
        };
        if machine.role == Role::Mariadb
            && let Some(network) = machine.networks.iter().find(reaches_out)
        {
            let message = format!("A MariaDB machine is never on {network}, which has an uplink. Take it out.");
            self.wrong(format!("{key}.networks"), message);
        }
    }

    /// Whoever is reached through another machine must be reached in the end.
    fn jumps(&mut self) {
        let inventory = self.inventory;
        for machine in &inventory.machines {
            let key = format!("machines.{}.jump", machine.name);
            let mut way = vec![machine.name.as_str()];
            let mut at = machine;
            while let Some(next) = &at.jump {
                let Some(through) = inventory.machine(next) else {
                    if way.len() == 1 {
                        let known = inventory.machines.iter().map(|machine| machine.name.as_str()).collect();
                        self.unknown(key.clone(), "machine", next, known);
                    }
                    break;
                };
                way.push(next);
                if way[..way.len() - 1].contains(&next.as_str()) {
                    let message = format!("The way to it goes round in a circle: {}. Reach one of them directly.", way.join(" → "));
                    self.wrong(key, message);
                    break;
                }
                at = through;
            }
        }
    }

    fn endpoints(&mut self) {
        let inventory = self.inventory;
        for (role, endpoints) in &inventory.endpoints {
            for (name, endpoint) in endpoints {
                let key = format!("endpoints.{}.{name}", role.name());
                if endpoint.port == 0 {
                    self.wrong(format!("{key}.port"), "Port 0 answers nobody. Use 1 to 65535.");
                }
                if !inventory.networks.contains_key(&endpoint.network) {
                    let known = inventory.networks.keys().map(String::as_str).collect();
                    self.unknown(format!("{key}.network"), "network", &endpoint.network, known);
                } else {
                    let off: Vec<&str> = inventory
                        .of_role(*role)
                        .filter(|machine| !machine.networks.contains(&endpoint.network))
                        .map(|machine| machine.name.as_str())
                        .collect();
                    if !off.is_empty() {
                        let message = format!("It answers on {}, and not on it: {}.", endpoint.network, off.join(", "));
                        self.wrong(format!("{key}.network"), message);
                    }
                }
                self.credential(&key, endpoint.credential.as_deref());
            }
        }
        for host in &inventory.hosts {
            self.credential(&format!("hosts.{}", host.name), host.credential.as_deref());
        }
    }

    fn credential(&mut self, key: &str, name: Option<&str>) {
        let Some(name) = name.filter(|name| !self.inventory.credentials.contains_key(*name)) else { return };
        let known = self.inventory.credentials.keys().map(String::as_str).collect();
        self.unknown(format!("{key}.credential"), "credential", name, known);
    }

    fn clusters(&mut self) {
        let inventory = self.inventory;
        let mut member_of: BTreeMap<&str, &str> = BTreeMap::new();
        let mut groups: BTreeMap<(&str, u8), &str> = BTreeMap::new();
        for (name, cluster) in &inventory.clusters {
            let key = format!("clusters.{name}");
            for member in &cluster.members {
                match inventory.machine(member) {
                    None => {
                        let known = inventory.of_role(cluster.role).map(|machine| machine.name.as_str()).collect();
                        self.unknown(format!("{key}.members"), "machine", member, known);
                    }
                    Some(machine) if machine.role != cluster.role => {
                        let message =
                            format!("{member} is a {}, and the cluster is of role {}.", machine.role.name(), cluster.role.name());
                        self.wrong(format!("{key}.members"), message);
                    }
                    Some(_) => {}
                }
                if let Some(other) = member_of.insert(member, name) {
                    self.wrong(
                        format!("{key}.members"),
                        format!("{member} is a member of {other} already. A machine is in one cluster."),
                    );
                }
            }
            if let Some(primary) = &cluster.primary
                && !cluster.members.contains(primary)
            {
                let known = cluster.members.iter().map(String::as_str).collect();
                self.unknown(format!("{key}.primary"), "member", primary, known);
            }
            for (network, address) in &cluster.writer {
                self.address_on(&format!("{key}.writer"), network, *address);
            }
            for address in &cluster.virtual_addresses {
                let place = format!("{key}.virtual_addresses");
                self.address_on(&place, &address.network, address.address);
                if !cluster.members.contains(&address.prefers) {
                    let known = cluster.members.iter().map(String::as_str).collect();
                    self.unknown(place.clone(), "member", &address.prefers, known);
                }
                if address.router_id == 0 {
                    self.wrong(place.clone(), "VRRP's router_id is 1 to 255.");
                }
                if let Some(other) = groups.insert((&address.network, address.router_id), name) {
                    let message =
                        format!("The router_id {} is taken on {} by {other}. Use another.", address.router_id, address.network);
                    self.wrong(place, message);
                }
            }
        }
    }

    fn address_on(&mut self, key: &str, network: &str, address: Ipv4Addr) {
        match self.inventory.networks.get(network) {
            None => {
                let known = self.inventory.networks.keys().map(String::as_str).collect();
                self.unknown(key.into(), "network", network, known);
            }
            Some(declared) if !declared.subnet.contains(address) => {
                self.wrong(key, format!("{address} is not in {network} ({}).", declared.subnet));
            }
            Some(_) => self.take(address, key),
        }
    }

    fn trunks(&mut self) {
        let inventory = self.inventory;
        let mut sets = BTreeMap::new();
        let mut trunks = BTreeMap::new();
        for carrier in &inventory.carriers {
            let key = format!("carriers.{}", carrier.name);
            if carrier.set < 2 {
                self.wrong(format!("{key}.set"), "Sets begin with 2; set 1 is the PBX pool.");
            } else if let Some(other) = sets.insert(carrier.set, &carrier.name) {
                self.wrong(format!("{key}.set"), format!("The set {} is that of {other} already. Use another.", carrier.set));
            }
        }
        let carriers = inventory.carriers.iter().map(|carrier| (format!("carriers.{}", carrier.name), &carrier.trunks));
        let customers = inventory.customers.iter().map(|customer| (format!("customers.{}", customer.name), &customer.trunks));
        for (key, addresses) in carriers.chain(customers) {
            if addresses.is_empty() {
                self.wrong(format!("{key}.trunks"), "Nobody is reached without a trunk. Add its address and port.");
            }
            for trunk in addresses {
                if trunk.port() == 0 {
                    self.wrong(format!("{key}.trunks"), format!("{trunk}: port 0 answers nobody."));
                }
                if let Some(other) = trunks.insert(*trunk, key.clone()) {
                    let message = format!("{trunk} is the trunk of {other} too: a call from there could be either's.");
                    self.wrong(format!("{key}.trunks"), message);
                }
            }
        }
    }

    fn certificates(&mut self) {
        for endpoint in &self.inventory.certificates {
            let key = format!("certificates.{}", endpoint.name);
            if split_address(&endpoint.address).is_none() {
                let message = format!("{:?} is not a host and a port like \"sip.example.net:5061\".", endpoint.address);
                self.wrong(format!("{key}.address"), message);
            }
            if let Some(name) = endpoint.server_name.as_deref().filter(|name| ServerName::try_from(*name).is_err()) {
                self.wrong(
                    format!("{key}.server_name"),
                    format!("{name:?} is no name of a server. Take the one its users ask for."),
                );
            }
        }
    }

    fn credentials(&mut self) {
        for (name, reference) in &self.inventory.credentials {
            if reference.strip_prefix("file:").is_none_or(str::is_empty) {
                // The value is not repeated: it may be the secret itself.
                let message = format!("A credential is a reference like \"file:secrets/{name}\". No secret in this file.");
                self.wrong(format!("credentials.{name}"), message);
            }
        }
    }
}

fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
