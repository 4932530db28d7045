//! Which of the keys that a machine offers become its own: what a person said about them, against what is known. Nothing here asks
//! anybody or writes anything.

use super::PublicKey;

/// What a person said about the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// They only looked.
    Nothing,
    /// They compared these with the machine's own console.
    Fingerprints(Vec<String>),
    /// They believe whoever answers there now, once.
    FirstUse,
    /// They brought the keys themselves.
    Brought,
}

/// The machine, and what is known of its keys.
pub struct Known<'a> {
    pub machine: &'a str,
    pub pinned: &'a [PublicKey],
    /// Whose key this is, if it is that of a machine we know.
    pub owner_of: &'a dyn Fn(&PublicKey) -> Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "Nothing was pinned, because nobody has confirmed a key. Compare with what ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub prints \
         on {machine}'s own console; where it is the same: wirecenter inventory pin {machine} --fingerprint {fingerprint}"
    )]
    NotConfirmed { machine: String, fingerprint: String },
    #[error(
        "{machine} offers no key {fingerprint}: another machine answers at its address, or the fingerprint was copied wrong. Nothing \
         was pinned."
    )]
    NotOffered { machine: String, fingerprint: String },
    #[error(
        "{machine} has a pinned key already, {pinned}, and --yes-first-use is for machines that have none. Nothing was changed. Compare \
         the keys on its console and give --fingerprint."
    )]
    NotFirst { machine: String, pinned: String },
    #[error(
        "The key of {machine} has CHANGED: {pinned} is pinned, and this is {fingerprint}. Another machine may stand in its place. Nothing \
         was changed. If {machine} was made anew and its console shows this key, give --replace and --fingerprint {fingerprint}."
    )]
    Changed { machine: String, pinned: String, fingerprint: String },
    #[error(
        "The key {fingerprint} is that of {owner}: either {owner} answers in the name of {machine}, or {machine} is a clone that was given \
         no keys of its own. Nothing was pinned. Look for an address conflict, or make keys on {machine} with ssh-keygen -A."
    )]
    SomebodyElses { machine: String, owner: String, fingerprint: String },
}

impl Known<'_> {
    /// The keys that are the machine's from now on; the pinned ones where nothing is new.
    pub fn confirm(&self, offered: &[PublicKey], said: &Said, replace: bool) -> Result<Vec<PublicKey>, Refusal> {
        let machine = || self.machine.to_string();
        let is_pinned = |key: &PublicKey| self.pinned.contains(key);
        let confirmed: Vec<PublicKey> = match said {
            Said::Fingerprints(given) => {
                let offers = |fingerprint: &String| {
                    let key = offered.iter().find(|key| key.fingerprint() == *fingerprint).cloned();
                    key.ok_or_else(|| Refusal::NotOffered { machine: machine(), fingerprint: fingerprint.clone() })
                };
                given.iter().map(offers).collect::<Result<_, _>>()?
            }
            Said::Brought => offered.to_vec(),
            // Whoever is known already needs no confirmation, and shows that nobody else answers there.
            Said::Nothing | Said::FirstUse if offered.iter().any(is_pinned) => return self.unchanged(offered),
            Said::FirstUse if self.pinned.is_empty() => offered.to_vec(),
            Said::FirstUse => return Err(Refusal::NotFirst { machine: machine(), pinned: fingerprints(self.pinned) }),
            Said::Nothing => match self.pinned.is_empty() {
                true => return Err(Refusal::NotConfirmed { machine: machine(), fingerprint: best(offered) }),
                false => return Err(self.changed(offered)),
            },
        };
        for key in &confirmed {
            if let Some(owner) = (self.owner_of)(key).filter(|owner| owner != self.machine) {
                return Err(Refusal::SomebodyElses { machine: machine(), owner, fingerprint: key.fingerprint() });
            }
        }
        if replace || self.pinned.is_empty() {
            return Ok(confirmed);
        }
        if confirmed.iter().all(is_pinned) {
            return Ok(self.pinned.to_vec());
        }
        // A key of a further kind, offered beside one that is known, is the same machine's.
        let is_other = |key: &PublicKey| !is_pinned(key) && self.pinned.iter().any(|pinned| pinned.kind() == key.kind());
        if confirmed.iter().any(is_other) || !offered.iter().any(is_pinned) {
            return Err(self.changed(&confirmed));
        }
        let new: Vec<PublicKey> = confirmed.into_iter().filter(|key| !is_pinned(key)).collect();
        Ok([self.pinned, &new].concat())
    }

    /// One of its keys is pinned; another of them is not to be another than the pinned one of its kind.
    fn unchanged(&self, offered: &[PublicKey]) -> Result<Vec<PublicKey>, Refusal> {
        let differs = |key: &&PublicKey| !self.pinned.contains(key) && self.pinned.iter().any(|pinned| pinned.kind() == key.kind());
        match offered.iter().find(differs) {
            Some(key) => Err(self.changed(std::slice::from_ref(key))),
            None => Ok(self.pinned.to_vec()),
        }
    }

    fn changed(&self, to: &[PublicKey]) -> Refusal {
        Refusal::Changed { machine: self.machine.into(), pinned: fingerprints(self.pinned), fingerprint: best(to) }
    }
}

