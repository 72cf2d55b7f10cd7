//! Databases of keys and values in SQLite files: one text by its key. Editors of the VS Code family keep their state in one
//! (`state.vscdb`), Amazon Q and Kiro's command line in a table beside others.
//!
//! The keys asked for are those that hold an address of mail, names of extensions or settings of assistants; tokens stand under
//! others.

use std::io::BufReader;

use rusqlite::{Connection, MAIN_DB, OptionalExtension};
use serde_json::Value;

use super::bounded::{self, Wanted};
use super::safe::Trouble;
use super::sqlite::{Database, refused};

/// The file, below an editor's folder of user data.
pub(super) const STATE: &str = "User/globalStorage/state.vscdb";

/// Most rows of a table that are looked through.
const ROWS: usize = 1_000;
/// Longest value taken, in bytes.
const VALUE_BYTES: i32 = 64 * 1024;
/// Longest object that is read piece by piece, in bytes. Extensions keep histories beside their settings; the editor itself warns of
/// those beyond 512 KB.
const OBJECT_BYTES: i32 = 32 * 1024 * 1024;

/// Asks for the rows of a table without an index, whose long values stay where they are.
const AMAZON: &str = "SELECT key, CASE WHEN octet_length(value) <= ?1 THEN CAST(value AS TEXT) END, octet_length(value) > ?1 FROM state";

/// The text under a key of an editor's state; too large where it is longer than [`VALUE_BYTES`].
pub(super) fn text(database: &Database, key: &str) -> Result<Option<String>, Trouble> {
    let db = database.connect(VALUE_BYTES)?;
    if !has_items(&db)? {
        return Ok(None);
    }
    // A length is known without the value.
    let query =
        "SELECT CASE WHEN octet_length(value) <= ?2 THEN CAST(value AS TEXT) END, octet_length(value) > ?2
        FROM ItemTable WHERE key = ?1";
    let row = db.query_row(query, (key, VALUE_BYTES), |row| Ok((row.get(0)?, row.get(1)?))).optional();
    let (text, longer): (Option<String>, Option<bool>) = row.map_err(refused)?.unwrap_or_default();
    if longer == Some(true) { Err(Trouble::TooLarge) } else { Ok(text) }
}

/// Members of the JSON object under a key of an editor's state. The object is read where it lies; its other members are passed over
/// without being kept.
pub(super) fn members(database: &Database, key: &str, wanted: &[&str]) -> Result<Option<Value>, Trouble> {
    let db = database.connect(OBJECT_BYTES)?;
    if !has_items(&db)? {
        return Ok(None);
    }
    let query = "SELECT rowid, octet_length(value) FROM ItemTable WHERE key = ?1";
    let row = db.query_row(query, [key], |row| Ok((row.get(0)?, row.get(1)?))).optional();
    let Some((row, length)) = row.map_err(refused)? else { return Ok(None) };
    let length: Option<i64> = length;
    match length {
        None => Ok(None),
        Some(length) if length > i64::from(OBJECT_BYTES) => Err(Trouble::TooLarge),
        Some(_) => {
            let value = db.blob_open(MAIN_DB, "ItemTable", "value", row, true).map_err(refused)?;
            bounded::members(BufReader::new(value), Wanted { keys: wanted, map: None }).map(Some)
        }
    }
}

/// Whether there is the table of an editor's state.
fn has_items(db: &Connection) -> Result<bool, Trouble> {
    match table(db, "ItemTable")? {
        None => Ok(false),
        // Without an index it would be read from end to end.
        Some(table) if !table.contains("key text unique") => Err(Trouble::Malformed),
        Some(_) => Ok(true),
    }
}

/// The text under a key of the table `state` of Amazon Q and of Kiro's command line, which has some dozen rows.
pub(super) fn text_of_amazon(database: &Database, key: &str) -> Result<Option<String>, Trouble> {
    let db = database.connect(VALUE_BYTES)?;
    if table(&db, "state")?.is_none() {
        return Ok(None);
    }
    let mut statement = db.prepare(AMAZON).map_err(refused)?;
    let mut rows = statement.query([VALUE_BYTES]).map_err(refused)?;
    for _ in 0..ROWS {
        let Some(row) = rows.next().map_err(refused)? else { return Ok(None) };
        let text = |at| row.get_ref(at).ok().and_then(|value| value.as_str().ok());
        if text(0) == Some(key) {
            let longer: Option<bool> = row.get(2).map_err(refused)?;
            return if longer == Some(true) {
                Err(Trouble::TooLarge)
            } else {
                Ok(text(1).map(str::to_owned))
            };
        }
    }
    Err(Trouble::TooLarge)
}

