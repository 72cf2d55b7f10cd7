//! Opening a SQLite file of somebody else.
//!
//! The file is opened through the descriptor that the safe reader made, and as immutable: nothing is written, no
//! lock and no journal is made beside it. Windows has no name for an open file: there SQLite is given the bytes of the file that the
//! safe reader opened, where they are not too many. What its writer has put into the log beside it (`-wal`) and not yet into the file
//! is therefore not seen: where there is such a log, the file lags behind and is no proof that something is gone.
//!
//! What is made of the file is bounded in memory and in time: nothing in it, neither a value nor a key nor the
//! description of its tables, is taken to be of a sensible size.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode};

use super::OwnerId;
use super::safe::{Dir, Trouble};
use super::source::Source;

/// Largest file opened, in bytes: the registry of MacPorts holds every file of every port, and that of Cherry Studio all
/// conversations. Nothing is read from end to end but tables of some thousand rows.
const FILE_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// A file that may be a SQLite database.
#[derive(Debug)]
pub(super) struct Database {
    file: File,
    deadline: Instant,
    /// Who owns it.
    pub(super) owner: OwnerId,
    /// Whether its writer keeps a log with what is newer than the file.
    pub(super) lags: bool,
}

impl Database {
    /// Finds the file below a folder.
    pub(super) fn find(folder: &Dir, path: impl AsRef<Path>) -> Result<Self, Trouble> {
        let path = path.as_ref();
        let file = folder.file(path, FILE_BYTES)?;
        let owner = file.uid;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        // Left empty by a writer that has ended.
        let lags = match folder.look(log) {
            Ok(look) => look.len > 0,
            Err(Trouble::Absent) => false,
            Err(trouble) => return Err(trouble),
        };
        Ok(Self { file: file.into_file(), deadline: folder.budget().deadline(), owner, lags })
    }

    /// The same, with a note of what is not read of it.
    pub(super) fn note(folder: &Dir, path: impl AsRef<Path>, source: &mut Source<'_>) -> Option<Self> {
        let location = || folder.shown_child(&path);
        let database = source.note(Self::find(folder, &path), location)?;
        database.tell(location(), source);
        Some(database)
    }

    /// Notes that the file lags behind, where it does.
    pub(super) fn tell(&self, location: String, source: &mut Source<'_>) {
        if self.lags {
            source.trouble(Trouble::Skipped, location);
        }
    }
}

/// Most memory that SQLite may have in this process, in bytes, whatever a file makes it want: keys of an index and the
/// descriptions of tables have no bound of their own. A header of rpm fits in twice; the service has 128 MB.
const HEAP_BYTES: i64 = 64 * 1024 * 1024;
/// Pages kept, in KiB: enough to read once from end to end.
const CACHE_KIB: i64 = 1024;
/// Instructions of SQLite between two looks at the clock: a fraction of a millisecond.
const INSTRUCTIONS: i32 = 10_000;

impl Database {
    /// Opens it to be read, and only that. No value longer than `longest` bytes is taken from it.
    pub(super) fn connect(&self, longest: i32) -> Result<Connection, Trouble> {
        let mut db = system::open(&self.file)?;
        let deadline = self.deadline;
        let late = move || Instant::now() >= deadline;
        db.progress_handler(INSTRUCTIONS, Some(late)).map_err(refused)?;
        db.set_limit(Limit::SQLITE_LIMIT_LENGTH, longest).map_err(refused)?;
        db.pragma_update_and_check(None, "hard_heap_limit", HEAP_BYTES, |_| Ok(())).map_err(refused)?;
        db.pragma_update(None, "cache_size", -CACHE_KIB).map_err(refused)?;
        db.pragma_update(None, "trusted_schema", false).map_err(refused)?;
        db.pragma_update(None, "cell_size_check", true).map_err(refused)?;
        Ok(db)
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn of(file: File) -> Self {
        let deadline = Instant::now() + std::time::Duration::from_secs(60);
        Self { file, deadline, owner: 0, lags: false }
    }
}

/// Why SQLite did not do it.
pub(super) fn refused(error: rusqlite::Error) -> Trouble {
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => Trouble::Refused,
        Some(ErrorCode::TooBig | ErrorCode::OutOfMemory) => Trouble::TooLarge,
        Some(ErrorCode::OperationInterrupted) => Trouble::TimedOut,
        _ => Trouble::Malformed,
    }
}

