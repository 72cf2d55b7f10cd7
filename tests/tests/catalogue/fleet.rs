//! Both programs as services in one namespace, with keys of their own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use umbrascope_e2e::netns::{Link, NET, Pair};
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::workspace_root;
use umbrascope_rules::bundle;

/// A rule that no released catalogue has.
const EXTRA: &str = r#"
[vendor]
id = "umbrascope-e2e"
name = "E2E"
[[product]]
id = "umbrascope-e2e.chat"
name = "E2E Chat"
kind = "service"
category = "assistant"
description = "A product of the tests."
[[rule]]
id = "umbrascope-e2e.chat.web"
product = "umbrascope-e2e.chat"
confidence = "high"
source_url = "https://docs.umbrascope-e2e.dev/hosts"
source_type = "first_party"
last_checked = 2026-11-21
suffix = ["chat.umbrascope-e2e.dev"]
examples = ["chat.umbrascope-e2e.dev"]
"#;
/// Word of another bundle comes with the next report, the question within five seconds of it.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Both programs as services in one namespace.
pub(crate) struct Fleet {
    pair: Pair,
    folder: tempfile::TempDir,
    collector: Option<Child>,
    pub(crate) agent: Option<Child>,
    /// How often each name was asked for.
    pub(crate) asked: BTreeMap<&'static str, u64>,
}

