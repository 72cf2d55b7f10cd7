//! Databases of keys and values on Windows: the agent has no SQLite there.

use std::fs::File;

use super::safe::Trouble;

/// The file, below an editor's folder of user data.
pub(super) const STATE: &str = "User/globalStorage/state.vscdb";

/// Leaves it, and says so.
pub(super) fn text(_file: &File, _key: &str) -> Result<Option<String>, Trouble> {
    Err(Trouble::Skipped)
}

/// As [`text`].
pub(super) fn text_of_amazon(_file: &File, _key: &str) -> Result<Option<String>, Trouble> {
    Err(Trouble::Skipped)
}
