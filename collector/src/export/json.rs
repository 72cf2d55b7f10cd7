//! The whole inventory as one JSON object: `products` with their evidence, `ai_systems`, `assets`, `suspects`,
//! `coverage`, and when and by what it was made. Written piece by piece, so no part of it grows with
//! the fleet in memory. Fields are added, never renamed or removed; a reader checks `format_version`.

use std::io::{self, Write};

use ring::digest::{Context, SHA256};
use serde::Serialize;

use super::{ExportError, Proving, Stamp, every, every_product, evidence};
use crate::api::suspect::Suspect;
use crate::api::types::{AiSystem, Asset, CoverageTotals, ProductWhole, Sensor};
use crate::audit::pack::PackError;
use crate::audit::verify::BEFORE_PROOF;
use crate::audit::{Hash, Seal, Sealed};
use crate::model::{AssetFilter, AssetSort, Direction, SystemFilter, SystemSort};
use crate::store::Reads;
use crate::web::Rfc3339;

/// Name of the format, in its `format` field.
const FORMAT: &str = "umbrascope-inventory";
/// Raised when a reader of the version before would misread it.
const FORMAT_VERSION: u32 = 1;

pub(super) fn write(reads: &dyn Reads, stamp: &Stamp, out: &mut dyn Write) -> Result<(), ExportError> {
    inventory(reads, stamp, out)?;
    out.write_all(b"}\n")?;
    Ok(())
}

/// The same with the audit trail and a seal over all of it, for `audit verify`.
pub(super) fn proven(
    reads: &dyn Reads,
    proving: Proving<'_>,
    stamp: &Stamp,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let mut sealed = Hashing { out, digest: Context::new(&SHA256) };
    inventory(reads, stamp, &mut sealed)?;
    sealed.write_all(b",\n\"trail\":{")?;
    let head = evidence::json(proving, &mut sealed)?;
    sealed.write_all(b"}")?;
    let content = Hash::from_slice(sealed.digest.finish().as_ref()).unwrap_or(Hash::ZERO);
    let seal =
        Seal::sign(Sealed::Json, &head, content, stamp.now_ms, proving.keys).map_err(PackError::from)?;
    out.write_all(BEFORE_PROOF)?;
    value_of(out, &seal.to_string())?;
    out.write_all(b"}\n")?;
    Ok(())
}

/// What could be seen and what could not, as an object of its own.
pub(super) fn coverage(reads: &dyn Reads, stamp: &Stamp, out: &mut dyn Write) -> Result<(), ExportError> {
    out.write_all(b"{")?;
    field(out, "totals", &CoverageTotals::from(reads.coverage_totals(stamp.now_ms)?))?;
    out.write_all(b"\"sensors\":[")?;
    let mut sensors = Elements::new();
    if stamp.machines {
        every(|page| reads.coverage(page, stamp.now_ms), |row| sensors.write(out, &Sensor::from(row)))?;
    }
    out.write_all(b"\n]}")?;
    Ok(())
}

/// Everything but the end.
fn inventory(reads: &dyn Reads, stamp: &Stamp, out: &mut dyn Write) -> Result<(), ExportError> {
    out.write_all(b"{")?;
    field(out, "format", &FORMAT)?;
    field(out, "format_version", &FORMAT_VERSION)?;
    field(out, "generated_at", &Rfc3339(stamp.now_ms).to_string())?;
    field(out, "generator", &concat!("umbrascope-collector ", env!("CARGO_PKG_VERSION")))?;
    field(out, "catalogue_version", &stamp.catalogue_version)?;
    // What the role of who takes it away does not cover: then the lists of machines are empty.
    field(out, "withheld", if stamp.machines { &[] as &[&str] } else { &["machines"] })?;

    out.write_all(b"\"products\":[")?;
    let mut products = Elements::new();
    every_product(reads, stamp, |row| match reads.product(&row.id, stamp.today())? {
        Some(mut product) => {
            if !stamp.machines {
                product.assets.clear();
            }
            products.write(out, &ProductWhole::from(product).at_least(stamp.least))
        }
        None => Ok(()),
    })?;

    out.write_all(b"\n],\n\"ai_systems\":[")?;
    let mut systems = Elements::new();
    let all = SystemFilter::default();
    every(
        |page| reads.systems(&all, SystemSort::Name, Direction::Ascending, page),
        |row| systems.write(out, &AiSystem::from(row).at_least(stamp.least)),
    )?;

    out.write_all(b"\n],\n\"assets\":[")?;
    let mut assets = Elements::new();
    let all = AssetFilter { within: (!stamp.machines).then(Vec::new), ..AssetFilter::default() };
    every(
        |page| reads.assets(&all, AssetSort::Name, Direction::Ascending, page, stamp.now_ms),
        |row| assets.write(out, &Asset::from(row)),
    )?;

    // Apart from all of the above: a guess from the letters of a name, and no product.
    out.write_all(b"\n],\n\"suspects\":[")?;
    let mut suspects = Elements::new();
    every(|page| reads.suspects(false, page), |row| suspects.write(out, &Suspect::from(row)))?;

    out.write_all(b"\n],\n\"coverage\":")?;
    coverage(reads, stamp, out)
}

fn field(out: &mut dyn Write, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), ExportError> {
    write!(out, "\"{name}\":")?;
    value_of(out, value)?;
    out.write_all(b",\n")?;
    Ok(())
}

fn value_of(out: &mut dyn Write, value: &(impl Serialize + ?Sized)) -> Result<(), ExportError> {
    serde_json::to_writer(out, value).map_err(|error| ExportError::Write(error.into()))
}

/// Passes bytes on and hashes them.
struct Hashing<'a> {
    out: &'a mut dyn Write,
    digest: Context,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
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

    fn write(&mut self, out: &mut dyn Write, value: &impl Serialize) -> Result<(), ExportError> {
        out.write_all(if self.first { b"\n" } else { b",\n" })?;
        self.first = false;
        value_of(out, value)
    }
}
