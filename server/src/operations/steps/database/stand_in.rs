//! Two servers, their hypervisor and a client, as far as an operation can tell them from real ones. In tests only, for faults that
//! real servers cannot be asked for.

use crate::operations::harness::Calls;
use app::{
    fleet::{
        facts::{Power, ServerFacts, ServerRole},
        gtid::Gtid,
    },
    ports::{DatabaseClient, DatabaseServer, HypervisorControl},
    values::{Moment, PortError, PortErrorKind},
};
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

pub const SYNC: [(&str, Ipv4Addr); 2] =
    [("mariadb-01", Ipv4Addr::new(10, 30, 30, 41)), ("mariadb-02", Ipv4Addr::new(10, 30, 30, 42))];
pub const WRITER: Ipv4Addr = Ipv4Addr::new(10, 20, 20, 40);

#[derive(Clone, Debug, Default)]
pub struct Server {
    pub is_off: bool,
    /// It is there and does nothing.
    pub hangs: bool,
    pub read_only: bool,
    pub has_addresses: bool,
    pub follows: Option<Ipv4Addr>,
    pub receives: bool,
    /// What it wrote itself as primary and nobody else has.
    pub alone: u64,
    pub lends: bool,
    pub proofs: BTreeMap<String, i64>,
}

#[derive(Default)]
pub struct World {
    pub servers: BTreeMap<&'static str, Server>,
    pub calls: Calls,
    /// The hypervisor does not answer.
    pub no_hypervisor: bool,
    pub two_writers: bool,
}

impl World {
    pub fn server(&mut self, name: &str) -> &mut Server {
        self.servers.get_mut(name).expect("one of the two")
    }

    /// Fails where the call is to fail or the server cannot be reached; notes two that take writes.
    fn call(&mut self, name: &str) -> Result<&mut Server, PortError> {
        self.look();
        self.calls.make().map_err(port)?;
        let server = self.server(name);
        if server.is_off || server.hangs { Err(port(format!("{name} does not answer"))) } else { Ok(server) }
    }

    fn look(&mut self) {
        let writing = self.servers.values().filter(|server| !server.is_off && !server.read_only).count();
        self.two_writers |= writing > 1;
    }
}

pub fn port(said: String) -> PortError {
    PortError::new("stand-in", "ask", PortErrorKind::Failed, said)
}

#[derive(Clone)]
pub struct StandIn {
    pub name: &'static str,
    pub world: Arc<Mutex<World>>,
}

impl StandIn {
    fn locked(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("nobody panics")
    }

    fn change(&self, change: impl FnOnce(&mut Server)) -> Result<(), PortError> {
        let mut world = self.locked();
        change(world.call(self.name)?);
        world.look();
        Ok(())
    }
}

impl DatabaseServer for StandIn {
    async fn look(&self) -> Result<ServerFacts, PortError> {
        self.change(|_| {}).map(|()| ServerFacts::default())
    }

    async fn role(&self) -> Result<ServerRole, PortError> {
        let mut world = self.locked();
        let server = world.call(self.name)?;
        let written = if server.alone > 0 { format!("0-41-{}", 100 + server.alone) } else { "0-41-100".into() };
        Ok(ServerRole {
            read_only: server.read_only,
            position: written.clone(),
            applied: "0-41-100".into(),
            written,
            follows: server.follows,
            receives: server.receives,
            applies: server.follows.is_some(),
            received: "0-41-100".into(),
            error: None,
        })
    }

    async fn stop_writes(&self, _kill: bool) -> Result<String, PortError> {
        self.change(|server| (server.read_only, server.has_addresses) = (true, false)).map(|()| "0-41-100".into())
    }

    async fn allow_writes(&self) -> Result<(), PortError> {
        self.change(|server| (server.read_only, server.has_addresses) = (false, true))
    }

    async fn wait_for(&self, position: &str, _within: Duration) -> Result<(), PortError> {
        assert_eq!(position, "0-41-100");
        self.change(|_| {})
    }

