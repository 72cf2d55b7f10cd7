//! Names of accounts, sealed so that the collector cannot read them: for re-identification, where an organisation has it switched on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{AccountId, MachineId};

/// A name sealed to a privacy officer's public key: HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
/// ChaCha20Poly1305, with [`SEALED_INFO`] as info and the bytes of the machine's id as associated data.
///
/// A sensor sends such rows only while its collector's last answer says so ([`crate::Ack::reidentification`]) and its own configuration names
/// the very same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedAccount {
    /// Whose name it is: the pseudonym of the rows.
    pub account: AccountId,
    /// The key that it is sealed to.
    pub key: PrivacyKey,
    /// The encapsulated key (32 bytes) and the ciphertext of a padded [`SealedName`], in URL-safe base64 without padding. Of the same length
    /// whatever the name is.
    pub sealed: String,
}

/// What of re-identification the collector wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reidentification {
    /// Since when two people of the organisation have it switched on, Unix time in milliseconds.
    pub since_ms: i64,
    /// The key that names are sealed to.
    pub key: PrivacyKey,
}

/// What is sealed: JSON, with spaces after it up to [`SEALED_NAME_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedName {
    /// Number of the account on its machine.
    pub uid: u32,
    /// Name that the account signs in with; empty where the machine itself does not know it.
    pub name: String,
}

/// Length of what is sealed, in bytes, so that the length of a name does not show.
pub const SEALED_NAME_BYTES: usize = 160;
/// Length of a sealed name in its text form: 32 bytes of key and 16 of tag beside it, three bytes as four letters.
pub const SEALED_TEXT_BYTES: usize = (SEALED_NAME_BYTES + 32 + 16) * 4 / 3 + 1;
/// What keeps a sealed name from being taken for anything else that is sealed.
pub const SEALED_INFO: &[u8] = b"umbrascope sealed account name 1";

/// A privacy officer's public key (X25519). Its text is `upk-`, 64 hexadecimal digits, and 8 more that find a mistyped one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PrivacyKey([u8; PrivacyKey::BYTES]);

/// A text that is no public key of a privacy officer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a privacy officer's public key: it begins with `upk-`, 72 hexadecimal digits follow, and none may be mistyped"
)]
pub struct PrivacyKeyError;

const PREFIX: &str = "upk-";

impl PrivacyKey {
    /// Length in bytes.
    pub const BYTES: usize = 32;

    /// The key with these bytes.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes of the key.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Display for PrivacyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, "{:08x}", checksum(&self.0))
    }
}

impl FromStr for PrivacyKey {
    type Err = PrivacyKeyError;

    fn from_str(text: &str) -> Result<Self, PrivacyKeyError> {
        let digits = text.strip_prefix(PREFIX).ok_or(PrivacyKeyError)?.as_bytes();
        let mut bytes = [0; Self::BYTES + 4];
        if digits.len() != 2 * bytes.len() {
            return Err(PrivacyKeyError);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        let (key, check) = bytes.split_at(Self::BYTES);
        if checksum(key).to_be_bytes() != *check {
            return Err(PrivacyKeyError);
        }
        key.try_into().map(Self).map_err(|_| PrivacyKeyError)
    }
}

fn digit(letter: u8) -> Result<u8, PrivacyKeyError> {
    match letter {
        b'0'..=b'9' => Ok(letter - b'0'),
        b'a'..=b'f' => Ok(letter - b'a' + 10),
        _ => Err(PrivacyKeyError),
    }
}

/// CRC-32 (ISO 3309): against typing errors, and against nothing else.
fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

impl Serialize for PrivacyKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PrivacyKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The associated data of a sealed name: it opens as one of this machine only.
pub fn sealed_to(machine: &MachineId) -> &[u8] {
    machine.as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ack, Batch};

    #[test]
    fn a_key_reads_back_as_itself_and_a_mistyped_one_is_found() {
        assert_eq!(checksum(b"123456789"), 0xCBF4_3926, "the check value of CRC-32");
        let key = PrivacyKey::from_bytes([0x5a; 32]);
        let text = key.to_string();
        assert_eq!(text.len(), 76);
        assert_eq!(text.parse(), Ok(key));
        assert_eq!(serde_json::from_str::<PrivacyKey>(&format!("\"{text}\"")).unwrap(), key);
        for at in 4..text.len() {
            let mut typed = text.clone().into_bytes();
            typed[at] = if typed[at] == b'0' { b'1' } else { b'0' };
            let typed = String::from_utf8(typed).unwrap();
            assert_eq!(typed.parse::<PrivacyKey>(), Err(PrivacyKeyError), "{typed}");
        }
        for text in ["", "upk-", "upk-5a", &text[1..], &text.to_uppercase(), &format!("{text}0")] {
            assert_eq!(text.parse::<PrivacyKey>(), Err(PrivacyKeyError), "{text}");
        }
    }

    #[test]
    fn an_older_collector_wants_no_names_and_an_older_agent_sends_none() {
        let ack: Ack =
            serde_json::from_str(r#"{"activity_taken":0,"snapshots_taken":0,"next_report_after_s":300}"#)
                .unwrap();
        assert_eq!(ack.reidentification, None);
        assert!(!serde_json::to_string(&ack).unwrap().contains("reidentification"));
        let info = serde_json::to_string(&crate::SensorInfo::default()).unwrap();
        let id = "00112233aabbccdd";
        let text = format!(
            r#"{{"protocol":1,"sensor":"{id}{id}","epoch":"{id}","sent_at_ms":0,"machine":"{id}{id}","boot":"{id}","info":{info}}}"#
        );
        let batch: Batch = serde_json::from_str(&text).unwrap();
        assert_eq!(batch.sealed_accounts, []);
        assert!(!serde_json::to_string(&batch).unwrap().contains("sealed"));
    }

    #[test]
    fn a_sealed_name_fits_a_field_of_the_wire() {
        const { assert!(SEALED_TEXT_BYTES <= crate::limits::TEXT_BYTES) };
        let longest = SealedName { uid: u32::MAX, name: "n".repeat(64) };
        assert!(serde_json::to_vec(&longest).unwrap().len() <= SEALED_NAME_BYTES);
    }
}
