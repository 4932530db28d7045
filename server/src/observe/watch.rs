//! All observers of one inventory: which adapter looks at what, how often, and where what it saw is kept.

use super::{
    certificates, collect,
    flows::Meter,
    hang_up::{HangUps, Wish},
    hosts, local_records, networks, relay,
    rounds::{Schedule, rounds},
    shell,
};
use crate::{
    adapters::{
        asterisk::{Asterisk, Door},
        kamailio::Kamailio,
        mariadb::MariaDb,
        sip::SipOptions,
        ssh::{
            Ssh,
            pins::{self, KnownHosts},
            sweep,
        },
    },
    cdr, credentials,
    lab::place::Layout,
    operations::last_seen::Memory,
    process,
};
use app::{
    context::{self, Panel},
    fleet::{
        inventory::{Host, HostKind, Inventory, Machine, Role},
        state::FleetState,
        world::{MachineSeen, Seen},
    },
    ports::{DatabaseNode, Pbx, RemoteShell, SipPeer, SipProxy},
    values::{Moment, PortError},
};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    net::{SocketAddr, SocketAddrV4},
    path::PathBuf,
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::task::spawn_local;
use tokio_util::sync::CancellationToken;

const fn schedule(every_ms: u64, deadline_ms: u64) -> Schedule {
    Schedule { every: Duration::from_millis(every_ms), deadline: Duration::from_millis(deadline_ms) }
}

/// A machine that is killed is red within six seconds: a round, two looks and the half second between them must fit.
const PROXY: Schedule = schedule(2_000, 1_500);
const SIP: Schedule = schedule(2_000, 1_500);
const PBX: Schedule = schedule(2_000, 1_500);
const DATABASE: Schedule = schedule(1_000, 1_500);
const SHELL: Schedule = schedule(3_000, 1_200);
pub(super) const HOST: Schedule = schedule(5_000, 4_000);
const NETWORK: Schedule = schedule(10_000, 9_000);
/// Below the panel's folder: the host keys people confirmed, and the sockets of connections that are kept.
pub const KNOWN_HOSTS: &str = "known_hosts";
pub const CONTROL_DIR: &str = "ssh";
const RELAY_DIR: &str = "relay";
/// A PBX that was not there is listened to again after this.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// What the observers have at hand.
pub struct Post {
    pub panel: Arc<Panel>,
    pub inventory: Arc<Inventory>,
    /// Where it came from: credentials lie beside it.
    pub file: PathBuf,
    /// The panel's own folder.
    pub state: PathBuf,
    /// Calls to be ended come this way.
    pub hang_ups: Arc<HangUps>,
    /// The panel's runtime, where its own database is spoken to.
    pub main: tokio::runtime::Handle,
}

/// Looks until it is told to stop; what it started ends with the thread it is on.
pub async fn run(post: Post, stop: CancellationToken) {
    let memory = Rc::new(RefCell::new(Memory::open(&post.state)));
    let watch = Watch { post, memory };
    match sweep(&watch.post.state.join(CONTROL_DIR)) {
        Ok(0) => {}
        Ok(swept) => tracing::info!(swept, "what a panel that was killed left of its connections was removed"),
        Err(error) => tracing::warn!(%error, "what a panel that was killed left of its connections cannot be removed"),
    }
    let machines: Vec<Machine> = watch.post.inventory.machines.iter().filter(|machine| machine.role.is_ours()).cloned().collect();
    let (mut shells, mut pbxs) = (BTreeMap::new(), BTreeMap::new());
    for machine in &machines {
        watch.pin_from_lab(machine);
        if let Some(shell) = watch.shell(machine) {
            shells.insert(machine.name.clone(), shell);
        }
        pbxs.extend(watch.service(machine).map(|pbx| (machine.name.clone(), pbx)));
    }
    watch.hang_ups(pbxs);
    watch.post.inventory.hosts.iter().for_each(|host| watch.host(host));
    watch.collect(&shells, &stop);
    watch.networks(shells);
    watch.flows();
    certificates::observe(&watch.post, &stop);
    stop.cancelled().await;
}

/// The place of one observer's findings.
type Slot<T> = fn(&mut MachineSeen) -> &mut Option<Seen<T>>;

struct Watch {
    post: Post,
    memory: Rc<RefCell<Memory>>,
}

