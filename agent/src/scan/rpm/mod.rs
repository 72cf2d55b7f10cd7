//! rpm: the database of installed packages, in the forms that rpm has given it.
//!
//! SQLite and ndb are read here. The oldest, Berkeley DB, is left to rpm itself, on the running machine alone; in a
//! tree that is read as if it were one, that it is there is told.

#[cfg_attr(not(target_os = "linux"), path = "command_elsewhere.rs")]
mod command;
mod header;
mod ndb;

use umbrascope_rules::SoftwareKind;

use super::rpmdb;
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};
pub(super) use header::parse;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) use ndb::headers as ndb_headers;

/// The second is the first by a link on most systems.
const FOLDERS: &[&str] = &["usr/lib/sysimage/rpm", "var/lib/rpm"];
/// Largest database read, in bytes.
const DATABASE_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// `live`: whether the root is this running machine, whose own rpm may be asked.
pub(super) fn read(root: &Dir, live: bool, source: &mut Source<'_>) {
    for path in FOLDERS {
        let Some(folder) = source.note(root.dir(path), || root.shown_child(path)) else { continue };
        let read = read_file(&folder, "rpmdb.sqlite", source, |file, each| rpmdb::headers(file, each))
            || read_file(&folder, "Packages.db", source, |file, each| ndb::headers(file, each))
            || read_old(&folder, live, source);
        if read {
            return;
        }
    }
}

/// Reads one form of the database; `false` where there is none.
fn read_file(
    folder: &Dir,
    name: &str,
    source: &mut Source<'_>,
    headers: impl FnOnce(&std::fs::File, &mut dyn FnMut(&[u8]) -> Result<(), Trouble>) -> Result<(), Trouble>,
) -> bool {
    let location = || folder.shown_child(name);
    let file = match folder.file(name, DATABASE_BYTES) {
        Ok(file) => file,
        Err(Trouble::Absent) => return false,
        Err(trouble) => {
            source.trouble(trouble, location());
            return true;
        }
    };
    let owner = file.uid;
    let file = file.into_file();
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
        rpmdb::headers(&std::fs::File::open(&path).unwrap(), &mut |header: &[u8]| {
            names.push(parse(header).unwrap().name);
            Ok(())
        })
        .unwrap();
        assert_eq!(names, ["x"]);
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
        std::fs::write(&path, "no database at all, but long enough to look like one to a careless reader")
            .unwrap();
        let result = rpmdb::headers(&std::fs::File::open(&path).unwrap(), &mut |_: &[u8]| Ok(()));
        assert_eq!(result, Err(Trouble::Malformed));
    }
}
