//! The desk over a journal and an inventory whose proxies do not answer, or answer late.

use super::*;
use crate::operations::harness::letters;
use app::operations::{
    journal::{Event, Outcome},
    refusal::Unable,
    sheet::Summary,
};
use std::time::Instant;
use tokio::{io::AsyncReadExt, net::TcpListener};

/// The inventory we ship, with its proxies on this machine's loopback, where nobody listens.
fn desk(dir: &Path) -> ServerDesk {
    let shipped = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/stack/inventory.toml")).expect("ours");
    let moved = shipped.replace("10.40.40.0/24", "127.40.40.0/24").replace("10.40.40.1\"", "127.40.40.1\"");
    std::fs::write(dir.join("inventory.toml"), moved).expect("written");
    ServerDesk { look_within: Duration::from_secs(20), ..ServerDesk::new(dir, None) }
}

fn wish() -> Wish {
    Wish::parse("disable_carrier", "carrier-a", "").expect("a kind")
}

#[tokio::test]
async fn without_a_journal_nothing_runs_and_nothing_is_found_or_made() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = desk(dir.path());
    assert_eq!(desk.list(10).await, Ok(Vec::new()));
    assert_eq!(desk.find(OperationId(1)).await, Err(NotDone::Unknown(OperationId(1))));
    assert_eq!(desk.ask(OperationId(1), "ada".into(), Ask::Pause).await, Err(NotDone::Unknown(OperationId(1))));
    assert!(!dir.path().join(super::super::journal::FILE).exists(), "reading makes no file");
}

#[tokio::test]
async fn a_blocked_plan_is_shown_with_the_reason_and_is_remembered_by_its_fingerprint() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = desk(dir.path());
    let Looked::Plan { plan, why_not, held_by, .. } = desk.look(&wish()).await else { panic!("a plan") };
    assert!(why_not.is_some_and(|why| why.contains("It must not start as things are")), "{plan:#?}");
    assert_eq!((held_by, desk.shown(&plan.fingerprint())), (None, Some(*plan.clone())));
    assert_eq!(desk.shown("0000"), None);
    let refused = desk.start(wish(), plan.fingerprint(), Level::L2, "ada".into()).await;
    assert!(matches!(refused, Err(NotDone::Refused(Refusal::Blocked { .. }))), "{refused:?}");
    let weak = desk.start(wish(), plan.fingerprint(), Level::L1, "ada".into()).await;
    assert_eq!(weak, Err(NotDone::Refused(Refusal::NotConfirmed { needed: Level::L2, given: Level::L1 })));
    let stale = desk.start(wish(), "0000".into(), Level::L2, "ada".into()).await;
    assert_eq!(stale, Err(NotDone::Refused(Refusal::Stale)));
    assert_eq!(desk.list(10).await, Ok(Vec::new()));
}

#[tokio::test]
async fn who_has_the_subject_is_named_and_what_is_asked_of_it_is_written_down() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = desk(dir.path());
    let journal = desk.for_writing().await.expect("a journal");
    let id = journal.start(&letters("carrier-a", "ab"), "bob", context::now()).await.expect("it starts");
    let Looked::Plan { held_by, why_not, .. } = desk.look(&wish()).await else { panic!("a plan") };
    assert_eq!(held_by, Some(id));
    assert!(why_not.is_some_and(|why| why.contains("held by operation")));
    assert_eq!(desk.ask(id, "ada".into(), Ask::Pause).await, Ok(()));
    assert_eq!(desk.ask(id, "ada".into(), Ask::Pause).await, Err(Unable::Paused(id).into()));
    let (run, entries) = desk.find(id).await.expect("it is there");
    assert_eq!((Summary::of(&run).word.as_str(), entries.len()), ("paused", 2));
    assert!(matches!(&entries[1], Entry { by, event: Event::Paused, .. } if by == "ada"));
    let listed = desk.list(10).await.expect("a list");
    assert_eq!((listed.len(), listed[0].word.as_str()), (1, "paused"));
    let finished = Event::Finished { outcome: Outcome::Cancelled };
    journal.append(&run, "panel", context::now(), finished).await.expect("appended");
    for _ in 0..2 {
        let listed = desk.list(10).await.expect("a list");
        assert_eq!((listed.len(), listed[0].word.as_str()), (1, "cancelled"), "read, and then remembered");
    }
}

#[tokio::test]
async fn a_page_does_not_wait_for_a_machine_that_is_silent_and_finds_the_plan_later() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = ServerDesk { look_within: Duration::from_millis(100), ..desk(dir.path()) };
    // A door that takes the question and never answers.
    let shipped = std::fs::read_to_string(dir.path().join("inventory.toml")).expect("written");
    let inventory: app::fleet::inventory::Inventory = toml::from_str(&shipped).expect("ours");
    let proxy = inventory.machines.iter().find(|machine| machine.name == "kamailio-01").expect("it is there");
    let endpoint = inventory.endpoints[&proxy.role]["jsonrpc"].clone();
    let nic = inventory.nics(proxy).into_iter().find(|nic| nic.network == endpoint.network).expect("it is on it");
    let listener = TcpListener::bind((nic.address, endpoint.port)).await;
    let silent = listener.map(|listener| {
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("somebody asks");
            let mut read = Vec::new();
            // Until whoever asked gives up.
            let _ = stream.read_to_end(&mut read).await;
        })
    });
    let began = Instant::now();
    let first = desk.look(&wish()).await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    if silent.is_ok() {
        assert_eq!(first, Looked::Looking);
    }
    let mut last = first;
    for _ in 0..100 {
        if last != Looked::Looking {
            break;
        }
        last = desk.look(&wish()).await;
    }
    assert!(matches!(last, Looked::Plan { .. }), "{last:?}");
}

#[tokio::test]
async fn what_is_offered_is_in_the_inventory_and_a_missing_one_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = desk(dir.path());
    let offers = desk.offers().expect("an inventory");
    let carriers = offers.iter().find(|offer| offer.kind == OperationKind::DisableCarrier).expect("it is built");
    assert!(carriers.subjects.contains(&"carrier-a".to_string()));
    assert!(offers.iter().all(|offer| offer.kind.is_built()));
    let empty = tempfile::tempdir().expect("a folder");
    let told = ServerDesk::new(empty.path(), None);
    assert!(told.offers().expect_err("no inventory").contains("Put inventory.toml"));
    assert!(matches!(told.look(&wish()).await, Looked::Refused(why) if why.contains("no inventory")));
}

#[tokio::test]
async fn one_plan_too_many_waits_until_another_is_made() {
    let dir = tempfile::tempdir().expect("a folder");
    let desk = desk(dir.path());
    let begin = |number: usize| {
        let (tell, made) = watch::channel(None);
        desk.looks().by_wish.insert(Wish { subject: number.to_string(), ..wish() }, Look { made });
        tell
    };
    let others: Vec<_> = (0..LOOKS_MAX).map(begin).collect();
    assert_eq!(desk.look(&wish()).await, Looked::Looking);
    // Whoever made them has gone, with or without a plan.
    drop(others);
    assert!(matches!(desk.look(&wish()).await, Looked::Plan { .. }));
}
