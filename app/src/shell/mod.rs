//! The frame around every page: menu, header, notice, and the few things that live on all of them.

pub mod changed;
#[cfg(feature = "ssr")]
mod document;
#[cfg(feature = "ssr")]
mod drawer;
pub mod fresh;
pub mod idle;
pub mod palette;
pub mod status;

#[cfg(feature = "ssr")]
pub use document::{PageView, document, problem_document};
