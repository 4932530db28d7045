//! What a person can see or decide in Wirecenter.
//!
//! Compiled three ways: without features the nouns alone (tests in seconds), with `ssr` for the server, with `hydrate` for the
//! browser, where only the islands (the parts that live) arrive: a page is HTML and works before, or without, any script.
//!
//! Slices, left to right; a slice may use what stands left of it, never right:
//! `values ← auth ← system ← operations ← fleet ← rates ← calls ← alerts ← portal`. `ui` knows `values` only.
#![recursion_limit = "512"]

pub mod alerts;
pub mod auth;
pub mod calls;
pub mod error;
pub mod fleet;
pub mod limits;
pub mod live;
pub mod notice;
pub mod operations;
pub mod portal;
pub mod ports;
pub mod rates;
pub mod routes;
pub mod system;
pub mod ui;
pub mod values;

#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod database;
#[cfg(feature = "ssr")]
pub mod lease;
#[cfg(feature = "ssr")]
mod pages;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod shell;
#[cfg(feature = "ssr")]
mod store;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
mod wire;

#[cfg(feature = "ssr")]
pub use store::list_versions;

/// Called by the page's script once the WASM is there; the islands on the page then come alive one by one.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
