//! Exports of a real collector, judged by what others wrote about their formats (`exports/validate.py` says by what). Each judge has
//! to take what we write, with hostile names in it, and to refuse it once something is changed: a judge that takes everything is none.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper that cannot go on fails its test")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::sync_channel;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use umbrascope_api::{
    ActivityRow, Batch, CaptureState, Channel, Completeness, CoverageReport, Day, Epoch, Evidence,
    ItemDetails, MachineId, SensorId, SensorInfo, Snapshot, SnapshotItem,
};
use umbrascope_collector::catalogue::Known;
use umbrascope_collector::datadir::DataDir;
use umbrascope_collector::model::governed::{Act, Actor};
use umbrascope_collector::model::policy::Policy;
use umbrascope_collector::model::record::{AiSystem, Limit, SystemKind, VersionLimit, Wish};
use umbrascope_collector::model::{By, Grant, Grants, NewToken, PersonDetails, Role, TokenId};
use umbrascope_collector::review::{Move, Who};
use umbrascope_collector::store::people::People;
use umbrascope_collector::store::sqlite::Options;
use umbrascope_collector::store::{Enrolment, Governance, NewCertificate, Report, SqliteStore, Store};
use umbrascope_e2e::programs::programs;
use umbrascope_e2e::require;

const DAY_MS: i64 = 86_400_000;

/// Names that somebody might give a program, or a record, so that a reader trips.
const HOSTILE: [&str; 7] = [
    "=HYPERLINK(\"https://evil.example\";\"x\")",
    "\u{feff} ＝cmd|'/c calc'!A0",
    "</script><script>alert(1)</script>",
    "line\nbreak\r\n\ttab",
    "\u{202e}txet desrever",
    "nul\0 and \u{1b}[31mescape",
    "-1+1\"; DROP TABLE governed; --",
];

// ── A collector with something in it ─────────────────────────────────────────────────────────

struct Fleet {
    folder: tempfile::TempDir,
    now_ms: i64,
    /// What was exported, by the words that asked for it.
    written: RefCell<BTreeMap<String, String>>,
}

/// Which lines, what is done to them in words, and what does it.
type LineMutation<'m> = (Value, &'m str, fn(&mut Value));