/// The one that ssh takes first, and whose file is named in the sentences.
fn best(keys: &[PublicKey]) -> String {
    let ed25519 = keys.iter().find(|key| key.kind() == "ssh-ed25519");
    ed25519.or(keys.first()).map(PublicKey::fingerprint).unwrap_or_default()
}

pub fn fingerprints(keys: &[PublicKey]) -> String {
    keys.iter().map(PublicKey::fingerprint).collect::<Vec<_>>().join(", ")
}

/// `SHA256:…`, alone or in a line as `ssh-keygen -lf` prints it.
pub fn parse_fingerprint(text: &str) -> Result<String, String> {
    let word = text.split_whitespace().find(|word| word.starts_with("SHA256:"));
    let digits = word.and_then(|word| word.strip_prefix("SHA256:")).map(|digits| digits.trim_end_matches('='));
    let is_whole =
        |digits: &&str| digits.len() == 43 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
    digits.filter(is_whole).map(|digits| format!("SHA256:{digits}")).ok_or_else(|| {
        "a fingerprint is SHA256: and 43 letters, digits, + or /, as ssh-keygen -lf prints it on the machine's console".into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};

    fn key(kind: &str, number: u8) -> PublicKey {
        let mut blob = u32::try_from(kind.len()).expect("short").to_be_bytes().to_vec();
        blob.extend(kind.as_bytes());
        blob.extend([0, 0, 0, 1, number]);
        PublicKey::parse(&format!("{kind} {}", STANDARD.encode(blob))).expect("a key")
    }

    fn ed(number: u8) -> PublicKey {
        key("ssh-ed25519", number)
    }

    fn rsa(number: u8) -> PublicKey {
        key("ssh-rsa", number)
    }

    fn confirm(pinned: &[PublicKey], offered: &[PublicKey], said: &Said, replace: bool) -> Result<Vec<PublicKey>, Refusal> {
        // Key 9 is asterisk-02's.
        let owner_of = |key: &PublicKey| (*key == ed(9)).then(|| "asterisk-02".to_string());
        Known { machine: "asterisk-01", pinned, owner_of: &owner_of }.confirm(offered, said, replace)
    }

    fn by(keys: &[PublicKey]) -> Said {
        Said::Fingerprints(keys.iter().map(PublicKey::fingerprint).collect())
    }

    #[test]
    fn a_first_key_is_pinned_by_its_fingerprint_or_by_believing_once() {
        let offered = [rsa(1), ed(1)];
        let refused = confirm(&[], &offered, &Said::Nothing, false).expect_err("nobody said anything");
        assert_eq!(refused, Refusal::NotConfirmed { machine: "asterisk-01".into(), fingerprint: ed(1).fingerprint() });
        assert!(refused.to_string().contains(&format!("inventory pin asterisk-01 --fingerprint {}", ed(1).fingerprint())));
        assert_eq!(confirm(&[], &offered, &by(&[ed(1)]), false), Ok(vec![ed(1)]), "only what was confirmed");
        assert_eq!(confirm(&[], &offered, &by(&[ed(1), rsa(1)]), false), Ok(vec![ed(1), rsa(1)]));
        assert_eq!(confirm(&[], &offered, &Said::FirstUse, false), Ok(offered.to_vec()));
        assert_eq!(confirm(&[], &offered, &Said::Brought, false), Ok(offered.to_vec()));
        assert!(matches!(confirm(&[], &offered, &by(&[ed(1), ed(2)]), false), Err(Refusal::NotOffered { .. })), "all or nothing");
    }

    #[test]
    fn a_changed_key_needs_to_be_replaced_in_so_many_words() {
        let pinned = [ed(1)];
        for (offered, said) in [
            (vec![ed(2)], by(&[ed(2)])),
            (vec![ed(2)], Said::Nothing),
            (vec![ed(2)], Said::Brought),
            (vec![ed(1), ed(2)], Said::Nothing),
            (vec![ed(2), rsa(2)], by(&[rsa(2)])),
        ] {
            let refused = confirm(&pinned, &offered, &said, false).expect_err("it changed");
            assert!(matches!(refused, Refusal::Changed { .. }), "{offered:?} {said:?}: {refused}");
            assert!(refused.to_string().contains("--replace"), "{refused}");
        }
        assert!(matches!(confirm(&pinned, &[ed(2)], &Said::FirstUse, false), Err(Refusal::NotFirst { .. })));
        assert!(
            matches!(confirm(&pinned, &[ed(2)], &Said::Nothing, true), Err(Refusal::Changed { .. })),
            "not without a fingerprint"
        );
        assert_eq!(confirm(&pinned, &[ed(2)], &by(&[ed(2)]), true), Ok(vec![ed(2)]), "the old one is gone");
    }

    #[test]
    fn what_is_known_stays_and_a_further_kind_beside_it_is_added() {
        for said in [Said::Nothing, Said::FirstUse, by(&[ed(1)]), Said::Brought] {
            assert_eq!(confirm(&[ed(1)], &[ed(1)], &said, false), Ok(vec![ed(1)]), "{said:?}");
        }
        assert_eq!(confirm(&[ed(1)], &[ed(1), rsa(1)], &Said::Nothing, false), Ok(vec![ed(1)]), "nobody confirmed the other");
        assert_eq!(confirm(&[ed(1)], &[ed(1), rsa(1)], &by(&[rsa(1)]), false), Ok(vec![ed(1), rsa(1)]));
    }

    #[test]
    fn a_key_of_another_machine_is_never_pinned() {
        for (said, replace) in [(by(&[ed(9)]), false), (by(&[ed(9)]), true), (Said::FirstUse, false), (Said::Brought, false)] {
            let refused = confirm(&[], &[ed(9)], &said, replace).expect_err("it is asterisk-02's");
            assert!(matches!(&refused, Refusal::SomebodyElses { owner, .. } if owner == "asterisk-02"), "{refused}");
        }
    }

    #[test]
    fn a_fingerprint_is_read_from_what_ssh_keygen_prints() {
        let whole = ed(1).fingerprint();
        assert_eq!(parse_fingerprint(&whole), Ok(whole.clone()));
        assert_eq!(parse_fingerprint(&format!("256 {whole} root@asterisk-01 (ED25519)")), Ok(whole.clone()));
        assert_eq!(parse_fingerprint(&format!("{whole}=")), Ok(whole.clone()));
        for wrong in ["", "SHA256:", "MD5:aa:bb", &whole[..whole.len() - 1], "SHA256:****************************************+++"] {
            assert!(parse_fingerprint(wrong).is_err(), "{wrong}");
        }
    }
}
