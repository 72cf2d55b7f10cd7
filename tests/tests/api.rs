//! `/api/v1` of a real collector, tried by schemathesis against the description that it gives of itself: thousands of requests, good and
//! bad ones, made up from each operation's parameters and bodies. No answer may be a failure of the server, have a status, a media type
//! or a form that the description does not name, or take what the description forbids.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use umbrascope_api::{
    ActivityRow, Batch, CaptureState, Channel, CoverageReport, Day, Epoch, Evidence, MachineId, SensorId,
    SensorInfo,
};
use umbrascope_collector::datadir::DataDir;
use umbrascope_collector::model::{NewToken, TokenId};
use umbrascope_collector::store::sqlite::Options;
use umbrascope_collector::store::{Enrolment, NewCertificate, Report, SqliteStore, Store};
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::require;
use umbrascope_rules::Catalogue;

/// The same made-up requests in every run.
const SEED: &str = "20261127";
/// Made-up requests of each kind and operation, beside those that go along the edges of what the description allows.
const EXAMPLES: &str = "6";
const PASSWORD: &str = "a password of some length";
const READY: Duration = Duration::from_secs(60);
const DAY_MS: i64 = 86_400_000;

/// What makes requests up: the entry point of its command.
const SCHEMATHESIS: &str = "from schemathesis.cli import schemathesis; schemathesis()";

/// Who answers for what: number of the person, and what they hold. Nobody but `mona` administers, and she holds nothing else, so that
/// no request of her own can take her rights away; the guard of the last administrator is tried on the way.
const PEOPLE: [(&str, &[&str]); 4] = [
    ("mona", &["administrator"]),
    ("ada", &["it-deployer", "analyst", "reviewer", "scope-owner", "privacy-officer"]),
    ("sven", &["scope-owner", "privacy-officer", "analyst"]),
    ("rita", &["reviewer"]),
];

/// Scopes of the token: all there are.
const SCOPES: [&str; 6] =
    ["read-inventory", "read-machines", "read-audit", "read-people", "write-review", "enrol"];

/// What takes a person who administers. Left out is what would end the test instead of trying something: roles that take a second factor
/// (`/second-factor-roles`) lock out whoever has none.
const ADMINISTERED: &str = "^/api/v1/(api-tokens|limits|people|policies|readings|units)";
/// What takes a person who answers for the scope, for privacy or for the rules.
const SIGNED: &str = "^/api/v1/(own-rules|reidentifications?|retention|scope/statements|suspects/setting)";

/// Operations that have to have been done at least once, so that a run in which everybody was refused everything does not count.
const DONE_BY_TOKEN: &[&str] = &[
    "GET /api/v1/assets",
    "GET /api/v1/assets/{id}",
    "GET /api/v1/campaigns",
    "GET /api/v1/campaigns/{id}",
    "GET /api/v1/campaigns/{id}/rows",
    "GET /api/v1/coverage",
    "GET /api/v1/documents/{reference}",
    "GET /api/v1/export/{format}",
    "GET /api/v1/findings",
    "GET /api/v1/products",
    "GET /api/v1/products/{id}",
    "GET /api/v1/scope",
    "GET /api/v1/scope/endpoints",
    "GET /api/v1/suspects",
    "GET /api/v1/systems",
    "GET /api/v1/systems/{id}",
    "GET /api/v1/tasks/{reference}",
    "GET /api/v1/trail",
    "GET /api/v1/vendors",
    "GET /api/v1/vendors/{id}",
    "POST /api/v1/documents",
    "POST /api/v1/documents/hash",
    "POST /api/v1/export/evidence-pack",
    "POST /api/v1/own-rules/check",
    "POST /api/v1/scope/endpoint-lists",
    "POST /api/v1/scope/sites",
    "POST /api/v1/systems",
    "POST /api/v1/tasks",
    "POST /api/v1/tokens",
    "PUT /api/v1/controls/{id}",
];
const DONE_BY_ADMINISTRATOR: &[&str] = &[
    "GET /api/v1/people",
    "GET /api/v1/people/{id}",
    "POST /api/v1/people",
    "POST /api/v1/people/import",
    "POST /api/v1/people/{id}/active",
    "POST /api/v1/policies",
    "POST /api/v1/units",
    "PUT /api/v1/limits",
];
const DONE_BY_OWNER: &[&str] = &[
    "GET /api/v1/own-rules/versions",
    "GET /api/v1/scope/statements",
    "GET /api/v1/scope/statements/{number}",
    "GET /api/v1/suspects/setting",
];

