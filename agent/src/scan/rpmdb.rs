//! The SQLite file of rpm, and how a SQLite file of somebody else is opened.
//!
//! The file is opened through the descriptor that the safe reader made, and as immutable: nothing is written, no
//! lock and no journal is made beside it.

use std::fs::File;
use std::os::fd::AsRawFd;

use rusqlite::{Connection, OpenFlags};

use super::safe::Trouble;

/// Most packages read.
const PACKAGES: usize = 50_000;
/// Largest header taken, in bytes; a kernel package's list of files makes a few MB.
const HEADER_BYTES: usize = 32 * 1024 * 1024;

/// Gives each package's header, as rpm stored it.
pub(super) fn headers(
    file: &File,
    mut each: impl FnMut(&[u8]) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let db = open(file)?;
    let mut statement = db.prepare("SELECT blob FROM Packages").map_err(refused)?;
    let mut rows = statement.query([]).map_err(refused)?;
    let mut read = 0;
    while let Some(row) = rows.next().map_err(refused)? {
        read += 1;
        if read > PACKAGES {
            return Err(Trouble::TooLarge);
        }
        let blob = row.get_ref(0).ok().and_then(|value| value.as_blob().ok()).ok_or(Trouble::Malformed)?;
        if blob.len() > HEADER_BYTES {
            return Err(Trouble::TooLarge);
        }
        each(blob)?;
    }
    Ok(())
}

/// Opens the file to be read, and only that.
pub(super) fn open(file: &File) -> Result<Connection, Trouble> {
    let descriptors = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    let path = format!("file:{descriptors}/{}?mode=ro&immutable=1", file.as_raw_fd());
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(refused)?;
    // Pages of 4 KiB: a cache of 1 MiB is enough to read once from end to end.
    db.pragma_update(None, "cache_size", -1024).map_err(refused)?;
    db.pragma_update(None, "trusted_schema", false).map_err(refused)?;
    Ok(db)
}

pub(super) fn refused(error: rusqlite::Error) -> Trouble {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::PermissionDenied) => Trouble::Refused,
        _ => Trouble::Malformed,
    }
}
