//! Alerts on a real MariaDB: written once, told once, whatever is killed when; and handled by people over HTTP.

use crate::{
    browser::Browser,
    harness::{Database, Panel, Setup, skipped, temp_dir, until},
    hook::{Hook, Mood, plant},
};
use app::{
    alerts::{
        alert::{AlertState, EventKind},
        group::Group,
        inbox::Heard,
        rule::Symptom,
        state::AlertsState,
        subject::{Severity, Subject},
        telling::Receiver,
    },
    context,
    database::Database as OurDatabase,
    live::Hub,
    system::snapshot::DatabaseState,
    values::{AlertId, Moment, RequestId},
};
use rand::RngExt;
use server::notices::{
    Way,
    config::{NoticesSection, WebhookSection},
    outbox, ways,
    webhook::sign,
};
use sqlx::MySqlPool;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

const QUICK: Duration = Duration::from_secs(30);
const START: Moment = Moment::from_seconds(1_780_000_000);

pub async fn migrated() -> (Database, MySqlPool) {
    let database = Database::new();
    let pool = MySqlPool::connect(&database.url()).await.expect("it answers");
    server::database::migrate::migrate(&pool).await.expect("an empty database can be migrated");
    (database, pool)
}

pub fn ours(pool: &MySqlPool) -> OurDatabase {
    let hub = Arc::new(Hub::new(RequestId("test".into())));
    let database = OurDatabase::new(pool.clone(), hub, context::now());
    database.set_state(DatabaseState::Up { since: context::now() });
    database
}

fn heard(names: &[String]) -> Heard {
    let symptom = |name: &String| {
        Symptom::new("machine.away", Subject::machine(name), Severity::Bad, format!("{name} does not answer."))
            .evidence(["no answer"])
    };
    let groups = names.iter().map(|name| Group { root: symptom(name), folded: Vec::new() }).collect();
    Heard { groups, ..Heard::default() }
}

fn receivers(names: &[&str]) -> Vec<Receiver> {
    names.iter().map(|name| Receiver { name: (*name).into(), only_escalated: false }).collect()
}

fn state(names: &[&str]) -> AlertsState {
    AlertsState::new(receivers(names), None, "http://panel".into(), "test")
}

