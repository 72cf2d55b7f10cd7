//! People, their roles, and the units. Each change is one function: it reads what is, asks the rules, writes, and notes both.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::Map;

use super::governed::{self, Projected};
use super::identity::next_number;
use super::products::Conditions;
use super::{api_tokens, prepare};
use crate::model::governed::{Act, Governed};
use crate::model::{
    AssetId, By, Deed, Grant, GrantChange, Grants, Looked, Page, PageRequest, PersonDetails, PersonFilter,
    PersonRecord, PersonRow, Reading, Role, UnitRecord, UnitRow,
};
use crate::people::{self, PersonRefused};
use crate::review;

/// Steps of a chain of managers or of units that are followed.
const CHAIN: usize = 1_000;

const PERSON: &str = "SELECT p.id, p.name, p.display_name, p.email, p.unit, u.name, p.manager, m.display_name, p.external_id,
    p.active, p.demonstration, p.password IS NOT NULL, t.confirmed_at_ms IS NOT NULL, p.created_at_ms, p.last_sign_in_at_ms
 FROM person p LEFT JOIN unit u ON u.id = p.unit LEFT JOIN person m ON m.id = p.manager
    LEFT JOIN person_totp t ON t.person = p.id";

pub(super) fn person(connection: &Connection, id: i64) -> rusqlite::Result<Option<PersonRow>> {
    let found = prepare(connection, &format!("{PERSON} WHERE p.id = $1"))?
        .query_row(params![id], person_row)
        .optional()?;
    with_grants(connection, found)
}

pub(super) fn person_named(connection: &Connection, name: &str) -> rusqlite::Result<Option<PersonRow>> {
    let found = prepare(connection, &format!("{PERSON} WHERE p.name = $1"))?
        .query_row(params![name], person_row)
        .optional()?;
    with_grants(connection, found)
}

pub(super) fn people(
    connection: &Connection,
    filter: &PersonFilter,
    page: PageRequest,
) -> rusqlite::Result<Page<PersonRow>> {
    let mut conditions = Conditions::default();
    conditions.add_search("p.search", &filter.search);
    if let Some(unit) = filter.unit {
        conditions.add("p.unit = $", unit);
    }
    if let Some(units) = &filter.within {
        conditions.add_any("p.unit", units);
    }
    if !filter.inactive {
        conditions.add_plain("p.active = 1");
    }
    if filter.signs_in {
        conditions.add_plain(
            "(p.password IS NOT NULL OR EXISTS (SELECT 1 FROM person_grant g WHERE g.person = p.id))",
        );
    }
    let mut rows = conditions.page(connection, PERSON, "p.display_name, p.id", page, person_row)?;
    add_grants(connection, &mut rows)?;
    Ok(Page { rows, total: conditions.count(connection, "person p")? })
}

fn person_row(row: &Row<'_>) -> rusqlite::Result<PersonRow> {
    Ok(PersonRow {
        id: row.get(0)?,
        name: row.get(1)?,
        details: PersonDetails {
            display_name: row.get(2)?,
            email: row.get(3)?,
            unit: row.get(4)?,
            manager: row.get(6)?,
            external_id: row.get(8)?,
            active: row.get(9)?,
        },
        unit_name: row.get(5)?,
        manager_name: row.get(7)?,
        demonstration: row.get(10)?,
        grants: Grants::default(),
        has_password: row.get(11)?,
        has_totp: row.get(12)?,
        created_at_ms: row.get(13)?,
        last_sign_in_at_ms: row.get(14)?,
    })
}

/// What each of them may do, in one statement.
fn add_grants(connection: &Connection, rows: &mut [PersonRow]) -> rusqlite::Result<()> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut conditions = Conditions::default();
    conditions.add_any("person", &ids);
    let select = "SELECT person, role, unit FROM person_grant";
    let held = conditions.every(connection, select, "ORDER BY person", |row| {
        Ok((row.get::<_, i64>(0)?, (row.get::<_, String>(1)?, row.get::<_, i64>(2)?)))
    })?;
    let mut of: HashMap<i64, Vec<(String, i64)>> = HashMap::new();
    for (person, grant) in held {
        of.entry(person).or_default().push(grant);
    }
    for row in rows {
        row.grants = known_grants(of.remove(&row.id).unwrap_or_default());
    }
    Ok(())
}

