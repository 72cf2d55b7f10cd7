//! A file tree that a test furnishes and the agent scans as if it were a machine, and what such a scan says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::programs::programs;

/// A file tree, gone with the value.
pub struct Tree {
    root: tempfile::TempDir,
}

impl Tree {
    /// With nothing in it.
    ///
    /// # Panics
    /// As all of it where the file system or the agent does not do its part.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        Self { root: tempfile::tempdir().expect("a temporary folder") }
    }

    /// With the home of one person, `home/kim`.
    pub fn with_home() -> Self {
        let tree = Self::new();
        tree.put("etc/passwd", "root:x:0:0::/root:/bin/sh\nkim:x:1000:1000::/home/kim:/bin/sh\n");
        fs::create_dir_all(tree.home()).expect("a home");
        tree
    }

    /// What is scanned as `/`.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// A place below it.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root().join(path)
    }

    /// The home of [`Tree::with_home`].
    pub fn home(&self) -> PathBuf {
        self.path("home/kim")
    }

    /// Writes a file, and makes the folders above it.
    pub fn put(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("the folder is made");
        fs::write(&path, bytes).expect("the file is written");
        path
    }

    /// Writes a file of the home.
    pub fn at_home(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        self.put(Path::new("home/kim").join(path), bytes)
    }

    /// A scan in a format, with more arguments: what the agent printed.
    pub fn run(&self, format: &str, arguments: &[&std::ffi::OsStr]) -> Output {
        let mut agent = Command::new(&programs().agent);
        agent.args(["scan", "--format", format, "--root"]).arg(self.root()).args(arguments);
        let output = agent.output().expect("the agent can be started");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// A scan as JSON.
    pub fn scan(&self) -> Value {
        json(&self.run("json", &[]))
    }
}

/// The JSON that a scan printed.
pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("the scan prints JSON")
}

/// What a source saw.
pub fn sightings<'a>(scan: &'a Value, source: &str) -> Vec<&'a Value> {
    let all = scan["sightings"].as_array().expect("a list of sightings").iter();
    all.filter(|sighting| sighting["source"] == source).collect()
}

/// The same, each by its own identifier.
pub fn values(scan: &Value, source: &str) -> BTreeSet<String> {
    let text = |sighting: &&Value| sighting["evidence"]["value"].as_str().expect("a value").to_owned();
    sightings(scan, source).iter().map(text).collect()
}

/// The first that a source saw under an identifier.
pub fn sighting<'a>(scan: &'a Value, source: &str, value: &str) -> &'a Value {
    let found = sightings(scan, source).into_iter().find(|sighting| sighting["evidence"]["value"] == value);
    found.unwrap_or_else(|| panic!("{source} has no {value}: {:#}", scan["sightings"]))
}

/// What a source says of itself.
pub fn report<'a>(scan: &'a Value, source: &str) -> &'a Value {
    let mut sources = scan["sources"].as_array().expect("a list of sources").iter();
    let found = sources.find(|report| report["source"] == source);
    found.unwrap_or_else(|| panic!("no report of {source}"))
}

/// How a source ended.
pub fn state<'a>(scan: &'a Value, source: &str) -> &'a str {
    report(scan, source)["state"].as_str().expect("a state")
}

/// How many identifiers a source came across, AI or not.
pub fn seen(scan: &Value, source: &str) -> u64 {
    report(scan, source)["items_seen"].as_u64().expect("a number")
}

/// Texts, to be compared with [`values`].
pub fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}
