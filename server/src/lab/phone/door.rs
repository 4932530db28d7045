//! The control socket: reads requests, checks them, and writes what comes of them.

use super::{
    control::{Answer, Behavior, Expectation, Load, PlaceCall, Request},
    desk::{Desk, Reader, Writer, still_there},
    endpoint::Command,
    leg::Report,
    load,
};
use std::{fs, io, os::unix::fs::PermissionsExt, path::Path, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc::unbounded_channel, oneshot},
};

const NUMBER_CHARS_MAX: usize = 32;
const RING_MS_MAX: u64 = 600_000;
const TALK_MS_MAX: u64 = 86_400_000;
const CPS_MAX: f64 = 2_000.0;

/// Only its owner may use it. What an earlier run left is replaced.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

pub async fn serve(listener: UnixListener, desk: Desk) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = desk.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, &desk).await {
                        tracing::debug!(%error, "a control connection ended early");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket took no connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, desk: &Desk) -> io::Result<()> {
    let (read, write) = stream.into_split();
    let mut reader = BufReader::new(read).lines();
    let mut writer = Writer::new(write);
    while let Some(line) = reader.next_line().await? {
        if line.trim().is_empty() {
            continue;
        }
        match parse(&line) {
            Err(sentence) => writer.say(&Answer::Error(sentence)).await?,
            Ok(Request::Place { call }) => place(call, desk, &mut reader, &mut writer).await?,
            Ok(Request::Load { load }) => load::run(load, desk, &mut reader, &mut writer).await?,
            Ok(request) => {
                let answer = ask(request, desk).await;
                writer.say(&answer).await?;
            }
        }
        writer.flush().await?;
    }
    Ok(())
}

async fn ask(request: Request, desk: &Desk) -> Answer {
    let (answer, receiver) = oneshot::channel();
    let sent = desk.commands.send(Command::Ask { request, answer }).await;
    match (sent, receiver.await) {
        (Ok(()), Ok(answer)) => answer,
        _ => Answer::Error("The phone is about to stop; start it again to ask it something.".into()),
    }
}

async fn place(call: PlaceCall, desk: &Desk, reader: &mut Reader, writer: &mut Writer) -> io::Result<()> {
    let number = desk.next_number();
    let (reports, mut heard) = unbounded_channel();
    let command = Command::Place { number, call, wants_events: true, reports };
    desk.commands.send(command).await.map_err(|_| io::ErrorKind::NotConnected)?;
    let told = async {
        loop {
            tokio::select! {
                report = heard.recv() => match report {
                    Some(Report::Event(event)) => {
                        writer.say(&Answer::Event(event)).await?;
                        writer.flush().await?;
                    }
                    Some(Report::Ended(_, result)) => return writer.say(&Answer::Ended(result)).await,
                    None => return Ok(()),
                },
                line = reader.next_line() => still_there(line, writer).await?,
            }
        }
    }
    .await;
    if told.is_err() {
        let _ = desk.commands.send(Command::Abandon { number }).await;
    }
    told
}

/// The request in a line, or a sentence that says what is wrong with it and what would be right.
fn parse(line: &str) -> Result<Request, String> {
    let request = serde_json::from_str(line).map_err(|error| {
        format!(
            "This line is no request the phone knows: {error}. Send one JSON object a line, such as {{\"do\":\"calls\"}}; \"do\" is \
             place, load, expect, forget, behave, behavior, calls or received."
        )
    })?;
    match &request {
        Request::Place { call } => check_place(call)?,
        Request::Load { load } => check_load(load)?,
        Request::Expect { expect } => {
            for Expectation { called, answer } in expect {
                check_number("called", called)?;
                check_behavior(answer)?;
            }
        }
        Request::Forget { called } => check_number("called", called)?,
        Request::Behave { default: Some(behavior) } => check_behavior(behavior)?,
        Request::Behave { default: None } | Request::Behavior | Request::Calls | Request::Received { .. } => {}
    }
    Ok(request)
}

fn check_place(call: &PlaceCall) -> Result<(), String> {
    check_number("from", &call.from)?;
    check_number("to", &call.to)?;
    check_way(call.proxy.is_empty(), call.codecs.is_empty())?;
    check_headers(&call.headers)?;
    check_times(call.ring_ms_max, call.talk_ms)
}

