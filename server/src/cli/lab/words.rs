//! What `wirecenter lab` prints for people, and the inventory for programs.

use crate::lab::{
    faults::{Fault, KINDS, Kind},
    load::LoadReport,
    status::LabStatus,
};
use app::fleet::inventory::{Endpoint, Inventory, Machine};
use std::collections::BTreeMap;

/// A line for each machine, its services below it; what is broken on purpose; and how many are up.
pub fn status(status: &LabStatus) -> Vec<String> {
    if status.machines.is_empty() {
        return vec!["The lab is not up. Start it with: sudo wirecenter lab up".into()];
    }
    let mut lines = Vec::new();
    for machine in &status.machines {
        let state = if machine.is_whole() { "● up" } else { "✖ down" };
        let nics: Vec<String> = machine
            .nics
            .iter()
            .map(|nic| format!("{} {} ({}{})", nic.network, nic.address, nic.mtu, if nic.linked { "" } else { ", no cable" }))
            .collect();
        lines.push(format!("{:<12} {state:<7} {}", machine.name, nics.join(", ")));
        for service in &machine.services {
            let mark = if service.up { "●" } else { "✖" };
            let said = service.said.as_deref().filter(|_| !service.up).map(|said| format!(" ({said})")).unwrap_or_default();
            lines.push(format!("{:<12}   {mark} {} {}{said}", "", service.name, service.version.as_deref().unwrap_or_default()));
        }
    }
    for fault in &status.faults {
        lines.push(format!("broken on purpose: {} {}", fault.name, fault.target));
    }
    let down = status.machines.iter().filter(|machine| !machine.is_whole()).count();
    lines.push(if down == 0 {
        format!("All {} machines are up.", status.machines.len())
    } else {
        format!("{down} of {} machines are not whole.", status.machines.len())
    });
    lines
}

pub fn down(was: bool, seconds: f64) -> String {
    if was {
        return format!("The lab is down and everything it made is removed ({seconds:.1} s).");
    }
    "There was no lab.".into()
}

pub fn broken(Fault { name, target }: &Fault) -> String {
    format!("Broken: {name} {target}. Heal it with: wirecenter lab heal {name} {target}")
}

pub fn healed(faults: &[Fault]) -> String {
    if faults.is_empty() {
        return "Nothing of that kind is broken.".into();
    }
    let names: Vec<String> = faults.iter().map(|fault| format!("{} {}", fault.name, fault.target)).collect();
    format!("Healed: {}.", names.join(", "))
}

/// Two lines for each kind of fault.
pub fn kinds() -> Vec<String> {
    let lines = |kind: &Kind| {
        let Kind { name, sentence, targets, default_target, .. } = kind;
        [format!("{name:<21} {sentence}"), format!("{:<21} target: {targets} [default: {default_target}]", "")]
    };
    KINDS.iter().flat_map(lines).collect()
}

pub fn load(report: &LoadReport) -> String {
    let shown = |ms: Option<f64>| ms.map_or_else(|| "–".into(), |ms| format!("{ms:.0} ms"));
    format!(
        "{} calls attempted: {} answered, {} refused or not answered, {} failed. ASR {} % (answered / attempted). Set up in {} (median), {} (95 of 100); rang after {} and {}.",
        report.attempted,
        report.answered,
        report.refused,
        report.failed,
        report.asr_percent,
        shown(report.setup_ms_p50),
        shown(report.setup_ms_p95),
        shown(report.pdd_ms_p50),
        shown(report.pdd_ms_p95)
    )
}

/// The inventory with every address written out, for those who do not want to reckon.
pub fn written_out(inventory: &Inventory) -> serde_json::Value {
    let endpoint = |machine: &Machine, name: &String| {
        let (address, endpoint) = inventory.endpoint(machine, name)?;
        let Endpoint { path, user, credential, .. } = endpoint;
        Some((name.clone(), serde_json::json!({ "address": address, "path": path, "user": user, "credential": credential })))
    };
    let machine = |machine: &Machine| {
        let names = inventory.endpoints.get(&machine.role).into_iter().flat_map(BTreeMap::keys);
        let endpoints: BTreeMap<String, serde_json::Value> = names.filter_map(|name| endpoint(machine, name)).collect();
        let Machine { name, role, host, .. } = machine;
        serde_json::json!({ "name": name, "role": role, "host": host, "nics": inventory.nics(machine), "endpoints": endpoints })
    };
    let machines: Vec<serde_json::Value> = inventory.machines.iter().map(machine).collect();
    let Inventory { name, networks, hosts, clusters, carriers, customers, certificates, credentials, .. } = inventory;
    serde_json::json!({
        "name": name, "networks": networks, "hosts": hosts, "machines": machines, "clusters": clusters,
        "carriers": carriers, "customers": customers, "certificates": certificates, "credentials": credentials,
    })
}