fn with_grants(connection: &Connection, row: Option<PersonRow>) -> rusqlite::Result<Option<PersonRow>> {
    let Some(mut row) = row else { return Ok(None) };
    row.grants = grants(connection, "SELECT role, unit FROM person_grant WHERE person = $1", row.id)?;
    Ok(Some(row))
}

/// What counts: a role for a unit stands for each unit below it too.
pub(super) fn effective_grants(connection: &Connection, person: i64) -> rusqlite::Result<Grants> {
    grants(
        connection,
        "WITH RECURSIVE below (role, unit) AS (
            SELECT role, unit FROM person_grant WHERE person = $1
            UNION SELECT b.role, u.id FROM below b JOIN unit u ON u.parent = b.unit WHERE b.unit <> 0)
         SELECT role, unit FROM below",
        person,
    )
}

fn grants(connection: &Connection, sql: &str, person: i64) -> rusqlite::Result<Grants> {
    let rows = prepare(connection, sql)?
        .query_map(params![person], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(known_grants(rows))
}

/// A role that this version does not know is left out: it gives nothing.
fn known_grants(rows: Vec<(String, i64)>) -> Grants {
    let known = |(role, unit): (String, i64)| {
        Some(Grant { role: Role::parse(&role)?, unit: Some(unit).filter(|unit| *unit != 0) })
    };
    let mut grants: Vec<Grant> = rows.into_iter().filter_map(known).collect();
    grants.sort_unstable();
    Grants(grants)
}

/// Other active people who administer the whole organisation.
fn other_administrators(connection: &Connection, person: i64) -> rusqlite::Result<u64> {
    prepare(
        connection,
        "SELECT count(*) FROM person_grant g JOIN person p ON p.id = g.person
         WHERE g.role = $1 AND g.unit = 0 AND p.active = 1 AND p.id <> $2",
    )?
    .query_row(params![Role::Administrator.as_str(), person], |row| row.get(0))
}

/// When the chain of a person's managers is looked at for a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chain {
    /// With the change.
    Now,
    /// After all changes that belong together, by [`managers_in_loops`].
    Later,
}

pub(super) fn add_person(
    connection: &Connection,
    name: &str,
    details: &PersonDetails,
    demonstration: bool,
    by: &By,
) -> rusqlite::Result<Result<PersonRow, PersonRefused>> {
    let checked =
        people::sign_in_name(name).and_then(|name| Ok((name, people::checked_details(details.clone())?)));
    let (name, details) = match checked {
        Ok(checked) => checked,
        Err(refused) => return Ok(Err(refused)),
    };
    if person_named(connection, &name)?.is_some() {
        return Ok(Err(PersonRefused::NameTaken(name)));
    }
    // Nobody answers to who is not there yet.
    if let Err(refused) = references(connection, None, &details, Chain::Later)? {
        return Ok(Err(refused));
    }
    let id = next_number(connection, "person")?;
    prepare(
        connection,
        "INSERT INTO person (id, name, display_name, email, unit, manager, active, external_id, demonstration, search,
            created_at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )?
    .execute(params![
        id,
        name,
        details.display_name,
        details.email,
        details.unit,
        details.manager,
        details.active,
        details.external_id,
        demonstration,
        search(&name, &details),
        by.at_ms
    ])?;
    finish(connection, id, by, "person.add")
}

pub(super) fn change_person(
    connection: &Connection,
    id: i64,
    details: &PersonDetails,
    chain: Chain,
    by: &By,
) -> rusqlite::Result<Result<PersonRow, PersonRefused>> {
    let Some(before) = person(connection, id)? else { return Ok(Err(PersonRefused::NoSuchPerson)) };
    let details = match people::checked_details(details.clone()) {
        Ok(details) => details,
        Err(refused) => return Ok(Err(refused)),
    };
    if details == before.details {
        return Ok(Ok(before));
    }
    if let Err(refused) = references(connection, Some(id), &details, chain)? {
        return Ok(Err(refused));
    }
    if before.details.active && !details.active {
        if let Err(refused) = people::may_leave(&before.grants, other_administrators(connection, id)?) {
            return Ok(Err(refused));
        }
        forget_secrets(connection, id)?;
        api_tokens::revoke_all(connection, id, by)?;
    }
    prepare(
        connection,
        "UPDATE person SET display_name = $1, email = $2, unit = $3, manager = $4, active = $5, external_id = $6, search = $7
         WHERE id = $8",
    )?
    .execute(params![
        details.display_name,
        details.email,
        details.unit,
        details.manager,
        details.active,
        details.external_id,
        search(&before.name, &details),
        id
    ])?;
    finish(connection, id, by, "person.change")
}

