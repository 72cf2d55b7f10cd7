//! Seals what the database must be able to give back and must not tell by itself: AES-256-GCM under a key that stands beside it.

use data_encoding::BASE64;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

/// The key.
pub struct Sealing(LessSafeKey);

impl Sealing {
    /// A key of 32 bytes; `None` for another length.
    pub fn new(key: &[u8]) -> Option<Self> {
        Some(Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?)))
    }

    /// Seals for one purpose: under another one it does not open. `None` when the system gives no random numbers.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Option<String> {
        // Of random nonces of 96 bits, two alike are not to be feared before 2^32 seals.
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut sealed = plain.to_vec();
        let aad = Aad::from(purpose.as_bytes());
        self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).ok()?;
        Some(BASE64.encode(&[nonce.as_slice(), &sealed].concat()))
    }

    /// What was sealed for this purpose; `None` when it was not, or under another key.
    pub fn open(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = BASE64.decode(sealed.as_bytes()).ok()?;
        let (nonce, rest) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut rest = rest.to_vec();
        let plain = self.0.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut rest).ok()?;
        Some(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_under_the_same_key_and_purpose_alone() {
        let sealing = Sealing::new(&[7; 32]).unwrap();
        let sealed = sealing.seal("totp of 1", b"secret").unwrap();
        assert_ne!(sealed, sealing.seal("totp of 1", b"secret").unwrap());
        assert_eq!(sealing.open("totp of 1", &sealed).as_deref(), Some(b"secret".as_slice()));
        assert_eq!(sealing.open("totp of 2", &sealed), None);
        assert_eq!(Sealing::new(&[8; 32]).unwrap().open("totp of 1", &sealed), None);
        for damaged in ["", "AAAA", "not base 64", &sealed[..sealed.len() - 4]] {
            assert_eq!(sealing.open("totp of 1", damaged), None, "{damaged}");
        }
        assert!(Sealing::new(&[7; 31]).is_none());
    }
}
