//! The observers against the ways in which what they look at fails: one table, observer by fault, and every cell of it is tested.
//! A new observer or a new fault does not compile before it has its row or column, and an adapter without a row fails a test.
//!
//! Here stands what is the same for all of them, or takes a few bytes; what needs the real system, or more words, is named by its
//! test. That observers do not wait for each other is tested in `observe/rounds.rs`.

use super::{
    asterisk::{Asterisk, Door},
    kamailio::Kamailio,
    lab::LabHost,
    libvirt::Libvirt,
    mariadb::MariaDb,
    sip::SipOptions,
    ssh::{KnownHosts, Ssh, Target},
    standin::{Answer, StandIn, http_answer},
    trust::Trust,
    vsphere::{Account, Vsphere},
};
use crate::{lab::place::Layout, process::find_program};
use app::{
    context::now,
    ports::{DatabaseNode, Hypervisor, Pbx, RemoteShell, SipPeer, SipProxy},
    values::{PortError, PortErrorKind},
};
use futures::future::join_all;
use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tokio::net::TcpSocket;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Observer {
    Kamailio,
    Sip,
    Asterisk,
    MariaDb,
    Libvirt,
    Vsphere,
    Lab,
    Ssh,
    /// Networks are tried from the machines, through their shells.
    Probe,
}

use Observer as O;

const OBSERVERS: [Observer; 9] = [O::Kamailio, O::Sip, O::Asterisk, O::MariaDb, O::Libvirt, O::Vsphere, O::Lab, O::Ssh, O::Probe];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Refused,
    Timeout,
    Garbage,
    Truncated,
    WrongVersion,
    WrongCredentials,
    ClockSkew,
    /// Whatever it says, it takes ten rounds to say it.
    TenTimesSlower,
}

use Fault as F;

const FAULTS: [Fault; 8] =
    [F::Refused, F::Timeout, F::Garbage, F::Truncated, F::WrongVersion, F::WrongCredentials, F::ClockSkew, F::TenTimesSlower];

