//! What the pages do, done by programs: each job once, from end to end.

use serde_json::{Value, json};

use super::refusals::World;
use super::*;

const PASSWORD: &str = "a password of some length";

/// Somebody with a session, who asks for JSON.
async fn program(state: &AppState, name: &str) -> Visitor {
    state.sessions.set_password(name, PASSWORD, &sample::people::nobody()).unwrap();
    let mut visitor = Visitor::to(state.clone());
    visitor.sign_in(name).await;
    visitor.browser = false;
    visitor
}

impl Visitor {
    /// Asks, and expects this status.
    async fn asks(&mut self, method: Method, path: &str, body: Value, status: StatusCode) -> Value {
        let (came, told) = self.sent(method.clone(), &format!("/api/v1{path}"), &body).await;
        assert_eq!(came, status, "{method} {path}: {told}");
        told
    }

    async fn reads(&mut self, path: &str) -> Value {
        self.asks(Method::GET, path, Value::Null, StatusCode::OK).await
    }

    /// Signs in again by the password, as its page does.
    async fn is_fresh(&mut self) {
        self.browser = true;
        let csrf = self.get("/account").await.csrf();
        self.post("/confirm", &[("csrf", &csrf), ("password", PASSWORD), ("next", "/account")]).await;
        self.browser = false;
    }
}

const OK: StatusCode = StatusCode::OK;
const MADE: StatusCode = StatusCode::CREATED;
const DONE: StatusCode = StatusCode::NO_CONTENT;

#[tokio::test]
async fn a_statement_is_written_proposed_signed_by_two_and_taken_away() {
    let state = World::new().visitor.state;
    let (mut sven, mut rita) = (program(&state, "sven").await, program(&state, "rita").await);
    let policy = json!({"version": "1", "title": "AI", "approved_by": "the board", "from": "2026-11-01"});
    sven.asks(Method::POST, "/policies", policy, MADE).await;
    let begun = sven.asks(Method::POST, "/scope/statements", Value::Null, MADE).await;
    assert_eq!((&begun["statement"]["record"]["number"], &begun["signed"]), (&json!(1), &Value::Null));
    sven.asks(Method::POST, "/scope/statements", Value::Null, StatusCode::CONFLICT).await;

    let boundary =
        json!({"organisation": "Example", "activities": "Trade", "text": "All of it", "units": [1]});
    let write = |version: u64| json!({"version": version, "boundary": boundary});
    let path = "/scope/statements/1";
    let written = sven.asks(Method::PUT, path, write(1), OK).await;
    assert_eq!(written["statement"]["record"]["boundary"]["units"], json!([1]));
    let stale = sven.asks(Method::PUT, path, write(1), StatusCode::CONFLICT).await;
    assert_eq!(stale["guard"], "G-VERSION");

    let steps = format!("{path}/steps");
    let step = |word: &str, version: &Value, password: &str| json!({"step": word, "version": version, "password": password});
    let version = |told: &Value| told["statement"]["version"].clone();
    let proposed = sven.asks(Method::POST, &steps, step("propose", &version(&written), ""), OK).await;
    for wrong in ["", "a password of no length"] {
        let refused = step("approve", &version(&proposed), wrong);
        let told = sven.asks(Method::POST, &steps, refused, StatusCode::FORBIDDEN).await;
        assert_eq!(told["guard"], "G-FRESH", "{told}");
    }
    // That somebody signed in again a moment ago is not enough: each signature takes the password.
    sven.is_fresh().await;
    sven.asks(Method::POST, &steps, step("approve", &version(&proposed), ""), StatusCode::FORBIDDEN).await;
    let approved = sven.asks(Method::POST, &steps, step("approve", &version(&proposed), PASSWORD), OK).await;
    assert_eq!(approved["signed"], Value::Null);
    let twice = step("countersign", &version(&approved), PASSWORD);
    sven.asks(Method::POST, &steps, twice.clone(), StatusCode::FORBIDDEN).await;
    let signed = rita.asks(Method::POST, &steps, twice, OK).await;
    assert_eq!(signed["statement"]["record"]["state"], "signed");
    assert_eq!(sven.reads(path).await["signed"], signed["signed"]);
    let file = sven.reads("/export/scope-statements/1/json").await;
    assert_eq!(file["document"], signed["signed"]["document"]);
    assert_eq!(
        (&file["hash"], file["vkey"].is_string()),
        (&signed["signed"]["hash"], true),
        "it verifies by itself"
    );
    let html = sven.get("/api/v1/export/scope-statements/1/html").await;
    assert_eq!(
        (html.status, &html.headers["content-type"]),
        (OK, &"text/html; charset=utf-8".parse().unwrap())
    );
    let pdf = Request::get("/api/v1/export/scope-statements/2/pdf");
    assert_eq!(sven.send(pdf, Body::empty()).await.status, StatusCode::NOT_FOUND);

    sven.asks(Method::POST, "/scope/statements", Value::Null, MADE).await;
    let diff = sven.reads("/scope/diff?from=1&to=2").await;
    assert_eq!((&diff["from"], diff["diff"].is_object()), (&json!(1), true));
    let list = sven.reads("/scope/statements").await;
    assert_eq!(
        (&list["statements"][1]["state"], &list["statements"][0]["number"]),
        (&json!("signed"), &json!(2))
    );
    assert!(sven.reads("/scope/coverage").await["coverage"]["detectors"].is_array());
    assert!(sven.reads("/scope").await["included"].is_array());
}

