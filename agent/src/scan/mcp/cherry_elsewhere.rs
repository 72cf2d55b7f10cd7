//! The SQLite file of Cherry Studio on Windows: the agent has no SQLite there.

use serde_json::Value;

use crate::scan::safe::Trouble;
use crate::scan::sqlite::Database;

/// Leaves it, and says so.
pub(super) fn servers(_database: &Database) -> Result<(Value, bool), Trouble> {
    Err(Trouble::Skipped)
}
