//! One line of the audit trail.

use serde::Deserialize;
use serde_json::Value;

use super::hash::{Hash, sha256};

/// The greatest whole number that JSON carries exactly to everybody: 2^53 − 1.
pub const MAX_EXACT: u64 = (1 << 53) - 1;

/// An entry holds ids, words and hashes and no text of people; a longer one is refused unread.
pub const MAX_ENTRY_BYTES: usize = 16 * 1024;

/// Who did what to what, when, and how it ended. It names no person but by an id, and what was said stands in its payload,
/// which can be erased without breaking the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 0 and without gaps; at most [`MAX_EXACT`].
    pub seq: u64,
    /// Unix time in milliseconds by the collector's clock, which may have been set back; at most [`MAX_EXACT`] either way.
    pub at_ms: i64,
    /// Who: `person:7`, `job:observe`, `console`, `token:ab12`.
    pub actor: String,
    /// The role that was used, or `-`.
    pub role: String,
    /// What: `system.decide`.
    pub action: String,
    /// To what: `system/0192…`.
    pub object: String,
    /// `done`, or `refused:` and the guard, as in `refused:G-4EYES`.
    pub outcome: String,
    /// Hash of the record before ([`super::record_hash`]); `None` where there was none, or the entry changes none.
    pub before: Option<Hash>,
    /// Hash of the record after; `None` where there is none, or the entry changes none.
    pub after: Option<Hash>,
    /// Commitment to the payload ([`super::payload_commit`]).
    pub payload_commit: Hash,
    /// Leaf hash of the entry before; [`Hash::ZERO`] in the first.
    pub prev: Hash,
}

/// Why bytes are no entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// More than [`MAX_ENTRY_BYTES`].
    #[error("it is longer than an entry may be ({MAX_ENTRY_BYTES} bytes)")]
    Long,
    /// Not JSON, or not with the fields of an entry.
    #[error("it has not the form of an entry")]
    Form(#[from] serde_json::Error),
    /// The same entry has another canonical form.
    #[error("it is not in canonical form (RFC 8785)")]
    NotCanonical,
    /// A number beyond [`MAX_EXACT`].
    #[error("a number is out of range")]
    Range,
}

impl Entry {
    /// Its canonical JSON (RFC 8785): every field, keys sorted, `null` where there is no hash.
    pub fn bytes(&self) -> Vec<u8> {
        let text = |text: &str| Value::from(text).to_string();
        let hash = |hash: Option<Hash>| hash.map_or("null".to_owned(), |hash| format!("\"{hash}\""));
        // By hand, for it cannot fail: the fields are texts and whole numbers, which serde_json writes as the RFC wants them.
        format!(
            concat!(
                r#"{{"action":{},"actor":{},"after":{},"at_ms":{},"before":{},"object":{},"outcome":{},"#,
                r#""payload_commit":"{}","prev":"{}","role":{},"seq":{}}}"#
            ),
            text(&self.action),
            text(&self.actor),
            hash(self.after),
            self.at_ms,
            hash(self.before),
            text(&self.object),
            text(&self.outcome),
            self.payload_commit,
            self.prev,
            text(&self.role),
            self.seq,
        )
        .into_bytes()
    }

    /// Its leaf in the tree: SHA-256(0x00 ‖ bytes), as in RFC 9162, 2.1.1.
    pub fn leaf(&self) -> Hash {
        sha256(&[&[0], &self.bytes()])
    }

    /// Reads an entry and refuses what [`Entry::bytes`] would not have written.
    pub fn read(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(EntryError::Long);
        }
        let fields: Fields = serde_json::from_slice(bytes)?;
        let entry = Self::from(fields);
        if entry.seq > MAX_EXACT || entry.at_ms.unsigned_abs() > MAX_EXACT {
            return Err(EntryError::Range);
        }
        if entry.bytes() != bytes {
            return Err(EntryError::NotCanonical);
        }
        Ok(entry)
    }

    /// Whether it was done, not refused.
    pub fn is_done(&self) -> bool {
        self.outcome == "done"
    }
}

/// An entry as JSON: all fields, and no others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    seq: u64,
    at_ms: i64,
    actor: String,
    role: String,
    action: String,
    object: String,
    outcome: String,
    before: Option<Hash>,
    after: Option<Hash>,
    payload_commit: Hash,
    prev: Hash,
}

