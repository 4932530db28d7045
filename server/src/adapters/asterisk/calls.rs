//! AMI's channels folded into calls. A call is a customer's leg, whose Uniqueid is its Linkedid, and the legs that hang on it.
//!
//! An answer of `Status` and an event of a channel are read alike: both say how a leg is now. What is known never gets less, for
//! an event may have waited while a newer answer was read: a state does not go back, a blank variable does not erase one.

use super::wire::Packet;
use app::{
    calls::live::{CallState, LiveCall, PbxEvent},
    values::Moment,
};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// What the dialplan of `server/stack` sets on the customer's leg.
pub const VARIABLES: &str = "REFERENCE,CUSTOMER,CALLER,CALLED,CARRIER,STARTED,ANSWERED";
/// The codec, as `channelvars` of manager.conf names it.
const CODEC: &str = "CHANNEL(audionativeformat)";

/// AMI's ChannelState.
const RINGING: u8 = 5;
const UP: u8 = 6;

#[derive(Debug)]
struct Leg {
    channel: String,
    /// Uniqueid of the customer's leg.
    call: String,
    state: u8,
    codec: Option<String>,
    started_at: Moment,
    answered_at: Option<Moment>,
    caller: String,
    called: String,
    variables: BTreeMap<String, String>,
    /// Its PBX was asked for what its events do not bring along.
    asked: bool,
}

pub struct Calls {
    pbx: String,
    /// By Uniqueid, which is never used twice.
    legs: HashMap<String, Leg>,
    /// Uniqueids of the legs of each call, the customer's own not among them; in the order they were placed.
    placed: HashMap<String, Vec<String>>,
    told: HashMap<String, LiveCall>,
}

/// What follows from a packet.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    pub events: Vec<PbxEvent>,
    /// Channels whose Status must be asked for.
    pub ask: Vec<String>,
}

impl Calls {
    pub fn new(pbx: &str) -> Self {
        Self { pbx: pbx.into(), legs: HashMap::new(), placed: HashMap::new(), told: HashMap::new() }
    }

    /// Every call there is, oldest first.
    pub fn all(&self) -> Vec<LiveCall> {
        let mut all: Vec<LiveCall> = self.told.values().cloned().collect();
        all.sort_by(|a, b| (a.started_at, &a.unique_id).cmp(&(b.started_at, &b.unique_id)));
        all
    }

    pub fn hear(&mut self, packet: &Packet, now: Moment) -> Heard {
        let mut heard = Heard::default();
        let Some(event) = packet.event() else { return heard };
        match event {
            "Hangup" => self.hung_up(packet, now, &mut heard),
            "Rename" => self.renamed(packet, &mut heard),
            _ => {
                for prefix in ["", "Dest"] {
                    self.leg(event, packet, prefix, now, &mut heard);
                }
            }
        }
        heard
    }

    /// Reads the leg that the packet tells of. Only Newchannel and Status make one: any other event may tell of a leg that is gone.
    fn leg(&mut self, event: &str, packet: &Packet, prefix: &str, now: Moment, heard: &mut Heard) {
        let field = |name: &str| packet.get(&format!("{prefix}{name}")).filter(|value| *value != "<unknown>");
        let (Some(unique_id), Some(channel)) = (field("Uniqueid"), field("Channel")) else { return };
        if !self.legs.contains_key(unique_id) {
            if !matches!(event, "Newchannel" | "Status") {
                return;
            }
            let call = field("Linkedid").unwrap_or(unique_id).to_string();
            if call != unique_id {
                self.placed.entry(call.clone()).or_default().push(unique_id.into());
            }
            let running = Duration::from_secs(packet.number("Seconds").unwrap_or(0));
            let leg = Leg {
                channel: channel.into(),
                call,
                state: 0,
                codec: None,
                started_at: now.minus(running),
                answered_at: None,
                caller: String::new(),
                called: String::new(),
                variables: BTreeMap::new(),
                asked: false,
            };
            self.legs.insert(unique_id.into(), leg);
        }
        let leg = self.legs.get_mut(unique_id).expect("it was there or has just been put there");
        let state = field("ChannelState").and_then(|state| state.parse().ok()).unwrap_or(0);
        // By an answer of Status it is up since some time; when, the variables tell.
        if state == UP && leg.state < UP && event != "Status" {
            leg.answered_at.get_or_insert(now);
        }
        leg.state = leg.state.max(state);
        if leg.caller.is_empty() {
            leg.caller = digits(field("CallerIDNum").unwrap_or_default());
        }
        if leg.called.is_empty() && matches!(event, "Newchannel" | "Status") {
            leg.called = digits(field("DNID").or(field("Exten")).unwrap_or_default());
        }
        let mut brought = false;
        for variable in packet.all(&format!("{prefix}ChanVariable")).chain(packet.all(&format!("{prefix}Variable"))) {
            brought = true;
            let Some((name, value)) = variable.split_once('=') else { continue };
            if name == CODEC {
                leg.codec = codec(value).or(leg.codec.take());
            } else if !value.is_empty() && value != "(null)" {
                leg.variables.insert(name.into(), value.into());
            }
        }
        leg.codec = field("Nativeformats").and_then(codec).or(leg.codec.take());
        // A PBX whose manager.conf has no channelvars is asked: when a call is placed, and when it is answered.
        let wanted = matches!(event, "DialBegin" | "BridgeEnter") && !brought;
        if wanted && (event == "BridgeEnter" || !leg.asked) {
            leg.asked = true;
            heard.ask.push(leg.channel.clone());
        }
        let call = leg.call.clone();
        self.tell(&call, heard);
    }

