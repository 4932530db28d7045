//! Calls: those that are up, those that are over, and what they add up to.
//!
//! Words: a [`Call`](live::LiveCall) is live; a [`Cdr`](cdr::Cdr) is what is left of it when it is over; an
//! [`Attempt`](cdr::Attempt) is one try at one carrier. A *reference* names a call in every log, table and page: the customer's
//! Call-ID. *Volume* is what many calls add up to, by minute, hour and day.
//!
//! Invariants: a call is counted once, in the minute it began, however often and however late its record is told.

pub mod board;
pub mod call_now;
pub mod live;
pub mod live_list;

#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod api;
pub mod cdr;
pub mod codec_policy;
pub mod destination;
pub mod ladder;
pub mod outcome;
pub mod range;
pub mod search;
pub mod sources;
#[cfg(feature = "ssr")]
pub mod state;
pub mod tally;
pub mod volume;
pub mod volume_question;

#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod columns;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod history;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod store;
