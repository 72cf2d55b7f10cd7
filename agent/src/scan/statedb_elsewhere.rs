//! Databases of keys and values on Windows: the agent has no SQLite there.

use super::safe::Trouble;
use super::sqlite::Database;

/// The file, below an editor's folder of user data.
pub(super) const STATE: &str = "User/globalStorage/state.vscdb";

/// Leaves it, and says so.
pub(super) fn text(_database: &Database, _key: &str) -> Result<Option<String>, Trouble> {
    Err(Trouble::Skipped)
}

/// As [`text`].
pub(super) fn members(
    _database: &Database,
    _key: &str,
    _wanted: &[&str],
) -> Result<Option<serde_json::Value>, Trouble> {
    Err(Trouble::Skipped)
}

/// As [`text`].
pub(super) fn text_of_amazon(_database: &Database, _key: &str) -> Result<Option<String>, Trouble> {
    Err(Trouble::Skipped)
}
