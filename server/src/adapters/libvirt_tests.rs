//! libvirt's own test driver, asked by the real virsh; and what virsh says when there is nobody.

use super::libvirt::Libvirt;
use crate::process::find_program;
use app::{
    fleet::facts::{HypervisorFacts, Power, VirtualSwitch},
    ports::Hypervisor,
    values::{PortError, PortErrorKind},
};
use std::{
    io::Write,
    time::{Duration, Instant},
};

/// A host in a file, for `test:///FILE`: libvirt's own parser makes of it what it makes of a real one.
const HOST: &str = "<node>
  <domain type='test'>
    <name>kamailio-01</name><uuid>004b96e1-2d78-c30f-5aa5-f03c87d21e01</uuid><memory>1024</memory><os><type>hvm</type></os>
    <devices>
      <interface type='network'><mac address='52:54:00:AA:BB:01'/><source network='voice'/><mtu size='9000'/></interface>
      <interface type='bridge'><mac address='52:54:00:aa:bb:02'/><source bridge='br-data'/><link state='down'/></interface>
      <interface type='bridge'><mac address='52:54:00:aa:bb:04'/><source bridge='br-else'/></interface>
      <interface type='direct'><mac address='52:54:00:aa:bb:03'/><source dev='eth1' mode='bridge'/></interface>
    </devices>
  </domain>
  <domain type='test'><name>idle one; list</name><uuid>004b96e1-2d78-c30f-5aa5-f03c87d21e02</uuid><memory>1024</memory><os><type>hvm</type></os></domain>
  <network><name>voice</name><uuid>004b96e1-2d78-c30f-5aa5-f03c87d21e03</uuid><bridge name='br-voice' stp='off' delay='0'/><mtu size='9000'/></network>
  <network><name>external</name><uuid>004b96e1-2d78-c30f-5aa5-f03c87d21e04</uuid><forward mode='nat' dev='eth0'/><bridge name='br-ext'/>
    <ip address='192.168.77.1' netmask='255.255.255.0'/></network>
  <network><name>data</name><uuid>004b96e1-2d78-c30f-5aa5-f03c87d21e05</uuid><forward mode='bridge'/><bridge name='br-data'/></network>
</node>";

/// True where the tests can run; else says why not.
fn virsh_is_here() -> bool {
    let here = find_program("virsh").is_some();
    if !here {
        let _ = writeln!(std::io::stderr(), "SKIPPED libvirt: virsh is not installed (package libvirt-clients)");
    }
    here
}

async fn look(uri: &str) -> Result<HypervisorFacts, PortError> {
    Libvirt::new("host-02", uri, Duration::from_secs(5)).observe().await
}

fn switch<'a>(facts: &'a HypervisorFacts, name: &str) -> &'a VirtualSwitch {
    facts.switches.iter().find(|switch| switch.name == name).expect("the switch is seen")
}

#[tokio::test]
async fn libvirts_own_test_host_is_read() {
    if !virsh_is_here() {
        return;
    }
    let facts = look("test:///default").await.expect("it is built in");
    assert_eq!(facts.product, "TEST");
    assert!(!facts.host.is_empty() && !facts.version.is_empty());
    let machine = &facts.machines[0];
    assert_eq!((machine.name.as_str(), machine.power, machine.cards.len()), ("test", Power::On, 1));
    assert_eq!(machine.cards[0].network, "default");
    assert_eq!(switch(&facts, "virbr0").uplinks, ["forward nat"]);
}