impl Watch {
    fn fleet(&self) -> Arc<FleetState> {
        Arc::clone(&self.post.panel.fleet)
    }

    /// Looks at one interface of a machine from now on. One that cannot be set up is told like one that fails.
    fn look_at<A: 'static, T: 'static, F>(
        &self,
        machine: &str,
        what: &str,
        schedule: Schedule,
        slot: Slot<T>,
        adapter: Result<Rc<A>, PortError>,
        look: fn(Rc<A>) -> F,
    ) -> Option<Rc<A>>
    where
        F: Future<Output = Result<T, PortError>> + 'static,
    {
        let (fleet, name, now) = (self.fleet(), machine.to_string(), context::now());
        let every_ms = u32::try_from(schedule.every.as_millis()).unwrap_or(u32::MAX);
        fleet.update_machine(&name, now, |seen| *slot(seen) = Some(Seen::new(every_ms, now)));
        let note = move |result: Result<T, PortError>, at: Moment| {
            fleet.update_machine(&name, at, |seen| {
                if let Some(slot) = slot(seen) {
                    slot.note(result, at);
                }
            });
        };
        match adapter {
            Ok(adapter) => {
                let asked = Rc::clone(&adapter);
                spawn_local(rounds(format!("{machine} {what}"), schedule, move || look(Rc::clone(&asked)), note));
                Some(adapter)
            }
            Err(error) => {
                // Twice, as a failure that was confirmed: nothing will change it but another inventory.
                tracing::warn!(machine, "{error}");
                note(Err(error.clone()), now);
                note(Err(error), now);
                None
            }
        }
    }

    fn endpoint(&self, machine: &Machine, name: &str) -> Option<Endpoint> {
        let (address, endpoint) = self.post.inventory.endpoint(machine, name)?;
        let path = endpoint.path.clone().unwrap_or_default();
        let user = endpoint.user.clone().unwrap_or_default();
        Some(Endpoint { address, path, user, credential: endpoint.credential.clone() })
    }

    fn secret(&self, machine: &Machine, endpoint: &Endpoint) -> Result<String, PortError> {
        let name = endpoint.credential.as_deref().unwrap_or_default();
        credentials::beside(&self.post.file, &self.post.inventory)(name).map_err(|error| not_configured(&machine.name, error))
    }

    fn shell(&self, machine: &Machine) -> Option<Rc<Ssh>> {
        self.post.inventory.endpoint(machine, "ssh")?;
        let Post { inventory, file, state, .. } = &self.post;
        let adapter = shell::shell(inventory, file, state, machine, SHELL.deadline).map(Rc::new);
        let look = |ssh: Rc<Ssh>| async move { ssh.observe().await };
        self.look_at(&machine.name, "SSH", SHELL, |seen| &mut seen.shell, adapter, look)
    }

    /// In the lab a machine's keys are read from its disk, as soon as it runs; nobody has to confirm them.
    fn pin_from_lab(&self, machine: &Machine) {
        let kind = self.post.inventory.hosts.iter().find(|host| host.name == machine.host).map(|host| host.kind);
        if kind != Some(HostKind::Lab) {
            return;
        }
        let (lab, known_hosts) = (Layout::below(&self.post.state), KnownHosts::at(&self.post.state.join(KNOWN_HOSTS)));
        let name = machine.name.clone();
        spawn_local(async move {
            loop {
                match pins::of_lab(&lab, &name) {
                    Ok(keys) if !keys.is_empty() => {
                        if let Err(error) = known_hosts.pin(&name, &keys) {
                            tracing::warn!(machine = name, %error, "its host keys cannot be kept");
                        }
                        return;
                    }
                    _ => tokio::time::sleep(Duration::from_secs(1)).await,
                }
            }
        });
    }