impl Fleet {
    /// A folder whose store was written 40 days ago and today, through its own interface.
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let fleet = Self {
            folder: tempfile::tempdir().unwrap(),
            now_ms: i64::try_from(now).unwrap(),
            written: RefCell::default(),
        };
        let dir = fleet.dir();
        dir.init(fleet.options(), fleet.before_ms()).unwrap();
        let store = dir.open(fleet.options(), fleet.before_ms()).unwrap();
        fleet.sightings(&store);
        let desk = Desk::new(&store, fleet.before_ms());
        desk.records(fleet.before_ms(), fleet.now_ms);
        store.close();
        fleet
    }

    fn before_ms(&self) -> i64 {
        self.now_ms - 40 * DAY_MS
    }

    fn options(&self) -> Options {
        Options::knowing(std::sync::Arc::new(Known::embedded()))
    }

    fn dir(&self) -> DataDir {
        DataDir::choose(Some(self.folder.path().join("data"))).unwrap()
    }

    /// Two days of one sensor: products of the catalogue, and a rule that no catalogue knows with hostile evidence.
    fn sightings(&self, store: &SqliteStore) {
        let (token, secret) = (TokenId("aa".into()), [7; 32]);
        let new = NewToken {
            unit: "Berlin".into(),
            label: "laptops".into(),
            max_uses: 1,
            expires_at_ms: self.now_ms + DAY_MS,
            created_by: "tests".into(),
        };
        store.create_token(&token, &secret, &new, self.before_ms()).unwrap();
        let sensor = SensorId::from_bytes([1; 16]);
        let info =
            SensorInfo { hostname: "host-planted".into(), os: "linux".into(), ..SensorInfo::default() };
        let enrolment = Enrolment {
            token,
            secret_hash: secret,
            sensor,
            machine: MachineId::from_bytes([1; 16]),
            info: info.clone(),
            certificate: NewCertificate {
                key_hash: [1; 32],
                issued_at_ms: self.before_ms(),
                ends_at_ms: self.now_ms + DAY_MS,
            },
        };
        store.enrol(enrolment).unwrap();
        let known = Known::embedded();
        for at_ms in [self.before_ms(), self.now_ms] {
            let day = Day::from_unix_ms(at_ms);
            let row = |rule: &str, value: &str| ActivityRow {
                day,
                rule: rule.into(),
                channel: Channel::Tls,
                subject: None,
                account: None,
                evidence: Evidence {
                    value: value.into(),
                    version: Some("1.0".into()),
                    ..Evidence::default()
                },
                count: 3,
            };
            let mut activity: Vec<ActivityRow> = ["chatgpt.com", "claude.ai", "api.mistral.ai"]
                .iter()
                .map(|name| row(&known.matcher().name(name).unwrap().rule, name))
                .collect();
            activity.extend(HOSTILE.iter().map(|value| row("nobody.knows.this", value)));
            let batch = Batch {
                protocol: 1,
                sensor,
                epoch: Epoch::from_bytes([1; 8]),
                sent_at_ms: at_ms,
                machine: MachineId::from_bytes([1; 16]),
                boot: Epoch::from_bytes([1; 8]),
                info: info.clone(),
                activity,
                stations: Vec::new(),
                snapshots: vec![Snapshot {
                    source: "models".into(),
                    generation: 1,
                    completeness: Completeness::Complete,
                    items: (0..HOSTILE.len()).map(|at| model(&known, at)).collect(),
                }],
                suspects: Vec::new(),
                sealed_accounts: Vec::new(),
                coverage: CoverageReport {
                    capture: CaptureState::Capturing,
                    hellos: 5,
                    ..CoverageReport::default()
                },
            };
            let (answer, answered) = sync_channel(1);
            let report = Report {
                sensor,
                batch,
                refused: Vec::new(),
                unknown_fields: 0,
                suspect_source: "source".into(),
                received_at_ms: at_ms,
                next_report_after_s: 60,
            };
            assert!(store.submit(report, Box::new(move |ack| answer.send(ack).unwrap())).is_ok());
            answered.recv().unwrap().unwrap();
        }
    }

    /// Runs `export` as a person would.
    fn run(&self, words: &[&str]) -> Output {
        Command::new(&programs().collector)
            .arg("export")
            .args(words)
            .arg("--data-dir")
            .arg(self.dir().path())
            .output()
            .unwrap()
    }

    fn export(&self, words: &[&str]) -> String {
        let write = || {
            let output = self.run(words);
            assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        self.written.borrow_mut().entry(words.join(" ")).or_insert_with(write).clone()
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.export(words)).unwrap()
    }

    fn day_before(&self) -> String {
        Day::from_unix_ms(self.before_ms()).to_string()
    }
}

/// An analyst and a reviewer, and the store they work on.
struct Desk<'s> {
    store: &'s SqliteStore,
    analyst: i64,
    reviewer: i64,
}

impl<'s> Desk<'s> {
    fn new(store: &'s SqliteStore, at_ms: i64) -> Self {
        let by = By { person: None, name: "the tests".into(), reason: String::new(), at_ms };
        let add = |name: &str| {
            let details = PersonDetails {
                display_name: format!("{name} planted"),
                active: true,
                ..PersonDetails::default()
            };
            store.add_person(name, &details, false, &by).unwrap().unwrap().id
        };
        let desk = Self { store, analyst: add("ana"), reviewer: add("rea") };
        let policy = Policy {
            version: "2026-1".into(),
            title: "Use of AI".into(),
            link: None,
            sha256: None,
            approved_by: "the board".into(),
            from: Day::from_unix_ms(at_ms).back(10),
            until: None,
        };
        store.add_policy(policy, desk.act(desk.reviewer, at_ms)).unwrap().unwrap();
        desk
    }

    fn act(&self, person: i64, at_ms: i64) -> Act {
        Act::by(Actor::Person(person), at_ms).because("=because of \"reasons\"")
    }

    fn who(&self, person: i64) -> Who {
        let role = if person == self.analyst { Role::Analyst } else { Role::Reviewer };
        let grants = [role, Role::ScopeOwner].map(|role| Grant { role, unit: None });
        Who { person, grants: Grants(grants.into()), ..Who::default() }
    }

    fn add(&self, name: &str, kind: SystemKind, at_ms: i64) -> String {
        let system = AiSystem {
            name: name.into(),
            kind,
            products: BTreeSet::from(["openai.chatgpt".to_owned(), "no.such-product".to_owned()]),
            ..AiSystem::default()
        };
        let made = self.store.add_system(system, &self.who(self.analyst), self.act(self.analyst, at_ms));
        made.unwrap().unwrap().body.id
    }