#[test]
fn the_interface_for_programs_does_what_its_description_says() {
    let Some(python) = python() else { return };
    let collector = Collector::start();
    collector.fill();
    let token = format!("Authorization: Bearer {}", collector.token("ada"));
    // A token and a cookie are two ways in: a cookie that is made up counts for nothing beside the token, which this check takes for an
    // open door. That nobody gets in without either, the tests beside the pages show for each operation.
    //
    // What fits its description may be refused nevertheless, for a guard, a version, or a person who is not there: which of them it is depends on
    // the records, and no description tells. That each operation is done at all is asked below.
    let apart = ["--exclude-checks", "positive_data_acceptance,ignored_auth"];
    let sessions = ["--exclude-checks", "positive_data_acceptance"];
    collector.tried(&python, &token, &apart, DONE_BY_TOKEN);
    let signed = [&sessions[..], &["--include-path-regex", SIGNED]].concat();
    collector.tried(&python, &collector.cookie("sven"), &signed, DONE_BY_OWNER);
    let administered = [&sessions[..], &["--include-path-regex", ADMINISTERED]].concat();
    collector.tried(&python, &collector.cookie("mona"), &administered, DONE_BY_ADMINISTRATOR);
    assert_eq!(collector.status("mona", "/api/v1/people"), "200", "she is still there");
}

