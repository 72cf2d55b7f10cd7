//! What one statement says otherwise than another. Differences add up: from the first to the second and from the second to the third
//! is from the first to the third.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Boundary, Content, Place};
use crate::model::record::{AiActClass, Tier};

/// What changed between two statements.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Diff {
    /// By the id of the record.
    pub records: BTreeMap<String, Change<Facet>>,
    /// By what it is that is covered, in words.
    pub coverage: BTreeMap<String, Change<String>>,
    /// By the part of the boundary, in words.
    pub boundary: BTreeMap<String, Change<String>>,
}

/// What was there before, and what is there after. Never the same, and never nothing twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change<T> {
    /// Before; `None`: it was not there.
    pub before: Option<T>,
    /// After; `None`: it is not there.
    pub after: Option<T>,
}

/// What of a record a difference tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facet {
    /// For people: `AIS-0042`.
    pub reference: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// Why.
    pub justification: Option<String>,
    /// Who answers for it: number of a person.
    pub owner: Option<i64>,
    /// Risk tier.
    pub tier: Tier,
    /// Class under the EU AI Act.
    pub class: AiActClass,
    /// What a material change is told by.
    pub marks: BTreeSet<String>,
}

/// One thing that changed of a record, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// What: `added`, `removed`, `moved`, `justification`, `owner`, `tier`, `class`, `material change`, `name`.
    pub what: &'static str,
    /// What it was; empty: nothing.
    pub before: String,
    /// What it is; empty: nothing.
    pub after: String,
}

/// What `after` says otherwise than `before`; all of it where there was none before.
pub fn diff(before: Option<&Content>, after: &Content) -> Diff {
    let nothing = Content::default();
    let old = before.unwrap_or(&nothing);
    let coverage = |content: &Content| lines(&content.coverage.lines());
    Diff {
        records: changes(&old.facets(), &after.facets()),
        // Against nothing every line would be new, and tell nothing.
        coverage: before.map(|old| changes(&coverage(old), &coverage(after))).unwrap_or_default(),
        boundary: before.map(|old| changes(&boundary(old), &boundary(after))).unwrap_or_default(),
    }
}

impl Diff {
    /// This difference and then another one.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        Self {
            records: composed(&self.records, &next.records),
            coverage: composed(&self.coverage, &next.coverage),
            boundary: composed(&self.boundary, &next.boundary),
        }
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.coverage.is_empty() && self.boundary.is_empty()
    }
}

impl Change<Facet> {
    /// For people, of the record as it is or was.
    pub fn reference(&self) -> &str {
        self.either().map_or("", |facet| &facet.reference)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.either().map_or("", |facet| &facet.name)
    }

    fn either(&self) -> Option<&Facet> {
        self.after.as_ref().or(self.before.as_ref())
    }

    /// What changed, one thing after the other. `named` gives a person's name by number.
    pub fn told(&self, named: &dyn Fn(i64) -> String) -> Vec<Told> {
        let one = |what, before: String, after: String| Told { what, before, after };
        let (before, after) = match (&self.before, &self.after) {
            (None, None) => return Vec::new(),
            (None, Some(new)) => return vec![one("added", String::new(), new.place.label().to_owned())],
            (Some(old), None) => return vec![one("removed", old.place.label().to_owned(), String::new())],
            (Some(old), Some(new)) => (old, new),
        };
        let owner = |facet: &Facet| facet.owner.map(named).unwrap_or_default();
        let marks = |ours: &Facet, theirs: &Facet| {
            ours.marks.difference(&theirs.marks).cloned().collect::<Vec<_>>().join(", ")
        };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        [
            one("moved", before.place.label().to_owned(), after.place.label().to_owned()),
            one("justification", text(&before.justification), text(&after.justification)),
            one("owner", owner(before), owner(after)),
            one("tier", before.tier.label().to_owned(), after.tier.label().to_owned()),
            one("class", before.class.label().to_owned(), after.class.label().to_owned()),
            one("material change", marks(before, after), marks(after, before)),
            one("name", before.name.clone(), after.name.clone()),
        ]
        .into_iter()
        .filter(|told| told.before != told.after)
        .collect()
    }
}

fn changes<T: Clone + PartialEq>(
    old: &BTreeMap<String, T>,
    new: &BTreeMap<String, T>,
) -> BTreeMap<String, Change<T>> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |key: &String| Change { before: old.get(key).cloned(), after: new.get(key).cloned() };
    keys.into_iter()
        .map(|key| (key.clone(), change(key)))
        .filter(|(_, change)| change.before != change.after)
        .collect()
}

