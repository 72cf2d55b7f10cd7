//! The programs under test, built once for each run and never taken stale.

use std::path::PathBuf;
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

impl Programs {
    fn of(built: &[serde_json::Value]) -> Self {
        Self {
            agent: find(built, "umbrascope-agent"),
            collector: find(built, "umbrascope-collector"),
            peer: find(built, "umbrascope-test-peer"),
        }
    }
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
        Programs::of(&build(&words))
    })
}

/// Builds the programs as they are shipped, to be measured: the release build of the whole workspace, which is what the packages hold
/// (packaging/build.sh).
///
/// # Panics
/// When cargo cannot be run or the build fails.
pub fn released() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| Programs::of(&build(&["--release", "--workspace"])))
}

/// What `cargo build` with these words more says of the programs that it made.
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
    // Those of hundreds of libraries would make a benchmark larger that tells memory from its own.
    messages
        .lines()
        .filter(|line| !line.contains("\"executable\":null"))
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn find(built: &[serde_json::Value], name: &str) -> PathBuf {
    built
        .iter()
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .unwrap_or_else(|| panic!("cargo build made no program {name}"))
}
