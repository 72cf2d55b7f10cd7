//! Extensions of the Chromium family, in every profile of every channel.
//!
//! What is installed stands as `Extensions/<id>/<version>/manifest.json`; `Preferences` and `Secure Preferences` say
//! whether it is on, and name the extensions that were loaded from a folder. Both files also hold what a person
//! does: they are read piece by piece, and of them only `extensions.settings` is kept.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use umbrascope_api::RiskFlag;
use umbrascope_rules::SoftwareKind;

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};

/// Places below a home that hold browsers' data, the folder of each browser there, and its name.
const PLACES: &[(&str, &[(&str, &str)])] = &[
    (
        ".config",
        &[
            ("google-chrome", "Chrome"),
            ("google-chrome-beta", "Chrome Beta"),
            ("google-chrome-unstable", "Chrome Dev"),
            ("google-chrome-canary", "Chrome Canary"),
            ("google-chrome-for-testing", "Chrome for Testing"),
            ("chromium", "Chromium"),
            ("BraveSoftware/Brave-Browser", "Brave"),
            ("BraveSoftware/Brave-Browser-Beta", "Brave Beta"),
            ("BraveSoftware/Brave-Browser-Nightly", "Brave Nightly"),
            ("microsoft-edge", "Edge"),
            ("microsoft-edge-beta", "Edge Beta"),
            ("microsoft-edge-dev", "Edge Dev"),
            ("microsoft-edge-canary", "Edge Canary"),
            ("opera", "Opera"),
            ("opera-beta", "Opera Beta"),
            ("opera-developer", "Opera Developer"),
            ("vivaldi", "Vivaldi"),
            ("vivaldi-snapshot", "Vivaldi Snapshot"),
            ("yandex-browser", "Yandex"),
            ("yandex-browser-beta", "Yandex Beta"),
            ("thorium", "Thorium"),
            ("net.imput.helium", "Helium"),
        ],
    ),
    (
        "Library/Application Support",
        &[
            ("Google/Chrome", "Chrome"),
            ("Google/Chrome Beta", "Chrome Beta"),
            ("Google/Chrome Dev", "Chrome Dev"),
            ("Google/Chrome Canary", "Chrome Canary"),
            ("Chromium", "Chromium"),
            ("BraveSoftware/Brave-Browser", "Brave"),
            ("BraveSoftware/Brave-Browser-Beta", "Brave Beta"),
            ("BraveSoftware/Brave-Browser-Nightly", "Brave Nightly"),
            ("Microsoft Edge", "Edge"),
            ("Microsoft Edge Beta", "Edge Beta"),
            ("Microsoft Edge Dev", "Edge Dev"),
            ("Microsoft Edge Canary", "Edge Canary"),
            ("com.operasoftware.Opera", "Opera"),
            ("com.operasoftware.OperaGX", "Opera GX"),
            ("Vivaldi", "Vivaldi"),
            ("Yandex/YandexBrowser", "Yandex"),
            ("Arc/User Data", "Arc"),
            ("Dia/User Data", "Dia"),
            ("Comet", "Comet"),
        ],
    ),
    (
        "AppData/Local",
        &[
            ("Google/Chrome/User Data", "Chrome"),
            ("Google/Chrome Beta/User Data", "Chrome Beta"),
            ("Google/Chrome Dev/User Data", "Chrome Dev"),
            ("Google/Chrome SxS/User Data", "Chrome Canary"),
            ("Chromium/User Data", "Chromium"),
            ("BraveSoftware/Brave-Browser/User Data", "Brave"),
            ("Microsoft/Edge/User Data", "Edge"),
            ("Microsoft/Edge Beta/User Data", "Edge Beta"),
            ("Microsoft/Edge Dev/User Data", "Edge Dev"),
            ("Microsoft/Edge SxS/User Data", "Edge Canary"),
            ("Vivaldi/User Data", "Vivaldi"),
            ("Yandex/YandexBrowser/User Data", "Yandex"),
            ("Perplexity/Comet/User Data", "Comet"),
        ],
    ),
    (
        "AppData/Roaming/Opera Software",
        &[("Opera Stable", "Opera"), ("Opera GX Stable", "Opera GX"), ("Opera Developer", "Opera Developer")],
    ),
    (
        "snap",
        &[
            ("chromium/common/chromium", "Chromium"),
            ("brave/current/.config/BraveSoftware/Brave-Browser", "Brave"),
            ("opera/current/.config/opera", "Opera"),
            ("vivaldi/current/.config/vivaldi", "Vivaldi"),
        ],
    ),
    (
        ".var/app",
        &[
            ("com.google.Chrome/config/google-chrome", "Chrome"),
            ("com.google.ChromeDev/config/google-chrome-unstable", "Chrome Dev"),
            ("org.chromium.Chromium/config/chromium", "Chromium"),
            ("io.github.ungoogled_software.ungoogled_chromium/config/chromium", "Ungoogled Chromium"),
            ("com.brave.Browser/config/BraveSoftware/Brave-Browser", "Brave"),
            ("com.microsoft.Edge/config/microsoft-edge", "Edge"),
            ("com.microsoft.EdgeDev/config/microsoft-edge-dev", "Edge Dev"),
            ("com.opera.Opera/config/opera", "Opera"),
            ("com.vivaldi.Vivaldi/config/vivaldi", "Vivaldi"),
            ("ru.yandex.Browser/config/yandex-browser", "Yandex"),
        ],
    ),
];

