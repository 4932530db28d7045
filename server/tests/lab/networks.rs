//! The networks: large packets inside, nothing outside, and the real machine's own network as it was.

use crate::harness::lab;
use std::process::Command;

/// A machine with another of the same network, by address.
const INNER: [(&str, &str, &str); 3] =
    [("voice", "kamailio-01", "10.10.10.21"), ("data", "asterisk-01", "10.20.20.31"), ("sync", "mariadb-01", "10.30.30.42")];

#[test]
fn the_inner_networks_carry_9000_bytes_and_not_one_more() {
    let Some(lab) = lab() else { return };
    for (network, from, to) in INNER {
        lab.exec(from, &["ping", "-q", "-c", "2", "-W", "2", "-M", "do", "-s", "8972", to]);
        let more = lab.try_exec(from, &["ping", "-q", "-c", "1", "-W", "2", "-M", "do", "-s", "8973", to]);
        assert!(more.is_err(), "{network} carried a packet of 9001 bytes");
    }
    lab.exec("kamailio-01", &["ping", "-q", "-c", "1", "-W", "2", "-M", "do", "-s", "1472", "203.0.113.12"]);
    assert!(lab.try_exec("kamailio-01", &["ping", "-q", "-c", "1", "-W", "2", "-M", "do", "-s", "1473", "203.0.113.12"]).is_err());
}

#[test]
fn nothing_on_an_isolated_network_reaches_the_outside() {
    let Some(lab) = lab() else { return };
    // No database machine has a foot outside, nor a way there.
    for machine in ["mariadb-01", "mariadb-02"] {
        let nics = lab.machine(machine)["nics"].clone();
        let networks: Vec<&str> = nics.as_array().expect("a list").iter().filter_map(|nic| nic["network"].as_str()).collect();
        assert_eq!(networks, ["management", "data", "sync"], "{machine}");
        assert_eq!(lab.exec(machine, &["ip", "-4", "route", "show", "default"]), "", "{machine}");
        let outside = lab.try_exec(machine, &["ping", "-q", "-c", "1", "-W", "1", "203.0.113.101"]);
        assert!(outside.is_err_and(|said| said.contains("unreachable")), "{machine}");
    }
    // From outside, with an address of the network and all the will in the world.
    for (network, inner) in [("10.10.10.0/24", "10.10.10.21"), ("10.20.20.0/24", "10.20.20.41"), ("10.30.30.0/24", "10.30.30.41")] {
        lab.exec("carrier-a", &["ip", "route", "replace", network, "dev", "external"]);
        let reached = lab.try_exec("carrier-a", &["ping", "-q", "-c", "2", "-W", "1", inner]);
        lab.exec("carrier-a", &["ip", "route", "del", network, "dev", "external"]);
        assert!(reached.is_err(), "{network} can be reached from External");
    }
    // The switches of the isolated networks have ports to machines and to nothing else.
    for network in ["voice", "data", "sync"] {
        let ports = at_switches(&lab.state, &["ip", "-br", "link", "show", "master", &format!("br-{network}")]);
        assert!(
            !ports.is_empty() && ports.lines().all(|port| port.starts_with('p') && port.contains(network)),
            "{network}: {ports}"
        );
    }
}

fn at_switches(state: &std::path::Path, argv: &[&str]) -> String {
    let layout = server::lab::place::Layout::below(state);
    let mut command = server::lab::enter::at_switches(&layout).expect("the lab is up");
    server::lab::enter::run(&mut command, argv).expect("it succeeds")
}

#[test]
fn the_outside_reaches_sip_and_nothing_else() {
    let Some(lab) = lab() else { return };
    for (address, port) in
        [("203.0.113.11", 22), ("203.0.113.11", 8060), ("203.0.113.21", 5038), ("203.0.113.21", 8088), ("203.0.113.31", 4573)]
    {
        let knock = format!("exec 3<>/dev/tcp/{address}/{port}");
        let opened = lab.try_exec("carrier-b", &["timeout", "2", "bash", "-c", &knock]);
        assert!(opened.is_err(), "{address}:{port} is open to the outside");
    }
    // What the panel uses is there, on Management.
    for (address, port) in
        [("10.40.40.11", 22), ("10.40.40.11", 8060), ("10.40.40.21", 5038), ("10.40.40.41", 3306), ("10.40.40.51", 9100)]
    {
        let knock = format!("exec 3<>/dev/tcp/{address}/{port}");
        at_switches(&lab.state, &["timeout", "2", "bash", "-c", &knock]);
    }
}

