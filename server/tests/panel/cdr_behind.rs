//! Sources of call records that cannot be read: who says so, from the collector to the pages and the command line.

use crate::{
    browser::Browser,
    cdr::{Source, database, drain},
    harness::{Panel, until},
    inventory::{inventory, nobody_at, write_inventory},
};
use app::{
    calls::{
        sources::{RecordSource, SourceKind},
        state::CallsState,
    },
    live::Hub,
    values::RequestId,
};
use server::cdr::Collector;
use std::{sync::Arc, time::Duration};

fn calls() -> Arc<CallsState> {
    Arc::new(CallsState::new(Arc::new(Hub::new(RequestId("test".into())))))
}

fn only(calls: &CallsState) -> RecordSource {
    let mut sources = calls.list_sources();
    assert_eq!(sources.len(), 1, "{sources:?}");
    sources.remove(0)
}

async fn collector(source: &Source, reader: &str, calls: &Arc<CallsState>) -> Collector {
    Collector::new(database(&source.ours.url()).await, reader, vec![source.cluster()]).telling(Arc::clone(calls))
}

#[tokio::test]
async fn the_collector_tells_up_to_when_it_has_read_and_since_when_it_cannot() {
    let (source, calls) = (Source::new().await, calls());
    source.call(1, 20);
    let collector = collector(&source, "one", &calls).await;
    assert_eq!((only(&calls).kind, only(&calls).name.as_str(), only(&calls).read_at), (SourceKind::Cluster, "main", None));
    assert_eq!(drain(&collector).await, 36);
    let read_at = only(&calls).read_at.expect("it was read");
    assert_eq!(only(&calls).failing, None);

    source.ours.sql(&format!("RENAME TABLE {0}.cdr TO {0}.away", source.pbx));
    collector.round().await.expect_err("the table is away");
    let (since, why) = only(&calls).failing.expect("it fails");
    assert!(since > read_at && why.contains("mariadb-01"), "{why}");
    collector.round().await.expect_err("the table is away");
    let failing = only(&calls);
    assert_eq!((failing.read_at, failing.failing.map(|(since, _)| since)), (Some(read_at), Some(since)), "since the first failure");

    source.ours.sql(&format!("RENAME TABLE {0}.away TO {0}.cdr", source.pbx));
    until("it is read again", Duration::from_secs(5), async || {
        // The rounds in which it is found again may fail.
        let _ = collector.round().await;
        only(&calls).failing.is_none()
    })
    .await;
    assert!(only(&calls).read_at > Some(read_at));
    calls.forget_sources();
    assert_eq!(collector.round().await, Ok(0));
    assert_eq!(calls.list_sources(), [], "what another inventory left out is not told of any more");
}

#[tokio::test]
async fn what_another_panel_reads_is_read() {
    let (source, calls) = (Source::new().await, calls());
    source.call(1, 20);
    assert_eq!(drain(&source.collector().await).await, 36);
    let second = collector(&source, "two", &calls).await;
    assert_eq!(second.round().await, Ok(0), "it stands by");
    assert!(only(&calls).read_at.is_some() && only(&calls).failing.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_functions_and_commands_say_that_figures_are_not_whole() {
    let (panel, _database) = Panel::with_everybody();
    for name in ["mariadb-01", "host-41", "management"] {
        panel.announce(name);
    }
    let behind = || panel.json(&["volume"])["behind"].clone();
    assert_eq!(behind(), serde_json::json!([]), "nothing is declared, nothing lags");
    let port = nobody_at("127.0.77.41");
    write_inventory(&panel.state, &inventory("mariadb-01", "mariadb", 41, "sql", port));
    // It is told after fifteen seconds.
    until("the volume to say so", Duration::from_secs(40), async || behind().as_array().is_some_and(|all| !all.is_empty())).await;
    let told = behind()[0].clone();
    assert_eq!(
        (told["source"].as_str(), told["kind"].as_str(), told["read_until"].as_str()),
        (Some("test"), Some("cluster"), None)
    );
    assert!(told["why"].as_str().is_some_and(|why| why.contains("mariadb-01")), "{told}");
    let sentence = told["sentence"].as_str().expect("a sentence");
    assert!(sentence.contains("cannot be read since") && sentence.ends_with("Later figures are incomplete."), "{sentence}");
    let output = panel.command(&["volume"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains(sentence), "{output:?}");

    let noc = Browser::signed_in(&panel.staff, "noc").await;
    for path in ["/volume", "/cdrs"] {
        let page = noc.page(path).await;
        assert!(page.contains(sentence) && page.contains("incomplete"), "{path}: {page}");
    }
    let function = noc.read("/api/calls/volume", &[("query", "range=1h")]).await.text().await.expect("an answer");
    let volume: serde_json::Value = serde_json::from_str(&function).expect("JSON");
    assert_eq!(volume["behind"][0]["name"], "test", "{function}");
    std::fs::remove_file(panel.state.join("inventory.toml")).expect("it is there");
    until("nobody to miss it any more", Duration::from_secs(20), async || behind() == serde_json::json!([])).await;
}
