//! Attestation campaigns: owners are asked whether their records are right. What they answered, and that they did not. After governance
//! reference (c.5).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

use super::governed::{Governed, Held};
use super::record::{AiSystem, Scope, SystemKind, Tier, words};
use super::system::SystemDetail;

words! {
    /// How much of a record its owner is shown.
    CampaignMode {
        /// The whole record.
        Whole = "whole", "The whole record";
        /// What changed since the owner confirmed it last. Where nothing did, that still has to be confirmed.
        Differential = "differential", "What changed since the last confirmation";
    }
}

words! {
    /// Whether a campaign still takes answers.
    CampaignState {
        /// It does.
        Open = "open", "Open";
        /// It does not, and its report is signed.
        Closed = "closed", "Closed";
    }
}

words! {
    /// What became of a row. Only an owner's own act leads to one of the five answers.
    RowState {
        /// Nothing yet.
        Open = "open", "Open";
        /// The owner confirmed the record as it stands.
        Confirmed = "confirmed", "Confirmed";
        /// The owner corrected the record and confirmed what came of it.
        Amended = "amended", "Amended";
        /// It went to another owner, who has a row of their own.
        Reassigned = "reassigned", "Reassigned";
        /// The owner asked to retire the system.
        Retired = "retired", "Retirement asked for";
        /// The owner says that it is somebody else's; an analyst looks for whose.
        NotMine = "not-mine", "Not mine";
        /// Nobody answered until the campaign was closed. It confirms nothing.
        Silent = "silent", "Silent";
        /// Sensors were silent when the campaign was closed, so that it could not be confirmed.
        Blocked = "blocked", "Blocked";
        /// The record went into another one meanwhile.
        Void = "void", "Record merged";
    }
}

words! {
    /// How far the silence of an owner went.
    RowStep {
        /// Nowhere.
        None = "none", "Not due";
        /// The owner was reminded.
        Reminded = "reminded", "Reminded";
        /// The owner's manager was told.
        Escalated = "escalated", "With the manager";
        /// Whoever started the campaign was told.
        Reported = "reported", "Reported";
    }
}

words! {
    /// What somebody has to do with the system that they answer for. A signal to who reviews, and no judgement.
    Relation {
        /// Answers for it.
        SystemOwner = "system-owner", "system owner";
        /// Answers for its risk too.
        RiskOwner = "risk-owner", "risk owner";
        /// Had asked for the decision that stands.
        Requester = "requester", "asked for the decision";
        /// Made the decision that stands.
        Decider = "decider", "made the decision";
        /// Started the campaign.
        Starter = "starter", "started the campaign";
        /// Belongs to a unit of the record.
        SameUnit = "same-unit", "of the record's unit";
    }
}

/// Which records a campaign asks about. Empty fields let everything through but what is merged or retired.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignQuery {
    /// Of this unit, by number.
    pub unit: Option<i64>,
    /// Of this tier.
    pub tier: Option<Tier>,
    /// So scoped.
    pub scope: Option<Scope>,
    /// Of this kind.
    pub kind: Option<SystemKind>,
}

/// When what happens to a row without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The owner is reminded from this day on.
    pub remind: Day,
    /// The last day to answer.
    pub due: Day,
    /// The owner's manager is told from this day on.
    pub escalate: Day,
    /// Whoever started it is told from this day on.
    pub report: Day,
}

/// A campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// UUID of version 7; never reused.
    pub id: String,
    /// For people: `CAM-0001`; never reused.
    pub reference: String,
    /// Seeded to show the product, and no campaign of anybody.
    #[serde(default)]
    pub demonstration: bool,
    /// What it is called.
    pub title: String,
    /// What its records were found by.
    pub query: CampaignQuery,
    /// How much of a record is shown.
    pub mode: CampaignMode,
    /// When what happens.
    pub schedule: Schedule,
    /// Whether it takes answers.
    pub state: CampaignState,
    /// Number of the person who started it.
    pub started_by: i64,
    /// When, Unix milliseconds.
    pub started_at_ms: i64,
    /// Ids of its records, as they were found when it began. This list never changes.
    pub systems: Vec<String>,
    /// Ids of records that were found and had nobody to ask: no owner, or one who left.
    pub unowned: Vec<String>,
    /// Number of the person who closed it.
    pub closed_by: Option<i64>,
    /// When, Unix milliseconds.
    pub closed_at_ms: Option<i64>,
    /// The signed report: a note of the collector's key over canonical JSON.
    pub report: Option<String>,
}

