//! The SQLite file of rpm.

use super::safe::Trouble;
use super::sqlite::{Database, refused};

/// Most packages read.
const PACKAGES: usize = 50_000;
/// Largest header taken, in bytes; a kernel package's list of files makes a few MB.
const HEADER_BYTES: i32 = 32 * 1024 * 1024;

/// Gives each package's header, as rpm stored it.
pub(super) fn headers(
    database: &Database,
    each: &mut dyn FnMut(&[u8]) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let db = database.connect(HEADER_BYTES)?;
    let mut statement = db.prepare("SELECT blob FROM Packages").map_err(refused)?;
    let mut rows = statement.query([]).map_err(refused)?;
    let mut read = 0;
    while let Some(row) = rows.next().map_err(refused)? {
        read += 1;
        if read > PACKAGES {
            return Err(Trouble::TooLarge);
        }
        let blob = row.get_ref(0).ok().and_then(|value| value.as_blob().ok()).ok_or(Trouble::Malformed)?;
        each(blob)?;
    }
    Ok(())
}
