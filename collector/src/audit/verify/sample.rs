//! A log of a few entries for the tests, and the files that an export makes of it.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use serde_json::{Map, Value, json};

use super::json::BEFORE_PROOF;
use super::replay::ROTATE;
use super::{Known, Report, verify};
use crate::audit::merkle::{self, Tree};
use crate::audit::pack::{self, PackError, Writer};
use crate::audit::{
    Checkpoint, CheckpointLine, Entry, Hash, Keys, Note, PayloadLine, RecordLine, Salt, Seal, Sealed,
    canonical, payload_commit, record_hash, sha256,
};

/// Files of a pack by name, without checksums and seal.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

pub(super) struct Log {
    pub(super) keys: Keys,
    pub(super) entries: Vec<Entry>,
    pub(super) payloads: BTreeMap<u64, PayloadLine>,
    pub(super) records: BTreeMap<String, RecordLine>,
    pub(super) checkpoints: Vec<Note>,
    pub(super) snapshots: BTreeMap<String, Vec<u8>>,
    pub(super) now_ms: i64,
}

impl Log {
    pub(super) fn new() -> Self {
        Self::with(Keys::load(&Keys::create("host.example/aims/demo").unwrap()).unwrap())
    }

    pub(super) fn with(keys: Keys) -> Self {
        let now_ms = 1_764_200_000_000;
        Self {
            keys,
            entries: Vec::new(),
            payloads: BTreeMap::new(),
            records: BTreeMap::new(),
            checkpoints: Vec::new(),
            snapshots: BTreeMap::new(),
            now_ms,
        }
    }

    /// Three systems, a refusal, a reading, one that is removed, and checkpoints at 2, 5 and the end.
    pub(super) fn sample() -> Self {
        let mut log = Self::new();
        log.change("system/a", json!({"name": "Assistant", "owner": null, "labels": ["x"]}), &[]);
        log.change("system/b", json!({"name": "Büro-Bot", "purpose": "drafting"}), &[]);
        log.checkpoint();
        log.refuse("system/a");
        log.change(
            "system/a",
            json!({"owner": 7, "sanction": {"state": "tolerated", "expires": "2027-01-01"}}),
            &["labels"],
        );
        log.note("session/x", "session.begin");
        log.checkpoint();
        log.change("system/c", json!({"name": "gone soon"}), &[]);
        log.remove("system/c");
        log.change("system/b", json!({"purpose": "translation"}), &[]);
        log.checkpoint();
        log
    }

    fn append(
        &mut self,
        object: &str,
        action: &str,
        outcome: &str,
        hashes: (Option<Hash>, Option<Hash>),
        payload: Value,
    ) {
        let seq = self.entries.len() as u64;
        let salt = sha256(&[b"salt", &seq.to_be_bytes()]).0;
        self.now_ms += 1000;
        self.entries.push(Entry {
            seq,
            at_ms: self.now_ms,
            actor: "person:7".into(),
            role: "reviewer".into(),
            action: action.into(),
            object: object.into(),
            outcome: outcome.into(),
            before: hashes.0,
            after: hashes.1,
            payload_commit: payload_commit(&salt, &canonical(&payload).unwrap()),
            prev: self.entries.last().map_or(Hash::ZERO, Entry::leaf),
        });
        self.payloads.insert(seq, PayloadLine { payload, salt: Salt::new(salt), seq });
    }

    pub(super) fn change(&mut self, object: &str, set: Value, drop: &[&str]) {
        let before = self.records.get(object).map(|record| record.hash().unwrap());
        let mut fields =
            self.records.get(object).and_then(|record| record.body.as_object().cloned()).unwrap_or_default();
        let payload = payload(set, drop);
        PayloadLine { payload: payload.clone(), salt: Salt::new([0; 32]), seq: 0 }.fold_into(&mut fields);
        let nonce = sha256(&[b"nonce", &self.entries.len().to_be_bytes()]).0;
        let body = Value::Object(fields);
        let after = record_hash(&nonce, &body).unwrap();
        self.append(object, "system.edit", "done", (before, Some(after)), payload);
        let record = RecordLine { body, nonce: Salt::new(nonce), object: object.into() };
        self.records.insert(object.into(), record);
    }