impl Governed for Campaign {
    const KIND: &'static str = "campaign";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// One record, put to one owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignRow {
    /// UUID of version 7; never reused.
    pub id: String,
    /// Id of its campaign.
    pub campaign: String,
    /// Id of the record.
    pub system: String,
    /// Number of the person who is asked.
    pub owner: i64,
    /// Id of the row that it came out of.
    pub from: Option<String>,
    /// Rows before it.
    pub hops: u32,
    /// When, Unix milliseconds.
    pub opened_at_ms: i64,
    /// What became of it.
    pub state: RowState,
    /// How far silence went.
    pub step: RowStep,
    /// Number of the manager who was told.
    pub escalated_to: Option<i64>,
    /// What the owner said.
    pub answer: Option<RowAnswer>,
    /// Id of the row that came out of it.
    pub next: Option<String>,
}

impl Governed for CampaignRow {
    const KIND: &'static str = "campaign-row";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// What an owner said, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowAnswer {
    /// Number of the person.
    pub by: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Hash of the version that was on the screen, in hexadecimal.
    pub seen: String,
    /// What was said besides.
    pub comment: Option<String>,
    /// Seconds from when the collector sent the page with this row to when the answer came.
    pub seconds: u64,
    /// Rows that were answered in the same submit.
    pub batch: u32,
    /// What the person has to do with the system.
    pub relation: BTreeSet<Relation>,
}

/// One of the five answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It is right as it stands.
    Confirm,
    /// It is right with these fields set, each by name and JSON value.
    Amend(Vec<(String, serde_json::Value)>),
    /// It is another person's, by number.
    Reassign(i64),
    /// It is over. Another person has to grant that.
    Retire {
        /// Day of its end.
        retired_on: Day,
        /// What shows that nothing is left.
        disposal_evidence: String,
    },
    /// It is not the person's, who does not know whose.
    NotMine,
}

impl Answer {
    /// What becomes of the row.
    pub fn state(&self) -> RowState {
        match self {
            Self::Confirm => RowState::Confirmed,
            Self::Amend(_) => RowState::Amended,
            Self::Reassign(_) => RowState::Reassigned,
            Self::Retire { .. } => RowState::Retired,
            Self::NotMine => RowState::NotMine,
        }
    }

    /// What stands in the trail.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Confirm => "campaign.confirm",
            Self::Amend(_) => "campaign.amend",
            Self::Reassign(_) => "campaign.reassign",
            Self::Retire { .. } => "campaign.retire",
            Self::NotMine => "campaign.not-mine",
        }
    }
}

/// An answer as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct SentAnswer {
    /// Id of the row.
    pub row: String,
    /// Hash of the version that was on the screen.
    pub seen: String,
    /// What is said.
    pub answer: Answer,
    /// What is said besides; a reason where the answer needs one.
    pub comment: String,
}

/// What is asked for when a campaign is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignPlan {
    /// What it is called.
    pub title: String,
    /// Which records.
    pub query: CampaignQuery,
    /// How much of a record is shown.
    pub mode: CampaignMode,
    /// When what happens.
    pub schedule: Schedule,
    /// The list that was previewed, as [`crate::campaign::digest`] has it; another one is refused. `None`: whatever is there.
    pub previewed: Option<String>,
}

/// A record that a query found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// For people.
    pub reference: String,
    /// Its name.
    pub name: String,
    /// Number of its owner.
    pub owner: Option<i64>,
    /// The name that people know the owner by.
    pub owner_name: String,
    /// Whether the owner is an active person of the directory.
    pub owner_active: bool,
}

/// How many rows came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Without an answer so far.
    pub open: u64,
    /// Confirmed.
    pub confirmed: u64,
    /// Corrected, and confirmed.
    pub amended: u64,
    /// Given to another owner.
    pub reassigned: u64,
    /// Asked to be retired.
    pub retired: u64,
    /// Sent back to an analyst.
    pub not_mine: u64,
    /// Without any answer when it was closed. None of them counts as confirmed.
    pub silent: u64,
    /// Could not be confirmed when it was closed, since sensors were silent.
    pub blocked: u64,
    /// Of records that went into another one meanwhile.
    pub void: u64,
}

