//! Pages of the slice; the parts that live are islands beside them.

#[cfg(feature = "ssr")]
pub mod databases;
#[cfg(feature = "ssr")]
pub mod machine;
#[cfg(feature = "ssr")]
pub mod map;
#[cfg(feature = "ssr")]
pub mod network;
#[cfg(feature = "ssr")]
pub mod networks;
pub mod sheet_live;
