//! `wirecenter inventory pin`: which host keys are a machine's. Whose key is not pinned the panel does not talk to.
//!
//! It needs no database and no running panel: the keys stand in a file beside the panel's others, and what was done waits there for
//! the audit log.

use super::{Common, Failure, say, say_json, store::draft};
use crate::{
    adapters::ssh::{
        KnownHosts, PublicKey,
        confirmation::{Known, Said, fingerprints, parse_fingerprint},
        offered,
    },
    inventory,
    lab::place::Layout,
    nearest::nearest,
    observe::watch::KNOWN_HOSTS,
    wiring::{self, KEPT_AUDIT_DIR},
};
use app::{
    auth::{audit::Action, store::kept::KeptAudit},
    context,
    fleet::inventory::{HostKind, Inventory, Machine},
};
use serde_json::{Value, json};
use std::{
    io::Read,
    net::SocketAddrV4,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// A machine offers keys of up to three kinds, each of which is fetched by a connection of its own.
const FETCHED_WITHIN: Duration = Duration::from_secs(8);
const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;

#[derive(Debug, clap::Args)]
pub struct PinArgs {
    /// The machine, by its name in the inventory
    #[arg(required_unless_present = "list")]
    machine: Option<String>,
    /// A key's fingerprint as `ssh-keygen -lf` prints it on the machine's own console; may be given more than once
    #[arg(long, value_name = "SHA256:…", value_parser = parse_fingerprint, conflicts_with_all = ["yes_first_use", "key", "remove", "list"])]
    fingerprint: Vec<String>,
    /// Believe whoever answers at its address now; only for a machine without a pinned key
    #[arg(long, conflicts_with_all = ["replace", "key", "remove", "list"])]
    yes_first_use: bool,
    /// Its public keys in a file that was brought from its console (ssh_host_*_key.pub, - for stdin); nobody is asked then
    #[arg(long, value_name = "FILE", conflicts_with_all = ["remove", "list"])]
    key: Option<PathBuf>,
    /// Let the key take the place of another one that is pinned
    #[arg(long, conflicts_with_all = ["remove", "list"])]
    replace: bool,
    /// Forget its keys; the panel does not talk to it any more
    #[arg(long, conflicts_with = "list")]
    remove: bool,
    /// Show the keys of all machines
    #[arg(long, conflicts_with = "machine")]
    list: bool,
    #[command(flatten)]
    common: Common,
}

pub async fn run(args: PinArgs) -> Result<(), Failure> {
    let state = args.common.state();
    check_folder(&state)?;
    let known_hosts = KnownHosts::at(&state.join(KNOWN_HOSTS));
    let Some(name) = args.machine.clone() else { return list(&args, &known_hosts) };
    let pinned = known_hosts.pinned(&name).map_err(|error| unreadable(&known_hosts, &error))?;
    if args.remove {
        return remove(&args, &name, &known_hosts, &pinned).await;
    }
    let address = find(&args, &name)?;
    let (keys, said) = match (&args.key, args.yes_first_use) {
        (Some(file), _) => (read_keys(file)?, Said::Brought),
        (None, true) => (offered(address, FETCHED_WITHIN).await.map_err(Failure::new)?, Said::FirstUse),
        (None, false) => {
            let said = if args.fingerprint.is_empty() { Said::Nothing } else { Said::Fingerprints(args.fingerprint.clone()) };
            (offered(address, FETCHED_WITHIN).await.map_err(Failure::new)?, said)
        }
    };
    let owner_of = |key: &PublicKey| known_hosts.owner_of(&key.fingerprint());
    let decided = Known { machine: &name, pinned: &pinned, owner_of: &owner_of }.confirm(&keys, &said, args.replace);
    let now_pinned = decided.as_ref().map_or(pinned.as_slice(), Vec::as_slice);
    let changes = now_pinned != pinned;
    if changes {
        let row = Row { action: Action::HostKeyPin, machine: &name, before: &pinned, after: fingerprints(now_pinned) };
        row.write(&state, || known_hosts.pin(&name, now_pinned)).await?;
    }
    if args.common.json {
        say_json(&json!({
            "machine": name, "address": address.to_string(), "ok": decided.is_ok(), "changed": changes,
            "offered": told(&keys), "pinned": told(now_pinned),
        }));
    } else {
        for key in &keys {
            let mark = if now_pinned.contains(key) { "pinned" } else { "not pinned" };
            say(format!("{:<20} {}  {mark}", key.kind(), key.fingerprint()));
        }
        match (&decided, changes) {
            (Ok(_), true) => {
                say(format!("From now on {name} is known by what is pinned. A panel that runs looks again within a minute."));
            }
            (Ok(_), false) => say(format!("{name} is known by that already; nothing was changed.")),
            (Err(_), _) => {}
        }
    }
    decided.map(drop).map_err(Failure::new)
}

fn told(keys: &[PublicKey]) -> Vec<Value> {
    keys.iter().map(|key| json!({ "kind": key.kind(), "fingerprint": key.fingerprint() })).collect()
}

fn list(args: &PinArgs, known_hosts: &KnownHosts) -> Result<(), Failure> {
    let all = known_hosts.all().map_err(|error| unreadable(known_hosts, &error))?;
    if args.common.json {
        let line = |(machine, key): &(String, PublicKey)| json!({ "machine": machine, "kind": key.kind(), "fingerprint": key.fingerprint() });
        say_json(&all.iter().map(line).collect::<Vec<_>>());
        return Ok(());
    }
    all.iter().for_each(|(machine, key)| say(format!("{machine:<16} {:<20} {}", key.kind(), key.fingerprint())));
    Ok(())
}

/// Also of a machine that the inventory has no more.
async fn remove(args: &PinArgs, name: &str, known_hosts: &KnownHosts, pinned: &[PublicKey]) -> Result<(), Failure> {
    if pinned.is_empty() {
        return Err(Failure::new(format!("{name} has no pinned key; nothing was changed. See: wirecenter inventory pin --list")));
    }
    let row = Row { action: Action::HostKeyRemove, machine: name, before: pinned, after: String::new() };
    row.write(&args.common.state(), || known_hosts.pin(name, &[])).await?;
    if args.common.json {
        say_json(&json!({ "machine": name, "ok": true, "changed": true, "pinned": [] }));
    } else {
        say(format!("{name} has no pinned key any more. The panel keeps a connection it has, and makes no new one."));
    }
    Ok(())
}

/// What was done, for the audit log. A panel that runs writes it within a second; else the next one does.
struct Row<'a> {
    action: Action,
    machine: &'a str,
    before: &'a [PublicKey],
    after: String,
}

