//! What the phone can be asked over its Unix socket, and what it says: one JSON object a line, both ways.
//!
//! A connection may ask many things one after the other. While a `place` or `load` runs, its lines come as things happen; closing
//! the connection ends its calls.

use super::sdp::Codec;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// One call. Answered with `Event`s and at last `Ended`.
    Place { call: PlaceCall },
    /// Many calls, evenly spaced. Answered with one `Ended` a call and at last `Finished`.
    Load { load: Load },
    /// What to do with the next call to a number. Answered with `Ok`.
    Expect { expect: Vec<Expectation> },
    /// What was expected for a number and did not come is forgotten. Answered with `Ok`.
    Forget { called: String },
    /// What to do with every call, whatever is expected; null gives the word back to the expectations. Answered with `Ok`.
    Behave { default: Option<Behavior> },
    /// Answered with `Behavior`.
    Behavior,
    /// Answered with `Counts`.
    Calls,
    /// The INVITEs lately received, newest first; filtered by number and Call-ID when given. Answered with `Received`.
    Received { called: Option<String>, call_id: Option<String> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Ok(bool),
    /// What is wrong, and what to do about it.
    Error(String),
    Event(CallEvent),
    Ended(Box<CallResult>),
    Finished(Finished),
    Behavior(Option<Behavior>),
    Received(Vec<ReceivedInvite>),
    #[serde(untagged)]
    Counts(CallCounts),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceCall {
    /// As it goes into the From header: digits, with a plus when it is E.164.
    pub from: String,
    pub to: String,
    /// Tried in this order. The next is only tried when one gives no response at all.
    pub proxy: Vec<SocketAddr>,
    #[serde(default = "both_laws")]
    pub codecs: Vec<Codec>,
    /// From the first INVITE; then the caller gives up.
    #[serde(default = "ring_ms_max")]
    pub ring_ms_max: u64,
    /// From the 200; then the caller hangs up.
    #[serde(default = "talk_ms")]
    pub talk_ms: u64,
    /// Whether sound is sent, 50 packets a second, and what comes back is counted.
    #[serde(default = "yes")]
    pub media: bool,
    /// How long a proxy may say nothing before the next is tried.
    #[serde(default = "proxy_timeout_ms")]
    pub proxy_timeout_ms: u64,
    /// More header fields of the INVITE, name and value: for a phone that stands in for a PBX.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Calls a second.
    pub cps: f64,
    pub calls: LoadCalls,
    /// Taken in turn; when one gives no response the call goes to the next.
    pub proxy: Vec<SocketAddr>,
    #[serde(default)]
    pub media: bool,
    #[serde(default = "both_laws")]
    pub codecs: Vec<Codec>,
    #[serde(default = "proxy_timeout_ms")]
    pub proxy_timeout_ms: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
}

/// Each call written out, or a list that is gone through again and again: a quarter of an hour at 300 cps is 270,000 calls.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LoadCalls {
    Each(Vec<LoadCall>),
    Cycle { cycle: Vec<LoadCall>, count: u64 },
}

impl LoadCalls {
    pub fn count(&self) -> u64 {
        match self {
            Self::Each(calls) => calls.len() as u64,
            Self::Cycle { count, .. } => *count,
        }
    }

    /// The call at a place in the sequence; none for an empty list.
    pub fn get(&self, at: u64) -> Option<&LoadCall> {
        let calls = match self {
            Self::Each(calls) => calls,
            Self::Cycle { cycle, .. } => cycle,
        };
        let at = at.checked_rem(calls.len() as u64)?;
        calls.get(usize::try_from(at).ok()?)
    }

