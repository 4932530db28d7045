//! A shell on a machine, by OpenSSH's own `ssh`.
//!
//! Host keys are pinned to machines ([`KnownHosts`]), not to addresses. One look is one remote command over a connection that stays
//! open; its deadline ends it, and the connection with it, which the next look makes anew. The only files read are ours: no
//! configuration of whoever started the panel changes whom we trust.

mod answer;
pub mod confirmation;
mod master;
mod parse;
pub mod pins;
mod probe;
mod tail;

pub use master::sweep;
pub use pins::{KnownHosts, PublicKey, of_lab, offered};
pub use tail::{FilePiece, FilePlace};

use app::{
    context::now,
    fleet::facts::{NetworkProbes, ShellFacts},
    ports::RemoteShell,
    values::{Moment, PortError, PortErrorKind},
};
use master::{Answer, Failure, Master};
use parse::{Look, Processors};
use std::{
    net::{Ipv4Addr, SocketAddrV4},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

const LOOK: &str = include_str!("look.sh");
const PROBE: &str = include_str!("probe.sh");
const TAIL: &str = include_str!("tail.sh");
/// A probe waits for silence itself: two seconds for ARP, and the processes around it.
const PROBE_S: u64 = 6;
/// A piece of a file is longer than what a machine tells of itself.
const TAIL_TAKES: Duration = Duration::from_secs(2);

/// Where a machine's shell is, and by which key it is known.
#[derive(Clone, Debug)]
pub struct Target {
    /// The name the host key is pinned to.
    pub machine: String,
    pub address: SocketAddrV4,
    pub user: String,
    pub key_file: PathBuf,
    pub known_hosts: KnownHosts,
    /// The machine to go through, pinned by its name like any other.
    pub jump: Option<Jump>,
    /// For control sockets, private to the panel. Its path must be short: a socket's has at most 107 bytes.
    pub control_dir: PathBuf,
    /// Of one look, the connecting included.
    pub deadline: Duration,
}

#[derive(Clone, Debug)]
pub struct Jump {
    pub machine: String,
    pub address: SocketAddrV4,
    pub user: String,
}

pub struct Ssh {
    target: Target,
    master: tokio::sync::Mutex<Option<Arc<Master>>>,
    /// Of the look before.
    processors: Mutex<Option<Processors>>,
}

/// Letters, digits, points, hyphens and underscores: nothing that means something to ssh or its files.
fn is_name(name: &str) -> bool {
    let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    fits && !name.is_empty() && !name.starts_with('-')
}

fn is_path(path: &Path) -> bool {
    path.is_absolute() && path.to_str().is_some_and(|text| !text.contains(['"', '\\', '\n', '\r']))
}

impl Target {
    /// The whole of what ssh is to know. Names are checked in [`Ssh::new`].
    fn config(&self) -> String {
        let quoted = |path: &Path| format!("\"{}\"", path.display().to_string().replace('%', "%%"));
        let block = |machine: &str, address: SocketAddrV4, user: &str| {
            let (ip, port) = (address.ip(), address.port());
            format!("Host {machine}\n  HostName {ip}\n  Port {port}\n  User {user}\n  HostKeyAlias {machine}\n")
        };
        let mut text = block(&self.machine, self.address, &self.user);
        if let Some(jump) = &self.jump {
            text += &format!("  ProxyJump {}\n", jump.machine);
            text += &block(&jump.machine, jump.address, &jump.user);
        }
        text += "Host *\n  BatchMode yes\n  StrictHostKeyChecking yes\n  GlobalKnownHostsFile none\n  CheckHostIP no\n";
        text += "  UpdateHostKeys no\n  VerifyHostKeyDNS no\n  HashKnownHosts no\n  PreferredAuthentications publickey\n";
        text += "  IdentitiesOnly yes\n  IdentityAgent none\n  ForwardAgent no\n  ServerAliveInterval 5\n  ServerAliveCountMax 2\n";
        text += &format!("  ConnectTimeout {}\n", self.deadline.as_secs().max(1));
        text += &format!("  UserKnownHostsFile {}\n", quoted(self.known_hosts.file()));
        text + &format!("  IdentityFile {}\n", quoted(&self.key_file))
    }

    fn system(&self) -> String {
        let through = self.jump.as_ref().map_or(String::new(), |jump| format!(" through {}", jump.machine));
        format!("{} SSH {}{through}", self.machine, self.address)
    }

    fn check(&self) -> Result<(), String> {
        let names = [&self.machine, &self.user].into_iter().chain(self.jump.iter().flat_map(|jump| [&jump.machine, &jump.user]));
        for name in names {
            if !is_name(name) {
                return Err(format!("{name:?} is not a name ssh can be given"));
            }
        }
        if self.jump.as_ref().is_some_and(|jump| jump.machine == self.machine) {
            return Err("a machine cannot be reached through itself".into());
        }
        for path in [&self.key_file, self.known_hosts.file(), &self.control_dir] {
            if !is_path(path) {
                return Err(format!("{} is not a path ssh can be given: it must be absolute, without quotes", path.display()));
            }
        }
        Ok(())
    }
}

fn late(deadline: Duration) -> Failure {
    (PortErrorKind::TimedOut, format!("no answer within {} s", deadline.as_secs_f32()))
}

impl Ssh {
    pub fn new(target: Target) -> Result<Self, PortError> {
        let ours = |said| PortError::new(target.system(), "prepare the connection", PortErrorKind::NotConfigured, said);
        target.check().map_err(ours)?;
        Ok(Self { target, master: tokio::sync::Mutex::default(), processors: Mutex::default() })
    }

    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Lets go of the connection; the next look makes a new one.
    pub async fn disconnect(&self) {
        self.master.lock().await.take();
    }

    /// The connection that is there, or a new one, and whether it is new.
    async fn master(&self) -> Result<(Arc<Master>, bool), Failure> {
        let mut slot = self.master.lock().await;
        if let Some(master) = slot.as_ref().filter(|master| master.is_alive()) {
            return Ok((Arc::clone(master), false));
        }
        // The old one goes first, so that there are never two.
        slot.take();
        let master = Arc::new(Master::open(&self.target).await?);
        *slot = Some(Arc::clone(&master));
        Ok((master, true))
    }

    async fn try_to_run(&self, script: &'static str, words: &[String], input: &[u8]) -> Result<Answer, Failure> {
        let (master, is_new) = self.master().await?;
        match master.run(script, words, input).await {
            // It may have died since the look before, when the machine started anew.
            Err((PortErrorKind::Broken, _)) if !is_new => {
                drop(master);
                self.disconnect().await;
                self.master().await?.0.run(script, words, input).await
            }
            answered => answered,
        }
    }

    async fn run(&self, doing: &str, script: &'static str, words: &[String], deadline: Duration) -> Result<Answer, PortError> {
        self.run_with(doing, script, words, &[], deadline).await
    }

    async fn run_with(
        &self,
        doing: &str,
        script: &'static str,
        words: &[String],
        input: &[u8],
        deadline: Duration,
    ) -> Result<Answer, PortError> {
        let failed = |(kind, said): Failure| PortError::new(self.target.system(), doing, kind, said);
        let answered = tokio::time::timeout(deadline, self.try_to_run(script, words, input)).await;
        let answered = answered.unwrap_or_else(|_| Err(late(deadline)));
        if let Err((PortErrorKind::TimedOut | PortErrorKind::Broken, _)) = &answered {
            self.disconnect().await;
        }
        answered.map_err(failed)
    }
}

impl Ssh {
    /// The next piece of a file of lines that grows, from where the last one ended.
    pub async fn tail(&self, path: &str, place: FilePlace) -> Result<FilePiece, PortError> {
        let doing = format!("read {path}");
        let words = [path.to_string(), place.first_line.to_string(), place.offset.to_string(), tail::PIECE_BYTES_MAX.to_string()];
        let answer = self.run(&doing, TAIL, &words, self.target.deadline + TAIL_TAKES).await?;
        let garbage = |said| PortError::new(self.target.system(), doing.as_str(), PortErrorKind::Garbage, said);
        tail::parse(&answer.bytes, tail::PIECE_BYTES_MAX).map_err(garbage)
    }
}

impl Ssh {
    /// Changes something on the machine: a fixed script with words for its `"$@"`, which may be run again after it was cut off. Gives
    /// what it printed; where it ended badly, its complaint is the failure.
    pub async fn act(&self, doing: &str, script: &'static str, words: &[String], within: Duration) -> Result<String, PortError> {
        self.act_with(doing, script, words, &[], within).await
    }

    /// The same with something for its input, which no list of processes shows.
    pub async fn act_with(
        &self,
        doing: &str,
        script: &'static str,
        words: &[String],
        input: &[u8],
        within: Duration,
    ) -> Result<String, PortError> {
        let answer = self.run_with(doing, script, words, input, within).await?;
        if answer.succeeded {
            return Ok(answer.text().into_owned());
        }
        let complaint = answer.complaint.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = if complaint.is_empty() { answer.text().trim().to_string() } else { complaint };
        let said = if said.is_empty() { "it failed and did not say why".to_string() } else { said };
        Err(PortError::new(self.target.system(), doing, PortErrorKind::Failed, said))
    }
}

impl Ssh {
    /// A socket of ours from which one comes to this address as the machine would.
    pub async fn way_to(&self, address: SocketAddrV4) -> Result<PathBuf, PortError> {
        let doing = format!("find a way to {address} through it");
        let failed = |(kind, said): Failure| PortError::new(self.target.system(), doing.as_str(), kind, said);
        let way = async { self.master().await?.0.way_to(address).await };
        let found = tokio::time::timeout(self.target.deadline, way).await;
        found.unwrap_or_else(|_| Err(late(self.target.deadline))).map_err(failed)
    }
}

/// How far the machine's clock is ahead of ours; it read it about halfway between our question and its answer.
fn clock_offset_ms(clock_ns: i128, sent: Moment, first_after: Duration) -> f64 {
    let ours_ns = i128::from(sent.plus(first_after / 2).micros()) * 1_000;
    (clock_ns - ours_ns) as f64 / 1_000_000.0
}

impl RemoteShell for Ssh {
    async fn observe(&self) -> Result<ShellFacts, PortError> {
        let doing = "look at the machine";
        // The first look may have to connect, which is not the way to the machine's clock. Both together have the one deadline.
        let began = Instant::now();
        let failed = |(kind, said): Failure| PortError::new(self.target.system(), doing, kind, said);
        let connected = tokio::time::timeout(self.target.deadline, self.master()).await;
        connected.unwrap_or_else(|_| Err(late(self.target.deadline))).map_err(failed)?;
        let sent = now();
        let answer = self.run(doing, LOOK, &[], self.target.deadline.saturating_sub(began.elapsed())).await?;
        let garbage = |said| PortError::new(self.target.system(), doing, PortErrorKind::Garbage, said);
        let Look { mut facts, clock_ns, processors } = parse::parse(&answer.text()).map_err(garbage)?;
        facts.observed_at = now();
        facts.round_trip_ms = answer.first_after.as_secs_f32() * 1_000.0;
        if let Some(clock_ns) = clock_ns {
            facts.clock_offset_ms = clock_offset_ms(clock_ns, sent, answer.first_after);
        }
        let before = std::mem::replace(&mut *self.processors.lock().unwrap_or_else(PoisonError::into_inner), processors);
        facts.cpu_percent = before.zip(processors).and_then(|(before, now)| now.percent_since(before));
        Ok(facts)
    }

    async fn probe(
        &self,
        card: &str,
        size_bytes: u32,
        peers: &[(String, Ipv4Addr)],
        addresses: &[Ipv4Addr],
    ) -> Result<NetworkProbes, PortError> {
        let doing = format!("probe the network on its card {card}");
        let failed = |(kind, said): Failure| PortError::new(self.target.system(), doing.as_str(), kind, said);
        if !is_name(card) || size_bytes < probe::HEADERS_BYTES {
            return Err(failed((PortErrorKind::NotConfigured, format!("{card:?} with {size_bytes} bytes cannot be probed"))));
        }
        let mut words = vec![card.to_string(), (size_bytes - probe::HEADERS_BYTES).to_string(), peers.len().to_string()];
        words.extend(peers.iter().map(|(_, address)| address.to_string()));
        words.extend(addresses.iter().map(Ipv4Addr::to_string));
        let deadline = self.target.deadline + Duration::from_secs(PROBE_S);
        let answer = self.run(&doing, PROBE, &words, deadline).await?;
        let probed = probe::parse(&answer.text(), &self.target.machine, size_bytes, peers, addresses).map_err(failed)?;
        Ok(NetworkProbes { network: card.into(), pings: probed.pings, answers: probed.answers, observed_at: now() })
    }
}

#[cfg(test)]
mod tests;
