//! What there is: networks, hosts, machines, clusters, carriers, customers. Read from one TOML file, written by people.
//!
//! Addresses are IPv4. A machine has one `number`, the last part of its address on every network it is on.

use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt,
    net::{Ipv4Addr, SocketAddrV4},
    str::FromStr,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    pub name: String,
    pub networks: BTreeMap<String, Network>,
    #[serde(default)]
    pub hosts: Vec<Host>,
    pub machines: Vec<Machine>,
    /// Where the interfaces of each role answer, by their names: `jsonrpc`, `ami`, `sql`, `ssh`, …
    #[serde(default)]
    pub endpoints: BTreeMap<Role, BTreeMap<String, Endpoint>>,
    #[serde(default)]
    pub clusters: BTreeMap<String, Cluster>,
    #[serde(default)]
    pub carriers: Vec<Carrier>,
    #[serde(default)]
    pub customers: Vec<Customer>,
    /// TLS endpoints whose certificates are looked at, besides those of the hypervisors and of the panel.
    #[serde(default)]
    pub certificates: Vec<TlsEndpoint>,
    /// What a credential is called, and where it is: `file:secrets/panel`.
    #[serde(default)]
    pub credentials: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    pub subnet: Subnet,
    /// Bytes of the largest packet.
    pub mtu: u32,
    pub uplink: Uplink,
    /// What the hypervisor calls it, where that is not its name here: a port group, a bridge, a virtual network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_group: Option<String>,
}

/// Whether a network may have a way out of the virtual switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Uplink {
    Expected,
    Forbidden,
}

/// A hypervisor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    pub name: String,
    pub kind: HostKind,
    pub management: Ipv4Addr,
    /// Where its interface answers: `qemu+ssh://root@10.40.40.1/system`, `https://10.40.40.1/sdk`. The lab needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The name of a credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// SHA-256 of the certificate it shows, in hexadecimal, where no authority signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostKind {
    Lab,
    Libvirt,
    Vsphere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Kamailio,
    Asterisk,
    Billing,
    Mariadb,
    Monitor,
    Carrier,
    Customer,
    Switch,
}

impl Role {
    pub const ALL: [Role; 8] =
        [Role::Kamailio, Role::Asterisk, Role::Billing, Role::Mariadb, Role::Monitor, Role::Carrier, Role::Customer, Role::Switch];

    pub const fn name(self) -> &'static str {
        match self {
            Role::Kamailio => "kamailio",
            Role::Asterisk => "asterisk",
            Role::Billing => "billing",
            Role::Mariadb => "mariadb",
            Role::Monitor => "monitor",
            Role::Carrier => "carrier",
            Role::Customer => "customer",
            Role::Switch => "switch",
        }
    }

    /// Whether the machine is ours to configure. Carriers, customers and the managed switch are somebody else's.
    pub const fn is_ours(self) -> bool {
        !matches!(self, Role::Carrier | Role::Customer | Role::Switch)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    pub name: String,
    pub role: Role,
    pub host: String,
    /// The last part of its address on every network.
    pub number: u8,
    pub networks: Vec<String>,
    /// The machine through which a shell on it is reached, where Management does not lead there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<String>,
    /// Size of its disk in the lab.
    #[serde(default = "disk_mib")]
    pub disk_mib: u32,
}

const fn disk_mib() -> u32 {
    256
}

/// One interface of a role's machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The network it answers on; the address there is the machine's own.
    pub network: String,
    pub port: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The name of a credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// Machines of one role that stand in for each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    pub role: Role,
    pub members: Vec<String>,
    /// The member that is written to, where only one may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<String>,
    /// The address writers connect to, by network; it stands on the primary.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub writer: BTreeMap<String, Ipv4Addr>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub virtual_addresses: Vec<VirtualAddress>,
    /// The folder on its machines where backups of a database lie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backups: Option<String>,
}

/// An address that moves between the members of a cluster by VRRP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VirtualAddress {
    pub network: String,
    pub address: Ipv4Addr,
    /// The member that holds it while it is healthy.
    pub prefers: String,
    /// VRRP's number of the group, 1 to 255, one per segment.
    pub router_id: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carrier {
    pub name: String,
    /// The carrier's dispatcher set in Kamailio.
    pub set: u16,
    /// Lower wins where expected costs are equal.
    pub priority: u16,
    pub trunks: Vec<SocketAddrV4>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customer {
    pub name: String,
    pub trunks: Vec<SocketAddrV4>,
}

/// Somebody who presents a certificate: a SIP proxy with TLS, a web site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsEndpoint {
    pub name: String,
    /// `portal.example.net:443`, `203.0.113.10:5061`
    pub address: String,
    /// The name its users ask for, where that is not the one in the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}

/// An IPv4 network with its length: `10.10.10.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subnet {
    pub base: Ipv4Addr,
    pub prefix_len: u8,
}

