//! Findings, tasks, documents and vendors as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::request::some_version;
use super::types::Moment;
use super::vendor::VendorFacts;
use crate::anonymity::told;
use crate::model::document::DocumentRow;
use crate::model::finding::{Closing, FindingRow, WorkCounts};
use crate::model::supplier::VendorUse;
use crate::model::task::TaskRow;

/// How something came to its end.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ended {
    /// Number of the person; absent: the collector, since the fact no longer holds.
    pub by: Option<i64>,
    /// When.
    pub at: Moment,
    /// Why.
    pub reason: Option<String>,
    /// What shows it.
    pub evidence: Option<String>,
}

impl From<Closing> for Ended {
    fn from(closing: Closing) -> Self {
        let Closing { by, at_ms, reason, evidence } = closing;
        Self { by, at: Moment::of(at_ms), reason, evidence }
    }
}

/// A question that the records raise.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingJson {
    /// `FND-0007`; never reused.
    pub reference: String,
    /// Rule and object: the same question has the same id.
    pub id: String,
    /// What it asks.
    pub rule: String,
    /// low, medium, high or critical; set by the rule.
    pub severity: String,
    /// open, in-progress, closed or dismissed.
    pub state: String,
    /// Whether what it asks holds as far as the records show.
    pub holds: bool,
    /// `system` or `unit`.
    pub about_kind: String,
    /// Name of what it is about.
    pub about: String,
    /// Reference of the record, where it is about one.
    pub system: Option<String>,
    /// Numbers of its units.
    pub units: Vec<i64>,
    /// What is there, in words.
    pub evidence: Vec<String>,
    /// Number of the person who works on it.
    pub assignee: Option<i64>,
    /// Day by which it is to be answered.
    #[schema(format = Date)]
    pub due: Option<String>,
    /// When it was opened, the last time.
    pub opened_at: Moment,
    /// How often it came up again.
    pub reopened: u32,
    /// How it ended, the last time.
    pub closing: Option<Ended>,
    /// Why it came about, where it is a nonconformity and somebody said.
    pub cause: Option<CausedJson>,
    /// Whether what was done about it worked, as somebody else found.
    pub effect: Option<EffectJson>,
    /// To be sent back with a change, so that nothing is changed unseen.
    pub version: u64,
}

/// Why a nonconformity came about.
#[derive(Debug, Serialize, ToSchema)]
pub struct CausedJson {
    /// people, process, technical, supplier or other.
    pub cause: &'static str,
    /// In words.
    pub note: String,
    /// Number of the person who said so.
    pub by: i64,
    /// When.
    pub at: Moment,
}

/// Whether what was done about a nonconformity worked.
#[derive(Debug, Serialize, ToSchema)]
pub struct EffectJson {
    /// Whether it did.
    pub worked: bool,
    /// What shows it.
    pub note: String,
    /// Number of the person who found so.
    pub by: i64,
    /// When.
    pub at: Moment,
}

impl From<FindingRow> for FindingJson {
    fn from(row: FindingRow) -> Self {
        let finding = row.held.body;
        Self {
            reference: finding.reference,
            id: finding.id,
            rule: finding.rule.as_str().to_owned(),
            severity: finding.severity.as_str().to_owned(),
            state: finding.state.as_str().to_owned(),
            holds: finding.holds,
            about_kind: finding.subject.kind,
            about: row.about,
            system: row.system,
            units: finding.units.into_iter().collect(),
            evidence: finding.evidence,
            assignee: finding.assignee,
            due: finding.due.map(|day| day.to_string()),
            opened_at: Moment::of(finding.opened_at_ms),
            reopened: finding.reopened,
            closing: finding.closing.map(Ended::from),
            cause: finding.cause.map(|told| CausedJson {
                cause: told.cause.as_str(),
                note: told.note,
                by: told.by,
                at: Moment::of(told.at_ms),
            }),
            effect: finding.effect.map(|told| EffectJson {
                worked: told.worked,
                note: told.note,
                by: told.by,
                at: Moment::of(told.at_ms),
            }),
            version: row.held.version,
        }
    }
}

/// Something to do.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskJson {
    /// `TSK-0007`; never reused.
    pub reference: String,
    /// UUID.
    pub id: String,
    /// What.
    pub title: String,
    /// More about it.
    pub details: Option<String>,
    /// other, supplier-assessment, impact-assessment, removal or correction.
    pub purpose: String,
    /// What it hangs on: system, finding, vendor, campaign, requirement or task.
    pub link_kind: Option<String>,
    /// Its id.
    pub link_id: Option<String>,
    /// Its name.
    pub about: Option<String>,
    /// open, in-progress, done or dropped.
    pub state: String,
    /// Number of the person who does it.
    pub assignee: Option<i64>,
    /// Day by which it is to be done.
    #[schema(format = Date)]
    pub due: Option<String>,
    /// When it was made.
    pub added_at: Moment,
    /// How it ended.
    pub closing: Option<Ended>,
    /// To be sent back with a change.
    pub version: u64,
}