    fn moves(&self, id: &str, person: i64, step: Move, at_ms: i64) {
        let moved = self.store.move_system(id, step, self.who(person), self.act(person, at_ms)).unwrap();
        moved.unwrap().unwrap_or_else(|refused| panic!("{refused:?}"));
    }

    fn edit(&self, id: &str, fields: &[(&str, Value)], at_ms: i64) {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.moves(id, self.analyst, Move::Edit(fields), at_ms);
    }

    /// A record of each kind, under hostile names; one of them sanctioned in its time, and prohibited later.
    fn records(&self, before_ms: i64, now_ms: i64) {
        for (at, kind) in SystemKind::ALL.iter().enumerate() {
            let id = self.add(HOSTILE[at % HOSTILE.len()].replace('\0', "").as_str(), *kind, before_ms);
            let text = HOSTILE[(at + 1) % HOSTILE.len()].replace('\0', "");
            self.edit(
                &id,
                &[
                    ("purpose", json!(text)),
                    ("intended_use", json!(text)),
                    ("foreseeable_misuse", json!(text)),
                    ("affected_groups", json!([text.replace(['\n', '\r'], " ")])),
                    ("third_party", json!("yes")),
                    ("vendor_name", json!(text.replace(['\n', '\r'], " "))),
                    ("vendor_country", json!("US")),
                    ("vendor_contact", json!("Petra Planted <petra@planted.example>")),
                    ("aiia.state", json!("done")),
                    ("aiia.link", json!("https://dms.example/a%20b")),
                    ("aiia.sha256", json!("ab".repeat(32))),
                    ("aiia.assessor", json!("Petra Planted")),
                    ("dpa_link", json!("CTR-2026-118")),
                    ("compute.places", json!(["own-server", "vendor-cloud"])),
                    ("compute.accelerators", json!(text.replace(['\n', '\r'], " "))),
                    ("compute.note", json!(text)),
                    ("labels", json!(["a|b", "=1"])),
                ],
                before_ms,
            );
        }
        let id = self.add("The one that is decided", SystemKind::SaasService, before_ms);
        self.edit(
            &id,
            &[
                ("purpose", json!("Drafts")),
                ("intended_use", json!("Letters")),
                ("foreseeable_misuse", json!("Dismissals")),
                ("decision_impact", json!("none")),
                ("consequential_domain", json!("none")),
                ("org_units", json!([1])),
                ("org_roles", json!(["customer-user"])),
                ("data_categories", json!(["internal", "source-code"])),
                ("risk_tier", json!("limited")),
                ("system_owner", json!(self.analyst)),
                ("risk_owner", json!(self.reviewer)),
                ("supplier_assessment.state", json!("done")),
            ],
            before_ms,
        );
        self.moves(&id, self.analyst, Move::Triage, before_ms);
        self.moves(&id, self.analyst, Move::StartReview, before_ms);
        let versions = [VersionLimit::parse("openai.chatgpt >=1.0 <2.0").unwrap()].into();
        let limit = Limit { units: [1].into(), versions };
        let wish = Wish::Sanction { conditions: None, limit };
        self.moves(&id, self.analyst, Move::Request(wish), before_ms);
        self.moves(&id, self.reviewer, Move::Approve, before_ms);
        self.moves(&id, self.reviewer, Move::ScopeIn { justification: None }, before_ms);
        let held = self.store.system(&id).unwrap().unwrap().held;
        let confirm = Move::Confirm { campaign: None, seen: held.hash, comment: Some("=as it is".into()) };
        self.moves(&id, self.analyst, confirm, before_ms);
        self.moves(&id, self.reviewer, Move::Reopen, now_ms);
        self.moves(&id, self.reviewer, Move::StartReview, now_ms);
        self.moves(&id, self.reviewer, Move::Prohibit, now_ms);
        self.edit(&id, &[("purpose", json!("Drafts no more"))], now_ms);
    }
}

/// A model file of a product that a record has, with hostile texts; one of them with nothing known of it.
fn model(known: &Known, at: usize) -> SnapshotItem {
    let told = at > 0;
    SnapshotItem {
        rule: known.matcher().name("chatgpt.com").unwrap().rule.to_string(),
        channel: Channel::ModelFile,
        account: None,
        evidence: Evidence { value: HOSTILE[at].into(), ..Evidence::default() },
        details: ItemDetails {
            sha256: told.then(|| at.to_string().repeat(64)),
            licence: told.then(|| HOSTILE[(at + 1) % HOSTILE.len()].into()),
            ..ItemDetails::default()
        },
        flags: Vec::new(),
    }
}