impl Subnet {
    /// The address of the machine with this number.
    pub fn address(self, number: u8) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.base) + u32::from(number))
    }

    /// The mask, written out: `255.255.255.0`.
    pub fn mask(self) -> Ipv4Addr {
        Ipv4Addr::from(self.bits())
    }

    pub fn contains(self, address: Ipv4Addr) -> bool {
        u32::from(address) & self.bits() == u32::from(self.base)
    }

    fn bits(self) -> u32 {
        u32::MAX << (32 - u32::from(self.prefix_len))
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix_len)
    }
}

impl From<Subnet> for String {
    fn from(subnet: Subnet) -> Self {
        subnet.to_string()
    }
}

impl TryFrom<String> for Subnet {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Subnet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a network like 10.10.10.0/24 with a length from 8 to 24");
        let (base, len) = text.split_once('/').ok_or_else(wrong)?;
        let (base, prefix_len): (Ipv4Addr, u8) = (base.parse().map_err(|_| wrong())?, len.parse().map_err(|_| wrong())?);
        let subnet = Self { base, prefix_len };
        // At least 256 addresses, so that every machine number fits; the base must be the network's first.
        if !(8..=24).contains(&prefix_len) || !subnet.contains(base) {
            return Err(wrong());
        }
        Ok(subnet)
    }
}

/// One network card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nic {
    pub network: String,
    pub address: Ipv4Addr,
    pub prefix_len: u8,
    pub mtu: u32,
}

impl Inventory {
    pub fn machine(&self, name: &str) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.name == name)
    }

    /// Whether a port group, bridge or virtual network of a hypervisor is this network. Where the inventory says what the
    /// hypervisor calls it, only that counts; else its own name, alone or as a word (`wc-voice`, `PG Voice`).
    pub fn is_offered_as(&self, network: &str, port_group: &str) -> bool {
        if let Some(called) = self.networks.get(network).and_then(|network| network.port_group.as_ref()) {
            return port_group.eq_ignore_ascii_case(called);
        }
        // A name that another network claims for itself is that network's, whatever words are in it.
        let claims = |other: &Network| other.port_group.as_ref().is_some_and(|called| port_group.eq_ignore_ascii_case(called));
        if self.networks.values().any(claims) {
            return false;
        }
        let mut words = port_group.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        port_group.eq_ignore_ascii_case(network) || words.any(|word| word.eq_ignore_ascii_case(network))
    }

    /// The network that a hypervisor calls so.
    pub fn network_called(&self, port_group: &str) -> Option<&str> {
        self.networks.keys().map(String::as_str).find(|name| self.is_offered_as(name, port_group))
    }

    pub fn cluster_of(&self, role: Role) -> Option<&Cluster> {
        self.clusters.values().find(|cluster| cluster.role == role)
    }

    pub fn of_role(&self, role: Role) -> impl Iterator<Item = &Machine> {
        self.machines.iter().filter(move |machine| machine.role == role)
    }

    /// The machine's network cards, in the order of its networks. Networks that the file does not declare are left out.
    pub fn nics(&self, machine: &Machine) -> Vec<Nic> {
        let nic = |name: &String| {
            let network = self.networks.get(name)?;
            let (address, prefix_len) = (network.subnet.address(machine.number), network.subnet.prefix_len);
            Some(Nic { network: name.clone(), address, prefix_len, mtu: network.mtu })
        };
        machine.networks.iter().filter_map(nic).collect()
    }

    /// Where an interface of this machine answers, if it has one of this name on a network it is on.
    pub fn endpoint(&self, machine: &Machine, name: &str) -> Option<(SocketAddrV4, &Endpoint)> {
        let endpoint = self.endpoints.get(&machine.role)?.get(name)?;
        Some((SocketAddrV4::new(self.address(machine, &endpoint.network)?, endpoint.port), endpoint))
    }

    pub fn address(&self, machine: &Machine, network: &str) -> Option<Ipv4Addr> {
        self.nics(machine).into_iter().find(|nic| nic.network == network).map(|nic| nic.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_knows_its_addresses_and_refuses_what_is_none() {
        let voice: Subnet = "10.10.10.0/24".parse().expect("a network");
        assert_eq!(voice.address(21), Ipv4Addr::new(10, 10, 10, 21));
        assert_eq!(voice.mask(), Ipv4Addr::new(255, 255, 255, 0));
        assert!(voice.contains(Ipv4Addr::new(10, 10, 10, 255)) && !voice.contains(Ipv4Addr::new(10, 10, 11, 0)));
        assert_eq!(voice.to_string(), "10.10.10.0/24");
        for wrong in ["10.10.10.0", "10.10.10.1/24", "10.10.10.0/25", "10.0.0.0/0", "x/24", ""] {
            assert!(wrong.parse::<Subnet>().is_err(), "{wrong}");
        }
    }
}
