//! Exports: the inventory for other programs, one file a format. They page through the store, so that a
//! large fleet does not stand in memory, and write in an order that does not depend on chance.

use std::io::{self, Write};
use std::str::FromStr;

use umbrascope_api::Day;
use umbrascope_rules::Catalogue;

use crate::audit::pack::PackError;
use crate::model::{Direction, Page, PageRequest, ProductFilter, ProductRow, ProductSort};
use crate::store::{Reads, StoreError};

mod csv;
mod evidence;
mod json;

pub use evidence::{Proving, write as write_pack};

/// The words of [`run`] for the formats there are.
pub const FORMATS: &[&str] = &["csv", "json", EVIDENCE_PACK];

/// The word of the export that is a file of files, written by [`write_pack`].
pub const EVIDENCE_PACK: &str = "evidence-pack";

/// Writes the export that `format` names, as of now. Blocking.
pub fn run(
    format: &str,
    reads: &dyn Reads,
    catalogue: &Catalogue,
    now_ms: i64,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    write(format.parse()?, reads, &Stamp::new(catalogue, now_ms), out)
}

/// A format that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Products as rows of comma-separated values.
    Csv,
    /// Products with evidence, AI systems, assets and coverage.
    Json,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Json];

    /// Its word on the command line and in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    /// Ending of a file's name.
    pub fn extension(self) -> &'static str {
        self.as_str()
    }

    /// Media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
        }
    }
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no export format: choose csv or json")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, UnknownFormat> {
        let known = Self::ALL.into_iter().find(|format| format.as_str() == word);
        known.ok_or_else(|| UnknownFormat(word.chars().take(40).collect()))
    }
}

/// When an export is made, and by what knowledge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Unix time in milliseconds.
    pub now_ms: i64,
    /// Version of the collector's catalogue.
    pub catalogue_version: String,
    /// Whether single machines stand in it: not for everybody.
    pub machines: bool,
    /// The smallest number of machines or accounts that stands in it.
    pub least: u64,
}

impl Stamp {
    /// The stamp of an export made now, with this catalogue.
    pub fn new(catalogue: &Catalogue, now_ms: i64) -> Self {
        Self { now_ms, catalogue_version: catalogue.version().to_string(), machines: true, least: 0 }
    }

    fn today(&self) -> Day {
        Day::from_unix_ms(self.now_ms)
    }
}

/// Why an export was not written to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// There is no such format.
    #[error(transparent)]
    Format(#[from] UnknownFormat),
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
}

/// Writes an export. Blocking.
pub fn write(
    format: Format,
    reads: &dyn Reads,
    stamp: &Stamp,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    match format {
        Format::Csv => csv::write(reads, stamp, out),
        Format::Json => json::write(reads, stamp, out),
    }
}

/// Writes the JSON export with the audit trail, sealed, for `audit verify`. [`ExportError::Behind`] as with [`write_pack`]. Blocking.
pub fn write_proven_json(
    reads: &dyn Reads,
    proving: Proving<'_>,
    stamp: &Stamp,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    json::proven(reads, proving, stamp, out)
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

/// Calls `each` for every product, by name.
fn every_product(
    reads: &dyn Reads,
    stamp: &Stamp,
    each: impl FnMut(ProductRow) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let all = ProductFilter::default();
    every(|page| reads.products(&all, ProductSort::Name, Direction::Ascending, page, stamp.today()), each)
}