/// How a table was made, in lower case. A view of that name could compute for ever: it is none.
fn table(db: &Connection, name: &str) -> Result<Option<String>, Trouble> {
    let query = "SELECT type || sql FROM sqlite_schema WHERE name = ?1";
    let kind: Option<String> = db.query_row(query, [name], |row| row.get(0)).optional().map_err(refused)?;
    let Some(kind) = kind else { return Ok(None) };
    let plain = kind.to_ascii_lowercase();
    let computes = plain.contains("generated") || plain.contains(" as (");
    if !plain.starts_with("tablecreate table") || computes {
        return Err(Trouble::Malformed);
    }
    Ok(Some(plain))
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

    fn open(path: &std::path::Path) -> Database {
        Database::of(std::fs::File::open(path).unwrap())
    }

    const TABLE: &str = "CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);";

    #[test]
    fn a_text_is_found_by_its_key_and_nothing_is_left_beside_the_file() {
        let (folder, path) = database(&format!(
            "{TABLE} INSERT INTO ItemTable VALUES ('cursorAuth/cachedEmail', 'kim@corp.example'), ('cursorAuth/accessToken', 'secret')"
        ));
        let file = open(&path);
        assert_eq!(text(&file, "cursorAuth/cachedEmail"), Ok(Some("kim@corp.example".into())));
        assert_eq!(text(&file, "other"), Ok(None));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn settings_are_read_out_of_a_long_object_and_nothing_else_is_kept() {
        let history = "x".repeat(3 * 1024 * 1024);
        let object =
            format!(r#"{{"taskHistory": ["{history}"], "apiProvider": "ollama", "apiKey": "secret"}}"#);
        let (_folder, path) = database(&format!(
            "{TABLE} INSERT INTO ItemTable VALUES ('a.b', '{object}'), ('none', NULL), ('number', 7), ('list', '[1]'), ('bomb', zeroblob(100000000))"
        ));
        let file = open(&path);
        let wanted = ["apiProvider", "apiModelId"];
        assert_eq!(members(&file, "a.b", &wanted), Ok(Some(serde_json::json!({"apiProvider": "ollama"}))));
        assert_eq!(members(&file, "none", &wanted), Ok(None));
        assert_eq!(members(&file, "other", &wanted), Ok(None));
        assert_eq!(members(&file, "number", &wanted), Err(Trouble::Malformed));
        assert_eq!(members(&file, "list", &wanted), Err(Trouble::Malformed));
        assert_eq!(members(&file, "bomb", &wanted), Err(Trouble::TooLarge));
        let bytes = std::fs::read(&path).unwrap();
        for end in (0..bytes.len().min(64 * 1024)).step_by(509) {
            std::fs::write(&path, &bytes[..end]).unwrap();
            drop(members(&open(&path), "a.b", &wanted));
        }
    }

    #[test]
    fn a_table_beside_others_is_looked_through() {
        let (_folder, path) = database(
            "CREATE TABLE auth_kv (key TEXT PRIMARY KEY, value TEXT); INSERT INTO auth_kv VALUES ('codewhisperer:odic:token', 'secret');
             CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB);
             INSERT INTO state VALUES ('telemetryClientId', '\"x\"'), ('auth.idc.start-url', CAST('\"https://corp.awsapps.com/start\"' AS BLOB))",
        );
        let file = open(&path);
        let found = Ok(Some("\"https://corp.awsapps.com/start\"".into()));
        assert_eq!(text_of_amazon(&file, "auth.idc.start-url"), found);
        assert_eq!(text_of_amazon(&file, "other"), Ok(None));
        let (_folder, path) = database("CREATE VIEW state AS SELECT 1 AS key, 2 AS value");
        assert_eq!(text_of_amazon(&open(&path), "k"), Err(Trouble::Malformed));
        let (_folder, path) = database(
            "CREATE TABLE state (key, value); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
             INSERT INTO state SELECT i, i FROM n",
        );
        assert_eq!(text_of_amazon(&open(&path), "k"), Err(Trouble::TooLarge));
    }

    #[test]
    fn what_is_no_such_database_is_malformed_and_never_computed() {
        let (_folder, path) = database(
            "CREATE VIEW ItemTable AS WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM n) SELECT key, key AS value FROM n",
        );
        assert_eq!(text(&open(&path), "k"), Err(Trouble::Malformed));
        let (_folder, path) = database("CREATE TABLE ItemTable (key TEXT, value BLOB)");
        assert_eq!(text(&open(&path), "k"), Err(Trouble::Malformed));
        let (_folder, path) = database("CREATE TABLE other (a)");
        assert_eq!(text(&open(&path), "k"), Ok(None));
        std::fs::write(&path, "no database at all").unwrap();
        assert_eq!(text(&open(&path), "k"), Err(Trouble::Malformed));
        let (_folder, path) = database(TABLE);
        let bytes = std::fs::read(&path).unwrap();
        for end in (0..bytes.len()).step_by(509) {
            std::fs::write(&path, &bytes[..end]).unwrap();
            drop(text(&open(&path), "k"));
        }
    }
}
