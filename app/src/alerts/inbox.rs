//! The inbox: symptoms become alerts when they hold, and end by themselves when they are gone.
//!
//! A state machine without a clock: [`Inbox::step`] takes `now` and what is seen, and gives what is to be written. It can be
//! written down and read back at any point; what is stored of the open alerts is enough to go on after a restart.

mod person;
#[cfg(test)]
mod tests;

use super::{
    alert::{Alert, AlertChange, AlertEvent, AlertState, EVIDENCE_LINES_MAX, EventKind, Folded, SYMPTOMS_MAX},
    group::Group,
    rule::Symptom,
    silence::Silence,
    subject::{Severity, Subject},
    timing::{FLAP_CLEAR, FLAP_WINDOW, FLAPS_MIN, OPEN_MAX, OPENED_AT_ONCE_MAX, REFRESH_EVERY, timing},
};
use crate::values::{AlertId, Moment, quantity::format_span};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

pub use person::AlertRefusal;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inbox {
    open: BTreeMap<String, Open>,
    /// Symptoms that have not held long enough yet, with the moment they appeared.
    waiting: BTreeMap<String, Moment>,
    /// Alerts that ended lately: identity and opening. What comes back often flaps.
    ended: Vec<(String, Moment)>,
    silences: Vec<Silence>,
    newest_id: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    alert: Alert,
    gone_since: Option<Moment>,
    /// A silence covered it at the last step.
    hushed: bool,
    written_at: Moment,
}

/// What the rules gave, and which open alerts no rule can see just now.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    pub groups: Vec<Group>,
    /// Identities that stay as they are.
    pub frozen: BTreeSet<String>,
    /// Identities of open alerts about what is not in the inventory any more.
    pub undeclared: BTreeSet<String>,
    /// Bad alerts that nobody acknowledged for this long are told to somebody else.
    pub escalate_after: Option<Duration>,
}

impl Inbox {
    /// From what is stored: the open alerts, those that ended lately, and the silences. Nothing of it is told again.
    pub fn restore(open: Vec<Alert>, ended: &[Alert], silences: Vec<Silence>, now: Moment) -> Self {
        let mut inbox = Self { silences, ..Self::default() };
        inbox.ended = ended.iter().map(|alert| (alert.identity(), alert.opened_at)).collect();
        inbox.adopt(open, now);
        inbox
    }

    /// Takes stored alerts into an inbox that began without the database. Gives the ids of its own that the stored ones replace.
    pub fn adopt(&mut self, stored: Vec<Alert>, now: Moment) -> Vec<AlertId> {
        let mut replaced = Vec::new();
        for alert in stored {
            self.newest_id = self.newest_id.max(alert.id.0);
            let hushed = self.is_hushed(&alert, now);
            let open = Open { alert, gone_since: None, hushed, written_at: now };
            if let Some(own) = self.open.insert(open.alert.identity(), open) {
                replaced.push(own.alert.id);
            }
        }
        replaced
    }

    /// Takes what is stored besides open alerts, for an inbox that began without the database.
    pub fn remember(&mut self, ended: &[Alert], silences: Vec<Silence>) {
        self.ended.extend(ended.iter().map(|alert| (alert.identity(), alert.opened_at)));
        self.silences = silences;
    }

    pub fn open(&self) -> impl Iterator<Item = &Alert> {
        self.open.values().map(|open| &open.alert)
    }

    pub fn find(&self, id: AlertId) -> Option<&Alert> {
        self.open().find(|alert| alert.id == id)
    }

    pub fn silences(&self) -> &[Silence] {
        &self.silences
    }

    pub fn state_of(&self, alert: &Alert, now: Moment) -> AlertState {
        alert.state(self.is_hushed(alert, now), now)
    }

    fn is_hushed(&self, alert: &Alert, now: Moment) -> bool {
        alert.silenced_until.is_some_and(|until| until > now) || self.silences.iter().any(|silence| silence.covers(alert, now))
    }

