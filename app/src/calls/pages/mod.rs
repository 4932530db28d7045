//! Pages of the slice; the parts that live are islands beside them.

#[cfg(feature = "ssr")]
pub mod beside;
#[cfg(feature = "ssr")]
pub mod call;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod call_now;
#[cfg(feature = "ssr")]
pub mod cdrs;
#[cfg(feature = "ssr")]
mod incomplete;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
mod ladder_view;
#[cfg(feature = "ssr")]
pub mod live;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod live_table;
#[cfg(feature = "ssr")]
pub mod volume;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod volume_now;
