//! The running panel, tested from outside: the real program against a real MariaDB, over HTTP and the command line.
//!
//! Each test has a panel and a database of its own; one private MariaDB carries all the databases. A test fails when the panel
//! logs a line at warning or above that the test did not announce, and when anything it started is still running afterwards.

#![allow(
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has done its work, and its output is the runner's to show"
)]

mod accounts;
mod alerts;
mod audit;
mod browser;
mod cable;
mod cdr;
mod cdr_behind;
mod cdr_local;
mod cdr_search;
mod doors;
mod fleet_pages;
mod fleet_store;
mod full_disk;
mod guards;
mod hang_up;
mod harness;
mod hook;
mod inventory;
mod live;
mod operation_pages;
mod operations;
mod pin;
mod private_database;
mod second_step;
mod sessions;
mod several_panels;
mod start;
mod store;
mod volume_alerts;
