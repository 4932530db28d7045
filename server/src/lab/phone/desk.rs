//! What a control connection works with: its lines, and the way to begin calls.

use super::{
    control::Answer,
    endpoint::{Command, Numbers},
};
use std::{io, sync::atomic::Ordering::Relaxed, time::Duration};
use tokio::{
    io::{AsyncWriteExt, BufReader, BufWriter, Lines},
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::mpsc::Sender,
};

/// Who does not read what he asked for is let go, so that nothing piles up here.
const WRITE_MAX: Duration = Duration::from_secs(10);

/// What a connection needs to begin calls.
#[derive(Clone)]
pub struct Desk {
    pub commands: Sender<Command>,
    pub numbers: Numbers,
}

impl Desk {
    pub fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Relaxed)
    }
}

pub type Reader = Lines<BufReader<OwnedReadHalf>>;

/// Writes lines; flushed when there is nothing more to say for now.
pub struct Writer(BufWriter<OwnedWriteHalf>);

impl Writer {
    pub fn new(write: OwnedWriteHalf) -> Self {
        Self(BufWriter::new(write))
    }

    pub async fn say(&mut self, answer: &Answer) -> io::Result<()> {
        let mut line = serde_json::to_vec(answer)?;
        line.push(b'\n');
        tokio::time::timeout(WRITE_MAX, self.0.write_all(&line)).await?
    }

    pub async fn flush(&mut self) -> io::Result<()> {
        tokio::time::timeout(WRITE_MAX, self.0.flush()).await?
    }
}

/// While calls run, a line is too early, and the end of the connection is an error that ends them.
pub async fn still_there(line: io::Result<Option<String>>, writer: &mut Writer) -> io::Result<()> {
    if line?.is_none() {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    let sentence = "This connection is busy with calls until \"ended\" or \"finished\"; ask over another connection.";
    writer.say(&Answer::Error(sentence.into())).await?;
    writer.flush().await
}
