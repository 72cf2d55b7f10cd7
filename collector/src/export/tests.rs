//! What every format has to hold, of a view with hostile names in it: no store, no validator. The validators of the formats' makers are
//! in `tests/tests/exports.rs`.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use umbrascope_api::{Channel, Day, ItemDetails};
use umbrascope_rules::{Confidence, Level, ProductKind};

use super::view::{Coverage, Head, Product, Sightings, System, View};
use super::*;
use crate::model::dated::Dated;
use crate::model::record::{
    AiSystem, Assessment, AssessmentState, Confirmation, DataCategory, Decision, DecisionImpact, Domain,
    ModelFile, Observed, ReviewState, Sanction, Scope, SystemKind, Tier, Tri,
};
use crate::model::{ClockTrust, Clocks, EvidenceRow, Sight};

const NOW_MS: i64 = 1_795_269_802_123;

/// Names that somebody might give a program so that a reader trips.
const HOSTILE: [&str; 6] = [
    "=HYPERLINK(\"https://evil.example\")",
    "</script><script>alert(1)</script>",
    "line\nbreak\r\n\ttab",
    "\u{202e}txet desrever",
    "nul\0 and \u{1b}[31mescape",
    "'; DROP TABLE governed; --",
];

fn evidence(channel: Channel, value: &str) -> EvidenceRow {
    let day = Day::from_unix_ms(NOW_MS);
    EvidenceRow {
        rule: "r".into(),
        channel,
        value: value.into(),
        version: Some("1.0".into()),
        executable: None,
        container: None,
        package: None,
        forwarded: false,
        confidence: Confidence::High,
        level: Level::Use,
        assets: 1,
        accounts: 1,
        count: 1,
        first_day: day,
        last_day: day,
        present: true,
        details: ItemDetails::default(),
        flags: Vec::new(),
        files: Vec::new(),
    }
}

/// Two files that are called the same, of which one says its licence.
fn files(licence: &str) -> Vec<ModelFile> {
    let file = |digit: &str, licence: Option<&str>| ModelFile {
        sha256: Some(digit.repeat(64)),
        licence: licence.map(str::to_owned),
    };
    vec![file("1", Some(licence)), file("2", None)]
}

fn product(name: &str, kind: ProductKind) -> Product {
    let day = Day::from_unix_ms(NOW_MS);
    Product {
        id: format!("v.{name}"),
        name: name.into(),
        vendor: name.into(),
        vendor_site: Some(format!("https://{name}")),
        vendor_country: Some("DE".into()),
        kind: Some(kind),
        description: name.into(),
        seen: Sightings::Seen { first: day, last: Some(day), assets: Some(1), snapshot: None },
        clocks: Clocks { first: Some(ClockTrust::Doubtful), last: Some(ClockTrust::Trusted) },
        evidence: vec![
            evidence(Channel::Tls, name),
            evidence(Channel::Tls, "chat.acme.example"),
            EvidenceRow { files: files(name), ..evidence(Channel::ModelFile, name) },
        ],
        claims: vec![("soc2", "claimed")],
    }
}

