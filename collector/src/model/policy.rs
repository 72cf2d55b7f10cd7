//! The AI policy that decisions cite, and the limits that the organisation sets for them.

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

use super::governed::Governed;

/// A version of the organisation's AI policy, which is kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its version, as the organisation writes it: `2026-1`. Unique.
    pub version: String,
    /// Its title.
    pub title: String,
    /// Where it is kept.
    pub link: Option<String>,
    /// SHA-256 of the document, in hexadecimal.
    pub sha256: Option<String>,
    /// Who approved it, in words.
    pub approved_by: String,
    /// First day of its force.
    pub from: Day,
    /// Last day of it; `None`: until another one is in force.
    pub until: Option<Day>,
}

impl Policy {
    /// Whether it is in force on a day.
    pub fn is_in_force(&self, today: Day) -> bool {
        self.from <= today && self.until.is_none_or(|last| last >= today)
    }
}

impl Governed for Policy {
    const KIND: &'static str = "policy";

    fn id(&self) -> String {
        self.version.clone()
    }
}

/// The policy that is in force on a day: the one whose force began last.
pub fn in_force<'p>(policies: impl IntoIterator<Item = &'p Policy>, today: Day) -> Option<&'p Policy> {
    policies.into_iter().filter(|policy| policy.is_in_force(today)).max_by_key(|policy| policy.from)
}

/// Limits that decisions keep to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Most days that a use may be tolerated.
    pub tolerance_days: u32,
    /// Days after which a decision, and a confirmation, has to be looked at again.
    pub review_days: u32,
    /// Most records in one bulk change.
    pub bulk_records: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tolerance_days: 180, review_days: 365, bulk_records: 100 }
    }
}

impl Governed for Limits {
    const KIND: &'static str = "setting";

    fn id(&self) -> String {
        "limits".to_owned()
    }
}
