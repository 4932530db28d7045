//! The journal on a real file: who appends second is refused, nobody edits, one operation has a subject, a full disk is told.

use super::*;
use app::operations::{journal::Outcome, run::RunState};
use std::os::unix::fs::PermissionsExt;

const AT: Moment = Moment::from_seconds(1_000);

fn plan(subject: &str, letters: &str) -> Plan {
    crate::operations::harness::letters(subject, letters)
}

async fn journal() -> (tempfile::TempDir, Journal) {
    let dir = tempfile::tempdir().expect("a folder");
    let journal = Journal::open(dir.path()).await.expect("it opens");
    (dir, journal)
}

#[tokio::test]
async fn what_was_appended_is_read_back_by_another_process() {
    let (dir, journal) = journal().await;
    let id = journal.start(&plan("carrier-a", "ab"), "ada", AT).await.expect("it starts");
    let run = journal.run(id).await.expect("it is there");
    journal.append(&run, "panel", AT, Event::StepBegan { step: 0, attempt: 1 }).await.expect("it is appended");
    let other = Journal::open(dir.path()).await.expect("a second one");
    assert_eq!((other.name(), other.name().len()), (journal.name(), 16));
    let run = other.run(id).await.expect("it is there");
    assert_eq!((run.started_by.as_str(), run.next_number, run.plan), ("ada", 2, plan("carrier-a", "ab")));
    assert_eq!(other.entries(id, 1).await.expect("the later ones").len(), 1);
    assert_eq!(other.after(0, 10).await.expect("all").iter().map(|(place, _)| *place).collect::<Vec<_>>(), [1, 2]);
    let mode = std::fs::metadata(dir.path().join(FILE)).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(other.run(OperationId(9)).await.err(), Some(JournalError::Unknown(OperationId(9))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_who_open_a_new_journal_at_once_all_have_it() {
    for _ in 0..10 {
        let dir = tempfile::tempdir().expect("a folder");
        let opening: Vec<_> = (0..12)
            .map(|_| {
                let state = dir.path().to_path_buf();
                tokio::spawn(async move { Journal::open(&state).await.map(|journal| journal.name().to_string()) })
            })
            .collect();
        let mut names = std::collections::BTreeSet::new();
        for one in opening {
            names.insert(one.await.expect("it runs").expect("it opens"));
        }
        assert_eq!(names.len(), 1, "it has one name");
    }
}

#[tokio::test]
async fn of_two_who_append_the_next_entry_one_reads_again() {
    let (_dir, journal) = journal().await;
    let id = journal.start(&plan("carrier-a", "aB"), "ada", AT).await.expect("it starts");
    let seen = journal.run(id).await.expect("it is there");
    journal.append(&seen, "panel", AT, Event::StepBegan { step: 1, attempt: 1 }).await.expect("the first");
    let second = journal.append(&seen, "ada", AT, Event::CancelAsked).await;
    assert_eq!(second, Err(JournalError::Conflict), "the point of no return came first");
    assert!(journal.run(id).await.expect("still whole").can_cancel().is_err());
}

#[tokio::test]
async fn a_subject_has_one_operation_until_that_is_over() {
    let (_dir, journal) = journal().await;
    let plan_a = plan("carrier-a", "a");
    let first = journal.start(&plan_a, "ada", AT).await.expect("it starts");
    assert_eq!(journal.start(&plan_a, "bob", AT).await, Err(JournalError::Held(first)));
    let other = journal.start(&plan("carrier-b", "a"), "bob", AT).await.expect("another subject");
    assert_eq!(journal.active().await, Ok(vec![first, other]));
    assert_eq!(journal.of_subject(&plan_a).await.expect("known").active.map(|run| run.id), Some(first));
    let run = journal.run(first).await.expect("it is there");
    journal.append(&run, "panel", AT, Event::Stuck { question: "?".into() }).await.expect("appended");
    assert_eq!(journal.start(&plan_a, "bob", AT).await, Err(JournalError::Held(first)), "who is stuck still has it");
    let run = journal.run(first).await.expect("it is there");
    journal.append(&run, "panel", AT, Event::Finished { outcome: Outcome::Undone }).await.expect("appended");
    assert_eq!(journal.active().await, Ok(vec![other]));
    let again = journal.start(&plan_a, "bob", AT).await.expect("it is free");
    assert_eq!((again, journal.run(first).await.map(|run| run.state)), (OperationId(3), Ok(RunState::Over(Outcome::Undone))));
    let latest = journal.latest(2).await.expect("the newest");
    assert_eq!(latest.iter().map(|run| run.id.0).collect::<Vec<_>>(), [3, 2]);
}

#[tokio::test]
async fn nobody_edits_or_removes_an_entry() {
    let (_dir, journal) = journal().await;
    let id = journal.start(&plan("carrier-a", "a"), "ada", AT).await.expect("it starts");
    for statement in ["UPDATE entries SET by = 'eve'", "DELETE FROM entries"] {
        let refused = sqlx::query(statement).execute(&journal.pool).await.expect_err("a trigger says no");
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    assert_eq!(journal.run(id).await.map(|run| run.started_by), Ok("ada".into()));
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_written_is_still_there() {
    let (_dir, journal) = journal().await;
    let id = journal.start(&plan("carrier-a", "a"), "ada", AT).await.expect("it starts");
    let pages: i64 = sqlx::query("PRAGMA page_count").fetch_one(&journal.pool).await.expect("a number").get(0);
    // SQLite says of its own limit what it says of the disk's.
    let limited = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(SqliteConnectOptions::new().filename(&journal.file).pragma("max_page_count", pages.to_string()));
    let full = Journal { pool: limited.await.expect("it opens"), file: journal.file.clone(), name: journal.name.clone() };
    let run = full.run(id).await.expect("reading goes on");
    let line = "x".repeat(100_000);
    let told = full.append(&run, "panel", AT, Event::Said { line }).await.expect_err("no room").to_string();
    assert!(told.contains(FILE) && told.contains("full") && told.contains("mend that"), "{told}");
    assert_eq!(journal.run(id).await.map(|run| run.next_number), Ok(1));
}

#[tokio::test]
async fn the_cool_down_counts_from_the_last_one_that_was_done() {
    let (_dir, journal) = journal().await;
    let mut plan = plan("database", "a");
    plan.kind = app::operations::kind::OperationKind::SwitchOverDatabase;
    for (outcome, last) in [(Outcome::Undone, None), (Outcome::Done, Some(2)), (Outcome::Undone, Some(2))] {
        let id = journal.start(&plan, "ada", AT).await.expect("it starts");
        let run = journal.run(id).await.expect("it is there");
        journal.append(&run, "panel", AT, Event::Finished { outcome }).await.expect("appended");
        let found = journal.of_subject(&plan).await.expect("known");
        assert_eq!(found.last_done.map(|run| run.id.0), last, "after {outcome:?}");
    }
    plan.kind = app::operations::kind::OperationKind::FailOverDatabase;
    let found = journal.of_subject(&plan).await.expect("known");
    assert_eq!(found.last_done.map(|run| run.id.0), Some(2), "a failover after a switchover has to be thought about, too");
}
