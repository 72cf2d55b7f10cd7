//! The state beside a running agent, read only: for `status` and `explain`.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use umbrascope_api::{Day, SnapshotItem};

use super::{Due, FILE, StateError, unsigned};

/// Reads the state beside a running agent, for `status` and `explain`.
pub struct Reader {
    pub(super) db: Connection,
}

/// Rows of one rule, for `explain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedRow {
    /// Id of the rule.
    pub rule: String,
    /// How it is known.
    pub channel: String,
    /// What matched.
    pub value: String,
    /// The other machine whose traffic it was, by its name or address; empty for this machine's own.
    pub machine: String,
    /// Last day.
    pub last_day: Day,
    /// Sum of counts.
    pub count: u64,
    /// Sum of counts delivered.
    pub delivered: u64,
}

impl Reader {
    /// Opens the database for reading; `None` when there is none yet.
    pub fn open(folder: &Path) -> Result<Option<Self>, StateError> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        db.busy_timeout(std::time::Duration::from_secs(2))?;
        Ok(Some(Self { db }))
    }

    /// A note of the running agent about itself.
    pub fn note(&self, name: &str) -> Result<Option<String>, StateError> {
        Ok(self.db.query_row("SELECT text FROM note WHERE name = ?1", [name], |row| row.get(0)).optional()?)
    }

    /// All counters.
    pub fn counters(&self) -> Result<Vec<(String, u64)>, StateError> {
        let mut query = self.db.prepare("SELECT name, value FROM counter ORDER BY name")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How much is due: new rows, grown rows, snapshots.
    pub fn due(&self) -> Result<Due, StateError> {
        Ok(self.db.query_row(
            "SELECT (SELECT count(*) FROM activity WHERE count > acked AND acked = 0),
                    (SELECT count(*) FROM activity WHERE count > acked AND acked > 0),
                    (SELECT count(*) FROM snapshot WHERE generation > acked),
                    (SELECT count(*) FROM station s WHERE version > acked
                        AND EXISTS (SELECT 1 FROM activity a WHERE a.subject = s.subject))",
            [],
            |row| {
                Ok(Due {
                    new_rows: unsigned(row.get(0)?),
                    grown_rows: unsigned(row.get(1)?),
                    snapshots: unsigned(row.get(2)?),
                    stations: unsigned(row.get(3)?),
                })
            },
        )?)
    }

    /// What was seen since a day, by rule, channel and value.
    pub fn activity_since(&self, day: Day) -> Result<Vec<ExplainedRow>, StateError> {
        let mut query = self.db.prepare(
            "SELECT rule, channel, value, max(day), sum(count), sum(min(count, a.acked)),
                coalesce(nullif(host_name, ''), nullif(address, ''), a.subject)
             FROM activity a LEFT JOIN station s ON s.subject = a.subject
             WHERE touched >= ?1 GROUP BY rule, channel, value, a.subject ORDER BY rule, channel, value, a.subject",
        )?;
        let rows = query.query_map([day.number()], |row| {
            Ok(ExplainedRow {
                rule: row.get(0)?,
                channel: row.get(1)?,
                value: row.get(2)?,
                last_day: Day::from_number(row.get(3)?).unwrap_or(Day::MAX),
                count: unsigned(row.get(4)?),
                delivered: unsigned(row.get(5)?),
                machine: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The newest snapshots and whether they were delivered.
    pub fn snapshots(&self) -> Result<Vec<(String, Vec<SnapshotItem>, bool)>, StateError> {
        let mut query =
            self.db.prepare("SELECT source, items, generation <= acked FROM snapshot ORDER BY source")?;
        let rows = query.query_map([], |row| {
            let items: String = row.get(1)?;
            Ok((row.get(0)?, serde_json::from_str(&items).unwrap_or_default(), row.get(2)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Identifiers kept on this machine because no rule knows them.
    pub fn unmatched(&self) -> Result<u64, StateError> {
        Ok(self.db.query_row("SELECT count(*) FROM software", [], |row| row.get(0)).map(unsigned)?)
    }
}
