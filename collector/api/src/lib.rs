//! The wire contract between an agent and its collector: serde types and nothing else.
//!
//! What these types cannot represent cannot leak: there is no field for a URL path, a query, a
//! header, a payload, an environment value, a window title or an hour of the day. Two types carry
//! all that was seen, and both are harmless when replayed, reordered or doubled:
//! [`ActivityRow`] is merged by the larger count, [`Snapshot`] by the newest generation.
//!
//! Newer agents talk to older collectors and back: unknown fields are ignored (the collector
//! counts them), unknown words of an enum are kept as text. Nothing here does I/O.

#![forbid(unsafe_code)]

mod activity;
mod batch;
mod coverage;
mod day;
mod enrol;
mod id;
mod sealed;
mod snapshot;
mod subject;
mod suspect;
mod words;

pub use activity::{ActivityRow, Evidence};
pub use batch::{Ack, Batch, Refusal, RefusedRow, RowKind};
pub use coverage::{CaptureState, CoverageReport, SensorInfo, SourceReport, SourceState};
pub use day::{Day, DayError};
pub use enrol::{EnrolRequest, EnrolResponse, RenewRequest, RenewResponse};
pub use id::{AccountId, Epoch, IdError, MachineId, SensorId};
pub use sealed::{
    PrivacyKey, PrivacyKeyError, Reidentification, SEALED_INFO, SEALED_NAME_BYTES, SEALED_TEXT_BYTES,
    SealedAccount, SealedName, sealed_to,
};
pub use snapshot::{Completeness, ItemDetails, Part, Snapshot, SnapshotItem};
pub use subject::{Station, Subject, SubjectError};
pub use suspect::SuspectRow;
pub use words::{Channel, PartKind, RiskFlag};

/// The version of this contract. A collector answers a batch of any version it can read.
pub const PROTOCOL_VERSION: u16 = 1;

/// Bounds that both sides keep. An agent cuts or splits what it sends to fit; a collector refuses
/// a row that does not, by name, and takes the rest.
pub mod limits {
    /// Largest request body the collector reads, in bytes, before it answers 413.
    pub const BODY_BYTES: usize = 1024 * 1024;
    /// Most activity rows in one batch.
    pub const ACTIVITY_ROWS: usize = 2_000;
    /// Most descriptions of machines in one batch. An agent sends the rest with the next one.
    pub const STATIONS: usize = 1_000;
    /// Most items in one snapshot. A source with more is cut and marked partial.
    pub const SNAPSHOT_ITEMS: usize = 2_000;
    /// Most suspects in one batch, and most that a sensor keeps, or a collector takes of it, of one day: whoever makes up
    /// names floods nobody.
    pub const SUSPECTS: usize = 200;
    /// Most sealed names of accounts in one batch, and most that a collector keeps of one machine.
    pub const SEALED_ACCOUNTS: usize = 64;
    /// Longest text in one field, in bytes of UTF-8.
    pub const TEXT_BYTES: usize = 512;
    /// Most entries of a list inside one snapshot item (flags, environment names).
    pub const LIST_ENTRIES: usize = 64;
}
