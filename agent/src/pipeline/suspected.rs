//! Suspects, while they are asked for: the registrable domains of names that no rule knows and that look like AI.
//!
//! Only the domain, its day and a count are kept: from here on nothing else can be told of the name.

use std::collections::BTreeMap;

use umbrascope_api::{Day, SuspectRow, limits};
use umbrascope_dissect::Timestamp;
use umbrascope_rules::{Matcher, Suspects};

/// See the module's documentation.
pub(super) struct Suspected {
    table: Suspects,
    counts: BTreeMap<(Day, Box<str>), u64>,
}

impl Suspected {
    pub(super) fn new() -> Self {
        Self { table: Suspects::embedded(), counts: BTreeMap::new() }
    }

    /// Judges a name that the matcher does not know. False if it is a suspect for which there was no room.
    pub(super) fn judge(&mut self, matcher: &Matcher, name: &str, at: Timestamp) -> bool {
        let Some(suspect) = self.table.judge(name).filter(|suspect| !matcher.touches(&suspect.domain)) else {
            return true;
        };
        let key = (Day::from_unix_ms(i64::try_from(at.0 / 1000).unwrap_or(i64::MAX)), suspect.domain);
        if self.counts.len() >= limits::SUSPECTS && !self.counts.contains_key(&key) {
            return false;
        }
        *self.counts.entry(key).or_default() += 1;
        true
    }

    /// What was counted since [`Self::clear`].
    pub(super) fn rows(&self) -> Vec<SuspectRow> {
        let row = |((day, domain), count): (&(Day, Box<str>), &u64)| SuspectRow {
            day: *day,
            domain: domain.to_string(),
            count: *count,
        };
        self.counts.iter().map(row).collect()
    }

    pub(super) fn clear(&mut self) {
        self.counts.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}
