//! What shows that the audit trail was not rewritten: signed checkpoints, and all that an export proves with.

use std::io;
use std::sync::Arc;

use crate::audit::{CheckpointLine, Keys, Note, PayloadLine, RecordLine};
use crate::store::StoreError;

/// The trail's proofs. Blocking, like the rest of the store.
pub trait Proof: Send + Sync {
    /// Signs a checkpoint over the whole trail, if it grew since the last one or its key changed since, and keeps it; the newest one. What does
    /// not go on from the last checkpoint is not signed.
    fn checkpoint(&self, keys: Arc<Keys>, now_ms: i64) -> Result<Note, StoreError>;
    /// The newest checkpoint, if there is any.
    fn newest_checkpoint(&self) -> Result<Option<Note>, StoreError>;
    /// Entries that no checkpoint covers.
    fn unsigned_entries(&self) -> Result<u64, StoreError>;
    /// Notes that something was exported, or that the key changed: what changes no record. The entry's number.
    fn note(&self, note: TrailNote) -> Result<u64, StoreError>;
    /// The key that the newest change of the key was to, as its entry says.
    fn last_rotation(&self) -> Result<Option<String>, StoreError>;
    /// Keeps the answer of a time-stamping authority for the checkpoint of so many entries.
    fn keep_stamp(&self, size: u64, answer: Vec<u8>) -> Result<(), StoreError>;
    /// How far the trail is stamped.
    fn stamped(&self) -> Result<Stamped, StoreError>;
    /// Calls `work` with all that an export proves with, in one state of the records.
    fn evidence(
        &self,
        work: &mut dyn FnMut(&dyn Evidence) -> Result<(), EvidenceError>,
    ) -> Result<(), EvidenceError>;
}

/// How far the trail is stamped by a time-stamping authority.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamped {
    /// Entries of the trail.
    pub entries: u64,
    /// Entries of the newest checkpoint that is stamped, and its time, Unix milliseconds.
    pub newest: Option<(u64, i64)>,
    /// Number of the last entry by which somebody signed a scope statement.
    pub statement: Option<u64>,
}

/// An entry that changes no record.
#[derive(Debug, Clone)]
pub struct TrailNote {
    /// Who, why and when.
    pub act: crate::model::governed::Act,
    /// What: `export`, `key.rotate`.
    pub action: &'static str,
    /// Kind of the object.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Details, by name.
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// Takes one thing after the other.
pub type Each<'a, T> = &'a mut dyn FnMut(T) -> io::Result<()>;

/// One state of the trail and of the records.
pub trait Evidence {
    /// How many entries.
    fn size(&self) -> Result<u64, EvidenceError>;
    /// The checkpoint over all of them; `None` when the newest is of fewer.
    fn head(&self) -> Result<Option<Note>, EvidenceError>;
    /// Earlier checkpoints, each with the proof that the trail goes on from it.
    fn earlier(&self) -> Result<Vec<CheckpointLine>, EvidenceError>;
    /// Every checkpoint, the oldest first.
    fn checkpoints(&self) -> Result<Vec<Note>, EvidenceError>;
    /// Time stamps: entries of the checkpoint, and the authority's answer.
    fn stamps(&self) -> Result<Vec<(u64, Vec<u8>)>, EvidenceError>;
    /// Every monthly snapshot that is there, by month: the month, and its bytes.
    fn snapshots(&self, each: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>) -> Result<(), EvidenceError>;
    /// Every entry's bytes, in order.
    fn entries(&self, each: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<(), EvidenceError>;
    /// Every payload that was not erased, in order, but those of objects of these kinds.
    fn payloads(&self, without: &[&str], each: Each<'_, PayloadLine>) -> Result<(), EvidenceError>;
    /// Every record, by kind and id, but those of these kinds.
    fn records(&self, without: &[&str], each: Each<'_, RecordLine>) -> Result<(), EvidenceError>;
}

/// Why evidence was not read to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whoever took it did not take it all.
    #[error("the evidence could not be written")]
    Write(#[from] io::Error),
}
