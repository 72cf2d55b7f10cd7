//! .NET tools: `~/.dotnet/tools/.store/<package>/<version>` for each that `dotnet tool install --global` put there.

use umbrascope_rules::SoftwareKind;

use super::safe::Dir;
use super::source::{Found, Source};

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    let Some((folder, packages)) = source.list(home, ".dotnet/tools/.store") else { return };
    for package in packages.iter().filter(|entry| entry.kind.is_dir()) {
        // `.stage` is where a download waits.
        let Some(name) = package.text().filter(|name| !name.starts_with('.')) else { continue };
        let Some((_, versions)) = source.list(&folder, name) else { continue };
        let version =
            versions.iter().filter(|entry| entry.kind.is_dir()).filter_map(|entry| entry.text()).max();
        source.offer(SoftwareKind::Nuget, Found::new(name).version(version).at(folder.shown(), folder.uid()));
    }
}