    pub fn list(&self) -> &[LoadCall] {
        match self {
            Self::Each(calls) => calls,
            Self::Cycle { cycle, .. } => cycle,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadCall {
    pub from: String,
    pub to: String,
    #[serde(default = "talk_ms")]
    pub talk_ms: u64,
    #[serde(default = "ring_ms_max")]
    pub ring_ms_max: u64,
}

fn both_laws() -> Vec<Codec> {
    vec![Codec::Pcmu, Codec::Pcma]
}

fn ring_ms_max() -> u64 {
    30_000
}

fn talk_ms() -> u64 {
    5_000
}

fn proxy_timeout_ms() -> u64 {
    2_000
}

fn yes() -> bool {
    true
}

/// Good for one call, and for two minutes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Compared by its digits.
    pub called: String,
    pub answer: Behavior,
}

/// How the phone meets a call. All times are from the INVITE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Behavior {
    /// 180, then 200.
    Ring {
        #[serde(default = "ring_after_ms")]
        after_ms: u64,
        #[serde(default = "ring_answer_ms")]
        answer_ms: u64,
        /// From the 200; then the callee hangs up. Without it the caller has to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        talk_ms: Option<u64>,
    },
    /// 180, and nobody ever answers.
    RingForever {
        #[serde(default = "ring_after_ms")]
        after_ms: u64,
    },
    /// A final 300 to 699.
    Reject {
        status: u16,
        #[serde(default)]
        after_ms: u64,
    },
    /// As if the machine were not there. Standing, it covers every request, OPTIONS too.
    Silent {},
}

fn ring_after_ms() -> u64 {
    10
}

fn ring_answer_ms() -> u64 {
    100
}

impl Default for Behavior {
    fn default() -> Self {
        Self::Ring { after_ms: ring_after_ms(), answer_ms: ring_answer_ms(), talk_ms: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Sent,
    Received,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallEvent {
    /// Since the first INVITE.
    pub at_ms: f64,
    pub direction: Direction,
    /// `INVITE`, `180 Ringing`, or `no response, trying the next proxy`.
    pub what: String,
    pub peer: SocketAddr,
    /// The same message once more, because an answer to it was late or lost.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There was a 200, and both sides agreed on the end.
    Answered,
    /// A final 4xx or 6xx other than 408: the far end had its say.
    Refused,
    /// Everything else: 3xx, 408, 5xx, no response, no answer, a hang-up that nobody confirmed.
    Failed,
}

/// Why a call ended as it did, when the status alone does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// It rang for `ring_ms_max`.
    NoAnswer,
    /// No proxy gave a final response in time.
    NoResponse,
    /// The control connection was closed.
    ControlClosed,
    /// The 200 has no codec in common with the offer.
    NoCodec,
    /// The BYE was not confirmed with a 2xx.
    HangUpUnconfirmed,
    /// This machine has no RTP port left.
    NoRtpPort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Caller,
    Callee,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallResult {
    pub call_id: String,
    pub from: String,
    pub to: String,
    /// The last one tried.
    pub proxy: SocketAddr,
    /// Microseconds of the Unix epoch at the first INVITE.
    pub started_at_us: u64,
    pub outcome: Outcome,
    pub reason: Option<EndReason>,
    /// Of the final response to the INVITE; null when there was none.
    pub sip_status: Option<u16>,
    pub sip_reason: Option<String>,
    /// The Reason header of the final response, or of the callee's BYE.
    pub reason_header: Option<String>,
    /// INVITE to the first 180, 183 or 200.
    pub pdd_ms: Option<f64>,
    /// INVITE to 200.
    pub setup_ms: Option<f64>,
    /// 200 to BYE.
    pub talk_ms: Option<f64>,
    pub hung_up_by: Option<Side>,
    /// The host in the Contact of the 200.
    pub remote_contact: Option<String>,
    pub codec: Option<Codec>,
    pub rtp_sent: u64,
    pub rtp_received: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    pub attempted: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallCounts {
    /// Not ended yet, in both directions.
    pub live: u64,
    /// INVITEs that began a call, since the phone started; those met with silence too.
    pub received: u64,
    /// Of those, how many got a 200.
    pub answered: u64,
    pub placed: u64,
    /// Datagrams that were not SIP.
    pub malformed: u64,
    /// Expectations not yet used.
    pub expected: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedInvite {
    /// Microseconds of the Unix epoch.
    pub at_us: u64,
    pub call_id: String,
    pub source: String,
    /// The user part of the request URI.
    pub called: String,
    /// The user part of From.
    pub caller: String,
    /// Every header name in its order, repeated ones repeated: the proof that nothing internal leaked.
    pub header_names: Vec<String>,
    /// Those that say who calls and whether it may be shown, as they were written.
    pub headers: Vec<(String, String)>,
    pub sdp_codecs: Vec<String>,
    /// The final status this phone gave, and when.
    pub status: Option<u16>,
    pub status_at_us: Option<u64>,
}
