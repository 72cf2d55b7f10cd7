//! Projects: what AI their manifests, lock files and instruction files name.
//!
//! That a project names a thing is no proof that anybody here runs it: the channel is `manifest`, which proves no more
//! than a reference. A project is a folder with such files; it gives one item for each product, under the name that it
//! asks for itself where it does, and with the version of its lock file where there is one. Of a manifest, every direct
//! dependency is looked up; of a lock file, which holds those of others too, only what a rule knows is kept.

mod dotnet;
mod java;
mod javascript;
mod locks;
mod others;
mod python;

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use umbrascope_rules::{RuleRef, SoftwareKind};

use super::safe::{Dir, Trouble};
use super::source::{Found, Source};
use super::walk::{HITS, Hits};

/// Largest manifest read, in bytes.
const MANIFEST_BYTES: u64 = 1024 * 1024;
/// Largest lock file read, in bytes. It is never held as a whole; a monorepo's has 10 MB.
const LOCK_BYTES: u64 = 64 * 1024 * 1024;
/// Longest line of a lock file that is looked at, in bytes: bun writes a package a line.
const LINE_BYTES: u64 = 64 * 1024;
/// Most products of one project.
const PRODUCTS: usize = 500;

/// A dependency that a file names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dependency {
    pub(super) kind: SoftwareKind,
    pub(super) name: String,
    /// Where the file says which one, not which range.
    pub(super) version: Option<String>,
    /// Whether the project itself asks for it.
    pub(super) direct: bool,
}

impl Dependency {
    fn direct(kind: SoftwareKind, name: impl Into<String>, version: Option<&str>) -> Self {
        Self { kind, name: name.into(), version: version.map(str::to_owned), direct: true }
    }

    fn locked(kind: SoftwareKind, name: &str, version: Option<&str>) -> Self {
        let version = version.filter(|version| !version.is_empty()).map(str::to_owned);
        Self { kind, name: name.to_owned(), version, direct: false }
    }
}

