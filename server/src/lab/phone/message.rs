//! A SIP message as it comes off the wire. Only what a dialog needs is understood; the rest is kept as it was written, so that a
//! test can ask which headers reached a carrier.

use super::address::{param, split_list};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Update,
    Info,
    Notify,
    Message,
    Prack,
    /// A name this endpoint has no use for: it is refused with 501.
    Other,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Options => "OPTIONS",
            Self::Update => "UPDATE",
            Self::Info => "INFO",
            Self::Notify => "NOTIFY",
            Self::Message => "MESSAGE",
            Self::Prack => "PRACK",
            Self::Other => "another method",
        }
    }

    fn parse(name: &str) -> Self {
        match name {
            "INVITE" => Self::Invite,
            "ACK" => Self::Ack,
            "BYE" => Self::Bye,
            "CANCEL" => Self::Cancel,
            "OPTIONS" => Self::Options,
            "UPDATE" => Self::Update,
            "INFO" => Self::Info,
            "NOTIFY" => Self::Notify,
            "MESSAGE" => Self::Message,
            "PRACK" => Self::Prack,
            _ => Self::Other,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    Request { method: Method, uri: String },
    Response { status: u16, phrase: String },
}

#[derive(Clone, Debug)]
pub struct Header {
    /// The long form, whatever was written.
    pub name: String,
    pub value: String,
}

/// A message that has all that RFC 3261 requires of every message, so that nothing after `parse` has to ask again.
#[derive(Clone, Debug)]
pub struct Message {
    pub start: Start,
    pub headers: Vec<Header>,
    pub body: String,
    pub call_id: String,
    pub cseq: u32,
    pub cseq_method: Method,
    /// Of the topmost Via.
    pub branch: String,
    pub from_tag: String,
    pub to_tag: Option<String>,
}

/// Why a datagram is dropped. It is counted, never answered: what cannot be read cannot be answered safely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("the first line is neither a request nor a response")]
    StartLine,
    #[error("a header line has no colon")]
    HeaderLine,
    #[error("the {0} header is missing or cannot be read")]
    Header(&'static str),
    #[error("the body is shorter than Content-Length says")]
    Truncated,
}

impl Message {
    pub fn parse(datagram: &[u8]) -> Result<Self, Malformed> {
        let (head, body) = split_head(datagram);
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).skip_while(|line| line.is_empty());
        let start = parse_start(lines.next().unwrap_or_default()).ok_or(Malformed::StartLine)?;
        let headers = parse_headers(lines)?;
        let find = |name: &'static str| find(&headers, name).ok_or(Malformed::Header(name));

        let via = split_list(find("Via")?).first().copied().unwrap_or_default().to_owned();
        let branch = param(&via, "branch").ok_or(Malformed::Header("Via"))?.to_owned();
        let from_tag = param(find("From")?, "tag").unwrap_or_default().to_owned();
        let to_tag = param(find("To")?, "tag").map(str::to_owned);
        let call_id = find("Call-ID")?.to_owned();
        let (number, method) = find("CSeq")?.split_once([' ', '\t']).ok_or(Malformed::Header("CSeq"))?;
        let cseq = number.parse().map_err(|_| Malformed::Header("CSeq"))?;
        let cseq_method = Method::parse(method.trim());
        if let Start::Request { method, .. } = &start
            && *method != cseq_method
        {
            return Err(Malformed::Header("CSeq"));
        }
        let body = match self::find(&headers, "Content-Length") {
            Some(length) => {
                let length: usize = length.parse().map_err(|_| Malformed::Header("Content-Length"))?;
                body.get(..length).ok_or(Malformed::Truncated)?
            }
            None => body,
        };
        let body = String::from_utf8_lossy(body).into_owned();
        Ok(Self { start, headers, body, call_id, cseq, cseq_method, branch, from_tag, to_tag })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Every value of a header that may be written on several lines, or several times on one.
    pub fn list(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name)).flat_map(|h| split_list(&h.value)).collect()
    }

    /// How an event names it: the method, or the status with its phrase.
    pub fn what(&self) -> String {
        match &self.start {
            Start::Request { method, .. } => method.name().to_owned(),
            Start::Response { status, phrase } => format!("{status} {phrase}"),
        }
    }
}

