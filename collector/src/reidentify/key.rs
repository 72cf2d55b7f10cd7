//! The privacy officer's key, and what is opened with it. The secret half never comes to a collector's data folder by itself: it is made
//! and used by commands that open no data folder, wherever the privacy officer wants.

use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, Serializable, single_shot_open};
use serde::{Deserialize, Serialize};
use umbrascope_api::{MachineId, PrivacyKey, SEALED_INFO, SealedName, sealed_to};

/// What stands at the head of a key's file, for whoever finds it.
const COMMENT: &str = "# secret key of a privacy officer: with it names of accounts are opened that Umbrascope's agents sealed.\n\
    # Keep it away from the collector, and keep a copy: without it no name can be opened any more.\n";
const PREFIX: &str = "usk-";
/// Bytes of an encapsulated key of X25519.
const ENCAPSULATED_BYTES: usize = 32;

/// The secret half of a privacy officer's key.
pub struct SecretKey(<X25519HkdfSha256 as Kem>::PrivateKey);

/// What a privacy officer takes away: a sealed name, and what it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedFile {
    /// Reference of the request.
    pub request: String,
    /// Number of the case outside of here.
    pub ticket: String,
    /// The machine, as its sensor names it. The name opens as one of this machine only.
    pub machine: MachineId,
    /// The key that it is sealed to.
    pub key: PrivacyKey,
    /// The sealed name.
    pub sealed: String,
}

/// Why a key cannot be used, or a name not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is no key.
    #[error("this is no secret key of a privacy officer: `privacy-key new` makes one")]
    Form,
    /// The name was sealed to another key.
    #[error("the name is sealed to another key than this one")]
    OtherKey,
    /// It was changed, or is of another machine.
    #[error("the name does not open: it was changed, or it is of another machine than the file says")]
    Broken,
}

impl SecretKey {
    /// A new key.
    pub fn create() -> Self {
        Self(X25519HkdfSha256::gen_keypair().0)
    }

    /// The text of its file.
    pub fn text(&self) -> String {
        format!("{COMMENT}{PREFIX}{}\n", HEXLOWER.encode(&self.0.to_bytes()))
    }

    /// Reads a key's file.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (Some(line), None) = (lines.next(), lines.next()) else { return Err(KeyError::Form) };
        let digits = line.strip_prefix(PREFIX).ok_or(KeyError::Form)?;
        let bytes = HEXLOWER.decode(digits.as_bytes()).map_err(|_| KeyError::Form)?;
        <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&bytes).map(Self).map_err(|_| KeyError::Form)
    }

    /// The public half.
    pub fn public(&self) -> PrivacyKey {
        PrivacyKey::from_bytes(X25519HkdfSha256::sk_to_pk(&self.0).to_bytes().into())
    }

    /// Opens a sealed name.
    pub fn open(&self, file: &SealedFile) -> Result<SealedName, KeyError> {
        if file.key != self.public() {
            return Err(KeyError::OtherKey);
        }
        let bytes = BASE64URL_NOPAD.decode(file.sealed.as_bytes()).map_err(|_| KeyError::Broken)?;
        let (encapsulated, sealed) = bytes.split_at_checked(ENCAPSULATED_BYTES).ok_or(KeyError::Broken)?;
        let broken = |_| KeyError::Broken;
        let encapsulated =
            <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).map_err(broken)?;
        let plain = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.0,
            &encapsulated,
            SEALED_INFO,
            sealed,
            sealed_to(&file.machine),
        );
        serde_json::from_slice(&plain.map_err(broken)?).map_err(|_| KeyError::Broken)
    }
}

/// Shows that there is a key, not the key.
impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use hpke::{OpModeS, single_shot_seal};
    use umbrascope_api::SEALED_NAME_BYTES;

    use super::*;

    /// A name sealed as an agent does it.
    pub(crate) fn seal(key: &PrivacyKey, machine: &MachineId, name: &SealedName) -> String {
        let recipient = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(key.as_bytes()).unwrap();
        let mut plain = serde_json::to_vec(name).unwrap();
        plain.resize(SEALED_NAME_BYTES, b' ');
        let (encapsulated, sealed) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &recipient,
            SEALED_INFO,
            &plain,
            sealed_to(machine),
        )
        .unwrap();
        BASE64URL_NOPAD.encode(&[&encapsulated.to_bytes()[..], &sealed].concat())
    }

    #[test]
    fn a_name_opens_with_its_key_and_only_with_it() {
        let (key, other) = (SecretKey::create(), SecretKey::create());
        let machine = MachineId::from_bytes([3; 16]);
        let name = SealedName { uid: 1000, name: "kim".to_owned() };
        let sealed = seal(&key.public(), &machine, &name);
        let file = SealedFile {
            request: "RID-000001".to_owned(),
            ticket: "INC-7".to_owned(),
            machine,
            key: key.public(),
            sealed: sealed.clone(),
        };
        assert_eq!(key.open(&file), Ok(name));
        assert_eq!(other.open(&file), Err(KeyError::OtherKey));
        let claimed = SealedFile { key: other.public(), ..file.clone() };
        assert_eq!(other.open(&claimed), Err(KeyError::Broken), "whatever the file says");
        let moved = SealedFile { machine: MachineId::from_bytes([4; 16]), ..file.clone() };
        assert_eq!(key.open(&moved), Err(KeyError::Broken), "of another machine");
        for at in [0, 40, sealed.len() - 1] {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = SealedFile { sealed: String::from_utf8(changed).unwrap(), ..file.clone() };
            assert_eq!(key.open(&changed), Err(KeyError::Broken), "{at}");
        }
        assert_eq!(key.open(&SealedFile { sealed: "AA".to_owned(), ..file }), Err(KeyError::Broken));
    }

    #[test]
    fn a_key_reads_back_as_itself_and_is_not_shown() {
        let key = SecretKey::create();
        let again = SecretKey::read(&key.text()).unwrap();
        assert_eq!(again.public(), key.public());
        let secret = HEXLOWER.encode(&key.0.to_bytes());
        assert!(key.text().contains(&secret) && !format!("{key:?}").contains(&secret));
        for text in ["", "usk-", "usk-00", &key.public().to_string(), &format!("{0}{0}", key.text())] {
            assert_eq!(SecretKey::read(text).unwrap_err(), KeyError::Form, "{text}");
        }
    }
}
