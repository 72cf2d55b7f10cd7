//! Cargo: programs installed with `cargo install`, from `.crates2.json` (or the older `.crates.toml`).
//!
//! A key of `installs` is `name version (source)`.

use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

/// Largest file read, in bytes: a few hundred bytes a program.
const INSTALLS_BYTES: u64 = 4 * 1024 * 1024;

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for path in [".cargo/.crates2.json", ".local/share/cargo/.crates2.json"] {
        let location = || format!("~/{path}");
        let Some(file) = source.note(home.file(path, INSTALLS_BYTES), location) else { continue };
        let owner = file.uid;
        let installs = file.bytes().and_then(|bytes| parse(&bytes));
        for (name, version) in source.note(installs, location).into_iter().flatten() {
            source.offer(SoftwareKind::Cargo, Found::new(name).version(version).at(location(), owner));
        }
    }
}

#[derive(Deserialize)]
struct Installs {
    installs: BTreeMap<String, IgnoredAny>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<(String, Option<String>)>, Trouble> {
    let file: Installs = serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)?;
    let split = |key: String| {
        let mut words = key.split(' ');
        Some((words.next().filter(|name| !name.is_empty())?.to_owned(), words.next().map(str::to_owned)))
    };
    Ok(file.installs.into_keys().filter_map(split).collect())
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
    }
}
