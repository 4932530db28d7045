//! Each fault, broken and healed: what it does is seen where it does it, it is listed, and afterwards nothing of it is left.

use crate::harness::{Lab, column, lab, wait_until};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);
const LONDON: &str = "442079460123";

/// Breaks twice (the second changes nothing), looks, heals, looks again.
fn broken_and_healed(lab: &Lab, fault: &str, target: &str, is_broken: impl Fn() -> bool) {
    assert!(!is_broken(), "{fault} {target} before it is made");
    for _ in 0..2 {
        lab.json(&["break", fault, target]);
    }
    let listed = lab.status()["faults"].clone();
    assert_eq!(listed, serde_json::json!([{ "name": fault, "target": target }]));
    wait_until(&format!("{fault} {target} to be felt"), PATIENCE, &is_broken);
    lab.json(&["heal", fault, target]);
    wait_until(&format!("{fault} {target} to be healed"), PATIENCE, || !is_broken());
    assert_eq!(lab.status()["faults"], serde_json::json!([]));
    // Healing what is healed says so and does nothing.
    assert_eq!(lab.json(&["heal", fault, target]), serde_json::json!([]));
}

fn pings(lab: &Lab, from: &str, to: &str) -> bool {
    lab.try_exec(from, &["ping", "-q", "-c", "1", "-W", "1", to]).is_ok()
}

#[test]
fn the_list_has_a_sentence_for_each() {
    let Some(lab) = lab() else { return };
    let faults = lab.json(&["faults"]);
    let faults = faults.as_array().expect("a list");
    assert_eq!(faults.len(), 14);
    assert!(faults.iter().all(|fault| fault["sentence"].as_str().is_some_and(|text| text.ends_with('.'))));
}

#[test]
fn kill_a_daemon() {
    let Some(lab) = lab() else { return };
    broken_and_healed(&lab, "kill", "billing-01/authorizer", || !lab.service_is_up("billing-01", "authorizer"));
}

#[test]
fn kill_a_machine() {
    let Some(lab) = lab() else { return };
    let id = lab.exec("monitor-01", &["cat", "/etc/machine-id"]);
    broken_and_healed(&lab, "kill", "monitor-01", || lab.machine("monitor-01")["up"] == false);
    assert_eq!(lab.exec("monitor-01", &["cat", "/etc/machine-id"]), id, "its disk outlived its power");
    assert!(pings(&lab, "asterisk-01", "10.20.20.51"), "it hangs on its switches again");
}

#[test]
fn freeze_a_machine() {
    let Some(lab) = lab() else { return };
    let is_frozen = || lab.machine("mariadb-01")["up"] == false;
    broken_and_healed(&lab, "freeze", "mariadb-01", is_frozen);
    assert_eq!(lab.sql("mariadb-01", "SELECT 1"), "1");
}

#[test]
fn freeze_a_daemon() {
    let Some(lab) = lab() else { return };
    broken_and_healed(&lab, "freeze", "asterisk-03/asterisk", || !lab.service_is_up("asterisk-03", "asterisk"));
}

#[test]
fn cut_a_cable() {
    let Some(lab) = lab() else { return };
    broken_and_healed(&lab, "cut", "mariadb-02/sync", || !pings(&lab, "mariadb-01", "10.30.30.42"));
    assert!(pings(&lab, "mariadb-01", "10.20.20.42"));
}

#[test]
fn cut_a_network() {
    let Some(lab) = lab() else { return };
    broken_and_healed(&lab, "cut", "voice", || !pings(&lab, "kamailio-01", "10.10.10.21"));
}

#[test]
fn silence_a_carrier() {
    let Some(lab) = lab() else { return };
    // Each look is a first look: what the proxies remember of the silence is taken from them.
    let is_silent = || {
        for proxy in ["kamailio-01", "kamailio-02"] {
            lab.exec(proxy, &["kamcmd", "-s", "unix:/run/kamailio/ctl", "htable.flush", "silent"]);
        }
        let first = lab.call(&["--to", LONDON, "--talk", "100ms"])["attempts"][0].clone();
        first["sip_status"] == 408 || first["carrier"] != "carrier-a"
    };
    broken_and_healed(&lab, "silence", "carrier-a", is_silent);
}

#[test]
fn a_carrier_answers_503() {
    let Some(lab) = lab() else { return };
    broken_and_healed(&lab, "carrier_503", "carrier-a", || {
        lab.call(&["--to", LONDON, "--talk", "100ms"])["attempts"][0]["sip_status"] == 503
    });
}

#[test]
fn fill_a_disk() {
    let Some(lab) = lab() else { return };
    broken_and_healed(&lab, "fill_disk", "mariadb-02", || {
        lab.try_exec(
            "mariadb-02",
            &["sh", "-c", "dd if=/dev/zero of=/var/lib/probe bs=64k count=1; ended=$?; rm -f /var/lib/probe; exit $ended"],
        )
        .is_err()
    });
    wait_until("replication to go on", PATIENCE, || replication(&lab).0);
}

