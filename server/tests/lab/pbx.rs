//! The PBXs as the panel hears them: Asterisk's manager interface, listened to while calls come and go and connections break.

use crate::harness::{Lab, lab, measured, wait_until};
use app::{
    calls::{
        board::{Board, BoardCall, Counts},
        live::{CallState, PbxEvent},
    },
    context::now,
    fleet::facts::PbxFacts,
    ports::Pbx,
    values::{PortError, PortErrorKind},
};
use serde_json::Value;
use server::{
    adapters::asterisk::{Asterisk, Door},
    lab::place::Layout,
};
use std::{
    fs::{self, File},
    os::fd::AsFd,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::{runtime, sync::oneshot};

const LONDON: &str = "442079460123";
const PBXS: [(&str, u8); 3] = [("asterisk-01", 21), ("asterisk-02", 22), ("asterisk-03", 23)];

fn door(lab: &Lab, name: &str) -> Door {
    let host = PBXS.iter().find(|(known, _)| *known == name).expect("one of the pool").1;
    let secret = fs::read_to_string(lab.state.join("lab/secrets/panel")).expect("the lab has secrets").trim().to_string();
    Door { name: name.into(), address: ([10, 40, 40, host], 5038).into(), user: "panel".into(), secret }
}

/// Runs something on the lab's Management network: the thread and its runtime are the lab host's guests.
fn inside<T: Send + 'static, F: Future<Output = T>>(lab: &Lab, run: impl FnOnce() -> F + Send + 'static) -> JoinHandle<T> {
    let host = Layout::below(&lab.state).host_process().expect("the lab is up");
    let network = File::open(format!("/proc/{host}/ns/net")).expect("the host's network");
    thread::spawn(move || {
        let kind = Some(rustix::thread::LinkNameSpaceType::Network);
        rustix::thread::move_into_link_name_space(network.as_fd(), kind).expect("root may enter");
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(run())
    })
}

