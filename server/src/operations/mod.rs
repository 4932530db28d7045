//! Running operations: the journal beside the panel, and the runner that does what comes next.
//!
//! Invariants: nothing is begun that is not in the journal before, on the disk; the journal only grows; one operation at a time has
//! a subject; one process at a time runs operations of a state folder. None of it needs a database.

pub mod desk;
pub mod ground;
#[cfg(test)]
pub mod harness;
pub mod journal;
pub mod last_seen;
pub mod mirror;
pub mod perform;
pub mod runner;
pub mod start;
pub mod steps;
