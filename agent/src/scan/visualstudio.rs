//! Visual Studio's extensions of a user: `extension.vsixmanifest` of each (VSIX schema 2.0; 1.0 has another root).

use umbrascope_rules::SoftwareKind;

use super::plugins::children;
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};
use super::xml;

const PLACE: &str = "AppData/Local/Microsoft/VisualStudio";
/// Largest manifest read, in bytes.
const MANIFEST_BYTES: u64 = 1024 * 1024;

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for (folder, version) in children(home, PLACE, source) {
        for (extensions, name) in children(&folder, &format!("{version}/Extensions"), source) {
            let path = format!("{name}/extension.vsixmanifest");
            let location = || extensions.shown_child(&path);
            let Some(bytes) = source.note(extensions.read(&path, MANIFEST_BYTES), location) else { continue };
            let Some(vsix) = source.note(parse(&bytes), location) else { continue };
            let mut found =
                Found::new(vsix.id).version(vsix.version).at(extensions.shown_child(&name), extensions.uid());
            found.details.client = Some("Visual Studio".into());
            found.details.title = vsix.name;
            found.details.publisher = vsix.publisher;
            source.offer(SoftwareKind::VisualStudioExtension, found);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Vsix {
    id: String,
    version: Option<String>,
    name: Option<String>,
    publisher: Option<String>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vsix, Trouble> {
    let [id, version, name, publisher, old_id, old_version, old_name] = xml::texts(
        bytes,
        [
            "PackageManifest/Metadata/Identity@Id",
            "PackageManifest/Metadata/Identity@Version",
            "PackageManifest/Metadata/DisplayName",
            "PackageManifest/Metadata/Identity@Publisher",
            "Vsix/Identifier@Id",
            "Vsix/Identifier/Version",
            "Vsix/Identifier/Name",
        ],
    )?;
    let id = id.or(old_id).ok_or(Trouble::Malformed)?;
    Ok(Vsix { id, version: version.or(old_version), name: name.or(old_name), publisher })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata><Identity Id="Tidy.0e8f3c6a" Version="1.2" Language="en-US" Publisher="Contoso" />
    <DisplayName>Tidy</DisplayName><Description xml:space="preserve">x</Description></Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Community" Version="[17.0,18.0)" /></Installation>
</PackageManifest>"#;

    #[test]
    fn both_schemas_give_the_id() {
        let vsix = parse(MANIFEST.as_bytes()).unwrap();
        assert_eq!((vsix.id.as_str(), vsix.version.as_deref()), ("Tidy.0e8f3c6a", Some("1.2")));
        assert_eq!((vsix.name.as_deref(), vsix.publisher.as_deref()), (Some("Tidy"), Some("Contoso")));
        let old = b"<Vsix Version=\"1.0\"><Identifier Id=\"Tidy.1\"><Name>Tidy</Name><Version>3</Version></Identifier></Vsix>";
        assert_eq!(parse(old).unwrap().version.as_deref(), Some("3"));
    }

    #[test]
    fn every_prefix_is_an_error_and_no_panic() {
        for end in 0..MANIFEST.len() {
            assert_eq!(parse(&MANIFEST.as_bytes()[..end]), Err(Trouble::Malformed));
        }
    }
}
