//! What is wrong: rules over what was observed, and the inbox of alerts they raise.

#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod pages;
