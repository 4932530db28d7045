//! Operations on the real daemons: what was taken out stays out, whatever the proxies' own probes say; calls that are up go on.

use crate::harness::{Lab, lab, program, wait_until};
use serde_json::Value;
use std::{process::Output, time::Duration};

const LONDON: &str = "442079460123";

fn operation(lab: &Lab, words: &[&str]) -> Output {
    program().arg("operation").args(words).arg("--state").arg(&lab.state).output().expect("the program runs")
}

fn plan(lab: &Lab, kind: &str, subject: &str) -> Value {
    let output = operation(lab, &["plan", kind, subject, "--json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// Plans and starts it, and waits for its end.
fn run(lab: &Lab, kind: &str, subject: &str) -> Output {
    let plan = plan(lab, kind, subject);
    let fingerprint = plan["fingerprint"].as_str().unwrap_or_else(|| panic!("a fingerprint in {plan}"));
    let output = operation(lab, &["start", kind, subject, "--fingerprint", fingerprint]);
    assert!(output.status.success(), "{kind} {subject}: {plan}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The flags of a destination at each proxy.
fn flags(lab: &Lab, host: &str) -> Vec<String> {
    let of = |proxy: &str| {
        let list = lab.exec(proxy, &["kamcmd", "-s", "unix:/run/kamailio/ctl", "dispatcher.list"]);
        let after = list.split(&format!("sip:{host}:5060")).nth(1).unwrap_or_else(|| panic!("{host} in {list}")).to_string();
        after.lines().find_map(|line| line.trim().strip_prefix("FLAGS: ").map(String::from)).expect("its flags")
    };
    ["kamailio-01", "kamailio-02"].map(of).to_vec()
}

#[test]
fn a_disabled_carrier_gets_no_call_and_its_living_probes_do_not_bring_it_back() {
    let Some(lab) = lab() else { return };
    run(&lab, "disable_carrier", "carrier-a");
    assert!(flags(&lab, "203.0.113.101").iter().all(|flags| flags.starts_with('D')));
    // Eight rounds of the proxies' probes, which carrier-a would answer.
    std::thread::sleep(Duration::from_secs(16));
    assert!(flags(&lab, "203.0.113.101").iter().all(|flags| flags.starts_with('D')), "nothing but a person undoes it");
    let call = lab.call(&["--to", LONDON, "--talk", "100ms"]);
    assert_eq!((&call["outcome"], &call["carrier"]), (&"answered".into(), &"carrier-b".into()), "{call}");
    run(&lab, "enable_carrier", "carrier-a");
    assert!(flags(&lab, "203.0.113.101").iter().all(|flags| flags.starts_with('A')));
    let call = lab.call(&["--to", LONDON, "--talk", "100ms"]);
    assert_eq!(call["carrier"], "carrier-a", "{call}");
}

#[test]
fn the_last_active_carrier_is_not_disabled_by_mistake() {
    let Some(lab) = lab() else { return };
    run(&lab, "disable_carrier", "carrier-b");
    let plan = plan(&lab, "disable_carrier", "carrier-a");
    let fingerprint = plan["fingerprint"].as_str().expect("a fingerprint");
    let refused = operation(&lab, &["start", "disable_carrier", "carrier-a", "--fingerprint", fingerprint]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    // Before anything is said about it, the lab is whole again for the next test.
    run(&lab, "enable_carrier", "carrier-b");
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("No other carrier is active at kamailio-01, kamailio-02"), "{said}");
    assert!(flags(&lab, "203.0.113.101").iter().all(|flags| flags.starts_with('A')));
}

#[test]
fn a_pbx_is_drained_with_a_call_on_it_that_goes_on_to_its_own_end() {
    let Some(lab) = lab() else { return };
    let (call, pbx, address) = std::thread::scope(|scope| {
        let talking = scope.spawn(|| lab.call(&["--to", LONDON, "--talk", "12s"]));
        let up = |number: u8| {
            let said = lab.exec(&format!("asterisk-0{number}"), &["asterisk", "-rx", "core show channels count"]);
            !said.contains("0 active channels")
        };
        let mut on = None;
        wait_until("the call to be up", Duration::from_secs(8), || {
            // A look at all three takes a moment; the call lasts longer.
            (1..=3).any(&up)
        });
        for number in 1..=3 {
            if up(number) {
                on = Some(number);
            }
        }
        let number = on.expect("it is on one of them");
        let (pbx, address) = (format!("asterisk-0{number}"), format!("10.10.10.2{number}"));
        run(&lab, "drain", &pbx);
        (talking.join().expect("no panic"), pbx, address)
    });
    assert_eq!((&call["outcome"], &call["pbx"]), (&"answered".into(), &pbx.as_str().into()), "{call}");
    let (sent, back) = (call["rtp_sent"].as_u64().expect("a number"), call["rtp_received"].as_u64().expect("a number"));
    assert!(sent >= 550 && back * 10 >= sent * 9, "it was heard to its end: {call}");
    assert!(flags(&lab, &address).iter().all(|flags| flags.starts_with('D')));
    for _ in 0..3 {
        let other = lab.call(&["--to", LONDON, "--talk", "100ms"]);
        assert!(other["outcome"] == "answered" && other["pbx"] != pbx.as_str(), "new calls go elsewhere: {other}");
    }
    run(&lab, "return_to_service", &pbx);
    assert!(flags(&lab, &address).iter().all(|flags| flags.starts_with('A')));
}
