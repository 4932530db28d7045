//! What the shell says of a machine that does not answer as a machine should. The real ones are in the lab's tests.

use super::*;
use std::net::TcpListener as Blocking;
use tokio::{io::AsyncWriteExt, net::TcpListener};

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        crate::files::write(&dir.path().join("key"), "no key\n", 0o600).expect("written");
        Self { dir }
    }

    fn target(&self, address: SocketAddrV4) -> Target {
        Target {
            machine: "asterisk-01".into(),
            address,
            user: "root".into(),
            key_file: self.dir.path().join("key"),
            known_hosts: KnownHosts::at(&self.dir.path().join("known_hosts")),
            jump: None,
            control_dir: self.dir.path().join("c"),
            deadline: Duration::from_secs(2),
        }
    }

    fn ssh(&self, address: SocketAddrV4) -> Ssh {
        Ssh::new(self.target(address)).expect("a target")
    }

    /// Nothing is left of a connection that failed.
    fn is_clean(&self) -> bool {
        std::fs::read_dir(self.dir.path().join("c")).is_ok_and(|mut left| left.next().is_none())
    }
}

/// Says this to whoever comes, and then either goes away or stays silent.
async fn stand_in(words: &'static [u8], stays: bool) -> SocketAddrV4 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let std::net::SocketAddr::V4(address) = listener.local_addr().expect("an address") else { unreachable!("bound to IPv4") };
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(words).await;
            if stays {
                kept.push(stream);
            }
        }
    });
    address
}

fn v4(listener: &Blocking) -> SocketAddrV4 {
    match listener.local_addr().expect("an address") {
        std::net::SocketAddr::V4(address) => address,
        std::net::SocketAddr::V6(_) => unreachable!("bound to IPv4"),
    }
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let place = Place::new();
    let address = v4(&Blocking::bind("127.0.0.1:0").expect("a port"));
    let error = place.ssh(address).observe().await.expect_err("nobody listens");
    assert_eq!(error.kind, PortErrorKind::Refused, "{error}");
    assert!(error.to_string().starts_with(&format!("asterisk-01 SSH {address}: ")), "{error}");
    assert!(place.is_clean());
}

