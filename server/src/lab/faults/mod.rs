//! What can be broken on purpose, and healed again. A fault is listed before it is made and taken off the list after it is healed, so
//! that one whose making was interrupted is still found and undone; both may be done twice.

mod address;
mod carrier;
mod database;
mod machine;
mod network;

use super::{
    control::{Answer, Request, ServiceStatus, State, ask_host, ask_machine},
    daemons::require_root,
    enter,
    place::Layout,
    shipped::shipped_inventory,
};
use crate::nearest::nearest;
use app::fleet::inventory::{Inventory, Machine, Role};
use serde::{Deserialize, Serialize};
use std::{fs, io::Write, time::Duration};

/// A fault that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub name: String,
    pub target: String,
}

/// A kind of fault. The stable interface of `lab faults --json`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Kind {
    pub name: &'static str,
    pub sentence: &'static str,
    /// What may be given as the target.
    pub targets: &'static str,
    pub default_target: &'static str,
    #[serde(skip)]
    make: fn(&Scene<'_>) -> Result<(), String>,
    #[serde(skip)]
    heal: fn(&Scene<'_>) -> Result<(), String>,
}

pub const KINDS: &[Kind] = &[
    Kind {
        name: "kill",
        sentence: "Ends a daemon at once and keeps it ended, or switches a whole machine off.",
        targets: "MACHINE or MACHINE/SERVICE",
        default_target: "asterisk-01",
        make: machine::kill,
        heal: machine::revive,
    },
    Kind {
        name: "freeze",
        sentence: "Stops a daemon or a whole machine where it is: connections stay open and nothing answers.",
        targets: "MACHINE or MACHINE/SERVICE",
        default_target: "mariadb-01",
        make: machine::freeze,
        heal: machine::thaw,
    },
    Kind {
        name: "cut",
        sentence: "Pulls a machine's cable out of one network, or switches a whole network off.",
        targets: "MACHINE/NETWORK or NETWORK",
        default_target: "mariadb-02/sync",
        make: network::cut,
        heal: network::mend,
    },
    Kind {
        name: "silence",
        sentence: "A carrier takes calls and never says a word: no reply, not even 100 Trying.",
        targets: "CARRIER",
        default_target: "carrier-a",
        make: carrier::silence,
        heal: carrier::restore,
    },
    Kind {
        name: "carrier_503",
        sentence: "A carrier answers every call with 503 Service Unavailable.",
        targets: "CARRIER",
        default_target: "carrier-a",
        make: carrier::answer_503,
        heal: carrier::restore,
    },
    Kind {
        name: "fill_disk",
        sentence: "Fills a machine's disk to the last byte.",
        targets: "MACHINE",
        default_target: "mariadb-02",
        make: machine::fill_disk,
        heal: machine::empty_disk,
    },
    Kind {
        name: "stop_replication",
        sentence: "Stops both threads of a replica.",
        targets: "a MariaDB replica",
        default_target: "mariadb-02",
        make: database::stop_replication,
        heal: database::start_replication,
    },
    Kind {
        name: "lag_replication",
        sentence: "A replica applies what it gets a minute late.",
        targets: "a MariaDB replica",
        default_target: "mariadb-02",
        make: database::lag,
        heal: database::catch_up,
    },
    Kind {
        name: "errant_transaction",
        sentence: "Somebody with too many rights writes on a replica: it now has a transaction its primary never had.",
        targets: "a MariaDB replica",
        default_target: "mariadb-02",
        make: database::write_on_replica,
        heal: database::forget_errant,
    },
    Kind {
        name: "duplicate_machine_id",
        sentence: "A machine has the machine-id of another of its role, as after a clone that nobody reset.",
        targets: "MACHINE",
        default_target: "asterisk-02",
        make: machine::copy_machine_id,
        heal: machine::restore_machine_id,
    },
    Kind {
        name: "duplicate_address",
        sentence: "The managed switch takes a machine's address on a segment and wins the ARP race.",
        targets: "MACHINE/NETWORK, management or external",
        default_target: "asterisk-02/management",
        make: address::take,
        heal: address::give_back,
    },
    Kind {
        name: "wrong_mtu",
        sentence: "One network card carries packets of 1500 bytes on a network of 9000.",
        targets: "MACHINE/NETWORK",
        default_target: "mariadb-02/sync",
        make: network::shrink_mtu,
        heal: network::restore_mtu,
    },
    Kind {
        name: "uplink",
        sentence: "Somebody gives an isolated network an uplink: what is on it can be reached from External.",
        targets: "NETWORK",
        default_target: "voice",
        make: network::sneak_uplink,
        heal: network::remove_uplink,
    },
    Kind {
        name: "drop_zone",
        sentence: "Packets between the machines of two roles are dropped without a word.",
        targets: "ROLE:ROLE",
        default_target: "asterisk:billing",
        make: network::drop_between,
        heal: network::stop_dropping,
    },
];

/// What making and healing a fault can see.
pub struct Scene<'a> {
    pub lab: &'a Layout,
    pub inventory: Inventory,
    pub target: &'a str,
}

