//! The table of live calls: what each PBX tells, folded. A call is known by its PBX and the PBX's own id of it, so that two PBXs may
//! use one channel's name and a connection that was lost and came back counts nothing twice.
//!
//! A PBX that is away makes its calls *unknown since*: they are most likely still talking. After [`UNKNOWN_KEPT`] they are given up.

use super::live::{LiveCall, PbxEvent};
use crate::{
    error::AppError,
    values::{Moment, Tone, quantity::format_count},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

/// How long the calls of a PBX that is away are kept.
pub const UNKNOWN_KEPT: Duration = Duration::from_secs(5 * 60);
/// The longer of the two spans over which calls per second are counted.
const STARTS_KEPT: Duration = Duration::from_secs(60);
/// Calls that are over are remembered this long: what was said of them before may come after, and their records take a while to be
/// collected.
pub const OVER_KEPT: Duration = Duration::from_secs(5 * 60);

/// A call as the board has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardCall {
    pub call: LiveCall,
    /// Since its PBX is away.
    pub unknown_since: Option<Moment>,
}

/// What the calls add up to. Calls of a PBX that is away count, and are said apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    pub concurrent: u64,
    /// Of those, on a PBX that is away.
    pub unknown: u64,
    /// Calls that began in the last 10 s and 60 s, by second.
    pub cps_10s: f32,
    pub cps_60s: f32,
    pub transcoding: u64,
    pub by_carrier: BTreeMap<String, u64>,
    pub by_customer: BTreeMap<String, u64>,
    pub by_pbx: BTreeMap<String, u64>,
    /// PBXs that were heard of, those that are away among them.
    pub pbxs: u64,
    /// PBXs that are away, and since when.
    pub away: BTreeMap<String, Moment>,
}

impl Counts {
    /// What one needs to know first.
    pub fn sentence(&self) -> String {
        if self.pbxs == 0 {
            return "No PBX has been heard yet. The panel shows calls as soon as one of the inventory's PBXs lets it in.".into();
        }
        let calls = match self.concurrent {
            0 => "No call is up".to_string(),
            1 => "1 call is up".into(),
            n => format!("{} calls are up", format_count(n)),
        };
        let mut text = format!("{calls}; {:.1} a second began over the last 10 s, {:.1} over 60 s.", self.cps_10s, self.cps_60s);
        for (pbx, since) in &self.away {
            let its = self.by_pbx.get(pbx).copied().unwrap_or(0);
            let shown = match its {
                0 => String::new(),
                1 => "; its call is shown as last heard".into(),
                n => format!("; its {} calls are shown as last heard", format_count(n)),
            };
            text.push_str(&format!(" {pbx} does not answer since {} UTC{shown}.", since.time_of_day()));
        }
        text
    }

    pub fn tone(&self) -> Tone {
        match (self.pbxs, self.away.len() as u64) {
            (0, _) => Tone::Idle,
            (_, 0) => Tone::Good,
            (all, away) if all == away => Tone::Bad,
            _ => Tone::Notice,
        }
    }
}

/// [`Counts`], and when they were counted: calls per second grow old without any call beginning or ending.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveCounts {
    pub at: Moment,
    pub counts: Counts,
}

/// Why a call is not ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HangUpRefusal {
    #[error("That call is over already; nothing was ended. Look at the list again.")]
    Over,
}

impl From<HangUpRefusal> for AppError {
    fn from(refusal: HangUpRefusal) -> Self {
        AppError::refused(refusal)
    }
}

#[derive(Debug, Default)]
pub struct Board {
    pbxs: BTreeMap<String, Line>,
    /// When calls began, by when the panel heard of them.
    starts: VecDeque<Moment>,
}

/// One PBX.
#[derive(Debug, Default)]
struct Line {
    away_since: Option<Moment>,
    /// By the PBX's own id.
    calls: BTreeMap<String, LiveCall>,
    /// Calls that are over, the oldest first, and their ids once more to look them up.
    over: VecDeque<(Moment, LiveCall)>,
    over_ids: BTreeSet<String>,
}

impl Board {
    /// Takes what `pbx` tells. Gives whether anything is another than it was.
    pub fn tell(&mut self, pbx: &str, event: PbxEvent, now: Moment) -> bool {
        self.sweep(now);
        let line = self.pbxs.entry(pbx.into()).or_default();
        let returned = line.away_since.take().is_some();
        let changed = match event {
            PbxEvent::All(calls) => {
                let there: BTreeMap<String, LiveCall> = calls.into_iter().map(|call| (call.unique_id.clone(), call)).collect();
                let gone: Vec<String> = line.calls.keys().filter(|id| !there.contains_key(*id)).cloned().collect();
                let mut changed = !gone.is_empty();
                for id in gone {
                    line.end(&id, now);
                }
                for call in there.into_values() {
                    changed |= line.change(call, now, &mut self.starts);
                }
                changed
            }
            PbxEvent::Changed(call) => line.change(*call, now, &mut self.starts),
            PbxEvent::Over { channel, .. } => {
                let id = line.calls.values().find(|call| call.channel == channel).map(|call| call.unique_id.clone());
                id.is_some_and(|id| line.end(&id, now))
            }
        };
        returned || changed
    }

