//! The fold with what the real Asterisk sent (`transcripts/`, shortened to the fields of interest), and the adapter against a PBX
//! that refuses, is silent, talks nonsense or goes away in the middle. Against the real one: `server/tests/lab/pbx.rs`.

use super::{
    Asterisk, Door,
    calls::Calls,
    wire::{Lines, Packet},
};
use app::{
    calls::live::{CallState, LiveCall, PbxEvent},
    ports::Pbx,
    values::{Moment, PortErrorKind},
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

fn packets(text: &str) -> Vec<Packet> {
    let mut lines = Lines::default();
    lines.push(text.as_bytes());
    std::iter::from_fn(|| lines.packet().expect("a recorded packet is AMI")).collect()
}

fn clock() -> Moment {
    Moment::from_seconds(1_795_374_100)
}

/// What is told of a transcript, one packet a second.
fn told(text: &str) -> Vec<PbxEvent> {
    let mut calls = Calls::new("asterisk-03");
    let at = |i: usize| Moment::from_seconds(i64::try_from(i).expect("a short transcript"));
    packets(text).iter().enumerate().flat_map(|(i, packet)| calls.hear(packet, at(i)).events).collect()
}

fn changes(events: &[PbxEvent]) -> Vec<&LiveCall> {
    events.iter().filter_map(|event| if let PbxEvent::Changed(call) = event { Some(&**call) } else { None }).collect()
}

fn ends(events: &[PbxEvent]) -> usize {
    events.iter().filter(|event| matches!(event, PbxEvent::Over { .. })).count()
}

const ANSWERED: &str = include_str!("transcripts/answered.txt");

#[test]
fn an_answered_call_is_told_from_its_first_event_to_its_end() {
    let events = told(ANSWERED);
    let changes = changes(&events);
    let first = changes[0];
    assert_eq!((first.state, first.called.as_str(), first.caller.as_str()), (CallState::Dialing, "442079460123", "12125550100"));
    assert_eq!(first.reference, first.unique_id, "the reference comes with the dialplan's first steps");
    let states: Vec<CallState> = changes.iter().map(|call| call.state).collect();
    assert!(states.is_sorted_by_key(|state| *state as u8), "{states:?}");
    let last = changes.last().expect("it was told");
    assert_eq!(last.reference, "51eb5a303d7e5635@customer-01");
    assert_eq!((last.customer.as_deref(), last.carrier.as_deref()), (Some("customer-01"), Some("carrier-a")));
    assert_eq!((last.customer_codec.as_deref(), last.carrier_codec.as_deref()), (Some("alaw"), Some("alaw")));
    assert_eq!((last.state, last.channel.as_str()), (CallState::Up, "PJSIP/kamailio-01-00000000"));
    assert!(last.answered_at.is_some_and(|at| at > last.started_at) && !last.transcodes());
    assert_eq!(ends(&events), 1);
    assert!(matches!(events.last(), Some(PbxEvent::Over { channel, .. }) if *channel == last.channel));
}

#[test]
fn calls_that_come_to_nothing_are_told_and_end() {
    for (text, ringing) in [
        (include_str!("transcripts/busy.txt"), false),
        (include_str!("transcripts/refused.txt"), false),
        (include_str!("transcripts/given_up.txt"), true),
    ] {
        let events = told(text);
        let changes = changes(&events);
        assert_eq!(changes.iter().any(|call| call.state == CallState::Ringing), ringing, "{text}");
        assert!(changes.iter().all(|call| call.state != CallState::Up && call.answered_at.is_none()), "{text}");
        assert_eq!(changes.last().and_then(|call| call.customer.as_deref()), Some("customer-01"), "{text}");
        assert_eq!(ends(&events), 1, "{text}");
    }
}

#[test]
fn a_snapshot_in_the_middle_tells_the_same_as_the_events() {
    // The transcript has a Status of the answered call in it: nothing new follows from that.
    let all = packets(ANSWERED);
    let at = all.iter().position(|packet| packet.event() == Some("Status")).expect("it has one");
    let mut by_events = Calls::new("asterisk-03");
    for packet in &all[..at] {
        by_events.hear(packet, clock());
    }
    for packet in all.iter().filter(|packet| packet.event() == Some("Status")) {
        assert_eq!(by_events.hear(packet, clock()).events, []);
    }
    let mut by_snapshot = Calls::new("asterisk-03");
    for packet in all.iter().filter(|packet| packet.event() == Some("Status")) {
        by_snapshot.hear(packet, clock());
    }
    let (events, snapshot) = (by_events.all().remove(0), by_snapshot.all().remove(0));
    let same = |call: LiveCall| LiveCall { started_at: Moment::EPOCH, answered_at: None, ..call };
    assert_eq!(same(events), same(snapshot.clone()));
    assert_eq!(snapshot.started_at, clock().minus(Duration::from_secs(2)), "two seconds ago, by the PBX");
    assert!(snapshot.answered_at.is_some_and(|at| at.since(snapshot.started_at) < Duration::from_secs(1)), "{snapshot:?}");
}

#[test]
fn events_that_waited_behind_a_newer_answer_take_nothing_back() {
    let all = packets(ANSWERED);
    let status: Vec<&Packet> = all.iter().filter(|packet| packet.event() == Some("Status")).collect();
    let first_status = all.iter().position(|packet| packet.event() == Some("Status")).expect("it has one");
    let mut calls = Calls::new("asterisk-03");
    for packet in &status {
        calls.hear(packet, clock());
    }
    let before = calls.all();
    for packet in &all[..first_status] {
        calls.hear(packet, clock());
        assert_eq!(calls.all(), before, "{packet:?}");
    }
    // And what is told of a leg after its end does not bring it back.
    let hangups: Vec<&Packet> = all.iter().filter(|packet| packet.event() == Some("Hangup")).collect();
    hangups.iter().for_each(|packet| drop(calls.hear(packet, clock())));
    for packet in all.iter().filter(|packet| !matches!(packet.event(), Some("Newchannel" | "Status"))) {
        assert_eq!(calls.hear(packet, clock()).events, []);
    }
    assert_eq!(calls.all(), []);
}

#[test]
fn a_renamed_channel_is_the_same_call() {
    let mut calls = Calls::new("asterisk-03");
    packets(ANSWERED).iter().filter(|packet| packet.event() == Some("Status")).for_each(|packet| drop(calls.hear(packet, clock())));
    let rename =
        "Event: Rename\r\nChannel: PJSIP/kamailio-01-00000000\r\nNewname: PJSIP/x-1\r\nUniqueid: asterisk-03-1795374043.0\r\n\r\n";
    let events = calls.hear(&packets(rename)[0], clock()).events;
    assert_eq!(changes(&events).iter().map(|call| call.channel.as_str()).collect::<Vec<_>>(), ["PJSIP/x-1"]);
    assert_eq!((ends(&events), calls.all().len()), (0, 1));
}

#[test]
fn a_pbx_without_channelvars_is_asked_for_what_its_events_lack() {
    let bare: String = ANSWERED.lines().filter(|line| !line.contains("ChanVariable")).map(|line| format!("{line}\r\n")).collect();
    let mut calls = Calls::new("asterisk-03");
    let mut asked = Vec::new();
    for packet in packets(&bare) {
        if packet.event() == Some("Status") {
            break;
        }
        asked.extend(calls.hear(&packet, clock()).ask);
    }
    assert!(asked.contains(&"PJSIP/kamailio-01-00000000".to_string()), "{asked:?}");
    assert!(asked.len() <= 4, "twice a leg: {asked:?}");
    // The variables in an answer of Status are enough.
    packets(&bare).iter().filter(|packet| packet.event() == Some("Status")).for_each(|packet| drop(calls.hear(packet, clock())));
    let call = calls.all().remove(0);
    assert_eq!((call.reference.as_str(), call.carrier.as_deref()), ("51eb5a303d7e5635@customer-01", Some("carrier-a")));
    assert_eq!(call.carrier_codec.as_deref(), Some("alaw"));
}

// --- The adapter, against a PBX that misbehaves -----------------------------------------------------------------------------

const GREETING: &str = "Asterisk Call Manager/11.0.0\r\n";

/// A PBX that greets with `greeting` and gives each action to `answer`; no answer closes the connection.
async fn pbx(greeting: &'static str, answer: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static) -> Asterisk {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, greeting, Arc::clone(&answer)));
        }
    });
    at(address)
}

