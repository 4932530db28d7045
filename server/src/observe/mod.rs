//! The observers: what looks at the carrier every so often, and what becomes of what it saw.
//!
//! Words: a *look* is one question to one system; a *round* is the time between two looks; a *watch* is all observers of one
//! inventory, running in one place.
//!
//! Invariants: every look has a deadline and a schedule of its own, so that one bad machine delays no other; the log has a line
//! when a state changes, not one a round; a watch that ends leaves nothing behind.
//!
//! Not here: how a system is asked (`adapters`), and what an answer means (`app::fleet::judge`).

mod certificates;
mod collect;
pub mod flows;
pub mod hang_up;
pub mod hosts;
pub mod inventory;
mod local_records;
mod networks;
pub mod place;
mod relay;
pub mod rounds;
pub mod shell;
pub mod watch;
