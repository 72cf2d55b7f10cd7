//! Packages of the Store and its like (MSIX): those that a user has, from his registry, and those that lie on the disk.
//!
//! A package's full name is `name_version_architecture_resource_publisher`; name and publisher are its family. A folder below a home's
//! `AppData/Local/Packages` is no proof: it outlives its package.

use umbrascope_rules::SoftwareKind;

use super::super::registry::{Registry, text};
use super::super::safe::{Dir, Trouble};
use super::super::source::{Found, Source};
use super::super::xml;
use super::{each_key, lost};

/// Below a user's classes.
const PACKAGES: &str =
    r"Local Settings\Software\Microsoft\Windows\CurrentVersion\AppModel\Repository\Packages";
const FOLDER: &str = "Program Files/WindowsApps";
/// Largest manifest read, in bytes.
const MANIFEST_BYTES: u64 = 1024 * 1024;

pub(in super::super) fn read(registry: &Registry, source: &mut Source<'_>) {
    lost(registry, source);
    for user in &registry.users {
        let Some(classes) = &user.classes else { continue };
        each_key(&**classes, PACKAGES, r"HKCU\Software\Classes", source, |name, key, source| {
            let Some(package) = parse(name) else { return Ok(()) };
            let mut found = Found::new(package.family).version(Some(package.version));
            // A name that is kept in a file of resources cannot be told from here.
            let title = text(key, "DisplayName").filter(|title| !title.contains("ms-resource:"));
            found.details.title = title;
            found.details.location = Some(r"HKCU\Software\Classes\…\AppModel\Repository\Packages".into());
            found.owner = Some(user.owner);
            source.offer(SoftwareKind::MsixFamily, found);
            Ok(())
        });
    }
}

pub(in super::super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    let Some(folder) = source.note(root.dir(FOLDER), || root.shown_child(FOLDER)) else { return };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries.iter().filter(|entry| entry.may_be_dir()) {
        let Some(package) = entry.text().and_then(parse) else { continue };
        let Some(rule) = source.rule(SoftwareKind::MsixFamily, &package.family) else {
            source.leave(SoftwareKind::MsixFamily, package.family, Some(package.version));
            continue;
        };
        let Some(dir) = source.note(folder.dir(&entry.name), || folder.shown_child(&entry.name)) else {
            continue;
        };
        let mut found = Found::new(package.family).version(Some(package.version));
        found.details.location = Some(folder.shown().into());
        let read = dir.read("AppxManifest.xml", MANIFEST_BYTES);
        if let Some(bytes) = source.note(read, || dir.shown_child("AppxManifest.xml")) {
            let texts = source.note(manifest(&bytes), || dir.shown_child("AppxManifest.xml"));
            [found.details.title, found.details.publisher] = texts.unwrap_or_default();
        }
        source.take(rule, found);
    }
}

/// Name and publisher as a manifest shows them; one that stands in a file of resources is left out.
pub(in super::super) fn manifest(bytes: &[u8]) -> Result<[Option<String>; 2], Trouble> {
    let texts =
        xml::texts(bytes, ["Package/Properties/DisplayName", "Package/Properties/PublisherDisplayName"])?;
    Ok(texts.map(|text| text.filter(|text| !text.starts_with("ms-resource:"))))
}

#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Package {
    family: String,
    version: String,
}

/// Takes a full name apart. Packages of resources, and bundles, which a package stands beside, are none by themselves.
pub(in super::super) fn parse(name: &str) -> Option<Package> {
    let mut parts = name.split('_');
    let [id, version, _, resource, publisher] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    let resource = resource.to_ascii_lowercase();
    let whole = parts.next().is_none() && !id.is_empty() && publisher.len() == 13;
    (whole && resource != "~" && !resource.starts_with("split."))
        .then(|| Package { family: format!("{id}_{publisher}"), version: version.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_name_gives_family_and_version() {
        let package = parse("OpenAI.ChatGPT-Desktop_1.2025.238.0_x64__2p2nqsd0c76g0").unwrap();
        assert_eq!(package.family, "OpenAI.ChatGPT-Desktop_2p2nqsd0c76g0");
        assert_eq!(package.version, "1.2025.238.0");
        assert_eq!(parse("Claude_1.0_x64_split.scale-150_pzs8sxrjxfjjc"), None);
        assert_eq!(parse("Claude_1.0_neutral_~_pzs8sxrjxfjjc"), None);
        assert_eq!(parse("Deleted"), None);
        assert_eq!(parse("a_b_c_d_e_f"), None);
    }
}
