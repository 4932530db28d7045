//! What may stand in a configuration. A quote, a line break or a semicolon in a name would be an instruction to a daemon.

use super::StackError;
use app::fleet::inventory::Inventory;
use std::collections::BTreeSet;

/// The names of the networks are the names of the interfaces, and the templates know them.
const NETWORKS: [&str; 5] = ["management", "external", "voice", "data", "sync"];

/// Every name that is going to stand in a file.
pub(super) fn names(inventory: &Inventory) -> Result<(), StackError> {
    name("the name of the inventory", &inventory.name)?;
    for network in inventory.networks.keys() {
        if !NETWORKS.contains(&network.as_str()) {
            return Err(StackError::Value {
                what: "a network".into(),
                value: network.clone(),
                expected: "the templates know management, external, voice, data and sync",
            });
        }
    }
    for machine in &inventory.machines {
        name("a machine's name", &machine.name)?;
    }
    for customer in &inventory.customers {
        name("a customer's name", &customer.name)?;
    }
    let mut sets = BTreeSet::new();
    for carrier in &inventory.carriers {
        name("a carrier's name", &carrier.name)?;
        if carrier.set < 2 || !sets.insert(carrier.set) {
            return Err(StackError::Value {
                what: format!("the dispatcher set of {}", carrier.name),
                value: carrier.set.to_string(),
                expected: "it must be a number from 2 that no other carrier has; set 1 is the PBX pool",
            });
        }
    }
    Ok(())
}

fn name(what: &str, value: &str) -> Result<(), StackError> {
    let fits = (1..=63).contains(&value.len())
        && value.starts_with(|first: char| first.is_ascii_lowercase())
        && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits {
        return Ok(());
    }
    Err(StackError::Value {
        what: what.to_owned(),
        value: value.to_owned(),
        expected: "use at most 63 of a-z 0-9 - with a letter first",
    })
}

/// Characters that mean nothing in a URL, in SQL, in an INI file and in a shell.
pub(super) fn credential(name: &str, text: &str) -> Result<(), StackError> {
    let fits = (8..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte));
    if fits { Ok(()) } else { Err(StackError::CredentialCharacters { name: name.to_owned() }) }
}
