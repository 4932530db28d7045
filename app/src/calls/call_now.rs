//! One call before it has a record: up, or just over. A call that ended is told as ended until its record is collected, never as a
//! call that does not exist.

use crate::{
    calls::{
        board::Board,
        cdr::Attempt,
        live::{CallState, LiveCall},
    },
    values::{Moment, Tone},
};
use serde::{Deserialize, Serialize};

/// A call as its PBX told it, and the tries at carriers that are written down so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallNow {
    /// When this was read.
    pub at: Moment,
    pub call: LiveCall,
    /// Since its PBX is away.
    pub unknown_since: Option<Moment>,
    /// When its end was heard.
    pub ended_at: Option<Moment>,
    /// Its record is collected: whoever asks again gets that.
    pub recorded: bool,
    pub attempts: Vec<Attempt>,
    /// Why tries at carriers may be missing: the database does not answer.
    pub attempts_unknown: Option<String>,
}

impl CallNow {
    /// The call of this name that is up, or else the one that ended last.
    pub fn find(board: &Board, reference: &str, now: Moment) -> Option<Self> {
        let of = |call: &LiveCall, unknown_since, ended_at| Self {
            at: now,
            call: call.clone(),
            unknown_since,
            ended_at,
            recorded: false,
            attempts: Vec::new(),
            attempts_unknown: None,
        };
        let up = board.find_by_reference(reference).map(|found| of(&found.call, found.unknown_since, None));
        up.or_else(|| board.find_over(reference).map(|(call, at)| of(call, None, Some(at))))
    }

    pub const fn is_up(&self) -> bool {
        self.ended_at.is_none()
    }

    pub fn tone(&self) -> Tone {
        match (self.ended_at, self.unknown_since) {
            (None, None) => self.call.state.tone(),
            _ => Tone::Idle,
        }
    }

    pub fn word(&self) -> &'static str {
        match (self.ended_at, self.unknown_since) {
            (Some(_), _) => "ended",
            (None, Some(_)) => "unknown",
            (None, None) => self.call.state.name(),
        }
    }

    pub fn sentence(&self) -> String {
        let pbx = &self.call.pbx;
        let carrier = self.call.carrier.as_ref().map_or_else(String::new, |carrier| format!(" with {carrier}"));
        match (self.ended_at, self.unknown_since) {
            (Some(at), _) if self.recorded => format!("Ended at {} UTC through {pbx}; its record is collected.", at.time_of_day()),
            (Some(at), _) => {
                format!("Ended at {} UTC through {pbx}; its record is being collected, which takes some seconds.", at.time_of_day())
            }
            (None, Some(since)) => format!(
                "Unknown since {} UTC: {pbx} does not answer. What is shown is what it told last; the call may be over.",
                since.time_of_day()
            ),
            (None, None) => match (self.call.answered_at, self.call.state) {
                (Some(at), _) => format!("Up through {pbx}{carrier}, answered at {} UTC.", at.time_of_day()),
                // A PBX that is heard again tells that a call is up, not since when.
                (None, CallState::Up) => format!("Up through {pbx}{carrier}; when it was answered is not told."),
                (None, state) => format!("Not answered yet: {} through {pbx}{carrier}.", state.name()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::live::PbxEvent;

    fn call() -> LiveCall {
        LiveCall {
            reference: "r@customer-01".into(),
            pbx: "asterisk-01".into(),
            unique_id: "asterisk-01-1".into(),
            channel: "PJSIP/1".into(),
            caller: "12125550100".into(),
            called: "442079460123".into(),
            customer: Some("customer-01".into()),
            carrier: Some("carrier-a".into()),
            state: CallState::Ringing,
            started_at: Moment::from_seconds(1),
            answered_at: None,
            customer_codec: None,
            carrier_codec: None,
        }
    }

    #[test]
    fn a_call_is_told_from_its_first_sign_to_its_record() {
        let (mut board, at) = (Board::default(), Moment::from_seconds);
        assert_eq!(CallNow::find(&board, "r@customer-01", at(2)), None);
        let tell = |board: &mut Board, call: LiveCall, now| board.tell("asterisk-01", PbxEvent::Changed(Box::new(call)), now);
        tell(&mut board, call(), at(2));
        let now = |board: &Board| CallNow::find(board, "r@customer-01", at(9)).expect("it is known");
        assert_eq!(now(&board).sentence(), "Not answered yet: ringing through asterisk-01 with carrier-a.");
        assert_eq!((now(&board).word(), now(&board).tone(), now(&board).is_up()), ("ringing", Tone::Busy, true));
        tell(&mut board, LiveCall { state: CallState::Up, ..call() }, at(3));
        assert_eq!(now(&board).sentence(), "Up through asterisk-01 with carrier-a; when it was answered is not told.");
        tell(&mut board, LiveCall { state: CallState::Up, answered_at: Some(at(3)), ..call() }, at(3));
        assert_eq!(now(&board).sentence(), "Up through asterisk-01 with carrier-a, answered at 00:00:03 UTC.");
        board.away("asterisk-01", at(4));
        assert!(now(&board).sentence().starts_with("Unknown since 00:00:04 UTC: asterisk-01 does not answer."));
        assert_eq!((now(&board).word(), now(&board).tone()), ("unknown", Tone::Idle));
        board.tell("asterisk-01", PbxEvent::All(Vec::new()), at(5));
        let ended = now(&board);
        assert_eq!((ended.word(), ended.is_up(), ended.call.answered_at), ("ended", false, Some(at(3))));
        assert!(ended.sentence().starts_with("Ended at 00:00:05 UTC through asterisk-01; its record is being collected"));
        assert!(CallNow { recorded: true, ..ended }.sentence().ends_with("its record is collected."));
    }
}
