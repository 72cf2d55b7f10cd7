//! One bounded walk through a home, for what may lie in any folder: projects' MCP files, virtual environments,
//! global npm folders of a chosen prefix, loose model files.
//!
//! The same walk goes through folders of projects that a configuration names.
//!
//! It is breadth-first, so that when it must stop it has seen what lies near the top. No symbolic link is followed.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::assistants::is_project_folder;
use super::keys::PROJECT_FILES;
use super::manifests;
use super::mcp::IN_PROJECT;
use super::safe::{Dir, FileType, Trouble};

/// Deepest folder looked into; the home itself is 0. `~/src/github.com/owner/project` is 4.
const DEPTH: usize = 6;
/// Most folders read in one home.
const DIRS: usize = 8_000;
/// Most hits of one kind in one home.
pub(super) const HITS: usize = 2_000;

/// Folders that hold the work of tools, not of people: never looked into.
const SKIPPED: &[&str] = &[
    "node_modules",
    "vendor",
    "Library",
    "AppData",
    "dist",
    "build",
    "target",
    "__pycache__",
    "site-packages",
    "venv",
    "env",
    "bower_components",
    "Pods",
    "DerivedData",
    "snap",
    "pkg",
    "lost+found",
    "$RECYCLE.BIN",
];

/// What the walk came across, as paths below the home.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Hits {
    pub(crate) mcp_files: Vec<McpHit>,
    /// Folders that assistants keep in projects (`.claude`).
    pub(crate) assistant_folders: Vec<PathBuf>,
    /// Folders with a `pyvenv.cfg` or a `conda-meta`.
    pub(crate) environments: Vec<PathBuf>,
    /// `…/lib/node_modules` of an npm prefix.
    pub(crate) node_roots: Vec<PathBuf>,
    /// `*.gguf`, `*.safetensors`.
    pub(crate) model_files: Vec<PathBuf>,
    /// Manifests, lock files and instruction files of projects, for [`manifests`].
    pub(crate) manifests: Vec<PathBuf>,
    /// Files of projects that set variables; looked for where projects are, not in homes.
    pub(crate) variable_files: Vec<PathBuf>,
    /// What could not be looked into.
    pub(crate) troubles: Vec<(Trouble, String)>,
}

impl Hits {
    /// As bytes; `None` where a path is no text, which they cannot hold.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    /// Whether there may have been more of a kind than is kept. Of manifests their own source tells.
    fn some_left_out(&self) -> bool {
        let kinds = [
            self.mcp_files.len(),
            self.assistant_folders.len(),
            self.environments.len(),
            self.node_roots.len(),
            self.model_files.len(),
            self.variable_files.len(),
        ];
        kinds.contains(&HITS)
    }

    /// From such bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let hits: Self = serde_json::from_slice(bytes).ok()?;
        hits.mcp_files.iter().all(|hit| hit.which < IN_PROJECT.len()).then_some(hits)
    }
}

/// A file at a place where a client keeps a project's servers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct McpHit {
    /// Index into [`IN_PROJECT`].
    pub(crate) which: usize,
    pub(crate) path: PathBuf,
}

/// What a walk goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Through {
    /// A home, whose own files are those of the user, not of a project.
    Home,
    /// A folder of projects, which may be one itself.
    Projects,
}