    /// One look. Gives what is to be written, in order.
    pub fn step(&mut self, now: Moment, heard: Heard) -> Vec<AlertChange> {
        let Heard { groups, frozen, undeclared, escalate_after } = heard;
        let mut out = Vec::new();
        self.forget(now);
        let (mut seen, mut below, mut ready) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for group in groups {
            let identity = group.root.identity();
            seen.insert(identity.clone());
            below.extend(group.folded.iter().map(Symptom::identity));
            if self.open.contains_key(&identity) {
                self.refresh(&identity, &group, now, &mut out);
            } else if self.has_held(&group.root, now) {
                ready.push(group);
            }
        }
        self.waiting.retain(|identity, _| seen.contains(identity));
        let storm = self.open_ready(ready, now, &mut out);
        if let Some(storm) = storm {
            let identity = storm.root.identity();
            seen.insert(identity.clone());
            if self.open.contains_key(&identity) {
                self.refresh(&identity, &storm, now, &mut out);
            } else {
                out.push(self.open_alert(&storm, now, now));
            }
        }
        // What waits below a cause that has not held yet is not over.
        let kept = &frozen | &below;
        self.end_undeclared(&seen, &undeclared, now, &mut out);
        self.end_gone(&seen, &kept, now, &mut out);
        self.look_after(escalate_after, now, &mut out);
        out
    }

    /// Drops what no longer counts.
    fn forget(&mut self, now: Moment) {
        self.ended.retain(|(_, opened_at)| now.since(*opened_at) <= FLAP_WINDOW);
        self.silences.retain(|silence| silence.counts(now));
    }

    fn has_held(&mut self, symptom: &Symptom, now: Moment) -> bool {
        let appeared = self.waiting.entry(symptom.identity()).or_insert(now);
        // A clock that was set back must not make it wait for hours.
        *appeared = (*appeared).min(now);
        now.since(*appeared) >= timing(&symptom.key).hold
    }

    /// Opens what has held, up to the bounds. The rest is one alert: forty at once tell less than one.
    fn open_ready(&mut self, ready: Vec<Group>, now: Moment, out: &mut Vec<AlertChange>) -> Option<Group> {
        let room = OPEN_MAX.saturating_sub(self.open.len());
        if ready.len() <= OPENED_AT_ONCE_MAX.min(room) {
            for group in ready {
                let appeared = self.waiting.remove(&group.root.identity()).unwrap_or(now);
                out.push(self.open_alert(&group, appeared, now));
            }
            return None;
        }
        let severity = ready.iter().map(|group| group.root.severity).max().unwrap_or(Severity::Bad);
        let sentence = format!("{} more things are wrong at once; they are listed here instead of one by one.", ready.len());
        let root = Symptom::new("alerts.storm", Subject::panel(), severity, sentence);
        Some(Group { root, folded: ready.into_iter().map(|group| group.root).collect() })
    }

    fn open_alert(&mut self, group: &Group, appeared: Moment, now: Moment) -> AlertChange {
        let Group { root, folded } = group;
        let id = u64::try_from(now.millis()).unwrap_or(0).max(self.newest_id + 1);
        self.newest_id = id;
        let identity = root.identity();
        let times = 1 + self.ended.iter().filter(|(ended, _)| *ended == identity).count();
        let flapping = times >= FLAPS_MIN;
        let alert = Alert {
            id: AlertId(id),
            key: root.key.clone(),
            subject: root.subject.clone(),
            severity: root.severity,
            sentence: root.sentence.clone(),
            evidence: root.evidence.iter().take(EVIDENCE_LINES_MAX).cloned().collect(),
            symptoms: folded.iter().take(SYMPTOMS_MAX).map(Folded::of).collect(),
            since: root.since.map_or(appeared, |since| since.min(appeared)),
            opened_at: now,
            resolved_at: None,
            acknowledged: None,
            assigned: None,
            silenced_until: None,
            flapping,
            escalated_at: None,
            told: false,
            changes: 0,
        };
        let hushed = self.is_hushed(&alert, now);
        let mut open = Open { alert, gone_since: None, hushed, written_at: now };
        let (kind, text) = if flapping {
            let minutes = FLAP_WINDOW.as_secs() / 60;
            (EventKind::Flapping, format!("It came {times} times within {minutes} minutes; it stays open until it is calm."))
        } else {
            (EventKind::Opened, String::new())
        };
        let change = open.change(kind, None, text, now);
        self.open.insert(identity, open);
        change
    }

    fn refresh(&mut self, identity: &str, group: &Group, now: Moment, out: &mut Vec<AlertChange>) {
        let Some(open) = self.open.get_mut(identity) else { return };
        open.gone_since = None;
        let differs = open.alert.refresh(&group.root, &group.folded);
        let (old, new) = (open.alert.severity, group.root.severity);
        if old != new {
            open.alert.severity = new;
            out.push(open.change(EventKind::Changed, None, format!("It was {} and is {} now.", old.name(), new.name()), now));
        } else if differs && now.since(open.written_at) >= REFRESH_EVERY {
            open.written_at = now;
            out.push(AlertChange { alert: open.alert.clone(), event: None, tells: false });
        }
    }

