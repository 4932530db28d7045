//! SIP OPTIONS over UDP, asked by the panel itself: does it answer, with what status, after how long?
//!
//! Our own few lines instead of a SIP library: one request, one kind of answer, no transaction to keep.

use app::{
    fleet::facts::SipAnswer,
    ports::SipPeer,
    values::{PortError, PortErrorKind},
};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    net::UdpSocket,
    time::{Instant, timeout_at},
};

/// T1 of RFC 3261: a datagram that got lost is sent again after this long. Once is enough for a probe.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
const ATTEMPTS: usize = 2;
/// The largest UDP datagram there is; a longer answer is none.
const DATAGRAM_MAX_BYTES: usize = 65_535;

pub struct SipOptions {
    /// With its address: `kamailio-01 SIP 203.0.113.11:5060`.
    system: String,
    peer: SocketAddr,
    deadline: Duration,
}

impl SipOptions {
    pub fn new(name: &str, peer: SocketAddr, deadline: Duration) -> Self {
        Self { system: format!("{name} SIP {peer}"), peer, deadline }
    }

    /// The same question with another number is a transaction of its own: the answer tells which of the two it is for.
    fn question(&self, local: SocketAddr, call_id: &str, number: usize) -> String {
        let (branch, tag, peer) = (rand::random::<u64>(), rand::random::<u32>(), self.peer);
        // rport: answer to the port this came from, whatever stands in Via (RFC 3581).
        format!(
            "OPTIONS sip:{peer} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};rport;branch=z9hG4bK{branch:016x}\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:probe@{local}>;tag={tag:08x}\r\n\
             To: <sip:{peer}>\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: {number} OPTIONS\r\n\
             Contact: <sip:probe@{local}>\r\n\
             Accept: application/sdp\r\n\
             User-Agent: wirecenter\r\n\
             Content-Length: 0\r\n\r\n"
        )
    }

    async fn exchange(&self, until: Instant) -> io::Result<SipAnswer> {
        let any: SocketAddr = (Ipv4Addr::UNSPECIFIED, 0).into();
        let socket = UdpSocket::bind(any).await?;
        // Connected: the kernel keeps strangers out, and tells us when nobody listens there.
        socket.connect(self.peer).await?;
        let local = socket.local_addr()?;
        let call_id = format!("{:032x}@{}", rand::random::<u128>(), local.ip());
        let mut sent_at: Vec<Instant> = Vec::new();
        let mut buffer = vec![0; DATAGRAM_MAX_BYTES];
        loop {
            let asked = Instant::now();
            if asked >= until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if sent_at.len() < ATTEMPTS {
                sent_at.push(asked);
                socket.send(self.question(local, &call_id, sent_at.len()).as_bytes()).await?;
            }
            let patience = if sent_at.len() < ATTEMPTS { until.min(asked + AGAIN_AFTER) } else { until };
            while let Ok(size) = timeout_at(patience, socket.recv(&mut buffer)).await {
                let size = size?;
                let Some(answer) = read_answer(&String::from_utf8_lossy(&buffer[..size]), &call_id) else { continue };
                let Some(sent) = answer.number.checked_sub(1).and_then(|at| sent_at.get(at)) else { continue };
                let round_trip_ms = sent.elapsed().as_secs_f32() * 1_000.0;
                return Ok(SipAnswer { status: answer.status, round_trip_ms, server: answer.server });
            }
        }
    }
}

impl SipPeer for SipOptions {
    async fn ask(&self) -> Result<SipAnswer, PortError> {
        let failed = |error: io::Error| {
            let (kind, said) = match error.kind() {
                io::ErrorKind::TimedOut => (PortErrorKind::TimedOut, format!("no answer within {} ms", self.deadline.as_millis())),
                io::ErrorKind::ConnectionRefused => (PortErrorKind::Refused, "nobody listens there".into()),
                io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
                    (PortErrorKind::Refused, "there is no way there".into())
                }
                _ => (PortErrorKind::Broken, error.to_string()),
            };
            PortError::new(&self.system, "send OPTIONS", kind, said)
        };
        self.exchange(Instant::now() + self.deadline).await.map_err(failed)
    }
}

struct Answer {
    status: u16,
    /// Of the question, counted from 1.
    number: usize,
    server: Option<String>,
}

/// A final answer to a question of this Call-ID. Everything else is ignored: strays and garbage are no reason to believe that the
/// peer is not well.
fn read_answer(datagram: &str, call_id: &str) -> Option<Answer> {
    let mut lines = datagram.split("\r\n\r\n").next()?.split("\r\n");
    let status: u16 = lines.next()?.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()?;
    let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(':')).collect();
    let header = |names: [&str; 2]| {
        let named = |name: &str| names.iter().any(|known| name.trim().eq_ignore_ascii_case(known));
        headers.iter().find(|(name, _)| named(name)).map(|(_, value)| value.trim())
    };
    // The short form of Call-ID is i; CSeq has none.
    let (number, method) = header(["CSeq"; 2])?.split_once(' ')?;
    let ours = header(["Call-ID", "i"]) == Some(call_id) && method.trim() == "OPTIONS";
    // 100 Trying says that it is on its way, no more.
    if !ours || !(200..700).contains(&status) {
        return None;
    }
    let server = header(["Server", "User-Agent"]).map(|server| server.chars().take(80).collect());
    Some(Answer { status, number: number.parse().ok()?, server })
}

