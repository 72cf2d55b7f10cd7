//! Machines that a gateway sensor saw, and what is known of them.

use rusqlite::{Transaction, params};
use umbrascope_api::{Station, Subject};

use super::{DueStation, State, StateError, damaged};

impl State {
    /// Notes what is known of machines. An address or name that is left out stays as it was.
    pub fn describe(&mut self, stations: &[Station]) -> Result<(), StateError> {
        let transaction = self.db.transaction()?;
        describe(&transaction, stations)?;
        transaction.commit()?;
        Ok(())
    }

    /// Machines of which something new is to be told, the oldest news first.
    pub fn due_stations(&self, limit: u32) -> Result<Vec<DueStation>, StateError> {
        let mut query = self.db.prepare_cached(
            "SELECT subject, address, host_name, version,
                EXISTS (SELECT 1 FROM activity a WHERE a.subject = s.subject AND a.acked > 0)
             FROM station s WHERE version > acked ORDER BY s.rowid LIMIT ?1",
        )?;
        let rows = query.query_map([limit], |row| {
            let text = |index| row.get::<_, String>(index);
            Ok((text(0)?, text(1)?, text(2)?, row.get(3)?, row.get(4)?))
        })?;
        let mut due = Vec::new();
        for row in rows {
            let (subject, address, host_name, version, known) = row?;
            let station = Station {
                subject: subject.parse().map_err(|_| damaged())?,
                address: address.parse().ok(),
                host_name: Some(host_name).filter(|name| !name.is_empty()),
            };
            due.push(DueStation { station, version, known });
        }
        Ok(due)
    }

    /// Notes that what was known of machines was told, with the versions that were sent.
    pub fn mark_stations(&mut self, sent: &[(Subject, i64)]) -> Result<(), StateError> {
        let transaction = self.db.transaction()?;
        {
            let mut update =
                transaction.prepare_cached("UPDATE station SET acked = max(acked, ?2) WHERE subject = ?1")?;
            for (subject, version) in sent {
                update.execute(params![subject.to_string(), version])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

pub(super) fn describe(transaction: &Transaction<'_>, stations: &[Station]) -> Result<(), StateError> {
    let mut upsert = transaction.prepare_cached(
        "INSERT INTO station (subject, address, host_name, version) VALUES (?1, ?2, ?3, 1)
         ON CONFLICT (subject) DO UPDATE SET version = version + 1,
            address = CASE WHEN excluded.address = '' THEN address ELSE excluded.address END,
            host_name = CASE WHEN excluded.host_name = '' THEN host_name ELSE excluded.host_name END
         WHERE excluded.address NOT IN ('', address) OR excluded.host_name NOT IN ('', host_name)",
    )?;
    for Station { subject, address, host_name } in stations {
        upsert.execute(params![
            subject.to_string(),
            address.map(|address| address.to_string()).unwrap_or_default(),
            host_name.as_deref().unwrap_or_default()
        ])?;
    }
    Ok(())
}
