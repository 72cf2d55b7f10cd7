//! An organisation's own rules from the page where somebody publishes them to the names that an agent finds. Both programs
//! as services, real mutual TLS, real packets.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::fs;
use std::time::Duration;

use minisign::KeyPair;
use serde_json::Value;
use umbrascope_e2e::services::{self, Services, said};
use umbrascope_rules::Date;
use umbrascope_rules::bundle::{Draft, Kind};

const HOUSE: &str = "llm.intranet.example";
const KNOWN: &str = "chatgpt.com";
/// Word of another version comes with the next report, the question within five seconds of it.
const SOON: Duration = Duration::from_secs(60);

struct Fleet {
    services: Services,
    asked: u16,
}

impl Fleet {
    fn new() -> Option<Self> {
        let services = Services::new()?;
        services.collector(&["user", "add", "ada", "--role", "analyst"]);
        Some(Self { services, asked: 0 })
    }

    fn start(&mut self) {
        self.services.start_collector(None);
        self.services.enrol();
        self.services.start_agent(None);
    }

    /// Signs in as an analyst; the cookies stay in the jar.
    fn sign_in(&self) -> String {
        let jar = self.services.path("jar").display().to_string();
        let link = self.services.collector(&["user", "link", "ada"]);
        let link = link.split_whitespace().find(|word| word.contains("/sign-in/link/")).unwrap().to_owned();
        let path = link.split_once("/sign-in").unwrap().1;
        let link = format!("http://127.0.0.1:8080/sign-in{path}");
        let signed_in = self.services.curl(&["-sfL", "-o", "/dev/null", "-c", &jar, &link]);
        assert!(signed_in.status.success(), "{}", said(&signed_in));
        jar
    }