/// The Python that has schemathesis.
fn python() -> Option<String> {
    let python = std::env::var("UMBRASCOPE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let import = Command::new(&python).args(["-c", "import schemathesis.cli"]).output();
    let has = import.is_ok_and(|out| out.status.success());
    require("schemathesis (Python), which tries the interface for programs", has).then_some(python)
}

/// A collector on loopback. Killed on drop.
struct Collector {
    folder: tempfile::TempDir,
    base: String,
    child: Option<Child>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Collector {
    /// One with people, and a machine that showed a few products.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (people, agents) = (free_port(), free_port());
        let configuration = format!(
            "[people]\nlisten = \"127.0.0.1:{people}\"\n[agents]\nlisten = \"127.0.0.1:{agents}\"\n\
             names = [\"127.0.0.1\"]\nurl = \"https://127.0.0.1:{agents}\"\n"
        );
        fs::write(folder.path().join("collector.toml"), configuration).unwrap();
        let base = format!("http://127.0.0.1:{people}");
        let mut collector = Self { folder, base, child: None };
        collector.says(&["init"]);
        for (name, roles) in PEOPLE {
            let roles = roles.iter().flat_map(|role| ["--role", role]);
            collector.says(&["user", "add", name].into_iter().chain(roles).collect::<Vec<_>>());
        }
        collector.see();
        let log = File::create(collector.path("log")).unwrap();
        let mut serve = collector.command();
        serve.arg("serve").stdout(Stdio::null()).stderr(log);
        collector.child = Some(serve.spawn().unwrap());
        let began = Instant::now();
        while collector.status("nobody", "/readyz") != "200" {
            assert!(began.elapsed() < READY, "the collector is not ready: {}", collector.log());
            std::thread::sleep(Duration::from_millis(200));
        }
        for (name, _) in PEOPLE {
            collector.sign_in(name);
        }
        collector
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&programs().collector);
        command.arg("--data-dir").arg(self.path("data")).arg("--config").arg(self.path("collector.toml"));
        command
    }

    fn says(&self, words: &[&str]) -> String {
        let output = self.command().args(words).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// A machine, and what was seen on it, put in through the store.
    fn see(&self) {
        let now_ms = now_ms();
        let dir = DataDir::choose(Some(self.path("data"))).unwrap();
        let store = dir.open(Options::new(Catalogue::embedded()), now_ms).unwrap();
        enrol(&store, now_ms);
        report(&store, now_ms);
        store.close();
    }

    fn curl(&self, name: &str, words: &[&str]) -> String {
        let jar = self.path(name).display().to_string();
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--max-time", "60", "-b", &jar, "-c", &jar]).args(words);
        String::from_utf8_lossy(&curl.output().unwrap().stdout).into_owned()
    }

    fn status(&self, name: &str, path: &str) -> String {
        self.curl(name, &["-o", "/dev/null", "-w", "%{http_code}", &format!("{}{path}", self.base)])
    }

    fn sign_in(&self, name: &str) {
        let link = self.says(&["user", "link", name]);
        self.curl(name, &["-L", "-o", "/dev/null", link.trim()]);
        assert_eq!(self.status(name, "/api/v1/controls"), "200", "{name} is not signed in");
    }

    /// The header of a session.
    fn cookie(&self, name: &str) -> String {
        let jar = fs::read_to_string(self.path(name)).unwrap();
        let line = jar.lines().find(|line| line.split('\t').nth(5) == Some("umbrascope"));
        format!("Cookie: umbrascope={}", line.unwrap().split('\t').nth(6).unwrap())
    }

    /// What somebody asks for, as JSON; it has to be done.
    fn does(&self, name: &str, method: &str, path: &str, body: &Value) -> Value {
        let (url, body) = (format!("{}/api/v1{path}", self.base), body.to_string());
        let json = "content-type: application/json";
        let answer = self.curl(name, &["-X", method, "-H", json, "--data-binary", &body, &url]);
        let told: Value = serde_json::from_str(&answer).unwrap_or_default();
        assert!(told.is_object() && told["status"].is_null(), "{name} {method} {path}: {answer}");
        told
    }

    /// A token of a program, made as a person makes it: with the password again.
    fn token(&self, name: &str) -> String {
        let mut set = self.command();
        let mut child = set.args(["user", "password", name]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        self.sign_in(name);
        let page = self.curl(name, &["-H", "accept: text/html", &format!("{}/account", self.base)]);
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let fields = [format!("csrf={csrf}"), format!("password={PASSWORD}"), "next=/account".to_owned()];
        let mut confirm: Vec<&str> = fields.iter().flat_map(|field| ["--data-urlencode", field]).collect();
        let url = format!("{}/confirm", self.base);
        confirm.extend(["-o", "/dev/null", &url]);
        self.curl(name, &confirm);
        let new = json!({"label": "tests", "scopes": SCOPES, "days": 7});
        self.does(name, "POST", "/api-tokens", &new)["secret"].as_str().unwrap().to_owned()
    }

    /// Records of every sort, made through the very interface.
    fn fill(&self) {
        let policy =
            json!({"version": "1", "title": "Use of AI", "approved_by": "the board", "from": "2026-01-01"});
        self.does("mona", "POST", "/policies", &policy);
        self.does("mona", "POST", "/units", &json!({"name": "Sales"}));
        let system = json!({"fields": {"name": "Drafting", "kind": "saas-service"}});
        let reference =
            self.does("ada", "POST", "/systems", &system)["reference"].as_str().unwrap().to_owned();
        let fields =
            json!({"fields": {"purpose": "Letters", "system_owner": 2, "org_units": [1]}, "version": 1});
        self.does("ada", "PATCH", &format!("/systems/{reference}"), &fields);
        self.does("ada", "POST", "/tasks", &json!({"title": "Look at it", "assignee": 2}));
        let document = json!({"title": "Minutes", "kind": "url", "location": "https://dms.example/1",
            "link_kind": "requirement", "link_id": "R-4.3-b"});
        self.does("ada", "POST", "/documents", &document);
        let later = |days: i64| Day::from_unix_ms(now_ms() + days * DAY_MS).to_string();
        let campaign = json!({"title": "Autumn", "remind": later(5), "due": later(10), "escalate": later(12),
            "report": later(14)});
        self.does("ada", "POST", "/campaigns", &campaign);
        self.does("ada", "POST", "/scope/sites", &json!({"name": "Berlin", "kind": "site", "sensor": "no"}));
        let list = json!({"source": "Intune", "text": "hostname,os\nbox-1,Windows 11\n"});
        self.does("ada", "POST", "/scope/endpoint-lists", &list);
        self.does("ada", "POST", "/scope/endpoints", &json!({"hostname": "box-2", "platform": "linux"}));
        self.does("sven", "POST", "/scope/statements", &Value::Null);
        let boundary = json!({"organisation": "Example", "activities": "Trade", "text": "All of it"});
        self.does("sven", "PUT", "/scope/statements/1", &json!({"version": 1, "boundary": boundary}));
    }

    /// Has everything tried in the name of whom the header lets in, and reads what came of it.
    fn tried(&self, python: &str, header: &str, words: &[&str], done: &[&str]) {
        let events = self.path("events");
        let mut command = Command::new(python);
        command.args(["-c", SCHEMATHESIS, "run", &format!("{}/api/v1/openapi.json", self.base)]);
        command.args(["-H", header, "--checks", "all", "--phases", "examples,coverage,fuzzing"]);
        command.args(["--seed", SEED, "--max-examples", EXAMPLES, "--generation-database", "none"]);
        command.args([
            "--generation-with-security-parameters",
            "false",
            "--no-color",
            "--continue-on-failure",
        ]);
        command.arg("--report-ndjson-path").arg(&events).args(words).env("PYTHONUTF8", "1");
        let output = command.current_dir(self.folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}{errors}{}", self.log());
        let answers = answers(&fs::read_to_string(&events).unwrap());
        for operation in done {
            let statuses = answers.get(*operation).unwrap_or_else(|| panic!("{operation} was not tried"));
            assert!(
                statuses.iter().any(|status| (200..300).contains(status)),
                "{operation}: only {statuses:?}"
            );
        }
    }
}

/// The statuses that each operation answered with.
fn answers(events: &str) -> BTreeMap<String, BTreeSet<u64>> {
    let mut answers: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for line in events.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let recorder = &event["ScenarioFinished"]["recorder"];
        let Some(interactions) = recorder["interactions"].as_object() else { continue };
        let statuses = interactions.values().filter_map(|one| one["response"]["status_code"].as_u64());
        answers.entry(recorder["label"].as_str().unwrap().to_owned()).or_default().extend(statuses);
    }
    answers
}

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// A port that nobody listens on. Somebody else may take it before the collector does; then the test says that it is not ready.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn enrol(store: &SqliteStore, now_ms: i64) {
    let (token, secret) = (TokenId("aa".into()), [7; 32]);
    let new = NewToken {
        unit: "Berlin".into(),
        label: "laptops".into(),
        max_uses: 1,
        expires_at_ms: now_ms + DAY_MS,
        created_by: "tests".into(),
    };
    store.create_token(&token, &secret, &new, now_ms).unwrap();
    let certificate = NewCertificate { key_hash: [1; 32], issued_at_ms: now_ms, ends_at_ms: now_ms + DAY_MS };
    let enrolment = Enrolment {
        token,
        secret_hash: secret,
        sensor: SensorId::from_bytes([1; 16]),
        machine: MachineId::from_bytes([1; 16]),
        info: info(),
        certificate,
    };
    store.enrol(enrolment).unwrap();
}