#[tokio::test]
async fn the_description_says_what_a_statement_is_made_of() {
    let mut sven = program(&World::new().visitor.state, "sven").await;
    let described = sven.reads("/openapi.json").await;
    for (path, method, status) in [
        ("/scope/statements", "post", "201"),
        ("/scope/statements/{number}", "get", "200"),
        ("/scope/statements/{number}", "put", "200"),
        ("/scope/statements/{number}/steps", "post", "200"),
    ] {
        let answer = &described["paths"][format!("/api/v1{path}")][method]["responses"][status];
        let schema = &answer["content"]["application/json"]["schema"]["$ref"];
        assert_eq!(schema, "#/components/schemas/WholeStatement", "{method} {path}");
    }
    let schemas = &described["components"]["schemas"];
    for (schema, field) in [
        ("WholeStatement", "signed"),
        ("StatementBody", "countersigned"),
        ("StatementContent", "undetermined_limit_days"),
        ("ListedRecord", "record_hash"),
        ("StatementCoverage", "expected"),
        ("StatementDiff", "records"),
        ("SignedStatement", "document"),
    ] {
        assert!(schemas[schema]["properties"][field].is_object(), "{schema}.{field}");
    }
}

#[tokio::test]
async fn a_proposed_statement_is_sent_back_with_a_reason() {
    let state = World::new().visitor.state;
    let mut sven = program(&state, "sven").await;
    let policy = json!({"version": "1", "title": "AI", "approved_by": "the board", "from": "2026-11-01"});
    sven.asks(Method::POST, "/policies", policy, MADE).await;
    sven.asks(Method::POST, "/scope/statements", Value::Null, MADE).await;
    let boundary = json!({"organisation": "Example", "activities": "Trade", "text": "All of it"});
    let write = json!({"version": 1, "boundary": boundary});
    sven.asks(Method::PUT, "/scope/statements/1", write, OK).await;
    let steps = "/scope/statements/1/steps";
    sven.asks(Method::POST, steps, json!({"step": "propose", "version": 2}), OK).await;
    let without = json!({"step": "send-back", "version": 3});
    sven.asks(Method::POST, steps, without, StatusCode::UNPROCESSABLE_ENTITY).await;
    let back = json!({"step": "send-back", "version": 3, "reason": "a site is missing"});
    let told = sven.asks(Method::POST, steps, back, OK).await;
    assert_eq!(told["statement"]["record"]["state"], "draft");
    assert_eq!(told["statement"]["record"]["sent_back"]["reason"], "a site is missing");
}