pub(super) fn change_grants(
    connection: &Connection,
    id: i64,
    change: GrantChange,
    by: &By,
) -> rusqlite::Result<Result<PersonRow, PersonRefused>> {
    let Some(before) = person(connection, id)? else { return Ok(Err(PersonRefused::NoSuchPerson)) };
    let others = other_administrators(connection, id)?;
    let action = match change {
        GrantChange::Grant(_) => "person.grant",
        GrantChange::Revoke(_) => "person.revoke",
    };
    let after = match people::changed_grants(id, before.details.active, &before.grants, change, others, by) {
        Ok(after) => after,
        Err(refused) => {
            let told = review::Refused::new(refused.guard(), refused.to_string());
            let act = act(connection, by, Deed::ManagePeople)?;
            governed::refuse(connection, PersonRecord::KIND, &id.to_string(), &act, action, &told)?;
            return Ok(Err(refused));
        }
    };
    if after == before.grants {
        return Ok(Ok(before));
    }
    match change {
        GrantChange::Grant(grant) => {
            if let Some(unit) = grant.unit
                && !is_unit(connection, unit)?
            {
                return Ok(Err(PersonRefused::NoSuchUnit));
            }
            prepare(
                connection,
                "INSERT INTO person_grant (person, role, unit, granted_by, granted_at_ms) VALUES ($1, $2, $3, $4, $5)",
            )?
            .execute(params![id, grant.role.as_str(), grant.unit.unwrap_or(0), by.name, by.at_ms])?;
        }
        GrantChange::Revoke(grant) => {
            prepare(connection, "DELETE FROM person_grant WHERE person = $1 AND role = $2 AND unit = $3")?
                .execute(params![id, grant.role.as_str(), grant.unit.unwrap_or(0)])?;
        }
    }
    // Pages that are open were made for what was held before.
    prepare(connection, "DELETE FROM session WHERE person = $1")?.execute(params![id])?;
    finish(connection, id, by, action)
}