fn find<'h>(headers: &'h [Header], name: &str) -> Option<&'h str> {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.as_str())
}

fn split_head(datagram: &[u8]) -> (&[u8], &[u8]) {
    let end = datagram.windows(4).position(|four| four == b"\r\n\r\n").map(|at| (at, at + 4));
    let end = end.or_else(|| datagram.windows(2).position(|two| two == b"\n\n").map(|at| (at, at + 2)));
    let (head, body) = end.unwrap_or((datagram.len(), datagram.len()));
    (datagram.get(..head).unwrap_or_default(), datagram.get(body..).unwrap_or_default())
}

fn parse_start(line: &str) -> Option<Start> {
    let (first, rest) = line.split_once(' ')?;
    if first == "SIP/2.0" {
        let (status, phrase) = rest.split_once(' ').unwrap_or((rest, ""));
        let status = status.parse().ok().filter(|status| (100..700).contains(status))?;
        return Some(Start::Response { status, phrase: phrase.trim().to_owned() });
    }
    let uri = rest.strip_suffix(" SIP/2.0")?.trim();
    let named = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_uppercase());
    (named && !uri.is_empty()).then(|| Start::Request { method: Method::parse(first), uri: uri.to_owned() })
}

fn parse_headers<'l>(lines: impl Iterator<Item = &'l str>) -> Result<Vec<Header>, Malformed> {
    let mut headers: Vec<Header> = Vec::with_capacity(16);
    for line in lines.filter(|line| !line.is_empty()) {
        if line.starts_with([' ', '\t']) {
            // A long header may go on in the next line.
            let last = headers.last_mut().ok_or(Malformed::HeaderLine)?;
            last.value.push(' ');
            last.value.push_str(line.trim());
            continue;
        }
        let (name, value) = line.split_once(':').ok_or(Malformed::HeaderLine)?;
        headers.push(Header { name: long_name(name.trim()).to_owned(), value: value.trim().to_owned() });
    }
    Ok(headers)
}

/// Some peers save room with one letter.
fn long_name(name: &str) -> &str {
    match name {
        "v" | "V" => "Via",
        "f" | "F" => "From",
        "t" | "T" => "To",
        "i" | "I" => "Call-ID",
        "m" | "M" => "Contact",
        "l" | "L" => "Content-Length",
        "c" | "C" => "Content-Type",
        "k" | "K" => "Supported",
        "x" | "X" => "Session-Expires",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYE: &str = "BYE sip:a@127.0.0.1 SIP/2.0\r\nv: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1, SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK2\r\n\
        f: \"A, <b>\" <sip:x@y>;tag=1\r\nTo: <sip:a@b>;tag=2\r\ni: id\r\nCSeq: 7\r\n  BYE\r\nl: 2\r\n\r\nhi there";

    #[test]
    fn short_names_folded_lines_and_lists_are_understood() {
        let message = Message::parse(BYE.as_bytes()).unwrap();
        assert_eq!((message.branch.as_str(), message.cseq, message.cseq_method), ("z9hG4bK1", 7, Method::Bye));
        assert_eq!((message.from_tag.as_str(), message.to_tag.as_deref(), message.body.as_str()), ("1", Some("2"), "hi"));
        assert_eq!(message.list("Via").len(), 2);
    }

    #[test]
    fn a_datagram_cut_anywhere_is_read_or_refused_but_never_a_crash() {
        for end in 0..BYE.len() {
            let _ = Message::parse(&BYE.as_bytes()[..end]);
        }
        for byte in 0..=255_u8 {
            let mut bytes = BYE.as_bytes().to_vec();
            bytes[usize::from(byte) % BYE.len()] = byte;
            let _ = Message::parse(&bytes);
        }
        assert_eq!(Message::parse(b"\r\n\r\n").unwrap_err(), Malformed::StartLine);
        assert_eq!(Message::parse(&BYE.as_bytes()[..BYE.len() - 7]).unwrap_err(), Malformed::Truncated);
    }
}
