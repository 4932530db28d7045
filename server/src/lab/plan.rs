//! What the lab's processes are told: plain data, written by `lab up` and read by the host and the machines as they boot.

use app::fleet::inventory::Nic;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::SocketAddrV4, path::PathBuf};

/// The hypervisor: its virtual switches and the machines on it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostPlan {
    pub name: String,
    /// Its own address, on the switch of Management.
    pub management: Nic,
    pub switches: Vec<Switch>,
    pub machines: Vec<HostedMachine>,
}

/// A virtual switch, which is a bridge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Switch {
    pub network: String,
    pub mtu: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostedMachine {
    pub name: String,
    pub disk_mib: u32,
    pub ports: Vec<Port>,
}

/// A machine's end of a cable at a virtual switch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Port {
    pub network: String,
    pub mtu: u32,
    /// Name of the switch's side. A link has a name of at most 15 letters.
    pub name: String,
}

/// The bridge of a network.
pub fn switch_name(network: &str) -> String {
    format!("br-{network}")
}

/// The switch's side of the cable to the machine with this number.
pub fn port_name(number: u8, network: &str) -> String {
    format!("p{number}-{network}")
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MachinePlan {
    pub name: String,
    /// Written to `/etc/hosts`, so that machines know each other by name.
    pub hosts: String,
    /// System users the daemons want and the distribution's package would have made.
    pub accounts: Vec<String>,
    /// Folders below `/etc` of which nothing of the real machine may be seen.
    pub own_folders: Vec<PathBuf>,
    pub binds: Vec<Bind>,
    pub nics: Vec<Nic>,
    pub services: Vec<Service>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Bind {
    pub from: PathBuf,
    pub to: PathBuf,
    pub read_only: bool,
    /// Where `from` lies: on the real machine, or in the lab's.
    pub inside: bool,
}

/// A daemon, or a job that is done once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    pub version: Option<String>,
    pub folders: Vec<Folder>,
    /// Run in order before the daemon starts.
    pub before: Vec<Step>,
    pub argv: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub ready: Ready,
    /// Run in order once it is ready; only then is the service up.
    pub after: Vec<Step>,
}

impl Service {
    pub fn new(name: &str, argv: &[&str], ready: Ready) -> Self {
        Self {
            name: name.into(),
            version: None,
            folders: Vec::new(),
            before: Vec::new(),
            argv: argv.iter().map(ToString::to_string).collect(),
            environment: BTreeMap::new(),
            ready,
            after: Vec::new(),
        }
    }

    pub fn folder(mut self, path: &str, owner: Option<&str>, mode: u32) -> Self {
        self.folders.push(Folder { path: path.into(), owner: owner.map(Into::into), mode });
        self
    }

    pub fn before(mut self, step: Step) -> Self {
        self.before.push(step);
        self
    }

    pub fn after(mut self, step: Step) -> Self {
        self.after.push(step);
        self
    }

    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    pub fn version(mut self, version: Option<String>) -> Self {
        self.version = version;
        self
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Folder {
    pub path: PathBuf,
    pub owner: Option<String>,
    pub mode: u32,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Step {
    pub argv: Vec<String>,
    /// A file given as standard input.
    pub input: Option<PathBuf>,
    /// Not run where this is there already.
    pub unless: Option<PathBuf>,
    /// Written when it is done.
    pub done: Option<PathBuf>,
    /// Tried again until then, in seconds; 0 for once.
    pub retry_s: u32,
}

impl Step {
    pub fn run(argv: &[&str]) -> Self {
        Self { argv: argv.iter().map(ToString::to_string).collect(), ..Self::default() }
    }

    pub fn input(mut self, file: &str) -> Self {
        self.input = Some(file.into());
        self
    }

    pub fn once(mut self, mark: &str) -> Self {
        self.unless = Some(mark.into());
        self.done = Some(mark.into());
        self
    }

    pub fn unless(mut self, file: &str) -> Self {
        self.unless = Some(file.into());
        self
    }

    pub fn retried(mut self, seconds: u32) -> Self {
        self.retry_s = seconds;
        self
    }
}

/// How one sees that a service can be used.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ready {
    /// As soon as it runs.
    Started,
    Path(PathBuf),
    Tcp(SocketAddrV4),
    /// A job: when it has ended without an error.
    Ended,
    /// A command succeeds.
    Answers(Vec<String>),
    /// A machine of the host: when it has booted and hangs on its switches.
    Booted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_names_fit_into_what_the_kernel_allows() {
        for network in ["management", "external", "voice", "data", "sync"] {
            assert!(switch_name(network).len() <= 15 && port_name(255, network).len() <= 15, "{network}");
        }
    }
}