    fn hung_up(&mut self, packet: &Packet, now: Moment, heard: &mut Heard) {
        let Some(unique_id) = packet.get("Uniqueid") else { return };
        let Some(call) = self.legs.get(unique_id).map(|leg| leg.call.clone()) else { return };
        // Of an answered call the carrier's leg ends a moment before the customer's; what it spoke is said until the end.
        if call != unique_id && self.legs.get(&call).is_some_and(|leg| leg.state == UP) {
            return;
        }
        let Some(leg) = self.legs.remove(unique_id) else { return };
        if call != unique_id {
            if let Some(placed) = self.placed.get_mut(&call) {
                placed.retain(|other| other != unique_id);
            }
            self.tell(&call, heard);
            return;
        }
        // Legs that outlive their call by a moment are forgotten with it.
        for placed in self.placed.remove(unique_id).unwrap_or_default() {
            self.legs.remove(&placed);
        }
        if self.told.remove(unique_id).is_some() {
            heard.events.push(PbxEvent::Over { channel: leg.channel, at: now });
        }
    }

    /// Its Uniqueid tells that it is the same channel under another name.
    fn renamed(&mut self, packet: &Packet, heard: &mut Heard) {
        let (Some(unique_id), Some(name)) = (packet.get("Uniqueid"), packet.get("Newname")) else { return };
        let Some(leg) = self.legs.get_mut(unique_id) else { return };
        leg.channel = name.into();
        let call = leg.call.clone();
        self.tell(&call, heard);
    }

    /// Tells the call if it is another than was told.
    fn tell(&mut self, call: &str, heard: &mut Heard) {
        let Some(now) = self.call(call) else { return };
        if self.told.get(call) != Some(&now) {
            self.told.insert(call.into(), now.clone());
            heard.events.push(PbxEvent::Changed(Box::new(now)));
        }
    }

    fn call(&self, unique_id: &str) -> Option<LiveCall> {
        let leg = self.legs.get(unique_id).filter(|leg| leg.call == unique_id)?;
        // The last one placed: those before it failed.
        let placed = self.placed.get(unique_id).and_then(|placed| self.legs.get(placed.last()?));
        let state = match (leg.state, placed.map_or(0, |placed| placed.state)) {
            (UP.., _) => CallState::Up,
            (_, RINGING..) => CallState::Ringing,
            _ => CallState::Dialing,
        };
        let variable = |name: &str| leg.variables.get(name).cloned();
        Some(LiveCall {
            unique_id: unique_id.into(),
            reference: variable("REFERENCE").unwrap_or_else(|| unique_id.into()),
            pbx: self.pbx.clone(),
            channel: leg.channel.clone(),
            caller: variable("CALLER").unwrap_or_else(|| leg.caller.clone()),
            called: variable("CALLED").unwrap_or_else(|| leg.called.clone()),
            customer: variable("CUSTOMER"),
            carrier: variable("CARRIER"),
            state,
            started_at: leg.started_at,
            answered_at: if state == CallState::Up { leg.answered_at.or_else(|| leg.answered_by_variables()) } else { None },
            customer_codec: leg.codec.clone(),
            carrier_codec: placed.and_then(|placed| placed.codec.clone()),
        })
    }
}

impl Leg {
    /// The PBX's own times tell how long it rang, whatever its clock: STARTED in microseconds, ANSWERED in seconds since 1970.
    fn answered_by_variables(&self) -> Option<Moment> {
        let number = |name: &str| self.variables.get(name)?.parse::<i64>().ok();
        let rang = number("ANSWERED")?.checked_mul(1_000_000)?.saturating_sub(number("STARTED")?);
        Some(self.started_at.plus(Duration::from_micros(u64::try_from(rang).unwrap_or(0))))
    }
}

/// `(alaw)` is alaw; `(ulaw|alaw)` is not decided yet.
pub fn codec(formats: &str) -> Option<String> {
    let name = formats.trim_matches(['(', ')']);
    (!name.is_empty() && name != "none" && !name.contains('|')).then(|| name.to_string())
}

/// E.164 without its plus; what is no number (`s`, `dial`) is nothing.
fn digits(text: &str) -> String {
    let text = text.strip_prefix('+').unwrap_or(text);
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.into() } else { String::new() }
}