fn composed<T: Clone + PartialEq>(
    first: &BTreeMap<String, Change<T>>,
    second: &BTreeMap<String, Change<T>>,
) -> BTreeMap<String, Change<T>> {
    let keys: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    let mut sum = BTreeMap::new();
    for key in keys {
        let change = match (first.get(key), second.get(key)) {
            (Some(one), Some(other)) => Change { before: one.before.clone(), after: other.after.clone() },
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => continue,
        };
        if change.before != change.after {
            sum.insert(key.clone(), change);
        }
    }
    sum
}

fn lines(lines: &[(&'static str, String)]) -> BTreeMap<String, String> {
    lines.iter().map(|(what, text)| ((*what).to_owned(), text.clone())).collect()
}

fn boundary(content: &Content) -> BTreeMap<String, String> {
    let Boundary { organisation, activities, roles, text, interfaces, units, .. } = &content.boundary;
    let join = |names: Vec<&str>| names.join(", ");
    let unit_names = match units.is_empty() {
        true => "all units".to_owned(),
        false => join(content.units.iter().map(|unit| unit.name.as_str()).collect()),
    };
    lines(&[
        ("Organisation", organisation.clone()),
        ("Units", unit_names),
        ("Sites and networks", join(content.sites.iter().map(|site| site.name.as_str()).collect())),
        ("Activities", activities.clone()),
        ("Roles", join(roles.iter().map(|role| role.label()).collect())),
        ("Boundary", text.clone()),
        ("Interfaces", interfaces.clone()),
    ])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Expected, Listed};
    use super::*;

    fn content() -> impl Strategy<Value = Content> {
        let listed = (0..4_usize, 0..4_i64, "[ab]{0,2}", prop::collection::btree_set("[xy]", 0..2)).prop_map(
            |(tier, owner, why, marks)| Listed {
                tier: Tier::ALL[tier],
                owner: Some(owner).filter(|owner| *owner > 0),
                justification: Some(why).filter(|why| !why.is_empty()),
                marks,
                ..Listed::default()
            },
        );
        let records = prop::collection::btree_map(0..6_u8, (0..3_u8, listed), 0..6);
        (records, prop::option::of(0..5_u64), "[cd]{0,2}").prop_map(|(records, expected, text)| {
            let mut content = Content::default();
            for (id, (place, listed)) in records {
                let listed = Listed { id: id.to_string(), reference: format!("AIS-{id:04}"), ..listed };
                match place {
                    0 => content.included.push(listed),
                    1 => content.excluded.push(listed),
                    _ => content.undetermined.push(listed),
                }
            }
            content.coverage.expected =
                expected.map(|endpoints| Expected { endpoints, ..Expected::default() });
            content.boundary.text = text;
            content
        })
    }

    proptest! {
        #[test]
        fn differences_add_up(one in content(), two in content(), three in content()) {
            let sum = diff(Some(&one), &two).then(&diff(Some(&two), &three));
            prop_assert_eq!(sum, diff(Some(&one), &three));
            prop_assert!(diff(Some(&one), &one).is_empty());
            let there_and_back = diff(Some(&one), &two).then(&diff(Some(&two), &one));
            prop_assert!(there_and_back.is_empty());
        }

        /// Whatever changed is told, and nothing else is.
        #[test]
        fn every_change_of_a_record_is_told(one in content(), two in content()) {
            for change in diff(Some(&one), &two).records.values() {
                let told = change.told(&|person| person.to_string());
                prop_assert!(!told.is_empty(), "{:?}", change);
                prop_assert!(told.iter().all(|told| told.before != told.after));
            }
        }
    }

    #[test]
    fn each_sort_of_change_has_its_word() {
        let listed = Listed { id: "a".into(), name: "Chat".into(), ..Listed::default() };
        let before = Content { included: vec![listed.clone()], ..Content::default() };
        let after = Listed {
            owner: Some(7),
            tier: Tier::High,
            justification: Some("not ours".into()),
            marks: BTreeSet::from(["flag x".to_owned()]),
            ..listed
        };
        let after = Content { excluded: vec![after], ..Content::default() };
        let diff = diff(Some(&before), &after);
        let told = diff.records["a"].told(&|person| format!("person {person}"));
        let words: Vec<&str> = told.iter().map(|told| told.what).collect();
        assert_eq!(words, ["moved", "justification", "owner", "tier", "material change"]);
        assert_eq!(told[0].after, "out of scope");
        assert_eq!(told[2].after, "person 7");
    }
}
