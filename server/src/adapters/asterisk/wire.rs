//! AMI's lines: packets of `Name: value`, ended by an empty line. What arrives in pieces is put together; what cannot be AMI, or
//! would fill the memory, ends the connection.

use std::fmt;

/// Variables of the dialplan are a few hundred bytes; a longer line is not a PBX's.
pub const LINE_BYTES_MAX: usize = 16 * 1024;
/// The longest packet of a PBX (all settings of an endpoint) has 5 KiB.
pub const PACKET_BYTES_MAX: usize = 128 * 1024;

/// What AMI greets with, before its version.
const GREETING: &str = "Asterisk Call Manager/";
/// Before AMI 2 (Asterisk 12) events name channels otherwise.
const VERSION_MIN: u32 = 2;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireError {
    LineTooLong,
    PacketTooLong,
    /// Its beginning.
    NotAField(String),
    NotAmi(String),
    TooOld(String),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong => write!(f, "it sent a line of more than {LINE_BYTES_MAX} bytes"),
            Self::PacketTooLong => write!(f, "it sent a packet of more than {PACKET_BYTES_MAX} bytes"),
            Self::NotAField(line) => write!(f, "it sent {line:?}, which is no field of AMI"),
            Self::NotAmi(line) => write!(f, "it greets with {line:?}, which is not AMI"),
            Self::TooOld(version) => {
                write!(f, "it speaks AMI {version}; version {VERSION_MIN} or later is needed (Asterisk 12 or later)")
            }
        }
    }
}

/// One answer or event: names and values in the order they came; a name may come more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packet(Vec<(String, String)>);

impl Packet {
    /// The first value of this name; blank counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next().filter(|value| !value.is_empty())
    }

    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.get(name)?.parse().ok()
    }

    pub fn event(&self) -> Option<&str> {
        self.get("Event")
    }

    pub fn answers(&self, action_id: &str) -> bool {
        self.get("ActionID") == Some(action_id)
    }

    /// A list is announced by `start` and ended by `Complete`.
    pub fn is_list(&self, mark: &str) -> bool {
        self.get("EventList").is_some_and(|list| list.eq_ignore_ascii_case(mark))
    }
}

/// Bytes that have come and are not read yet.
#[derive(Default)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Up to here there is no end of a line.
    searched: usize,
    packet: Packet,
    packet_bytes: usize,
}

impl Lines {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next line, without its end.
    fn line(&mut self) -> Result<Option<String>, WireError> {
        let Some(at) = self.bytes[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            return if self.searched > LINE_BYTES_MAX { Err(WireError::LineTooLong) } else { Ok(None) };
        };
        let end = self.searched + at;
        if end > LINE_BYTES_MAX {
            return Err(WireError::LineTooLong);
        }
        let line = self.bytes[..end].strip_suffix(b"\r").unwrap_or(&self.bytes[..end]);
        let line = String::from_utf8_lossy(line).into_owned();
        self.bytes.drain(..=end);
        self.searched = 0;
        Ok(Some(line))
    }

    /// The first line of a connection: AMI's version.
    pub fn greeting(&mut self) -> Result<Option<String>, WireError> {
        let Some(line) = self.line()? else { return Ok(None) };
        let Some(version) = line.strip_prefix(GREETING) else { return Err(WireError::NotAmi(beginning(&line))) };
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        match major {
            None => Err(WireError::NotAmi(beginning(&line))),
            Some(major) if major < VERSION_MIN => Err(WireError::TooOld(beginning(version))),
            Some(_) => Ok(Some(version.into())),
        }
    }

    /// The next whole packet.
    pub fn packet(&mut self) -> Result<Option<Packet>, WireError> {
        while let Some(line) = self.line()? {
            if line.is_empty() {
                // Some answers are followed by two empty lines.
                if self.packet.0.is_empty() {
                    continue;
                }
                self.packet_bytes = 0;
                return Ok(Some(std::mem::take(&mut self.packet)));
            }
            self.packet_bytes += line.len();
            if self.packet_bytes > PACKET_BYTES_MAX {
                return Err(WireError::PacketTooLong);
            }
            let Some((name, value)) = line.split_once(':') else { return Err(WireError::NotAField(beginning(&line))) };
            self.packet.0.push((name.into(), value.trim().into()));
        }
        Ok(None)
    }
}

fn beginning(line: &str) -> String {
    line.chars().take(60).collect()
}

