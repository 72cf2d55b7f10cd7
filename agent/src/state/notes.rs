//! Counters and notes, each under a name.

use rusqlite::{OptionalExtension, params};

use super::{State, StateError, signed, unsigned};

impl State {
    /// Grows a counter that outlives restarts.
    pub fn add_counter(&self, name: &str, by: u64) -> Result<(), StateError> {
        self.db
            .prepare_cached(
                "INSERT INTO counter (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
            )?
            .execute(params![name, signed(by)])?;
        Ok(())
    }

    /// A counter that outlives restarts; 0 when it never grew.
    pub fn counter(&self, name: &str) -> Result<u64, StateError> {
        let mut query = self.db.prepare_cached("SELECT value FROM counter WHERE name = ?1")?;
        Ok(query.query_row([name], |row| row.get(0)).optional()?.map_or(0, unsigned))
    }

    /// A note kept earlier.
    pub fn note(&self, name: &str) -> Result<Option<String>, StateError> {
        Ok(self.db.query_row("SELECT text FROM note WHERE name = ?1", [name], |row| row.get(0)).optional()?)
    }

    /// Forgets a note, if there is one.
    pub fn drop_note(&self, name: &str) -> Result<(), StateError> {
        self.db.prepare_cached("DELETE FROM note WHERE name = ?1")?.execute([name])?;
        Ok(())
    }

    /// Keeps a note about ourselves, for `status`.
    pub fn set_note(&self, name: &str, text: &str) -> Result<(), StateError> {
        self.db
            .prepare_cached(
                "INSERT INTO note (name, text) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET text = excluded.text",
            )?
            .execute([name, text])?;
        Ok(())
    }
}
