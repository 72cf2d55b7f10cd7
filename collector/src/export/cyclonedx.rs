//! CycloneDX 1.6 and 1.7 as JSON. What we write of both is the same but for the version: the newer one adds nothing that we know.
//!
//! Services of others are `services`, what runs on machines `components`, models such with a card, and each model file that was found with its
//! hash and licence; the AI management system is what the document is about and depends on what is in its scope; a record depends on its products. Confirmations by owners are annotations.
//! Clauses are requirements of a standard, and each has a claim of how many records say something on it: no conformance is claimed, nor
//! scored. What the format has no place for stands in properties that begin with `umbrascope:`. Identifiers follow from the content.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};
use umbrascope_api::Channel;
use umbrascope_rules::{Confidence, ProductKind};

use super::clauses::{CLAUSES, Clause, EDITION, STANDARD};
use super::ident::{escaped, uuid_of_parts, web_address};
use super::view::{Product, System, View};
use super::{Elements, ExportError, PROGRAM, VERSION, to_writer};
use crate::model::EvidenceRow;
use crate::model::record::{Assessment, ModelSeen, Scope, SystemKind, Tri};
use crate::web::Rfc3339;

/// Most methods that the identity of one product is shown by, the strongest first.
const METHODS: usize = 50;
/// What the document is about.
const SCOPE_REF: &str = "aims-scope";
/// Who says what is claimed.
const ASSESSOR_REF: &str = "assessor-self";

/// Which version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// 1.6.
    V1_6,
    /// 1.7.
    V1_7,
}

impl Version {
    fn as_str(self) -> &'static str {
        match self {
            Self::V1_6 => "1.6",
            Self::V1_7 => "1.7",
        }
    }
}

pub(super) fn write(version: Version, view: &View, out: &mut dyn Write) -> Result<(), ExportError> {
    let sections = sections(view)?;
    let metadata = metadata(view, None);
    let mut parts: Vec<Vec<u8>> = vec![version.as_str().into(), serde_json::to_vec(&metadata)?];
    parts.extend(sections.iter().map(|(_, section)| section.clone()));
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let serial = uuid_of_parts(&parts);
    write!(
        out,
        "{{\"$schema\":\"http://cyclonedx.org/schema/bom-{0}.schema.json\",\"bomFormat\":\"CycloneDX\",\
         \"specVersion\":\"{0}\",\"serialNumber\":\"urn:uuid:{serial}\",\"version\":1,\n\"metadata\":",
        version.as_str()
    )?;
    to_writer(out, &self::metadata(view, Some(view.head.now_ms)))?;
    for (name, section) in &sections {
        write!(out, ",\n\"{name}\":")?;
        out.write_all(section)?;
    }
    Ok(out.write_all(b"}\n")?)
}

/// Everything but the metadata, written out.
fn sections(view: &View) -> Result<Vec<(&'static str, Vec<u8>)>, ExportError> {
    let mut products: BTreeMap<&str, &Product> = BTreeMap::new();
    for product in view.systems.iter().flat_map(|system| &system.products) {
        products.insert(&product.id, product);
    }
    let systems = || view.systems.iter();
    let (mut components, mut services) = (List::new()?, List::new()?);
    for system in systems() {
        let to = if system.is_service() { &mut services } else { &mut components };
        to.add(&of_system(system))?;
    }
    for product in products.values() {
        let service = matches!(product.kind, Some(ProductKind::Service));
        let to = if service { &mut services } else { &mut components };
        to.add(&of_product(product, service))?;
    }
    let models = |system: &System| -> Vec<(String, ModelSeen)> {
        let found = system.models(view.head.as_of);
        found.map(|(id, model)| (format!("model:{}", escaped(&id)), model)).collect()
    };
    for (reference, model) in systems().flat_map(models) {
        components.add(&of_model(&reference, &model))?;
    }
    let mut dependencies = List::new()?;
    let inside = systems().filter(|system| system.record.scope == Scope::In).map(system_ref);
    dependencies.add(&json!({ "ref": SCOPE_REF, "dependsOn": inside.collect::<Vec<_>>() }))?;
    for system in systems() {
        let on = system.products.iter().map(|product| product_ref(&product.id));
        let on = on.chain(models(system).into_iter().map(|(reference, _)| reference));
        dependencies.add(&json!({ "ref": system_ref(system), "dependsOn": on.collect::<Vec<_>>() }))?;
    }
    for (reference, _) in systems().flat_map(models) {
        dependencies.add(&json!({ "ref": reference, "dependsOn": [] }))?;
    }
    for product in products.keys() {
        dependencies.add(&json!({ "ref": product_ref(product), "dependsOn": [] }))?;
    }
    let mut annotations = List::new()?;
    for system in systems() {
        for annotation in confirmations(system) {
            annotations.add(&annotation)?;
        }
    }
    Ok(vec![
        ("components", components.end()),
        ("services", services.end()),
        ("dependencies", dependencies.end()),
        ("annotations", annotations.end()),
        ("declarations", serde_json::to_vec(&declarations(view))?),
        ("definitions", serde_json::to_vec(&definitions())?),
    ])
}

