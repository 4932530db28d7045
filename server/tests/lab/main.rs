//! The lab, tested from outside: the real program builds the real carrier, and calls are placed, machines killed, cables cut.
//!
//! One lab carries all the tests, one test at a time: each leaves it as it found it. Where there is no root or a daemon is missing,
//! every test says that it was skipped, and why.

#![allow(
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has done its work, and its output is the runner's to show"
)]

mod calls;
mod databases;
mod failover;
mod faults;
mod harness;
mod life;
mod networks;
mod nodes;
mod observers;
mod operations;
mod panel;
mod pbx;
mod records;
mod stack;
