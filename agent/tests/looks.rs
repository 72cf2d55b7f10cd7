//! Looks between scans: what changed is stored soon, what did not is not sent again, and no death on the way loses any of it.
//!
//! The agent scans this machine, with the homes and the package list of the test laid over its own in a mount namespace.
//! Without the right to mount these tests say so on standard error and pass.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{AGENT, Agent, require, status, wait};
use rustix::process::Signal;

mod common;

/// Opens the program first, for it may lie below a folder that is covered.
const COVER: &str = r#"tree=$1; shift; exec 3<"$1"; shift
mount --make-rprivate / && for place in home root var/lib/dpkg; do mount --bind "$tree/$place" "/$place" || exit 9; done
exec /proc/self/fd/3 "$@""#;
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A machine with a home, and an agent that scans it.
struct Machine {
    tree: tempfile::TempDir,
    agent: Agent,
}

impl Machine {
    fn start() -> Option<Self> {
        let can = Command::new("unshare").args(["-m", "mount", "--make-rprivate", "/"]).status();
        if !require("the right to mount (unshare -m)", can.is_ok_and(|status| status.success())) {
            return None;
        }
        let (tree, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for place in
            ["home/kim/.cursor", "home/kim/.vscode/extensions", "root", "var/lib/dpkg", "projects/app"]
        {
            fs::create_dir_all(tree.path().join(place)).unwrap();
        }
        servers(tree.path(), &["one"]);
        package(tree.path(), "ollama");
        let config = state.path().join("agent.toml");
        let lines = format!(
            "[capture]\nenabled = false\n[scan]\nlook_every_s = {}\nproject_roots = [{:?}]\n",
            LOOK_EVERY.as_secs(),
            tree.path().join("projects")
        );
        fs::write(&config, lines).unwrap();
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", COVER, "sh"]).arg(tree.path()).arg(AGENT);
        command.args(["run", "--config"]).arg(&config).arg("--state-dir").arg(state.path());
        let process = command.stderr(Stdio::null()).spawn().unwrap();
        let machine = Self { tree, agent: Agent { process, state } };
        wait("the first scan", || {
            (machine.values("mcp-config").contains("\"one\"") && machine.agent.no_scanner()).then_some(())
        });
        Some(machine)
    }

    fn rows(&self) -> BTreeMap<String, (i64, String)> {
        let path = self.agent.state.path().join("state.db");
        let Ok(db) = rusqlite::Connection::open(path) else { return BTreeMap::new() };
        let query = db.prepare("SELECT source, generation, items FROM snapshot");
        let Ok(mut query) = query else { return BTreeMap::new() };
        let rows = query.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))));
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// What is stored of a source, as text.
    fn values(&self, source: &str) -> String {
        self.rows().remove(source).map(|(_, items)| items).unwrap_or_default()
    }

    /// Of the sources that only this test changes: programs run for others too.
    fn generations(&self) -> BTreeMap<String, i64> {
        let rows = self.rows().into_iter().filter(|(source, _)| source != "processes");
        rows.map(|(source, (generation, _))| (source, generation)).collect()
    }

    /// Waits for some looks to be over.
    fn some_looks(&self) {
        std::thread::sleep(LOOK_EVERY * 5);
        wait("the look to end", || self.agent.no_scanner().then_some(()));
    }
}

fn put(tree: &Path, path: &str, text: &str) {
    fs::write(tree.join(path), text).unwrap();
}

