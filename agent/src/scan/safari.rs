//! Extensions of Safari: bundle ids of app extensions, in the lists that Safari keeps of them.
//!
//! A list has one entry an extension, `bundle.id (TEAM)`, and of what it allows only whether it is on.

use serde_json::Value;
use umbrascope_rules::SoftwareKind;

use super::plist;
use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

/// Safari's data below a home, and the name of that Safari.
const DATA: &[(&str, &str)] = &[
    ("Library/Containers/com.apple.Safari/Data/Library/Safari", "Safari"),
    (
        "Library/Containers/com.apple.SafariTechnologyPreview/Data/Library/SafariTechnologyPreview",
        "Safari Technology Preview",
    ),
    ("Library/Safari", "Safari"),
];
/// The lists of both kinds of extensions, in the data of Safari and of each of its profiles.
const LISTS: &[&str] = &["AppExtensions/Extensions.plist", "WebExtensions/Extensions.plist"];
/// Most profiles.
const PROFILES: usize = 64;

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for (path, browser) in DATA {
        let Some(data) = source.note(home.dir(path), || home.shown_child(path)) else { continue };
        read_profile(&data, browser, source);
        let Some(profiles) = source.note(data.dir("Profiles"), || data.shown_child("Profiles")) else {
            continue;
        };
        let names = source.folders(&profiles);
        for name in &source.first(names, PROFILES, profiles.shown()) {
            if let Some(profile) = source.note(profiles.dir(name), || profiles.shown_child(name)) {
                read_profile(&profile, browser, source);
            }
        }
    }
}

fn read_profile(profile: &Dir, browser: &str, source: &mut Source<'_>) {
    for list in LISTS {
        let location = || profile.shown_child(list);
        let Some(file) = source.note(profile.file(list, plist::PLIST_BYTES), location) else { continue };
        let owner = file.uid;
        let extensions = file.bytes().and_then(|bytes| parse(&bytes));
        for extension in source.note(extensions, location).into_iter().flatten() {
            let mut found = Found::new(extension.id).at(location(), owner);
            found.details.client = Some(browser.to_owned());
            found.details.enabled = extension.enabled;
            source.offer(SoftwareKind::BundleId, found);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Extension {
    id: String,
    enabled: Option<bool>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Extension>, Trouble> {
    let Value::Object(list) = plist::parse(bytes)? else { return Err(Trouble::Malformed) };
    let extension = |(name, says): (String, Value)| {
        let id = name.split_once(" (").map_or(name.as_str(), |(id, _)| id);
        Extension { id: id.to_owned(), enabled: says["Enabled"].as_bool() }
    };
    Ok(list.into_iter().map(extension).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_gives_bundle_ids_and_whether_they_are_on() {
        let text = br#"<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict>
            <key>com.example.tidy.Extension (ABCDE12345)</key><dict><key>Enabled</key><false/>
            <key>WebsiteAccess</key><dict><key>Has Injected Content</key><true/></dict></dict>
            <key>com.example.other</key><dict><key>Permissions</key><array/></dict></dict></plist>"#;
        let mut extensions = parse(text).unwrap();
        extensions.sort_by(|a, b| a.id.cmp(&b.id));
        let expected = [("com.example.other", None), ("com.example.tidy.Extension", Some(false))];
        let expected = expected.map(|(id, enabled)| Extension { id: id.into(), enabled });
        assert_eq!(extensions, expected);
        for end in 0..text.len() {
            drop(parse(&text[..end]));
        }
    }
}
