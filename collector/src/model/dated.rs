//! Records as they stand, or stood on a day, for what is taken away.

/// A governed record of one moment, with what its trail says of that version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated<T> {
    /// Its id.
    pub id: String,
    /// The record; `None`: part of its trail was erased, and what it was is no longer known.
    pub body: Option<T>,
    /// Version, from 1.
    pub version: u64,
    /// Hash of that version, in hexadecimal.
    pub hash: String,
    /// Sequence number of the entry that made it.
    pub seq: u64,
    /// When that was, Unix milliseconds.
    pub at_ms: i64,
    /// When the record was made, Unix milliseconds.
    pub created_at_ms: i64,
}