/// What stands at the address, or for the lab's host in its folder.
#[derive(Debug)]
enum Mood {
    /// Nobody listens.
    Nobody,
    /// It takes everything and never answers.
    Silent,
    /// It says this, whoever comes, and goes away.
    Says(Vec<u8>),
    /// It says the first to whoever comes, and the second to whatever it then hears; an HTTP server only the second.
    Answers(Vec<u8>, Vec<u8>),
    /// A byte of this every now and then.
    Drips(Vec<u8>),
    /// The lab's host runs, and its plan is this.
    Plan(&'static str),
}

enum Cell {
    /// What the stand-in does, and what the adapter may call it.
    Tried(Mood, &'static [PortErrorKind]),
    /// The file and the test that has it.
    Elsewhere(&'static str, &'static str),
    /// Why it cannot happen.
    Never(&'static str),
}

use Cell::{Elsewhere, Never, Tried};
use PortErrorKind::{Broken, Denied, Garbage, Refused, TimedOut, WrongVersion};

const HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
const AMI: &[u8] = b"Asterisk Call Manager/11.0.0\r\n";
/// A packet's length and the beginning of the rest, of which every packet of libvirt has at least as much.
const LIBVIRTS_HEADER: &[u8] = b"\0\0\0\x1c\x20\0\x80\x86\0\0\0\x01\0\0\0\x42\0\0\0\x01\0\0\0\0\0\0\0";
/// The first half of a MariaDB's first packet.
const HALF_A_GREETING: &[u8] = b"\x4a\0\0\0\x0a5.5.5-10.11.19-Ma";
const OLD_VSPHERE: &str = "<Envelope><Body><RetrieveServiceContentResponse><returnval><about><name>VMware ESX</name>\
                           <version>4.1.0</version></about></returnval></RetrieveServiceContentResponse></Body></Envelope>";
const CUT_JSON: &str = "{\"jsonrpc\": \"2.0\", \"result\": {\"RECORDS\": [{\"SET";

fn http(status: u16, body: &str) -> Mood {
    Mood::Answers(Vec::new(), http_answer(status, body))
}

fn cell(observer: Observer, fault: Fault) -> Cell {
    match (fault, observer) {
        (F::Refused, _) => Tried(Mood::Nobody, &[Refused]),

        // Its look is made of programs.
        (F::Timeout | F::TenTimesSlower, O::Lab) => {
            Elsewhere("server/src/adapters/command.rs", "a_program_prints_complains_or_is_stopped_in_time")
        }
        (F::Timeout, _) => Tried(Mood::Silent, &[TimedOut]),

        (F::TenTimesSlower, O::Kamailio | O::Vsphere) => Tried(Mood::Drips(http_answer(200, CUT_JSON)), &[TimedOut]),
        (F::TenTimesSlower, O::Sip) => Tried(Mood::Drips(b"SIP/2.0 200 OK\r\n".into()), &[TimedOut]),
        (F::TenTimesSlower, O::Asterisk) => Tried(Mood::Drips(AMI.into()), &[TimedOut]),
        (F::TenTimesSlower, O::MariaDb) => Tried(Mood::Drips(HALF_A_GREETING.into()), &[TimedOut]),
        (F::TenTimesSlower, O::Libvirt) => Tried(Mood::Drips(LIBVIRTS_HEADER.into()), &[TimedOut]),
        (F::TenTimesSlower, O::Ssh | O::Probe) => {
            Tried(Mood::Drips(b"SSH-2.0-OpenSSH_9.2p1 of a slow machine\r\n".into()), &[TimedOut])
        }

        // An answer that is none is no answer: strays are no reason to believe that a peer is not well.
        (F::Garbage, O::Sip) => Tried(Mood::Says(vec![0xff; 40]), &[TimedOut]),
        (F::Garbage, O::Kamailio) => Tried(http(200, "<html>It works!</html>"), &[Garbage]),
        (F::Garbage, O::Vsphere) => Tried(http(200, "<html>It works!"), &[Garbage]),
        (F::Garbage, O::Asterisk) => Tried(Mood::Says(HTTP.into()), &[Garbage]),
        (F::Garbage, O::Libvirt) => Tried(Mood::Says(HTTP.into()), &[Garbage]),
        (F::Garbage, O::MariaDb | O::Ssh | O::Probe) => Tried(Mood::Says(HTTP.into()), &[Garbage, Broken]),
        (F::Garbage, O::Lab) => Tried(Mood::Plan("\0\u{1} no JSON"), &[Garbage]),

        (F::Truncated, O::Kamailio) => Tried(http(200, CUT_JSON), &[Garbage]),
        (F::Truncated, O::Sip) => Tried(Mood::Says(b"SIP/2.0 20".into()), &[TimedOut]),
        (F::Truncated, O::Asterisk) => Tried(Mood::Says([AMI, b"Response: Succ"].concat()), &[Broken]),
        (F::Truncated, O::MariaDb) => Tried(Mood::Says(HALF_A_GREETING.into()), &[Broken]),
        // A packet of forty bytes, of which two come.
        (F::Truncated, O::Libvirt) => Tried(Mood::Says(b"\0\0\0\x28\x20\0".into()), &[Broken]),
        (F::Truncated, O::Vsphere) => Tried(http(200, "<Envelope><Body><RetrieveServiceContentResp"), &[Garbage]),
        (F::Truncated, O::Lab) => Tried(Mood::Plan("{\"machines\": [{\"name\": \"kama"), &[Garbage]),
        (F::Truncated, O::Ssh) => Elsewhere("server/src/adapters/ssh/parse.rs", "garbage_and_a_cut_answer_are_refused"),
        (F::Truncated, O::Probe) => Elsewhere("server/src/adapters/ssh/probe.rs", "garbage_and_a_cut_answer_are_refused"),

        (F::WrongVersion, O::Kamailio) => Tried(http(404, "no such page"), &[WrongVersion]),
        (F::WrongVersion, O::Sip) => Tried(Mood::Says(b"SIP/3.0 200 OK\r\n\r\n".into()), &[TimedOut]),
        (F::WrongVersion, O::Asterisk) => Tried(Mood::Says(b"Asterisk Call Manager/1.3\r\n".into()), &[WrongVersion]),
        (F::WrongVersion, O::MariaDb) => {
            Elsewhere("server/src/adapters/mariadb/tests.rs", "only_a_mariadb_that_is_new_enough_is_understood")
        }
        (F::WrongVersion, O::Libvirt) => {
            Never("virsh and the daemon agree on a version among themselves, and virsh prints what it always did")
        }
        (F::WrongVersion, O::Vsphere) => Tried(http(200, OLD_VSPHERE), &[WrongVersion]),
        (F::WrongVersion, O::Lab) => Tried(Mood::Plan("{\"of another version\": true}"), &[Garbage]),
        (F::WrongVersion, O::Ssh | O::Probe) => Tried(Mood::Says(b"SSH-1.5-old\r\n".into()), &[WrongVersion]),

        (F::WrongCredentials, O::Kamailio) => Tried(http(403, "Management only"), &[Denied]),
        (F::WrongCredentials, O::Sip) => Elsewhere("server/src/adapters/sip.rs", "an_answer_has_status_round_trip_and_who_gave_it"),
        (F::WrongCredentials, O::Asterisk) => {
            let refusal = b"Response: Error\r\nActionID: wirecenter-1\r\nMessage: Authentication failed\r\n\r\n";
            Tried(Mood::Answers(AMI.into(), refusal.into()), &[Denied])
        }
        (F::WrongCredentials, O::MariaDb) => Elsewhere("server/src/adapters/mariadb/tests.rs", "a_wrong_password_is_denied"),
        (F::WrongCredentials, O::Libvirt) => {
            Elsewhere("server/src/adapters/command.rs", "a_program_prints_complains_or_is_stopped_in_time")
        }
        (F::WrongCredentials, O::Vsphere) => Tried(http(403, "no"), &[Denied]),
        (F::WrongCredentials, O::Lab) => Never("it is looked at as root, and asked nothing"),
        (F::WrongCredentials, O::Ssh | O::Probe) => Elsewhere("server/tests/lab/nodes.rs", "a_key_that_opens_nothing_is_denied"),

        (F::ClockSkew, O::Kamailio) => {
            Elsewhere("app/src/fleet/detail/tests.rs", "a_machine_whose_clock_is_wrong_makes_nothing_look_new_or_old")
        }
        (F::ClockSkew, O::Asterisk) => {
            Elsewhere("app/src/fleet/change_tests.rs", "a_restart_is_told_at_our_time_whatever_the_machines_clock_says")
        }
        (F::ClockSkew, O::Ssh) => Elsewhere("server/src/adapters/ssh/tests.rs", "a_wrong_clock_is_told_and_moves_no_other_time"),
        (F::ClockSkew, O::MariaDb) => Never("the time in its heartbeat is ours; its spans are of one clock"),
        (F::ClockSkew, O::Sip | O::Libvirt | O::Vsphere | O::Lab | O::Probe) => {
            Never("it tells no time; round trips are of one clock")
        }
    }
}

/// The program an observer looks through, where it may be missing.
fn is_missing(observer: Observer) -> bool {
    observer == O::Libvirt && find_program("virsh").is_none()
}

const DEADLINE: Duration = Duration::from_millis(900);
/// AMI's is its own; `ssh` counts whole seconds.
const LONGEST: Duration = Duration::from_secs(3);

async fn look(observer: Observer, address: SocketAddr, dir: &Path) -> Result<(), PortError> {
    let name = "machine-01";
    let SocketAddr::V4(v4) = address else { unreachable!("stand-ins are on IPv4") };
    let ssh = || {
        let target = Target {
            machine: name.into(),
            address: v4,
            user: "root".into(),
            key_file: dir.join("key"),
            known_hosts: KnownHosts::at(&dir.join("known_hosts")),
            jump: None,
            control_dir: dir.join("c"),
            deadline: Duration::from_secs(1),
        };
        Ssh::new(target).expect("a target")
    };
    match observer {
        O::Kamailio => Kamailio::new(name, &format!("http://{address}/RPC"), DEADLINE)?.observe().await.map(drop),
        O::Sip => SipOptions::new(name, address, DEADLINE).ask().await.map(drop),
        O::Asterisk => {
            let door = Door { name: name.into(), address, user: "panel".into(), secret: "hush-hush".into() };
            Asterisk::new(door, now).observe().await.map(drop)
        }
        O::MariaDb => MariaDb::new(name, v4, "panel", "hush-hush", DEADLINE).observe().await.map(drop),
        O::Libvirt => Libvirt::new(name, &format!("qemu+tcp://{address}/system"), DEADLINE).observe().await.map(drop),
        O::Vsphere => {
            let account = Account { user: "root".into(), password: "hush-hush".into() };
            Vsphere::new(name, &format!("http://{address}/sdk"), account, Trust::Insecure, DEADLINE)?.observe().await.map(drop)
        }
        O::Lab => LabHost::new(name, Layout::at(&dir.join("lab")), LONGEST).observe().await.map(drop),
        O::Ssh => ssh().observe().await.map(drop),
        O::Probe => ssh().probe("voice", 9_000, &[("other".into(), Ipv4Addr::LOCALHOST)], &[]).await.map(drop),
    }
}

/// Whoever stands at the address, until it is dropped.
struct Stage {
    address: SocketAddr,
    _nobody: TcpSocket,
    _there: Option<StandIn>,
    _host: Option<Host>,
}

/// A process that is recorded as the lab's, with a child that is its host.
struct Host(std::process::Child);

impl Drop for Host {
    fn drop(&mut self) {
        // Its standard input ends, and so do both.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Stage {
    async fn set(observer: Observer, mood: &Mood, dir: &Path) -> Self {
        fs::write(dir.join("key"), "no key\n").expect("written");
        let mut host = None;
        let there = match (observer, mood) {
            (O::Lab, Mood::Plan(plan)) => {
                let layout = Layout::at(&dir.join("lab"));
                fs::create_dir_all(layout.dir()).expect("a folder");
                let mut shell = Command::new("sh");
                shell.args(["-c", "sleep 600 & read -r _; kill $!; wait"]).stdin(Stdio::piped()).stdout(Stdio::null());
                let child = shell.spawn().expect("a shell");
                layout.write_record(child.id()).expect("written");
                host = Some(Host(child));
                until(|| layout.host_process().is_some()).await;
                fs::write(layout.host_plan(), plan).expect("written");
                None
            }
            (O::Sip, Mood::Nobody) => None,
            (O::Sip, Mood::Says(bytes)) => {
                let bytes = bytes.clone();
                Some(StandIn::udp(move |_| vec![Answer::Bytes(bytes.clone())]).await)
            }
            // A good answer, when nobody waits for it any more.
            (O::Sip, Mood::Drips(status)) => {
                let status = String::from_utf8_lossy(status).into_owned();
                let ours = |line: &&str| ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name));
                let answer = move |request: &str| {
                    let same: String = request.lines().filter(ours).map(|line| format!("{line}\r\n")).collect();
                    vec![Answer::Drip(format!("{status}{same}\r\n").into_bytes(), DEADLINE + DEADLINE / 5)]
                };
                Some(StandIn::udp(answer).await)
            }
            (O::Sip, _) => Some(StandIn::udp(|_| Vec::new()).await),
            (_, Mood::Nobody | Mood::Plan(_)) => None,
            (_, Mood::Silent) => Some(StandIn::tcp(Vec::new(), |_| Answer::Silence).await),
            (O::Kamailio | O::Vsphere, Mood::Answers(_, bytes)) => {
                let bytes = bytes.clone();
                Some(StandIn::http(move |_| Answer::Bytes(bytes.clone())).await)
            }
            (O::Kamailio | O::Vsphere, Mood::Drips(bytes)) => {
                let bytes = bytes.clone();
                Some(StandIn::http(move |_| Answer::Drip(bytes.clone(), DEADLINE / 5)).await)
            }
            (_, Mood::Answers(greeting, bytes)) => {
                let bytes = bytes.clone();
                Some(StandIn::tcp(greeting.clone(), move |_| Answer::Bytes(bytes.clone())).await)
            }
            (_, Mood::Says(bytes)) => Some(StandIn::speaker(bytes.clone(), None).await),
            (_, Mood::Drips(bytes)) => Some(StandIn::speaker(bytes.clone(), Some(DEADLINE / 5)).await),
        };
        // Bound and not listened to: the port stays free of other tests' servers.
        let nobody = TcpSocket::new_v4().expect("a socket");
        nobody.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let address = there.as_ref().map_or_else(|| nobody.local_addr().expect("it is bound"), |there| there.address);
        Self { address, _nobody: nobody, _there: there, _host: host }
    }
}

async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..200 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// One cell; in words what is wrong with it.
async fn try_cell(observer: Observer, fault: Fault, mood: &Mood, kinds: &[PortErrorKind]) -> Option<String> {
    let dir = tempfile::tempdir().expect("a folder");
    let stage = Stage::set(observer, mood, dir.path()).await;
    let began = Instant::now();
    let looked = tokio::time::timeout(LONGEST * 3, look(observer, stage.address, dir.path())).await;
    let took = began.elapsed();
    let wrong = match looked {
        Err(_) => Some("it never ends".to_string()),
        Ok(Ok(())) => Some("it is taken for a good answer".into()),
        Ok(Err(error)) if !kinds.contains(&error.kind) => Some(format!("{:?}, not {kinds:?}: {error}", error.kind)),
        Ok(Err(error)) if error.to_string().contains("hush") => Some(format!("a secret is told: {error}")),
        Ok(Err(error)) if !error.system.contains("machine-01") => Some(format!("it does not say of whom: {error}")),
        // The rest is for a computer that does other things too.
        Ok(Err(_)) if took > LONGEST + Duration::from_secs(2) => Some(format!("it took {took:?}")),
        Ok(Err(_)) => None,
    };
    wrong.map(|wrong| format!("{observer:?} × {fault:?}: {wrong}"))
}

/// All at the same time and on one thread, as the observers are: together they take no longer than the slowest.
#[tokio::test]
async fn every_observer_survives_every_fault_and_names_it() {
    let mut tried = Vec::new();
    for observer in OBSERVERS {
        if is_missing(observer) {
            let _ = writeln!(std::io::stderr(), "SKIPPED {observer:?}: its program is not installed");
            continue;
        }
        tried.extend(FAULTS.into_iter().filter_map(|fault| match cell(observer, fault) {
            Tried(mood, kinds) => Some(async move { try_cell(observer, fault, &mood, kinds).await }),
            Elsewhere(..) | Never(_) => None,
        }));
    }
    let cells = tried.len();
    let began = Instant::now();
    let wrong: Vec<String> = join_all(tried).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(cells > 40 && began.elapsed() < LONGEST * 3, "{cells} cells took {:?}", began.elapsed());
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is a folder of the workspace").into()
}

#[test]
fn what_is_tested_elsewhere_is_there() {
    for (observer, fault) in OBSERVERS.into_iter().flat_map(|observer| FAULTS.map(|fault| (observer, fault))) {
        match cell(observer, fault) {
            Tried(_, kinds) => assert!(!kinds.is_empty()),
            Elsewhere(file, test) => {
                let text = fs::read_to_string(repository().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
                assert!(text.contains(&format!("fn {test}(")), "{observer:?} × {fault:?}: {file} has no test {test}");
            }
            Never(why) => assert!(why.len() > 20, "{observer:?} × {fault:?}: say why"),
        }
    }
}

/// Ports through which something is changed, and nothing is looked at every so often: their faults are in the operations' own tests.
const ACTING: [&str; 3] = ["DatabaseServer", "DatabaseClient", "HypervisorControl"];

/// Whatever implements a port that looks has a row.
#[test]
fn every_adapter_of_every_port_has_a_row() {
    let ports = fs::read_to_string(repository().join("app/src/ports/mod.rs")).expect("there are ports");
    let roles: Vec<&str> = ports.lines().filter_map(|line| line.strip_prefix("pub trait ")?.split(':').next()).collect();
    let mut adapters = Vec::new();
    let mut folders = vec![repository().join("server/src/adapters")];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(path).expect("a source");
                let named = |line: &str| {
                    line.strip_prefix("impl ")?
                        .strip_suffix(" {")?
                        .split_once(" for ")
                        .map(|(role, adapter)| (role.to_string(), adapter.to_string()))
                };
                adapters.extend(text.lines().filter_map(named).filter(|(role, _)| roles.contains(&role.as_str())));
            }
        }
    }
    let looking = adapters.iter().filter(|(role, _)| !ACTING.contains(&role.as_str()));
    let mut seen: Vec<&str> = looking.map(|(_, adapter)| adapter.as_str()).collect();
    seen.sort_unstable();
    let rows = ["Asterisk", "Kamailio", "LabHost", "Libvirt", "MariaDb", "SipOptions", "Ssh", "Vsphere"];
    assert_eq!(seen, rows, "an adapter without a row in this table, or a row without its adapter");
    assert!(roles.iter().all(|role| adapters.iter().any(|(known, _)| known == role)), "{roles:?}: a port without an adapter");
}