#[cfg(test)]
mod tests {
    use super::SipOptions;
    use crate::adapters::standin::{Answer, StandIn};
    use std::{
        net::UdpSocket,
        sync::atomic::{AtomicU32, Ordering},
    };

    use app::{
        fleet::facts::SipAnswer,
        ports::SipPeer,
        values::{PortError, PortErrorKind},
    };
    use std::{
        net::SocketAddr,
        time::{Duration, Instant},
    };

    const DEADLINE: Duration = Duration::from_millis(900);

    fn value<'a>(request: &'a str, name: &str) -> &'a str {
        request.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map_or("", str::trim)
    }

    fn reply(request: &str, status: &str, more: &str) -> Vec<u8> {
        let (via, from, to) = (value(request, "Via"), value(request, "From"), value(request, "To"));
        let (call_id, sequence) = (value(request, "Call-ID"), value(request, "CSeq"));
        format!("SIP/2.0 {status}\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to};tag=x\r\nCall-ID: {call_id}\r\nCSeq: {sequence}\r\n{more}Content-Length: 0\r\n\r\n").into()
    }

    async fn ask(peer: SocketAddr) -> Result<SipAnswer, PortError> {
        SipOptions::new("pbx", peer, DEADLINE).ask().await
    }

    #[tokio::test]
    async fn an_answer_has_status_round_trip_and_who_gave_it() {
        let peer = StandIn::udp(|request| {
            assert!(request.starts_with("OPTIONS sip:127.0.0.1:") && request.contains(";rport;") && request.ends_with("\r\n\r\n"));
            let trying = Answer::Bytes(reply(request, "100 Trying", ""));
            vec![trying, Answer::Drip(reply(request, "401 Unauthorized", "Server: pbx\r\n"), Duration::from_millis(30))]
        });
        let answer = ask(peer.await.address).await.expect("it answers");
        assert_eq!((answer.status, answer.server.as_deref()), (401, Some("pbx")), "an answer is an answer, also one that says no");
        assert!((30.0..400.0).contains(&answer.round_trip_ms), "{}", answer.round_trip_ms);
    }

    #[tokio::test]
    async fn a_lost_datagram_is_sent_once_more_and_the_round_trip_is_the_copys() {
        let heard = AtomicU32::new(0);
        let peer = StandIn::udp(move |request| match heard.fetch_add(1, Ordering::Relaxed) {
            0 => vec![Answer::Silence],
            1 => vec![Answer::Bytes(reply(request, "200 OK", ""))],
            _ => panic!("it was sent a third time"),
        });
        let answer = ask(peer.await.address).await.expect("the copy is answered");
        assert!(answer.status == 200 && answer.round_trip_ms < 300.0, "{answer:?}");
    }

    #[tokio::test]
    async fn a_slow_peer_is_seen_to_be_slow() {
        let heard = AtomicU32::new(0);
        let peer = StandIn::udp(move |request| match heard.fetch_add(1, Ordering::Relaxed) {
            0 => vec![Answer::Drip(reply(request, "200 OK", ""), Duration::from_millis(700))],
            _ => vec![Answer::Silence],
        });
        let answer = ask(peer.await.address).await.expect("it answers in the end");
        assert!(answer.round_trip_ms > 690.0, "{answer:?}: the answer to the first question is not taken for one to the second");
    }

    #[tokio::test]
    async fn garbage_and_strays_are_ignored_until_the_answer() {
        let peer = StandIn::udp(|request| {
            let mut other = reply(request, "200 OK", "").to_vec();
            other.iter_mut().filter(|byte| **byte == b'@').for_each(|byte| *byte = b'#');
            let other_method = String::from_utf8_lossy(&reply(request, "200 OK", "")).replace(" OPTIONS", " INVITE").into_bytes();
            let good = reply(request, "200 OK", "User-Agent: carrier\r\n");
            let junk = [vec![0xff; 40], b"SIP/2.0 200".to_vec(), b"SIP/2.0 \xc3\xa9".to_vec(), Vec::new(), other, other_method];
            junk.into_iter().chain([good]).map(Answer::Bytes).collect()
        });
        let answer = ask(peer.await.address).await.expect("the right one is found");
        assert_eq!((answer.status, answer.server.as_deref()), (200, Some("carrier")));
    }

    #[tokio::test]
    async fn silence_and_garbage_alone_end_at_the_deadline() {
        for junk in [Vec::new(), b"SIP/2.0 200 OK\r\n\r\n".to_vec()] {
            let peer = StandIn::udp(move |_| vec![Answer::Bytes(junk.clone())]).await;
            let began = Instant::now();
            let error = ask(peer.address).await.expect_err("nothing of it is an answer");
            assert_eq!((error.kind, error.said.as_str()), (PortErrorKind::TimedOut, "no answer within 900 ms"));
            assert!(began.elapsed() < 2 * DEADLINE);
        }
    }

    #[tokio::test]
    async fn where_nobody_listens_it_is_refused_at_once() {
        let free = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
        let error = ask(free).await.expect_err("nobody listens");
        assert_eq!(error.kind, PortErrorKind::Refused, "{error}");
    }
}
