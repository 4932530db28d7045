//! From text to an inventory. Each entry is read by itself, so that one mistake does not hide the next.

use super::rules;
use crate::nearest::nearest;
use app::fleet::inventory::{Carrier, Cluster, Customer, Endpoint, Host, Inventory, Machine, Network, Role, TlsEndpoint};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, path::Path};
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

/// The stable interface of `wirecenter inventory check --json`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct InventoryProblem {
    /// Counted from 1.
    pub line: usize,
    /// `machines.kamailio-01.host`.
    pub key: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Reads and checks a file.
pub fn load(file: &Path) -> Result<Inventory, Vec<InventoryProblem>> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        let message = format!("{} cannot be read: {error}. Check the path and who may read it.", file.display());
        vec![InventoryProblem { line: 0, key: String::new(), message }]
    })?;
    parse(&text)
}

/// Every mistake, in the order of the file; or the inventory, when there is none.
pub fn parse(text: &str) -> Result<Inventory, Vec<InventoryProblem>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { text, problems: Vec::new(), lines: BTreeMap::new() };
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        reader.problem(at, "", format!("{}. This is not TOML.", error.message()));
    }
    if errors.is_empty()
        && let Some(inventory) = reader.inventory(root.get_ref())
    {
        for mistake in rules::check(&inventory) {
            let line = reader.line_of_key(&mistake.key);
            reader.problems.push(InventoryProblem { line, key: mistake.key, message: mistake.message });
        }
        if reader.problems.is_empty() {
            return Ok(inventory);
        }
    }
    reader.problems.sort();
    reader.problems.dedup();
    Err(reader.problems)
}

struct Reader<'a> {
    text: &'a str,
    problems: Vec<InventoryProblem>,
    /// The line of each key that was read.
    lines: BTreeMap<String, usize>,
}

