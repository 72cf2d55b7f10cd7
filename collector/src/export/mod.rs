//! Exports: the inventory for other programs, one file a format, all written from one neutral view of it. Lists of what sensors saw are
//! paged through, so that a large fleet does not stand in memory, and the order does not depend on chance: the same records give the
//! same export, but for the time of its making.
//!
//! No export names a person. Records hold numbers of people, and so do exports; single machines stand in `json` only, and only for
//! those who may read about them.

use std::io::{self, Write};

use umbrascope_api::Day;
use umbrascope_rules::Catalogue;

use crate::audit::pack::PackError;
use crate::model::{Page, PageRequest, Sight};
use crate::store::StoreError;

mod ciso;
mod clauses;
mod csv;
mod cyclonedx;
mod dossier;
mod evidence;
mod format;
mod ident;
mod json;
mod jsonl;
pub mod monthly;
mod ocsf;
mod oscal;
pub mod scope;
mod spdx;
mod view;

pub use evidence::{Proving, write as write_pack};
pub use format::{Format, UnknownFormat, UnknownPart};
pub use view::Sources;
use view::View;

/// The word of the export that is a file of files, written by [`write_pack`].
pub const EVIDENCE_PACK: &str = "evidence-pack";

/// The words of the exports there are.
pub const FORMATS: &[&str] = &[
    "csv",
    "json",
    "jsonl",
    "cyclonedx-1.6",
    "cyclonedx-1.7",
    "spdx-3.0.1",
    "ocsf-1.8",
    "oscal",
    "ciso-assistant",
    EVIDENCE_PACK,
];

/// Says for whom and of when an export is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Unix time in milliseconds.
    pub now_ms: i64,
    /// The past day at whose end it is of; `None`: now.
    pub as_of: Option<Day>,
    /// Version of the collector's catalogue.
    pub catalogue_version: String,
    /// Whether single machines stand in it: not for everybody.
    pub machines: bool,
    /// The smallest number of machines or accounts that stands in it.
    pub least: u64,
    /// The records that stand in it.
    pub sight: Sight,
}

impl Stamp {
    /// The stamp of an export made now, with this catalogue.
    pub fn new(catalogue: &Catalogue, now_ms: i64) -> Self {
        let catalogue_version = catalogue.version().to_string();
        Self { now_ms, as_of: None, catalogue_version, machines: true, least: 0, sight: Sight::All }
    }

    /// Of the end of a day. A day to come is refused: nobody knows it.
    pub fn as_of(mut self, day: Option<Day>) -> Result<Self, ExportError> {
        match day {
            Some(day) if day > Day::from_unix_ms(self.now_ms) => return Err(ExportError::Future(day)),
            day => self.as_of = day,
        }
        Ok(self)
    }

    /// The day that it is of.
    fn day(&self) -> Day {
        self.as_of.unwrap_or_else(|| Day::from_unix_ms(self.now_ms))
    }

    /// What is in it came before this moment, Unix milliseconds.
    fn before_ms(&self) -> i64 {
        self.as_of.map_or(i64::MAX, |day| day.forward(1).unix_ms())
    }
}

/// Why an export was not written to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// There is no such format.
    #[error(transparent)]
    Format(#[from] UnknownFormat),
    /// The format has no such part.
    #[error(transparent)]
    Part(#[from] UnknownPart),
    /// The day is still to come.
    #[error("{0} is still to come: choose today or a day before")]
    Future(Day),
    /// The records could not be read.
    #[error("the records could not be read for the export")]
    Store(#[from] StoreError),
    /// The output did not take it.
    #[error("the export could not be written")]
    Write(#[from] io::Error),
    /// The evidence pack, or the seal of a JSON export.
    #[error(transparent)]
    Pack(PackError),
    /// The audit trail has entries that no checkpoint covers.
    #[error("the audit trail grew since its newest checkpoint: try again")]
    Behind,
    /// A record could not be put into the format.
    #[error("a record could not be written in this format")]
    Encode(#[from] serde_json::Error),
}

/// Writes a part of an export, an empty word being all of it. Blocking.
pub fn write(
    format: Format,
    part: &str,
    from: Sources<'_>,
    catalogue: &Catalogue,
    stamp: &Stamp,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let view = || View::read(from, catalogue, stamp);
    match format {
        Format::Csv => csv::write(part, from, catalogue, stamp, out),
        Format::Json => json::write(from, catalogue, stamp, out),
        Format::JsonLines => jsonl::write(from, catalogue, stamp, out),
        Format::CycloneDx16 => cyclonedx::write(cyclonedx::Version::V1_6, &view()?, out),
        Format::CycloneDx17 => cyclonedx::write(cyclonedx::Version::V1_7, &view()?, out),
        Format::Spdx => spdx::write(&view()?, out),
        Format::Ocsf => ocsf::write(&view()?, out),
        Format::Oscal if part == "catalog" => oscal::write_catalog(stamp.now_ms, out),
        Format::Oscal => oscal::write(&view()?, out),
        Format::CisoAssistant => ciso::write(part, &view()?, out),
    }
}

/// Writes the JSON export with the audit trail, sealed, for `audit verify`. [`ExportError::Behind`] as with [`write_pack`]. Blocking.
pub fn write_proven_json(
    from: Sources<'_>,
    catalogue: &Catalogue,
    proving: Proving<'_>,
    stamp: &Stamp,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    json::proven(from, catalogue, proving, stamp, out)
}

/// Calls `each` for every row of a list, page by page.
fn every<T>(
    mut page_of: impl FnMut(PageRequest) -> Result<Page<T>, StoreError>,
    mut each: impl FnMut(T) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let limit = PageRequest::MAX_LIMIT;
    let mut offset = 0;
    loop {
        let page = page_of(PageRequest { offset, limit })?;
        let last = page.rows.len() < limit as usize;
        page.rows.into_iter().try_for_each(&mut each)?;
        if last {
            return Ok(());
        }
        offset += u64::from(limit);
    }
}

/// The elements of an array, one a line.
struct Elements {
    first: bool,
}

impl Elements {
    fn new() -> Self {
        Self { first: true }
    }

    fn write(&mut self, out: &mut dyn Write, value: &impl serde::Serialize) -> Result<(), ExportError> {
        out.write_all(if self.first { b"\n" } else { b",\n" })?;
        self.first = false;
        to_writer(out, value)
    }
}

fn to_writer(out: &mut dyn Write, value: &(impl serde::Serialize + ?Sized)) -> Result<(), ExportError> {
    serde_json::to_writer(out, value).map_err(|error| match error.io_error_kind() {
        Some(_) => ExportError::Write(error.into()),
        None => ExportError::Encode(error),
    })
}

/// The program that writes, as formats name it.
const PROGRAM: &str = "umbrascope-collector";
/// Its version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[cfg(test)]
mod tests;
