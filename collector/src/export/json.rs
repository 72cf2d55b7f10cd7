//! The whole inventory as one JSON object: `products` with their evidence, `ai_systems` with each record whole, `assets`, `suspects`,
//! `coverage`, and when and by what it was made. Lists of the fleet are written piece by piece, so that no part of it grows with the
//! fleet in memory. Fields are added, never renamed or removed; a reader checks `format_version`.
//!
//! Of a past day, what is no longer known stands as null, and `expired` names the lists that are not kept: they are empty.

use std::collections::BTreeMap;
use std::io::{self, Write};

use ring::digest::{Context, SHA256};
use serde::Serialize;
use serde_json::{Value, json};
use umbrascope_api::Day;
use umbrascope_rules::{Catalogue, Confidence, Level};

use super::monthly::Past;
use super::view::{self, Head, Sightings, System, View};
use super::{Elements, ExportError, Proving, Sources, Stamp, every, evidence, to_writer};
use crate::api::fleet_types::{Asset, CoverageTotals, Sensor};
use crate::api::suspect::Suspect;
use crate::api::types::{AiSystem, ProductWhole};
use crate::audit::pack::PackError;
use crate::audit::verify::BEFORE_PROOF;
use crate::audit::{Hash, Seal, Sealed};
use crate::model::{AiSystemRow, AssetFilter, AssetSort, Direction, ProductDetail, SystemFilter, SystemSort};
use crate::web::Rfc3339;

/// Name of the format, in its `format` field.
const FORMAT: &str = "umbrascope-inventory";
/// Raised when a reader of the version before would misread it.
const FORMAT_VERSION: u32 = 1;
/// What is not kept of a past day.
const EXPIRED: &[&str] = &["assets", "suspects", "coverage"];

pub(super) fn write(
    from: Sources<'_>,
    catalogue: &Catalogue,
    stamp: &Stamp,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    inventory(from, catalogue, stamp, out)?;
    Ok(out.write_all(b"}\n")?)
}

/// The same with the audit trail and a seal over all of it, for `audit verify`.
pub(super) fn proven(
    from: Sources<'_>,
    catalogue: &Catalogue,
    proving: Proving<'_>,
    stamp: &Stamp,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let mut sealed = Hashing { out, digest: Context::new(&SHA256) };
    inventory(from, catalogue, stamp, &mut sealed)?;
    sealed.write_all(b",\n\"trail\":{")?;
    let head = evidence::json(proving, &mut sealed)?;
    sealed.write_all(b"}")?;
    let content = Hash::from_slice(sealed.digest.finish().as_ref()).unwrap_or(Hash::ZERO);
    let seal =
        Seal::sign(Sealed::Json, &head, content, stamp.now_ms, proving.keys).map_err(PackError::from)?;
    out.write_all(BEFORE_PROOF)?;
    to_writer(out, &seal.to_string())?;
    Ok(out.write_all(b"}\n")?)
}

/// What could be seen and what could not, as an object of its own.
pub(super) fn coverage(
    from: Sources<'_>,
    catalogue: &Catalogue,
    stamp: &Stamp,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let systems = from.count_systems(stamp)?;
    coverage_of(from, &view::head(from, catalogue, stamp, systems)?, stamp, out)
}