    /// Ends what is about something that is no longer ours. It is not well again, so that is not said; and there is nothing to wait for.
    fn end_undeclared(&mut self, seen: &BTreeSet<String>, undeclared: &BTreeSet<String>, now: Moment, out: &mut Vec<AlertChange>) {
        for identity in undeclared.difference(seen) {
            let Some(mut open) = self.open.remove(identity) else { continue };
            open.alert.resolved_at = Some(now);
            let text = format!("{} is not in the inventory any more; the panel looks at it no longer.", open.alert.subject.name);
            out.push(open.change(EventKind::Resolved, None, text, now));
            self.ended.push((identity.clone(), open.alert.opened_at));
        }
    }

    /// Ends what is gone for long enough, or is part of another alert now.
    fn end_gone(&mut self, seen: &BTreeSet<String>, kept: &BTreeSet<String>, now: Moment, out: &mut Vec<AlertChange>) {
        let mut folded: BTreeMap<String, String> = BTreeMap::new();
        for (_, open) in self.open.iter().filter(|(identity, _)| seen.contains(*identity)) {
            for symptom in &open.alert.symptoms {
                folded.insert(super::rule::identity(&symptom.key, &symptom.subject), open.alert.sentence.clone());
            }
        }
        let mut ended = Vec::new();
        for (identity, open) in self.open.iter_mut().filter(|(identity, _)| !seen.contains(*identity)) {
            if let Some(cause) = folded.get(identity) {
                open.alert.resolved_at = Some(now);
                out.push(open.change(EventKind::Resolved, None, format!("It is part of another alert now: {cause}"), now));
                ended.push((identity.clone(), open.alert.opened_at));
                continue;
            }
            if kept.contains(identity) {
                open.gone_since = None;
                continue;
            }
            let gone_since = *open.gone_since.get_or_insert(now);
            let clear = if open.alert.flapping { FLAP_CLEAR } else { timing(&open.alert.key).clear };
            if now.since(gone_since) >= clear {
                open.alert.resolved_at = Some(now);
                let lasted = format_span(gone_since.since(open.alert.since));
                out.push(open.change(EventKind::Resolved, None, format!("It ended by itself after {lasted}."), now));
                ended.push((identity.clone(), open.alert.opened_at));
            }
        }
        for (identity, opened_at) in ended {
            self.open.remove(&identity);
            self.ended.push((identity, opened_at));
        }
    }

    /// Silences that ended, and alerts that nobody looks after.
    fn look_after(&mut self, escalate_after: Option<Duration>, now: Moment, out: &mut Vec<AlertChange>) {
        let hushed: Vec<(String, bool)> =
            self.open.iter().map(|(identity, open)| (identity.clone(), self.is_hushed(&open.alert, now))).collect();
        for (identity, hushed) in hushed {
            let Some(open) = self.open.get_mut(&identity) else { continue };
            let was = std::mem::replace(&mut open.hushed, hushed);
            if was && !hushed {
                open.alert.silenced_until = None;
                out.push(open.change(EventKind::Unsilenced, None, "The silence is over and it is still wrong.".into(), now));
            }
            let alert = &open.alert;
            let alone = alert.severity == Severity::Bad && alert.acknowledged.is_none() && alert.escalated_at.is_none() && !hushed;
            let after = escalate_after.filter(|after| alone && now.since(alert.opened_at) >= *after);
            if let Some(after) = after {
                open.alert.escalated_at = Some(now);
                out.push(open.change(
                    EventKind::Escalated,
                    None,
                    format!("Nobody acknowledged it for {}.", format_span(after)),
                    now,
                ));
            }
        }
    }
}

impl Open {
    /// Numbers an event, and says whether the world hears of it.
    fn change(&mut self, kind: EventKind, who: Option<&str>, text: String, now: Moment) -> AlertChange {
        let tells = match kind {
            EventKind::Opened | EventKind::Flapping | EventKind::Escalated => !self.hushed,
            // Somebody who looks after it knows; it is told only when it got worse.
            EventKind::Changed => !self.hushed && self.alert.severity == Severity::Bad,
            EventKind::Unsilenced => !self.hushed && self.alert.acknowledged.is_none(),
            EventKind::Resolved => self.alert.told,
            EventKind::Acknowledged | EventKind::Assigned | EventKind::Silenced => false,
        };
        self.alert.told |= tells;
        self.alert.changes += 1;
        self.written_at = now;
        let event = AlertEvent { seq: self.alert.changes, at: now, kind, who: who.map(Into::into), text };
        AlertChange { alert: self.alert.clone(), event: Some(event), tells }
    }
}
