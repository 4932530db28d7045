//! Everything observed lately, by machine, host and network. Filled by the server's observers, judged by the nouns beside.

use super::{
    facts::{CertificateFacts, DatabaseFacts, HypervisorFacts, NetworkProbes, PbxFacts, ProxyFacts, ShellFacts, SipAnswer},
    pressure::Pressure,
};
use crate::values::{Freshness, Moment, Observed, PortError, PortErrorKind};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// A clock may be off by decades (1970, 2038), and no further than a duration can hold.
const CLOCK_OFF_S_MAX: f64 = 1e10;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct World {
    pub machines: BTreeMap<String, MachineSeen>,
    pub hosts: BTreeMap<String, Seen<HypervisorFacts>>,
    pub networks: BTreeMap<String, Seen<NetworkProbes>>,
    /// By the name of the place.
    #[serde(default)]
    pub certificates: BTreeMap<String, Seen<CertificateFacts>>,
}

/// What each observer of a machine saw. An observer the machine has no interface for is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MachineSeen {
    pub shell: Option<Seen<ShellFacts>>,
    pub sip: Option<Seen<SipAnswer>>,
    pub proxy: Option<Seen<ProxyFacts>>,
    pub pbx: Option<Seen<PbxFacts>>,
    pub database: Option<Seen<DatabaseFacts>>,
    /// Of its looks at the shell, over time.
    #[serde(default)]
    pub pressure: Pressure,
}

/// The last good look and, while looks fail, since when and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen<T> {
    pub last: Option<Observed<T>>,
    pub failing: Option<Failing>,
    /// The observer's round in milliseconds.
    pub every_ms: u32,
    /// When the observer began to look; before its third round nothing is said.
    pub watched_since: Moment,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    pub since: Moment,
    pub kind: PortErrorKind,
    /// The whole sentence of the newest failure.
    pub why: String,
    /// Looks in a row that failed.
    pub times: u32,
}

impl<T> Seen<T> {
    pub fn new(every_ms: u32, now: Moment) -> Self {
        Self { last: None, failing: None, every_ms, watched_since: now }
    }

    /// The value, unless it is older than three rounds.
    pub fn fresh(&self, now: Moment) -> Option<&T> {
        let last = self.last.as_ref()?;
        (last.freshness(now) == Freshness::Fresh).then_some(&last.value)
    }

    /// The value, however old.
    pub fn value(&self) -> Option<&T> {
        self.last.as_ref().map(|last| &last.value)
    }

    pub fn observed_at(&self) -> Option<Moment> {
        self.last.as_ref().map(|last| last.observed_at)
    }

    pub fn note(&mut self, result: Result<T, PortError>, now: Moment) {
        match result {
            Ok(value) => {
                self.last = Some(Observed { value, observed_at: now, every_ms: self.every_ms });
                self.failing = None;
            }
            Err(error) => {
                let (since, times) = self.failing.as_ref().map_or((now, 0), |known| (known.since, known.times));
                self.failing = Some(Failing { since, kind: error.kind, why: error.to_string(), times: times + 1 });
            }
        }
    }
}

/// One observer's look, without what it saw.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// "MariaDB", "SIP", … as it stands in a sentence.
    pub what: &'static str,
    pub observed_at: Option<Moment>,
    pub failing: Option<&'a Failing>,
    pub every_ms: u32,
    pub watched_since: Moment,
}

impl<T> Seen<T> {
    fn look(&self, what: &'static str) -> Look<'_> {
        Look {
            what,
            observed_at: self.observed_at(),
            failing: self.failing.as_ref(),
            every_ms: self.every_ms,
            watched_since: self.watched_since,
        }
    }
}

impl MachineSeen {
    /// Takes the newest look at the shell into what is known over time.
    pub fn note_pressure(&mut self) {
        if let Some(last) = self.shell.as_ref().and_then(|shell| shell.last.as_ref()) {
            self.pressure.note(&last.value, last.observed_at);
        }
    }

    /// Every observer of this machine; the interface it is there for first, the shell last.
    pub fn looks(&self) -> Vec<Look<'_>> {
        let looks = [
            self.proxy.as_ref().map(|seen| seen.look("Kamailio")),
            self.pbx.as_ref().map(|seen| seen.look("Asterisk")),
            self.database.as_ref().map(|seen| seen.look("MariaDB")),
            self.sip.as_ref().map(|seen| seen.look("SIP")),
            self.shell.as_ref().map(|seen| seen.look("SSH")),
        ];
        looks.into_iter().flatten().collect()
    }

    /// Since when every observer of it fails; `None` while one of them sees something.
    pub fn silent_since(&self) -> Option<Moment> {
        let since: Option<Vec<Moment>> = self.looks().iter().map(|look| look.failing.map(|failing| failing.since)).collect();
        since?.into_iter().max()
    }

    /// A time that the machine told by its own clock, by ours: as far as its shell tells how wrong that clock is, and never later
    /// than now. Without it a fast clock makes what happened long ago look as if it were of this second.
    pub fn by_our_clock(&self, theirs: Moment, now: Moment) -> Moment {
        let ahead_ms = self.shell.as_ref().and_then(Seen::value).map_or(0.0, |shell| shell.clock_offset_ms);
        let off = Duration::from_secs_f64((ahead_ms.abs() / 1_000.0).min(CLOCK_OFF_S_MAX));
        let ours = if ahead_ms > 0.0 { theirs.minus(off) } else { theirs.plus(off) };
        ours.min(now)
    }

    pub fn observed_at(&self) -> Option<Moment> {
        self.looks().iter().filter_map(|look| look.observed_at).max()
    }
}
