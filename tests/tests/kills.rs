//! Both programs killed again and again while traffic runs: afterwards the collector's totals equal
//! the traffic generator's own log. Fault experiments F-01 and F-02.

#![expect(clippy::panic, reason = "a helper that cannot go on fails its test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use umbrascope_e2e::netns::{Link, NET, Pair};
use umbrascope_e2e::programs::programs;

const NAMES: [&str; 4] = ["chatgpt.com", "claude.ai", "gemini.google.com", "api.mistral.ai"];
const ROUNDS: u32 = 50;
/// The same points in the same order at every run.
const SEED: u64 = 0x5eed_0042;

/// Where a program ends. Each kills itself there with no chance to tidy up.
const AGENT_POINTS: [&str; 4] =
    ["agent-before-commit", "agent-after-commit", "agent-before-send", "agent-after-send-before-ack"];
const COLLECTOR_POINTS: [&str; 3] =
    ["collector-before-commit", "collector-after-commit", "collector-before-ack"];
const AGENT_RENEWAL_POINTS: [&str; 2] = ["agent-renew-after-response", "agent-renew-after-write"];
/// A certificate of the test lives for 60 seconds from now and is dated back like all of them, so that it is due for renewal at
/// once, and its successor after a pause.
const RENEWAL: Duration = Duration::from_secs(100);
const COLLECTOR_RENEWAL_POINT: &str = "collector-renew-before-answer";

/// Both programs as services in one namespace, and the log of what was asked for.
struct Fleet {
    pair: Pair,
    folder: tempfile::TempDir,
    collector: Option<Child>,
    agent: Option<Child>,
    log: BTreeMap<&'static str, u64>,
}

impl Fleet {
    fn new() -> Option<Self> {
        let pair = Pair::new(Link::default())?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(
            folder.path().join("collector.toml"),
            "[people]\nlisten = \"127.0.0.1:8080\"\n\
             [agents]\nlisten = \"127.0.0.1:8443\"\nnames = [\"127.0.0.1\"]\nurl = \"https://127.0.0.1:8443\"\n\
             report_interval_s = 2\nsensor_certificate_s = 60\n",
        )
        .expect("the configuration is written");
        std::fs::write(
            folder.path().join("agent.toml"),
            "[scan]\nenabled = false\n[report]\ncounter_interval_s = 1\n",
        )
        .expect("the configuration is written");
        let mut fleet = Self { pair, folder, collector: None, agent: None, log: BTreeMap::new() };
        fleet.collector(&["init"]);
        let token = fleet.collector(&["token", "create", "--unit", "Test"]);
        fleet.start_collector(None);
        let mut enrol = fleet.agent_command("enrol");
        enrol.args(["--collector", "https://127.0.0.1:8443"]).env("UMBRASCOPE_TOKEN", token.trim());
        let enrolled = enrol.output().expect("the agent can be started");
        assert!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));
        Some(fleet)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn collector_command(&self) -> Command {
        let mut command = self.pair.host(&programs().collector);
        command
            .arg("--data-dir")
            .arg(self.path("collector"))
            .arg("--config")
            .arg(self.path("collector.toml"));
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command of the collector to its end; returns its standard output.
    fn collector(&self, words: &[&str]) -> String {
        let output = self.collector_command().args(words).output().expect("the collector can be started");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn agent_command(&self, word: &str) -> Command {
        let mut command = self.pair.host(&programs().agent);
        command
            .arg(word)
            .arg("--config")
            .arg(self.path("agent.toml"))
            .arg("--state-dir")
            .arg(self.path("agent"));
        command.stdin(Stdio::null());
        command
    }

    fn start_collector(&mut self, failpoint: Option<&str>) {
        let mut command = self.collector_command();
        command.arg("serve").stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = spawn(command, failpoint);
        let ready = soon(Duration::from_secs(60), || {
            // A report that was waiting can take it to its end before it ever says that it is ready.
            if failpoint.is_some() && !matches!(child.try_wait(), Ok(None)) {
                return true;
            }
            let probe = self.pair.host("curl").args(["-sf", "http://127.0.0.1:8080/readyz"]).output();
            probe.is_ok_and(|output| output.status.success())
        });
        assert!(ready, "waited 60 seconds for the collector to be ready (failpoint {failpoint:?})");
        self.collector = Some(child);
    }

    fn start_agent(&mut self, failpoint: Option<&str>) {
        let notify = self.path("notify");
        let _ = std::fs::remove_file(&notify);
        let socket = std::os::unix::net::UnixDatagram::bind(&notify).expect("a notification socket");
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
        let mut command = self.agent_command("run");
        let log = std::fs::File::create(self.path("agent.log")).expect("a log");
        command.env("NOTIFY_SOCKET", &notify).stdout(Stdio::null()).stderr(log);
        self.agent = Some(spawn(command, failpoint));
        let mut message = [0; 4096];
        loop {
            let length = socket.recv(&mut message).expect("the agent says READY=1 within 30 seconds");
            if String::from_utf8_lossy(&message[..length]).contains("READY=1") {
                return;
            }
        }
    }

    /// Whether the agent that runs had to start its uplink again. It may have been as soon as it was ready: a certificate of the
    /// test is due for renewal at once.
    fn an_uplink_ended(&self) -> bool {
        let log = std::fs::read_to_string(self.path("agent.log")).unwrap_or_default();
        log.contains("the uplink ended; it is started again")
    }

    /// Kills every process of the agent at once.
    fn kill_agent(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            for child in children(agent.id()) {
                kill(child);
            }
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }

    fn kill_collector(&mut self) {
        if let Some(mut collector) = self.collector.take() {
            let _ = collector.kill();
            let _ = collector.wait();
        }
    }

    /// Asks for every name `count` times, and writes it down.
    fn traffic(&mut self, count: u16) {
        let mut peer = self.pair.host(&programs().peer);
        // Ids of its own for each query, as real clients choose them: the same id and name again are one query sent again.
        let first = self.log.get(NAMES[0]).copied().unwrap_or_default() % 65_536;
        peer.args(["dns", &format!("{NET}:53"), &first.to_string(), &count.to_string()]).args(NAMES);
        let output = peer.output().expect("the test client can be started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for name in NAMES {
            *self.log.entry(name).or_default() += u64::from(count);
        }
    }

    /// What the collector has counted, by name.
    fn totals(&self) -> BTreeMap<&'static str, u64> {
        let export: Value =
            serde_json::from_str(&self.collector(&["export", "json"])).expect("the export is JSON");
        let mut totals = BTreeMap::new();
        let products = export["products"].as_array().expect("the export has products");
        for row in products.iter().flat_map(|product| product["evidence"].as_array()).flatten() {
            if row["channel"] == "dns"
                && let Some(name) = NAMES.into_iter().find(|name| row["value"] == *name)
            {
                *totals.entry(name).or_default() += row["count"].as_u64().unwrap_or_default();
            }
        }
        totals
    }

    fn settle(&self, what: &str) {
        let mut last = BTreeMap::new();
        let done = soon(Duration::from_secs(120), || {
            last = self.totals();
            last == self.log
        });
        assert!(
            done,
            "{what}: the collector counted {last:?}, the generator sent {:?} (seed {SEED:#x})",
            self.log
        );
    }
}

