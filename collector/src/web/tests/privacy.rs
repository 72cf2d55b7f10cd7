//! How long records are kept, the notice and the pack.

use super::*;
use crate::retention::Times;

const ASK: [(&str, &str); 7] = [
    ("step", "ask"),
    ("pseudonym_days", "60"),
    ("day_days", "200"),
    ("reading_days", "365"),
    ("trail_days", "1461"),
    ("least_count", "7"),
    ("reason", "the works agreement"),
];

fn with<'a>(csrf: &'a str, fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [("csrf", csrf)].into_iter().chain(fields.iter().copied()).collect()
}

fn json(answer: &Answer) -> serde_json::Value {
    serde_json::from_str(&answer.text).unwrap()
}

#[tokio::test]
async fn other_times_take_two_people_and_the_notice_follows() {
    let mut who = Visitor::signed_in(Sample::default(), "mona").await;
    let before = json(&who.get("/api/v1/privacy").await);
    let csrf = who.get("/privacy").await.csrf();
    let forged = who.post("/privacy/retention", &with("guess", &ASK)).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let asked = who.post("/privacy/retention", &with(&csrf, &ASK)).await;
    assert_eq!(asked.location(), "/privacy?done=ask", "{}", asked.text);
    let page = who.get("/privacy").await.text;
    assert!(page.contains("<bdi>mona</bdi> asked") && page.contains("200 days"), "{page}");
    assert!(!page.contains("value=\"approve\""), "an administrator has no such button");
    assert_eq!(json(&who.get("/api/v1/privacy").await), before, "asking changes nothing");

    for (name, step) in [("mona", "approve"), ("anna", "approve"), ("vera", "decline"), ("wim", "decline")] {
        who.sign_in(name).await;
        let csrf = who.get("/account").await.csrf();
        let refused = who.post("/privacy/retention", &with(&csrf, &[("step", step)])).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
        assert!(refused.text.contains("G-ROLE") && refused.text.contains("privacy-officer"), "{name}");
    }
    who.sign_in("paul").await;
    let csrf = who.get("/privacy").await.csrf();
    let approved = who.post("/privacy/retention", &with(&csrf, &[("step", "approve")])).await;
    assert_eq!(approved.location(), "/privacy?done=approve");
    let twice = who.post("/privacy/retention", &with(&csrf, &[("step", "approve")])).await;
    assert_eq!(twice.status, StatusCode::CONFLICT);

    let after = json(&who.get("/api/v1/privacy").await);
    assert_ne!(before["hash"], after["hash"]);
    let (before, after) = (before["hash"].as_str().unwrap(), after["hash"].as_str().unwrap());
    for path in ["/notice", "/privacy", "/privacy/dpia"] {
        let page = who.get(path).await.text;
        assert!(page.contains(after) && !page.contains(before), "{path}");
        assert!(page.contains("60 days") && page.contains("200 days"), "{path}");
    }
    let history = who.get("/privacy").await.text;
    assert!(history.contains("refused: G-ROLE") && history.contains("approved them"), "{history}");
}