#[tokio::test]
async fn endpoints_are_taken_in_named_listed_and_taken_out() {
    let state = World::new().visitor.state;
    let mut ada = program(&state, "ada").await;
    let list = |preview: bool| json!({"source": "Intune", "as_of": "2026-11-20", "text": "hostname,os\nbox-1,Windows 11\nbox-2,ChromeOS\n", "preview": preview});
    let tried = ada.asks(Method::POST, "/scope/endpoint-lists", list(true), OK).await;
    assert_eq!(
        (&tried["endpoints"], &tried["unsupported"], &tried["taken"]),
        (&json!(2), &json!(1), &json!([]))
    );
    assert_eq!(ada.reads("/scope/endpoint-lists").await["lists"], json!([]));
    let taken = ada.asks(Method::POST, "/scope/endpoint-lists", list(false), OK).await;
    assert_eq!(
        (&taken["taken"][0]["source"], &taken["taken"][0]["as_of"]),
        (&json!("Intune"), &json!("2026-11-20"))
    );
    let bad = json!({"source": "Intune", "text": "nothing\nof this\n"});
    ada.asks(Method::POST, "/scope/endpoint-lists", bad, StatusCode::UNPROCESSABLE_ENTITY).await;

    let named = json!({"hostname": "box-3", "platform": "Linux"});
    let number = ada.asks(Method::POST, "/scope/endpoints", named, MADE).await["number"].clone();
    let nothing = json!({"unit": "Sales"});
    ada.asks(Method::POST, "/scope/endpoints", nothing, StatusCode::UNPROCESSABLE_ENTITY).await;
    let missing = ada.reads("/scope/endpoints?kind=missing&limit=2").await;
    assert_eq!((&missing["total"], missing["rows"].as_array().unwrap().len()), (&json!(3), 2));
    assert_eq!(ada.reads("/scope/endpoints?kind=unsupported").await["rows"][0]["hostname"], "box-2");
    let path = format!("/scope/endpoints/{number}");
    ada.asks(Method::DELETE, &path, Value::Null, DONE).await;
    ada.asks(Method::DELETE, &path, Value::Null, StatusCode::NOT_FOUND).await;
    ada.asks(Method::DELETE, "/scope/endpoint-lists/Intune", Value::Null, DONE).await;
    assert_eq!(ada.reads("/scope/endpoints").await["total"], 0);
    assert_eq!(ada.reads("/scope/coverage").await["percent"], Value::Null);

    // Which machine is which is for who may read about all of them.
    let mut vera = program(&state, "vera").await;
    vera.asks(Method::GET, "/scope/endpoints", Value::Null, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn sites_are_entered_and_changed_on_the_version_that_was_read() {
    let state = World::new().visitor.state;
    let mut anna = program(&state, "anna").await;
    let site = json!({"name": "Berlin", "kind": "site", "place": "Street 1", "sensor": "unknown"});
    let made = anna.asks(Method::POST, "/scope/sites", site, MADE).await;
    let path = format!("/scope/sites/{}", made["record"]["id"].as_str().unwrap());
    let changed = |version: Value| json!({"name": "Berlin", "kind": "network", "sensor": "yes", "closed": true, "version": version});
    let none = anna.asks(Method::PUT, &path, changed(Value::Null), StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(none["missing"], json!(["version"]));
    let told = anna.asks(Method::PUT, &path, changed(json!(1)), OK).await;
    assert_eq!((&told["version"], &told["record"]["kind"]), (&json!(2), &json!("network")));
    let stale = anna.asks(Method::PUT, &path, changed(json!(1)), StatusCode::CONFLICT).await;
    assert_eq!(stale["guard"], "G-VERSION");
    let long = json!({"name": "x".repeat(201), "kind": "site", "sensor": "yes"});
    let told = anna.asks(Method::POST, "/scope/sites", long, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(told["missing"], json!(["name"]));
}

#[tokio::test]
async fn requirements_are_answered_for_and_controls_judged() {
    let state = World::new().visitor.state;
    let mut rita = program(&state, "rita").await;
    let answer = json!({"owner": 5, "note": " the minutes ", "due": "2026-12-24"});
    let told = rita.asks(Method::PUT, "/readiness/R-4.3-b", answer, OK).await;
    assert_eq!(told, json!({"owner": 5, "note": "the minutes", "due": "2026-12-24"}));
    let list = rita.reads("/readiness").await;
    let one = list.as_array().unwrap().iter().find(|one| one["id"] == "R-4.3-b").unwrap();
    assert_eq!((&one["owner"], &one["due"]), (&json!(5), &json!("2026-12-24")));
    rita.asks(Method::PUT, "/readiness/R-4.3-b", json!({"owner": 999}), StatusCode::UNPROCESSABLE_ENTITY)
        .await;
    rita.asks(Method::PUT, "/readiness/R-0", json!({}), StatusCode::NOT_FOUND).await;

    let judged = json!({"applies": "no", "reason": "we make none"});
    rita.asks(Method::PUT, "/controls/A.9.4", judged, DONE).await;
    let empty = json!({"applies": "no", "reason": " "});
    let told = rita.asks(Method::PUT, "/controls/A.9.4", empty, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(told["guard"], "G-REASON");
    let controls = rita.reads("/controls").await;
    let one = controls.as_array().unwrap().iter().find(|one| one["id"] == "A.9.4").unwrap();
    assert_eq!((&one["applies"], &one["reason"]), (&json!("no"), &json!("we make none")));

    // It belongs to no unit: a role for one is not enough, at the page neither.
    let mut ulla = program(&state, "ulla").await;
    let told = ulla.asks(Method::PUT, "/readiness/R-4.3-b", json!({}), StatusCode::FORBIDDEN).await;
    assert_eq!(told["guard"], "G-ACL");
    ulla.browser = true;
    let csrf = ulla.get("/readiness").await.csrf();
    for (path, fields) in [
        ("/readiness/R-4.3-b", [("note", "x"), ("owner", "")]),
        ("/readiness/controls/A.9.4", [("applies", "yes"), ("reason", "x")]),
    ] {
        let fields = [&fields[..], &[("csrf", csrf.as_str())]].concat();
        assert_eq!(ulla.post(path, &fields).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn what_is_set_for_everybody_is_set() {
    let state = World::new().visitor.state;
    let mut ada = program(&state, "ada").await;
    let limits =
        |days: u32| json!({"tolerance_days": days, "review_days": 90, "bulk_records": 10, "reason": "less"});
    let told = ada.asks(Method::PUT, "/limits", limits(30), OK).await;
    assert_eq!((&told, &told["tolerance_days"]), (&ada.reads("/limits").await, &json!(30)));
    ada.asks(Method::PUT, "/limits", limits(0), StatusCode::UNPROCESSABLE_ENTITY).await;
    let days = json!({"low": 20, "medium": 10, "high": 5, "critical": 0});
    assert_eq!(ada.asks(Method::PUT, "/due-days", days.clone(), OK).await, days);
    assert_eq!(ada.reads("/due-days").await, days);
    let long = json!({"low": 731, "medium": 10, "high": 5, "critical": 1});
    ada.asks(Method::PUT, "/due-days", long, StatusCode::UNPROCESSABLE_ENTITY).await;
    let roles = json!({"roles": ["auditor"]});
    assert_eq!(ada.asks(Method::PUT, "/second-factor-roles", roles.clone(), OK).await, roles);
    assert_eq!(ada.reads("/second-factor-roles").await, roles);
    ada.asks(Method::PUT, "/second-factor-roles", json!({"roles": ["king"]}), StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn suspects_are_switched_on_by_two_dismissed_and_restored() {
    let state = World::new().visitor.state;
    let (mut dora, mut paul) = (program(&state, "dora").await, program(&state, "paul").await);
    let step = |word: &str| json!({"step": word});
    let path = "/suspects/setting";
    assert_eq!(dora.asks(Method::POST, path, step("asked"), OK).await["asked_by"], "dora");
    dora.asks(Method::POST, path, step("confirmed"), StatusCode::FORBIDDEN).await;
    let told = paul.asks(Method::POST, path, step("confirmed"), OK).await;
    assert_eq!((&told["state"], &told["confirmed_by"]), (&json!("on"), &json!("paul")));
    let again = paul.asks(Method::POST, path, step("confirmed"), StatusCode::CONFLICT).await;
    assert_eq!(again["guard"], "G-STATE");
    let mut anna = program(&state, "anna").await;
    assert_eq!(anna.reads("/suspects").await["rows"][0]["domain"], "quorbel.ai");
    anna.asks(Method::POST, "/suspects/quorbel.ai/dismiss", json!({"reason": "a game"}), DONE).await;
    assert_eq!(anna.reads("/suspects").await["total"], 0);
    let set_aside = anna.reads("/suspects?dismissed=true").await;
    assert_eq!(set_aside["rows"][0]["dismissed"]["reason"], "a game");
    anna.asks(Method::POST, "/suspects/quorbel.ai/restore", Value::Null, DONE).await;
    anna.asks(Method::POST, "/suspects/quorbel.ai/restore", Value::Null, StatusCode::NOT_FOUND).await;
    assert_eq!(anna.reads(path).await["state"], "on");
}

#[tokio::test]
async fn people_are_added_given_roles_let_in_and_set_aside() {
    let state = World::new().visitor.state;
    let mut mona = program(&state, "mona").await;
    let nina = json!({"name": "nina", "details": {"display_name": "Nina", "manager": 3}});
    let id = mona.asks(Method::POST, "/people", nina.clone(), MADE).await["id"].clone();
    let taken = mona.asks(Method::POST, "/people", nina, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(taken["guard"], "G-FIELDS");
    let path = format!("/people/{id}");
    let changed =
        json!({"details": {"display_name": "Nina N.", "email": "nina@x.example"}, "reason": "married"});
    mona.asks(Method::PUT, &path, changed, OK).await;
    let known = mona.reads(&path).await;
    assert_eq!((&known["display_name"], &known["manager"]), (&json!("Nina N."), &Value::Null));

    let role = json!({"role": "analyst", "unit": 1});
    let told = mona.asks(Method::POST, &format!("{path}/grant"), role.clone(), OK).await;
    assert_eq!(told["roles"], json!([{"role": "analyst", "unit": 1}]));
    let own =
        mona.asks(Method::POST, "/people/9/grant", json!({"role": "analyst"}), StatusCode::FORBIDDEN).await;
    assert_eq!(own["guard"], "G-4EYES");

    let link = format!("{path}/link");
    let stale = mona.asks(Method::POST, &link, Value::Null, StatusCode::FORBIDDEN).await;
    assert!(stale["detail"].as_str().unwrap().contains("G-FRESH"), "{stale}");
    mona.is_fresh().await;
    let made = mona.asks(Method::POST, &link, Value::Null, MADE).await;
    let mut nina = Visitor::to(state.clone());
    let page = nina.get(made["path"].as_str().unwrap()).await;
    nina.post(made["path"].as_str().unwrap(), &[("csrf", &page.csrf())]).await;
    assert_eq!(nina.get("/api/v1/products").await.status, OK);
    mona.asks(Method::DELETE, &format!("{path}/second-factor"), Value::Null, DONE).await;

    mona.asks(Method::POST, &format!("{path}/revoke"), role.clone(), OK).await;
    let twice = mona.asks(Method::POST, &format!("{path}/revoke"), role, StatusCode::CONFLICT).await;
    assert_eq!(twice["guard"], "G-STATE");
    let aside = mona.asks(Method::POST, &format!("{path}/active"), json!({"active": false}), OK).await;
    assert_eq!(aside["active"], false);

    let text = "login,name,email\nolga,Olga,olga@x.example\n";
    let preview = json!({"text": text, "preview": true});
    let told = mona.asks(Method::POST, "/people/import", preview, OK).await;
    assert_eq!((&told["added"], &told["done"]), (&json!(["olga"]), &json!(false)), "{told}");
    assert!(state.people.person_named("olga").unwrap().is_none());
    mona.asks(Method::POST, "/people/import", json!({"text": text}), OK).await;
    assert!(state.people.person_named("olga").unwrap().is_some());

    let unit = mona.asks(Method::POST, "/units", json!({"name": "Mars", "parent": 1}), MADE).await;
    let renamed = json!({"name": "Phobos"});
    let told = mona.asks(Method::PUT, &format!("/units/{}", unit["id"]), renamed, OK).await;
    assert_eq!((&told["name"], &told["parent"]), (&json!("Phobos"), &Value::Null));
    mona.asks(Method::PUT, "/units/999", json!({"name": "x"}), StatusCode::NOT_FOUND).await;
    assert_eq!(mona.reads("/readings").await["total"], 0);
}

/// Who administers one unit reaches nobody of another by the interface for programs either.
#[tokio::test]
async fn an_administrator_of_one_unit_stays_in_it() {
    let state = World::new().visitor.state;
    let by = sample::people::nobody();
    let otto = state.people.person_named("otto").unwrap().unwrap();
    let grant = crate::model::Grant { role: crate::model::Role::Administrator, unit: Some(1) };
    state.people.change_grants(otto.id, crate::model::GrantChange::Grant(grant), &by).unwrap().unwrap();
    let mut otto = program(&state, "otto").await;
    let elsewhere = json!({"name": "nina", "details": {"display_name": "Nina", "unit": 2}});
    otto.asks(Method::POST, "/people", elsewhere, StatusCode::FORBIDDEN).await;
    otto.asks(Method::POST, "/people/4/grant", json!({"role": "analyst", "unit": 1}), StatusCode::FORBIDDEN)
        .await;
    let here = json!({"name": "nina", "details": {"display_name": "Nina", "unit": 1}});
    let id = otto.asks(Method::POST, "/people", here, MADE).await["id"].clone();
    let beyond = json!({"role": "analyst"});
    otto.asks(Method::POST, &format!("/people/{id}/grant"), beyond, StatusCode::FORBIDDEN).await;
    let within = json!({"role": "analyst", "unit": 1});
    otto.asks(Method::POST, &format!("/people/{id}/grant"), within, OK).await;
    otto.asks(Method::POST, "/units", json!({"name": "Mars"}), StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn tokens_are_made_told_once_and_revoked() {
    let state = World::new().visitor.state;
    let mut ada = program(&state, "ada").await;
    let new = json!({"unit": "Sales", "label": "laptops", "max_uses": 5, "days": 7});
    let made = ada.asks(Method::POST, "/tokens", new, MADE).await;
    let secret = made["secret"].as_str().unwrap();
    assert!(made["command"].as_str().unwrap().ends_with(secret));
    assert!(!ada.reads("/tokens").await.to_string().contains(secret));
    let path = format!("/tokens/{}/revoke", made["token"]["id"].as_str().unwrap());
    ada.asks(Method::POST, &path, Value::Null, DONE).await;
    assert_eq!(ada.reads("/tokens").await[0]["state"], "revoked");
    let odd = json!({"unit": "Sales", "max_uses": 5, "days": 8});
    ada.asks(Method::POST, "/tokens", odd, StatusCode::UNPROCESSABLE_ENTITY).await;

    let new = json!({"label": "dashboard", "scopes": ["read-inventory", "read-inventory"], "days": 30});
    ada.asks(Method::POST, "/api-tokens", new.clone(), StatusCode::FORBIDDEN).await;
    ada.is_fresh().await;
    let made = ada.asks(Method::POST, "/api-tokens", new, MADE).await;
    assert_eq!(made["token"]["scopes"], json!(["read-inventory"]));
    let bearer = format!("Bearer {}", made["secret"].as_str().unwrap());
    let mut dashboard = Visitor::to(state.clone());
    let request = || Request::get("/api/v1/products").header("authorization", &bearer);
    assert_eq!(dashboard.send(request(), Body::empty()).await.status, OK);
    let path = format!("/api-tokens/{}/revoke", made["token"]["id"].as_str().unwrap());
    ada.asks(Method::POST, &path, Value::Null, DONE).await;
    assert_eq!(dashboard.send(request(), Body::empty()).await.status, StatusCode::UNAUTHORIZED);
    let king = json!({"label": "x", "scopes": ["everything"], "days": 30});
    ada.asks(Method::POST, "/api-tokens", king, StatusCode::BAD_REQUEST).await;
}

#[tokio::test]
async fn own_rules_are_checked_and_published() {
    let state = World::new().visitor.state;
    let mut anna = program(&state, "anna").await;
    let wrong = anna.asks(Method::POST, "/own-rules/check", json!({"text": "[[rule"}), OK).await;
    assert!(!wrong["errors"].as_array().unwrap().is_empty(), "{wrong}");
    let after = anna.reads("/own-rules").await["newest"]["number"].as_u64().unwrap_or(0);
    let publish = |text: &str, after: u64| json!({"text": text, "note": "ours", "after": after});
    let path = "/own-rules/versions";
    let told =
        anna.asks(Method::POST, path, publish("[[rule", after), StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(told["guard"], "G-FIELDS");
    let text = "[[product]]\nid = \"own.house-chat\"\nname = \"House chat\"\nkind = \"service\"\ncategory = \"assistant\"\n\
        description = \"The assistant that IT runs.\"\n\n[[rule]]\nid = \"own.house-chat.web\"\nproduct = \"own.house-chat\"\n\
        confidence = \"high\"\nnote = \"Runs in our own data centre.\"\nexact = [\"llm.intranet.example\"]\n\
        examples = [\"llm.intranet.example\"]\n";
    let checked = anna.asks(Method::POST, "/own-rules/check", json!({"text": text}), OK).await;
    assert_eq!(checked["errors"], json!([]));
    let told = anna.asks(Method::POST, path, publish(text, after), MADE).await;
    assert_eq!(told["number"], after + 1);
    let told = anna.asks(Method::POST, path, publish(text, after), StatusCode::CONFLICT).await;
    assert_eq!(told["guard"], "G-VERSION");
}

#[tokio::test]
async fn what_cannot_be_read_is_told_of() {
    let state = World::new().visitor.state;
    let mut ada = program(&state, "ada").await;
    for (body, says, status) in [
        (json!({"low": 1}), "missing field `medium`", StatusCode::UNPROCESSABLE_ENTITY),
        (
            json!({"low": 1, "medium": 1, "high": 1, "critical": 1, "x": 1}),
            "unknown field `x`",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (json!([1]), "Nothing was changed", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let told = ada.asks(Method::PUT, "/due-days", body, status).await;
        assert!(told["detail"].as_str().unwrap().contains(says), "{told}");
    }
    for (query, says) in [
        ("page=0", "page=0"),
        ("page=x", "page"),
        ("limit=501", "limit=501"),
        ("page=", "the parameter page has no value"),
        ("page=1&page=2", "duplicate field"),
    ] {
        let told =
            ada.asks(Method::GET, &format!("/products?{query}"), Value::Null, StatusCode::BAD_REQUEST).await;
        assert!(told["detail"].as_str().unwrap().contains(says), "{query}: {told}");
    }
}

#[tokio::test]
async fn no_export_is_begun_by_a_link_of_another_site() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    for path in ["/export/json", "/api/v1/export/csv", "/export/scope-json"] {
        for site in ["cross-site", "same-site"] {
            let answer = ada.send(Request::get(path).header("sec-fetch-site", site), Body::empty()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {site}");
            assert!(
                answer.text.contains("each export leaves an entry in the audit trail"),
                "{}",
                answer.text
            );
        }
    }
    for site in ["same-origin", "none"] {
        let own = Request::get("/export/json").header("sec-fetch-site", site);
        assert_eq!(ada.send(own, Body::empty()).await.status, OK, "{site}");
    }
    // The list of exports writes nothing: a link may lead there.
    let list = Request::get("/export").header("sec-fetch-site", "cross-site");
    assert_eq!(ada.send(list, Body::empty()).await.status, OK);
}
