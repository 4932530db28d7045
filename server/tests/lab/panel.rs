//! The panel beside the lab: what is broken there is seen here, in time and in the right words, and is gone after it was healed.

use crate::harness::{Lab, Turn, lab, measured, program, wait_until};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// Machine killed → map red.
const RED_MAX: Duration = Duration::from_secs(6);
/// Machine killed → in the inbox, and told.
/// The figure is 10 s, and `wirecenter bench alert-told` measures it; this is for a machine that builds beside the tests.
const ALERT_MAX: Duration = Duration::from_secs(20);
/// A violation planted → found.
const VIOLATION_MAX: Duration = Duration::from_secs(30);
/// Healed → good again. A proxy that was away is probed by the others for some seconds more.
const GOOD_MAX: Duration = Duration::from_secs(60);

/// The lab with a panel on its state folder; the panel goes before the lab is the next test's.
pub struct Watched {
    panel: Child,
    lab: Turn,
}

impl std::ops::Deref for Watched {
    type Target = Lab;
    fn deref(&self) -> &Lab {
        &self.lab
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        server::process::terminate(self.panel.id());
        let _ = self.panel.wait();
    }
}

/// Where the panel puts its notices.
fn mails(state: &Path) -> PathBuf {
    state.join("mails")
}

/// Notices so far that say this.
fn notices_of(lab: &Lab, words: &str) -> usize {
    let files = std::fs::read_dir(mails(&lab.state)).into_iter().flatten().flatten();
    files.filter(|file| std::fs::read_to_string(file.path()).is_ok_and(|text| text.contains(words))).count()
}

fn start(state: &Path) -> Child {
    let config = format!("[notices]\nmail_folder = {:?}\n", mails(state));
    std::fs::write(state.join("wirecenter.toml"), config).expect("the configuration can be written");
    let mut command = program();
    command.args(["serve", "--json", "--staff", "127.0.0.1:0", "--portal", "127.0.0.1:0", "--state"]).arg(state);
    command.env("WIRECENTER_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().expect("the program runs")
}

pub fn asked(lab: &Lab, words: &[&str]) -> Value {
    let output = program().args(words).arg("--json").arg("--state").arg(&lab.state).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", words.join(" "));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{}: {error}", words.join(" ")))
}

fn state_of(lab: &Lab, machine: &str) -> String {
    let fleet = asked(lab, &["fleet"]);
    let line = fleet.as_array().into_iter().flatten().find(|line| line["name"] == machine).cloned().unwrap_or_default();
    line["state"].as_str().unwrap_or_default().into()
}

fn problems_of(lab: &Lab, machine: &str) -> String {
    let fleet = asked(lab, &["fleet"]);
    let line = fleet.as_array().into_iter().flatten().find(|line| line["name"] == machine).cloned().unwrap_or_default();
    line["problems"].to_string()
}

/// On the machine these tests run on, everybody's processor is everybody's; that it is busy says nothing of the lab.
fn is_well(line: &Value) -> bool {
    let problems = line["problems"].as_array().cloned().unwrap_or_default();
    line["state"] == "good" || !problems.is_empty() && problems.iter().all(|problem| problem["key"] == "cpu.full")
}

fn all_well(lab: &Lab) -> bool {
    // Before the inventory was read for the first time there is nothing to ask.
    let known = program().args(["fleet", "--json", "--state"]).arg(&lab.state).output().is_ok_and(|output| output.status.success());
    known && asked(lab, &["fleet"]).as_array().is_some_and(|fleet| fleet.len() == 10 && fleet.iter().all(is_well))
}

fn is_well_again(lab: &Lab, machine: &str) -> bool {
    asked(lab, &["fleet"]).as_array().is_some_and(|fleet| fleet.iter().any(|line| line["name"] == machine && is_well(line)))
}

