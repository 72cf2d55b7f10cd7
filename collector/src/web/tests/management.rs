//! Management reviews, on the page and as JSON.

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn a_review_is_drawn_up_recorded_and_decides_what_becomes_a_task() {
    let mut sven = Visitor::signed_in(Sample::with_records(), "sven").await;
    let page = sven.get("/management-reviews").await;
    for clause in ["9.3.2 a", "9.3.2 b", "9.3.2 c", "9.3.2 d 1", "9.3.2 d 2", "9.3.2 d 3", "9.3.2 e"] {
        assert!(page.text.contains(clause), "{clause}: {}", page.text);
    }
    assert!(page.text.contains("no earlier review is recorded here"), "{}", page.text);
    let csrf = page.csrf();
    let review = |held_on: &'static str| {
        [
            ("held_on", held_on),
            ("from", "2026-01-01"),
            ("until", "2026-11-20"),
            ("present", "The whole board"),
            ("conclusion", "It works, and triage is too slow"),
        ]
    };
    let fields = [&[("csrf", csrf.as_str())][..], &review("2026-12-01")].concat();
    let refused = sven.post("/management-reviews", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = &refused.text;
    assert!(text.contains("still to come") && text.contains("It works, and triage is too slow"), "{text}");
    let fields = [&[("csrf", csrf.as_str())][..], &review("2026-11-20")].concat();
    let done = sven.post("/management-reviews", &fields).await;
    assert_eq!(done.location(), "/management-reviews/MRV-0001?done=recorded");
    let place = "/management-reviews/MRV-0001";
    let decision = |assignee: &'static str| {
        [
            ("version", "1"),
            ("subject", "improvement"),
            ("says", "Another analyst from January"),
            ("assignee", assignee),
            ("due", "2027-01-31"),
        ]
    };
    let fields = [&[("csrf", csrf.as_str())][..], &decision("a")].concat();
    let unclear = sven.post(place, &fields).await;
    assert_eq!(unclear.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = &unclear.text;
    assert!(text.contains("several people fit") && text.contains("Another analyst from January"), "{text}");
    let fields = [&[("csrf", csrf.as_str())][..], &decision("anna")].concat();
    assert_eq!(sven.post(place, &fields).await.location(), format!("{place}?done=decided"));
    let page = sven.get(place).await.text;
    assert!(page.contains("TSK-0001") && page.contains("The whole board"), "{page}");
    assert!(page.contains("management-review.decide") && page.contains("as of 2026-11-21"), "{page}");
    assert!(sven.get("/tasks/TSK-0001").await.text.contains("Another analyst from January"));
    let next = sven.get("/management-reviews").await.text;
    assert!(next.contains("TSK-0001 open, due on 2027-01-31"), "{next}");
    assert!(next.contains("value=\"2026-11-21\""), "it goes on where the last one ended: {next}");
    for name in ["anna", "rita", "vera", "mona"] {
        let mut other = sven.another(name).await;
        let page = other.get(place).await;
        assert!(page.text.contains("TSK-0001") && !page.text.contains("Add the decision"), "{name}");
        let csrf = page.csrf();
        let fields = [&[("csrf", csrf.as_str())][..], &decision("anna")].concat();
        assert_eq!(other.post(place, &fields).await.status, StatusCode::FORBIDDEN, "{name}");
    }
    let mut ulla = sven.another("ulla").await;
    for path in ["/management-reviews", place, "/management-reviews/pack", "/api/v1/management-reviews"] {
        let refused = ulla.get(path).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}: it tells of every unit in one piece");
    }
    let backwards = sven.get("/management-reviews?from=2026-11-20&until=2026-01-01").await;
    assert_eq!(backwards.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(sven.get("/management-reviews/MRV-0009").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_pack_is_taken_away_and_told_to_programs() {
    let mut sven = Visitor::signed_in(Sample::with_records(), "sven").await;
    let file = sven.get("/management-reviews/pack?from=2026-01-01&until=2026-11-20").await;
    assert!(file.headers["content-disposition"].to_str().unwrap().contains("review-2026-11-20.json"));
    let file: Value = serde_json::from_str(&file.text).unwrap();
    assert_eq!((&file["from"], &file["inputs"][0]["clause"]), (&json!("2026-01-01"), &json!("9.3.2 a")));
    let trail = sven.get("/trail").await.text;
    assert!(trail.contains("export.make"), "that it was taken away is noted");
    sven.browser = false;
    let told: Value = serde_json::from_str(
        &sven.get("/api/v1/management-reviews/pack?from=2026-01-01&until=2026-11-20").await.text,
    )
    .unwrap();
    assert_eq!(told["inputs"], file["inputs"]);
    assert_eq!(told["figures"].as_array().unwrap().len(), 18);
    let body = json!({"held_on": "2026-11-20", "from": "2026-01-01", "until": "2026-11-20",
        "present": "The board", "conclusion": "It works"});
    let (status, whole) = sven.sent(Method::POST, "/api/v1/management-reviews", &body).await;
    assert_eq!((status, &whole["review"]["reference"]), (StatusCode::CREATED, &json!("MRV-0001")), "{whole}");
    let decision = json!({"subject": "other", "says": "Nothing is to change", "version": 1});
    let path = "/api/v1/management-reviews/MRV-0001";
    let (status, whole) = sven.sent(Method::POST, &format!("{path}/decisions"), &decision).await;
    assert_eq!((status, &whole["review"]["decisions"][0]["task"]), (StatusCode::OK, &Value::Null), "{whole}");
    let (status, problem) = sven.sent(Method::POST, &format!("{path}/decisions"), &decision).await;
    assert_eq!((status, &problem["guard"]), (StatusCode::CONFLICT, &json!("G-VERSION")));
    let list: Value = serde_json::from_str(&sven.get("/api/v1/management-reviews").await.text).unwrap();
    assert_eq!((list.as_array().unwrap().len(), &list[0]["version"]), (1, &json!(2)));
}