impl From<TaskRow> for TaskJson {
    fn from(row: TaskRow) -> Self {
        let task = row.held.body;
        Self {
            reference: task.reference,
            id: task.id,
            title: task.title,
            details: task.details,
            purpose: task.purpose.as_str().to_owned(),
            link_kind: task.link.as_ref().map(|link| link.kind.as_str().to_owned()),
            link_id: task.link.map(|link| link.id),
            about: row.about.map(|about| about.name),
            state: task.state.as_str().to_owned(),
            assignee: task.assignee,
            due: task.due.map(|day| day.to_string()),
            added_at: Moment::of(task.added_at_ms),
            closing: task.closing.map(Ended::from),
            version: row.held.version,
        }
    }
}

/// A piece of evidence.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentJson {
    /// `DOC-0007`; never reused.
    pub reference: String,
    /// UUID.
    pub id: String,
    /// What it hangs on.
    pub link_kind: String,
    /// Its id.
    pub link_id: String,
    /// doc, url, ticket or observation.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Where it is.
    pub location: Option<String>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: Option<String>,
    /// First day that it speaks of.
    #[schema(format = Date)]
    pub effective_from: Option<String>,
    /// Last day that it speaks of.
    #[schema(format = Date)]
    pub effective_to: Option<String>,
    /// Last day that it counts.
    #[schema(format = Date)]
    pub expires: Option<String>,
    /// current, not-yet, expired or superseded, today.
    pub standing: String,
    /// Id of the document that took its place.
    pub superseded_by: Option<String>,
    /// Number of who attached it.
    pub added_by: Option<i64>,
    /// When.
    pub added_at: Moment,
}

impl DocumentJson {
    /// As it stands on a day.
    pub fn of(row: DocumentRow, today: umbrascope_api::Day) -> Self {
        let document = row.held.body;
        let standing = document.standing(today).as_str().to_owned();
        let text = |day: Option<umbrascope_api::Day>| day.map(|day| day.to_string());
        Self {
            reference: document.reference,
            id: document.id,
            link_kind: document.link.kind.as_str().to_owned(),
            link_id: document.link.id,
            kind: document.kind.as_str().to_owned(),
            title: document.title,
            location: document.location,
            sha256: document.sha256,
            effective_from: text(document.effective_from),
            effective_to: text(document.effective_to),
            expires: text(document.expires),
            standing,
            superseded_by: document.superseded_by,
            added_by: document.added_by,
            added_at: Moment::of(document.added_at_ms),
        }
    }
}

/// A vendor, and what the fleet has of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorJson {
    /// Id in the catalogue.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its products that were seen.
    pub products: Vec<VendorProduct>,
    /// Records that use them.
    pub systems: Vec<VendorSystem>,
    /// The organisation's own assessment; absent: none.
    pub assessment: Option<AssessmentJson>,
}

/// A product that was seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorProduct {
    /// Id in the catalogue.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Assets that showed it; null: fewer than the reader is told of.
    pub assets: Option<u64>,
}

/// A record that uses something of a vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorSystem {
    /// `AIS-0007`.
    pub reference: String,
    /// Its name.
    pub name: String,
    /// Whether the management system covers it.
    pub in_scope: bool,
}

/// The organisation's own assessment of a vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssessmentJson {
    /// none, planned, done, expired or not-needed.
    pub state: String,
    /// When it was made.
    #[schema(format = Date)]
    pub date: Option<String>,
    /// The last day that it counts.
    #[schema(format = Date)]
    pub expires: Option<String>,
    /// Where it is kept.
    pub link: Option<String>,
    /// SHA-256 of the document, in hexadecimal.
    pub sha256: Option<String>,
    /// Who made it.
    pub assessor: Option<String>,
    /// What it came to.
    pub result: Option<String>,
    /// To be sent back with a change.
    pub version: u64,
}

impl VendorJson {
    /// For who is told no number below this one.
    pub(super) fn of(used: VendorUse, least: u64) -> Self {
        let product = |(id, name, assets)| VendorProduct { id, name, assets: told(assets, least) };
        let system = |(reference, name, in_scope)| VendorSystem { reference, name, in_scope };
        Self {
            id: used.vendor,
            name: used.name,
            products: used.products.into_iter().map(product).collect(),
            systems: used.systems.into_iter().map(system).collect(),
            assessment: used.assessment.map(|held| {
                let assessment = held.body.assessment;
                AssessmentJson {
                    state: assessment.state.as_str().to_owned(),
                    date: assessment.date.map(|day| day.to_string()),
                    expires: assessment.expires.map(|day| day.to_string()),
                    link: assessment.link,
                    sha256: assessment.sha256,
                    assessor: assessment.assessor,
                    result: held.body.result,
                    version: held.version,
                }
            }),
        }
    }
}

