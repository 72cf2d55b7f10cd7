//! Both programs as services in one namespace, each with a configuration and a folder of its own, and what tests do to them: ask for
//! names, read what was counted, kill them and start them again.

#![expect(
    clippy::missing_panics_doc,
    clippy::expect_used,
    reason = "a helper that cannot go on fails its test"
)]

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::netns::{Link, NET, Pair};
use crate::programs::programs;

/// How long a program may take to say that it is ready, on a busy machine.
const READY: Duration = Duration::from_secs(60);
/// What the agent starts with, its log and the collector's.
const LOGS: [&str; 2] = ["collector.log", "agent.log"];

/// The two services. Killed on drop.
#[derive(Debug)]
pub struct Services {
    /// The namespaces: both run on the machine under test.
    pub pair: Pair,
    folder: tempfile::TempDir,
    /// Whether the agent scans, and then this machine with the homes of the test laid over its own.
    scans: bool,
    collector: Option<Child>,
    agent: Option<Child>,
}

/// Lays folders of the test over those of this machine, in the mount namespace that `ip netns exec` makes. The program is opened
/// first, for it may lie below a folder that is covered.
const COVER: &str = r#"tree=$1; shift; exec 3<"$1"; shift
for place in home root var/lib/dpkg; do mount --bind "$tree/$place" "/$place" || exit 9; done
exec /proc/self/fd/3 "$@""#;

impl Services {
    /// A collector with its data folder made, and an agent that does not scan; neither runs yet. `None` with a word where a part
    /// is missing.
    pub fn new() -> Option<Self> {
        let pair = Pair::new(Link::default())?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let services = Self { pair, folder, scans: false, collector: None, agent: None };
        services.configure("", "");
        services.collector(&["init"]);
        Some(services)
    }

    /// Lets the agent scan: the folders `home`, `root` and `var/lib/dpkg` below [`Self::tree`] stand for those of the machine.
    /// To be said before the configuration is written.
    pub fn scanning(&mut self) {
        self.scans = true;
        for place in ["home", "root", "var/lib/dpkg"] {
            fs::create_dir_all(self.tree().join(place)).expect("a folder");
        }
    }

    /// What is laid over the machine.
    pub fn tree(&self) -> PathBuf {
        self.path("tree")
    }

    /// Writes both configurations. `collector` and `agent` stand behind what all tests have in common: the collector's begins
    /// within `[agents]`.
    pub fn configure(&self, collector: &str, agent: &str) {
        let common = "[people]\nlisten = \"127.0.0.1:8080\"\n[agents]\nlisten = \"127.0.0.1:8443\"\n\
                      names = [\"127.0.0.1\"]\nurl = \"https://127.0.0.1:8443\"\nreport_interval_s = 2\n";
        fs::write(self.path("collector.toml"), format!("{common}{collector}"))
            .expect("the configuration is written");
        let scan = if self.scans { "look_every_s = 2\n" } else { "enabled = false\n" };
        let common = format!("[scan]\n{scan}[report]\ncounter_interval_s = 1\n");
        fs::write(self.path("agent.toml"), format!("{common}{agent}")).expect("the configuration is written");
    }

    /// A file of the test. The data folder is `collector`, the state folder `agent`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of the collector.
    pub fn collector_command(&self) -> Command {
        let mut command = self.pair.host(&programs().collector);
        command.arg("--data-dir").arg(self.path("collector"));
        command.arg("--config").arg(self.path("collector.toml")).stdin(Stdio::null());
        command
    }

