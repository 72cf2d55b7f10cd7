//! rpm: the database of installed packages, in the forms that rpm has given it.
//!
//! SQLite and ndb are read here. The oldest, Berkeley DB, is left to rpm itself, on the running machine alone; in a
//! tree that is read as if it were one, that it is there is told.

#[cfg_attr(not(target_os = "linux"), path = "command_elsewhere.rs")]
mod command;
mod header;
mod ndb;

use std::fs::File;

use umbrascope_rules::SoftwareKind;

use super::OwnerId;
use super::rpmdb;
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};
use super::sqlite::Database;
pub(super) use header::parse;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) use ndb::headers as ndb_headers;

/// The second is the first by a link on most systems.
const FOLDERS: &[&str] = &["usr/lib/sysimage/rpm", "var/lib/rpm"];
/// The forms of the database, by their files.
const SQLITE: &str = "rpmdb.sqlite";
const NDB: &str = "Packages.db";
/// Largest database in the form ndb read, in bytes.
const NDB_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// `live`: whether the root is this running machine, whose own rpm may be asked.
pub(super) fn read(root: &Dir, live: bool, source: &mut Source<'_>) {
    for path in FOLDERS {
        let Some(folder) = source.note(root.dir(path), || root.shown_child(path)) else { continue };
        let read = read_file(&folder, SQLITE, source, open_sqlite, |db, each| rpmdb::headers(db, each))
            || read_file(&folder, NDB, source, open_ndb, |file, each| ndb::headers(file, each))
            || read_old(&folder, live, source);
        if read {
            return;
        }
    }
}

fn open_sqlite(folder: &Dir, source: &mut Source<'_>) -> Result<(Database, OwnerId), Trouble> {
    let database = Database::find(folder, SQLITE)?;
    database.tell(folder.shown_child(SQLITE), source);
    let owner = database.owner;
    Ok((database, owner))
}

fn open_ndb(folder: &Dir, _source: &mut Source<'_>) -> Result<(File, OwnerId), Trouble> {
    let file = folder.file(NDB, NDB_BYTES)?;
    let owner = file.uid;
    Ok((file.into_file(), owner))
}

/// Reads one form of the database; `false` where there is none.
fn read_file<T>(
    folder: &Dir,
    name: &str,
    source: &mut Source<'_>,
    open: impl FnOnce(&Dir, &mut Source<'_>) -> Result<(T, OwnerId), Trouble>,
    headers: impl FnOnce(&T, &mut dyn FnMut(&[u8]) -> Result<(), Trouble>) -> Result<(), Trouble>,
) -> bool {
    let location = || folder.shown_child(name);
    let (file, owner) = match open(folder, source) {
        Ok(opened) => opened,
        Err(Trouble::Absent) => return false,
        Err(trouble) => {
            source.trouble(trouble, location());
            return true;
        }
    };
    let done = headers(&file, &mut |header| {
        match parse(header) {
            Some(package) => source.offer(
                SoftwareKind::Rpm,
                Found::new(package.name).version(Some(package.version)).at(location(), owner),
            ),
            None => source.trouble(Trouble::Malformed, location()),
        }
        folder.budget().check()
    });
    source.note(done, location);
    true
}

/// Berkeley DB, `Packages`.
fn read_old(folder: &Dir, live: bool, source: &mut Source<'_>) -> bool {
    let Ok(look) = folder.look("Packages") else { return false };
    let location = || folder.shown_child("Packages");
    if !live {
        source.trouble(Trouble::Refused, location());
        return true;
    }
    let answer = command::query(&folder.absolute(), || folder.budget().check());
    for package in source.note(answer, location).unwrap_or_default() {
        let found = Found::new(package.name).version(Some(package.version)).at(location(), look.uid);
        source.offer(SoftwareKind::Rpm, found);
    }
    true
}

/// What rpm prints, for [`super::parsers`].
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn parse_answer(bytes: &[u8]) {
    drop(command::parse(bytes));
}

#[cfg(test)]
mod tests {
    use super::header::tests::header;
    use super::*;

    #[test]
    fn the_database_is_read_without_touching_its_folder() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("rpmdb.sqlite");
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch(
            "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)",
        )
        .unwrap();
        db.execute("INSERT INTO Packages (blob) VALUES (?1)", [header(&[(1000, "x"), (1001, "1")], None)])
            .unwrap();
        drop(db);
        let mut names = Vec::new();
        rpmdb::headers(&Database::of(File::open(&path).unwrap()), &mut |header: &[u8]| {
            names.push(parse(header).unwrap().name);
            Ok(())
        })
        .unwrap();
        assert_eq!(names, ["x"]);
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
        std::fs::write(&path, "no database at all, but long enough to look like one to a careless reader")
            .unwrap();
        let result = rpmdb::headers(&Database::of(File::open(&path).unwrap()), &mut |_: &[u8]| Ok(()));
        assert_eq!(result, Err(Trouble::Malformed));
    }
}
