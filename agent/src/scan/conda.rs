//! Conda, with its kin: `conda-meta/<name>-<version>-<build>.json` for each package of an environment. The file's name says
//! all that is needed; it is the last two hyphens that part it.

use std::path::Path;

use umbrascope_rules::SoftwareKind;

use super::python::{HOME_ENVIRONMENTS, HOME_PARENTS, SYSTEM_ENVIRONMENTS, SYSTEM_PARENTS, elsewhere};
use super::safe::Dir;
use super::source::{Found, Source};
use super::walk::Hits;

/// Most environments below one folder.
const ENVIRONMENTS: usize = 1_000;

pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for environment in SYSTEM_ENVIRONMENTS {
        read(root, Path::new(environment), source);
    }
    for parent in SYSTEM_PARENTS.iter().filter(|parent| parent.ends_with("envs")) {
        read_children(root, Path::new(parent), source);
    }
}

pub(super) fn read_home(home: &Dir, hits: &Hits, source: &mut Source<'_>) {
    for environment in HOME_ENVIRONMENTS {
        read(home, Path::new(environment), source);
    }
    for parent in HOME_PARENTS.iter().filter(|parent| parent.ends_with("envs") || parent.contains("pyenv")) {
        read_children(home, Path::new(parent), source);
    }
    for environment in elsewhere(home, hits, source) {
        read(home, &environment, source);
        read_children(home, &environment.join("envs"), source);
    }
}

fn read_children(base: &Dir, parent: &Path, source: &mut Source<'_>) {
    let Some((folder, entries)) = source.list(base, parent) else { return };
    let environments = entries.iter().filter(|entry| entry.kind.is_dir()).collect();
    for entry in source.first(environments, ENVIRONMENTS, folder.shown()) {
        read(&folder, Path::new(&entry.name), source);
    }
}

fn read(base: &Dir, environment: &Path, source: &mut Source<'_>) {
    let Some((folder, entries)) = source.list(base, environment.join("conda-meta")) else { return };
    for entry in entries {
        if let Some((name, version)) = entry.text().and_then(parse) {
            let found = Found::new(name).version(Some(version)).at(folder.shown(), folder.uid());
            source.offer(SoftwareKind::Conda, found);
        }
    }
}

/// Name and version.
pub(super) fn parse(file: &str) -> Option<(&str, &str)> {
    let mut parts = file.strip_suffix(".json")?.rsplitn(3, '-').skip(1);
    let (version, name) = (parts.next()?, parts.next()?);
    (!name.is_empty() && !version.is_empty()).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_package_and_version() {
        assert_eq!(parse("ollama-0.12.3-cuda_126h0e1d2_0.json"), Some(("ollama", "0.12.3")));
        assert_eq!(parse("llama-cpp-python-0.3.1-py312h_0.json"), Some(("llama-cpp-python", "0.3.1")));
        assert_eq!(parse("history"), None);
        assert_eq!(parse("a-1.json"), None);
        assert_eq!(parse("--.json"), None);
    }
}
