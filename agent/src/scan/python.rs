//! Python: what is installed in every environment of the system and of each home (pip, uv, pipx, conda, pyenv,
//! virtual environments).
//!
//! An installed distribution is a folder `{name}-{version}.dist-info` with a `METADATA` file in it (the "Recording
//! installed projects" specification), or the older `*.egg-info` with `PKG-INFO`. The folder's name is matched
//! first; only the metadata of what matches is read, for the name as its author spells it.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use umbrascope_rules::SoftwareKind;

use super::homes;
use super::safe::{Dir, FileType, Trouble};
use super::source::{Found, Source};
use super::walk::Hits;

/// Places of the system that hold `python3.x` folders or whole environments.
const SYSTEM_LIBS: &[&str] = &[
    "usr/lib",
    "usr/lib64",
    "usr/local/lib",
    "usr/local/lib64",
    // Homebrew on Apple silicon, and Apple's own.
    "opt/homebrew/lib",
    "Library/Developer/CommandLineTools/Library/Frameworks/Python3.framework/Versions/Current/lib",
];
pub(super) const SYSTEM_ENVIRONMENTS: &[&str] = &[
    "opt/conda",
    "opt/miniconda3",
    "opt/miniforge3",
    "opt/mambaforge",
    "opt/anaconda3",
    "opt/venv",
    "venv",
    "app/.venv",
    "opt/homebrew/Caskroom/miniconda/base",
    "opt/homebrew/Caskroom/miniforge/base",
    "ProgramData/miniconda3",
    "ProgramData/miniforge3",
    "ProgramData/anaconda3",
];
/// Folders of the system whose every sub-folder is an environment.
pub(super) const SYSTEM_PARENTS: &[&str] = &[
    "opt",
    "opt/conda/envs",
    "opt/miniconda3/envs",
    "opt/anaconda3/envs",
    "opt/pipx/venvs",
    "usr/local/pipx/venvs",
    // Of python.org and of MacPorts.
    "Library/Frameworks/Python.framework/Versions",
    "opt/local/Library/Frameworks/Python.framework/Versions",
    "usr/local/share/uv/tools",
    "opt/miniforge3/envs",
    "opt/mambaforge/envs",
    "opt/homebrew/Caskroom/miniconda/base/envs",
    "opt/homebrew/Caskroom/miniforge/base/envs",
    "ProgramData/miniconda3/envs",
    "ProgramData/miniforge3/envs",
    "ProgramData/anaconda3/envs",
];

/// Folders of a home whose every sub-folder is an environment.
pub(super) const HOME_PARENTS: &[&str] = &[
    ".pyenv/versions",
    ".asdf/installs/python",
    ".local/share/mise/installs/python",
    ".local/share/rtx/installs/python",
    ".local/share/uv/tools",
    ".local/share/uv/python",
    ".local/share/pipx/venvs",
    ".local/pipx/venvs",
    ".cache/pypoetry/virtualenvs",
    "Library/Caches/pypoetry/virtualenvs",
    "AppData/Local/pypoetry/Cache/virtualenvs",
    ".cache/pipx",
    ".local/pipx/.cache",
    ".local/share/hatch/env/virtual",
    ".virtualenvs",
    ".venvs",
    ".local/share/virtualenvs",
    ".conda/envs",
    "miniconda3/envs",
    "miniforge3/envs",
    "mambaforge/envs",
    "anaconda3/envs",
    "micromamba/envs",
    ".local/share/mamba/envs",
    "Library/Application Support/pipx/venvs",
    "Library/Python",
    // Windows: python.org's installers and manager, pip's user site, pyenv-win, uv, pipx.
    "AppData/Local/Programs/Python",
    "AppData/Local/Python",
    "AppData/Roaming/Python",
    ".pyenv/pyenv-win/versions",
    "AppData/Roaming/uv/tools",
    "AppData/Roaming/uv/python",
    "pipx/venvs",
    "AppData/Local/pipx/pipx/venvs",
    "AppData/Local/miniconda3/envs",
    "AppData/Local/miniforge3/envs",
    "AppData/Local/anaconda3/envs",
];
pub(super) const HOME_ENVIRONMENTS: &[&str] = &[
    "miniconda3",
    "miniforge3",
    "mambaforge",
    "anaconda3",
    ".local",
    "AppData/Local/miniconda3",
    "AppData/Local/miniforge3",
    "AppData/Local/anaconda3",
];
/// Folders of the packages of the Store, one of which may be a Python's, with its users' packages.
const STORE: &str = "AppData/Local/Packages";
const STORE_PYTHON: &str = "PythonSoftwareFoundation.Python.";

/// Where uv keeps the environments of tools that are run without being installed.
const UV_CACHES: &[&str] = &[".cache/uv/environments-v2", "AppData/Local/uv/cache/environments-v2"];
/// Where conda and its kin note each environment that they make, a path a line, and the most of it that is read, in bytes.
const CONDA_LIST: &str = ".conda/environments.txt";
const CONDA_LIST_BYTES: u64 = 256 * 1024;
/// Most environments below one folder.
const ENVIRONMENTS: usize = 1_000;
/// Largest part of a METADATA file that is read: the fields come first, the description after them.
const METADATA_BYTES: u64 = 64 * 1024;

