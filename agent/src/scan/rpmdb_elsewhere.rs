//! The SQLite file of rpm on Windows, which has no rpm but may be given such a tree: the agent has no SQLite there.

use super::safe::Trouble;
use super::sqlite::Database;

/// Leaves it, and says so.
pub(super) fn headers(
    _database: &Database,
    _each: impl FnMut(&[u8]) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    Err(Trouble::Skipped)
}
