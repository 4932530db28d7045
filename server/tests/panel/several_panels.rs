//! Several panels on one database: one raises and writes, the others show it, and one goes on when it dies.

use crate::{
    alerts::{acknowledge, migrated, ours},
    browser::Browser,
    harness::{Database, Panel, Setup, until},
    hook::{Hook, Mood, plant},
};
use app::{
    alerts::{
        group::Group, inbox::Heard, rule::Symptom, state::AlertsState, subject::Severity, subject::Subject, telling::Receiver,
    },
    context,
    lease::{Hold, Lease},
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

const QUICK: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_one_panels_until_it_ends() {
    let (rows, pool) = migrated().await;
    let database = ours(&pool);
    let (one, other) = (Lease::new("x", "one"), Lease::new("x", "other"));
    let both = tokio::join!(one.keep(&database), other.keep(&database));
    let both = [both.0.expect("it answers"), both.1.expect("it answers")];
    assert_eq!(both.iter().filter(|hold| **hold == Hold::Theirs).count(), 1, "{both:?}");
    let (holder, waits) = if both[0] == Hold::Theirs { (&other, &one) } else { (&one, &other) };
    assert_eq!(waits.keep(&database).await.expect("it answers"), Hold::Theirs);
    rows.sql("UPDATE leases SET expires_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND");
    assert_eq!(waits.keep(&database).await.expect("it answers"), Hold::Taken);
    let mut tx = database.begin("test").await.expect("it answers");
    assert!(!holder.is_mine(&mut tx).await.expect("it answers"), "who slept past the end writes nothing");
}

fn heard() -> Heard {
    let symptom = Symptom::new("machine.away", Subject::machine("a"), Severity::Bad, "a does not answer.");
    Heard { groups: vec![Group { root: symptom, folded: Vec::new() }], ..Heard::default() }
}

/// Two panels that see the same: one alert, one notice, at whichever of them a person acts and whichever goes on.
#[tokio::test(flavor = "multi_thread")]
async fn two_panels_that_see_the_same_tell_it_once() {
    let (rows, pool) = migrated().await;
    let database = ours(&pool);
    let panel = |name: &str| {
        let receivers = vec![Receiver { name: "webhook".into(), only_escalated: false }];
        AlertsState::new(receivers, None, "http://panel".into(), name)
    };
    let (first, second) = (panel("first"), panel("second"));
    let start = context::now();
    let at = |s: u64| start.plus(Duration::from_secs(s));
    for s in 0..5 {
        first.step(&database, heard(), at(s)).await.expect("it is written");
        second.step(&database, heard(), at(s)).await.expect("it is read");
    }
    let id = second.list(at(5))[0].0.id;
    assert_eq!(first.list(at(5))[0].0.id, id, "the second shows what the first wrote");
    // Somebody acknowledges at the second, which goes on from there.
    acknowledge(&second, &database, id, at(6)).await;
    for s in 7..12 {
        second.step(&database, heard(), at(s)).await.expect("it is written");
    }
    for s in 12..30 {
        // It is over, and each of them sees that.
        first.step(&database, Heard::default(), at(s)).await.expect("it is read");
        second.step(&database, Heard::default(), at(s)).await.expect("it is written");
    }
    assert_eq!((first.list(at(30)).len(), second.list(at(30)).len()), (0, 0));
    assert_eq!(rows.sql("SELECT GROUP_CONCAT(kind ORDER BY seq) FROM alert_events"), "opened,acknowledged,resolved");
    assert_eq!(rows.sql("SELECT COUNT(*), COUNT(DISTINCT alert_id, seq) FROM notices"), "2\t2");
    assert_eq!(rows.sql("SELECT acknowledged_by FROM alerts"), "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_is_killed_and_another_goes_on_without_telling_anything_twice() {
    let rows = Database::new();
    let hook = Hook::open(&[Mood::Well]).await;
    let config = format!("[notices]\nwebhook = {{ url = {:?} }}\n", hook.url);
    let setup = || Setup::with(&rows).config(&config);
    let mut first = Panel::start(setup());
    let holder = || rows.sql("SELECT holder FROM leases WHERE name = 'alerts'");
    until("the first has the lease", QUICK, async || holder().contains(&first.state.display().to_string())).await;
    let second = Panel::start(setup());
    second.command_with(&["user", "add", "admin", "--role", "admin", "--password-stdin"], crate::harness::PASSWORD);
    for id in 1..=20 {
        plant(&rows, id, &["webhook"]);
    }
    until("some are told", QUICK, async || hook.keys().len() > 3).await;
    (21..=30).for_each(|id| plant(&rows, id, &["webhook"]));
    first.kill();
    let killed = Instant::now();
    (31..=40).for_each(|id| plant(&rows, id, &["webhook"]));
    until("the second has the lease", QUICK, async || holder().contains(&second.state.display().to_string())).await;
    assert!(killed.elapsed() < Duration::from_secs(15), "{:?}", killed.elapsed());
    until("everything is told", QUICK, async || rows.sql("SELECT COUNT(*) FROM notices WHERE sent_at IS NULL") == "0").await;
    let after = times(&hook);
    assert_eq!(after.len(), 40);
    let twice: Vec<_> = after.iter().filter(|(_, times)| **times > 1).collect();
    // Only the one that was under way at the kill may come again, under its key.
    assert!(twice.len() <= 1, "{twice:?}");
    let admin = Browser::signed_in(&second.staff, "admin").await;
    let page = admin.page("/").await;
    assert!(page.contains(" alert firing: ") && page.contains("badge bad"), "the menu of every page says what is open: {page}");
}

fn times(hook: &Hook) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for (key, _) in hook.taken.lock().expect("no panic").iter() {
        *times.entry(key.clone()).or_insert(0) += 1;
    }
    times
}
