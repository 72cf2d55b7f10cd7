//! Bulk changes, queues, policies, limits and the trail.

use super::record::prepare;
use super::*;
use crate::model::record::{ReviewState, Sanction};

/// What the form of a preview carries on.
fn carried(page: &str) -> Vec<(String, String)> {
    let form = page
        .split("action=\"/inventory/bulk\"")
        .nth(1)
        .expect("a form to confirm")
        .split("</form>")
        .next()
        .unwrap();
    let value = |tag: &str, name: &str| {
        tag.split(&format!(" {name}=\""))
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_default()
            .to_owned()
    };
    form.split("<input").skip(1).map(|tag| (value(tag, "name"), value(tag, "value"))).collect()
}

impl Visitor {
    async fn bulk(&mut self, ids: &[&str], fields: &[(&str, &str)]) -> Answer {
        let csrf = self.get("/notice").await.csrf();
        let mut sent = vec![("csrf", csrf.as_str())];
        sent.extend(ids.iter().map(|id| ("id", *id)));
        sent.extend(fields);
        self.post("/inventory/bulk", &sent).await
    }

    async fn confirm(&mut self, preview: &Answer) -> Answer {
        let sent = carried(&preview.text);
        let sent: Vec<(&str, &str)> =
            sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post("/inventory/bulk", &sent).await
    }

    fn review(&self, reference: &str) -> ReviewState {
        self.state.governance.system(reference).unwrap().unwrap().held.body.review
    }
}

#[tokio::test]
async fn a_bulk_is_previewed_then_made_with_one_entry_a_record_and_a_batch_in_common() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "anna").await;
    visitor.moves("AIS-0002", "triage", &[]).await;
    let preview = visitor
        .bulk(
            &["AIS-0001", "AIS-0002", "AIS-0003", "AIS-9999"],
            &[("move", "triage"), ("reason", "first look")],
        )
        .await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.text);
    assert!(
        preview.text.contains("Change 2\u{A0}records") && preview.text.contains("G-STATE"),
        "{}",
        preview.text
    );
    assert_eq!(visitor.review("AIS-0001"), ReviewState::New, "a preview changes nothing");
    // Between the preview and the confirmation somebody changes one of them.
    visitor.moves("AIS-0003", "dismiss", &[("why", "test"), ("reason", "r")]).await;
    let done = visitor.confirm(&preview).await;
    assert!(
        done.text.contains("1\u{A0}record changed, 1 refused") && done.text.contains("G-VERSION"),
        "{}",
        done.text
    );
    assert_eq!(
        (visitor.review("AIS-0001"), visitor.review("AIS-0003")),
        (ReviewState::Triaged, ReviewState::Dismissed)
    );
    let page = visitor.get("/inventory/AIS-0001").await.text;
    assert!(page.contains("bulk bulk-") && page.contains("first look"), "{page}");
}