fn check_load(load: &Load) -> Result<(), String> {
    if !(load.cps > 0.0 && load.cps <= CPS_MAX) {
        return Err(format!("cps is {}; give the calls a second, more than 0 and at most {CPS_MAX}.", load.cps));
    }
    check_way(load.proxy.is_empty(), load.codecs.is_empty())?;
    check_headers(&load.headers)?;
    if load.calls.count() > 0 && load.calls.list().is_empty() {
        return Err("calls.cycle is empty; give at least one call to go through.".into());
    }
    for call in load.calls.list() {
        check_number("from", &call.from)?;
        check_number("to", &call.to)?;
        check_times(call.ring_ms_max, call.talk_ms)?;
    }
    Ok(())
}

fn check_way(no_proxy: bool, no_codec: bool) -> Result<(), String> {
    if no_proxy {
        return Err("proxy is empty; give at least one address with port, such as \"203.0.113.10:5060\".".into());
    }
    if no_codec {
        return Err("codecs is empty; give at least one of PCMU, PCMA and G722.".into());
    }
    Ok(())
}

/// Only what cannot be mistaken for a header of ours, or for the end of one.
fn check_headers(headers: &[(String, String)]) -> Result<(), String> {
    let named = |name: &str| name.starts_with("X-") && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let fits = |(name, value): &&(String, String)| named(name) && value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    match headers.iter().find(|header| !fits(header)) {
        None => Ok(()),
        Some((name, _)) => Err(format!("The header {name:?} cannot be sent; give a name like X-Reference and printable ASCII.")),
    }
}

fn check_number(name: &str, number: &str) -> Result<(), String> {
    let rest = number.strip_prefix('+').unwrap_or(number);
    let fits = (1..=NUMBER_CHARS_MAX).contains(&rest.len());
    match fits && rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'#')) {
        true => Ok(()),
        false => Err(format!(
            "{name} is {number:?}, which nobody can dial; give up to {NUMBER_CHARS_MAX} digits, with a plus before them when they \
             begin with a country."
        )),
    }
}

fn check_times(ring_ms_max: u64, talk_ms: u64) -> Result<(), String> {
    if !(1..=RING_MS_MAX).contains(&ring_ms_max) {
        return Err(format!("ring_ms_max is {ring_ms_max}; give 1 to {RING_MS_MAX} milliseconds."));
    }
    if talk_ms > TALK_MS_MAX {
        return Err(format!("talk_ms is {talk_ms}; give at most {TALK_MS_MAX} milliseconds, which is a day."));
    }
    Ok(())
}

fn check_behavior(behavior: &Behavior) -> Result<(), String> {
    match behavior {
        Behavior::Reject { status, .. } if !(300..700).contains(status) => {
            Err(format!("reject.status is {status}, which refuses nothing; give 300 to 699, such as 486 or 503."))
        }
        Behavior::Ring { after_ms, answer_ms, talk_ms } => {
            let talk_ms = talk_ms.unwrap_or(0);
            match *after_ms > RING_MS_MAX || *answer_ms > RING_MS_MAX || talk_ms > TALK_MS_MAX {
                true => {
                    Err(format!("ring takes times up to {RING_MS_MAX} ms, and up to {TALK_MS_MAX} ms for talk_ms; shorten them."))
                }
                false => Ok(()),
            }
        }
        Behavior::RingForever { after_ms } | Behavior::Reject { after_ms, .. } if *after_ms > RING_MS_MAX => {
            Err(format!("after_ms is {after_ms}; give at most {RING_MS_MAX} milliseconds."))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_request_gets_a_sentence_with_the_remedy() {
        let wrong = |line: &str| parse(line).unwrap_err();
        assert!(wrong("{").contains("one JSON object a line"));
        assert!(wrong(r#"{"do":"dance"}"#).contains("dance"));
        assert!(wrong(r#"{"do":"place","call":{"from":"x","to":"1","proxy":["1.1.1.1:5060"]}}"#).starts_with("from is \"x\""));
        assert!(wrong(r#"{"do":"place","call":{"from":"1","to":"1","proxy":[]}}"#).starts_with("proxy is empty"));
        assert!(wrong(r#"{"do":"load","load":{"cps":0,"calls":[],"proxy":["1.1.1.1:5060"]}}"#).starts_with("cps is 0"));
        assert!(wrong(r#"{"do":"behave","default":{"reject":{"status":200}}}"#).contains("300 to 699"));
        assert!(parse(r#"{"do":"behave","default":null}"#).is_ok());
        assert!(parse(r#"{"do":"expect","expect":[{"called":"44","answer":{"silent":{}}}]}"#).is_ok());
    }
}