/// A lab whose panel finds nothing wrong.
pub fn ready() -> Option<Watched> {
    let lab = lab()?;
    let mut panel = start(&lab.state);
    let mut line = String::new();
    BufReader::new(panel.stdout.take().expect("it is piped")).read_line(&mut line).expect("the panel says that it is ready");
    assert!(line.contains("staff"), "the panel did not start: {line}");
    let watched = Watched { panel, lab };
    let give_up = Instant::now() + GOOD_MAX;
    while !all_well(&watched) {
        assert!(Instant::now() < give_up, "not well: {}", asked(&watched, &["fleet"]));
        std::thread::sleep(Duration::from_millis(200));
    }
    Some(watched)
}

#[test]
fn every_machine_of_a_whole_lab_is_good() {
    let Some(lab) = ready() else { return };
    let fleet = asked(&lab, &["fleet"]);
    assert!(fleet.as_array().expect("a list").iter().all(is_well), "{fleet}");
    // Nor does its hypervisor show anything that the inventory does not say: that would be an alert.
    let agrees = |line: &Value| line["declared"] == true && line["differences"].as_array().is_some_and(Vec::is_empty);
    wait_until("the hypervisor to agree with the inventory", GOOD_MAX, || {
        asked(&lab, &["fleet"]).as_array().is_some_and(|fleet| fleet.iter().all(agrees))
    });
    let alerts = asked(&lab, &["alerts"]);
    let of_inventory =
        |alert: &&Value| alert["key"].as_str().is_some_and(|key| key.starts_with("inventory.") || key == "cdrs.behind");
    assert_eq!(alerts.as_array().into_iter().flatten().find(of_inventory), None, "{alerts}");
}

#[test]
fn a_machine_that_is_killed_or_frozen_is_red_within_six_seconds() {
    let Some(lab) = ready() else { return };
    for (fault, machine) in [("kill", "asterisk-02"), ("kill", "billing-01"), ("freeze", "mariadb-02"), ("kill", "kamailio-02")] {
        lab.json(&["break", fault, machine]);
        let began = Instant::now();
        wait_until(&format!("{machine} to be red"), RED_MAX, || state_of(&lab, machine) == "bad");
        measured(&format!("{fault} {machine} → red after {:.1} s", began.elapsed().as_secs_f64()));
        lab.json(&["heal", fault, machine]);
        wait_until(&format!("{machine} to be good"), GOOD_MAX, || is_well_again(&lab, machine));
    }
}

#[test]
fn what_is_wrong_with_a_replica_is_said() {
    let Some(lab) = ready() else { return };
    for (fault, word) in
        [("stop_replication", "applies nothing"), ("lag_replication", "on purpose"), ("errant_transaction", "does not have")]
    {
        lab.json(&["break", fault, "mariadb-02"]);
        wait_until(&format!("{fault} to be told"), Duration::from_secs(15), || problems_of(&lab, "mariadb-02").contains(word));
        lab.json(&["heal", fault, "mariadb-02"]);
        wait_until(&format!("{fault} to be gone"), GOOD_MAX, || is_well_again(&lab, "mariadb-02"));
    }
}

fn verdict(lab: &Lab, network: &str) -> (String, String) {
    let networks = asked(lab, &["isolation"]);
    let line = networks.as_array().into_iter().flatten().find(|line| line["network"] == network).cloned().unwrap_or_default();
    (line["verdict"].as_str().unwrap_or_default().into(), line["evidence"].to_string())
}

#[test]
fn every_planted_violation_is_found_and_cleared() {
    let Some(lab) = ready() else { return };
    let isolated = ["voice", "data", "sync"];
    let proved = || isolated.iter().all(|network| verdict(&lab, network).0 == "proved");
    wait_until("the isolation to be proved", GOOD_MAX, proved);
    let planted = [
        ("uplink", "voice", "voice", "uplink"),
        ("wrong_mtu", "mariadb-02/sync", "sync", "1500"),
        ("duplicate_address", "asterisk-02/management", "management", "10.40.40.22"),
        ("duplicate_machine_id", "asterisk-02", "management", "Machine-id"),
    ];
    for (fault, target, network, word) in planted {
        lab.json(&["break", fault, target]);
        let began = Instant::now();
        wait_until(&format!("{fault} to be found"), VIOLATION_MAX, || {
            let (verdict, evidence) = verdict(&lab, network);
            verdict == "violated" && evidence.contains(word)
        });
        measured(&format!("{fault} → found after {:.1} s", began.elapsed().as_secs_f64()));
        lab.json(&["heal", fault, target]);
        wait_until(&format!("{fault} to be cleared"), GOOD_MAX, || verdict(&lab, network).0 == "proved");
    }
}

