//! What a person can see or decide in Wirecenter.
//!
//! Compiled three ways: without features the nouns alone (tests in seconds), with `ssr` for the server, with `hydrate` for the
//! browser, where only the islands (the parts that live) arrive: a page is HTML and works before, or without, any script.
//!
//! Slices, left to right; a slice may use what stands left of it, never right:
//! `values ← auth ← system ← portal`. `ui` knows `values` only.
#![recursion_limit = "512"]

pub mod auth;
pub mod error;
pub mod limits;
pub mod live;
pub mod notice;
pub mod routes;
pub mod system;
pub mod ui;
pub mod values;

#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod database;
#[cfg(feature = "ssr")]
mod store;
