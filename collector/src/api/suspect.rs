//! A suspect as JSON.

use serde::Serialize;
use umbrascope_rules::Confidence;

use crate::model;

/// A registrable domain that looks like AI and that no rule knows. It is no product and in no inventory.
#[derive(Debug, Serialize)]
pub(crate) struct Suspect {
    /// The domain.
    domain: String,
    /// Always `suspect`.
    confidence: &'static str,
    /// How often something below it was named.
    count: u64,
    /// First day.
    first_day: String,
    /// Last day.
    last_day: String,
}

impl From<model::SuspectDomain> for Suspect {
    fn from(row: model::SuspectDomain) -> Self {
        Self {
            domain: row.domain,
            confidence: Confidence::Suspect.as_str(),
            count: row.count,
            first_day: row.first_day.to_string(),
            last_day: row.last_day.to_string(),
        }
    }
}
