//! Clusters in every condition, and what is said of them.

use super::*;
use crate::fleet::{facts::SemiSync, inventory::Role, world::MachineSeen};

const NOW: Moment = Moment::from_seconds(1_000);

fn cluster() -> Cluster {
    Cluster {
        role: Role::Mariadb,
        members: vec!["mariadb-01".into(), "mariadb-02".into()],
        primary: Some("mariadb-01".into()),
        writer: Default::default(),
        virtual_addresses: Vec::new(),
        backups: None,
    }
}

fn primary_node() -> DatabaseFacts {
    DatabaseFacts {
        server_id: 41,
        gtid_binlog: "0-41-703".into(),
        gtid_binlog_state: "0-41-703".into(),
        heartbeat_age_ms: Some(400),
        semi_sync: SemiSync { primary_enabled: true, primary_active: true, replicas: 1, ..SemiSync::default() },
        observed_at: Moment::from_millis(999_500),
        ..DatabaseFacts::default()
    }
}

fn replica_node() -> DatabaseFacts {
    DatabaseFacts {
        server_id: 42,
        read_only: true,
        gtid_binlog: "0-41-703".into(),
        gtid_slave: "0-41-703".into(),
        gtid_binlog_state: "0-41-703".into(),
        heartbeat_age_ms: Some(600),
        semi_sync: SemiSync { replica_enabled: true, replica_active: true, ..SemiSync::default() },
        replication: Some(Replication {
            source_host: "10.30.30.41".into(),
            io_running: true,
            sql_running: true,
            seconds_behind: Some(0),
            gtid_io: "0-41-703".into(),
            ..Replication::default()
        }),
        observed_at: Moment::from_millis(999_700),
        ..DatabaseFacts::default()
    }
}

fn seen(facts: DatabaseFacts) -> Seen<DatabaseFacts> {
    let mut seen = Seen::new(2_000, Moment::EPOCH);
    let at = facts.observed_at;
    seen.note(Ok(facts), at);
    seen
}

fn at(first: Option<DatabaseFacts>, second: Option<DatabaseFacts>) -> ClusterView {
    let mut world = World::default();
    for (name, facts) in [("mariadb-01", first), ("mariadb-02", second)] {
        let machine = MachineSeen { database: facts.map(seen), ..MachineSeen::default() };
        world.machines.insert(name.into(), machine);
    }
    view(&cluster(), &world, NOW)
}

fn with(change: impl FnOnce(&mut DatabaseFacts, &mut DatabaseFacts)) -> ClusterView {
    let (mut primary, mut replica) = (primary_node(), replica_node());
    change(&mut primary, &mut replica);
    at(Some(primary), Some(replica))
}

fn keys(view: &ClusterView) -> Vec<(&str, &str, MachineState)> {
    view.findings.iter().map(|(machine, finding)| (machine.as_str(), finding.key.as_str(), finding.severity)).collect()
}

fn loss(view: &ClusterView) -> &Loss {
    view.nodes[1].loss.as_ref().expect("the replica's")
}

#[test]
fn a_cluster_in_order_loses_nothing() {
    let view = with(|_, _| {});
    assert_eq!(view.primary, Primary::One("mariadb-01".into()));
    assert_eq!(keys(&view), []);
    assert_eq!((view.nodes[0].lag.clone(), view.nodes[0].loss.clone()), (Lag::None, None));
    assert_eq!(view.nodes[1].lag, Lag::Heartbeat { ms: 600 });
    assert_eq!((loss(&view).transactions, loss(&view).is_certain), (Some(0), true));
    assert_eq!(loss(&view).sentence, "Nothing: each commit waits for mariadb-02, which has received 0-41-703.");
}

#[test]
fn what_came_between_two_looks_is_not_lost_where_commits_wait() {
    let view = with(|primary, replica| {
        primary.gtid_binlog = "0-41-705".into();
        replica.observed_at = Moment::from_millis(999_300);
    });
    assert_eq!((loss(&view).transactions, loss(&view).is_certain), (Some(0), true));
    let view = with(|primary, _| primary.gtid_binlog = "0-41-705".into());
    assert_eq!(loss(&view).transactions, Some(2), "the replica was looked at later, and still lacks them");
}

