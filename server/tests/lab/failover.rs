//! A PBX and a proxy that die while calls flow: how long nobody gets through.

use crate::harness::{Lab, lab, measured, wait_until};
use serde_json::Value;
use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Places short calls one after the other, in four hands, and gives the longest time in which none was answered.
fn longest_gap(lab: &Lab, lasting: Duration, meanwhile: impl FnOnce()) -> (Duration, Vec<Value>) {
    let stop = AtomicBool::new(false);
    let (answered, others) = (Mutex::new(vec![Instant::now()]), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for hand in 0..4 {
            let (stop, answered, others) = (&stop, &answered, &others);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let call = lab.call(&["--to", &format!("44207946{hand}123"), "--talk", "100ms", "--ring", "6s"]);
                    match call["outcome"] == "answered" {
                        true => answered.lock().expect("no panic").push(Instant::now()),
                        false => others.lock().expect("no panic").push(call),
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_secs(1));
        meanwhile();
        std::thread::sleep(lasting);
        stop.store(true, Ordering::Relaxed);
    });
    let mut answered = answered.into_inner().expect("no panic");
    answered.sort();
    let gap = answered.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(lasting);
    (gap, others.into_inner().expect("no panic"))
}

#[test]
fn a_dead_pbx_is_left_out_and_comes_back() {
    let Some(lab) = lab() else { return };
    let (gap, lost) = longest_gap(&lab, Duration::from_secs(8), || {
        lab.json(&["break", "kill", "asterisk-02/asterisk"]);
    });
    measured(&format!("a killed Asterisk: longest gap {} ms, {} calls not answered", gap.as_millis(), lost.len()));
    // A call that was just in it is lost; one that comes after goes to another within the two seconds of a first reply.
    assert!(gap < Duration::from_secs(4), "{gap:?}");
    assert!(lost.len() <= 4, "{lost:?}");
    for _ in 0..6 {
        let call = lab.call(&["--to", "442079460123", "--talk", "100ms"]);
        assert!(call["outcome"] == "answered" && call["pbx"] != "asterisk-02", "{call}");
    }
    lab.json(&["heal", "kill", "asterisk-02/asterisk"]);
    let used = || {
        let call = lab.call(&["--to", "442079460123", "--talk", "100ms"]);
        call["pbx"] == "asterisk-02"
    };
    wait_until("asterisk-02 to get calls again", Duration::from_secs(30), used);
}

#[test]
fn a_dead_proxy_loses_its_address_to_the_other() {
    let Some(lab) = lab() else { return };
    let holds = |machine: &str| lab.exec(machine, &["ip", "-br", "-4", "addr", "show", "external"]).contains("203.0.113.10/");
    wait_until("kamailio-01 to hold its address", Duration::from_secs(15), || holds("kamailio-01") && !holds("kamailio-02"));
    let (gap, lost) = longest_gap(&lab, Duration::from_secs(8), || {
        lab.json(&["break", "kill", "kamailio-01/kamailio"]);
    });
    measured(&format!("a killed Kamailio: longest gap {} ms, {} calls not answered", gap.as_millis(), lost.len()));
    assert!(gap < Duration::from_secs(6), "{gap:?}");
    assert!(holds("kamailio-02"), "the address moved");
    let call = lab.call(&["--to", "442079460123", "--talk", "100ms"]);
    assert!(call["outcome"] == "answered" && call["attempts"][0]["proxy"] == "kamailio-02", "{call}");
    lab.json(&["heal", "kill", "kamailio-01/kamailio"]);
    wait_until("kamailio-01 to hold its address again", Duration::from_secs(20), || holds("kamailio-01") && !holds("kamailio-02"));
}

#[test]
fn with_the_database_frozen_calls_go_on_at_once() {
    let Some(lab) = lab() else { return };
    lab.json(&["break", "freeze", "mariadb-01"]);
    for _ in 0..3 {
        let call = lab.call(&["--to", "442079460123", "--talk", "100ms"]);
        assert!(call["outcome"] == "answered" && call["pdd_ms"].as_f64().is_some_and(|ms| ms < 1_000.0), "{call}");
    }
    lab.json(&["heal", "freeze", "mariadb-01"]);
}
