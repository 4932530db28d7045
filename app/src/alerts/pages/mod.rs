//! Pages of the slice; the parts that live are islands beside them.

#[cfg(feature = "ssr")]
pub mod alert;
#[cfg(feature = "ssr")]
pub mod inbox;
pub mod live;
pub mod panel;
pub mod timeline;