    /// Runs a command of the collector, which must succeed; returns its standard output.
    pub fn collector(&self, words: &[&str]) -> String {
        let output = self.collector_command().args(words).output().expect("the collector can be started");
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A command of the agent.
    pub fn agent_command(&self, words: &[&str]) -> Command {
        let mut command = if self.scans {
            let mut command = self.pair.host("sh");
            command.args(["-c", COVER, "sh"]).arg(self.tree()).arg(&programs().agent);
            command
        } else {
            self.pair.host(&programs().agent)
        };
        command.args(words).arg("--config").arg(self.path("agent.toml"));
        command.arg("--state-dir").arg(self.path("agent")).stdin(Stdio::null());
        command
    }

    /// Runs a command of the agent, however it ends; returns its standard output.
    pub fn agent_says(&self, words: &[&str]) -> String {
        let output = self.agent_command(words).output().expect("the agent can be started");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Enrols the agent with a token. The collector must run.
    pub fn enrol(&self) {
        let token = self.collector(&["token", "create", "--unit", "Test"]);
        let mut enrol = self.agent_command(&["enrol"]);
        enrol.args(["--collector", "https://127.0.0.1:8443"]).env("UMBRASCOPE_TOKEN", token.trim());
        let enrolled = enrol.output().expect("the agent can be started");
        assert!(enrolled.status.success(), "{}", said(&enrolled));
    }

    /// Runs curl on the machine.
    pub fn curl(&self, words: &[&str]) -> Output {
        self.pair.host("curl").args(words).output().expect("curl can be started")
    }

    /// Starts the collector and waits until it is ready, or has ended at its failpoint: a report that waited can take it there first.
    pub fn start_collector(&mut self, failpoint: Option<&str>) {
        let mut command = self.collector_command();
        command.arg("serve").stdout(Stdio::null()).stderr(self.log("collector.log"));
        self.collector = Some(spawn(command, failpoint));
        let ready = soon(READY, || {
            (failpoint.is_some() && self.collector_ended())
                || self.curl(&["-sf", "http://127.0.0.1:8080/readyz"]).status.success()
        });
        assert!(ready, "the collector is not ready (failpoint {failpoint:?}): {}", self.logs());
    }

    /// Starts the agent and waits until it says that it is ready.
    pub fn start_agent(&mut self, failpoint: Option<&str>) {
        let notify = self.path("notify");
        let _ = fs::remove_file(&notify);
        let socket = UnixDatagram::bind(&notify).expect("a notification socket");
        socket.set_read_timeout(Some(READY)).expect("a time limit");
        let mut command = self.agent_command(&["run"]);
        command.env("NOTIFY_SOCKET", &notify).stdout(Stdio::null()).stderr(self.log("agent.log"));
        self.agent = Some(spawn(command, failpoint));
        let mut message = [0; 4096];
        loop {
            match socket.recv(&mut message) {
                Ok(length) if String::from_utf8_lossy(&message[..length]).contains("READY=1") => return,
                Err(error) if error.kind() != ErrorKind::Interrupted => {
                    panic!("the agent does not say that it is ready: {error}: {}", self.logs());
                }
                _ => {}
            }
        }
    }

    /// Whether the collector that was started has ended.
    pub fn collector_ended(&mut self) -> bool {
        self.collector.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// How often an agent started its uplink again, in all runs.
    pub fn uplinks_ended(&self) -> usize {
        self.read_log("agent.log").matches("the uplink ended; it is started again").count()
    }

    /// Kills every process of the agent at once.
    pub fn kill_agent(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            for child in children(agent.id()) {
                let _ = Command::new("kill").args(["-9", &child.to_string()]).output();
            }
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }

    /// Kills the collector.
    pub fn kill_collector(&mut self) {
        if let Some(mut collector) = self.collector.take() {
            let _ = collector.kill();
            let _ = collector.wait();
        }
    }

    /// What a service has logged, in all its runs.
    pub fn read_log(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// What both have logged.
    pub fn logs(&self) -> String {
        LOGS.map(|name| self.read_log(name)).concat()
    }

    fn log(&self, name: &str) -> File {
        OpenOptions::new().create(true).append(true).open(self.path(name)).expect("a log")
    }

    /// Asks for each name so often by DNS, with ids from `first` on: the same id and name again are one query sent again.
    pub fn ask(&self, names: &[&str], first: u64, count: u16) {
        let mut peer = self.pair.host(&programs().peer);
        peer.args(["dns", &format!("{NET}:53"), &(first % 65_536).to_string(), &count.to_string()]);
        let output = peer.args(names).output().expect("the test client can be started");
        assert!(output.status.success(), "{}", said(&output));
    }

    /// How often the collector heard of a name by DNS, and the product that it counts for, as the export has it.
    pub fn counted(&self, name: &str) -> (u64, Value) {
        let export: Value =
            serde_json::from_str(&self.collector(&["export", "json"])).expect("the export is JSON");
        let (mut sum, mut product) = (0, Value::Null);
        for found in export["products"].as_array().expect("the export has products") {
            for row in found["evidence"].as_array().into_iter().flatten() {
                if row["channel"] == "dns" && row["value"] == name {
                    sum += row["count"].as_u64().unwrap_or_default();
                    product = found.clone();
                }
            }
        }
        (sum, product)
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.kill_agent();
        self.kill_collector();
    }
}

fn spawn(mut command: Command, failpoint: Option<&str>) -> Child {
    if let Some(point) = failpoint {
        command.env("UMBRASCOPE_FAILPOINT", point);
    }
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Children of a process, read from /proc.
fn children(pid: u32) -> Vec<u32> {
    let list = Path::new("/proc").join(pid.to_string()).join("task").join(pid.to_string()).join("children");
    let text = fs::read_to_string(list).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// All that a command has said.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Waits until `check` holds, at most `limit`; whether it came to hold.
pub fn soon(limit: Duration, mut check: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while !check() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    true
}
