//! Calls that go wrong, and peers that do.

use super::super::control::{Answer, Behavior, EndReason, Outcome};
use super::harness::{Peer, Phone, free_address, respond};
use serde_json::json;
use std::{os::unix::fs::PermissionsExt, time::Duration};

#[tokio::test]
async fn who_gets_no_answer_cancels() {
    let (caller, carrier) = (Phone::start("pbx").await, Phone::start("carrier-a").await);
    carrier.expect("1", json!({"ring_forever": {}})).await;
    let (result, events) =
        caller.place(json!({"from": "2", "to": "1", "proxy": [carrier.at], "media": false, "ring_ms_max": 150})).await;
    assert_eq!((result.outcome, result.reason, result.sip_status), (Outcome::Failed, Some(EndReason::NoAnswer), Some(487)));
    let whats: Vec<&str> = events.iter().map(|event| event.what.as_str()).collect();
    assert_eq!(whats, ["INVITE", "180 Ringing", "CANCEL", "200 OK", "487 Request Terminated", "ACK"]);
    assert!(carrier.is_quiet_soon().await);
}

#[tokio::test]
async fn a_silent_proxy_gives_way_to_the_next_and_a_dead_machine_can_come_back() {
    let (caller, dead, carrier) = (Phone::start("pbx").await, Phone::start("carrier-a").await, Phone::start("carrier-b").await);
    assert_eq!(dead.ask(json!({"do": "behave", "default": {"silent": {}}})).await, Answer::Ok(true));
    assert_eq!(dead.ask(json!({"do": "behavior"})).await, Answer::Behavior(Some(Behavior::Silent {})));
    let call = json!({"from": "2", "to": "1", "proxy": [dead.at, free_address(), carrier.at], "talk_ms": 10, "media": false, "proxy_timeout_ms": 100});
    let (result, events) = caller.place(call).await;
    assert_eq!((result.outcome, result.proxy), (Outcome::Answered, carrier.at), "{result:?}");
    assert!(result.setup_ms.unwrap() >= 300.0);
    assert_eq!(events.iter().filter(|event| event.what.starts_with("no response")).count(), 2);
    let counts = dead.counts().await;
    assert_eq!((counts.live, counts.received, counts.answered), (0, 1, 0));

    let peer = Peer::new().await;
    peer.send(&peer.request("OPTIONS", dead.at, "", 1, ""), dead.at).await;
    assert!(peer.hear(100).await.is_none());
    assert_eq!(dead.ask(json!({"do": "behave", "default": null})).await, Answer::Ok(true));
    peer.send(&peer.request("OPTIONS", dead.at, "", 1, ""), dead.at).await;
    peer.hear_what("200 OK").await;
}

#[tokio::test]
async fn what_is_not_sip_is_dropped_and_counted() {
    let (phone, peer) = (Phone::start("carrier-a").await, Peer::new().await);
    let good = peer.request("OPTIONS", phone.at, "", 1, "");
    let bad = ["x", "INVITE\r\n\r\n", "INVITE sip:a SIP/2.0\r\nVia: x\r\n\r\n", "SIP/2.0 99 No\r\n\r\n", "\u{0}\u{1}\u{2} \u{7f}"];
    for text in bad {
        peer.send(text, phone.at).await;
    }
    peer.send(&good.replace("CSeq: 1 OPTIONS", "CSeq: 1 BYE"), phone.at).await;
    peer.send(&good.replace("Contact:", "Content-Length: 99999999999999999999\r\nContact:"), phone.at).await;
    peer.send("\r\n\r\n", phone.at).await;
    peer.send(&good, phone.at).await;
    let answer = peer.hear_what("200 OK").await;
    assert!(answer.header("Via").unwrap().contains(&format!("rport={}", peer.at.port())));
    assert_eq!(phone.counts().await.malformed, 7);
}

#[tokio::test]
async fn requests_that_belong_nowhere_are_refused() {
    let (phone, peer) = (Phone::start("carrier-a").await, Peer::new().await);
    for (method, to_tag, wanted) in [
        ("BYE", ";tag=unknown", "481 Call/Transaction Does Not Exist"),
        ("CANCEL", "", "481 Call/Transaction Does Not Exist"),
        ("REGISTER", "", "501 Not Implemented"),
        ("INVITE", ";tag=unknown", "481 Call/Transaction Does Not Exist"),
    ] {
        peer.send(&peer.request(method, phone.at, to_tag, 9, ""), phone.at).await;
        assert_eq!(peer.hear(1_000).await.unwrap().what(), wanted);
    }
    peer.send(&peer.request("INVITE", phone.at, "", 1, "Require: 100rel\r\n"), phone.at).await;
    assert_eq!(peer.hear_what("420 Bad Extension").await.header("Unsupported"), Some("100rel"));
}