/// By the name that an open descriptor has.
#[cfg(unix)]
mod system {
    use std::os::fd::AsRawFd;

    use rusqlite::OpenFlags;

    use super::*;

    pub(super) fn open(file: &File) -> Result<Connection, Trouble> {
        let descriptors = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
        let path = format!("file:{descriptors}/{}?mode=ro&immutable=1", file.as_raw_fd());
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(path, flags).map_err(refused)
    }
}

/// Out of memory.
#[cfg(windows)]
use copied as system;

#[cfg(any(windows, test))]
mod copied {
    use std::io::{self, Read};

    use rusqlite::MAIN_DB;

    use super::super::safe::read_at;
    use super::*;

    /// Largest file that is read as a whole, in bytes. It is held until the answer is there; an editor's state has a few MB.
    const COPY_BYTES: u64 = 32 * 1024 * 1024;
    /// Where a file says how it is written and read: 2 for a log, 1 without (the file format's "File format version numbers").
    const VERSIONS: std::ops::Range<u64> = 18..20;

    pub(super) fn open(file: &File) -> Result<Connection, Trouble> {
        let len = file.metadata().map_err(|_| Trouble::Refused)?.len();
        if len > COPY_BYTES {
            return Err(Trouble::TooLarge);
        }
        let mut db = Connection::open_in_memory().map_err(refused)?;
        let len = usize::try_from(len).map_err(|_| Trouble::TooLarge)?;
        db.deserialize_read_exact(MAIN_DB, Whole { file, at: 0 }, len, true).map_err(refused)?;
        Ok(db)
    }

    /// The bytes of a file. In memory there is no log beside it, and SQLite would ask for one where the file speaks of it.
    struct Whole<'a> {
        file: &'a File,
        at: u64,
    }

    impl Read for Whole<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let read = read_at(self.file, buffer, self.at)?;
            for (place, byte) in (self.at..).zip(&mut buffer[..read]) {
                if VERSIONS.contains(&place) && *byte == 2 {
                    *byte = 1;
                }
                if place >= VERSIONS.end {
                    break;
                }
            }
            self.at += read as u64;
            Ok(read)
        }
    }
}

/// Reads bytes as each of the databases.
#[cfg(all(target_os = "linux", any(test, feature = "fuzzing")))]
pub(super) fn read_any(bytes: &[u8]) {
    use std::io::Write;

    let Ok(file) = rustix::fs::memfd_create("database", rustix::fs::MemfdFlags::CLOEXEC) else { return };
    let mut file = File::from(file);
    if file.write_all(bytes).is_err() {
        return;
    }
    let database = Database::of(file);
    drop(super::statedb::text(&database, "key"));
    drop(super::statedb::members(&database, "key", &["a"]));
    drop(super::statedb::text_of_amazon(&database, "key"));
    drop(super::mcp::cherry_servers(&database));
    _ = super::macos::portsdb::ports(&database, |_, _| Ok(()));
    _ = super::rpmdb::headers(&database, &mut |_| Ok(()));
}

