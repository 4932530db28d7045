//! What runs without anyone looking: the two doors, the private MariaDB, the background tasks, the command line.
//!
//! Reading order: `cli::serve` is the start-up in order; `wiring` puts the panel together; `http::door` is one listener.

pub mod adapters;
pub mod cdr;
pub mod cli;
pub mod config;
pub mod credentials;
pub mod database;
pub mod files;
pub mod http;
pub mod inventory;
pub mod lab;
pub mod nearest;
pub mod notices;
pub mod observe;
pub mod operations;
pub mod process;
pub mod site;
pub mod stack;
pub mod tasks;
pub mod wiring;
