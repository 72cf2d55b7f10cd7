//! Findings: questions that the records raise and that a person has to answer. Each stands for one rule and one object, and is one
//! record for ever: what comes up again is reopened, not asked a second time.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

use super::governed::{Governed, Held};
use super::record::words;

words! {
    /// What a finding asks.
    Rule {
        /// Sightings proposed a candidate, and nobody looked yet.
        NewProduct = "new-product", "New product";
        /// Seen on a day after it was prohibited.
        ProhibitedSeen = "prohibited-seen", "Prohibited and still seen";
        /// Seen in a unit in which the decision does not let it be used.
        OutsideLimit = "outside-limit", "Seen outside what was decided";
        /// What was tolerated for a time is past its last day.
        ToleratedPastExpiry = "tolerated-past-expiry", "Tolerated past its last day";
        /// Looked at, and nobody who is there answers for it.
        NoOwner = "no-owner", "No owner";
        /// Consequential, and no impact assessment counts.
        ImpactAssessmentMissing = "impact-assessment-missing", "Impact assessment missing";
        /// In scope and from a third party, and no assessment of the supplier counts.
        SupplierAssessmentMissing = "supplier-assessment-missing", "Supplier assessment missing";
        /// Signed in with an account of a provider of private mail.
        PersonalAccount = "personal-account", "Personal account";
        /// A risk flag that no decision knew of.
        RiskFlag = "risk-flag", "Risk flag that no decision knew";
        /// Sensors of a unit report no more.
        SensorSilent = "sensor-silent", "Silent sensors";
        /// Seen again after it was retired or dismissed.
        Resurfaced = "resurfaced", "Resurfaced";
        /// Something changed that the decision did not know.
        MaterialChange = "material-change", "Changed materially";
        /// A review is due.
        ReviewDue = "review-due", "Review due";
    }
}

words! {
    /// How much it presses. Fixed by the rule; no decision lowers it.
    Severity {
        /// It can wait.
        Low = "low", "Low";
        /// Within weeks.
        Medium = "medium", "Medium";
        /// Within days.
        High = "high", "High";
        /// Now.
        Critical = "critical", "Critical";
    }
}

words! {
    /// How far people are with it.
    FindingState {
        /// Nobody works on it.
        Open = "open", "Open";
        /// Somebody works on it.
        InProgress = "in-progress", "In progress";
        /// It is answered.
        Closed = "closed", "Closed";
        /// It is no question.
        Dismissed = "dismissed", "Dismissed";
    }
}

impl Rule {
    /// How much it presses.
    pub fn severity(self) -> Severity {
        match self {
            Self::ProhibitedSeen => Severity::Critical,
            Self::ToleratedPastExpiry
            | Self::OutsideLimit
            | Self::ImpactAssessmentMissing
            | Self::PersonalAccount
            | Self::RiskFlag
            | Self::Resurfaced => Severity::High,
            Self::NoOwner
            | Self::SupplierAssessmentMissing
            | Self::SensorSilent
            | Self::MaterialChange
            | Self::ReviewDue => Severity::Medium,
            Self::NewProduct => Severity::Low,
        }
    }

    /// Whether it tells of something that has to be and is not: a nonconformity (10.2). The others are signs that somebody has to look at.
    pub fn is_nonconformity(self) -> bool {
        matches!(
            self,
            Self::NewProduct
                | Self::ProhibitedSeen
                | Self::OutsideLimit
                | Self::ToleratedPastExpiry
                | Self::NoOwner
                | Self::ImpactAssessmentMissing
                | Self::SupplierAssessmentMissing
                | Self::Resurfaced
        )
    }

