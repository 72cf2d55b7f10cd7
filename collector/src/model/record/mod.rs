//! The governed record: one use of AI, of one or more products. What people set is never changed by an observation; `unknown` is a
//! value. Field list after governance reference (b); who set each field and when stands in its trail.

mod fields;
mod limit;
mod regions;
mod resources;
mod seen;
mod words;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

use super::Role;

pub use fields::{
    FIELDS, Field, FieldGroup, FieldRefused, Input, LINE_CHARS, LINK_CHARS, LIST_ENTRIES, OWNER_FIELDS,
    TEXT_CHARS, edit, is_link, named, shown,
};
pub use limit::{Limit, VersionLimit, VersionRefused, compared};
pub use resources::{
    InterfaceSeen, ModelFile, ModelSeen, Piece, RESOURCES, RegionSeen, Resources, Shown, ToolSeen,
    VersionSeen,
};
pub use seen::Seen;
pub(crate) use words::words;
pub use words::{
    AiActClass, AiActRole, AssessmentState, ComputePlace, DataCategory, DecisionImpact, DismissReason,
    Domain, Enforcement, Environment, Observed, OrgRole, Oversight, ReopenReason, ReviewState, Sanction,
    Scope, Stage, SystemKind, Tier, Tri,
};

/// A use of AI in the organisation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AiSystem {
    /// UUID of version 7; never reused.
    pub id: String,
    /// For people: `AIS-0042`; never reused.
    pub reference: String,
    /// Seeded to show the product, and no system of anybody.
    pub demonstration: bool,

    // What it is.
    /// Its name.
    pub name: String,
    /// What sort of system.
    pub kind: SystemKind,
    /// Ids of the catalogue's products that it is used through.
    pub products: BTreeSet<String>,
    /// Id of the record that it is a part of.
    pub part_of: Option<String>,
    /// What it is embedded in, in words.
    pub embedded_in: Option<String>,
    /// Legal name of who provides it, where the catalogue's is not the right one.
    pub vendor_name: Option<String>,
    /// Country of that, ISO 3166-1 alpha-2.
    pub vendor_country: Option<String>,
    /// Who to write to there.
    pub vendor_contact: Option<String>,

    // What for.
    /// What it is used for.
    pub purpose: Option<String>,
    /// What it puts out.
    pub outputs: Option<String>,
    /// How it is meant to be used.
    pub intended_use: Option<String>,
    /// How it might be used otherwise.
    pub foreseeable_misuse: Option<String>,
    /// Who uses it and whom it touches.
    pub affected_groups: Vec<String>,
    /// Whether vulnerable people are among them.
    pub vulnerable_groups: Tri,
    /// What its output does to a decision.
    pub decision_impact: DecisionImpact,
    /// What that decision is about.
    pub consequential_domain: Domain,
    /// How a person keeps hold of it.
    pub human_oversight: Oversight,
    /// The same in words.
    pub oversight_note: Option<String>,
    /// Where it works.
    pub environment: Environment,

    // Who.
    /// Parts that the organisation plays.
    pub org_roles: BTreeSet<OrgRole>,
    /// Part under the EU AI Act.
    pub ai_act_role: AiActRole,
    /// Who answers for it: number of a person.
    pub system_owner: Option<i64>,
    /// Who answers for its risk: number of a person.
    pub risk_owner: Option<i64>,
    /// Units that it belongs to, by number.
    pub org_units: BTreeSet<i64>,
    /// What the supplier does and what the organisation does.
    pub responsibility_split: Option<String>,
    /// Whether a third party provides it.
    pub third_party: Tri,
    /// How far the assessment of the supplier is.
    pub supplier_assessment: Assessment,
    /// Contracts.
    pub contract_links: Vec<String>,
    /// Data processing agreement.
    pub dpa_link: Option<String>,
    /// Whether the supplier trains on what is put in.
    pub trains_on_our_data: Tri,
    /// Where the supplier keeps it.
    pub data_residency: Option<String>,
    /// For how long.
    pub vendor_retention: Option<String>,

    // Data.
    /// What sorts of data go in.
    pub data_categories: BTreeSet<DataCategory>,
    /// The same in words.
    pub input_data: Option<String>,
    /// What it was trained with, where that is known.
    pub training_data: Option<String>,
    /// Whether data leaves the country.
    pub cross_border: Tri,
    /// For which, ISO 3166-1 alpha-2.
    pub cross_border_countries: Vec<String>,
    /// Whether it is about people.
    pub pii: Tri,
    /// Data protection impact assessment.
    pub dpia: Assessment,

    // Resources.
    /// What it computes on.
    #[serde(skip_serializing_if = "Compute::is_unknown")]
    pub compute: Compute,
    /// Where it says what people have to know.
    pub competence_link: Option<String>,

    // Risk.
    /// How much harm it may do.
    pub risk_tier: Tier,
    /// Why that, where it differs from the suggestion.
    pub risk_tier_reason: Option<String>,
    /// Version of the method when it was set.
    pub risk_method: Option<String>,
    /// What was suggested when it was set: a later difference flags the record.
    pub risk_suggested: Option<Tier>,
    /// Class under the EU AI Act.
    pub ai_act_class: AiActClass,
    /// Point of Annex III, condition and grounds, or systemic risk: what the class needs besides.
    pub ai_act_detail: Option<String>,
    /// AI system impact assessment.
    pub aiia: Assessment,
    /// What called for it.
    pub aiia_trigger: Option<String>,
    /// Fundamental rights impact assessment.
    pub fria: Assessment,
    /// Entry in the EU database.
    pub eu_db_url: Option<String>,
    /// Entry in the organisation's register of risks.
    pub risk_register_link: Option<String>,
    /// What remains, and who accepted it until when.
    pub residual: Option<Residual>,
    /// Other laws that look at it, by name.
    pub other_regimes: Vec<String>,

    // Where it stands: six axes, none of which follows from another.
    /// How far people are.
    pub review: ReviewState,
    /// Why it is open again.
    pub reopened: Option<ReopenReason>,
    /// Why there was nothing to decide.
    pub dismissed: Option<DismissReason>,
    /// The record that this one doubles.
    pub duplicate_of: Option<String>,
    /// What was decided.
    pub sanction: Sanction,
    /// Under which conditions.
    pub conditions: Option<String>,
    /// The last day of what is tolerated.
    pub expires_on: Option<Day>,
    /// Units in which alone it may be used, by number; none: wherever it is.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub limited_to_units: BTreeSet<i64>,
    /// Versions in which alone it may be used, of the products that are named; none: whichever there is.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub limited_to_versions: BTreeSet<VersionLimit>,
    /// Whether the management system covers it.
    pub scope: Scope,
    /// Why not, or why.
    pub scope_justification: Option<String>,
    /// Who decided on its scope: number of a person.
    pub scope_decided_by: Option<i64>,
    /// When, Unix milliseconds.
    pub scope_decided_at_ms: Option<i64>,
    /// Number of the scope statement that was being drafted then.
    pub scope_version: Option<u64>,
    /// Where it stands in its life.
    pub stage: Stage,
    /// What sensors show.
    pub observed: Observed,
    /// What enforces the decision.
    pub enforcement: Enforcement,
    /// What shows that.
    pub enforcement_evidence: Option<String>,

    // When.
    /// First day that a sensor saw one of its products.
    pub first_seen: Option<Day>,
    /// Day from which on it was in use.
    pub deployed_on: Option<Day>,
    /// Day on which somebody has to look again.
    pub next_review_due: Option<Day>,
    /// Day on which it ended.
    pub retired_on: Option<Day>,
    /// What shows that nothing of it is left.
    pub disposal_evidence: Option<String>,
    /// Confirmations by its owners, oldest first; at most [`CONFIRMATIONS`].
    pub confirmations: Vec<Confirmation>,

    // What was asked and decided.
    /// What somebody asks for, and somebody else has to decide.
    pub request: Option<Request>,
    /// The last decision.
    pub decision: Option<Decision>,
    /// When that decision was taken back, Unix milliseconds. Only another decision makes one count again.
    pub revoked_at_ms: Option<i64>,
    /// What was there when it was decided; a later difference is a material change.
    pub basis: Option<Basis>,

    /// What people said about it, oldest first; at most [`COMMENTS`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
    /// Words to find it by.
    pub labels: BTreeSet<String>,
    /// Records that went into this one.
    pub merged_from: Vec<String>,
    /// The record that this one went into.
    pub merged_into: Option<String>,
    /// The record that this one was split from.
    pub split_from: Option<String>,
}

