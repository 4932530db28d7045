//! Whether a lab can be built here: the user, the kernel, the programs. Everything that is missing is said at once, with the way out.

use crate::process::find_program;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What a lab needs, where it is, and which version it has.
#[derive(Clone, Debug, Default)]
pub struct Daemons {
    pub versions: BTreeMap<&'static str, String>,
    /// Asterisk's own root file system; `None` where the distribution has a package of it.
    pub asterisk_root: Option<PathBuf>,
}

/// Program, its package, and the words that make it say its version.
const PROGRAMS: &[(&str, &str, &[&str])] = &[
    ("kamailio", "kamailio kamailio-mysql-modules", &["-v"]),
    ("kamcmd", "kamailio", &[]),
    ("keepalived", "keepalived", &["--version"]),
    ("mariadbd", "mariadb-server-core", &["--version"]),
    ("mariadb-install-db", "mariadb-server-core", &[]),
    ("mariadb", "mariadb-client-core", &[]),
    ("sshd", "openssh-server", &["-V"]),
    ("ssh-keygen", "openssh-client", &[]),
    ("shorewall", "shorewall", &["version"]),
    ("iptables", "iptables", &[]),
    ("nft", "nftables", &[]),
    ("prometheus-node-exporter", "prometheus-node-exporter", &["--version"]),
    ("ip", "iproute2", &[]),
    ("ping", "iputils-ping", &[]),
    ("arping", "iputils-arping", &[]),
    ("unshare", "util-linux", &[]),
    ("nsenter", "util-linux", &[]),
    ("setsid", "util-linux", &[]),
];

/// Folder of Asterisk's root file system below the build cache; `scripts/lab.sh` fills it.
const ASTERISK_FOLDER: &str = "lab/asterisk";

/// Everything found, or a sentence for each thing that is missing.
pub fn look() -> Result<Daemons, Vec<String>> {
    let mut missing = kernel();
    let mut packages: Vec<&str> =
        PROGRAMS.iter().filter(|(name, ..)| find_program(name).is_none()).map(|(_, package, _)| *package).collect();
    packages.sort_unstable();
    packages.dedup();
    if !packages.is_empty() {
        missing.push(format!("Programs are missing. Run make setup, or: apt-get install {}", packages.join(" ")));
    }
    let asterisk_root = match find_program("asterisk") {
        Some(_) => None,
        None => {
            let found = asterisk_roots().into_iter().find(|root| root.join("usr/sbin/asterisk").exists());
            if found.is_none() {
                missing.push(
                    "Asterisk was not found: this distribution has no package of it, and its own root file system was not built yet. \
                     Run make setup, or set WIRECENTER_ASTERISK_ROOT to one."
                        .into(),
                );
            }
            found
        }
    };
    if !missing.is_empty() {
        return Err(missing);
    }
    let mut versions: BTreeMap<&'static str, String> = BTreeMap::new();
    for (program, _, words) in PROGRAMS.iter().filter(|(.., words)| !words.is_empty()) {
        versions
            .extend(find_program(program).and_then(|path| version(&mut Command::new(path), words)).map(|found| (*program, found)));
    }
    let asterisk = match &asterisk_root {
        Some(root) => {
            let mut command = Command::new("chroot");
            command.arg(root).arg("/usr/sbin/asterisk");
            version(&mut command, &["-V"])
        }
        None => version(&mut Command::new("asterisk"), &["-V"]),
    };
    versions.extend(asterisk.map(|found| ("asterisk", found)));
    versions.insert("wirecenter", env!("CARGO_PKG_VERSION").into());
    Ok(Daemons { versions, asterisk_root })
}

impl Daemons {
    pub fn version(&self, program: &str) -> Option<String> {
        self.versions.get(program).cloned()
    }
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub fn require_root(command: &str) -> Result<(), String> {
    if is_root() {
        return Ok(());
    }
    Err(format!(
        "The lab needs root: it makes network, mount and process namespaces of its own. Nothing was changed. Run: sudo wirecenter {command}"
    ))
}

fn kernel() -> Vec<String> {
    let mut missing = Vec::new();
    let file_systems = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    // Where it is a module, the first mount loads it; the file then does not list it yet.
    let overlay = file_systems.contains("overlay") || Path::new("/proc/sys/kernel/modprobe").exists();
    if !overlay {
        missing.push("This kernel has no overlayfs, on which the machines' disks are layered. Use a kernel that has it.".into());
    }
    for (file, what) in [("net", "network"), ("mnt", "mount"), ("uts", "UTS"), ("pid", "process")] {
        if !Path::new("/proc/self/ns").join(file).exists() {
            missing.push(format!("This kernel has no {what} namespaces. Use a kernel that has them."));
        }
    }
    missing
}

fn asterisk_roots() -> Vec<PathBuf> {
    if let Some(given) = std::env::var_os("WIRECENTER_ASTERISK_ROOT") {
        return vec![given.into()];
    }
    let mut caches: Vec<PathBuf> = std::env::var_os("WIRECENTER_TARGET").map(PathBuf::from).into_iter().collect();
    // The program lies in the build cache itself, whoever runs it.
    if let Some(cache) = std::env::current_exe().ok().and_then(|program| program.ancestors().nth(3).map(Path::to_path_buf)) {
        caches.push(cache);
    }
    if let Some(home) = std::env::var_os("HOME") {
        caches.push(PathBuf::from(home).join(".cache/wirecenter"));
    }
    caches.into_iter().map(|cache| cache.join(ASTERISK_FOLDER)).collect()
}

/// The first word with a digit and a dot: every program has its own way of saying it.
fn version(command: &mut Command, words: &[&str]) -> Option<String> {
    let output = command.args(words).stdin(Stdio::null()).output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&said);
    let trim = |word: &str| word.trim_start_matches(['v', 'V']).trim_matches([',', '(', ')', ';']).to_string();
    let is_version = |word: &String| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit());
    let openssh = text.split_whitespace().find_map(|word| word.strip_prefix("OpenSSH_")).map(trim);
    openssh.or_else(|| text.split_whitespace().map(trim).find(is_version))
}
