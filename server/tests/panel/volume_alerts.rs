//! Measures of calls held against past weeks, on a real MariaDB: from the sums of call records to the alert with its evidence.

use crate::harness::Database;
use app::{
    alerts::{
        alert::AlertState,
        group::group,
        inbox::Heard,
        links::links,
        rule::{Observations, VolumeSight, symptoms},
        state::AlertsState,
    },
    calls::state::CallsState,
    context,
    database::Database as OurDatabase,
    fleet::{inventory::Inventory, world::World},
    live::Hub,
    system::snapshot::DatabaseState,
    values::{Moment, RequestId},
};
use server::tasks::volume::VolumeFeed;
use sqlx::MySqlPool;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// 2026-11-22 10:05 UTC: the middle of the newest ten minutes is ten o'clock.
const NOW: Moment = Moment::from_seconds(1_795_341_900);

struct Scene {
    rows: Database,
    database: OurDatabase,
    calls: CallsState,
}

impl Scene {
    /// Past weeks: 3,600 calls an hour at one carrier and of one customer, half of them answered; at night 20.
    async fn new() -> Self {
        let rows = Database::new();
        let pool = MySqlPool::connect(&rows.url()).await.expect("it answers");
        server::database::migrate::migrate(&pool).await.expect("an empty database can be migrated");
        let hub = Arc::new(Hub::new(RequestId("test".into())));
        let database = OurDatabase::new(pool, Arc::clone(&hub), context::now());
        database.set_state(DatabaseState::Up { since: context::now() });
        for week in 1..=4 {
            for (hours, attempts) in [("('09:00', '10:00')", 3_600), ("('02:00', '03:00')", 20)] {
                rows.sql(&format!(
                    "INSERT INTO volume_hours (cut, hour, name, attempts, answered, no_answer)
                     SELECT cut, TIMESTAMP('2026-11-22' - INTERVAL {week} WEEK, hour), name, {attempts}, {attempts} / 2 + {week}, {attempts} / 4
                     FROM (SELECT 0 cut, 'total' name UNION SELECT 1, 'carrier-a' UNION SELECT 1, 'carrier-b' UNION SELECT 2, 'acme') names
                     JOIN (SELECT '09:00' hour UNION SELECT '10:00' UNION SELECT '02:00' UNION SELECT '03:00') hours WHERE hour IN {hours}"
                ));
            }
        }
        Self { rows, database, calls: CallsState::new(hub) }
    }

    /// So many calls in each of the ten minutes before `now`, of which so many are answered.
    fn calls(&self, now: Moment, cut: u8, name: &str, attempts: u32, answered: u32) {
        let until = now.seconds();
        self.rows.sql(&format!(
            "INSERT INTO volume_minutes (cut, minute, name, attempts, answered, no_answer, failed)
             SELECT {cut}, TIMESTAMP('1970-01-01') + INTERVAL {until} SECOND - INTERVAL seq MINUTE, '{name}', {attempts}, {answered},
                    LEAST({attempts} - {answered}, {attempts} DIV 4), GREATEST({attempts} - {answered} - {attempts} DIV 4, 0)
             FROM seq_1_to_10"
        ));
    }

    async fn sights(&self, now: Moment) -> Vec<VolumeSight> {
        VolumeFeed::default().look(&self.database, &self.calls, now).await.expect("the sums can be read").to_vec()
    }
}

fn heard(volume: &[VolumeSight], now: Moment) -> Heard {
    let inventory: Inventory =
        serde_json::from_value(serde_json::json!({ "name": "test", "networks": {}, "machines": [] })).expect("an inventory");
    let seen = Observations {
        inventory: &inventory,
        world: &World::default(),
        judgements: &[],
        blind_since: None,
        isolation: &[],
        volume,
        certificates: &[],
        trends: &[],
        tries: &BTreeMap::new(),
        sources: &[],
        now,
    };
    Heard { groups: group(symptoms(&seen)), ..Heard::default() }
}