impl Scene<'_> {
    /// The target's machine, and what of it is meant (`MACHINE/PART`).
    pub fn machine(&self) -> Result<(&Machine, Option<&str>), String> {
        let (name, part) = self.target.split_once('/').map_or((self.target, None), |(name, part)| (name, Some(part)));
        match self.inventory.machine(name) {
            Some(machine) => Ok((machine, part)),
            None => {
                let names: Vec<&str> = self.inventory.machines.iter().map(|machine| machine.name.as_str()).collect();
                Err(format!("There is no machine {name:?}. There are: {}.", names.join(", ")))
            }
        }
    }

    pub fn machine_of(&self, role: Role) -> Result<&Machine, String> {
        let (machine, part) = self.machine()?;
        if machine.role == role && part.is_none() {
            return Ok(machine);
        }
        let names: Vec<&str> = self.inventory.of_role(role).map(|machine| machine.name.as_str()).collect();
        Err(format!("{:?} cannot be the target; these can: {}.", self.target, names.join(", ")))
    }

    /// The machine and one of its networks.
    pub fn nic(&self) -> Result<(&Machine, &str), String> {
        let (machine, network) = self.machine()?;
        match network {
            Some(network) if machine.networks.iter().any(|known| known == network) => Ok((machine, network)),
            _ => Err(format!(
                "Which network card? {} has: {}.",
                machine.name,
                machine.networks.iter().map(|network| format!("{}/{network}", machine.name)).collect::<Vec<_>>().join(", ")
            )),
        }
    }

    pub fn at_switches(&self, argv: &[&str]) -> Result<String, String> {
        enter::run(&mut enter::at_switches(self.lab)?, argv)
    }

    pub fn inside(&self, machine: &str, argv: &[&str]) -> Result<String, String> {
        enter::run(&mut enter::in_machine(self.lab, machine)?, argv)
    }
}

pub fn find(name: &str) -> Result<&'static Kind, String> {
    KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| {
        format!(
            "There is no fault {name:?}; the nearest is {}. wirecenter lab faults lists them all.",
            nearest(KINDS.iter().map(|kind| kind.name), name)
        )
    })
}

pub fn listed(lab: &Layout) -> Vec<Fault> {
    fs::read_to_string(lab.faults()).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

fn write_list(lab: &Layout, faults: &[Fault]) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("The list of faults cannot be written: {error}. Nothing was broken.");
    let text = serde_json::to_string(faults).map_err(|error| error.to_string())?;
    let half = lab.faults().with_extension("new");
    let mut file = fs::File::create(&half).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(half, lab.faults()).map_err(failed)
}

fn start<'a>(lab: &'a Layout, target: &'a str) -> Result<Scene<'a>, String> {
    if lab.running().is_none() {
        return Err("The lab is not up, so there is nothing to break or heal. Start it with wirecenter lab up.".into());
    }
    Ok(Scene { lab, inventory: shipped_inventory()?, target })
}