    /// What a person is to do.
    pub fn advice(self) -> &'static str {
        match self {
            Self::NewProduct => "Look at the record: triage it, or dismiss it with a reason.",
            Self::ProhibitedSeen => {
                "Have it removed, or decide again. Close this with what shows that it is gone."
            }
            Self::OutsideLimit => {
                "Have it removed there, or ask for a decision that counts there too. Close this with what shows that it is gone."
            }
            Self::ToleratedPastExpiry => {
                "Decide again: sanction it, tolerate it for another time, or prohibit it."
            }
            Self::NoOwner => "Name an active person of the directory who answers for it.",
            Self::ImpactAssessmentMissing => {
                "Have the impact assessed, and record when, by whom, and until when it counts."
            }
            Self::SupplierAssessmentMissing => {
                "Have the supplier assessed, on the record or in the supplier's dossier."
            }
            Self::PersonalAccount => {
                "Have an account of the organisation used. Close this with what shows it, or dismiss it with a reason."
            }
            Self::RiskFlag => "Look at what the flag says, have it set right, or decide knowing it.",
            Self::SensorSilent => {
                "See to the sensors: until they report, nothing is known of their machines. Close this when they do."
            }
            Self::Resurfaced => "See where it came back, and decide again.",
            Self::MaterialChange => "Look at what changed since the decision, and decide again.",
            Self::ReviewDue => "Look at the record again, and decide or confirm.",
        }
    }

    /// Why a finding of it is closed once what it asks no longer holds.
    pub fn ceased(self) -> &'static str {
        match self {
            Self::NewProduct => "somebody looked at the record",
            Self::ProhibitedSeen => "the decision is another one by now",
            Self::OutsideLimit => "it is not seen there any more, or another decision counts",
            Self::ToleratedPastExpiry => "it is no longer tolerated, or its last day is another one",
            Self::NoOwner => "an active person answers for it, or nobody has to",
            Self::ImpactAssessmentMissing => "an impact assessment counts, or none is needed",
            Self::SupplierAssessmentMissing => "an assessment of the supplier counts, or none is needed",
            Self::PersonalAccount | Self::RiskFlag => {
                "it was decided knowing this, or it is not seen any more"
            }
            Self::SensorSilent => "every sensor of the unit reports",
            Self::Resurfaced | Self::MaterialChange | Self::ReviewDue => "it was decided again",
        }
    }
}

impl FindingState {
    /// Whether somebody has to do something.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::InProgress)
    }
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// `system` or `unit`.
    pub kind: String,
    /// Id of the record, or number of the unit.
    pub id: String,
}

impl Subject {
    /// A record.
    pub fn system(id: &str) -> Self {
        Self { kind: "system".to_owned(), id: id.to_owned() }
    }

    /// A unit.
    pub fn unit(number: i64) -> Self {
        Self { kind: "unit".to_owned(), id: number.to_string() }
    }
}

/// How something came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Number of the person; `None`: the collector, since the fact no longer holds.
    pub by: Option<i64>,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Why.
    pub reason: Option<String>,
    /// What shows it: a link or a reference.
    pub evidence: Option<String>,
}

words! {
    /// Why a nonconformity came about (10.2), as a person says.
    Cause {
        /// People.
        People = "people", "People did not know, or did not keep to it";
        /// How things are done.
        Process = "process", "A rule or procedure is missing or wrong";
        /// What should have kept it from happening.
        Technical = "technical", "A technical control is missing or failed";
        /// A third party.
        Supplier = "supplier", "A supplier changed or delivered something";
        /// None of these: the words say it.
        Other = "other", "Something else";
    }
}

/// The cause that a person named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caused {
    /// Which.
    pub cause: Cause,
    /// In words.
    pub note: String,
    /// Number of the person.
    pub by: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
}

/// What a look at a closed nonconformity came to, some time later: whether what was done took its cause away (10.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Whether it worked.
    pub worked: bool,
    /// What shows it.
    pub note: String,
    /// Number of the person; never of who closed it.
    pub by: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
}