/// The person as they are now, noted beside what they were.
fn finish(
    connection: &Connection,
    id: i64,
    by: &By,
    action: &str,
) -> rusqlite::Result<Result<PersonRow, PersonRefused>> {
    let after = person(connection, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    keep(connection, &PersonRecord::from(&after), by, action)?;
    Ok(Ok(after))
}

/// Puts a record into the audit trail as it is now. What was there before there was a trail enters it whole.
fn keep<T: Projected>(connection: &Connection, record: &T, by: &By, action: &str) -> rusqlite::Result<()> {
    let act = act(connection, by, Deed::ManagePeople)?;
    match governed::load::<T>(connection, &record.id())? {
        Some(before) => governed::replace(connection, &before, record, &act, action)?,
        None => governed::create(connection, record, &act, action)?,
    };
    Ok(())
}

impl Projected for PersonRecord {}

impl Projected for UnitRecord {}

/// Who does something, as the audit trail has it, in the role that lets them.
pub(super) fn act(connection: &Connection, by: &By, deed: Deed) -> rusqlite::Result<Act> {
    let grants = match by.person {
        Some(person) => effective_grants(connection, person)?,
        None => Grants::default(),
    };
    Ok(by.act(&grants, deed))
}

/// Notes in the audit trail that something was done with a person which changes nothing that is told of them.
pub(super) fn note(connection: &Connection, person: i64, by: &By, action: &str) -> rusqlite::Result<()> {
    let act = act(connection, by, Deed::ManagePeople)?;
    governed::note(connection, PersonRecord::KIND, &person.to_string(), &act, action, &Map::new())?;
    Ok(())
}

/// Somebody who is known by the sign-in name only; nobody of that name: a command on the collector's machine.
pub(super) fn by_name(connection: &Connection, name: &str, reason: &str, at_ms: i64) -> rusqlite::Result<By> {
    let person = prepare(connection, "SELECT id FROM person WHERE name = $1")?
        .query_row(params![name], |row| row.get(0))
        .optional()?;
    Ok(By { person, name: name.to_owned(), reason: reason.to_owned(), at_ms })
}

/// Whether what is pointed at is there, and nobody else has the key.
fn references(
    connection: &Connection,
    id: Option<i64>,
    details: &PersonDetails,
    chain: Chain,
) -> rusqlite::Result<Result<(), PersonRefused>> {
    if let Some(unit) = details.unit
        && !is_unit(connection, unit)?
    {
        return Ok(Err(PersonRefused::NoSuchUnit));
    }
    if let Some(key) = &details.external_id {
        let other: Option<i64> = prepare(connection, "SELECT id FROM person WHERE external_id = $1")?
            .query_row(params![key], |row| row.get(0))
            .optional()?;
        if other.is_some_and(|other| Some(other) != id) {
            return Ok(Err(PersonRefused::ExternalIdTaken(key.clone())));
        }
    }
    let mut above = details.manager;
    for step in 0..CHAIN {
        let Some(manager) = above else { return Ok(Ok(())) };
        if Some(manager) == id {
            return Ok(Err(PersonRefused::ManagerLoop));
        }
        let next: Option<Option<i64>> = prepare(connection, "SELECT manager FROM person WHERE id = $1")?
            .query_row(params![manager], |row| row.get(0))
            .optional()?;
        match next {
            Some(_) if chain == Chain::Later => return Ok(Ok(())),
            Some(next) => above = next,
            None if step == 0 => return Ok(Err(PersonRefused::NoSuchManager)),
            None => return Ok(Ok(())),
        }
    }
    Ok(Err(PersonRefused::ManagerLoop))
}

/// People who answer to themselves, through however many others.
pub(super) fn managers_in_loops(connection: &Connection) -> rusqlite::Result<BTreeSet<i64>> {
    let managers: HashMap<i64, i64> =
        prepare(connection, "SELECT id, manager FROM person WHERE manager IS NOT NULL")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
    Ok(people::in_loops(&managers))
}

fn search(name: &str, details: &PersonDetails) -> String {
    let email = details.email.as_deref().unwrap_or_default();
    format!("{} {name} {email}", details.display_name).to_lowercase()
}

/// Ends what lets a person in without the password.
pub(super) fn forget_secrets(connection: &Connection, person: i64) -> rusqlite::Result<()> {
    prepare(connection, "DELETE FROM session WHERE person = $1")?.execute(params![person])?;
    prepare(connection, "DELETE FROM sign_in_link WHERE person = $1")?.execute(params![person])?;
    Ok(())
}

const UNIT: &str =
    "SELECT u.id, u.name, u.parent, (SELECT count(*) FROM asset a WHERE a.unit = u.id) FROM unit u";

pub(super) fn units(connection: &Connection) -> rusqlite::Result<Vec<UnitRow>> {
    prepare(connection, &format!("{UNIT} ORDER BY u.name"))?.query_map([], unit_row)?.collect()
}

fn unit_row(row: &Row<'_>) -> rusqlite::Result<UnitRow> {
    Ok(UnitRow { id: row.get(0)?, name: row.get(1)?, parent: row.get(2)?, assets: row.get(3)? })
}

fn is_unit(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    prepare(connection, "SELECT 1 FROM unit WHERE id = $1")?.exists(params![id])
}

pub(super) fn add_unit(
    connection: &Connection,
    name: &str,
    parent: Option<i64>,
    by: &By,
) -> rusqlite::Result<Result<UnitRow, PersonRefused>> {
    match unit_place(connection, None, name, parent)? {
        Ok(name) => {
            let id = next_number(connection, "unit")?;
            prepare(connection, "INSERT INTO unit (id, name, parent) VALUES ($1, $2, $3)")?
                .execute(params![id, name, parent])?;
            finish_unit(connection, id, by, "unit.add")
        }
        Err(refused) => Ok(Err(refused)),
    }
}

pub(super) fn change_unit(
    connection: &Connection,
    id: i64,
    name: &str,
    parent: Option<i64>,
    by: &By,
) -> rusqlite::Result<Result<UnitRow, PersonRefused>> {
    if !is_unit(connection, id)? {
        return Ok(Err(PersonRefused::NoSuchUnit));
    }
    match unit_place(connection, Some(id), name, parent)? {
        Ok(name) => {
            prepare(connection, "UPDATE unit SET name = $1, parent = $2 WHERE id = $3")?
                .execute(params![name, parent, id])?;
            // A role for a unit counts below it: who is signed in may do more or less now.
            prepare(
                connection,
                "DELETE FROM session WHERE person IN (SELECT person FROM person_grant WHERE unit <> 0)",
            )?
            .execute([])?;
            finish_unit(connection, id, by, "unit.change")
        }
        Err(refused) => Ok(Err(refused)),
    }
}

pub(super) fn finish_unit(
    connection: &Connection,
    id: i64,
    by: &By,
    action: &str,
) -> rusqlite::Result<Result<UnitRow, PersonRefused>> {
    let after = prepare(connection, &format!("{UNIT} WHERE u.id = $1"))?.query_row(params![id], unit_row)?;
    let record = UnitRecord { id, name: after.name.clone(), parent: after.parent };
    keep(connection, &record, by, action)?;
    Ok(Ok(after))
}

/// The name as it is kept, when it is free and the parent is not below.
fn unit_place(
    connection: &Connection,
    id: Option<i64>,
    name: &str,
    parent: Option<i64>,
) -> rusqlite::Result<Result<String, PersonRefused>> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Ok(Err(PersonRefused::Field("a unit's name has 1 to 100 characters")));
    }
    let other: Option<i64> = prepare(connection, "SELECT id FROM unit WHERE name = $1")?
        .query_row(params![name], |row| row.get(0))
        .optional()?;
    if other.is_some_and(|other| Some(other) != id) {
        return Ok(Err(PersonRefused::Field("there is a unit of that name already")));
    }
    let mut above = parent;
    for _ in 0..CHAIN {
        let Some(unit) = above else { return Ok(Ok(name.to_owned())) };
        if Some(unit) == id {
            return Ok(Err(PersonRefused::Field("a unit cannot stand below itself")));
        }
        let next: Option<Option<i64>> = prepare(connection, "SELECT parent FROM unit WHERE id = $1")?
            .query_row(params![unit], |row| row.get(0))
            .optional()?;
        let Some(next) = next else { return Ok(Err(PersonRefused::NoSuchUnit)) };
        above = next;
    }
    Ok(Err(PersonRefused::Field("a unit cannot stand so deep")))
}

