//! libvirt's XML, understood. Pure: text in, facts out.

use app::fleet::facts::{Power, SeenCard, VirtualSwitch};
use roxmltree::{Document, Node};

#[derive(Debug, PartialEq)]
pub struct Domain {
    pub name: String,
    pub id: String,
    /// What libvirt says of the guest's agent: `connected`, `disconnected`; absent without its channel.
    pub agent: Option<String>,
    pub cards: Vec<DomainCard>,
}

#[derive(Debug, PartialEq)]
pub struct DomainCard {
    pub source: Source,
    mac: String,
    is_linked: bool,
    mtu: Option<u32>,
    /// The host's side of the cable (`vnet3`), while the machine runs.
    port: Option<String>,
}

/// What a card hangs on, as the machine's definition says.
#[derive(Debug, PartialEq)]
pub enum Source {
    Network(String),
    Bridge(String),
    /// Directly on a card of the host.
    HostCard(String),
    Other(String),
}

#[derive(Debug, PartialEq)]
pub struct Network {
    pub name: String,
    bridge: Option<String>,
    mtu: Option<u32>,
    uplinks: Vec<String>,
}

/// A bridge of the host with what hangs on it, as far as libvirt can tell (it needs its interface driver for that).
#[derive(Debug, PartialEq)]
pub struct Bridge {
    name: String,
    mtu: Option<u32>,
    ports: Vec<String>,
}

impl DomainCard {
    pub fn seen(&self, networks: &[Network], power: Power) -> SeenCard {
        let network = match &self.source {
            // A bridge that is also a network's goes by the network's name, whichever way the machine says it.
            Source::Bridge(bridge) => {
                networks.iter().find(|network| network.bridge.as_ref() == Some(bridge)).map_or(bridge, |network| &network.name)
            }
            Source::Network(name) | Source::HostCard(name) | Source::Other(name) => name,
        };
        let connected = self.is_linked && matches!(power, Power::On | Power::Suspended);
        SeenCard { network: network.clone(), mac: self.mac.clone(), connected, mtu: self.mtu }
    }
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn attribute(node: Node<'_, '_>, element: &str, name: &str) -> Option<String> {
    node.children().find(|child| child.has_tag_name(element))?.attribute(name).map(Into::into)
}

fn text(node: Node<'_, '_>, element: &str) -> Option<String> {
    Some(node.children().find(|child| child.has_tag_name(element))?.text()?.trim().into())
}

fn mtu(node: Node<'_, '_>) -> Option<u32> {
    attribute(node, "mtu", "size")?.parse().ok()
}

fn parsed<'a>(dump: &'a str, root: &str) -> Result<Document<'a>, String> {
    let document = Document::parse(dump).map_err(|error| format!("it is no XML: {error}"))?;
    match document.root_element().has_tag_name(root) {
        true => Ok(document),
        false => Err(format!("it is <{}>, not <{root}>", document.root_element().tag_name().name())),
    }
}

pub fn domain(dump: &str) -> Result<Domain, String> {
    let document = parsed(dump, "domain")?;
    let root = document.root_element();
    let devices: Vec<Node<'_, '_>> = child(root, "devices").into_iter().flat_map(|devices| devices.children()).collect();
    let agent = devices.iter().filter(|device| device.has_tag_name("channel")).find_map(|channel| {
        let target = channel.children().find(|child| child.attribute("name") == Some("org.qemu.guest_agent.0"))?;
        Some(target.attribute("state").unwrap_or("disconnected").into())
    });
    Ok(Domain {
        name: text(root, "name").ok_or("a machine has no name")?,
        id: text(root, "uuid").ok_or("a machine has no UUID")?,
        agent,
        cards: devices.iter().filter(|device| device.has_tag_name("interface")).map(|card| card_of(*card)).collect(),
    })
}