/// A question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Finding {
    /// Rule and object: `no-owner:system:…`. The same question has the same id.
    pub id: String,
    /// For people: `FND-0007`; never reused.
    pub reference: String,
    /// What it asks.
    pub rule: Rule,
    /// How much it presses: the rule's.
    pub severity: Severity,
    /// What it is about.
    pub subject: Subject,
    /// Units that it belongs to, by number: those of the record.
    pub units: BTreeSet<i64>,
    /// What was there when it was last asked, in words.
    pub evidence: Vec<String>,
    /// What of it would make it a new question: a day, an expiry, flags.
    pub mark: BTreeSet<String>,
    /// Whether what it asks holds as far as the records show.
    pub holds: bool,
    /// How far people are.
    pub state: FindingState,
    /// Number of the person who works on it.
    pub assignee: Option<i64>,
    /// Day by which it is to be answered.
    pub due: Option<Day>,
    /// When it was opened, the last time, Unix milliseconds.
    pub opened_at_ms: i64,
    /// How often it came up again.
    pub reopened: u32,
    /// How it came to its end, the last time.
    pub closing: Option<Closing>,
    /// Why it came about, where it is a nonconformity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Caused>,
    /// Whether what was done about it worked, as somebody found later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

impl Default for Subject {
    fn default() -> Self {
        Self::system("")
    }
}

impl Finding {
    /// Whether it should have been answered by now.
    pub fn is_overdue(&self, today: Day) -> bool {
        self.state.is_open() && self.due.is_some_and(|due| due < today)
    }

    /// Units that it belongs to, as rights are asked for.
    pub fn units(&self) -> Vec<i64> {
        self.units.iter().copied().collect()
    }
}

impl Governed for Finding {
    const KIND: &'static str = "finding";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// Days within which findings are to be answered, by how much they press.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DueDays {
    /// Of low ones.
    pub low: u32,
    /// Of medium ones.
    pub medium: u32,
    /// Of high ones.
    pub high: u32,
    /// Of critical ones.
    pub critical: u32,
}

impl DueDays {
    /// Most days that can be set: two years.
    pub const MAX: u32 = 730;

    /// For this severity.
    pub fn of(&self, severity: Severity) -> u32 {
        match severity {
            Severity::Low => self.low,
            Severity::Medium => self.medium,
            Severity::High => self.high,
            Severity::Critical => self.critical,
        }
    }
}

impl Default for DueDays {
    fn default() -> Self {
        Self { low: 30, medium: 14, high: 7, critical: 3 }
    }
}

impl Governed for DueDays {
    const KIND: &'static str = "setting";

    fn id(&self) -> String {
        "finding-due-days".to_owned()
    }
}

/// Which findings to list. Empty fields let everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// Those of this state.
    pub state: Option<FindingState>,
    /// Those that somebody has to do something about.
    pub open: bool,
    /// Those closed or dismissed while what they ask still holds.
    pub still_holding: bool,
    /// Assigned to this person.
    pub assignee: Option<i64>,
    /// Of this rule.
    pub rule: Option<Rule>,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// Of this unit.
    pub unit: Option<i64>,
    /// About this.
    pub subject: Option<Subject>,
    /// Those in this sight.
    pub sight: crate::model::Sight,
}

/// A finding on a list, with what it is about by name.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingRow {
    /// The finding.
    pub held: Held<Finding>,
    /// Name of what it is about.
    pub about: String,
    /// Reference of the record; `None`: it is about no record.
    pub system: Option<String>,
    /// Name of the assignee.
    pub assignee: Option<String>,
}

/// Numbers for the navigation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct WorkCounts {
    /// Findings that somebody has to do something about.
    pub open_findings: u64,
    /// Of those, the ones assigned to the reader.
    pub my_findings: u64,
    /// Of all open ones, those past their day.
    pub overdue_findings: u64,
    /// Findings that were closed or dismissed while what they ask still holds.
    pub still_holding: u64,
    /// Tasks that are not done.
    pub open_tasks: u64,
    /// Of those, the ones assigned to the reader.
    pub my_tasks: u64,
}
