//! An organisation's own rules from the page where somebody publishes them to the names that an agent finds. Both programs
//! as services, real mutual TLS, real packets.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use minisign::KeyPair;
use serde_json::Value;
use umbrascope_e2e::netns::{Link, NET, Pair};
use umbrascope_e2e::programs::programs;
use umbrascope_rules::Date;
use umbrascope_rules::bundle::{Draft, Kind};

const HOUSE: &str = "llm.intranet.example";
const KNOWN: &str = "chatgpt.com";
/// Word of another version comes with the next report, the question within five seconds of it.
const SOON: Duration = Duration::from_secs(60);

struct Fleet {
    pair: Pair,
    folder: tempfile::TempDir,
    children: Vec<Child>,
    asked: u16,
}

impl Fleet {
    fn new() -> Option<Self> {
        let pair = Pair::new(Link::default())?;
        let fleet = Self { pair, folder: tempfile::tempdir().unwrap(), children: Vec::new(), asked: 0 };
        fs::write(
            fleet.path("collector.toml"),
            "[people]\nlisten = \"127.0.0.1:8080\"\n[agents]\nlisten = \"127.0.0.1:8443\"\nnames = [\"127.0.0.1\"]\n\
             url = \"https://127.0.0.1:8443\"\nreport_interval_s = 2\n",
        )
        .unwrap();
        fs::write(fleet.path("agent.toml"), "[scan]\nenabled = false\n[report]\ncounter_interval_s = 1\n")
            .unwrap();
        fleet.collector(&["init"]);
        fleet.collector(&["user", "add", "ada", "--role", "administrator"]);
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

    fn collector(&self, words: &[&str]) -> String {
        let output = self.collector_command().args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn agent(&self, words: &[&str]) -> Command {
        let mut command = self.pair.host(&programs().agent);
        command.args(words).arg("--config").arg(self.path("agent.toml"));
        command.arg("--state-dir").arg(self.path("agent")).stdin(Stdio::null());
        command
    }

    fn agent_says(&self, words: &[&str]) -> String {
        String::from_utf8_lossy(&self.agent(words).output().unwrap().stdout).into_owned()
    }

    fn log(&self, name: &str) -> fs::File {
        fs::OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap()
    }

    fn logs(&self) -> String {
        ["collector.log", "agent.log"]
            .map(|name| fs::read_to_string(self.path(name)).unwrap_or_default())
            .concat()
    }

    fn start(&mut self) {
        let mut serve = self.collector_command();
        serve.arg("serve").stdout(Stdio::null()).stderr(self.log("collector.log"));
        self.children.push(serve.spawn().unwrap());
        let ready = soon(|| self.curl(&["-sf", "http://127.0.0.1:8080/readyz"]).status.success());
        assert!(ready, "the collector is not ready: {}", self.logs());
        let token = self.collector(&["token", "create"]);
        let mut enrol = self.agent(&["enrol"]);
        enrol.args(["--collector", "https://127.0.0.1:8443"]).env("UMBRASCOPE_TOKEN", token.trim());
        let enrolled = enrol.output().unwrap();
        assert!(enrolled.status.success(), "{}", said(&enrolled));
        let notify = self.path("notify");
        let socket = std::os::unix::net::UnixDatagram::bind(&notify).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        let mut run = self.agent(&["run"]);
        run.env("NOTIFY_SOCKET", &notify).stdout(Stdio::null()).stderr(self.log("agent.log"));
        self.children.push(run.spawn().unwrap());
        let mut message = [0; 4096];
        loop {
            let length = socket.recv(&mut message).expect("the agent says that it is ready");
            if String::from_utf8_lossy(&message[..length]).contains("READY=1") {
                return;
            }
        }
    }

    fn curl(&self, words: &[&str]) -> Output {
        self.pair.host("curl").args(words).output().unwrap()
    }

    /// Signs in as an administrator; the cookies stay in the jar.
    fn sign_in(&self) -> String {
        let jar = self.path("jar").display().to_string();
        let link = self.collector(&["user", "link", "ada"]);
        let link = link.split_whitespace().find(|word| word.contains("/sign-in/link/")).unwrap().to_owned();
        let path = link.split_once("/sign-in").unwrap().1;
        let link = format!("http://127.0.0.1:8080/sign-in{path}");
        let signed_in = self.curl(&["-sfL", "-o", "/dev/null", "-c", &jar, &link]);
        assert!(signed_in.status.success(), "{}", said(&signed_in));
        jar
    }

    /// Sends the form of the page as a person would.
    fn publish_in_the_page(&self, jar: &str, what: &str, fields: &[(&str, &str)]) {
        let address = format!("http://127.0.0.1:8080/catalogue/own/new?what={what}");
        let page = String::from_utf8_lossy(&self.curl(&["-sf", "-b", jar, &address]).stdout).into_owned();
        let hidden = |name: &str| {
            let after =
                page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("{page}"));
            format!("{name}={}", after.split('"').next().unwrap())
        };
        let mut words = vec!["-s".to_owned(), "-b".to_owned(), jar.to_owned(), "-o".to_owned()];
        words.extend([
            self.path("answer").display().to_string(),
            "-w".to_owned(),
            "%{http_code} %{redirect_url}".to_owned(),
        ]);
        for field in [hidden("csrf"), hidden("after"), format!("what={what}"), "do=publish".to_owned()] {
            words.extend(["--data-urlencode".to_owned(), field]);
        }
        for (name, value) in fields {
            words.extend(["--data-urlencode".to_owned(), format!("{name}={value}")]);
        }
        words.push("http://127.0.0.1:8080/catalogue/own/new".to_owned());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let answer = String::from_utf8_lossy(&self.curl(&words).stdout).into_owned();
        let page = fs::read_to_string(self.path("answer")).unwrap_or_default();
        assert!(answer.starts_with("303 ") && answer.contains("done=published"), "{answer}: {page}");
    }

    fn ask(&mut self, name: &str, count: u16) {
        let mut peer = self.pair.host(&programs().peer);
        let first = self.asked.to_string();
        peer.args(["dns", &format!("{NET}:53"), &first, &count.to_string(), name]);
        let output = peer.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        self.asked = self.asked.wrapping_add(count);
    }

    /// How often a name was counted, and under which name of a product.
    fn counted(&self, name: &str) -> (u64, String) {
        let export: Value = serde_json::from_str(&self.collector(&["export", "json"])).unwrap();
        for found in export["products"].as_array().into_iter().flatten() {
            for row in found["evidence"].as_array().into_iter().flatten() {
                if row["channel"] == "dns" && row["value"] == name {
                    return (row["count"].as_u64().unwrap(), found["name"].as_str().unwrap().to_owned());
                }
            }
        }
        (0, String::new())
    }

    /// What `status` says of own rules.
    fn own(&self) -> Value {
        let status: Value =
            serde_json::from_str(&self.agent_says(&["status", "--format", "json"])).unwrap_or_default();
        status["own_rules"].clone()
    }

    fn assert_version(&self, number: u64) {
        let taken = soon(|| self.own()["number"] == number);
        assert!(taken, "version {number} is not in use: {}\n{}", self.own(), self.logs());
    }

    /// A bundle of another signer than this collector, or of its key where `key` is the text of its file.
    fn bundle(&self, key: &KeyPair, number: u32) -> Vec<u8> {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let text = "[[deny]]\nid = \"deny.own-all\"\nreason = \"r\"\nsuffix = [\"claude.ai\"]\n";
        let part = [("own-rules.toml", text.as_bytes())];
        let draft = Draft::new(Kind::Overlay, number, day("2026-11-26"), day("2036-11-26"), &part).unwrap();
        let signed = minisign::sign(Some(&key.pk), &key.sk, draft.to_sign(), Some("c"), None).unwrap();
        draft.sign(&signed.to_string()).unwrap()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for mut child in self.children.drain(..).rev() {
            let _ = Command::new("kill").arg(child.id().to_string()).output();
            let _ = child.wait();
        }
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn soon(mut check: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + SOON;
    while !check() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    true
}

#[test]
fn a_rule_published_in_the_page_reaches_a_running_agent_and_so_do_a_name_and_a_deny() {
    let Some(mut fleet) = Fleet::new() else { return };
    fleet.start();
    fleet.ask(HOUSE, 5);
    fleet.ask(KNOWN, 5);
    assert!(soon(|| fleet.counted(KNOWN).0 == 5), "{:?}\n{}", fleet.counted(KNOWN), fleet.logs());
    assert_eq!(fleet.counted(HOUSE).0, 0, "no rule knows it yet, so it stayed on the machine");

    let jar = fleet.sign_in();
    let rule = [
        ("kind", "exact"),
        ("pattern", HOUSE),
        ("name", "House chat"),
        ("product_kind", "service"),
        ("category", "assistant"),
        ("confidence", "high"),
        ("reason", "Runs in the basement."),
    ];
    fleet.publish_in_the_page(&jar, "rule", &rule);
    fleet.assert_version(1);
    // The dissector is told in the same moment as `status`; its first match shows that it has swapped.
    let swapped = soon(|| {
        fleet.ask(HOUSE, 1);
        fleet.counted(HOUSE).0 > 0
    });
    assert!(swapped, "the own rule matches nothing: {}", fleet.logs());
    assert_eq!(fleet.counted(HOUSE).1, "House chat");

    fleet.publish_in_the_page(
        &jar,
        "name",
        &[("product", "openai.chatgpt"), ("name", "The approved one"), ("reason", "r")],
    );
    fleet.assert_version(2);
    assert!(
        soon(|| fleet.counted(KNOWN).1 == "The approved one"),
        "{:?}\n{}",
        fleet.counted(KNOWN),
        fleet.logs()
    );

    fleet.publish_in_the_page(
        &jar,
        "deny",
        &[("kind", "suffix"), ("pattern", KNOWN), ("reason", "Not counted here.")],
    );
    fleet.assert_version(3);
    // What was reported before is no longer counted, and nothing more is reported.
    assert!(soon(|| fleet.counted(KNOWN).0 == 0), "{:?}\n{}", fleet.counted(KNOWN), fleet.logs());
    fleet.ask(KNOWN, 5);
    fleet.ask(HOUSE, 3);
    let before = fleet.counted(HOUSE).0;
    assert!(soon(|| fleet.counted(HOUSE).0 >= before), "{}", fleet.logs());
    assert_eq!(fleet.counted(KNOWN).0, 0);

    // People at the machine can read all of it, and the commands match as the agent does.
    let explained = fleet.agent_says(&["explain"]);
    for words in [
        "Version 3.",
        "AI (House chat, confidence high): the name llm.intranet.example",
        "Not counted here.",
        "The approved one",
    ] {
        assert!(explained.contains(words), "{words}: {explained}");
    }
    let matched = fleet.agent_says(&["rules", "match", HOUSE, KNOWN]);
    let lines: Vec<&str> = matched.lines().collect();
    assert!(
        lines[0].starts_with(&format!("{HOUSE}\t"))
            && lines[0].contains("House chat\tThis organisation\thigh"),
        "{matched}"
    );
    assert_eq!(lines[1], format!("{KNOWN}\t-\t-\t-\t-"));
    let kept = fleet.collector(&["rules", "own", "show"]);
    assert!(kept.contains("[[deny]]") && kept.contains(HOUSE), "{kept}");
    // A file that says the same is checked, and not published again.
    fs::write(fleet.path("own.toml"), &kept).unwrap();
    let file = fleet.path("own.toml").display().to_string();
    assert!(fleet.collector(&["rules", "own", "check", &file]).contains("no mistakes"));
    let same =
        fleet.collector_command().args(["rules", "own", "publish", &file, "--note", "n"]).output().unwrap();
    assert!(!same.status.success() && said(&same).contains("says the same"), "{}", said(&same));
    fs::write(fleet.path("own.toml"), format!("# From a file.\n{kept}")).unwrap();
    fleet.collector(&["rules", "own", "publish", &file, "--note", "From a file"]);
    fleet.assert_version(4);
}

#[test]
fn rules_that_the_collector_did_not_sign_and_older_ones_are_refused() {
    let Some(mut fleet) = Fleet::new() else { return };
    let publish = |fleet: &Fleet, text: &str, note: &str| {
        let file = fleet.path("own.toml");
        fs::write(&file, text).unwrap();
        fleet.collector(&["rules", "own", "publish", &file.display().to_string(), "--note", note]);
    };
    publish(&fleet, "# one\n", "first");
    let first = fs::read(fleet.path("collector/own-rules.bundle")).unwrap();
    publish(&fleet, "# two\n", "second");
    fleet.start();
    fleet.assert_version(2);

    // The collector itself refuses what it did not sign, so the forger sits in its place with its key as well: agents know the first.
    let forger = KeyPair::generate_unencrypted_keypair().unwrap();
    let secret = forger.sk.to_box(None).unwrap().to_string();
    let served = |bytes: &[u8]| {
        fs::write(fleet.path("collector/beside"), bytes).unwrap();
        fs::rename(fleet.path("collector/beside"), fleet.path("collector/own-rules.bundle")).unwrap();
    };
    served(&first);
    let rolled_back =
        soon(|| fleet.own()["refused"].as_str().is_some_and(|why| why.contains("was taken before")));
    assert!(rolled_back, "{}\n{}", fleet.own(), fleet.logs());
    let key = fleet.path("collector/own-rules.key");
    fs::write(&key, secret).unwrap();
    served(&fleet.bundle(&forger, 9));
    let forged = soon(|| fleet.own()["refused"].as_str().is_some_and(|why| why.contains("not trusted")));
    assert!(forged, "{}\n{}", fleet.own(), fleet.logs());
    assert_eq!(fleet.own()["number"], 2, "the last good version stays in use");
    let status = fleet.agent_says(&["status"]);
    assert!(status.contains("own rules refused") && status.contains("not trusted"), "{status}");
    // The people at the collector see it too.
    let told = soon(|| fleet.collector(&["export", "json"]).contains("signed by key"));
    assert!(told, "{}", fleet.collector(&["export", "json"]));
    fleet.ask(KNOWN, 4);
    assert!(soon(|| fleet.counted(KNOWN).0 == 4), "{}", fleet.logs());
}
