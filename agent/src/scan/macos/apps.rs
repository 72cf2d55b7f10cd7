//! Applications of macOS: `<name>.app/Contents/Info.plist`, and the extensions that an application brings along.
//!
//! A browser makes an application of its own for a web page that somebody installs; such a one is known by the host of its
//! page. An application for the phone stands one folder deeper.

use std::path::Path;

use serde_json::Value;
use umbrascope_api::Channel;
use umbrascope_rules::{RuleRef, SoftwareKind};

use super::super::plist::{self, PLIST_BYTES, text};
use super::super::safe::{Dir, FileType, OwnerId, Trouble};
use super::super::source::{Found, Source};
use super::signature;

/// Folders of the system with applications in them, and in their folders.
const SYSTEM: &[&str] = &[
    "Applications",
    "System/Applications",
    "System/Library/CoreServices/Applications",
    "Library/Apple/System/Library/CoreServices",
    "Users/Shared/Applications",
];
/// The folder of a home.
const HOME: &str = "Applications";
/// Most folders looked into beside applications: vendors', Setapp's, those of browsers for web pages.
const FOLDERS: usize = 200;
/// Most extensions of one application.
const PLUGINS: usize = 64;
/// What the place of an extension is called that Safari loads.
const SAFARI: &str = "com.apple.Safari";

pub(in super::super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for path in SYSTEM {
        read_folder(root, path, 1, source);
    }
}

pub(in super::super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    read_folder(home, HOME, 1, source);
}

fn read_folder(base: &Dir, path: &str, deeper: usize, source: &mut Source<'_>) {
    let Some(folder) = source.note(base.dir(path), || base.shown_child(path)) else { return };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    let mut folders = 0;
    for entry in entries.iter().filter(|entry| entry.may_be_dir()) {
        let Some(name) = entry.text().filter(|name| !name.starts_with('.')) else { continue };
        if let Err(trouble) = folder.budget().check() {
            return source.trouble(trouble, folder.shown());
        }
        if name.to_ascii_lowercase().ends_with(".app") {
            read_app(&folder, name, source);
        } else if deeper > 0 && entry.kind == FileType::Directory {
            folders += 1;
            if folders > FOLDERS {
                return source.trouble(Trouble::TooLarge, folder.shown());
            }
            read_folder(&folder, name, deeper - 1, source);
        }
    }
}

/// A bundle's own description of itself, and where its program stands.
struct Bundle {
    dir: Dir,
    info: Value,
    owner: OwnerId,
}

fn read_app(folder: &Dir, name: &str, source: &mut Source<'_>) {
    let Some(app) = source.note(folder.dir(name), || folder.shown_child(name)) else { return };
    let bundle = match open(&app, "Contents", source) {
        Some(bundle) => bundle,
        // An application for the phone: the bundle itself, in a folder that is called after nothing in particular.
        None => {
            let inside = app.dir("Wrapper").and_then(|wrapper| Ok((wrapper.entries()?.0, wrapper)));
            let Ok((entries, wrapper)) = inside else { return };
            let app = entries.iter().filter_map(|entry| entry.text()).find(|name| name.ends_with(".app"));
            let Some(bundle) = app.and_then(|app| open(&wrapper, app, source)) else { return };
            bundle
        }
    };
    let Some(id) = text(&bundle.info, "CFBundleIdentifier") else { return source.pass() };
    let found = found(&bundle, id, app.shown());
    let rule = source.rule(SoftwareKind::BundleId, id);
    match (rule, web_page(&bundle.info)) {
        (Some(rule), _) => {
            let mut found = found;
            found.details.publisher = team(&bundle);
            source.take(rule, found);
        }
        (None, Some(page)) => match source.matcher().name(page) {
            Some(rule) => {
                let mut page = Found { value: page.to_owned(), version: None, ..found };
                page.details.host = Some(page.value.clone());
                page.details.client = browser(id).map(str::to_owned);
                source.take(rule, page);
            }
            None => source.pass(),
        },
        (None, None) => source.leave(SoftwareKind::BundleId, found.value, found.version),
    }
    read_plugins(&app, rule, source);
}