    /// The sample with snapshots of two months, of which one was deleted.
    pub(super) fn with_snapshots() -> Self {
        let mut log = Self::sample();
        for (month, erased) in [("2022-09", json!("2026-10-01")), ("2026-09", Value::Null)] {
            let content = format!("{{\"month\":\"{month}\"}}").into_bytes();
            let set = json!({"month": month, "sha256": sha256(&[&content]).to_string(), "erased_on": erased});
            log.change(&format!("monthly-snapshot/{month}"), set, &[]);
            if erased.is_null() {
                log.snapshots.insert(month.to_owned(), content);
            }
        }
        log.checkpoint();
        log
    }

    pub(super) fn remove(&mut self, object: &str) {
        let record = self.records.remove(object).unwrap();
        let names: Vec<&str> = record.body.as_object().unwrap().keys().map(String::as_str).collect();
        let before = Some(record.hash().unwrap());
        self.append(object, "system.remove", "done", (before, None), payload(json!({}), &names));
    }

    pub(super) fn refuse(&mut self, object: &str) {
        self.append(
            object,
            "system.decide",
            "refused:G-4EYES",
            (None, None),
            payload(json!({"sanction": "none"}), &[]),
        );
    }

    pub(super) fn note(&mut self, object: &str, action: &str) {
        self.append(object, action, "done", (None, None), payload(json!({"seen": true}), &[]));
    }

    /// Both keys sign until [`Keys::settled`] is loaded.
    pub(super) fn rotate(&mut self) {
        let from = self.keys.vkey().to_string();
        self.keys = Keys::load(&self.keys.rotated().unwrap()).unwrap();
        let set = json!({"from": from, "to": self.keys.vkey().to_string()});
        self.append("trail/key", ROTATE, "done", (None, None), payload(set, &[]));
    }

    pub(super) fn leaves(&self) -> Vec<Hash> {
        self.entries.iter().map(Entry::leaf).collect()
    }

    pub(super) fn checkpoint(&mut self) -> Note {
        let leaves = self.leaves();
        let (size, root) = (leaves.len() as u64, Tree::over(&leaves).root());
        let checkpoint = Checkpoint { origin: self.keys.origin().into(), size, root, at_ms: self.now_ms };
        let note = self.keys.sign_checkpoint(&checkpoint).unwrap();
        self.checkpoints.push(note.clone());
        note
    }

    pub(super) fn head(&self) -> &Note {
        self.checkpoints.last().unwrap()
    }

    fn earlier(&self) -> Vec<CheckpointLine> {
        let (_, earlier) = self.checkpoints.split_last().unwrap();
        let leaves = self.leaves();
        let proof =
            |note: &Note| merkle::consistency(&leaves, Checkpoint::of(note).unwrap().size as usize).unwrap();
        earlier.iter().map(|note| CheckpointLine::new(note, proof(note))).collect()
    }

    pub(super) fn files(&self) -> Files {
        let entries: Vec<u8> =
            self.entries.iter().flat_map(|entry| [entry.bytes(), b"\n".to_vec()].concat()).collect();
        let files = [
            (pack::README, b"how to check it\n".to_vec()),
            (pack::CHECKPOINT, self.head().to_string().into_bytes()),
            (pack::CHECKPOINTS, lines(self.earlier())),
            ("clauses/R-8.4-a.json", b"{\"standing\":\"gap\"}\n".to_vec()),
            (pack::COVERAGE, b"{\"expected\":null}\n".to_vec()),
            (pack::ENTRIES, entries),
            ("inventory/inventory.csv", b"name\r\n\"Assistant\"\r\n".to_vec()),
            (pack::PAYLOADS, lines(self.payloads.values())),
            (pack::RECORDS, lines(self.records.values())),
            (pack::VKEY, format!("{}\n", self.keys.vkey()).into_bytes()),
        ];
        let snapshots = self.snapshots.iter();
        let snapshots =
            snapshots.map(|(month, bytes)| (format!("{}{month}.json", pack::SNAPSHOTS), bytes.clone()));
        files.map(|(name, bytes)| (name.to_owned(), bytes)).into_iter().chain(snapshots).collect()
    }

