//! A host with libvirt, asked through its own program `virsh`.
//!
//! Not by linking libvirt: the panel must start where libvirt is not installed, and virsh brings every way to a remote host
//! (ssh, TLS, sockets) with it. Two runs make a look: who is there, then everything of each, several commands in one run.

use super::{
    command::{self, Program},
    libvirt_xml::{self as xml, Domain},
};
use app::{
    fleet::facts::{HypervisorFacts, Power, SeenMachine},
    ports::Hypervisor,
    values::{PortError, PortErrorKind},
};
use std::{collections::HashSet, time::Duration};
use tokio::time::Instant;

const VIRSH: Program = Program { name: "virsh", package: "libvirt-clients" };

/// Printed by virsh between the answers to its commands; no XML and no name holds such a line.
const MARK: &str = "=====wirecenter=====";

/// One run of virsh for all of these; a command that fails prints nothing and does not stop those after it.
const WHO_IS_THERE: [&str; 7] = [
    "version",
    "hostname",
    "list --all --uuid",
    "list --uuid --state-running",
    "list --uuid --state-paused",
    "list --uuid --state-shutoff",
    "net-list --all --uuid",
];

pub struct Libvirt {
    system: String,
    uri: String,
    deadline: Duration,
}

impl Libvirt {
    /// `uri` is libvirt's: `qemu:///system`, `qemu+ssh://root@10.0.0.5/system?keyfile=…&no_tty=1`.
    pub fn new(name: &str, uri: &str, deadline: Duration) -> Self {
        // What stands behind the question mark names files of ours; it is not for the log.
        let place = uri.split('?').next().unwrap_or_default();
        Self { system: format!("{name} libvirt {place}"), uri: uri.into(), deadline }
    }

    fn error(&self, doing: &str, (kind, said): command::Failure) -> PortError {
        PortError::new(&self.system, doing, kind, said)
    }

    /// What each command printed, in their order.
    async fn virsh(&self, commands: &[String], until: Instant) -> Result<Vec<String>, command::Failure> {
        let script: Vec<String> = commands.iter().map(|command| format!("{command}; echo {MARK}")).collect();
        let printed = command::run(VIRSH, &["-c", &self.uri, "--readonly", &script.join("; ")], until).await.map_err(told_apart)?;
        let text = String::from_utf8_lossy(&printed);
        let mut answers: Vec<String> = text.split(MARK).map(|answer| answer.trim().to_string()).collect();
        if answers.len() != commands.len() + 1 {
            return Err((PortErrorKind::Garbage, format!("virsh answered {} of {} commands", answers.len() - 1, commands.len())));
        }
        answers.truncate(commands.len());
        Ok(answers)
    }

