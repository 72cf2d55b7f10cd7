//! Findings, tasks, documents and vendors at their pages and as JSON.

use serde_json::{Value, json};

use super::*;
use crate::model::governed::{Act, Actor};
use crate::model::record::AiSystem;
use crate::model::{Grant, Grants, Role};
use crate::review::{Move, Who};

/// Number of a person of the sample.
fn number(state: &AppState, name: &str) -> i64 {
    state.people.person_named(name).unwrap().unwrap().id
}

/// A record that was looked at and that nobody owns.
fn record(state: &AppState) {
    let anna = number(state, "anna");
    let who = Who {
        person: anna,
        grants: Grants(vec![Grant { role: Role::Analyst, unit: None }]),
        ..Who::default()
    };
    let act = || Act::by(Actor::Person(anna), sample::NOW_MS).because("it is used");
    let system = AiSystem {
        name: "Letters <b>bold</b>".into(),
        products: ["openai.chatgpt".to_owned()].into(),
        ..AiSystem::default()
    };
    let added = state.governance.add_system(system, &who, act()).unwrap().unwrap();
    state.governance.move_system(&added.body.id, Move::Triage, who.clone(), act()).unwrap().unwrap().unwrap();
}

impl Visitor {
    async fn json(&mut self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        let answer =
            self.send(request.header("sec-fetch-site", "same-origin"), Body::from(body.to_string())).await;
        (answer.status, serde_json::from_str(&answer.text).unwrap_or(Value::Null))
    }
}

#[tokio::test]
async fn a_finding_is_assigned_worked_on_and_closed_with_evidence() {
    let mut anna = Visitor::signed_in(Sample::default(), "anna").await;
    record(&anna.state);
    let sven = number(&anna.state, "sven").to_string();
    let list = anna.get("/findings").await;
    for words in ["No owner", "FND-0001", "/inventory/AIS-0001", "nobody is named", "Letters &#60;b&#62;"] {
        assert!(list.text.contains(words), "{words}: {}", list.text);
    }
    let csrf = list.csrf();
    let chosen = [("csrf", &csrf[..]), ("finding", "FND-0001"), ("person", &sven), ("back", "/findings")];
    assert_eq!(anna.post("/findings/assign", &chosen).await.location(), "/findings?done=assigned");
    let unknown = [("csrf", &csrf[..]), ("finding", "FND-0099"), ("person", &sven)];
    let left = anna.post("/findings/assign", &unknown).await.text;
    assert!(left.contains("FND-0099") && left.contains("there is no such finding"), "{left}");

    // A scope owner does not triage, and may work on what is theirs.
    let mut sven = anna;
    sven.sign_in("sven").await;
    let page = sven.get("/findings/FND-0001").await;
    assert!(page.text.contains("I work on it") && !page.text.contains("Dismiss"), "{}", page.text);
    let csrf = page.csrf();
    let dismiss = [("csrf", &csrf[..]), ("step", "dismiss"), ("reason", "no")];
    assert_eq!(sven.post("/findings/FND-0001", &dismiss).await.status, StatusCode::FORBIDDEN);
    let empty = [("csrf", &csrf[..]), ("step", "close")];
    let refused = sven.post("/findings/FND-0001", &empty).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("G-EVIDENCE"), "{}", refused.text);
    let stale = [("csrf", &csrf[..]), ("step", "start"), ("version", "1")];
    assert_eq!(sven.post("/findings/FND-0001", &stale).await.status, StatusCode::CONFLICT);
    let close = [("csrf", &csrf[..]), ("step", "close"), ("evidence", "TICKET-7")];
    assert_eq!(sven.post("/findings/FND-0001", &close).await.location(), "/findings/FND-0001?done=step");
    let page = sven.get("/findings/FND-0001").await.text;
    assert!(page.contains("Evidence: <bdi>TICKET-7") && page.contains("finding.close"), "{page}");
    assert!(page.contains("refused:G-EVIDENCE"), "a refusal is told of: {page}");

    let cause =
        [("csrf", &csrf[..]), ("step", "cause"), ("cause", "process"), ("reason", "Nobody is asked to")];
    assert_eq!(sven.post("/findings/FND-0001", &cause).await.status, StatusCode::SEE_OTHER);
    let effect = |csrf, worked| {
        [("csrf", csrf), ("step", "effect"), ("worked", worked), ("reason", "The next one has none either")]
    };
    assert_eq!(sven.post("/findings/FND-0001", &effect(&csrf, "yes")).await.status, StatusCode::FORBIDDEN);
    let mut anna = sven;
    anna.sign_in("anna").await;
    let page = anna.get("/findings/FND-0001").await;
    assert!(
        page.text.contains("Nobody is asked to") && page.text.contains("Say whether it worked"),
        "{}",
        page.text
    );
    let csrf = page.csrf();
    let unsaid = anna.post("/findings/FND-0001", &effect(&csrf, "")).await;
    assert_eq!(unsaid.status, StatusCode::BAD_REQUEST);
    assert_eq!(anna.post("/findings/FND-0001", &effect(&csrf, "no")).await.status, StatusCode::SEE_OTHER);
    let page = anna.get("/findings/FND-0001").await.text;
    assert!(page.contains("it did not work") && page.contains("came up again: 1"), "{page}");
    let (_, told) = anna.json(Method::GET, "/api/v1/findings/FND-0001", Value::Null).await;
    assert_eq!(
        (&told["state"], &told["cause"]["cause"], &told["effect"]["worked"]),
        (&json!("open"), &json!("process"), &json!(false))
    );
}

