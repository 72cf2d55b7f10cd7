//! Campaigns at their pages: started, answered with each answer, refused, closed.

use super::*;
use crate::model::Sight;
use crate::model::campaign::{RowFilter, RowState};
use crate::model::governed::{Act, Actor};
use crate::model::record::{AiSystem, Wish};
use crate::model::{Grant, Grants, PageRequest, PersonDetails, Role};
use crate::review::{Move, Who};

/// Somebody who runs a campaign, and three records of otto's, who holds no role.
async fn asked() -> (Visitor, Vec<String>) {
    let mut visitor = Visitor::new(Sample::default());
    let otto = number(&visitor, "otto");
    let anna = number(&visitor, "anna");
    let mut ids = Vec::new();
    for name in ["Drafting", HOSTILE, "Tickets"] {
        let system = AiSystem {
            name: name.into(),
            system_owner: Some(otto),
            org_units: [1].into(),
            labels: ["asked".to_owned()].into(),
            embedded_in: Some("campaign".into()),
            risk_tier: crate::model::record::Tier::High,
            ..AiSystem::default()
        };
        let who = Who {
            person: anna,
            grants: Grants(vec![Grant { role: Role::Analyst, unit: None }]),
            ..Who::default()
        };
        let act = Act::by(Actor::Person(anna), sample::NOW_MS);
        ids.push(visitor.state.governance.add_system(system, &who, act).unwrap().unwrap().body.id);
    }
    visitor.sign_in("anna").await;
    let form = visitor.get(NEW).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.text);
    assert!(form.text.contains("Start: ask about 3\u{A0}records"), "{}", form.text);
    let fields = hidden(&form.text, "previewed");
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    let started = visitor.post("/campaigns/new", &fields).await;
    assert_eq!(
        (started.status, started.location()),
        (StatusCode::SEE_OTHER, "/campaigns/CAM-0001?done=started")
    );
    visitor.sign_in("otto").await;
    (visitor, ids)
}

const NEW: &str = "/campaigns/new?title=Spring&tier=high&mode=differential&look=yes";

fn number(visitor: &Visitor, name: &str) -> i64 {
    visitor.state.people.person_named(name).unwrap().unwrap().id
}

/// The hidden fields of the form that has one of this name.
fn hidden(page: &str, of: &str) -> Vec<(String, String)> {
    let form = page.split("<form").find(|form| form.contains(&format!("name=\"{of}\""))).unwrap();
    let form = form.split("</form>").next().unwrap();
    form.split("type=\"hidden\" name=\"")
        .skip(1)
        .map(|rest| {
            let (name, rest) = rest.split_once("\" value=\"").unwrap();
            (name.to_owned(), rest.split('"').next().unwrap().to_owned())
        })
        .collect()
}

/// A form as the page has it, with what is typed in addition.
fn typed<'a>(hidden: &'a [(String, String)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let known = hidden.iter().map(|(name, value)| (&name[..], &value[..]));
    known.chain(more.iter().copied()).collect()
}

fn states(visitor: &Visitor) -> Vec<RowState> {
    let rows = visitor
        .state
        .governance
        .campaign("CAM-0001", &Sight::All, sample::NOW_MS)
        .unwrap()
        .map(|detail| detail.held.body.id)
        .map(|id| {
            let page = PageRequest::default();
            visitor.state.governance.campaign_rows(&id, &RowFilter::default(), page, sample::NOW_MS).unwrap()
        })
        .unwrap();
    rows.rows.into_iter().map(|row| row.held.body.state).collect()
}