/// What a system computes on, as people say. What sensors show of it stands beside it and changes nothing here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compute {
    /// Where.
    pub places: BTreeSet<ComputePlace>,
    /// Graphics processors and other accelerators, where they are known.
    pub accelerators: Option<String>,
    /// What else there is to say: regions, sizes, who runs it.
    pub note: Option<String>,
}

impl Compute {
    /// Whether nobody said anything.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// Whether somebody said where.
    pub fn says_where(&self) -> bool {
        self.places.iter().any(|place| *place != ComputePlace::Unknown)
    }
}

/// Comments that a record keeps; older ones stand in its trail.
pub const COMMENTS: usize = 200;
/// Most characters of a comment.
pub const COMMENT_CHARS: usize = 2_000;

/// What somebody said about a record. It decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Number of the person.
    pub by: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// What.
    pub text: String,
}

/// Confirmations that a record keeps; older ones stand in its trail.
pub const CONFIRMATIONS: usize = 50;

/// An assessment that a person made elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Assessment {
    /// How far it is.
    pub state: AssessmentState,
    /// When it was made.
    pub date: Option<Day>,
    /// Where it is kept.
    pub link: Option<String>,
    /// SHA-256 of the document, in hexadecimal.
    pub sha256: Option<String>,
    /// The last day that it counts.
    pub expires: Option<Day>,
    /// Who made it.
    pub assessor: Option<String>,
}