pub(super) fn read_system(root: &Dir, source: &mut Source<'_>) {
    for lib in SYSTEM_LIBS {
        read_lib(root, Path::new(lib), source);
    }
    for environment in SYSTEM_ENVIRONMENTS {
        read_environment(root, Path::new(environment), source);
    }
    for parent in SYSTEM_PARENTS {
        read_children(root, Path::new(parent), source);
    }
}

pub(super) fn read_home(home: &Dir, hits: &Hits, source: &mut Source<'_>) {
    for environment in HOME_ENVIRONMENTS {
        read_environment(home, Path::new(environment), source);
    }
    for parent in HOME_PARENTS {
        read_children(home, Path::new(parent), source);
    }
    read_store(home, source);
    read_uv_cache(home, source);
    for path in elsewhere(home, hits, source) {
        read_environment(home, &path, source);
        read_children(home, &path.join("envs"), source);
    }
}

/// The environments that a walk through projects came across.
pub(super) fn read_projects(base: &Dir, hits: &Hits, source: &mut Source<'_>) {
    for path in &hits.environments {
        read_environment(base, path, source);
    }
}

fn read_store(home: &Dir, source: &mut Source<'_>) {
    let store = home.dir(STORE).and_then(|store| store.entries());
    let Some((entries, _)) = source.through(store, || home.shown_child(STORE)) else { return };
    for name in entries.iter().filter_map(|entry| entry.text()).filter(|name| name.starts_with(STORE_PYTHON))
    {
        read_children(home, &Path::new(STORE).join(name).join("LocalCache/local-packages"), source);
    }
}

/// What `uvx` ran: `environments-v2/<interpreter>/<hash>`, each a link to an environment in uv's archive.
fn read_uv_cache(home: &Dir, source: &mut Source<'_>) {
    for cache in UV_CACHES {
        let Some((folder, interpreters)) = source.list(home, cache) else { continue };
        for interpreter in interpreters.iter().filter(|entry| entry.kind == FileType::Directory) {
            let Some((folder, environments)) = source.list(&folder, &interpreter.name) else { continue };
            let environments = environments.iter().filter(|entry| entry.may_be_dir()).collect();
            for environment in source.first(environments, ENVIRONMENTS, folder.shown()) {
                read_environment(&folder, Path::new(&environment.name), source);
            }
        }
    }
}

/// The environments of a home that stand at no usual place: those that the walk came across, and those that conda has noted.
pub(super) fn elsewhere(home: &Dir, hits: &Hits, source: &mut Source<'_>) -> BTreeSet<PathBuf> {
    let mut environments: BTreeSet<PathBuf> = hits.environments.iter().cloned().collect();
    let list = source.note(home.read(CONDA_LIST, CONDA_LIST_BYTES), || home.shown_child(CONDA_LIST));
    let list = list.unwrap_or_default();
    let noted = list.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    let noted = noted.filter_map(|line| homes::below(home, line.trim())).collect();
    environments.extend(source.first(noted, ENVIRONMENTS, &home.shown_child(CONDA_LIST)));
    environments.retain(|path| {
        let known = HOME_ENVIRONMENTS.iter().any(|known| Path::new(known) == path)
            || HOME_PARENTS.iter().any(|parent| path.parent() == Some(Path::new(parent)));
        !known && path.as_path() != Path::new("")
    });
    environments
}

fn read_children(base: &Dir, parent: &Path, source: &mut Source<'_>) {
    let Some(folder) = source.note(base.dir(parent), || base.shown_child(parent)) else { return };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    let over = (entries.len() > ENVIRONMENTS).then_some(Trouble::TooLarge);
    if let Some(trouble) = trouble.or(over) {
        source.trouble(trouble, folder.shown());
    }
    // A link beside the environments (`3.12 -> 3.12.4`) names one of them again.
    for entry in entries.iter().filter(|entry| entry.kind != FileType::Symlink).take(ENVIRONMENTS) {
        read_environment(&folder, Path::new(&entry.name), source);
    }
}

/// An environment: `lib/python3.x/site-packages`, on Windows `Lib/site-packages`, or `site-packages` for one user's.
pub(super) fn read_environment(base: &Dir, path: &Path, source: &mut Source<'_>) {
    read_lib(base, &path.join("lib"), source);
    for packages in ["Lib/site-packages", "lib/site-packages", "site-packages"] {
        read_packages(base, &path.join(packages), source);
    }
}

fn read_lib(base: &Dir, lib: &Path, source: &mut Source<'_>) {
    let Some(folder) = source.note(base.dir(lib), || base.shown_child(lib)) else { return };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries {
        let named = entry.text().is_some_and(|name| name.starts_with("python") || name.starts_with("pypy"));
        if named && entry.may_be_dir() {
            for packages in ["site-packages", "dist-packages"] {
                read_packages(&folder, &PathBuf::from(&entry.name).join(packages), source);
            }
        }
    }
}

