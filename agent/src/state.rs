//! What the agent remembers: a SQLite database in the state folder, and the only file here that knows SQL.
//!
//! # Invariants
//! 1. A sighting is counted once. Rows and the last number of the stream they came by ([`StreamId`]) are written in one
//!    commit, and only then acknowledged to the dissector; a sighting that comes again is known by its number.
//! 2. A count never goes down. A row is due for delivery as long as `count > acked`, and `acked` becomes the count
//!    that was *sent*: what was counted meanwhile stays due.
//! 3. `epoch` (64 random bits) names this database. Rows are merged by the larger count within an epoch, so a database that
//!    lost or may share its past never goes on under its old epoch.
//! 4. Bounded: [`KEPT_DAYS`] days, [`KEPT_BYTES`]. What is dropped before it was delivered is counted.
//!
//! # Layout
//! `state.db`, mode 0600 in a folder of mode 0700, WAL, `synchronous=FULL`, `user_version` = [`SCHEMA`]:
//! `meta` (epoch, key of the pseudonyms, machine, …), `activity` (one row a key), `station` (one row a machine that a gateway
//! sensor saw, and how often what is known of it changed), `snapshot` (one row a source, the newest generation), `software` (identifiers no rule knows; they never leave), `suspect` (domains that look like AI, while they are asked for), `stream`, `counter`. Texts that are
//! absent are stored empty, so that the key of `activity` is one unique index. `lock` is held by the uplink that has the
//! database open.
//!
//! # Recovery
//! - A kill at any point: SQLite rolls back what was not committed; the dissector sends it again.
//! - Unreadable, cut, empty, or not of our layout: renamed to `state.db.broken-N` (the newest is kept), counted in
//!   `state_resets`, and a new database with a new epoch begun. Never a loop: the new one starts from nothing.
//! - Written on another machine (a copied disk): same, since the original goes on under that epoch.
//! - Of an older agent: brought to this layout in one commit, under the same epoch.
//! - Of a newer agent: refused, with what to do.
//! - Deleted under us: what is still open is written anew under the same epoch ([`State::heal`]).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ring::hmac;
use ring::rand::SecureRandom;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, params};
use umbrascope_api::{AccountId, ActivityRow, Channel, Day, Epoch, Evidence, MachineId, Station, Subject};

use crate::ipc::message::StreamId;

mod files;
mod layout;
mod notes;
mod reader;
mod snapshots;
mod stations;
mod suspects;

use files::{make_folder, open_private, set_aside, with_suffix};
use stations::describe;

use layout::{TABLES, TO_2, TO_3};
pub use reader::{ExplainedRow, Reader};

/// Rows are kept this many days after they last changed.
pub const KEPT_DAYS: u32 = 35;
/// Bytes in use above which the oldest days are dropped.
pub const KEPT_BYTES: u64 = 64 * 1024 * 1024;
/// Version of the layout.
const SCHEMA: i64 = 3;
/// Streams remembered: far more than dissectors and capture files are started in the time a repeat can come.
const KEPT_STREAMS: u32 = 4096;
const FILE: &str = "state.db";

/// The open database.
pub struct State {
    db: Connection,
    path: PathBuf,
    epoch: Epoch,
    key: hmac::Key,
    /// Held for as long as the database is open, so that two uplinks never share it.
    _lock: fs::File,
}

/// How the database was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// As it was left.
    Intact,
    /// There was none.
    None,
    /// It could not be used and was set aside.
    SetAside,
}

/// Why the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The folder or a file in it.
    #[error("cannot use the state folder {path}: it must be writable for this user")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Another uplink has it open.
    #[error("another agent uses the state folder {0}; stop it or configure another `state_dir`")]
    InUse(PathBuf),
    /// Written by a newer agent.
    #[error(
        "the state in {path} was written by a newer agent (layout {found}, known {SCHEMA}); install that version, or remove the file to begin anew"
    )]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its layout.
        found: i64,
    },
    /// The database is damaged. Opening it again sets it aside.
    #[error("the state database is damaged")]
    Damaged(#[source] rusqlite::Error),
    /// A statement failed: a full disk, a device error.
    #[error("cannot write or read the state database")]
    Sql(#[source] rusqlite::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error),
            _ => Self::Sql(error),
        }
    }
}

/// The key of an activity row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey {
    /// The sensor's day.
    pub day: Day,
    /// Id of the rule.
    pub rule: String,
    /// How it is known.
    pub channel: Channel,
    /// The other machine whose traffic it was.
    pub subject: Option<Subject>,
    /// Whose it was.
    pub account: Option<AccountId>,
    /// What matched.
    pub evidence: Evidence,
}

