//! Native messaging hosts: programs of the machine that an extension may talk to.
//!
//! A manifest names the host, its program and who may talk to it
//! (developer.chrome.com/docs/extensions/develop/concepts/native-messaging).

use serde::Deserialize;
use umbrascope_rules::SoftwareKind;

use super::places::{DATA, HOME_HOSTS, HOSTS};
use crate::scan::safe::{Dir, Trouble};
use crate::scan::source::{Found, Source};

/// Largest manifest read, in bytes.
const MANIFEST_BYTES: u64 = 64 * 1024;

pub(in crate::scan) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for (path, browser) in HOSTS {
        read_folder(root, path, browser, source);
    }
}

pub(in crate::scan) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for (place, browsers) in DATA {
        let Some(place) = source.through(home.dir(place), || home.shown_child(place)) else { continue };
        for (path, browser) in *browsers {
            read_folder(&place, &format!("{path}/NativeMessagingHosts"), browser, source);
        }
    }
    for (path, browser) in HOME_HOSTS {
        read_folder(home, path, browser, source);
    }
}

fn read_folder(base: &Dir, path: &str, browser: &str, source: &mut Source<'_>) {
    let Some(folder) = source.note(base.dir(path), || base.shown_child(path)) else { return };
    for name in source.names(&folder).into_iter().filter(|name| name.ends_with(".json")) {
        let location = || folder.shown_child(&name);
        let Some(file) = source.note(folder.file(&name, MANIFEST_BYTES), location) else { continue };
        let owner = file.uid;
        let Some(host) = source.note(file.bytes().and_then(|bytes| parse(&bytes)), location) else {
            continue;
        };
        let mut found = Found::new(host.name).at(location(), owner);
        found.details.client = Some(browser.to_owned());
        found.details.command = host.path.as_deref().and_then(file_name).map(str::to_owned);
        source.offer(SoftwareKind::NativeMessagingHost, found);
    }
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(in crate::scan) struct Host {
    name: String,
    path: Option<String>,
}

pub(in crate::scan) fn parse(bytes: &[u8]) -> Result<Host, Trouble> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|_| Trouble::Malformed)
}

/// The last part of a path of any system.
fn file_name(path: &str) -> Option<&str> {
    path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"{"name": "com.example.helper", "description": "A helper",
        "path": "C:\\Users\\kim\\helper\\host.bat", "type": "stdio",
        "allowed_origins": ["chrome-extension://fcoeoabgfenejglbffodgkkbkcdhcgfn/"]}"#;

    #[test]
    fn a_manifest_gives_name_and_program() {
        let host = parse(MANIFEST.as_bytes()).unwrap();
        assert_eq!(host.name, "com.example.helper");
        assert_eq!(host.path.as_deref().and_then(file_name), Some("host.bat"));
        assert_eq!(file_name("/opt/helper/host"), Some("host"));
    }

    #[test]
    fn every_prefix_of_a_manifest_is_an_error_and_no_panic() {
        for end in 0..MANIFEST.len() {
            assert_eq!(parse(&MANIFEST.as_bytes()[..end]), Err(Trouble::Malformed));
        }
    }
}
