//! Tables that CISO Assistant imports, one a part: `assets` (the AI systems), `findings` (what of them waits for somebody) and `evidence`
//! (documents of assessments, and what the inventory rests on). Its columns and words, our formula-safe cells. There is no column for an
//! owner: the owner, a number, stands in the observation. A second import finds its rows again by `ref_id`.
//!
//! Findings here follow from the records alone; they are no list of open tasks.

use std::io::Write;

use umbrascope_api::Day;

use super::ExportError;
use super::csv::{Cell, header, record};
use super::ident::web_address;
use super::view::{System, View};
use crate::model::record::{Assessment, AssessmentState, Observed, Sanction, Scope, Tier};
use crate::web::Rfc3339;

/// Columns of assets.
const ASSETS: [&str; 11] = [
    "ref_id",
    "name",
    "type",
    "domain",
    "description",
    "business_value",
    "reference_link",
    "observation",
    "parent_assets",
    "filtering_labels",
    "asset_class",
];
/// Columns of findings.
const FINDINGS: [&str; 11] = [
    "name",
    "ref_id",
    "description",
    "severity",
    "status",
    "priority",
    "eta",
    "due_date",
    "observation",
    "filtering_labels",
    "asset",
];
/// Columns of evidence.
const EVIDENCE: [&str; 5] = ["name", "ref_id", "description", "domain", "filtering_labels"];

pub(super) fn write(part: &str, view: &View, out: &mut dyn Write) -> Result<(), ExportError> {
    match part {
        "findings" => findings(view, out),
        "evidence" => evidence(view, out),
        _ => assets(view, out),
    }
}

fn assets(view: &View, out: &mut dyn Write) -> Result<(), ExportError> {
    header(out, &ASSETS)?;
    for system in &view.systems {
        let record_of = &system.record;
        let link = record_of.risk_register_link.as_deref().and_then(web_address).unwrap_or_default();
        let observation: Vec<String> =
            system.facts().into_iter().map(|(name, text)| format!("{name}: {text}")).collect();
        record(
            out,
            &[
                record_of.reference.as_str().into(),
                named(system).into(),
                // A supporting asset, in its words: it serves a process.
                "SP".into(),
                "".into(),
                record_of.purpose.clone().unwrap_or_default().into(),
                "".into(),
                link.into(),
                observation.join("\n").into(),
                "".into(),
                labels(system).into(),
                "".into(),
            ],
        )?;
    }
    Ok(())
}

/// Names are not unique with us, and are what it matches by where a reference is unknown to it.
fn named(system: &System) -> String {
    format!("{} ({})", system.record.name, system.record.reference)
}

/// Labels of its form: letters, digits, hyphens; a label of another form it would leave out without a word.
fn labels(system: &System) -> String {
    let record = &system.record;
    let mut labels = vec![
        "umbrascope".to_owned(),
        format!("sanction-{}", system.sanction.as_str()),
        format!("scope-{}", record.scope.as_str()),
        format!("tier-{}", record.risk_tier.as_str()),
    ];
    if record.demonstration {
        labels.push("demonstration".to_owned());
    }
    labels.join("|")
}

fn findings(view: &View, out: &mut dyn Write) -> Result<(), ExportError> {
    header(out, &FINDINGS)?;
    let day = view.head.day();
    for system in &view.systems {
        for Finding { word, says, severity, priority, due } in of(system, day) {
            record(
                out,
                &[
                    format!("{says} {}", named(system)).into(),
                    format!("{}-{word}", system.record.reference).into(),
                    says.into(),
                    severity.into(),
                    "identified".into(),
                    Cell::Number(Some(priority)),
                    "".into(),
                    due.map(|day| day.to_string()).unwrap_or_default().into(),
                    format!("As of {day}.").into(),
                    labels(system).into(),
                    named(system).into(),
                ],
            )?;
        }
    }
    Ok(())
}

/// What of a record waits for somebody.
struct Finding {
    word: &'static str,
    says: &'static str,
    severity: &'static str,
    priority: u64,
    due: Option<Day>,
}

fn of(system: &System, day: Day) -> Vec<Finding> {
    let record = &system.record;
    let finding = |word, says, severity, priority| Finding { word, says, severity, priority, due: None };
    let mut found = Vec::new();
    if system.sanction == Sanction::Prohibited && record.observed == Observed::Active {
        found.push(finding("prohibited-seen", "Prohibited and in use:", "high", 1));
    }
    if record.sanction == Sanction::Tolerated && system.sanction == Sanction::None {
        found.push(Finding {
            due: record.expires_on,
            ..finding("tolerance-over", "Tolerated past its last day:", "medium", 2)
        });
    }
    if record.needs_impact_assessment() && !record.has_impact_assessment(day) {
        found.push(finding("no-impact-assessment", "No valid impact assessment:", "high", 1));
    }
    if record.scope == Scope::In && record.system_owner.is_none() {
        found.push(finding("no-owner", "In scope without an owner:", "medium", 2));
    }
    if record.review.is_pending() {
        let severity =
            if matches!(record.risk_tier, Tier::High | Tier::Unacceptable) { "high" } else { "low" };
        found.push(finding("not-decided", "Not decided:", severity, 3));
    }
    if let Some(due) = record.next_review_due.filter(|due| *due <= day) {
        found.push(Finding { due: Some(due), ..finding("review-due", "Review is due:", "low", 3) });
    }
    found
}

fn evidence(view: &View, out: &mut dyn Write) -> Result<(), ExportError> {
    header(out, &EVIDENCE)?;
    let head = &view.head;
    let says: Vec<String> = head.facts().into_iter().map(|(name, text)| format!("{name}: {text}")).collect();
    record(
        out,
        &[
            format!("Inventory of AI systems of {}", head.day()).into(),
            format!("UMBRASCOPE-{}", head.day()).into(),
            format!("Written {}.\n{}", Rfc3339(head.now_ms), says.join("\n")).into(),
            "".into(),
            "umbrascope".into(),
        ],
    )?;
    for system in &view.systems {
        let kept = &system.record;
        for (word, label, assessment) in [
            ("AIIA", "Impact assessment", &kept.aiia),
            ("FRIA", "Fundamental rights impact assessment", &kept.fria),
            ("DPIA", "Data protection impact assessment", &kept.dpia),
            ("SUPPLIER", "Supplier assessment", &kept.supplier_assessment),
        ] {
            if matches!(assessment.state, AssessmentState::Done | AssessmentState::Expired) {
                record(
                    out,
                    &[
                        format!("{label}: {}", named(system)).into(),
                        format!("{}-{word}", kept.reference).into(),
                        document(assessment).into(),
                        "".into(),
                        labels(system).into(),
                    ],
                )?;
            }
        }
    }
    Ok(())
}

/// What is known of a document. Who made it is not told.
fn document(assessment: &Assessment) -> String {
    let day = |name: &str, day: Option<Day>| day.map(|day| format!("{name}: {day}"));
    let text = |name: &str, text: &Option<String>| text.as_ref().map(|text| format!("{name}: {text}"));
    [
        Some(format!("state: {}", assessment.state.as_str())),
        day("date", assessment.date),
        day("counts until", assessment.expires),
        text("link", &assessment.link),
        text("sha256", &assessment.sha256),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join("\n")
}
