//! rpm: the database of installed packages, in its SQLite form.
//!
//! A package is a header (the RPM file format's): two big-endian counts, an index of 16-byte entries (tag, type,
//! offset, count), then the data. The older back-ends cannot be read here; that they are there is told.

use umbrascope_rules::SoftwareKind;

use super::rpmdb;
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

const FOLDERS: &[&str] = &["usr/lib/sysimage/rpm", "var/lib/rpm"];
/// Largest database read, in bytes.
const DATABASE_BYTES: u64 = 2 * 1024 * 1024 * 1024;

const TAG_NAME: u32 = 1000;
const TAG_VERSION: u32 = 1001;
const TAG_RELEASE: u32 = 1002;
const TAG_EPOCH: u32 = 1003;
const TYPE_INT32: u32 = 4;
const TYPE_STRING: u32 = 6;
/// Most entries of an index, as rpm itself bounds them.
const ENTRIES: usize = 0xFFFF;

pub(super) fn read(root: &Dir, source: &mut Source<'_>) {
    for folder in FOLDERS {
        let Some(folder) = source.note(root.dir(folder), || root.shown_child(folder)) else { continue };
        let location = || folder.shown_child("rpmdb.sqlite");
        let Some(file) = source.note(folder.file("rpmdb.sqlite", DATABASE_BYTES), location) else {
            for old in ["Packages.db", "Packages"] {
                if folder.look(old).is_ok() {
                    source.trouble(Trouble::Refused, folder.shown_child(old));
                }
            }
            continue;
        };
        let owner = file.uid;
        let file = file.into_file();
        let done = rpmdb::headers(&file, |header| {
            match parse(header) {
                Some(package) => source.offer(
                    SoftwareKind::Rpm,
                    Found::new(package.name).version(Some(package.version)).at(location(), owner),
                ),
                None => source.trouble(Trouble::Malformed, location()),
            }
            root.budget().check()
        });
        source.note(done, location);
        // The two folders are one by a link on most systems.
        return;
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Package {
    name: String,
    version: String,
}

pub(super) fn parse(header: &[u8]) -> Option<Package> {
    let number = |at: usize| Some(u32::from_be_bytes(header.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let entries = usize::try_from(number(0)?).ok()?;
    if entries > ENTRIES {
        return None;
    }
    let data = header.get(8 + entries * 16..)?;
    let text = |offset: u32| {
        let rest = data.get(usize::try_from(offset).ok()?..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(&rest[..end]).into_owned())
    };
    let (mut name, mut version, mut release, mut epoch) = (None, None, None, None);
    for entry in 0..entries {
        let at = 8 + entry * 16;
        let (tag, kind, offset) = (number(at)?, number(at + 4)?, number(at + 8)?);
        match (tag, kind) {
            (TAG_NAME, TYPE_STRING) => name = text(offset),
            (TAG_VERSION, TYPE_STRING) => version = text(offset),
            (TAG_RELEASE, TYPE_STRING) => release = text(offset),
            (TAG_EPOCH, TYPE_INT32) => {
                let at = usize::try_from(offset).ok()?;
                epoch =
                    data.get(at..at.checked_add(4)?).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
            }
            _ => {}
        }
    }
    let epoch = epoch.filter(|epoch| *epoch != 0).map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let release = release.map(|release| format!("-{release}")).unwrap_or_default();
    Some(Package {
        name: name.filter(|name| !name.is_empty())?,
        version: format!("{epoch}{}{release}", version?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(texts: &[(u32, &str)], epoch: Option<u32>) -> Vec<u8> {
        let (mut index, mut data): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
        let mut entry = |tag: u32, kind: u32, bytes: &[u8]| {
            for number in [tag, kind, data.len() as u32, 1] {
                index.extend(number.to_be_bytes());
            }
            data.extend(bytes);
        };
        if let Some(epoch) = epoch {
            entry(TAG_EPOCH, TYPE_INT32, &epoch.to_be_bytes());
        }
        for (tag, text) in texts {
            entry(*tag, TYPE_STRING, &[text.as_bytes(), b"\0"].concat());
        }
        let mut out = ((index.len() / 16) as u32).to_be_bytes().to_vec();
        out.extend((data.len() as u32).to_be_bytes());
        out.extend(index);
        out.extend(data);
        out
    }

    #[test]
    fn a_header_gives_name_and_full_version() {
        let texts =
            [(TAG_NAME, "ollama"), (TAG_VERSION, "0.12.3"), (TAG_RELEASE, "1.fc43"), (1004, "summary")];
        let package = parse(&header(&texts, Some(2))).unwrap();
        assert_eq!((package.name.as_str(), package.version.as_str()), ("ollama", "2:0.12.3-1.fc43"));
        assert_eq!(parse(&header(&texts, None)).unwrap().version, "0.12.3-1.fc43");
    }

    #[test]
    fn no_prefix_of_a_header_panics() {
        let whole = header(&[(TAG_NAME, "a"), (TAG_VERSION, "1")], None);
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end]), None);
        }
        assert_eq!(parse(&[0xFF; 64]), None);
    }

    #[test]
    fn the_database_is_read_without_touching_its_folder() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("rpmdb.sqlite");
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch(
            "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)",
        )
        .unwrap();
        db.execute(
            "INSERT INTO Packages (blob) VALUES (?1)",
            [header(&[(TAG_NAME, "x"), (TAG_VERSION, "1")], None)],
        )
        .unwrap();
        drop(db);
        let mut names = Vec::new();
        rpmdb::headers(&std::fs::File::open(&path).unwrap(), |header| {
            names.push(parse(header).unwrap().name);
            Ok(())
        })
        .unwrap();
        assert_eq!(names, ["x"]);
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
        std::fs::write(&path, "no database at all, but long enough to look like one to a careless reader")
            .unwrap();
        let result = rpmdb::headers(&std::fs::File::open(&path).unwrap(), |_| Ok(()));
        assert_eq!(result, Err(Trouble::Malformed));
    }
}
