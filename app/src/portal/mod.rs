//! The customers' door. Its functions take the account from the session, never from the browser.
//!
//! Invariants: nothing here reaches a staff function: the portal's listener does not have it.
//!
//! Absent on purpose, until billing lands: balance, calls, statements, top-up. The page says so instead of showing a zero.

#[cfg(feature = "ssr")]
pub mod pages;
