//! Faults of cables, switches and what passes between them.

use super::Scene;
use crate::lab::{
    enter,
    plan::{port_name, switch_name},
};
use app::fleet::inventory::Role;

/// Where a sneaked uplink leads.
const OUTSIDE: &str = "external";

/// The link that is switched off: a machine's port, or a whole switch.
fn link(scene: &Scene<'_>) -> Result<String, String> {
    if scene.inventory.networks.contains_key(scene.target) {
        return Ok(switch_name(scene.target));
    }
    let (machine, network) = scene.nic()?;
    Ok(port_name(machine.number, network))
}

pub fn cut(scene: &Scene<'_>) -> Result<(), String> {
    scene.at_switches(&["ip", "link", "set", &link(scene)?, "down"]).map(|_| ())
}

pub fn mend(scene: &Scene<'_>) -> Result<(), String> {
    scene.at_switches(&["ip", "link", "set", &link(scene)?, "up"]).map(|_| ())
}

pub fn shrink_mtu(scene: &Scene<'_>) -> Result<(), String> {
    set_mtu(scene, "1500")
}

pub fn restore_mtu(scene: &Scene<'_>) -> Result<(), String> {
    let (_, network) = scene.nic()?;
    let declared = scene.inventory.networks.get(network).map_or(1500, |network| network.mtu);
    set_mtu(scene, &declared.to_string())
}

fn set_mtu(scene: &Scene<'_>, mtu: &str) -> Result<(), String> {
    let (machine, network) = scene.nic()?;
    enter::run(&mut enter::in_network(scene.lab, &machine.name)?, &["ip", "link", "set", network, "mtu", mtu]).map(|_| ())
}

fn isolated<'a>(scene: &'a Scene<'_>) -> Result<&'a str, String> {
    use app::fleet::inventory::Uplink;
    let isolated = |name: &str| scene.inventory.networks.get(name).is_some_and(|network| network.uplink == Uplink::Forbidden);
    if isolated(scene.target) {
        return Ok(scene.target);
    }
    let names: Vec<&str> = scene.inventory.networks.keys().map(String::as_str).filter(|name| isolated(name)).collect();
    Err(format!("{:?} is not an isolated network; these are: {}.", scene.target, names.join(", ")))
}

/// A cable from the switch of an isolated network to that of External.
pub fn sneak_uplink(scene: &Scene<'_>) -> Result<(), String> {
    let network = isolated(scene)?;
    let (here, there) = uplink_names(network);
    if scene.at_switches(&["ip", "link", "show", &here]).is_err() {
        scene.at_switches(&["ip", "link", "add", &here, "type", "veth", "peer", "name", &there])?;
    }
    scene.at_switches(&["ip", "link", "set", &here, "master", &switch_name(network), "up"])?;
    scene.at_switches(&["ip", "link", "set", &there, "master", &switch_name(OUTSIDE), "up"]).map(|_| ())
}

pub fn remove_uplink(scene: &Scene<'_>) -> Result<(), String> {
    let (here, _) = uplink_names(isolated(scene)?);
    if scene.at_switches(&["ip", "link", "show", &here]).is_err() {
        return Ok(());
    }
    scene.at_switches(&["ip", "link", "del", &here]).map(|_| ())
}

fn uplink_names(network: &str) -> (String, String) {
    (format!("uplink-{network}"), format!("outside-{network}"))
}

/// The addresses of the machines of a role, as a set.
fn addresses(scene: &Scene<'_>, role: &str) -> Result<String, String> {
    let Some(role) = Role::ALL.into_iter().find(|known| known.name() == role) else {
        return Err(format!("{role:?} is not a role; these are: {}.", Role::ALL.map(Role::name).join(", ")));
    };
    let mut addresses: Vec<String> = Vec::new();
    for machine in scene.inventory.of_role(role) {
        addresses.extend(scene.inventory.nics(machine).iter().map(|nic| nic.address.to_string()));
    }
    if let Some(cluster) = scene.inventory.cluster_of(role) {
        addresses.extend(cluster.writer.values().map(ToString::to_string));
        addresses.extend(cluster.virtual_addresses.iter().map(|one| one.address.to_string()));
    }
    Ok(format!("{{ {} }}", addresses.join(", ")))
}

fn zones<'a>(scene: &'a Scene<'_>) -> Result<(&'a str, &'a str), String> {
    scene.target.split_once(':').ok_or_else(|| format!("{:?} is not a pair of roles like asterisk:billing.", scene.target))
}

fn table(scene: &Scene<'_>) -> Result<String, String> {
    let (one, other) = zones(scene)?;
    Ok(format!("drop-{one}-{other}"))
}

pub fn drop_between(scene: &Scene<'_>) -> Result<(), String> {
    let (one, other) = zones(scene)?;
    let (these, those, table) = (addresses(scene, one)?, addresses(scene, other)?, table(scene)?);
    stop_dropping(scene)?;
    // On the switches themselves, where no machine's own firewall shows it.
    let rules = format!(
        "add table bridge {table}\n\
         add chain bridge {table} forward {{ type filter hook forward priority 0; }}\n\
         add rule bridge {table} forward ip saddr {these} ip daddr {those} counter drop\n\
         add rule bridge {table} forward ip saddr {those} ip daddr {these} counter drop\n"
    );
    scene.at_switches(&["nft", &rules]).map(|_| ())
}

pub fn stop_dropping(scene: &Scene<'_>) -> Result<(), String> {
    let table = table(scene)?;
    if scene.at_switches(&["nft", "list", "table", "bridge", &table]).is_err() {
        return Ok(());
    }
    scene.at_switches(&["nft", "delete", "table", "bridge", &table]).map(|_| ())
}