impl Fleet {
    /// With two keys that both programs trust: `first` and `second`.
    pub(crate) fn new() -> Option<Self> {
        let pair = Pair::new(Link::default())?;
        let folder = tempfile::tempdir().unwrap();
        let mut fleet = Self { pair, folder, collector: None, agent: None, asked: BTreeMap::new() };
        fs::write(fleet.path("umbrascope-e2e.toml"), EXTRA).unwrap();
        let keys = ["first", "second"].map(|name| fleet.keygen(name));
        fleet.trust(&keys);
        fleet.collector(&["init"]);
        let token = fleet.collector(&["token", "create"]);
        fleet.start_collector();
        let mut enrol = fleet.agent_command("enrol");
        enrol.args(["--collector", "https://127.0.0.1:8443"]).env("UMBRASCOPE_TOKEN", token.trim());
        let enrolled = enrol.output().unwrap();
        assert!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));
        Some(fleet)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a key without a password; returns its public half.
    pub(crate) fn keygen(&self, name: &str) -> String {
        let mut keygen = self.collector_command();
        keygen.args(["rules", "keygen", "-o"]).arg(self.path(name));
        let made = keygen.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8_lossy(&made.stdout).trim().to_owned()
    }

    pub(crate) fn trust(&self, keys: &[String]) {
        let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
        let keys = format!("[catalogue]\nkeys = [{}]\n", keys.join(", "));
        fs::write(
            self.path("collector.toml"),
            format!(
                "{keys}[people]\nlisten = \"127.0.0.1:8080\"\n[agents]\nlisten = \"127.0.0.1:8443\"\n\
                 names = [\"127.0.0.1\"]\nurl = \"https://127.0.0.1:8443\"\nreport_interval_s = 2\n"
            ),
        )
        .unwrap();
        fs::write(
            self.path("agent.toml"),
            format!("{keys}[scan]\nenabled = false\n[report]\ncounter_interval_s = 1\n"),
        )
        .unwrap();
    }

    pub(crate) fn collector_command(&self) -> Command {
        let mut command = self.pair.host(&programs().collector);
        command.arg("--data-dir").arg(self.path("collector"));
        if self.path("collector.toml").exists() {
            command.arg("--config").arg(self.path("collector.toml"));
        }
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn collector(&self, words: &[&str]) -> String {
        let output = self.collector_command().args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// `rules publish` of the whole catalogue with the rule of the tests.
    pub(crate) fn publish(&self, key: &str, number: u32, more: &[&str]) -> Command {
        let mut publish = self.collector_command();
        publish.args(["rules", "publish", "--number", &number.to_string(), "--key"]).arg(self.path(key));
        publish
            .args(more)
            .arg(workspace_root().join("rules/catalogue"))
            .arg(self.path("umbrascope-e2e.toml"));
        publish
    }

    pub(crate) fn published(&self, key: &str, number: u32, more: &[&str]) {
        let output = self.publish(key, number, more).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn agent_command(&self, word: &str) -> Command {
        let mut command = self.pair.host(&programs().agent);
        command.arg(word).arg("--config").arg(self.path("agent.toml"));
        command.arg("--state-dir").arg(self.path("agent")).stdin(Stdio::null());
        command
    }

    pub(crate) fn start_collector(&mut self) {
        let mut command = self.collector_command();
        command.arg("serve").stdout(Stdio::null()).stderr(self.log("collector.log"));
        self.collector = Some(command.spawn().unwrap());
        let ready = soon(SOON, || {
            let probe = self.pair.host("curl").args(["-sf", "http://127.0.0.1:8080/readyz"]).output();
            probe.is_ok_and(|output| output.status.success())
        });
        assert!(ready, "the collector is not ready: {}", self.read_log("collector.log"));
    }

    pub(crate) fn log(&self, name: &str) -> fs::File {
        fs::OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap()
    }

    pub(crate) fn read_log(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub(crate) fn start_agent(&mut self, failpoint: Option<&str>) {
        let notify = self.path("notify");
        let _ = fs::remove_file(&notify);
        let socket = std::os::unix::net::UnixDatagram::bind(&notify).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        let mut command = self.agent_command("run");
        command.env("NOTIFY_SOCKET", &notify).stdout(Stdio::null()).stderr(self.log("agent.log"));
        if let Some(point) = failpoint {
            command.env("UMBRASCOPE_FAILPOINT", point);
        }
        self.agent = Some(command.spawn().unwrap());
        let mut message = [0; 4096];
        loop {
            let received = socket.recv(&mut message);
            if received.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::Interrupted) {
                continue;
            }
            let length = received.expect("the agent says that it is ready");
            if String::from_utf8_lossy(&message[..length]).contains("READY=1") {
                return;
            }
        }
    }

    pub(crate) fn kill_agent(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            for child in children(agent.id()) {
                let _ = Command::new("kill").args(["-9", &child.to_string()]).output();
            }
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }

    pub(crate) fn kill_collector(&mut self) {
        if let Some(mut collector) = self.collector.take() {
            let _ = collector.kill();
            let _ = collector.wait();
        }
    }

    /// Asks for names, each with an id of its own.
    pub(crate) fn ask(&mut self, names: &[&'static str], count: u16) {
        for name in names {
            let mut peer = self.pair.host(&programs().peer);
            let first = self.asked.get(name).copied().unwrap_or_default() % 65_536;
            peer.args(["dns", &format!("{NET}:53"), &first.to_string(), &count.to_string(), name]);
            let output = peer.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            *self.asked.entry(name).or_default() += u64::from(count);
        }
    }

    /// How often the collector heard of a name by DNS, and as which product.
    pub(crate) fn counted(&self, name: &str) -> (u64, String) {
        let export: Value = serde_json::from_str(&self.collector(&["export", "json"])).unwrap();
        let (mut sum, mut product) = (0, String::new());
        for found in export["products"].as_array().into_iter().flatten() {
            for row in found["evidence"].as_array().into_iter().flatten() {
                if row["channel"] == "dns" && row["value"] == name {
                    sum += row["count"].as_u64().unwrap_or_default();
                    product = found["id"].as_str().unwrap_or_default().to_owned();
                }
            }
        }
        (sum, product)
    }

    /// What `status` says of the catalogue.
    pub(crate) fn catalogue(&self) -> Value {
        let output = self.agent_command("status").args(["--format", "json"]).output().unwrap();
        let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        status["catalogue"].clone()
    }

    pub(crate) fn number(&self) -> u32 {
        let catalogue = self.catalogue();
        bundle::number_in(catalogue["version"].as_str().unwrap_or_default()).unwrap_or_default()
    }

    pub(crate) fn assert_number(&self, number: u32) {
        let taken = soon(SOON, || self.number() == number);
        assert!(taken, "number {number} is not in use: {}\n{}", self.catalogue(), self.read_log("agent.log"));
    }

    /// Puts bytes where the collector keeps what it hands out, as whoever broke into it would.
    pub(crate) fn replace_served(&self, bytes: &[u8]) {
        let beside = self.path("collector/beside");
        fs::write(&beside, bytes).unwrap();
        fs::rename(beside, self.path("collector/catalogue.bundle")).unwrap();
    }

    pub(crate) fn assert_refused(&self, bytes: &[u8], words: &str, in_use: u32) {
        self.replace_served(bytes);
        let told = soon(SOON, || {
            self.catalogue()["refused"].as_str().is_some_and(|refused| refused.contains(words))
        });
        assert!(told, "{words:?} is not told: {}\n{}", self.catalogue(), self.read_log("agent.log"));
        assert_eq!(self.number(), in_use, "the last good one stays in use");
        for command in ["doctor", "explain"] {
            let output = self.agent_command(command).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(text.contains(words), "{command} does not tell {words:?}: {text}");
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.kill_agent();
        self.kill_collector();
    }
}

/// Children of a process, read from /proc.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let list = Path::new("/proc").join(pid.to_string()).join("task").join(pid.to_string()).join("children");
    let text = fs::read_to_string(list).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

pub(crate) fn soon(limit: Duration, mut check: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if check() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(300));
    }
}
