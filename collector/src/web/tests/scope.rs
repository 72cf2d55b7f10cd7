//! The scope at its pages: a statement is written, signed by two people and taken away; what is refused says why.

use super::*;
use crate::audit::VerifyingKey;
use crate::model::governed::{Act, Actor};
use crate::model::policy::Policy;
use crate::model::record::{AiSystem, SystemKind};
use crate::model::{Grant, Grants, Role};
use crate::review::{Move, Who};
use crate::scope;

const PASSWORD: &str = "a password of some length";

/// Somebody who signed in, and has a password for when it is asked again.
async fn with_password(state: &AppState, name: &str) -> Visitor {
    state.sessions.set_password(name, PASSWORD, &sample::people::nobody()).unwrap();
    let mut visitor = Visitor::to(state.clone());
    visitor.sign_in(name).await;
    visitor
}

fn number(state: &AppState, name: &str) -> i64 {
    state.people.person_named(name).unwrap().unwrap().id
}

fn act(person: i64) -> Act {
    Act::by(Actor::Person(person), sample::NOW_MS).because("because it is so")
}

/// A record by hand that is in scope, and a policy.
fn ready(state: &AppState) -> String {
    let today = umbrascope_api::Day::from_unix_ms(sample::NOW_MS);
    let policy = Policy {
        version: "2026-1".into(),
        title: "Use of AI".into(),
        link: None,
        sha256: None,
        approved_by: "the board".into(),
        from: today.back(10),
        until: None,
    };
    let anna = number(state, "anna");
    state.governance.add_policy(policy, act(anna)).unwrap().unwrap();
    let all = |role| Grants(vec![Grant { role, unit: None }]);
    let analyst = Who { person: anna, grants: all(Role::Analyst), ..Who::default() };
    let system = AiSystem {
        name: format!("Letters {HOSTILE}").chars().take(150).collect(),
        kind: SystemKind::InternalSystem,
        ..AiSystem::default()
    };
    let id = state.governance.add_system(system, &analyst, act(anna)).unwrap().unwrap().body.id;
    let edits = [("org_roles", serde_json::json!(["customer-user"])), ("org_units", serde_json::json!([1]))];
    let edits = edits.map(|(name, value)| (name.to_owned(), value)).to_vec();
    state.governance.move_system(&id, Move::Edit(edits), analyst, act(anna)).unwrap().unwrap().unwrap();
    id
}

async fn written(sven: &mut Visitor) {
    let csrf = sven.get("/scope").await.csrf();
    let begun = sven.post("/scope/draft", &[("csrf", &csrf), ("do", "begin")]).await;
    assert_eq!(begun.location(), "/scope/draft?done=begun");
    let page = sven.get("/scope/draft").await;
    let version = page.text.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = [
        ("csrf", csrf.as_str()),
        ("version", version),
        ("organisation", "Example 漢字"),
        ("activities", "Trade"),
        ("text", "Line one\r\nline two"),
        ("unit", "1"),
        ("unit", "2"),
        ("role", "customer-user"),
        ("do", "propose"),
    ];
    let proposed = sven.post("/scope/draft", &fields).await;
    assert_eq!(proposed.location(), "/scope/1?done=proposed", "{}", proposed.text);
}

