//! The local agent of `try`: finding, enrolling, running and ending it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};

use super::super::CliError;
use crate::datadir::DataDir;

/// Name of the agent's program.
const PROGRAM: &str = "umbrascope-agent";
/// How long the agent may take to capture.
const READY_LIMIT: Duration = Duration::from_secs(20);
/// How long the agent may take to end: it delivers once more.
const STOP_LIMIT: Duration = Duration::from_secs(7);
/// Head of the table of [`Agent::processes`].
pub(super) const HEAD: [&str; 6] = ["PROCESS", "PID", "UID", "CAPABILITIES", "SYSTEM CALLS", "PRIVILEGES"];

/// The agent's program beside this one.
pub(super) fn find() -> Result<PathBuf, CliError> {
    let own = std::env::current_exe().map_err(CliError::io("find this program's own place"))?;
    let path = own.with_file_name(PROGRAM);
    if path.is_file() {
        return Ok(path);
    }
    Err(CliError::Failed(format!(
        "the agent is not at {}: build both programs with `cargo build --release`, or put it there",
        path.display()
    )))
}

/// This process needs no capability; what it starts gets its own.
#[cfg(target_os = "linux")]
pub(super) fn drop_own_capabilities() -> io::Result<()> {
    use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
    let mut sets = capabilities(None)?;
    // What may be handed on stays; nothing of it is in force here.
    sets = CapabilitySets { effective: CapabilitySet::empty(), permitted: sets.permitted, ..sets };
    if sets.inheritable.is_empty() {
        sets.permitted = CapabilitySet::empty();
    }
    Ok(set_capabilities(None, sets)?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn drop_own_capabilities() -> io::Result<()> {
    Ok(())
}

pub(super) struct Agent {
    program: PathBuf,
    state: PathBuf,
    config: PathBuf,
    socket: PathBuf,
    collector: SocketAddr,
    child: Option<Child>,
}

impl Agent {
    pub(super) fn new(program: PathBuf, dir: &DataDir, collector: SocketAddr) -> Self {
        let absolute = fs::canonicalize(dir.path()).unwrap_or_else(|_| dir.path().to_owned());
        Self {
            program,
            state: absolute.join("agent"),
            config: absolute.join("agent.toml"),
            socket: absolute.join("notify"),
            collector,
            child: None,
        }
    }

    fn url(&self) -> String {
        format!("https://{}", self.collector)
    }

    /// The agents' port is another one at each start; the agent is told by its configuration.
    pub(super) fn write_config(&self) -> Result<(), CliError> {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let text = format!(
            "# Written by `umbrascope-collector try` at each start.\nstate_dir = {}\n\n[collector]\nurl = {}\n\n\
             [report]\ncounter_interval_s = 2\n\n[scan]\nlook_every_s = 5\n",
            quoted(&self.state.display().to_string()),
            quoted(&self.url())
        );
        let write = || -> io::Result<()> {
            fs::create_dir_all(&self.state)?;
            fs::set_permissions(&self.state, fs::Permissions::from_mode(0o700))?;
            fs::write(&self.config, text)
        };
        write().map_err(CliError::io("write the agent's configuration"))
    }

    pub(super) fn is_enrolled(&self) -> bool {
        self.state.join("identity.json").exists()
    }

    /// Enrols with the token, handed over by the environment: an argument could be read by everybody.
    pub(super) async fn enrol(&self, token: &str) -> Result<(), CliError> {
        let mut command = self.command(["enrol".as_ref(), "--collector".as_ref(), self.url().as_ref()]);
        if self.is_enrolled() {
            command.arg("--force");
        }
        let done = command
            .env("UMBRASCOPE_TOKEN", token)
            .stdout(Stdio::null())
            .status()
            .await
            .map_err(CliError::io("start the agent"))?;
        succeeded(done, "the agent could not enrol")
    }

    /// One scan and the captures, delivered.
    pub(super) async fn run_once(&mut self, replays: &[PathBuf], deadline_s: u64) -> Result<(), CliError> {
        let deadline = deadline_s.to_string();
        let mut command =
            self.command(["run".as_ref(), "--once".as_ref(), "--deadline-s".as_ref(), deadline.as_ref()]);
        add_replays(&mut command, replays);
        let child = command.stdout(Stdio::null()).spawn().map_err(CliError::io("start the agent"))?;
        let child = self.child.insert(child);
        let done = child.wait().await.map_err(CliError::io("wait for the agent"))?;
        self.child = None;
        succeeded(done, "the agent's scan failed")
    }

    /// Starts the agent and waits until it captures, or knows that it cannot.
    pub(super) async fn start(&mut self, replays: &[PathBuf]) -> Result<(), CliError> {
        // One of a run that was killed would be in the way.
        let _ = fs::remove_file(&self.socket);
        let socket =
            UnixDatagram::bind(&self.socket).map_err(CliError::io("listen for the agent's readiness"))?;
        let mut command = self.command(["run".as_ref()]);
        add_replays(&mut command, replays);
        let child = command
            .env("NOTIFY_SOCKET", &self.socket)
            .stdout(Stdio::null())
            .spawn()
            .map_err(CliError::io("start the agent"))?;
        let child = self.child.insert(child);
        let ready = async {
            let mut message = [0; 4_096];
            loop {
                let length = socket.recv(&mut message).await.map_err(CliError::io("listen to the agent"))?;
                let text = String::from_utf8_lossy(&message[..length]);
                if text.lines().any(|line| line == "READY=1") {
                    let status =
                        text.lines().find_map(|line| line.strip_prefix("STATUS=")).map(str::to_owned);
                    return Ok::<_, CliError>(status);
                }
            }
        };
        let answer = tokio::select! {
            ready = tokio::time::timeout(READY_LIMIT, ready) => match ready {
                Ok(ready) => ready,
                Err(_) => Err(CliError::Failed("the agent did not get ready in time".to_owned())),
            },
            ended = child.wait() => Err(CliError::Failed(format!("the agent ended at once: {}", told(ended)))),
        };
        let _ = fs::remove_file(&self.socket);
        match answer {
            Ok(status) => {
                if let Some(status) = status {
                    eprintln!("agent: {status}");
                }
                Ok(())
            }
            Err(error) => {
                self.stop().await?;
                Err(error)
            }
        }
    }

    /// Waits for an end that nobody asked for.
    pub(super) async fn ended(&mut self) -> CliError {
        match &mut self.child {
            Some(child) => CliError::Failed(format!("the agent ended: {}", told(child.wait().await))),
            None => std::future::pending().await,
        }
    }

    /// Asks the agent to end, and ends it when it does not.
    pub(super) async fn stop(&mut self) -> Result<(), CliError> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // Gone already is as good.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if tokio::time::timeout(STOP_LIMIT, child.wait()).await.is_err() {
            child.kill().await.map_err(CliError::io("end the agent"))?;
        }
        Ok(())
    }

    /// This process, the agent and its roles: who runs with what.
    pub(super) fn processes(&self) -> Vec<Vec<String>> {
        let own = process_row("collector", std::process::id());
        let agent = self.child.as_ref().and_then(Child::id);
        let roles = agent.into_iter().flat_map(|agent| {
            let mut children: Vec<u32> = all_pids().filter(|pid| parent(*pid) == Some(agent)).collect();
            children.sort_unstable();
            children.into_iter().filter_map(|pid| process_row(&role(pid), pid))
        });
        own.into_iter().chain(agent.and_then(|pid| process_row("agent: warden", pid))).chain(roles).collect()
    }

    fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a OsStr>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--config").arg(&self.config).stdin(Stdio::null()).kill_on_drop(true);
        // A Ctrl-C at the terminal reaches this process, which ends the agent in order.
        command.process_group(0);
        command
    }
}