/// An action as it goes over the wire. A value with the end of a line in it would be another action: refused.
pub fn action(name: &str, action_id: &str, fields: &[(&str, &str)]) -> Option<String> {
    let mut text = format!("Action: {name}\r\nActionID: {action_id}\r\n");
    for (name, value) in fields {
        if value.chars().any(char::is_control) {
            return None;
        }
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(text: &[u8]) -> Lines {
        let mut lines = Lines::default();
        lines.push(text);
        lines
    }

    fn packets(mut lines: Lines) -> Vec<Packet> {
        let mut all = Vec::new();
        while let Ok(Some(packet)) = lines.packet() {
            all.push(packet);
        }
        all
    }

    #[test]
    fn a_greeting_tells_the_version_and_others_are_not_taken_for_ami() {
        let said = |text: &str| lines(text.as_bytes()).greeting();
        assert_eq!(said("Asterisk Call Manager/11.0.0\r\n"), Ok(Some("11.0.0".into())));
        assert_eq!(said("Asterisk Call Manager/5.0.4\r\n"), Ok(Some("5.0.4".into())), "Asterisk 16");
        assert_eq!(said("Asterisk Call Man"), Ok(None), "the rest is still to come");
        assert_eq!(said("Asterisk Call Manager/1.4\r\n"), Err(WireError::TooOld("1.4".into())));
        assert_eq!(said("SSH-2.0-OpenSSH_9.2\r\n"), Err(WireError::NotAmi("SSH-2.0-OpenSSH_9.2".into())));
        assert_eq!(said("Asterisk Call Manager/new\n"), Err(WireError::NotAmi("Asterisk Call Manager/new".into())));
    }

    #[test]
    fn a_name_may_come_twice_and_a_value_may_hold_colons() {
        let packet = packets(lines(b"\r\nEvent: X\r\nVariable: A=1\r\nVariable: B=sip:2\r\nBlank: \r\n\r\n\r\n")).remove(0);
        assert_eq!(packet.event(), Some("X"));
        assert_eq!(packet.all("variable").collect::<Vec<_>>(), ["A=1", "B=sip:2"]);
        assert_eq!((packet.get("Blank"), packet.get("Absent")), (None, None));
    }

    #[test]
    fn a_truncated_packet_is_waited_for() {
        let mut cut = lines(b"Event: Hangup\r\nChannel: PJSIP/a-1\r\n");
        assert_eq!(cut.packet(), Ok(None));
        cut.push(b"\r");
        assert_eq!(cut.packet(), Ok(None));
        cut.push(b"\n");
        assert_eq!(
            cut.packet().map(|packet| packet.and_then(|packet| packet.get("Channel").map(str::to_owned))),
            Ok(Some("PJSIP/a-1".into()))
        );
    }

    #[test]
    fn a_line_or_packet_without_an_end_is_refused() {
        assert_eq!(lines(&vec![b'x'; LINE_BYTES_MAX + 1]).packet(), Err(WireError::LineTooLong));
        let mut long = vec![b'x'; LINE_BYTES_MAX + 1];
        long.push(b'\n');
        assert_eq!(lines(&long).packet(), Err(WireError::LineTooLong), "also when its end came with it");
        let endless = "Name: value of a field\r\n".repeat(PACKET_BYTES_MAX / 20);
        assert_eq!(lines(endless.as_bytes()).packet(), Err(WireError::PacketTooLong));
    }

    #[test]
    fn garbage_is_named_by_its_beginning() {
        let said = lines(b"HTTP/1.1 400 Bad Request\r\n\r\n").packet().map(|_| ());
        assert_eq!(said, Err(WireError::NotAField("HTTP/1.1 400 Bad Request".into())));
        assert!(lines(&[0xff, 0xfe, 0, b'\n']).packet().is_err());
    }

    #[test]
    fn nobody_smuggles_a_second_action_into_a_value() {
        assert_eq!(action("Hangup", "1", &[("Channel", "x\r\nAction: Originate")]), None);
        let good = action("Hangup", "1", &[("Channel", "PJSIP/a-1")]);
        assert_eq!(good.as_deref(), Some("Action: Hangup\r\nActionID: 1\r\nChannel: PJSIP/a-1\r\n\r\n"));
    }

    proptest! {
        #[test]
        fn however_it_is_cut_it_is_read_alike(cuts in proptest::collection::vec(1usize..40, 0..60)) {
            let text = include_bytes!("transcripts/answered.txt");
            let whole = packets(lines(text));
            let mut pieces = Lines::default();
            let (mut at, mut all) = (0, Vec::new());
            for cut in cuts.into_iter().chain([text.len()]) {
                let end = (at + cut).min(text.len());
                pieces.push(&text[at..end]);
                at = end;
                while let Ok(Some(packet)) = pieces.packet() {
                    all.push(packet);
                }
            }
            prop_assert_eq!(all, whole);
        }

        #[test]
        fn nothing_that_comes_in_makes_it_fall_over(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let mut read = lines(&bytes);
            while let Ok(Some(_)) = read.packet() {}
        }
    }
}
