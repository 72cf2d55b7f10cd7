//! A sign-in link that an administrator made does not make a second person.

use super::record::prepare;
use super::*;
use crate::clock::Clock;
use crate::model::By;
use crate::review::{LET_IN_MS, LINK_OF_MS};

/// Somebody who comes in by a link that `maker` made, at a time.
async fn let_in(at: &Visitor, name: &str, maker: &str, now_ms: i64) -> Visitor {
    let mut visitor = Visitor::to(AppState { clock: Clock::new(move || now_ms), ..at.state.clone() });
    let by =
        By { person: Some(at.person(maker)), name: maker.to_owned(), reason: String::new(), at_ms: now_ms };
    let link = format!("/sign-in/link/{}", visitor.state.sessions.new_link(name, &by).unwrap().unwrap());
    let csrf = visitor.get(&link).await.csrf();
    assert_eq!(visitor.post(&link, &[("csrf", &csrf)]).await.status, StatusCode::SEE_OTHER);
    visitor
}

/// The same session, later.
fn later(visitor: &Visitor, now_ms: i64) -> Visitor {
    let cookies = visitor.cookies.clone();
    Visitor {
        cookies,
        ..Visitor::to(AppState { clock: Clock::new(move || now_ms), ..visitor.state.clone() })
    }
}

async fn asked() -> Visitor {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    prepare(&mut anna, "AIS-0001").await;
    let fields = [("conditions", "no personal data"), ("expires_on", "2026-12-24"), ("reason", "r")];
    assert_eq!(anna.moves("AIS-0001", "request-tolerance", &fields).await.status, StatusCode::SEE_OTHER);
    anna
}

#[tokio::test]
async fn whoever_comes_by_an_administrators_link_approves_nothing_and_is_told_what_to_do() {
    let anna = asked().await;
    let mut rita = let_in(&anna, "rita", "mona", sample::NOW_MS).await;
    let page = rita.get("/inventory/AIS-0001").await.text;
    assert!(page.contains("sign in with your own password"), "the page says why it cannot be done: {page}");
    let refused = rita.moves("AIS-0001", "approve", &[("reason", "yes")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        refused.text.contains("somebody else made") && refused.text.contains("G-4EYES"),
        "{}",
        refused.text
    );
    let account = rita.get("/account").await.text;
    assert!(account.contains("You came in by a sign-in link that somebody else made"), "{account}");
    // A password set in that session is no proof on the day of the link.
    let csrf = rita.get("/password").await.csrf();
    let password = [("csrf", csrf.as_str()), ("password", "twelve or more"), ("again", "twelve or more")];
    assert_eq!(rita.post("/password", &password).await.status, StatusCode::SEE_OTHER);
    let refused = rita.moves("AIS-0001", "approve", &[("reason", "yes")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("until 2026-11-22 14:04 UTC"), "{}", refused.text);
    // What does not take two, she does.
    assert_eq!(rita.moves("AIS-0002", "triage", &[]).await.status, StatusCode::SEE_OTHER);
    let mut after =
        Visitor::to(AppState { clock: Clock::new(|| sample::NOW_MS + LET_IN_MS), ..rita.state.clone() });
    let csrf = after.get("/sign-in").await.csrf();
    let sent = [("csrf", csrf.as_str()), ("name", "rita"), ("password", "twelve or more")];
    assert_eq!(after.post("/sign-in", &sent).await.status, StatusCode::SEE_OTHER);
    assert_eq!(after.moves("AIS-0001", "approve", &[("reason", "yes")]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_of_a_link_stays_one_until_its_person_proves_to_be_there() {
    let anna = asked().await;
    let by = sample::people::nobody();
    anna.state.sessions.set_password("rita", "of her own choice", &by).unwrap();
    let mut used = let_in(&anna, "rita", "mona", sample::NOW_MS).await;
    for hours in [6, 12, 18, 24, 30] {
        used = later(&used, sample::NOW_MS + hours * 3_600_000);
        assert_eq!(used.get("/account").await.status, StatusCode::OK, "{hours}");
    }
    let refused = used.moves("AIS-0001", "approve", &[("reason", "yes")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "a day is over, and nobody proved anything");
    let csrf = used.get("/account").await.csrf();
    let again = [("csrf", csrf.as_str()), ("password", "of her own choice"), ("next", "/review")];
    assert_eq!(used.post("/confirm", &again).await.location(), "/review");
    assert_eq!(used.moves("AIS-0001", "approve", &[("reason", "yes")]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn nobody_approves_what_was_asked_for_with_a_link_of_their_own_making() {
    let plain = Visitor::signed_in(Sample::with_records(), "anna").await;
    let mut anna = let_in(&plain, "anna", "ada", sample::NOW_MS).await;
    prepare(&mut anna, "AIS-0001").await;
    let fields = [("conditions", "no personal data"), ("expires_on", "2026-12-24"), ("reason", "r")];
    assert_eq!(anna.moves("AIS-0001", "request-tolerance", &fields).await.status, StatusCode::SEE_OTHER);
    let mut ada = anna.another("ada").await;
    let refused = ada.moves("AIS-0001", "approve", &[("reason", "yes")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("a third person has to"), "{}", refused.text);
    const { assert!(LINK_OF_MS >= LET_IN_MS) };
    let mut rita = anna.another("rita").await;
    assert_eq!(rita.moves("AIS-0001", "approve", &[("reason", "yes")]).await.status, StatusCode::SEE_OTHER);
}
