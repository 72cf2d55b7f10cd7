//! How ready the organisation is for an audit against ISO/IEC 42001: each thing that the standard asks for, what there is to show for it,
//! and what is missing. Nothing here says that a requirement is met: it says what an auditor would be shown.

mod feed;
mod gathered;
mod indicator;
mod maturity;
mod target;

use serde::{Deserialize, Serialize};
use umbrascope_api::Day;

pub use feed::{Facts, Feed, Shown, Work};
pub use gathered::{Gathered, Kept, KeptValue, Replayed};
pub use indicator::{DEFINITIONS, INDICATORS, Indicator, Measured, indicators};
pub use maturity::{Level, Maturity, maturity};
pub use target::{Aim, TARGET_REASON_CHARS, Target, Verdict, named as indicator_named};

use crate::model::document::{self, Document};
use crate::model::governed::Governed;
use crate::model::record::Tri;
use crate::model::task::LinkKind;

/// The list that is part of the program.
const LIST: &str = include_str!("../../data/readiness.toml");

/// Who can show that a requirement is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Our own records.
    Auto,
    /// Our own records in part; a person judges the rest.
    Part,
    /// Documents that people attach here.
    Held,
    /// Nothing here.
    NotOurs,
}

impl Class {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Part => "part",
            Self::Held => "held",
            Self::NotOurs => "not-ours",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Auto => "shown by records",
            Self::Part => "shown by records in part",
            Self::Held => "shown by documents",
            Self::NotOurs => "not ours",
        }
    }
}

/// Something that the standard asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Our id of it: `R-8.4-a`. It stays.
    pub id: String,
    /// Published numbers of clauses and controls.
    pub clauses: Vec<String>,
    /// In our own words.
    pub says: String,
    /// Who can show it.
    pub class: Class,
    /// What of our records is looked at.
    #[serde(default)]
    pub feeds: Vec<Feed>,
}

/// The list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Its version.
    pub version: String,
    /// Day of the knowledge it rests on.
    pub as_of: Day,
    /// The requirements, in the order of the clauses.
    #[serde(rename = "requirement")]
    pub requirements: Vec<Requirement>,
    /// The controls of Annex A, in order.
    #[serde(rename = "control")]
    pub controls: Vec<Control>,
}

/// A control of Annex A, by number and title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// `A.9.4`.
    pub id: String,
    /// Number and title of the objective that it serves.
    pub objective: String,
    /// Its title.
    pub title: String,
}

/// Whether a control applies to the organisation, and why: a line of the statement of applicability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applicability {
    /// Number of the control.
    pub id: String,
    /// Whether it applies; unknown: nobody said yet.
    pub applies: Tri,
    /// Why, or why not.
    pub reason: String,
}

impl Governed for Applicability {
    const KIND: &'static str = "control";

    fn id(&self) -> String {
        self.id.clone()
    }
}

impl List {
    /// The list that is part of the program.
    pub fn built_in() -> &'static Self {
        static BUILT_IN: std::sync::OnceLock<List> = std::sync::OnceLock::new();
        // The tests read it too: what is built in can be read.
        BUILT_IN.get_or_init(|| {
            toml::from_str(LIST).unwrap_or_else(|_| Self {
                version: "none".to_owned(),
                as_of: Day::MAX,
                requirements: Vec::new(),
                controls: Vec::new(),
            })
        })
    }

    /// The requirement of this id.
    pub fn named(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| requirement.id == id)
    }
}

/// Who answers for a requirement in this organisation, and what they say to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// Id of the requirement.
    pub id: String,
    /// Number of the person who answers for it.
    pub owner: Option<i64>,
    /// What they say.
    pub note: Option<String>,
    /// The day by which something is to be done.
    pub due: Option<Day>,
}

impl Governed for Answer {
    const KIND: &'static str = "requirement";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// How far there is something to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Nothing.
    Gap,
    /// Something, and not for all.
    Partly,
    /// For all.
    Shown,
    /// It has to be shown elsewhere.
    NotOurs,
}

impl Standing {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Partly => "partly",
            Self::Shown => "shown",
            Self::NotOurs => "not-ours",
        }
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Gap => "Gap",
            Self::Partly => "Partly",
            Self::Shown => "Shown",
            Self::NotOurs => "Not ours",
        }
    }
}

/// A requirement with what there is to show for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assessed {
    /// The requirement.
    pub requirement: Requirement,
    /// How far.
    pub standing: Standing,
    /// What our records show, feed by feed.
    pub shown: Vec<Shown>,
    /// Documents attached to it that count today.
    pub documents: Vec<Document>,
    /// Documents attached to it that counted once.
    pub expired: Vec<Document>,
}

/// Holds every requirement against what there is.
pub fn assess(list: &List, facts: &Facts<'_>) -> Vec<Assessed> {
    list.requirements.iter().map(|requirement| assess_one(requirement, facts)).collect()
}