fn card_of(card: Node<'_, '_>) -> DomainCard {
    let kind = card.attribute("type").unwrap_or_default();
    let source = |name: &str| attribute(card, "source", name).unwrap_or_default();
    DomainCard {
        source: match kind {
            "network" => Source::Network(source("network")),
            "bridge" => Source::Bridge(source("bridge")),
            "direct" => Source::HostCard(source("dev")),
            other => Source::Other(other.into()),
        },
        mac: attribute(card, "mac", "address").unwrap_or_default().to_ascii_lowercase(),
        is_linked: attribute(card, "link", "state").as_deref() != Some("down"),
        mtu: mtu(card),
        port: attribute(card, "target", "dev"),
    }
}

/// Without `<forward>` a network is isolated; with it, whatever its mode, packets leave the host.
pub fn network(dump: &str) -> Result<Network, String> {
    let document = parsed(dump, "network")?;
    let root = document.root_element();
    let mut uplinks = Vec::new();
    if let Some(forward) = child(root, "forward") {
        let mode = forward.attribute("mode").unwrap_or("nat");
        let cards: Vec<&str> =
            forward.children().filter(|node| node.has_tag_name("interface")).filter_map(|node| node.attribute("dev")).collect();
        let through = forward.attribute("dev").into_iter().chain(cards).fold(Vec::new(), |mut all, card| {
            if !all.contains(&card) {
                all.push(card);
            }
            all
        });
        uplinks = match through.is_empty() {
            true => vec![format!("forward {mode}")],
            false => through.into_iter().map(|card| format!("forward {mode} through {card}")).collect(),
        };
    }
    let bridge = attribute(root, "bridge", "name");
    Ok(Network { name: text(root, "name").ok_or("a network has no name")?, bridge, mtu: mtu(root), uplinks })
}

/// Nothing for an interface of the host that is no bridge.
pub fn bridge(dump: &str) -> Option<Bridge> {
    let document = parsed(dump, "interface").ok()?;
    let root = document.root_element();
    let ports = child(root, "bridge")?.children().filter(|node| node.has_tag_name("interface"));
    let ports = ports.filter_map(|node| node.attribute("name").map(Into::into)).collect();
    Some(Bridge { name: root.attribute("name")?.into(), mtu: mtu(root), ports })
}

/// One for each bridge: those of networks, those of the host, those that only a machine names.
pub fn switches(networks: &[Network], bridges: &[Bridge], domains: &[Domain]) -> Vec<VirtualSwitch> {
    let mut switches: Vec<VirtualSwitch> = Vec::new();
    for network in networks {
        let name = network.bridge.as_ref().unwrap_or(&network.name);
        let switch = of_name(&mut switches, name);
        switch.mtu = switch.mtu.or(network.mtu);
        switch.port_groups.push(network.name.clone());
        switch.uplinks.extend(network.uplinks.iter().cloned());
    }
    let cards = || domains.iter().flat_map(|domain| &domain.cards);
    for bridge in bridges {
        let switch = of_name(&mut switches, &bridge.name);
        switch.mtu = switch.mtu.or(bridge.mtu);
        // A port that is no machine's cable leads out.
        let of_machine = |port: &&String| cards().any(|card| card.port.as_ref() == Some(*port));
        switch.uplinks.extend(bridge.ports.iter().filter(|port| !of_machine(port)).cloned());
    }
    for card in cards() {
        match &card.source {
            Source::Bridge(bridge) => drop(of_name(&mut switches, bridge)),
            Source::HostCard(name) => {
                let switch = of_name(&mut switches, name);
                if switch.uplinks.is_empty() {
                    switch.uplinks.push(name.clone());
                }
            }
            Source::Network(_) | Source::Other(_) => {}
        }
    }
    for switch in &mut switches {
        if switch.port_groups.is_empty() {
            switch.port_groups.push(switch.name.clone());
        }
    }
    switches
}

fn of_name<'a>(switches: &'a mut Vec<VirtualSwitch>, name: &str) -> &'a mut VirtualSwitch {
    let at = switches.iter().position(|switch| switch.name == name).unwrap_or_else(|| {
        switches.push(VirtualSwitch { name: name.into(), ..VirtualSwitch::default() });
        switches.len() - 1
    });
    &mut switches[at]
}
