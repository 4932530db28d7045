//! What a first visit loads, as it crosses the wire.

use super::{
    Failure,
    figure::{Figure, Goal},
};
use crate::site::Site;

pub const WASM: Goal = Goal { name: "wasm-size", what: "WASM, brotli", unit: "KB", at_most: 300.0, ratio_at_most: None };
pub const REST: Goal =
    Goal { name: "script-and-style-size", what: "script and style sheet, brotli", unit: "KB", at_most: 45.0, ratio_at_most: None };

fn kilobytes(files: &[&str]) -> Result<f64, Failure> {
    let site = Site::find().map_err(Failure::new)?;
    let mut sum = 0;
    for file in files {
        let path = site.package_dir().join(format!("{file}.br"));
        let size = std::fs::metadata(&path).map_err(|error| {
            Failure::new(format!(
                "{} cannot be measured: {error}. Run make build; a build for development is not compressed.",
                path.display()
            ))
        })?;
        sum += size.len();
    }
    // A few hundred thousand bytes are exact in a double.
    Ok(sum as f64 / 1e3)
}

pub fn wasm_size() -> Result<Figure, Failure> {
    Ok(WASM.judge(kilobytes(&["wirecenter.wasm"])?, None))
}

pub fn script_and_style_size() -> Result<Figure, Failure> {
    Ok(REST.judge(kilobytes(&["wirecenter.js", "wirecenter.css"])?, None))
}