/// The rows of a table, as a number.
fn count(database: &Database, what: &str) -> usize {
    database.sql(&format!("SELECT COUNT(*) FROM {what}")).parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_is_one_notice_for_each_receiver_whatever_is_killed_when() {
    let (rows, pool) = migrated().await;
    let hook = Hook::open(&[Mood::Well]).await;
    let folder = temp_dir();
    let names = ["webhook", "mail:a@b.example"];
    let receivers = receivers(&names);
    let section = NoticesSection { mail_folder: Some(folder.path().into()), ..NoticesSection::default() };
    let mail = Arc::new(ways(&section).remove(0).1);
    let webhook = Arc::new(hook.way());
    let mut alerts = Arc::new(state(&names));
    for second in 0..240u32 {
        // Four machines that come and go, each at its own pace.
        let seen: Vec<String> =
            (0..4u32).filter(|n| second < 180 && (second + n * 7) / (15 + n * 9) % 2 == 1).map(|n| format!("m{n}")).collect();
        let now = START.plus(Duration::from_secs(second.into()));
        let database = Arc::new(ours(&pool));
        // A kill: what runs is cut off after a random moment, and the next second begins from what is stored.
        let killed = rand::rng().random_range(0..3) == 0;
        let micros = rand::rng().random_range(0..6_000);
        let (stepping, sending) = (Arc::clone(&alerts), [(0, Arc::clone(&webhook)), (1, Arc::clone(&mail))]);
        let (step_database, receivers) = (Arc::clone(&database), receivers.clone());
        let work = tokio::spawn(async move {
            stepping.step(&step_database, heard(&seen), now).await.expect("it is written");
            for (i, way) in sending {
                outbox::empty(&step_database, &receivers[i], &way).await.expect("it is sent");
            }
        });
        if killed {
            tokio::time::sleep(Duration::from_micros(micros)).await;
            work.abort();
            // What it had begun is over, one way or the other.
            drop(work.await);
            // The next process is not there sooner; by then the database has ended what the dead one began.
            tokio::time::sleep(Duration::from_millis(30)).await;
            alerts = Arc::new(state(&names));
        } else {
            work.await.expect("it ends");
        }
    }
    // What flapped is over after five calm minutes.
    let database = ours(&pool);
    for second in 240..700 {
        alerts.step(&database, heard(&[]), START.plus(Duration::from_secs(second))).await.expect("it is written");
    }
    // The claims of those that were killed while they sent end by themselves.
    rows.sql("UPDATE notices SET claimed_until = NULL WHERE sent_at IS NULL");
    for (receiver, way) in receivers.iter().zip([&webhook, &mail]) {
        outbox::empty(&database, receiver, way).await.expect("it is sent");
    }
    let told = "alert_events WHERE kind IN ('opened', 'flapping', 'resolved')";
    let changes = count(&rows, told);
    assert!(changes > 8, "{changes}");
    assert_eq!(count(&rows, "notices"), 2 * changes, "one row for each change and receiver");
    assert_eq!(count(&rows, "notices WHERE sent_at IS NULL"), 0);
    assert_eq!(count(&rows, "alerts WHERE resolved_at IS NULL"), 0, "nothing stays open");
    assert_eq!(
        rows.sql(
            "SELECT COUNT(*) FROM alerts a JOIN alerts b ON a.subject = b.subject AND a.id < b.id AND b.opened_at < a.resolved_at"
        ),
        "0",
        "one alert at a time of one thing"
    );
    let keys = rows
        .sql("SELECT CONCAT('wirecenter-', alert_id, '-', seq) FROM alert_events WHERE kind IN ('opened', 'flapping', 'resolved')");
    let keys: BTreeSet<String> = keys.lines().map(ToString::to_string).collect();
    assert_eq!(hook.keys(), keys, "the world heard of each, and of nothing else");
    let files = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(files, changes, "one mail each, also of those that were sent twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_alerts_are_known_and_they_are_written_when_it_is_back() {
    let (rows, pool) = migrated().await;
    let database = ours(&pool);
    database.set_state(DatabaseState::Down { since: START, why: "cut".into() });
    let alerts = state(&["webhook"]);
    let at = |second: u64| START.plus(Duration::from_secs(second));
    for second in 0..10 {
        alerts.step(&database, heard(&["a".into()]), at(second)).await.expect("it is kept");
    }
    assert_eq!((alerts.list(at(10)).len(), count(&rows, "alerts")), (1, 0));
    assert_eq!(alerts.firing_count(at(10)), (1, Some(Severity::Bad)));
    database.set_state(DatabaseState::Up { since: at(10) });
    alerts.step(&database, heard(&["a".into()]), at(11)).await.expect("it is written");
    assert_eq!((count(&rows, "alerts"), count(&rows, "alert_events"), count(&rows, "notices")), (1, 1, 1));

    // Another start without the database, with the same thing wrong: it goes on under its old number, and nobody is told again.
    let id = alerts.list(at(12))[0].0.id;
    database.set_state(DatabaseState::Down { since: at(12), why: "cut".into() });
    let again = state(&["webhook"]);
    for second in 20..30 {
        again.step(&database, heard(&["a".into()]), at(second)).await.expect("it is kept");
    }
    assert_ne!(again.list(at(30))[0].0.id, id, "it cannot know yet");
    database.set_state(DatabaseState::Up { since: at(30) });
    again.step(&database, heard(&["a".into()]), at(31)).await.expect("it is written");
    assert_eq!(again.list(at(31))[0].0.id, id);
    assert_eq!((count(&rows, "alerts"), count(&rows, "notices")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_slow_or_broken_gets_everything_in_order_later() {
    let (rows, pool) = migrated().await;
    let database = ours(&pool);
    let alerts = state(&["webhook"]);
    let at = |second: u64| START.plus(Duration::from_secs(second));
    for second in 0..20 {
        let seen = if second < 10 { vec!["a".to_string()] } else { vec![] };
        alerts.step(&database, heard(&seen), at(second)).await.expect("it is written");
    }
    assert_eq!(count(&rows, "notices"), 2);
    // What is older than a day is given up instead.
    rows.sql("UPDATE notices SET created_at = UTC_TIMESTAMP(6)");
    let receiver = &receivers(&["webhook"])[0];
    // Nobody there: a port that was just given back.
    let gone = NoticesSection {
        webhook: Some(WebhookSection { url: "http://127.0.0.1:9/noc".into(), secret_file: None }),
        ..NoticesSection::default()
    };
    let why = outbox::empty(&database, receiver, &ways(&gone).remove(0).1).await.expect_err("nobody is there");
    assert!(why.contains("cannot be reached") && !why.contains("127.0.0.1"), "{why}");
    assert_eq!(
        rows.sql("SELECT attempts, due_at > UTC_TIMESTAMP(6) - INTERVAL 10 SECOND, last_error IS NOT NULL FROM notices LIMIT 1"),
        "1\t1\t1"
    );
    rows.sql("UPDATE notices SET due_at = '2099-01-01'");
    assert_eq!(outbox::empty(&database, receiver, &ways(&gone).remove(0).1).await, Ok(0), "it is not due yet");
    let hook = Hook::open(&[Mood::Broken, Mood::Slow, Mood::Well]).await;
    let way = hook.way();
    let due = || rows.sql("UPDATE notices SET due_at = '2026-01-01'");
    due();
    assert!(outbox::empty(&database, receiver, &way).await.expect_err("it answers 500").contains("500"));
    due();
    let started = std::time::Instant::now();
    assert!(outbox::empty(&database, receiver, &way).await.expect_err("it is slow").contains("in time"));
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
    due();
    assert_eq!(outbox::empty(&database, receiver, &way).await, Ok(2));
    assert_eq!(rows.sql("SELECT attempts FROM notices ORDER BY id"), "4\n1", "the end waits for the beginning");
    let events: Vec<String> = hook
        .taken
        .lock()
        .expect("no panic")
        .iter()
        .map(|(_, body)| {
            serde_json::from_str::<serde_json::Value>(body).expect("JSON")["event"].as_str().expect("text").to_string()
        })
        .collect();
    assert_eq!(events, ["opened", "resolved"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_that_is_killed_while_it_tells_forgets_nothing() {
    let (database, _pool) = migrated().await;
    let hook = Hook::open(&[Mood::Well]).await;
    let (folder, secret) = (temp_dir(), temp_dir());
    let secret_file = secret.path().join("hook");
    server::files::write(&secret_file, "s3cret\n", 0o600).expect("a file");
    let config = format!(
        "[notices]\nmail_folder = {:?}\nwebhook = {{ url = {:?}, secret_file = {:?} }}\n",
        folder.path(),
        hook.url,
        secret_file
    );
    for id in 1..=60 {
        plant(&database, id, &["webhook", "mail:noc@wirecenter.invalid"]);
    }
    for _ in 0..4 {
        let mut panel = Panel::start(Setup::with(&database).config(&config));
        tokio::time::sleep(Duration::from_millis(rand::rng().random_range(0..250))).await;
        panel.kill();
        // As if fifteen seconds had gone by.
        database.sql("UPDATE notices SET claimed_until = NULL");
    }
    let _panel = Panel::start(Setup::with(&database).config(&config));
    until("everything is told", QUICK, async || count(&database, "notices WHERE sent_at IS NULL") == 0).await;
    let keys: BTreeSet<String> = (1..=60).map(|id| format!("wirecenter-{id}-1")).collect();
    assert_eq!(hook.keys(), keys);
    let mut times = BTreeMap::new();
    for (key, _) in hook.taken.lock().expect("no panic").iter() {
        *times.entry(key.clone()).or_insert(0) += 1;
    }
    assert!(times.values().filter(|times| **times > 1).count() <= 4, "at most what each kill cut off is repeated: {times:?}");
    let mails: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|file| file.path()).collect();
    assert_eq!(mails.len(), 60);
    let mail = std::fs::read_to_string(&mails[0]).expect("a whole mail");
    for part in
        ["Subject: Bad: kamailio-01 does not answer.", "Since:", "no answer", "http://panel/alerts/1", "Message-ID: <wirecenter-"]
    {
        assert!(mail.contains(part), "{part} is not in {mail}");
    }
    let (headers, taken) = (hook.headers.lock().expect("no panic"), hook.taken.lock().expect("no panic"));
    let signature = headers[0]["x-wirecenter-signature"].to_str().expect("text");
    assert_eq!(signature, format!("sha256={}", sign(b"s3cret", taken[0].1.as_bytes())));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_look_after_an_alert_by_plain_forms_and_all_see_it() {
    let (panel, database) = Panel::with_everybody();
    plant(&database, 5, &[]);
    // Alerts are read at the start.
    let state_dir = panel.state.clone();
    drop(panel);
    let panel = Panel::start(Setup::with(&database).state(&state_dir));
    let noc = Browser::signed_in(&panel.staff, "noc").await;
    until("the inbox shows it", QUICK, async || noc.page("/alerts").await.contains("kamailio-01 does not answer.")).await;
    let page = noc.page("/alerts?severity=bad&q=kamailio").await;
    assert!(page.contains("action=\"/api/alerts/acknowledge\"") && page.contains("href=\"/machines/kamailio-01\""), "{page}");
    assert!(!noc.page("/alerts?severity=notice").await.contains("kamailio-01 does not"), "the filter is in the address");

    let fields = [("id", "5"), ("comment", "on my way <b>"), ("back", "/alerts?severity=bad")];
    let response = noc.form("/alerts", "/api/alerts/acknowledge", &fields).await;
    assert_eq!(crate::browser::location(&response), "/alerts?severity=bad");
    let viewer = Browser::signed_in(&panel.staff, "viewer").await;
    let page = viewer.page("/alerts/5").await;
    assert!(page.contains("on my way &lt;b&gt;") && page.contains("acknowledged"), "{page}");
    assert!(!page.contains("/api/alerts/acknowledge"), "who may not, sees no form");
    assert_eq!(viewer.call("/api/alerts/acknowledge", &[("id", "5"), ("comment", "")]).await.status(), 403);

    noc.form("/alerts/5", "/api/alerts/assign", &[("id", "5"), ("to", "nobody-here")]).await;
    assert!(noc.notice().contains("needs another value"), "{}", noc.notice());
    noc.form("/alerts/5", "/api/alerts/assign", &[("id", "5"), ("to", "Admin")]).await;
    noc.form("/alerts/5", "/api/alerts/silence", &[("id", "5"), ("minutes", "30")]).await;
    assert!(noc.notice().starts_with("Nothing is told of it until"), "{}", noc.notice());
    let firing = panel.json(&["alerts"]);
    assert_eq!(firing, serde_json::json!([]), "a silenced alert does not fire");
    noc.form("/alerts/5", "/api/alerts/unsilence", &[("id", "5")]).await;
    let fields = [("rule", "machine.*"), ("about", "machine:asterisk-*"), ("minutes", "120"), ("comment", "new kernel")];
    noc.form("/alerts", "/api/silences/add", &fields).await;
    assert!(noc.page("/alerts").await.contains("machine:asterisk-*"));

    let document = panel.json(&["alerts", "--show", "all"]);
    let alert = &document[0];
    assert_eq!((&alert["id"], &alert["state"], &alert["acknowledged_by"]), (&5.into(), &"acknowledged".into(), &"noc".into()));
    assert_eq!((&alert["assigned"], &alert["evidence"][0]), (&"admin".into(), &"no answer".into()));
    let events = database.sql("SELECT GROUP_CONCAT(kind ORDER BY seq) FROM alert_events WHERE alert_id = 5");
    assert_eq!(events, "opened,acknowledged,assigned,silenced,unsilenced");
    let audited =
        database.sql("SELECT GROUP_CONCAT(action ORDER BY seq) FROM audit WHERE action LIKE 'alert%' OR action LIKE 'silence%'");
    assert_eq!(audited, "alert_acknowledge,alert_assign,alert_silence,alert_unsilence,silence_add");
    assert_eq!(noc.get("/alerts/77").await.status(), 404);
}

/// Ada looks after it, and says "mine".
pub async fn acknowledge(state: &AlertsState, database: &OurDatabase, id: AlertId, now: Moment) {
    let row = |_: &()| app::auth::audit::Draft {
        actor: "ada".into(),
        address: "local".into(),
        request: String::new(),
        action: app::auth::audit::Action::AlertAcknowledge,
        subject: "a".into(),
        before: None,
        after: None,
        outcome: app::auth::audit::Outcome::Done,
    };
    let plan = |inbox: &mut app::alerts::inbox::Inbox| {
        let change = inbox.acknowledge(id, "ada", "mine", now).map_err(app::error::AppError::refused)?;
        Ok(((), vec![change], None))
    };
    state.change(database, "acknowledge", now, plan, row).await.expect("it is written");
}

#[tokio::test(flavor = "multi_thread")]
async fn silences_and_acknowledgements_outlive_a_restart() {
    let (_rows, pool) = migrated().await;
    let database = ours(&pool);
    let at = |second: u64| START.plus(Duration::from_secs(second));
    let before = state(&["webhook"]);
    for second in 0..5 {
        before.step(&database, heard(&["a".into()]), at(second)).await.expect("it is written");
    }
    let id = before.list(at(5))[0].0.id;
    acknowledge(&before, &database, id, at(6)).await;
    let after = state(&["webhook"]);
    after.step(&database, heard(&["a".into()]), at(20)).await.expect("it goes on");
    let (alert, state) = after.list(at(20)).remove(0);
    assert_eq!((alert.id, state), (id, AlertState::Acknowledged));
    assert_eq!(alert.acknowledged.map(|a| a.comment), Some("mine".into()));
    assert_eq!(alert.changes, 2, "{:?}", EventKind::Acknowledged);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alertmanager_hears_of_it_and_of_its_end() {
    let Some(program) = server::process::find_program("prometheus-alertmanager") else {
        return skipped("there is no prometheus-alertmanager here; install Debian's package to run it");
    };
    let dir = temp_dir();
    let config = dir.path().join("am.yml");
    std::fs::write(&config, "route: { receiver: none }\nreceivers: [{ name: none }]\n").expect("a file");
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
    let mut child = std::process::Command::new(program)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", dir.path().display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--cluster.listen-address=")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let url = format!("http://127.0.0.1:{port}");
    let section = NoticesSection {
        alertmanager: Some(server::notices::config::AlertmanagerSection { url: url.clone() }),
        ..NoticesSection::default()
    };
    let (receiver, way) = ways(&section).remove(0);
    let known = async || -> Vec<serde_json::Value> {
        let asked = reqwest::get(format!("{url}/api/v2/alerts")).await;
        match asked {
            Ok(answer) => answer.json().await.unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    };
    until("it answers", QUICK, async || reqwest::get(format!("{url}/-/ready")).await.is_ok_and(|a| a.status() == 200)).await;
    let (_rows, pool) = migrated().await;
    let database = ours(&pool);
    let alerts = state(&["alertmanager"]);
    let start = context::now().minus(Duration::from_secs(20));
    let at = |second: u64| start.plus(Duration::from_secs(second));
    for second in 0..5 {
        alerts.step(&database, heard(&["a".into()]), at(second)).await.expect("it is written");
    }
    assert_eq!(outbox::empty(&database, &receiver, &way).await, Ok(1));
    until("it is known there", QUICK, async || known().await.len() == 1).await;
    assert_eq!(known().await[0]["labels"]["subject"], "machine:a");
    let Way::Alertmanager(alertmanager) = &way else { panic!("the way to an Alertmanager") };
    let told: Vec<_> = alerts.list(at(5)).into_iter().map(|(alert, _)| alert).collect();
    alertmanager.repeat(&told, "http://panel", context::now()).await.expect("it listens");
    assert_eq!(known().await.len(), 1, "said again it is the same one");
    for second in 6..15 {
        alerts.step(&database, heard(&[]), at(second)).await.expect("it is written");
    }
    assert_eq!(outbox::empty(&database, &receiver, &way).await, Ok(1));
    until("it is over there", QUICK, async || known().await.is_empty()).await;
    child.kill().and_then(|()| child.wait()).expect("it ends");
}