/// What an Asterisk does to a call that is up, and what a lossy network does to it.
#[tokio::test]
async fn a_raw_peer_is_answered_as_the_standard_wants() {
    let (phone, peer) = (Phone::start("carrier-a").await, Peer::new().await);
    phone.expect("4420", json!({"ring": {"after_ms": 0, "answer_ms": 20}})).await;
    let route = "Record-Route: <sip:127.0.0.1:9;lr;r2=on>, <sip:127.0.0.1:10;lr>\r\n";
    let invite = peer.request("INVITE", phone.at, "", 1, route);
    peer.send(&invite, phone.at).await;
    let ringing = peer.hear_what("180 Ringing").await;
    assert_eq!(ringing.list("Record-Route").len(), 2);
    let ok = peer.hear_what("200 OK").await;
    assert!(ok.body.contains("m=audio") && ok.header("Contact").is_some());
    // Until the ACK comes the 200 comes again, by itself and when asked.
    peer.send(&invite, phone.at).await;
    peer.hear_what("200 OK").await;
    assert_eq!(peer.hear(800).await.unwrap().what(), "200 OK");
    let tag = format!(";tag={}", ok.to_tag.clone().unwrap());
    peer.send(&peer.request("ACK", phone.at, &tag, 1, ""), phone.at).await;

    let sdp = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9000 RTP/AVP 0\r\na=sendonly\r\n";
    let body = format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len());
    let mut hold = peer.request("INVITE", phone.at, &tag, 2, "");
    hold.truncate(hold.len() - 2);
    peer.send(&format!("{hold}{body}"), phone.at).await;
    assert!(peer.hear_what("200 OK").await.body.contains("a=recvonly"));
    peer.send(&peer.request("ACK", phone.at, &tag, 2, ""), phone.at).await;
    for (method, cseq, wanted) in
        [("UPDATE", 3, "200 OK"), ("PRACK", 4, "481 Call/Transaction Does Not Exist"), ("INFO", 5, "200 OK")]
    {
        peer.send(&peer.request(method, phone.at, &tag, cseq, ""), phone.at).await;
        assert_eq!(peer.hear(1_000).await.unwrap().what(), wanted);
    }
    let bye = peer.request("BYE", phone.at, &tag, 6, "");
    for _ in 0..2 {
        peer.send(&bye, phone.at).await;
        assert_eq!(peer.hear(1_000).await.unwrap().what(), "200 OK");
    }
    assert_eq!(phone.counts().await.live, 0);
    assert_eq!(phone.received("4420").await.len(), 1);
}

#[tokio::test]
async fn the_socket_is_private_and_replaces_a_stale_one_and_errors_are_sentences() {
    let phone = Phone::start("carrier-a").await;
    let path = phone.folder.path().join("phone.sock");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let stale = phone.folder.path().join("stale.sock");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    assert!(super::super::door::bind(&stale).is_ok());
    assert!(matches!(phone.ask(json!({"do": "dance"})).await, Answer::Error(sentence) if sentence.contains("dance")));
    let call = json!({"do": "place", "call": {"from": "2", "to": "1", "proxy": [free_address()], "ring_ms_max": 1}});
    let mut line = phone.connect().await;
    line.send(&call).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(matches!(line.next().await, Some(Answer::Event(_))));
    assert!(matches!(line.next().await, Some(Answer::Ended(result)) if result.reason == Some(EndReason::NoAnswer)));
}

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9000 RTP/AVP 8\r\n";

/// Each request is lost once, and one response comes twice.
#[tokio::test]
async fn a_caller_repeats_what_is_lost_and_confirms_what_comes_twice() {
    let (caller, peer) = (Phone::start("pbx").await, Peer::new().await);
    let call = json!({"from": "2", "to": "1", "proxy": [peer.at], "media": false, "talk_ms": 50});
    let far = async {
        let lost = peer.hear_what("INVITE").await;
        let invite = peer.hear_what("INVITE").await;
        assert_eq!((lost.branch, lost.cseq), (invite.branch.clone(), invite.cseq));
        for _ in 0..2 {
            peer.send(&respond(&invite, "200 OK", peer.at, SDP), caller.at).await;
            let ack = peer.hear_what("ACK").await;
            assert!(ack.branch != invite.branch && ack.to_tag.as_deref() == Some("far") && ack.cseq == invite.cseq);
        }
        peer.hear_what("BYE").await;
        let bye = peer.hear_what("BYE").await;
        assert_eq!(bye.cseq, invite.cseq + 1);
        peer.send(&respond(&bye, "481 Gone", peer.at, ""), caller.at).await;
    };
    let ((result, events), ()) = tokio::join!(caller.place(call), far);
    assert_eq!((result.outcome, result.reason), (Outcome::Failed, Some(EndReason::HangUpUnconfirmed)), "{result:?}");
    assert_eq!((result.sip_status, result.codec.map(|codec| codec.name())), (Some(200), Some("PCMA")));
    assert_eq!(events.iter().filter(|event| event.repeated).count(), 4, "{events:?}");
}

/// The first proxy was only slow: what it still begins is ended at once, and the second has the call.
#[tokio::test]
async fn a_proxy_that_answers_too_late_is_told_to_stop() {
    let (caller, slow, quick) = (Phone::start("pbx").await, Peer::new().await, Peer::new().await);
    let call = json!({"from": "2", "to": "1", "proxy": [slow.at, quick.at], "media": false, "proxy_timeout_ms": 50});
    let far = async {
        let first = slow.hear_what("INVITE").await;
        let second = quick.hear_what("INVITE").await;
        assert!(first.call_id == second.call_id && first.branch != second.branch && first.cseq != second.cseq);
        slow.send(&respond(&first, "180 Ringing", slow.at, ""), caller.at).await;
        assert_eq!(slow.hear_what("CANCEL").await.branch, first.branch);
        slow.send(&respond(&first, "200 OK", slow.at, SDP), caller.at).await;
        slow.hear_what("ACK").await;
        slow.hear_what("BYE").await;
        quick.send(&respond(&second, "603 Decline", quick.at, ""), caller.at).await;
        assert_eq!(quick.hear_what("ACK").await.branch, second.branch);
    };
    let ((result, _), ()) = tokio::join!(caller.place(call), far);
    assert_eq!((result.outcome, result.sip_status), (Outcome::Refused, Some(603)), "{result:?}");
    assert_eq!(result.reason_header.as_deref(), Some("Normal"));
}
