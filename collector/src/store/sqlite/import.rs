//! Does what the plan of a directory's import says.

use std::collections::HashMap;

use rusqlite::Connection;

use super::people::{Chain, add_person, add_unit, change_person, managers_in_loops, person, units};
use crate::directory::{Manager, Plan, Wanted};
use crate::model::{By, PersonDetails};
use crate::people::PersonRefused;
use crate::store::people::Imported;

/// The first refusal, which the caller takes all of it back for.
pub(super) fn apply(
    connection: &Connection,
    plan: &Plan,
    by: &By,
) -> rusqlite::Result<Result<Imported, PersonRefused>> {
    for unit in &plan.units {
        if let Err(refused) = add_unit(connection, unit, None, by)? {
            return Ok(Err(refused));
        }
    }
    let units: HashMap<String, i64> =
        units(connection)?.into_iter().map(|unit| (unit.name, unit.id)).collect();
    let details = |wanted: &Wanted| PersonDetails {
        unit: wanted.unit.as_ref().and_then(|unit| units.get(unit)).copied().or(wanted.details.unit),
        ..wanted.details.clone()
    };
    let mut ids: HashMap<u64, i64> = HashMap::new();
    for wanted in &plan.add {
        match add_person(connection, &wanted.name, &details(wanted), false, by)? {
            Ok(person) => ids.insert(wanted.line, person.id),
            Err(refused) => return Ok(Err(at(wanted, refused))),
        };
    }
    for wanted in &plan.change {
        let Some(id) = wanted.known else { continue };
        if let Err(refused) = change_person(connection, id, &details(wanted), Chain::Later, by)? {
            return Ok(Err(at(wanted, refused)));
        }
    }
    // Whose manager comes with the same file can be told only now.
    for wanted in plan.add.iter().chain(&plan.change) {
        let Some(Manager::Line(line)) = wanted.manager else { continue };
        let id = wanted.known.or_else(|| ids.get(&wanted.line).copied());
        let (Some(id), Some(manager)) = (id, ids.get(&line)) else { continue };
        let details = PersonDetails { manager: Some(*manager), ..details(wanted) };
        if let Err(refused) = change_person(connection, id, &details, Chain::Later, by)? {
            return Ok(Err(at(wanted, refused)));
        }
    }
    // Only now: the lines of a reorganisation make sense together, in whatever order they stand.
    let looped = managers_in_loops(connection)?;
    let of_line = |wanted: &&Wanted| wanted.known.or_else(|| ids.get(&wanted.line).copied());
    let wrong = |wanted: &&Wanted| of_line(wanted).is_some_and(|id| looped.contains(&id));
    if let Some(wanted) = plan.add.iter().chain(&plan.change).filter(wrong).min_by_key(|wanted| wanted.line) {
        return Ok(Err(at(wanted, PersonRefused::ManagerLoop)));
    }
    for (id, _) in &plan.set_aside {
        let Some(gone) = person(connection, *id)? else { continue };
        let details = PersonDetails { active: false, ..gone.details };
        if let Err(refused) = change_person(connection, *id, &details, Chain::Later, by)? {
            return Ok(Err(refused));
        }
    }
    let count = |of: usize| u64::try_from(of).unwrap_or(u64::MAX);
    Ok(Ok(Imported {
        added: count(plan.add.len()),
        changed: count(plan.change.len()),
        set_aside: count(plan.set_aside.len()),
    }))
}

fn at(wanted: &Wanted, refused: PersonRefused) -> PersonRefused {
    PersonRefused::Line(wanted.line, Box::new(refused))
}