pub(super) fn note_reading(
    connection: &Connection,
    reader: i64,
    what: Looked,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let id = next_number(connection, "person_reading")?;
    let (word, subject) = match what {
        Looked::Asset(asset) => ("asset", asset.0),
        Looked::Export => ("export", 0),
    };
    prepare(
        connection,
        "INSERT INTO person_reading (id, at_ms, reader, what, subject) VALUES ($1, $2, $3, $4, $5)",
    )?
    .execute(params![id, now_ms, reader, word, subject])?;
    Ok(())
}

pub(super) fn readings(
    connection: &Connection,
    within: Option<&[i64]>,
    page: PageRequest,
) -> rusqlite::Result<Page<Reading>> {
    const FROM: &str =
        "person_reading r LEFT JOIN person p ON p.id = r.reader LEFT JOIN asset a ON a.id = r.subject";
    let mut conditions = Conditions::default();
    if let Some(units) = within {
        conditions.add_any("coalesce(a.unit, p.unit)", units);
    }
    let select = format!(
        "SELECT r.at_ms, coalesce(p.name, ''), r.what, r.subject, coalesce(a.hostname, '') FROM {FROM}"
    );
    let rows = conditions.page(connection, &select, "r.at_ms DESC, r.id DESC", page, |row| {
        let what = match row.get::<_, String>(2)?.as_str() {
            "export" => Looked::Export,
            _ => Looked::Asset(AssetId(row.get(3)?)),
        };
        Ok(Reading { at_ms: row.get(0)?, reader: row.get(1)?, what, hostname: row.get(4)? })
    })?;
    Ok(Page { rows, total: conditions.count(connection, FROM)? })
}
