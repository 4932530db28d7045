//! What a person does to an alert.

use super::{Inbox, Open};
use crate::{
    alerts::{
        alert::{Acknowledgement, AlertChange, EventKind},
        silence::{SILENCE_MAX, Silence},
    },
    values::{AlertId, Moment, quantity::format_span},
};
use std::time::Duration;

/// Why an alert is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlertRefusal {
    #[error("This alert is over; there is nothing to look after. Nothing was changed.")]
    Over,
    #[error("{by} has acknowledged it already, with the same words. Nothing was changed.")]
    Acknowledged { by: String },
    #[error("A silence lasts from one minute to seven days. Nothing was changed.")]
    SilenceLength,
    #[error("It is not silenced by itself. Nothing was changed.")]
    NotSilenced,
    #[error("This silence is over already. Nothing was changed.")]
    SilenceOver,
}

impl Inbox {
    fn open_by_id(&mut self, id: AlertId) -> Result<&mut Open, AlertRefusal> {
        self.open.values_mut().find(|open| open.alert.id == id).ok_or(AlertRefusal::Over)
    }

    /// With a comment that all see. A second person, or a second comment, takes the place of the first; the history keeps both.
    pub fn acknowledge(&mut self, id: AlertId, by: &str, comment: &str, now: Moment) -> Result<AlertChange, AlertRefusal> {
        let open = self.open_by_id(id)?;
        if let Some(known) = open.alert.acknowledged.as_ref().filter(|known| known.by == by && known.comment == comment) {
            return Err(AlertRefusal::Acknowledged { by: known.by.clone() });
        }
        open.alert.acknowledged = Some(Acknowledgement { by: by.into(), at: now, comment: comment.into() });
        if open.alert.assigned.is_none() {
            open.alert.assigned = Some(by.into());
        }
        Ok(open.change(EventKind::Acknowledged, Some(by), comment.into(), now))
    }

    /// To nobody where `to` is blank.
    pub fn assign(&mut self, id: AlertId, by: &str, to: &str, now: Moment) -> Result<AlertChange, AlertRefusal> {
        let open = self.open_by_id(id)?;
        open.alert.assigned = Some(to.to_string()).filter(|to| !to.is_empty());
        let text = if to.is_empty() { "To nobody.".into() } else { format!("To {to}.") };
        Ok(open.change(EventKind::Assigned, Some(by), text, now))
    }

    pub fn silence(&mut self, id: AlertId, by: &str, span: Duration, now: Moment) -> Result<AlertChange, AlertRefusal> {
        let span = silence_span(span)?;
        let open = self.open_by_id(id)?;
        let until = now.plus(span);
        (open.alert.silenced_until, open.hushed) = (Some(until), true);
        Ok(open.change(EventKind::Silenced, Some(by), format!("For {}, until {until} UTC.", format_span(span)), now))
    }

    /// Ends the silence of this alert alone; one over rules and subjects ends by itself or by its own.
    pub fn unsilence(&mut self, id: AlertId, by: &str, now: Moment) -> Result<AlertChange, AlertRefusal> {
        let by_rule = {
            let alert = self.find(id).ok_or(AlertRefusal::Over)?;
            self.silences.iter().any(|silence| silence.covers(alert, now))
        };
        let open = self.open_by_id(id)?;
        if open.alert.silenced_until.take().is_none_or(|until| until <= now) {
            return Err(AlertRefusal::NotSilenced);
        }
        open.hushed = by_rule;
        Ok(open.change(EventKind::Unsilenced, Some(by), "By hand.".into(), now))
    }

    /// A silence over every alert, open or to come, whose rule and subject fit.
    pub fn add_silence(&mut self, draft: Silence) -> Result<Silence, AlertRefusal> {
        silence_span(draft.until.since(draft.created_at))?;
        let newest = self.silences.iter().map(|silence| silence.id).max().unwrap_or(0);
        let id = u64::try_from(draft.created_at.millis()).unwrap_or(0).max(newest + 1);
        let silence = Silence { id, ..draft };
        self.silences.push(silence.clone());
        Ok(silence)
    }

    pub fn end_silence(&mut self, id: u64, now: Moment) -> Result<Silence, AlertRefusal> {
        let silence = self.silences.iter_mut().find(|silence| silence.id == id && silence.counts(now));
        let silence = silence.ok_or(AlertRefusal::SilenceOver)?;
        silence.ended_at = Some(now);
        Ok(silence.clone())
    }
}

fn silence_span(span: Duration) -> Result<Duration, AlertRefusal> {
    if span < Duration::from_secs(60) || span > SILENCE_MAX { Err(AlertRefusal::SilenceLength) } else { Ok(span) }
}