fn record(at: usize, name: &str) -> AiSystem {
    let today = Day::from_unix_ms(NOW_MS);
    AiSystem {
        id: format!("0190-{at}"),
        reference: format!("AIS-{at:04}"),
        name: name.into(),
        kind: SystemKind::ALL[at % SystemKind::ALL.len()],
        purpose: Some(name.into()),
        intended_use: Some(name.into()),
        foreseeable_misuse: Some(name.into()),
        affected_groups: vec![name.into()],
        data_categories: [DataCategory::Personal, DataCategory::SourceCode].into(),
        scope: if at.is_multiple_of(2) { Scope::In } else { Scope::Undetermined },
        third_party: Tri::Yes,
        risk_tier: Tier::High,
        decision_impact: DecisionImpact::Decides,
        consequential_domain: Domain::Employment,
        review: ReviewState::Decided,
        sanction: Sanction::Prohibited,
        observed: Observed::Active,
        system_owner: Some(7),
        aiia: Assessment {
            state: AssessmentState::Done,
            link: Some("javascript:alert(1)".into()),
            assessor: Some("Petra Planted".into()),
            expires: Some(today.back(1)),
            ..Assessment::default()
        },
        vendor_contact: Some("petra.planted@example.org".into()),
        confirmations: vec![Confirmation {
            campaign: Some(name.into()),
            by: 7,
            at_ms: NOW_MS,
            seen: "ab".into(),
            comment: Some(name.into()),
        }],
        decision: Some(Decision {
            by: 8,
            requested_by: Some(7),
            at_ms: NOW_MS,
            reason: name.into(),
            policy: "2026-1".into(),
            coverage_percent: None,
        }),
        labels: [name.to_owned()].into(),
        ..AiSystem::default()
    }
}

fn view() -> View {
    let kinds = [ProductKind::Service, ProductKind::Model, ProductKind::Application, ProductKind::McpServer];
    let systems = (0..24).map(|at| {
        let name = HOSTILE[at % HOSTILE.len()];
        let record = record(at, name);
        System {
            dated: Dated {
                id: record.id.clone(),
                body: Some(()),
                version: 3,
                hash: "ab".repeat(32),
                seq: 9,
                at_ms: NOW_MS,
                created_at_ms: NOW_MS,
            },
            sanction: record.sanction,
            products: vec![product(name, kinds[at % kinds.len()])],
            record,
        }
    });
    View {
        head: Head {
            now_ms: NOW_MS,
            as_of: None,
            catalogue_version: "2026.11".into(),
            policy: Some("2026-1".into()),
            trail_end: Some((41, "cd".repeat(32))),
            checkpoint: Some("host/aims\n42\n".into()),
            units: None,
            coverage: Coverage {
                totals: None,
                found: "24 AI systems.".into(),
                not_found: "Nothing else.".into(),
                not_looked_for: "Expected endpoints: unknown.".into(),
            },
        },
        systems: systems.collect(),
        erased: vec!["0190-gone".into()],
    }
}

fn written(write: impl FnOnce(&View, &mut dyn Write) -> Result<(), ExportError>) -> String {
    let mut out = Vec::new();
    write(&view(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn parsed(write: impl FnOnce(&View, &mut dyn Write) -> Result<(), ExportError>) -> Value {
    serde_json::from_str(&written(write)).unwrap()
}

/// What a CycloneDX document declares and what it refers to, and whether nothing is declared twice.
fn references(bom: &Value) -> (BTreeSet<String>, BTreeSet<String>, bool) {
    let (mut declared, mut used, mut unique) = (BTreeSet::new(), BTreeSet::new(), true);
    collect(bom, &mut declared, &mut used, &mut unique);
    (declared, used, unique)
}

fn collect(value: &Value, declared: &mut BTreeSet<String>, used: &mut BTreeSet<String>, unique: &mut bool) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, declared, used, unique)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let texts =
                    || value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
                match name.as_str() {
                    "bom-ref" => *unique &= declared.insert(value.as_str().unwrap().to_owned()),
                    "ref" | "target" | "assessor" | "requirement" => {
                        used.extend(value.as_str().map(str::to_owned));
                    }
                    "dependsOn" | "subjects" | "claims" | "evidence" => used.extend(texts()),
                    _ => {}
                }
                collect(value, declared, used, unique);
            }
        }
        _ => {}
    }
}

#[test]
fn every_reference_of_a_bill_of_materials_leads_to_one_thing_in_it() {
    for version in [cyclonedx::Version::V1_6, cyclonedx::Version::V1_7] {
        let mut bom = parsed(|view, out| cyclonedx::write(version, view, out));
        let (declared, used, unique) = references(&bom);
        assert!(unique, "a bom-ref is declared twice");
        assert!(used.len() > 40 && used.is_subset(&declared), "{:?}", used.difference(&declared));
        // The test sees what dangles.
        bom["dependencies"][0]["dependsOn"][0] = "system:nobody".into();
        let (declared, used, _) = references(&bom);
        assert!(!used.is_subset(&declared));
    }
}

