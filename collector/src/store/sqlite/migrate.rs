//! Brings a database to this version's schema: ordered files, each applied once, in one
//! transaction each, with its checksum kept. A newer or altered database is refused.

use std::path::Path;

use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::store::StoreError;

/// One step of the schema, written for both engines (see its head).
pub(super) struct Migration {
    pub(super) version: i64,
    pub(super) sql: &'static str,
}

/// All steps, oldest first. One that was released never changes.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("../../../migrations/0001_begin.sql") },
    Migration { version: 2, sql: include_str!("../../../migrations/0002_package_and_forwarded.sql") },
    Migration { version: 3, sql: include_str!("../../../migrations/0003_gateway.sql") },
    Migration { version: 4, sql: include_str!("../../../migrations/0004_hidden_destinations.sql") },
    Migration { version: 10, sql: include_str!("../../../migrations/0010_suspects.sql") },
    Migration { version: 11, sql: include_str!("../../../migrations/0011_own_rules.sql") },
    Migration { version: 20, sql: include_str!("../../../migrations/0020_governance.sql") },
    Migration { version: 21, sql: include_str!("../../../migrations/0021_checkpoint.sql") },
    Migration { version: 22, sql: include_str!("../../../migrations/0022_people.sql") },
    Migration { version: 24, sql: include_str!("../../../migrations/0024_findings.sql") },
    Migration { version: 25, sql: include_str!("../../../migrations/0025_scope.sql") },
    Migration { version: 26, sql: include_str!("../../../migrations/0026_campaigns.sql") },
    Migration { version: 30, sql: include_str!("../../../migrations/0030_sealed_accounts.sql") },
    Migration { version: 32, sql: include_str!("../../../migrations/0032_monthly_snapshots.sql") },
    Migration { version: 33, sql: include_str!("../../../migrations/0033_requests.sql") },
    Migration { version: 35, sql: include_str!("../../../migrations/0035_sign_days.sql") },
    Migration { version: 36, sql: include_str!("../../../migrations/0036_links_of_others.sql") },
    Migration { version: 37, sql: include_str!("../../../migrations/0037_accelerated.sql") },
    Migration { version: 38, sql: include_str!("../../../migrations/0038_personal.sql") },
    Migration { version: 39, sql: include_str!("../../../migrations/0039_clocks.sql") },
    Migration { version: 40, sql: include_str!("../../../migrations/0040_emergency.sql") },
    Migration { version: 41, sql: include_str!("../../../migrations/0041_version_limits.sql") },
];

/// Applies what is missing. A database that holds something already is copied aside first.
pub(super) fn migrate(
    connection: &mut Connection,
    migrations: &[Migration],
    path: &Path,
    now_ms: i64,
) -> Result<(), StoreError> {
    let failed = |source| StoreError::database("be migrated", source);
    connection
        .execute_batch(
            "CREATE TABLE IF NOT EXISTS migration (
                version INTEGER NOT NULL PRIMARY KEY,
                checksum TEXT NOT NULL,
                applied_at_ms INTEGER NOT NULL
            ) STRICT",
        )
        .map_err(failed)?;
    let found = check(connection, migrations)?;
    let missing = || migrations.iter().filter(|migration| migration.version > found);
    if found > 0 && missing().next().is_some() {
        let copy = path.with_extension(format!("before-{}.db", found + 1));
        if !copy.exists() {
            connection
                .execute("VACUUM INTO $1", params![copy.display().to_string()])
                .map_err(|source| StoreError::database("be copied aside before its migration", source))?;
        }
    }
    for migration in missing() {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let applied = step
            .query_row(
                "SELECT version FROM migration WHERE version = $1",
                params![migration.version],
                |row| row.get::<_, i64>(0),
            )
            .optional()
            .map_err(failed)?;
        // Another process may have been quicker.
        if applied.is_none() {
            step.execute_batch(&for_sqlite(migration.sql)).map_err(failed)?;
            step.execute(
                "INSERT INTO migration (version, checksum, applied_at_ms) VALUES ($1, $2, $3)",
                params![migration.version, checksum(migration.sql), now_ms],
            )
            .map_err(failed)?;
        }
        step.commit().map_err(failed)?;
    }
    Ok(())
}

