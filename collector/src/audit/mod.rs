//! The audit trail's pure half: what an entry is, how entries hash together, how the collector signs what they come
//! to, and how somebody else checks all of it a year later without the collector.
//!
//! No SQL and no HTTP, and nobody here asks for the time. `store` writes entries in the transaction of the change that they
//! tell of. The formats are written down for others in `packaging/doc/audit-trail.md`; where code and page differ,
//! one of them is wrong.

mod entry;
mod hash;
mod key;
mod line;
pub mod merkle;
mod note;
pub mod pack;
mod seal;
pub mod stamp;
mod tar;
pub mod verify;

pub use entry::{Entry, EntryError, MAX_ENTRY_BYTES, MAX_EXACT};
pub use hash::{CanonicalError, Hash, NoHash, canonical, payload_commit, record_hash, sha256};
pub use key::{Keys, KeysError, SigningKey};
pub use line::{CheckpointLine, PayloadLine, RecordLine, Salt};
pub use merkle::Tree;
pub use note::{Checkpoint, Note, NoteError, Signature, VerifyingKey};
pub use seal::{Seal, Sealed};
