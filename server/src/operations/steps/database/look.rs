//! Everybody a plan is made of, asked at the same time: a server that is gone costs one deadline, once.

use super::{ANSWER_MAX, at_members, secret, server, way};
use crate::{
    adapters::mariadb::{Beat, MariaDb},
    operations::{
        ground::Ground,
        journal::{Journal, JournalError},
        last_seen,
    },
};
use app::{
    context,
    fleet::{
        facts::{DatabaseFacts, Power, ServerFacts},
        operations::database::{ClientSeen, DatabaseChange, DatabaseSeen, NodeSeen, Witness},
    },
    operations::{
        kind::OperationKind,
        plan::{Plan, Preflight, Verdict},
        refusal::DESPITE_COOL_DOWN,
        run::Run,
    },
    ports::{DatabaseClient, DatabaseNode, DatabaseServer, HypervisorControl},
    values::{Moment, PortError, PortErrorKind},
};
use futures::future::join_all;
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

/// More than any one answer, because each has a deadline of its own.
const ALL_MAX: Duration = Duration::from_secs(5);
/// Who looks whether others get to the primary: more would only make the plan slower.
const WITNESSES_MAX: usize = 3;

fn no_machine(name: &str) -> PortError {
    PortError::new(name, "find it", PortErrorKind::NotConfigured, "the inventory has no such machine")
}

fn panel_way(ground: &Ground, name: &str) -> Result<MariaDb, PortError> {
    let machine = ground.inventory.machine(name).ok_or_else(|| no_machine(name))?;
    let without =
        || PortError::new(name, "find its door", PortErrorKind::NotConfigured, "the inventory has no endpoint sql for it");
    let (address, endpoint) = ground.inventory.endpoint(machine, "sql").ok_or_else(without)?;
    let secret = secret(ground, endpoint.credential.as_deref().unwrap_or_default(), name)?;
    Ok(MariaDb::new(name, address, endpoint.user.as_deref().unwrap_or_default(), &secret, ANSWER_MAX))
}

async fn node(change: &DatabaseChange, ground: &Ground, name: &str) -> NodeSeen {
    let database = async {
        let way = panel_way(ground, name)?;
        way.observe().await
    };
    let inside = async {
        let machine = ground.inventory.machine(name).ok_or_else(|| no_machine(name))?;
        let server = server(change, ground, machine)?;
        // The first connection takes longer than the way to its clock: the second question tells it.
        server.look().await?;
        let (sent, began) = (context::now(), Instant::now());
        let facts = server.look().await?;
        Ok::<(ServerFacts, i64), PortError>((facts.clone(), clock_offset_ms(facts.clock_ns, sent, began.elapsed())))
    };
    let (database, inside): (Result<DatabaseFacts, PortError>, _) = tokio::join!(database, inside);
    let clock_offset_ms = inside.as_ref().ok().map(|(_, offset)| *offset);
    NodeSeen { database, server: inside.map(|(facts, _)| facts), clock_offset_ms }
}

/// It read its clock about halfway between our question and its answer.
fn clock_offset_ms(clock_ns: i128, sent: Moment, took: Duration) -> i64 {
    let ours_ns = i128::from(sent.plus(took / 2).micros()) * 1_000;
    i64::try_from((clock_ns - ours_ns) / 1_000_000).unwrap_or(i64::MAX)
}

async fn power(ground: &Ground, name: &str) -> Result<Power, PortError> {
    let machine = ground.inventory.machine(name).ok_or_else(|| no_machine(name))?;
    ground.hypervisor(machine)?.power(name).await
}