#[test]
fn the_same_inventory_has_the_same_serial_number_whenever_it_is_written() {
    let bom = |change: fn(&mut View)| {
        let (mut view, mut out) = (view(), Vec::new());
        change(&mut view);
        cyclonedx::write(cyclonedx::Version::V1_6, &view, &mut out).unwrap();
        serde_json::from_slice::<Value>(&out).unwrap()
    };
    let (now, later) = (bom(|_| {}), bom(|view| view.head.now_ms += 86_400_000));
    assert_eq!(now["serialNumber"], later["serialNumber"]);
    assert_ne!(now["metadata"]["timestamp"], later["metadata"]["timestamp"]);
    let other = bom(|view| view.systems[3].record.purpose = Some("other".into()));
    assert_ne!(now["serialNumber"], other["serialNumber"]);
}

#[test]
fn every_reference_of_a_graph_leads_to_an_element_of_it() {
    let spdx = parsed(spdx::write);
    let graph = spdx["@graph"].as_array().unwrap();
    let ids: Vec<&str> = graph.iter().filter_map(|node| node["spdxId"].as_str()).collect();
    assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "an id is given twice");
    let mut used = 0;
    for node in graph {
        for name in ["suppliedBy", "from", "to", "rootElement", "element", "createdBy"] {
            let one = node[name].as_str().into_iter();
            for id in one.chain(node[name].as_array().into_iter().flatten().filter_map(Value::as_str)) {
                assert!(ids.contains(&id), "{name} leads nowhere: {id}");
                used += 1;
            }
        }
    }
    assert!(used > 100, "{used}");
}

#[test]
fn every_format_carries_when_under_what_and_on_what_it_rests() {
    let all = [
        ("cyclonedx", written(|view, out| cyclonedx::write(cyclonedx::Version::V1_7, view, out))),
        ("spdx", written(spdx::write)),
        ("ocsf", written(ocsf::write)),
        ("oscal", written(oscal::write)),
        ("ciso-assistant evidence", written(|view, out| ciso::write("evidence", view, out))),
    ];
    for (format, text) in &all {
        for fact in [
            "2026.11",
            "2026-1",
            "24 AI systems.",
            "Nothing else.",
            "Expected endpoints: unknown.",
            "host/aims",
        ] {
            assert!(text.contains(fact), "{format} does not say {fact}");
        }
        assert!(
            text.contains("2026-11-21T14:03:22Z") || text.contains("1795269802123"),
            "{format} has no time"
        );
    }
}

#[test]
fn no_format_for_others_tells_who_made_an_assessment_or_whom_to_write_to() {
    let all = [
        written(|view, out| cyclonedx::write(cyclonedx::Version::V1_6, view, out)),
        written(spdx::write),
        written(ocsf::write),
        written(oscal::write),
        written(|view, out| ciso::write("assets", view, out)),
        written(|view, out| ciso::write("findings", view, out)),
        written(|view, out| ciso::write("evidence", view, out)),
    ];
    for text in all {
        assert!(!text.to_lowercase().contains("planted"), "{text}");
        assert!(
            !text.contains("javascript:alert(1)\"") || text.starts_with("name,"),
            "a link that a reader would open"
        );
    }
}

#[test]
fn what_waits_for_somebody_is_a_finding_in_the_words_of_the_importer() {
    let text = written(|view, out| ciso::write("findings", view, out));
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let mut words = BTreeSet::new();
    for row in reader.records() {
        let row = row.unwrap();
        assert!(["info", "low", "medium", "high", "critical"].contains(&&row[3]), "{row:?}");
        assert!(["1", "2", "3", "4"].contains(&&row[5]) && &row[4] == "identified", "{row:?}");
        words.insert(row[1].split_once('-').unwrap().1.split_once('-').unwrap().1.to_owned());
    }
    assert_eq!(words, ["no-impact-assessment", "prohibited-seen"].map(str::to_owned).into());
}

