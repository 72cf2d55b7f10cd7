//! People of the sample: in a database of their own, since their rules are what the pages are tried against.

use std::path::Path;
use std::sync::Arc;

use super::{NOW_MS, UNITS};
use crate::catalogue::Known;
use crate::model::{By, Grant, GrantChange, PersonDetails, Role};
use crate::store::SqliteStore;
use crate::store::people::People;
use crate::store::sqlite::Options;

/// Somebody for each role, `ada` who holds all that write, `ulla` who holds one for the first unit, and `otto`, who is only in the
/// directory.
pub(crate) const PEOPLE: [(&str, &[Role], Option<i64>); 11] = [
    (
        "ada",
        &[
            Role::ItDeployer,
            Role::Analyst,
            Role::Reviewer,
            Role::ScopeOwner,
            Role::PrivacyOfficer,
            Role::Administrator,
        ],
        None,
    ),
    ("vera", &[Role::Auditor], None),
    ("dora", &[Role::ItDeployer], None),
    ("anna", &[Role::Analyst], None),
    ("rita", &[Role::Reviewer], None),
    ("sven", &[Role::ScopeOwner], None),
    ("paul", &[Role::PrivacyOfficer], None),
    ("wim", &[Role::WorksCouncil], None),
    ("mona", &[Role::Administrator], None),
    ("ulla", &[Role::Analyst], Some(1)),
    ("otto", &[], None),
];

/// Whoever set the sample up.
pub(crate) fn nobody() -> By {
    By { person: None, name: "the sample".to_owned(), reason: String::new(), at_ms: NOW_MS }
}

/// The sample's people and units, kept below a folder.
pub(super) fn people(folder: &Path) -> Arc<SqliteStore> {
    let options = Options { readers: 1, ..Options::knowing(Arc::new(Known::embedded())) };
    let store = SqliteStore::open(&folder.join("people.db"), options, NOW_MS).unwrap();
    add_people(&store);
    Arc::new(store)
}

/// Adds them.
pub(crate) fn add_people(store: &SqliteStore) {
    for unit in UNITS {
        store.add_unit(unit, None, &nobody()).unwrap().unwrap();
    }
    for (name, roles, unit) in PEOPLE {
        let details =
            PersonDetails { display_name: name.to_owned(), active: true, ..PersonDetails::default() };
        let person = store.add_person(name, &details, false, &nobody()).unwrap().unwrap();
        for role in roles {
            let change = GrantChange::Grant(Grant { role: *role, unit });
            store.change_grants(person.id, change, &nobody()).unwrap().unwrap();
        }
    }
}
