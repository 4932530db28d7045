//! What of the board is shown: filter, order and page, all from the query of the page's address.

use super::{
    board::{Board, BoardCall, Counts},
    live::{CallState, LiveCall},
};
use crate::{
    ui::table_view::TableView,
    values::{Moment, Query},
};
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, collections::BTreeSet};

/// One page of live calls, and what all of them add up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveList {
    pub at: Moment,
    pub counts: Counts,
    /// All that pass the filter.
    pub total: u64,
    /// Those of this page.
    pub calls: Vec<BoardCall>,
    /// The one the address asks about (`call=` its unique id, `pbx=`), if it is still there.
    pub chosen: Option<BoardCall>,
    /// What there is to choose from: carriers and customers that have calls, PBXs.
    pub carriers: BTreeSet<String>,
    pub customers: BTreeSet<String>,
    pub pbxs: BTreeSet<String>,
}

/// Which calls are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveFilter {
    /// A part of a number or of the reference.
    pub q: Option<String>,
    pub customer: Option<String>,
    pub carrier: Option<String>,
    pub pbx: Option<String>,
    pub state: Option<CallState>,
    pub transcoding: bool,
}

impl LiveFilter {
    pub fn from_query(query: &Query) -> Self {
        let text = |key: &str| query.get(key).map(Into::into);
        // People write numbers with a plus and blanks.
        let q = query.get("q").map(|q| match q.chars().all(|c| c.is_ascii_digit() || "+-() ".contains(c)) {
            true => q.chars().filter(char::is_ascii_digit).collect(),
            false => q.to_lowercase(),
        });
        Self {
            q,
            customer: text("customer"),
            carrier: text("carrier"),
            pbx: text("on"),
            state: query.get("state").and_then(CallState::parse),
            transcoding: query.get("codec") == Some("transcoding"),
        }
    }

    pub fn passes(&self, call: &LiveCall) -> bool {
        let is = |wanted: &Option<String>, value: Option<&String>| wanted.is_none() || wanted.as_ref() == value;
        self.q
            .as_ref()
            .is_none_or(|q| call.caller.contains(q) || call.called.contains(q) || call.reference.to_lowercase().contains(q))
            && is(&self.customer, call.customer.as_ref())
            && is(&self.carrier, call.carrier.as_ref())
            && is(&self.pbx, Some(&call.pbx))
            && self.state.is_none_or(|state| state == call.state)
            && (!self.transcoding || call.transcodes())
    }
}

/// By a column of the table; the youngest call first unless the address says otherwise.
fn compare(column: Option<&str>, a: &LiveCall, b: &LiveCall) -> Ordering {
    let youngest = || b.started_at.cmp(&a.started_at).then_with(|| b.unique_id.cmp(&a.unique_id));
    let by_column = match column {
        Some("caller") => a.caller.cmp(&b.caller),
        Some("called") => a.called.cmp(&b.called),
        Some("customer") => a.customer.cmp(&b.customer),
        Some("carrier") => a.carrier.cmp(&b.carrier),
        Some("pbx") => a.pbx.cmp(&b.pbx),
        Some("state") => (a.state as u8).cmp(&(b.state as u8)),
        Some("codec") => (a.transcodes(), &a.customer_codec).cmp(&(b.transcodes(), &b.customer_codec)),
        _ => Ordering::Equal,
    };
    by_column.then_with(youngest)
}

