//! The store over SQLite: one thread owns the connection that writes, a small pool reads.
//!
//! WAL and `synchronous=FULL`: what was acknowledged is on the disk. Reports are committed in
//! groups ([`writer`]), since a sync for each would cost far more than the rows. Every statement
//! names its parameters `$1, $2 …` in the order of their first appearance: SQLite numbers them so,
//! PostgreSQL by their digits, and in this order both agree.

mod access;
mod api_tokens;
mod assets;
mod books;
mod campaign_answers;
mod campaigns;
mod clocks;
mod coverage;
mod directory;
mod documents;
mod emergency;
mod erasure;
mod exports;
mod findings;
mod fleet;
mod governance;
mod governed;
mod identity;
mod import;
mod management;
mod merge;
mod migrate;
mod monthly;
mod own;
mod people;
mod personal;
mod products;
mod proof;
mod queues;
mod readiness;
mod reads;
mod rebuild;
mod records;
mod reidentify;
mod replayed;
mod resources;
mod retention;
mod rollup;
mod scope;
mod second_factor;
mod sight;
mod sign_in;
mod statements;
mod stations;
mod suppliers;
mod suspects;
mod systems;
mod targets;
mod tasks;
mod work;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rusqlite::{CachedStatement, Connection, OpenFlags};
use umbrascope_rules::Catalogue;

use self::fleet::Fleet;
use self::records::Records;
use self::writer::Writer;
use super::StoreError;
use crate::catalogue::Known;
use crate::legal::Dates;
use crate::tier::Method;

/// How long one process waits for another's write transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Page cache of the writing connection, in KiB.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
/// Page cache of each reading connection, in KiB.
const READER_CACHE_KIB: i64 = 4 * 1024;
/// WAL pages after which SQLite copies them back into the database: 16 MiB.
const CHECKPOINT_PAGES: i64 = 4_000;
/// Prepared statements kept by each connection.
const STATEMENT_CACHE: usize = 128;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// What rules mean. The roll-ups are rebuilt when it is not the one they were made with.
    pub known: Arc<Known>,
    /// Connections that read.
    pub readers: usize,
    /// Reports that may wait for a commit; more are turned away.
    pub queue: usize,
    /// How long a commit waits for more reports to join it.
    pub group_wait: Duration,
    /// Most reports in one commit.
    pub group_reports: usize,
    /// New rows that one sensor may bring on one day of ours.
    pub rows_a_day: i64,
    /// Rules, channels and sources that nobody brought before which one sensor may bring.
    pub new_words: i64,
    /// Machines that one gateway sensor may report of, in all.
    pub subjects: i64,
    /// Assets that a rebuild folds before their shared rows are written: bounds its memory.
    pub assets_at_once: usize,
    /// Sensors from which on what is told of the whole fleet is kept for a while.
    pub large_fleet: u64,
    /// How risk tiers are suggested.
    pub tier_method: Arc<Method>,
    /// Dates of laws and rules.
    pub legal_dates: Arc<Dates>,
    /// Whether roll-ups of another catalogue are rebuilt: only by the process that holds the
    /// data directory's lock.
    pub rebuild_on_new_catalogue: bool,
}

impl Options {
    /// The values the program runs with, and a catalogue that is part of it.
    pub fn new(catalogue: &'static Catalogue) -> Self {
        Self::knowing(Arc::new(Known::from(catalogue)))
    }

    /// The values the program runs with, and a catalogue.
    pub fn knowing(known: Arc<Known>) -> Self {
        Self {
            known,
            readers: 4,
            queue: 1_024,
            group_wait: Duration::from_millis(20),
            group_reports: 1_000,
            rows_a_day: 50_000,
            new_words: 500,
            subjects: 20_000,
            assets_at_once: 200,
            large_fleet: 1_000,
            tier_method: Method::built_in(),
            legal_dates: Dates::built_in(),
            rebuild_on_new_catalogue: false,
        }
    }
}

/// Records kept in one SQLite database.
pub struct SqliteStore {
    readers: Pool,
    writer: Writer,
    known: RwLock<Arc<Known>>,
    tier_method: Arc<Method>,
    legal_dates: Arc<Dates>,
    fleet: Fleet,
    records: Records,
    large_fleet: u64,
}

impl SqliteStore {
    /// Opens the database, makes it when there is none, and brings it to this version's schema.
    pub fn open(path: &Path, options: Options, now_ms: i64) -> Result<Self, StoreError> {
        let mut connection = open_writing(path)?;
        migrate::migrate(&mut connection, migrate::MIGRATIONS, path, now_ms)?;
        connection
            .execute_batch(governed::TRIGGERS)
            .and_then(|()| connection.execute_batch(statements::TRIGGERS))
            .and_then(|()| connection.execute_batch(monthly::TRIGGERS))
            .map_err(|source| StoreError::database("guard the audit trail", source))?;
        let (readers, known) = (options.readers, RwLock::new(Arc::clone(&options.known)));
        let tier_method = Arc::clone(&options.tier_method);
        let legal_dates = Arc::clone(&options.legal_dates);
        let large_fleet = options.large_fleet;
        let writer = Writer::start(connection, options, now_ms)?;
        let readers = Pool::open(path, readers)?;
        let (fleet, records) = (Fleet::default(), Records::default());
        Ok(Self { readers, writer, known, tier_method, legal_dates, fleet, records, large_fleet })
    }

