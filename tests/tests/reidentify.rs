//! Re-identification over real processes: no name of an account leaves before two people want it and the machine's own configuration names
//! the key; then it is sealed, two officers give it out, and it opens with the key and only with it.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::fs;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use umbrascope_e2e::netns::{Link, Pair};
use umbrascope_e2e::product::Try;
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::tree::Tree;
use umbrascope_e2e::{have_command, require};

/// A report goes out within seconds under `try`; the rest is for a slow machine.
const SOON: Duration = Duration::from_secs(60);
/// Who works at the machine.
const USER: &str = "quendrylbarrow";
const UID: u32 = 1000;
const PASSWORD: &str = "twelve letters or more";
const WHY: &str = "Data of a customer was pasted into it";

/// Ends its process with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

/// A collector, and a machine of its own beside it whose home has an assistant.
struct Stage {
    pair: Pair,
    product: Try,
    tree: Tree,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Option<Self> {
        if !require("curl", have_command("curl")) {
            return None;
        }
        let pair = Pair::new(Link::default())?;
        let folder = tempfile::tempdir().unwrap();
        let mut command = pair.host(&programs().collector);
        command.args(["try", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder.path().join("data"));
        let product = Try::start(command, pair.host_words());
        let tree = Tree::new();
        let passwd = format!("root:x:0:0::/root:/bin/sh\n{USER}:x:{UID}:{UID}::/home/{USER}:/bin/sh\n");
        tree.put("etc/passwd", passwd);
        tree.put("etc/machine-id", "5f1d3c0a9b7e4d2c8a6f0e1d2c3b4a59\n");
        let place = format!("home/{USER}/.claude.json");
        let file = tree.put(&place, json!({"mcpServers": {"sealed-server": {"command": "npx"}}}).to_string());
        chown(file.parent().unwrap(), Some(UID), Some(UID)).unwrap();
        chown(&file, Some(UID), Some(UID)).unwrap();
        Some(Self { pair, product, tree, folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn collector(&self, words: &[&str]) -> Output {
        let mut command = Command::new(&programs().collector);
        command.args(words).stdin(Stdio::null());
        command.output().unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    fn done(&self, words: &[&str]) -> String {
        let output = self.collector(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn with_data(&self, words: &[&str]) -> String {
        let data = self.path("data").to_string_lossy().into_owned();
        self.done(&[&["--data-dir", data.as_str()], words].concat())
    }

    /// The second machine's agent, whose configuration names this key, or none.
    fn configure(&self, key: Option<&str>) {
        let theirs = fs::read_to_string(self.path("data/agent.toml")).unwrap();
        let url = theirs.lines().find(|line| line.starts_with("url = ")).unwrap();
        let privacy =
            key.map(|key| format!("[privacy]\nreidentification_key = \"{key}\"\n")).unwrap_or_default();
        let text = format!(
            "state_dir = \"{}\"\n[collector]\n{url}\n[capture]\nenabled = false\n[report]\ncounter_interval_s = 2\n\
             [scan]\nlook_every_s = 5\n{privacy}",
            self.path("agent").display()
        );
        fs::create_dir_all(self.path("agent")).unwrap();
        fs::write(self.path("agent.toml"), text).unwrap();
    }

    fn agent(&self, words: &[&str]) -> Command {
        let script = "mount --bind \"$1/home\" /home && mount --bind \"$1/etc/passwd\" /etc/passwd && \
            mount --bind \"$1/etc/machine-id\" /etc/machine-id && mount -t tmpfs none /root && shift && exec \"$@\"";
        let mut command = self.pair.host("sh");
        command.args(["-c", script, "sh"]).arg(self.tree.root()).arg(&programs().agent).args(words);
        command.arg("--config").arg(self.path("agent.toml")).stdin(Stdio::null());
        command
    }

    fn start(&self) -> Running {
        let mut command = self.agent(&["run"]);
        command.stdout(Stdio::null()).stderr(fs::File::create(self.path("agent.log")).unwrap());
        Running(command.spawn().unwrap())
    }

    fn explain(&self) -> String {
        String::from_utf8(self.agent(&["explain"]).output().unwrap().stdout).unwrap()
    }

    /// Sealed names that the collector keeps.
    fn kept(&self) -> u64 {
        self.product.json("/api/v1/reidentification")["kept"].as_u64().unwrap()
    }

    fn wait(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            let log = || fs::read_to_string(self.path("agent.log")).unwrap_or_default();
            assert!(begun.elapsed() < SOON, "{what} did not come: {}", log());
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Waits until the second machine's agent heard of the collector what it wants, in an answer of this life of the agent.
    fn wait_for_the_wish(&self, since: SystemTime, key: &str) {
        let since_ms = since.duration_since(UNIX_EPOCH).unwrap().as_millis();
        self.wait("the collector's wish", || {
            let output = self.agent(&["status", "--format", "json"]).output().unwrap();
            let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let reported =
                status["last_report_ms"].as_u64().is_some_and(|at_ms| u128::from(at_ms) > since_ms);
            reported && status["reidentification"]["key"] == key
        });
    }

    fn person(&self, name: &str, role: &str) -> Person<'_> {
        let text = self.with_data(&["user", "add", name, "--role", role]);
        let path = text.find("/sign-in/link/").and_then(|at| text[at..].split_whitespace().next());
        let path = path.unwrap_or_else(|| panic!("no link: {text}"));
        let person = Person { stage: self, jar: self.path(name).to_string_lossy().into_owned() };
        person.curl(&["-L", "-o", "/dev/null", &format!("{}{path}", self.product.base)]);
        // What is signed takes that one signs in again.
        person.post("/password", &[("password", PASSWORD), ("again", PASSWORD)]);
        person.post("/confirm", &[("password", PASSWORD), ("next", "/account")]);
        person
    }
}

/// Somebody with a session.
struct Person<'s> {
    stage: &'s Stage,
    jar: String,
}

impl Person<'_> {
    fn curl(&self, words: &[&str]) -> String {
        let mut curl = self.stage.pair.host("curl");
        curl.args(["-sS", "--max-time", "20", "-b", &self.jar, "-c", &self.jar]).args(words);
        String::from_utf8(curl.output().unwrap().stdout).unwrap()
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let base = &self.stage.product.base;
        let page = self.curl(&[&format!("{base}/account")]);
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let csrf = format!("csrf={}", csrf.unwrap_or_else(|| panic!("no form: {page}")));
        let mut words = vec!["--data-urlencode".to_owned(), csrf];
        for (name, value) in fields {
            words.extend(["--data-urlencode".to_owned(), format!("{name}={value}")]);
        }
        words.push(format!("{base}{path}"));
        self.curl(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn json(&self, path: &str) -> Value {
        let text = self.curl(&[&format!("{}{path}", self.stage.product.base)]);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }
}

#[test]
fn a_name_leaves_sealed_when_all_want_it_and_opens_with_the_key_and_only_with_it() {
    let Some(stage) = Stage::new() else { return };
    let keys = ["officer.key", "other.key"].map(|name| stage.path(name).to_string_lossy().into_owned());
    let [public, other] = keys.each_ref().map(|file| stage.done(&["privacy-key", "new", file]));
    assert_eq!(stage.done(&["privacy-key", "public", &keys[0]]), public);
    let token = stage.with_data(&["token", "create"]).lines().last().unwrap().to_owned();
    stage.configure(None);
    let enrolled = stage.agent(&["enrol"]).env("UMBRASCOPE_TOKEN", token).output().unwrap();
    assert!(enrolled.status.success(), "{}", String::from_utf8_lossy(&enrolled.stderr));

    let ada = stage.person("ada", "administrator");
    let paula = stage.person("paula", "privacy-officer");
    let petra = stage.person("petra", "privacy-officer");
    let anna = stage.person("anna", "analyst");
    ada.post("/reidentification/setting", &[("step", "ask"), ("key", &public), ("reason", WHY)]);
    paula.post("/reidentification/setting", &[("step", "confirm")]);
    assert_eq!(stage.product.json("/api/v1/reidentification")["key"], public.as_str());

    // The collector asks; a machine that names no key, or another one, sends nothing.
    for configured in [None, Some(other.as_str())] {
        stage.configure(configured);
        let (running, since) = (stage.start(), SystemTime::now());
        stage.wait_for_the_wish(since, &public);
        let words = if configured.is_none() { "rules it out" } else { "None is sent" };
        assert!(stage.explain().contains(words), "{}", stage.explain());
        std::thread::sleep(Duration::from_secs(6));
        drop(running);
        assert_eq!(stage.kept(), 0, "{configured:?}");
    }

    stage.configure(Some(&public));
    let running = stage.start();
    stage.wait("the sealed name", || stage.kept() > 0);
    stage.wait("the word of it", || stage.explain().contains(&format!("privacy officer's key {public}")));

    // An analyst asks whose the account with the MCP server is.
    let assets = anna.json("/api/v1/assets?limit=500");
    let ids = assets["rows"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap());
    let mut asked = Vec::new();
    for id in ids {
        let asset = anna.json(&format!("/api/v1/assets/{id}"));
        for product in asset["on_it"].as_array().unwrap() {
            let product = product["id"].as_str().unwrap().to_owned();
            let place = format!("/api/v1/reidentifications/accounts?asset={id}&product={product}");
            let accounts = anna.json(&place);
            asked.extend(
                accounts
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|account| (id.to_string(), product.clone(), account.as_str().unwrap().to_owned())),
            );
        }
    }
    let (asset, product, account) = asked.first().unwrap_or_else(|| panic!("no account: {assets}"));
    let fields = [
        ("asset", asset.as_str()),
        ("product", product),
        ("account", account),
        ("ticket", "INC-7"),
        ("hours", "1"),
        ("reason", WHY),
    ];
    anna.post("/reidentification/new", &fields);
    let place = "/reidentification/RID-000001";
    let early = paula.post(&format!("{place}/name"), &[]);
    assert!(early.contains("two privacy officers have to approve"), "{early}");
    paula.post(place, &[("step", "approve")]);
    let again = paula.post(place, &[("step", "approve")]);
    assert!(again.contains("G-4EYES"), "{again}");
    petra.post(place, &[("step", "approve")]);
    let sealed = petra.post(&format!("{place}/name"), &[]);
    assert!(sealed.contains("\"sealed\""), "{sealed}");
    fs::write(stage.path("name.json"), &sealed).unwrap();
    let file = stage.path("name.json").to_string_lossy().into_owned();
    let opened = stage.done(&["privacy-key", "open", "--key", &keys[0], &file]);
    assert!(opened.contains(&format!("account  {USER}\n")) && opened.ends_with("number   1000"), "{opened}");
    let refused = stage.collector(&["privacy-key", "open", "--key", &keys[1], &file]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stdout.is_empty() && !String::from_utf8_lossy(&refused.stderr).contains(USER));

    // Nothing of the collector's, and nothing that was taken, has the name; the second machine's own state has none either.
    let mut files = Vec::new();
    for folder in ["data", "agent"] {
        umbrascope_e2e::walk(&stage.path(folder), &mut files);
    }
    let holding = |needle: &str| {
        let holds = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
        files.iter().filter(|file| holds(&fs::read(file).unwrap_or_default())).count()
    };
    assert!(holding("sealed-server") >= 2, "the search finds what both keep");
    assert_eq!((holding(USER), sealed.contains(USER)), (0, false));

    // Switched off: what was kept is gone, and no more comes.
    petra.post("/reidentification/setting", &[("step", "withdraw")]);
    assert_eq!(stage.kept(), 0);
    stage.wait("the end of it", || stage.explain().contains("it would be said here"));
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(stage.kept(), 0);
    drop(running);
}