    async fn stop_receiving(&self) -> Result<String, PortError> {
        self.change(|server| server.receives = false).map(|()| "0-41-100".into())
    }

    async fn receive(&self) -> Result<(), PortError> {
        self.change(|server| server.receives = true)
    }

    async fn promote(&self) -> Result<(), PortError> {
        self.change(|server| (server.read_only, server.follows, server.receives) = (false, None, false))
    }

    async fn take_addresses(&self) -> Result<(), PortError> {
        self.change(|server| server.has_addresses = true)
    }

    async fn follow(&self, source: Ipv4Addr, _was_primary: bool) -> Result<(), PortError> {
        self.change(|server| (server.read_only, server.follows, server.receives) = (true, Some(source), true))
    }

    async fn follow_nobody(&self) -> Result<(), PortError> {
        self.change(|server| (server.follows, server.receives) = (None, false))
    }

    async fn proofs(&self) -> Result<BTreeMap<String, i64>, PortError> {
        Ok(self.locked().call(self.name)?.proofs.clone())
    }

    async fn save_after(&self, positions: &[Gtid]) -> Result<String, PortError> {
        assert_eq!(positions.iter().map(ToString::to_string).collect::<Vec<_>>(), ["0-41-100"]);
        self.change(|_| {}).map(|()| "/var/lib/errant.sql".into())
    }

    async fn lend(&self, _to: Ipv4Addr, _password: &str) -> Result<(), PortError> {
        self.change(|server| server.lends = true)
    }

    async fn end_lending(&self, _to: Ipv4Addr) -> Result<(), PortError> {
        self.change(|server| server.lends = false)
    }

    async fn reseed(&self, from: Ipv4Addr, _password: &str, _within: Duration) -> Result<(), PortError> {
        let (name, _) = SYNC.into_iter().find(|(_, address)| *address == from).expect("one of the two");
        assert!(self.locked().server(name).lends, "nobody reads what is not lent");
        self.change(|server| (server.alone, server.follows) = (0, None))
    }
}

impl DatabaseClient for StandIn {
    async fn get_in(&self, _at: Ipv4Addr) -> Result<(), PortError> {
        self.locked().calls.make().map_err(port)
    }

    async fn write(&self, at: Ipv4Addr, now: Moment) -> Result<(), PortError> {
        let mut world = self.locked();
        world.calls.make().map_err(port)?;
        let its = |name: &str, server: &Server| match at == WRITER {
            true => server.has_addresses,
            false => SYNC.iter().any(|(known, address)| *known == name && *address == at),
        };
        let found = world.servers.iter().find(|(name, server)| its(name, server) && !server.is_off && !server.hangs);
        let found = found.filter(|(_, server)| !server.read_only).map(|(name, _)| *name);
        let name = found.ok_or_else(|| port("nobody takes it there".into()))?;
        world.server(name).proofs.insert("billing-01".into(), now.micros());
        let source = SYNC.iter().find(|(known, _)| *known == name).map(|(_, address)| *address);
        for server in world.servers.values_mut().filter(|server| server.follows == source && server.receives && !server.is_off) {
            server.proofs.insert("billing-01".into(), now.micros());
        }
        Ok(())
    }
}

impl HypervisorControl for StandIn {
    async fn power(&self, machine: &str) -> Result<Power, PortError> {
        let mut world = self.locked();
        world.calls.make().map_err(port)?;
        if world.no_hypervisor {
            return Err(port("the hypervisor does not answer".into()));
        }
        Ok(if world.server(machine).is_off { Power::Off } else { Power::On })
    }

    async fn power_off(&self, machine: &str) -> Result<(), PortError> {
        self.power(machine).await?;
        self.locked().server(machine).is_off = true;
        Ok(())
    }

    async fn power_on(&self, machine: &str) -> Result<(), PortError> {
        self.power(machine).await?;
        self.locked().server(machine).is_off = false;
        Ok(())
    }

    async fn set_card(&self, _machine: &str, _network: &str, _connected: bool) -> Result<(), PortError> {
        Err(port("nobody asks for it".into()))
    }
}
