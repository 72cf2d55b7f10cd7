//! Monthly snapshots: the inventory as it was at the end of a month, kept because what sensors saw is deleted in time. The record of one is
//! governed and holds the hash of its content, so that the trail, its checkpoints and every evidence pack speak for the content too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

use crate::model::CoverageTotals;
use crate::model::governed::Governed;
use crate::model::record::{AiSystem, Sanction};
use crate::readiness::Kept;
use crate::scope::{Coverage, UsageBand};

/// Name of the format of a content, in its field `format`.
pub const FORMAT: &str = "umbrascope-monthly-snapshot/1";

/// Most snapshots that a collector makes up for, after it was off: ten years.
const MOST_MONTHS: usize = 120;

/// What the trail says of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monthly {
    /// The month: `2026-10`.
    pub month: String,
    /// Its last day: records are as they were at the end of it, UTC.
    pub as_of: Day,
    /// When it was taken, Unix milliseconds.
    pub taken_at_ms: i64,
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// Bytes of the content.
    pub bytes: u64,
    /// AI systems in it.
    pub systems: u64,
    /// Products in it.
    pub products: u64,
    /// When the content was deleted, for its time was over.
    pub erased_on: Option<Day>,
}

impl Governed for Monthly {
    const KIND: &'static str = "monthly-snapshot";

    fn id(&self) -> String {
        self.month.clone()
    }
}

/// What a snapshot holds. No person and no single machine is in it, and no number of fewer than [`Content::least_count`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// [`FORMAT`].
    pub format: String,
    /// The month: `2026-10`.
    pub month: String,
    /// Its last day.
    pub as_of: Day,
    /// When it was taken, Unix milliseconds.
    pub taken_at_ms: i64,
    /// Whether it was taken within a day of the month's end. Otherwise numbers of machines and coverage were no longer known of that day, and
    /// are not in it.
    pub in_time: bool,
    /// The smallest number of machines that is told.
    pub least_count: u64,
    /// Version of the catalogue.
    pub catalogue: String,
    /// Version of the AI policy in force.
    pub policy: Option<String>,
    /// Last entry of the trail of the month.
    pub trail_end: Option<TrailEnd>,
    /// Newest signed checkpoint when it was taken.
    pub checkpoint: Option<String>,
    /// What it rests on.
    pub coverage: Rests,
    /// The indicators that were kept last.
    pub indicators: Option<Kept>,
    /// The records.
    pub systems: Vec<SystemThen>,
    /// Ids of records of which part was erased.
    pub erased: Vec<String>,
    /// What sensors saw, by id of the product.
    pub products: BTreeMap<String, ProductThen>,
}

/// An entry of the trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailEnd {
    /// Its number.
    pub seq: u64,
    /// Its leaf hash, in hexadecimal.
    pub leaf: String,
}

/// What a snapshot rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rests {
    /// What was found.
    pub found: String,
    /// What was looked for and not found.
    pub not_found: String,
    /// What was not looked for.
    pub not_looked_for: String,
    /// Sums over the sensors; `None`: no longer known.
    pub totals: Option<CoverageTotals>,
    /// Of how many endpoints; `None`: no longer known.
    pub denominator: Option<Coverage>,
}

/// A record as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SystemThen {
    /// Its version.
    pub version: u64,
    /// Hash of that version, in hexadecimal.
    pub hash: String,
    /// The entry that made it.
    pub log_seq: u64,
    /// What counted of the decision about its use on that day.
    pub sanction_effective: Sanction,
    /// The record.
    pub record: AiSystem,
}

/// A product as it was known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductThen {
    /// Its name.
    pub name: String,
    /// Its vendor's name; empty: unknown.
    pub vendor: String,
    /// Its kind.
    pub kind: Option<String>,
    /// First day on which it was seen.
    pub first_day: Day,
    /// Last day up to then; `None`: no longer known.
    pub last_day: Option<Day>,
    /// Machines; `None`: too few to be told, or no longer known.
    pub machines: Option<u64>,
    /// On how many machines, roughly; `None`: no longer known.
    pub usage: Option<UsageBand>,
    /// What sources say of its vendor, by question.
    pub claims: BTreeMap<String, String>,
}

/// The month of a day: `2026-10`.
pub fn month_of(day: Day) -> String {
    let (year, month, _) = day.ymd();
    format!("{year:04}-{month:02}")
}

/// Last days of the months that ended before `today` and of which there is to be a snapshot: those after the newest one, or from the day
/// on which the records begin. The newest [`MOST_MONTHS`] of them, the oldest first.
pub fn due(newest: Option<Day>, begin: Option<Day>, today: Day) -> Vec<Day> {
    let Some(after) = newest.or_else(|| begin.map(before)) else { return Vec::new() };
    let mut ends = Vec::new();
    let mut end = before(today);
    while end > after && ends.len() < MOST_MONTHS {
        ends.push(end);
        end = before(end);
    }
    ends.reverse();
    ends
}

/// Last day of the month before that of a day.
fn before(day: Day) -> Day {
    day.back(day.ymd().2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn due_on(newest: Option<&str>, begin: Option<&str>, today: &str) -> Vec<String> {
        due(newest.map(day), begin.map(day), day(today)).into_iter().map(|day| day.to_string()).collect()
    }

    #[test]
    fn each_month_that_ended_is_due_once_and_after_its_last_day() {
        assert!(due_on(None, None, "2026-11-01").is_empty());
        assert!(due_on(None, Some("2026-11-01"), "2026-11-30").is_empty());
        assert_eq!(due_on(None, Some("2026-10-31"), "2026-11-01"), ["2026-10-31"]);
        assert_eq!(due_on(None, Some("2026-10-01"), "2026-11-30"), ["2026-10-31"]);
        assert!(due_on(Some("2026-10-31"), Some("2026-10-01"), "2026-11-30").is_empty());
        assert_eq!(
            due_on(Some("2026-10-31"), None, "2027-03-15"),
            ["2026-11-30", "2026-12-31", "2027-01-31", "2027-02-28"]
        );
        // A clock that went back makes none again.
        assert!(due_on(Some("2026-10-31"), None, "2026-09-15").is_empty());
    }

    #[test]
    fn a_trail_of_another_century_does_not_make_snapshots_without_end() {
        let ends = due_on(None, Some("1970-01-01"), "2026-11-01");
        assert_eq!((ends.len(), ends.last().map(String::as_str)), (MOST_MONTHS, Some("2026-10-31")));
        assert_eq!(month_of(day("2024-02-29")), "2024-02");
    }
}
