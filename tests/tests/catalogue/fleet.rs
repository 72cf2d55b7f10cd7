//! Both programs as services in one namespace, with keys of their own.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use umbrascope_e2e::services::{Services, soon};
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

/// Both programs, and how often each name was asked for.
pub(crate) struct Fleet {
    pub(crate) services: Services,
    pub(crate) asked: BTreeMap<&'static str, u64>,
}

impl Fleet {
    /// With two keys that both programs trust: `first` and `second`. The collector runs, the agent is enrolled.
    pub(crate) fn new() -> Option<Self> {
        let mut fleet = Self { services: Services::new()?, asked: BTreeMap::new() };
        fs::write(fleet.services.path("umbrascope-e2e.toml"), EXTRA).unwrap();
        let keys = ["first", "second"].map(|name| fleet.keygen(name));
        fleet.trust(&keys);
        fleet.services.start_collector(None);
        fleet.services.enrol();
        Some(fleet)
    }

    /// Makes a key without a password; returns its public half.
    pub(crate) fn keygen(&self, name: &str) -> String {
        let mut keygen = self.services.collector_command();
        keygen.args(["rules", "keygen", "-o"]).arg(self.services.path(name));
        let made = keygen.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8_lossy(&made.stdout).trim().to_owned()
    }

    pub(crate) fn trust(&self, keys: &[String]) {
        let keys: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
        let keys = format!("[catalogue]\nkeys = [{}]\n", keys.join(", "));
        self.services.configure(&keys, &keys);
    }

    /// `rules publish` of the whole catalogue with the rule of the tests.
    pub(crate) fn publish(&self, key: &str, number: u32, more: &[&str]) -> Command {
        let mut publish = self.services.collector_command();
        publish
            .args(["rules", "publish", "--number", &number.to_string(), "--key"])
            .arg(self.services.path(key));
        publish
            .args(more)
            .arg(workspace_root().join("rules/catalogue"))
            .arg(self.services.path("umbrascope-e2e.toml"));
        publish
    }

    pub(crate) fn published(&self, key: &str, number: u32, more: &[&str]) {
        let output = self.publish(key, number, more).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Asks for names, each with an id of its own.
    pub(crate) fn ask(&mut self, names: &[&'static str], count: u16) {
        for name in names {
            self.services.ask(&[name], self.asked.get(name).copied().unwrap_or_default(), count);
            *self.asked.entry(name).or_default() += u64::from(count);
        }
    }

    /// How often the collector heard of a name by DNS, and as which product.
    pub(crate) fn counted(&self, name: &str) -> (u64, String) {
        let (count, product) = self.services.counted(name);
        (count, product["id"].as_str().unwrap_or_default().to_owned())
    }

    /// What `status` says of the catalogue.
    pub(crate) fn catalogue(&self) -> Value {
        let output = self.services.agent_command(&["status", "--format", "json"]).output().unwrap();
        let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        status["catalogue"].clone()
    }

    pub(crate) fn number(&self) -> u32 {
        let catalogue = self.catalogue();
        bundle::number_in(catalogue["version"].as_str().unwrap_or_default()).unwrap_or_default()
    }

    pub(crate) fn assert_number(&self, number: u32) {
        let taken = soon(SOON, || self.number() == number);
        assert!(
            taken,
            "number {number} is not in use: {}\n{}",
            self.catalogue(),
            self.services.read_log("agent.log")
        );
    }

    /// Puts bytes where the collector keeps what it hands out, as whoever broke into it would.
    pub(crate) fn replace_served(&self, bytes: &[u8]) {
        let beside = self.services.path("collector/beside");
        fs::write(&beside, bytes).unwrap();
        fs::rename(beside, self.services.path("collector/catalogue.bundle")).unwrap();
    }

    pub(crate) fn assert_refused(&self, bytes: &[u8], words: &str, in_use: u32) {
        self.replace_served(bytes);
        let told = soon(SOON, || {
            self.catalogue()["refused"].as_str().is_some_and(|refused| refused.contains(words))
        });
        assert!(told, "{words:?} is not told: {}\n{}", self.catalogue(), self.services.read_log("agent.log"));
        assert_eq!(self.number(), in_use, "the last good one stays in use");
        for command in ["doctor", "explain"] {
            let text = self.services.agent_says(&[command]);
            assert!(text.contains(words), "{command} does not tell {words:?}: {text}");
        }
    }
}
