//! MacPorts: the ports that its registry calls active.

use umbrascope_rules::SoftwareKind;

use super::super::safe::Dir;
use super::super::source::{Found, Source};
use super::super::sqlite::Database;
use super::portsdb;

const REGISTRY: &str = "opt/local/var/macports/registry/registry.db";

pub(in super::super) fn read(root: &Dir, source: &mut Source<'_>) {
    let location = || root.shown_child(REGISTRY);
    let Some(database) = Database::note(root, REGISTRY, source) else { return };
    let owner = database.owner;
    let done = portsdb::ports(&database, |name, version| {
        source.offer(SoftwareKind::Macports, Found::new(name).version(Some(version)).at(location(), owner));
        root.budget().check()
    });
    source.note(done, location);
}