fn open(base: &Dir, path: &str, source: &mut Source<'_>) -> Option<Bundle> {
    let dir = base.dir(path).ok()?;
    let file = source.note(dir.file("Info.plist", PLIST_BYTES), || dir.shown_child("Info.plist"))?;
    let owner = file.uid;
    let info = file.bytes().and_then(|bytes| plist::parse(&bytes));
    let info = source.note(info, || dir.shown_child("Info.plist"))?;
    Some(Bundle { dir, info, owner })
}

fn found(bundle: &Bundle, id: &str, location: &str) -> Found {
    let info = &bundle.info;
    let version = text(info, "CFBundleShortVersionString").or_else(|| text(info, "CFBundleVersion"));
    let mut found = Found::new(id).version(version).at(location, bundle.owner);
    let title = text(info, "CFBundleDisplayName").or_else(|| text(info, "CFBundleName"));
    found.details.title = title.map(str::to_owned);
    found
}

/// Extensions of Safari come inside an application, and are known by their own identifier or as a part of it.
fn read_plugins(app: &Dir, of: Option<&RuleRef>, source: &mut Source<'_>) {
    let path = "Contents/PlugIns";
    let Some(folder) = source.note(app.dir(path), || app.shown_child(path)) else { return };
    let mut plugins = source.names(&folder);
    plugins.retain(|name| name.ends_with(".appex"));
    for name in source.first(plugins, PLUGINS, folder.shown()) {
        let Some(bundle) = open(&folder, &format!("{name}/Contents"), source) else { continue };
        let Some(id) = text(&bundle.info, "CFBundleIdentifier") else { continue };
        let point = bundle.info.get("NSExtension").and_then(|info| text(info, "NSExtensionPointIdentifier"));
        let in_safari = point.is_some_and(|point| point.starts_with(SAFARI));
        let rule = source.rule(SoftwareKind::BundleId, id).or(of.filter(|_| in_safari));
        let mut found = found(&bundle, id, folder.shown());
        match rule {
            Some(rule) => {
                found.details.client = in_safari.then(|| "Safari".to_owned());
                source.take_as(Channel::Extension, rule, found);
            }
            None if in_safari => source.leave(SoftwareKind::BundleId, found.value, found.version),
            None => {}
        }
    }
}

/// The host of the page that a browser made an application for.
fn web_page(info: &Value) -> Option<&str> {
    let page = text(info, "CrAppModeShortcutURL")?.strip_prefix("https://")?;
    let authority = page.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    (!host.is_empty()).then_some(host)
}

/// Whose application for a web page has such an identifier.
fn browser(id: &str) -> Option<&'static str> {
    const BROWSERS: &[(&str, &str)] = &[
        ("com.google.Chrome", "Chrome"),
        ("com.microsoft.edgemac", "Edge"),
        ("com.brave.Browser", "Brave"),
        ("com.vivaldi.Vivaldi", "Vivaldi"),
        ("org.chromium.Chromium", "Chromium"),
    ];
    BROWSERS.iter().find(|(prefix, _)| id.starts_with(prefix)).map(|(_, browser)| *browser)
}

fn team(bundle: &Bundle) -> Option<String> {
    let name = text(&bundle.info, "CFBundleExecutable")?;
    // The name comes from the list, and is to be that of a file beside it.
    if name.contains('/') || name == ".." {
        return None;
    }
    let place = Path::new("MacOS").join(name);
    let mut file = bundle.dir.head(place).or_else(|_| bundle.dir.head(name)).ok()?.into_file();
    signature::team(&mut file)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_web_page_is_known_by_its_host_alone() {
        let host = |url: &str| web_page(&json!({"CrAppModeShortcutURL": url})).map(str::to_owned);
        assert_eq!(host("https://chatgpt.com/?q=secret#x").as_deref(), Some("chatgpt.com"));
        assert_eq!(host("https://kim:pw@chatgpt.com:443/c/1").as_deref(), Some("chatgpt.com"));
        assert_eq!(host("https:///x"), None);
        assert_eq!(host("chrome-extension://abc"), None);
        assert_eq!(browser("com.google.Chrome.app.cadlkienfkclaiaibeoongdcgmdikeeg"), Some("Chrome"));
    }
}
