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
        let versions = versions.iter().filter(|entry| entry.kind.is_dir()).filter_map(|entry| entry.text());
        let version = versions.max_by_key(|version| order(version));
        source.offer(SoftwareKind::Nuget, Found::new(name).version(version).at(folder.shown(), folder.uid()));
    }
}

/// Where a version stands among others (Semantic Versioning 2.0.0 § 11, of a pre-release only that it comes before its release).
fn order(version: &str) -> (Vec<u64>, bool, &str) {
    let version = version.split('+').next().unwrap_or(version);
    let (numbers, before) =
        version.split_once('-').map_or((version, None), |(numbers, before)| (numbers, Some(before)));
    let numbers = numbers.split('.').map(|part| part.parse().unwrap_or(0)).collect();
    (numbers, before.is_none(), before.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_not_compared_as_text() {
        let newest = |versions: [&'static str; 2]| versions.into_iter().max_by_key(|version| order(version));
        assert_eq!(newest(["10.0.1", "9.0.4"]), Some("10.0.1"));
        assert_eq!(newest(["2.0.0", "2.0.0-beta.3"]), Some("2.0.0"));
        assert_eq!(newest(["2.0.0-beta.3", "1.9.9"]), Some("2.0.0-beta.3"));
    }
}
