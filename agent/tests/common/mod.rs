//! A running agent, and waiting for it.
#![allow(dead_code, reason = "each test program uses a part of this")]
#![allow(missing_docs, unreachable_pub, reason = "the names say it")]

mod require;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use umbrascope_agent::os::capability;
use umbrascope_agent::state::Reader;
use umbrascope_api::Day;

pub use require::require;

pub const AGENT: &str = env!("CARGO_BIN_EXE_umbrascope-agent");
/// Far more than anything here takes; a wait ends as soon as what it waits for is there.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running agent that does not scan, with a state folder of its own.
pub struct Agent {
    pub process: Child,
    pub state: tempfile::TempDir,
}

impl Agent {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with(arguments: &[&std::ffi::OsStr]) -> Self {
        Self::start_configured("", arguments)
    }

    /// With more lines of configuration.
    pub fn start_configured(lines: &str, arguments: &[&std::ffi::OsStr]) -> Self {
        let state = tempfile::tempdir().unwrap();
        let config = state.path().join("agent.toml");
        std::fs::write(&config, format!("[scan]\nenabled = false\n{lines}")).unwrap();
        let process = Command::new(AGENT)
            .args(["run", "--config"])
            .arg(&config)
            .arg("--state-dir")
            .arg(state.path())
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, state }
    }

    pub fn children(&self) -> Vec<(u32, String)> {
        let pid = self.process.id();
        let children =
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let named = |pid: u32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let role = line.split(|byte| *byte == 0).nth(2).unwrap_or_default();
            (pid, String::from_utf8_lossy(role).into_owned())
        };
        children.split_whitespace().map(|pid| named(pid.parse().unwrap())).collect()
    }

    /// The process of a role, once it is there and its sandbox stands.
    pub fn role(&self, role: &str) -> u32 {
        wait(&format!("the {role}"), || {
            let child = self.children().into_iter().find(|(_, name)| name == role)?.0;
            (status(child, "NoNewPrivs") == "1").then_some(child)
        })
    }

    pub fn count(&self, name: &str) -> u64 {
        let reader = Reader::open(self.state.path()).ok().flatten();
        let rows = reader.and_then(|reader| reader.activity_since(Day::from_number(0).unwrap()).ok());
        rows.unwrap_or_default().iter().filter(|row| row.value == name).map(|row| row.count).sum()
    }

    pub fn signal(pid: u32, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited for {what} in vain");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn status(pid: u32, field: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

pub fn can_capture() -> bool {
    require("CAP_NET_RAW", capability::effective().contains(rustix::thread::CapabilitySet::NET_RAW))
}