/// An array that is being written.
struct List {
    bytes: Vec<u8>,
    elements: Elements,
}

impl List {
    fn new() -> Result<Self, ExportError> {
        Ok(Self { bytes: b"[".to_vec(), elements: Elements::new() })
    }

    fn add(&mut self, value: &Value) -> Result<(), ExportError> {
        self.elements.write(&mut self.bytes, value)
    }

    fn end(mut self) -> Vec<u8> {
        self.bytes.push(b']');
        self.bytes
    }
}

fn metadata(view: &View, now_ms: Option<i64>) -> Value {
    let head = &view.head;
    let mut facts = properties(head.facts());
    facts.extend(properties(view.erased.iter().map(|id| ("erased-record", id.clone())).collect()));
    let mut metadata = json!({
        "lifecycles": [{ "phase": "discovery" }, { "phase": "operations" }],
        "tools": { "components": [{ "type": "application", "name": PROGRAM, "version": VERSION }] },
        "component": {
            "type": "platform",
            "bom-ref": SCOPE_REF,
            "name": "AI management system",
            "description": "The AI systems that the management system covers. It depends on those that are in its scope.",
        },
        "properties": facts,
    });
    if let Some(now_ms) = now_ms {
        metadata["timestamp"] = Rfc3339(now_ms).to_string().into();
    }
    metadata
}

