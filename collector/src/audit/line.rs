//! The lines of an evidence pack beside the entries: each one JSON object in canonical form.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::entry::Entry;
use super::hash::{CanonicalError, Hash, canonical, payload_commit, record_hash};
use super::note::Note;

/// What was said and set in an entry, with the salt that the entry's commitment was made with. An entry whose line is missing was
/// redacted: its payload was erased, or is not for whom the export was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadLine {
    /// The payload.
    pub payload: Value,
    /// 32 bytes.
    pub salt: Salt,
    /// Number of the entry.
    pub seq: u64,
}

/// A record as it stood when the export was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordLine {
    /// Its fields.
    pub body: Value,
    /// The nonce of the hash of this version.
    pub nonce: Salt,
    /// What entries call it: `system/0192…`.
    pub object: String,
}

/// A checkpoint of before, and the proof that the one exported goes on from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointLine {
    /// The signed note.
    pub note: String,
    /// Hashes of the consistency proof (RFC 9162, 2.1.4); `None` where somebody left it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Vec<Hash>>,
}

/// 32 bytes as hexadecimal digits: a salt or a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Salt(Hash);

impl Salt {
    /// From its bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Hash(bytes))
    }

    /// From its digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        Some(Self::new(HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()?))
    }
}

impl PayloadLine {
    /// Whether it is what `entry` committed to.
    pub fn is_of(&self, entry: &Entry) -> bool {
        canonical(&self.payload)
            .is_ok_and(|payload| payload_commit(self.salt.0.as_bytes(), &payload) == entry.payload_commit)
    }

    /// Brings a record's fields to where the entry brought them: `set` puts fields, `drop` takes them out.
    pub fn fold_into(&self, fields: &mut Map<String, Value>) {
        for (name, value) in self.payload["set"].as_object().into_iter().flatten() {
            fields.insert(name.clone(), value.clone());
        }
        for name in self.payload["drop"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            fields.remove(name);
        }
    }
}

impl RecordLine {
    /// The hash that the entry of this version has as `after`.
    pub fn hash(&self) -> Result<Hash, CanonicalError> {
        record_hash(self.nonce.0.as_bytes(), &self.body)
    }
}

impl CheckpointLine {
    /// Of a signed checkpoint.
    pub fn new(note: &Note, proof: Vec<Hash>) -> Self {
        Self { note: note.to_string(), proof: Some(proof) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn folding_puts_and_takes_out() {
        let line = |payload| PayloadLine { payload, salt: Salt::new([0; 32]), seq: 0 };
        let mut fields = Map::new();
        line(json!({"set": {"a": 1, "b": [2]}, "drop": []})).fold_into(&mut fields);
        line(json!({"set": {"a": null}, "drop": ["b", "never"]})).fold_into(&mut fields);
        line(json!({"reason": "no fields"})).fold_into(&mut fields);
        assert_eq!(Value::Object(fields), json!({"a": null}));
    }
}