#[tokio::test]
async fn a_bulk_keeps_the_rules_of_the_single_moves() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "ada").await;
    prepare(&mut visitor, "AIS-0001").await;
    let preview = visitor.bulk(&["AIS-0001"], &[("move", "request-sanction"), ("reason", "needed")]).await;
    visitor.confirm(&preview).await;
    // Four eyes: who asked does not approve, be it in bulk and with the role.
    let own = visitor.bulk(&["AIS-0001"], &[("move", "approve"), ("reason", "yes")]).await;
    assert!(
        own.text.contains("G-4EYES") && !own.text.contains("name=\"do\" value=\"confirm\""),
        "{}",
        own.text
    );
    let forced =
        visitor.bulk(&["AIS-0001@99"], &[("move", "approve"), ("reason", "yes"), ("do", "confirm")]).await;
    assert!(forced.text.contains("0\u{A0}records changed"), "{}", forced.text);
    let unseen =
        visitor.bulk(&["AIS-0001"], &[("move", "approve"), ("reason", "yes"), ("do", "confirm")]).await;
    assert!(
        unseen.text.contains("G-VERSION"),
        "nothing is confirmed that was not previewed: {}",
        unseen.text
    );
    visitor.sign_in("rita").await;
    let preview = visitor.bulk(&["AIS-0001"], &[("move", "approve"), ("reason", "fits")]).await;
    visitor.confirm(&preview).await;
    let record = visitor.state.governance.system("AIS-0001").unwrap().unwrap().held.body;
    assert_eq!(record.sanction, Sanction::Sanctioned);
    for name in ["vera", "wim", "mona", "paul"] {
        visitor.sign_in(name).await;
        assert!(
            !visitor.get("/inventory").await.text.contains("/inventory/bulk"),
            "{name} is shown no such form"
        );
        let refused = visitor.bulk(&["AIS-0002"], &[("move", "triage")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
    }
    visitor.sign_in("anna").await;
    let none = visitor.bulk(&[], &[("move", "triage")]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    let many: Vec<String> = (0..101).map(|at| format!("AIS-{at:04}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let many = visitor.bulk(&many, &[("move", "triage")]).await;
    assert!(many.text.contains("reaches at most 100"), "{}", many.text);
    assert_eq!(visitor.bulk(&["AIS-0001"], &[("move", "confirm")]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_waits_is_counted_and_listed_for_who_may_decide_it() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "anna").await;
    prepare(&mut visitor, "AIS-0001").await;
    visitor
        .moves(
            "AIS-0001",
            "request-sanction",
            &[("conditions", "No personal data"), ("reason", "Needed for letters")],
        )
        .await;
    let own = visitor.get("/review?queue=requests").await.text;
    assert!(own.contains("Nothing waits here"), "nobody decides on an own request: {own}");
    assert!(visitor.get("/review?queue=own").await.text.contains("AIS-0001"));
    let fresh = visitor.get("/review?queue=new").await.text;
    assert!(fresh.contains("AIS-0002") && !fresh.contains("AIS-0001"), "{fresh}");
    visitor.sign_in("rita").await;
    let page = visitor.get("/review").await.text;
    for words in ["anna asks to sanction it", "Needed for letters", "No personal data", "class=\"count\""] {
        assert!(page.contains(words), "{words}: {page}");
    }
    visitor.sign_in("sven").await;
    assert!(visitor.get("/review?queue=requests").await.text.contains("Nothing waits here"));
    visitor.sign_in("ulla").await;
    assert!(
        visitor.get("/review?queue=new").await.text.contains("Nothing waits here"),
        "what belongs to no unit is not for one"
    );
    visitor.sign_in("vera").await;
    assert!(!visitor.get("/review").await.text.contains("class=\"count\""));
    assert_eq!(visitor.get("/review?queue=x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_policy_is_recorded_once_and_limits_are_set_by_an_administrator() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "sven").await;
    let csrf = visitor.get("/policies").await.csrf();
    let sent = [
        ("csrf", csrf.as_str()),
        ("version", "2026-2"),
        ("title", "Use of AI <2>"),
        ("approved_by", "The board"),
        ("from", "2026-11-01"),
        ("reason", "yearly"),
    ];
    assert_eq!(visitor.post("/policies", &sent).await.location(), "/policies?done=policy");
    let page = visitor.get("/policies").await.text;
    assert!(page.contains("version <bdi>2026-2") && page.contains("Use of AI &#60;2&#62;"), "{page}");
    let again = visitor.post("/policies", &sent).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.text.contains("already") && again.text.contains("value=\"2026-2\""), "{}", again.text);
    for name in ["anna", "rita", "dora", "vera", "paul", "wim"] {
        visitor.sign_in(name).await;
        let csrf = visitor.get("/policies").await.csrf();
        let sent = [
            ("csrf", csrf.as_str()),
            ("version", "x"),
            ("title", "x"),
            ("approved_by", "x"),
            ("from", "2026-11-01"),
        ];
        assert_eq!(visitor.post("/policies", &sent).await.status, StatusCode::FORBIDDEN, "{name}");
        let sent = [
            ("csrf", csrf.as_str()),
            ("tolerance_days", "9"),
            ("review_days", "9"),
            ("bulk_records", "9"),
            ("reason", "r"),
        ];
        assert_eq!(visitor.post("/policies/limits", &sent).await.status, StatusCode::FORBIDDEN, "{name}");
    }
    visitor.sign_in("mona").await;
    let csrf = visitor.get("/policies").await.csrf();
    let set = |days: &'static str, reason: &'static str| {
        [("tolerance_days", days), ("review_days", "365"), ("bulk_records", "5"), ("reason", reason)]
    };
    let mut sent = vec![("csrf", csrf.as_str())];
    sent.extend(set("0", "shorter"));
    assert_eq!(visitor.post("/policies/limits", &sent).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut sent = vec![("csrf", csrf.as_str())];
    sent.extend(set("30", "shorter"));
    assert_eq!(visitor.post("/policies/limits", &sent).await.location(), "/policies?done=limits");
    assert_eq!(visitor.state.governance.limits().unwrap().tolerance_days, 30);
    visitor.sign_in("vera").await;
    let trail = visitor.get("/trail?kind=setting").await.text;
    assert!(trail.contains("limits set") && trail.contains("shorter") && trail.contains("mona"), "{trail}");
}

#[tokio::test]
async fn the_trail_is_read_by_who_may_and_by_others_as_far_as_it_is_their_own() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "anna").await;
    visitor.moves("AIS-0001", "triage", &[]).await;
    visitor.moves("AIS-0001", "triage", &[]).await;
    let own = visitor.get("/trail").await.text;
    assert!(
        own.contains("Your own entries") && own.contains("looked at") && !own.contains("made by hand"),
        "{own}"
    );
    assert_eq!(visitor.get("/trail/0").await.status, StatusCode::NOT_FOUND, "not hers");
    let mine = own.split("href=\"/trail/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(visitor.get(&format!("/trail/{mine}")).await.status, StatusCode::OK);
    visitor.sign_in("vera").await;
    let all = visitor.get("/trail").await.text;
    assert!(all.contains("made by hand") && all.contains("refused G-STATE"), "{all}");
    let refused = visitor.get("/trail?person=anna&refused=yes").await.text;
    assert!(refused.contains("1\u{A0}event") && refused.contains("G-STATE"), "{refused}");
    assert!(visitor.get("/trail?person=nobody-here").await.text.contains("Nobody signs in as"));
    assert!(visitor.get("/trail?to=2020-01-01").await.text.contains("No entry here"));
    assert_eq!(visitor.get("/trail?refused=maybe").await.status, StatusCode::BAD_REQUEST);
    let entry = visitor.get("/trail/0").await.text;
    assert!(
        entry.contains("Leaf hash") && entry.contains("payload_commit") && entry.contains("SHA-256"),
        "{entry}"
    );
    assert_eq!(visitor.get("/trail/99999").await.status, StatusCode::NOT_FOUND);
    visitor.sign_in("dora").await;
    for path in ["/trail", "/trail/0", "/api/v1/trail"] {
        assert_eq!(visitor.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

/// Numbers of the entries that a page or an answer of the interface for programs lists, and how many it says there are.
async fn listed(visitor: &mut Visitor, query: &str) -> (Vec<u64>, u64) {
    let page = visitor.get(&format!("/trail{query}")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let numbers = page.text.split("href=\"/trail/").skip(1);
    let shown: Vec<u64> = numbers.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect();
    // As many to a page as the page itself has.
    let more = if query.is_empty() { "?limit=50".to_owned() } else { format!("{query}&limit=50") };
    let told = visitor.get(&format!("/api/v1/trail{more}")).await;
    let told: serde_json::Value = serde_json::from_str(&told.text).unwrap();
    let rows = told["rows"].as_array().unwrap().iter();
    assert_eq!(rows.map(|row| row["seq"].as_u64().unwrap()).collect::<Vec<_>>(), shown, "{query}");
    (shown, told["total"].as_u64().unwrap())
}

#[tokio::test]
async fn the_works_council_reads_of_the_trail_what_is_about_collection_and_nothing_else() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "anna").await;
    visitor.moves("AIS-0001", "triage", &[]).await;
    let key = umbrascope_api::PrivacyKey::from_bytes([4; 32]).to_string();
    let ask = [("step", "ask"), ("key", key.as_str()), ("reason", "for incidents, as was agreed")];
    for (name, sent) in
        [("mona", &ask[..]), ("paul", &[("step", "confirm")]), ("paul", &[("step", "withdraw")])]
    {
        visitor.sign_in(name).await;
        let csrf = visitor.get("/account").await.csrf();
        let fields = [&[("csrf", csrf.as_str())], sent].concat();
        let done = visitor.post("/reidentification/setting", &fields).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{sent:?}: {}", done.text);
    }
    // A refusal of the same is told of too, and a setting that is not about collection is not.
    visitor.sign_in("mona").await;
    let csrf = visitor.get("/privacy").await.csrf();
    let fields = [("csrf", csrf.as_str()), ("step", "approve")];
    assert_eq!(visitor.post("/privacy/retention", &fields).await.status, StatusCode::FORBIDDEN);
    let csrf = visitor.get("/policies").await.csrf();
    let limits = [
        ("csrf", csrf.as_str()),
        ("tolerance_days", "30"),
        ("review_days", "365"),
        ("bulk_records", "5"),
        ("reason", "shorter"),
    ];
    assert_eq!(visitor.post("/policies/limits", &limits).await.status, StatusCode::SEE_OTHER);

    visitor.sign_in("vera").await;
    let (all, total) = listed(&mut visitor, "").await;
    let whole = visitor
        .state
        .governance
        .trail(&Default::default(), crate::model::PageRequest { offset: 0, limit: 500 });
    let whole = whole.unwrap().rows;
    let about: Vec<u64> = whole
        .iter()
        .filter(|row| matches!(row.kind.as_str(), "reidentification-setting" | "retention"))
        .map(|row| row.seq)
        .collect();
    assert_eq!(about.len(), 4);
    assert!(total > 8 && all.len() > about.len(), "{total}");

    visitor.sign_in("wim").await;
    let page = visitor.get("/trail").await;
    assert!(
        page.text.contains("what agents gather") && page.text.contains("href=\"/trail\""),
        "{}",
        page.text
    );
    assert_eq!(listed(&mut visitor, "").await, (about.clone(), 4));
    assert_eq!(listed(&mut visitor, "?refused=yes").await.1, 1);
    assert_eq!(listed(&mut visitor, "?person=paul").await.1, 2);
    assert_eq!(listed(&mut visitor, "?kind=system").await, (vec![], 0));
    assert_eq!(listed(&mut visitor, "?kind=setting&id=limits").await, (vec![], 0));
    let told = visitor.get("/api/v1/trail?limit=3&page=2").await.text;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((told["rows"].as_array().unwrap().len(), &told["total"]), (1, &serde_json::json!(4)));
    for row in &whole {
        let expected = if about.contains(&row.seq) { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(visitor.get(&format!("/trail/{}", row.seq)).await.status, expected, "{row:?}");
    }
    // What can be taken away has no other part of the trail in it, and the pack that has is not theirs.
    let export = visitor.get("/export/json").await.text;
    assert!(!export.contains("\"trail\"") && !export.contains("payload_commit"), "{export}");
    let csrf = visitor.get("/export").await.csrf();
    let pack = visitor.post("/export/evidence-pack", &[("csrf", csrf.as_str())]).await;
    assert_eq!(pack.status, StatusCode::FORBIDDEN);
    assert_eq!(visitor.get("/api/v1/export/evidence-pack").await.status, StatusCode::METHOD_NOT_ALLOWED);

    visitor.sign_in("anna").await;
    let (own, count) = listed(&mut visitor, "").await;
    let by_anna = |row: &&crate::model::governed::TrailRow| own.contains(&row.seq);
    assert_eq!(count, own.len() as u64);
    let actors: std::collections::BTreeSet<_> = whole.iter().filter(by_anna).map(|row| &row.actor).collect();
    assert_eq!(actors.len(), 1, "{actors:?}");
    // Whoever else is asked for, nothing of theirs is found.
    assert_eq!(listed(&mut visitor, "?person=paul").await.1, count);
    assert_eq!(listed(&mut visitor, "?kind=retention").await, (vec![], 0));
}
