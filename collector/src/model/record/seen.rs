//! What sensors show of a record.

use std::collections::{BTreeMap, BTreeSet};

use umbrascope_api::Day;

use super::Basis;

/// What sensors ever showed of the products of a record. Sets, a minimum and a maximum: neither the order nor the repetition of
/// observations matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// First and last day; `None`: never.
    pub days: Option<(Day, Day)>,
    /// Risk flags.
    pub flags: BTreeSet<String>,
    /// The last day that a flag was seen; not there: before that was kept.
    pub flag_days: BTreeMap<String, Day>,
    /// Units, by number.
    pub units: BTreeSet<i64>,
    /// Publishers and signers.
    pub publishers: BTreeSet<String>,
    /// Versions that machines hold now, by product; of products that a decision limits by version only.
    pub versions: BTreeMap<String, BTreeSet<String>>,
}

impl Seen {
    /// Risk flags that were seen on a day or later, or of which it is not known when.
    pub fn flags_since(&self, day: Day) -> impl Iterator<Item = &String> {
        self.flags.iter().filter(move |flag| self.flag_days.get(*flag).is_none_or(|last| *last >= day))
    }

    /// What a decision rests on.
    pub fn basis(&self) -> Basis {
        Basis {
            flags: self.flags.clone(),
            units: self.units.clone(),
            publishers: self.publishers.clone(),
            last_day: self.days.map(|(_, last)| last),
        }
    }

    /// What is there that a decision did not rest on, in words; empty: nothing.
    pub fn beyond(&self, basis: &Basis) -> Vec<String> {
        let flags = self.flags.difference(&basis.flags).map(|flag| format!("flag {flag}"));
        let units = self.units.difference(&basis.units).map(|unit| format!("unit {unit}"));
        let publishers = self.publishers.difference(&basis.publishers);
        flags.chain(units).chain(publishers.map(|name| format!("publisher {name}"))).collect()
    }
}