#[tokio::test]
async fn who_only_reads_changes_nothing() {
    let mut vera = Visitor::signed_in(Sample::default(), "vera").await;
    record(&vera.state);
    let page = vera.get("/findings/FND-0001").await;
    assert!(!page.text.contains("name=\"step\""), "{}", page.text);
    let csrf = page.csrf();
    let csrf = csrf.as_str();
    for (path, fields) in [
        ("/findings/FND-0001", vec![("csrf", csrf), ("step", "close"), ("reason", "x")]),
        ("/tasks", vec![("csrf", csrf), ("title", "x"), ("purpose", "other")]),
        (
            "/documents",
            vec![
                ("csrf", csrf),
                ("link_kind", "finding"),
                ("link_id", "FND-0001"),
                ("kind", "doc"),
                ("title", "x"),
                ("location", "X-1"),
            ],
        ),
        ("/vendors/openai", vec![("csrf", csrf), ("state", "planned")]),
        (
            "/findings/due-days",
            vec![("csrf", csrf), ("low", "1"), ("medium", "1"), ("high", "1"), ("critical", "1")],
        ),
    ] {
        assert_eq!(vera.post(path, &fields).await.status, StatusCode::FORBIDDEN, "{path}");
        let forged: Vec<_> =
            fields.iter().map(|(name, value)| (*name, if *name == "csrf" { "x" } else { *value })).collect();
        assert_eq!(vera.post(path, &forged).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let (status, _) = vera.json(Method::PATCH, "/api/v1/vendors/openai", json!({"state": "planned"})).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(vera.get("/api/v1/tasks").await.text, "{\"rows\":[],\"total\":0,\"page\":1,\"limit\":100}");
}

#[tokio::test]
async fn a_vendor_is_assessed_and_its_dossier_tells_of_everything() {
    let mut anna = Visitor::signed_in(Sample::default(), "anna").await;
    record(&anna.state);
    assert!(anna.get("/vendors").await.text.contains("/vendors/openai"));
    let page = anna.get("/vendors/openai").await;
    for words in ["OpenAI", "AIS-0001", "What sources say", "Record an assessment"] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let csrf = page.csrf();
    let undated = [("csrf", &csrf[..]), ("state", "done")];
    assert_eq!(anna.post("/vendors/openai", &undated).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let assessed = [
        ("csrf", &csrf[..]),
        ("state", "done"),
        ("date", "2026-11-01"),
        ("expires", "2026-11-20"),
        ("assessor", "Procurement"),
        ("link", "https://wiki.example/openai"),
    ];
    assert_eq!(anna.post("/vendors/openai", &assessed).await.location(), "/vendors/openai?done=assessed");
    let task = [
        ("csrf", &csrf[..]),
        ("title", "Ask <i>them</i>"),
        ("purpose", "supplier-assessment"),
        ("link_kind", "vendor"),
        ("link_id", "openai"),
        ("due", "2026-11-20"),
        ("back", "//evil.example"),
    ];
    assert_eq!(anna.post("/tasks", &task).await.location(), "/tasks?done=added", "it leads back to us only");
    let document = [
        ("csrf", &csrf[..]),
        ("link_kind", "vendor"),
        ("link_id", "openai"),
        ("kind", "doc"),
        ("title", "Report"),
        ("location", "https://wiki.example/report"),
        ("expires", "2026-11-01"),
        ("back", "/vendors/openai"),
    ];
    assert_eq!(anna.post("/documents", &document).await.location(), "/vendors/openai");
    let page = anna.get("/vendors/openai").await.text;
    for words in ["Procurement", ">expired<", "DOC-0001", "TSK-0001", "Ask &#60;i&#62;them", "overdue"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let page = anna.get("/tasks/TSK-0001").await.text;
    assert!(page.contains("href=\"/vendors/openai\""), "{page}");
    assert_eq!(anna.get("/vendors/nobody-of-this-name").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn programs_read_and_change_the_same() {
    let mut anna = Visitor::signed_in(Sample::default(), "anna").await;
    record(&anna.state);
    let person = number(&anna.state, "anna");
    let list: Value = serde_json::from_str(&anna.get("/api/v1/findings?rule=no-owner").await.text).unwrap();
    assert_eq!((&list["total"], &list["rows"][0]["severity"]), (&json!(1), &json!("medium")));
    let (_, told) = anna
        .json(Method::POST, "/api/v1/findings", json!({"findings": ["FND-0001", "X"], "person": person}))
        .await;
    assert_eq!((&told[0]["changed"], &told[1]["changed"]), (&json!(true), &json!(false)));
    let step = json!({"step": "close", "evidence": "T-1", "version": 1});
    assert_eq!(anna.json(Method::PATCH, "/api/v1/findings/FND-0001", step).await.0, StatusCode::CONFLICT);
    let step = json!({"step": "close", "evidence": "T-1", "version": 2});
    let (status, closed) = anna.json(Method::PATCH, "/api/v1/findings/FND-0001", step).await;
    assert_eq!(
        (status, &closed["state"], &closed["closing"]["evidence"]),
        (StatusCode::OK, &json!("closed"), &json!("T-1"))
    );
    let task =
        json!({"title": "Name an owner", "link_kind": "system", "link_id": "AIS-0001", "assignee": person});
    let (status, task) = anna.json(Method::POST, "/api/v1/tasks", task).await;
    assert_eq!((status, &task["reference"]), (StatusCode::CREATED, &json!("TSK-0001")), "{task}");
    let (status, _) = anna.json(Method::PATCH, "/api/v1/tasks/TSK-0001", json!({"step": "finish"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let counts: Value = serde_json::from_str(&anna.get("/api/v1/work-counts").await.text).unwrap();
    assert_eq!((&counts["open_findings"], &counts["my_tasks"]), (&json!(0), &json!(1)));
    let document = json!({"link_kind": "task", "link_id": "TSK-0001", "kind": "ticket", "title": "T", "location": "T-1"});
    let (status, document) = anna.json(Method::POST, "/api/v1/documents", document).await;
    assert_eq!((status, &document["standing"]), (StatusCode::CREATED, &json!("current")), "{document}");
    let file = Request::post("/api/v1/documents/hash").header(CONTENT_TYPE, "application/octet-stream");
    let hashed = anna.send(file, Body::from("x".repeat(100_000))).await;
    let hashed: Value = serde_json::from_str(&hashed.text).unwrap();
    assert_eq!(hashed["bytes"], 100_000);
    let (status, dossier) =
        anna.json(Method::PATCH, "/api/v1/vendors/openai", json!({"state": "planned"})).await;
    assert_eq!((status, &dossier["assessment"]["state"]), (StatusCode::OK, &json!("planned")));
    assert_eq!(dossier["facts"]["id"], "openai");
}

#[tokio::test]
async fn a_field_takes_a_person_by_name_out_of_any_number_and_names_those_who_fit() {
    let mut anna = Visitor::signed_in(Sample::default(), "anna").await;
    record(&anna.state);
    let page = anna.get("/findings/FND-0001").await.text;
    assert!(page.contains("<option value=\"sven (sven)\">"), "a small directory is offered: {page}");
    for number in 0..250 {
        let details = crate::model::PersonDetails {
            display_name: format!("Person {number}"),
            active: true,
            unit: (number == 7).then_some(1),
            ..crate::model::PersonDetails::default()
        };
        let name = format!("p{number}");
        anna.state.people.add_person(&name, &details, false, &sample::people::nobody()).unwrap().unwrap();
    }
    let page = anna.get("/findings/FND-0001").await;
    assert!(!page.text.contains("<option value=\"sven"), "a large one is not listed: {}", page.text);
    let csrf = page.csrf();
    let assigned =
        |anna: &Visitor| anna.state.governance.finding("FND-0001").unwrap().unwrap().held.body.assignee;
    for (typed, name) in
        [("p249", "p249"), ("Person 123 (p123)", "p123"), ("sven", "sven"), ("person 200", "p200")]
    {
        let sent = [("csrf", &csrf[..]), ("step", "assign"), ("person", typed)];
        let done = anna.post("/findings/FND-0001", &sent).await;
        assert_eq!(done.location(), "/findings/FND-0001?done=step", "{typed}: {}", done.text);
        assert_eq!(assigned(&anna), Some(number(&anna.state, name)), "{typed}");
    }
    let page = anna.get("/findings/FND-0001").await.text;
    assert!(page.contains("value=\"Person 200 (p200)\""), "{page}");
    for (typed, says) in [("person 24", "Person 240 (p240)"), ("zzz", "nobody in the directory is called")] {
        let sent = [("csrf", &csrf[..]), ("step", "assign"), ("person", typed)];
        let refused = anna.post("/findings/FND-0001", &sent).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(refused.text.contains(says), "{typed}: {}", refused.text);
    }
    assert_eq!(assigned(&anna), Some(number(&anna.state, "p200")), "a refusal changes nothing");
    let sent = [("csrf", &csrf[..]), ("step", "assign"), ("person", "")];
    anna.post("/findings/FND-0001", &sent).await;
    assert_eq!(assigned(&anna), None);
}
