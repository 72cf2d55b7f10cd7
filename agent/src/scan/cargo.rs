//! Cargo: programs installed with `cargo install`, from `.crates2.json`, or the older `.crates.toml` where it is alone.
//!
//! A key is `name version (source)` in both.

use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use umbrascope_rules::SoftwareKind;

use super::document::{self, Format};
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

/// Roots of installations of the system: of container images, and of `--root /usr/local`.
const SYSTEM_ROOTS: &[&str] = &["usr/local/cargo", "usr/local", "opt/cargo"];
const HOME_ROOTS: &[&str] = &[".cargo", ".local/share/cargo", ".local"];

/// Largest file read, in bytes: a few hundred bytes a program.
const INSTALLS_BYTES: u64 = 4 * 1024 * 1024;

type Installed = Vec<(String, Option<String>)>;

pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for path in SYSTEM_ROOTS {
        read(root, path, source);
    }
}

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for path in HOME_ROOTS {
        read(home, path, source);
    }
}

fn read(base: &Dir, path: &str, source: &mut Source<'_>) {
    for (file, parse) in [(".crates2.json", parse as fn(&[u8]) -> _), (".crates.toml", parse_toml)] {
        let path = format!("{path}/{file}");
        let location = || base.shown_child(&path);
        let Some(file) = source.note(base.file(&path, INSTALLS_BYTES), location) else { continue };
        let owner = file.uid;
        let installs: Result<Installed, Trouble> = file.bytes().and_then(|bytes| parse(&bytes));
        for (name, version) in source.note(installs, location).into_iter().flatten() {
            source.offer(SoftwareKind::Cargo, Found::new(name).version(version).at(location(), owner));
        }
        // cargo writes both, and the first says all that the second does.
        return;
    }
}

#[derive(Deserialize)]
struct Installs {
    installs: BTreeMap<String, IgnoredAny>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Installed, Trouble> {
    let file: Installs = serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)?;
    Ok(file.installs.into_keys().filter_map(|key| split(&key)).collect())
}

pub(super) fn parse_toml(bytes: &[u8]) -> Result<Installed, Trouble> {
    let file = document::parse(bytes, Format::Toml)?;
    Ok(file["v1"].as_object().into_iter().flatten().filter_map(|(key, _)| split(key)).collect())
}

fn split(key: &str) -> Option<(String, Option<String>)> {
    let mut words = key.split(' ');
    Some((words.next().filter(|name| !name.is_empty())?.to_owned(), words.next().map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_name_and_version() {
        let text = br#"{"installs":{"aichat 0.30.0 (registry+https://github.com/rust-lang/crates.io-index)":
            {"version_req":null,"bins":["aichat"],"features":[],"all_features":false,"no_default_features":false,
             "profile":"release","target":"x86_64-unknown-linux-gnu","rustc":"rustc 1.90.0"}}}"#;
        assert_eq!(parse(text).unwrap(), [("aichat".into(), Some("0.30.0".into()))]);
        assert_eq!(parse(b"{").unwrap_err(), Trouble::Malformed);
        let text = b"[v1]\n\"aichat 0.30.0 (registry+https://github.com/rust-lang/crates.io-index)\" = [\"aichat\"]\n";
        assert_eq!(parse_toml(text).unwrap(), [("aichat".into(), Some("0.30.0".into()))]);
        assert_eq!(parse_toml(b"[v1").unwrap_err(), Trouble::Malformed);
    }
}
