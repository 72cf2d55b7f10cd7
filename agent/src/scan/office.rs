//! Office add-ins: the manifests that Office keeps of those in use, and those that were put where it looks for them.
//!
//! What is kept is named `<id>_<version>` and is XML ([MS-OWEMXML]), or JSON where the add-in has the manifest of a
//! Microsoft 365 app.

use serde_json::Value;
use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};
use super::xml;

/// Folders with manifests of the user's own making, below a home.
const LOCAL: &[(&str, &str)] = &[
    ("Library/Containers/com.microsoft.Word/Data/Documents/wef", "Word"),
    ("Library/Containers/com.microsoft.Excel/Data/Documents/wef", "Excel"),
    ("Library/Containers/com.microsoft.Powerpoint/Data/Documents/wef", "PowerPoint"),
    ("Library/Containers/com.microsoft.Outlook/Data/Documents/wef", "Outlook"),
];
/// Folders below which Office keeps manifests: `<group>/<account>/Manifests/<manifest>`.
const KEPT: &[(&str, &str)] = &[
    ("AppData/Local/Microsoft/Office/16.0/Wef", "Office"),
    (
        "Library/Containers/com.microsoft.Word/Data/Library/Application Support/Microsoft/Office/16.0/Wef",
        "Word",
    ),
    (
        "Library/Containers/com.microsoft.Excel/Data/Library/Application Support/Microsoft/Office/16.0/Wef",
        "Excel",
    ),
    (
        "Library/Containers/com.microsoft.Powerpoint/Data/Library/Application Support/Microsoft/Office/16.0/Wef",
        "PowerPoint",
    ),
    (
        "Library/Containers/com.microsoft.Outlook/Data/Library/Application Support/Microsoft/Office/16.0/Wef",
        "Outlook",
    ),
];
/// Most folders on one level, and most manifests in one.
const MANY: usize = 500;
/// Largest manifest read, in bytes.
const MANIFEST_BYTES: u64 = 1024 * 1024;

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for (path, program) in LOCAL {
        let Some(folder) = source.note(home.dir(path), || home.shown_child(path)) else { continue };
        read_folder(&folder, program, |name| name.ends_with(".xml") || name.ends_with(".json"), source);
    }
    for (path, program) in KEPT {
        let Some(folder) = source.note(home.dir(path), || home.shown_child(path)) else { continue };
        let groups = source.folders(&folder);
        for group in source.first(groups, MANY, folder.shown()) {
            let Some(group) = source.note(folder.dir(&group), || folder.shown_child(&group)) else {
                continue;
            };
            let accounts = source.folders(&group);
            for account in source.first(accounts, MANY, group.shown()) {
                let path = format!("{account}/Manifests");
                if let Some(manifests) = source.note(group.dir(&path), || group.shown_child(&path)) {
                    read_folder(&manifests, program, |_| true, source);
                }
            }
        }
    }
}

fn read_folder(folder: &Dir, program: &str, wanted: fn(&str) -> bool, source: &mut Source<'_>) {
    let mut names = source.names(folder);
    names.retain(|name| wanted(name));
    for name in source.first(names, MANY, folder.shown()) {
        let location = || folder.shown_child(&name);
        let Some(file) = source.note(folder.file(&name, MANIFEST_BYTES), location) else { continue };
        let owner = file.uid;
        let Some(addin) = source.note(file.bytes().and_then(|bytes| parse(&bytes)), location) else {
            continue;
        };
        let mut found = Found::new(addin.id).version(addin.version).at(folder.shown(), owner);
        found.details.client = Some(program.to_owned());
        found.details.title = addin.name;
        found.details.publisher = addin.provider;
        source.offer(SoftwareKind::OfficeAddin, found);
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Addin {
    id: String,
    version: Option<String>,
    name: Option<String>,
    provider: Option<String>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Addin, Trouble> {
    let (id, version, name, provider) = if bytes.trim_ascii_start().starts_with(b"{") {
        let app: Value = serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        (
            text(&app["id"]),
            text(&app["version"]),
            text(&app["name"]["short"]),
            text(&app["developer"]["name"]),
        )
    } else {
        let paths = [
            "OfficeApp/Id",
            "OfficeApp/Version",
            "OfficeApp/DisplayName@DefaultValue",
            "OfficeApp/ProviderName",
        ];
        let [id, version, name, provider] = xml::texts(bytes, paths)?;
        (id, version, name, provider)
    };
    Ok(Addin { id: id.ok_or(Trouble::Malformed)?, version, name, provider })
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<OfficeApp xmlns="http://schemas.microsoft.com/office/appforoffice/1.1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="TaskPaneApp">
  <Id>05c2e1c9-3e1d-406e-9a91-e9ac64854143</Id><Version>1.0.0.0</Version><ProviderName>Contoso</ProviderName>
  <DefaultLocale>en-US</DefaultLocale><DisplayName DefaultValue="Tidy Tables"/><Hosts><Host Name="Workbook"/></Hosts>
</OfficeApp>"#;

    #[test]
    fn both_kinds_of_manifest_give_the_id() {
        let addin = parse(XML.as_bytes()).unwrap();
        assert_eq!(addin.id, "05c2e1c9-3e1d-406e-9a91-e9ac64854143");
        assert_eq!((addin.version.as_deref(), addin.name.as_deref()), (Some("1.0.0.0"), Some("Tidy Tables")));
        assert_eq!(addin.provider.as_deref(), Some("Contoso"));
        let json = br#" {"id":"05C2E1C9-3e1d-406e-9a91-e9ac64854143","version":"1.0.0","name":{"short":"Tidy"},"developer":{"name":"Contoso"}}"#;
        assert_eq!(parse(json).unwrap().name.as_deref(), Some("Tidy"));
    }

    #[test]
    fn every_prefix_is_an_error_and_no_panic() {
        for end in 0..XML.len() {
            assert_eq!(parse(&XML.as_bytes()[..end]), Err(Trouble::Malformed));
        }
    }
}