async fn serve(stream: TcpStream, greeting: &'static str, answer: Arc<impl Fn(&str, &str) -> Option<String>>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let _ = write.write_all(greeting.as_bytes()).await;
    let (mut action, mut id) = (String::new(), String::new());
    while let Ok(Some(line)) = lines.next_line().await {
        match line.split_once(": ") {
            Some(("Action", value)) => action = value.into(),
            Some(("ActionID", value)) => id = value.into(),
            _ if line.is_empty() => {
                let Some(text) = answer(&action, &id) else { return };
                let _ = write.write_all(text.as_bytes()).await;
            }
            _ => {}
        }
    }
}

fn at(address: SocketAddr) -> Asterisk {
    let door = Door { name: "asterisk-09".into(), address, user: "panel".into(), secret: "hush-hush".into() };
    Asterisk::new(door, clock)
}

fn success(id: &str) -> Option<String> {
    Some(format!("Response: Success\r\nActionID: {id}\r\n\r\n"))
}

async fn kind(asterisk: &Asterisk) -> PortErrorKind {
    let error = asterisk.observe().await.expect_err("it misbehaves");
    assert!(error.system.starts_with("asterisk-09 AMI 127.0.0.1:"), "{error}");
    assert!(!error.to_string().contains("hush-hush"), "{error}");
    error.kind
}

