//! The SQLite file of Cherry Studio 2: its table `mcp_server` (`src/main/data/db/schemas/mcpServer.ts` of the project), as the shape
//! that other clients write. Version 1 kept its servers in the store of its web page, which is not read.

use serde_json::{Value, json};

use crate::scan::safe::Trouble;
use crate::scan::sqlite::{Database, refused};

/// Most servers read, and the longest value of one, in bytes.
const SERVERS: usize = 500;
const VALUE_BYTES: i32 = 64 * 1024;

const COLUMNS: [&str; 8] = ["name", "type", "base_url", "command", "args", "env", "headers", "is_active"];

/// Reads the servers, as a list under `mcpServers`, and whether a value was too long to be taken.
pub(in crate::scan) fn servers(database: &Database) -> Result<(Value, bool), Trouble> {
    let db = database.connect(VALUE_BYTES)?;
    // A view of that name could compute for ever.
    let plain = "SELECT count(*) FROM sqlite_schema WHERE name = 'mcp_server' AND type = 'table' AND sql NOT LIKE '%generated%' \
        AND sql NOT LIKE '% as (%'";
    if db.query_row(plain, [], |row| row.get::<_, i64>(0)).map_err(refused)? != 1 {
        return Ok((Value::Null, false));
    }
    // A length is known without the value, which stays where it is when it is long.
    let short =
        COLUMNS.map(|column| format!("CASE WHEN octet_length({column}) <= ?1 THEN {column} END")).join(", ");
    let longer = COLUMNS.map(|column| format!("ifnull(octet_length({column}) > ?1, 0)")).join(" OR ");
    let query = format!("SELECT {short}, {longer} FROM mcp_server");
    let mut statement = db.prepare(&query).map_err(refused)?;
    let mut rows = statement.query([VALUE_BYTES]).map_err(refused)?;
    let mut servers = Vec::new();
    let mut cut = false;
    while let Some(row) = rows.next().map_err(refused)? {
        if servers.len() == SERVERS {
            return Err(Trouble::TooLarge);
        }
        cut |= row.get::<_, bool>(COLUMNS.len()).map_err(refused)?;
        let mut texts: [Option<String>; COLUMNS.len()] = Default::default();
        for (at, text) in texts.iter_mut().enumerate() {
            *text = match row.get_ref(at).map_err(refused)? {
                rusqlite::types::ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
                rusqlite::types::ValueRef::Integer(number) => Some(number.to_string()),
                _ => None,
            };
        }
        let [name, kind, url, command, args, env, headers, active] = texts;
        let parsed = |text: Option<String>| text.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let mut server = json!({"name": name, "isActive": active.map(|active| active != "0")});
        let rest = [
            ("type", kind.map(Value::String)),
            ("url", url.filter(|url| !url.is_empty()).map(Value::String)),
            ("command", command.filter(|command| !command.is_empty()).map(Value::String)),
            ("args", parsed(args)),
            ("env", parsed(env)),
            ("headers", parsed(headers)),
        ];
        for (key, value) in rest {
            if let Some(value) = value {
                server[key] = value;
            }
        }
        servers.push(server);
    }
    Ok((json!({ "mcpServers": servers }), cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns that are read, and some of the others, as the project's migrations make them.
    const TABLE: &str = "CREATE TABLE `mcp_server` (`id` text PRIMARY KEY NOT NULL, `name` text NOT NULL, `type` text, `description` text,
        `base_url` text, `command` text, `args` text, `env` text, `headers` text, `timeout` integer,
        `is_active` integer DEFAULT false NOT NULL, CONSTRAINT \"mcp_server_type_check\" CHECK(\"type\" IS NULL OR \"type\" IN
        ('stdio', 'sse', 'streamableHttp', 'inProcess')));";

    fn database(sql: &str) -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cherrystudio.sqlite");
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let file = std::fs::File::open(path).unwrap();
        (folder, Database::of(file))
    }

    #[test]
    fn servers_are_read_with_what_they_are_started_with() {
        let (_folder, file) = database(&format!(
            "{TABLE} INSERT INTO mcp_server (id, name, type, base_url, command, args, env, headers, is_active) VALUES
             ('1', 'files', 'stdio', NULL, 'npx', '[\"-y\", \"a@1\"]', '{{\"K\": \"v\"}}', NULL, 1),
             ('2', 'remote', 'streamableHttp', 'https://mcp.example/mcp', '', NULL, NULL, '{{\"A\": \"b\"}}', 0);"
        ));
        let expected = json!({"mcpServers": [
            {"name": "files", "isActive": true, "type": "stdio", "command": "npx", "args": ["-y", "a@1"], "env": {"K": "v"}},
            {"name": "remote", "isActive": false, "type": "streamableHttp", "url": "https://mcp.example/mcp", "headers": {"A": "b"}}]});
        assert_eq!(servers(&file), Ok((expected, false)));
    }

    #[test]
    fn a_server_with_a_value_of_200_mb_is_named_and_the_value_is_told_as_left() {
        let (_folder, file) = database(&format!(
            "{TABLE} INSERT INTO mcp_server (id, name, command) VALUES ('1', 'files', 'uvx');
             ALTER TABLE mcp_server RENAME COLUMN args TO old; ALTER TABLE mcp_server ADD COLUMN args text;
             INSERT INTO mcp_server (id, name, command, args) VALUES ('2', 'bomb', 'npx', zeroblob(200000000));"
        ));
        let (found, cut) = servers(&file).unwrap();
        let names: Vec<_> =
            found["mcpServers"].as_array().unwrap().iter().map(|server| &server["name"]).collect();
        assert_eq!((names, cut), (vec![&json!("files"), &json!("bomb")], true));
    }

    #[test]
    fn what_is_no_such_file_is_told_and_never_computed() {
        let (_folder, file) = database(
            "CREATE VIEW mcp_server AS WITH RECURSIVE n(name) AS (SELECT 1 UNION ALL SELECT name + 1 FROM n) SELECT name FROM n",
        );
        assert_eq!(servers(&file), Ok((Value::Null, false)));
        let (_folder, file) = database("CREATE TABLE mcp_server (name text)");
        assert_eq!(servers(&file), Err(Trouble::Malformed));
        let (folder, _) = database(TABLE);
        let path = folder.path().join("cherrystudio.sqlite");
        let bytes = std::fs::read(&path).unwrap();
        for end in (0..bytes.len()).step_by(509) {
            std::fs::write(&path, &bytes[..end]).unwrap();
            drop(servers(&Database::of(std::fs::File::open(&path).unwrap())));
        }
    }
}
