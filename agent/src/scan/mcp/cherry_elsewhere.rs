//! The SQLite file of Cherry Studio on Windows: the agent has no SQLite there.

use std::fs::File;

use serde_json::Value;

use crate::scan::safe::Trouble;

/// Leaves it, and says so.
pub(super) fn servers(_file: &File) -> Result<Value, Trouble> {
    Err(Trouble::Skipped)
}
