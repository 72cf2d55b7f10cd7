//! Chocolatey: `lib/<id>/<id>.nuspec`.

use umbrascope_rules::SoftwareKind;

use super::super::safe::{Dir, Trouble};
use super::super::source::{Found, Source};
use super::super::xml;

const LIB: &str = "ProgramData/chocolatey/lib";
/// Largest `.nuspec` read, in bytes.
const NUSPEC_BYTES: u64 = 1024 * 1024;

pub(in super::super) fn read(root: &Dir, source: &mut Source<'_>) {
    let Some(lib) = source.note(root.dir(LIB), || root.shown_child(LIB)) else { return };
    let Some((entries, trouble)) = source.note(lib.entries(), || lib.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, lib.shown());
    }
    for entry in entries.iter().filter(|entry| entry.may_be_dir()) {
        let Some(folder) = entry.text() else { continue };
        let location = || lib.shown_child(folder);
        let Some(dir) = source.note(lib.dir(folder), location) else { continue };
        // The file is called as the package is, in the case that its author gave it.
        let file = format!("{folder}.nuspec");
        let bytes = dir.read(&file, NUSPEC_BYTES).or_else(|trouble| match trouble {
            Trouble::Absent => {
                let (entries, _) = dir.entries()?;
                let other = entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(&file));
                dir.read(&other.ok_or(Trouble::Absent)?.name, NUSPEC_BYTES)
            }
            other => Err(other),
        });
        let Some(bytes) = source.note(bytes, location) else { continue };
        let Some(texts) = source.note(parse(&bytes), location) else { continue };
        let [id, version, authors] = texts;
        let mut found = Found::new(id.unwrap_or_else(|| folder.to_owned())).version(version);
        found.details.publisher = authors;
        found.details.location = Some(lib.shown().into());
        source.offer(SoftwareKind::Chocolatey, found);
    }
}

/// Id, version and authors.
pub(in super::super) fn parse(bytes: &[u8]) -> Result<[Option<String>; 3], Trouble> {
    xml::texts(bytes, ["package/metadata/id", "package/metadata/version", "package/metadata/authors"])
}