fn version(page: &str) -> String {
    page.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

async fn signs(visitor: &mut Visitor, word: &str, password: &str) -> Answer {
    let page = visitor.get("/scope/1").await;
    let (csrf, version) = (page.csrf(), version(&page.text));
    let fields = [("csrf", csrf.as_str()), ("version", version.as_str()), ("password", password)];
    visitor.post(&format!("/scope/1/{word}"), &fields).await
}

#[tokio::test]
async fn a_statement_is_written_signed_by_two_people_and_taken_away() {
    let state = sample::state(Sample::default());
    ready(&state);
    let mut sven = with_password(&state, "sven").await;
    let mut rita = with_password(&state, "rita").await;
    written(&mut sven).await;
    for path in ["/export/scope-json?statement=1", "/export/scope-pdf", "/scope/9", "/scope/x"] {
        assert_eq!(sven.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let page = sven.get("/scope/1").await;
    for words in ["line two", "unknown", "no personal signature", "waits for two signatures", "Send it back"]
    {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert!(!page.written().contains("<script") && !page.text.contains('\u{202E}'), "{}", page.text);

    let wrong = signs(&mut sven, "approve", "a wrong one").await;
    assert!(wrong.text.contains("G-FRESH"), "{}", wrong.text);
    assert_eq!(signs(&mut sven, "approve", PASSWORD).await.location(), "/scope/1?done=approve");
    assert_eq!(signs(&mut rita, "countersign", PASSWORD).await.location(), "/scope/1?done=countersign");
    let page = rita.get("/scope/1").await.text;
    assert!(page.contains("Signed and in force") && !page.contains("Send it back"), "{page}");

    let file = rita.get("/export/scope-json?statement=1").await;
    let vkey: VerifyingKey = state.notary.keys().vkey().clone();
    let verified = scope::verify(&file.text, &[vkey]).unwrap();
    assert_eq!(verified.document.content.boundary.text, "Line one\nline two");
    assert_eq!(verified.document.content.units.len(), 2);
    assert!(page.contains(&verified.hash), "the page has the same hash");
    let html = rita.get("/export/scope-html?statement=1").await;
    assert!(html.headers["content-disposition"].to_str().unwrap().contains("scope-statement-1.html"));
    assert!(html.text.contains(&verified.hash) && html.text.contains("Example 漢字"), "{}", html.text);
    assert!(!html.text.contains("<script") && !html.text.contains('\u{202E}'));
    let trail = state.governance.trail(&crate::model::governed::TrailFilter::default(), Default::default());
    assert!(trail.unwrap().rows.iter().filter(|row| row.action == "export.make").count() >= 2);
    let list = rita.get("/scope").await.text;
    assert!(list.contains("Statement 1") && list.contains("signed"), "{list}");
    let diff = rita.get("/scope/diff?from=1&to=1").await.text;
    assert!(diff.contains("Changes of records (0)"), "{diff}");
    let api: serde_json::Value =
        serde_json::from_str(&rita.get("/api/v1/scope/statements/1").await.text).unwrap();
    assert_eq!(api["signed"]["hash"], verified.hash.as_str());
    let coverage: serde_json::Value =
        serde_json::from_str(&rita.get("/api/v1/scope/coverage").await.text).unwrap();
    assert_eq!(coverage["percent"], serde_json::Value::Null);
    for path in [
        "/api/v1/scope",
        "/api/v1/scope/sites",
        "/api/v1/scope/endpoint-lists",
        "/api/v1/scope/diff?from=1&to=1",
    ] {
        assert_eq!(rita.get(path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn the_pdf_has_the_hash_and_the_signed_json_in_it() {
    let state = sample::state(Sample::default());
    ready(&state);
    let mut sven = with_password(&state, "sven").await;
    let mut rita = with_password(&state, "rita").await;
    written(&mut sven).await;
    signs(&mut sven, "approve", PASSWORD).await;
    signs(&mut rita, "countersign", PASSWORD).await;
    let statement = state.governance.statement(1).unwrap().unwrap().body;
    let sheet = scope::sheet(&statement, None, false, &scope::Names::default());
    let vkey = state.notary.keys().vkey().to_string();
    let pdf = crate::export::scope::write(crate::export::scope::ScopeFormat::Pdf, &statement, &sheet, &vkey);
    let pdf = pdf.unwrap().unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    let has = |words: &[u8]| pdf.windows(words.len()).any(|part| part == words);
    // The description in the metadata is not compressed.
    assert!(has(statement.seal.unwrap().hash.as_bytes()) && has(b"scope-statement.json"));
}

#[tokio::test]
async fn every_refusal_at_the_pages_says_which_guard() {
    let state = sample::state(Sample::default());
    let system = ready(&state);
    let mut ada = with_password(&state, "ada").await;
    let mut sven = with_password(&state, "sven").await;
    let mut vera = Visitor::to(state.clone());
    vera.sign_in("vera").await;
    let csrf = vera.get("/scope").await.csrf();
    let begin = vera.post("/scope/draft", &[("csrf", &csrf), ("do", "begin")]).await;
    assert!(begin.text.contains("G-ROLE"), "{}", begin.text);
    assert_eq!(vera.get("/scope/draft").await.status, StatusCode::FORBIDDEN);
    for path in
        ["/scope/endpoints/import", "/scope/endpoints/add", "/scope/sites", "/scope/endpoints/withdraw"]
    {
        let fields = [
            ("csrf", csrf.as_str()),
            ("source", "x"),
            ("text", "hostname\na\n"),
            ("do", "import"),
            ("hostname", "a"),
            ("name", "a"),
            ("kind", "site"),
            ("sensor", "no"),
        ];
        assert_eq!(vera.post(path, &fields).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let guess = sven.post("/scope/draft", &[("csrf", "guess"), ("do", "begin")]).await;
    assert_eq!(guess.status, StatusCode::FORBIDDEN);

    written(&mut sven).await;
    // The same person in both roles.
    assert_eq!(signs(&mut ada, "approve", PASSWORD).await.location(), "/scope/1?done=approve");
    let twice = signs(&mut ada, "countersign", PASSWORD).await;
    assert!(twice.text.contains("G-4EYES"), "{}", twice.text);
    let wrong_role = signs(&mut sven, "countersign", PASSWORD).await;
    assert!(wrong_role.text.contains("G-ROLE"), "{}", wrong_role.text);

    // A record that is in scope and changed since: it goes back first.
    let owner = Who {
        person: number(&state, "sven"),
        grants: Grants(vec![Grant { role: Role::ScopeOwner, unit: None }]),
        ..Who::default()
    };
    let refused =
        state.governance.move_system(&system, Move::ScopeIn { justification: None }, owner, act(1)).unwrap();
    assert_eq!(refused.unwrap().unwrap_err().guard.as_str(), "G-FROZEN");
    let page = ada.get("/scope/1").await;
    let (csrf, version) = (page.csrf(), version(&page.text));
    let silent = [("csrf", csrf.as_str()), ("version", version.as_str()), ("reason", " ")];
    assert!(ada.post("/scope/1/send-back", &silent).await.text.contains("G-REASON"));
    let old = [("csrf", csrf.as_str()), ("version", "1"), ("reason", "again")];
    assert!(ada.post("/scope/1/send-back", &old).await.text.contains("G-VERSION"));
    let back = [("csrf", csrf.as_str()), ("version", version.as_str()), ("reason", "Units are missing")];
    assert_eq!(ada.post("/scope/1/send-back", &back).await.location(), "/scope?done=sent-back");
    assert!(sven.get("/scope/draft").await.text.contains("Units are missing"));
}

#[tokio::test]
async fn endpoints_and_sites_are_entered_by_who_may() {
    let state = sample::state(Sample::default());
    let mut dora = Visitor::to(state.clone());
    dora.sign_in("dora").await;
    let csrf = dora.get("/scope/endpoints").await.csrf();
    let list = |wanted: &'static str, text: &'static str| {
        [("source", "Intune"), ("as_of", "2026-11-20"), ("text", text), ("do", wanted)]
    };
    let fields =
        [list("try", "Device name,OS\r\npc-1,Windows\r\ntab,iOS\r\n").as_slice(), &[("csrf", csrf.as_str())]]
            .concat();
    let trial = dora.post("/scope/endpoints/import", &fields).await.text;
    assert!(trial.contains("It names 2 endpoints") && trial.contains("hostname from Device name"), "{trial}");
    assert!(state.governance.endpoint_lists().unwrap().is_empty(), "a trial takes nothing in");
    let fields = [list("import", "hostname\n\u{1}\n").as_slice(), &[("csrf", csrf.as_str())]].concat();
    let bad = dora.post("/scope/endpoints/import", &fields).await.text;
    assert!(bad.contains("Nothing was taken in") && bad.contains("line 2: its hostname"), "{bad}");
    let fields = [
        list("import", "Device name,OS\r\npc-1,Windows\r\ntab,iOS\r\n").as_slice(),
        &[("csrf", csrf.as_str())],
    ]
    .concat();
    assert_eq!(
        dora.post("/scope/endpoints/import", &fields).await.location(),
        "/scope/endpoints?done=imported"
    );
    let page = dora.get("/scope/endpoints").await.text;
    for words in ["Intune of 2026-11-20 (2)", "0 %", "pc-1", "never enrolled"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let hand = [("csrf", csrf.as_str()), ("hostname", "by-hand-1")];
    assert_eq!(dora.post("/scope/endpoints/add", &hand).await.location(), "/scope/endpoints?done=added");
    let page = dora.get("/scope/endpoints?kind=expected").await.text;
    let place = page.split("action=\"/scope/endpoints/").find(|part| part.contains("/remove\"")).unwrap();
    let place = format!("/scope/endpoints/{}", place.split('"').next().unwrap());
    assert_eq!(dora.post(&place, &[("csrf", &csrf)]).await.location(), "/scope/endpoints?done=removed");
    let gone = [("csrf", csrf.as_str()), ("source", "Intune")];
    assert_eq!(
        dora.post("/scope/endpoints/withdraw", &gone).await.location(),
        "/scope/endpoints?done=withdrawn"
    );

    let mut anna = Visitor::to(state);
    anna.sign_in("anna").await;
    let csrf = anna.get("/scope/sites").await.csrf();
    let site = [("csrf", csrf.as_str()), ("name", "Works"), ("kind", "site"), ("sensor", "no")];
    assert_eq!(anna.post("/scope/sites", &site).await.location(), "/scope/sites?done=entered");
    let page = anna.get("/scope/sites").await.text;
    let change =
        [("csrf", csrf.as_str()), ("name", "Works"), ("kind", "site"), ("sensor", "yes"), ("version", "1")];
    assert!(page.contains("Works"), "{page}");
    assert_eq!(anna.post("/scope/sites/S-1", &change).await.location(), "/scope/sites?done=changed");
    assert!(anna.post("/scope/sites/S-1", &change).await.text.contains("G-VERSION"));
    assert_eq!(anna.post("/scope/sites/S-9", &change).await.status, StatusCode::NOT_FOUND);
}
