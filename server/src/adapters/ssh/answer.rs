//! What ssh complains about, as one of our kinds of failure and a sentence with the remedy.

use super::{Target, master::Failure};
use app::values::PortErrorKind;

/// Of what ssh printed while it failed to connect.
pub fn refusal(log: &str, target: &Target) -> Failure {
    if let Some(failure) = wrong_identity(log, target) {
        return failure;
    }
    let has = |words: &[&str]| log.lines().find(|line| words.iter().any(|word| line.contains(word)));
    let key_file = target.key_file.display();
    let told = |line: &str| line.trim().trim_start_matches("ssh: ").to_string();
    if let Some(line) = has(&["UNPROTECTED PRIVATE KEY", "Load key", "Identity file", "no such identity"]) {
        return (PortErrorKind::NotConfigured, format!("the private key {key_file} cannot be used: {}", told(line)));
    }
    if let Some(line) = has(&["Bad configuration option", "Could not resolve hostname", "terminating, ", "percent_expand"]) {
        return (PortErrorKind::NotConfigured, told(line));
    }
    if has(&["Permission denied"]).is_some() {
        let remedy = format!("Put the public half of {key_file} into its authorized_keys");
        return (PortErrorKind::Denied, format!("it does not let {} in with the panel's key. {remedy}.", target.user));
    }
    if let Some(line) = has(&["Connection refused", "No route to host", "Network is unreachable", "administratively prohibited"]) {
        return (PortErrorKind::Refused, told(line));
    }
    if has(&["timed out"]).is_some() {
        return (PortErrorKind::TimedOut, "no answer".into());
    }
    if has(&["banner line", "remote protocol version", "invalid format", "Bad packet length", "Invalid SSH"]).is_some() {
        return (PortErrorKind::Garbage, "whoever answers there does not speak SSH".into());
    }
    if has(&["major versions differ"]).is_some() {
        return (PortErrorKind::WrongVersion, "it speaks a version of SSH that ours does not".into());
    }
    if has(&["no matching"]).is_some() {
        return (PortErrorKind::WrongVersion, "it and our ssh have no way of encryption in common".into());
    }
    let last = log.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("the connection ended without a word");
    (PortErrorKind::Broken, told(last))
}

/// Nobody is let in whose key is not pinned. That a key is missing is ours to mend; that it is another one may be anybody's doing.
fn wrong_identity(log: &str, target: &Target) -> Option<Failure> {
    let between = |before: &str, after: &str| {
        let rest = log.split_once(before)?.1;
        Some(rest.split_once(after)?.0.trim().to_string())
    };
    if let Some(known) = between("Host key for ", " has changed") {
        let sent = log.lines().map(str::trim).find(|line| line.starts_with("SHA256:")).map(|line| line.trim_end_matches('.'));
        let sent = sent.unwrap_or("SHA256:…");
        let whose = match target.known_hosts.owner_of(sent) {
            Some(owner) => format!("that of {owner}"),
            None => "not one we know".into(),
        };
        let at = if known == target.machine { format!("{} ", target.address) } else { String::new() };
        let said = format!(
            "another machine answers {at}in the name of {known}: the key it sent, {sent}, is {whose}. Look for an address conflict; if \
             {known} was made anew, compare its key on its console and confirm it: wirecenter inventory pin {known} --replace \
             --fingerprint {sent}"
        );
        return Some((PortErrorKind::WrongIdentity, said));
    }
    // "No ED25519 host key is known for asterisk-01 and you have requested strict checking."
    let known = between("host key is known for ", " and you have requested")?;
    let said = format!(
        "nobody has confirmed the key of {known} yet. See what it offers with wirecenter inventory pin {known}, compare that with \
         ssh-keygen -lf on its console, and confirm it"
    );
    Some((PortErrorKind::NotConfigured, said))
}