/// Nothing: there is no file in memory to be opened.
#[cfg(all(not(target_os = "linux"), any(test, feature = "fuzzing")))]
pub(super) fn read_any(_bytes: &[u8]) {}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use rusqlite::Connection;
    use umbrascope_api::{Channel, Completeness};
    use umbrascope_rules::Matcher;

    use super::super::safe::Budget;
    use super::super::{rpmdb, statedb};
    use super::*;

    /// Writes a file by statements.
    pub(in crate::scan) fn write(path: &Path, statements: &str) {
        Connection::open(path).unwrap().execute_batch(statements).unwrap();
    }

    fn database(sql: &str) -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        write(&path, sql);
        let file = File::open(path).unwrap();
        (folder, Database::of(file))
    }

    #[test]
    fn a_value_of_200_mb_is_not_read_and_what_stands_beside_it_is() {
        let (_folder, db) = database(
            "CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB); CREATE TABLE state (key TEXT, value BLOB);
             CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL);
             INSERT INTO ItemTable VALUES ('bomb', zeroblob(200000000)); INSERT INTO ItemTable VALUES ('key', 'value');
             INSERT INTO state VALUES ('bomb', zeroblob(200000000)); INSERT INTO state VALUES ('key', 'value');
             INSERT INTO Packages VALUES (1, zeroblob(200000000))",
        );
        assert_eq!(statedb::text(&db, "bomb"), Err(Trouble::TooLarge));
        assert_eq!(statedb::text_of_amazon(&db, "bomb"), Err(Trouble::TooLarge));
        assert_eq!(statedb::text(&db, "key"), Ok(Some("value".into())));
        assert_eq!(statedb::text_of_amazon(&db, "key"), Ok(Some("value".into())));
        assert_eq!(rpmdb::headers(&db, &mut |_| Ok(())), Err(Trouble::TooLarge));
    }

    #[test]
    fn a_description_is_not_taken_beyond_the_bound_of_memory() {
        let (_folder, db) = database(
            "CREATE TABLE ItemTable (key TEXT UNIQUE, value BLOB); PRAGMA writable_schema = 1;
             WITH RECURSIVE n(i, columns) AS (SELECT 1, 'c' UNION ALL SELECT i + 1, columns || ', c' || i FROM n WHERE i < 1900),
             t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 1500)
             INSERT INTO sqlite_schema SELECT 'table', 't' || i, 't' || i, 2, 'CREATE TABLE t' || i || '(' ||
               (SELECT columns FROM n ORDER BY i DESC LIMIT 1) || ')' FROM t",
        );
        assert_eq!(statedb::text(&db, "key"), Err(Trouble::TooLarge));
    }

    #[test]
    fn a_question_ends_with_the_time_there_is() {
        let (_folder, mut db) = database(
            "CREATE TABLE ports (name TEXT, version TEXT, state TEXT);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
             INSERT INTO ports SELECT 'p', '1', 'imaged' FROM n",
        );
        let ports = |db: &Database| super::super::macos::portsdb::ports(db, |_, _| Ok(()));
        assert_eq!(ports(&db), Ok(()));
        db.deadline = Instant::now();
        assert_eq!(ports(&db), Err(Trouble::TimedOut));
    }

    #[test]
    fn a_copy_in_memory_answers_as_the_file_does() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("db");
        let writer = Connection::open(&path).unwrap();
        writer.pragma_update(None, "journal_mode", "wal").unwrap();
        writer.execute_batch("CREATE TABLE t (v TEXT); INSERT INTO t VALUES ('x')").unwrap();
        drop(writer);
        let text = |db: &Connection| db.query_row("SELECT v FROM t", [], |row| row.get::<_, String>(0));
        assert_eq!(std::fs::read(&path).unwrap()[18..20], [2, 2], "it speaks of a log");
        let db = copied::open(&File::open(&path).unwrap()).unwrap();
        assert_eq!(text(&db).unwrap(), "x");
        assert!(db.execute("DELETE FROM t", []).is_err(), "it is read, and only that");
        let bytes = std::fs::read(&path).unwrap();
        for end in (0..bytes.len()).step_by(307) {
            std::fs::write(&path, &bytes[..end]).unwrap();
            if let Ok(db) = copied::open(&File::open(&path).unwrap()) {
                let _ = text(&db);
            }
        }
        File::create(&path).unwrap().set_len(40 * 1024 * 1024).unwrap();
        assert_eq!(copied::open(&File::open(&path).unwrap()).err(), Some(Trouble::TooLarge));
    }

    #[test]
    fn a_file_whose_writer_keeps_a_log_lags_behind() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data.sqlite");
        let writer = Connection::open(&path).unwrap();
        writer.pragma_update(None, "journal_mode", "wal").unwrap();
        writer.execute_batch("CREATE TABLE state (key TEXT, value TEXT)").unwrap();
        let matcher = Matcher::embedded();
        let look = || {
            let budget = Budget::new(Instant::now() + Duration::from_secs(60), vec![]);
            let folder = Dir::root(temp.path(), budget).unwrap();
            let mut source = Source::new("accounts", Channel::Account, &matcher);
            Database::note(&folder, "data.sqlite", &mut source).unwrap();
            source.finish().0.completeness
        };
        assert_eq!(look(), Completeness::Partial);
        drop(writer);
        assert_eq!(look(), Completeness::Complete);
    }
}
