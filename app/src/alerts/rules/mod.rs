//! The rules, by what they look at, and which of them can see just now.

pub mod certificate;
pub mod findings;
pub mod inventory;
pub mod isolation;
pub mod panel;
pub mod reach;
pub mod records;
pub mod resources;
pub mod sight;
#[cfg(test)]
mod tests;
pub mod volume;