/// Walks through one home, or one folder of projects.
pub(crate) fn walk(home: &Dir, through: Through) -> Hits {
    let mut hits = Hits::default();
    let marks = ProjectMarks::new();
    let mut queue = VecDeque::from([(PathBuf::new(), 0)]);
    let mut read = 0;
    while let Some((path, depth)) = queue.pop_front() {
        if read == DIRS {
            hits.troubles.push((Trouble::TooLarge, "~".into()));
            break;
        }
        read += 1;
        let dir = if depth == 0 { Ok(home.clone()) } else { home.dir(&path) };
        let listing = dir.and_then(|dir| dir.entries().map(|(entries, trouble)| (dir, entries, trouble)));
        let (dir, entries, trouble) = match listing {
            Ok(listing) => listing,
            Err(Trouble::Absent) => continue,
            Err(trouble) => {
                hits.troubles.push((trouble, home.shown_child(&path)));
                if trouble == Trouble::TimedOut {
                    break;
                }
                continue;
            }
        };
        if let Some(trouble) = trouble {
            hits.troubles.push((trouble, dir.shown().into()));
            // What is left over is not asked for, folder by folder, only to be told so.
            if trouble == Trouble::TimedOut || home.budget().is_spent() {
                hits.troubles.push((trouble, "~".into()));
                break;
            }
        }
        let mut inside_environment = false;
        let in_project = depth > 0 || through == Through::Projects;
        let in_lib = path.file_name().is_some_and(|name| name == "lib");
        for entry in &entries {
            let Some(name) = entry.text() else { continue };
            if in_project && entry.kind == FileType::Directory && is_project_folder(name) {
                push(&mut hits.assistant_folders, path.join(name));
            }
            match name {
                _ if in_project && marks.has(name) => project_files(&dir, name, &path, &mut hits),
                "pyvenv.cfg" | "conda-meta" => inside_environment = true,
                _ if through == Through::Projects
                    && entry.kind == FileType::RegularFile
                    && PROJECT_FILES.contains(&name) =>
                {
                    push(&mut hits.variable_files, path.join(name));
                }
                // Of the home itself too, where only hidden files are the user's and no project's.
                _ if entry.kind == FileType::RegularFile
                    && (in_project || !name.starts_with('.'))
                    && manifests::is_manifest(name) =>
                {
                    push(&mut hits.manifests, path.join(name));
                }
                "node_modules" if in_lib => push(&mut hits.node_roots, path.join(name)),
                _ if entry.kind == FileType::RegularFile && is_model(name) => {
                    push(&mut hits.model_files, path.join(name));
                }
                _ => {}
            }
        }
        if inside_environment {
            push(&mut hits.environments, path);
            continue;
        }
        for entry in entries {
            if entry.kind != FileType::Directory {
                continue;
            }
            let hidden = entry.name.as_encoded_bytes().starts_with(b".");
            if hidden && in_project {
                instruction_files(&dir, &entry.name, &path, &mut hits);
            }
            let tools = entry.text().is_some_and(|name| SKIPPED.contains(&name));
            if hidden || tools {
                // An environment may have any name; its mark is asked for without reading the folder.
                let below = path.join(&entry.name);
                if entry.name != "node_modules"
                    && (entry.text().is_none_or(|name| !name.starts_with(".git")))
                    && home.look(below.join("pyvenv.cfg")).is_ok()
                {
                    push(&mut hits.environments, below);
                }
            } else if depth < DEPTH {
                queue.push_back((path.join(&entry.name), depth + 1));
            }
        }
    }
    if hits.some_left_out() {
        hits.troubles.push((Trouble::TooLarge, "~".into()));
    }
    hits
}

/// Instruction files in a folder of the project that the walk does not look into.
fn instruction_files(dir: &Dir, folder: &OsStr, path: &Path, hits: &mut Hits) {
    let Some(folder) = folder.to_str() else { return };
    for name in manifests::instructions_below(folder) {
        let file = Path::new(folder).join(name);
        if dir.look(&file).is_ok() {
            push(&mut hits.manifests, path.join(file));
        }
    }
}

fn push<T>(list: &mut Vec<T>, hit: T) {
    if list.len() < HITS {
        list.push(hit);
    }
}

fn is_model(name: &str) -> bool {
    name.ends_with(".gguf") || name.ends_with(".safetensors")
}

/// The names in a project's folder below which a client keeps its servers. Asked for every entry of a home, of which the first
/// byte rules out most.
struct ProjectMarks {
    names: Vec<&'static str>,
    first_bytes: [bool; 256],
}

impl ProjectMarks {
    fn new() -> Self {
        let names: Vec<_> = IN_PROJECT.iter().filter_map(|(_, path, _)| path.split('/').next()).collect();
        let mut first_bytes = [false; 256];
        for byte in names.iter().filter_map(|name| name.bytes().next()) {
            first_bytes[usize::from(byte)] = true;
        }
        Self { names, first_bytes }
    }

    fn has(&self, name: &str) -> bool {
        name.bytes().next().is_some_and(|first| self.first_bytes[usize::from(first)])
            && self.names.contains(&name)
    }
}

fn project_files(dir: &Dir, name: &str, path: &Path, hits: &mut Hits) {
    for (which, (_, file, _)) in IN_PROJECT.iter().enumerate() {
        let first = file.split('/').next();
        // Links are left to the reader, which resolves them within the home or says that it may not.
        if first == Some(name) && dir.look(file).is_ok_and(|look| look.kind != FileType::Directory) {
            push(&mut hits.mcp_files, McpHit { which, path: path.join(file) });
        }
    }
}
