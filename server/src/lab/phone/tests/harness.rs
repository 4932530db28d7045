//! What the tests are made of: a phone that ends with its test, and a control connection.

use super::super::{
    Codec, PhoneSettings,
    control::{Answer, CallCounts, CallEvent, CallResult, ReceivedInvite},
    message::Message,
    run_until,
};
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UdpSocket, UnixStream},
    task::JoinHandle,
    time::{sleep, timeout},
};

pub struct Phone {
    pub at: SocketAddr,
    pub folder: TempDir,
    task: JoinHandle<()>,
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address nobody uses. Between here and its use somebody could take it; on one machine's loopback nobody does.
pub fn free_address() -> SocketAddr {
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Phone {
    pub async fn start(name: &str) -> Self {
        let (at, folder) = (free_address(), tempfile::tempdir().unwrap());
        let control = folder.path().join("phone.sock");
        let settings =
            PhoneSettings { name: name.into(), listen: at, control: control.clone(), codecs: vec![Codec::Pcmu, Codec::Pcma] };
        let task = tokio::spawn(async move { run_until(settings, std::future::pending()).await.unwrap() });
        while !control.exists() {
            sleep(Duration::from_millis(2)).await;
        }
        Self { at, folder, task }
    }

    pub async fn connect(&self) -> Line {
        Line(BufReader::new(UnixStream::connect(self.folder.path().join("phone.sock")).await.unwrap()))
    }

    /// One question, one answer.
    pub async fn ask(&self, request: Value) -> Answer {
        let mut line = self.connect().await;
        line.send(&request).await;
        line.next().await.unwrap()
    }

    pub async fn counts(&self) -> CallCounts {
        match self.ask(json!({"do": "calls"})).await {
            Answer::Counts(counts) => counts,
            other => panic!("{other:?}"),
        }
    }

    pub async fn received(&self, called: &str) -> Vec<ReceivedInvite> {
        match self.ask(json!({"do": "received", "called": called})).await {
            Answer::Received(received) => received,
            other => panic!("{other:?}"),
        }
    }

    pub async fn expect(&self, called: &str, answer: Value) {
        let request = json!({"do": "expect", "expect": [{"called": called, "answer": answer}]});
        assert_eq!(self.ask(request).await, Answer::Ok(true));
    }

    /// Places a call and waits for its end.
    pub async fn place(&self, call: Value) -> (CallResult, Vec<CallEvent>) {
        let mut line = self.connect().await;
        line.send(&json!({"do": "place", "call": call})).await;
        let mut events = Vec::new();
        loop {
            match line.next().await.unwrap() {
                Answer::Event(event) => events.push(event),
                Answer::Ended(result) => return (*result, events),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Until nothing is live; false when that takes long.
    pub async fn is_quiet_soon(&self) -> bool {
        for _ in 0..100 {
            if self.counts().await.live == 0 {
                return true;
            }
            sleep(Duration::from_millis(20)).await;
        }
        false
    }
}

pub struct Line(BufReader<UnixStream>);

impl Line {
    pub async fn send(&mut self, request: &Value) {
        self.0.get_mut().write_all(format!("{request}\n").as_bytes()).await.unwrap();
    }

    pub async fn next(&mut self) -> Option<Answer> {
        let mut line = String::new();
        timeout(Duration::from_secs(10), self.0.read_line(&mut line)).await.unwrap().unwrap();
        (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap())
    }
}

/// A peer of whom the test writes every byte.
pub struct Peer {
    pub socket: UdpSocket,
    pub at: SocketAddr,
}

impl Peer {
    pub async fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        Self { socket, at }
    }

    pub async fn send(&self, text: &str, to: SocketAddr) {
        self.socket.send_to(text.as_bytes(), to).await.unwrap();
    }

    /// The next message, or nothing within the time.
    pub async fn hear(&self, within_ms: u64) -> Option<Message> {
        let mut buffer = [0; 4_096];
        let heard = timeout(Duration::from_millis(within_ms), self.socket.recv_from(&mut buffer)).await;
        heard.ok().map(|received| Message::parse(&buffer[..received.unwrap().0]).unwrap())
    }

    /// The next message that is named so.
    pub async fn hear_what(&self, what: &str) -> Message {
        loop {
            let heard = self.hear(2_000).await.unwrap_or_else(|| panic!("{what} did not come"));
            if heard.what() == what {
                return heard;
            }
        }
    }

    /// A request with this peer's address, and whatever else the test wants in it.
    pub fn request(&self, method: &str, to: SocketAddr, to_tag: &str, cseq: u32, more: &str) -> String {
        let at = self.at;
        format!(
            "{method} sip:4420@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK-{method}-{cseq};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:1212@{at}>;tag=peer\r\nTo: <sip:4420@{to}>{to_tag}\r\nCall-ID: raw\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:1212@{at}>\r\n{more}\r\n"
        )
    }
}

/// A response as a peer would write it.
pub fn respond(request: &Message, status: &str, at: SocketAddr, sdp: &str) -> String {
    let header = |name: &str| request.header(name).unwrap_or_default();
    format!(
        "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=far\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: <sip:far@{at}>\r\n\
         Reason: Q.850;cause=16;text=\"Normal\"\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        header("Via"),
        header("From"),
        header("To").split(";tag").next().unwrap_or_default(),
        header("Call-ID"),
        header("CSeq"),
        sdp.len()
    )
}