fn add_replays(command: &mut Command, replays: &[PathBuf]) {
    for file in replays {
        command.arg("--replay").arg(fs::canonicalize(file).unwrap_or_else(|_| file.clone()));
    }
}

fn succeeded(done: ExitStatus, what: &str) -> Result<(), CliError> {
    if done.success() { Ok(()) } else { Err(CliError::Failed(format!("{what} ({done}); it says above why"))) }
}

fn told(ended: io::Result<ExitStatus>) -> String {
    ended.map_or_else(|error| error.to_string(), |status| status.to_string())
}

fn all_pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn status_field(pid: u32, field: &str) -> Option<String> {
    let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    Some(line.trim().to_owned())
}

fn parent(pid: u32) -> Option<u32> {
    status_field(pid, "PPid")?.parse().ok()
}

/// The agent starts its roles as `umbrascope-agent role NAME`.
fn role(pid: u32) -> String {
    let line = fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).unwrap_or_default();
    let words: Vec<String> =
        line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    words.get(2).or(words.get(1)).map_or_else(|| "agent".to_owned(), |name| format!("agent: {name}"))
}

/// `None` where the system does not tell.
fn process_row(name: &str, pid: u32) -> Option<Vec<String>> {
    let capabilities = u64::from_str_radix(&status_field(pid, "CapEff")?, 16).ok()?;
    let uid = status_field(pid, "Uid")?.split_whitespace().nth(1)?.to_owned();
    let filtered = if status_field(pid, "Seccomp").as_deref() == Some("2") { "filtered" } else { "all" };
    let fixed = if status_field(pid, "NoNewPrivs").as_deref() == Some("1") { "can gain none" } else { "own" };
    Some(vec![
        name.to_owned(),
        pid.to_string(),
        uid,
        words(capabilities),
        filtered.to_owned(),
        fixed.to_owned(),
    ])
}

/// Capabilities by name where they matter here; numbers from linux/capability.h.
fn words(set: u64) -> String {
    const NAMES: [(u32, &str); 5] =
        [(1, "DAC_OVERRIDE"), (2, "DAC_READ_SEARCH"), (12, "NET_ADMIN"), (13, "NET_RAW"), (19, "SYS_PTRACE")];
    if set == 0 {
        return "none".to_owned();
    }
    let known =
        NAMES.iter().filter(|(number, _)| set & (1 << number) != 0).map(|(_, name)| (*name).to_owned());
    let others = set.count_ones() as usize - known.clone().count();
    known.chain((others > 0).then(|| format!("{others} more"))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_told_by_name() {
        assert_eq!(words(0), "none");
        assert_eq!(words(1 << 13 | 1 << 19), "NET_RAW SYS_PTRACE");
        assert_eq!(words(1 << 13 | 1 << 40), "NET_RAW 1 more");
    }
}