impl Row<'_> {
    /// On the disk before it is done, so that nothing is done without it.
    async fn write(self, state: &Path, act: impl FnOnce() -> std::io::Result<()>) -> Result<(), Failure> {
        let kept = KeptAudit::new(&state.join(KEPT_AUDIT_DIR));
        let failed = |what: &str, error: std::io::Error| Failure::new(format!("{what}: {error}. Nothing was changed."));
        let mut row = draft(self.action, self.machine);
        row.request = wiring::new_id().0;
        row.before = (!self.before.is_empty()).then(|| fingerprints(self.before));
        let begun = kept.begin(row, context::now()).await.map_err(|error| failed("It cannot be written down", error))?;
        if let Err(error) = act() {
            // What was not done needs no row; one that cannot be removed says that nobody knows.
            let _ = kept.forget(begun).await;
            return Err(failed("The keys cannot be kept", error));
        }
        let after = if self.after.is_empty() { "none" } else { &self.after };
        kept.settle(begun, after).await.map_err(|error| Failure::new(format!("It was done, and cannot be written down: {error}.")))
    }
}

/// A file of somebody else's the panel could not read.
pub(super) fn check_folder(state: &Path) -> Result<(), Failure> {
    let about = std::fs::metadata(state).map_err(|error| {
        Failure::new(format!("There is no panel's folder {}: {error}. Give --state as the panel has it.", state.display()))
    })?;
    if about.uid() != rustix::process::geteuid().as_raw() {
        let state = state.display();
        return Err(Failure::new(format!(
            "The folder {state} is another user's. Run this as the user of the panel (sudo -u '#{}').",
            about.uid()
        )));
    }
    Ok(())
}

fn unreadable(known_hosts: &KnownHosts, error: &std::io::Error) -> Failure {
    Failure::new(format!("The pinned keys in {} cannot be read: {error}.", known_hosts.file().display()))
}

/// The inventory that a panel of this folder has.
fn inventory(common: &Common) -> Result<Inventory, Failure> {
    let (state, given) = (common.state(), common.config()?.fleet.inventory);
    let file = given.unwrap_or_else(|| {
        let beside = state.join("inventory.toml");
        if beside.exists() { beside } else { Layout::below(&state).inventory() }
    });
    inventory::load(&file).map_err(|problems| {
        let first = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
        let file = file.display();
        Failure::new(format!("The inventory {file} cannot be used: {first} See: wirecenter inventory check {file}"))
    })
}

/// Where its shell answers, as far as it can be asked from here.
fn find(args: &PinArgs, name: &str) -> Result<SocketAddrV4, Failure> {
    let inventory = inventory(&args.common)?;
    let machine: &Machine = inventory.machine(name).ok_or_else(|| {
        let known = nearest(inventory.machines.iter().map(|machine| machine.name.as_str()), name);
        Failure::new(format!("The inventory has no machine {name:?}; the nearest is {known:?}."))
    })?;
    let kind = inventory.hosts.iter().find(|host| host.name == machine.host).map(|host| host.kind);
    if kind == Some(HostKind::Lab) {
        return Err(Failure::new(format!(
            "{name} is a machine of the lab, whose keys are read from its disk; nobody has to confirm them."
        )));
    }
    let address = inventory.endpoint(machine, "ssh").map(|(address, _)| address);
    let address =
        address.ok_or_else(|| Failure::new(format!("The inventory gives {name} no endpoint ssh; nobody asks for its key.")))?;
    match &machine.jump {
        Some(jump) if args.key.is_none() => Err(Failure::new(format!(
            "{name} is reached through {jump} only and cannot be asked from here. Bring the file ssh_host_ed25519_key.pub from its \
             console, and give it with --key."
        ))),
        _ => Ok(address),
    }
}

/// Of a file as sshd has it, or as ssh-keyscan prints it.
fn read_keys(file: &Path) -> Result<Vec<PublicKey>, Failure> {
    let mut text = String::new();
    let read = match file == Path::new("-") {
        true => std::io::stdin().take(KEY_FILE_BYTES_MAX).read_to_string(&mut text),
        false => std::fs::File::open(file).and_then(|open| open.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text)),
    };
    read.map_err(|error| Failure::new(format!("The keys in {} cannot be read: {error}.", file.display())))?;
    let key = |line: &str| PublicKey::parse(line).or_else(|| PublicKey::parse(line.split_once(' ')?.1));
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Option<Vec<PublicKey>> = lines.map(key).collect();
    keys.filter(|keys| !keys.is_empty()).ok_or_else(|| {
        Failure::new(format!("{} has a line that is no public key like \"ssh-ed25519 AAAA…\". Nothing was pinned.", file.display()))
    })
}