/// Everything but the end.
fn inventory(
    from: Sources<'_>,
    catalogue: &Catalogue,
    stamp: &Stamp,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let reads = from.reads;
    let view = View::read(from, catalogue, stamp)?;
    let head = &view.head;
    out.write_all(b"{")?;
    field(out, "format", &FORMAT)?;
    field(out, "format_version", &FORMAT_VERSION)?;
    field(out, "generated_at", &Rfc3339(stamp.now_ms).to_string())?;
    field(out, "generator", &format!("{} {}", super::PROGRAM, super::VERSION))?;
    field(out, "as_of", &stamp.as_of.map(|day| day.to_string()))?;
    field(out, "catalogue_version", &stamp.catalogue_version)?;
    field(out, "policy_version", &head.policy)?;
    let end = head.trail_end.as_ref().map(|(seq, leaf)| json!({ "seq": seq, "leaf": leaf }));
    field(out, "trail_end", &end)?;
    field(out, "checkpoint", &head.checkpoint)?;
    // What the role of who takes it away does not cover: then the lists of machines are empty.
    field(out, "withheld", if stamp.machines { &[] as &[&str] } else { &["machines"] })?;
    field(out, "cut_to_units", &head.units)?;
    let kept = head.coverage.totals.is_some();
    let expired = EXPIRED.iter().filter(|list| stamp.as_of.is_some() && !(kept && **list == "coverage"));
    field(out, "expired", &expired.collect::<Vec<_>>())?;
    field(out, "erased", &view.erased)?;

    out.write_all(b"\"products\":[")?;
    let mut products = Elements::new();
    let past = Past::read(from, stamp)?;
    view::every_product(reads, stamp, |mut product| {
        if !stamp.machines || stamp.as_of.is_some() {
            product.assets.clear();
        }
        products.write(out, &whole_product(product, stamp, &past)?)
    })?;

    out.write_all(b"\n],\n\"ai_systems\":[")?;
    let mut systems = Elements::new();
    let held: BTreeMap<&str, &System> =
        view.systems.iter().map(|system| (system.record.id.as_str(), system)).collect();
    if stamp.as_of.is_some() {
        for system in &view.systems {
            let mut whole = whole_system(row_as_of(system), Some(system), stamp.as_of)?;
            whole["assets"] = system.assets().into();
            whole["observed_as_of"] = system.snapshot().map(|day| day.to_string()).into();
            systems.write(out, &whole)?;
        }
    } else {
        let all = SystemFilter { sight: stamp.sight.clone(), ..SystemFilter::default() };
        every(
            |page| reads.systems(&all, SystemSort::Name, Direction::Ascending, page),
            |row| {
                // None, where it was made since the records were read.
                let system = held.get(row.id.as_str()).copied();
                systems.write(out, &whole_system(AiSystem::from(row).at_least(stamp.least), system, None)?)
            },
        )?;
    }

    let lists = stamp.as_of.is_none();
    out.write_all(b"\n],\n\"assets\":[")?;
    let mut assets = Elements::new();
    let all = AssetFilter { within: (!stamp.machines).then(Vec::new), ..AssetFilter::default() };
    if lists {
        every(
            |page| reads.assets(&all, AssetSort::Name, Direction::Ascending, page, stamp.now_ms),
            |row| assets.write(out, &Asset::from(row)),
        )?;
    }

    // Apart from all of the above: a guess from the letters of a name, and no product.
    out.write_all(b"\n],\n\"suspects\":[")?;
    let mut suspects = Elements::new();
    if lists {
        every(|page| reads.suspects(false, page), |row| suspects.write(out, &Suspect::from(row)))?;
    }

    out.write_all(b"\n],\n\"coverage\":")?;
    coverage_of(from, head, stamp, out)
}

fn coverage_of(
    from: Sources<'_>,
    head: &Head,
    stamp: &Stamp,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    out.write_all(b"{")?;
    let statement: BTreeMap<&str, &str> = head.coverage.sentences().collect();
    field(out, "statement", &statement)?;
    field(out, "totals", &head.coverage.totals.clone().map(CoverageTotals::from))?;
    out.write_all(b"\"sensors\":[")?;
    let mut sensors = Elements::new();
    if stamp.machines && stamp.as_of.is_none() {
        every(|page| from.reads.coverage(page, stamp.now_ms), |row| sensors.write(out, &Sensor::from(row)))?;
    }
    Ok(out.write_all(b"\n]}")?)
}