#[tokio::test]
async fn isolated_and_forwarding_networks_are_told_apart() {
    if !virsh_is_here() {
        return;
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), HOST).expect("it is written");
    let facts = look(&format!("test://{}", file.path().display())).await.expect("it is read");
    let names: Vec<&str> = facts.machines.iter().map(|machine| machine.name.as_str()).collect();
    assert_eq!(names, ["kamailio-01", "idle one; list"], "a name is never a command");
    let cards: Vec<_> =
        facts.machines[0].cards.iter().map(|card| (card.network.as_str(), card.mac.as_str(), card.connected, card.mtu)).collect();
    assert_eq!(
        cards,
        [
            ("voice", "52:54:00:aa:bb:01", true, Some(9000)),
            ("data", "52:54:00:aa:bb:02", false, None),
            ("br-else", "52:54:00:aa:bb:04", true, None),
            ("eth1", "52:54:00:aa:bb:03", true, None),
        ]
    );
    let voice = switch(&facts, "br-voice");
    assert_eq!((voice.mtu, voice.uplinks.len(), voice.port_groups.as_slice()), (Some(9000), 0, ["voice".to_string()].as_slice()));
    assert_eq!(switch(&facts, "br-ext").uplinks, ["forward nat through eth0"]);
    assert_eq!(switch(&facts, "br-data").uplinks, ["forward bridge"]);
    assert_eq!(switch(&facts, "eth1").uplinks, ["eth1"], "a card of the host is a way out");
    assert!(switch(&facts, "br-else").uplinks.is_empty());
}

#[tokio::test]
async fn nobody_there_a_nonsense_address_and_silence_are_told_apart() {
    if !virsh_is_here() {
        return;
    }
    for (uri, kind) in [
        ("qemu+unix:///system?socket=/nonexistent/sock", PortErrorKind::Refused),
        ("qemu+tcp://127.0.0.1:9/system", PortErrorKind::Refused),
        ("test:///nonexistent/host.xml", PortErrorKind::Failed),
    ] {
        let error = look(uri).await.expect_err("there is nobody");
        assert_eq!(error.kind, kind, "{error}");
        assert!(!error.to_string().contains('\n') && !error.system.contains("sock"), "{error}");
    }
    let silent = crate::adapters::standin::StandIn::tcp(Vec::new(), |_| crate::adapters::standin::Answer::Silence).await;
    let began = Instant::now();
    let uri = format!("qemu+tcp://{}/system", silent.address);
    let error = Libvirt::new("host-02", &uri, Duration::from_millis(500)).observe().await.expect_err("it says nothing");
    assert_eq!(error.kind, PortErrorKind::TimedOut, "{error}");
    assert!(began.elapsed() < Duration::from_secs(2));
    let garbage = crate::adapters::standin::StandIn::tcp(Vec::new(), |_| {
        crate::adapters::standin::Answer::Last(b"HTTP/1.1 400 Bad\r\n\r\n".to_vec())
    })
    .await;
    let error = look(&format!("qemu+tcp://{}/system", garbage.address)).await.expect_err("it is no libvirt");
    assert!(matches!(error.kind, PortErrorKind::Failed | PortErrorKind::Refused | PortErrorKind::Garbage), "{error}");
}

#[test]
fn what_is_not_libvirts_xml_is_said_to_be_so() {
    use super::libvirt_xml::{bridge, domain, network};
    for garbage in ["", "<domain>", "<network/>", "<domain><name>x</name></domain>", "no XML"] {
        assert!(domain(garbage).is_err(), "{garbage}");
    }
    assert!(network("<network/>").is_err() && network("<domain/>").is_err());
    assert_eq!(bridge("<interface type='ethernet' name='eth1'><mtu size='1492'/></interface>"), None);
}

#[test]
fn a_port_of_a_bridge_that_is_no_machines_cable_leads_out_and_an_agent_is_seen() {
    use super::libvirt_xml::{bridge, domain, network, switches};
    let machine = domain(
        "<domain id='3'><name>m</name><uuid>u</uuid><devices><interface type='bridge'><source bridge='br0'/><target dev='vnet3'/></interface>\
         <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel></devices></domain>",
    )
    .expect("a machine");
    assert_eq!(machine.agent.as_deref(), Some("connected"));
    let bridge = bridge(
        "<interface type='bridge' name='br0'><mtu size='9000'/><bridge><interface type='ethernet' name='eno1'/><interface type='ethernet' name='vnet3'/></bridge></interface>",
    )
    .expect("a bridge");
    let same = network("<network><name>data</name><bridge name='br0'/></network>").expect("a network");
    let all = switches(&[same], &[bridge], &[machine]);
    assert_eq!(all.len(), 1);
    assert_eq!(
        (all[0].mtu, all[0].uplinks.as_slice(), all[0].port_groups.as_slice()),
        (Some(9000), ["eno1".to_string()].as_slice(), ["data".to_string()].as_slice())
    );
}
