//! What the adapter says of servers that do not answer as MariaDB does. The real ones are in the lab's tests.

use super::*;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

fn node(address: SocketAddrV4) -> MariaDb {
    MariaDb::new("mariadb-01", address, "panel", "a password", Duration::from_millis(1_500))
}

async fn listen() -> (TcpListener, SocketAddrV4) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let SocketAddr::V4(address) = listener.local_addr().expect("an address") else { unreachable!("bound to IPv4") };
    (listener, address)
}

/// Says this to whoever comes, and then either goes away or stays silent.
async fn stand_in(words: Vec<u8>, stays: bool) -> SocketAddrV4 {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(&words).await;
            if stays {
                kept.push(stream);
            }
        }
    });
    address
}

fn packet(sequence: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("small").to_le_bytes();
    [&length[..3], &[sequence], body].concat()
}

/// The first packet of a server: protocol 10, its version, a nonce, what it can.
fn greeting(version: &str) -> Vec<u8> {
    let mut body = vec![10];
    body.extend(version.as_bytes());
    body.extend([0, 1, 0, 0, 0]);
    body.extend(b"12345678\0");
    // Capabilities: long password, protocol 4.1, transactions, secure connection, plugin auth.
    body.extend([0x01, 0xa2, 45, 2, 0, 0x08, 0x00, 21]);
    body.extend([0; 10]);
    body.extend(b"123456789012\0mysql_native_password\0");
    packet(0, &body)
}

const OK: [u8; 7] = [0, 0, 0, 2, 0, 0, 0];

fn refusal(sequence: u8, code: u16, said: &str) -> Vec<u8> {
    packet(sequence, &[&[0xff][..], &code.to_le_bytes(), b"#28000", said.as_bytes()].concat())
}

async fn hear(stream: &mut TcpStream) {
    let mut bytes = [0; 4_096];
    let _ = stream.read(&mut bytes).await;
}

/// Greets, hears the password, and answers it and everything after with this.
async fn signed_in(version: &'static str, answer: Vec<u8>) -> SocketAddrV4 {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(&greeting(version)).await;
            hear(&mut stream).await;
            let _ = stream.write_all(&answer).await;
            hear(&mut stream).await;
        }
    });
    address
}

async fn kind_of(address: SocketAddrV4) -> PortErrorKind {
    let error = node(address).observe().await.expect_err("no MariaDB");
    assert!(error.to_string().starts_with(&format!("mariadb-01 MariaDB {address}: ")), "{error}");
    assert!(!error.to_string().contains("a password"), "{error}");
    error.kind
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let (listener, address) = listen().await;
    drop(listener);
    assert_eq!(kind_of(address).await, PortErrorKind::Refused);
}

#[tokio::test]
async fn silence_costs_the_deadline_and_then_beats_leave_the_server_in_peace() {
    let node = node(stand_in(Vec::new(), true).await);
    let began = Instant::now();
    assert_eq!(node.observe().await.expect_err("silence").kind, PortErrorKind::TimedOut);
    assert!(began.elapsed() < Duration::from_millis(2_500));
    assert_eq!(node.beat(Moment::from_seconds(1)).await.expect_err("silence").kind, PortErrorKind::TimedOut);
    let began = Instant::now();
    let error = node.beat(Moment::from_seconds(2)).await.expect_err("at rest");
    assert!(error.said.contains("in peace") && began.elapsed() < Duration::from_millis(200), "{error}");
}

#[tokio::test]
async fn what_is_no_database_is_garbage() {
    for words in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"\x03\0\0\0\x0a\x31\x30", b"\x01\0\0\0\x0a", b"\x02\0\0\0\xff\xff"] {
        let kind = kind_of(stand_in(words.to_vec(), false).await).await;
        assert!(matches!(kind, PortErrorKind::Garbage | PortErrorKind::Broken), "{words:?}: {kind:?}");
    }
    assert_eq!(kind_of(stand_in(b"\x01\0\0\0\x0a".to_vec(), true).await).await, PortErrorKind::Garbage);
}

