//! Switching over and failing over the real servers: who takes writes, who has the writer's addresses, and who takes the role back.

use crate::harness::{Lab, lab, program, wait_until};
use serde_json::Value;
use std::{process::Output, time::Duration};

const LONDON: &str = "442079460123";

fn operation(lab: &Lab, words: &[&str]) -> Output {
    program().arg("operation").args(words).arg("--state").arg(&lab.state).output().expect("the program runs")
}

fn plan(lab: &Lab, wanted: &[&str]) -> Value {
    let output = operation(lab, &[&["plan"], wanted, &["--json"]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// While the world is still changing, the plan may be another one a second later: then it is looked at again, as the refusal says.
fn start(lab: &Lab, wanted: &[&str]) -> Output {
    let mut looked = 0;
    loop {
        looked += 1;
        let plan = plan(lab, wanted);
        let fingerprint = plan["fingerprint"].as_str().unwrap_or_else(|| panic!("a fingerprint in {plan}"));
        let output = operation(lab, &[&["start"], wanted, &["--fingerprint", fingerprint]].concat());
        if looked == 3 || !String::from_utf8_lossy(&output.stderr).contains("The plan changed") {
            return output;
        }
    }
}

/// To its end; what it found out.
fn run(lab: &Lab, wanted: &[&str]) -> Value {
    let output = start(lab, wanted);
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let latest = operation(lab, &["list", "--limit", "1", "--json"]);
    let latest: Value = serde_json::from_slice(&latest.stdout).expect("a list");
    assert!(output.status.success(), "{wanted:?}: {said}: {latest}");
    let shown = operation(lab, &["show", &latest[0]["id"].to_string(), "--json"]);
    serde_json::from_slice::<Value>(&shown.stdout).expect("an operation")["facts"].clone()
}

fn verdict<'a>(plan: &'a Value, name: &str) -> (&'a str, &'a str) {
    let all = plan["preflights"].as_array().expect("preflights");
    let found = all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name} in {plan}"));
    (found["verdict"].as_str().expect("a word"), found["evidence"].as_str().expect("a sentence"))
}

/// Whether it takes writes, and whether the writer's addresses stand on it.
fn role(lab: &Lab, machine: &str) -> (bool, bool) {
    let addresses = lab.exec(machine, &["ip", "-4", "-o", "address", "show"]);
    let has = ["10.20.20.40/", "10.30.30.40/"].map(|address| addresses.contains(address));
    assert_eq!(has[0], has[1], "both or none: {addresses}");
    (lab.sql(machine, "SELECT @@GLOBAL.read_only") == "0", has[0])
}

const PRIMARY: (bool, bool) = (true, true);
const REPLICA: (bool, bool) = (false, false);
const DESPITE: [&str; 2] = ["--set", "despite_cool_down=yes"];

fn switch_over(lab: &Lab) -> Value {
    run(lab, &[&["switch_over_database", "database"], &DESPITE[..]].concat())
}

/// The inventory's order, for the next test.
fn back_to_the_first(lab: &Lab) {
    if role(lab, "mariadb-01") != PRIMARY {
        switch_over(lab);
    }
    assert_eq!((role(lab, "mariadb-01"), role(lab, "mariadb-02")), (PRIMARY, REPLICA));
}

#[test]
fn a_switchover_moves_the_writes_and_the_next_call_is_recorded_at_the_new_primary() {
    let Some(lab) = lab() else { return };
    let facts = switch_over(&lab);
    assert_eq!((role(&lab, "mariadb-01"), role(&lab, "mariadb-02")), (REPLICA, PRIMARY));
    assert_eq!((&facts["primary"], &facts["target"]), (&"mariadb-01".into(), &"mariadb-02".into()));
    assert_eq!(facts["proved_by"].as_array().map(Vec::len), Some(7), "every client wrote: {facts}");
    assert!(facts["write_gap_ms"].as_u64().is_some_and(|gap| gap < 5_000), "{facts}");
    let call = lab.call(&["--to", LONDON, "--talk", "100ms"]);
    assert_eq!(call["outcome"], "answered", "{call}");
    let reference = call["reference"].as_str().expect("a reference");
    let recorded = format!("SELECT COUNT(*) FROM asterisk.cdr WHERE reference = '{reference}'");
    for server in ["mariadb-02", "mariadb-01"] {
        wait_until("the call's record", Duration::from_secs(10), || lab.sql(server, &recorded) == "1");
    }
    // Too soon for another, unless somebody says that it is not.
    let again = plan(&lab, &["switch_over_database", "database"]);
    let (said, evidence) = verdict(&again, "cool_down");
    assert!(said == "block" && evidence.contains("despite_cool_down=yes"), "{evidence}");
    back_to_the_first(&lab);
}

#[test]
fn a_primary_that_is_well_is_not_failed_over() {
    let Some(lab) = lab() else { return };
    let wanted = [&["fail_over_database", "database"], &DESPITE[..]].concat();
    let plan = plan(&lab, &wanted);
    assert_eq!((&plan["level"], &plan["point_of_no_return"]), (&"L3".into(), &"promote".into()));
    assert_eq!(plan["preflights"].as_array().map(Vec::len), Some(17), "{plan}");
    let (said, evidence) = verdict(&plan, "second_observer");
    assert!(said == "block" && evidence.contains("kamailio-01 can write to the primary"), "{evidence}");
    assert_eq!(start(&lab, &wanted).status.code(), Some(1));
    assert_eq!((role(&lab, "mariadb-01"), role(&lab, "mariadb-02")), (PRIMARY, REPLICA));
}

#[test]
fn a_killed_primary_is_replaced_and_does_not_take_its_role_back_when_it_returns() {
    let Some(lab) = lab() else { return };
    lab.run(&["break", "kill", "mariadb-01"]);
    let facts = run(&lab, &[&["fail_over_database", "database"], &DESPITE[..]].concat());
    assert_eq!(role(&lab, "mariadb-02"), PRIMARY);
    assert_eq!((&facts["primary"], &facts["fenced"]), (&"mariadb-01".into(), &"mariadb-01 is switched off.".into()));
    assert!(facts["lost"].is_string(), "{facts}");
    let call = lab.call(&["--to", LONDON, "--talk", "100ms"]);
    assert_eq!(call["outcome"], "answered", "{call}");
    // Somebody switches it on, and it still has its mark.
    lab.run(&["heal"]);
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!((role(&lab, "mariadb-01"), role(&lab, "mariadb-02")), (REPLICA, PRIMARY));
    rejoin(&lab);
    back_to_the_first(&lab);
}

/// Also when it has something that nobody else has: a commit that nobody was told of.
fn rejoin(lab: &Lab) {
    let output = start(lab, &["rejoin_database", "mariadb-01"]);
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        run(lab, &["rejoin_database", "mariadb-01", "--set", "errant=save_and_reseed"]);
        assert!(!said.is_empty(), "it said why");
    }
    assert!(lab.sql("mariadb-01", "SHOW ALL SLAVES STATUS").contains("10.30.30.42"), "it follows the new primary");
}

