pub mod live;
#[cfg(feature = "ssr")]
pub mod system;