// ── Judges ───────────────────────────────────────────────────────────────────────────────────

/// The Python that has all validators.
fn python() -> Option<String> {
    let python = std::env::var("UMBRASCOPE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has = Command::new(&python).arg(script()).arg("check").output().is_ok_and(|out| out.status.success());
    let part = "validators of exports (Python: cyclonedx-python-lib[json-validation], spdx-python-model, ocsf-json-schema, \
        jsonschema, compliance-trestle)";
    require(part, has).then_some(python)
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exports/validate.py")
}

/// Texts for judges, and what each has to say of them. All are judged by one process: its start is what takes time.
#[derive(Default)]
struct Cases {
    cases: Vec<Case>,
}

struct Case {
    judge: &'static str,
    what: String,
    text: String,
    good: bool,
}

/// A change that no judge may take.
type Mutation = (&'static str, fn(&mut Value));

impl Cases {
    fn add(&mut self, judge: &'static str, what: &str, text: String, good: bool) {
        self.cases.push(Case { judge, what: what.to_owned(), text, good });
    }

    /// The judge takes the text.
    fn good(&mut self, judge: &'static str, text: &str) {
        self.add(judge, "what we write", text.to_owned(), true);
    }

    /// The judge refuses each change of the text.
    fn changed(&mut self, judge: &'static str, text: &str, mutations: &[Mutation]) {
        for (what, change) in mutations {
            let mut value: Value = serde_json::from_str(text).unwrap();
            let before = value.clone();
            change(&mut value);
            assert_ne!(value, before, "{judge}: {what} changes nothing");
            self.add(judge, what, value.to_string(), false);
        }
    }

    /// The same of lines, of which those of a type or class are changed.
    fn changed_lines(&mut self, judge: &'static str, text: &str, key: &str, mutations: &[LineMutation<'_>]) {
        for (of, what, change) in mutations {
            let mut changed = 0;
            let lines: Vec<String> = text
                .lines()
                .map(|line| {
                    let mut value: Value = serde_json::from_str(line).unwrap();
                    if value[key] == *of {
                        change(&mut value);
                        changed += 1;
                    }
                    value.to_string()
                })
                .collect();
            assert!(changed > 0, "{judge}: no line for {what}");
            self.add(judge, what, lines.join("\n") + "\n", false);
        }
    }

    fn are_judged_rightly(self, python: &str) {
        let folder = tempfile::tempdir().unwrap();
        let words = self.cases.iter().enumerate().map(|(at, case)| {
            let path = folder.path().join(at.to_string());
            std::fs::write(&path, &case.text).unwrap();
            format!("{}={}", case.judge, path.display())
        });
        let output = Command::new(python).arg(script()).args(words.collect::<Vec<_>>()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.lines().count(), self.cases.len(), "each is judged: {said}");
        for (case, said) in self.cases.iter().zip(said.lines()) {
            assert_eq!(said == "good", case.good, "{} says of {}: {said}", case.judge, case.what);
        }
    }
}

// ── Tests ────────────────────────────────────────────────────────────────────────────────────

#[test]
fn every_export_is_what_its_format_says_and_no_changed_one_is() {
    let Some(python) = python() else { return };
    let fleet = Fleet::new();
    let mut cases = Cases::default();
    bills_of_materials(&fleet, &mut cases);
    events_and_components(&fleet, &mut cases);
    tables(&fleet, &mut cases);
    let day = fleet.day_before();
    for (judge, words) in JUDGED {
        cases.good(judge, &fleet.export(words));
        cases.good(judge, &fleet.export(&[words, &["--as-of", &day][..]].concat()));
    }
    cases.are_judged_rightly(&python);
}

/// Who judges what.
const JUDGED: &[(&str, &[&str])] = &[
    ("cyclonedx-1.6", &["cyclonedx-1.6"]),
    ("cyclonedx-1.7", &["cyclonedx-1.7"]),
    ("spdx-3.0.1", &["spdx-3.0.1"]),
    ("ocsf-1.8", &["ocsf-1.8"]),
    ("oscal", &["oscal"]),
    ("oscal:catalog", &["oscal", "--part", "catalog"]),
    ("jsonl", &["jsonl"]),
    ("csv", &["csv"]),
    ("csv:systems", &["csv", "--part", "systems"]),
    ("ciso-assistant", &["ciso-assistant"]),
    ("ciso-assistant:findings", &["ciso-assistant", "--part", "findings"]),
    ("ciso-assistant:evidence", &["ciso-assistant", "--part", "evidence"]),
];

fn bills_of_materials(fleet: &Fleet, cases: &mut Cases) {
    for version in ["cyclonedx-1.6", "cyclonedx-1.7"] {
        let text = fleet.export(&[version]);
        let bom: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(bom["annotations"].as_array().unwrap().len(), 1, "the confirmation");
        assert_eq!(bom["dependencies"][0]["dependsOn"].as_array().unwrap().len(), 1, "what is in scope");
        let flows = bom["services"].as_array().unwrap().iter().filter(|service| !service["data"].is_null());
        assert_eq!(flows.count(), 1, "the data that go into the one that is decided");
        assert!(bom["components"].as_array().unwrap().iter().any(|one| !one["modelCard"].is_null()));
        cases.changed(
            version,
            &text,
            &[
                ("a flow that there is not", |bom| {
                    bom["services"].as_array_mut().unwrap().iter_mut().for_each(|service| {
                        service["data"] = json!([{ "flow": "sideways", "classification": "x" }])
                    })
                }),
                ("a type that there is not", |bom| bom["components"][0]["type"] = "spaceship".into()),
                ("a field of ours", |bom| bom["components"][0]["umbrascope"] = 1.into()),
                ("a component without a name", |bom| {
                    bom["components"][0].as_object_mut().unwrap().remove("name");
                }),
                ("a serial number of another form", |bom| bom["serialNumber"] = "urn:uuid:7".into()),
                ("a dependency that leads nowhere", |bom| {
                    bom["dependencies"][0]["dependsOn"] = json!(["nobody"])
                }),
                ("a reference that is there twice", |bom| {
                    let twice = bom["services"][0]["bom-ref"].clone();
                    bom["components"][0]["bom-ref"] = twice;
                }),
                ("a claim about nothing", |bom| bom["declarations"]["claims"][0]["target"] = "nobody".into()),
                ("another version", |bom| bom["specVersion"] = "1.5".into()),
                ("a hash of a model that is none", |bom| file(bom)["hashes"][0]["content"] = "beef".into()),
                ("a licence that is a number", |bom| file(bom)["licenses"] = json!([7])),
            ],
        );
    }
    let text = fleet.export(&["spdx-3.0.1"]);
    cases.changed(
        "spdx-3.0.1",
        &text,
        &[
            ("a word that there is not", |graph| {
                package(graph)["ai_autonomyType"] = "perhaps".into();
            }),
            ("a class that there is not", |graph| package(graph)["type"] = "ai_Spaceship".into()),
            ("a property that there is not", |graph| package(graph)["ai_owner"] = "x".into()),
            ("a supplier that is not there", |graph| package(graph)["suppliedBy"] = "urn:uuid:nobody".into()),
            ("a number for a name", |graph| package(graph)["name"] = 7.into()),
            ("a hash by a method that there is not", |graph| {
                model_file(graph)["verifiedUsing"][0]["algorithm"] = "sha7".into();
            }),
            ("a licence without its text", |graph| {
                let licence = node(graph, |node| node["type"] == "simplelicensing_SimpleLicensingText");
                licence.as_object_mut().unwrap().remove("simplelicensing_licenseText");
            }),
        ],
    );
}

fn events_and_components(fleet: &Fleet, cases: &mut Cases) {
    let text = fleet.export(&["ocsf-1.8"]);
    cases.changed_lines(
        "ocsf-1.8",
        &text,
        "class_uid",
        &[
            (json!(5020), "no device", |event| {
                event.as_object_mut().unwrap().remove("device");
            }),
            (json!(5020), "an activity that there is not", |event| event["activity_id"] = 55.into()),
            (json!(5020), "a field of ours", |event| event["umbrascope"] = 1.into()),
            (json!(5020), "a hash without its value", |event| {
                event["sbom"]["software_components"] =
                    json!([{ "name": "x", "version": "1", "hash": { "algorithm_id": 3 } }]);
            }),
            (json!(5020), "a component without a version", |event| {
                event["sbom"]["software_components"] = json!([{ "name": "x" }]);
            }),
            (json!(3004), "no entity", |event| {
                event.as_object_mut().unwrap().remove("entity");
            }),
            (json!(3004), "a time in words", |event| event["time"] = "today".into()),
        ],
    );
    let text = fleet.export(&["oscal"]);
    cases.changed(
        "oscal",
        &text,
        &[
            ("a field of ours", |oscal| component(oscal)["umbrascope"] = 1.into()),
            ("an id of another form", |oscal| component(oscal)["uuid"] = "7".into()),
            ("no title", |oscal| {
                component(oscal).as_object_mut().unwrap().remove("title");
            }),
            ("a control that is not in the catalogue", |oscal| {
                component(oscal)["control-implementations"][0]["implemented-requirements"][0]["control-id"] =
                    "iso42001-4.4".into();
            }),
            ("a property with a blank at its end", |oscal| {
                component(oscal)["props"][0]["value"] = "x ".into()
            }),
        ],
    );
    let text = fleet.export(&["oscal", "--part", "catalog"]);
    cases.changed(
        "oscal:catalog",
        &text,
        &[("a control without a title", |oscal| {
            oscal["catalog"]["controls"][0].as_object_mut().unwrap().remove("title");
        })],
    );
    let text = fleet.export(&["jsonl"]);
    cases.changed_lines(
        "jsonl",
        &text,
        "type",
        &[
            (json!("system"), "a sanction that there is not", |line| {
                line["data"]["record"]["sanction"] = "fine".into()
            }),
            (json!("system"), "a place that there is not", |line| {
                line["data"]["record"]["compute"] =
                    json!({ "places": ["moon"], "accelerators": null, "note": null })
            }),
            (json!("system"), "a model of nowhere", |line| {
                line["data"]["resources"]["models"] = json!([{ "name": "x", "source": "rumour" }])
            }),
            (json!("system"), "a hash of a model that is none", |line| {
                line["data"]["resources"]["models"] =
                    json!([{ "name": "x", "source": "observed", "sha256": "beef", "licence": null }])
            }),
            (json!("system"), "no hash", |line| {
                line["data"].as_object_mut().unwrap().remove("record_hash");
            }),
            (json!("decision"), "nobody who decided", |line| line["data"]["decided_by"] = Value::Null),
            (json!("product"), "a machine", |line| {
                line["data"]["occurrences"] = json!([{ "hostname": "x" }])
            }),
            (json!("head"), "no coverage", |line| {
                line["data"]["facts"].as_object_mut().unwrap().remove("coverage_found");
            }),
            (json!("end"), "another count", |line| line["data"]["lines"] = 1.into()),
            (json!("system"), "another version of the schema", |line| {
                line["schema"] = "umbrascope-export-line/2".into()
            }),
        ],
    );
    let begun = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    cases.add("jsonl", "lines without their end", begun, false);
}

fn tables(fleet: &Fleet, cases: &mut Cases) {
    for (judge, words) in
        JUDGED.iter().filter(|(judge, _)| judge.starts_with('c') && !judge.starts_with("cy"))
    {
        let text = fleet.export(words);
        assert!(text.lines().count() > 2, "{judge} is empty: {text}");
        let head = text.lines().next().unwrap();
        let row = |first: &str| {
            let others = head.split(',').skip(1).map(|_| "\"x\"").collect::<Vec<_>>().join(",");
            format!("{head}\r\n\"{first}\",{others}\r\n")
        };
        cases.add(judge, "a formula", row("=1+1"), false);
        cases.add(judge, "a formula of wide letters behind a blank", row(" ＝1+1"), false);
        cases.add(judge, "a formula behind what does not show", row("\u{feff}@x"), false);
        cases.add(judge, "a row that is too short", format!("{head}\r\n\"x\",\"y\"\r\n"), false);
        cases.add(judge, "a column of another name", text.replacen("name", "title", 1), false);
        cases.add(judge, "a last line without its end", text.trim_end().to_owned(), false);
    }
    // One cell of a table that is good otherwise: a word that CISO Assistant does not know, and none where there has to be one.
    let findings = &["ciso-assistant", "--part", "findings"][..];
    for (judge, words, what, known, wrong) in [
        ("ciso-assistant", &["ciso-assistant"][..], "type", &["\"SP\""][..], ["\"XX\"", "\"\""]),
        (
            "ciso-assistant:findings",
            findings,
            "severity",
            &[",\"low\",", ",\"medium\",", ",\"high\","][..],
            [",\"urgent\",", ",\"\","],
        ),
        ("ciso-assistant:findings", findings, "status", &[",\"identified\","][..], [",\"open\",", ",\"\","]),
        (
            "ciso-assistant:findings",
            findings,
            "priority",
            &["\"identified\",1,", "\"identified\",2,", "\"identified\",3,"][..],
            ["\"identified\",5,", "\"identified\",,"],
        ),
    ] {
        let text = fleet.export(words);
        let right = known.iter().find(|right| text.contains(**right));
        let right = right.unwrap_or_else(|| panic!("{judge}: no {what} among {known:?} in {text}"));
        for wrong in wrong {
            cases.add(judge, &format!("the {what} {wrong}"), text.replacen(right, wrong, 1), false);
        }
    }
}

fn package(graph: &mut Value) -> &mut Value {
    node(graph, |node| node["type"] == "ai_AIPackage")
}

fn model_file(graph: &mut Value) -> &mut Value {
    node(graph, |node| !node["verifiedUsing"].is_null())
}

fn node(graph: &mut Value, is_it: fn(&Value) -> bool) -> &mut Value {
    graph["@graph"].as_array_mut().unwrap().iter_mut().find(|node| is_it(node)).unwrap()
}

/// A model file of a bill of materials, with its licence.
fn file(bom: &mut Value) -> &mut Value {
    let components = bom["components"].as_array_mut().unwrap();
    components.iter_mut().find(|one| !one["hashes"].is_null() && !one["licenses"].is_null()).unwrap()
}

fn component(oscal: &mut Value) -> &mut Value {
    let components = oscal["component-definition"]["components"].as_array_mut().unwrap();
    components.iter_mut().find(|one| !one["control-implementations"].is_null()).unwrap()
}

#[test]
fn of_a_past_day_records_are_as_they_were_and_what_is_not_kept_is_not_made_up() {
    let fleet = Fleet::new();
    let day = fleet.day_before();
    let (now, then) = (fleet.json(&["json"]), fleet.json(&["json", "--as-of", &day]));
    let of = |inventory: &Value| {
        let systems = inventory["ai_systems"].as_array().unwrap().iter();
        systems
            .map(|system| (system["reference"].as_str().unwrap().to_owned(), system.clone()))
            .collect::<BTreeMap<_, _>>()
    };
    let (systems_now, systems_then) = (of(&now), of(&then));
    let decided = |systems: &BTreeMap<String, Value>| {
        systems.values().find(|system| system["name"] == "The one that is decided").unwrap().clone()
    };
    let (late, early) = (decided(&systems_now), decided(&systems_then));
    assert_eq!((&late["sanction"], &early["sanction"]), (&json!("prohibited"), &json!("sanctioned")));
    assert_eq!(early["record"]["purpose"], "Drafts");
    assert_eq!(late["record"]["purpose"], "Drafts no more");
    assert!(early["record_version"].as_u64() < late["record_version"].as_u64());
    assert_ne!(early["record_hash"], late["record_hash"]);
    assert!(early["log_seq"].as_u64() <= then["trail_end"]["seq"].as_u64());
    assert!(then["trail_end"]["seq"].as_u64() < now["trail_end"]["seq"].as_u64());
    assert!(then["assets"].as_array().unwrap().is_empty() && !now["assets"].as_array().unwrap().is_empty());
    assert_eq!(then["expired"], json!(["assets", "suspects", "coverage"]));
    assert_eq!(now["expired"], json!([]));
    let chat = |inventory: &Value| {
        let products = inventory["products"].as_array().unwrap();
        products.iter().find(|product| product["id"] == "openai.chatgpt").unwrap().clone()
    };
    assert_eq!(chat(&now)["last_day"], Day::from_unix_ms(fleet.now_ms).to_string());
    assert_eq!((&chat(&then)["last_day"], &chat(&then)["assets"]), (&json!(day), &Value::Null));
    // A day before everything: nothing was there. A day to come: nobody knows.
    let long_ago = Day::from_unix_ms(fleet.before_ms()).back(1).to_string();
    let nothing = fleet.json(&["json", "--as-of", &long_ago]);
    assert!(of(&nothing).is_empty() && nothing["products"].as_array().unwrap().is_empty());
    let to_come = Day::from_unix_ms(fleet.now_ms).forward(2).to_string();
    let refused = fleet.run(&["csv", "--as-of", &to_come]);
    assert_eq!(refused.status.code(), Some(2), "{}", String::from_utf8_lossy(&refused.stderr));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("still to come"));
    assert_eq!(fleet.run(&["json", "--part", "assets"]).status.code(), Some(2));
}

