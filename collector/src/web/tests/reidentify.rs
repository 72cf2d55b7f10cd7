//! Re-identification at the pages and as JSON: the setting, a request from its making to the name in the officer's hands, and the report.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use umbrascope_api::{
    AccountId, ActivityRow, Batch, Channel, CoverageReport, Day, Epoch, Evidence, MachineId, SealedAccount,
    SealedName, SensorId, SensorInfo,
};

use super::*;
use crate::model::{Grant, GrantChange, NewToken, PersonDetails, Role, TokenId};
use crate::reidentify::key::{SealedFile, SecretKey, tests::seal};
use crate::store::reidentify::Reidentifying as _;
use crate::store::sqlite::Options;
use crate::store::{Enrolment, NewCertificate, Report, SqliteStore, Store};

const MACHINE: MachineId = MachineId::from_bytes([7; 16]);
const ACCOUNT: AccountId = AccountId::from_bytes([9; 16]);
const WHY: &str = "A customer's data was pasted into it";

/// One machine with one account that used one product, and people.
struct World {
    visitor: Visitor,
    store: Arc<SqliteStore>,
    key: SecretKey,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { readers: 1, ..Options::new(umbrascope_rules::Catalogue::embedded()) };
        let path = folder.path().join("collector.db");
        let store = Arc::new(SqliteStore::open(&path, options, sample::NOW_MS).unwrap());
        sample::people::add_people(&store);
        let people: &dyn crate::store::people::People = &*store;
        let by = sample::people::nobody();
        let petra =
            PersonDetails { display_name: "petra".to_owned(), active: true, ..PersonDetails::default() };
        let petra = people.add_person("petra", &petra, false, &by).unwrap().unwrap();
        let grant = GrantChange::Grant(Grant { role: Role::PrivacyOfficer, unit: None });
        people.change_grants(petra.id, grant, &by).unwrap().unwrap();
        let token = NewToken {
            unit: "Engineering".to_owned(),
            label: "laptops".to_owned(),
            max_uses: 1,
            expires_at_ms: sample::NOW_MS + 1_000,
            created_by: "mona".to_owned(),
        };
        store.create_token(&TokenId("aa".to_owned()), &[7; 32], &token, sample::NOW_MS).unwrap();
        let enrolment = Enrolment {
            token: TokenId("aa".to_owned()),
            secret_hash: [7; 32],
            sensor: SensorId::from_bytes([1; 16]),
            machine: MACHINE,
            info: SensorInfo { hostname: "dev-77".to_owned(), ..SensorInfo::default() },
            certificate: NewCertificate {
                key_hash: [1; 32],
                issued_at_ms: sample::NOW_MS,
                ends_at_ms: sample::NOW_MS + 500,
            },
        };
        store.enrol(enrolment).unwrap();
        let visitor = Visitor::to(sample::state_of(store.clone()));
        Self { visitor, store, key: SecretKey::create(), _folder: folder }
    }

    /// A report with the sealed name of the account, as an agent would send it.
    fn report(&self) -> umbrascope_api::Ack {
        let name = SealedName { uid: 1000, name: "kim".to_owned() };
        let activity = ActivityRow {
            day: Day::from_unix_ms(sample::NOW_MS),
            rule: "openai.chatgpt.app-chatgpt-com".to_owned(),
            channel: Channel::Tls,
            subject: None,
            account: Some(ACCOUNT),
            evidence: Evidence { value: "chatgpt.com".to_owned(), ..Evidence::default() },
            count: 1,
        };
        let key = self.key.public();
        let sealed = SealedAccount { account: ACCOUNT, key, sealed: seal(&key, &MACHINE, &name) };
        let batch = Batch {
            protocol: 1,
            sensor: SensorId::from_bytes([1; 16]),
            epoch: Epoch::from_bytes([1; 8]),
            sent_at_ms: sample::NOW_MS,
            machine: MACHINE,
            boot: Epoch::from_bytes([1; 8]),
            info: SensorInfo { hostname: "dev-77".to_owned(), ..SensorInfo::default() },
            activity: vec![activity],
            stations: vec![],
            snapshots: vec![],
            suspects: vec![],
            sealed_accounts: vec![sealed],
            coverage: CoverageReport::default(),
        };
        let (answer, answered) = sync_channel(1);
        let report = Report {
            sensor: batch.sensor,
            batch,
            refused: vec![],
            unknown_fields: 0,
            suspect_source: String::new(),
            received_at_ms: sample::NOW_MS,
            next_report_after_s: 60,
        };
        let queued = self.store.submit(report, Box::new(move |ack| answer.send(ack).unwrap()));
        assert!(queued.is_ok());
        answered.recv().unwrap().unwrap()
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.visitor.get("/account").await.csrf();
        self.visitor.post(path, &[&[("csrf", csrf.as_str())], fields].concat()).await
    }

    /// Signs in and proves to be there, as what is signed takes.
    async fn fresh(&mut self, name: &str) {
        self.visitor.sign_in(name).await;
        let csrf = self.visitor.get("/account").await.csrf();
        let password = [("csrf", csrf.as_str()), ("password", "twelve or more"), ("again", "twelve or more")];
        self.visitor.post("/password", &password).await;
        let csrf = self.visitor.get("/account").await.csrf();
        let again = [("csrf", csrf.as_str()), ("password", "twelve or more"), ("next", "/account")];
        assert_eq!(self.visitor.post("/confirm", &again).await.location(), "/account", "{name}");
    }

    async fn switch_on(&mut self) {
        let key = self.key.public().to_string();
        self.visitor.sign_in("mona").await;
        let asked =
            self.post("/reidentification/setting", &[("step", "ask"), ("key", &key), ("reason", WHY)]).await;
        assert_eq!(asked.location(), "/reidentification?done=ask", "{}", asked.text);
        self.visitor.sign_in("paul").await;
        let confirmed = self.post("/reidentification/setting", &[("step", "confirm")]).await;
        assert_eq!(confirmed.location(), "/reidentification?done=confirm", "{}", confirmed.text);
        self.report();
    }

    async fn ask(&mut self, by: &str) -> String {
        self.visitor.sign_in(by).await;
        let account = ACCOUNT.to_string();
        let fields = [
            ("asset", "1"),
            ("product", "openai.chatgpt"),
            ("account", account.as_str()),
            ("ticket", "INC-7"),
            ("hours", "24"),
            ("reason", WHY),
        ];
        let asked = self.post("/reidentification/new", &fields).await;
        let place = asked.location().split('?').next().unwrap().to_owned();
        assert!(place.starts_with("/reidentification/RID-"), "{}", asked.text);
        place
    }

    async fn approve(&mut self, place: &str, by: &str) -> Answer {
        self.fresh(by).await;
        self.post(place, &[("step", "approve"), ("reason", "the case is open")]).await
    }
}