/// Most profiles of one browser.
const PROFILES: usize = 128;
/// Largest preferences read, in bytes.
const PREFERENCES_BYTES: u64 = 16 * 1024 * 1024;
/// Largest manifest read, in bytes.
const MANIFEST_BYTES: u64 = 1024 * 1024;

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for (place, browsers) in PLACES {
        let Ok(place) = home.dir(place) else { continue };
        for (path, browser) in *browsers {
            let Some(data) = source.note(place.dir(path), || place.shown_child(path)) else { continue };
            // Opera's data folder is itself a profile.
            read_profile(home, &data, browser, source);
            let Some((entries, trouble)) = source.note(data.entries(), || data.shown().into()) else {
                continue;
            };
            if let Some(trouble) = trouble {
                source.trouble(trouble, data.shown());
            }
            let mut profiles = 0;
            for entry in entries.iter().filter(|entry| entry.may_be_dir()) {
                let Ok(profile) = data.dir(&entry.name) else { continue };
                profiles += usize::from(read_profile(home, &profile, browser, source));
                if profiles > PROFILES {
                    source.trouble(Trouble::TooLarge, data.shown());
                    break;
                }
            }
        }
    }
}

/// Whether the folder was a profile.
fn read_profile(home: &Dir, profile: &Dir, browser: &str, source: &mut Source<'_>) -> bool {
    let mut settings = BTreeMap::new();
    let mut is_profile = false;
    for name in ["Secure Preferences", "Preferences"] {
        let location = || profile.shown_child(name);
        let Some(file) = source.note(profile.file(name, PREFERENCES_BYTES), location) else { continue };
        is_profile = true;
        let read = preferences(BufReader::new(file.reader(PREFERENCES_BYTES)));
        for (id, setting) in source.note(read, location).into_iter().flatten() {
            settings.entry(id).or_insert(setting);
        }
    }
    let extensions = source.note(profile.dir("Extensions"), || profile.shown_child("Extensions"));
    if let Some(extensions) = extensions.filter(|_| is_profile) {
        let listing = source.note(extensions.entries(), || extensions.shown().into());
        let (entries, trouble) = listing.unwrap_or_default();
        if let Some(trouble) = trouble {
            source.trouble(trouble, extensions.shown());
        }
        for entry in entries.iter().filter(|entry| entry.may_be_dir()) {
            let Some(id) = entry.text().filter(|name| is_id(name)) else { continue };
            let setting = settings.remove(id);
            if source.rule(SoftwareKind::ChromiumExtension, id).is_none() {
                source.leave(SoftwareKind::ChromiumExtension, id.to_owned(), None);
                continue;
            }
            let Some(folder) = source.note(extensions.dir(id), || extensions.shown_child(id)) else {
                continue;
            };
            let Some(version) = installed_version(&folder, source) else { continue };
            let mut found = Found::new(id).version(Some(version)).at(profile.shown(), folder.uid());
            found.details.client = Some(browser.to_owned());
            found.details.enabled = setting.as_ref().map(Setting::enabled);
            source.offer(SoftwareKind::ChromiumExtension, found);
        }
    }
    for (id, setting) in settings {
        if !setting.is_unpacked() || !is_id(&id) {
            continue;
        }
        // The folder may stand anywhere; only below this home is it looked into.
        let below = setting.path.as_ref().and_then(|path| Path::new(path).strip_prefix(home.absolute()).ok());
        let manifest = below.and_then(|path| home.read(path.join("manifest.json"), MANIFEST_BYTES).ok());
        let version = manifest.and_then(|bytes| manifest_version(&bytes).ok());
        let mut found = Found::new(id).version(version).at(profile.shown(), profile.uid());
        found.details.client = Some(browser.to_owned());
        found.details.enabled = Some(setting.enabled());
        found.flags.push(RiskFlag::Unpacked);
        source.offer(SoftwareKind::ChromiumExtension, found);
    }
    is_profile
}