#[test]
fn a_stranger_gets_no_answer_and_a_blocked_caller_is_refused_by_both_proxies() {
    let Some(lab) = lab() else { return };
    // The managed switch is on External and nobody's trunk.
    let options = "exec 3<>/dev/udp/203.0.113.11/5060; printf 'OPTIONS sip:x SIP/2.0\\r\\nVia: SIP/2.0/UDP 203.0.113.2:9;rport;branch=z9hG4bKx\\r\\n\
                   From: <sip:a>;tag=1\\r\\nTo: <sip:x>\\r\\nCall-ID: x\\r\\nCSeq: 1 OPTIONS\\r\\n\\r\\n' | cat >&3; timeout 1 head -c 1 <&3";
    assert!(lab.try_exec("switch-01", &["bash", "-c", options]).is_err(), "a stranger was answered");
    // Set on one proxy, it holds on both.
    let on = |proxy: &str, words: &[&str]| lab.try_exec(proxy, &[&["kamcmd", "-s", "unix:/run/kamailio/ctl"], words].concat());
    let knows = || on("kamailio-02", &["htable.get", "block", "customer-01"]).is_ok_and(|said| said.contains("value: 1"));
    on("kamailio-01", &["htable.seti", "block", "customer-01", "1"]).expect("it is set");
    crate::harness::wait_until("the other proxy to know", std::time::Duration::from_secs(5), knows);
    for _ in 0..2 {
        let call = lab.call(&["--to", "442079460123"]);
        assert_eq!((call["outcome"].as_str(), call["sip_status"].as_u64()), (Some("refused"), Some(403)), "{call}");
        assert_eq!(call["reason"], "fraud_hold", "{call}");
    }
    on("kamailio-01", &["htable.delete", "block", "customer-01"]).expect("it is removed");
    crate::harness::wait_until("the other proxy to forget", std::time::Duration::from_secs(5), || !knows());
    assert_eq!(lab.call(&["--to", "442079460123", "--talk", "100ms"])["outcome"], "answered");
}

#[test]
fn the_real_machine_has_no_new_link_and_no_new_mount() {
    let Some(lab) = lab() else { return };
    let links = Command::new("ip").args(["-br", "link"]).output().expect("ip runs");
    let links = String::from_utf8_lossy(&links.stdout).into_owned();
    assert!(!links.contains("br-voice") && !links.contains("-external"), "{links}");
    let mounts = std::fs::read_to_string("/proc/self/mounts").expect("there is /proc");
    assert!(!mounts.contains(&lab.state.display().to_string()), "{mounts}");
    let named = Command::new("ip").args(["netns", "list"]).output().expect("ip runs");
    assert!(!String::from_utf8_lossy(&named.stdout).contains("kamailio"));
}

#[test]
fn the_panels_key_opens_every_machine_of_ours_from_management() {
    let Some(lab) = lab() else { return };
    let key = lab.state.join("lab/secrets/ssh").display().to_string();
    for (machine, number) in [("kamailio-01", 11), ("asterisk-03", 23), ("billing-02", 32), ("mariadb-01", 41), ("monitor-01", 51)]
    {
        let address = format!("root@10.40.40.{number}");
        let options =
            ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"];
        let words = [&["ssh", "-i", &key], options.as_slice(), &[&address, "hostname"]].concat();
        assert_eq!(at_switches(&lab.state, &words).trim(), machine);
    }
}

#[test]
fn every_machine_is_itself() {
    let Some(lab) = lab() else { return };
    let machines =
        ["kamailio-01", "kamailio-02", "asterisk-01", "asterisk-02", "mariadb-01", "mariadb-02", "billing-01", "monitor-01"];
    let all = |argv: &[&str]| {
        let mut said: Vec<String> = machines.iter().map(|machine| lab.exec(machine, argv)).collect();
        said.sort();
        said.dedup();
        said.len()
    };
    assert_eq!(all(&["hostname"]), machines.len());
    assert_eq!(all(&["cat", "/etc/machine-id"]), machines.len());
    assert_eq!(all(&["cat", "/etc/ssh/ssh_host_ed25519_key.pub"]), machines.len());
    let own = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    assert_ne!(lab.exec("kamailio-01", &["cat", "/etc/machine-id"]), own.trim());
    // Nor do they see what is none of their business.
    assert_eq!(lab.exec("kamailio-01", &["ls", "-A", "/root"]), "");
    assert!(lab.try_exec("kamailio-01", &["ls", &format!("{}/lab/secrets", lab.state.display())]).is_err());
}
