//! The programs under test, built once for each run and never taken stale.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Paths of the programs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `umbrascope-agent`; for tests with its failpoints compiled in.
    pub agent: PathBuf,
    /// `umbrascope-collector`; for tests with its failpoints compiled in.
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
    PROGRAMS.get_or_init(|| {
        let mut words = vec!["-p", "umbrascope-agent", "-p", "umbrascope-collector", "-p", "umbrascope-e2e"];
        words.extend(["--features", "umbrascope-agent/failpoints,umbrascope-collector/failpoints"]);
        if !cfg!(debug_assertions) {
            words.push("--release");
        }
        let built = build(&words);
        Programs {
            agent: find(&built, "umbrascope-agent"),
            collector: find(&built, "umbrascope-collector"),
            peer: find(&built, "umbrascope-test-peer"),
        }
    })
}

/// Builds the agent as it is shipped, to be measured: in the release profile, without failpoints, and by itself, since one
/// build of several packages unifies their features and makes another program than the package holds.
///
/// # Panics
/// When cargo cannot be run or the build fails.
pub fn released_agent() -> &'static Path {
    static AGENT: OnceLock<PathBuf> = OnceLock::new();
    AGENT.get_or_init(|| find(&build(&["--release", "-p", "umbrascope-agent"]), "umbrascope-agent"))
}

/// The same for the collector; the released agent is built as well, for the collector starts the one beside itself.
///
/// # Panics
/// When cargo cannot be run or a build fails.
pub fn released_collector() -> &'static Path {
    static COLLECTOR: OnceLock<PathBuf> = OnceLock::new();
    COLLECTOR.get_or_init(|| {
        released_agent();
        find(&build(&["--release", "-p", "umbrascope-collector"]), "umbrascope-collector")
    })
}

/// What `cargo build` of the programs with these words more says of itself.
fn build(words: &[&str]) -> Vec<serde_json::Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--offline", "--quiet", "--message-format=json", "--bins"])
        .args(words)
        .current_dir(crate::workspace_root());
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
    assert!(
        output.status.success(),
        "cargo build of the programs failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let messages = String::from_utf8_lossy(&output.stdout);
    messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn find(built: &[serde_json::Value], name: &str) -> PathBuf {
    built
        .iter()
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .unwrap_or_else(|| panic!("cargo build made no program {name}"))
}
