//! Both programs, real sockets, real clients: the harness that the tests in `tests/tests` stand on.
//!
//! Network traffic stays on loopback and in network namespaces that a test makes itself. A test
//! whose part is missing is skipped with a line that says so, and fails instead where
//! `UMBRASCOPE_TEST_REQUIRE=all` is set ([`require`]).

#![expect(
    clippy::panic,
    reason = "a harness that cannot go on fails its test: that is what a panic is for here"
)]

pub mod arrows;
pub mod netns;
pub mod product;
pub mod programs;
mod require;
pub mod services;
pub mod stage;
pub mod tree;

use std::fs;
use std::path::{Path, PathBuf};

pub use require::{have_command, is_root, may_install, require};

/// The root of the workspace.
pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The labelled captures and names, where they are present: `UMBRASCOPE_CORPUS`, else
/// `../shared/corpus` beside the workspace.
pub fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("UMBRASCOPE_CORPUS")
        .map_or_else(|| workspace_root().join("../shared/corpus"), PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// Adds every file below `folder` to `files`.
///
/// # Panics
/// When a folder cannot be read.
pub fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    for entry in entries {
        let path = entry.unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display())).path();
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}