impl From<Fields> for Entry {
    fn from(fields: Fields) -> Self {
        let Fields { seq, at_ms, actor, role, action, object, outcome, before, after, payload_commit, prev } =
            fields;
        Self { seq, at_ms, actor, role, action, object, outcome, before, after, payload_commit, prev }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::canonical;
    use super::*;

    fn sample() -> Entry {
        Entry {
            seq: 3,
            at_ms: 1_764_200_000_000,
            actor: "person:7".into(),
            role: "reviewer".into(),
            action: "system.decide".into(),
            object: "system/0192".into(),
            outcome: "done".into(),
            before: None,
            after: Some(Hash([1; 32])),
            payload_commit: Hash([2; 32]),
            prev: Hash([3; 32]),
        }
    }

    #[test]
    fn the_bytes_of_an_entry_are_these() {
        let (one, two, three) = ("01".repeat(32), "02".repeat(32), "03".repeat(32));
        let expected = format!(
            r#"{{"action":"system.decide","actor":"person:7","after":"{one}","at_ms":1764200000000,"before":null,"object":"system/0192","outcome":"done","payload_commit":"{two}","prev":"{three}","role":"reviewer","seq":3}}"#
        );
        assert_eq!(String::from_utf8(sample().bytes()).unwrap(), expected);
        assert_eq!(sample().leaf(), sha256(&[&[0], expected.as_bytes()]));
    }

    #[test]
    fn what_is_not_canonical_is_no_entry() {
        let good = String::from_utf8(sample().bytes()).unwrap();
        assert_eq!(Entry::read(good.as_bytes()).unwrap(), sample());
        let bad = [
            good.replace(",\"role\"", ", \"role\""),
            good.replace("\"seq\":3", "\"seq\":3.0"),
            good.replace("\"seq\":3", "\"seq\":9007199254740992"),
            good.replace("\"seq\":3", "\"seq\":3,\"seq\":3"),
            good.replace("\"seq\":3", "\"seq\":3,\"more\":1"),
            good.replace("\"before\":null,", ""),
            good.replace("person", "\\u0070erson"),
            good.replace("0101", "0A01"),
            format!("{good}\n"),
            good.replace("person", &"p".repeat(MAX_ENTRY_BYTES)),
        ];
        for text in bad {
            assert_ne!(text, good);
            assert!(Entry::read(text.as_bytes()).is_err(), "{text}");
        }
        assert!(good.len() < MAX_ENTRY_BYTES);
    }

    prop_compose! {
        fn entries()(
            seq in 0..=MAX_EXACT, at_ms in -(MAX_EXACT as i64)..=MAX_EXACT as i64,
            texts in prop::array::uniform5(".{0,20}"), control in prop::collection::vec(0_u8..0x80, 0..8),
            before in prop::option::of(any::<[u8; 32]>()), after in prop::option::of(any::<[u8; 32]>()),
            commit in any::<[u8; 32]>(), prev in any::<[u8; 32]>(),
        ) -> Entry {
            let [actor, role, action, object, outcome] = texts;
            let object = object + std::str::from_utf8(&control).unwrap();
            Entry {
                seq, at_ms, actor, role, action, object, outcome, before: before.map(Hash), after: after.map(Hash),
                payload_commit: Hash(commit), prev: Hash(prev),
            }
        }
    }

    proptest! {
        #[test]
        fn every_entry_is_written_as_the_library_writes_it_and_reads_back(entry in entries()) {
            let value = json!({
                "seq": entry.seq, "at_ms": entry.at_ms, "actor": entry.actor, "role": entry.role, "action": entry.action,
                "object": entry.object, "outcome": entry.outcome, "before": entry.before, "after": entry.after,
                "payload_commit": entry.payload_commit, "prev": entry.prev,
            });
            prop_assert_eq!(entry.bytes(), canonical(&value).unwrap());
            prop_assert_eq!(Entry::read(&entry.bytes()).unwrap(), entry);
        }

        #[test]
        fn no_single_changed_byte_reads_as_the_same_entry(entry in entries(), at in any::<prop::sample::Index>(), with in 1_u8..) {
            let mut bytes = entry.bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= with;
            if let Ok(read) = Entry::read(&bytes) {
                prop_assert_ne!(read.leaf(), entry.leaf());
            }
        }
    }
}