impl Assessment {
    /// Whether it counts on a day: it is done, it says on which day that was, and it has not run out.
    pub fn is_valid(&self, today: Day) -> bool {
        self.state == AssessmentState::Done
            && self.date.is_some_and(|made| made <= today)
            && self.expires.is_none_or(|last| last >= today)
    }

    /// Whether the document can be found or told from another one.
    pub fn is_kept(&self) -> bool {
        self.link.is_some() || self.sha256.is_some()
    }
}

/// Risk that remains and that somebody accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Residual {
    /// Number of the person.
    pub by: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// The last day of it.
    pub expires: Day,
    /// What remains.
    pub note: String,
}

/// An owner's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Id of the campaign; `None`: by itself.
    pub campaign: Option<String>,
    /// Number of the person.
    pub by: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Hash of the version that the person saw, in hexadecimal.
    pub seen: String,
    /// What was said besides.
    pub comment: Option<String>,
}

/// What somebody asks for. Another person decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What.
    pub wish: Wish,
    /// Number of the person who asks.
    pub by: i64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Why.
    pub reason: String,
}

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Wish {
    /// To be sanctioned.
    Sanction {
        /// Under which conditions, if any.
        conditions: Option<String>,
        /// Where and in which versions.
        #[serde(flatten)]
        limit: Limit,
    },
    /// To be tolerated for a time.
    Tolerate {
        /// Under which conditions.
        conditions: String,
        /// The last day.
        expires_on: Day,
        /// Where and in which versions.
        #[serde(flatten)]
        limit: Limit,
    },
    /// To be put in scope.
    ScopeIn {
        /// Why, as the statement says it; it may be left out.
        justification: Option<String>,
    },
    /// To be left out of scope.
    ScopeOut {
        /// Why.
        justification: String,
    },
    /// To be retired.
    Retire {
        /// Day of its end.
        retired_on: Day,
        /// What shows that nothing is left.
        disposal_evidence: String,
    },
    /// To go into another record.
    Merge {
        /// Id of that record.
        into: String,
    },
    /// To give some of its products to a new record.
    Split {
        /// Ids of the products.
        products: BTreeSet<String>,
        /// Name of the new record.
        name: String,
    },
}

impl Wish {
    /// To be sanctioned wherever it is used, without conditions.
    pub fn sanction() -> Self {
        Self::Sanction { conditions: None, limit: Limit::default() }
    }