    async fn look(&self, until: Instant) -> Result<HypervisorFacts, PortError> {
        let first: Vec<String> = WHO_IS_THERE.iter().map(ToString::to_string).chain(["iface-list --all".into()]).collect();
        let answers = self.virsh(&first, until).await.map_err(|failure| self.error("list its machines", failure))?;
        let [version, hostname, all, running, paused, off, networks, interfaces] = answers.as_slice() else {
            return Err(self.error("list its machines", (PortErrorKind::Garbage, "virsh left answers out".into())));
        };
        let (product, version) = running_hypervisor(version).ok_or_else(|| {
            self.error("read its version", (PortErrorKind::Garbage, "virsh did not tell which hypervisor runs there".into()))
        })?;
        let (machines, networks, interfaces) = (ids(all), ids(networks), interface_names(interfaces));
        let mut details: Vec<String> = Vec::new();
        details.extend(machines.iter().map(|id| format!("dumpxml {id}")));
        details.extend(networks.iter().map(|id| format!("net-dumpxml {id}")));
        details.extend(interfaces.iter().map(|name| format!("iface-dumpxml {name}")));
        let mut dumps = if details.is_empty() {
            Vec::new()
        } else {
            self.virsh(&details, until).await.map_err(|failure| self.error("read its machines and networks", failure))?
        };
        let interfaces = dumps.split_off(machines.len() + networks.len());
        let networks = dumps.split_off(machines.len());

        let garbage = |doing: &'static str| move |said: String| self.error(doing, (PortErrorKind::Garbage, said));
        // Whoever went away between the two runs printed nothing.
        let there = |dump: &&String| !dump.is_empty();
        let domains: Vec<Domain> = dumps
            .iter()
            .filter(there)
            .map(|dump| xml::domain(dump))
            .collect::<Result<_, _>>()
            .map_err(garbage("read a machine"))?;
        let networks: Vec<_> = networks
            .iter()
            .filter(there)
            .map(|dump| xml::network(dump))
            .collect::<Result<_, _>>()
            .map_err(garbage("read a network"))?;
        let bridges: Vec<_> = interfaces.iter().filter(there).filter_map(|dump| xml::bridge(dump)).collect();
        let (running, paused, off) = (set_of(running), set_of(paused), set_of(off));
        let power = |id: &str| match id {
            id if running.contains(id) => Power::On,
            id if paused.contains(id) => Power::Suspended,
            id if off.contains(id) => Power::Off,
            _ => Power::Unknown,
        };
        let switches = xml::switches(&networks, &bridges, &domains);
        let machines = domains.into_iter().map(|domain| {
            let power = power(&domain.id);
            let cards = domain.cards.iter().map(|card| card.seen(&networks, power)).collect();
            SeenMachine { name: domain.name, id: domain.id, power, tools: domain.agent, cards }
        });
        Ok(HypervisorFacts { host: hostname.clone(), product, version, switches, machines: machines.collect() })
    }
}

impl Hypervisor for Libvirt {
    async fn observe(&self) -> Result<HypervisorFacts, PortError> {
        self.look(Instant::now() + self.deadline).await
    }
}

/// `Running hypervisor: QEMU 7.2.22`. A host on which no emulator is installed tells libvirt's own version only.
fn running_hypervisor(said: &str) -> Option<(String, String)> {
    let after = |start: &str| said.lines().find_map(|line| line.strip_prefix(start));
    let (product, version) = after("Running hypervisor: ").or_else(|| after("Using API: "))?.trim().rsplit_once(' ')?;
    Some((product.into(), version.into()))
}

/// Only what is a UUID is given back to virsh, whose words are divided at blanks and semicolons.
fn ids(listed: &str) -> Vec<String> {
    let is_id = |line: &&str| line.len() == 36 && line.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    listed.lines().map(str::trim).filter(is_id).map(Into::into).collect()
}

fn set_of(listed: &str) -> HashSet<String> {
    ids(listed).into_iter().collect()
}

/// The first column of virsh's table, below its head.
fn interface_names(table: &str) -> Vec<String> {
    let plain = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:@".contains(&byte));
    let rows = table.lines().skip_while(|line| !line.trim_start().starts_with("---")).skip(1);
    rows.filter_map(|row| row.split_whitespace().next()).filter(plain).map(Into::into).collect()
}

/// virsh has one exit status for every failure; its words say which.
fn told_apart((kind, said): command::Failure) -> command::Failure {
    let says = |words: &[&str]| words.iter().any(|word| said.to_ascii_lowercase().contains(word));
    let kind = match kind {
        PortErrorKind::Failed if says(&["host key verification failed", "certificate"]) => PortErrorKind::WrongIdentity,
        PortErrorKind::Failed if says(&["authentication", "access denied", "permission denied"]) => PortErrorKind::Denied,
        PortErrorKind::Failed if says(&["no connection driver", "invalid uri", "malformed"]) => PortErrorKind::NotConfigured,
        PortErrorKind::Failed if says(&["failed to connect socket", "unable to connect", "cannot recv data"]) => {
            PortErrorKind::Refused
        }
        // Each packet begins with its length: whoever speaks something else seems to announce a very long one.
        PortErrorKind::Failed if says(&["received from server too large", "received from server too small"]) => {
            PortErrorKind::Garbage
        }
        PortErrorKind::Failed if says(&["end of file while reading"]) => PortErrorKind::Broken,
        other => other,
    };
    // Its first line says no more than that it failed.
    let said = said.trim_start_matches("error: ").trim_start_matches("failed to connect to the hypervisor error: ");
    (kind, said.into())
}
