//! Which host keys are a machine's. A key is pinned to the machine's name, never to an address: an address that another machine
//! answers is refused, and a machine that changes its address keeps its identity.

use crate::{adapters::ssh::is_name, files, lab::place::Layout};
use app::{
    fleet::facts::HostKey,
    values::{PortError, PortErrorKind},
};
use base64::{Engine, engine::general_purpose};
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    net::SocketAddrV4,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// A public host key as `ssh_host_*_key.pub` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    kind: String,
    blob: Vec<u8>,
}

impl PublicKey {
    /// `ssh-ed25519 AAAA… comment`
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (kind, blob) = (words.next()?, general_purpose::STANDARD.decode(words.next()?).ok()?);
        // The blob begins with its kind once more, after its length.
        let (length, rest) = blob.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        (rest.get(..length)? == kind.as_bytes() && rest.len() > length).then(|| Self { kind: kind.into(), blob })
    }

    /// As OpenSSH prints it: `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", general_purpose::STANDARD_NO_PAD.encode(Sha256::digest(&self.blob)))
    }

    pub fn kind(&self) -> &str {
        &self.kind
    }

    pub fn named(&self) -> HostKey {
        HostKey { kind: self.kind.clone(), fingerprint: self.fingerprint() }
    }

    fn line(&self, machine: &str) -> String {
        format!("{machine} {} {}\n", self.kind, general_purpose::STANDARD.encode(&self.blob))
    }
}

/// The panel's own file of known hosts: a line for each key of each machine.
#[derive(Clone, Debug)]
pub struct KnownHosts {
    file: PathBuf,
}

impl KnownHosts {
    pub fn at(file: &Path) -> Self {
        Self { file: file.into() }
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// From now on these keys, and no others, are the machine's. Whoever calls this trusts where they come from.
    pub fn pin(&self, machine: &str, keys: &[PublicKey]) -> io::Result<()> {
        if !is_name(machine) {
            return Err(io::Error::other(format!("{machine:?} is not a machine's name")));
        }
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let parent = self.file.parent().ok_or_else(|| io::Error::other("known hosts are in a folder"))?;
        files::make_private_dir(parent)?;
        // And one process: the panel and the command line both write here. The lock ends with the file.
        let lock = fs::File::options().create(true).append(true).open(self.file.with_extension("lock"))?;
        lock.lock()?;
        let mut text: String = self.text()?.lines().filter(|line| !is_of(line, machine)).map(|line| format!("{line}\n")).collect();
        text.extend(keys.iter().map(|key| key.line(machine)));
        // Whole or not at all: without this file every machine is a stranger.
        let half = self.file.with_extension("new");
        files::write(&half, &text, 0o600)?;
        fs::rename(half, &self.file)
    }

    pub fn pinned(&self, machine: &str) -> io::Result<Vec<PublicKey>> {
        let key = |line: &str| PublicKey::parse(line.split_once(' ')?.1);
        Ok(self.text()?.lines().filter(|line| is_of(line, machine)).filter_map(key).collect())
    }

    /// Every key with its machine, in the file's order.
    pub fn all(&self) -> io::Result<Vec<(String, PublicKey)>> {
        let line = |line: &str| {
            let (machine, key) = line.split_once(' ')?;
            Some((machine.to_string(), PublicKey::parse(key)?))
        };
        Ok(self.text()?.lines().filter_map(line).collect())
    }

    /// Whose key this is, if it is that of a machine we know.
    pub fn owner_of(&self, fingerprint: &str) -> Option<String> {
        self.text().ok()?.lines().find_map(|line| {
            let (machine, key) = line.split_once(' ')?;
            (PublicKey::parse(key)?.fingerprint() == fingerprint).then(|| machine.to_string())
        })
    }

    fn text(&self) -> io::Result<String> {
        match fs::read_to_string(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            text => text,
        }
    }
}

fn is_of(line: &str, machine: &str) -> bool {
    line.split(' ').next() == Some(machine)
}

/// The host keys of a machine of the lab, read from its disk: nothing on a network could have changed them.
pub fn of_lab(lab: &Layout, machine: &str) -> io::Result<Vec<PublicKey>> {
    let gone = || io::Error::other(format!("{machine} is not running in the lab"));
    let mut keys = Vec::new();
    for entry in fs::read_dir(lab.inside(machine, "/etc/ssh").ok_or_else(gone)?)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "pub") {
            keys.extend(PublicKey::parse(&fs::read_to_string(path)?));
        }
    }
    Ok(keys)
}

/// The keys that whoever answers at this address offers. They prove nothing: a person compares the fingerprints with those that
/// `ssh-keygen -lf` prints on the machine's own console, and only then are they pinned.
pub async fn offered(address: SocketAddrV4, deadline: Duration) -> Result<Vec<PublicKey>, PortError> {
    let failed = |kind, said: &str| PortError::new(format!("SSH at {address}"), "fetch its host keys", kind, said);
    let mut scan = tokio::process::Command::new("ssh-keyscan");
    scan.args(["-4", "-T", &deadline.as_secs().max(1).to_string(), "-p", &address.port().to_string()]);
    scan.arg(address.ip().to_string()).stdin(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(deadline, scan.output()).await {
        Err(_) => return Err(failed(PortErrorKind::TimedOut, &format!("no answer within {} s", deadline.as_secs_f32()))),
        Ok(Err(error)) => {
            let said = format!("ssh-keyscan cannot be started: {error}. Install openssh-client.");
            return Err(failed(PortErrorKind::NotConfigured, &said));
        }
        Ok(Ok(output)) => output,
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let keys: Vec<PublicKey> = text.lines().filter_map(|line| PublicKey::parse(line.split_once(' ')?.1)).collect();
    match keys.is_empty() {
        true => Err(failed(PortErrorKind::Refused, "nobody offered a host key there. Check that sshd runs.")),
        false => Ok(keys),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of RFC 8709's kind, with a made-up point.
    const ONE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f somebody@somewhere";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP8BAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    #[test]
    fn a_key_that_is_none_is_refused() {
        assert!(PublicKey::parse(ONE).is_some());
        for wrong in [
            "",
            "ssh-ed25519",
            "ssh-ed25519 ????",
            "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAAB",
            "ssh-ed25519 AAAA",
            "ssh-ed25519 /////w==",
        ] {
            assert_eq!(PublicKey::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_machine_has_the_keys_pinned_last_and_no_others() {
        let dir = tempfile::tempdir().expect("a folder");
        let known = KnownHosts::at(&dir.path().join("ssh/known_hosts"));
        let (one, other) = (PublicKey::parse(ONE).expect("a key"), PublicKey::parse(OTHER).expect("a key"));
        assert_eq!(known.pinned("asterisk-01").expect("no file is no key"), []);
        known.pin("asterisk-01", std::slice::from_ref(&one)).expect("written");
        known.pin("asterisk-02", std::slice::from_ref(&one)).expect("written");
        known.pin("asterisk-01", std::slice::from_ref(&other)).expect("written");
        assert_eq!(known.pinned("asterisk-01").expect("read"), std::slice::from_ref(&other));
        assert_eq!(known.owner_of(&one.fingerprint()).as_deref(), Some("asterisk-02"));
        known.pin("asterisk-01", &[]).expect("forgotten");
        assert_eq!(known.owner_of(&other.fingerprint()), None);
        assert!(known.pin("* ssh-ed25519", &[other]).is_err(), "a name that would match every machine");
    }
}
