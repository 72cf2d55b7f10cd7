//! AI systems as lists and pages show them: the governed record with what sensors show of it.

use serde::Serialize;
use umbrascope_api::{Channel, Day};
use umbrascope_rules::{Confidence, Level, ProductKind};

use super::Clocks;
use super::governed::Held;
use super::record::{
    AiActClass, AiSystem, Enforcement, Observed, Resources, ReviewState, Sanction, Scope, Seen, Stage,
    SystemKind, Tier,
};

/// One line of the inventory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AiSystemRow {
    /// UUID of the record; never reused.
    pub id: String,
    /// For people: `AIS-0042`; never reused.
    pub reference: String,
    /// Its name; at first the product's.
    pub name: String,
    /// What sort of system.
    pub kind: SystemKind,
    /// Ids of its products.
    pub products: Vec<String>,
    /// Vendor's name, of the product that most assets show.
    pub vendor: String,
    /// Kind of that product.
    pub product_kind: Option<ProductKind>,
    /// How far people are.
    pub review: ReviewState,
    /// What was decided.
    pub sanction: Sanction,
    /// Whether the management system covers it.
    pub scope: Scope,
    /// Where it stands in its life.
    pub stage: Stage,
    /// What sensors show.
    pub observed: Observed,
    /// What enforces the decision.
    pub enforcement: Enforcement,
    /// How much harm it may do.
    pub tier: Tier,
    /// Class under the EU AI Act.
    pub ai_act_class: AiActClass,
    /// Number of its owner.
    pub owner: Option<i64>,
    /// Whether something is asked for.
    pub requested: bool,
    /// How it is known.
    pub channels: Vec<Channel>,
    /// How sure.
    pub confidence: Confidence,
    /// Strongest level.
    pub level: Level,
    /// Assets that showed that product of it which most assets show.
    pub assets: u64,
    /// First day; `None`: never seen.
    pub first_day: Option<Day>,
    /// Last day; `None`: never seen.
    pub last_day: Option<Day>,
    /// Unix time in milliseconds at which the record was made.
    pub created_at_ms: i64,
}

/// A product of a record, with what sensors show of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SystemProduct {
    /// Its id in the catalogue.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its vendor's name.
    pub vendor: String,
    /// Assets that showed it.
    pub assets: u64,
    /// First and last day; `None`: never seen.
    pub days: Option<(Day, Day)>,
}

/// One record with everything that its page shows, apart from its trail.
#[derive(Debug, Clone, PartialEq)]
pub struct SystemDetail {
    /// The record.
    pub held: Held<AiSystem>,
    /// What sensors show of it.
    pub seen: Seen,
    /// Whether the clocks were right that told its first and its last day.
    pub clocks: Clocks,
    /// Its products.
    pub products: Vec<SystemProduct>,
    /// Other records that it names, by id and reference.
    pub related: Vec<(String, String)>,
    /// What sensors and the catalogue show of its resources.
    pub resources: Resources,
}