/// The number on the page of the row whose record has this name.
fn at(page: &str, name: &str) -> usize {
    let before = page.split(&format!("<bdi>{name}</bdi></h2>")).next().unwrap();
    before.rsplit("id=\"r-").next().unwrap().split('"').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_owner_without_a_role_comes_by_a_link_and_goes_to_what_waits() {
    let (mut otto, _) = asked().await;
    let link = otto.link("otto");
    let page = otto.get(&link).await;
    let inside = otto.post(&link, &[("csrf", &page.csrf())]).await;
    assert_eq!(inside.location(), "/attest");
    let page = otto.get("/attest").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text.contains("Drafting") && page.text.contains("You have not confirmed this record before")
    );
    assert!(!page.text.contains("<script>") && page.text.contains("href=\"/attest\""));
    assert!(!page.text.contains("href=\"/campaigns\""), "a place that is not theirs is not shown");
    assert_eq!(otto.get("/campaigns").await.status, StatusCode::FORBIDDEN);
    assert_eq!(otto.get(NEW).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn each_answer_is_taken_from_one_form() {
    let (mut otto, ids) = asked().await;
    let page = otto.get("/attest").await.text;
    let sent = hidden(&page, "seen.0");
    let field = |what: &str, name: &str| format!("{what}.{}", at(&page, name));
    let hostile_at = (0..3).find(|n| *n != at(&page, "Drafting") && *n != at(&page, "Tickets")).unwrap();
    let (answer_a, purpose) = (field("answer", "Drafting"), field("f.purpose", "Drafting"));
    let (impact, oversight, environment) = (
        field("f.decision_impact", "Drafting"),
        field("f.human_oversight", "Drafting"),
        field("f.environment", "Drafting"),
    );
    let data = field("f.data_categories", "Drafting");
    let (answer_c, to) = (field("answer", "Tickets"), field("to", "Tickets"));
    let answer_b = format!("answer.{hostile_at}");
    let more = [
        (&answer_a[..], "amend"),
        (&purpose, "Drafts letters"),
        (&impact, "unknown"),
        (&oversight, "unknown"),
        (&environment, "internal"),
        (&data, "internal"),
        (&data, "personal"),
        (&answer_b, "confirm"),
        (&answer_c, "reassign"),
        (&to, "ANNA"),
    ];
    let taken = otto.post("/attest", &typed(&sent, &more)).await;
    assert_eq!((taken.status, taken.location()), (StatusCode::SEE_OTHER, "/attest?done=3"), "{}", taken.text);
    let drafting = otto.state.governance.system(&ids[0]).unwrap().unwrap().held.body;
    assert_eq!(drafting.purpose.as_deref(), Some("Drafts letters"));
    assert_eq!(drafting.data_categories.len(), 2);
    assert_eq!(drafting.confirmations.len(), 1);
    assert_eq!(otto.state.governance.system(&ids[1]).unwrap().unwrap().held.body.confirmations.len(), 1);
    let anna = number(&otto, "anna");
    assert_eq!(otto.state.governance.system(&ids[2]).unwrap().unwrap().held.body.system_owner, Some(anna));
    let page = otto.get("/attest?done=3").await.text;
    assert!(page.contains("3\u{A0}answers taken") && page.contains("Nothing waits for you"), "{page}");

    otto.sign_in("anna").await;
    let page = otto.get("/attest").await.text;
    assert!(page.contains("Tickets"));
    let sent = hidden(&page, "seen.0");
    let over = [
        ("answer.0", "retire"),
        ("retired_on.0", "2026-11-20"),
        ("evidence.0", "T-7"),
        ("comment.0", "replaced"),
    ];
    assert_eq!(otto.post("/attest", &typed(&sent, &over)).await.location(), "/attest?done=1");
    let tickets = otto.state.governance.system(&ids[2]).unwrap().unwrap().held.body;
    assert!(matches!(tickets.request.unwrap().wish, Wish::Retire { .. }));

    // Who reviews is shown how it was answered; who does not is not.
    otto.sign_in("rita").await;
    let page = otto.get("/campaigns/CAM-0001").await.text;
    assert!(page.contains("one of 3 in a submit") && page.contains("system owner"), "{page}");
    otto.sign_in("sven").await;
    let page = otto.get("/campaigns/CAM-0001").await.text;
    assert!(page.contains("By owner") && !page.contains("in a submit"));
}

#[tokio::test]
async fn what_is_refused_says_why_keeps_what_was_typed_and_holds_nothing_else_up() {
    let (mut otto, ids) = asked().await;
    let page = otto.get("/attest").await.text;
    let sent = hidden(&page, "seen.0");
    assert_eq!(otto.post("/attest", &[("page", "1")]).await.status, StatusCode::FORBIDDEN, "no token");
    let nothing = otto.post("/attest", &typed(&sent, &[])).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(nothing.text.contains("Choose an answer for at least one record"));

    let hostile_at = (0..3).find(|n| *n != at(&page, "Drafting") && *n != at(&page, "Tickets")).unwrap();
    let field = |what: &str, name: &str| format!("{what}.{}", at(&page, name));
    let (answer_a, to_a) = (field("answer", "Drafting"), field("to", "Drafting"));
    let (answer_c, day, comment) =
        (field("answer", "Tickets"), field("retired_on", "Tickets"), field("comment", "Tickets"));
    let answer_b = format!("answer.{hostile_at}");
    let more = [
        (&answer_a[..], "reassign"),
        (&to_a, "nobody@example.com"),
        (&answer_b, "confirm"),
        (&answer_c, "retire"),
        (&day, "2026-11-20"),
        (&comment, "it is over <b>"),
    ];
    let mixed = otto.post("/attest", &typed(&sent, &more)).await;
    assert_eq!(mixed.status, StatusCode::UNPROCESSABLE_ENTITY);
    for words in [
        "1\u{A0}answer taken",
        "2\u{A0}answers not taken",
        "value=\"nobody@example.com\"",
        "there is nobody in the directory",
        "G-DISPOSAL",
        "value=\"2026-11-20\"",
        "it is over &#60;b&#62;",
    ] {
        assert!(mixed.text.contains(words), "{words}: {}", mixed.text);
    }
    let mut left = states(&otto);
    left.sort();
    assert_eq!(left, [RowState::Open, RowState::Open, RowState::Confirmed]);

    // Changed since it was shown: the page is sent again in the new version.
    let page = otto.get("/attest").await.text;
    let sent = hidden(&page, "seen.0");
    let anna = number(&otto, "anna");
    let who = Who {
        person: anna,
        grants: Grants(vec![Grant { role: Role::Analyst, unit: None }]),
        ..Who::default()
    };
    let edit = Move::Edit(vec![("purpose".into(), "Something else".into())]);
    let act = Act::by(Actor::Person(anna), sample::NOW_MS);
    otto.state.governance.move_system(&ids[0], edit, who, act).unwrap().unwrap().unwrap();
    let answer = format!("answer.{}", at(&page, "Drafting"));
    let stale = otto.post("/attest", &typed(&sent, &[(&answer, "confirm")])).await;
    assert!(stale.text.contains("changed after it was shown") && stale.text.contains("G-VERSION"));
    let again = hidden(&stale.text, "seen.0");
    let answer = format!("answer.{}", at(&stale.text, "Drafting"));
    assert_eq!(
        otto.post("/attest", &typed(&again, &[(&answer, "confirm")])).await.location(),
        "/attest?done=1"
    );

    // Not theirs, without and with a reason; then an analyst names the next one.
    let page = otto.get("/attest").await.text;
    let sent = hidden(&page, "seen.0");
    let why = otto.post("/attest", &typed(&sent, &[("answer.0", "not-mine")])).await;
    assert!(why.text.contains("G-REASON"), "{}", why.text);
    let why = [("answer.0", "not-mine"), ("comment.0", "finance")];
    assert_eq!(otto.post("/attest", &typed(&sent, &why)).await.location(), "/attest?done=1");
    otto.sign_in("anna").await;
    let page = otto.get("/campaigns/CAM-0001").await.text;
    let form = hidden(&page, "campaign");
    let row = page.split("/campaigns/rows/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let assign = format!("/campaigns/rows/{row}/assign");
    let unknown = otto.post(&assign, &typed(&form, &[("to", "zed")])).await;
    assert!(
        unknown.status == StatusCode::UNPROCESSABLE_ENTITY
            && unknown.text.contains("nobody in the directory")
    );
    let twice = otto.post(&assign, &typed(&form, &[("to", "otto")])).await;
    assert!(twice.text.contains("G-TARGET"), "{}", twice.text);
    let given = otto.post(&assign, &typed(&form, &[("to", "paul")])).await;
    assert_eq!(given.location(), "/campaigns/CAM-0001?done=assigned");
}

#[tokio::test]
async fn a_campaign_is_started_over_the_list_that_was_looked_at_and_closed_with_a_signed_report() {
    let (mut anna, _) = asked().await;
    anna.sign_in("anna").await;
    let form = anna.get(NEW).await;
    let mut fields = hidden(&form.text, "previewed");
    fields.iter_mut().find(|(name, _)| name == "previewed").unwrap().1 = "another".into();
    let refused = anna.post("/campaigns/new", &typed(&fields, &[])).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("G-VERSION") && refused.text.contains("value=\"Spring\""));
    assert_eq!(anna.get("/campaigns/new?tier=steep").await.status, StatusCode::BAD_REQUEST);

    assert_eq!(anna.get("/campaigns/CAM-0001/report").await.status, StatusCode::NOT_FOUND);
    let csrf = anna.get("/campaigns/CAM-0001").await.csrf();
    let early = anna.post("/campaigns/CAM-0001/close", &[("csrf", &csrf)]).await;
    assert!(early.status == StatusCode::UNPROCESSABLE_ENTITY && early.text.contains("G-REASON"));
    let closed = anna.post("/campaigns/CAM-0001/close", &[("csrf", &csrf), ("reason", "a drill")]).await;
    assert_eq!(closed.location(), "/campaigns/CAM-0001?done=closed", "{}", closed.text);
    let report = anna.get("/campaigns/CAM-0001/report").await;
    assert_eq!(report.status, StatusCode::OK, "{}", report.text);
    assert!(report.text.contains("no personal signature") && report.text.contains("Rows that stayed silent"));
    let note = anna.get("/campaigns/CAM-0001/report.note").await;
    let note = crate::audit::Note::read(&note.text).unwrap();
    assert_eq!(note.verify(&[anna.state.notary.keys().vkey().clone()]).unwrap(), [0]);
    assert!(note.text().contains("\"silent\":3"));
    anna.sign_in("otto").await;
    assert!(anna.get("/attest").await.text.contains("Nothing waits for you"));
}

#[tokio::test]
async fn who_only_reads_follows_and_does_nothing() {
    let (mut vera, _) = asked().await;
    for name in ["vera", "wim", "mona", "dora"] {
        vera.sign_in(name).await;
        assert_eq!(vera.get("/campaigns").await.status, StatusCode::OK, "{name}");
        let page = vera.get("/campaigns/CAM-0001").await;
        assert!(page.status == StatusCode::OK && !page.text.contains("Close and sign"), "{name}");
        assert_eq!(vera.get("/campaigns/new").await.status, StatusCode::FORBIDDEN, "{name}");
        let csrf = page.csrf();
        let closed = vera.post("/campaigns/CAM-0001/close", &[("csrf", &csrf), ("reason", "x")]).await;
        assert_eq!(closed.status, StatusCode::FORBIDDEN, "{name}");
    }
    for name in ["vera", "wim"] {
        vera.sign_in(name).await;
        assert_eq!(vera.get("/attest").await.status, StatusCode::FORBIDDEN, "{name}");
    }
    assert_eq!(states(&vera), [RowState::Open; 3]);
}

#[tokio::test]
async fn a_manager_is_told_of_silence_and_cannot_break_it() {
    let (mut paul, _) = asked().await;
    let (otto, manager) = (number(&paul, "otto"), number(&paul, "paul"));
    let details = PersonDetails {
        display_name: "otto".into(),
        manager: Some(manager),
        active: true,
        ..PersonDetails::default()
    };
    paul.state.people.change_person(otto, &details, &sample::people::nobody()).unwrap().unwrap();
    paul.state.governance.attend(sample::NOW_MS + 32 * 86_400_000).unwrap();
    paul.sign_in("paul").await;
    let page = paul.get("/attest").await.text;
    assert!(page.contains("Unanswered by people who answer to you") && page.contains("Drafting"), "{page}");
    assert!(!page.contains("name=\"seen.0\""), "nothing to answer for");
}

#[tokio::test]
async fn programs_go_by_the_same_rules() {
    let (mut otto, ids) = asked().await;
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let waiting = json(&otto.get("/api/v1/attest").await.text);
    assert_eq!(
        (&waiting["total"], &waiting["rows"][0]["confirmed_at"]),
        (&3.into(), &serde_json::Value::Null)
    );
    let row = waiting["rows"].as_array().unwrap().iter().find(|row| row["record"]["id"] == ids[0]).unwrap();
    let answer = |answer: &str, seen: &serde_json::Value| {
        serde_json::json!({"answers": [{"row": row["id"], "seen": seen, "answer": answer}]}).to_string()
    };
    let mut came_to = Vec::new();
    for body in
        [answer("yes", &row["seen"]), answer("confirm", &"00".into()), answer("confirm", &row["seen"])]
    {
        let request = Request::post("/api/v1/attest").header(CONTENT_TYPE, "application/json");
        let told = otto.send(request, Body::from(body)).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.text);
        came_to.push(json(&told.text)[0].clone());
    }
    assert_eq!(came_to[0]["refused"]["guard"], "G-FIELDS");
    assert_eq!(came_to[1]["refused"]["guard"], "G-VERSION");
    assert_eq!(
        (&came_to[2]["state"], &came_to[2]["refused"]),
        (&"confirmed".into(), &serde_json::Value::Null)
    );
    assert_eq!(otto.get("/api/v1/campaigns").await.status, StatusCode::FORBIDDEN);

    otto.sign_in("rita").await;
    let one = json(&otto.get("/api/v1/campaigns/CAM-0001").await.text);
    assert_eq!((&one["counts"]["confirmed"], &one["counts"]["open"]), (&1.into(), &2.into()));
    let rows = json(&otto.get("/api/v1/campaigns/CAM-0001/rows?state=confirmed").await.text);
    assert_eq!((&rows["total"], &rows["rows"][0]["signals"]["batch"]), (&1.into(), &1.into()));
    assert_eq!(otto.get("/api/v1/campaigns/CAM-0001/rows?state=fine").await.status, StatusCode::BAD_REQUEST);
    let close = Request::post("/api/v1/campaigns/CAM-0001/close").header(CONTENT_TYPE, "application/json");
    let early = otto.send(close, Body::from("{}")).await;
    assert_eq!(
        (early.status, &json(&early.text)["guard"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &"G-REASON".into())
    );
    let new = serde_json::json!({"title": "By a program", "tier": "high", "remind": "2026-12-01", "due": "2026-12-10",
        "escalate": "2026-12-11", "report": "2026-12-20"});
    let start = || Request::post("/api/v1/campaigns").header(CONTENT_TYPE, "application/json");
    let started = otto.send(start(), Body::from(new.to_string())).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.text);
    assert_eq!(json(&started.text)["reference"], "CAM-0002");
    otto.sign_in("vera").await;
    assert_eq!(otto.send(start(), Body::from(new.to_string())).await.status, StatusCode::FORBIDDEN);
    let rows = json(&otto.get("/api/v1/campaigns/CAM-0001/rows").await.text);
    assert!(rows["rows"].as_array().unwrap().iter().all(|row| row["signals"].is_null()));
}
