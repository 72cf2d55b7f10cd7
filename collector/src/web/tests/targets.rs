//! Targets of indicators, on the page and as JSON.

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn a_target_is_set_by_who_decides_the_scope_and_shown_beside_its_figure() {
    let mut sven = Visitor::signed_in(Sample::with_records(), "sven").await;
    let page = sven.get("/indicators/K-04").await;
    assert!(page.text.contains("At least, in percent") && page.text.contains("none is set"), "{}", page.text);
    let csrf = page.csrf();
    let sent = |value: &'static str, owner: &'static str, version: &'static str| {
        [("value", value), ("owner", owner), ("version", version), ("reason", "agreed with the board")]
    };
    // What cannot be kept comes back as it was typed.
    for (value, owner, says) in
        [("95", "a", "several people fit"), ("101", "anna", "0 to 100"), ("many", "", "a whole number")]
    {
        let fields = [&[("csrf", csrf.as_str())][..], &sent(value, owner, "0")].concat();
        let refused = sven.post("/indicators/K-04", &fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{value}");
        let text = &refused.text;
        assert!(text.contains(says) && text.contains("agreed with the board"), "{value}: {text}");
        assert!(text.contains(&format!("value=\"{value}\"")), "{value}: {text}");
    }
    let fields = [&[("csrf", csrf.as_str())][..], &sent("95", "anna", "0")].concat();
    assert_eq!(sven.post("/indicators/K-04", &fields).await.location(), "/indicators/K-04?done=set");
    let stale = sven.post("/indicators/K-04", &fields).await;
    assert!(stale.status == StatusCode::CONFLICT && stale.text.contains("G-VERSION"), "{}", stale.text);
    let list = sven.get("/indicators").await.text;
    assert!(
        list.contains("at least 95 %") && list.contains(">no figure</span>"),
        "nothing is active: {list}"
    );
    let fields = [&[("csrf", csrf.as_str())][..], &sent("5", "", "0")].concat();
    assert_eq!(sven.post("/indicators/K-13", &fields).await.location(), "/indicators/K-13?done=set");
    let list = sven.get("/indicators").await.text;
    assert!(list.contains("at most 5 ") && list.contains(">missed</span>"), "{list}");
    let page = sven.get("/indicators/K-04").await.text;
    assert!(page.contains("agreed with the board") && page.contains("target.set"), "{page}");
    let before = sven.get("/indicators?as_of=2026-11-20").await.text;
    assert!(!before.contains("at least 95 %"), "it was not set then: {before}");
    for name in ["anna", "rita", "vera", "mona"] {
        let mut other = sven.another(name).await;
        let page = other.get("/indicators/K-04").await;
        assert!(page.text.contains("at least 95 %") && !page.text.contains("t-value"), "{name}");
        let csrf = page.csrf();
        let fields = [&[("csrf", csrf.as_str())][..], &sent("10", "", "1")].concat();
        assert_eq!(other.post("/indicators/K-04", &fields).await.status, StatusCode::FORBIDDEN, "{name}");
    }
    assert_eq!(sven.get("/indicators/K-77").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn programs_read_targets_and_people_set_them() {
    let mut sven = Visitor::signed_in(Sample::with_records(), "sven").await;
    sven.browser = false;
    let path = "/api/v1/indicators/K-10/target";
    let body = json!({"value": 0, "owner": sven.person("sven"), "reason": "none may be"});
    let (status, set) = sven.sent(Method::PUT, path, &body).await;
    assert_eq!(
        (status, &set["target"]["says"], &set["version"]),
        (StatusCode::OK, &json!("at most 0"), &json!(1))
    );
    let told = |list: &Value, id: &str| {
        let one = list.as_array().unwrap().iter().find(|one| one["id"] == id).unwrap().clone();
        (one["verdict"].clone(), one["target"]["value"].clone())
    };
    let list: Value = serde_json::from_str(&sven.get("/api/v1/indicators").await.text).unwrap();
    assert_eq!(told(&list, "K-10"), (json!("met"), json!(0)));
    assert_eq!(told(&list, "K-11"), (json!("no-target"), Value::Null));
    let nobody = json!({"value": 1, "owner": 999, "reason": "x"});
    let (status, problem) = sven.sent(Method::PUT, path, &nobody).await;
    assert_eq!((status, &problem["guard"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("G-OWNER-ACTIVE")));
    let (status, _) = sven.sent(Method::PUT, "/api/v1/indicators/K-77/target", &body).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let back = json!({"value": null, "owner": null, "reason": "the board dropped it", "version": 1});
    let (status, set) = sven.sent(Method::PUT, path, &back).await;
    assert_eq!((status, &set["target"], &set["version"]), (StatusCode::OK, &Value::Null, &json!(2)));
}
