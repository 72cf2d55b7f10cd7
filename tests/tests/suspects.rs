//! Suspects over real processes: nothing of them is kept or sent before two people want it, then the registrable domain alone,
//! and nothing more once one of them does not.

#![expect(clippy::panic, reason = "a helper that cannot go on fails its test")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use umbrascope_e2e::netns::{Link, NET, Pair};
use umbrascope_e2e::product::Try;
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::{have_command, require};

/// A report goes out within seconds under `try`; the rest is for a slow machine.
const SOON: Duration = Duration::from_secs(40);

struct Stage {
    pair: Pair,
    product: Try,
    data: tempfile::TempDir,
}

impl Stage {
    fn new() -> Option<Self> {
        if !require("curl", have_command("curl")) || !require("dig (dnsutils)", have_command("dig")) {
            return None;
        }
        let pair = Pair::new(Link::default())?;
        let data = tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let mut command = pair.host(&programs().collector);
        command.args(["try", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data.path());
        let product = Try::start(command, pair.host_words());
        Some(Self { pair, product, data })
    }

    /// Asks for a name. Nobody answers, and nobody needs to.
    fn ask(&self, name: &str) {
        let mut dig = self.pair.host("dig");
        dig.args(["+time=1", "+tries=1", &format!("@{NET}"), name]).stdout(Stdio::null());
        dig.status().unwrap_or_else(|error| panic!("dig does not run: {error}"));
    }

    /// Everything seen so far is at the collector once this name is.
    fn settle(&self, name: &str) {
        self.ask(name);
        let found = self.product.wait("/api/v1/products?limit=500", SOON, |products| {
            products["rows"].as_array().into_iter().flatten().any(|row| {
                let id = row["id"].as_str().unwrap_or_default();
                let detail = self.product.json(&format!("/api/v1/products/{id}"));
                detail["evidence"].as_array().into_iter().flatten().any(|row| row["value"] == name)
            })
        });
        assert!(found.is_ok(), "{name} did not come: {}", found.unwrap_or_else(|value| value));
    }

    /// Sends a step of the setting with a cookie jar, and returns the page that comes of it.
    fn step(&self, jar: &str, step: &str) -> String {
        let url = format!("{}/suspects", self.product.base);
        let page = self.curl(jar, &[&url]);
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let csrf = format!("csrf={}", csrf.unwrap_or_else(|| panic!("no form: {page}")));
        self.curl(jar, &["-L", "-d", &csrf, "-d", &format!("step={step}"), &format!("{url}/setting")])
    }

    fn curl(&self, jar: &str, arguments: &[&str]) -> String {
        let mut curl = self.pair.host("curl");
        curl.args(["-sS", "--max-time", "20", "-b", jar, "-c", jar]).args(arguments);
        let output = curl.output().unwrap_or_else(|error| panic!("curl does not run: {error}"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Adds a person and signs in; returns the path of the cookies.
    fn person(&self, name: &str, role: &str) -> String {
        let mut add = Command::new(&programs().collector);
        add.args(["user", "add", name, "--role", role, "--data-dir"]).arg(self.data.path());
        let output = add.output().unwrap_or_else(|error| panic!("`user add` does not run: {error}"));
        let text = String::from_utf8_lossy(&output.stdout);
        let path = text.find("/sign-in/link/").and_then(|at| text[at..].split_whitespace().next());
        let path =
            path.unwrap_or_else(|| panic!("no link: {text}{}", String::from_utf8_lossy(&output.stderr)));
        let jar = self.data.path().join(name).to_string_lossy().into_owned();
        self.curl(&jar, &["-L", "-o", "/dev/null", &format!("{}{path}", self.product.base)]);
        jar
    }

    fn export(&self) -> Value {
        self.product.json("/export/json")
    }

    fn suspects(&self) -> Vec<String> {
        let export = self.export();
        let rows = export["suspects"].as_array().cloned().unwrap_or_default();
        rows.iter().filter_map(|row| row["domain"].as_str().map(str::to_owned)).collect()
    }

    /// How many files below the data folder hold some bytes.
    fn files_with(&self, needle: &str) -> usize {
        let mut files = Vec::new();
        umbrascope_e2e::walk(self.data.path(), &mut files);
        let holds = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
        files.iter().filter(|file| holds(&std::fs::read(file).unwrap_or_default())).count()
    }
}

#[test]
fn a_suspect_is_reported_while_two_people_want_it_and_its_host_never() {
    let Some(stage) = Stage::new() else { return };
    let ada = stage.person("ada", "administrator");
    let vera = stage.person("vera", "privacy-officer");
    stage.ask("chat.secret-host.quorbel-chatbot.com");
    stage.settle("api.deepseek.com");
    assert_eq!(stage.files_with("quorbel"), 0, "off by default: it is kept nowhere");

    assert!(stage.step(&ada, "asked").contains("waits for a second person"));
    assert!(stage.step(&ada, "confirmed").contains("privacy-officer"), "who asks is not who approves");
    assert!(stage.step(&vera, "confirmed").contains("Withdraw: switch it off"));
    let begun = Instant::now();
    // The sensor learns of it with the answer to its next report.
    while stage.suspects().is_empty() {
        assert!(begun.elapsed() < SOON, "no suspect came: {}", stage.export()["coverage"]);
        stage.ask("chat.secret-host.quorbel-chatbot.com");
        stage.ask("payroll.intranet-of-acme.com");
    }
    assert_eq!(stage.suspects(), ["quorbel-chatbot.com"]);
    assert!(stage.product.page("/suspects").contains("quorbel-chatbot.com"));
    assert!(
        stage.files_with("quorbel-chatbot.com") >= 2,
        "both databases hold the domain, so the search finds"
    );
    assert_eq!(stage.files_with("secret-host"), 0, "the host below it is nowhere");
    assert_eq!(stage.files_with("intranet-of-acme"), 0, "nor is what does not look like AI");
    let export = stage.export();
    for part in ["products", "ai_systems", "assets"] {
        assert!(!export[part].to_string().contains("quorbel"), "{part} holds a suspect");
    }

    assert!(stage.step(&vera, "withdrawn").contains("withdrew it"));
    // One report tells the sensor; what it sees after that is kept nowhere.
    stage.settle("api.mistral.ai");
    stage.settle("claude.ai");
    stage.ask("chat.bramblewick-chatbot.net");
    stage.settle("chatgpt.com");
    assert_eq!(stage.files_with("bramblewick"), 0, "withdrawn: it is kept nowhere");
    assert_eq!(stage.product.interrupt(), Some(0));
}
