//! Sound: the caller sends packets and counts what comes back, the callee's machine sends back what it gets.

use super::sdp::Codec;
use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket as StdSocket},
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{net::UdpSocket, sync::watch, task::JoinHandle, time::MissedTickBehavior};

/// Where telephones in the laboratory hear.
pub const PORTS: RangeInclusive<u16> = 20_000..=29_999;
/// Named in calls without sound. Nobody listens there, and nobody sends.
const UNUSED_PORTS: RangeInclusive<u16> = 30_000..=39_999;
const PACKET_EVERY: Duration = Duration::from_millis(20);
/// 20 ms of any of our codecs.
const SOUND_BYTES: usize = 160;
const HEADER_BYTES: usize = 12;
/// The first byte of every RTP packet has version 2 in its two highest bits.
const VERSION: u8 = 0x80;

/// An even port of the range that is free on this address.
pub fn bind_even(ip: IpAddr) -> io::Result<StdSocket> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..200 {
        match StdSocket::bind((ip, random_even(PORTS))) {
            Ok(socket) => {
                socket.set_nonblocking(true)?;
                return Ok(socket);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

pub fn unused_port() -> u16 {
    random_even(UNUSED_PORTS)
}

fn random_even(range: RangeInclusive<u16>) -> u16 {
    rand::random_range(range) & !1
}

/// A running task that ends with its owner.
pub struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One socket sends back the sound of all calls this machine took: a packet returns to where it came from, so no call has to be
/// known here, and 300 calls a second cost no socket each.
pub fn echo(socket: StdSocket) -> io::Result<Running> {
    let socket = UdpSocket::from_std(socket)?;
    Ok(Running(tokio::spawn(async move {
        let mut packet = [0; 2_048];
        loop {
            match socket.recv_from(&mut packet).await {
                Ok((length, from)) => {
                    let packet = packet.get(..length).unwrap_or_default();
                    if is_rtp(packet) {
                        // Lost sound stays lost.
                        let _ = socket.try_send_to(packet, from);
                    }
                }
                // Never in a tight circle, whatever is wrong with the socket.
                Err(_) => tokio::time::sleep(PACKET_EVERY).await,
            }
        }
    })))
}

fn is_rtp(packet: &[u8]) -> bool {
    packet.len() >= HEADER_BYTES && packet.first().is_some_and(|first| first & 0xC0 == VERSION)
}

#[derive(Default)]
struct Counts {
    sent: AtomicU64,
    received: AtomicU64,
}

/// The caller's side of the sound of one call.
pub struct Speaker {
    counts: Arc<Counts>,
    /// Nothing while we keep quiet.
    to: watch::Sender<Option<SocketAddr>>,
    _task: Running,
}

impl Speaker {
    pub fn start(socket: StdSocket, to: SocketAddr, codec: Codec) -> io::Result<Self> {
        let socket = UdpSocket::from_std(socket)?;
        let counts = Arc::new(Counts::default());
        let (sender, receiver) = watch::channel(Some(to));
        let task = tokio::spawn(speak(socket, receiver, codec, Arc::clone(&counts)));
        Ok(Self { counts, to: sender, _task: Running(task) })
    }

    pub fn redirect(&self, to: SocketAddr) {
        self.to.send_if_modified(|old| old.is_some_and(|old| old != to) && old.replace(to).is_some());
    }

    /// Hears on, for what is still on the way, but says nothing more.
    pub fn hush(&self) {
        self.to.send_replace(None);
    }

    /// Packets sent and received.
    pub fn counts(&self) -> (u64, u64) {
        (self.counts.sent.load(Relaxed), self.counts.received.load(Relaxed))
    }
}

async fn speak(socket: UdpSocket, to: watch::Receiver<Option<SocketAddr>>, codec: Codec, counts: Arc<Counts>) {
    let mut packet = first_packet(codec);
    let mut sequence: u16 = rand::random();
    let mut timestamp: u32 = rand::random();
    let mut heard = [0; 2_048];
    let mut ticks = tokio::time::interval(PACKET_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                let to = *to.borrow();
                if let Some(to) = to {
                    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
                    packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
                    if socket.try_send_to(&packet, to).is_ok() {
                        counts.sent.fetch_add(1, Relaxed);
                    }
                }
                sequence = sequence.wrapping_add(1);
                timestamp = timestamp.wrapping_add(160);
            }
            received = socket.recv_from(&mut heard) => match received {
                Ok((length, _)) if is_rtp(heard.get(..length).unwrap_or_default()) => {
                    counts.received.fetch_add(1, Relaxed);
                }
                Ok(_) => {}
                Err(_) => tokio::time::sleep(PACKET_EVERY).await,
            }
        }
    }
}

fn first_packet(codec: Codec) -> [u8; HEADER_BYTES + SOUND_BYTES] {
    // A quiet line, as PCMU writes it. The others hear a steady tone, which does for counting.
    let mut packet = [0xFF; HEADER_BYTES + SOUND_BYTES];
    packet[0] = VERSION;
    packet[1] = codec.payload();
    packet[8..12].copy_from_slice(&rand::random::<u32>().to_be_bytes());
    packet
}
