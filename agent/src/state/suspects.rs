//! Suspects in the state: a day, a domain, a count. A table of its own, which an older agent leaves alone.

use rusqlite::params;
use umbrascope_api::{Day, SuspectRow, limits};

use super::reader::Reader;
use super::{KEPT_DAYS, State, StateError, signed, unsigned};

/// Made at every start where it is missing: it is not part of the numbered layout, so that an older agent can still open the database.
pub(super) const TABLE: &str = "
CREATE TABLE IF NOT EXISTS suspect (
    day INTEGER NOT NULL, domain TEXT NOT NULL, count INTEGER NOT NULL, acked INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (day, domain)
) STRICT, WITHOUT ROWID;
";

impl State {
    /// Adds to the counts in one commit. Of a day there are [`limits::SUSPECTS`] domains at most; what came on top is counted in
    /// `suspects_dropped`. Days past [`KEPT_DAYS`] are dropped.
    pub fn count_suspects(&mut self, rows: &[SuspectRow], today: Day) -> Result<(), StateError> {
        let transaction = self.db.transaction()?;
        let mut dropped = 0;
        {
            transaction
                .prepare_cached("DELETE FROM suspect WHERE day < ?1")?
                .execute([today.back(KEPT_DAYS).number()])?;
            let mut update = transaction
                .prepare_cached("UPDATE suspect SET count = count + ?3 WHERE day = ?1 AND domain = ?2")?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO suspect (day, domain, count)
                 SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM suspect WHERE day = ?1) < ?4",
            )?;
            let bound = i64::try_from(limits::SUSPECTS).unwrap_or(i64::MAX);
            for SuspectRow { day, domain, count } in rows {
                let known = update.execute(params![day.number(), domain, signed(*count)])? > 0;
                if !known && insert.execute(params![day.number(), domain, signed(*count), bound])? == 0 {
                    dropped += count;
                }
            }
        }
        transaction.commit()?;
        if dropped > 0 {
            self.add_counter("suspects_dropped", dropped)?;
        }
        Ok(())
    }

    /// Suspects due for delivery, the oldest day first.
    pub fn due_suspects(&self) -> Result<Vec<SuspectRow>, StateError> {
        let mut query = self.db.prepare_cached(
            "SELECT day, domain, count FROM suspect WHERE count > acked ORDER BY day, domain LIMIT ?1",
        )?;
        let bound = i64::try_from(limits::SUSPECTS).unwrap_or(i64::MAX);
        let rows = query.query_map([bound], |row| {
            Ok(SuspectRow {
                day: Day::from_number(row.get(0)?).unwrap_or(Day::MAX),
                domain: row.get(1)?,
                count: unsigned(row.get(2)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes that suspects were taken, or will never be, with the counts that were sent.
    pub fn mark_suspects(&mut self, sent: &[SuspectRow]) -> Result<(), StateError> {
        if sent.is_empty() {
            return Ok(());
        }
        let transaction = self.db.transaction()?;
        {
            let mut update = transaction
                .prepare_cached("UPDATE suspect SET acked = max(acked, ?3) WHERE day = ?1 AND domain = ?2")?;
            for SuspectRow { day, domain, count } in sent {
                update.execute(params![day.number(), domain, signed(*count)])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Forgets all suspects: they are not wanted, or not any more.
    pub fn forget_suspects(&mut self) -> Result<(), StateError> {
        self.db.execute("DELETE FROM suspect", [])?;
        Ok(())
    }
}

impl Reader {
    /// Suspects since a day: the domain, its last day, the sum of its counts, and of those delivered.
    pub fn suspects_since(&self, day: Day) -> Result<Vec<(String, Day, u64, u64)>, StateError> {
        let there = "SELECT count(*) FROM sqlite_schema WHERE name = 'suspect'";
        if self.db.query_row(there, [], |row| row.get::<_, i64>(0))? == 0 {
            return Ok(Vec::new());
        }
        let mut query = self.db.prepare(
            "SELECT domain, max(day), sum(count), sum(min(count, acked)) FROM suspect WHERE day >= ?1
             GROUP BY domain ORDER BY domain",
        )?;
        let rows = query.query_map([day.number()], |row| {
            let last = Day::from_number(row.get(1)?).unwrap_or(Day::MAX);
            Ok((row.get(0)?, last, unsigned(row.get(2)?), unsigned(row.get(3)?)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use umbrascope_api::MachineId;

    use super::*;

    fn today() -> Day {
        Day::from_number(20_783).unwrap()
    }

    fn open(folder: &std::path::Path) -> State {
        State::open(folder, MachineId::from_bytes([7; 16]), &SystemRandom::new()).unwrap().0
    }

    fn row(domain: &str, count: u64) -> SuspectRow {
        SuspectRow { day: today(), domain: domain.to_owned(), count }
    }

    #[test]
    fn counts_add_up_and_what_was_sent_is_due_again_only_when_it_grew() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = open(folder.path());
        state.count_suspects(&[row("some-chatbot.com", 2)], today()).unwrap();
        drop(state);
        let mut state = open(folder.path());
        state.count_suspects(&[row("some-chatbot.com", 3), row("b-ai.net", 1)], today()).unwrap();
        assert_eq!(state.due_suspects().unwrap(), [row("b-ai.net", 1), row("some-chatbot.com", 5)]);
        state.mark_suspects(&[row("some-chatbot.com", 5)]).unwrap();
        assert_eq!(state.due_suspects().unwrap(), [row("b-ai.net", 1)]);
        state.count_suspects(&[row("some-chatbot.com", 1)], today()).unwrap();
        assert_eq!(state.due_suspects().unwrap().len(), 2);
        let reader = Reader::open(folder.path()).unwrap().unwrap();
        let told = reader.suspects_since(today()).unwrap();
        assert_eq!(told[1], ("some-chatbot.com".to_owned(), today(), 6, 5));
        state.forget_suspects().unwrap();
        assert_eq!(state.due_suspects().unwrap(), []);
    }

    #[test]
    fn made_up_names_fill_a_day_and_no_more_and_old_days_go() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = open(folder.path());
        let many: Vec<_> = (0..limits::SUSPECTS + 50).map(|at| row(&format!("gpt-{at}.com"), 2)).collect();
        state.count_suspects(&many, today()).unwrap();
        assert_eq!(state.due_suspects().unwrap().len(), limits::SUSPECTS);
        assert_eq!(state.counter("suspects_dropped").unwrap(), 100);
        state.count_suspects(&[row("gpt-0.com", 1)], today()).unwrap();
        assert_eq!(state.counter("suspects_dropped").unwrap(), 100, "one that is known goes on counting");
        state.count_suspects(&[], today().forward(KEPT_DAYS + 1)).unwrap();
        assert_eq!(state.due_suspects().unwrap(), []);
    }
}