    /// Nothing is heard of `pbx` any more.
    /// Gives whether anything is another than it was.
    pub fn away(&mut self, pbx: &str, now: Moment) -> bool {
        let line = self.pbxs.entry(pbx.into()).or_default();
        let newly = line.away_since.is_none();
        line.away_since.get_or_insert(now);
        self.sweep(now) || newly
    }

    /// `pbx` is not in the inventory any more.
    pub fn forget(&mut self, pbx: &str) {
        self.pbxs.remove(pbx);
    }

    /// Gives up what has been unknown for too long. Gives whether anything was.
    pub fn sweep(&mut self, now: Moment) -> bool {
        let mut given_up = false;
        for line in self.pbxs.values_mut() {
            while let Some((_, call)) = line.over.pop_front_if(|(at, _)| now.since(*at) > OVER_KEPT) {
                line.over_ids.remove(&call.unique_id);
            }
            if !line.calls.is_empty() && line.away_since.is_some_and(|since| now.since(since) > UNKNOWN_KEPT) {
                line.calls.clear();
                given_up = true;
            }
        }
        while self.starts.front().is_some_and(|at| now.since(*at) > STARTS_KEPT) {
            self.starts.pop_front();
        }
        given_up
    }

    pub fn calls(&self) -> impl Iterator<Item = (&LiveCall, Option<Moment>)> {
        self.pbxs.values().flat_map(|line| line.calls.values().map(|call| (call, line.away_since)))
    }

    /// The call with this channel at this PBX.
    pub fn find(&self, pbx: &str, channel: &str) -> Option<&LiveCall> {
        self.pbxs.get(pbx)?.calls.values().find(|call| call.channel == channel)
    }

    /// Whether the call can be ended: it must still be the one that was meant, for a channel's name is used again after a restart.
    pub fn can_hang_up(&self, pbx: &str, channel: &str, reference: &str) -> Result<&LiveCall, HangUpRefusal> {
        self.find(pbx, channel).filter(|call| call.reference == reference).ok_or(HangUpRefusal::Over)
    }

    pub fn find_by_reference(&self, reference: &str) -> Option<BoardCall> {
        let found = self.calls().find(|(call, _)| call.reference == reference);
        found.map(|(call, unknown_since)| BoardCall { call: call.clone(), unknown_since })
    }

    /// The call of this name that ended last, and when that was heard; only for [`OVER_KEPT`].
    pub fn find_over(&self, reference: &str) -> Option<(&LiveCall, Moment)> {
        let over = self.pbxs.values().flat_map(|line| &line.over).filter(|(_, call)| call.reference == reference);
        over.max_by_key(|(at, _)| *at).map(|(at, call)| (call, *at))
    }

    /// Since when nothing is heard of `pbx`; `None` while it is heard.
    pub fn away_since(&self, pbx: &str) -> Option<Moment> {
        self.pbxs.get(pbx)?.away_since
    }

    pub fn counts(&self, now: Moment) -> Counts {
        let mut counts = Counts::default();
        for (call, unknown_since) in self.calls() {
            counts.concurrent += 1;
            counts.unknown += u64::from(unknown_since.is_some());
            counts.transcoding += u64::from(call.transcodes());
            *counts.by_pbx.entry(call.pbx.clone()).or_default() += 1;
            if let Some(carrier) = &call.carrier {
                *counts.by_carrier.entry(carrier.clone()).or_default() += 1;
            }
            if let Some(customer) = &call.customer {
                *counts.by_customer.entry(customer.clone()).or_default() += 1;
            }
        }
        let away = self.pbxs.iter().filter_map(|(pbx, line)| Some((pbx.clone(), line.away_since?)));
        counts.away = away.collect();
        counts.pbxs = self.pbxs.len() as u64;
        let within = |span_s: u16| {
            let span = Duration::from_secs(u64::from(span_s));
            let starts = self.starts.iter().rev().take_while(|at| now.since(**at) < span).count();
            starts as f32 / f32::from(span_s)
        };
        (counts.cps_10s, counts.cps_60s) = (within(10), within(60));
        counts
    }
}

impl Line {
    /// Takes a call as it is now. Gives whether it is another than it was.
    fn change(&mut self, mut call: LiveCall, now: Moment, starts: &mut VecDeque<Moment>) -> bool {
        if self.over_ids.contains(&call.unique_id) {
            return false;
        }
        match self.calls.get_mut(&call.unique_id) {
            Some(known) => {
                // When it began is known best by whoever heard it begin: after a reconnect the PBX tells it by whole seconds.
                call.started_at = known.started_at;
                call.answered_at = known.answered_at.or(call.answered_at);
                let changed = *known != call;
                *known = call;
                changed
            }
            None => {
                // A clock that runs ahead does not put a start into the future.
                let began = call.started_at.min(now);
                let at = starts.iter().rposition(|known| *known <= began).map_or(0, |at| at + 1);
                if now.since(began) <= STARTS_KEPT {
                    starts.insert(at, began);
                }
                self.calls.insert(call.unique_id.clone(), call);
                true
            }
        }
    }

    fn end(&mut self, id: &str, now: Moment) -> bool {
        let Some(ended) = self.calls.remove(id) else { return false };
        self.over.push_back((now, ended));
        self.over_ids.insert(id.into())
    }
}

#[cfg(test)]
mod tests;
