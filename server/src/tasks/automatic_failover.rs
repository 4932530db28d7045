//! A failover that nobody asks for. Off unless the configuration says `[operations] automatic_failover = true`; it then needs more
//! than a person does: a hypervisor that fences, two others besides the panel that cannot write to the primary either, and the
//! knowledge that nothing acknowledged is lost. Without any of it, it says so and leaves the decision to a person.

use super::{Round, Tasks};
use crate::operations::{
    ground::Ground,
    journal::Journal,
    start::{NotStarted, Wanted},
};
use app::{
    context,
    fleet::{
        inventory::{Inventory, Role},
        operations::database::AUTOMATIC,
        state::FleetState,
        world::World,
    },
    operations::{kind::OperationKind, refusal::Refusal},
    values::{Level, Moment},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// A primary that is silent for less may only be slow.
const SILENT_MIN: Duration = Duration::from_secs(10);
const EVERY: Duration = Duration::from_secs(2);
/// A plan asks everybody once.
const ROUND_MAX: Duration = Duration::from_secs(30);
const BY: &str = "automatic failover";

pub fn start(tasks: &Tasks, state: &Path, given: Option<PathBuf>, fleet: &Arc<FleetState>) {
    let (state, fleet) = (state.to_path_buf(), Arc::clone(fleet));
    let does = "fails a database cluster over by itself";
    let round = Round { name: "automatic failover", does, every: EVERY, deadline: ROUND_MAX };
    tasks.spawn(round, move || {
        let (state, given, fleet) = (state.clone(), given.clone(), Arc::clone(&fleet));
        async move {
            let Some(inventory) = fleet.inventory() else { return Ok(()) };
            let Some(cluster) = fleet.with_world(|world| silent_cluster(&inventory, world, context::now())) else { return Ok(()) };
            fail_over(&state, given.as_deref(), &cluster).await
        }
    });
}

/// The cluster whose writer has been silent for long enough while somebody who follows it answers.
fn silent_cluster(inventory: &Inventory, world: &World, now: Moment) -> Option<String> {
    let clusters = inventory.clusters.iter().filter(|(_, cluster)| cluster.role == Role::Mariadb);
    let seen = |name: &String| world.machines.get(name).and_then(|machine| machine.database.as_ref());
    for (name, cluster) in clusters {
        let silent = |member: &String| {
            let last_wrote = seen(member).and_then(|seen| seen.value()).is_some_and(|facts| !facts.read_only);
            let silent_for = seen(member).and_then(|seen| seen.failing.as_ref()).map(|failing| now.since(failing.since));
            last_wrote && silent_for.is_some_and(|silent_for| silent_for >= SILENT_MIN)
        };
        let follows = |member: &String| {
            seen(member).and_then(|seen| seen.fresh(now)).is_some_and(|facts| facts.read_only && facts.replication.is_some())
        };
        if cluster.members.iter().any(silent) && cluster.members.iter().any(follows) {
            return Some(name.clone());
        }
    }
    None
}

async fn fail_over(state: &Path, given: Option<&Path>, cluster: &str) -> Result<(), String> {
    let settings = BTreeMap::from([(AUTOMATIC.to_string(), "yes".to_string())]);
    let wanted = Wanted { kind: OperationKind::FailOverDatabase, subject: cluster.into(), settings };
    let refused = |why: String| format!("{cluster} is not failed over by itself: {why}");
    let plan = wanted.plan(Ground::find(state, given)?).await.map_err(|error| refused(error.to_string()))?;
    let journal = Journal::open(state).await.map_err(|error| refused(error.to_string()))?;
    let ground = Ground::find(state, given)?;
    let started = wanted.start(ground, &journal, &plan.fingerprint(), Level::L3, BY).await;
    journal.close().await;
    match started {
        Ok(id) => {
            tracing::warn!(cluster, operation = id.0, "its primary is silent; it is failed over");
            Ok(())
        }
        // Under way already, perhaps by a person.
        Err(NotStarted::Refused(Refusal::Held { .. } | Refusal::Stale)) => Ok(()),
        Err(error) => Err(refused(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::{
        fleet::{
            facts::{DatabaseFacts, Replication},
            world::Seen,
        },
        values::{PortError, PortErrorKind},
    };

    fn world(now: Moment, silent_s: u64, replica_answers: bool) -> World {
        let silence = || Err(PortError::new("mariadb", "look", PortErrorKind::TimedOut, "no answer"));
        let before = now.minus(Duration::from_secs(silent_s));
        let mut world = World::default();
        let mut primary = Seen::new(1_000, before);
        primary.note(Ok(DatabaseFacts::default()), before);
        primary.note(silence(), before);
        world.machines.entry("mariadb-01".into()).or_default().database = Some(primary);
        let mut replica = Seen::new(1_000, now);
        let facts = DatabaseFacts { read_only: true, replication: Some(Replication::default()), ..DatabaseFacts::default() };
        replica.note(if replica_answers { Ok(facts) } else { silence() }, now);
        world.machines.entry("mariadb-02".into()).or_default().database = Some(replica);
        world
    }

    #[test]
    fn only_a_writer_that_has_been_silent_for_long_with_somebody_to_take_its_place_is_failed_over() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("stack/inventory.toml");
        let inventory = crate::inventory::load(&file).expect("the one we ship");
        let now = Moment::from_seconds(1_000_000);
        assert_eq!(silent_cluster(&inventory, &world(now, 11, true), now).as_deref(), Some("database"));
        assert_eq!(silent_cluster(&inventory, &world(now, 9, true), now), None, "perhaps it is only slow");
        assert_eq!(silent_cluster(&inventory, &world(now, 60, false), now), None, "nobody could take its place");
        assert_eq!(silent_cluster(&inventory, &World::default(), now), None);
    }
}
