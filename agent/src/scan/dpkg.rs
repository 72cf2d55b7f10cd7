//! dpkg: `/var/lib/dpkg/status`, and `status.d/*` of images that were built without a package manager.
//!
//! The file is paragraphs of `Field: value` lines (deb-control(5)); a line that begins with a space continues the
//! field before it. Only a package whose `Status` ends in ` installed` is on the machine: `config-files` means that
//! it was removed. A `status.d` file has no `Status`: being there is being installed.

use std::io::{BufRead, BufReader, Read};

use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

/// Largest status file read, in bytes. A full desktop's has 5 MB.
const STATUS_BYTES: u64 = 256 * 1024 * 1024;
/// Longest line kept. Dependencies of some packages fill 10 KB; names and versions never come near.
const LINE_BYTES: u64 = 64 * 1024;

pub(crate) fn read(root: &Dir, source: &mut Source<'_>) {
    let status = "var/lib/dpkg/status";
    if let Some(file) = source.note(root.file(status, STATUS_BYTES), || "/var/lib/dpkg/status".into()) {
        let owner = file.uid;
        let done = parse(BufReader::new(file.reader(STATUS_BYTES)), true, |package, version| {
            source.offer(
                SoftwareKind::Dpkg,
                Found::new(package).version(version).at("/var/lib/dpkg/status", owner),
            );
            root.budget().check()
        });
        source.note(done, || "/var/lib/dpkg/status".into());
    }
    let Some(parts) = source.note(root.dir("var/lib/dpkg/status.d"), || "/var/lib/dpkg/status.d".into())
    else {
        return;
    };
    let Some((entries, trouble)) = source.note(parts.entries(), || parts.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, parts.shown());
    }
    for entry in entries {
        // Beside each paragraph lies a list of checksums of the same name.
        if entry.name.as_encoded_bytes().ends_with(b".md5sums") {
            continue;
        }
        let location = parts.shown_child(&entry.name);
        if let Some(file) = source.note(parts.file(&entry.name, STATUS_BYTES), || location.clone()) {
            let owner = file.uid;
            let done = parse(BufReader::new(file.reader(STATUS_BYTES)), false, |package, version| {
                source.offer(
                    SoftwareKind::Dpkg,
                    Found::new(package).version(version).at(location.clone(), owner),
                );
                root.budget().check()
            });
            source.note(done, || location.clone());
        }
    }
}

/// Gives each installed package and its version, a line at a time.
pub(super) fn parse(
    mut reader: impl BufRead,
    needs_status: bool,
    mut each: impl FnMut(&str, Option<&str>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut line = Vec::new();
    let (mut package, mut version) = (String::new(), String::new());
    let mut installed = !needs_status;
    loop {
        line.clear();
        let read = (&mut reader)
            .take(LINE_BYTES)
            .read_until(b'\n', &mut line)
            .map_err(|error| Trouble::of_reading(error.kind()))?;
        if line.contains(&0) {
            return Err(Trouble::Malformed);
        }
        if read as u64 == LINE_BYTES && !line.ends_with(b"\n") {
            reader.skip_until(b'\n').map_err(|error| Trouble::of_reading(error.kind()))?;
        }
        let text = line.trim_ascii_end();
        if text.is_empty() {
            if installed && !package.is_empty() {
                each(&package, Some(version.as_str()).filter(|version| !version.is_empty()))?;
            }
            if read == 0 {
                return Ok(());
            }
            package.clear();
            version.clear();
            installed = !needs_status;
        } else if let Some(value) = text.strip_prefix(b"Package:") {
            package = String::from_utf8_lossy(value.trim_ascii()).into_owned();
        } else if let Some(value) = text.strip_prefix(b"Version:") {
            version = String::from_utf8_lossy(value.trim_ascii()).into_owned();
        } else if let Some(value) = text.strip_prefix(b"Status:") {
            // Want, error flag, state: `install ok installed`, `hold ok installed`.
            installed = value.split(|byte| *byte == b' ').next_back() == Some(b"installed".as_slice());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, needs_status: bool) -> Vec<(String, Option<String>)> {
        let mut packages = Vec::new();
        parse(text.as_bytes(), needs_status, |package, version| {
            packages.push((package.to_owned(), version.map(str::to_owned)));
            Ok(())
        })
        .unwrap();
        packages
    }

    const STATUS: &str = "Package: adduser\nStatus: install ok installed\nPriority: important\nVersion: 3.134\n\
        Conffiles:\n /etc/deluser.conf 773fb95e98a27947de4a95abb3d3f2a2\nDescription: add and remove users\n \
        Package: not-a-package\n .\n more\n\nPackage: ollama\nStatus: deinstall ok config-files\nVersion: 1\n\n\
        Package: claude-desktop\nStatus: hold ok installed\nVersion: 1:0.14.10-1\n\nPackage: half\n\
        Status: install reinstreq half-installed\nVersion: 2\n\nPackage: last\nStatus: install ok installed\n";

    #[test]
    fn only_installed_packages_count() {
        assert_eq!(
            all(STATUS, true),
            [
                ("adduser".into(), Some("3.134".into())),
                ("claude-desktop".into(), Some("1:0.14.10-1".into())),
                ("last".into(), None)
            ]
        );
    }

    #[test]
    fn a_part_without_status_is_installed() {
        assert_eq!(
            all("Package: base-files\nVersion: 12\n", false),
            [("base-files".into(), Some("12".into()))]
        );
    }

    #[test]
    fn a_line_without_end_is_passed_over() {
        let text = format!(
            "Package: a\nStatus: install ok installed\nDepends: {}\nVersion: 1\n\n",
            "x".repeat(300_000)
        );
        assert_eq!(all(&text, true), [("a".into(), Some("1".into()))]);
    }

    #[test]
    fn no_prefix_of_a_real_file_panics() {
        for end in 0..STATUS.len() {
            all(&STATUS[..end], true);
        }
    }

    #[test]
    fn a_binary_file_is_malformed() {
        let result = parse(b"Package: a\0b\n".as_slice(), true, |_, _| Ok(()));
        assert_eq!(result, Err(Trouble::Malformed));
    }
}