#[tokio::test]
async fn a_silent_machine_costs_the_deadline_and_no_more() {
    let place = Place::new();
    let ssh = place.ssh(stand_in(b"", true).await);
    let began = Instant::now();
    let error = ssh.observe().await.expect_err("silence");
    assert_eq!(error.kind, PortErrorKind::TimedOut, "{error}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(place.is_clean());
}

#[tokio::test]
async fn what_is_no_ssh_is_garbage() {
    let place = Place::new();
    let http = stand_in(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n\0\x01\xff\xfe", false).await;
    let error = place.ssh(http).observe().await.expect_err("not SSH");
    assert!(matches!(error.kind, PortErrorKind::Garbage | PortErrorKind::Broken), "{error}");
    let nonsense = stand_in(b"SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", true).await;
    let error = place.ssh(nonsense).observe().await.expect_err("not SSH");
    assert_eq!(error.kind, PortErrorKind::Garbage, "{error}");
}

#[tokio::test]
async fn a_handshake_that_is_cut_off_is_broken() {
    let place = Place::new();
    let error = place.ssh(stand_in(b"SSH-2.0-OpenSSH_9.2p1\r\n", false).await).observe().await.expect_err("cut off");
    assert_eq!(error.kind, PortErrorKind::Broken, "{error}");
    assert!(place.is_clean());
}

#[tokio::test]
async fn names_and_paths_that_mean_something_to_ssh_are_not_given_to_it() {
    let place = Place::new();
    let good = || place.target(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 22));
    let wrong: [fn(&mut Target); 6] = [
        |target| target.machine = "*".into(),
        |target| target.machine = "-oProxyCommand=reboot".into(),
        |target| target.user = "root\n  ProxyCommand reboot".into(),
        |target| target.key_file = "/tmp/a\"b".into(),
        |target| target.control_dir = "relative".into(),
        |target| {
            let (machine, address, user) = (target.machine.clone(), target.address, target.user.clone());
            target.jump = Some(Jump { machine, address, user });
        },
    ];
    assert!(Ssh::new(good()).is_ok());
    for spoil in wrong {
        let mut target = good();
        spoil(&mut target);
        assert_eq!(Ssh::new(target.clone()).err().map(|error| error.kind), Some(PortErrorKind::NotConfigured), "{target:?}");
    }
    let mut deep = good();
    deep.control_dir = place.dir.path().join("d".repeat(120));
    let error = Ssh::new(deep).expect("a target").observe().await.expect_err("no socket can be that deep");
    assert!(error.said.contains("shorter path"), "{error}");
    let card = Ssh::new(good()).expect("a target").probe("voice; reboot", 9_000, &[], &[]).await.expect_err("no card");
    assert_eq!(card.kind, PortErrorKind::NotConfigured);
}

#[test]
fn a_wrong_clock_is_told_and_moves_no_other_time() {
    let (sent, took) = (Moment::from_seconds(1_795_374_100), Duration::from_millis(40));
    // It read its clock 20 ms after we asked.
    let offset_ms = |ahead_s: i128| {
        let clock_ns = (i128::from(sent.micros()) + 20_000) * 1_000 + ahead_s * 1_000_000_000;
        super::clock_offset_ms(clock_ns, sent, took)
    };
    for ahead_s in [0, 1, -1, 86_400 * 365 * 30, -86_400 * 365 * 56] {
        assert_eq!(offset_ms(ahead_s), ahead_s as f64 * 1_000.0, "{ahead_s} s ahead");
    }
    // What a look found is of our time, whatever the machine's clock says.
    let mut seen = app::fleet::world::Seen::new(3_000, sent);
    let facts = ShellFacts { clock_offset_ms: offset_ms(86_400), observed_at: sent, ..ShellFacts::default() };
    seen.note(Ok(facts), sent.plus(took));
    assert!(seen.fresh(sent.plus(Duration::from_secs(9))).is_some(), "a clock ahead makes nothing old");
    assert!(seen.fresh(sent.plus(Duration::from_secs(10))).is_none(), "and keeps nothing new");
}

#[test]
fn the_words_of_ssh_become_kinds() {
    let place = Place::new();
    let target = place.target(SocketAddrV4::new(Ipv4Addr::new(10, 40, 40, 21), 22));
    let other =
        PublicKey::parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f").expect("a key");
    target.known_hosts.pin("asterisk-02", std::slice::from_ref(&other)).expect("written");
    let changed = format!(
        "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\nThe fingerprint for the ED25519 key sent by the remote host is\n{}.\r\n\
         Please contact your system administrator.\r\nHost key for asterisk-01 has changed and you have requested strict checking.\r\n\
         Host key verification failed.\r\n",
        other.fingerprint()
    );
    let unknown =
        "No ED25519 host key is known for asterisk-01 and you have requested strict checking.\r\nHost key verification failed.\r\n";
    use PortErrorKind as Kind;
    for (log, kind, word) in [
        (changed.as_str(), Kind::WrongIdentity, "is that of asterisk-02"),
        (changed.as_str(), Kind::WrongIdentity, "wirecenter inventory pin asterisk-01 --replace --fingerprint SHA256:"),
        (unknown, Kind::NotConfigured, "wirecenter inventory pin asterisk-01"),
        (unknown, Kind::NotConfigured, "nobody has confirmed the key of asterisk-01 yet"),
        ("ssh: connect to host 10.40.40.21 port 22: Connection refused\r\n", Kind::Refused, "Connection refused"),
        ("ssh: connect to host 10.40.40.21 port 22: No route to host\r\n", Kind::Refused, "No route"),
        ("ssh: connect to host 10.40.40.21 port 22: Connection timed out\r\n", Kind::TimedOut, "no answer"),
        ("root@10.40.40.21: Permission denied (publickey).\r\n", Kind::Denied, "authorized_keys"),
        (
            "Load key \"/k\": Permission denied\r\nroot@10.40.40.21: Permission denied (publickey).",
            Kind::NotConfigured,
            "private key",
        ),
        ("kex_exchange_identification: banner line contains invalid characters", Kind::Garbage, "does not speak SSH"),
        ("Protocol major versions differ: 2 vs. 1", Kind::WrongVersion, "a version of SSH"),
        ("Unable to negotiate with 10.40.40.21 port 22: no matching host key type found.", Kind::WrongVersion, "in common"),
        ("kex_exchange_identification: Connection closed by remote host\r\n", Kind::Broken, "closed by remote host"),
        ("", Kind::Broken, "without a word"),
    ] {
        let (seen, said) = answer::refusal(log, &target);
        assert_eq!(seen, kind, "{log}");
        assert!(said.contains(word), "{said}");
    }
}