fn servers(tree: &Path, names: &[&str]) {
    let servers: Vec<_> = names.iter().map(|name| format!(r#""{name}":{{"command":"{name}"}}"#)).collect();
    put(tree, "home/kim/.cursor/mcp.json", &format!(r#"{{"mcpServers":{{{}}}}}"#, servers.join(",")));
}

fn package(tree: &Path, name: &str) {
    let text = format!("Package: {name}\nStatus: install ok installed\nVersion: 1\n\n");
    put(tree, "var/lib/dpkg/status", &text);
}

trait Scanner {
    fn scanner(&self) -> Option<u32>;
    fn no_scanner(&self) -> bool {
        self.scanner().is_none()
    }
}

impl Scanner for Agent {
    fn scanner(&self) -> Option<u32> {
        self.children().into_iter().find(|(_, role)| role == "scanner").map(|(pid, _)| pid)
    }
}

#[test]
fn a_folder_of_projects_that_the_configuration_names_is_scanned_and_looked_at() {
    let Some(machine) = Machine::start() else { return };
    machine.some_looks();
    let path = "projects/app/.mcp.json";
    put(machine.tree.path(), path, r#"{"mcpServers": {"of-a-project": {"command": "x"}}}"#);
    wait("the look at the project", || machine.values("mcp-config").contains("of-a-project").then_some(()));
    let location = machine.tree.path().join(path);
    assert!(machine.values("mcp-config").contains(location.to_str().unwrap()), "it is nobody's home");
}

#[test]
fn what_changes_is_stored_at_the_next_look_and_what_does_not_is_not_sent_again() {
    let Some(machine) = Machine::start() else { return };
    // What was made just before the scan is read once more.
    machine.some_looks();
    let before = machine.generations();
    machine.some_looks();
    assert_eq!(machine.generations(), before, "a machine on which nothing changed");

    servers(machine.tree.path(), &["one", "two"]);
    wait("the new server", || machine.values("mcp-config").contains("\"two\"").then_some(()));
    let extensions = r#"[{"identifier":{"id":"github.copilot"},"version":"1.2.3"}]"#;
    put(machine.tree.path(), "home/kim/.vscode/extensions/extensions.json", extensions);
    wait("the new extension", || {
        machine.values("vscode-extensions").contains("github.copilot").then_some(())
    });
    assert!(machine.values("dpkg").contains("ollama"));
    package(machine.tree.path(), "bash");
    wait("the package to go", || (machine.values("dpkg") == "[]").then_some(()));

    machine.some_looks();
    let after = machine.generations();
    for source in before.keys() {
        let moved = ["mcp-config", "vscode-extensions", "dpkg"].contains(&source.as_str());
        assert_eq!(after[source] > before[source], moved, "{source}: {before:?} {after:?}");
    }
}

#[test]
fn a_program_is_stored_while_it_runs_and_as_a_server_once_it_serves() {
    let Some(machine) = Machine::start() else { return };
    let python = Command::new("python3")
        .args(["-c", "import os, sys; print(os.path.realpath(sys.executable)); print(sys.base_prefix)"])
        .output();
    if !require("python3", python.as_ref().is_ok_and(|out| out.status.success())) {
        return;
    }
    let said = String::from_utf8(python.unwrap().stdout).unwrap();
    let (python, prefix) = said.trim().split_once('\n').unwrap();
    let program = machine.tree.path().join("bin/ollama");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::copy(python, &program).unwrap();
    let shown = program.to_str().unwrap();
    // Whether there are rows of it, and as what.
    let stored = |channel: &str| {
        let rows: serde_json::Value = serde_json::from_str(&machine.values("processes")).unwrap_or_default();
        let mut rows = rows.as_array().into_iter().flatten();
        rows.any(|row| row.to_string().contains(shown) && row.to_string().contains(channel))
    };
    machine.some_looks();
    assert!(!stored("process"));
    let script = "import socket, sys\nsys.stdin.readline()\ns = socket.create_server(('127.0.0.1', 0))\nsys.stdin.readline()";
    let mut process = Command::new(&program)
        .args(["-c", script])
        .env("PYTHONHOME", prefix)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    wait("the program", || stored("\"process\"").then_some(()));
    assert!(!stored("\"runtime\""));
    writeln!(process.stdin.as_ref().unwrap(), "serve").unwrap();
    wait("the server", || stored("\"runtime\"").then_some(()));
    process.kill().unwrap();
    process.wait().unwrap();
    wait("the program to be gone", || (!stored("")).then_some(()));
}

#[test]
fn what_a_look_found_is_not_lost_though_its_scanner_and_the_uplink_are_killed() {
    let Some(machine) = Machine::start() else { return };
    machine.some_looks();
    for name in ["two", "three"] {
        // An uplink that does not read: the scanner waits for its word that all is stored.
        let uplink = machine.agent.role("uplink");
        Agent::signal(uplink, Signal::STOP);
        servers(machine.tree.path(), &["one", name]);
        let waiting = |pid: &u32| status(*pid, "NoNewPrivs") == "1";
        let scanner = wait("a scanner that waits", || {
            let scanner = machine.agent.scanner().filter(waiting)?;
            std::thread::sleep(LOOK_EVERY * 2);
            (machine.agent.scanner() == Some(scanner)).then_some(scanner)
        });
        assert!(!machine.values("mcp-config").contains(name));
        if name == "two" {
            Agent::signal(scanner, Signal::KILL);
        }
        // What lay in its socket is gone with it.
        Agent::signal(uplink, Signal::KILL);
        wait("what changed", || machine.values("mcp-config").contains(name).then_some(()));
    }
}

#[test]
fn what_is_noted_of_places_is_kept_in_one_file_and_in_no_process() {
    let Some(machine) = Machine::start() else { return };
    machine.some_looks();
    let warden = machine.agent.process.id();
    let memory = fs::read_to_string(format!("/proc/{warden}/maps")).unwrap();
    assert!(!memory.contains("umbrascope-journal"));
    let open = fs::read_dir(format!("/proc/{warden}/fd")).unwrap().flatten();
    let journals = open.filter(|entry| {
        fs::read_link(entry.path()).is_ok_and(|path| path.to_string_lossy().contains("umbrascope-journal"))
    });
    assert_eq!(journals.count(), 1);
}
