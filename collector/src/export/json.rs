//! The whole inventory as one JSON object: `products` with their evidence, `ai_systems`, `assets`, `suspects`,
//! `coverage`, and when and by what it was made. Written piece by piece, so no part of it grows with
//! the fleet in memory. Fields are added, never renamed or removed; a reader checks `format_version`.

use std::io::Write;

use serde::Serialize;

use super::{ExportError, Stamp, every, every_product};
use crate::api::suspect::Suspect;
use crate::api::types::{AiSystem, Asset, CoverageTotals, ProductWhole, Sensor};
use crate::model::{AssetFilter, AssetSort, Direction, SystemFilter, SystemSort};
use crate::store::Reads;
use crate::web::Rfc3339;

/// Name of the format, in its `format` field.
const FORMAT: &str = "umbrascope-inventory";
/// Raised when a reader of the version before would misread it.
const FORMAT_VERSION: u32 = 1;

pub(super) fn write(reads: &dyn Reads, stamp: &Stamp, out: &mut dyn Write) -> Result<(), ExportError> {
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
            products.write(out, &ProductWhole::from(product))
        }
        None => Ok(()),
    })?;

    out.write_all(b"\n],\n\"ai_systems\":[")?;
    let mut systems = Elements::new();
    let all = SystemFilter::default();
    every(
        |page| reads.systems(&all, SystemSort::Name, Direction::Ascending, page),
        |row| systems.write(out, &AiSystem::from(row)),
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

    out.write_all(b"\n],\n\"coverage\":{")?;
    field(out, "totals", &CoverageTotals::from(reads.coverage_totals(stamp.now_ms)?))?;
    out.write_all(b"\"sensors\":[")?;
    let mut sensors = Elements::new();
    if stamp.machines {
        every(|page| reads.coverage(page, stamp.now_ms), |row| sensors.write(out, &Sensor::from(row)))?;
    }
    out.write_all(b"\n]}}\n")?;
    Ok(())
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
