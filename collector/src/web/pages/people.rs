//! People, one person, and the units.

use std::collections::BTreeMap;

use askama::Template;

use super::{Frame, filters};
use crate::directory::Plan;
use crate::model::{Grant, Looked, PersonRow, Reading, UnitRow};
use crate::web::list::{Pager, Select};

/// The directory.
#[derive(Debug, Template)]
#[template(path = "people.html")]
pub(crate) struct PeoplePage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Words searched for.
    pub(crate) search: String,
    /// Who is listed: empty, `signs-in` or `all`.
    pub(crate) kind: String,
    /// Filters.
    pub(crate) selects: Vec<Select>,
    /// Whether anything is filtered.
    pub(crate) filtered: bool,
    /// The rows.
    pub(crate) rows: Vec<PersonLine>,
    /// The foot.
    pub(crate) pager: Pager,
    /// Each role, and whether it takes a second factor.
    pub(crate) demanded: Vec<(&'static str, bool)>,
    /// Whether the reader manages people of the whole organisation.
    pub(crate) may_change: bool,
}

/// A person and their roles in words.
#[derive(Debug)]
pub(crate) struct PersonLine {
    /// The person.
    pub(crate) row: PersonRow,
    /// Roles.
    pub(crate) grants: Vec<String>,
}

/// What a form for a person was filled with.
#[derive(Debug, Default)]
pub(crate) struct PersonForm {
    /// Sign-in name.
    pub(crate) name: String,
    /// Name that people know.
    pub(crate) display_name: String,
    /// E-mail address.
    pub(crate) email: String,
    /// Number of the unit.
    pub(crate) unit: String,
    /// Sign-in name of the manager.
    pub(crate) manager: String,
    /// Key of the directory.
    pub(crate) external_id: String,
}

/// The form for another person.
#[derive(Debug, Template)]
#[template(path = "person_new.html")]
pub(crate) struct PersonNewPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What it was filled with.
    pub(crate) form: PersonForm,
    /// Units to choose from.
    pub(crate) units: Vec<UnitRow>,
    /// What went wrong the last time.
    pub(crate) problem: Option<String>,
}

impl PersonNewPage {
    /// Whether this is the unit that was chosen.
    pub(crate) fn chosen(&self, unit: &UnitRow) -> bool {
        self.form.unit == unit.id.to_string()
    }
}

/// One person.
#[derive(Debug, Template)]
#[template(path = "person.html")]
pub(crate) struct PersonPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Who.
    pub(crate) person: PersonRow,
    /// Sign-in name of the manager; empty: nobody.
    pub(crate) manager: String,
    /// Their roles, and each in words.
    pub(crate) grants: Vec<(Grant, String)>,
    /// Every role.
    pub(crate) roles: [&'static str; 8],
    /// Units to choose from.
    pub(crate) units: Vec<UnitRow>,
    /// Whether the reader may change them.
    pub(crate) may_change: bool,
    /// Whether it is the reader.
    pub(crate) oneself: bool,
    /// What was refused.
    pub(crate) problem: Option<String>,
}

impl PersonPage {
    /// Whether this is the person's unit.
    pub(crate) fn is_theirs(&self, unit: &UnitRow) -> bool {
        self.person.details.unit == Some(unit.id)
    }
}

/// A one-time link, shown once.
#[derive(Template)]
#[template(path = "link_made.html")]
pub(crate) struct LinkMadePage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Whom it signs in.
    pub(crate) person: PersonRow,
    /// The link, without the host that the reader sees in the browser.
    pub(crate) path: String,
}

/// Who read about which machine.
#[derive(Debug, Template)]
#[template(path = "readings.html")]
pub(crate) struct ReadingsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// The rows.
    pub(crate) rows: Vec<Reading>,
    /// The foot.
    pub(crate) pager: Pager,
}

/// A directory as text, and what importing it would do.
#[derive(Debug, Template)]
#[template(path = "people_import.html")]
pub(crate) struct ImportPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What was typed.
    pub(crate) text: String,
    /// Whether it is the whole directory.
    pub(crate) complete: bool,
    /// What would change.
    pub(crate) plan: Option<Plan>,
    /// What is wrong.
    pub(crate) problem: Option<String>,
}

/// The units.
#[derive(Debug, Template)]
#[template(path = "units.html")]
pub(crate) struct UnitsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Units with the names of those above them, each below its parent.
    pub(crate) units: Vec<(UnitRow, Vec<String>)>,
    /// Whether the reader may change them.
    pub(crate) may_change: bool,
    /// Machines of each unit by its number; `None`: not told.
    pub(crate) machines: BTreeMap<i64, Option<u64>>,
    /// What was refused.
    pub(crate) problem: Option<String>,
}

impl UnitsPage {
    /// Machines of a unit; `None`: not told.
    pub(crate) fn machines(&self, unit: &UnitRow) -> Option<u64> {
        self.machines.get(&unit.id).copied().flatten()
    }

    /// Units in the order of the tree, each with the names above it. A loop, which nobody can make here, would show no names twice.
    pub(crate) fn tree(units: Vec<UnitRow>) -> Vec<(UnitRow, Vec<String>)> {
        let above = |unit: &UnitRow| {
            let (mut names, mut next) = (Vec::new(), unit.parent);
            while let Some(parent) = next.and_then(|id| units.iter().find(|unit| unit.id == id)) {
                if names.len() > units.len() {
                    break;
                }
                names.push(parent.name.clone());
                next = parent.parent;
            }
            names.reverse();
            names
        };
        let mut placed: Vec<(UnitRow, Vec<String>)> =
            units.iter().map(|unit| (unit.clone(), above(unit))).collect();
        placed.sort_by_cached_key(|(unit, above)| {
            above.iter().chain([&unit.name]).map(|name| name.to_lowercase()).collect::<Vec<_>>()
        });
        placed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_stand_below_their_parents() {
        let unit = |id, name: &str, parent| UnitRow { id, name: name.to_owned(), parent, assets: 0 };
        let units = vec![unit(1, "Zurich", Some(3)), unit(2, "Africa", None), unit(3, "Europe", None)];
        let tree = UnitsPage::tree(units);
        let names: Vec<String> = tree
            .iter()
            .map(|(unit, above)| above.iter().chain([&unit.name]).cloned().collect::<Vec<_>>().join("/"))
            .collect();
        assert_eq!(names, ["Africa", "Europe", "Europe/Zurich"]);
    }
}