/// Takes each dependency as it is read.
type Each<'a> = &'a mut dyn FnMut(Dependency);
type Small = fn(&[u8], Each<'_>) -> Result<(), Trouble>;
type Large = fn(&mut dyn std::io::BufRead, Each<'_>) -> Result<(), Trouble>;

/// How a file is read.
#[derive(Clone, Copy)]
enum Reader {
    /// A manifest, as a whole.
    Whole(Small),
    /// A lock file, a piece at a time.
    Stream(Large),
    /// An instruction file: its name is all that is looked at.
    Name,
}

/// Manifests and lock files by name, lower case.
const FILES: &[(&str, Reader)] = &[
    ("package.json", Reader::Whole(javascript::package_json)),
    ("package-lock.json", Reader::Stream(locks::package_lock)),
    ("npm-shrinkwrap.json", Reader::Stream(locks::package_lock)),
    ("pnpm-lock.yaml", Reader::Stream(locks::pnpm)),
    ("yarn.lock", Reader::Stream(locks::yarn)),
    ("bun.lock", Reader::Stream(locks::bun)),
    ("pyproject.toml", Reader::Whole(python::pyproject)),
    ("pipfile", Reader::Whole(python::pipfile)),
    ("pipfile.lock", Reader::Stream(locks::pipfile)),
    ("poetry.lock", Reader::Stream(locks::python)),
    ("uv.lock", Reader::Stream(locks::python)),
    ("pdm.lock", Reader::Stream(locks::python)),
    ("pylock.toml", Reader::Stream(locks::python)),
    ("environment.yml", Reader::Whole(python::environment)),
    ("environment.yaml", Reader::Whole(python::environment)),
    ("cargo.toml", Reader::Whole(others::cargo)),
    ("cargo.lock", Reader::Stream(locks::cargo)),
    ("go.mod", Reader::Whole(others::go_mod)),
    ("gemfile", Reader::Whole(others::gemfile)),
    ("gemfile.lock", Reader::Stream(locks::gemfile)),
    ("packages.config", Reader::Whole(dotnet::project)),
    ("directory.packages.props", Reader::Whole(dotnet::project)),
    ("composer.json", Reader::Whole(others::composer)),
    ("composer.lock", Reader::Stream(locks::composer)),
    ("pom.xml", Reader::Whole(java::pom)),
    ("build.gradle", Reader::Whole(java::gradle)),
    ("build.gradle.kts", Reader::Whole(java::gradle)),
    ("libs.versions.toml", Reader::Whole(java::versions)),
];

/// Files in which a project tells assistants how to work, at its top. Whose each is, if anybody's, is the catalogue's
/// knowledge.
const INSTRUCTIONS: &[&str] = &[
    "CLAUDE.md",
    "CLAUDE.local.md",
    "AGENTS.md",
    "GEMINI.md",
    "QWEN.md",
    "CRUSH.md",
    "WARP.md",
    "CONVENTIONS.md",
    ".cursorrules",
    ".cursorignore",
    ".windsurfrules",
    ".clinerules",
    ".roorules",
    ".goosehints",
    ".aider.conf.yml",
    ".replit",
];

/// The same in a folder that others use too: the folder, and what is in it.
const INSTRUCTIONS_BELOW: &[(&str, &str)] = &[
    (".claude", "settings.json"),
    (".claude", "commands"),
    (".claude", "agents"),
    (".claude", "skills"),
    (".cursor", "rules"),
    (".windsurf", "rules"),
    (".github", "copilot-instructions.md"),
    (".roo", "rules"),
    (".kiro", "steering"),
    (".junie", "guidelines.md"),
    (".amazonq", "rules"),
    (".continue", "rules"),
    (".trae", "rules"),
    (".augment", "rules"),
];

/// Whether a file of this name is of use here, and so to be remembered by the walk. Asked for every file of a home: the
/// first byte and the last decide for most.
pub(super) fn is_manifest(name: &str) -> bool {
    let bytes = name.as_bytes();
    let starts = |letter: u8| bytes[0].eq_ignore_ascii_case(&letter);
    let plausible = match bytes.last() {
        None => false,
        Some(_) if bytes[0] == b'.' => true,
        Some(b'n') => name.ends_with(".json"),
        Some(b'l') => name.ends_with("ml"),
        Some(b'k') => name.ends_with(".lock"),
        Some(b't') => name.ends_with(".txt") && starts(b'r'),
        Some(b'd') => name.ends_with(".mod") || name.ends_with(".md"),
        Some(b'e') => starts(b'p') || starts(b'g') || starts(b'b'),
        Some(b'j') => name.ends_with("proj"),
        Some(b'g') => name.ends_with(".config"),
        Some(b's') => name.ends_with(".kts") || name.ends_with(".props"),
        Some(_) => false,
    };
    plausible && reader(name).is_some()
}

/// Folders that hold instruction files, for the walk, which does not look into them otherwise.
pub(super) fn instructions_below(folder: &str) -> impl Iterator<Item = &'static str> {
    INSTRUCTIONS_BELOW.iter().filter(move |(of, _)| *of == folder).map(|(_, name)| *name)
}

/// How the file at a path is read, if it is.
fn reader(name: &str) -> Option<Reader> {
    if INSTRUCTIONS.contains(&name) {
        return Some(Reader::Name);
    }
    let lower = name.to_ascii_lowercase();
    if let Some((_, reader)) = FILES.iter().find(|(file, _)| *file == lower) {
        return Some(*reader);
    }
    if lower.starts_with("requirements") && lower.ends_with(".txt") {
        return Some(Reader::Whole(python::requirements));
    }
    let dotnet = [".csproj", ".fsproj", ".vbproj"].iter().any(|end| lower.ends_with(end));
    dotnet.then_some(Reader::Whole(dotnet::project))
}

/// Reads what the walk through a home came across.
pub(super) fn read_home(home: &Dir, hits: &Hits, source: &mut Source<'_>) {
    if hits.manifests.len() >= HITS {
        source.trouble(Trouble::TooLarge, "~");
    }
    let mut projects: BTreeMap<&Path, Vec<&PathBuf>> = BTreeMap::new();
    for path in &hits.manifests {
        projects.entry(project(path)).or_default().push(path);
    }
    for (folder, mut files) in projects {
        // The order of a folder is no order; what a project asks for itself comes before what it locks.
        files.sort_by_key(|path| (is_lock(path), *path));
        if let Err(trouble) = home.budget().check() {
            return source.trouble(trouble, "~");
        }
        read_project(home, folder, &files, source);
    }
}

/// The project that a file belongs to: the folder it is in, or the one above for `.github/…` and its like, and for
/// Gradle's `gradle/libs.versions.toml`.
fn project(file: &Path) -> &Path {
    let folder = file.parent().unwrap_or(Path::new(""));
    let inner = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let below =
        INSTRUCTIONS_BELOW.iter().any(|(of, _)| *of == inner) || matches!(inner, "gradle" | "requirements");
    if below { folder.parent().unwrap_or(folder) } else { folder }
}

fn is_lock(path: &Path) -> bool {
    let reader = path.file_name().and_then(|name| reader(name.to_str()?));
    matches!(reader, Some(Reader::Stream(_)))
}

/// The best that a project says of each product.
struct Named<'a> {
    rule: &'a RuleRef,
    found: Found,
    direct: bool,
}