#[test]
fn the_whole_json_keeps_its_contract_and_only_it_names_a_machine_and_nothing_a_person() {
    let fleet = Fleet::new();
    let whole = fleet.json(&["json"]);
    for part in ["products", "ai_systems", "assets"] {
        assert!(!whole[part].as_array().unwrap().is_empty(), "{part}");
    }
    for product in whole["products"].as_array().unwrap() {
        assert!(product["name"].is_string() && product["vendor"].is_string());
        for piece in product["evidence"].as_array().unwrap() {
            assert!(["channel", "value", "confidence", "level"].iter().all(|name| piece[*name].is_string()));
        }
    }
    for system in whole["ai_systems"].as_array().unwrap() {
        assert_eq!(system["record"]["id"], system["id"]);
        assert!(system["record"].as_object().unwrap().len() > 60, "the record is whole");
    }
    assert_eq!(whole["policy_version"], "2026-1");
    assert_eq!(whole["coverage"]["totals"]["sensors"], 1);
    assert!(whole["checkpoint"].as_str().unwrap().contains("/aims"), "the newest checkpoint is printed");
    let values: Vec<&str> = whole["products"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|product| product["evidence"].as_array().unwrap())
        .filter_map(|piece| piece["value"].as_str())
        .collect();
    assert!(
        HOSTILE.iter().any(|hostile| values.contains(hostile)),
        "observed values stand verbatim: {values:?}"
    );
    for words in [
        &["jsonl"][..],
        &["cyclonedx-1.6"],
        &["cyclonedx-1.7"],
        &["spdx-3.0.1"],
        &["ocsf-1.8"],
        &["oscal"],
        &["csv"],
        &["csv", "--part", "systems"],
        &["ciso-assistant"],
        &["ciso-assistant", "--part", "findings"],
        &["ciso-assistant", "--part", "evidence"],
    ] {
        let text = fleet.export(words).to_lowercase();
        assert!(!text.contains("host-planted"), "{words:?} names a machine");
        // What people wrote into a record whole is in a record whole; what is for others leaves it out.
        assert!(words == ["jsonl"] || !text.contains("planted"), "{words:?} names a person");
    }
}