#[tokio::test]
async fn a_greeting_that_is_cut_off_is_broken() {
    let whole = greeting("5.5.5-10.11.19-MariaDB");
    for length in [0, 3, 20, whole.len() - 1] {
        assert_eq!(kind_of(stand_in(whole[..length].to_vec(), false).await).await, PortErrorKind::Broken, "{length}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_denied() {
    let address = signed_in("5.5.5-10.11.19-MariaDB", refusal(2, 1045, "Access denied for user 'panel'@'10.40.40.1'")).await;
    assert_eq!(kind_of(address).await, PortErrorKind::Denied);
}

#[tokio::test]
async fn nonsense_after_the_sign_in_is_garbage() {
    let mut words = packet(2, &OK);
    words.extend(packet(1, b"\xfb\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
    let kind = kind_of(signed_in("5.5.5-10.11.19-MariaDB", words).await).await;
    assert!(matches!(kind, PortErrorKind::Garbage | PortErrorKind::Broken), "{kind:?}");
}

#[test]
fn only_a_mariadb_that_is_new_enough_is_understood() {
    for good in ["10.6.0-MariaDB", "5.5.5-10.11.19-MariaDB-0+deb12u1-log", "11.4.2-MariaDB", "12.0.1-MariaDB-ubu2404"] {
        assert_eq!(wrong_version(good), None, "{good}");
    }
    for wrong in ["10.5.29-MariaDB", "5.5.68-MariaDB", "8.0.36", "8.4.0-commercial", "", "MariaDB", "x.y-MariaDB"] {
        assert!(wrong_version(wrong).is_some_and(|said| said.contains("10.6")), "{wrong}");
    }
}

fn row(columns: &[(&str, &str)]) -> Row {
    columns.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn told() -> Vec<Vec<Row>> {
    let variables = row(&[
        ("version", "10.11.19-MariaDB"),
        ("hostname", "mariadb-02"),
        ("server_id", "42"),
        ("read_only", "1"),
        ("log_bin", "1"),
        ("log_slave_updates", "1"),
        ("gtid_strict_mode", "1"),
        ("gtid_domain_id", "0"),
        ("gtid_binlog_pos", "0-41-703"),
        ("gtid_current_pos", "0-41-703"),
        ("gtid_slave_pos", "0-41-703"),
        ("gtid_binlog_state", "0-42-3,0-41-703"),
        ("max_connections", "200"),
        ("semi_sync_primary", "0"),
        ("semi_sync_wait_point", "AFTER_SYNC"),
        ("semi_sync_timeout", "1000"),
        ("semi_sync_replica", "ON"),
    ]);
    let source = row(&[
        ("master_host", "10.30.30.41"),
        ("slave_io_running", "Connecting"),
        ("slave_sql_running", "Yes"),
        ("last_io_error", "error reconnecting"),
        ("last_sql_error", ""),
        ("sql_delay", "60"),
        ("gtid_io_pos", "0-41-703"),
        ("using_gtid", "Slave_Pos"),
    ]);
    let counters = [
        ("Uptime", "968"),
        ("Threads_connected", "3"),
        ("Threads_running", "1"),
        ("Queries", "1383"),
        ("Binlog_commits", "672"),
        ("Com_commit", "5"),
        ("Rpl_semi_sync_master_status", "OFF"),
        ("Rpl_semi_sync_master_clients", "0"),
        ("Rpl_semi_sync_master_no_tx", "0"),
        ("Rpl_semi_sync_slave_status", "ON"),
    ];
    let counters = counters.iter().map(|(name, value)| row(&[("variable_name", name), ("value", value)])).collect();
    vec![vec![variables], vec![source], counters, vec![Row::new()], vec![row(&[("user", "root"), ("host", "localhost")])]]
}

#[test]
fn rows_become_facts() {
    let facts = facts::facts(&told(), Moment::from_seconds(9)).expect("facts");
    assert_eq!((facts.server_id, facts.read_only, facts.commits, facts.uptime_s), (42, true, 672, 968));
    let replication = facts.replication.expect("it replicates");
    assert_eq!((replication.io_running, replication.sql_running, replication.seconds_behind), (false, true, None));
    assert_eq!((replication.io_error.as_deref(), replication.sql_error), (Some("error reconnecting"), None));
    assert_eq!((facts.semi_sync.replica_active, facts.semi_sync.timeout_ms), (true, 1_000));
    assert_eq!((facts.longest_transaction_s, facts.privileged), (None, vec!["root@localhost".to_string()]));
}

#[test]
fn rows_that_are_not_what_they_should_be_are_refused() {
    let spoilt = |table: usize, name: &str, value: Option<&str>| {
        let mut told = told();
        match value {
            Some(value) => told[table][0].insert(name.into(), value.into()),
            None => told[table][0].remove(name),
        };
        facts::facts(&told, Moment::EPOCH).expect_err(name)
    };
    assert_eq!(spoilt(0, "server_id", Some("many")), "\"many\" is no number for server_id");
    assert_eq!(spoilt(0, "read_only", Some("perhaps")), "\"PERHAPS\" is neither on nor off for read_only");
    assert_eq!(spoilt(0, "gtid_binlog_state", None), "it did not tell gtid_binlog_state");
    assert_eq!(spoilt(1, "slave_io_running", None), "it did not tell slave_io_running");
    assert_eq!(facts::facts(&told()[..4], Moment::EPOCH).expect_err("four"), "4 answers to five questions");
}
