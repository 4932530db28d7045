//! Calls that go as they should.

use super::super::{
    Codec,
    control::{Answer, CallEvent, Outcome, Side},
};
use super::harness::Phone;
use serde_json::{Value, json};
use std::{collections::HashSet, time::Duration};
use tokio::time::{Instant, sleep};

fn whats(events: &[CallEvent]) -> Vec<&str> {
    events.iter().filter(|event| !event.repeated).map(|event| event.what.as_str()).collect()
}

fn quick() -> Value {
    json!({"ring": {"after_ms": 5, "answer_ms": 20}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answered_call_has_sound_both_ways() {
    let (caller, carrier) = (Phone::start("pbx").await, Phone::start("carrier-a").await);
    carrier.expect("442079460123", quick()).await;
    let call = json!({"from": "+12125550100", "to": "+442079460123", "proxy": [carrier.at], "codecs": ["G722", "PCMA", "PCMU"], "talk_ms": 500});
    let (result, events) = caller.place(call).await;
    assert_eq!(result.outcome, Outcome::Answered, "{result:?}");
    assert_eq!(whats(&events), ["INVITE", "180 Ringing", "200 OK", "ACK", "BYE", "200 OK"]);
    assert_eq!((result.sip_status, result.codec, result.hung_up_by), (Some(200), Some(Codec::Pcma), Some(Side::Caller)));
    assert!((15..=27).contains(&result.rtp_sent) && result.rtp_received + 1 >= result.rtp_sent, "{result:?}");
    let (pdd_ms, setup_ms, talk_ms) = (result.pdd_ms.unwrap(), result.setup_ms.unwrap(), result.talk_ms.unwrap());
    assert!(pdd_ms < setup_ms && (20.0..400.0).contains(&setup_ms) && (500.0..900.0).contains(&talk_ms), "{result:?}");
    assert_eq!(result.remote_contact.as_deref(), Some("127.0.0.1"));

    let received = carrier.received("442079460123").await;
    assert_eq!((received.len(), received[0].status, received[0].caller.as_str()), (1, Some(200), "+12125550100"));
    assert_eq!(received[0].sdp_codecs, ["G722", "PCMA", "PCMU"]);
    assert!(received[0].header_names.iter().all(|name| !name.starts_with("X-")));
    assert!(received[0].status_at_us > Some(received[0].at_us));
    let counts = carrier.counts().await;
    assert_eq!((counts.live, counts.received, counts.answered, counts.expected), (0, 1, 1, 0));
}

#[tokio::test]
async fn a_busy_callee_refuses_and_a_broken_one_fails() {
    let (caller, carrier) = (Phone::start("pbx").await, Phone::start("carrier-a").await);
    carrier.expect("1", json!({"reject": {"status": 486}})).await;
    carrier.expect("1", json!({"reject": {"status": 503, "after_ms": 30}})).await;
    let call = json!({"from": "2", "to": "1", "proxy": [carrier.at], "media": false});
    let (result, events) = caller.place(call.clone()).await;
    assert_eq!((result.outcome, result.sip_status), (Outcome::Refused, Some(486)));
    assert_eq!(result.sip_reason.as_deref(), Some("Busy Here"));
    assert_eq!(whats(&events), ["INVITE", "486 Busy Here", "ACK"]);
    let (result, _) = caller.place(call).await;
    assert_eq!((result.outcome, result.sip_status, result.reason), (Outcome::Failed, Some(503), None));
    let only_g722 = json!({"from": "2", "to": "1", "proxy": [carrier.at], "codecs": ["G722"], "media": false});
    assert_eq!(caller.place(only_g722).await.0.sip_status, Some(488));
}

#[tokio::test]
async fn the_callee_hangs_up() {
    let (caller, carrier) = (Phone::start("pbx").await, Phone::start("carrier-a").await);
    carrier.expect("1", json!({"ring": {"after_ms": 0, "answer_ms": 10, "talk_ms": 200}})).await;
    let (result, events) = caller.place(json!({"from": "2", "to": "1", "proxy": [carrier.at], "talk_ms": 5000})).await;
    assert_eq!((result.outcome, result.hung_up_by), (Outcome::Answered, Some(Side::Callee)));
    assert!((190.0..600.0).contains(&result.talk_ms.unwrap()), "{result:?}");
    assert_eq!(whats(&events), ["INVITE", "180 Ringing", "200 OK", "ACK", "BYE", "200 OK"]);
    assert!(carrier.is_quiet_soon().await);
}

#[tokio::test]
async fn closing_the_control_connection_ends_the_call() {
    let (caller, carrier) = (Phone::start("pbx").await, Phone::start("carrier-a").await);
    let call = json!({"do": "place", "call": {"from": "2", "to": "1", "proxy": [carrier.at], "media": false, "talk_ms": 60_000}});
    for (behavior, wanted) in [(quick(), "200 OK"), (json!({"ring_forever": {}}), "180 Ringing")] {
        assert_eq!(carrier.ask(json!({"do": "behave", "default": behavior})).await, Answer::Ok(true));
        let mut line = caller.connect().await;
        line.send(&call).await;
        while !matches!(line.next().await.unwrap(), Answer::Event(event) if event.what == wanted) {}
        drop(line);
        assert!(caller.is_quiet_soon().await && carrier.is_quiet_soon().await);
    }
    assert_eq!(carrier.received("1").await[0].status, Some(487));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_calls_a_second_all_succeed_at_an_even_pace() {
    let (caller, one, two) = (Phone::start("pbx").await, Phone::start("carrier-a").await, Phone::start("carrier-b").await);
    let mut line = caller.connect().await;
    let begun = Instant::now();
    let calls =
        json!({"cycle": [{"from": "+1212", "to": "+4420", "talk_ms": 100}, {"from": "3", "to": "4", "talk_ms": 50}], "count": 300});
    line.send(&json!({"do": "load", "load": {"cps": 100.0, "calls": calls, "proxy": [one.at, two.at]}})).await;
    let mut ids = HashSet::new();
    loop {
        match line.next().await.unwrap() {
            Answer::Ended(result) => {
                assert_eq!(result.outcome, Outcome::Answered, "{result:?}");
                ids.insert(result.call_id);
            }
            Answer::Finished(finished) => break assert_eq!(finished.attempted, 300),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ids.len(), 300);
    let took = begun.elapsed();
    assert!((Duration::from_millis(2_990)..Duration::from_millis(4_500)).contains(&took), "{took:?}");
    assert_eq!((one.counts().await.answered, two.counts().await.answered), (150, 150));
    assert_eq!(caller.counts().await.live, 0);
}

#[tokio::test]
async fn closing_the_connection_of_a_load_ends_what_runs_and_begins_no_more() {
    let (caller, carrier) = (Phone::start("pbx").await, Phone::start("carrier-a").await);
    let mut line = caller.connect().await;
    let calls = json!({"cycle": [{"from": "2", "to": "1", "talk_ms": 60_000}], "count": 10_000});
    line.send(&json!({"do": "load", "load": {"cps": 50.0, "calls": calls, "proxy": [carrier.at]}})).await;
    sleep(Duration::from_millis(400)).await;
    line.send(&json!({"do": "calls"})).await;
    assert!(matches!(line.next().await, Some(Answer::Error(sentence)) if sentence.contains("busy with calls")));
    drop(line);
    assert!(caller.is_quiet_soon().await && carrier.is_quiet_soon().await);
    let placed = caller.counts().await.placed;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(caller.counts().await.placed, placed);
}
