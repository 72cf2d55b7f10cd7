//! [`Exports`] over SQLite.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};

use super::{SqliteStore, governed, prepare, sight};
use crate::model::Sight;
use crate::model::dated::Dated;
use crate::model::governed::{Governed, Held};
use crate::model::policy::Policy;
use crate::model::record::AiSystem;
use crate::store::StoreError;
use crate::store::exports::Exports;

impl Exports for SqliteStore {
    fn whole_systems(&self, sight: &Sight) -> Result<Vec<Dated<AiSystem>>, StoreError> {
        self.readers.with("read the AI systems", |connection| {
            let held = governed::all::<AiSystem>(connection)?;
            in_sight(connection, sight, held.into_iter().map(as_it_stands).collect())
        })
    }

    fn whole_systems_as_of(&self, before_ms: i64, sight: &Sight) -> Result<Vec<Dated<AiSystem>>, StoreError> {
        self.readers.with("read the AI systems of a past day", |connection| {
            in_sight(connection, sight, as_of_all::<AiSystem>(connection, before_ms)?)
        })
    }

    fn policies_as_of(&self, before_ms: i64) -> Result<Vec<Policy>, StoreError> {
        self.readers.with("read the policies of a past day", |connection| {
            let policies = as_of_all::<Policy>(connection, before_ms)?;
            Ok(policies.into_iter().filter_map(|dated| dated.body).collect())
        })
    }

    fn trail_end(&self, before_ms: i64) -> Result<Option<(u64, String)>, StoreError> {
        self.readers.with("read the end of the audit trail", |connection| {
            // Not by time alone: a clock may have gone backwards.
            prepare(
                connection,
                "SELECT t.seq, t.leaf FROM trail t WHERE t.at_ms < $1 ORDER BY t.seq DESC LIMIT 1",
            )?
            .query_row(params![before_ms], |row| {
                Ok((u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0), row.get(1)?))
            })
            .optional()
        })
    }
}

fn in_sight(
    connection: &Connection,
    sight: &Sight,
    mut systems: Vec<Dated<AiSystem>>,
) -> rusqlite::Result<Vec<Dated<AiSystem>>> {
    if let Some(ids) = sight::systems(connection, sight)? {
        systems.retain(|system| ids.contains(&system.id));
    }
    Ok(systems)
}

fn as_it_stands<T: Governed>(held: Held<T>) -> Dated<T> {
    Dated {
        id: held.body.id(),
        created_at_ms: held.stamps.values().map(|stamp| stamp.at_ms).min().unwrap_or(held.at_ms),
        body: Some(held.body),
        version: held.version,
        hash: held.hash,
        seq: held.seq,
        at_ms: held.at_ms,
    }
}

/// What the entries of one record add up to so far.
struct Folded {
    /// `None`: part of it was erased.
    fields: Option<Map<String, Value>>,
    version: u64,
    hash: String,
    seq: u64,
    at_ms: i64,
    created_at_ms: i64,
}

/// Every record of a kind as the trail says that it was before a moment, by id, in one pass over the trail.
pub(super) fn as_of_all<T: Governed>(
    connection: &Connection,
    before_ms: i64,
) -> rusqlite::Result<Vec<Dated<T>>> {
    let mut statement = prepare(
        connection,
        "SELECT t.seq, t.at_ms, t.id, t.entry, p.payload FROM trail t LEFT JOIN trail_payload p ON p.seq = t.seq
         WHERE t.kind = $1 AND t.outcome = 'done' AND t.at_ms < $2 ORDER BY t.seq",
    )?;
    let mut rows = statement.query(params![T::KIND, before_ms])?;
    let mut records: BTreeMap<String, Folded> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let entry = governed::entry(&row.get::<_, String>(3)?)?;
        let id: String = row.get(2)?;
        let Some(after) = entry.after else {
            // It was taken out; a reading or an export has nothing before either, and changes nothing.
            if entry.before.is_some() {
                records.remove(&id);
            }
            continue;
        };
        let at_ms: i64 = row.get(1)?;
        let record = records.entry(id).or_insert_with(|| Folded {
            fields: Some(Map::new()),
            version: 0,
            hash: String::new(),
            seq: 0,
            at_ms,
            created_at_ms: at_ms,
        });
        record.version += 1;
        record.hash = after.to_string();
        record.seq = entry.seq;
        record.at_ms = at_ms;
        match (row.get::<_, Option<String>>(4)?, &mut record.fields) {
            (Some(payload), Some(fields)) => governed::apply(fields, &payload)?,
            _ => record.fields = None,
        }
    }
    let dated = records.into_iter().map(|(id, folded)| {
        let body = match folded.fields {
            Some(fields) => Some(governed::body_of::<T>(fields)?),
            None => None,
        };
        Ok(Dated {
            id,
            body,
            version: folded.version,
            hash: folded.hash,
            seq: folded.seq,
            at_ms: folded.at_ms,
            created_at_ms: folded.created_at_ms,
        })
    });
    dated.collect()
}