#[tokio::test]
async fn a_carrier_whose_asr_breaks_down_gets_its_alert_and_another_none() {
    let scene = Scene::new().await;
    scene.calls(NOW, 0, "total", 60, 29);
    scene.calls(NOW, 1, "carrier-a", 60, 3);
    scene.calls(NOW, 1, "carrier-b", 60, 31);
    scene.calls(NOW, 2, "acme", 60, 30);
    let sights = scene.sights(NOW).await;
    let of = |name: &str| sights.iter().find(|sight| sight.subject.name == name).expect("it has calls");
    assert_eq!((sights.len(), of("all").usual.len()), (4, 4));
    let usual = of("carrier-a").usual[0];
    assert_eq!((usual.attempts, usual.cps), (600, Some(1.0)), "as many as ten minutes of that hour have");
    assert_eq!((of("carrier-a").now.attempts, of("carrier-a").now.asr_percent), (600, Some(5.0)));

    let alerts = AlertsState::new(Vec::new(), None, "http://panel".into(), "test");
    for second in 0..=70 {
        let now = NOW.plus(Duration::from_secs(second));
        alerts.step(&scene.database, heard(&sights, now), now).await.expect("it is written");
    }
    let told: Vec<String> = alerts.list(NOW).iter().map(|(alert, _)| alert.identity()).collect();
    assert_eq!(told, ["asr.low@carrier:carrier-a", "ner.low@carrier:carrier-a"], "{sights:?}");
    let now = NOW.plus(Duration::from_secs(70));
    let (alert, state) = alerts.list(now).remove(0);
    assert_eq!(state, AlertState::Firing);
    assert!(alert.sentence.starts_with("ASR of carrier-a is 5.0 %, below the 50."), "{}", alert.sentence);
    assert!(alert.evidence.iter().any(|line| line == "600 attempts from 09:55 to 10:05 UTC"), "{:?}", alert.evidence);
    let chart = &links(&alert, now)[0].href;
    for part in ["by=carrier", "carrier=carrier-a", "from=2026-11-22T09", "to=2026-11-22T10"] {
        assert!(chart.contains(part), "{part} is not in {chart}");
    }
    assert_eq!(scene.rows.sql("SELECT COUNT(*) FROM alerts WHERE rule_key = 'asr.low' AND severity = 'bad'"), "1");
}

#[tokio::test]
async fn a_quiet_night_and_three_calls_are_no_alert() {
    let scene = Scene::new().await;
    // Seven hours earlier; usual are twenty calls an hour, and now there are three that nobody answered.
    let night = NOW.minus(Duration::from_secs(7 * 3_600));
    scene.rows.sql(
        "INSERT INTO volume_minutes (cut, minute, name, attempts, failed) VALUES (0, '2026-11-22 03:01', 'total', 3, 3),
           (1, '2026-11-22 03:01', 'carrier-a', 3, 3), (2, '2026-11-22 03:01', 'acme', 3, 3)",
    );
    let sights = scene.sights(night).await;
    let total = sights.iter().find(|sight| sight.subject.name == "all").expect("it has calls");
    assert_eq!((total.now.attempts, total.usual[0].attempts), (3, 3));
    assert_eq!(heard(&sights, night).groups, [], "{sights:?}");
}

#[tokio::test]
async fn silence_where_calls_should_be_is_an_alert_of_whom_nothing_is_heard() {
    let scene = Scene::new().await;
    scene.calls(NOW, 0, "total", 60, 30);
    scene.calls(NOW, 1, "carrier-b", 60, 30);
    scene.calls(NOW, 2, "acme", 60, 30);
    let sights = scene.sights(NOW).await;
    let told: Vec<String> = heard(&sights, NOW).groups.iter().map(|group| group.root.identity()).collect();
    assert_eq!(told, ["cps.low@carrier:carrier-a"], "{sights:?}");
}
