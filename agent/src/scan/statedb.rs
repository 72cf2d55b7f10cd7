//! The state database of editors of the VS Code family (`state.vscdb`), a SQLite file: one text by its key.
//!
//! The file is opened through the descriptor that the safe reader made, and as immutable: nothing is written, no lock and
//! no journal is made beside it. The keys asked for are those that hold an address of mail or names of extensions; tokens stand under
//! others.

use std::fs::File;
use std::os::fd::AsRawFd;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::safe::Trouble;

/// The file, below an editor's folder of user data.
pub(super) const STATE: &str = "User/globalStorage/state.vscdb";

/// Longest value taken, in bytes.
const VALUE_BYTES: i64 = 64 * 1024;

/// The text under a key; none where it is longer than [`VALUE_BYTES`].
pub(super) fn text(file: &File, key: &str) -> Result<Option<String>, Trouble> {
    let path = format!("file:/proc/self/fd/{}?mode=ro&immutable=1", file.as_raw_fd());
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let refused = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::PermissionDenied) => Trouble::Refused,
        _ => Trouble::Malformed,
    };
    let db = Connection::open_with_flags(path, flags).map_err(refused)?;
    // One look by the key's index: a few pages.
    db.pragma_update(None, "cache_size", -256).map_err(refused)?;
    db.pragma_update(None, "trusted_schema", false).map_err(refused)?;
    // A view of that name could compute for ever, and a table without an index be read from end to end.
    let kind: Option<String> = db
        .query_row("SELECT type || sql FROM sqlite_schema WHERE name = 'ItemTable'", [], |row| row.get(0))
        .optional()
        .map_err(refused)?;
    let Some(kind) = kind else { return Ok(None) };
    let plain = kind.to_ascii_lowercase();
    let indexed = plain.starts_with("tablecreate table") && plain.contains("key text unique");
    if !indexed || plain.contains("generated") || plain.contains(" as (") {
        return Err(Trouble::Malformed);
    }
    let value = db
        .query_row(
            "SELECT CAST(value AS TEXT) FROM ItemTable WHERE key = ?1 AND octet_length(value) <= ?2",
            (key, VALUE_BYTES),
            |row| row.get(0),
        )
        .optional();
    value.map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(sql: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.vscdb");
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        (folder, path)
    }

    const TABLE: &str = "CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);";

    #[test]
    fn a_text_is_found_by_its_key_and_nothing_is_left_beside_the_file() {
        let (folder, path) = database(&format!(
            "{TABLE} INSERT INTO ItemTable VALUES ('cursorAuth/cachedEmail', 'kim@corp.example'), ('cursorAuth/accessToken', 'secret')"
        ));
        let file = File::open(&path).unwrap();
        assert_eq!(text(&file, "cursorAuth/cachedEmail"), Ok(Some("kim@corp.example".into())));
        assert_eq!(text(&file, "other"), Ok(None));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_such_database_is_malformed_and_never_computed() {
        let (_folder, path) = database(
            "CREATE VIEW ItemTable AS WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM n) SELECT key, key AS value FROM n",
        );
        assert_eq!(text(&File::open(&path).unwrap(), "k"), Err(Trouble::Malformed));
        let (_folder, path) = database("CREATE TABLE ItemTable (key TEXT, value BLOB)");
        assert_eq!(text(&File::open(&path).unwrap(), "k"), Err(Trouble::Malformed));
        let (_folder, path) = database("CREATE TABLE other (a)");
        assert_eq!(text(&File::open(&path).unwrap(), "k"), Ok(None));
        std::fs::write(&path, "no database at all").unwrap();
        assert_eq!(text(&File::open(&path).unwrap(), "k"), Err(Trouble::Malformed));
        let (_folder, path) = database(TABLE);
        let bytes = std::fs::read(&path).unwrap();
        for end in (0..bytes.len()).step_by(509) {
            std::fs::write(&path, &bytes[..end]).unwrap();
            drop(text(&File::open(&path).unwrap(), "k"));
        }
    }
}
