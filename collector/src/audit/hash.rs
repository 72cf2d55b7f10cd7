//! SHA-256 values, the canonical form of JSON that they are taken of, and the commitments made with them.

use std::fmt;

use data_encoding::HEXLOWER;
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entry::MAX_EXACT;

/// A SHA-256 value; 64 lower-case hexadecimal digits in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// What stands for "nothing before": the `prev` of the first entry.
    pub const ZERO: Self = Self([0; 32]);

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From 32 bytes; `None` for any other number of them.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// From 64 lower-case hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        Self::from_slice(&HEXLOWER.decode(text.as_bytes()).ok()?)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl std::str::FromStr for Hash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        Self::from_hex(text).ok_or(NoHash)
    }
}

impl TryFrom<String> for Hash {
    type Error = NoHash;

    fn try_from(text: String) -> Result<Self, NoHash> {
        text.parse()
    }
}

/// A text that is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 lower-case hexadecimal digits")]
pub struct NoHash;

/// Why a value has no canonical form.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CanonicalError {
    /// It cannot be written as JSON.
    #[error("the value could not be written as canonical JSON")]
    Write(#[from] serde_json::Error),
    /// JSON's numbers are doubles to whoever reads them by RFC 8785: a greater whole number would be rounded.
    #[error("a whole number beyond ±(2^53 − 1) has no canonical form: write it as text")]
    Number,
}

/// The one way to write a value as JSON (RFC 8785): keys sorted, no white space, numbers as ECMAScript writes them.
pub fn canonical(value: &impl Serialize) -> Result<Vec<u8>, CanonicalError> {
    let value = serde_json::to_value(value)?;
    if has_inexact(&value) {
        return Err(CanonicalError::Number);
    }
    Ok(serde_json_canonicalizer::to_vec(&value)?)
}

/// What an entry says of its payload: SHA-256(salt ‖ payload), `payload` in canonical form. Salt and payload are kept apart from the
/// entry; once they are erased the commitment tells nothing of what it was, and the entry's own hash still holds.
pub fn payload_commit(salt: &[u8; 32], payload: &[u8]) -> Hash {
    sha256(&[salt, payload])
}

/// What an entry says of a record before and after: SHA-256(0x02 ‖ nonce ‖ canonical body). The nonce is the record's own, so
/// that nobody guesses a body from its hash; the first byte keeps it apart from leaves (0x00) and nodes (0x01).
pub fn record_hash(nonce: &[u8; 32], body: &Value) -> Result<Hash, CanonicalError> {
    Ok(sha256(&[&[2], nonce, &canonical(body)?]))
}

/// SHA-256 of the parts, one after the other.
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    parts.iter().for_each(|part| context.update(part));
    finish(context)
}

/// The value of a digest that was fed piece by piece.
pub(super) fn finish(context: digest::Context) -> Hash {
    let mut hash = Hash::ZERO;
    // Both are 32 bytes: the algorithm is SHA-256 wherever this module makes a context.
    hash.0.copy_from_slice(context.finish().as_ref());
    hash
}

fn has_inexact(value: &Value) -> bool {
    match value {
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => whole.unsigned_abs() > MAX_EXACT,
            (None, whole) => whole.is_some(),
        },
        Value::Array(items) => items.iter().any(has_inexact),
        Value::Object(fields) => fields.values().any(has_inexact),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_canonical_form_is_that_of_the_rfc() {
        // RFC 8785, 3.2.2 and 3.2.3: numbers, escapes, and keys in the order of their UTF-16 units.
        let value: Value = serde_json::from_str(
            r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
                "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
        )
        .unwrap();
        let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
        assert_eq!(String::from_utf8(canonical(&value).unwrap()).unwrap(), expected);
        let keys =
            json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
        let text = String::from_utf8(canonical(&keys).unwrap()).unwrap();
        assert_eq!(
            text,
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
        );
    }

    #[test]
    fn a_number_that_would_be_rounded_is_refused() {
        assert!(canonical(&json!({"a": [9_007_199_254_740_991_i64, -9_007_199_254_740_991_i64]})).is_ok());
        for value in
            [json!([9_007_199_254_740_992_i64]), json!({"a": -9_007_199_254_740_992_i64}), json!(u64::MAX)]
        {
            assert!(matches!(canonical(&value), Err(CanonicalError::Number)), "{value}");
        }
    }

    #[test]
    fn hashes_are_of_exactly_what_the_page_says() {
        assert_eq!(
            sha256(&[b"a", b"bc"]).to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(payload_commit(&[7; 32], b"{}"), sha256(&[&[7; 32], b"{}"]));
        assert_eq!(
            record_hash(&[7; 32], &json!({"b": 1, "a": 2})).unwrap(),
            sha256(&[&[2], &[7; 32], br#"{"a":2,"b":1}"#])
        );
        let hash = sha256(&[b""]);
        assert_eq!(Hash::from_hex(&hash.to_string()), Some(hash));
        assert_eq!(Hash::from_hex(&hash.to_string().to_uppercase()), None);
    }
}