fn properties(facts: Vec<(&'static str, String)>) -> Vec<Value> {
    facts
        .into_iter()
        .map(|(name, value)| json!({ "name": format!("umbrascope:{name}"), "value": value }))
        .collect()
}

fn system_ref(system: &System) -> String {
    format!("system:{}", escaped(&system.record.id))
}

fn product_ref(id: &str) -> String {
    format!("product:{}", escaped(id))
}

fn organisation(name: &str, country: Option<&str>, site: Option<&str>) -> Value {
    let mut entity = json!({ "name": name });
    if let Some(country) = country {
        entity["address"] = json!({ "country": country });
    }
    if let Some(site) = site.and_then(web_address) {
        entity["url"] = json!([site]);
    }
    entity
}

// ── Records ──────────────────────────────────────────────────────────────────────────────────

fn of_system(system: &System) -> Value {
    let record = &system.record;
    let mut entry = json!({
        "bom-ref": system_ref(system),
        "name": record.name,
        "version": format!("record {}", system.dated.version),
        "properties": properties(system.facts()),
    });
    if let Some(purpose) = &record.purpose {
        entry["description"] = purpose.as_str().into();
    }
    let links = links(system);
    if !links.is_empty() {
        entry["externalReferences"] = links.into();
    }
    let vendor = system.vendor();
    let site = system.products.iter().find_map(|product| product.vendor_site.as_deref());
    let provider = vendor.map(|vendor| organisation(&vendor, system.country().as_deref(), site));
    if system.is_service() {
        if let Some(provider) = provider {
            entry["provider"] = provider;
        }
        let endpoints: Vec<String> = system.products.iter().flat_map(endpoints).collect();
        if !endpoints.is_empty() {
            entry["endpoints"] = endpoints.into();
        }
        match record.third_party {
            Tri::Yes => entry["x-trust-boundary"] = true.into(),
            Tri::No => entry["x-trust-boundary"] = false.into(),
            Tri::Unknown => {}
        }
        // As seen from the service: what people put in.
        let data: Vec<Value> = record
            .data_categories
            .iter()
            .map(|category| json!({ "flow": "inbound", "classification": category.as_str(), "name": category.label() }))
            .collect();
        if !data.is_empty() {
            entry["data"] = data.into();
        }
        return entry;
    }
    let model = record.kind == SystemKind::LocalModel;
    entry["type"] = if model { "machine-learning-model" } else { "application" }.into();
    if let Some(provider) = provider {
        entry["supplier"] = provider;
    }
    if model {
        entry["modelCard"] = card(system);
    }
    entry
}

fn card(system: &System) -> Value {
    let record = &system.record;
    let details = || system.products.iter().flat_map(|product| &product.evidence).map(|row| &row.details);
    let mut parameters = serde_json::Map::new();
    if let Some(purpose) = &record.purpose {
        parameters.insert("task".to_owned(), purpose.as_str().into());
    }
    if let Some(family) = details().find_map(|details| details.family.as_deref()) {
        parameters.insert("architectureFamily".to_owned(), family.into());
    }
    let mut considerations = serde_json::Map::new();
    if !record.affected_groups.is_empty() {
        considerations.insert("users".to_owned(), json!(record.affected_groups));
    }
    if let Some(text) = &record.intended_use {
        considerations.insert("useCases".to_owned(), json!([text]));
    }
    let quantised = details().find_map(|details| details.quantisation.as_deref());
    if let Some(text) = quantised {
        considerations.insert("technicalLimitations".to_owned(), json!([format!("Quantised: {text}")]));
    }
    if let Some(text) = &record.foreseeable_misuse {
        let mut risk = json!({ "name": text });
        if let Some(strategy) = &record.oversight_note {
            risk["mitigationStrategy"] = strategy.as_str().into();
        }
        considerations.insert("ethicalConsiderations".to_owned(), json!([risk]));
    }
    json!({ "modelParameters": parameters, "considerations": considerations })
}

fn links(system: &System) -> Vec<Value> {
    let record = &system.record;
    let assessed = |assessment: &Assessment, comment: &str| {
        let link = web_address(assessment.link.as_deref()?)?;
        let mut reference = json!({ "type": "risk-assessment", "url": link, "comment": comment });
        if let Some(hash) = &assessment.sha256 {
            reference["hashes"] = json!([{ "alg": "SHA-256", "content": hash }]);
        }
        Some(reference)
    };
    let linked = |link: Option<&str>, kind: &str, comment: &str| {
        let link = web_address(link?)?;
        Some(json!({ "type": kind, "url": link, "comment": comment }))
    };
    let contracts = record.contract_links.iter();
    [
        assessed(&record.aiia, "Impact assessment"),
        assessed(&record.fria, "Fundamental rights impact assessment"),
        assessed(&record.dpia, "Data protection impact assessment"),
        assessed(&record.supplier_assessment, "Supplier assessment"),
        linked(record.risk_register_link.as_deref(), "risk-assessment", "Entry in the risk register"),
        linked(record.dpa_link.as_deref(), "documentation", "Data processing agreement"),
        linked(record.eu_db_url.as_deref(), "other", "Entry in the EU database"),
    ]
    .into_iter()
    .flatten()
    .chain(contracts.filter_map(|link| linked(Some(link), "documentation", "Contract")))
    .collect()
}

fn confirmations(system: &System) -> impl Iterator<Item = Value> {
    let record = &system.record;
    record.confirmations.iter().enumerate().map(|(at, confirmation)| {
        let campaign =
            confirmation.campaign.as_ref().map(|id| format!(" in campaign {id}")).unwrap_or_default();
        let comment = confirmation.comment.as_ref().map(|text| format!(" {text}")).unwrap_or_default();
        json!({
            "bom-ref": format!("confirmation:{}:{at}", escaped(&record.id)),
            "subjects": [system_ref(system)],
            // A number, not a name: who it is, the directory of the organisation says.
            "annotator": { "individual": { "name": format!("person:{}", confirmation.by) } },
            "timestamp": Rfc3339(confirmation.at_ms).to_string(),
            "text": format!("Confirmed{campaign} as of version {}.{comment}", confirmation.seen),
        })
    })
}

// ── Products ─────────────────────────────────────────────────────────────────────────────────

fn of_product(product: &Product, service: bool) -> Value {
    let mut facts =
        vec![("product-id", product.id.clone()), ("observations", product.seen.word().to_owned())];
    let (first, last) = product.seen.days();
    facts.extend(first.map(|day| ("first-seen", day.to_string())));
    facts.extend(last.map(|day| ("last-seen", day.to_string())));
    let versions = product.versions();
    if versions.len() > 1 {
        facts.extend(versions.iter().map(|version| ("version-seen", (*version).to_owned())));
    }
    facts.extend(
        product.claims.iter().map(|(question, word)| ("vendor-claim", format!("{question}: {word}"))),
    );
    let mut entry = json!({ "bom-ref": product_ref(&product.id), "name": product.name });
    if let [only] = versions.as_slice() {
        entry["version"] = (*only).into();
    }
    if !product.description.is_empty() {
        entry["description"] = product.description.as_str().into();
    }
    let provider = (!product.vendor.is_empty()).then(|| {
        organisation(&product.vendor, product.vendor_country.as_deref(), product.vendor_site.as_deref())
    });
    if service {
        // A service has no place for evidence.
        let evidence = product.evidence.iter().take(METHODS);
        facts.extend(evidence.map(|row| ("evidence", format!("{} {}", row.channel.as_str(), row.value))));
        if let Some(provider) = provider {
            entry["provider"] = provider;
        }
        let endpoints: Vec<String> = endpoints(product).collect();
        if !endpoints.is_empty() {
            entry["endpoints"] = endpoints.into();
        }
    } else {
        entry["type"] = match product.kind {
            Some(ProductKind::Model) => "machine-learning-model",
            Some(ProductKind::Library) => "library",
            _ => "application",
        }
        .into();
        if let Some(provider) = provider {
            entry["supplier"] = provider;
        }
        if !product.evidence.is_empty() {
            entry["evidence"] = json!({ "identity": [identity(product)] });
        }
    }
    entry["properties"] = properties(facts).into();
    entry
}

/// A model that was found. Whose it is, its record's vendor says; its licence is told in its own words, which may be no name of SPDX's.
fn of_model(reference: &str, model: &ModelSeen) -> Value {
    let mut entry = json!({ "bom-ref": reference, "type": "machine-learning-model", "name": model.name });
    if let Some(version) = &model.version {
        entry["version"] = version.as_str().into();
    }
    if let Some(hash) = &model.sha256 {
        entry["hashes"] = json!([{ "alg": "SHA-256", "content": hash }]);
    }
    if let Some(licence) = &model.licence {
        entry["licenses"] = json!([{ "license": { "name": licence, "acknowledgement": "declared" } }]);
    }
    entry
}

fn identity(product: &Product) -> Value {
    let methods = product.evidence.iter().take(METHODS).map(
        |row| json!({ "technique": technique(row), "confidence": sure(row.confidence), "value": row.value }),
    );
    let best = product.evidence.iter().map(|row| sure(row.confidence)).fold(0.0, f64::max);
    json!({
        "field": "name", "confidence": best, "concludedValue": product.name, "methods": methods.collect::<Vec<_>>(),
    })
}

/// The format's word for how a channel knows. What passes a network is seen while it runs.
fn technique(row: &EvidenceRow) -> &'static str {
    match row.channel {
        Channel::Dns | Channel::Tls | Channel::Quic | Channel::Http => "dynamic-analysis",
        _ if row.version.is_some() => "manifest-analysis",
        _ => "filename",
    }
}

