//! Calls: those that are up, those that are over, and what they add up to.
//!
//! Words: a [`Call`](live::LiveCall) is live; a `Cdr` is what is left of it when it is over. A *reference* names a call in every log,
//! table and page: the customer's Call-ID.

pub mod board;
pub mod live;
pub mod live_list;

#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod api;
#[cfg(feature = "ssr")]
pub mod state;

#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod pages;
