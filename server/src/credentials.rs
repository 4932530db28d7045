//! Secrets by reference: the inventory says where one is, and it is read when it is needed.

use crate::{config::read_secret, stack::StackError};
use app::fleet::inventory::Inventory;
use std::path::Path;

/// Reads the credentials of an inventory; `file:` is relative to it.
pub fn beside<'a>(inventory_file: &'a Path, inventory: &'a Inventory) -> impl Fn(&str) -> Result<String, StackError> + 'a {
    move |name| {
        let unreadable = |sentence: String| StackError::Unreadable(sentence);
        let reference = inventory.credentials.get(name);
        let reference =
            reference.ok_or_else(|| unreadable(format!("the inventory has no credential {name:?} in [credentials]")))?;
        let file = reference
            .strip_prefix("file:")
            .ok_or_else(|| unreadable(format!("{reference:?} is not a reference like file:secrets/{name}")))?;
        let path = inventory_file.parent().unwrap_or(Path::new(".")).join(file);
        read_secret(&path, &format!("the credential {name}")).map_err(unreadable)
    }
}

/// For what is printed: the name stands where the secret would.
pub fn hidden(name: &str) -> Result<String, StackError> {
    Ok(format!("SECRET-{name}"))
}

/// Letters and digits only, so that no configuration file has to quote it.
pub fn secret() -> String {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let letter = |_| char::from(LETTERS[rand::random_range(0..LETTERS.len())]);
    (0..32).map(letter).collect()
}
