//! SPDX 3.0.1 as JSON-LD: an SBOM of what is deployed, each AI system a package of the profile for AI, each product a package, with who
//! supplies them. States, for which the model has no place, stand in its extension for properties, under names that begin with
//! `umbrascope:`.
//!
//! The profile for AI also demands a day of release and a place to download from. Neither is known of what is used and not built, and nothing
//! is made up: the document uses the profile's classes, and does not claim to conform to it.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::{Value, json};
use umbrascope_rules::ProductKind;

use super::ident::{uuid_of, uuid_of_parts, web_address};
use super::view::{Product, System, View};
use super::{Elements, ExportError, PROGRAM, VERSION};
use crate::model::record::{Assessment, DataCategory, ModelSeen, Oversight, Scope, Tier, Tri};
use crate::web::Rfc3339;

/// Node that says when and by whom everything was made.
const CREATION: &str = "_:creation";

pub(super) fn write(view: &View, out: &mut dyn Write) -> Result<(), ExportError> {
    let mut products: Vec<&Product> = view.systems.iter().flat_map(|system| &system.products).collect();
    products.sort_unstable_by_key(|product| &product.id);
    products.dedup_by_key(|product| &product.id);
    let mut suppliers: BTreeSet<String> = view.systems.iter().filter_map(System::vendor).collect();
    suppliers
        .extend(products.iter().map(|product| product.vendor.clone()).filter(|vendor| !vendor.is_empty()));

    let content: Vec<&[u8]> = view.systems.iter().map(|system| system.dated.hash.as_bytes()).collect();
    let (document, sbom) = (format!("urn:uuid:{}", uuid_of_parts(&content)), iri("sbom", "inventory"));
    let inside = view.systems.iter().filter(|system| system.record.scope == Scope::In);
    let inside: Vec<String> = inside.map(|system| iri("system", &system.record.id)).collect();
    let models: Vec<(&System, Vec<(String, ModelSeen)>)> =
        view.systems.iter().map(|system| (system, system.models(view.head.as_of).collect())).collect();
    let every_model = || models.iter().flat_map(|(_, models)| models);
    let all: Vec<String> = view
        .systems
        .iter()
        .map(|system| iri("system", &system.record.id))
        .chain(products.iter().map(|product| iri("product", &product.id)))
        .chain(every_model().map(|(id, _)| iri("model", id)))
        .collect();

    out.write_all(b"{\"@context\":\"https://spdx.org/rdf/3.0.1/spdx-context.jsonld\",\"@graph\":[")?;
    let mut graph = Elements::new();
    graph.write(
        out,
        &json!({
            "@id": CREATION, "type": "CreationInfo", "specVersion": "3.0.1",
            "created": Rfc3339(view.head.now_ms).to_string(), "createdBy": [iri("agent", PROGRAM)],
        }),
    )?;
    graph.write(
        out,
        &element(
            "SoftwareAgent",
            iri("agent", PROGRAM),
            json!({
                "name": format!("{PROGRAM} {VERSION}"),
            }),
        ),
    )?;
    let coverage: Vec<&str> = view.head.coverage.sentences().map(|(_, text)| text).collect();
    graph.write(
        out,
        &element(
            "SpdxDocument",
            document,
            json!({
                "name": "Inventory of AI systems",
                "rootElement": [&sbom],
                "profileConformance": ["core", "software"],
                "comment": coverage.join(" "),
                "extension": [extension(view.head.facts())],
            }),
        ),
    )?;
    let mut inventory = json!({ "name": "AI systems", "software_sbomType": ["deployed"] });
    if !all.is_empty() {
        // What the management system covers is what it is about; before that is decided, everything.
        inventory["rootElement"] = if inside.is_empty() { all.clone() } else { inside }.into();
        inventory["element"] = all.into();
    }
    graph.write(out, &element("software_Sbom", sbom, inventory))?;
    for supplier in &suppliers {
        graph.write(out, &element("Organization", iri("supplier", supplier), json!({ "name": supplier })))?;
    }
    for (system, models) in &models {
        graph.write(out, &of_system(system))?;
        let products = system.products.iter().map(|product| iri("product", &product.id));
        let to: Vec<String> = products.chain(models.iter().map(|(id, _)| iri("model", id))).collect();
        if !to.is_empty() {
            graph.write(
                out,
                &element(
                    "Relationship",
                    iri("uses", &system.record.id),
                    json!({
                        "relationshipType": "dependsOn", "from": iri("system", &system.record.id), "to": to,
                    }),
                ),
            )?;
        }
    }
    for product in products {
        graph.write(out, &of_product(product))?;
    }
    let licences: BTreeSet<&str> = every_model().filter_map(|(_, model)| model.licence.as_deref()).collect();
    for licence in licences {
        let text = json!({ "simplelicensing_licenseText": licence });
        graph.write(out, &element("simplelicensing_SimpleLicensingText", iri("licence", licence), text))?;
    }
    for (id, model) in every_model() {
        graph.write(out, &of_model(id, model))?;
        if let Some(licence) = &model.licence {
            let declared = json!({
                "relationshipType": "hasDeclaredLicense", "from": iri("model", id), "to": [iri("licence", licence)],
            });
            graph.write(out, &element("Relationship", iri("licence of", id), declared))?;
        }
    }
    Ok(out.write_all(b"\n]}\n")?)
}

