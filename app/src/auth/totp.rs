//! The second step: time-based codes (RFC 6238) and recovery codes. A code counts once; the step of the last one used is kept.

use crate::values::Moment;
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Secret, Totp};

/// Without 0, O, 1, I: these are read from paper.
const RECOVERY_ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

fn totp(secret: Secret, account: &str) -> Option<Totp> {
    // Authenticator apps refuse a colon in the name or the issuer; names cannot have one.
    Builder::new().with_secret(secret).with_account_name(account).with_issuer(Some("Wirecenter")).build().ok()
}

/// A new secret in base 32, as people type it into an authenticator.
pub fn new_secret() -> String {
    Secret::generate().to_base32()
}

pub fn secret_bytes(base32: &str) -> Option<Vec<u8>> {
    Secret::try_from_base32(base32).ok().map(|secret| secret.as_bytes().to_vec())
}

/// The `otpauth:` address a QR code carries.
pub fn address(base32: &str, account: &str) -> Option<String> {
    totp(Secret::try_from_base32(base32).ok()?, account)?.to_url().ok()
}

/// The QR code as an SVG that takes its colors from the page.
pub fn qr_svg(address: &str) -> Option<String> {
    let code = qrcode::QrCode::new(address.as_bytes()).ok()?;
    let (width, colors) = (code.width(), code.to_colors());
    let mut path = String::new();
    for (i, _) in colors.iter().enumerate().filter(|(_, color)| **color == qrcode::Color::Dark) {
        path.push_str(&format!("M{} {}h1v1h-1z", i % width, i / width));
    }
    let box_ = width + 8;
    Some(format!(
        r#"<svg class="qr" viewBox="-4 -4 {box_} {box_}" role="img" aria-label="QR code for the authenticator"><path class="paper" d="M-4 -4h{box_}v{box_}h-{box_}z"/><path class="ink" d="{path}"/></svg>"#
    ))
}

/// The time step of a right code that is newer than `last_step`; one step to either side is allowed for clocks that differ.
pub fn check(secret: &[u8], code: &str, last_step: u64, now: Moment) -> Option<u64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let totp = totp(Secret::new(secret.into()), "x")?;
    totp.check(&code, u64::try_from(now.seconds()).ok()?).filter(|step| *step > last_step)
}

/// A recovery code: 16 characters of 32, in groups of four.
pub fn new_recovery_code() -> String {
    let random: [u8; 16] = rand::random();
    let chars: Vec<char> = random.iter().map(|byte| char::from(RECOVERY_ALPHABET[usize::from(byte % 32)])).collect();
    chars.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// What is stored of a recovery code. It has 80 random bits, so a plain hash is enough.
pub fn hash_recovery_code(code: &str) -> [u8; 32] {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    Sha256::digest(plain).into()
}

/// Whether the text has the shape of a recovery code rather than of a six-digit one.
pub fn is_recovery_code(text: &str) -> bool {
    text.chars().filter(char::is_ascii_alphanumeric).count() == 16
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8; 20] = b"12345678901234567890";

    #[test]
    fn the_vector_of_rfc_6238_is_met() {
        // RFC 6238 appendix B: at 59 s the eight-digit SHA-1 code is 94287082; six digits are its end.
        assert_eq!(check(SECRET, "287 082", 0, Moment::from_seconds(59)), Some(1));
    }

    #[test]
    fn a_code_counts_once_and_for_its_neighbours_only() {
        let now = Moment::from_seconds(59);
        assert_eq!(check(SECRET, "287082", 1, now), None, "step 1 was used");
        assert_eq!(check(SECRET, "287082", 0, Moment::from_seconds(89)), Some(1), "one step late");
        assert_eq!(check(SECRET, "287082", 0, Moment::from_seconds(120)), None, "three steps late");
        for nonsense in ["", "28708", "2870822", "abcdef", "２８７０８２"] {
            assert_eq!(check(SECRET, nonsense, 0, now), None, "{nonsense:?}");
        }
    }

    #[test]
    fn recovery_codes_are_read_however_they_are_typed() {
        let code = new_recovery_code();
        assert_eq!(code.len(), 19);
        assert!(is_recovery_code(&code) && !is_recovery_code("287082"));
        let typed = code.to_lowercase().replace('-', " ");
        assert_eq!(hash_recovery_code(&typed), hash_recovery_code(&code));
        assert_ne!(new_recovery_code(), new_recovery_code());
    }

    #[test]
    fn the_address_names_the_panel_and_the_person() {
        let secret = new_secret();
        let address = address(&secret, "ada@noc").expect("a fresh secret is valid");
        assert!(address.starts_with("otpauth://totp/Wirecenter:ada"), "{address}");
        assert!(qr_svg(&address).expect("short enough for a QR code").starts_with("<svg"));
        assert_eq!(secret_bytes(&secret).map(|bytes| bytes.len()), Some(20));
    }
}