fn assess_one(requirement: &Requirement, facts: &Facts<'_>) -> Assessed {
    let attached = |standing| {
        let here = facts.documents.iter().filter(|document| {
            document.link.kind == LinkKind::Requirement
                && document.link.id == requirement.id
                && document.standing(facts.today) == standing
        });
        here.cloned().collect::<Vec<_>>()
    };
    let (valid, expired) = (attached(document::Standing::Current), attached(document::Standing::Expired));
    let shown: Vec<Shown> = requirement.feeds.iter().map(|feed| feed.look(facts)).collect();
    let standing = match requirement.class {
        Class::NotOurs => Standing::NotOurs,
        Class::Auto => of_feeds(&shown),
        // What a person has to judge besides is shown by a document of theirs.
        Class::Part => match (of_feeds(&shown), valid.is_empty()) {
            (Standing::Shown, false) => Standing::Shown,
            (Standing::Gap, true) => Standing::Gap,
            _ => Standing::Partly,
        },
        Class::Held => match (valid.is_empty(), of_feeds(&shown)) {
            (false, Standing::Shown) => Standing::Shown,
            (false, _) if shown.is_empty() => Standing::Shown,
            // Nobody attached anything, and no record shows anything either.
            (true, _) if shown.iter().all(|one| one.n == 0) => Standing::Gap,
            _ => Standing::Partly,
        },
    };
    Assessed { requirement: requirement.clone(), standing, shown, documents: valid, expired }
}

fn of_feeds(shown: &[Shown]) -> Standing {
    let whole = shown.iter().filter(|one| one.is_whole()).count();
    match whole {
        0 if shown.iter().all(|one| one.n == 0) => Standing::Gap,
        whole if whole == shown.len() => Standing::Shown,
        _ => Standing::Partly,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::policy::Policy;
    use crate::model::task::Link;

    fn day(number: u32) -> Day {
        Day::from_number(number).unwrap()
    }

    fn nothing() -> Facts<'static> {
        Facts::on(day(20_784))
    }

    fn standing(id: &str, facts: &Facts<'_>) -> Standing {
        assess_one(List::built_in().named(id).unwrap(), facts).standing
    }

    #[test]
    fn the_list_can_be_read_and_its_ids_are_one_each() {
        let list: List = toml::from_str(LIST).unwrap();
        let ids: BTreeSet<_> = list.requirements.iter().map(|requirement| &requirement.id).collect();
        assert_eq!(ids.len(), list.requirements.len());
        for clause in list.requirements.iter().flat_map(|one| &one.clauses).filter(|one| one.starts_with('A'))
        {
            assert!(list.controls.iter().any(|control| control.id == *clause), "{clause} is no control");
        }
        assert_eq!(list.controls.len(), 38);
        let of_the_checklist = list.requirements.iter().filter(|one| one.id.starts_with("R-"));
        let classes: Vec<_> = of_the_checklist.map(|requirement| requirement.class).collect();
        assert_eq!(classes.len(), 55);
        let count = |class| classes.iter().filter(|one| **one == class).count();
        assert_eq!(
            (count(Class::Auto) + count(Class::Part), count(Class::Held), count(Class::NotOurs)),
            (18, 27, 10)
        );
    }

    #[test]
    fn what_is_ours_to_show_is_fed_and_what_is_not_is_not() {
        for requirement in &List::built_in().requirements {
            match requirement.class {
                Class::Auto | Class::Part => assert!(!requirement.feeds.is_empty(), "{}", requirement.id),
                Class::NotOurs => assert!(requirement.feeds.is_empty(), "{}", requirement.id),
                Class::Held => {}
            }
        }
    }

    #[test]
    fn an_empty_collector_shows_nothing() {
        for assessed in assess(List::built_in(), &nothing()) {
            assert!(
                matches!(assessed.standing, Standing::Gap | Standing::NotOurs | Standing::Partly),
                "{} is shown by nothing",
                assessed.requirement.id
            );
        }
        assert_eq!(standing("R-4.3-b", &nothing()), Standing::Gap);
        assert_eq!(standing("R-7.1-a", &nothing()), Standing::NotOurs);
    }

    #[test]
    fn a_document_counts_from_its_first_day_until_its_last() {
        let documents = [Document {
            link: Link { kind: LinkKind::Requirement, id: "R-4.2-b".to_owned() },
            title: "Decision of the board".to_owned(),
            effective_from: Some(day(20_784)),
            effective_to: Some(day(20_790)),
            expires: Some(day(20_795)),
            ..Document::default()
        }];
        let stands = |on: u32| standing("R-4.2-b", &Facts { documents: &documents, ..Facts::on(day(on)) });
        let days = [20_783, 20_784, 20_790, 20_791].map(stands);
        assert_eq!(days, [Standing::Gap, Standing::Shown, Standing::Shown, Standing::Gap]);
        let later = Facts { documents: &documents, ..Facts::on(day(20_791)) };
        let assessed = assess_one(List::built_in().named("R-4.2-b").unwrap(), &later);
        assert_eq!(assessed.expired.len(), 1);
        let before = Facts { documents: &documents, ..Facts::on(day(20_783)) };
        let assessed = assess_one(List::built_in().named("R-4.2-b").unwrap(), &before);
        assert!(assessed.expired.is_empty(), "what speaks of days to come is not over");
    }

    #[test]
    fn a_policy_alone_shows_half_of_what_a_policy_needs() {
        let policies = [Policy {
            version: "2026-1".into(),
            title: "Use of AI".into(),
            link: None,
            sha256: None,
            approved_by: "the board".into(),
            from: day(20_000),
            until: None,
        }];
        let facts = Facts { policies: &policies, ..nothing() };
        assert_eq!(standing("R-5.2-a", &facts), Standing::Partly);
    }
}
