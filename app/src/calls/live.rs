//! Live calls: what each PBX tells of them, folded into one table. A PBX that was away and comes back tells everything again; then
//! what it does not tell of any more is over, and nothing is counted twice.

use crate::values::{Moment, Tone};
use serde::{Deserialize, Serialize};

/// One call through a PBX: the customer's leg and, once it is placed, the carrier's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCall {
    /// The customer's Call-ID, by which logs and CDRs name it; the channel's unique id until it is known.
    pub reference: String,
    pub pbx: String,
    /// The PBX's own id of the customer's leg: unlike a channel's name it is not used again after a restart.
    pub unique_id: String,
    /// The customer's leg, as the PBX names it; a hang-up names it again.
    pub channel: String,
    pub caller: String,
    pub called: String,
    pub customer: Option<String>,
    pub carrier: Option<String>,
    pub state: CallState,
    pub started_at: Moment,
    pub answered_at: Option<Moment>,
    /// Codec of the customer's leg and of the carrier's (`alaw`).
    pub customer_codec: Option<String>,
    pub carrier_codec: Option<String>,
}

impl CallState {
    pub const ALL: [CallState; 3] = [CallState::Dialing, CallState::Ringing, CallState::Up];

    pub const fn name(self) -> &'static str {
        match self {
            CallState::Dialing => "dialing",
            CallState::Ringing => "ringing",
            CallState::Up => "up",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    pub const fn tone(self) -> Tone {
        match self {
            CallState::Dialing | CallState::Ringing => Tone::Busy,
            CallState::Up => Tone::Good,
        }
    }
}

impl LiveCall {
    /// Whether the PBX turns one codec into another between the legs.
    pub fn transcodes(&self) -> bool {
        matches!((&self.customer_codec, &self.carrier_codec), (Some(one), Some(other)) if one != other)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallState {
    /// Being authorized and routed.
    Dialing,
    Ringing,
    /// Answered.
    Up,
}

/// What a PBX tells while it is listened to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PbxEvent {
    /// Everything that is there: sent first on each connection.
    All(Vec<LiveCall>),
    /// A call that is new or changed.
    Changed(Box<LiveCall>),
    /// A call that is over, by its channel.
    Over { channel: String, at: Moment },
}
