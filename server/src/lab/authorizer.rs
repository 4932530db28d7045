//! A FastAGI server that says yes. It stands on the billing machines of the lab until `wirecenter agi` decides for real; the dialogue
//! with the PBX is already the real one, so that the dialplan need not change.

use std::{net::SocketAddrV4, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A PBX that stops in the middle of its request is not waited for.
const REQUEST_MAX: Duration = Duration::from_secs(5);
/// The longest call: four hours, in milliseconds.
const LIMIT_MS: u64 = 4 * 60 * 60 * 1000;
/// Lines of a request, at most.
const LINES_MAX: usize = 200;

pub async fn run(listen: SocketAddrV4) -> Result<(), String> {
    let listener = TcpListener::bind(listen).await;
    let listener = listener.map_err(|error| format!("The authorizer cannot listen on {listen}: {error}."))?;
    loop {
        // A connection that ended before it was accepted is the PBX's affair.
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(async move { tokio::time::timeout(REQUEST_MAX, answer(stream)).await });
    }
}

/// Reads the variables up to the empty line, then sets ours one by one, each acknowledged.
async fn answer(stream: TcpStream) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    for _ in 0..LINES_MAX {
        match lines.next_line().await? {
            Some(line) if !line.trim().is_empty() => {}
            _ => break,
        }
    }
    let authorization = format!("{:016x}", rand::random::<u64>());
    let limit = LIMIT_MS.to_string();
    for (name, value) in [
        ("WIRECENTER_AUTHORIZATION_ID", authorization.as_str()),
        ("WIRECENTER_LIMIT_MS", limit.as_str()),
        // Last, because it decides: without the rest it must not be there.
        ("WIRECENTER_AUTHORIZED", "1"),
    ] {
        writer.write_all(format!("SET VARIABLE {name} \"{value}\"\n").as_bytes()).await?;
        if !lines.next_line().await?.is_some_and(|line| line.starts_with("200")) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_says_yes_with_a_limit_and_an_id_of_its_own() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it has one");
        tokio::spawn(async move { answer(listener.accept().await.expect("a caller").0).await });
        let mut stream = BufReader::new(TcpStream::connect(address).await.expect("it listens"));
        stream.write_all(b"agi_network: yes\nagi_extension: 442079460123\n\n").await.expect("it reads");
        let mut said = Vec::new();
        for _ in 0..3 {
            let mut line = String::new();
            stream.read_line(&mut line).await.expect("it writes");
            said.push(line.trim().to_string());
            stream.write_all(b"200 result=1\n").await.expect("it reads");
        }
        assert!(said[0].starts_with("SET VARIABLE WIRECENTER_AUTHORIZATION_ID \""), "{said:?}");
        assert_eq!(said[1], "SET VARIABLE WIRECENTER_LIMIT_MS \"14400000\"");
        assert_eq!(said[2], "SET VARIABLE WIRECENTER_AUTHORIZED \"1\"");
    }
}