/// What a client's machine sees; and, at a failover, whether it can write to the old primary.
async fn client(
    change: &DatabaseChange,
    ground: &Ground,
    client: &app::fleet::operations::database::Client,
    wants_witness: bool,
) -> (ClientSeen, BTreeMap<String, Result<(), String>>) {
    let words = |error: PortError| error.to_string();
    let members = at_members(change, ground, client.network);
    let machine = ground.inventory.machine(&client.machine).ok_or_else(|| no_machine(&client.machine));
    let way = match machine.and_then(|machine| way(ground, machine, client.user)) {
        Ok(way) => way,
        Err(error) => {
            let failed = |name: &String| (name.clone(), Err(error.to_string()));
            let at_members: BTreeMap<String, _> = members.keys().map(failed).collect();
            let seen = ClientSeen { machine: client.machine.clone(), at_writer: Err(error.to_string()), at_members };
            // Whoever could not be asked witnesses nothing.
            return (seen, BTreeMap::new());
        }
    };
    let writer = change.writer.get(client.network).map_or(Ipv4Addr::UNSPECIFIED, |(address, _)| *address);
    let at_writer = way.get_in(writer);
    let at_members =
        join_all(members.iter().map(|(name, address)| async { (name.clone(), way.get_in(*address).await.map_err(words)) }));
    let writes = async {
        if !wants_witness {
            return BTreeMap::new();
        }
        let each = members.iter().map(|(name, address)| async {
            let wrote = way.write(*address, context::now()).await;
            (name.clone(), wrote.map_err(words))
        });
        join_all(each).await.into_iter().collect()
    };
    let (at_writer, at_members, writes) = tokio::join!(at_writer, at_members, writes);
    let seen = ClientSeen {
        machine: client.machine.clone(),
        at_writer: at_writer.map_err(words),
        at_members: at_members.into_iter().collect(),
    };
    (seen, writes)
}

