//! Receipts of installer packages: `<identifier>.plist`. The history of installations beside them (`InstallHistory.plist`) is not
//! read: it tells what was installed at some time, also where it is long gone.

use umbrascope_rules::SoftwareKind;

use super::super::plist::{self, PLIST_BYTES, text};
use super::super::safe::Dir;
use super::super::source::{Found, Source};

const FOLDERS: &[&str] = &["private/var/db/receipts", "Library/Apple/System/Library/Receipts"];

pub(in super::super) fn read(root: &Dir, source: &mut Source<'_>) {
    for path in FOLDERS {
        let Some(folder) = source.note(root.dir(path), || root.shown_child(path)) else { continue };
        let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else {
            continue;
        };
        if let Some(trouble) = trouble {
            source.trouble(trouble, folder.shown());
        }
        for entry in &entries {
            let Some(id) = entry.text().and_then(|name| name.strip_suffix(".plist")) else { continue };
            let Some(rule) = source.rule(SoftwareKind::BundleId, id) else {
                source.leave(SoftwareKind::BundleId, id.to_owned(), None);
                continue;
            };
            let location = || folder.shown_child(&entry.name);
            let Some(file) = source.note(folder.file(&entry.name, PLIST_BYTES), location) else { continue };
            let owner = file.uid;
            let receipt = file.bytes().and_then(|bytes| plist::parse(&bytes));
            let Some(receipt) = source.note(receipt, location) else { continue };
            let version = text(&receipt, "PackageVersion");
            source.take(rule, Found::new(id).version(version).at(folder.shown(), owner));
        }
    }
}
