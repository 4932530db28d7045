//! Foreign systems that misbehave, for the tests of the adapters: TCP and UDP servers on loopback that answer what they are told,
//! drip it, keep silent, or break the connection.

use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    task::JoinHandle,
    time::sleep,
};

/// What the stand-in does about what it has read so far.
pub enum Answer {
    /// More is needed; it goes on reading.
    Wait,
    Bytes(Vec<u8>),
    /// One byte every so often.
    Drip(Vec<u8>, Duration),
    /// Sends this, then breaks the connection. For UDP: sends it.
    Last(Vec<u8>),
    /// Reads on and never answers.
    Silence,
}

/// Ends with the test.
pub struct StandIn {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl StandIn {
    /// Says `greeting` to whoever connects (SSH, MariaDB and AMI speak first), then asks `answer` after everything it reads.
    pub async fn tcp(greeting: Vec<u8>, answer: impl Fn(&[u8]) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            // Conversations end with the stand-in, because the set ends with this task.
            let mut conversations = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                conversations.spawn(converse(stream, greeting.clone(), Arc::clone(&answer)));
            }
        });
        Self { address, task }
    }

    /// Says this to whoever connects, whatever it hears: at once, and then it ends its side; or a byte every so often, and stays.
    pub async fn speaker(words: Vec<u8>, every: Option<Duration>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let task = tokio::spawn(async move {
            let mut conversations = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                conversations.spawn(speak(stream, words.clone(), every));
            }
        });
        Self { address, task }
    }

    /// An HTTP server; `answer` gets each whole request.
    pub async fn http(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        Self::tcp(Vec::new(), move |read| whole_request(read).map_or(Answer::Wait, |request| answer(&request))).await
    }

    /// `answer` gets each datagram; every answer it gives is one datagram back.
    pub async fn udp(answer: impl Fn(&str) -> Vec<Answer> + Send + Sync + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("it is bound");
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 65_536];
            while let Ok((size, from)) = socket.recv_from(&mut buffer).await {
                for answer in answer(&String::from_utf8_lossy(&buffer[..size])) {
                    match answer {
                        Answer::Bytes(bytes) | Answer::Last(bytes) => drop(socket.send_to(&bytes, from).await),
                        Answer::Drip(bytes, after) => {
                            sleep(after).await;
                            drop(socket.send_to(&bytes, from).await);
                        }
                        Answer::Wait | Answer::Silence => {}
                    }
                }
            }
        });
        Self { address, task }
    }

    /// An address where nobody listens.
    pub async fn nobody() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        listener.local_addr().expect("it is bound")
    }
}

async fn speak(mut stream: TcpStream, words: Vec<u8>, every: Option<Duration>) {
    match every {
        None => {
            let _ = stream.write_all(&words).await;
            let _ = stream.shutdown().await;
        }
        Some(every) => {
            for byte in words {
                sleep(every).await;
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
            }
        }
    }
    // Closed with something unread, the connection would be reset, and what was said lost on its way.
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

async fn converse(mut stream: TcpStream, greeting: Vec<u8>, answer: Arc<impl Fn(&[u8]) -> Answer>) {
    if stream.write_all(&greeting).await.is_err() {
        return;
    }
    let mut read = Vec::new();
    let mut chunk = vec![0; 65_536];
    while let Ok(size @ 1..) = stream.read(&mut chunk).await {
        read.extend_from_slice(&chunk[..size]);
        match answer(&read) {
            Answer::Wait => continue,
            Answer::Silence => {}
            Answer::Bytes(bytes) => drop(stream.write_all(&bytes).await),
            Answer::Last(bytes) => {
                drop(stream.write_all(&bytes).await);
                return;
            }
            Answer::Drip(bytes, every) => {
                for byte in bytes {
                    sleep(every).await;
                    if stream.write_all(&[byte]).await.is_err() {
                        return;
                    }
                }
            }
        }
        read.clear();
    }
}

/// Head and body, once all of it is there.
fn whole_request(read: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(read).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    (body.len() >= length.unwrap_or(0)).then_some(text)
}

/// An answer in HTTP.
pub fn http_answer(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Words\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