fn json(answer: &Answer) -> serde_json::Value {
    serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("{error}: {}", answer.text))
}

#[tokio::test]
async fn the_setting_takes_two_people_and_stands_in_notice_and_pack() {
    let mut world = World::new();
    world.visitor.sign_in("mona").await;
    assert!(world.visitor.get("/notice").await.text.contains("not even a sealed one"));
    let before = json(&world.visitor.get("/api/v1/privacy").await);
    assert_eq!(before["sealed_names_since"], serde_json::Value::Null);
    let mistyped = [("step", "ask"), ("key", "upk-00"), ("reason", WHY)];
    let refused = world.post("/reidentification/setting", &mistyped).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("privacy-key new") && refused.text.contains("value=\"upk-00\""),
        "{}",
        refused.text
    );
    world.switch_on().await;
    let key = world.key.public().to_string();
    for path in ["/notice", "/privacy/dpia", "/reidentification"] {
        assert!(world.visitor.get(path).await.text.contains(&key), "{path}");
    }
    let after = json(&world.visitor.get("/api/v1/privacy").await);
    assert_eq!(after["sealed_to"], key.as_str());
    assert_ne!(before["hash"], after["hash"]);
    for name in ["anna", "rita", "sven", "vera", "wim"] {
        world.visitor.sign_in(name).await;
        let refused = world.post("/reidentification/setting", &[("step", "withdraw")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
    }
    assert_eq!(world.store.sealed_names().unwrap(), 1);
    world.visitor.sign_in("dora").await;
    world.post("/reidentification/setting", &[("step", "withdraw")]).await;
    assert_eq!(world.store.sealed_names().unwrap(), 0);
}

#[tokio::test]
async fn a_request_goes_from_an_analyst_by_two_officers_to_a_name_that_only_the_key_opens() {
    let mut world = World::new();
    world.visitor.sign_in("anna").await;
    assert!(!world.visitor.get("/assets/1").await.text.contains("Ask whose account"), "switched off");
    world.switch_on().await;
    world.visitor.sign_in("anna").await;
    let page = world.visitor.get("/assets/1").await.text;
    assert!(page.contains("/reidentification/new?asset=1&amp;product=openai.chatgpt"), "{page}");
    let form = world.visitor.get("/reidentification/new?asset=1&product=openai.chatgpt").await.text;
    assert!(form.contains(&ACCOUNT.to_string()) && !form.contains("kim"), "{form}");
    let place = world.ask("anna").await;
    let own = world.visitor.get(&place).await.text;
    assert!(own.contains("waits for two approvals") && own.contains("Take it back"), "{own}");
    assert!(!own.contains("value=\"approve\""), "{own}");
    let taken = world.post(&format!("{place}/name"), &[]).await;
    assert_eq!(taken.status, StatusCode::FORBIDDEN);
    assert!(taken.text.contains("G-ROLE"), "{}", taken.text);
    let stale = {
        world.visitor.sign_in("paul").await;
        world.post(&place, &[("step", "approve")]).await
    };
    assert_eq!(stale.location(), format!("/confirm?next={}", encode(&place)), "not without signing in again");
    assert_eq!(world.approve(&place, "paul").await.location(), format!("{place}?done=approve"));
    let twice = world.post(&place, &[("step", "approve")]).await;
    assert_eq!(twice.status, StatusCode::FORBIDDEN);
    assert!(twice.text.contains("G-4EYES"), "{}", twice.text);
    let early = world.post(&format!("{place}/name"), &[]).await;
    assert!(early.text.contains("two privacy officers have to approve"), "{}", early.text);
    assert_eq!(world.approve(&place, "petra").await.location(), format!("{place}?done=approve"));
    let page = world.visitor.get(&place).await.text;
    assert!(page.contains("Take the sealed name") && page.contains("privacy-key open"), "{page}");
    let file = world.post(&format!("{place}/name"), &[]).await;
    assert!(file.headers["content-disposition"].to_str().unwrap().contains("RID-000001.sealed.json"));
    assert!(!file.text.contains("kim"), "{}", file.text);
    let file: SealedFile = serde_json::from_str(&file.text).unwrap();
    assert_eq!(world.key.open(&file).unwrap().name, "kim");
    assert!(SecretKey::create().open(&file).is_err());

    // The works council reads all of it, and can do none of it.
    world.visitor.sign_in("wim").await;
    let list = world.visitor.get("/reidentification").await.text;
    for words in ["RID-000001", "anna", "paul", "petra", "INC-7", WHY.split('\'').next().unwrap()] {
        assert!(list.contains(words), "{words}: {list}");
    }
    assert!(!list.contains("dev-77") && !list.contains(&ACCOUNT.to_string()), "{list}");
    let seen = world.visitor.get(&place).await.text;
    assert!(seen.contains("refused G-4EYES") && !seen.contains("name=\"step\""), "{seen}");
    let report = json(&world.visitor.get("/api/v1/reidentifications/report?month=2026-11").await);
    let count = |what: &str| {
        let counts = report["counts"].as_array().unwrap();
        counts.iter().find(|row| row["what"] == what).unwrap()["count"].as_u64().unwrap()
    };
    assert_eq!(
        (count("asked for"), count("approvals"), count("sealed names taken"), count("refused")),
        (1, 2, 1, 3)
    );
    let actions = report["entries"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap());
    let about = world
        .visitor
        .state
        .governance
        .trail(&Default::default(), crate::model::PageRequest { offset: 0, limit: 500 });
    let about = about.unwrap().rows.into_iter().filter(|row| row.kind.starts_with("reidentification"));
    assert_eq!(actions.collect::<Vec<_>>(), about.map(|row| row.action).collect::<Vec<_>>(), "complete");
    let page = world.visitor.get("/reidentification/report?month=2026-11").await.text;
    assert!(page.contains("took the sealed name") && page.contains("href=\"/trail/"), "{page}");
    let empty = json(&world.visitor.get("/api/v1/reidentifications/report?month=2026-10").await);
    assert_eq!(empty["total"], 0);
    assert_eq!(world.visitor.get("/reidentification/report?month=x").await.status, StatusCode::BAD_REQUEST);
    let trail = json(&world.visitor.get("/api/v1/trail?kind=reidentification").await);
    assert_eq!(trail["total"], 7, "{trail}");
}

#[tokio::test]
async fn requests_are_read_by_who_made_them_the_officers_and_the_works_council() {
    let mut world = World::new();
    world.switch_on().await;
    let place = world.ask("anna").await;
    let api = place.replace("/reidentification/", "/api/v1/reidentifications/");
    for (name, reads) in [
        ("anna", StatusCode::OK),
        ("rita", StatusCode::NOT_FOUND),
        ("paul", StatusCode::OK),
        ("wim", StatusCode::OK),
        ("mona", StatusCode::FORBIDDEN),
        ("vera", StatusCode::FORBIDDEN),
        ("dora", StatusCode::FORBIDDEN),
        ("sven", StatusCode::FORBIDDEN),
    ] {
        world.visitor.sign_in(name).await;
        assert_eq!(world.visitor.get(&place).await.status, reads, "{name}");
        assert_eq!(world.visitor.get(&api).await.status, reads, "{name}");
        let list = world.visitor.get("/reidentification").await;
        assert_eq!(list.status, StatusCode::OK, "{name}");
        assert_eq!(list.text.contains("RID-000001"), reads == StatusCode::OK, "{name}");
        let all = matches!(name, "paul" | "wim");
        let report = world.visitor.get("/reidentification/report").await.status;
        assert_eq!(report == StatusCode::OK, all, "{name} {report}");
        let listed = world.visitor.get("/api/v1/reidentifications").await;
        assert_eq!(listed.status == StatusCode::OK, reads != StatusCode::FORBIDDEN, "{name}");
        if listed.status == StatusCode::OK {
            let total = json(&listed)["total"].as_u64();
            assert_eq!(total, Some(u64::from(reads == StatusCode::OK)), "{name}");
        }
    }
    // Whoever may not ask is refused on the server, and the trail has it.
    for name in ["mona", "vera", "paul"] {
        world.visitor.sign_in(name).await;
        let fields = [("asset", "1"), ("product", "openai.chatgpt"), ("ticket", "x"), ("hours", "1")];
        let refused = world.post("/reidentification/new", &fields).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
        let form = world.visitor.get("/reidentification/new?asset=1&product=openai.chatgpt").await;
        assert!(form.status.is_client_error(), "{name}");
    }
    let refusals = crate::model::governed::TrailFilter {
        kind: Some("reidentification".to_owned()),
        refused: Some(true),
        ..Default::default()
    };
    let refusals = world.visitor.state.governance.trail(&refusals, Default::default()).unwrap();
    assert_eq!(refusals.total, 3);
}

#[tokio::test]
async fn json_does_the_same_by_the_same_rules_and_no_token_does() {
    let mut world = World::new();
    world.switch_on().await;
    let send = |path: &str, body: serde_json::Value| {
        let request = Request::post(path.to_owned())
            .header(CONTENT_TYPE, "application/json")
            .header("sec-fetch-site", "same-origin");
        (request, Body::from(body.to_string()))
    };
    let account = ACCOUNT.to_string();
    let new = serde_json::json!({
        "asset": 1, "product": "openai.chatgpt", "account": account, "ticket": "INC-8", "hours": 2, "reason": WHY,
    });
    world.visitor.sign_in("rita").await;
    let known = world.visitor.get("/api/v1/reidentifications/accounts?asset=1&product=openai.chatgpt").await;
    assert_eq!(json(&known), serde_json::json!([account]));
    let (request, body) = send("/api/v1/reidentifications", new.clone());
    let made = world.visitor.send(request, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let place = format!("/api/v1/reidentifications/{}", json(&made)["id"].as_str().unwrap());
    for name in ["paul", "petra"] {
        world.fresh(name).await;
        let (request, body) = send(&place, serde_json::json!({ "step": "approve" }));
        let approved = world.visitor.send(request, body).await;
        assert_eq!(approved.status, StatusCode::OK, "{name}: {}", approved.text);
    }
    assert_eq!(json(&world.visitor.get(&place).await)["state"], "open");
    let (request, body) = send(&format!("{place}/name"), serde_json::json!({}));
    let file = world.visitor.send(request, body).await;
    let file: SealedFile = serde_json::from_str(&file.text).unwrap();
    assert_eq!(world.key.open(&file).unwrap(), SealedName { uid: 1000, name: "kim".to_owned() });
    let (request, body) = send(&place, serde_json::json!({ "step": "take" }));
    assert_eq!(world.visitor.send(request, body).await.status, StatusCode::BAD_REQUEST);

    // A program of somebody who may gets nowhere.
    let anna = world.visitor.state.people.person_named("anna").unwrap().unwrap().id;
    let people = world.visitor.state.people.clone();
    let (scopes, until) = (crate::model::Scope::ALL.to_vec(), sample::NOW_MS + 1_000);
    let token = crate::api_token::create(&*people, anna, "a test", scopes, until, &sample::people::nobody());
    let bearer = format!("Bearer {}", token.unwrap().1);
    world.visitor.cookies.clear();
    world.visitor.browser = false;
    for path in ["/api/v1/reidentifications", &place] {
        let request = Request::get(path).header("authorization", &bearer);
        let refused = world.visitor.send(request, Body::empty()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
    let (request, body) = send("/api/v1/reidentifications", new);
    let refused = world.visitor.send(request.header("authorization", &bearer), body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    assert!(refused.text.contains("G-SCOPE"), "{}", refused.text);
}

#[tokio::test]
async fn a_pseudonym_is_erased_by_two_officers_on_the_page_and_it_says_what_stays() {
    let mut world = World::new();
    world.switch_on().await;
    world.visitor.sign_in("petra").await;
    let page = world.visitor.get("/privacy/erasures?machine=dev-77").await.text;
    let pseudonym = ACCOUNT.to_string();
    assert!(page.contains(&pseudonym) && page.contains("hold hashes"), "{page}");
    let readings = world.store.clone();
    let readings: &dyn crate::store::people::People = &*readings;
    let noted = readings.readings(None, crate::model::PageRequest::default()).unwrap();
    assert_eq!((noted.total, noted.rows[0].reader.as_str()), (1, "petra"), "that she looked is noted");
    let why = "the person asked on 2026-11-20";
    let short = world.post("/privacy/erasures", &[("pseudonym", &pseudonym), ("reason", "because")]).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        short.text.contains("G-JUSTIFY") && short.text.contains(&format!("value=\"{pseudonym}\"")),
        "{}",
        short.text
    );
    let asked = world.post("/privacy/erasures", &[("pseudonym", &pseudonym), ("reason", why)]).await;
    assert_eq!(asked.location(), "/privacy/erasures?done=ask", "{}", asked.text);
    let place = "/privacy/erasures/ERA-000001";
    let stale = world.post(place, &[("step", "approve")]).await;
    assert_eq!(stale.location(), "/confirm?next=%2Fprivacy%2Ferasures");
    world.fresh("petra").await;
    let own = world.post(place, &[("step", "approve")]).await;
    assert!(own.status == StatusCode::FORBIDDEN && own.text.contains("G-4EYES"), "{}", own.text);
    for name in ["anna", "rita", "mona", "wim"] {
        world.visitor.sign_in(name).await;
        let looked = world.visitor.get("/privacy/erasures?machine=dev-77").await.text;
        assert!(!looked.contains(&pseudonym), "{name}: {looked}");
        let refused = world.post(place, &[("step", "decline")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
        let api = world.visitor.get("/api/v1/erasures/pseudonyms?machine=dev-77").await;
        assert_eq!(api.status, StatusCode::FORBIDDEN, "{name}");
    }
    world.fresh("paul").await;
    assert_eq!(world.post(place, &[("step", "approve")]).await.location(), "/privacy/erasures?done=approve");
    let page = world.visitor.get("/privacy/erasures?machine=dev-77").await.text;
    assert!(!page.contains(&pseudonym) && page.contains("rows of activity that lost"), "{page}");
    let told = json(&world.visitor.get("/api/v1/erasures").await);
    assert_eq!(
        (&told["rows"][0]["state"], &told["rows"][0]["erased"]["names"]),
        (&"done".into(), &1.into()),
        "{told}"
    );
}