    /// The role that decides on it.
    pub fn decider(&self) -> Role {
        match self {
            Self::ScopeIn { .. } | Self::ScopeOut { .. } => Role::ScopeOwner,
            _ => Role::Reviewer,
        }
    }

    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Sanction { .. } => "sanction",
            Self::Tolerate { .. } => "tolerate",
            Self::ScopeIn { .. } => "scope-in",
            Self::ScopeOut { .. } => "scope-out",
            Self::Retire { .. } => "retire",
            Self::Merge { .. } => "merge",
            Self::Split { .. } => "split",
        }
    }

    /// What people read: "asks to …".
    pub fn label(&self) -> &'static str {
        match self {
            Self::Sanction { .. } => "sanction it",
            Self::Tolerate { .. } => "tolerate it for a time",
            Self::ScopeIn { .. } => "put it in scope",
            Self::ScopeOut { .. } => "leave it out of scope",
            Self::Retire { .. } => "retire it",
            Self::Merge { .. } => "merge it into another record",
            Self::Split { .. } => "split it",
        }
    }
}

/// A decision about use, as it stands. Earlier ones stand in the trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Number of the person who decided.
    pub by: i64,
    /// Number of the person who had asked; `None`: nobody had to.
    pub requested_by: Option<i64>,
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Why.
    pub reason: String,
    /// Version of the policy that was in force.
    pub policy: String,
    /// Share of the expected endpoints that reported then, in percent; `None`: not known.
    pub coverage_percent: Option<u32>,
}

/// What was there when it was decided. Sets, so that the order of observations does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Basis {
    /// Risk flags seen.
    pub flags: BTreeSet<String>,
    /// Units in which it was seen, by number.
    pub units: BTreeSet<i64>,
    /// Publishers and signers seen.
    pub publishers: BTreeSet<String>,
    /// The last day that a sensor had seen it by then.
    pub last_day: Option<Day>,
}

impl AiSystem {
    /// Whether an impact assessment has to be there before it may be sanctioned. Where it shapes decisions and nobody said of what, one
    /// has to be.
    pub fn needs_impact_assessment(&self) -> bool {
        matches!(self.risk_tier, Tier::High | Tier::Unacceptable)
            || self.ai_act_class.is_high()
            || (self.decision_impact.is_heavy() && self.consequential_domain != Domain::None)
    }

    /// Whether an impact assessment counts on a day, and its document is named.
    pub fn has_impact_assessment(&self, today: Day) -> bool {
        self.aiia.is_valid(today) && self.aiia.is_kept()
    }

    /// What was decided, as it counts on a day: what was tolerated counts no longer after its last day, and what was taken back does
    /// not count. The decision as it was recorded stays.
    pub fn effective_sanction(&self, today: Day) -> Sanction {
        match self.sanction {
            Sanction::Tolerated if self.expires_on.is_none_or(|last| last < today) => Sanction::None,
            _ if self.revoked_at_ms.is_some() => Sanction::None,
            sanction => sanction,
        }
    }

    /// Whether its impact was assessed after it was in use.
    pub fn assessed_after_use(&self) -> bool {
        self.deployed_on.is_some() && self.aiia.date > self.deployed_on
    }

    /// Units in which it is seen and in which it may not be used, as the decision that counts on a day is limited. Empty, too, where no
    /// decision lets it be used.
    pub fn outside_limit(&self, seen: &Seen, today: Day) -> BTreeSet<i64> {
        let allowed = matches!(self.effective_sanction(today), Sanction::Sanctioned | Sanction::Tolerated);
        match allowed && !self.limited_to_units.is_empty() {
            true => seen.units.difference(&self.limited_to_units).copied().collect(),
            false => BTreeSet::new(),
        }
    }

    /// Versions that are seen and in which it may not be used, by product, as the decision that counts on a day is limited; those that have no
    /// place in an order are among them.
    pub fn outside_versions(&self, seen: &Seen, today: Day) -> BTreeSet<(String, String)> {
        match self.effective_sanction(today) {
            Sanction::Sanctioned | Sanction::Tolerated => {
                limit::outside(&self.limited_to_versions, &seen.versions)
            }
            _ => BTreeSet::new(),
        }
    }

    /// Units that it belongs to, as rights are asked for.
    pub fn units(&self) -> Vec<i64> {
        self.org_units.iter().copied().collect()
    }

    /// Whether it is gone into another record.
    pub fn is_merged(&self) -> bool {
        self.merged_into.is_some()
    }
}
