//! The SQLite file of MacPorts: table `ports` of its registry (`src/registry2.0/` of macports-base).

use super::super::safe::Trouble;
use super::super::sqlite::{Database, refused};

/// Most ports read.
const PORTS: usize = 50_000;
/// Longest name or version, in bytes; the portfile of a port, which is not asked for, has some hundred kilobytes.
const TEXT_BYTES: i32 = 64 * 1024;

/// Gives name and version of each port that is active; `imaged` ones are kept and not in use.
pub(in super::super) fn ports(
    database: &Database,
    mut each: impl FnMut(String, String) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let db = database.connect(TEXT_BYTES)?;
    let query = "SELECT CAST(name AS TEXT), CAST(version AS TEXT) FROM ports WHERE state = 'installed'";
    let mut statement = db.prepare(query).map_err(refused)?;
    let mut rows = statement.query([]).map_err(refused)?;
    let mut read = 0;
    while let Some(row) = rows.next().map_err(refused)? {
        read += 1;
        if read > PORTS {
            return Err(Trouble::TooLarge);
        }
        let text = |at| row.get::<_, String>(at).map_err(|_: rusqlite::Error| Trouble::Malformed);
        each(text(0)?, text(1)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_active_ports_are_given() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("registry.db");
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch(
            "CREATE TABLE ports (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT COLLATE NOCASE, portfile TEXT, location TEXT,
             epoch INTEGER, version TEXT, revision INTEGER, variants TEXT, state TEXT, requested INTEGER);
             INSERT INTO ports (name, version, revision, state) VALUES
             ('ollama', '0.12.3', 0, 'installed'), ('zlib', '1.3.1', 0, 'imaged'), ('llama.cpp', '6800', 1, 'installed');",
        )
        .unwrap();
        drop(db);
        let mut ports = Vec::new();
        super::ports(&Database::of(std::fs::File::open(&path).unwrap()), |name, version| {
            ports.push((name, version));
            Ok(())
        })
        .unwrap();
        assert_eq!(ports, [("ollama".into(), "0.12.3".into()), ("llama.cpp".into(), "6800".into())]);
        std::fs::write(&path, "x".repeat(4096)).unwrap();
        let none = Database::of(std::fs::File::open(&path).unwrap());
        assert_eq!(super::ports(&none, |_, _| Ok(())), Err(Trouble::Malformed));
    }
}
