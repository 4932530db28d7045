//! The configuration we ship: templates in `server/stack/`, rendered from the inventory for one machine at a time.
//!
//! Words: a [`StackFile`] is a file as it lies on the machine. A template says *why* in comments and takes every address, name
//! and secret from the inventory, so that the files the lab runs are the ones a user deploys.
//!
//! Invariants: a variable a template asks for and nobody gives is an error, never an empty line; no name or secret gets into a
//! file before it has been checked for characters that would mean something there; a secret is read only for the files it
//! stands in, and those are not for everybody to read.
//!
//! Not here: bringing files to machines, owners (root, with the daemon's group on the secret ones), starting daemons.

mod check;
pub mod facts;
mod files;
pub mod refusal;

use crate::nearest::ranked;
use app::fleet::inventory::{Inventory, Machine, Role};
use facts::Facts;
use files::{Template, Where};
use minijinja::{Environment, UndefinedBehavior};
use std::collections::BTreeMap;

/// A file of the configuration, with its place on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackFile {
    /// Absolute, on the machine.
    pub path: String,
    pub mode: u32,
    pub text: String,
}

#[derive(Debug, thiserror::Error)]
pub enum StackError {
    #[error("there is no machine {asked:?} in the inventory; the nearest are {}", nearest.join(", "))]
    UnknownMachine { asked: String, nearest: Vec<String> },
    #[error("{machine} is a {role}: it is not ours to configure, so there is nothing to render for it")]
    NotOurs { machine: String, role: &'static str },
    #[error("the files of {machine} need a machine of role {role}, and the inventory has none")]
    RoleMissing { machine: String, role: &'static str },
    #[error("the files of {machine} need {what} in the inventory")]
    Missing { machine: String, what: String },
    #[error("{what} is {value:?}; {expected}")]
    Value { what: String, value: String, expected: &'static str },
    #[error("the credential {name:?} is needed for {file} and could not be read: {source}")]
    Credential { name: String, file: String, source: Box<StackError> },
    /// What the caller's way to the credentials says.
    #[error("{0}")]
    Unreadable(String),
    #[error(
        "the credential {name:?} has characters that would mean something in a configuration; use 8 to 128 of A-Z a-z 0-9 . _ ~ -"
    )]
    CredentialCharacters { name: String },
    #[error("the template {template} could not be rendered: {reason}")]
    Template { template: &'static str, reason: String },
}

/// All files of one machine.
pub fn render(
    inventory: &Inventory,
    machine: &str,
    credentials: &dyn Fn(&str) -> Result<String, StackError>,
) -> Result<Vec<StackFile>, StackError> {
    let me = inventory.machine(machine).ok_or_else(|| unknown(inventory, machine))?;
    if !me.role.is_ours() {
        return Err(StackError::NotOurs { machine: me.name.clone(), role: me.role.name() });
    }
    check::names(inventory)?;
    for role in files::needs(me.role) {
        if inventory.of_role(*role).next().is_none() {
            return Err(StackError::RoleMissing { machine: me.name.clone(), role: role.name() });
        }
    }
    let facts = Facts::of(inventory, me)?;
    files::TEMPLATES
        .iter()
        .filter(|template| is_for(template, inventory, me))
        .map(|template| render_one(template, &facts, credentials))
        .collect()
}

fn is_for(template: &Template, inventory: &Inventory, me: &Machine) -> bool {
    let is_primary = || inventory.cluster_of(Role::Mariadb).is_some_and(|cluster| cluster.primary.as_ref() == Some(&me.name));
    match template.only_on {
        Where::Role(role) => me.role == role,
        Where::External => me.networks.iter().any(|network| network == "external"),
        Where::Primary => me.role == Role::Mariadb && is_primary(),
        Where::Replica => me.role == Role::Mariadb && !is_primary(),
        Where::Ours => true,
    }
}

fn render_one(
    template: &Template,
    facts: &Facts,
    credentials: &dyn Fn(&str) -> Result<String, StackError>,
) -> Result<StackFile, StackError> {
    let mut credential = BTreeMap::new();
    for name in template.credentials {
        let text = credentials(name).map_err(|source| StackError::Credential {
            name: (*name).to_owned(),
            file: template.path.to_owned(),
            source: Box::new(source),
        })?;
        check::credential(name, &text)?;
        credential.insert(*name, text);
    }
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_keep_trailing_newline(true);
    let context = minijinja::context! { credential, ..minijinja::Value::from_serialize(facts) };
    // The source stays out of the message: with a secret in the context nothing of it may come along.
    let failed = |error: minijinja::Error| StackError::Template {
        template: template.source,
        reason: match error.line() {
            Some(line) => format!("line {line}: {}", error.kind()),
            None => error.kind().to_string(),
        },
    };
    let text = environment.render_named_str(template.source, template.text, context).map_err(failed)?;
    Ok(StackFile { path: template.path.to_owned(), mode: template.mode, text })
}

fn unknown(inventory: &Inventory, asked: &str) -> StackError {
    let names = ranked(inventory.machines.iter().map(|machine| machine.name.as_str()), asked);
    StackError::UnknownMachine { asked: asked.to_owned(), nearest: names.into_iter().take(3).map(str::to_owned).collect() }
}

#[cfg(test)]
mod tests;
