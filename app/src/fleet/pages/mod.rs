//! Pages of the slice; the parts that live are islands beside them.

pub mod machine_live;
pub mod map_live;

#[cfg(feature = "ssr")]
pub mod beside;
#[cfg(feature = "ssr")]
mod board_view;
#[cfg(feature = "ssr")]
pub mod databases;
#[cfg(feature = "ssr")]
pub mod machine;
#[cfg(feature = "ssr")]
pub mod map;
#[cfg(feature = "ssr")]
mod map_tables;
#[cfg(feature = "ssr")]
pub mod network;
#[cfg(feature = "ssr")]
pub mod networks;
#[cfg(feature = "ssr")]
mod operate;
#[cfg(feature = "ssr")]
mod rehearsed;
pub mod sheet_live;
