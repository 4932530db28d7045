//! Trying the networks: on an isolated one the largest packet between each pair of its machines, and on every one who answers for
//! each address. The machines do it themselves, because the panel is on Management only.

use app::{
    context,
    fleet::{
        facts::{ArpAnswer, NetworkProbes},
        inventory::{Inventory, Machine, Network, Uplink},
        world::World,
    },
    ports::RemoteShell,
    values::{Moment, PortError, PortErrorKind},
};
use futures::future::join_all;
use std::{collections::BTreeMap, net::Ipv4Addr, rc::Rc};

/// What one machine tries on one network.
#[derive(Debug, PartialEq, Eq)]
struct Task {
    machine: String,
    card: String,
    peers: Vec<(String, Ipv4Addr)>,
    addresses: Vec<Ipv4Addr>,
}

/// Every pair once, by the first of the two that has a shell; every address asked for by one that does not have it itself.
fn tasks(inventory: &Inventory, world: &World, name: &str, network: &Network, now: Moment) -> Vec<Task> {
    let reached = |machine: &&Machine| {
        let shell = world.machines.get(&machine.name).and_then(|seen| seen.shell.as_ref());
        shell.is_some_and(|shell| shell.failing.is_none() && shell.fresh(now).is_some())
    };
    let members: Vec<&Machine> = inventory.machines.iter().filter(|machine| inventory.address(machine, name).is_some()).collect();
    let askers: Vec<&Machine> = members.iter().copied().filter(reached).collect();
    let mut found: Vec<Task> = askers
        .iter()
        .filter_map(|machine| {
            Some(Task {
                machine: machine.name.clone(),
                card: card(world, machine, inventory.address(machine, name)?, name),
                peers: Vec::new(),
                addresses: Vec::new(),
            })
        })
        .collect();
    if network.uplink == Uplink::Forbidden {
        for (i, one) in members.iter().enumerate() {
            for other in &members[i + 1..] {
                let asker = [one, other].into_iter().position(|machine| askers.iter().any(|asker| asker.name == machine.name));
                let (from, to) = match asker {
                    Some(0) => (one, other),
                    Some(_) => (other, one),
                    None => continue,
                };
                if let (Some(task), Some(address)) =
                    (found.iter_mut().find(|task| task.machine == from.name), inventory.address(to, name))
                {
                    task.peers.push((to.name.clone(), address));
                }
            }
        }
    }
    for (owner, address) in addresses(inventory, name) {
        if let Some(task) = found.iter_mut().find(|task| Some(task.machine.as_str()) != owner) {
            task.addresses.push(address);
        }
    }
    found.retain(|task| !task.peers.is_empty() || !task.addresses.is_empty());
    found
}

/// The addresses that are somebody's on this network; those that move belong to nobody in particular.
fn addresses<'a>(inventory: &'a Inventory, name: &str) -> Vec<(Option<&'a str>, Ipv4Addr)> {
    let machines =
        inventory.machines.iter().filter_map(|machine| Some((Some(machine.name.as_str()), inventory.address(machine, name)?)));
    let shared = inventory.clusters.values().flat_map(|cluster| {
        let moving = cluster.virtual_addresses.iter().filter(|address| address.network == name).map(|address| address.address);
        moving.chain(cluster.writer.get(name).copied())
    });
    machines.chain(shared.map(|address| (None, address))).collect()
}

/// The card that has the address; in the lab a card is called like its network.
fn card(world: &World, machine: &Machine, address: Ipv4Addr, network: &str) -> String {
    let shell = world.machines.get(&machine.name).and_then(|seen| seen.shell.as_ref()?.value());
    let has = |card: &&app::fleet::facts::Card| card.addresses.iter().any(|(own, _)| *own == address);
    let card = shell.and_then(|shell| shell.cards.iter().find(has));
    card.map_or_else(|| network.to_string(), |card| card.name.clone())
}

/// One look at a network, by all its machines at once.
pub(super) async fn probe<S: RemoteShell>(
    inventory: &Inventory,
    world: &World,
    shells: &BTreeMap<String, Rc<S>>,
    name: &str,
) -> Result<NetworkProbes, PortError> {
    let now = context::now();
    let network = inventory.networks.get(name).ok_or_else(|| nobody(name))?;
    let tasks = tasks(inventory, world, name, network, now);
    let asked = tasks.iter().filter_map(|task| {
        let shell = shells.get(&task.machine)?;
        Some(async move { shell.probe(&task.card, network.mtu, &task.peers, &task.addresses).await })
    });
    let mut whole = NetworkProbes { network: name.into(), observed_at: now, ..NetworkProbes::default() };
    let mut failed = None;
    let mut answered = false;
    for result in join_all(asked).await {
        match result {
            Ok(part) => {
                answered = true;
                whole.pings.extend(part.pings);
                part.answers.into_iter().for_each(|answer| add(&mut whole.answers, answer));
            }
            Err(error) => failed = Some(error),
        }
    }
    if answered { Ok(whole) } else { Err(failed.unwrap_or_else(|| nobody(name))) }
}

fn add(answers: &mut Vec<ArpAnswer>, new: ArpAnswer) {
    match answers.iter_mut().find(|known| known.address == new.address) {
        Some(known) => {
            for mac in new.macs {
                if !known.macs.contains(&mac) {
                    known.macs.push(mac);
                }
            }
        }
        None => answers.push(new),
    }
}

