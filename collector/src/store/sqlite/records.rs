//! Governed records that pages tell of as a whole, kept as they were read last. Each change of a record is an entry of the trail, in
//! the same transaction: so the entries since tell which to read again, and none is told otherwise than it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params};

use super::governed::{self, number};
use super::prepare;
use super::retention::SWEEP;
use crate::model::finding::Finding;
use crate::model::governed::{Governed, Held};
use crate::model::record::AiSystem;
use crate::model::task::Task;
use crate::retention::Retention;

/// Entries after which everything is read anew, which is no more work then.
const MOST_ENTRIES: u64 = 20_000;

/// What is kept.
#[derive(Default)]
pub(super) struct Records {
    systems: Kept<All<AiSystem>>,
    findings: Kept<All<Finding>>,
    tasks: Kept<All<Task>>,
    decided: Kept<HashMap<String, i64>>,
}

impl Records {
    /// AI systems, by id; those that went into others too.
    pub(super) fn systems(&self, connection: &Connection) -> rusqlite::Result<Arc<All<AiSystem>>> {
        self.systems.now(connection, All::anew, All::renew)
    }

    /// Findings, by id.
    pub(super) fn findings(&self, connection: &Connection) -> rusqlite::Result<Arc<All<Finding>>> {
        self.findings.now(connection, All::anew, All::renew)
    }

    /// Tasks, by id.
    pub(super) fn tasks(&self, connection: &Connection) -> rusqlite::Result<Arc<All<Task>>> {
        self.tasks.now(connection, All::anew, All::renew)
    }

    /// When each AI system was first decided, Unix milliseconds.
    pub(super) fn decided(&self, connection: &Connection) -> rusqlite::Result<Arc<HashMap<String, i64>>> {
        self.decided.now(
            connection,
            |connection| first_decisions(connection, (0, i64::MAX)),
            |decided, connection, since| {
                if swept(connection, since)? {
                    *decided = first_decisions(connection, (0, i64::MAX))?;
                    return Ok(());
                }
                for (id, at_ms) in first_decisions(connection, (since, i64::MAX))? {
                    decided.entry(id).or_insert(at_ms);
                }
                Ok(())
            },
        )
    }
}

/// Whether what entries say was deleted since an entry, their time being over: then they no longer tell of decisions.
fn swept(connection: &Connection, since: u64) -> rusqlite::Result<bool> {
    prepare(connection, "SELECT 1 FROM trail WHERE seq >= $1 AND kind || '' = $2 AND action = $3")?
        .exists(params![number(since), Retention::KIND, SWEEP])
}

/// When each AI system was first decided, of entries from a number on and before a moment, both Unix milliseconds: the first entry
/// that set a decision.
pub(super) fn first_decisions(
    connection: &Connection,
    (from_seq, before_ms): (u64, i64),
) -> rusqlite::Result<HashMap<String, i64>> {
    // Not by the index of kinds, which would read every entry about records however few are asked for.
    prepare(
        connection,
        "SELECT t.id, min(t.at_ms) FROM trail t JOIN trail_payload p ON p.seq = t.seq
         WHERE t.seq >= $1 AND t.at_ms < $2 AND t.kind || '' = 'system' AND t.outcome = 'done'
            AND p.payload LIKE '%\"decision\":{%'
         GROUP BY t.id",
    )?
    .query_map(params![number(from_seq), before_ms], |row| Ok((row.get(0)?, row.get(1)?)))?
    .collect()
}

/// Every record of a kind, in the order of their ids.
#[derive(Clone)]
pub(super) struct All<T>(BTreeMap<String, Arc<Held<T>>>);

impl<T: Governed> All<T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Held<T>> {
        self.0.values().map(Arc::as_ref)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Held<T>> {
        self.0.get(id).map(Arc::as_ref)
    }

    fn anew(connection: &Connection) -> rusqlite::Result<Self> {
        let all = governed::all::<T>(connection)?;
        Ok(Self(all.into_iter().map(|held| (held.body.id(), Arc::new(held))).collect()))
    }

    /// Reads again what entries from a number on are about.
    fn renew(&mut self, connection: &Connection, since: u64) -> rusqlite::Result<()> {
        let mut changed = BTreeSet::new();
        let mut statement = prepare(connection, "SELECT kind, id FROM trail WHERE seq >= $1")?;
        let mut rows = statement.query(params![number(since)])?;
        while let Some(row) = rows.next()? {
            if row.get_ref(0)?.as_str()? == T::KIND {
                changed.insert(row.get::<_, String>(1)?);
            }
        }
        for id in changed {
            match governed::load::<T>(connection, &id)? {
                Some(held) => self.0.insert(id, Arc::new(held)),
                None => self.0.remove(&id),
            };
        }
        Ok(())
    }
}

/// Something made of the database, and how many entries the trail had then.
struct Kept<V>(Mutex<Option<(u64, Arc<V>)>>);

impl<V> Default for Kept<V> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<V: Clone> Kept<V> {
    /// As it is for this transaction, which must be one that only reads: what a writer did not commit must not be kept.
    fn now(
        &self,
        connection: &Connection,
        anew: impl Fn(&Connection) -> rusqlite::Result<V>,
        renew: impl Fn(&mut V, &Connection, u64) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<Arc<V>> {
        let size: i64 = prepare(connection, "SELECT coalesce(max(seq) + 1, 0) FROM trail")?
            .query_row([], |row| row.get(0))?;
        let size = u64::try_from(size).unwrap_or(0);
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let made = match last {
            Some((known, value)) if known == size => return Ok(value),
            Some((known, value)) if known < size && size - known <= MOST_ENTRIES => {
                let mut value = Arc::unwrap_or_clone(value);
                renew(&mut value, connection, known)?;
                value
            }
            // Also where this transaction began before the one that made what is kept.
            _ => anew(connection)?,
        };
        let made = Arc::new(made);
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|(known, _)| *known < size) {
            *last = Some((size, Arc::clone(&made)));
        }
        Ok(made)
    }
}
