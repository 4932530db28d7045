//! One INVITE to one proxy, and the blank result that a call begins with.

use super::{
    clock::epoch_us,
    compose::{self, RequestParts},
    control::{CallResult, Outcome, PlaceCall},
    dialog::Ready,
    message::Method,
};
use std::net::SocketAddr;

pub struct Attempt {
    pub branch: String,
    pub proxy: SocketAddr,
    pub uri: String,
    pub cseq: u32,
    /// The proxy has said something.
    pub heard: bool,
    pub cancelled: bool,
}

/// What differs between an INVITE, its CANCEL and its ACK.
pub struct Content<'c> {
    pub method: Method,
    pub to: &'c str,
    pub extra: &'c str,
    pub sdp: Option<&'c str>,
}

impl Attempt {
    /// The To header before anybody has put a tag on it.
    pub fn to(&self) -> String {
        format!("<{}>", self.uri)
    }

    /// All have the branch and number of the INVITE: they belong to its hop (RFC 3261 9.1, 17.1.1.3).
    pub fn request(&self, local: SocketAddr, from: &str, call_id: &str, content: Content<'_>) -> Ready {
        let Content { method, to, extra, sdp } = content;
        let bytes = compose::request(&RequestParts {
            method,
            uri: &self.uri,
            local,
            branch: &self.branch,
            routes: &[],
            from,
            to,
            call_id,
            cseq: self.cseq,
            extra,
            sdp,
        });
        Ready { method, branch: self.branch.clone(), bytes, to: self.proxy }
    }
}

/// Nothing for a call that has no proxy.
pub fn empty_result(call: &PlaceCall, call_id: String) -> Option<CallResult> {
    Some(CallResult {
        call_id,
        from: call.from.clone(),
        to: call.to.clone(),
        proxy: *call.proxy.first()?,
        started_at_us: epoch_us(),
        outcome: Outcome::Failed,
        reason: None,
        sip_status: None,
        sip_reason: None,
        reason_header: None,
        pdd_ms: None,
        setup_ms: None,
        talk_ms: None,
        hung_up_by: None,
        remote_contact: None,
        codec: None,
        rtp_sent: 0,
        rtp_received: 0,
    })
}