impl Drop for Fleet {
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

fn kill(pid: u32) {
    let _ = Command::new("kill").args(["-9", &pid.to_string()]).output();
}

/// Children of a process, read from /proc.
fn children(pid: u32) -> Vec<u32> {
    let list = Path::new("/proc").join(pid.to_string()).join("task").join(pid.to_string()).join("children");
    let text = std::fs::read_to_string(list).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

fn soon(limit: Duration, mut check: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if check() {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// xorshift64: the same kills at every run.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap_or_default()
    }
}

#[test]
fn after_fifty_kills_the_totals_equal_the_log_of_the_traffic() {
    let Some(mut fleet) = Fleet::new() else { return };
    let mut choices = Choices(SEED);
    let mut struck = BTreeMap::<String, u32>::new();
    fleet.start_agent(None);
    fleet.traffic(5);
    fleet.settle("before the first kill");
    for round in 0..ROUNDS {
        // Four rounds hit the renewal of the certificate; the rest the way of the counts.
        let point = match (round, round % 2) {
            (10, _) => format!("{}:1", AGENT_RENEWAL_POINTS[0]),
            (30, _) => format!("{}:1", AGENT_RENEWAL_POINTS[1]),
            (21 | 41, _) => format!("{COLLECTOR_RENEWAL_POINT}:1"),
            (_, 0) => format!("{}:{}", AGENT_POINTS[choices.below(4)], 1 + choices.below(3)),
            _ => format!("{}:{}", COLLECTOR_POINTS[choices.below(3)], 1 + choices.below(3)),
        };
        let patience = if point.contains("renew") { RENEWAL } else { Duration::from_secs(20) };
        if point.starts_with("agent") {
            // All of it at once, while nothing is on the wire that only its memory would know.
            fleet.settle(&format!("round {round}, before the agent is killed"));
            fleet.kill_agent();
            if round == 24 {
                for file in ["state.db", "state.db-wal", "state.db-shm"] {
                    let _ = std::fs::remove_file(fleet.path("agent").join(file));
                }
            }
            fleet.start_agent(Some(&point));
            fleet.traffic(20);
            let died = soon(patience, || {
                fleet.traffic(1);
                fleet.an_uplink_ended()
            });
            *struck.entry(point).or_default() += u32::from(died);
        } else {
            fleet.kill_collector();
            fleet.start_collector(Some(&point));
            fleet.traffic(20);
            let died = soon(patience, || {
                fleet.traffic(1);
                fleet.collector.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
            });
            fleet.kill_collector();
            fleet.start_collector(None);
            *struck.entry(point).or_default() += u32::from(died);
        }
        fleet.traffic(5);
    }
    fleet.settle("after the last kill");
    println!("kills that struck at their point: {struck:?}");
    let hit = |word: &str| {
        struck.iter().filter(|(point, _)| point.contains(word)).map(|(_, count)| count).sum::<u32>()
    };
    for point in ["before-commit", "after-commit", "before-ack", "agent-renew", "collector-renew"] {
        assert!(hit(point) > 0, "no kill struck at {point}: {struck:?}");
    }
}