#[test]
fn each_event_is_a_line_and_none_names_a_machine() {
    let text = written(ocsf::write);
    assert_eq!(text.lines().count(), 1 + 24 + 24);
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let (class, activity) =
            (event["class_uid"].as_u64().unwrap(), event["activity_id"].as_u64().unwrap());
        assert_eq!(event["type_uid"].as_u64().unwrap(), class * 100 + activity);
        assert!(event["device"]["hostname"].is_null());
    }
}

#[test]
fn each_model_that_was_found_is_told_with_its_hash_and_its_licence() {
    let bom = parsed(|view, out| cyclonedx::write(cyclonedx::Version::V1_7, view, out));
    let files: Vec<&Value> = bom["components"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|part| part["bom-ref"].as_str().unwrap().starts_with("model:"))
        .collect();
    assert_eq!(files.len(), 2 * 24);
    let licence = |part: &&&Value| part["licenses"][0]["license"]["name"] == HOSTILE[0];
    let first = files.iter().find(licence).unwrap();
    assert_eq!(first["hashes"][0], json!({ "alg": "SHA-256", "content": "1".repeat(64) }));
    assert!(files.iter().any(|part| part["licenses"].is_null()), "what is not known is not told");

    let spdx = parsed(spdx::write);
    let nodes = spdx["@graph"].as_array().unwrap();
    let id = |node: &Value| node["spdxId"].clone();
    let text = |node: &&Value| node["simplelicensing_licenseText"] == HOSTILE[0];
    let licence = id(nodes.iter().find(text).unwrap());
    let declared: Vec<&Value> = nodes.iter().filter(|node| node["to"][0] == licence).collect();
    assert!(
        !declared.is_empty() && declared.iter().all(|one| one["relationshipType"] == "hasDeclaredLicense")
    );
    let model = nodes.iter().find(|node| id(node) == declared[0]["from"]).unwrap();
    assert_eq!(model["verifiedUsing"][0]["hashValue"], "1".repeat(64));

    let ocsf = written(ocsf::write);
    let event: Value = serde_json::from_str(ocsf.lines().nth(1).unwrap()).unwrap();
    let parts = event["sbom"]["software_components"].as_array().unwrap();
    let hashes: Vec<&str> = parts.iter().filter_map(|part| part["hash"]["value"].as_str()).collect();
    assert_eq!(hashes, ["1".repeat(64), "2".repeat(64)]);
}

#[test]
fn what_has_changed_since_a_past_day_is_not_told_of_it() {
    let mut view = view();
    let today = Day::from_unix_ms(NOW_MS);
    let hashes = |view: &View| {
        view.systems[0].models(view.head.as_of).filter(|(_, model)| model.sha256.is_some()).count()
    };
    assert_eq!(hashes(&view), 2);
    view.head.as_of = Some(today);
    assert_eq!(hashes(&view), 2);
    view.head.as_of = Some(today.back(1));
    assert_eq!(hashes(&view), 0, "a file that was looked at since then may have been another one");
}

#[test]
fn a_day_to_come_is_refused() {
    let stamp = Stamp {
        now_ms: NOW_MS,
        as_of: None,
        catalogue_version: "1".into(),
        machines: true,
        least: 0,
        sight: Sight::All,
    };
    let today = Day::from_unix_ms(NOW_MS);
    assert_eq!(stamp.clone().as_of(Some(today)).unwrap().before_ms(), today.forward(1).unix_ms());
    assert!(matches!(stamp.as_of(Some(today.forward(1))), Err(ExportError::Future(_))));
}
