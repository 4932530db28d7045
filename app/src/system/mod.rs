//! The panel itself: its database, its background tasks, its load, its disk. The page one opens when the panel is the suspect.
//!
//! Words: a *task* is something the panel does by itself every so often; a *sample* is one measurement of the panel's own load;
//! a *change* is one line of "what happened here lately".
//!
//! Invariants: everything on this page is read from memory, so it works while the database is away; a value older than three of
//! its rounds reads unknown.
//!
//! Absent on purpose: the machines of the carrier (slice `fleet`).

pub mod ring;
pub mod snapshot;

#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod api;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod state;
