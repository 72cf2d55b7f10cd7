//! The SQLite file of MacPorts on Windows, which may be given the tree of a Mac: the agent has no SQLite there.

use super::super::safe::Trouble;
use super::super::sqlite::Database;

/// Leaves it, and says so.
pub(super) fn ports(
    _database: &Database,
    _each: impl FnMut(String, String) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    Err(Trouble::Skipped)
}