#[test]
fn without_semi_sync_what_is_missing_is_counted_and_the_rest_is_unknown() {
    let view = with(|primary, replica| {
        primary.semi_sync.primary_active = false;
        primary.gtid_binlog = "0-41-720,1-41-9".into();
        replica.heartbeat_age_ms = Some(7_400);
    });
    assert_eq!((loss(&view).transactions, loss(&view).seconds, loss(&view).is_certain), (Some(26), Some(8), false));
    assert!(
        loss(&view).sentence.starts_with("26 transactions, about 8 s: mariadb-02 has received 0-41-703"),
        "{}",
        loss(&view).sentence
    );
    assert_eq!(
        keys(&view),
        [("mariadb-01", "semi_sync.off", MachineState::Notice), ("mariadb-02", "replica.behind", MachineState::Notice)]
    );
    let view = with(|primary, _| primary.semi_sync.replicas = 0);
    assert_eq!(loss(&view).transactions, None);
    assert!(loss(&view).sentence.contains("no commit waits"), "{}", loss(&view).sentence);
}

#[test]
fn received_but_not_yet_applied_is_not_lost() {
    let view = with(|_, replica| {
        replica.gtid_slave = "0-41-600".into();
        replica.gtid_binlog = "0-41-600".into();
        replica.heartbeat_age_ms = Some(61_000);
        replica.replication.as_mut().expect("it replicates").delay_s = 60;
    });
    assert_eq!(loss(&view).transactions, Some(0));
    assert_eq!(
        keys(&view),
        [("mariadb-02", "replica.delayed", MachineState::Notice), ("mariadb-02", "replica.behind", MachineState::Bad)]
    );
}

#[test]
fn a_dead_primary_is_judged_by_its_last_look() {
    let mut gone = primary_node();
    gone.observed_at = Moment::from_seconds(900);
    let view = at(Some(gone.clone()), Some(replica_node()));
    assert_eq!(view.primary, Primary::Unknown);
    assert_eq!((loss(&view).transactions, loss(&view).is_certain), (Some(0), false));
    assert!(loss(&view).sentence.ends_with("by the last look at mariadb-01, at 00:15:00."), "{}", loss(&view).sentence);
    assert_eq!(view.nodes[0].takes_writes, None);
    assert_eq!(view.nodes[1].lag, Lag::OwnWord { s: 0 }, "nobody writes a heartbeat now");
    gone.gtid_binlog = "0-41-710".into();
    let view = at(Some(gone), Some(replica_node()));
    assert_eq!(loss(&view).transactions, Some(7));
    let view = at(None, Some(replica_node()));
    assert_eq!(loss(&view).sentence, "Unknown: mariadb-01 has not been seen yet.");
    assert_eq!((view.primary, view.findings), (Primary::Unknown, Vec::new()));
}

#[test]
fn a_replica_that_was_not_seen_is_unknown() {
    let view = at(Some(primary_node()), None);
    assert_eq!(view.primary, Primary::One("mariadb-01".into()));
    assert_eq!(loss(&view).sentence, "Unknown: mariadb-02 has not been seen yet.");
    assert!(matches!(view.nodes[1].lag, Lag::Unknown { .. }));
}

#[test]
fn two_writers_and_none_are_both_bad() {
    let view = with(|_, replica| replica.read_only = false);
    assert_eq!(view.primary, Primary::Several(vec!["mariadb-01".into(), "mariadb-02".into()]));
    assert_eq!(keys(&view).iter().filter(|(_, key, tone)| *key == "cluster.two_writers" && *tone == MachineState::Bad).count(), 2);
    assert_eq!(loss(&view).transactions, None);
    let view = with(|primary, _| primary.read_only = true);
    assert_eq!(view.primary, Primary::Nobody);
    assert!(keys(&view).contains(&("mariadb-01", "cluster.no_writer", MachineState::Bad)), "{:?}", keys(&view));
}

