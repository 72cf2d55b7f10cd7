//! OCSF 1.8 as JSON Lines: of each AI system an event of class 5020 (Software Info), of each decision one of class 3004 (Entity
//! Management), and at the front a base event that says what all of it rests on.
//!
//! The class wants a device. Ours is the fleet, not a machine: host names point at people, and who reads a SIEM was not asked whether
//! they may read about single machines. A decision is an update of a record; it is not written as enabling or disabling, for
//! a decision alone enforces nothing.

use std::io::Write;

use serde_json::{Map, Value, json};

use super::ident::uuid_of;
use super::view::{Head, System, View};
use super::{ExportError, PROGRAM, VERSION, to_writer};

/// Version of the schema.
const SCHEMA: &str = "1.8.0";

pub(super) fn write(view: &View, out: &mut dyn Write) -> Result<(), ExportError> {
    line(out, &base(&view.head, view.systems.len()))?;
    for system in &view.systems {
        line(out, &software(system, &view.head))?;
        if let Some(event) = decision(system) {
            line(out, &event)?;
        }
    }
    Ok(())
}

fn line(out: &mut dyn Write, event: &Value) -> Result<(), ExportError> {
    to_writer(out, event)?;
    Ok(out.write_all(b"\n")?)
}

fn metadata(named: &str) -> Value {
    json!({
        "version": SCHEMA,
        "uid": uuid_of(&format!("ocsf {named}")),
        "product": { "name": "Umbrascope", "uid": PROGRAM, "version": VERSION, "vendor_name": "Umbrascope" },
    })
}

fn unmapped(facts: Vec<(&'static str, String)>) -> Value {
    let mut object = Map::new();
    for (name, text) in facts {
        match object.entry(format!("umbrascope_{}", name.replace('-', "_"))) {
            serde_json::map::Entry::Vacant(entry) => {
                entry.insert(text.into());
            }
            // More than one unit, role or label.
            serde_json::map::Entry::Occupied(mut entry) => {
                let joined = format!("{} | {text}", entry.get().as_str().unwrap_or_default());
                entry.insert(joined.into());
            }
        }
    }
    object.into()
}

/// What it rests on. Of class 0, for no class is about the making of a list.
fn base(head: &Head, systems: usize) -> Value {
    json!({
        "class_uid": 0, "class_name": "Base Event", "category_uid": 0, "category_name": "Uncategorized",
        "activity_id": 99, "activity_name": "Export", "type_uid": 99, "type_name": "Base Event: Export",
        "severity_id": 1, "severity": "Informational",
        "time": head.now_ms,
        "message": format!("Inventory of {systems} AI systems. {}", head.coverage.found),
        "metadata": metadata(&format!("head {} {}", head.now_ms, head.day())),
        "unmapped": unmapped(head.facts()),
    })
}

fn software(system: &System, head: &Head) -> Value {
    let record = &system.record;
    let version = |versions: Vec<&str>| match versions.as_slice() {
        [only] => (*only).to_owned(),
        [] => "unknown".to_owned(),
        several => several.join(", "),
    };
    let components = system.products.iter().map(|product| {
        let (kind, word) = match product.kind {
            Some(umbrascope_rules::ProductKind::Library) => (2, "Library"),
            _ => (99, product.kind.map_or("unknown", |kind| kind.as_str())),
        };
        let mut component = json!({
            "name": product.name, "version": version(product.versions()), "type_id": kind, "type": word,
        });
        if !product.vendor.is_empty() {
            component["author"] = product.vendor.as_str().into();
        }
        component
    });
    let models = system.models(head.as_of).map(|(_, model)| {
        let mut component = json!({
            "name": model.name, "version": model.version.as_deref().unwrap_or("unknown"), "type_id": 99, "type": "model",
        });
        if let Some(hash) = model.sha256 {
            component["hash"] = json!({ "algorithm_id": 3, "algorithm": "SHA-256", "value": hash });
        }
        if let Some(licence) = model.licence {
            component["license"] = licence.into();
        }
        component
    });
    let mut package = json!({
        "name": record.name, "uid": record.id, "type_id": 1, "type": "Application",
        "version": format!("record {}", system.dated.version),
    });
    if let Some(vendor) = system.vendor() {
        package["vendor_name"] = vendor.into();
    }
    json!({
        "class_uid": 5020, "class_name": "Software Inventory Info", "category_uid": 5, "category_name": "Discovery",
        "activity_id": 2, "activity_name": "Collect", "type_uid": 502_002, "type_name": "Software Inventory Info: Collect",
        "severity_id": 1, "severity": "Informational",
        "time": head.now_ms,
        "start_time": system.days().0.map_or(system.dated.created_at_ms, umbrascope_api::Day::unix_ms),
        "message": format!("{} {}", record.reference, record.name),
        "metadata": metadata(&format!("system {} {}", record.id, system.dated.hash)),
        "device": { "type_id": 99, "type": "Fleet", "uid": "umbrascope:fleet", "name": "All machines with a sensor" },
        "sbom": {
            "type_id": 99, "type": "Umbrascope", "uid": record.reference, "package": package,
            "software_components": components.chain(models).collect::<Vec<_>>(),
        },
        "unmapped": unmapped(system.facts()),
    })
}

fn decision(system: &System) -> Option<Value> {
    let record = &system.record;
    let decision = record.decision.as_ref()?;
    let entity = |name: &str| json!({ "uid": record.id, "name": name, "type_id": 99, "type": "AI system" });
    let mut facts = vec![
        ("reference", record.reference.clone()),
        ("sanction", record.sanction.as_str().to_owned()),
        ("sanction-effective", system.sanction.as_str().to_owned()),
        ("policy-version", decision.policy.clone()),
        ("decided-by", format!("person:{}", decision.by)),
    ];
    facts.extend(decision.requested_by.map(|person| ("requested-by", format!("person:{person}"))));
    facts.extend(record.conditions.clone().map(|text| ("conditions", text)));
    facts.extend(record.expires_on.map(|day| ("expires-on", day.to_string())));
    facts.extend(record.limited_to_units.iter().map(|unit| ("limited-to-unit", format!("unit:{unit}"))));
    facts.extend(record.limited_to_versions.iter().map(|limit| ("limited-to-versions", limit.to_string())));
    Some(json!({
        "class_uid": 3004, "class_name": "Entity Management", "category_uid": 3,
        "category_name": "Identity & Access Management",
        "activity_id": 3, "activity_name": "Update", "type_uid": 300_403, "type_name": "Entity Management: Update",
        "severity_id": 1, "severity": "Informational", "status_id": 1, "status": "Success",
        "time": decision.at_ms,
        "message": format!("{} {}: {}", record.reference, record.name, record.sanction.label()),
        "comment": decision.reason,
        "metadata": metadata(&format!("decision {} {}", record.id, decision.at_ms)),
        "entity": entity(&record.name),
        "unmapped": unmapped(facts),
    }))
}