/// The newest version that has a manifest. The folder is the version, an underscore and a number.
fn installed_version(folder: &Dir, source: &mut Source<'_>) -> Option<String> {
    let (entries, _) = source.note(folder.entries(), || folder.shown().into())?;
    let mut versions: Vec<&str> = entries.iter().filter_map(|entry| entry.text()).collect();
    versions.sort_by_key(|name| {
        let number = |part: &str| part.parse::<u64>().unwrap_or(0);
        name.split(['.', '_']).map(number).collect::<Vec<_>>()
    });
    versions.iter().rev().find_map(|version| {
        let path = Path::new(version).join("manifest.json");
        let bytes = source.note(folder.read(&path, MANIFEST_BYTES), || folder.shown_child(&path))?;
        source.note(manifest_version(&bytes), || folder.shown_child(&path))
    })
}

/// 32 letters from `a` to `p`: each stands for half a byte of a hash.
fn is_id(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| (b'a'..=b'p').contains(&byte))
}

#[derive(Deserialize)]
struct Manifest {
    version: String,
}

pub(super) fn manifest_version(bytes: &[u8]) -> Result<String, Trouble> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice::<Manifest>(bytes).map(|manifest| manifest.version).map_err(|_| Trouble::Malformed)
}

#[derive(Deserialize)]
struct Preferences {
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Extensions {
    settings: Option<BTreeMap<String, Setting>>,
    /// Opera's own.
    opsettings: Option<BTreeMap<String, Setting>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Setting {
    state: Option<i64>,
    location: Option<i64>,
    path: Option<String>,
    disable_reasons: Reasons,
}

/// A bit mask once, a list now: empty or zero is enabled.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Reasons {
    #[default]
    None,
    Mask(i64),
    List(Vec<IgnoredAny>),
}

impl Setting {
    fn enabled(&self) -> bool {
        let no_reason = match &self.disable_reasons {
            Reasons::None => true,
            Reasons::Mask(mask) => *mask == 0,
            Reasons::List(list) => list.is_empty(),
        };
        no_reason && self.state != Some(0)
    }

    /// `ManifestLocation` of extensions/common/mojom/manifest.mojom: 4 unpacked, 8 command line.
    fn is_unpacked(&self) -> bool {
        matches!(self.location, Some(4 | 8))
    }
}

pub(super) fn preferences(reader: impl Read) -> Result<BTreeMap<String, Setting>, Trouble> {
    let preferences: Preferences = serde_json::from_reader(reader).map_err(|_| Trouble::Malformed)?;
    let Some(extensions) = preferences.extensions else { return Ok(BTreeMap::new()) };
    let mut settings = extensions.settings.unwrap_or_default();
    settings.extend(extensions.opsettings.unwrap_or_default());
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFERENCES: &str = r#"{"account_info":[{"email":"kim@example.org"}],"extensions":{"alerts":{"initialized":true},
        "settings":{"fcoeoabgfenejglbffodgkkbkcdhcgfn":{"active_permissions":{"api":["storage"]},"disable_reasons":[],
        "from_webstore":true,"install_time":"13370000000000000","location":1,"path":"fcoeoabgfenejglbffodgkkbkcdhcgfn/1.0.2_0","state":1},
        "difoiogjjojoaoomphldepapgpbgkhkb":{"disable_reasons":1,"location":1,"state":0},
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":{"location":4,"path":"/home/kim/ext","state":1}}}}"#;

    #[test]
    fn preferences_give_state_and_origin() {
        let settings = preferences(PREFERENCES.as_bytes()).unwrap();
        assert!(settings["fcoeoabgfenejglbffodgkkbkcdhcgfn"].enabled());
        assert!(!settings["difoiogjjojoaoomphldepapgpbgkhkb"].enabled());
        assert!(settings["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"].is_unpacked());
        assert!(!settings["difoiogjjojoaoomphldepapgpbgkhkb"].is_unpacked());
    }

    #[test]
    fn an_id_has_32_letters_from_a_to_p() {
        assert!(is_id("fcoeoabgfenejglbffodgkkbkcdhcgfn"));
        assert!(!is_id("fcoeoabgfenejglbffodgkkbkcdhcgf"));
        assert!(!is_id("rcoeoabgfenejglbffodgkkbkcdhcgfn"));
        assert!(!is_id("Temp"));
    }

    #[test]
    fn every_prefix_of_preferences_is_an_error_and_no_panic() {
        for end in 0..PREFERENCES.len() {
            assert!(preferences(&PREFERENCES.as_bytes()[..end]).is_err());
        }
    }

    #[test]
    fn a_manifest_may_begin_with_a_byte_order_mark() {
        assert_eq!(
            manifest_version(b"\xef\xbb\xbf{\"version\": \"1.2\", \"name\": \"__MSG_n__\"}").unwrap(),
            "1.2"
        );
    }
}
