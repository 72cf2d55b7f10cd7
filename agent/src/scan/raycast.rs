//! Raycast's extensions: `package.json` of each, known by its name in the store, `author/name`.

use serde::Deserialize;
use umbrascope_rules::SoftwareKind;

use super::plugins::children;
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

const PLACE: &str = ".config/raycast/extensions";
/// Largest manifest read, in bytes.
const MANIFEST_BYTES: u64 = 1024 * 1024;

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for (folder, name) in children(home, PLACE, source) {
        let path = format!("{name}/package.json");
        let location = || folder.shown_child(&path);
        let Some(bytes) = source.note(folder.read(&path, MANIFEST_BYTES), location) else { continue };
        let Some(extension) = source.note(parse(&bytes), location) else { continue };
        let mut found =
            Found::new(extension.id()).version(extension.version).at(folder.shown_child(&name), folder.uid());
        found.details.client = Some("Raycast".into());
        found.details.title = extension.title;
        source.offer(SoftwareKind::RaycastExtension, found);
    }
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Extension {
    name: String,
    title: Option<String>,
    version: Option<String>,
    author: String,
    /// The organisation that it belongs to; the store then has it under that name.
    owner: Option<String>,
}

impl Extension {
    fn id(&self) -> String {
        format!("{}/{}", self.owner.as_ref().unwrap_or(&self.author), self.name)
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Extension, Trouble> {
    serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"{"$schema":"https://www.raycast.com/schemas/extension.json","name":"tidy","title":"Tidy",
        "description":"x","icon":"icon.png","author":"thomas","commands":[{"name":"index","title":"Tidy","mode":"view"}]}"#;

    #[test]
    fn a_manifest_gives_the_name_in_the_store() {
        assert_eq!(parse(MANIFEST.as_bytes()).unwrap().id(), "thomas/tidy");
        assert_eq!(parse(br#"{"name":"tidy","author":"thomas","owner":"acme"}"#).unwrap().id(), "acme/tidy");
    }

    #[test]
    fn every_prefix_is_an_error_and_no_panic() {
        for end in 0..MANIFEST.len() {
            assert_eq!(parse(&MANIFEST.as_bytes()[..end]), Err(Trouble::Malformed));
        }
    }
}
