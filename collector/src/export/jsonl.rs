//! JSON Lines: one thing a line, each line valid by itself and with the version of its schema, which stands in
//! `collector/schemas/export-line-1.json`. The first line is the head, the last one counts the lines before it: without it
//! the end is missing. An id is the same whenever the same state of the same thing is written.

use std::io::Write;

use serde_json::{Value, json};
use umbrascope_rules::Catalogue;

use super::ident::uuid_of;
use super::monthly::Past;
use super::view::{self, System, View};
use super::{ExportError, Sources, Stamp, json, to_writer};
use crate::web::Rfc3339;

/// Version of the schema of a line.
const SCHEMA: &str = "umbrascope-export-line/1";

pub(super) fn write(
    from: Sources<'_>,
    catalogue: &Catalogue,
    stamp: &Stamp,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    let view = View::read(from, catalogue, stamp)?;
    let head = &view.head;
    let mut lines = Lines { out, written: 0 };
    let facts: serde_json::Map<String, Value> =
        head.facts().into_iter().map(|(name, text)| (name.replace('-', "_"), text.into())).collect();
    let generated = Rfc3339(head.now_ms).to_string();
    lines.write("head", &format!("head {generated}"), &generated, json!({
        "generator": format!("{} {}", super::PROGRAM, super::VERSION), "facts": facts, "erased": view.erased,
    }))?;
    for system in &view.systems {
        let named = format!("system {} {}", system.record.id, system.dated.hash);
        let at = Rfc3339(system.dated.at_ms).to_string();
        let mut data = json::record(system, stamp.as_of)?;
        data["reference"] = system.record.reference.as_str().into();
        data["vendor"] = system.vendor().into();
        data["created_at"] = Rfc3339(system.dated.created_at_ms).to_string().into();
        lines.write("system", &named, &at, data)?;
        decision(&mut lines, system)?;
    }
    let past = Past::read(from, stamp)?;
    view::every_product(from.reads, stamp, |mut product| {
        // Single machines are for few; this format is for pipelines.
        product.assets.clear();
        let named = format!("product {}", product.row.id);
        lines.write("product", &named, &generated, json::whole_product(product, stamp, &past)?)
    })?;
    let written = lines.written;
    lines.write("end", &format!("end {generated}"), &generated, json!({ "lines": written }))
}

fn decision(lines: &mut Lines<'_>, system: &System) -> Result<(), ExportError> {
    let record = &system.record;
    let Some(decision) = &record.decision else { return Ok(()) };
    let at = Rfc3339(decision.at_ms).to_string();
    let data = json!({
        "system": record.id,
        "reference": record.reference,
        "sanction": record.sanction.as_str(),
        "sanction_effective": system.sanction.as_str(),
        "conditions": record.conditions,
        "expires_on": record.expires_on.map(|day| day.to_string()),
        "limited_to_units": record.limited_to_units,
        "limited_to_versions": record.limited_to_versions,
        "reason": decision.reason,
        "policy_version": decision.policy,
        "decided_by": decision.by,
        "requested_by": decision.requested_by,
        "coverage_percent": decision.coverage_percent,
    });
    lines.write("decision", &format!("decision {} {}", record.id, decision.at_ms), &at, data)
}

struct Lines<'a> {
    out: &'a mut dyn Write,
    written: u64,
}

impl Lines<'_> {
    fn write(&mut self, what: &str, named: &str, at: &str, data: Value) -> Result<(), ExportError> {
        let line = json!({
            "schema": SCHEMA, "type": what, "id": uuid_of(&format!("line {named}")), "at": at, "data": data,
        });
        to_writer(self.out, &line)?;
        self.out.write_all(b"\n")?;
        self.written += 1;
        Ok(())
    }
}