/// Whether both threads run, and what the second complains about.
fn replication(lab: &Lab) -> (bool, String) {
    let status = lab.sql_vertical("mariadb-02", "SHOW SLAVE STATUS");
    (
        column(&status, "Slave_IO_Running") == "Yes" && column(&status, "Slave_SQL_Running") == "Yes",
        column(&status, "Last_SQL_Error").into(),
    )
}

#[test]
fn stop_replication() {
    let Some(lab) = lab() else { return };
    broken_and_healed(&lab, "stop_replication", "mariadb-02", || !replication(&lab).0);
}

#[test]
fn lag_replication() {
    let Some(lab) = lab() else { return };
    let mark = std::cell::Cell::new(0_u32);
    let lags = || {
        mark.set(mark.get() + 1);
        let value = mark.get();
        lab.sql("mariadb-01", &format!("CREATE TABLE IF NOT EXISTS asterisk.mark (n INT); DELETE FROM asterisk.mark; INSERT INTO asterisk.mark VALUES ({value})"));
        std::thread::sleep(Duration::from_millis(700));
        lab.sql("mariadb-02", "SELECT COALESCE(MAX(n), 0) FROM asterisk.mark") != value.to_string()
    };
    lab.sql("mariadb-01", "CREATE TABLE IF NOT EXISTS asterisk.mark (n INT)");
    std::thread::sleep(Duration::from_millis(500));
    broken_and_healed(&lab, "lag_replication", "mariadb-02", lags);
    lab.sql("mariadb-01", "DROP TABLE asterisk.mark");
}

#[test]
fn an_errant_transaction() {
    let Some(lab) = lab() else { return };
    let errant = || {
        let own = lab.sql("mariadb-02", "SELECT @@gtid_binlog_pos");
        let written_here = lab.sql("mariadb-02", "SHOW DATABASES LIKE 'errant'");
        !written_here.is_empty() && own.contains("-42-")
    };
    broken_and_healed(&lab, "errant_transaction", "mariadb-02", errant);
    wait_until("replication to go on", PATIENCE, || replication(&lab).0);
    lab.sql("mariadb-01", "CREATE DATABASE after_errant");
    wait_until("the replica to follow", PATIENCE, || !lab.sql("mariadb-02", "SHOW DATABASES LIKE 'after_errant'").is_empty());
    lab.sql("mariadb-01", "DROP DATABASE after_errant");
}

#[test]
fn a_duplicate_machine_id() {
    let Some(lab) = lab() else { return };
    let id = |machine: &str| lab.exec(machine, &["cat", "/etc/machine-id"]);
    let own = id("asterisk-02");
    broken_and_healed(&lab, "duplicate_machine_id", "asterisk-02", || id("asterisk-02") == id("asterisk-01"));
    assert_eq!(id("asterisk-02"), own);
}

#[test]
fn a_duplicate_address() {
    let Some(lab) = lab() else { return };
    let hardware = |machine: &str| lab.exec(machine, &["cat", "/sys/class/net/management/address"]);
    let (rightful, switch) = (hardware("asterisk-02"), hardware("switch-01"));
    let believed = || {
        pings(&lab, "asterisk-01", "10.40.40.22");
        lab.exec("asterisk-01", &["ip", "neigh", "show", "10.40.40.22"])
    };
    broken_and_healed(&lab, "duplicate_address", "asterisk-02/management", || believed().contains(&switch));
    assert!(believed().contains(&rightful));
}

#[test]
fn a_wrong_mtu() {
    let Some(lab) = lab() else { return };
    let big =
        || lab.try_exec("mariadb-01", &["ping", "-q", "-c", "1", "-W", "1", "-M", "do", "-s", "8972", "10.30.30.42"]).is_err();
    broken_and_healed(&lab, "wrong_mtu", "mariadb-02/sync", big);
}

#[test]
fn an_uplink_on_an_isolated_network() {
    let Some(lab) = lab() else { return };
    // A stranger on External with an address of Voice.
    lab.exec("carrier-b", &["ip", "addr", "replace", "10.10.10.200/24", "dev", "external"]);
    broken_and_healed(&lab, "uplink", "voice", || pings(&lab, "carrier-b", "10.10.10.11"));
    lab.exec("carrier-b", &["ip", "addr", "del", "10.10.10.200/24", "dev", "external"]);
}

#[test]
fn drop_between_two_zones() {
    let Some(lab) = lab() else { return };
    broken_and_healed(&lab, "drop_zone", "asterisk:billing", || !pings(&lab, "asterisk-01", "10.20.20.31"));
    assert!(pings(&lab, "asterisk-01", "10.20.20.41"));
}

#[test]
fn everything_is_healed_at_once() {
    let Some(lab) = lab() else { return };
    for (fault, target) in [("kill", "billing-02"), ("cut", "monitor-01/data"), ("freeze", "asterisk-01")] {
        lab.json(&["break", fault, target]);
    }
    assert_eq!(lab.json(&["heal"]).as_array().map(Vec::len), Some(3));
    wait_until("everything to be up", PATIENCE, || lab.status()["up"] == true);
}