#[test]
fn what_only_the_old_primary_has_is_saved_and_its_data_is_made_anew() {
    let Some(lab) = lab() else { return };
    // A commit on its own: the replica does not receive it before the primary is killed.
    lab.sql("mariadb-02", "STOP SLAVE IO_THREAD");
    lab.sql(
        "mariadb-01",
        "CREATE TABLE asterisk.only_here (words VARCHAR(40)); INSERT INTO asterisk.only_here VALUES ('nobody else')",
    );
    lab.run(&["break", "kill", "mariadb-01"]);
    run(&lab, &[&["fail_over_database", "database"], &DESPITE[..]].concat());
    lab.run(&["heal"]);
    let refused = start(&lab, &["rejoin_database", "mariadb-01"]);
    let said = String::from_utf8_lossy(&refused.stdout).into_owned() + &String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "nothing is thrown away unasked: {said}");
    let facts = run(&lab, &["rejoin_database", "mariadb-01", "--set", "errant=save_and_reseed"]);
    let file = facts["errant_file"].as_str().unwrap_or_else(|| panic!("a file in {facts}"));
    assert!(lab.exec("mariadb-01", &["cat", file]).contains("nobody else"), "what it had is in {file}");
    assert_eq!(lab.sql("mariadb-01", "SHOW TABLES FROM asterisk LIKE 'only_here'"), "");
    back_to_the_first(&lab);
}

#[test]
fn a_primary_that_only_restarts_takes_its_role_back_by_itself() {
    let Some(lab) = lab() else { return };
    lab.run(&["break", "kill", "mariadb-01"]);
    lab.run(&["heal"]);
    wait_until("the primary to be primary again", Duration::from_secs(20), || role(&lab, "mariadb-01") == PRIMARY);
    assert_eq!(role(&lab, "mariadb-02"), REPLICA);
    wait_until("the replica to follow", Duration::from_secs(20), || {
        lab.sql("mariadb-02", "SHOW ALL SLAVES STATUS").contains("Waiting for master to send event")
    });
}

#[test]
fn nobody_who_has_something_of_his_own_becomes_primary() {
    let Some(lab) = lab() else { return };
    lab.run(&["break", "errant_transaction", "mariadb-02"]);
    let plan = plan(&lab, &[&["switch_over_database", "database"], &DESPITE[..]].concat());
    lab.run(&["heal"]);
    let (said, evidence) = verdict(&plan, "errant");
    assert!(said == "block" && evidence.contains("Only the target has 0-42-"), "{evidence}");
}