fn info() -> SensorInfo {
    SensorInfo { hostname: "box-1".into(), os: "linux".into(), ..SensorInfo::default() }
}

/// Products of the catalogue, and a rule that no catalogue knows.
fn report(store: &SqliteStore, now_ms: i64) {
    let matcher = umbrascope_rules::Matcher::new(Catalogue::embedded());
    let known = ["chatgpt.com", "claude.ai"].map(|name| (matcher.name(name).unwrap().rule.to_string(), name));
    let unknown = [("nobody.knows.this".to_owned(), "</script>\u{202e}'\"")];
    let row = |(rule, value): (String, &str)| ActivityRow {
        day: Day::from_unix_ms(now_ms),
        rule: rule.as_str().into(),
        channel: Channel::Tls,
        subject: None,
        account: None,
        evidence: Evidence { value: value.into(), ..Evidence::default() },
        count: 3,
    };
    let batch = Batch {
        protocol: 1,
        sensor: SensorId::from_bytes([1; 16]),
        epoch: Epoch::from_bytes([1; 8]),
        sent_at_ms: now_ms,
        machine: MachineId::from_bytes([1; 16]),
        boot: Epoch::from_bytes([1; 8]),
        info: info(),
        activity: known.into_iter().chain(unknown).map(row).collect(),
        stations: Vec::new(),
        snapshots: Vec::new(),
        suspects: Vec::new(),
        sealed_accounts: Vec::new(),
        coverage: CoverageReport { capture: CaptureState::Capturing, hellos: 5, ..CoverageReport::default() },
    };
    let (answer, answered) = sync_channel(1);
    let report = Report {
        sensor: batch.sensor,
        batch,
        refused: Vec::new(),
        unknown_fields: 0,
        suspect_source: "source".into(),
        received_at_ms: now_ms,
        next_report_after_s: 60,
    };
    assert!(store.submit(report, Box::new(move |ack| answer.send(ack).unwrap())).is_ok());
    answered.recv().unwrap().unwrap();
}