fn nobody(network: &str) -> PortError {
    PortError::new(
        format!("the network {network}"),
        "try it from its machines",
        PortErrorKind::Refused,
        "no machine on it has a shell",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::shipped::shipped_inventory;
    use app::fleet::{
        facts::{PairPing, ShellFacts},
        world::Seen,
    };
    use std::time::Duration;

    fn world(inventory: &Inventory, without: &[&str], now: Moment) -> World {
        let mut world = World::default();
        for machine in inventory.machines.iter().filter(|machine| machine.role.is_ours()) {
            let mut shell = Seen::new(3_000, now);
            if !without.contains(&machine.name.as_str()) {
                shell.note(Ok(ShellFacts::default()), now);
            }
            world.machines.entry(machine.name.clone()).or_default().shell = Some(shell);
        }
        world
    }

    #[test]
    fn every_pair_is_tried_once_and_every_address_asked_for_by_another() {
        let inventory = shipped_inventory().expect("it is valid");
        let now = Moment::from_seconds(1_000);
        for without in [&[][..], &["kamailio-01"][..], &["kamailio-01", "kamailio-02"][..]] {
            let world = world(&inventory, without, now);
            let tasks = tasks(&inventory, &world, "sync", &inventory.networks["sync"], now);
            let mut pairs: Vec<(String, String)> = Vec::new();
            for task in &tasks {
                for (peer, _) in &task.peers {
                    let mut pair = [task.machine.clone(), peer.clone()];
                    pair.sort();
                    pairs.push((pair[0].clone(), pair[1].clone()));
                }
                let own = inventory.machine(&task.machine).and_then(|machine| inventory.address(machine, "sync"));
                assert!(!task.addresses.iter().any(|address| Some(*address) == own), "{task:?}");
            }
            let all = pairs.len();
            pairs.sort();
            pairs.dedup();
            // Six pairs of four machines, less those of which neither has a shell.
            assert_eq!((pairs.len(), all), if without.len() == 2 { (5, 5) } else { (6, 6) });
            // Four machines and the writer's address.
            assert_eq!(tasks.iter().map(|task| task.addresses.len()).sum::<usize>(), 5);
        }
    }

    #[test]
    fn a_network_with_an_uplink_is_asked_for_addresses_only() {
        let inventory = shipped_inventory().expect("it is valid");
        let now = Moment::from_seconds(1_000);
        let tasks = tasks(&inventory, &world(&inventory, &[], now), "external", &inventory.networks["external"], now);
        assert!(tasks.iter().all(|task| task.peers.is_empty()) && !tasks.is_empty());
    }

    /// Answers for everybody it is asked about, or takes its whole deadline and fails.
    struct Shell {
        hangs: bool,
    }

    impl RemoteShell for Shell {
        async fn observe(&self) -> Result<ShellFacts, PortError> {
            Ok(ShellFacts::default())
        }

        async fn probe(
            &self,
            card: &str,
            size_bytes: u32,
            peers: &[(String, Ipv4Addr)],
            addresses: &[Ipv4Addr],
        ) -> Result<NetworkProbes, PortError> {
            if self.hangs {
                tokio::time::sleep(Duration::from_millis(300)).await;
                return Err(PortError::new("x", "probe", PortErrorKind::TimedOut, "no answer within 0.3 s"));
            }
            let ping = |(to, _): &(String, Ipv4Addr)| PairPing {
                from: "x".into(),
                to: to.clone(),
                size_bytes,
                answered: true,
                said: None,
                small_answered: None,
                round_trip_ms: Some(0.1),
            };
            let answer = |address: &Ipv4Addr| ArpAnswer { address: *address, macs: vec!["02:00".into()] };
            let (pings, answers) = (peers.iter().map(ping).collect(), addresses.iter().map(answer).collect());
            Ok(NetworkProbes { network: card.into(), pings, answers, observed_at: context::now() })
        }
    }

    #[tokio::test]
    async fn a_machine_that_hangs_takes_nothing_from_what_the_others_found() {
        let inventory = shipped_inventory().expect("it is valid");
        let world = world(&inventory, &[], context::now());
        let shells = |hanging: &[&str]| {
            let ours = inventory.machines.iter().filter(|machine| machine.role.is_ours());
            let shell = |name: &String| Rc::new(Shell { hangs: hanging.contains(&name.as_str()) });
            ours.map(|machine| (machine.name.clone(), shell(&machine.name))).collect::<BTreeMap<_, _>>()
        };
        let whole = probe(&inventory, &world, &shells(&[]), "sync").await.expect("all answer");
        assert_eq!((whole.pings.len(), whole.answers.len()), (6, 5));
        let began = std::time::Instant::now();
        let part = probe(&inventory, &world, &shells(&["kamailio-01"]), "sync").await.expect("three answer");
        assert!(part.pings.len() == 3 && !part.answers.is_empty(), "{part:?}");
        // Of several that hang, one deadline is waited for and not one after the other.
        let all = ["kamailio-01", "kamailio-02", "mariadb-01", "mariadb-02"];
        let error = probe(&inventory, &world, &shells(&all), "sync").await.expect_err("nobody answers");
        assert_eq!(error.kind, PortErrorKind::TimedOut);
        assert!(began.elapsed() < Duration::from_millis(1_200), "{:?}", began.elapsed());
    }
}