    pub(super) fn pack(&self) -> Vec<u8> {
        self.seal(&self.files())
    }

    /// As somebody with the key writes it.
    pub(super) fn seal(&self, files: &Files) -> Vec<u8> {
        let mut pack = Writer::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            pack.bytes(name, bytes).unwrap();
        }
        pack.finish(self.head(), &self.keys, self.now_ms).unwrap().into_inner()
    }

    /// As somebody without it writes it: new checksums, and the seal of before.
    pub(super) fn unsealed(&self, files: &Files) -> Vec<u8> {
        let other = Self::new();
        let other = Self { checkpoints: self.checkpoints.clone(), ..other };
        let (forged, real) = (other.seal(files), self.pack());
        let seal = |bytes: &[u8]| unpack(bytes)[pack::SEAL].clone();
        replace(&forged, &seal(&forged), &seal(&real))
    }

    pub(super) fn json(&self) -> Vec<u8> {
        let entries: Vec<Value> =
            self.entries.iter().map(|entry| serde_json::from_slice(&entry.bytes()).unwrap()).collect();
        let trail = json!({
            "checkpoint": self.head().to_string(), "checkpoints": self.earlier(), "entries": entries,
            "payloads": self.payloads.values().collect::<Vec<_>>(), "records": self.records.values().collect::<Vec<_>>(),
            "vkey": self.keys.vkey().to_string(),
        });
        self.seal_json(&trail)
    }

    pub(super) fn seal_json(&self, trail: &Value) -> Vec<u8> {
        let mut out = format!("{{\"format\":\"umbrascope-inventory\",\n\"products\":[],\n\"trail\":{trail}")
            .into_bytes();
        let content = sha256(&[&out]);
        let seal = Seal::sign(Sealed::Json, self.head(), content, self.now_ms, &self.keys).unwrap();
        out.write_all(BEFORE_PROOF).unwrap();
        writeln!(out, "{}}}", Value::from(seal.to_string())).unwrap();
        out
    }

    /// Whoever holds this checks with its key.
    pub(super) fn known(&self) -> Known {
        Known { vkey: Some(self.keys.vkey().clone()), since: None }
    }
}

pub(super) fn code(bytes: &[u8], known: &Known) -> u8 {
    report(bytes, known).verdict().code()
}

pub(super) fn report(bytes: &[u8], known: &Known) -> Report {
    verify(Cursor::new(bytes), known).unwrap()
}

pub(super) fn since(note: &Note) -> Known {
    Known { since: Some(note.clone()), vkey: None }
}

/// Every file of a pack, checksums and seal among them.
pub(super) fn unpack(bytes: &[u8]) -> Files {
    let mut reader = pack::Reader::open(Cursor::new(bytes)).unwrap();
    assert_eq!(reader.broken, None);
    let names: Vec<String> = reader.members.iter().map(|member| member.name.clone()).collect();
    names
        .into_iter()
        .map(|name| (name.clone(), reader.text(&name, u64::MAX).unwrap().unwrap().unwrap().into_bytes()))
        .collect()
}

/// An archive of exactly these files in this order, whatever they say.
pub(super) fn archive<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    for (name, bytes) in files {
        crate::audit::tar::write::<_, PackError>(&mut out, name, |out| Ok(out.write_all(bytes)?)).unwrap();
    }
    crate::audit::tar::finish(&mut out).unwrap();
    out.into_inner()
}

/// The one place of `from` replaced by as many bytes.
pub(super) fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert_eq!(places.len(), 1);
    [&bytes[..places[0]], to, &bytes[places[0] + from.len()..]].concat()
}

fn lines(values: impl IntoIterator<Item = impl serde::Serialize>) -> Vec<u8> {
    values.into_iter().flat_map(|value| [canonical(&value).unwrap(), b"\n".to_vec()].concat()).collect()
}

fn payload(set: Value, drop: &[&str]) -> Value {
    let set = set.as_object().cloned().unwrap_or_else(Map::new);
    json!({"reason": "because", "batch": null, "policy": null, "set": set, "drop": drop})
}