/// All PBXs listened to, as the panel's engine does it: again whenever it ended.
struct Ear {
    board: Arc<Mutex<Board>>,
    /// How often each connection ended.
    ended: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ear {
    fn open(lab: &Lab) -> Self {
        let (board, ended) = (Arc::new(Mutex::new(Board::default())), Arc::new(AtomicUsize::new(0)));
        let doors = PBXS.map(|(name, _)| door(lab, name));
        let (stop, stopped) = oneshot::channel();
        let (to, count) = (Arc::clone(&board), Arc::clone(&ended));
        let thread = inside(lab, move || async move {
            let all = doors.map(|door| hear(door, Arc::clone(&to), Arc::clone(&count)));
            tokio::select! {
                _ = futures::future::join_all(all) => {}
                _ = stopped => {}
            }
        });
        let ear = Self { board, ended, stop: Some(stop), thread: Some(thread) };
        wait_until("every PBX to be heard", Duration::from_secs(10), || {
            let counts = ear.counts();
            counts.pbxs == 3 && counts.away.is_empty()
        });
        ear
    }

    fn counts(&self) -> Counts {
        self.board.lock().expect("nobody panics").counts(now())
    }

    fn calls(&self) -> Vec<BoardCall> {
        let board = self.board.lock().expect("nobody panics");
        board.calls().map(|(call, unknown_since)| BoardCall { call: call.clone(), unknown_since }).collect()
    }

    fn ended(&self) -> usize {
        self.ended.load(Ordering::Relaxed)
    }

    /// The one call there is, once it is up.
    fn call_that_is_up(&self) -> BoardCall {
        let up = || self.calls().into_iter().find(|one| one.call.state == CallState::Up);
        wait_until("the call to be up", Duration::from_secs(10), || up().is_some());
        up().expect("it has just been")
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn hear(door: Door, board: Arc<Mutex<Board>>, ended: Arc<AtomicUsize>) {
    let name = door.name.clone();
    let pbx = Asterisk::new(door, now);
    loop {
        let tell = |event: PbxEvent| {
            board.lock().expect("nobody panics").tell(&name, event, now());
        };
        pbx.listen(tell).await;
        ended.fetch_add(1, Ordering::Relaxed);
        board.lock().expect("nobody panics").away(&name, now());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A call placed by a thread of its own, because the command waits for its end.
fn place(lab: &Lab, talk: &'static str) -> JoinHandle<Value> {
    let words = ["lab", "call", "--from", "customer-01", "--to", LONDON, "--talk", talk, "--json", "--state"];
    let mut command = crate::harness::program();
    command.args(words).arg(&lab.state);
    thread::spawn(move || {
        let output = command.output().expect("the program runs");
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    })
}

fn hang_up(lab: &Lab, pbx: &str, channel: &str) -> Result<(), PortError> {
    let (door, channel) = (door(lab, pbx), channel.to_string());
    inside(lab, move || async move { Asterisk::new(door, now).hang_up(&channel).await }).join().expect("no panic")
}

fn observe(lab: &Lab, door: Door) -> Result<PbxFacts, PortError> {
    inside(lab, move || async move { Asterisk::new(door, now).observe().await }).join().expect("no panic")
}

#[test]
fn a_call_is_told_within_a_second_with_all_its_names_and_so_is_its_end() {
    let Some(lab) = lab() else { return };
    let ear = Ear::open(&lab);
    assert_eq!(ear.calls(), []);
    let began = Instant::now();
    let placed = place(&lab, "2s");
    wait_until("the call", Duration::from_secs(5), || !ear.calls().is_empty());
    // With the start of the program that places it.
    measured(&format!("a call placed is on the board after {} ms", began.elapsed().as_millis()));
    let one = ear.call_that_is_up().call;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let said = placed.join().expect("no panic");
    let over = Instant::now();
    wait_until("its end", Duration::from_secs(1), || ear.calls().is_empty());
    measured(&format!("its end after {} ms", over.elapsed().as_millis()));
    assert_eq!(
        (Some(one.reference.as_str()), Some(one.pbx.as_str())),
        (said["reference"].as_str(), said["pbx"].as_str()),
        "{said}"
    );
    assert_eq!((one.caller.as_str(), one.called.as_str()), ("12125550100", LONDON));
    assert_eq!((one.customer.as_deref(), one.carrier.as_deref()), (Some("customer-01"), said["carrier"].as_str()));
    assert_eq!((one.customer_codec.as_deref(), one.carrier_codec.as_deref()), (Some("alaw"), Some("alaw")));
    assert!(one.answered_at.is_some_and(|at| at > one.started_at), "{one:?}");
    assert_eq!(ear.counts().cps_10s, 0.1, "it began once");
}

#[test]
fn a_call_is_hung_up_by_its_channel_and_only_once() {
    let Some(lab) = lab() else { return };
    let ear = Ear::open(&lab);
    let placed = place(&lab, "60s");
    let one = ear.call_that_is_up().call;
    let began = Instant::now();
    assert_eq!(hang_up(&lab, &one.pbx, &one.channel), Ok(()));
    wait_until("its end", Duration::from_secs(2), || ear.calls().is_empty());
    let said = placed.join().expect("no panic");
    assert!(began.elapsed() < Duration::from_secs(10), "the customer's phone heard it too: {said}");
    let again = hang_up(&lab, &one.pbx, &one.channel).expect_err("it is over");
    assert_eq!(again.kind, PortErrorKind::Failed, "{again}");
    assert!(again.to_string().contains("is over already"), "{again}");
}

#[test]
fn a_kicked_connection_comes_back_and_counts_nothing_twice() {
    let Some(lab) = lab() else { return };
    let ear = Ear::open(&lab);
    let placed = place(&lab, "8s");
    let before = ear.call_that_is_up().call;
    // A short look of somebody else may be connected as well, so it is kicked until ours has ended.
    wait_until("the connection to end", Duration::from_secs(5), || {
        let connected = lab.exec(&before.pbx, &["asterisk", "-rx", "manager show connected"]);
        // Name, address, start, age, number, …
        let ours = connected.lines().filter(|line| line.trim_start().starts_with("panel"));
        for number in ours.filter_map(|line| line.split_whitespace().nth(4)) {
            // One that has gone meanwhile cannot be kicked.
            let _ = lab.try_exec(&before.pbx, &["asterisk", "-rx", &format!("manager kick session {number}")]);
        }
        ear.ended() > 0
    });
    wait_until("it to come back", Duration::from_secs(5), || ear.counts().away.is_empty());
    let after: Vec<_> = ear.calls().into_iter().map(|one| one.call).collect();
    assert_eq!(after, [before], "the same call, as it was");
    assert_eq!(ear.counts().cps_10s, 0.1, "it began once");
    drop(placed.join());
    wait_until("its end", Duration::from_secs(2), || ear.calls().is_empty());
}

#[test]
fn a_killed_pbx_makes_its_calls_unknown_and_afterwards_they_are_over() {
    let Some(lab) = lab() else { return };
    let ear = Ear::open(&lab);
    let placed = place(&lab, "5s");
    let one = ear.call_that_is_up().call;
    let target = format!("{}/asterisk", one.pbx);
    lab.json(&["break", "kill", &target]);
    wait_until("the call to be unknown", Duration::from_secs(6), || ear.calls().iter().all(|one| one.unknown_since.is_some()));
    assert_eq!((ear.counts().concurrent, ear.counts().unknown), (1, 1), "it is not dropped");
    let refused = observe(&lab, door(&lab, &one.pbx)).expect_err("nobody is there");
    assert_eq!(refused.kind, PortErrorKind::Refused, "{refused}");
    lab.json(&["heal", "kill", &target]);
    wait_until("the PBX to be heard again", Duration::from_secs(30), || ear.counts().away.is_empty());
    assert_eq!(ear.calls(), [], "the new PBX has no calls");
    drop(placed.join());
}

#[test]
fn what_a_pbx_says_of_itself_is_read_and_a_wrong_secret_is_refused() {
    let Some(lab) = lab() else { return };
    let asks_its_trunks = || {
        let facts = observe(&lab, door(&lab, "asterisk-02"));
        facts.is_ok_and(|facts| facts.endpoints.iter().any(|one| one.reachable == Some(true)))
    };
    wait_until("a PBX that was just started to have asked its trunks", Duration::from_secs(15), asks_its_trunks);
    let facts = observe(&lab, door(&lab, "asterisk-02")).expect("it answers");
    assert!(facts.version.starts_with(|c: char| c.is_ascii_digit()), "{facts:?}");
    assert!(facts.started_at.is_some_and(|at| now().since(at) < Duration::from_secs(86_400) && at <= now()), "{facts:?}");
    let proxy = facts.endpoints.iter().find(|one| one.name == "kamailio-01").unwrap_or_else(|| panic!("{facts:?}"));
    assert_eq!((proxy.reachable, proxy.contact.as_deref()), (Some(true), Some("sip:10.10.10.11:5060")));
    assert!(proxy.round_trip_ms.is_some_and(|ms| ms > 0.0 && ms < 1_000.0), "{proxy:?}");
    assert_eq!((facts.channels, facts.calls, facts.transcoding), (0, 0, 0));
    let wrong = Door { secret: "not-this-one".into(), ..door(&lab, "asterisk-02") };
    let denied = observe(&lab, wrong).expect_err("it must not let us in");
    assert_eq!(denied.kind, PortErrorKind::Denied, "{denied}");
    assert!(!denied.to_string().contains("not-this-one"), "{denied}");
}
