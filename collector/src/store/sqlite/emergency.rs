//! [`Emergencies`] over SQLite.

use rusqlite::{Connection, OptionalExtension, params};

use super::governed::{self, Projected};
use super::identity::next_number;
use super::{SqliteStore, prepare, second_factor};
use crate::emergency::{self, Emergency, WEEK_MS, Wanted};
use crate::model::governed::{Act, Governed, Held};
use crate::model::{EmergencyRole, Page, PageRequest, Role};
use crate::review::{Refused, Who};
use crate::store::emergency::{Emergencies, ReportedEmergency};
use crate::store::{Changed, StoreError};

impl Projected for Emergency {
    fn project(connection: &Connection, id: &str, new: Option<&Self>, _: &Act) -> rusqlite::Result<()> {
        let Some(new) = new else {
            prepare(connection, "DELETE FROM emergency WHERE id = $1")?.execute(params![id])?;
            return Ok(());
        };
        let number: i64 = id.trim_start_matches("EMA-").parse().unwrap_or(i64::MAX);
        prepare(
            connection,
            "INSERT INTO emergency (number, id, person, role, from_ms, end_ms) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (number) DO UPDATE SET end_ms = excluded.end_ms",
        )?
        .execute(params![number, id, new.person, new.role.as_str(), new.from_ms, new.end_ms()])?;
        Ok(())
    }
}

/// The role that a person took last in an emergency, and until when; it may be over.
pub(super) fn taken(connection: &Connection, person: i64) -> rusqlite::Result<Option<EmergencyRole>> {
    let sql = "SELECT number, role, end_ms FROM emergency WHERE person = $1 ORDER BY number DESC LIMIT 1";
    let row: Option<(i64, String, i64)> = prepare(connection, sql)?
        .query_row(params![person], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    Ok(row.and_then(|(number, role, until_ms)| {
        let role = Role::parse(&role)?;
        Some(EmergencyRole { number, role, until_ms })
    }))
}

const SELECT: &str = "SELECT g.body, g.version, g.hash, g.seq, g.at_ms, g.stamps FROM emergency e
    JOIN governed g ON g.kind = $1 AND g.id = e.id";

fn take(
    connection: &Connection,
    wanted: Wanted,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Result<Held<Emergency>, Refused>> {
    let before: Vec<Emergency> =
        prepare(connection, &format!("{SELECT} WHERE e.person = $2 AND e.end_ms > $3 ORDER BY e.number"))?
            .query_map(params![Emergency::KIND, who.person, act.now_ms - WEEK_MS], governed::held)?
            .map(|held| held.map(|held: Held<Emergency>| held.body))
            .collect::<rusqlite::Result<_>>()?;
    let demanded = wanted
        .role
        .is_some_and(|role| second_factor::roles(connection).is_ok_and(|roles| roles.contains(&role)));
    let lacks = demanded && !has_second_factor(connection, who.person)?;
    match emergency::take(wanted, &before, lacks, who, &act.reason, act.now_ms) {
        Ok(taken) => {
            let number = next_number(connection, "emergency")?;
            let taken = Emergency { id: emergency::reference(number), ..taken };
            let act = act.clone().as_role(Role::Administrator);
            governed::create(connection, &taken, &act, "emergency.take").map(Ok)
        }
        Err(refused) => {
            governed::refuse(connection, Emergency::KIND, "new", act, "emergency.take", &refused)?;
            Ok(Err(refused))
        }
    }
}

fn has_second_factor(connection: &Connection, person: i64) -> rusqlite::Result<bool> {
    prepare(connection, "SELECT 1 FROM person_totp WHERE person = $1 AND confirmed_at_ms IS NOT NULL")?
        .exists(params![person])
}

fn end(connection: &Connection, id: &str, who: &Who, act: &Act) -> rusqlite::Result<Changed<Emergency>> {
    let Some(before) = governed::load::<Emergency>(connection, id)? else { return Ok(None) };
    match emergency::end(&before.body, who, act.now_ms) {
        Ok(next) => {
            let act = act.clone().as_role(Role::Administrator);
            governed::replace(connection, &before, &next, &act, "emergency.end").map(|held| Some(Ok(held)))
        }
        Err(refused) => {
            governed::refuse(connection, Emergency::KIND, id, act, "emergency.end", &refused)?;
            Ok(Some(Err(refused)))
        }
    }
}

fn list(connection: &Connection, page: PageRequest) -> rusqlite::Result<Page<ReportedEmergency>> {
    let total: i64 =
        prepare(connection, "SELECT count(*) FROM emergency")?.query_row([], |row| row.get(0))?;
    let offset = i64::try_from(page.offset).unwrap_or(i64::MAX);
    let held: Vec<Held<Emergency>> =
        prepare(connection, &format!("{SELECT} ORDER BY e.number DESC LIMIT $2 OFFSET $3"))?
            .query_map(params![Emergency::KIND, page.limit, offset], governed::held)?
            .collect::<rusqlite::Result<_>>()?;
    let mut rows = Vec::with_capacity(held.len());
    for held in held {
        let seen = prepare(
            connection,
            "SELECT s.person, s.at_ms FROM emergency_seen s JOIN emergency e ON e.number = s.number
             WHERE e.id = $1 ORDER BY s.at_ms, s.person",
        )?
        .query_map(params![held.body.id], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
        rows.push((held, seen));
    }
    Ok(Page { rows, total: u64::try_from(total).unwrap_or(0) })
}

impl Emergencies for SqliteStore {
    fn take_emergency(
        &self,
        wanted: Wanted,
        who: Who,
        act: Act,
    ) -> Result<Result<Held<Emergency>, Refused>, StoreError> {
        self.writer.run("take emergency access", move |connection, _| take(connection, wanted, &who, &act))
    }

    fn end_emergency(&self, id: &str, who: Who, act: Act) -> Result<Changed<Emergency>, StoreError> {
        let id = id.to_owned();
        self.writer.run("end emergency access", move |connection, _| end(connection, &id, &who, &act))
    }

    fn emergencies(&self, page: PageRequest) -> Result<Page<ReportedEmergency>, StoreError> {
        self.readers.with("list emergencies", |connection| list(connection, page))
    }

    fn unseen_emergencies(&self, person: i64, since_ms: i64) -> Result<u64, StoreError> {
        self.readers.with("count emergencies that were not seen", |connection| {
            prepare(
                connection,
                "SELECT count(*) FROM emergency e WHERE e.from_ms >= $1 AND NOT EXISTS (
                    SELECT 1 FROM emergency_seen s WHERE s.number = e.number AND s.person = $2)",
            )?
            .query_row(params![since_ms, person], |row| row.get(0))
        })
    }

    fn see_emergencies(&self, person: i64, now_ms: i64) -> Result<(), StoreError> {
        self.writer.run("note that emergencies were seen", move |connection, _| {
            prepare(
                connection,
                "INSERT INTO emergency_seen (number, person, at_ms) SELECT e.number, $1, $2 FROM emergency e
                 WHERE true ON CONFLICT (number, person) DO NOTHING",
            )?
            .execute(params![person, now_ms])?;
            Ok(())
        })
    }
}