#[test]
fn a_call_that_is_up_is_told_within_a_second_and_counted_once() {
    let Some(lab) = ready() else { return };
    let live = || asked(&lab, &["calls", "--live"]).as_array().map_or(0, Vec::len);
    assert_eq!(live(), 0);
    std::thread::scope(|scope| {
        let called = scope.spawn(|| lab.call(&["--to", "442079460123", "--talk", "4s"]));
        let began = Instant::now();
        // The call needs a tenth of a second to be set up.
        wait_until("the call to be told", Duration::from_secs(2), || live() == 1);
        measured(&format!("call → told after {} ms", began.elapsed().as_millis()));
        let call = asked(&lab, &["calls", "--live"])[0].clone();
        assert_eq!((call["called"].as_str(), call["customer"].as_str()), (Some("442079460123"), Some("customer-01")), "{call}");
        called.join().expect("the call ends well");
    });
    wait_until("the call to be over", Duration::from_secs(3), || live() == 0);
}

#[test]
fn a_killed_machine_is_one_alert_that_resolves_by_itself() {
    let Some(lab) = ready() else { return };
    let firing = || {
        let alerts = asked(&lab, &["alerts"]).as_array().cloned().unwrap_or_default();
        alerts.into_iter().filter(|alert| alert["key"] != "cpu.full").collect::<Vec<_>>()
    };
    wait_until("the inbox to be empty", GOOD_MAX, || firing().is_empty());
    lab.json(&["break", "kill", "asterisk-01"]);
    let began = Instant::now();
    wait_until("the alert", ALERT_MAX, || firing().iter().any(|alert| alert["subject"] == "machine:asterisk-01"));
    measured(&format!("machine killed → alert after {:.1} s", began.elapsed().as_secs_f64()));
    wait_until("the notice", ALERT_MAX.saturating_sub(began.elapsed()), || notices_of(&lab, "machine:asterisk-01") == 1);
    measured(&format!("machine killed → notice after {:.1} s", began.elapsed().as_secs_f64()));
    // The proxies lose a target, the PBX pool a member: symptoms of the one, not alerts of their own.
    std::thread::sleep(Duration::from_secs(10));
    let alerts = firing();
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    lab.json(&["heal", "kill", "asterisk-01"]);
    wait_until("the alert to resolve", GOOD_MAX, || firing().is_empty());
    // One that it opened, one that it is over.
    wait_until("the notice of its end", ALERT_MAX, || notices_of(&lab, "machine:asterisk-01") == 2);
}

#[test]
fn a_carrier_that_refuses_everything_is_told_of_until_it_takes_a_call() {
    let Some(lab) = ready() else { return };
    let open = || {
        let alerts = asked(&lab, &["alerts"]).as_array().cloned().unwrap_or_default();
        alerts.into_iter().find(|alert| alert["key"] == "carrier.failing")
    };
    // From now on the panel knows what the carrier did before.
    lab.call(&["--to", "442079460123", "--talk", "100ms"]);
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(open(), None);
    lab.json(&["break", "carrier_503", "carrier-a"]);
    for _ in 0..11 {
        let call = lab.call(&["--to", "442079460123", "--talk", "100ms"]);
        assert_eq!(call["outcome"], "answered", "the other carrier takes it: {call}");
    }
    wait_until("the alert of the carrier", ALERT_MAX, || open().is_some());
    let alert = open().expect("it was there just now");
    assert_eq!((&alert["subject"], &alert["severity"]), (&"carrier:carrier-a".into(), &"bad".into()));
    let sentence = alert["sentence"].as_str().unwrap_or_default();
    assert!(sentence.starts_with("carrier-a refused the last 1"), "{sentence}");
    lab.json(&["heal", "carrier_503", "carrier-a"]);
    lab.call(&["--to", "442079460123", "--talk", "100ms"]);
    wait_until("the end of it", GOOD_MAX, || open().is_none());
}