fn read_project(home: &Dir, folder: &Path, files: &[&PathBuf], source: &mut Source<'_>) {
    let mut products: BTreeMap<&str, Named<'_>> = BTreeMap::new();
    for path in files {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let location = || home.shown_child(path);
        let mut named = Vec::new();
        let mut owner = home.uid();
        let done = match reader(name).filter(|_| !is_below(folder, path)) {
            Some(Reader::Whole(parse)) => home.file(path, MANIFEST_BYTES).and_then(|file| {
                owner = file.uid;
                parse(&file.bytes()?, &mut |dependency| named.push(dependency))
            }),
            Some(Reader::Stream(parse)) => home.file(path, LOCK_BYTES).and_then(|file| {
                owner = file.uid;
                let mut reader = BufReader::new(file.reader(LOCK_BYTES));
                parse(&mut reader, &mut |dependency| {
                    // Thousands of a lock file are of no interest.
                    if rule(&dependency, source).is_some() {
                        named.push(dependency);
                    }
                })
            }),
            Some(Reader::Name) | None => home.look(path).map(|look| {
                owner = look.uid;
                let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
                let kind = SoftwareKind::ProjectFile;
                named.push(Dependency { kind, name, version: None, direct: false });
            }),
        };
        source.note(done, location);
        for dependency in named {
            let Some(rule) = rule(&dependency, source) else {
                match dependency.direct {
                    true => source.leave(dependency.kind, dependency.name, dependency.version),
                    false => source.pass(),
                }
                continue;
            };
            let full = products.len() >= PRODUCTS;
            match products.get_mut(&*rule.product) {
                Some(known) => known.learn(rule, dependency, location(), owner),
                None if full => source.trouble(Trouble::TooLarge, location()),
                None => {
                    let direct = dependency.direct;
                    let found = Found::new(dependency.name).version(dependency.version).at(location(), owner);
                    products.insert(&rule.product, Named { rule, found, direct });
                }
            }
        }
    }
    for named in products.into_values() {
        source.take(named.rule, named.found);
    }
}

/// Whether a path lies in a folder for assistants, not in the project's own.
fn is_below(folder: &Path, path: &Path) -> bool {
    path.parent()
        .and_then(|parent| parent.strip_prefix(folder).ok())
        .is_some_and(|below| INSTRUCTIONS_BELOW.iter().any(|(of, _)| Path::new(of) == below))
}

impl<'a> Named<'a> {
    /// Adds what another line says of the same product.
    fn learn(
        &mut self,
        rule: &'a RuleRef,
        dependency: Dependency,
        location: String,
        owner: crate::scan::OwnerId,
    ) {
        if is_same(&self.found.value, &dependency.name) {
            self.found.version = self.found.version.take().or(dependency.version);
        } else if dependency.direct && !self.direct {
            self.found = Found::new(dependency.name).version(dependency.version).at(location, owner);
            self.rule = rule;
        }
        self.direct |= dependency.direct;
    }
}

/// Whether two spellings are one name: a manifest may say `Hugging_Face.Hub` where the lock file has `hugging-face-hub`.
fn is_same(one: &str, other: &str) -> bool {
    let fold = |byte: u8| if matches!(byte, b'_' | b'.') { b'-' } else { byte.to_ascii_lowercase() };
    one.bytes().map(fold).eq(other.bytes().map(fold))
}

fn rule<'a>(dependency: &Dependency, source: &Source<'a>) -> Option<&'a RuleRef> {
    match dependency.kind {
        kind @ (SoftwareKind::Npm | SoftwareKind::Pypi) => source.package_rule(kind, &dependency.name),
        // Most of conda's Python packages are called as on PyPI.
        SoftwareKind::Conda => source
            .rule(SoftwareKind::Conda, &dependency.name)
            .or_else(|| source.package_rule(SoftwareKind::Pypi, &dependency.name)),
        kind => source.rule(kind, &dependency.name),
    }
}

/// Every parser here, by name, for [`super::parsers`].
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn parse_all(bytes: &[u8]) {
    for (_, reader) in FILES {
        let mut each = |_: Dependency| {};
        // The result is of no interest: that there is one is.
        let _ = match reader {
            Reader::Whole(parse) => parse(bytes, &mut each),
            Reader::Stream(parse) => parse(&mut &*bytes, &mut each),
            Reader::Name => Ok(()),
        };
    }
    let _ = python::requirements(bytes, &mut |_| {});
}

#[cfg(test)]
mod tests;
