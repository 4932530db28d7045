//! Objects of vSphere with their properties, and what they say of hosts, switches and machines. Pure.

use super::soap::{Fault, Reference, child, text, type_of};
use app::{
    fleet::facts::{Power, SeenCard, SeenMachine, VirtualSwitch},
    values::PortErrorKind,
};
use roxmltree::Node;

/// What is read of each kind of object.
pub const WANTED: [(&str, &[&str]); 5] = [
    ("HostSystem", &["name", "configManager.networkSystem"]),
    ("HostNetworkSystem", &["networkInfo.vswitch", "networkInfo.proxySwitch", "networkInfo.portgroup", "networkInfo.pnic"]),
    (
        "VirtualMachine",
        &[
            "name",
            "runtime.powerState",
            "runtime.host",
            "guest.toolsStatus",
            "config.hardware.device",
            "config.instanceUuid",
            "config.uuid",
        ],
    ),
    ("DistributedVirtualPortgroup", &["name", "key", "config.distributedVirtualSwitch"]),
    ("DistributedVirtualSwitch", &["name"]),
];

/// What the answers hold, page by page.
#[derive(Default)]
pub struct Objects {
    hosts: Vec<Host>,
    networks: Vec<HostNetwork>,
    machines: Vec<Machine>,
    port_groups: Vec<DistributedPortGroup>,
    /// Distributed switches by reference.
    switches: Vec<(Reference, String)>,
}

struct Host {
    reference: Reference,
    name: String,
    network: Option<Reference>,
}

struct HostNetwork {
    reference: Reference,
    switches: Vec<VirtualSwitch>,
}

struct Machine {
    host: Option<Reference>,
    seen: SeenMachine,
    /// For each card the key of its distributed port group, where it hangs on one.
    distributed: Vec<Option<String>>,
}

struct DistributedPortGroup {
    key: String,
    name: String,
    switch: Option<Reference>,
}

/// An object's properties, by name.
struct Properties<'a, 'input> {
    object: Node<'a, 'input>,
}

impl<'a, 'input> Properties<'a, 'input> {
    fn get(&self, name: &str) -> Option<Node<'a, 'input>> {
        let sets = self.object.children().filter(|node| node.tag_name().name() == "propSet");
        sets.filter(|set| text(*set, &["name"]) == Some(name)).find_map(|set| child(set, "val"))
    }

    fn text(&self, name: &str) -> Option<String> {
        Some(self.get(name)?.text()?.into())
    }

    fn list(&self, name: &str) -> Vec<Node<'a, 'input>> {
        self.get(name).into_iter().flat_map(|value| value.children().filter(Node::is_element)).collect()
    }

    /// A property that was not given, and why: over sessions and rights nothing is guessed.
    fn refused(&self) -> Result<(), Fault> {
        for missing in self.object.children().filter(|node| node.tag_name().name() == "missingSet") {
            let path = text(missing, &["path"]).unwrap_or_default().to_string();
            let why = child(missing, "fault").and_then(|fault| child(fault, "fault")).map_or("", type_of);
            match why {
                "NotAuthenticated" => return Err(Fault::NotAuthenticated),
                "NoPermission" => return Err(Fault::Other((PortErrorKind::Denied, format!("this user may not read {path}")))),
                // An ESXi has no distributed switches, a machine that is being made no configuration.
                _ => {}
            }
        }
        Ok(())
    }
}

impl Objects {
    /// Adds one page of an answer of RetrievePropertiesEx; the token of the next one, if there is one.
    pub fn add(&mut self, answer: Node<'_, '_>) -> Result<Option<String>, Fault> {
        let Some(page) = child(answer, "returnval") else { return Ok(None) };
        for object in page.children().filter(|node| node.tag_name().name() == "objects") {
            let reference = child(object, "obj").and_then(Reference::of);
            let reference = reference.ok_or_else(|| Fault::Other((PortErrorKind::Garbage, "an object has no name".into())))?;
            let properties = Properties { object };
            properties.refused()?;
            match reference.kind.as_str() {
                "HostSystem" => self.hosts.push(Host {
                    name: properties.text("name").unwrap_or_default(),
                    network: properties.get("configManager.networkSystem").and_then(Reference::of),
                    reference,
                }),
                "HostNetworkSystem" => self.networks.push(HostNetwork { switches: switches_of(&properties), reference }),
                "VirtualMachine" => self.machines.extend(machine_of(&reference, &properties)),
                "DistributedVirtualPortgroup" => self.port_groups.push(DistributedPortGroup {
                    key: properties.text("key").unwrap_or_else(|| reference.value.clone()),
                    name: properties.text("name").unwrap_or_default(),
                    switch: properties.get("config.distributedVirtualSwitch").and_then(Reference::of),
                }),
                // VmwareDistributedVirtualSwitch and its like.
                _ => self.switches.push((reference, properties.text("name").unwrap_or_default())),
            }
        }
        Ok(text(page, &["token"]).map(Into::into))
    }