#[tokio::test]
async fn every_way_to_fail_has_its_own_name() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = nobody.local_addr().expect("it is bound");
    drop(nobody);
    assert_eq!(kind(&at(address)).await, PortErrorKind::Refused);
    let denied = |_: &str, id: &str| Some(format!("Response: Error\r\nActionID: {id}\r\nMessage: Authentication failed\r\n\r\n"));
    assert_eq!(kind(&pbx(GREETING, denied).await).await, PortErrorKind::Denied);
    assert_eq!(kind(&pbx("SSH-2.0-OpenSSH_9.2\r\n", |_, id| success(id)).await).await, PortErrorKind::Garbage);
    assert_eq!(kind(&pbx("Asterisk Call Manager/1.3\r\n", |_, id| success(id)).await).await, PortErrorKind::WrongVersion);
    assert_eq!(kind(&pbx(GREETING, |_, _| None).await).await, PortErrorKind::Broken);
    assert_eq!(kind(&pbx(GREETING, |_, _| Some("What?\r\n\r\n".into())).await).await, PortErrorKind::Garbage);
    assert_eq!(kind(&pbx(GREETING, |_, id| success(id)).await).await, PortErrorKind::Garbage, "answers without a word in them");
    let endless = |_: &str, _: &str| Some("x".repeat(40_000));
    assert_eq!(kind(&pbx(GREETING, endless).await).await, PortErrorKind::Garbage);
}

