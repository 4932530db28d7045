//! VMware's own simulator, and everything else that may answer there.

use super::{Account, Vsphere};
use crate::{
    adapters::{
        standin::{Answer, StandIn, http_answer},
        trust::Trust,
    },
    process::find_program,
};
use app::{
    fleet::facts::{HypervisorFacts, Power},
    ports::Hypervisor,
    values::{PortError, PortErrorKind},
};
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

const DEADLINE: Duration = Duration::from_secs(5);
const PASSWORD: &str = "se<r>et & more";
/// Where Debian's packages of Go's libraries lie.
const GO_LIBRARIES: &str = "/usr/share/gocode";

/// The simulator, running until it is dropped.
struct Simulator {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    url: String,
    fingerprint: String,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // Its standard input ends, and so does it.
        self.orders = None;
        let _ = self.process.wait();
    }
}

/// Builds it once, beside the test's own program.
fn program() -> Result<PathBuf, String> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(build).clone()
}

fn build() -> Result<PathBuf, String> {
    let go = find_program("go").ok_or("Go is not installed (package golang-go)")?;
    if !Path::new(GO_LIBRARIES).join("src/github.com/vmware/govmomi/simulator").is_dir() {
        return Err("VMware's simulator is not installed (package golang-github-vmware-govmomi-dev)".into());
    }
    let folder = std::env::current_exe().map_err(|error| error.to_string())?.with_file_name("vcsim");
    let built = folder.join("vcsim");
    let output = Command::new(go)
        .args(["build", "-o"])
        .arg(&built)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vcsim/main.go"))
        .env("GO111MODULE", "off")
        .env("GOPATH", GO_LIBRARIES)
        .env("GOFLAGS", "")
        .env("GOCACHE", folder.join("cache"))
        .output();
    let output = output.map_err(|error| error.to_string())?;
    // Here something is broken, not missing.
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(built)
}

impl Simulator {
    /// Nothing, with the reason printed, where it cannot be built.
    fn start(arguments: &[&str]) -> Option<Self> {
        let program = match program() {
            Ok(program) => program,
            Err(why) => {
                let _ = writeln!(std::io::stderr(), "SKIPPED vSphere: {why}");
                return None;
            }
        };
        let mut process =
            Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let orders = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().expect("piped"));
        let mut line = String::new();
        answers.read_line(&mut line).expect("it says where it is");
        let (url, fingerprint) = line.trim().split_once(' ').expect("address and fingerprint");
        Some(Self { process, orders, answers, url: url.into(), fingerprint: fingerprint.into() })
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders.as_mut().expect("it runs"), "{order}").expect("it listens");
        self.answers.read_line(&mut String::new()).expect("it says done");
    }

    fn client(&self, host: &str) -> Vsphere {
        let trust = Trust::pinned(&self.fingerprint).expect("a fingerprint");
        vsphere(host, &self.url, PASSWORD, trust)
    }
}

fn vsphere(host: &str, url: &str, password: &str, trust: Trust) -> Vsphere {
    let account = Account { user: "root".into(), password: password.into() };
    Vsphere::new(host, url, account, trust, DEADLINE).expect("an address")
}

fn uplinks(facts: &HypervisorFacts, switch: &str) -> Vec<String> {
    facts.switches.iter().find(|known| known.name == switch).expect("the switch is seen").uplinks.clone()
}

#[tokio::test]
async fn an_esxi_shows_switches_uplinks_machines_and_cards_as_they_are_now() {
    let Some(mut simulator) = Simulator::start(&["-esx"]) else { return };
    let esxi = simulator.client("host-03");
    let facts = esxi.observe().await.expect("it answers");
    assert_eq!((facts.host.as_str(), facts.product.as_str()), ("host-03", "VMware ESXi"));
    assert!(facts.version.starts_with("6.5.0"), "{}", facts.version);
    let voice = facts.switches.iter().find(|switch| switch.name == "vSwitch1").expect("it is there");
    assert_eq!((voice.mtu, voice.port_groups.as_slice()), (Some(9000), ["voice".to_string()].as_slice()));
    assert!(voice.uplinks.is_empty());
    let outer = facts.switches.iter().find(|switch| switch.name == "vSwitch0").expect("it is there");
    assert_eq!((outer.mtu, outer.uplinks.as_slice()), (Some(1500), ["vmnic0".to_string()].as_slice()));
    assert!(outer.port_groups.contains(&"VM Network".to_string()), "{outer:?}");
    assert_eq!(facts.machines.len(), 2);
    let machine = facts.machines.iter().find(|machine| machine.name == "kamailio-01").expect("it is there");
    assert_eq!((machine.power, machine.tools.as_deref(), machine.id.len()), (Power::On, None, 36));
    let card = &machine.cards[0];
    assert_eq!((card.network.as_str(), card.mac.as_str(), card.connected), ("voice", "00:0c:29:aa:bb:01", true));
    simulator.order("uplink");
    let facts = esxi.observe().await.expect("it answers on");
    assert_eq!(uplinks(&facts, "vSwitch1"), ["vmnic0"], "what was changed a moment ago is seen");
}

