//! How mature each clause group is, on a scale of our own: neither the standard nor its auditors give one. It follows from the standings of
//! the group's requirements and from nothing else, and says which they were, so that anybody can compute it by hand.

use serde::Serialize;

use super::{Assessed, List, Standing};

/// How far a group is. Each level needs what the one before needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Every requirement is a gap.
    Nothing,
    /// One at least is no gap.
    Begun,
    /// Half of them at least are no gaps.
    UnderWay,
    /// None is a gap.
    Covered,
    /// Every one is shown.
    Shown,
}

impl Level {
    /// Its number, from 0 to 4.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Nothing => "nothing to show",
            Self::Begun => "begun",
            Self::UnderWay => "under way: half are no gaps",
            Self::Covered => "covered: no gaps",
            Self::Shown => "all shown",
        }
    }
}

/// A clause group: a clause of the standard, or an objective of its Annex A.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Maturity {
    /// `8` or `A.6`.
    pub group: String,
    /// Its title.
    pub title: String,
    /// How far it is; `None`: nothing of it is ours to show.
    pub level: Option<Level>,
    /// Requirements that are shown.
    pub shown: usize,
    /// Those that are partly.
    pub partly: usize,
    /// Those that are gaps.
    pub gaps: usize,
    /// Those that have to be shown elsewhere. They count for no level.
    pub not_ours: usize,
}

/// Titles of the clauses.
const CLAUSES: [(&str, &str); 7] = [
    ("4", "Context of the organization"),
    ("5", "Leadership"),
    ("6", "Planning"),
    ("7", "Support"),
    ("8", "Operation"),
    ("9", "Performance evaluation"),
    ("10", "Improvement"),
];

/// Every group in the order of the standard. A requirement that bears on several counts in each.
pub fn maturity(list: &List, assessed: &[Assessed]) -> Vec<Maturity> {
    let mut groups: Vec<(String, String)> =
        CLAUSES.map(|(number, title)| (number.to_owned(), title.to_owned())).into();
    for control in &list.controls {
        let group = group_of(&control.id);
        if !groups.iter().any(|(known, _)| *known == group) {
            let title = control.objective.trim_start_matches(&group).trim_start();
            groups.push((group, title.to_owned()));
        }
    }
    groups.into_iter().map(|(group, title)| of_group(group, title, assessed)).collect()
}

fn of_group(group: String, title: String, assessed: &[Assessed]) -> Maturity {
    let here = |one: &&Assessed| one.requirement.clauses.iter().any(|number| group_of(number) == group);
    let standings: Vec<Standing> = assessed.iter().filter(here).map(|one| one.standing).collect();
    let count = |standing| standings.iter().filter(|one| **one == standing).count();
    let (shown, partly, gaps) = (count(Standing::Shown), count(Standing::Partly), count(Standing::Gap));
    let level = match (shown + partly + gaps, gaps) {
        (0, _) => None,
        (ours, _) if shown == ours => Some(Level::Shown),
        (_, 0) => Some(Level::Covered),
        (ours, gaps) if gaps == ours => Some(Level::Nothing),
        (ours, gaps) if gaps * 2 <= ours => Some(Level::UnderWay),
        _ => Some(Level::Begun),
    };
    Maturity { group, title, level, shown, partly, gaps, not_ours: count(Standing::NotOurs) }
}

/// `8` of `8.4`, and `A.6` of `A.6.2.5`.
fn group_of(number: &str) -> String {
    let parts = if number.starts_with('A') { 2 } else { 1 };
    number.split('.').take(parts).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::{Class, Requirement};

    fn assessed(clause: &str, standing: Standing) -> Assessed {
        let requirement = Requirement {
            id: "R".into(),
            clauses: vec![clause.into()],
            says: "it is".into(),
            class: Class::Held,
            feeds: Vec::new(),
        };
        Assessed { requirement, standing, shown: Vec::new(), documents: Vec::new(), expired: Vec::new() }
    }

    fn level(standings: &[Standing]) -> Option<Level> {
        let all: Vec<_> = standings.iter().map(|standing| assessed("8.4", *standing)).collect();
        maturity(List::built_in(), &all).into_iter().find(|one| one.group == "8").unwrap().level
    }

    #[test]
    fn a_level_follows_from_the_standings() {
        use Standing::{Gap, NotOurs, Partly, Shown};
        let cases: [(&[Standing], Option<Level>); 8] = [
            (&[], None),
            (&[NotOurs], None),
            (&[Gap, Gap, NotOurs], Some(Level::Nothing)),
            (&[Gap, Gap, Shown], Some(Level::Begun)),
            (&[Gap, Partly], Some(Level::UnderWay)),
            (&[Partly, Partly], Some(Level::Covered)),
            (&[Shown, Partly], Some(Level::Covered)),
            (&[Shown, Shown, NotOurs], Some(Level::Shown)),
        ];
        for (standings, expected) in cases {
            assert_eq!(level(standings), expected, "{standings:?}");
        }
    }

    #[test]
    fn a_better_standing_never_lowers_a_level() {
        let all = [Standing::Gap, Standing::Partly, Standing::Shown];
        for one in all {
            for other in all {
                for third in all {
                    let before = level(&[one, other, third]);
                    for better in all.into_iter().filter(|better| *better > one) {
                        assert!(level(&[better, other, third]) >= before, "{one:?} {other:?} {third:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_requirement_is_in_a_group_and_every_group_has_a_title() {
        let list = List::built_in();
        let groups = maturity(list, &[]);
        assert_eq!(groups.len(), 7 + 9);
        assert!(groups.iter().all(|one| !one.title.is_empty() && !one.title.starts_with("A.")), "{groups:?}");
        for number in list.requirements.iter().flat_map(|one| &one.clauses) {
            assert!(groups.iter().any(|one| one.group == group_of(number)), "{number}");
        }
    }
}