/// What one commit writes.
#[derive(Debug, Default)]
pub struct Change {
    /// Rows and by how much their counts grow.
    pub rows: Vec<(RowKey, u64)>,
    /// What is known of the machines that the rows are of.
    pub stations: Vec<Station>,
    /// Last numbers of the streams the rows came by.
    pub streams: Vec<(StreamId, u64)>,
}

/// A row that is due for delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRow {
    /// Its number in the database.
    pub id: i64,
    /// As it goes over the wire.
    pub row: ActivityRow,
}

/// How much is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Due {
    /// Rows never delivered.
    pub new_rows: u64,
    /// Rows delivered before whose count has grown.
    pub grown_rows: u64,
    /// Snapshots.
    pub snapshots: u64,
    /// Machines of which something new is known.
    pub stations: u64,
}

/// A machine of which something new is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueStation {
    /// As it goes over the wire.
    pub station: Station,
    /// How often it has changed.
    pub version: i64,
    /// A row of it was delivered before.
    pub known: bool,
}

impl State {
    /// Opens the database below `folder`, making both if need be, and setting aside what cannot be used.
    pub fn open(
        folder: &Path,
        machine: MachineId,
        random: &dyn SecureRandom,
    ) -> Result<(Self, Found), StateError> {
        let trouble = |cause| StateError::Folder { path: folder.to_owned(), cause };
        make_folder(folder).map_err(trouble)?;
        let lock = open_private(&folder.join("lock")).map_err(trouble)?;
        if rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(StateError::InUse(folder.to_owned()));
        }
        let path = folder.join(FILE);
        let existed = path.exists();
        match Self::open_file(&path, machine, random) {
            Ok((db, epoch, key)) => {
                let found = if existed { Found::Intact } else { Found::None };
                Ok((Self { db, path, epoch, key, _lock: lock }, found))
            }
            Err(StateError::Damaged(_)) => {
                let resets = set_aside(folder).map_err(trouble)?;
                let (db, epoch, key) = Self::open_file(&path, machine, random)?;
                let state = Self { db, path, epoch, key, _lock: lock };
                state.add_counter("state_resets", resets)?;
                Ok((state, Found::SetAside))
            }
            Err(other) => Err(other),
        }
    }

    fn open_file(
        path: &Path,
        machine: MachineId,
        random: &dyn SecureRandom,
    ) -> Result<(Connection, Epoch, hmac::Key), StateError> {
        let fresh = !path.exists();
        // SQLite would make the file readable for all; its companions take the mode of the file.
        open_private(path).map_err(|cause| StateError::Folder { path: path.to_owned(), cause })?;
        let mut db = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        db.busy_timeout(std::time::Duration::from_secs(2))?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        // 256 KiB of pages: the working set is small and memory is counted.
        db.pragma_update(None, "cache_size", -256)?;
        db.set_prepared_statement_cache_capacity(24);

        let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > SCHEMA {
            return Err(StateError::Newer { path: path.to_owned(), found: version });
        }
        if fresh {
            let mut epoch = [0; Epoch::BYTES];
            let mut key = [0; 32];
            random.fill(&mut epoch).and_then(|()| random.fill(&mut key)).map_err(|_| StateError::Random)?;
            let begin = db.transaction()?;
            begin.execute_batch(TABLES)?;
            let mut insert = begin.prepare("INSERT INTO meta (name, value) VALUES (?1, ?2)")?;
            insert.execute(params!["epoch", epoch])?;
            insert.execute(params!["key", key])?;
            insert.execute(params!["machine", machine.as_bytes()])?;
            drop(insert);
            begin.pragma_update(None, "user_version", SCHEMA)?;
            begin.commit()?;
        }
        if fresh || version > 0 {
            db.execute_batch(suspects::TABLE)?;
        }
        let check: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if check != "ok" || !fresh && version == 0 {
            return Err(damaged());
        }
        if !fresh && version < SCHEMA {
            let step = db.transaction()?;
            let steps = [TO_2, TO_3].into_iter().skip(usize::try_from(version - 1).unwrap_or_default());
            for statements in steps {
                // A table or column that is missing means that this is not our database.
                step.execute_batch(statements).map_err(|error| match error.sqlite_error_code() {
                    Some(ErrorCode::Unknown) => StateError::Damaged(error),
                    _ => StateError::from(error),
                })?;
            }
            step.pragma_update(None, "user_version", SCHEMA)?;
            step.commit()?;
        }
        let value = |name: &str| -> Result<Vec<u8>, StateError> {
            // A table or row that is missing means that this is not our database.
            db.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
                .map_err(|_| damaged())
        };
        let epoch: [u8; Epoch::BYTES] = value("epoch")?.try_into().map_err(|_| damaged())?;
        let key = value("key")?;
        if key.len() != 32 || value("machine")? != machine.as_bytes() {
            return Err(damaged());
        }
        Ok((db, Epoch::from_bytes(epoch), hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// The name of this database.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The pseudonym of a user of this machine: HMAC-SHA-256 of the user id, cut to 128 bits. The key never leaves.
    pub fn account(&self, uid: u32) -> AccountId {
        let tag = hmac::sign(&self.key, format!("uid:{uid}").as_bytes());
        let mut bytes = [0; AccountId::BYTES];
        bytes.copy_from_slice(&tag.as_ref()[..AccountId::BYTES]);
        AccountId::from_bytes(bytes)
    }

    /// The last number stored of a stream.
    pub fn last_number(&self, stream: StreamId) -> Result<Option<u64>, StateError> {
        let mut query = self.db.prepare_cached("SELECT last FROM stream WHERE id = ?1")?;
        Ok(query.query_row([stream.0], |row| row.get(0)).optional()?.map(unsigned))
    }

    /// Writes rows and stream numbers in one commit. `today` is the day of the change.
    pub fn commit(&mut self, change: &Change, today: Day) -> Result<(), StateError> {
        let transaction = self.db.transaction()?;
        {
            let mut upsert = transaction.prepare_cached(
                "INSERT INTO activity (day, rule, channel, account, value, version, executable, container, package,
                    forwarded, count, touched, subject)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                 ON CONFLICT (day, rule, channel, subject, account, value, version, executable, container, package,
                    forwarded)
                 DO UPDATE SET count = count + excluded.count, touched = excluded.touched",
            )?;
            for (key, count) in &change.rows {
                upsert.execute(params![
                    key.day.number(),
                    key.rule,
                    key.channel.as_str(),
                    key.account.map(|account| account.to_string()).unwrap_or_default(),
                    key.evidence.value,
                    key.evidence.version.as_deref().unwrap_or_default(),
                    key.evidence.executable.as_deref().unwrap_or_default(),
                    key.evidence.container.as_deref().unwrap_or_default(),
                    key.evidence.package.as_deref().unwrap_or_default(),
                    key.evidence.forwarded,
                    signed(*count),
                    today.number(),
                    key.subject.map(|subject| subject.to_string()).unwrap_or_default(),
                ])?;
            }
            describe(&transaction, &change.stations)?;
            let mut advance = transaction.prepare_cached(
                "INSERT INTO stream (id, last) VALUES (?1, ?2)
                 ON CONFLICT (id) DO UPDATE SET last = max(last, excluded.last)",
            )?;
            for (stream, last) in &change.streams {
                advance.execute(params![stream.0, signed(*last)])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Rows due for delivery, the oldest first: those never delivered, and with `grown` those whose count has grown.
    pub fn due_rows(&self, grown: bool, limit: u32) -> Result<Vec<DueRow>, StateError> {
        let mut query = self.db.prepare_cached(
            "SELECT id, day, rule, channel, account, value, version, executable, container, package, forwarded, count,
                subject
             FROM activity
             WHERE count > acked AND (acked = 0 OR ?1) ORDER BY id LIMIT ?2",
        )?;
        let rows = query.query_map(params![grown, limit], |row| {
            let text =
                |index| row.get::<_, String>(index).map(|text| Some(text).filter(|text| !text.is_empty()));
            let account = text(4)?.and_then(|text| text.parse().ok());
            let subject = text(12)?.and_then(|text| text.parse().ok());
            Ok(DueRow {
                id: row.get(0)?,
                row: ActivityRow {
                    day: Day::from_number(row.get(1)?).unwrap_or(Day::MAX),
                    rule: row.get(2)?,
                    channel: Channel::from(row.get::<_, String>(3)?.as_str()),
                    subject,
                    account,
                    evidence: Evidence {
                        value: row.get(5)?,
                        version: text(6)?,
                        executable: text(7)?,
                        container: text(8)?,
                        package: text(9)?,
                        forwarded: row.get(10)?,
                    },
                    count: unsigned(row.get(11)?),
                },
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes that rows were taken, or will never be, with the counts that were sent.
    pub fn mark_rows(&mut self, sent: &[(i64, u64)]) -> Result<(), StateError> {
        let transaction = self.db.transaction()?;
        {
            let mut update =
                transaction.prepare_cached("UPDATE activity SET acked = max(acked, ?2) WHERE id = ?1")?;
            for (id, count) in sent {
                update.execute(params![id, signed(*count)])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// How much is due.
    pub fn due(&self) -> Result<Due, StateError> {
        let mut query = self.db.prepare_cached(
            "SELECT (SELECT count(*) FROM activity WHERE count > acked AND acked = 0),
                    (SELECT count(*) FROM activity WHERE count > acked AND acked > 0),
                    (SELECT count(*) FROM snapshot WHERE generation > acked),
                    (SELECT count(*) FROM station s WHERE version > acked
                        AND EXISTS (SELECT 1 FROM activity a WHERE a.subject = s.subject))",
        )?;
        Ok(query.query_row([], |row| {
            Ok(Due {
                new_rows: unsigned(row.get(0)?),
                grown_rows: unsigned(row.get(1)?),
                snapshots: unsigned(row.get(2)?),
                stations: unsigned(row.get(3)?),
            })
        })?)
    }

    /// Drops what is over the bounds. What had not been delivered is counted in `rows_dropped`.
    ///
    /// Age is told by the day of the last change, since a replayed capture brings rows of old days. A clock that
    /// leaps must not cost anything undelivered: such rows go only when there are more than [`KEPT_DAYS`] distinct days.
    pub fn prune(&mut self, today: Day) -> Result<u64, StateError> {
        let transaction = self.db.transaction()?;
        transaction.execute(
            "DELETE FROM activity WHERE count <= acked AND touched < ?1",
            [today.back(KEPT_DAYS).number()],
        )?;
        let mut dropped = 0;
        loop {
            let days: u32 =
                transaction
                    .query_row("SELECT count(DISTINCT touched) FROM activity", [], |row| row.get(0))?;
            if days == 0 || (days <= KEPT_DAYS && used_bytes(&transaction)? <= KEPT_BYTES) {
                break;
            }
            dropped += drop_oldest_day(&transaction)?;
        }
        // Of a machine whose rows are gone nothing stays.
        transaction.execute("DELETE FROM station WHERE subject NOT IN (SELECT subject FROM activity)", [])?;
        transaction.execute(
            "DELETE FROM stream WHERE rowid <= (SELECT max(rowid) FROM stream) - ?1",
            [KEPT_STREAMS],
        )?;
        transaction.commit()?;
        if dropped > 0 {
            self.add_counter("rows_dropped", dropped)?;
        }
        Ok(dropped)
    }

    /// Writes the database anew if its file was deleted under us: what is open is still whole.
    pub fn heal(&mut self) -> Result<bool, StateError> {
        if self.path.exists() {
            return Ok(false);
        }
        let _ = fs::remove_file(with_suffix(&self.path, "-wal"));
        let _ = fs::remove_file(with_suffix(&self.path, "-shm"));
        let path = self.path.to_string_lossy().into_owned();
        self.db.execute("VACUUM INTO ?1", [path])?;
        rustix::fs::chmod(&self.path, rustix::fs::Mode::from_raw_mode(0o600))
            .map_err(|error| StateError::Folder { path: self.path.clone(), cause: error.into() })?;
        let db = Connection::open_with_flags(
            &self.path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        self.db = db;
        Ok(true)
    }
}

/// An identifier that no rule knows. It never leaves this machine.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Software {
    /// Which namespace it is of, as the rules spell it.
    pub kind: String,
    /// As its own records spell it.
    pub identifier: String,
    /// As its own records say; empty when they do not.
    pub version: String,
}

fn drop_oldest_day(transaction: &Transaction<'_>) -> Result<u64, StateError> {
    let oldest: u32 = transaction.query_row("SELECT min(touched) FROM activity", [], |row| row.get(0))?;
    let undelivered: i64 = transaction.query_row(
        "SELECT count(*) FROM activity WHERE touched = ?1 AND count > acked",
        [oldest],
        |row| row.get(0),
    )?;
    transaction.execute("DELETE FROM activity WHERE touched = ?1", [oldest])?;
    Ok(unsigned(undelivered))
}

fn used_bytes(db: &Connection) -> Result<u64, StateError> {
    let value = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map(unsigned);
    Ok((value("page_count")? - value("freelist_count")?) * value("page_size")?)
}

fn damaged() -> StateError {
    StateError::Damaged(rusqlite::Error::QueryReturnedNoRows)
}

/// SQLite integers are signed; counts stay far below the bound, and past it they stop growing.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

#[cfg(test)]
mod tests;
