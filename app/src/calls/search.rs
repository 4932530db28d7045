//! What a person typed into the search of call records, before it is looked for: a value that cannot be read is told at its field,
//! because a search that leaves it out would show more than was asked for, and look like an answer.

use crate::{
    calls::{
        cdr::{CdrFilter, CdrKey},
        outcome::Outcome,
    },
    error::{AppError, Problem},
    values::{Moment, Query},
};

/// Columns of the table hold no longer number (E.164 allows 15 digits; some carriers put a code before it).
const DIGITS_MAX: usize = 18;
/// Q.850 has seven bits for a cause.
const CAUSE_MAX: u16 = 127;

/// Refuses a search with anything in it that cannot be read.
pub fn check(query: &Query) -> Result<(), AppError> {
    let problems = problems(query);
    if problems.is_empty() { Ok(()) } else { Err(AppError::wrong(problems)) }
}

/// What is wrong with the fields of the search; `at` is the field's name in the address.
pub fn problems(query: &Query) -> Vec<Problem> {
    let wrong = |key: &str, expected: &str, right: fn(&str) -> bool| {
        query.get(key).filter(|text| !right(text)).map(|text| Problem::new(key, text, expected))
    };
    let moment = "a date, or a date and a time, in UTC like 2026-11-22 03:12";
    let mut problems: Vec<Problem> = [
        wrong("number", "up to 18 digits, like +44 20 7946 0123, 0044 20 7946 0123 or the first few of them", is_number),
        wrong("cause", "a Q.850 cause from 0 to 127, like 17", |text| text.parse().is_ok_and(|cause: u16| cause <= CAUSE_MAX)),
        wrong("status", "a SIP status from 100 to 699, like 503", |text| {
            text.parse().is_ok_and(|status: u16| (100..700).contains(&status))
        }),
        wrong("outcome", "one of the outcomes", |text| Outcome::parse(text).is_some()),
        wrong("from", moment, |text| Moment::parse(text).is_some()),
        wrong("to", moment, |text| Moment::parse(text).is_some()),
        wrong("below", "a place in the list; take the link to the newest", |text| text.parse::<CdrKey>().is_ok()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let filter = CdrFilter::from_query(query);
    if let (Some(from), Some(to)) = (filter.from, filter.to)
        && from >= to
    {
        problems.push(Problem::new("to", to.to_string(), format!("a moment after {from}")));
    }
    problems
}

/// Digits with the marks that people write between them.
fn is_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let plus_first = !text.trim_start().chars().skip(1).any(|c| c == '+');
    let known = text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+-–()./".contains(c));
    // The two zeros of an international call are no part of the number.
    let zeros = if text.trim_start().starts_with("00") { 2 } else { 0 };
    known && plus_first && (1..=DIGITS_MAX + zeros).contains(&digits) && digits > zeros
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(query: &str) -> Vec<String> {
        problems(&Query::parse(query)).into_iter().map(|problem| problem.at).collect()
    }

    #[test]
    fn a_number_may_be_written_as_people_write_it() {
        for right in ["+44 20 7946-0123", "0044 20", "(212) 555.0123", "4", "00 123456789012345678"] {
            assert!(is_number(right), "{right}");
        }
        for wrong in ["", "+", "00", "44 ext 5", "4+4", "1234567890123456789", "４４", "%", "44*"] {
            assert!(!is_number(wrong), "{wrong}");
        }
    }

    #[test]
    fn each_wrong_field_is_named_and_a_blank_one_is_none() {
        assert!(fields("").is_empty());
        assert!(fields("number=+&cause=&from=&col=x&sort=y").is_empty());
        assert!(fields("number=%2B44&cause=0&status=503&outcome=busy&from=2026-11-22&to=2026-11-22+01:00").is_empty());
        assert_eq!(
            fields("number=x&cause=128&status=99&outcome=fine&from=22.11.&to=soon&below=1"),
            ["number", "cause", "status", "outcome", "from", "to", "below"]
        );
    }

    #[test]
    fn a_time_that_ends_before_it_begins_is_told_at_its_end() {
        assert_eq!(fields("from=2026-11-22&to=2026-11-22"), ["to"]);
        assert_eq!(fields("from=2026-11-22&to=2026-11-21"), ["to"]);
    }
}
