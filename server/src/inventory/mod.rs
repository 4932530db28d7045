//! The inventory as a file: read, checked, and read again when it changes.
//!
//! Invariants: a file with a mistake is refused whole, with every mistake named by line, key and remedy; what was in force stays in
//! force. Reading takes no database and no network.

mod read;
mod rules;

pub use read::{InventoryProblem, load, parse};

#[cfg(test)]
mod tests;
