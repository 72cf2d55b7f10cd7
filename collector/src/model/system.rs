//! AI systems: the governed record.

use serde::Serialize;
use umbrascope_api::{Channel, Day};
use umbrascope_rules::{Confidence, Level, ProductKind};

/// How a record came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemOrigin {
    /// Proposed by sightings; nobody has looked at it yet.
    Candidate,
}

/// One line of the inventory. A product becomes a candidate at medium confidence or above by
/// presence, configured, connection or use; at low confidence it needs a second channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AiSystemRow {
    /// Number of the record; never reused.
    pub id: i64,
    /// Its name; at first the product's.
    pub name: String,
    /// The product it came of.
    pub product: String,
    /// Vendor's name.
    pub vendor: String,
    /// Kind of the product.
    pub kind: Option<ProductKind>,
    /// How it came to be.
    pub origin: SystemOrigin,
    /// How it is known.
    pub channels: Vec<Channel>,
    /// How sure.
    pub confidence: Confidence,
    /// Strongest level.
    pub level: Level,
    /// Assets that showed it.
    pub assets: u64,
    /// First day.
    pub first_day: Day,
    /// Last day.
    pub last_day: Day,
    /// Unix time in milliseconds at which the record was made.
    pub created_at_ms: i64,
}
