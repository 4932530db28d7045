//! `wirecenter bench`: measures the panel against its goals.

use super::{Common, Failure};

#[derive(Clone, Debug, clap::Args)]
pub struct BenchArgs {
    /// Which measure
    name: String,
    #[command(flatten)]
    common: Common,
}

pub async fn run(args: BenchArgs) -> Result<(), Failure> {
    let BenchArgs { name, common } = args;
    Err(Failure::new(format!("{name} {}", common.json)))
}
