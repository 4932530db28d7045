//! Writes requests and responses.

use super::{
    address::{param, parse_place, split_list},
    message::{Header, Message, Method},
};
use std::{fmt::Write as _, net::SocketAddr};

/// No PRACK and no timer: neither 100rel nor session timers are offered.
pub const ALLOW: &str = "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, NOTIFY, MESSAGE\r\n";
const PRODUCT: &str = "Wirecenter phone";

pub struct RequestParts<'p> {
    pub method: Method,
    pub uri: &'p str,
    /// Our own address, where responses shall come.
    pub local: SocketAddr,
    pub branch: &'p str,
    pub routes: &'p [String],
    pub from: &'p str,
    pub to: &'p str,
    pub call_id: &'p str,
    pub cseq: u32,
    /// Whole header lines, each with its line end.
    pub extra: &'p str,
    pub sdp: Option<&'p str>,
}

pub fn request(parts: &RequestParts<'_>) -> Vec<u8> {
    let RequestParts { method, uri, local, branch, from, to, call_id, cseq, .. } = parts;
    let method = method.name();
    let mut text = String::with_capacity(1_024);
    // Writing into a String cannot fail, here and below.
    let _ = write!(text, "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch={branch};rport\r\nMax-Forwards: 70\r\n");
    for route in parts.routes {
        let _ = write!(text, "Route: {route}\r\n");
    }
    let _ = write!(text, "From: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nUser-Agent: {PRODUCT}\r\n");
    text.push_str(parts.extra);
    push_body(&mut text, parts.sdp);
    text.into_bytes()
}

pub struct ResponseParts<'p> {
    pub status: u16,
    /// Added to To when the request has none.
    pub to_tag: &'p str,
    pub extra: &'p str,
    pub sdp: Option<&'p str>,
}

pub fn response(request: &Message, source: SocketAddr, parts: &ResponseParts<'_>) -> Vec<u8> {
    let mut text = String::with_capacity(1_024);
    let status = parts.status;
    let _ = write!(text, "SIP/2.0 {status} {}\r\n", phrase(status));
    let mut first_via = true;
    // A 100 makes no dialog, and a refusal needs no way back.
    let routed = (101..300).contains(&status);
    for Header { name, value } in &request.headers {
        match name.to_ascii_lowercase().as_str() {
            "via" if first_via => {
                first_via = false;
                let _ = write!(text, "Via: {}\r\n", via_seen(value, source));
            }
            "to" if request.to_tag.is_none() && status > 100 => {
                let _ = write!(text, "To: {value};tag={}\r\n", parts.to_tag);
            }
            "via" | "from" | "to" | "call-id" | "cseq" => {
                let _ = write!(text, "{name}: {value}\r\n");
            }
            "record-route" if routed => {
                let _ = write!(text, "{name}: {value}\r\n");
            }
            _ => {}
        }
    }
    let _ = write!(text, "Server: {PRODUCT}\r\n");
    text.push_str(parts.extra);
    push_body(&mut text, parts.sdp);
    text.into_bytes()
}

fn push_body(text: &mut String, sdp: Option<&str>) {
    let _ = match sdp {
        Some(sdp) => write!(text, "Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len()),
        None => write!(text, "Content-Length: 0\r\n\r\n"),
    };
}

/// Notes in the topmost Via where the request really came from (RFC 3581).
fn via_seen(value: &str, source: SocketAddr) -> String {
    let vias = split_list(value);
    let Some((top, rest)) = vias.split_first() else { return value.to_owned() };
    let kept: Vec<&str> = top.split(';').map(str::trim).filter(|part| *part != "rport" && !part.starts_with("received=")).collect();
    let mut seen = kept.join(";");
    let has_rport = param(top, "rport").is_some();
    if has_rport || sent_by(top).map(|place| place.ip()) != Some(source.ip()) {
        let _ = write!(seen, ";received={}", source.ip());
    }
    if has_rport && !kept.iter().any(|part| part.starts_with("rport=")) {
        let _ = write!(seen, ";rport={}", source.port());
    }
    for via in rest {
        let _ = write!(seen, ", {via}");
    }
    seen
}

fn sent_by(via: &str) -> Option<SocketAddr> {
    via.split(';').next().and_then(|head| head.split_ascii_whitespace().last()).and_then(parse_place)
}

/// Where the response to a request goes: back to where it came from, to the port the peer asked for.
pub fn reply_to(request: &Message, source: SocketAddr) -> SocketAddr {
    let via = request.header("Via").map(split_list).and_then(|vias| vias.first().copied()).unwrap_or_default();
    match param(via, "rport") {
        Some(_) => source,
        None => SocketAddr::new(source.ip(), sent_by(via).map_or(source.port(), |place| place.port())),
    }
}

pub fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        410 => "Gone",
        420 => "Bad Extension",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        484 => "Address Incomplete",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        607 => "Unwanted",
        other => match other / 100 {
            3 => "Redirected",
            4 => "Refused",
            5 => "Failed",
            6 => "Refused Everywhere",
            _ => "Progress",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "203.0.113.9:5090";

    #[test]
    fn the_topmost_via_tells_where_the_request_came_from() {
        let source = SOURCE.parse().unwrap();
        let seen = via_seen("SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK1, SIP/2.0/UDP 10.0.0.2;branch=x", source);
        let whole = "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;received=203.0.113.9;rport=5090, SIP/2.0/UDP 10.0.0.2;branch=x";
        assert_eq!(seen, whole);
        assert_eq!(via_seen("SIP/2.0/UDP 203.0.113.9:5060;branch=1", source), "SIP/2.0/UDP 203.0.113.9:5060;branch=1");
    }

    #[test]
    fn without_rport_the_response_goes_to_the_port_in_the_via() {
        let text = "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5080;branch=1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x>\r\n\
            Call-ID: i\r\nCSeq: 1 OPTIONS\r\n\r\n";
        let request = Message::parse(text.as_bytes()).unwrap();
        assert_eq!(reply_to(&request, SOURCE.parse().unwrap()), "203.0.113.9:5080".parse().unwrap());
        let back = response(&request, SOURCE.parse().unwrap(), &ResponseParts { status: 200, to_tag: "t", extra: "", sdp: None });
        assert_eq!(Message::parse(&back).unwrap().to_tag.as_deref(), Some("t"));
    }
}
