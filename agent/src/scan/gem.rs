//! Ruby: a `specifications/<name>-<version>[-<platform>].gemspec` for each installed gem, in every place for gems of the
//! system and of each home. The file is a program; its name is all that is looked at.

use std::path::Path;

use umbrascope_rules::SoftwareKind;

use super::safe::Dir;
use super::source::{Found, Source};

/// Folders with a folder for each version of Ruby, and where below that the specifications are.
const SYSTEM: &[(&str, &str)] = &[
    ("var/lib/gems", "specifications"),
    ("usr/lib/ruby/gems", "specifications"),
    ("usr/local/lib/ruby/gems", "specifications"),
    ("usr/share/gems", ""),
    ("usr/share/rubygems-integration", "specifications"),
    ("usr/local/bundle", ""),
];
const HOME: &[(&str, &str)] = &[
    (".gem/ruby", "specifications"),
    (".local/share/gem/ruby", "specifications"),
    (".rvm/gems", "specifications"),
];
/// Folders with a folder for each installed Ruby, which has its own `lib/ruby/gems/<version>/specifications`.
const RUBIES: &[&str] = &[
    ".rbenv/versions",
    ".asdf/installs/ruby",
    ".local/share/mise/installs/ruby",
    ".rubies",
    ".rvm/rubies",
    ".local/share/rv/rubies",
];

pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for (parent, inside) in SYSTEM {
        read_versions(root, Path::new(parent), inside, source);
    }
}

pub(super) fn read_home(home: &Dir, source: &mut Source<'_>) {
    for (parent, inside) in HOME {
        read_versions(home, Path::new(parent), inside, source);
    }
    for parent in RUBIES {
        let Some((folder, rubies)) = source.list(home, parent) else { continue };
        for ruby in rubies.iter().filter(|entry| entry.kind.is_dir()) {
            read_versions(&folder, &Path::new(&ruby.name).join("lib/ruby/gems"), "specifications", source);
        }
    }
}

fn read_versions(base: &Dir, parent: &Path, inside: &str, source: &mut Source<'_>) {
    let Some((folder, versions)) = source.list(base, parent) else { return };
    for version in versions.iter().filter(|entry| entry.kind.is_dir()) {
        let Some((folder, gems)) = source.list(&folder, Path::new(&version.name).join(inside)) else {
            continue;
        };
        for gem in gems {
            if let Some((name, version)) = gem.text().and_then(parse) {
                let found = Found::new(name).version(Some(version)).at(folder.shown(), folder.uid());
                source.offer(SoftwareKind::Gem, found);
            }
        }
    }
}

/// Name and version: the version begins at the first hyphen that digits and a point follow, or digits alone.
pub(super) fn parse(file: &str) -> Option<(&str, &str)> {
    let stem = file.strip_suffix(".gemspec")?;
    let version = |at: usize| {
        let rest = stem.get(at + 1..)?;
        let version = rest.split('-').next()?;
        let first = version.split('.').next()?;
        (!first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit())).then_some(version)
    };
    let found = stem.match_indices('-').find_map(|(at, _)| version(at).map(|version| (&stem[..at], version)));
    found.filter(|(name, _)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_gem_and_version() {
        assert_eq!(parse("ruby-openai-7.3.1.gemspec"), Some(("ruby-openai", "7.3.1")));
        assert_eq!(parse("nokogiri-1.16.0-x86_64-linux.gemspec"), Some(("nokogiri", "1.16.0")));
        assert_eq!(parse("x-2fa-1.0.0.pre1.gemspec"), Some(("x-2fa", "1.0.0.pre1")));
        assert_eq!(parse("-1.gemspec"), None);
        assert_eq!(parse("openai.gemspec"), None);
        assert_eq!(parse("openai-1.0.gem"), None);
    }
}
