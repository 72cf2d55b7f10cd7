//! The SQLite file of MacPorts on Windows, which may be given the tree of a Mac: the agent has no SQLite there.

use std::fs::File;

use super::super::safe::Trouble;

/// Leaves it, and says so.
pub(super) fn ports(
    _file: &File,
    _each: impl FnMut(String, String) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    Err(Trouble::Skipped)
}