/// Makes a fault. One that is there already is made again, which changes nothing.
pub fn make(lab: &Layout, name: &str, target: Option<&str>) -> Result<Fault, String> {
    let kind = find(name)?;
    require_root("lab break")?;
    let _lock = lab.lock(Duration::from_secs(30))?;
    let target = target.unwrap_or(kind.default_target);
    let scene = start(lab, target)?;
    let fault = Fault { name: kind.name.into(), target: target.into() };
    let before = listed(lab);
    if !before.contains(&fault) {
        write_list(lab, &[before.clone(), vec![fault.clone()]].concat())?;
    }
    if let Err(said) = (kind.make)(&scene) {
        // A target that makes no sense has changed nothing; one that failed half-way is undone.
        let _ = (kind.heal)(&scene);
        write_list(lab, &before)?;
        return Err(said);
    }
    Ok(fault)
}

/// Heals what matches: everything, all of a kind, or one.
pub fn heal(lab: &Layout, name: Option<&str>, target: Option<&str>) -> Result<Vec<Fault>, String> {
    if let Some(name) = name {
        find(name)?;
    }
    require_root("lab heal")?;
    let _lock = lab.lock(Duration::from_secs(30))?;
    start(lab, "")?;
    let matches = |fault: &Fault| name.is_none_or(|name| fault.name == name) && target.is_none_or(|target| fault.target == target);
    // The last first: a machine that was cut off and then switched off must be on again before its cable is.
    let wanted: Vec<Fault> = listed(lab).into_iter().rev().filter(matches).collect();
    let mut failed = Vec::new();
    for fault in &wanted {
        let scene = start(lab, &fault.target)?;
        match (find(&fault.name)?.heal)(&scene) {
            Ok(()) => write_list(lab, &listed(lab).into_iter().filter(|other| other != fault).collect::<Vec<_>>())?,
            Err(said) => failed.push(format!("{} {}: {said}", fault.name, fault.target)),
        }
    }
    if failed.is_empty() {
        return Ok(wanted);
    }
    Err(format!(
        "Not everything could be healed; what is left is still listed by wirecenter lab status.\n  {}",
        failed.join("\n  ")
    ))
}

/// Starts again whatever is down and is not down on purpose. Says how much that was.
pub fn repair(lab: &Layout) -> Result<usize, String> {
    let broken = listed(lab);
    let meant = |target: &str| broken.iter().any(|fault| fault.name == "kill" && fault.target == target);
    let mut repaired = 0;
    if let Answer::Services(machines) = ask_host(lab, &Request::Status)? {
        for machine in machines.into_iter().filter(|machine| machine.state == State::Down && !meant(&machine.name)) {
            ask_host(lab, &Request::Release { service: machine.name })?;
            repaired += 1;
        }
    }
    for (name, first) in lab.machine_processes() {
        let ask = |request: &Request| ask_machine(first, request, Duration::from_secs(1));
        // A frozen machine does not answer, and is frozen on purpose.
        let Ok(Answer::Services(services)) = ask(&Request::Status) else { continue };
        let down = |service: &ServiceStatus| service.state == State::Down && !meant(&format!("{name}/{}", service.name));
        for service in services.into_iter().filter(down) {
            repaired += usize::from(ask(&Request::Release { service: service.name }).is_ok());
        }
    }
    Ok(repaired)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faults_that_others_script_against_are_all_there() {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        let promised = "kill freeze cut silence carrier_503 fill_disk stop_replication lag_replication errant_transaction \
                        duplicate_machine_id duplicate_address wrong_mtu uplink drop_zone";
        assert_eq!(names.join(" "), promised);
        assert!(KINDS.iter().all(|kind| kind.sentence.ends_with('.') && !kind.default_target.is_empty()));
        assert!(find("kil").is_err_and(|said| said.contains("nearest is kill")));
    }
}