/// Our words as the format's numbers: an order, and no probability.
fn sure(confidence: Confidence) -> f64 {
    match confidence {
        Confidence::High => 0.9,
        Confidence::Medium => 0.6,
        Confidence::Low => 0.3,
        Confidence::Suspect => 0.1,
    }
}

/// Where it was reached, as far as names tell, without repetition.
fn endpoints(product: &Product) -> impl Iterator<Item = String> {
    let named = product.evidence.iter().filter(|row| technique(row) == "dynamic-analysis");
    let mut found: Vec<String> = named
        .filter_map(|row| {
            let address = format!("https://{}", row.value);
            web_address(&address).map(str::to_owned)
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter()
}

// ── Clauses ──────────────────────────────────────────────────────────────────────────────────

fn definitions() -> Value {
    let requirements = CLAUSES.iter().map(
        |clause| json!({ "bom-ref": clause.token(), "identifier": clause.number, "title": clause.title }),
    );
    json!({ "standards": [{
        "bom-ref": "iso42001",
        "name": STANDARD,
        "version": EDITION,
        "owner": "ISO/IEC",
        "description": "Numbers and titles only. What they demand stands in the standard.",
        "requirements": requirements.collect::<Vec<_>>(),
    }] })
}

fn declarations(view: &View) -> Value {
    let inside: Vec<&System> =
        view.systems.iter().filter(|system| system.record.scope == Scope::In).collect();
    let claim_ref = |clause: &Clause| format!("claim:{}", clause.token());
    let evidence_ref = |clause: &Clause| format!("evidence:{}", clause.token());
    let map =
        CLAUSES.iter().map(|clause| json!({ "requirement": clause.token(), "claims": [claim_ref(clause)] }));
    let claims = CLAUSES.iter().map(|clause| {
        let told = inside.iter().filter(|system| clause.held(system).1.is_empty()).count();
        json!({
            "bom-ref": claim_ref(clause),
            "target": SCOPE_REF,
            "predicate": format!("{told} of {} records in scope say something in every field that bears on it.", inside.len()),
            "reasoning": "Counted from the records. Whether that meets the requirement, a person judges.",
            "evidence": [evidence_ref(clause)],
        })
    });
    let evidence = CLAUSES.iter().map(|clause| {
        let labels: Vec<&str> = clause.fields().map(|field| field.label).collect();
        json!({ "bom-ref": evidence_ref(clause), "description": format!("Fields of each record: {}.", labels.join(", ")) })
    });
    json!({
        "assessors": [{
            "bom-ref": ASSESSOR_REF, "thirdParty": false, "organization": { "name": "The organisation itself" },
        }],
        "attestations": [{
            "summary": "What the inventory holds for each clause. No conformance is claimed.",
            "assessor": ASSESSOR_REF,
            "map": map.collect::<Vec<_>>(),
        }],
        "claims": claims.collect::<Vec<_>>(),
        "evidence": evidence.collect::<Vec<_>>(),
    })
}
