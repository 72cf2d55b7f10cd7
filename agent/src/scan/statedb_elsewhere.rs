//! The state database of editors on Windows: the agent has no SQLite there.

use std::fs::File;

use super::safe::Trouble;

/// The file, below an editor's folder of user data.
pub(super) const STATE: &str = "User/globalStorage/state.vscdb";

/// Leaves it, and says so.
pub(super) fn text(_file: &File, _key: &str) -> Result<Option<String>, Trouble> {
    Err(Trouble::Skipped)
}