#[tokio::test]
async fn a_silent_pbx_costs_no_more_than_its_deadline() {
    let began = Instant::now();
    let silent = pbx("", |_, _| Some(String::new())).await;
    let deaf = pbx(GREETING, |_, _| Some(String::new())).await;
    let (one, other) = tokio::join!(kind(&silent), kind(&deaf));
    assert_eq!((one, other), (PortErrorKind::TimedOut, PortErrorKind::TimedOut));
    assert!(began.elapsed() < super::DEADLINE * 2, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_listener_without_an_answer_to_its_ping_ends() {
    let empty = "Response: Success\r\nActionID: ID\r\nEventList: start\r\n\r\nEvent: StatusComplete\r\nActionID: ID\r\nEventList: Complete\r\n\r\n";
    let frozen = pbx(GREETING, move |action, id| match action {
        "Ping" => Some(String::new()),
        "Status" => Some(empty.replace("ID\r", &format!("{id}\r"))),
        _ => success(id),
    });
    let told = Mutex::new(Vec::new());
    let error = frozen.await.listen(|event| told.lock().expect("nobody panics").push(event)).await;
    assert_eq!(error.kind, PortErrorKind::TimedOut, "{error}");
    assert_eq!(told.into_inner().expect("nobody panics"), [PbxEvent::All(Vec::new())]);
}

/// Events that come while the snapshot is on its way are told after it, and a cut connection ends the listening with the reason.
#[tokio::test]
async fn nothing_between_the_snapshot_and_the_first_event_is_lost() {
    let packets: Vec<&str> = ANSWERED.split_inclusive("\r\n\r\n").collect();
    let of = |kind: &str| packets.iter().filter(|packet| packet.contains(&format!("Event: {kind}\r"))).copied().collect::<String>();
    // The call was read by the snapshot, and its end happened before the list was complete; another has begun.
    let begun = of("Newchannel").replace("asterisk-03-1795374043", "asterisk-03-1795374999").replace("0000000", "0000001");
    let snapshot = of("Status");
    let early = format!("{}{begun}", of("Hangup"));
    let cut = pbx(GREETING, move |action, id| match action {
        "Status" => {
            let list = snapshot.replace("ActionID: again", &format!("ActionID: {id}"));
            let start = format!("Response: Success\r\nActionID: {id}\r\nEventList: start\r\n\r\n");
            Some(format!("{start}{early}{list}Event: StatusComplete\r\nActionID: {id}\r\nEventList: Complete\r\n\r\n"))
        }
        "Ping" => None,
        _ => success(id),
    });
    let told = Mutex::new(Vec::new());
    let error = cut.await.listen(|event| told.lock().expect("nobody panics").push(event)).await;
    assert_eq!(error.kind, PortErrorKind::Broken, "{error}");
    let told = told.into_inner().expect("nobody panics");
    assert!(matches!(&told[0], PbxEvent::All(calls) if calls.len() == 1), "{told:?}");
    assert!(matches!(&told[1], PbxEvent::Over { channel, .. } if channel == "PJSIP/kamailio-01-00000000"), "{told:?}");
    assert_eq!(changes(&told[2..]).iter().map(|call| call.unique_id.as_str()).collect::<Vec<_>>(), ["asterisk-03-1795374999.0"]);
}

#[tokio::test]
async fn a_call_that_is_gone_is_not_ended_and_one_that_is_there_is() {
    let some = pbx(GREETING, |action, id| match action {
        "Hangup" => Some(format!("Response: Error\r\nActionID: {id}\r\nMessage: No such channel\r\n\r\n")),
        _ => success(id),
    });
    let some = some.await;
    let error = some.hang_up("PJSIP/a-1").await.expect_err("it is gone");
    assert_eq!((error.kind, error.said.as_str()), (PortErrorKind::Failed, "PJSIP/a-1 is over already, there is nothing to end"));
    for trick in ["", "/.*/", "PJSIP/a\r\nAction: Originate"] {
        assert!(some.hang_up(trick).await.is_err(), "{trick:?}");
    }
    assert_eq!(pbx(GREETING, |_, id| success(id)).await.hang_up("PJSIP/a-1").await, Ok(()));
}

#[tokio::test]
async fn a_kept_connection_that_broke_is_opened_again() {
    let asked = Mutex::new(0);
    // The first connection is cut at its second question.
    let moody = pbx(GREETING, move |action, id| {
        let mut asked = asked.lock().expect("nobody panics");
        *asked += u32::from(action == "Hangup");
        if action == "Hangup" && *asked == 2 { None } else { success(id) }
    });
    let moody = moody.await;
    assert_eq!(moody.hang_up("PJSIP/a-1").await, Ok(()));
    assert_eq!(moody.hang_up("PJSIP/a-2").await, Ok(()));
}