/// The id of an element: the same wherever the same thing is written.
fn iri(kind: &str, name: &str) -> String {
    format!("urn:uuid:{}", uuid_of(&format!("spdx {kind} {name}")))
}

fn element(kind: &str, id: String, mut fields: Value) -> Value {
    fields["type"] = kind.into();
    fields["spdxId"] = id.into();
    fields["creationInfo"] = CREATION.into();
    fields
}

fn extension(facts: Vec<(&'static str, String)>) -> Value {
    let entries = facts.into_iter().map(|(name, value)| {
        json!({
            "type": "extension_CdxPropertyEntry",
            "extension_cdxPropName": format!("umbrascope:{name}"),
            "extension_cdxPropValue": value,
        })
    });
    json!({ "type": "extension_CdxPropertiesExtension", "extension_cdxProperty": entries.collect::<Vec<_>>() })
}

fn of_system(system: &System) -> Value {
    let record = &system.record;
    let mut package = json!({
        "name": record.name,
        "software_packageVersion": format!("record {}", system.dated.version),
        "software_primaryPurpose": if system.record.kind == crate::model::record::SystemKind::LocalModel { "model" } else { "application" },
        "ai_autonomyType": autonomy(record.human_oversight),
        "ai_useSensitivePersonalInformation": sensitive(system),
        "extension": [extension(system.facts())],
    });
    if let Some(vendor) = system.vendor() {
        package["suppliedBy"] = iri("supplier", &vendor).into();
    }
    let mut text = |name: &str, text: &Option<String>| {
        if let Some(text) = text {
            package[name] = text.as_str().into();
        }
    };
    text("description", &record.purpose);
    text("ai_informationAboutApplication", &record.intended_use);
    text("ai_informationAboutTraining", &record.training_data);
    text("ai_limitation", &record.foreseeable_misuse);
    if record.consequential_domain.is_consequential() {
        package["ai_domain"] = json!([record.consequential_domain.as_str()]);
    }
    if let Some(word) = safety(record.risk_tier) {
        package["ai_safetyRiskAssessment"] = word.into();
    }
    let references: Vec<Value> = [&record.aiia, &record.fria, &record.dpia]
        .into_iter()
        .filter_map(|assessment: &Assessment| {
            let link = web_address(assessment.link.as_deref()?)?;
            Some(json!({ "type": "ExternalRef", "externalRefType": "riskAssessment", "locator": [link] }))
        })
        .collect();
    if !references.is_empty() {
        package["externalRef"] = references.into();
    }
    element("ai_AIPackage", iri("system", &record.id), package)
}

fn of_product(product: &Product) -> Value {
    let mut facts =
        vec![("product-id", product.id.clone()), ("observations", product.seen.word().to_owned())];
    facts.extend(
        product.claims.iter().map(|(question, word)| ("vendor-claim", format!("{question}: {word}"))),
    );
    let purpose = match product.kind {
        Some(ProductKind::Model) => "model",
        Some(ProductKind::Library) => "library",
        Some(ProductKind::Application | ProductKind::Agent | ProductKind::Extension) => "application",
        _ => "other",
    };
    let mut package =
        json!({ "name": product.name, "software_primaryPurpose": purpose, "extension": [extension(facts)] });
    if !product.vendor.is_empty() {
        package["suppliedBy"] = iri("supplier", &product.vendor).into();
    }
    if !product.description.is_empty() {
        package["description"] = product.description.as_str().into();
    }
    if let [only] = product.versions().as_slice() {
        package["software_packageVersion"] = (*only).into();
    }
    element("software_Package", iri("product", &product.id), package)
}

/// A model that was found. Its licence is told in its own words, which may be no expression of SPDX's.
fn of_model(id: &str, model: &ModelSeen) -> Value {
    let mut package = json!({ "name": model.name, "software_primaryPurpose": "model" });
    if let Some(version) = &model.version {
        package["software_packageVersion"] = version.as_str().into();
    }
    if let Some(hash) = &model.sha256 {
        package["verifiedUsing"] = json!([{ "type": "Hash", "algorithm": "sha256", "hashValue": hash }]);
    }
    element("software_Package", iri("model", id), package)
}

/// Whether it acts without a person. Only what somebody wrote down is told.
fn autonomy(oversight: Oversight) -> &'static str {
    match oversight {
        Oversight::None | Oversight::ReviewAfter => "yes",
        Oversight::ApproveBefore | Oversight::FullControl => "no",
        Oversight::Unknown => "noAssertion",
    }
}

fn sensitive(system: &System) -> &'static str {
    let categories = &system.record.data_categories;
    let special = [DataCategory::SpecialCategory, DataCategory::Health, DataCategory::Children];
    if special.iter().any(|category| categories.contains(category)) {
        "yes"
    } else if system.record.pii == Tri::No {
        "no"
    } else {
        "noAssertion"
    }
}

/// The tier that a person set, in the profile's words; nothing where nobody looked.
fn safety(tier: Tier) -> Option<&'static str> {
    match tier {
        Tier::Unassessed => None,
        Tier::Minimal => Some("low"),
        Tier::Limited => Some("medium"),
        Tier::High => Some("high"),
        Tier::Unacceptable => Some("serious"),
    }
}
