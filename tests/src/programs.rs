//! The programs under test, built once for each run of the tests and never taken stale.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// Paths of the programs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `umbrascope-agent`, with its failpoints compiled in.
    pub agent: PathBuf,
    /// `umbrascope-collector`, with its failpoints compiled in.
    pub collector: PathBuf,
    /// The servers and clients that tests talk with.
    pub peer: PathBuf,
}

/// Builds all programs in the profile of the tests, into the same target folder.
///
/// `cargo test` builds no program of another package, so the harness asks cargo itself; a second
/// call in the same process answers from memory, and cargo rebuilds only what changed.
///
/// # Panics
/// When cargo cannot be run or the build fails.
pub fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(build)
}

fn build() -> Programs {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--offline", "--quiet", "--message-format=json", "--bins"])
        .args(["-p", "umbrascope-agent", "-p", "umbrascope-collector", "-p", "umbrascope-e2e"])
        .args(["--features", "umbrascope-agent/failpoints,umbrascope-collector/failpoints"])
        .current_dir(crate::workspace_root());
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    // A test inherits what cargo says about its package. Build scripts that watch these variables (ring's) would
    // run again, and everything above them be compiled anew, in this build and in the next one outside.
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output().unwrap_or_else(|error| panic!("cannot run cargo build: {error}"));
    let messages = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "cargo build of the programs failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let find = |name: &str| {
        messages
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|message| message["target"]["name"] == name)
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .unwrap_or_else(|| panic!("cargo build made no program {name}"))
    };
    Programs {
        agent: find("umbrascope-agent"),
        collector: find("umbrascope-collector"),
        peer: find("umbrascope-test-peer"),
    }
}
