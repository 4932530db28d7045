//! What the templates are told: the inventory as one machine sees it.

use super::{
    StackError,
    refusal::{REFUSALS, Refusal},
};
use app::fleet::inventory::{Cluster, Inventory, Machine, Role};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

/// Columns of `asterisk.cdr` that Asterisk fills, in the order of the local file. New ones come last: a file that an earlier version
/// began goes on, and its older lines are only shorter.
pub const CDR_COLUMNS: [&str; 24] = [
    "reference",
    "sip_call_id",
    "carrier_call_id",
    "uniqueid",
    "pbx",
    "proxy",
    "customer",
    "caller",
    "called",
    "carrier",
    "called_prefix",
    "rate",
    "authorization_id",
    "refusal",
    "disposition",
    "hangup_cause",
    "sip_status",
    "started_us",
    "answered_us",
    "ended_us",
    "billsec",
    "ringing_us",
    "customer_codec",
    "carrier_codec",
];

#[derive(Debug, Serialize)]
pub(super) struct Facts {
    /// The inventory's name.
    inventory: String,
    me: Member,
    nics: Vec<NicFacts>,
    networks: BTreeMap<String, NetworkFacts>,
    /// The other members of this machine's cluster.
    peers: Vec<Member>,
    proxies: Vec<Member>,
    pbxes: Vec<Member>,
    /// In the order in which this machine asks them.
    authorizers: Vec<Member>,
    databases: Vec<Member>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary: Option<Member>,
    /// Where writers of the database connect to, by network.
    writer: BTreeMap<String, Ipv4Addr>,
    virtual_addresses: Vec<VirtualFacts>,
    carriers: Vec<CarrierFacts>,
    customers: Vec<CustomerFacts>,
    /// Addresses that SIP may come from, each once.
    trunk_addresses: BTreeSet<Ipv4Addr>,
    refusals: [Refusal; 8],
    cdr_columns: [&'static str; 24],
}

/// A machine with its addresses by network: `{{ me.voice }}`. A network it is not on is undefined, and so an error where a template
/// needs it.
#[derive(Clone, Debug, Serialize)]
struct Member {
    name: String,
    role: &'static str,
    number: u8,
    #[serde(flatten)]
    addresses: BTreeMap<String, Ipv4Addr>,
}

#[derive(Debug, Serialize)]
struct NicFacts {
    network: String,
    address: Ipv4Addr,
}

#[derive(Debug, Serialize)]
struct NetworkFacts {
    subnet: String,
    base: Ipv4Addr,
    mask: Ipv4Addr,
    prefix_len: u8,
    /// As MariaDB writes a subnet in a user's name: `10.30.30.0/255.255.255.0`.
    pattern: String,
}

#[derive(Debug, Serialize)]
struct VirtualFacts {
    network: String,
    address: Ipv4Addr,
    prefers: String,
    router_id: u8,
}

#[derive(Debug, Serialize)]
struct Trunk {
    address: Ipv4Addr,
    port: u16,
}

#[derive(Debug, Serialize)]
struct CarrierFacts {
    name: String,
    set: u16,
    trunks: Vec<Trunk>,
}

#[derive(Debug, Serialize)]
struct CustomerFacts {
    name: String,
    trunks: Vec<Trunk>,
}

impl Facts {
    pub(super) fn of(inventory: &Inventory, me: &Machine) -> Result<Self, StackError> {
        let missing = |what: &str| StackError::Missing { machine: me.name.clone(), what: what.to_owned() };
        let database = inventory.cluster_of(Role::Mariadb);
        if matches!(me.role, Role::Kamailio | Role::Asterisk | Role::Mariadb) {
            let database = database.ok_or_else(|| missing("a cluster of role mariadb"))?;
            if database.primary.is_none() {
                return Err(missing("the primary of the database cluster"));
            }
            for network in ["data", "sync"] {
                if !database.writer.contains_key(network) {
                    return Err(missing(&format!("the database cluster's writer address on {network}")));
                }
            }
        }
        let proxies = inventory.cluster_of(Role::Kamailio);
        let virtual_addresses = proxies.map(|cluster| cluster.virtual_addresses.as_slice()).unwrap_or_default();
        let trunks = |trunks: &[std::net::SocketAddrV4]| -> Vec<Trunk> {
            trunks.iter().map(|trunk| Trunk { address: *trunk.ip(), port: trunk.port() }).collect()
        };
        let all_trunks = inventory.carriers.iter().flat_map(|carrier| &carrier.trunks);
        let all_trunks = all_trunks.chain(inventory.customers.iter().flat_map(|customer| &customer.trunks));
        Ok(Self {
            inventory: inventory.name.clone(),
            me: member(inventory, me),
            nics: inventory.nics(me).into_iter().map(|nic| NicFacts { network: nic.network, address: nic.address }).collect(),
            networks: networks(inventory),
            peers: members(inventory, me.role).into_iter().filter(|peer| peer.name != me.name).collect(),
            proxies: members(inventory, Role::Kamailio),
            pbxes: members(inventory, Role::Asterisk),
            authorizers: authorizers(inventory, me),
            databases: members(inventory, Role::Mariadb),
            primary: database.and_then(|cluster| primary(inventory, cluster)),
            writer: database.map(|cluster| cluster.writer.clone()).unwrap_or_default(),
            virtual_addresses: virtual_addresses.iter().map(virtual_facts).collect(),
            carriers: inventory
                .carriers
                .iter()
                .map(|carrier| CarrierFacts { name: carrier.name.clone(), set: carrier.set, trunks: trunks(&carrier.trunks) })
                .collect(),
            customers: inventory
                .customers
                .iter()
                .map(|customer| CustomerFacts { name: customer.name.clone(), trunks: trunks(&customer.trunks) })
                .collect(),
            trunk_addresses: all_trunks.map(|trunk| *trunk.ip()).collect(),
            refusals: REFUSALS,
            cdr_columns: CDR_COLUMNS,
        })
    }
}

fn member(inventory: &Inventory, machine: &Machine) -> Member {
    let addresses = inventory.nics(machine).into_iter().map(|nic| (nic.network, nic.address)).collect();
    Member { name: machine.name.clone(), role: machine.role.name(), number: machine.number, addresses }
}

/// The members of the role's cluster, or all machines of the role where no cluster is declared.
fn members(inventory: &Inventory, role: Role) -> Vec<Member> {
    let listed = inventory.cluster_of(role).map(|cluster| cluster.members.as_slice());
    let is_member = |machine: &&Machine| listed.is_none_or(|names| names.contains(&machine.name));
    inventory.of_role(role).filter(is_member).map(|machine| member(inventory, machine)).collect()
}

/// Each PBX begins with another authorizer, so that they share the work and one's silence is not everybody's.
fn authorizers(inventory: &Inventory, me: &Machine) -> Vec<Member> {
    let mut all = members(inventory, Role::Billing);
    let position = members(inventory, me.role).iter().position(|member| member.name == me.name).unwrap_or_default();
    let turn = position.checked_rem(all.len()).unwrap_or_default();
    all.rotate_left(turn);
    all
}

fn primary(inventory: &Inventory, cluster: &Cluster) -> Option<Member> {
    let machine = inventory.machine(cluster.primary.as_deref()?)?;
    Some(member(inventory, machine))
}

fn virtual_facts(address: &app::fleet::inventory::VirtualAddress) -> VirtualFacts {
    VirtualFacts {
        network: address.network.clone(),
        address: address.address,
        prefers: address.prefers.clone(),
        router_id: address.router_id,
    }
}

fn networks(inventory: &Inventory) -> BTreeMap<String, NetworkFacts> {
    let facts = |network: &app::fleet::inventory::Network| {
        let (base, mask) = (network.subnet.base, network.subnet.mask());
        let prefix_len = network.subnet.prefix_len;
        NetworkFacts { subnet: network.subnet.to_string(), base, mask, prefix_len, pattern: format!("{base}/{mask}") }
    };
    inventory.networks.iter().map(|(name, network)| (name.clone(), facts(network))).collect()
}
