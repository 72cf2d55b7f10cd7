//! The arrows between the crates, read from `cargo tree`.

use std::collections::BTreeSet;
use std::process::Command;

/// Names of all packages in the tree of normal dependencies of `package`, without itself.
///
/// # Panics
/// When `cargo tree` cannot be run: a test without it would prove nothing.
pub fn dependencies(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "-p",
            package,
        ])
        .current_dir(crate::workspace_root())
        .output()
        .unwrap_or_else(|error| panic!("cannot run cargo tree for {package}: {error}"));
    assert!(
        output.status.success(),
        "cargo tree -p {package} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != package)
        .map(str::to_owned)
        .collect()
}
