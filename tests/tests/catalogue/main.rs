//! A catalogue from `rules publish` to the names that an agent finds: taken while traffic flows, refused when it is not good,
//! and never lost by whatever is killed on the way. Both programs as services, real mutual TLS, real packets.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use minisign::{KeyPair, SecretKey};
use serde_json::Value;
use umbrascope_e2e::netns::{Link, NET, Pair};
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::{have_command, require, workspace_root};
use umbrascope_rules::bundle::{self, Draft, Kind, PublicKey};
use umbrascope_rules::{Catalogue, Date};

const KNOWN: [&str; 2] = ["chatgpt.com", "claude.ai"];
const NEW: &str = "chat.umbrascope-e2e.dev";
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
const SOON: Duration = Duration::from_secs(60);

/// Both programs as services in one namespace.
struct Fleet {
    pair: Pair,
    folder: tempfile::TempDir,
    collector: Option<Child>,
    agent: Option<Child>,
    asked: BTreeMap<&'static str, u64>,
}

impl Fleet {
    /// With two keys that both programs trust: `first` and `second`.
    fn new() -> Option<Self> {
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

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a key without a password; returns its public half.
    fn keygen(&self, name: &str) -> String {
        let mut keygen = self.collector_command();
        keygen.args(["rules", "keygen", "-o"]).arg(self.path(name));
        let made = keygen.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8_lossy(&made.stdout).trim().to_owned()
    }

    fn trust(&self, keys: &[String]) {
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

    fn collector_command(&self) -> Command {
        let mut command = self.pair.host(&programs().collector);
        command.arg("--data-dir").arg(self.path("collector"));
        if self.path("collector.toml").exists() {
            command.arg("--config").arg(self.path("collector.toml"));
        }
        command.stdin(Stdio::null());
        command
    }

    fn collector(&self, words: &[&str]) -> String {
        let output = self.collector_command().args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// `rules publish` of the whole catalogue with the rule of the tests.
    fn publish(&self, key: &str, number: u32, more: &[&str]) -> Command {
        let mut publish = self.collector_command();
        publish.args(["rules", "publish", "--number", &number.to_string(), "--key"]).arg(self.path(key));
        publish
            .args(more)
            .arg(workspace_root().join("rules/catalogue"))
            .arg(self.path("umbrascope-e2e.toml"));
        publish
    }

    fn published(&self, key: &str, number: u32, more: &[&str]) {
        let output = self.publish(key, number, more).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn agent_command(&self, word: &str) -> Command {
        let mut command = self.pair.host(&programs().agent);
        command.arg(word).arg("--config").arg(self.path("agent.toml"));
        command.arg("--state-dir").arg(self.path("agent")).stdin(Stdio::null());
        command
    }

    fn start_collector(&mut self) {
        let mut command = self.collector_command();
        command.arg("serve").stdout(Stdio::null()).stderr(self.log("collector.log"));
        self.collector = Some(command.spawn().unwrap());
        let ready = soon(SOON, || {
            let probe = self.pair.host("curl").args(["-sf", "http://127.0.0.1:8080/readyz"]).output();
            probe.is_ok_and(|output| output.status.success())
        });
        assert!(ready, "the collector is not ready: {}", self.read_log("collector.log"));
    }

    fn log(&self, name: &str) -> fs::File {
        fs::OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap()
    }

    fn read_log(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn start_agent(&mut self, failpoint: Option<&str>) {
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
            let length = socket.recv(&mut message).expect("the agent says that it is ready");
            if String::from_utf8_lossy(&message[..length]).contains("READY=1") {
                return;
            }
        }
    }

    fn kill_agent(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            for child in children(agent.id()) {
                let _ = Command::new("kill").args(["-9", &child.to_string()]).output();
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

    /// Asks for names, each with an id of its own.
    fn ask(&mut self, names: &[&'static str], count: u16) {
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
    fn counted(&self, name: &str) -> (u64, String) {
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
    fn catalogue(&self) -> Value {
        let output = self.agent_command("status").args(["--format", "json"]).output().unwrap();
        let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        status["catalogue"].clone()
    }

    fn number(&self) -> u32 {
        let catalogue = self.catalogue();
        bundle::number_in(catalogue["version"].as_str().unwrap_or_default()).unwrap_or_default()
    }

    fn assert_number(&self, number: u32) {
        let taken = soon(SOON, || self.number() == number);
        assert!(taken, "number {number} is not in use: {}\n{}", self.catalogue(), self.read_log("agent.log"));
    }

    /// Puts bytes where the collector keeps what it hands out, as whoever broke into it would.
    fn replace_served(&self, bytes: &[u8]) {
        let beside = self.path("collector/beside");
        fs::write(&beside, bytes).unwrap();
        fs::rename(beside, self.path("collector/catalogue.bundle")).unwrap();
    }

    fn assert_refused(&self, bytes: &[u8], words: &str, in_use: u32) {
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
fn children(pid: u32) -> Vec<u32> {
    let list = Path::new("/proc").join(pid.to_string()).join("task").join(pid.to_string()).join("children");
    let text = fs::read_to_string(list).unwrap_or_default();
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
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Number of the catalogue that the programs came with.
fn floor() -> u32 {
    Catalogue::embedded().number()
}

#[test]
fn a_published_catalogue_is_matched_with_while_traffic_flows_and_no_name_is_lost() {
    let Some(mut fleet) = Fleet::new() else { return };
    fleet.start_agent(None);
    fleet.ask(&KNOWN, 20);
    fleet.ask(&[NEW], 20);
    assert!(soon(SOON, || fleet.counted(KNOWN[0]).0 == 20), "{:?}", fleet.counted(KNOWN[0]));
    assert_eq!(fleet.counted(NEW).0, 0, "no rule knows it yet, so it stayed on the machine");

    let mut publishing = fleet.publish("first", floor() + 1, &[]).spawn().unwrap();
    let deadline = Instant::now() + SOON * 2;
    while fleet.number() != floor() + 1 {
        assert!(Instant::now() < deadline, "{}\n{}", fleet.catalogue(), fleet.read_log("agent.log"));
        fleet.ask(&KNOWN, 5);
        fleet.ask(&[NEW], 1);
    }
    assert!(publishing.wait().unwrap().success());
    fleet.ask(&KNOWN, 20);
    // The dissector is told in the same moment as `status`; its first match shows that it has swapped.
    let before = fleet.asked[NEW];
    let swapped = soon(SOON, || {
        fleet.ask(&[NEW], 1);
        fleet.counted(NEW).0 > 0
    });
    assert!(swapped, "the new rule matches nothing: {}", fleet.read_log("agent.log"));
    let unsure = fleet.asked[NEW];
    fleet.ask(&[NEW], 50);
    fleet.ask(&KNOWN, 20);
    let all = soon(SOON, || KNOWN.iter().all(|name| fleet.counted(name).0 == fleet.asked[name]));
    let found: Vec<_> = KNOWN.iter().map(|name| (name, fleet.counted(name).0)).collect();
    assert!(all, "asked {:?}, counted {found:?}", fleet.asked);
    let (counted, product) = fleet.counted(NEW);
    assert!(
        counted >= fleet.asked[NEW] - unsure + 1 && counted <= fleet.asked[NEW],
        "{counted} of {:?}",
        fleet.asked
    );
    println!(
        "of the new name {counted} of {} were counted, {before} of them asked before the swap",
        fleet.asked[NEW]
    );
    // The collector itself knows the product by then.
    assert_eq!(product, "umbrascope-e2e.chat");
    let status = fleet.collector(&["rules", "status"]);
    assert!(status.contains(&format!(".{}+", floor() + 1)), "{status}");
}

#[test]
fn a_key_takes_the_place_of_another_and_an_agent_starts_on_what_it_took_last() {
    let Some(mut fleet) = Fleet::new() else { return };
    fleet.published("first", floor() + 1, &[]);
    fleet.start_agent(None);
    fleet.assert_number(floor() + 1);
    fleet.published("second", floor() + 2, &[]);
    fleet.assert_number(floor() + 2);
    // The first key is lost: nobody trusts it any more.
    let second = fs::read_to_string(fleet.path("second.pub")).unwrap().lines().nth(1).unwrap().to_owned();
    fleet.trust(&[second]);
    fleet.kill_agent();
    fleet.kill_collector();
    fleet.start_agent(None);
    fleet.assert_number(floor() + 2);
    assert!(fleet.catalogue()["set_aside"].is_null());
    fleet.ask(&[NEW], 3);
    fleet.start_collector();
    assert!(soon(SOON, || fleet.counted(NEW).0 == 3), "{}", fleet.read_log("agent.log"));
    let refused = fleet.publish("first", floor() + 3, &[]).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not trusted here"), "{refused:?}");
}

#[test]
fn what_is_not_good_is_refused_told_and_changes_nothing() {
    let Some(mut fleet) = Fleet::new() else { return };
    let bundle = |name: &str| fs::read(fleet.path(name)).unwrap();
    let output = |name: &str| fleet.path(name).display().to_string();
    fleet.published("first", floor() + 1, &["-o", &output("older")]);
    fleet.published("first", floor() + 2, &["-o", &output("twin"), "--expires", "30"]);
    fleet.published("first", floor() + 3, &["-o", &output("newer")]);
    fleet.keygen("stranger");
    fleet.published("stranger", floor() + 3, &["-o", &output("foreign")]);
    fleet.published("first", floor() + 2, &[]);
    let (older, twin, newer, foreign) = (bundle("older"), bundle("twin"), bundle("newer"), bundle("foreign"));
    let good = bundle("collector/catalogue.bundle");
    let expired = expired(&fleet.path("first"), floor() + 3);
    fleet.start_agent(None);
    let in_use = floor() + 2;
    fleet.assert_number(in_use);

    fleet.assert_refused(&newer[..newer.len() / 2], "cut short", in_use);
    fleet.assert_refused(&foreign, "not trusted", in_use);
    fleet.assert_refused(&older, "was taken before", in_use);
    fleet.assert_refused(&twin, "another bundle of number", in_use);
    let mut altered = newer.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    fleet.assert_refused(&altered, "is not what was signed", in_use);
    fleet.assert_refused(b"<html>", "no catalogue bundle", in_use);
    fleet.assert_refused(&expired, "expired on", in_use);
    // The people at the collector are told too, and it has gone on with what it knew.
    let known = soon(SOON, || fleet.read_log("collector.log").contains("is not used here"));
    assert!(known, "{}", fleet.read_log("collector.log"));

    fleet.ask(&[NEW], 4);
    assert!(soon(SOON, || fleet.counted(NEW).0 == 4), "it goes on matching with the last good one");
    fleet.replace_served(&good);
    assert!(soon(SOON, || fleet.catalogue()["refused"].is_null()), "{}", fleet.catalogue());
    fleet.replace_served(&newer);
    fleet.assert_number(floor() + 3);
}

#[test]
fn an_agent_killed_in_the_middle_of_a_swap_comes_back_on_a_good_one() {
    let Some(mut fleet) = Fleet::new() else { return };
    fleet.start_agent(None);
    let mut number = floor() + 1;
    fleet.published("first", number, &[]);
    fleet.assert_number(number);
    for (point, taken) in [
        ("agent-catalogue-before-rename", false),
        ("agent-catalogue-after-rename", true),
        ("agent-catalogue-before-mark", true),
        ("agent-catalogue-after-mark", true),
    ] {
        fleet.kill_agent();
        fleet.start_agent(Some(&format!("{point}:1")));
        let before = children(fleet.agent.as_ref().map_or(0, Child::id));
        fleet.published("first", number + 1, &[]);
        let died = soon(SOON, || children(fleet.agent.as_ref().map_or(0, Child::id)) != before);
        assert!(died, "nothing was killed at {point}");
        // All of it, before another uplink has asked again; then without a collector.
        fleet.kill_agent();
        fleet.kill_collector();
        let stored = fs::read(fleet.path("agent/catalogue.bundle")).unwrap();
        let stored = bundle::peek(&stored).unwrap().number;
        assert!(stored == number + 1 || (!taken && stored == number), "{point}: {stored}");
        fleet.start_agent(None);
        fleet.assert_number(stored);
        fleet.start_collector();
        number += 1;
        fleet.assert_number(number);
    }
    fleet.ask(&[NEW], 5);
    assert!(soon(SOON, || fleet.counted(NEW).0 == 5), "{}", fleet.read_log("agent.log"));
}

/// A bundle whose time was over before it was made: `rules publish` makes none.
fn expired(key: &Path, number: u32) -> Vec<u8> {
    let secret = SecretKey::from_unencrypted_box(fs::read_to_string(key).unwrap().into()).unwrap();
    let (date, expires) = (day("2026-11-21"), day("2026-11-25"));
    let catalogue = Catalogue::embedded().clone().renumbered(number, date);
    let draft = Draft::of_catalogue(&catalogue, date, expires).unwrap();
    let signed = minisign::sign(None, &secret, draft.to_sign(), Some("c"), None).unwrap();
    draft.sign(&signed.to_string()).unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// Runs the tool called minisign.
fn minisign_tool(folder: &Path, words: &[&str]) {
    let output =
        Command::new("minisign").args(words).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn our_signatures_are_minisigns_and_its_are_ours() {
    if !require("minisign", have_command("minisign")) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (today, expires) = (day("2026-11-26"), day("2999-01-01"));
    let draft = || Draft::of_catalogue(Catalogue::embedded(), today, expires).unwrap();

    // Ours, read by the tool.
    let pair = KeyPair::generate_unencrypted_keypair().unwrap();
    let draft_signed = draft();
    let signed = minisign::sign(None, &pair.sk, draft_signed.to_sign(), Some("c"), None).unwrap();
    let bytes = draft_signed.sign(&signed.to_string()).unwrap();
    let (manifest, rest) = piece(&bytes[b"umbrascope bundle 1\n".len()..]);
    let (signature, _) = piece(rest);
    fs::write(path("manifest"), manifest).unwrap();
    fs::write(path("manifest.minisig"), signature).unwrap();
    minisign_tool(folder.path(), &["-V", "-q", "-m", "manifest", "-P", &pair.pk.to_base64()]);

    // The tool's, read by us; and its key used by `rules publish`.
    minisign_tool(folder.path(), &["-G", "-W", "-p", "tool.pub", "-s", "tool"]);
    fs::write(path("manifest"), draft().to_sign()).unwrap();
    minisign_tool(
        folder.path(),
        &["-S", "-s", "tool", "-m", "manifest", "-x", "by-tool", "-t", "by the tool"],
    );
    let bytes = draft().sign(&fs::read_to_string(path("by-tool")).unwrap()).unwrap();
    let public: PublicKey = fs::read_to_string(path("tool.pub")).unwrap().parse().unwrap();
    let bundle = bundle::read(&bytes, std::slice::from_ref(&public), Kind::Catalogue).unwrap();
    assert_eq!(bundle.version().unwrap(), Catalogue::embedded().version());
    let mut publish = Command::new(&programs().collector);
    publish.args(["--data-dir", "data", "rules", "publish", "--embedded", "-o", "bundle", "--key", "tool"]);
    let output = publish.current_dir(folder.path()).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    bundle::read(&fs::read(path("bundle")).unwrap(), &[public], Kind::Catalogue).unwrap();
}

/// What stands behind a length of four bytes, and the rest.
fn piece(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (length, rest) = bytes.split_first_chunk::<4>().unwrap();
    rest.split_at(usize::try_from(u32::from_be_bytes(*length)).unwrap())
}
