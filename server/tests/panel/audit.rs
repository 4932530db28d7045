//! The audit log: complete, append-only, and any tampering found.

use crate::browser::Browser;
use crate::harness::{Database, Panel, Setup};
use proptest::{prelude::*, test_runner::TestRunner};

fn verify(panel: &Panel) -> (bool, String) {
    let output = panel.command(&["audit", "verify", "--json"]);
    let facts: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    let ok = facts["ok"].as_bool().expect("a verdict");
    assert_eq!(output.status.code(), Some(if ok { 0 } else { 1 }));
    (ok, facts["broken"].as_str().unwrap_or_default().to_string())
}

async fn with_rows(rows: usize) -> (Panel, Database) {
    let (panel, database) = Panel::with_everybody();
    for _ in 0..rows {
        Browser::at(&panel.staff).sign_in("noc", crate::harness::PASSWORD).await;
    }
    (panel, database)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_itself_refuses_to_change_or_remove_a_row() {
    let (panel, database) = with_rows(3).await;
    assert!(database.try_sql("UPDATE audit SET actor = 'nobody' WHERE seq = 2").expect_err("refused").contains("append-only"));
    assert!(database.try_sql("DELETE FROM audit WHERE seq = 2").expect_err("refused").contains("append-only"));
    assert_eq!(verify(&panel), (true, String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gets_past_that_is_found() {
    let (panel, database) = with_rows(6).await;
    database.sql("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; CREATE TABLE kept AS SELECT * FROM audit");
    let swap = "UPDATE audit SET seq = 1000 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 1000";
    let tampering = [
        ("an edited actor", "UPDATE audit SET actor = 'nobody' WHERE seq = 3", "Row 3 is not what was written"),
        ("an edited time", "UPDATE audit SET at = at - INTERVAL 1 MICROSECOND WHERE seq = 5", "Row 5 is not what was written"),
        ("a value blanked", "UPDATE audit SET after_value = NULL WHERE seq = 1", "Row 1 is not what was written"),
        ("a row removed", "DELETE FROM audit WHERE seq = 4", "Row 4 is missing"),
        ("the first row removed", "DELETE FROM audit WHERE seq = 1", "Row 1 is missing"),
        ("the last row removed", "DELETE FROM audit WHERE seq = 7", "The log ends at row 6, but row 7 was written"),
        ("everything removed", "DELETE FROM audit", "The log ends at row 0, but row 7 was written"),
        ("two rows swapped", swap, "Row 3 is not what was written"),
        ("an edited hash", "UPDATE audit SET hash = REVERSE(hash) WHERE seq = 2", "Row 2 is not what was written"),
        (
            "a row invented",
            "INSERT INTO audit SELECT 8, at, 'eve', address, request, action, subject, before_value, after_value, outcome, hash FROM audit WHERE seq = 7",
            "Row 8 is not what was written",
        ),
    ];
    for (what, statement, expected) in tampering {
        database.sql(statement);
        let (ok, broken) = verify(&panel);
        assert!(!ok && broken.contains(expected), "{what}: {broken}");
        database.sql("DELETE FROM audit; INSERT INTO audit SELECT * FROM kept");
        assert_eq!(verify(&panel), (true, String::new()), "restored after {what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn appending_at_once_keeps_one_chain() {
    let (panel, database) = Panel::with_everybody();
    let names = ["admin", "noc", "rates", "billing", "viewer"];
    let crowd = (0..20).map(|i| {
        let browser = Browser::at(&panel.staff);
        async move { browser.sign_in(names[i % names.len()], "a wrong password").await }
    });
    futures::future::join_all(crowd).await;
    assert_eq!(verify(&panel), (true, String::new()));
    assert_eq!(database.sql("SELECT COUNT(*) = MAX(seq) FROM audit"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stranger_types_is_written_down_safely() {
    let (panel, database) = Panel::with_everybody();
    let stranger = Browser::at(&panel.staff);
    stranger.sign_in("my s3cret passw0rd", "x").await;
    let long = format!("noc{}", "x".repeat(5_000));
    stranger.sign_in(&long, "x").await;
    assert_eq!(database.sql("SELECT GROUP_CONCAT(DISTINCT subject) FROM audit WHERE action = 'sign_in'"), "unknown name");
    assert_eq!(verify(&panel), (true, String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_searches_filters_pages_and_proves() {
    let (panel, _database) = with_rows(55).await;
    let admin = Browser::signed_in(&panel.staff, "admin").await;
    let page = admin.page("/audit?action=sign_in&q=noc").await;
    assert!(page.contains("50 rows, newest first"), "{page}");
    let older =
        page.split("href=\"/audit?").find(|part| part.starts_with("action=sign_in&amp;below=")).expect("a link to older rows");
    let older = older.split('"').next().expect("the address").replace("&amp;", "&");
    let second = admin.page(&format!("/audit?{older}")).await;
    assert!(second.contains("5 rows, newest first") && !second.contains(">Older<"), "{second}");
    assert!(admin.page("/audit?prove=1").await.contains("rows are as they were written"));
    assert!(admin.page("/audit?from=2099-01-01").await.contains("0 rows"));
}

#[derive(Debug, Clone)]
enum Tamper {
    Edit,
    Remove,
    Swap,
}

#[test]
fn any_single_tampering_is_found() {
    let database = Database::new();
    let panel = Panel::start(Setup::with(&database));
    for i in 0..6 {
        assert!(panel.command(&["user", "add", &format!("user{i}"), "--role", "viewer"]).status.success());
    }
    database.sql("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; CREATE TABLE kept AS SELECT * FROM audit");
    // Each case is a handful of statements on a real server.
    let mut runner = TestRunner::new(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() });
    let how = prop_oneof![Just(Tamper::Edit), Just(Tamper::Remove), Just(Tamper::Swap)];
    let checked = runner.run(&(1u64..7, 1u64..7, how), |(at, other, how)| {
        let statement = match how {
            Tamper::Edit => format!("UPDATE audit SET subject = CONCAT(subject, 'x') WHERE seq = {at}"),
            Tamper::Remove => format!("DELETE FROM audit WHERE seq = {at}"),
            Tamper::Swap => format!(
                "UPDATE audit SET seq = seq + 1000 WHERE seq IN ({at}, {other}); UPDATE audit SET seq = {other} WHERE seq = {at} + 1000;
                 UPDATE audit SET seq = {at} WHERE seq = {other} + 1000 AND {at} <> {other}"
            ),
        };
        database.sql(&statement);
        let untouched = matches!(how, Tamper::Swap) && at == other;
        let holds = verify(&panel).0;
        database.sql("DELETE FROM audit; INSERT INTO audit SELECT * FROM kept");
        prop_assert_eq!(holds, untouched, "{:?} at {}", how, at);
        Ok(())
    });
    checked.unwrap_or_else(|error| panic!("{error}"));
}
