//! Emergency access at the pages and as JSON: who may take a role, what it opens, when it ends, and that it is reported.

use serde_json::{Value, json};

use super::record::prepare;
use super::*;
use crate::clock::Clock;

const WHY: &str = "Both reviewers are ill, and a tool leaks";
const HOUR_MS: i64 = 3_600_000;

/// The same session at a time.
fn at(visitor: &Visitor, now_ms: i64) -> Visitor {
    let cookies = visitor.cookies.clone();
    Visitor {
        cookies,
        ..Visitor::to(AppState { clock: Clock::new(move || now_ms), ..visitor.state.clone() })
    }
}

/// An administrator who proved a moment ago to be there.
async fn fresh(at: &Visitor) -> Visitor {
    at.state.sessions.set_password("mona", "of her own choice", &sample::people::nobody()).unwrap();
    let mut mona = at.another("mona").await;
    let csrf = mona.get("/account").await.csrf();
    let again = [("csrf", csrf.as_str()), ("password", "of her own choice"), ("next", "/emergency")];
    assert_eq!(mona.post("/confirm", &again).await.location(), "/emergency");
    mona
}

async fn take(visitor: &mut Visitor, role: &str, reason: &str) -> Answer {
    let csrf = visitor.get("/account").await.csrf();
    let sent = [("csrf", csrf.as_str()), ("role", role), ("hours", "2"), ("reason", reason)];
    visitor.post("/emergency", &sent).await
}

async fn post(visitor: &mut Visitor, path: &str, body: &Value) -> Answer {
    let request = Request::post(path.to_owned())
        .header(CONTENT_TYPE, "application/json")
        .header("sec-fetch-site", "same-origin");
    visitor.send(request, Body::from(body.to_string())).await
}

/// Something waits for a reviewer.
async fn asked() -> Visitor {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    prepare(&mut anna, "AIS-0001").await;
    let fields = [("conditions", "no personal data"), ("expires_on", "2026-12-24"), ("reason", "r")];
    assert_eq!(anna.moves("AIS-0001", "request-tolerance", &fields).await.status, StatusCode::SEE_OTHER);
    anna
}

