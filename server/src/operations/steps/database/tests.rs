//! The harness over two servers that replicate to each other at once, a hypervisor and a client.

use super::{
    stand_in::{SYNC, Server, StandIn, WRITER, World, port},
    *,
};
use crate::operations::{
    harness::{FAST, Rig, check},
    journal::Journal,
    last_seen::LastSeen,
    perform::Performer,
};
use app::{
    fleet::{
        facts::{DatabaseFacts, Replication, ServerFacts},
        inventory::Inventory,
        operations::database::{DatabaseSeen, NodeSeen},
    },
    operations::{
        journal::Outcome,
        run::{Run, RunState},
    },
    values::Moment,
};
use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard},
};

fn shipped() -> Inventory {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("stack/inventory.toml");
    crate::inventory::load(&file).expect("the one we ship")
}

#[derive(Clone)]
struct ClusterRig {
    kind: OperationKind,
    subject: &'static str,
    settings: BTreeMap<String, String>,
    world: Arc<Mutex<World>>,
}

impl ClusterRig {
    fn new(kind: OperationKind, settings: &[(&str, &str)]) -> Self {
        let primary = Server { has_addresses: true, ..Server::default() };
        let replica = Server { read_only: true, follows: Some(SYNC[0].1), receives: true, ..Server::default() };
        let mut world = World { servers: BTreeMap::from([("mariadb-01", primary), ("mariadb-02", replica)]), ..World::default() };
        let settings = settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let mut subject = "database";
        match kind {
            OperationKind::FailOverDatabase => world.server("mariadb-01").hangs = true,
            OperationKind::RejoinDatabase => {
                subject = "mariadb-01";
                *world.server("mariadb-01") = Server { is_off: true, read_only: true, ..Server::default() };
                *world.server("mariadb-02") = Server { has_addresses: true, ..Server::default() };
            }
            _ => {}
        }
        Self { kind, subject, settings, world: Arc::new(Mutex::new(world)) }
    }

    fn locked(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("nobody panics")
    }

    fn stand_in(&self, name: &'static str) -> StandIn {
        StandIn { name, world: Arc::clone(&self.world) }
    }

    /// As the world's servers would have told when the plan was made.
    fn seen(&self) -> DatabaseSeen {
        let node = |server: &Server| {
            let replication =
                server.follows.map(|source| Replication { source_host: source.to_string(), ..Replication::default() });
            let facts = DatabaseFacts { read_only: server.read_only, replication, ..DatabaseFacts::default() };
            let database = if server.hangs || server.is_off { Err(port("it does not answer".into())) } else { Ok(facts) };
            NodeSeen { database, server: Ok(ServerFacts::default()), clock_offset_ms: None }
        };
        let nodes = self.locked().servers.iter().map(|(name, server)| (name.to_string(), node(server))).collect();
        DatabaseSeen { nodes, ..DatabaseSeen::default() }
    }

    async fn to_the_end(&self) -> Run {
        let dir = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(dir.path()).await.expect("a journal");
        let id = journal.start(&self.plan(), "ada", (FAST.now)()).await.expect("it starts");
        Performer { journal: &journal, id, pace: FAST }.perform(&self.operation()).await.expect("the journal is whole")
    }
}

impl Rig for ClusterRig {
    type Operation = DatabaseOperation<StandIn, StandIn, StandIn>;

    fn plan(&self) -> Plan {
        let change = DatabaseChange::new(&shipped(), self.kind, self.subject, &self.settings).expect("it is known");
        change.plan(&self.settings, &self.seen())
    }

    fn operation(&self) -> Self::Operation {
        let mut settings = self.settings.clone();
        if self.kind != OperationKind::RejoinDatabase {
            settings.insert("target".into(), "mariadb-02".into());
        }
        let change = DatabaseChange::new(&shipped(), self.kind, self.subject, &settings).expect("it is known");
        let member = |(name, sync): (&'static str, Ipv4Addr)| {
            (name.to_string(), Member { sync, server: self.stand_in(name), hypervisor: Ok(self.stand_in(name)) })
        };
        let way = Way {
            machine: "billing-01".into(),
            way: self.stand_in("mariadb-01"),
            writer: WRITER,
            at_members: SYNC.map(|(name, address)| (name.to_string(), address)).into(),
        };
        let ms = Duration::from_millis;
        let patience = Patience { look: ms(1), replicate: ms(50), boot: ms(50), reseed: ms(50) };
        DatabaseOperation { change, members: SYNC.map(member).into(), ways: vec![way], last: BTreeMap::new(), patience }
    }

    fn world(&self) -> String {
        let world = self.locked();
        assert!(!world.two_writers, "two took writes at the same time");
        let told = |(name, server): (&&str, &Server)| format!("{name} {:?}", Server { proofs: BTreeMap::new(), ..server.clone() });
        world.servers.iter().map(told).collect::<Vec<_>>().join("; ")
    }

    fn break_call(&self, number: Option<usize>) -> bool {
        self.locked().calls.break_call(number)
    }
}

#[tokio::test]
async fn a_switchover_passes_the_harness() {
    check(|| ClusterRig::new(OperationKind::SwitchOverDatabase, &[])).await;
}