    /// The switches and machines of one host: the only one, or the one of this name.
    pub fn of_host(self, name: &str) -> Result<(Vec<VirtualSwitch>, Vec<SeenMachine>), (PortErrorKind, String)> {
        let host = match self.hosts.as_slice() {
            [only] => only,
            several => several.iter().find(|host| host.name == name).ok_or_else(|| {
                let names: Vec<&str> = several.iter().map(|host| host.name.as_str()).collect();
                (
                    PortErrorKind::NotConfigured,
                    format!("it knows no host {name}; the inventory must name one of: {}", names.join(", ")),
                )
            })?,
        };
        let network = self.networks.iter().find(|network| Some(&network.reference) == host.network.as_ref());
        let mut switches = network.map(|network| network.switches.clone()).unwrap_or_default();
        for group in &self.port_groups {
            let owner = self.switches.iter().find(|(reference, _)| Some(reference) == group.switch.as_ref());
            if let Some(switch) = owner.and_then(|(_, owner)| switches.iter_mut().find(|switch| switch.name == *owner)) {
                switch.port_groups.push(group.name.clone());
            }
        }
        let network_name = |key: &String| {
            let group = self.port_groups.iter().find(|group| group.key == *key);
            group.map_or_else(|| key.clone(), |group| group.name.clone())
        };
        let of_this_host = self.machines.into_iter().filter(|machine| machine.host.as_ref().is_none_or(|on| *on == host.reference));
        let machines = of_this_host.map(|mut machine| {
            for (card, key) in machine.seen.cards.iter_mut().zip(&machine.distributed) {
                if let Some(key) = key {
                    card.network = network_name(key);
                }
            }
            machine.seen
        });
        Ok((switches, machines.collect()))
    }
}

/// Virtual switches of the host itself, and its share in distributed ones.
fn switches_of(properties: &Properties<'_, '_>) -> Vec<VirtualSwitch> {
    let cards: Vec<(String, String)> = properties
        .list("networkInfo.pnic")
        .into_iter()
        .filter_map(|card| Some((text(card, &["key"])?.into(), text(card, &["device"])?.into())))
        .collect();
    let groups = properties.list("networkInfo.portgroup");
    let switch = |node: Node<'_, '_>, name: &str| {
        let keys = node.children().filter(|node| node.tag_name().name() == "pnic").filter_map(|node| node.text());
        let device =
            |key: &str| cards.iter().find(|(known, _)| known == key).map_or_else(|| key.to_string(), |(_, device)| device.clone());
        let on_it = groups.iter().filter(|group| text(**group, &["spec", "vswitchName"]) == Some(name));
        VirtualSwitch {
            name: name.into(),
            mtu: text(node, &["mtu"]).and_then(|mtu| mtu.parse().ok()),
            uplinks: keys.map(device).collect(),
            port_groups: on_it.filter_map(|group| text(*group, &["spec", "name"]).map(Into::into)).collect(),
        }
    };
    let own = properties.list("networkInfo.vswitch").into_iter().filter_map(|node| Some(switch(node, text(node, &["name"])?)));
    let shared =
        properties.list("networkInfo.proxySwitch").into_iter().filter_map(|node| Some(switch(node, text(node, &["dvsName"])?)));
    own.chain(shared).collect()
}

/// Nothing for a machine that is just being made or unmade and has no name.
fn machine_of(reference: &Reference, properties: &Properties<'_, '_>) -> Option<Machine> {
    let power = match properties.text("runtime.powerState").as_deref() {
        Some("poweredOn") => Power::On,
        Some("poweredOff") => Power::Off,
        Some("suspended") => Power::Suspended,
        _ => Power::Unknown,
    };
    let devices = properties.list("config.hardware.device");
    // Whatever its model is called, what has a MAC is a network card.
    let cards: Vec<Node<'_, '_>> = devices.into_iter().filter(|device| child(*device, "macAddress").is_some()).collect();
    // The first is vCenter's own and lasting; a lone ESXi may not have it.
    let id = properties
        .text("config.instanceUuid")
        .or_else(|| properties.text("config.uuid"))
        .unwrap_or_else(|| reference.value.clone());
    Some(Machine {
        host: properties.get("runtime.host").and_then(Reference::of),
        distributed: cards.iter().map(|card| text(*card, &["backing", "port", "portgroupKey"]).map(Into::into)).collect(),
        seen: SeenMachine {
            name: properties.text("name")?,
            id,
            power,
            tools: properties.text("guest.toolsStatus").filter(|status| status != "toolsNotInstalled"),
            cards: cards.into_iter().map(card_of).collect(),
        },
    })
}

fn card_of(card: Node<'_, '_>) -> SeenCard {
    SeenCard {
        network: text(card, &["backing", "deviceName"]).unwrap_or_default().into(),
        mac: text(card, &["macAddress"]).unwrap_or_default().to_ascii_lowercase(),
        connected: text(card, &["connectable", "connected"]) == Some("true"),
        mtu: None,
    }
}
