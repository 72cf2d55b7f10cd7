//! [`Snapshots`] over SQLite.

use rusqlite::{Connection, OptionalExtension, params};
use umbrascope_api::Day;

use super::governed::{self, Projected};
use super::{SqliteStore, prepare};
use crate::audit::sha256;
use crate::model::governed::{Act, Held};
use crate::model::monthly::Monthly;
use crate::store::StoreError;
use crate::store::monthly::Snapshots;

impl Projected for Monthly {}

/// The triggers that keep accidents away from snapshots.
pub(super) const TRIGGERS: &str = "
    CREATE TRIGGER IF NOT EXISTS monthly_snapshot_keeps BEFORE UPDATE ON monthly_snapshot
    BEGIN SELECT raise(ABORT, 'a monthly snapshot is never changed'); END;";

fn content(connection: &Connection, month: &str) -> rusqlite::Result<Option<String>> {
    prepare(connection, "SELECT content FROM monthly_snapshot WHERE month = $1")?
        .query_row(params![month], |row| row.get(0))
        .optional()
}

fn keep(connection: &Connection, snapshot: &Monthly, content: &str, act: &Act) -> rusqlite::Result<bool> {
    if governed::load::<Monthly>(connection, &snapshot.month)?.is_some() {
        return Ok(false);
    }
    prepare(connection, "INSERT INTO monthly_snapshot (month, content) VALUES ($1, $2)")?
        .execute(params![snapshot.month, content])?;
    governed::create(connection, snapshot, act, "snapshot.keep")?;
    Ok(true)
}

/// The newest content at or before a day that is what the trail says.
fn at(connection: &Connection, day: Day) -> rusqlite::Result<Option<String>> {
    // Ids are months: in their order, the oldest first.
    for held in governed::all::<Monthly>(connection)?.into_iter().rev().filter(|held| held.body.as_of <= day)
    {
        match content(connection, &held.body.month)? {
            Some(text) if sha256(&[text.as_bytes()]).to_string() == held.body.sha256 => {
                return Ok(Some(text));
            }
            Some(_) => {
                tracing::error!(
                    month = held.body.month,
                    "a monthly snapshot is not what the audit trail says"
                );
            }
            None => {}
        }
    }
    Ok(None)
}

/// Deletes the contents of snapshots of before a day, and says so in their records; how many.
pub(super) fn erase(connection: &Connection, before: Day, today: Day, act: &Act) -> rusqlite::Result<u64> {
    let mut erased = 0;
    for held in governed::all::<Monthly>(connection)? {
        if held.body.as_of >= before || held.body.erased_on.is_some() {
            continue;
        }
        prepare(connection, "DELETE FROM monthly_snapshot WHERE month = $1")?
            .execute(params![held.body.month])?;
        let gone = Monthly { erased_on: Some(today), ..held.body.clone() };
        governed::replace(connection, &held, &gone, act, "snapshot.erase")?;
        erased += 1;
    }
    Ok(erased)
}

impl Snapshots for SqliteStore {
    fn monthly_snapshots(&self) -> Result<Vec<Held<Monthly>>, StoreError> {
        self.readers.with("list the monthly snapshots", |connection| {
            let mut held = governed::all::<Monthly>(connection)?;
            held.reverse();
            Ok(held)
        })
    }

    fn monthly_content(&self, month: &str) -> Result<Option<String>, StoreError> {
        self.readers.with("read a monthly snapshot", |connection| content(connection, month))
    }

    fn monthly_at(&self, day: Day) -> Result<Option<String>, StoreError> {
        self.readers.with("read the monthly snapshot of a past day", |connection| at(connection, day))
    }

    fn keep_monthly(&self, snapshot: Monthly, content: String, act: Act) -> Result<bool, StoreError> {
        self.writer.run("keep the snapshot of a month", move |connection, _| {
            keep(connection, &snapshot, &content, &act)
        })
    }

    fn trail_begin(&self) -> Result<Option<Day>, StoreError> {
        self.readers.with("read the beginning of the audit trail", |connection| {
            let at_ms: Option<i64> = prepare(connection, "SELECT at_ms FROM trail WHERE seq = 0")?
                .query_row([], |row| row.get(0))
                .optional()?;
            Ok(at_ms.map(Day::from_unix_ms))
        })
    }
}