    fn database(&self, machine: &Machine, endpoint: &Endpoint) {
        let adapter = self.secret(machine, endpoint).map(|secret| {
            let database = MariaDb::new(&machine.name, endpoint.address, &endpoint.user, &secret, DATABASE.deadline);
            Rc::new((machine.name.clone(), database, Rc::clone(&self.memory)))
        });
        let look = |watched: Rc<(String, MariaDb, Rc<RefCell<Memory>>)>| async move {
            let (name, database, memory) = &*watched;
            let facts = database.observe().await?;
            // A failover has to know it when nobody can be asked any more.
            if let Err(error) = memory.borrow_mut().note(name, &facts) {
                tracing::warn!(machine = name, %error, "what was seen of it cannot be written down");
            }
            // The heartbeat is written where writing is allowed, right after it was seen that it is.
            if !facts.read_only {
                database.beat(context::now()).await?;
            }
            Ok(facts)
        };
        self.look_at(&machine.name, "MariaDB", DATABASE, |seen| &mut seen.database, adapter, look);
    }

    fn pbx(&self, machine: &Machine, endpoint: &Endpoint) -> Option<Rc<Asterisk>> {
        let secret = self.secret(machine, endpoint);
        let door = |secret| Door {
            name: machine.name.clone(),
            address: SocketAddr::V4(endpoint.address),
            user: endpoint.user.clone(),
            secret,
        };
        let adapter = secret.map(|secret| Rc::new(Asterisk::new(door(secret), context::now)));
        let look = |pbx: Rc<Asterisk>| async move { pbx.observe().await };
        let watched = self.look_at(&machine.name, "Asterisk", PBX, |seen| &mut seen.pbx, adapter, look)?;
        let pbx = Rc::clone(&watched);
        let (calls, name) = (Arc::clone(&self.post.panel.calls), machine.name.clone());
        spawn_local(async move {
            loop {
                // Why it ended is told by the looks beside it, once.
                let ended = pbx.listen(|event| calls.tell(&name, event, context::now())).await;
                tracing::debug!(pbx = name, "its calls are no longer heard: {ended}");
                calls.away(&name, context::now());
                tokio::time::sleep(LISTEN_AGAIN).await;
            }
        });
        Some(watched)
    }

    /// Ends the calls that people want ended.
    fn hang_ups(&self, pbxs: BTreeMap<String, Rc<Asterisk>>) {
        let mut wishes = self.post.hang_ups.take();
        spawn_local(async move {
            while let Some(Wish { pbx, channel, tell }) = wishes.recv().await {
                if let Some(pbx) = pbxs.get(&pbx).map(Rc::clone) {
                    spawn_local(async move {
                        // Whoever asked may have gone.
                        let _ = tell.send(pbx.hang_up(&channel).await);
                    });
                }
            }
        });
    }

    /// What the machine is there for, by its role.
    fn service(&self, machine: &Machine) -> Option<Rc<Asterisk>> {
        let name = &machine.name;
        let mut pbx = None;
        match machine.role {
            Role::Kamailio => {
                if let Some(endpoint) = self.endpoint(machine, "jsonrpc") {
                    let url = format!("http://{}{}", endpoint.address, endpoint.path);
                    let adapter = Kamailio::new(name, &url, PROXY.deadline).map(Rc::new);
                    let look = |proxy: Rc<Kamailio>| async move { proxy.observe().await };
                    self.look_at(name, "Kamailio", PROXY, |seen| &mut seen.proxy, adapter, look);
                }
            }
            Role::Asterisk => {
                if let Some(endpoint) = self.endpoint(machine, "ami") {
                    pbx = self.pbx(machine, &endpoint);
                }
            }
            Role::Mariadb => {
                if let Some(endpoint) = self.endpoint(machine, "sql") {
                    self.database(machine, &endpoint);
                }
            }
            Role::Billing | Role::Monitor | Role::Carrier | Role::Customer | Role::Switch => {}
        }
        // SIP is asked where the panel can be answered: on Management only when the daemon listens there.
        if let Some(endpoint) = self.endpoint(machine, "options") {
            let adapter = Ok(Rc::new(SipOptions::new(name, SocketAddr::V4(endpoint.address), SIP.deadline)));
            let look = |sip: Rc<SipOptions>| async move { sip.ask().await };
            self.look_at(name, "SIP", SIP, |seen| &mut seen.sip, adapter, look);
        }
        pbx
    }

