//! `wirecenter stack`: the configuration we ship, for a machine of an inventory.

use super::{Failure, say, say_json};
use crate::{credentials, files, lab::shipped::shipped_inventory, stack};
use app::fleet::inventory::Inventory;
use std::{
    fs,
    path::{Path, PathBuf},
};

#[derive(Debug, clap::Subcommand)]
pub enum StackCommand {
    /// Print a machine's files, or write them below a folder
    #[command(
        after_help = "Example:\n  wirecenter stack render --machine kamailio-01 --inventory inventory.toml --to ./kamailio-01"
    )]
    Render(RenderArgs),
}

#[derive(Debug, clap::Args)]
pub struct RenderArgs {
    /// The machine, as the inventory names it
    #[arg(long)]
    machine: String,
    /// The inventory [default: that of the lab]
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// Write the files below this folder, secrets included; without it they are printed, and secrets are not
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Print one JSON document on stdout and nothing else
    #[arg(long)]
    json: bool,
}

pub fn run(command: StackCommand) -> Result<(), Failure> {
    let StackCommand::Render(args) = command;
    let inventory = read(args.inventory.as_deref()).map_err(Failure::new)?;
    let files = match (&args.to, &args.inventory) {
        (Some(_), Some(file)) => stack::render(&inventory, &args.machine, &credentials::beside(file, &inventory)),
        (Some(_), None) => {
            return Err(Failure::new("Which secrets? Name your inventory with --inventory; its credentials lie beside it."));
        }
        // What is printed ends up in terminals and tickets.
        (None, _) => stack::render(&inventory, &args.machine, &credentials::hidden),
    };
    let files = files.map_err(|error| Failure::new(format!("Nothing was written: {error}.")))?;
    if let Some(folder) = &args.to {
        for file in &files {
            files::write(&folder.join(file.path.trim_start_matches('/')), &file.text, file.mode)
                .map_err(|error| Failure::new(format!("{} cannot be written below {}: {error}.", file.path, folder.display())))?;
        }
    }
    if args.json {
        let listed: Vec<serde_json::Value> = files
            .iter()
            .map(|file| match args.to {
                Some(_) => serde_json::json!({ "path": file.path, "mode": format!("{:o}", file.mode) }),
                None => serde_json::json!({ "path": file.path, "mode": format!("{:o}", file.mode), "text": file.text }),
            })
            .collect();
        say_json(&listed);
        return Ok(());
    }
    for file in &files {
        match &args.to {
            Some(folder) => say(folder.join(file.path.trim_start_matches('/')).display()),
            None => say(format!("# ===== {} (mode {:o})\n{}", file.path, file.mode, file.text.trim_end())),
        }
    }
    Ok(())
}

fn read(file: Option<&Path>) -> Result<Inventory, String> {
    let Some(file) = file else { return shipped_inventory() };
    let text = fs::read_to_string(file).map_err(|error| format!("The inventory {} cannot be read: {error}.", file.display()))?;
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        format!("The inventory {} is not understood at line {line}: {}.", file.display(), error.message())
    })
}
