//! The server functions of the fleet.

pub mod measures;
pub mod networks;
