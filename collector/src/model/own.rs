//! An organisation's own rules, version by version.

use serde::{Deserialize, Serialize};
use umbrascope_api::{Channel, Day};

/// A version, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnVersion {
    /// From 1, always rising.
    pub number: u32,
    /// Why, in the publisher's words.
    pub note: String,
    /// Who published it.
    pub published_by: String,
    /// Unix time in milliseconds.
    pub published_at_ms: i64,
}

/// A version with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnText {
    /// Which one.
    pub version: OwnVersion,
    /// TOML, as it was published.
    pub text: String,
    /// What stands in it.
    pub items: Vec<OwnItem>,
}

/// A rule, deny or change, and since when it stands as it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnItem {
    /// Id of the rule or deny; for a change, of what is changed.
    pub id: String,
    /// Tells two wordings apart.
    pub digest: String,
    /// The version that it stands so since.
    pub since: u32,
}

/// A value that rules matched in what agents reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownValue {
    /// Id of the rule.
    pub rule: String,
    /// How it is known.
    pub channel: Channel,
    /// The value.
    pub value: String,
    /// On how many assets.
    pub assets: u64,
    /// The last day.
    pub last_day: Day,
}
