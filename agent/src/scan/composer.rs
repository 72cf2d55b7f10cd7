//! Composer: what `composer global require` put into a home, from `vendor/composer/installed.json`.

use serde::Deserialize;
use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

/// Composer's own folder, by age.
const FOLDERS: &[&str] =
    &[".config/composer", ".composer", "Library/Application Support/Composer", "AppData/Roaming/Composer"];
/// Largest file read, in bytes: one or two thousand a package.
const INSTALLED_BYTES: u64 = 16 * 1024 * 1024;

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for folder in FOLDERS {
        let path = format!("{folder}/vendor/composer/installed.json");
        let location = || format!("~/{path}");
        let Some(file) = source.note(home.file(&path, INSTALLED_BYTES), location) else { continue };
        let owner = file.uid;
        let packages = file.bytes().and_then(|bytes| parse(&bytes));
        for package in source.note(packages, location).into_iter().flatten() {
            let found = Found::new(package.name).version(package.version).at(location(), owner);
            source.offer(SoftwareKind::Composer, found);
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Package {
    name: String,
    version: Option<String>,
}

/// Version 2 writes an object with the list in it, version 1 the list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Installed {
    Two { packages: Vec<Package> },
    One(Vec<Package>),
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Package>, Trouble> {
    match serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)? {
        Installed::Two { packages } | Installed::One(packages) => Ok(packages),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_the_file_are_read() {
        let list = r#"[{"name": "openai-php/client", "version": "v0.10.3", "dist": {"type": "zip"}}]"#;
        for text in
            [list.to_owned(), format!(r#"{{"packages": {list}, "dev": true, "dev-package-names": []}}"#)]
        {
            let packages = parse(text.as_bytes()).unwrap();
            assert_eq!((packages.len(), packages[0].name.as_str()), (1, "openai-php/client"));
            for end in 0..text.len() {
                assert_eq!(parse(&text.as_bytes()[..end]).unwrap_err(), Trouble::Malformed);
            }
        }
    }
}