#[tokio::test]
async fn an_administrator_who_signed_in_again_decides_for_some_hours_and_it_is_reported() {
    let anna = asked().await;
    let mut mona = anna.another("mona").await;
    assert_eq!(mona.moves("AIS-0001", "approve", &[("reason", "yes")]).await.status, StatusCode::FORBIDDEN);
    let page = mona.get("/emergency").await.text;
    assert!(
        page.contains("Sign in again") && !page.contains("Take the role"),
        "nothing is typed in vain: {page}"
    );
    let sent_away = take(&mut mona, "reviewer", WHY).await;
    assert!(sent_away.location().starts_with("/confirm?next="), "{}", sent_away.location());

    let mut mona = fresh(&anna).await;
    let short = take(&mut mona, "reviewer", "why").await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(short.text.contains("G-JUSTIFY") && short.text.contains(">why</textarea>"), "{}", short.text);
    let never = take(&mut mona, "privacy-officer", WHY).await;
    assert_eq!(never.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", never.text);
    assert_eq!(take(&mut mona, "reviewer", WHY).await.location(), "/emergency?done=take");
    let home = mona.get("/account").await.text;
    assert!(home.contains("You act as reviewer; it ends"), "every page says so: {home}");
    assert_eq!(take(&mut mona, "analyst", WHY).await.status, StatusCode::CONFLICT, "one at a time");
    assert_eq!(mona.moves("AIS-0001", "approve", &[("reason", "yes")]).await.status, StatusCode::SEE_OTHER);

    let mut wim = mona.another("wim").await;
    let told = wim.get("/start/privacy").await.text;
    assert!(told.contains("1\u{A0}emergency role to be seen by you"), "{told}");
    assert!(told.contains("one lasts"), "{told}");
    let page = wim.get("/emergency").await;
    assert!(page.text.contains(WHY) && page.text.contains("approved: 1"), "{}", page.text);
    assert!(!page.text.contains("Take the role") && page.text.contains("nobody yet"));
    let csrf = page.csrf();
    assert_eq!(wim.post("/emergency/seen", &[("csrf", &csrf)]).await.location(), "/emergency?done=seen");
    let page = wim.get("/emergency").await.text;
    assert!(!page.contains("nobody yet") && !page.contains("I have seen them"), "{page}");
    assert!(!wim.get("/start/privacy").await.text.contains("to be seen by you"));
    assert!(mona.another("paul").await.get("/privacy").await.text.contains("to be seen by you"));
}

#[tokio::test]
async fn it_ends_by_itself_or_by_hand() {
    let anna = asked().await;
    let mut mona = fresh(&anna).await;
    assert_eq!(take(&mut mona, "reviewer", WHY).await.status, StatusCode::SEE_OTHER);
    let mut over = at(&mona, sample::NOW_MS + 2 * HOUR_MS);
    assert_eq!(over.moves("AIS-0001", "approve", &[("reason", "yes")]).await.status, StatusCode::FORBIDDEN);
    assert!(!over.get("/account").await.text.contains("You act as"));

    let mut before = at(&mona, sample::NOW_MS + HOUR_MS);
    let csrf = before.get("/account").await.csrf();
    let mut anna = anna;
    let hers = anna.get("/account").await.csrf();
    assert_eq!(
        anna.post("/emergency/EMA-000001/end", &[("csrf", &hers)]).await.status,
        StatusCode::FORBIDDEN
    );
    let ended = before.post("/emergency/EMA-000001/end", &[("csrf", &csrf)]).await;
    assert_eq!(ended.location(), "/emergency?done=end");
    assert_eq!(before.moves("AIS-0001", "approve", &[("reason", "yes")]).await.status, StatusCode::FORBIDDEN);
    let again = before.post("/emergency/EMA-000001/end", &[("csrf", &csrf)]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(
        before.post("/emergency/EMA-000009/end", &[("csrf", &csrf)]).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_takes_two_people_still_takes_two() {
    let anna = asked().await;
    let mut mona = fresh(&anna).await;
    assert_eq!(take(&mut mona, "analyst", WHY).await.status, StatusCode::SEE_OTHER);
    prepare(&mut mona, "AIS-0002").await;
    let fields = [("conditions", "none"), ("expires_on", "2026-12-24"), ("reason", "r")];
    assert_eq!(mona.moves("AIS-0002", "request-tolerance", &fields).await.status, StatusCode::SEE_OTHER);
    let csrf = mona.get("/account").await.csrf();
    mona.post("/emergency/EMA-000001/end", &[("csrf", &csrf)]).await;
    assert_eq!(take(&mut mona, "reviewer", WHY).await.status, StatusCode::SEE_OTHER);
    let own = mona.moves("AIS-0002", "approve", &[("reason", "yes")]).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN);
    assert!(own.text.contains("G-4EYES"), "{}", own.text);
}

#[tokio::test]
async fn programs_read_of_it_and_take_nothing_by_a_token() {
    let anna = asked().await;
    let mut mona = fresh(&anna).await;
    let body = json!({ "role": "scope-owner", "hours": 1, "reason": WHY });
    let taken = post(&mut mona, "/api/v1/emergencies", &body).await;
    assert_eq!(taken.status, StatusCode::CREATED, "{}", taken.text);
    let list: Value = serde_json::from_str(&mona.get("/api/v1/emergencies").await.text).unwrap();
    let row = &list["rows"][0];
    assert_eq!(
        (&row["id"], &row["role"], &row["lasts"]),
        (&"EMA-000001".into(), &"scope-owner".into(), &true.into())
    );
    assert_eq!(row["seen"], json!([]));
    let ended = post(&mut mona, "/api/v1/emergencies/EMA-000001/end", &json!({})).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.text);
    let refused = post(&mut mona.another("rita").await, "/api/v1/emergencies", &body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    assert!(refused.text.contains("administrators of the whole organisation"), "{}", refused.text);
    assert_eq!(mona.another("anna").await.get("/api/v1/emergencies").await.status, StatusCode::FORBIDDEN);
}