    /// Sends the form of the page as a person would.
    fn publish_in_the_page(&self, jar: &str, what: &str, fields: &[(&str, &str)]) {
        let address = format!("http://127.0.0.1:8080/catalogue/own/new?what={what}");
        let page =
            String::from_utf8_lossy(&self.services.curl(&["-sf", "-b", jar, &address]).stdout).into_owned();
        let hidden = |name: &str| {
            let after =
                page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap_or_else(|| panic!("{page}"));
            format!("{name}={}", after.split('"').next().unwrap())
        };
        let mut words = vec!["-s".to_owned(), "-b".to_owned(), jar.to_owned(), "-o".to_owned()];
        words.extend([
            self.services.path("answer").display().to_string(),
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
        let answer = String::from_utf8_lossy(&self.services.curl(&words).stdout).into_owned();
        let page = fs::read_to_string(self.services.path("answer")).unwrap_or_default();
        assert!(answer.starts_with("303 ") && answer.contains("done=published"), "{answer}: {page}");
    }

    fn ask(&mut self, name: &str, count: u16) {
        self.services.ask(&[name], self.asked.into(), count);
        self.asked = self.asked.wrapping_add(count);
    }

    /// How often a name was counted, and under which name of a product.
    fn counted(&self, name: &str) -> (u64, String) {
        let (count, product) = self.services.counted(name);
        (count, product["name"].as_str().unwrap_or_default().to_owned())
    }

    /// What `status` says of own rules.
    fn own(&self) -> Value {
        let status: Value = serde_json::from_str(&self.services.agent_says(&["status", "--format", "json"]))
            .unwrap_or_default();
        status["own_rules"].clone()
    }

    fn assert_version(&self, number: u64) {
        let taken = soon(|| self.own()["number"] == number);
        assert!(taken, "version {number} is not in use: {}\n{}", self.own(), self.services.logs());
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

fn soon(check: impl FnMut() -> bool) -> bool {
    services::soon(SOON, check)
}

#[test]
fn a_rule_published_in_the_page_reaches_a_running_agent_and_so_do_a_name_and_a_deny() {
    let Some(mut fleet) = Fleet::new() else { return };
    fleet.start();
    fleet.ask(HOUSE, 5);
    fleet.ask(KNOWN, 5);
    assert!(soon(|| fleet.counted(KNOWN).0 == 5), "{:?}\n{}", fleet.counted(KNOWN), fleet.services.logs());
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
    assert!(swapped, "the own rule matches nothing: {}", fleet.services.logs());
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
        fleet.services.logs()
    );

    fleet.publish_in_the_page(
        &jar,
        "deny",
        &[("kind", "suffix"), ("pattern", KNOWN), ("reason", "Not counted here.")],
    );
    fleet.assert_version(3);
    // What was reported before is no longer counted, and nothing more is reported.
    assert!(soon(|| fleet.counted(KNOWN).0 == 0), "{:?}\n{}", fleet.counted(KNOWN), fleet.services.logs());
    let before = fleet.counted(HOUSE).0;
    fleet.ask(KNOWN, 5);
    fleet.ask(HOUSE, 3);
    assert!(soon(|| fleet.counted(HOUSE).0 >= before + 3), "{}", fleet.services.logs());
    assert_eq!(fleet.counted(KNOWN).0, 0);

    // People at the machine can read all of it, and the commands match as the agent does.
    let explained = fleet.services.agent_says(&["explain"]);
    for words in [
        "Version 3.",
        "AI (House chat, confidence high): the name llm.intranet.example",
        "Not counted here.",
        "The approved one",
    ] {
        assert!(explained.contains(words), "{words}: {explained}");
    }
    let matched = fleet.services.agent_says(&["rules", "match", HOUSE, KNOWN]);
    let lines: Vec<&str> = matched.lines().collect();
    assert!(
        lines[0].starts_with(&format!("{HOUSE}\t"))
            && lines[0].contains("House chat\tThis organisation\thigh"),
        "{matched}"
    );
    assert_eq!(lines[1], format!("{KNOWN}\t-\t-\t-\t-"));
    let kept = fleet.services.collector(&["rules", "own", "show"]);
    assert!(kept.contains("[[deny]]") && kept.contains(HOUSE), "{kept}");
    // A file that says the same is checked, and not published again.
    fs::write(fleet.services.path("own.toml"), &kept).unwrap();
    let file = fleet.services.path("own.toml").display().to_string();
    assert!(fleet.services.collector(&["rules", "own", "check", &file]).contains("no mistakes"));
    let same = fleet
        .services
        .collector_command()
        .args(["rules", "own", "publish", &file, "--note", "n"])
        .output()
        .unwrap();
    assert!(!same.status.success() && said(&same).contains("says the same"), "{}", said(&same));
    let mut check = fleet.services.collector_command();
    fs::write(fleet.services.path("bad.toml"), "[[deny]]\nid = \"deny.own-x\"\n").unwrap();
    let wrong = check.args(["rules", "own", "check"]).arg(fleet.services.path("bad.toml")).output().unwrap();
    assert!(!wrong.status.success() && said(&wrong).contains("bad.toml:1: "), "{}", said(&wrong));
    fs::write(fleet.services.path("own.toml"), format!("# From a file.\n{kept}")).unwrap();
    fleet.services.collector(&["rules", "own", "publish", &file, "--note", "From a file"]);
    fleet.assert_version(4);
}

#[test]
fn rules_that_the_collector_did_not_sign_and_older_ones_are_refused() {
    let Some(mut fleet) = Fleet::new() else { return };
    let publish = |fleet: &Fleet, text: &str, note: &str| {
        let file = fleet.services.path("own.toml");
        fs::write(&file, text).unwrap();
        fleet.services.collector(&["rules", "own", "publish", &file.display().to_string(), "--note", note]);
    };
    publish(&fleet, "# one\n", "first");
    let first = fs::read(fleet.services.path("collector/own-rules.bundle")).unwrap();
    publish(&fleet, "# two\n", "second");
    fleet.start();
    fleet.assert_version(2);

    // The collector itself refuses what it did not sign, so the forger sits in its place with its key as well: agents know the first.
    let forger = KeyPair::generate_unencrypted_keypair().unwrap();
    let secret = forger.sk.to_box(None).unwrap().to_string();
    let served = |bytes: &[u8]| {
        fs::write(fleet.services.path("collector/beside"), bytes).unwrap();
        fs::rename(
            fleet.services.path("collector/beside"),
            fleet.services.path("collector/own-rules.bundle"),
        )
        .unwrap();
    };
    served(&first);
    let rolled_back =
        soon(|| fleet.own()["refused"].as_str().is_some_and(|why| why.contains("was taken before")));
    assert!(rolled_back, "{}\n{}", fleet.own(), fleet.services.logs());
    let key = fleet.services.path("collector/own-rules.key");
    fs::write(&key, secret).unwrap();
    served(&fleet.bundle(&forger, 9));
    let forged = soon(|| fleet.own()["refused"].as_str().is_some_and(|why| why.contains("not trusted")));
    assert!(forged, "{}\n{}", fleet.own(), fleet.services.logs());
    assert_eq!(fleet.own()["number"], 2, "the last good version stays in use");
    let status = fleet.services.agent_says(&["status"]);
    assert!(status.contains("own rules refused") && status.contains("not trusted"), "{status}");
    // The people at the collector see it too.
    let told = soon(|| fleet.services.collector(&["export", "json"]).contains("signed by key"));
    assert!(told, "{}", fleet.services.collector(&["export", "json"]));
    fleet.ask(KNOWN, 4);
    assert!(soon(|| fleet.counted(KNOWN).0 == 4), "{}", fleet.services.logs());
}
