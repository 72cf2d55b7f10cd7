//! Go: programs in the places for them, by the module that each says it was built from.
//!
//! A Go program of any system holds its build information ([`section`], `debug/buildinfo` of Go's library): 32 bytes of
//! head (`\xff Go buildinf:`, the size of pointers, flags), then, since Go 1.18, two texts, each after its length: the
//! version of Go, and lines `path`, `mod`, `dep` …, between two marks of 16 bytes. Only the program's own module is
//! taken; what it is built with is not installed by anybody. The module cache says what was downloaded, not used, and is
//! left out.

mod section;

use std::fs::File;
use std::path::Path;

use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, Trouble, read_at};
use super::source::{Found, Source};

/// `go install` writes to the first; the others hold what people put there by hand.
const HOME_BINS: &[&str] = &["go/bin", ".go/bin", ".local/bin", "bin"];
const SYSTEM_BINS: &[&str] = &["usr/local/bin", "usr/local/go-bin", "opt/bin"];
/// Folders with a folder for each version of Go, with its programs below.
const VERSIONS: &[(&str, &str)] = &[
    (".asdf/installs/golang", "packages/bin"),
    (".local/share/mise/installs/go", "bin"),
    (".local/share/mise/installs/golang", "bin"),
];

/// Most programs opened in one folder.
const PROGRAMS: usize = 2_000;
/// Largest build information, in bytes.
const INFO_BYTES: usize = 256 * 1024;
const HEAD: &[u8] = b"\xff Go buildinf:";
/// Flag of the head: the texts follow it.
const INLINE: u8 = 2;

pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for path in SYSTEM_BINS {
        read_bin(root, Path::new(path), source);
    }
}

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for path in HOME_BINS {
        read_bin(home, Path::new(path), source);
    }
    for (parent, inside) in VERSIONS {
        let Some((folder, versions)) = source.list(home, parent) else { continue };
        for version in versions.iter().filter(|entry| entry.kind.is_dir()) {
            read_bin(&folder, &Path::new(&version.name).join(inside), source);
        }
    }
}

fn read_bin(base: &Dir, path: &Path, source: &mut Source<'_>) {
    let Some((folder, entries)) = source.list(base, path) else { return };
    if entries.len() > PROGRAMS {
        source.trouble(Trouble::TooLarge, folder.shown());
    }
    // A link leads to what another source reads, or out of the home.
    for entry in entries.iter().filter(|entry| entry.kind.is_file()).take(PROGRAMS) {
        let location = || folder.shown_child(&entry.name);
        let Some(file) = source.note(folder.head(&entry.name), location) else { continue };
        let owner = file.uid;
        match info(&file.into_file()) {
            Some(info) => {
                source.offer(
                    SoftwareKind::Go,
                    Found::new(info.path).version(info.version).at(location(), owner),
                );
            }
            // A script, or a program in another language.
            None => source.pass(),
        }
    }
}

/// What a program was built from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Info {
    /// The package, or its module where that is all that is said.
    path: String,
    /// The module's; none for what was built in its own folder.
    version: Option<String>,
}

fn info(file: &File) -> Option<Info> {
    let read = |at: u64, len: usize| -> Option<Vec<u8>> {
        let mut bytes = vec![0; len];
        let mut have = 0;
        while have < len {
            match read_at(file, &mut bytes[have..], at.saturating_add(have as u64)).ok()? {
                0 => break,
                read => have += read,
            }
        }
        bytes.truncate(have);
        Some(bytes)
    };
    let (at, len) = section::find(&read)?;
    parse(&read(at, len.min(INFO_BYTES))?)
}

/// The section itself.
pub(super) fn parse(section: &[u8]) -> Option<Info> {
    if !section.starts_with(HEAD) || section.get(15)? & INLINE == 0 {
        return None;
    }
    let (_, rest) = text(section.get(32..)?)?;
    let (module, _) = text(rest)?;
    let lines = module.get(16..module.len().checked_sub(16)?)?;
    let lines = std::str::from_utf8(lines).ok()?;
    let line = |word: &str| lines.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix('\t'));
    let mut module = line("mod").unwrap_or_default().split('\t');
    let name = module.next().filter(|name| !name.is_empty());
    let version = module.next().filter(|version| !version.is_empty() && *version != "(devel)");
    let path = line("path").filter(|path| *path != "command-line-arguments").or(name)?;
    Some(Info { path: path.to_owned(), version: version.map(str::to_owned) })
}

/// A text after its length, which is a varint (encoding/binary of Go), and what follows.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut len = 0u64;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        len |= u64::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            let rest = bytes.get(at + 1..)?;
            return rest.split_at_checked(usize::try_from(len).ok()?);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The section of a program that Go 1.19 built from an empty `main` of a module, by `objcopy --dump-section`.
    const SECTION: &[u8] = include_bytes!("testdata/go.buildinfo");

    #[test]
    fn a_section_names_the_module() {
        let info = parse(SECTION).unwrap();
        assert_eq!(info, Info { path: "github.com/ollama/ollama".into(), version: None });
    }

    #[test]
    fn no_prefix_panics_and_no_changed_byte_either() {
        for end in 0..SECTION.len() {
            let _ = parse(&SECTION[..end]);
        }
        for at in 0..SECTION.len() {
            let mut broken = SECTION.to_vec();
            broken[at] ^= 0xFF;
            let _ = parse(&broken);
        }
        assert_eq!(parse(b""), None);
        let long = [&b"\xff Go buildinf:\x08\x02"[..], &[0; 16], &[0xFF; 64]].concat();
        assert_eq!(parse(&long), None);
    }

    #[test]
    fn what_is_no_program_has_none() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("x");
        let head = |shoff: u64, size: u16, count: u16| {
            let mut head = vec![0; 64];
            head[..6].copy_from_slice(b"\x7fELF\x02\x01");
            head[40..48].copy_from_slice(&shoff.to_le_bytes());
            head[58..60].copy_from_slice(&size.to_le_bytes());
            head[60..62].copy_from_slice(&count.to_le_bytes());
            head
        };
        let files = [
            b"#!/bin/sh\n".to_vec(),
            head(u64::MAX, 64, 5),
            head(0, 64, 1),
            head(64, 64, u16::MAX),
            head(64, 0, 1),
        ];
        for bytes in files {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(info(&File::open(&path).unwrap()), None);
        }
        // This program is not Go's either, and has every section.
        assert_eq!(info(&File::open(std::env::current_exe().unwrap()).unwrap()), None);
    }
}
