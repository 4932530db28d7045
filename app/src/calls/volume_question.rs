//! What a person asks of call volume, in the address of its page: the cut, one name of it, the range. What cannot be read is told at
//! its field; the last hour in its place would look like an answer.

use crate::{
    calls::{
        range::{CUSTOM_DAYS_MAX, Range},
        tally::UNKNOWN,
        volume::Grouping,
    },
    error::{AppError, Problem},
    values::{Moment, Query},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a page or command asks for: `by`, `name`, and the range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeQuestion {
    pub grouping: Grouping,
    pub only: Option<String>,
    pub range: Range,
}

impl VolumeQuestion {
    pub fn from_query(query: &Query) -> Self {
        Self {
            grouping: query.get("by").and_then(Grouping::parse).unwrap_or_default(),
            only: query.get("name").map(Into::into),
            range: Range::from_query(query),
        }
    }

    pub fn to_query(&self, query: &Query) -> Query {
        let query = self.range.to_query(query).with("by", self.grouping.name());
        match &self.only {
            Some(name) => query.with("name", name.clone()),
            None => query.without("name"),
        }
    }

    /// Refuses a question with anything in it that cannot be read.
    pub fn check(query: &Query) -> Result<(), AppError> {
        let problems = Self::problems(query);
        if problems.is_empty() { Ok(()) } else { Err(AppError::wrong(problems)) }
    }

    /// What is wrong with it; `at` is the field's name in the address.
    pub fn problems(query: &Query) -> Vec<Problem> {
        let mut problems = Vec::new();
        let by = query.get("by").unwrap_or(Grouping::Total.name());
        match Grouping::parse(by) {
            None => problems.push(Problem::new("by", by, "total, carrier, customer, destination or pbx")),
            Some(Grouping::Total) if query.get("name").is_some() => {
                problems.push(Problem::new("by", by, "carrier, customer, destination or pbx, because one name is asked for"));
            }
            Some(_) => {}
        }
        let range = query.get("range");
        let fixed = range.filter(|name| Range::FIXED.iter().any(|range| range.name() == *name));
        let custom = range == Some("custom") || range.is_none() && (query.get("from").is_some() || query.get("to").is_some());
        match range {
            _ if custom => problems.extend(of_custom(query)),
            Some(name) if fixed.is_none() => problems.push(Problem::new("range", name, "live, 1h, 24h, 7d, 30d or custom")),
            _ => {}
        }
        problems
    }
}

fn of_custom(query: &Query) -> Vec<Problem> {
    let read = |key: &str| {
        let text = query.get(key).unwrap_or_default();
        let moment = || Problem::new(key, text, "a date, or a date and a time, in UTC like 2026-11-22 03:12");
        Moment::parse(text).ok_or_else(moment)
    };
    let wrong = |expected: String| vec![Problem::new("to", query.get("to").unwrap_or_default(), expected)];
    match (read("from"), read("to")) {
        (Ok(from), Ok(to)) if from >= to => wrong(format!("a moment after {from}")),
        (Ok(from), Ok(to)) if to.since(from) > Duration::from_secs(CUSTOM_DAYS_MAX * 86_400) => {
            wrong(format!("a moment at most {CUSTOM_DAYS_MAX} days after {from}"))
        }
        (from, to) => [from.err(), to.err()].into_iter().flatten().collect(),
    }
}

/// The records behind a cut and a time, as a search of them; `None` where no search says it: a record that names no customer or no
/// PBX cannot be asked for by a name.
pub fn records_behind(grouping: Grouping, name: Option<&str>, from: Moment, to: Moment) -> Option<Query> {
    let query = Query::default().with("from", from.rfc3339()).with("to", to.rfc3339());
    match (grouping, name) {
        (Grouping::Total, _) | (_, None) => Some(query),
        (Grouping::Customer | Grouping::Pbx, Some(UNKNOWN)) => None,
        (grouping, Some(name)) => Some(query.with(grouping.name(), name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::cdr::CdrFilter;

    fn fields(query: &str) -> Vec<String> {
        VolumeQuestion::problems(&Query::parse(query)).into_iter().map(|problem| problem.at).collect()
    }

    #[test]
    fn a_question_survives_the_address() {
        for text in ["by=carrier&range=7d", "by=customer&name=acme&range=live", "from=2026-11-01&to=2026-11-02T05:00&by=pbx"] {
            let question = VolumeQuestion::from_query(&Query::parse(text));
            assert_eq!(VolumeQuestion::from_query(&question.to_query(&Query::default())), question, "{text}");
            assert!(fields(text).is_empty(), "{text}");
        }
        assert!(fields("").is_empty());
        let long = VolumeQuestion::from_query(&Query::parse("from=1970-01-01&to=2026-11-02"));
        assert!(long.range.span(Moment::EPOCH).buckets().count() <= 401, "a chart has an end");
    }

    #[test]
    fn what_cannot_be_read_is_told_at_its_field() {
        assert_eq!(fields("range=5y&by=moon"), ["by", "range"]);
        assert_eq!(fields("by=total&name=acme"), ["by"], "all calls have no name");
        assert_eq!(fields("range=custom"), ["from", "to"]);
        assert_eq!(fields("range=custom&from=22.11.2026&to=2026-11-22"), ["from"]);
        assert_eq!(fields("range=custom&from=2026-11-22&to=2026-11-22"), ["to"]);
        assert_eq!(fields("from=2026-11-02&to=2026-11-01"), ["to"]);
        assert_eq!(fields("from=2026-11-02"), ["to"], "an end is missing");
        assert_eq!(fields("range=custom&from=2024-01-01&to=2026-11-22"), ["to"], "longer than is shown");
        assert!(fields("range=custom&from=2026-11-21&to=2026-11-22+03:12").is_empty());
        assert!(VolumeQuestion::check(&Query::parse("range=5y")).is_err());
    }

    #[test]
    fn the_records_behind_a_point_have_its_cut_name_and_time() {
        let at = Moment::from_seconds;
        let behind = |grouping, name| records_behind(grouping, name, at(60), at(120));
        for grouping in [Grouping::Carrier, Grouping::Customer, Grouping::Destination, Grouping::Pbx] {
            let query = behind(grouping, Some("some")).expect("a search says it");
            let filter = CdrFilter::from_query(&query);
            assert_eq!((filter.from, filter.to, query.get(grouping.name())), (Some(at(60)), Some(at(120)), Some("some")));
            assert_ne!(CdrFilter { from: None, to: None, ..filter }, CdrFilter::default(), "{grouping:?} is a condition");
        }
        assert_eq!(behind(Grouping::Customer, Some(UNKNOWN)), None);
        assert_eq!(behind(Grouping::Pbx, Some(UNKNOWN)), None);
        assert!(behind(Grouping::Total, Some("total")).is_some_and(|query| query.get("total").is_none()));
    }
}