#[test]
fn a_primary_other_than_the_declared_one_is_told() {
    let (mut replica, mut primary) = (replica_node(), primary_node());
    (replica.server_id, primary.server_id) = (41, 42);
    primary.gtid_binlog_state = "0-41-703,0-42-704".into();
    let view = at(Some(replica), Some(primary));
    assert_eq!(view.primary, Primary::One("mariadb-02".into()));
    assert_eq!(keys(&view), [("mariadb-02", "cluster.other_primary", MachineState::Notice)]);
}

#[test]
fn an_errant_transaction_is_found_by_who_wrote_it() {
    let view = with(|_, replica| replica.gtid_binlog_state = "0-41-703,0-42-704".into());
    assert_eq!(view.nodes[1].errant, [Gtid { domain: 0, server: 42, sequence: 704 }]);
    assert_eq!(keys(&view), [("mariadb-02", "replica.errant", MachineState::Bad)]);
    assert_eq!(loss(&view).transactions, None);
    let view = with(|_, replica| replica.gtid_binlog_state = "0-41-709".into());
    assert_eq!(view.nodes[1].errant, [], "the primary wrote these since it was looked at");
    let view = with(|_, replica| {
        replica.gtid_binlog_state = "0-41-709".into();
        replica.observed_at = Moment::from_millis(999_300);
    });
    assert_eq!(view.nodes[1].errant.len(), 1, "the primary has lost what it had given away");
    let view = with(|primary, replica| {
        primary.gtid_binlog_state = "0-42-50,0-41-703".into();
        replica.gtid_binlog_state = "0-41-703,0-42-50".into();
    });
    assert_eq!(view.nodes[1].errant, [], "written when it was the primary, before");
}

#[test]
fn broken_threads_say_what_they_complain_about() {
    let view = with(|_, replica| {
        let replication = replica.replication.as_mut().expect("it replicates");
        (replication.io_running, replication.sql_running, replication.seconds_behind) = (false, false, None);
        replication.sql_error = Some("Error 1062: Duplicate entry".into());
    });
    let said: Vec<(&str, &str)> =
        view.findings.iter().map(|(_, finding)| (finding.key.as_str(), finding.evidence.as_str())).collect();
    let wanted = [
        ("replica.io_stopped", "the thread was stopped, without an error"),
        ("replica.sql_stopped", "Error 1062: Duplicate entry"),
    ];
    assert_eq!(said, wanted);
    let view = with(|_, replica| replica.replication = None);
    assert_eq!(keys(&view), [("mariadb-02", "replica.stopped", MachineState::Bad)]);
}

#[test]
fn unreadable_positions_are_told_and_never_counted_as_zero() {
    let view = with(|primary, _| primary.gtid_binlog = "0-41-".into());
    assert_eq!((loss(&view).transactions, keys(&view)), (None, vec![("mariadb-01", "gtid.unreadable", MachineState::Notice)]));
    let view = with(|_, replica| replica.replication.as_mut().expect("it replicates").gtid_io = "NULL".into());
    assert_eq!(loss(&view).sentence, "Unknown: \"NULL\" is not a list of GTIDs like 0-41-703,1-42-9.");
}

#[test]
fn a_shared_server_id_is_told_of_both() {
    let view = with(|_, replica| replica.server_id = 41);
    assert_eq!(keys(&view).iter().filter(|(_, key, _)| *key == "duplicate.server_id").count(), 2);
}

#[test]
fn without_a_heartbeat_the_node_is_asked_itself() {
    let view = with(|primary, replica| {
        (primary.heartbeat_age_ms, replica.heartbeat_age_ms) = (None, None);
        replica.replication.as_mut().expect("it replicates").seconds_behind = Some(12);
    });
    assert_eq!(view.nodes[1].lag, Lag::OwnWord { s: 12 });
    let view = with(|primary, replica| {
        (primary.heartbeat_age_ms, replica.heartbeat_age_ms) = (Some(90_000), Some(90_000));
        replica.replication.as_mut().expect("it replicates").seconds_behind = None;
    });
    assert_eq!(view.nodes[1].lag.ms(), None, "a heartbeat that is not written is no lag");
}
