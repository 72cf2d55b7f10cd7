//! Native messaging hosts: programs that a browser's extensions may talk to, each a key called after the host.

use umbrascope_rules::SoftwareKind;

use super::super::registry::{Registry, text};
use super::super::source::{Found, Source};
use super::{each_key, each_software};

const BROWSERS: &[(&str, &str)] = &[
    (r"Google\Chrome", "Chrome"),
    (r"Chromium", "Chromium"),
    (r"Microsoft\Edge", "Edge"),
    (r"BraveSoftware\Brave-Browser", "Brave"),
    (r"Vivaldi", "Vivaldi"),
    (r"Mozilla", "Firefox"),
];

pub(in super::super) fn read(registry: &Registry, source: &mut Source<'_>) {
    each_software(registry, source, |software, shown, user, source| {
        for (browser, name) in BROWSERS {
            for view in ["", r"WOW6432Node\"] {
                let path = format!(r"{view}{browser}\NativeMessagingHosts");
                each_key(software, &path, shown, source, |host, key, source| {
                    // The value is the path of the host's manifest; a key without one is no host.
                    if text(key, "").is_some() {
                        let mut found = Found::new(host);
                        found.details.client = Some((*name).to_owned());
                        found.details.location = Some(format!(r"{shown}\{path}"));
                        found.owner = user.map(|user| user.owner);
                        source.offer(SoftwareKind::NativeMessagingHost, found);
                    }
                    Ok(())
                });
            }
        }
    });
}
