//! Extensions that an organisation tells its browsers to install. They are set up, whether or not a profile has them
//! yet.
//!
//! Chromium's browsers and Firefox share `ExtensionSettings`; Chromium's have `ExtensionInstallForcelist` as well.

use std::collections::BTreeSet;

use serde_json::Value;
use umbrascope_api::Channel;
use umbrascope_rules::SoftwareKind;

use super::places::{MANAGED, POLICIES};
use super::preferences::is_id;
use crate::scan::document::{Format, parse as document};
use crate::scan::plist;
use crate::scan::safe::Dir;
#[cfg(any(test, feature = "fuzzing"))]
use crate::scan::safe::Trouble;
use crate::scan::source::{Found, Source};

/// Largest policy file read, in bytes.
const POLICY_BYTES: u64 = 1024 * 1024;

pub(super) fn read(root: &Dir, source: &mut Source<'_>) {
    for (place, browser) in POLICIES {
        for folder in ["managed", "recommended"] {
            let path = format!("{place}/{folder}");
            let Some(folder) = source.note(root.dir(&path), || root.shown_child(&path)) else { continue };
            for name in source.names(&folder).into_iter().filter(|name| name.ends_with(".json")) {
                let location = || folder.shown_child(&name);
                let Some(file) = source.note(folder.file(&name, POLICY_BYTES), location) else { continue };
                let owner = file.uid;
                let policy = file.bytes().and_then(|bytes| document(&bytes, Format::Json));
                let Some(policy) = source.note(policy, location) else { continue };
                offer(&policy, browser, &location(), owner, source);
            }
        }
    }
    let Some(managed) = root.dir("Library/Managed Preferences").ok() else { return };
    let accounts = source.names(&managed).into_iter().filter_map(|name| managed.dir(name).ok());
    for folder in std::iter::once(managed.clone()).chain(accounts.collect::<Vec<_>>()) {
        for (name, browser) in MANAGED {
            let location = || folder.shown_child(name);
            let Some(file) = source.note(folder.file(name, POLICY_BYTES), location) else { continue };
            let owner = file.uid;
            let policy = file.bytes().and_then(|bytes| plist::parse(&bytes));
            let Some(policy) = source.note(policy, location) else { continue };
            offer(&policy, browser, &location(), owner, source);
        }
    }
}

fn offer(
    policy: &Value,
    browser: &str,
    location: &str,
    owner: crate::scan::OwnerId,
    source: &mut Source<'_>,
) {
    for id in ordered(policy).into_iter().filter(|id| is_id(id)) {
        let mut found = Found::new(id).at(location, owner);
        found.details.client = Some(browser.to_owned());
        source.offer_as(Channel::Policy, SoftwareKind::ChromiumExtension, found);
    }
}

/// The extensions that a policy has installed. `*` stands for all others and orders none.
pub(in crate::scan) fn ordered(policy: &Value) -> BTreeSet<String> {
    let listed = policy["ExtensionInstallForcelist"].as_array().into_iter().flatten();
    // `id;address of the update server`; without an address it is the browser's store.
    let listed = listed.filter_map(|entry| entry.as_str()?.split(';').next());
    // On Linux a policy may also hold the settings as text.
    let text = policy["ExtensionSettings"].as_str();
    let parsed = text.and_then(|text| document(text.as_bytes(), Format::Json).ok());
    let settings = parsed.as_ref().unwrap_or(&policy["ExtensionSettings"]).as_object();
    let set = settings.into_iter().flatten().filter(|(_, setting)| {
        matches!(setting["installation_mode"].as_str(), Some("force_installed" | "normal_installed"))
    });
    let ids = listed.chain(set.map(|(id, _)| id.as_str()));
    ids.map(str::trim).filter(|id| !id.is_empty() && *id != "*").map(str::to_owned).collect()
}

/// A policy from bytes, for whoever feeds parsers.
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::scan) fn parse(bytes: &[u8]) -> Result<BTreeSet<String>, Trouble> {
    document(bytes, Format::Json).map(|policy| ordered(&policy))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{
        // From chromeenterprise.google/policies.
        "ExtensionInstallForcelist": ["fcoeoabgfenejglbffodgkkbkcdhcgfn;https://clients2.google.com/service/update2/crx",
            "difoiogjjojoaoomphldepapgpbgkhkb"],
        "ExtensionSettings": {"*": {"installation_mode": "blocked"},
            "kbfnbcaeplbcioakkpcpgfkobkghlhen": {"installation_mode": "force_installed", "update_url": "https://a.example/u"},
            "ofpnmcalabcbjgholdjcjblkibolbppb": {"installation_mode": "blocked"}},
    }"#;

    #[test]
    fn what_is_forced_is_named_and_what_is_blocked_is_not() {
        let ids: Vec<_> = parse(POLICY.as_bytes()).unwrap().into_iter().collect();
        let expected = [
            "difoiogjjojoaoomphldepapgpbgkhkb",
            "fcoeoabgfenejglbffodgkkbkcdhcgfn",
            "kbfnbcaeplbcioakkpcpgfkobkghlhen",
        ];
        assert_eq!(ids, expected);
    }

    #[test]
    fn settings_may_be_text() {
        let text = r#"{"ExtensionSettings": "{\"a@b\": {\"installation_mode\": \"normal_installed\"}}"}"#;
        assert_eq!(parse(text.as_bytes()).unwrap().into_iter().next().as_deref(), Some("a@b"));
    }

    #[test]
    fn every_prefix_of_a_policy_ends_without_a_panic() {
        for end in 0..POLICY.len() {
            drop(parse(&POLICY.as_bytes()[..end]));
        }
    }
}
