//! What the management system covers: coverage, the endpoints that there should be, sites, and scope statements, which two people
//! approve and the collector's key signs.
//!
//! Pure: no I/O, no SQL, and `now` comes in.

mod coverage;
mod diff;
pub mod endpoints;
mod life;
mod matching;
mod proof;
mod sheet;
mod statement;

pub use coverage::{
    Coverage, Detector, Expected, Looked, NETWORK, Silent, Source, Traffic, WINDOW_HOURS, Ways,
};
pub use diff::{Change, Diff, Facet, Told, diff};
pub use life::{Step, Surroundings, begin, take};
pub use matching::{Machine, Match, Matched, Named, matched};
pub use proof::{
    Document, LogHead, NO_PERSONAL_SIGNATURE, Seal, Verified, VerifyError, document_hash, seal, verify,
};
pub use sheet::{Body, Names, Section, Sheet, changes, sheet};
pub use statement::{
    Approval, Boundary, Content, LONG_CHARS, Listed, NAME_CHARS, Place, Previous, SentBack, Site, SiteKind,
    Statement, StatementState, TEXT_CHARS, UNDETERMINED_DAYS, UnitName, UsageBand,
};