#[tokio::test]
async fn nobody_approves_an_own_request_and_nothing_is_kept_for_ever_without_a_reason() {
    let mut paul = Visitor::signed_in(Sample::default(), "paul").await;
    let csrf = paul.get("/privacy").await.csrf();
    paul.post("/privacy/retention", &with(&csrf, &ASK)).await;
    assert!(!paul.get("/privacy").await.text.contains("value=\"approve\""));
    let own = paul.post("/privacy/retention", &with(&csrf, &[("step", "approve")])).await;
    assert_eq!(own.status, StatusCode::FORBIDDEN);
    assert!(own.text.contains("G-4EYES"), "{}", own.text);
    for (changed, guard) in [(("trail_days", "0"), "G-REASON"), (("least_count", "2"), "G-FIELDS")] {
        let mut fields = with(&csrf, &ASK);
        fields.iter_mut().filter(|field| field.0 == changed.0).for_each(|field| *field = changed);
        fields.last_mut().unwrap().1 = "because";
        let refused = paul.post("/privacy/retention", &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains(guard), "{}", refused.text);
    }
    let broken = paul.post("/privacy/retention", &with(&csrf, &[("step", "ask")])).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn json_asks_and_approves_by_the_same_rules() {
    let mut who = Visitor::signed_in(Sample::default(), "mona").await;
    let body = r#"{"step":"ask","reason":"less is enough","times":{"pseudonym_days":30,"day_days":180,"reading_days":365,"trail_days":1461,"least_count":5}}"#;
    let post = |body: &'static str| {
        let request = Request::post("/api/v1/retention")
            .header(CONTENT_TYPE, "application/json")
            .header("sec-fetch-site", "same-origin");
        (request, Body::from(body))
    };
    let (request, sent) = post(body);
    let asked = who.send(request, sent).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    assert_eq!(json(&asked)["asked"]["times"]["day_days"], 180);
    assert_eq!(json(&asked)["times"]["day_days"], Times::default().day_days);
    let (request, sent) = post(r#"{"step":"approve"}"#);
    let refused = who.send(request, sent).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("G-ROLE"), "{}", refused.text);
    who.sign_in("paul").await;
    let (request, sent) = post(r#"{"step":"approve"}"#);
    assert_eq!(json(&who.send(request, sent).await)["times"]["day_days"], 180);
    let (request, sent) = post(r#"{"step":"sell"}"#);
    assert_eq!(who.send(request, sent).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_was_deleted_is_told_from_the_trail() {
    let mut vera = Visitor::signed_in(Sample::default(), "vera").await;
    assert!(vera.get("/privacy").await.text.contains("Nothing was over so far"));
    // Entries of the trail are older than their time by then, and that is told of in it.
    let mona = vera.state.people.person_named("mona").unwrap().unwrap();
    let who = crate::review::Who { person: mona.id, grants: mona.grants, ..crate::review::Who::default() };
    let act = crate::model::governed::Act::by(crate::model::governed::Actor::Person(mona.id), sample::NOW_MS);
    let times = Times { day_days: 100, ..Times::default() };
    let step = crate::retention::Step::Ask(times);
    vera.state.governance.step_retention(step, who, act.because("x")).unwrap().unwrap();
    let late = sample::NOW_MS + 5 * 366 * 86_400_000;
    let swept = vera.state.governance.sweep(late).unwrap();
    assert!(swept.payloads > 0);
    let page = vera.get("/privacy").await.text;
    assert!(page.contains("reasons and fields in the trail"), "{page}");
    let told = json(&vera.get("/api/v1/retention").await);
    assert_eq!(told["sweeps"][0]["deleted"]["payloads"], swept.payloads);
}

#[tokio::test]
async fn the_pack_is_for_who_has_a_say_in_what_is_gathered() {
    let mut who = Visitor::new(Sample::default());
    for (name, reads) in
        [("paul", true), ("wim", true), ("vera", true), ("mona", true), ("anna", false), ("sven", false)]
    {
        who.sign_in(name).await;
        for path in ["/privacy/dpia", "/api/v1/privacy/dpia"] {
            let status = who.get(path).await.status;
            assert_eq!(status == StatusCode::OK, reads, "{name} {path} {status}");
        }
        assert_eq!(who.get("/notice").await.status, StatusCode::OK);
        assert_eq!(who.get("/privacy").await.text.contains("/privacy/dpia"), reads, "{name}");
    }
    who.sign_in("wim").await;
    let pack = json(&who.get("/api/v1/privacy/dpia").await);
    let batch: umbrascope_api::Batch = serde_json::from_value(pack["sample"].clone()).unwrap();
    assert_eq!(batch, crate::privacy::sample());
    assert!(pack["fields"].as_array().unwrap().len() > 60);
}

#[tokio::test]
async fn a_small_organisation_is_told_that_hiding_small_numbers_hides_nobody() {
    let mut vera = Visitor::signed_in(Sample::default(), "vera").await;
    assert!(vera.get("/privacy").await.text.contains("numbers point at people"));
}

#[tokio::test]
async fn small_numbers_are_told_to_who_triages_and_to_nobody_else() {
    let mut who = Visitor::signed_in(Sample::default(), "anna").await;
    let list = json(&who.get("/api/v1/products?limit=500").await);
    let rows = list["rows"].as_array().unwrap();
    let few = rows.iter().find(|row| (1..5).contains(&row["assets"].as_u64().unwrap())).unwrap();
    let many = rows.iter().find(|row| row["assets"].as_u64().unwrap() >= 5).unwrap();
    let (few, many) = (few["id"].as_str().unwrap().to_owned(), many["id"].as_str().unwrap().to_owned());
    assert!(!who.get("/products").await.text.contains("fewer than 5"));
    for name in ["vera", "sven", "paul", "wim", "mona", "dora"] {
        who.sign_in(name).await;
        assert!(who.get("/products").await.text.contains("fewer than 5"), "{name}");
        let page = who.get(&format!("/products/{few}")).await.text;
        assert!(page.contains("<dt>Assets</dt><dd>fewer than 5</dd>"), "{name}: {page}");
        let one = json(&who.get(&format!("/api/v1/products/{few}")).await);
        assert_eq!(
            (&one["assets"], &one["days"]),
            (&serde_json::Value::Null, &serde_json::json!([])),
            "{name}"
        );
        let one = json(&who.get(&format!("/api/v1/products/{many}")).await);
        assert!(one["assets"].as_u64().unwrap() >= 5, "{name}");
        for list in ["/api/v1/products?limit=500", "/api/v1/systems?limit=500"] {
            for row in json(&who.get(list).await)["rows"].as_array().unwrap() {
                let assets = row["assets"].as_u64();
                assert!(assets.is_none_or(|assets| assets == 0 || assets >= 5), "{name} {row}");
            }
        }
        let export = json(&who.get("/export/json").await);
        for row in export["products"].as_array().unwrap() {
            let pieces = row["evidence"].as_array().unwrap().iter();
            let numbers =
                pieces.flat_map(|piece| [&piece["assets"], &piece["accounts"]]).chain([&row["assets"]]);
            for number in numbers {
                assert!(number.as_u64().is_none_or(|number| number == 0 || number >= 5), "{name} {row}");
            }
        }
        let csv = who.get("/export/csv").await.text;
        let line = csv.lines().find(|line| line.starts_with(&format!("\"{few}\""))).unwrap();
        assert!(line.contains(",,"), "{name}: {line}");
    }
}