fn read_packages(base: &Dir, path: &Path, source: &mut Source<'_>) {
    let Some(folder) = source.note(base.dir(path), || base.shown_child(path)) else { return };
    let Some((entries, trouble)) = source.note(folder.entries(), || folder.shown().into()) else { return };
    if let Some(trouble) = trouble {
        source.trouble(trouble, folder.shown());
    }
    for entry in entries {
        let Some((name, version)) = entry.text().and_then(folder_name) else { continue };
        let Some(rule) = source.package_rule(SoftwareKind::Pypi, name) else {
            source.leave(SoftwareKind::Pypi, name.to_owned(), version.map(str::to_owned));
            continue;
        };
        let files: &[&str] = match entry.text() {
            Some(folder_name) if folder_name.ends_with(".dist-info") => &["METADATA"],
            _ if entry.kind == FileType::RegularFile => &[""],
            _ => &["PKG-INFO"],
        };
        for file in files {
            let place =
                if file.is_empty() { PathBuf::from(&entry.name) } else { Path::new(&entry.name).join(file) };
            let location = || folder.shown().to_owned();
            let Some(file) = source.note(folder.head(&place), location) else { continue };
            let owner = file.uid;
            let metadata = metadata(BufReader::new(file.reader(METADATA_BYTES)));
            let Some(metadata) = source.note(metadata, location) else { continue };
            let mut found = Found::new(metadata.name.unwrap_or_else(|| name.to_owned()))
                .version(metadata.version.or_else(|| version.map(str::to_owned)))
                .at(location(), owner);
            found.details.licence = metadata.licence;
            source.take(rule, found);
        }
    }
}

/// Name and version in the name of a metadata folder: `huggingface_hub-0.26.1.dist-info`,
/// `openai-0.8.0-py3.9.egg-info`, `name.egg-info`.
pub(super) fn folder_name(name: &str) -> Option<(&str, Option<&str>)> {
    if let Some(stem) = name.strip_suffix(".dist-info") {
        let (name, version) = stem.split_once('-')?;
        return (!name.is_empty() && !name.starts_with('~')).then_some((name, Some(version)));
    }
    let stem = name.strip_suffix(".egg-info")?;
    let mut parts = stem.splitn(3, '-');
    let name = parts.next().filter(|name| !name.is_empty())?;
    Some((name, parts.next()))
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    name: Option<String>,
    version: Option<String>,
    licence: Option<String>,
}

/// The fields of a METADATA or PKG-INFO file (core metadata), up to the empty line that ends them.
pub(super) fn metadata(mut reader: impl BufRead) -> Result<Metadata, Trouble> {
    let mut found = Metadata::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        (&mut reader)
            .take(METADATA_BYTES)
            .read_until(b'\n', &mut line)
            .map_err(|error| Trouble::of_reading(error.kind()))?;
        let text = line.trim_ascii_end();
        if text.is_empty() {
            return Ok(found);
        }
        let Ok(text) = std::str::from_utf8(text) else { continue };
        let Some((field, value)) = text.split_once(':') else { continue };
        let value = value.trim();
        // `License` may hold a whole text; an expression or a short name is what is of use.
        let slot = match field {
            "Name" => &mut found.name,
            "Version" => &mut found.version,
            "License-Expression" => &mut found.licence,
            "License" if value.len() <= 64 && found.licence.is_none() => &mut found.licence,
            _ => continue,
        };
        if !value.is_empty() {
            *slot = Some(value.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = "Metadata-Version: 2.4\nName: huggingface-hub\nVersion: 0.26.1\nSummary: Client library\n\
        License: Apache\nClassifier: x\nRequires-Dist: httpx<1,>=0.23.0\n\n# Name: not-this\n";

    #[test]
    fn the_folder_tells_name_and_version() {
        assert_eq!(folder_name("openai-1.54.3.dist-info"), Some(("openai", Some("1.54.3"))));
        assert_eq!(
            folder_name("huggingface_hub-0.26.1.dist-info"),
            Some(("huggingface_hub", Some("0.26.1")))
        );
        assert_eq!(folder_name("openai-0.8.0-py3.9.egg-info"), Some(("openai", Some("0.8.0"))));
        assert_eq!(folder_name("cohere.egg-info"), Some(("cohere", None)));
        assert_eq!(folder_name("~penai-1.0.dist-info"), None);
        assert_eq!(folder_name("openai"), None);
        assert_eq!(folder_name("-1.dist-info"), None);
    }

    #[test]
    fn the_metadata_is_read_up_to_its_description() {
        let read = metadata(METADATA.as_bytes()).unwrap();
        assert_eq!(read.name.as_deref(), Some("huggingface-hub"));
        assert_eq!(read.version.as_deref(), Some("0.26.1"));
        assert_eq!(read.licence.as_deref(), Some("Apache"));
    }

    #[test]
    fn no_prefix_of_a_real_file_fails() {
        for end in 0..METADATA.len() {
            metadata(&METADATA.as_bytes()[..end]).unwrap();
        }
    }
}
