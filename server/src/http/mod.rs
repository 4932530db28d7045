//! One listener is a *door*. A request passes, from outside in: its id and log line, protection against panics, compression,
//! security headers, the origin check, the body limit, the session, the description of the request; then it reaches a page, a
//! server function, the live stream, an export or a measure.

mod context;
mod describe;
pub mod door;
mod exports;
mod functions;
mod headers;
mod live;
pub mod local;
mod log;
pub mod metrics;
mod origin;
mod pages;
mod status;

pub use context::DoorContext;
pub use door::routes;
