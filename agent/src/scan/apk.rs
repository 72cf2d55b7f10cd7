//! apk: one file of paragraphs, a letter a field (`P:` name, `V:` version).

use std::io::{BufRead, BufReader, Read};

use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

/// Where it stands; newer systems keep it below `/usr`.
const DATABASES: &[&str] = &["lib/apk/db/installed", "usr/lib/apk/db/installed"];
/// Largest database read, in bytes.
const DATABASE_BYTES: u64 = 256 * 1024 * 1024;
/// Longest line kept, in bytes.
const LINE_BYTES: u64 = 64 * 1024;

pub(super) fn read(root: &Dir, source: &mut Source<'_>) {
    for path in DATABASES {
        let location = || root.shown_child(path);
        let Some(file) = source.note(root.file(path, DATABASE_BYTES), location) else { continue };
        let owner = file.uid;
        let done = parse(BufReader::new(file.reader(DATABASE_BYTES)), |name, version| {
            source.offer(SoftwareKind::Apk, Found::new(name).version(version).at(location(), owner));
            root.budget().check()
        });
        source.note(done, location);
        return;
    }
}

pub(super) fn parse(
    mut reader: impl BufRead,
    mut each: impl FnMut(&str, Option<&str>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let (mut name, mut version): (Option<String>, Option<String>) = (None, None);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader)
            .take(LINE_BYTES)
            .read_until(b'\n', &mut line)
            .map_err(|error| Trouble::of_reading(error.kind()))?;
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        if text.is_empty() {
            if let Some(name) = name.take() {
                each(name.as_str(), version.take().as_deref())?;
            }
            if read == 0 {
                return Ok(());
            }
        } else if let Some(value) = text.strip_prefix("P:") {
            name = Some(value.to_owned());
        } else if let Some(value) = text.strip_prefix("V:") {
            version = Some(value.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_give_packages() {
        let text =
            "C:Q1abc=\nP:musl\nV:1.2.5-r0\nA:x86_64\nF:lib\nR:ld-musl-x86_64.so.1\n\nP:ollama\nV:0.5-r1\n";
        let mut packages = Vec::new();
        parse(text.as_bytes(), |name, version| {
            packages.push(format!("{name} {}", version.unwrap_or_default()));
            Ok(())
        })
        .unwrap();
        assert_eq!(packages, ["musl 1.2.5-r0", "ollama 0.5-r1"]);
    }
}