#[tokio::test]
async fn a_failover_passes_the_harness() {
    check(|| ClusterRig::new(OperationKind::FailOverDatabase, &[])).await;
}

#[tokio::test]
async fn a_rejoining_passes_the_harness() {
    check(|| ClusterRig::new(OperationKind::RejoinDatabase, &[])).await;
    check(|| {
        let rig = ClusterRig::new(OperationKind::RejoinDatabase, &[("errant", "save_and_reseed")]);
        rig.locked().server("mariadb-01").alone = 3;
        rig
    })
    .await;
}

#[tokio::test]
async fn afterwards_the_target_is_written_to_and_the_old_primary_follows_or_is_off() {
    let rig = ClusterRig::new(OperationKind::SwitchOverDatabase, &[]);
    let run = rig.to_the_end().await;
    assert_eq!(run.state, RunState::Over(Outcome::Done), "{run:#?}");
    assert_eq!((&run.facts["target"], &run.facts["proved_by"][0]), (&"mariadb-02".into(), &"billing-01".into()));
    assert!(run.facts["write_gap_ms"].is_u64(), "{}", run.facts);
    let servers = rig.locked().servers.clone();
    let (old, new) = (&servers["mariadb-01"], &servers["mariadb-02"]);
    assert!(!new.read_only && new.has_addresses && new.follows.is_none(), "{new:?}");
    assert!(old.read_only && !old.has_addresses && old.follows == Some(SYNC[1].1), "{old:?}");

    let rig = ClusterRig::new(OperationKind::FailOverDatabase, &[]);
    let run = rig.to_the_end().await;
    assert_eq!(run.state, RunState::Over(Outcome::Done), "{run:#?}");
    assert!(run.facts["lost"].as_str().is_some_and(|said| said.contains("Nobody saw mariadb-01 before")), "{}", run.facts);
    assert!(rig.locked().server("mariadb-01").is_off);
    assert!(rig.locked().server("mariadb-02").has_addresses);
}

#[tokio::test]
async fn what_was_lost_is_nothing_where_commits_waited_and_is_counted_where_not() {
    let known = |semi_sync, position: &str| LastSeen {
        at: Moment::from_seconds(100),
        took_writes: true,
        semi_sync,
        since: Moment::from_seconds(50),
        position: position.into(),
        unacknowledged: 0,
    };
    for (last, expected) in [(known(true, "0-41-100"), "Nothing acknowledged"), (known(false, "0-41-107"), "7 transaction(s)")] {
        let rig = ClusterRig::new(OperationKind::FailOverDatabase, &[]);
        let mut operation = rig.operation();
        operation.last.insert("mariadb-01".into(), last);
        let dir = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(dir.path()).await.expect("a journal");
        let id = journal.start(&rig.plan(), "ada", (FAST.now)()).await.expect("it starts");
        let run = Performer { journal: &journal, id, pace: FAST }.perform(&operation).await.expect("the journal is whole");
        assert!(run.facts["lost"].as_str().is_some_and(|said| said.contains(expected)), "{}", run.facts);
    }
}

#[tokio::test]
async fn a_primary_that_somebody_can_write_to_is_not_failed_over() {
    let rig = ClusterRig::new(OperationKind::FailOverDatabase, &[]);
    let plan = rig.plan();
    rig.locked().server("mariadb-01").hangs = false;
    let before = Rig::world(&rig);
    let dir = tempfile::tempdir().expect("a folder");
    let journal = Journal::open(dir.path()).await.expect("a journal");
    let id = journal.start(&plan, "ada", (FAST.now)()).await.expect("it starts");
    let run = Performer { journal: &journal, id, pace: FAST }.perform(&rig.operation()).await.expect("the journal is whole");
    assert_eq!((run.state, Rig::world(&rig)), (RunState::Over(Outcome::Undone), before));
    assert!(run.reason.is_some_and(|said| said.contains("billing-01 can still write to mariadb-01")));
}

#[tokio::test]
async fn nobody_is_promoted_while_the_old_primary_cannot_be_fenced() {
    let rig = ClusterRig::new(OperationKind::FailOverDatabase, &[]);
    rig.locked().no_hypervisor = true;
    let run = rig.to_the_end().await;
    assert_eq!(run.state, RunState::Over(Outcome::Undone), "{run:#?}");
    assert!(run.reason.is_some_and(|said| said.contains("Nobody may take its place")));
    assert!(rig.locked().server("mariadb-02").read_only);
}

#[tokio::test]
async fn what_only_the_old_primary_has_is_saved_and_not_thrown_away_unasked() {
    let rig = ClusterRig::new(OperationKind::RejoinDatabase, &[]);
    rig.locked().server("mariadb-01").alone = 3;
    let before = Rig::world(&rig);
    let run = rig.to_the_end().await;
    assert_eq!((run.state, Rig::world(&rig)), (RunState::Over(Outcome::Undone), before));
    let said = run.reason.unwrap_or_default();
    assert!(said.contains("/var/lib/errant.sql") && said.contains("errant=save_and_reseed") && said.contains("0-41-103"), "{said}");
}