    /// Every second what flows is counted anew.
    fn flows(&self) {
        let (fleet, calls) = (self.fleet(), Arc::clone(&self.post.panel.calls));
        spawn_local(async move {
            let mut meter = Meter::default();
            loop {
                let now = context::now();
                let counts = calls.counts(now);
                let flows = fleet.with_world(|world| meter.flows(world, &counts, now));
                fleet.set_flows(flows);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }

    /// Call records are collected on the panel's own runtime, because they go into its own database.
    fn collect(&self, shells: &BTreeMap<String, Rc<Ssh>>, stop: &CancellationToken) {
        let dir = self.post.state.join(RELAY_DIR);
        let machines: Vec<&Machine> = self.post.inventory.of_role(Role::Mariadb).collect();
        let node = |machine: &&Machine| {
            let endpoint = self.endpoint(machine, "sql")?;
            let secret = self.secret(machine, &endpoint).ok()?;
            match relay::open(&dir, &machine.name, SocketAddr::V4(endpoint.address)) {
                Ok(socket) => Some(cdr::node(&machine.name, &socket, &endpoint.user, &secret)),
                Err(error) => {
                    tracing::warn!(machine = machine.name, %error, "call records cannot be read from it: there is no way to it");
                    None
                }
            }
        };
        let nodes: Vec<_> = machines.iter().filter_map(node).collect();
        let panel = &self.post.panel;
        let reader = format!("{} {}", process::hostname(), self.post.state.display());
        let files = local_records::open(&self.post.inventory, shells);
        let files = cdr::local::LocalFiles::new(Arc::clone(&panel.database), reader.as_str(), files);
        self.post.main.spawn(local_records::collect(files, Arc::clone(&panel.calls), stop.clone()));
        if nodes.is_empty() {
            return;
        }
        let name = self.post.inventory.clusters.iter().find(|(_, cluster)| cluster.role == Role::Mariadb);
        let cluster = cdr::Cluster::new(name.map_or(self.post.inventory.name.as_str(), |(name, _)| name), nodes);
        let collector = cdr::Collector::new(Arc::clone(&panel.database), reader, vec![cluster]).telling(Arc::clone(&panel.calls));
        self.post.main.spawn(collect::collect(collector, Arc::clone(&panel.system), stop.clone()));
    }

    fn host(&self, host: &Host) {
        let (fleet, name) = (self.fleet(), host.name.clone());
        let every_ms = u32::try_from(HOST.every.as_millis()).unwrap_or(u32::MAX);
        let note = move |result, at: Moment| fleet.note_host(&name, every_ms, result, at);
        let subject = format!("{} hypervisor", host.name);
        match hosts::open(&self.post.inventory, &self.post.file, &self.post.state, host).map(Rc::new) {
            Ok(adapter) => {
                let look = move || {
                    let adapter = Rc::clone(&adapter);
                    async move { adapter.observe().await }
                };
                spawn_local(rounds(subject, HOST, look, note));
            }
            Err(error) => {
                tracing::warn!(host = host.name, "{error}");
                note(Err(error), context::now());
            }
        }
    }

    fn networks(&self, shells: BTreeMap<String, Rc<Ssh>>) {
        let shells = Rc::new(shells);
        for name in self.post.inventory.networks.keys() {
            let (fleet, now) = (self.fleet(), context::now());
            let every_ms = u32::try_from(NETWORK.every.as_millis()).unwrap_or(u32::MAX);
            fleet.update(|world| {
                world.networks.insert(name.clone(), Seen::new(every_ms, now));
            });
            let (inventory, looked_at, shells, network) =
                (Arc::clone(&self.post.inventory), self.fleet(), Rc::clone(&shells), name.clone());
            let look = move || {
                let (inventory, shells, network) = (Arc::clone(&inventory), Rc::clone(&shells), network.clone());
                let world = looked_at.with_world(Clone::clone);
                async move { networks::probe(&inventory, &world, &shells, &network).await }
            };
            let noted = name.clone();
            let note = move |result, at: Moment| {
                fleet.update(|world| {
                    if let Some(seen) = world.networks.get_mut(&noted) {
                        seen.note(result, at);
                    }
                });
            };
            spawn_local(rounds(format!("{name} network"), NETWORK, look, note));
        }
    }
}

/// One interface of a machine, with what the panel signs in with.
struct Endpoint {
    address: SocketAddrV4,
    path: String,
    user: String,
    credential: Option<String>,
}

pub(super) fn not_configured(system: &str, why: impl std::fmt::Display) -> PortError {
    PortError::new(system, "read its credential", app::values::PortErrorKind::NotConfigured, why)
}