const TOP: [&str; 9] = ["name", "networks", "hosts", "machines", "endpoints", "clusters", "carriers", "customers", "certificates"];

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        self.text[..at.min(self.text.len())].matches('\n').count() + 1
    }

    fn problem(&mut self, at: usize, key: &str, message: String) {
        let line = self.line(at);
        self.problems.push(InventoryProblem { line, key: key.into(), message });
    }

    /// The line of the key, or of the nearest thing around it that was read.
    fn line_of_key(&self, key: &str) -> usize {
        let mut key = key;
        loop {
            if let Some(line) = self.lines.get(key) {
                return *line;
            }
            match key.rsplit_once('.') {
                Some((around, _)) => key = around,
                None => return 1,
            }
        }
    }

    fn inventory(&mut self, root: &DeTable<'_>) -> Option<Inventory> {
        for (key, _) in root {
            let name = key.get_ref().as_ref();
            self.lines.insert(name.into(), self.line(key.span().start));
            if !TOP.contains(&name) && name != "credentials" {
                let meant = nearest(TOP.into_iter().chain(["credentials"]), name);
                self.problem(key.span().start, name, format!("There is no section {name:?}; the nearest is {meant:?}."));
            }
        }
        let name = match root.get("name") {
            Some(value) => self.value::<String>("name", value),
            None => {
                self.problem(0, "name", "The inventory has no name. Add name = \"…\" as its first line.".into());
                None
            }
        };
        let networks = self.table::<Network>("networks", root);
        let hosts = self.array::<Host>("hosts", root);
        let machines = self.array::<Machine>("machines", root);
        let endpoints = self.endpoints(root);
        let clusters = self.table::<Cluster>("clusters", root);
        let carriers = self.array::<Carrier>("carriers", root);
        let customers = self.array::<Customer>("customers", root);
        let certificates = self.array::<TlsEndpoint>("certificates", root);
        let credentials = self.table::<String>("credentials", root);
        // With entries missing, what refers to them would be called wrong too; those mistakes first.
        let whole = self.problems.is_empty();
        whole.then_some(Inventory {
            name: name?,
            networks,
            hosts,
            machines,
            endpoints,
            clusters,
            carriers,
            customers,
            certificates,
            credentials,
        })
    }

    /// `[networks.voice]` and its like: named entries.
    fn table<T: DeserializeOwned>(&mut self, section: &str, root: &DeTable<'_>) -> BTreeMap<String, T> {
        let Some(value) = root.get(section) else { return BTreeMap::new() };
        let DeValue::Table(entries) = value.get_ref() else {
            self.problem(value.span().start, section, format!("It must be a table: [{section}.NAME]."));
            return BTreeMap::new();
        };
        let mut found = BTreeMap::new();
        for (name, value) in entries {
            let key = format!("{section}.{}", name.get_ref());
            self.lines.insert(key.clone(), self.line(name.span().start));
            if let Some(entry) = self.value(&key, value) {
                found.insert(name.get_ref().to_string(), entry);
            }
        }
        found
    }

    /// `[[machines]]` and its like. An entry is called by its name, and by its number while it has none.
    fn array<T: DeserializeOwned>(&mut self, section: &str, root: &DeTable<'_>) -> Vec<T> {
        let Some(value) = root.get(section) else { return Vec::new() };
        let DeValue::Array(entries) = value.get_ref() else {
            self.problem(value.span().start, section, format!("It must be a list: [[{section}]]."));
            return Vec::new();
        };
        let mut found = Vec::new();
        for (number, value) in entries.iter().enumerate() {
            let name = value.get_ref().get("name").and_then(|name| name.get_ref().as_str());
            let named = name.map_or_else(|| format!("{section}.{}", number + 1), |name| format!("{section}.{name}"));
            // Of two with one name the second is the mistake: its line is the one to tell.
            let key = if self.lines.contains_key(&named) { format!("{named}#{}", number + 1) } else { named };
            self.lines.insert(key.clone(), self.line(value.span().start));
            found.extend(self.value(&key, value));
        }
        found
    }

    fn endpoints(&mut self, root: &DeTable<'_>) -> BTreeMap<Role, BTreeMap<String, Endpoint>> {
        let Some(value) = root.get("endpoints") else { return BTreeMap::new() };
        let DeValue::Table(roles) = value.get_ref() else {
            self.problem(value.span().start, "endpoints", "It must be a table: [endpoints.ROLE].".into());
            return BTreeMap::new();
        };
        let mut found = BTreeMap::new();
        for (name, value) in roles {
            let role = Role::ALL.into_iter().find(|role| role.name() == name.get_ref().as_ref());
            let Some(role) = role else {
                let meant = nearest(Role::ALL.map(Role::name), name.get_ref());
                let message = format!("There is no role {:?}; the nearest is {meant:?}.", name.get_ref());
                self.problem(name.span().start, &format!("endpoints.{}", name.get_ref()), message);
                continue;
            };
            let DeValue::Table(entries) = value.get_ref() else {
                self.problem(value.span().start, &format!("endpoints.{}", role.name()), "It must be a table.".into());
                continue;
            };
            let mut of_role = BTreeMap::new();
            for (endpoint, value) in entries {
                let key = format!("endpoints.{}.{}", role.name(), endpoint.get_ref());
                self.lines.insert(key.clone(), self.line(endpoint.span().start));
                if let Some(read) = self.value(&key, value) {
                    of_role.insert(endpoint.get_ref().to_string(), read);
                }
            }
            found.insert(role, of_role);
        }
        found
    }

    /// One entry. An unknown key is told and left out, so that the next mistake of the entry is found too.
    fn value<T: DeserializeOwned>(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<T> {
        let mut value = value.clone();
        if let DeValue::Table(entries) = value.get_ref() {
            let lines: Vec<_> = entries.iter().map(|(inner, _)| (inner.get_ref().to_string(), inner.span().start)).collect();
            for (inner, at) in lines {
                self.lines.insert(format!("{key}.{inner}"), self.line(at));
            }
        }
        let mut whole = true;
        loop {
            let error = match T::deserialize(ValueDeserializer::from(value.clone())) {
                Ok(read) => return whole.then_some(read),
                Err(error) => error,
            };
            whole = false;
            let at = error.span().map_or(value.span().start, |span| span.start);
            let (message, unknown) = in_words(error.message());
            let key = unknown.as_ref().map_or_else(|| self.key_at(key, at), |unknown| format!("{key}.{unknown}"));
            self.problem(at, &key, message);
            let unknown = unknown?;
            let DeValue::Table(entries) = value.get_mut() else { return None };
            entries.remove(unknown.as_str())?;
        }
    }

    /// The key whose value stands at this place: the last one that begins on this line, else the entry.
    fn key_at(&self, entry: &str, at: usize) -> String {
        let line = self.line(at);
        let inside = format!("{entry}.");
        let found = self.lines.iter().find(|(key, at)| **at == line && key.starts_with(&inside));
        found.map_or_else(|| entry.to_string(), |(key, _)| key.clone())
    }
}

/// What the parser says, as a sentence with a remedy; and the key, where it does not know one.
fn in_words(said: &str) -> (String, Option<String>) {
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(String::from).collect::<Vec<_>>();
    if let Some(rest) = said.strip_prefix("unknown field ") {
        let mut names = quoted(rest).into_iter();
        let unknown = names.next().unwrap_or_default();
        let known: Vec<String> = names.collect();
        let meant = nearest(known.iter().map(String::as_str), &unknown);
        let message = match meant {
            "" => format!("There is no key {unknown:?} here. Take it out."),
            meant => format!("There is no key {unknown:?} here; the nearest is {meant:?}."),
        };
        return (message, Some(unknown));
    }
    if let Some(rest) = said.strip_prefix("unknown variant ") {
        let names = quoted(rest);
        let meant = nearest(names.iter().skip(1).map(String::as_str), names.first().map_or("", String::as_str));
        return (format!("{:?} is not known here; the nearest is {meant:?}.", names.first().map_or("", String::as_str)), None);
    }
    if let Some(rest) = said.strip_prefix("missing field ") {
        return (format!("The key {} is missing. Add it.", rest.replace('`', "\"")), None);
    }
    (format!("{}.", said.trim_end().trim_end_matches('.')), None)
}
