//! Our few components. They know `values` and nothing else: no slice, no server function, no database. Each has a file of the
//! same name in `style/components/`, and each shows itself in each state at `/gallery`.

pub mod icon;
pub mod look;
pub mod scale;
pub mod table_view;
#[cfg(any(feature = "ssr", test))]
pub mod time_axis;

#[cfg(feature = "ssr")]
pub mod gallery;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
mod view;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub use view::*;
