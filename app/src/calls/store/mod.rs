//! The statements of call records and of the sums made of them. What is one call, and what it counts as, the nouns decide.

pub mod cdr;
pub mod collection;
pub mod days;
pub mod volume;
