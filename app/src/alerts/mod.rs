//! What is wrong: rules over what was observed, and the inbox of alerts they raise.
//!
//! Words: a [`Symptom`](rule::Symptom) is what a rule sees now; symptoms with one cause are a [`Group`](group::Group); a group that
//! lasts becomes an [`Alert`](alert::Alert) in the [`Inbox`](inbox::Inbox); each thing that happens to an alert is an
//! [`AlertEvent`](alert::AlertEvent); what the world is told of it is a [`Telling`](telling::Telling), kept in the outbox `notices`.
//!
//! Invariants:
//! - Rules are pure: the same observations give the same symptoms. A rule that cannot see now ends no alert.
//! - One cause is one alert: what a dead machine takes with it is folded under it.
//! - Each change of an alert has a number; a receiver has one row in the outbox for it, whatever is killed when.
//! - The panel that is blind says so, and nothing else.
//!
//! Not here: the judging of one machine (`fleet`), and the actions against what is wrong (operations).

pub mod alert;
pub mod band;
pub mod filter;
pub mod group;
pub mod inbox;
pub mod links;
pub mod rule;
pub mod rules;
pub mod silence;
pub mod subject;
pub mod telling;
pub mod timing;
pub mod trend;
pub mod window;

#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod api;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod state;
#[cfg(feature = "ssr")]
pub mod store;