    /// Opens an existing database for reading only: for an export beside a running collector.
    /// Whatever wants to write is answered [`StoreError::Stopped`].
    pub fn open_read_only(path: &Path, options: Options) -> Result<Self, StoreError> {
        let readers = Pool::open(path, options.readers)?;
        readers.with("check the schema of the database", |connection| {
            Ok(migrate::check(connection, migrate::MIGRATIONS))
        })??;
        Ok(Self {
            readers,
            writer: Writer::stopped(),
            known: RwLock::new(options.known),
            tier_method: options.tier_method,
            legal_dates: options.legal_dates,
            fleet: Fleet::default(),
            records: Records::default(),
            large_fleet: options.large_fleet,
        })
    }

    /// Works with another catalogue from the next commit on, for which every roll-up is made anew: facts are kept by rule,
    /// so what was reported before means what the new catalogue says. Reports wait meanwhile; pages go on with what was.
    pub fn know(&self, known: Arc<Known>, now_ms: i64) -> Result<(), StoreError> {
        let new = Arc::clone(&known);
        self.writer.run("be made ready for another catalogue", move |connection, books| {
            rebuild::with_catalogue(connection, books, new, now_ms)
        })?;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
        Ok(())
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Commits what is queued and stops writing.
    pub fn close(&self) {
        self.writer.stop();
    }
}

fn open_writing(path: &Path) -> Result<Connection, StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // Before the first table, or it has no effect: freed pages can be given back later.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        Ok(connection)
    };
    open().map_err(|source| StoreError::database("be opened for writing", source))
}

/// Prepares a statement once per connection.
fn prepare<'c>(connection: &'c Connection, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
    debug_assert!(parameters_in_order(sql), "parameters out of order: {sql}");
    connection.prepare_cached(sql)
}

/// Whether `$1, $2 …` first appear in the order of their numbers, none left out.
fn parameters_in_order(sql: &str) -> bool {
    let mut highest = 0;
    for part in sql.split('$').skip(1) {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        match digits.parse::<u32>() {
            Ok(number) if number == highest + 1 => highest = number,
            Ok(number) if (1..=highest).contains(&number) => {}
            _ => return false,
        }
    }
    true
}

/// Connections that only read, each used by one caller at a time.
struct Pool {
    free: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl Pool {
    fn open(path: &Path, size: usize) -> Result<Self, StoreError> {
        let open = || -> rusqlite::Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
            connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
            Ok(connection)
        };
        let connections = (0..size.max(1))
            .map(|_| open())
            .collect::<rusqlite::Result<Vec<_>>>()
            .map_err(|source| StoreError::database("be opened for reading", source))?;
        Ok(Self { free: Mutex::new(connections), returned: Condvar::new() })
    }

    /// Runs `read` on one state of the database: everything it asks for fits together.
    fn with<T>(
        &self,
        attempted: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = loop {
            match free.pop() {
                Some(connection) => break connection,
                None => free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner),
            }
        };
        drop(free);
        let borrowed = Borrowed { pool: self, connection: Some(connection) };
        let result = borrowed.connection.as_ref().map_or(Err(rusqlite::Error::InvalidQuery), |connection| {
            connection.execute_batch("BEGIN")?;
            let result = read(connection);
            // A transaction left open would hold the WAL back for ever.
            connection.execute_batch("ROLLBACK")?;
            result
        });
        result.map_err(|source| StoreError::database(attempted, source))
    }
}

/// Gives the connection back also when the reader panics.
struct Borrowed<'p> {
    pool: &'p Pool,
    connection: Option<Connection>,
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.free.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            self.pool.returned.notify_one();
        }
    }
}

/// Bounded map from a word to its number: forgets everything when full, since the dictionary on
/// disk still knows.
struct WordCache<K> {
    numbers: HashMap<K, i64>,
    capacity: usize,
}

impl<K: std::hash::Hash + Eq> WordCache<K> {
    fn new(capacity: usize) -> Self {
        Self { numbers: HashMap::new(), capacity }
    }

    fn get<Q: std::hash::Hash + Eq + ?Sized>(&self, key: &Q) -> Option<i64>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.numbers.get(key).copied()
    }

    fn put(&mut self, key: K, number: i64) {
        if self.numbers.len() >= self.capacity {
            self.numbers.clear();
        }
        self.numbers.insert(key, number);
    }
}
