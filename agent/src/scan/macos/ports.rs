//! MacPorts: the ports that its registry calls active.

use umbrascope_rules::SoftwareKind;

use super::super::safe::Dir;
use super::super::source::{Found, Source};
use super::portsdb;

const REGISTRY: &str = "opt/local/var/macports/registry/registry.db";
/// Largest registry read, in bytes. It holds every file of every port: some hundred megabytes.
const REGISTRY_BYTES: u64 = 2 * 1024 * 1024 * 1024;

pub(in super::super) fn read(root: &Dir, source: &mut Source<'_>) {
    let location = || root.shown_child(REGISTRY);
    let Some(file) = source.note(root.file(REGISTRY, REGISTRY_BYTES), location) else { return };
    let owner = file.uid;
    let file = file.into_file();
    let done = portsdb::ports(&file, |name, version| {
        source.offer(SoftwareKind::Macports, Found::new(name).version(Some(version)).at(location(), owner));
        root.budget().check()
    });
    source.note(done, location);
}
