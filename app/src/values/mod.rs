//! The smallest words of the house: an instant, an amount of bytes, a tone. Every slice may use them; they use nobody.
//!
//! Invariants: no IO, no clock (a function that needs the time takes `now`), no float where money is meant.
//! Absent on purpose: phone numbers and money come with the slices that first need them.

pub mod ids;
pub mod level;
pub mod moment;
pub mod observed;
pub mod port_error;
pub mod prefix;
pub mod quantity;
pub mod query;
pub mod rate_per_minute;
pub mod tone;

pub use ids::{AlertId, OperationId, RequestId, SessionHandle, UserId};
pub use level::Level;
pub use moment::Moment;
pub use observed::{Freshness, Observed};
pub use port_error::{PortError, PortErrorKind};
pub use prefix::Prefix;
pub use query::Query;
pub use rate_per_minute::RatePerMinute;
pub use tone::Tone;