/// Figures, not a check: `cargo test --test exports -- --ignored --nocapture figures`.
#[test]
#[ignore = "prints figures, and takes minutes"]
fn figures_for_three_thousand_systems() {
    let fleet = Fleet::new();
    let dir = fleet.dir();
    let store = dir.open(fleet.options(), fleet.now_ms).unwrap();
    let desk = Desk { store: &store, analyst: 1, reviewer: 2 };
    let begun = Instant::now();
    for at in 0..3_000 {
        let kind = SystemKind::ALL[at % SystemKind::ALL.len()];
        let id = desk.add(&format!("System {at}"), kind, fleet.before_ms());
        desk.edit(
            &id,
            &[
                ("purpose", json!("Drafts letters to customers, which a person reads before they are sent.")),
                ("intended_use", json!("Letters")),
                ("data_categories", json!(["internal", "customer"])),
                ("risk_tier", json!("limited")),
                ("third_party", json!("yes")),
                ("org_roles", json!(["customer-user"])),
            ],
            fleet.before_ms(),
        );
    }
    store.close();
    println!("seeded 3,000 systems in {:.1} s", begun.elapsed().as_secs_f64());
    let day = fleet.day_before();
    for words in [
        &["csv"][..],
        &["csv", "--part", "systems"],
        &["json"],
        &["jsonl"],
        &["cyclonedx-1.6"],
        &["cyclonedx-1.7"],
        &["spdx-3.0.1"],
        &["ocsf-1.8"],
        &["oscal"],
        &["ciso-assistant"],
        &["cyclonedx-1.6", "--as-of", &day],
        &["jsonl", "--as-of", &day],
    ] {
        let begun = Instant::now();
        let text = fleet.export(words);
        println!("{:32} {:>8.2} s {:>12} bytes", words.join(" "), begun.elapsed().as_secs_f64(), text.len());
    }
}