pub(super) async fn look(change: &DatabaseChange, settings: &BTreeMap<String, String>, ground: &Ground) -> DatabaseSeen {
    let forced = change.kind == OperationKind::FailOverDatabase;
    let names: Vec<&String> = change.members.iter().map(|(name, _)| name).collect();
    let nodes = join_all(names.iter().map(|name| async { ((*name).clone(), node(change, ground, name).await) }));
    let powers = join_all(names.iter().map(|name| async { ((*name).clone(), power(ground, name).await) }));
    let clients =
        change.clients.iter().enumerate().map(|(number, one)| client(change, ground, one, forced && number < WITNESSES_MAX));
    let beats = async {
        if !forced {
            return BTreeMap::new();
        }
        let each = names.iter().map(|name| async move {
            let beat = match panel_way(ground, name) {
                Ok(way) => way.beat(context::now()).await.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            let wrote = beat.and_then(|beat| match beat {
                Beat::Written { .. } => Ok(()),
                Beat::ReadOnly => Err(format!("{name} is read-only")),
                Beat::Late => Err(format!("{name} came to it too late")),
            });
            ((*name).clone(), wrote)
        });
        join_all(each).await.into_iter().collect::<BTreeMap<_, _>>()
    };
    let all = async { tokio::join!(nodes, powers, join_all(clients), beats, own(change, settings, ground)) };
    let Ok((nodes, powers, clients, mut beats, own)) = tokio::time::timeout(ALL_MAX, all).await else {
        return DatabaseSeen::default();
    };
    let (clients, writes): (Vec<_>, Vec<_>) = clients.into_iter().unzip();
    let mut seen = DatabaseSeen {
        nodes: nodes.into_iter().collect(),
        power: powers.into_iter().collect(),
        clients,
        own,
        ..DatabaseSeen::default()
    };
    let primary = change.primary(&seen);
    if let Some(primary) = &primary {
        seen.beat = beats.remove(primary);
        let machines = seen.clients.iter().map(|client| client.machine.clone());
        let witness = |(machine, mut writes): (String, BTreeMap<String, Result<(), String>>)| {
            Some(Witness { machine, wrote: writes.remove(primary)? })
        };
        seen.witnesses = machines.zip(writes).filter_map(witness).collect();
        let last = last_seen::read(&ground.state);
        if let Some(last) = last.get(primary) {
            let word = if last.semi_sync { "active" } else { "not active" };
            seen.semi_sync_since = Some(format!("Last seen {} UTC: {word} since {} UTC.", last.at, last.since));
            seen.was_safe = Some(last.semi_sync);
        }
    }
    seen
}

/// What the panel knows without asking anybody.
async fn own(change: &DatabaseChange, settings: &BTreeMap<String, String>, ground: &Ground) -> Vec<Preflight> {
    let (journal, plan) = (Journal::open(&ground.state).await, empty_plan(change, settings));
    let known = match &journal {
        Ok(journal) => match tokio::join!(journal.of_subject(&plan), others(journal, change)) {
            (Ok(known), Ok(others)) => Ok((known.active.or(others), known.last_done)),
            (Err(error), _) | (_, Err(error)) => Err(error.to_string()),
        },
        Err(error) => Err(error.to_string()),
    };
    let (lock, cool_down) = match &known {
        Ok((None, last)) => {
            let said = format!("No other operation has {} or a server of {}.", change.subject, change.cluster);
            (Preflight::new("lock", Verdict::Pass, said), cool_down(change, last.as_ref()))
        }
        Ok((Some(run), last)) => {
            let said = format!("Operation {} ({}) is not over.", run.id, run.plan.title());
            (Preflight::new("lock", Verdict::Block, said), cool_down(change, last.as_ref()))
        }
        Err(error) => (Preflight::new("lock", Verdict::Block, error.clone()), None),
    };
    let stands = match &journal {
        Ok(_) => Preflight::new(
            "without_database",
            Verdict::Pass,
            format!(
                "The journal, the inventory {} and the credentials are files of this machine; no database is needed for it.",
                ground.inventory.name
            ),
        ),
        Err(error) => Preflight::new("without_database", Verdict::Block, error.to_string()),
    };
    if let Ok(journal) = journal {
        journal.close().await;
    }
    [Some(lock), cool_down, Some(stands)].into_iter().flatten().collect()
}

/// Another change of the same cluster, under its own name or that of one of its servers.
async fn others(journal: &Journal, change: &DatabaseChange) -> Result<Option<Run>, JournalError> {
    for id in journal.active().await? {
        let run = journal.run(id).await?;
        let its = run.plan.subject == change.cluster || change.members.iter().any(|(name, _)| *name == run.plan.subject);
        let changes = matches!(
            run.plan.kind,
            OperationKind::SwitchOverDatabase | OperationKind::FailOverDatabase | OperationKind::RejoinDatabase
        );
        if its && changes {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

fn cool_down(change: &DatabaseChange, last: Option<&Run>) -> Option<Preflight> {
    let pause = change.kind.cool_down()?;
    let Some(last) = last else {
        return Some(Preflight::new("cool_down", Verdict::Pass, "Nothing like it was done to it lately."));
    };
    let since = context::now().since(last.last_at);
    let said =
        format!("Operation {} ended {} min ago; {} min are to lie between.", last.id, since.as_secs() / 60, pause.as_secs() / 60);
    let verdict = match (since >= pause, change.despite_cool_down) {
        (true, _) => Verdict::Pass,
        (false, true) => Verdict::Warn,
        (false, false) => Verdict::Block,
    };
    let remedy =
        if verdict == Verdict::Block { format!(" To do it all the same set {DESPITE_COOL_DOWN}=yes.") } else { String::new() };
    Some(Preflight::new("cool_down", verdict, said + &remedy))
}

/// For asking the journal about the subject.
fn empty_plan(change: &DatabaseChange, settings: &BTreeMap<String, String>) -> Plan {
    Plan {
        kind: change.kind,
        subject: change.subject.clone(),
        settings: settings.clone(),
        level: change.kind.level(),
        steps: Vec::new(),
        preflights: Vec::new(),
    }
}