impl LiveList {
    pub fn read(board: &Board, query: &Query, now: Moment) -> Self {
        let (filter, view) = (LiveFilter::from_query(query), TableView::from_query(query));
        let mut list = Self { at: now, counts: board.counts(now), ..Self::default() };
        let mut passed: Vec<(&LiveCall, Option<Moment>)> = Vec::new();
        for (call, unknown_since) in board.calls() {
            let is_chosen = query.get("call") == Some(&call.unique_id) && query.get("pbx") == Some(&call.pbx);
            if is_chosen {
                list.chosen = Some(BoardCall { call: call.clone(), unknown_since });
            }
            if filter.passes(call) {
                passed.push((call, unknown_since));
            }
        }
        passed.sort_by(|(a, _), (b, _)| {
            let order = compare(view.sort.as_deref(), a, b);
            if view.descending { order.reverse() } else { order }
        });
        list.total = passed.len() as u64;
        let page = passed.into_iter().skip(view.offset() as usize).take(view.rows as usize);
        list.calls = page.map(|(call, unknown_since)| BoardCall { call: call.clone(), unknown_since }).collect();
        list.carriers = list.counts.by_carrier.keys().cloned().collect();
        list.customers = list.counts.by_customer.keys().cloned().collect();
        list.pbxs = list.counts.by_pbx.keys().chain(list.counts.away.keys()).cloned().collect();
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::live::PbxEvent;

    fn call(number: u32, carrier: &str, started: i64) -> LiveCall {
        LiveCall {
            reference: format!("Ref{number}@customer-01"),
            pbx: "asterisk-01".into(),
            unique_id: format!("asterisk-01-{number}"),
            channel: format!("PJSIP/{number}"),
            caller: format!("1212555{number:04}"),
            called: "442079460123".into(),
            customer: Some("customer-01".into()),
            carrier: Some(carrier.into()),
            state: CallState::Up,
            started_at: Moment::from_seconds(started),
            answered_at: None,
            customer_codec: Some("alaw".into()),
            carrier_codec: Some(if number == 3 { "ulaw" } else { "alaw" }.into()),
        }
    }

    fn read(query: &str) -> LiveList {
        let mut board = Board::default();
        let calls = vec![call(1, "carrier-b", 10), call(2, "carrier-a", 30), call(3, "carrier-a", 20)];
        board.tell("asterisk-01", PbxEvent::All(calls), Moment::from_seconds(40));
        LiveList::read(&board, &Query::parse(query), Moment::from_seconds(40))
    }

    fn shown(query: &str) -> Vec<u32> {
        let number = |one: &BoardCall| one.call.channel.trim_start_matches("PJSIP/").parse().expect("a number");
        read(query).calls.iter().map(number).collect()
    }

    #[test]
    fn the_youngest_call_is_first_and_every_column_sorts() {
        assert_eq!(shown(""), [2, 3, 1]);
        assert_eq!(shown("desc=1"), [1, 3, 2]);
        assert_eq!(shown("sort=carrier"), [2, 3, 1]);
        assert_eq!(shown("sort=caller&desc=1"), [3, 2, 1]);
        assert_eq!(shown("sort=codec&desc=1")[0], 3, "calls that transcode stand together");
        assert_eq!(shown("sort=nonsense"), [2, 3, 1]);
    }

    #[test]
    fn a_number_is_found_however_it_is_written_and_a_reference_by_its_beginning() {
        assert_eq!(shown("q=%2B1+(212)+555-0002"), [2]);
        assert_eq!(shown("q=ref3%40"), [3]);
        assert_eq!(shown("q=nobody"), [0u32; 0]);
    }

    #[test]
    fn filters_narrow_and_the_counts_stay_those_of_all() {
        assert_eq!(shown("carrier=carrier-b"), [1]);
        assert_eq!(shown("codec=transcoding"), [3]);
        assert_eq!(shown("state=ringing"), [0u32; 0]);
        assert_eq!(shown("state=purple&on=asterisk-01"), [2, 3, 1]);
        let list = read("carrier=carrier-b");
        assert_eq!((list.total, list.counts.concurrent, list.carriers.len()), (1, 3, 2));
        assert_eq!(read("rows=25&page=2").calls, []);
    }

    #[test]
    fn the_call_asked_about_is_found_on_whatever_page_it_is() {
        let list = read("page=7&call=asterisk-01-3&pbx=asterisk-01");
        assert_eq!((list.calls.len(), list.chosen.map(|one| one.call.channel)), (0, Some("PJSIP/3".into())));
        assert_eq!(read("call=asterisk-01-9&pbx=asterisk-01").chosen, None);
    }
}