/// A product; of a past day with null for what is no longer known.
pub(super) fn whole_product(
    product: ProductDetail,
    stamp: &Stamp,
    past: &Past,
) -> Result<Value, ExportError> {
    let seen = view::sightings(&product, stamp, past);
    let mut whole =
        serde_json::to_value(ProductWhole::from(product.at_least(stamp.least)).at_least(stamp.least))?;
    whole["observations"] = seen.word().into();
    let (Some(day), Sightings::Seen { last, .. }) = (stamp.as_of, seen) else { return Ok(whole) };
    whole["assets"] = seen.assets().into();
    whole["observed_as_of"] = seen.snapshot().map(|day| day.to_string()).into();
    whole["last_day"] = last.map(|day| day.to_string()).into();
    let past = |row: &Value, name: &str| row[name].as_str().and_then(|text| text.parse::<Day>().ok());
    if let Some(rows) = whole["evidence"].as_array_mut() {
        rows.retain(|row| past(row, "first_day").is_some_and(|first| first <= day));
        for row in rows {
            for name in ["assets", "accounts", "count", "present"] {
                row[name] = Value::Null;
            }
            if past(row, "last_day").is_some_and(|last| last > day) {
                row["last_day"] = Value::Null;
            }
        }
    }
    Ok(whole)
}

/// The line of a record as it was on a past day.
fn row_as_of(system: &System) -> AiSystem {
    let record = &system.record;
    let (first_day, last_day) = system.days();
    let strongest = system.products.iter().flat_map(|product| &product.evidence);
    let level = strongest.clone().map(|row| row.level).max().unwrap_or(Level::Referenced);
    let confidence = strongest.clone().map(|row| row.confidence).max().unwrap_or(Confidence::Suspect);
    let mut channels: Vec<_> = strongest.map(|row| row.channel.clone()).collect();
    channels.sort_unstable();
    channels.dedup();
    AiSystem::from(AiSystemRow {
        id: record.id.clone(),
        reference: record.reference.clone(),
        name: record.name.clone(),
        kind: record.kind,
        products: record.products.iter().cloned().collect(),
        vendor: system.vendor().unwrap_or_default(),
        product_kind: system.products.first().and_then(|product| product.kind),
        review: record.review,
        sanction: record.sanction,
        scope: record.scope,
        stage: record.stage,
        observed: record.observed,
        enforcement: record.enforcement,
        tier: record.risk_tier,
        ai_act_class: record.ai_act_class,
        owner: record.system_owner,
        requested: record.request.is_some(),
        channels,
        confidence,
        level,
        assets: 0,
        first_day,
        last_day,
        created_at_ms: system.dated.created_at_ms,
    })
}

/// The record whole, with what its trail says of this version.
pub(super) fn record(system: &System, as_of: Option<Day>) -> Result<Value, ExportError> {
    Ok(json!({
        "sanction_effective": system.sanction.as_str(),
        "observations": system.products.iter().map(|product| (&product.id, product.seen.word())).collect::<BTreeMap<_, _>>(),
        "record": &system.record,
        "resources": system.resources(as_of),
        "clocks": BTreeMap::from(system.clocks()),
        "record_version": system.dated.version,
        "record_hash": system.dated.hash,
        "log_seq": system.dated.seq,
        "updated_at": Rfc3339(system.dated.at_ms).to_string(),
    }))
}

/// The line of a record with the record itself.
fn whole_system(row: AiSystem, system: Option<&System>, as_of: Option<Day>) -> Result<Value, ExportError> {
    let mut whole = serde_json::to_value(row)?;
    if let (Value::Object(whole), Some(Value::Object(fields))) =
        (&mut whole, system.map(|system| record(system, as_of)).transpose()?)
    {
        whole.extend(fields);
    }
    Ok(whole)
}

fn field(out: &mut dyn Write, name: &str, value: &(impl Serialize + ?Sized)) -> Result<(), ExportError> {
    write!(out, "\"{name}\":")?;
    to_writer(out, value)?;
    out.write_all(b",\n")?;
    Ok(())
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