#[tokio::test]
async fn of_a_vcenter_the_named_host_is_seen_with_its_share_of_the_distributed_switch() {
    let Some(simulator) = Simulator::start(&[]) else { return };
    let facts = simulator.client("DC0_C0_H0").observe().await.expect("it answers");
    assert!(facts.product.contains("vCenter"), "{}", facts.product);
    assert!(!facts.machines.is_empty() && !facts.switches.is_empty(), "{facts:?}");
    let card = &facts.machines[0].cards[0];
    assert_eq!(card.network, "DC0_DVPG0", "a distributed port group goes by its name, not its key");
    let other = simulator.client("DC0_H0").observe().await.expect("it answers");
    assert!(other.machines.iter().all(|machine| !facts.machines.contains(machine)), "each host has its own machines");
    let error = simulator.client("nobody").observe().await.expect_err("there is no such host");
    assert!(error.kind == PortErrorKind::NotConfigured && error.said.contains("DC0_H0"), "{error}");
}

#[tokio::test]
async fn a_session_that_is_over_is_begun_again_without_a_word() {
    let Some(simulator) = Simulator::start(&["-esx", "-idle", "300ms"]) else { return };
    let esxi = simulator.client("host-03");
    let first = esxi.observe().await.expect("it answers");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(esxi.observe().await, Ok(first));
}

#[tokio::test]
async fn a_wrong_password_and_a_wrong_certificate_are_told_apart() {
    let Some(simulator) = Simulator::start(&["-esx"]) else { return };
    let kind = |error: Result<HypervisorFacts, PortError>| error.expect_err("it must fail").kind;
    let right = Trust::pinned(&simulator.fingerprint).expect("a fingerprint");
    assert_eq!(kind(vsphere("h", &simulator.url, "wrong", right).observe().await), PortErrorKind::Denied);
    for trust in [Trust::Pinned([7; 32]), Trust::Authorities] {
        assert_eq!(kind(vsphere("h", &simulator.url, PASSWORD, trust).observe().await), PortErrorKind::WrongIdentity, "{trust:?}");
    }
    let error = vsphere("h", &simulator.url, PASSWORD, Trust::Pinned([7; 32])).observe().await.expect_err("not this one");
    assert!(error.said.contains(&simulator.fingerprint), "{error}");
    assert!(vsphere("h", &simulator.url, PASSWORD, Trust::Insecure).observe().await.is_ok());
}

async fn refused_by(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> PortError {
    let stand_in = StandIn::http(answer).await;
    let account = Account { user: "root".into(), password: PASSWORD.into() };
    let url = format!("http://{}/sdk", stand_in.address);
    let esxi = Vsphere::new("host-03", &url, account, Trust::Insecure, Duration::from_millis(800)).expect("an address");
    let began = Instant::now();
    let error = esxi.observe().await.expect_err("it is no vSphere");
    assert!(began.elapsed() < Duration::from_secs(2) && !error.to_string().contains("se<r>et"), "{error}");
    error
}

#[tokio::test]
async fn what_is_no_vsphere_is_told_apart() {
    let kind = async |status: u16, body: &'static str| refused_by(move |_| Answer::Bytes(http_answer(status, body))).await.kind;
    assert_eq!(kind(200, "<html>It works!").await, PortErrorKind::Garbage);
    assert_eq!(kind(200, "<Envelope><Body><RetrieveServiceContentResp").await, PortErrorKind::Garbage);
    assert_eq!(kind(200, "<a/>").await, PortErrorKind::Garbage);
    assert_eq!(kind(500, "oops").await, PortErrorKind::Garbage);
    assert_eq!(kind(404, "no such page").await, PortErrorKind::WrongVersion);
    assert_eq!(kind(403, "no").await, PortErrorKind::Denied);
    let old = "<Envelope><Body><RetrieveServiceContentResponse><returnval><about><name>VMware ESX</name><version>4.1.0</version></about>\
               </returnval></RetrieveServiceContentResponse></Body></Envelope>";
    assert_eq!(kind(200, old).await, PortErrorKind::WrongVersion);
    assert_eq!(refused_by(|_| Answer::Silence).await.kind, PortErrorKind::TimedOut);
    assert_eq!(
        refused_by(|_| Answer::Last(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<a".to_vec())).await.kind,
        PortErrorKind::Broken
    );
    let nobody = format!("https://{}/sdk", StandIn::nobody().await);
    let error = vsphere("h", &nobody, PASSWORD, Trust::Insecure).observe().await.expect_err("nobody listens");
    assert_eq!(error.kind, PortErrorKind::Refused, "{error}");
    let garbage = StandIn::tcp(Vec::new(), |_| Answer::Last(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())).await;
    let url = format!("https://{}/sdk", garbage.address);
    let error = vsphere("h", &url, PASSWORD, Trust::Insecure).observe().await.expect_err("it speaks no TLS");
    assert_eq!(error.kind, PortErrorKind::Garbage, "{error}");
}
