//! What a minute costs, and which carrier gets the call.
//!
//! Words: a carrier's [`Prefix`](crate::values::prefix::Prefix) has a rate; a number's *longest match* in a carrier's table is what
//! that carrier would charge; a *route* is the carriers for a prefix, cheapest first.
//!
//! Invariants: each carrier is asked for its own longest match first, and only then do prices decide. Never the cheapest of all
//! matching prefixes: the shorter, cheaper code of a carrier is not what it will bill.
//!
//! Not here yet: reading sheets, dates, increments, sell tables.

pub mod flattened;
