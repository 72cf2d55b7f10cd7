//! Codes of the second factor: TOTP (RFC 6238) with what every authenticator app takes: SHA-1, six digits, steps of 30 seconds; and
//! recovery codes. No clock: the time comes in.

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

/// Length of a step, in milliseconds.
pub const STEP_MS: i64 = 30_000;
/// Steps before and after the present one whose code is taken too: clocks differ, and people type slowly.
const SKEW: i64 = 1;
/// Bytes of a secret: the length that RFC 4226 section 4 recommends.
const SECRET_BYTES: usize = 20;
/// Recovery codes that are given out together.
pub const RECOVERY_CODES: usize = 10;
/// Digits of a code, as a bound of the number.
const MODULUS: u32 = 1_000_000;

/// The secret that an app and the collector share.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// Prints nothing of it.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A new one; `None` when the system gives no random numbers.
    pub fn random() -> Option<Self> {
        let mut bytes = vec![0; SECRET_BYTES];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// One that was kept.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// What is kept, sealed.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As people type it into an app: base 32 in groups of four.
    pub fn text(&self) -> String {
        let text = BASE32_NOPAD.encode(&self.0);
        let groups: Vec<&str> =
            text.as_bytes().chunks(4).filter_map(|four| std::str::from_utf8(four).ok()).collect();
        groups.join(" ")
    }

    /// What apps read from a QR code or a link, for a name that is encoded for an address.
    pub fn uri(&self, name: &str) -> String {
        let secret = BASE32_NOPAD.encode(&self.0);
        format!(
            "otpauth://totp/Umbrascope:{name}?secret={secret}&issuer=Umbrascope&algorithm=SHA1&digits=6&period=30"
        )
    }

    /// The step whose code this is, if it is one of those around `now_ms` that come after `last_step`.
    pub fn step_of(&self, code: &str, now_ms: i64, last_step: i64) -> Option<i64> {
        let code = code.trim().replace(' ', "");
        if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let code: u32 = code.parse().ok()?;
        let present = now_ms.div_euclid(STEP_MS);
        // Every one is computed, so that the time does not tell which.
        let fits = (present - SKEW..=present + SKEW).filter(|step| self.code(*step) == code);
        fits.filter(|step| *step > last_step).max()
    }

    /// The code of a step (RFC 4226 section 5.3).
    fn code(&self, step: i64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag.last().copied().unwrap_or(0) & 0x0F);
        let four =
            tag.get(offset..offset + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).unwrap_or_default();
        (u32::from_be_bytes(four) & 0x7FFF_FFFF) % MODULUS
    }

    /// The six digits that an app shows at a time. For tests.
    #[cfg(test)]
    pub(crate) fn shown_at(&self, now_ms: i64) -> String {
        format!("{:06}", self.code(now_ms.div_euclid(STEP_MS)))
    }
}

/// New recovery codes, as people keep them: 50 random bits each, which are worth a slow guess over the network and no more.
pub fn recovery_codes() -> Option<Vec<String>> {
    let mut bytes = vec![0; RECOVERY_CODES * 7];
    SystemRandom::new().fill(&mut bytes).ok()?;
    let code = |seven: &[u8]| {
        let text = BASE32_NOPAD.encode(seven).to_lowercase();
        format!("{}-{}", &text[..5], &text[5..10])
    };
    Some(bytes.chunks(7).map(code).collect())
}

/// What is kept of a recovery code; `None` where the text cannot be one.
pub fn recovery_hash(person: i64, typed: &str) -> Option<String> {
    let plain: String =
        typed.chars().filter(|letter| !matches!(letter, '-' | ' ')).flat_map(char::to_lowercase).collect();
    if plain.len() != 10 || !plain.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let text = format!("{person}:{plain}");
    Some(HEXLOWER.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the rows for SHA-1; their last six digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = Secret::from_bytes(b"12345678901234567890".to_vec());
        for (at_s, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000_i64, "353130"),
        ] {
            assert_eq!(secret.shown_at(at_s * 1_000), code, "{at_s}");
            assert_eq!(secret.step_of(code, at_s * 1_000, 0), Some(at_s / 30));
        }
    }

    #[test]
    fn a_code_is_good_for_a_step_around_and_for_one_use() {
        let secret = Secret::random().unwrap();
        let now = 1_795_000_000_000;
        let code = secret.shown_at(now);
        let step = now / STEP_MS;
        assert_eq!(secret.step_of(&code, now + STEP_MS, 0), Some(step));
        assert_eq!(secret.step_of(&format!("{} {}", &code[..3], &code[3..]), now - STEP_MS, 0), Some(step));
        assert_eq!(secret.step_of(&code, now + 3 * STEP_MS, 0), None);
        assert_eq!(secret.step_of(&code, now, step), None, "used");
        for wrong in ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"] {
            assert_eq!(secret.step_of(wrong, now, 0), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_is_given_the_secret_as_text_and_as_an_address() {
        let secret = Secret::from_bytes(b"12345678901234567890".to_vec());
        assert_eq!(secret.text(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        assert_eq!(
            secret.uri("ada%20b"),
            "otpauth://totp/Umbrascope:ada%20b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Umbrascope&algorithm=SHA1&digits=6&period=30"
        );
        assert_eq!(format!("{secret:?}"), "Secret");
    }

    #[test]
    fn recovery_codes_are_ten_and_each_is_one_persons() {
        let codes = recovery_codes().unwrap();
        assert_eq!(codes.len(), RECOVERY_CODES);
        assert!(codes.iter().all(|code| code.len() == 11 && code.as_bytes()[5] == b'-'), "{codes:?}");
        let typed = codes[0].to_uppercase().replace('-', " ");
        assert_eq!(recovery_hash(1, &typed), recovery_hash(1, &codes[0]));
        assert_ne!(recovery_hash(1, &codes[0]), recovery_hash(2, &codes[0]));
        assert_eq!(recovery_hash(1, "123456"), None, "a code of an app is none");
    }
}
