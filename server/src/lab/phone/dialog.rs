//! Who talks with whom, and over which proxies: what RFC 3261 calls a dialog.

use super::{
    address::{param, socket_of, uri_of},
    compose::{self, RequestParts},
    message::{Message, Method},
    station::{Station, new_branch},
};
use std::net::SocketAddr;

#[derive(Clone, Debug)]
pub struct Dialog {
    call_id: String,
    /// Our own From or To, with our tag.
    local: String,
    remote: String,
    pub remote_tag: String,
    /// The Contact of the other side: where requests are meant to end.
    target: String,
    /// The proxies that want to see what follows, nearest first.
    routes: Vec<String>,
    /// Where the last message came from, for the case that neither a route nor the Contact has a number.
    fallback: SocketAddr,
    pub cseq: u32,
    pub remote_cseq: u32,
}

/// A request that is ready to go, with what its transaction needs.
pub struct Ready {
    pub method: Method,
    pub branch: String,
    pub bytes: Vec<u8>,
    pub to: SocketAddr,
}

impl Dialog {
    /// The caller learns it from the 200: the nearest proxy wrote its Record-Route last.
    pub fn as_caller(ok: &Message, source: SocketAddr, local: &str) -> Self {
        let routes = ok.list("Record-Route").into_iter().rev().map(str::to_owned).collect();
        Self {
            call_id: ok.call_id.clone(),
            local: local.to_owned(),
            remote: ok.header("To").unwrap_or_default().to_owned(),
            remote_tag: ok.to_tag.clone().unwrap_or_default(),
            target: target_of(ok).unwrap_or_else(|| format!("sip:{source}")),
            routes,
            fallback: source,
            cseq: ok.cseq,
            remote_cseq: 0,
        }
    }

    /// The callee learns it from the INVITE, and takes the routes as they stand.
    pub fn as_callee(invite: &Message, source: SocketAddr, local_tag: &str) -> Self {
        Self {
            call_id: invite.call_id.clone(),
            local: format!("{};tag={local_tag}", invite.header("To").unwrap_or_default()),
            remote: invite.header("From").unwrap_or_default().to_owned(),
            remote_tag: invite.from_tag.clone(),
            target: target_of(invite).unwrap_or_else(|| format!("sip:{source}")),
            routes: invite.list("Record-Route").into_iter().map(str::to_owned).collect(),
            fallback: source,
            cseq: 0,
            remote_cseq: invite.cseq,
        }
    }

    /// A re-INVITE may say that the other side has moved.
    pub fn refresh_target(&mut self, message: &Message) {
        if let Some(target) = target_of(message) {
            self.target = target;
        }
    }

    /// An ACK has the number of its INVITE, everything else the next.
    pub fn request(&mut self, station: &Station, method: Method) -> Ready {
        if method != Method::Ack {
            self.cseq += 1;
        }
        let branch = new_branch();
        let bytes = compose::request(&RequestParts {
            method,
            uri: &self.target,
            local: station.local,
            branch: &branch,
            routes: &self.routes,
            from: &self.local,
            to: &self.remote,
            call_id: &self.call_id,
            cseq: self.cseq,
            extra: "",
            sdp: None,
        });
        Ready { method, branch, bytes, to: self.next_hop() }
    }

    fn next_hop(&self) -> SocketAddr {
        let uri = self.routes.first().map_or(self.target.as_str(), |route| uri_of(route));
        socket_of(uri).unwrap_or(self.fallback)
    }
}

fn target_of(message: &Message) -> Option<String> {
    message.list("Contact").first().map(|contact| uri_of(contact).to_owned()).filter(|uri| !uri.is_empty())
}

/// The Reason header as people read it: its text when it has one.
pub fn reason_of(message: &Message) -> Option<String> {
    let value = message.header("Reason")?;
    let text = param(value, "text").map(|text| text.trim_matches('"')).filter(|text| !text.is_empty());
    Some(text.unwrap_or(value).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_reverses_the_routes_and_the_callee_does_not() {
        let text = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=1\r\nRecord-Route: <sip:10.0.0.3;r2=on;lr>, <sip:10.0.0.2:5080;lr>\r\n\
            From: <sip:a@b>;tag=1\r\nTo: <sip:x>;tag=2\r\nContact: <sip:far@10.9.9.9:5062;ob>\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\n\r\n";
        let ok = Message::parse(text.as_bytes()).unwrap();
        let source = "10.0.0.2:5060".parse().unwrap();
        let caller = Dialog::as_caller(&ok, source, "<sip:a@b>;tag=1");
        assert_eq!(caller.next_hop(), "10.0.0.2:5080".parse().unwrap());
        assert_eq!(caller.target, "sip:far@10.9.9.9:5062;ob");
        assert_eq!(Dialog::as_callee(&ok, source, "9").next_hop(), "10.0.0.3:5060".parse().unwrap());
    }
}
