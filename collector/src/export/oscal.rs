//! OSCAL 1.2.1: a component definition, each AI system a component that says for which clauses of ISO/IEC 42001 its record holds
//! something. The catalogue of the clauses is our own, of numbers and titles only; it travels in the back matter, and stands alone as the
//! part `catalog`. That a field is filled is told; that a clause is met is not.

use std::io::Write;

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::clauses::{CLAUSES, Clause, EDITION, STANDARD};
use super::ident::{uuid_of, uuid_of_parts};
use super::view::{System, View};
use super::{Elements, ExportError, PROGRAM, VERSION, to_writer};
use crate::web::Rfc3339;

/// Version of the models.
const OSCAL: &str = "1.2.1";
/// Our namespace for properties.
const NAMESPACE: &str = "urn:umbrascope:ns";

/// Writes the catalogue of the clauses.
pub(super) fn write_catalog(now_ms: i64, out: &mut dyn Write) -> Result<(), ExportError> {
    to_writer(out, &catalog(now_ms))?;
    Ok(out.write_all(b"\n")?)
}

fn catalog(now_ms: i64) -> Value {
    let controls = CLAUSES.iter().map(|clause| {
        json!({
            "id": clause.token(),
            "title": clause.title,
            "props": [{ "name": "label", "value": clause.number }],
        })
    });
    json!({ "catalog": {
        "uuid": uuid_of("oscal catalog"),
        "metadata": {
            "title": format!("{STANDARD}:{EDITION}, numbers and titles"),
            "last-modified": Rfc3339(now_ms).to_string(),
            "version": EDITION,
            "oscal-version": OSCAL,
            "remarks": "Numbers and titles only. What they demand stands in the standard.",
        },
        "controls": controls.collect::<Vec<_>>(),
    } })
}

pub(super) fn write(view: &View, out: &mut dyn Write) -> Result<(), ExportError> {
    let head = &view.head;
    let hashes: Vec<&[u8]> = view
        .systems
        .iter()
        .flat_map(|system| [system.record.id.as_bytes(), system.dated.hash.as_bytes()])
        .collect();
    let coverage: Vec<&str> = head.coverage.sentences().map(|(_, text)| text).collect();
    write!(out, "{{\"component-definition\":{{\"uuid\":\"{}\",\n\"metadata\":", uuid_of_parts(&hashes))?;
    to_writer(
        out,
        &json!({
            "title": "Inventory of AI systems",
            "last-modified": Rfc3339(head.now_ms).to_string(),
            "version": head.trail_end.as_ref().map_or_else(|| "0".to_owned(), |(seq, _)| (seq + 1).to_string()),
            "oscal-version": OSCAL,
            "props": props(head.facts()),
            "roles": [
                { "id": "system-owner", "title": "Answers for the system" },
                { "id": "risk-owner", "title": "Answers for its risk" },
            ],
            "remarks": format!("Written by {PROGRAM} {VERSION}. {}", coverage.join(" ")),
        }),
    )?;
    if !view.systems.is_empty() {
        out.write_all(b",\n\"components\":[")?;
        let mut components = Elements::new();
        for system in &view.systems {
            components.write(out, &component(system))?;
        }
        out.write_all(b"\n]")?;
    }
    out.write_all(b",\n\"back-matter\":")?;
    let catalog = serde_json::to_vec(&catalog(head.now_ms))?;
    to_writer(
        out,
        &json!({ "resources": [{
        "uuid": catalog_resource(),
        "title": format!("{STANDARD}:{EDITION}, numbers and titles"),
        "base64": {
            "filename": "iso42001-catalog.json", "media-type": "application/json", "value": BASE64.encode(&catalog),
        },
    }] }),
    )?;
    Ok(out.write_all(b"}}\n")?)
}

fn catalog_resource() -> String {
    uuid_of("oscal resource catalog")
}

fn component(system: &System) -> Value {
    let record = &system.record;
    let mut component = json!({
        "uuid": uuid_of(&format!("oscal component {}", record.id)),
        "type": if system.is_service() { "service" } else { "software" },
        "title": line(&record.name).unwrap_or_else(|| record.reference.clone()),
        "description": record.purpose.clone().unwrap_or_else(|| "No purpose is on record.".to_owned()),
        "props": props(system.facts()),
    });
    if let Some(text) = record.intended_use.as_deref().and_then(line) {
        component["purpose"] = text.into();
    }
    let roles: Vec<Value> = [("system-owner", record.system_owner), ("risk-owner", record.risk_owner)]
        .into_iter()
        .filter_map(|(role, person)| person.map(|_| json!({ "role-id": role })))
        .collect();
    if !roles.is_empty() {
        component["responsible-roles"] = roles.into();
    }
    let requirements: Vec<Value> = CLAUSES.iter().filter_map(|clause| requirement(system, clause)).collect();
    if !requirements.is_empty() {
        component["control-implementations"] = json!([{
            "uuid": uuid_of(&format!("oscal controls {}", record.id)),
            "source": format!("#{}", catalog_resource()),
            "description": "What the record holds that bears on each clause.",
            "implemented-requirements": requirements,
        }]);
    }
    component
}

/// Of a clause for which the record holds something.
fn requirement(system: &System, clause: &Clause) -> Option<Value> {
    let (held, missing) = clause.held(system);
    if held.is_empty() {
        return None;
    }
    let mut says = format!("On record: {}.", held.join(", "));
    if !missing.is_empty() {
        says.push_str(&format!(" Not on record: {}.", missing.join(", ")));
    }
    Some(json!({
        "uuid": uuid_of(&format!("oscal requirement {} {}", system.record.id, clause.number)),
        "control-id": clause.token(),
        "description": says,
    }))
}

fn props(facts: Vec<(&'static str, String)>) -> Vec<Value> {
    facts
        .into_iter()
        .filter_map(|(name, value)| Some(json!({ "name": name, "ns": NAMESPACE, "value": line(&value)? })))
        .collect()
}

/// A text as the models take it: one line, with something in it, and no blank at its ends.
fn line(text: &str) -> Option<String> {
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words: Vec<&str> = shown.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}