impl RowCounts {
    /// Counts one row.
    pub fn add(&mut self, state: RowState, rows: u64) {
        let at = match state {
            RowState::Open => &mut self.open,
            RowState::Confirmed => &mut self.confirmed,
            RowState::Amended => &mut self.amended,
            RowState::Reassigned => &mut self.reassigned,
            RowState::Retired => &mut self.retired,
            RowState::NotMine => &mut self.not_mine,
            RowState::Silent => &mut self.silent,
            RowState::Blocked => &mut self.blocked,
            RowState::Void => &mut self.void,
        };
        *at += rows;
    }

    /// Every row.
    pub fn rows(&self) -> u64 {
        self.open + self.answered() + self.silent + self.blocked + self.void
    }

    /// Those that an owner answered.
    pub fn answered(&self) -> u64 {
        self.confirmed + self.amended + self.reassigned + self.retired + self.not_mine
    }

    /// Those that an owner confirmed: as they stood, or corrected.
    pub fn attested(&self) -> u64 {
        self.confirmed + self.amended
    }
}

/// A campaign in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignLine {
    /// The campaign.
    pub held: Held<Campaign>,
    /// Where its rows stand.
    pub counts: RowCounts,
}

/// A campaign with what its page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignDetail {
    /// The campaign.
    pub held: Held<Campaign>,
    /// The name that people know who started it by.
    pub started_by: String,
    /// Where its rows stand.
    pub counts: RowCounts,
    /// Open rows that cannot be confirmed now, since sensors are silent.
    pub blocked_now: u64,
    /// Where the rows of each owner stand, the most open ones first.
    pub owners: Vec<OwnerProgress>,
    /// Records without anybody to ask.
    pub unowned: Vec<Candidate>,
}

/// Where the rows of one owner stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerProgress {
    /// Number of the person.
    pub owner: i64,
    /// The name that people know them by.
    pub name: String,
    /// The same of the manager, where there is one.
    pub manager: Option<String>,
    /// Where the rows stand.
    pub counts: RowCounts,
    /// How far silence went, at the furthest.
    pub step: RowStep,
}

/// A row as lists show it.
#[derive(Debug, Clone, PartialEq)]
pub struct RowView {
    /// The row.
    pub held: Held<CampaignRow>,
    /// Reference of the record.
    pub reference: String,
    /// Its name.
    pub name: String,
    /// The name that people know the owner by.
    pub owner: String,
    /// Whether the record has another owner by now than the row.
    pub owner_changed: bool,
    /// Whether it cannot be confirmed now, since sensors are silent.
    pub blocked: bool,
}

/// Which rows of a campaign to list. Empty fields let everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowFilter {
    /// So ended.
    pub state: Option<RowState>,
    /// Put to this person, by number.
    pub owner: Option<i64>,
    /// Those in this sight.
    pub sight: crate::model::Sight,
}

/// A row that waits for an answer, with what its owner has to see.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenRow {
    /// The row.
    pub held: Held<CampaignRow>,
    /// Its campaign.
    pub campaign: Campaign,
    /// The record, and what sensors show of it.
    pub system: SystemDetail,
    /// When this owner confirmed it last, Unix milliseconds; `None`: never.
    pub confirmed_at_ms: Option<i64>,
    /// What changed since then.
    pub changes: Vec<Change>,
    /// Names of its units.
    pub units: Vec<String>,
    /// The name that people know the risk owner by.
    pub risk_owner: Option<String>,
    /// Whether it cannot be confirmed now, since sensors are silent.
    pub blocked: bool,
}

/// A field that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What people read.
    pub label: String,
    /// What was there; `None`: it cannot be told any more.
    pub before: Option<String>,
    /// What is there.
    pub after: String,
}

/// Records in scope that their owners confirmed lately: KPI K-08.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Attested {
    /// Version of this definition.
    pub definition: u32,
    /// Records in scope whose owner of today confirmed them within the interval.
    pub numerator: u64,
    /// Records in scope.
    pub denominator: u64,
    /// Days of the interval.
    pub interval_days: u32,
    /// Records in neither, by reason.
    pub excluded: Vec<(&'static str, u64)>,
    /// Records in scope that are not in the numerator, by reason.
    pub missing: Vec<(&'static str, u64)>,
}

/// What a rule has to know of a record that an answer is about.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The record as it stands.
    pub system: &'a Held<AiSystem>,
    /// Whether sensors of its units are silent.
    pub blocked: bool,
    /// The version that was last sent to this person, and when; `None`: never.
    pub served: Option<(&'a str, i64)>,
}
