//! What scans found, one row a source.

use std::collections::BTreeSet;

use rusqlite::params;
use umbrascope_api::{AccountId, Completeness, Snapshot, SnapshotItem};

use super::{Software, State, StateError, damaged, signed, unsigned};

impl State {
    /// Stores what a source holds now, as its next generation, and the identifiers of it that no rule knows.
    pub fn store_snapshot(
        &mut self,
        source: &str,
        completeness: Completeness,
        items: &[SnapshotItem],
        unmatched: &[Software],
    ) -> Result<(), StateError> {
        let text = serde_json::to_string(items).unwrap_or_else(|_| "[]".to_owned());
        let transaction = self.db.transaction()?;
        transaction.execute(
            "INSERT INTO snapshot (source, generation, complete, items) VALUES (?1, 1, ?2, ?3)
             ON CONFLICT (source) DO UPDATE SET generation = generation + 1, complete = excluded.complete, items = excluded.items",
            params![source, completeness == Completeness::Complete, text],
        )?;
        if completeness == Completeness::Complete {
            transaction.execute("DELETE FROM software WHERE source = ?1", [source])?;
        }
        {
            let mut insert = transaction.prepare_cached(
                "INSERT OR REPLACE INTO software (source, kind, identifier, version) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for software in unmatched {
                insert.execute(params![source, software.kind, software.identifier, software.version])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Snapshots due for delivery.
    pub fn due_snapshots(&self, limit: u32) -> Result<Vec<Snapshot>, StateError> {
        let mut query = self.db.prepare_cached(
            "SELECT source, generation, complete, items FROM snapshot WHERE generation > acked ORDER BY source LIMIT ?1",
        )?;
        let rows = query.query_map([limit], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, bool>(2)?,
                row.get::<_, String>(3)?,
            ))
        })?;
        let mut due = Vec::new();
        for row in rows {
            let (source, generation, complete, items) = row?;
            let completeness = if complete { Completeness::Complete } else { Completeness::Partial };
            let items = serde_json::from_str(&items).map_err(|_| damaged())?;
            due.push(Snapshot { source, generation: unsigned(generation), completeness, items });
        }
        Ok(due)
    }

    /// Every account that something here is of.
    pub fn accounts(&self) -> Result<BTreeSet<AccountId>, StateError> {
        let mut accounts = BTreeSet::new();
        let mut query = self.db.prepare("SELECT DISTINCT account FROM activity WHERE account <> ''")?;
        for account in query.query_map([], |row| row.get::<_, String>(0))? {
            accounts.extend(account?.parse::<AccountId>().ok());
        }
        let mut query = self.db.prepare("SELECT items FROM snapshot")?;
        for items in query.query_map([], |row| row.get::<_, String>(0))? {
            let items: Vec<SnapshotItem> = serde_json::from_str(&items?).map_err(|_| damaged())?;
            accounts.extend(items.into_iter().filter_map(|item| item.account));
        }
        Ok(accounts)
    }

    /// Notes that a generation of a source was taken, or will never be.
    pub fn mark_snapshot(&mut self, source: &str, generation: u64) -> Result<(), StateError> {
        self.db
            .prepare_cached("UPDATE snapshot SET acked = max(acked, ?2) WHERE source = ?1")?
            .execute(params![source, signed(generation)])?;
        Ok(())
    }
}