/// The version of the database, when every step in it is one of ours.
pub(super) fn check(connection: &Connection, migrations: &[Migration]) -> Result<i64, StoreError> {
    let read = || -> rusqlite::Result<Vec<(i64, String)>> {
        let mut statement = connection.prepare("SELECT version, checksum FROM migration ORDER BY version")?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    let applied = read().map_err(|source| StoreError::database("tell its schema version", source))?;
    let known = migrations.last().map_or(0, |last| last.version);
    let found = applied.last().map_or(0, |(version, _)| *version);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (version, sum) in applied {
        let ours = migrations.iter().find(|migration| migration.version == version);
        if ours.is_none_or(|migration| checksum(migration.sql) != sum) {
            return Err(StoreError::Altered { version });
        }
    }
    Ok(found)
}

fn for_sqlite(sql: &str) -> String {
    sql.replace("{{int}}", "INTEGER")
        .replace("{{table}}", "STRICT")
        .replace("{{keyed}}", "WITHOUT ROWID, STRICT")
        .replace("{{json}}", "")
}

fn checksum(sql: &str) -> String {
    HEXLOWER.encode(ring::digest::digest(&ring::digest::SHA256, sql.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Migration = Migration { version: 1, sql: "CREATE TABLE a (x {{int}} NOT NULL) {{table}};" };
    const SECOND: Migration = Migration { version: 2, sql: "CREATE TABLE b (x {{int}} NOT NULL) {{table}};" };

    fn database() -> (tempfile::TempDir, std::path::PathBuf, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("collector.db");
        let connection = Connection::open(&path).unwrap();
        (dir, path, connection)
    }

    #[test]
    fn every_migration_is_applied_once() {
        let (_dir, path, mut connection) = database();
        migrate(&mut connection, MIGRATIONS, &path, 1).unwrap();
        migrate(&mut connection, MIGRATIONS, &path, 2).unwrap();
        assert_eq!(check(&connection, MIGRATIONS).unwrap(), MIGRATIONS.last().unwrap().version);
    }

    #[test]
    fn a_database_with_records_is_copied_aside_before_it_is_changed() {
        let (_dir, path, mut connection) = database();
        migrate(&mut connection, &[FIRST], &path, 1).unwrap();
        connection.execute("INSERT INTO a (x) VALUES (7)", []).unwrap();
        migrate(&mut connection, &[FIRST, SECOND], &path, 2).unwrap();
        let copy = Connection::open(path.with_extension("before-2.db")).unwrap();
        assert_eq!(copy.query_row("SELECT x FROM a", [], |row| row.get::<_, i64>(0)).unwrap(), 7);
        assert_eq!(check(&connection, &[FIRST, SECOND]).unwrap(), 2);
    }

    #[test]
    fn a_newer_database_is_refused() {
        let (_dir, path, mut connection) = database();
        migrate(&mut connection, &[FIRST, SECOND], &path, 1).unwrap();
        let refusal = migrate(&mut connection, &[FIRST], &path, 2);
        assert!(matches!(refusal, Err(StoreError::Newer { found: 2, known: 1 })), "{refusal:?}");
    }

    #[test]
    fn an_altered_migration_is_refused() {
        let (_dir, path, mut connection) = database();
        migrate(&mut connection, &[FIRST], &path, 1).unwrap();
        let other = Migration { version: 1, sql: "CREATE TABLE c (x {{int}}) {{table}};" };
        let refusal = migrate(&mut connection, &[other], &path, 2);
        assert!(matches!(refusal, Err(StoreError::Altered { version: 1 })), "{refusal:?}");
    }

    #[test]
    fn a_failing_migration_leaves_the_database_as_it_was() {
        let (_dir, path, mut connection) = database();
        migrate(&mut connection, &[FIRST], &path, 1).unwrap();
        let broken = Migration { version: 2, sql: "CREATE TABLE b (x {{int}}) {{table}}; NONSENSE;" };
        assert!(migrate(&mut connection, &[FIRST, broken], &path, 2).is_err());
        assert_eq!(check(&connection, &[FIRST]).unwrap(), 1);
        assert!(connection.prepare("SELECT x FROM b").is_err());
    }
}