/// The dossier of a vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dossier {
    /// What the fleet has of it, and how it was assessed.
    #[serde(flatten)]
    pub vendor: VendorJson,
    /// What sources say; absent: the catalogue does not know it.
    pub facts: Option<VendorFacts>,
    /// Questions that no source answers.
    pub open_questions: Vec<String>,
}

/// Numbers of findings and tasks.
#[derive(Debug, Serialize, ToSchema)]
pub struct CountsJson {
    /// Findings to be answered.
    pub open_findings: u64,
    /// Of those, the ones assigned to who asks.
    pub my_findings: u64,
    /// Of all open ones, those past their day.
    pub overdue_findings: u64,
    /// Findings that were closed or dismissed while what they ask still holds.
    pub still_holding: u64,
    /// Tasks to be done.
    pub open_tasks: u64,
    /// Of those, the ones assigned to who asks.
    pub my_tasks: u64,
}

impl From<WorkCounts> for CountsJson {
    fn from(counts: WorkCounts) -> Self {
        let WorkCounts { open_findings, my_findings, overdue_findings, still_holding, open_tasks, my_tasks } =
            counts;
        Self { open_findings, my_findings, overdue_findings, still_holding, open_tasks, my_tasks }
    }
}

/// A step on a finding or a task.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StepBody {
    /// Of a finding: assign, due, start, close, dismiss, reopen, and of a nonconformity cause and effect; of a task: assign, due, start, finish, drop or reopen.
    pub step: String,
    /// Number of a person, to assign; absent: nobody.
    pub person: Option<i64>,
    /// The day, to set it.
    #[schema(format = Date)]
    pub day: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What shows it.
    pub evidence: Option<String>,
    /// Why a nonconformity came about: people, process, technical, supplier or other; the reason says it in words.
    pub cause: Option<String>,
    /// Whether what was done about a nonconformity worked; the reason says what shows it.
    pub worked: Option<bool>,
    /// The version that was read; another one is refused.
    #[serde(deserialize_with = "some_version")]
    pub version: Option<u64>,
}

/// Findings to be assigned.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AssignBody {
    /// Their references.
    pub findings: Vec<String>,
    /// Number of the person; absent: nobody.
    pub person: Option<i64>,
}

/// What one of several came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct CameTo {
    /// Its reference.
    pub reference: String,
    /// Whether it was changed.
    pub changed: bool,
    /// The guard that refused it.
    pub guard: Option<String>,
    /// Why not.
    pub says: Option<String>,
}

/// A task to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"title": "Ask the supplier", "purpose": "supplier-assessment", "due": "2027-01-31"}))]
pub struct TaskBody {
    /// What.
    pub title: String,
    /// More about it.
    pub details: Option<String>,
    /// What for; `other` where nothing is said.
    pub purpose: Option<String>,
    /// What it hangs on.
    pub link_kind: Option<String>,
    /// Its reference or id.
    pub link_id: Option<String>,
    /// Number of a person.
    pub assignee: Option<i64>,
    /// Day by which it is to be done.
    #[schema(format = Date)]
    pub due: Option<String>,
}

/// A document to be attached.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"link_kind": "requirement", "link_id": "R-4.3-b", "kind": "url", "title": "Minutes", "location": "https://dms.example/1"}))]
pub struct DocumentBody {
    /// What it hangs on.
    pub link_kind: String,
    /// Its reference or id.
    pub link_id: String,
    /// doc, url, ticket or observation.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Where it is.
    pub location: Option<String>,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: Option<String>,
    /// First day that it speaks of.
    #[schema(format = Date)]
    pub effective_from: Option<String>,
    /// Last day that it speaks of.
    #[schema(format = Date)]
    pub effective_to: Option<String>,
    /// Last day that it counts.
    #[schema(format = Date)]
    pub expires: Option<String>,
    /// Reference of the document whose place it takes.
    pub supersedes: Option<String>,
}

/// What a file hashes to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hashed {
    /// SHA-256, in hexadecimal.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// An assessment of a vendor to be recorded.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"state": "done", "date": "2026-11-30", "result": "It may be used", "reason": "The yearly one"}))]
pub struct AssessmentBody {
    /// none, planned, done, expired or not-needed.
    pub state: String,
    /// When it was made.
    #[schema(format = Date)]
    pub date: Option<String>,
    /// The last day that it counts.
    #[schema(format = Date)]
    pub expires: Option<String>,
    /// Where it is kept.
    pub link: Option<String>,
    /// SHA-256 of the document, in hexadecimal.
    pub sha256: Option<String>,
    /// Who made it.
    pub assessor: Option<String>,
    /// What it came to.
    pub result: Option<String>,
    /// Why it is recorded.
    pub reason: Option<String>,
    /// The version that was read; another one is refused.
    #[serde(deserialize_with = "some_version")]
    pub version: Option<u64>,
}
