//! Governed records through `/api/v1`.

use serde_json::{Value, json};

use super::*;

impl Visitor {
    pub(super) async fn sent(&mut self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        self.sent_with(method, path, body, &[]).await
    }

    pub(super) async fn sent_with(
        &mut self,
        method: Method,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> (StatusCode, Value) {
        let mut request =
            Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.send(request, Body::from(body.to_string())).await;
        (answer.status, serde_json::from_str(&answer.text).unwrap_or_default())
    }
}

#[tokio::test]
async fn a_record_is_read_changed_and_moved_and_a_refusal_names_its_guard() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "anna").await;
    visitor.browser = false;
    let path = "/api/v1/systems/AIS-0001";
    let answer = visitor.get(path).await;
    assert_eq!(answer.headers["etag"], "\"1\"");
    let whole: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!((&whole["version"], &whole["record"]["review"]), (&json!(1), &json!("new")));
    assert!(whole["missing_for_use"].as_array().unwrap().contains(&json!("purpose")));
    assert_eq!(whole["set_by"]["name"]["by"], "console");

    let fields = json!({"fields": {"purpose": "Drafts", "risk_tier": "limited"}, "reason": "r"});
    let (status, problem) = visitor.sent(Method::PATCH, path, &fields).await;
    assert_eq!((status, &problem["missing"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(["version"])));
    let (status, whole) = visitor.sent_with(Method::PATCH, path, &fields, &[("if-match", "\"1\"")]).await;
    assert_eq!((status, &whole["record"]["purpose"]), (StatusCode::OK, &json!("Drafts")));
    let (status, problem) = visitor.sent_with(Method::PATCH, path, &fields, &[("if-match", "\"1\"")]).await;
    assert_eq!((status, &problem["guard"]), (StatusCode::CONFLICT, &json!("G-VERSION")));
    let tier = &whole["tier"];
    assert_eq!((&tier["set"], &tier["suggested"]), (&json!("limited"), &json!("unassessed")), "{tier}");
    assert_eq!((&tier["suggested_then"], &tier["differs"]), (&json!("unassessed"), &json!(false)));
    assert_eq!(tier["inputs"].as_array().unwrap().len(), 5);
    assert!(tier["unknown"].as_array().unwrap().contains(&json!("data_categories")), "{tier}");
    let wrong = json!({"fields": {"sanction": "sanctioned", "aiia.date": "never"}, "version": 2});
    let (status, problem) = visitor.sent(Method::PATCH, path, &wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        (&problem["guard"], &problem["missing"]),
        (&json!("G-FIELDS"), &json!(["aiia.date", "sanction"]))
    );

    let moves = format!("{path}/moves");
    let step = |word: &str, version: u64| json!({"move": word, "version": version, "reason": "r"});
    let (status, whole) = visitor.sent(Method::POST, &moves, &step("triage", 2)).await;
    assert_eq!((status, &whole["record"]["review"]), (StatusCode::OK, &json!("triaged")), "{whole}");
    let (status, problem) = visitor.sent(Method::POST, &moves, &step("triage", 3)).await;
    assert_eq!((status, &problem["guard"]), (StatusCode::CONFLICT, &json!("G-STATE")));
    let (status, problem) = visitor.sent(Method::POST, &moves, &step("suspend", 3)).await;
    assert_eq!((status, &problem["guard"]), (StatusCode::FORBIDDEN, &json!("G-ROLE")));
    let (status, _) = visitor.sent(Method::POST, &moves, &step("fly", 3)).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let (status, _) = visitor.sent(Method::POST, "/api/v1/systems/AIS-9999/moves", &step("triage", 1)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    let known = json!({"fields": {"data_categories": ["health"]}, "reason": "r", "version": 3});
    let (_, whole) = visitor.sent(Method::PATCH, path, &known).await;
    let tier = &whole["tier"];
    assert_eq!(
        (&tier["set"], &tier["suggested"], &tier["differs"]),
        (&json!("limited"), &json!("limited"), &json!(true)),
        "{tier}"
    );
    assert_eq!(tier["fired"][0]["id"], "T6");
    let data =
        tier["inputs"].as_array().unwrap().iter().find(|one| one["field"] == "data_categories").unwrap();
    assert_eq!(data["known"], json!(["health"]));
    assert_eq!(data["set_by"]["by"], format!("person:{}", visitor.person("anna")));

    let history: Value = serde_json::from_str(&visitor.get(&format!("{path}/history")).await.text).unwrap();
    assert_eq!(history["total"], 4, "refusals are for who reads the trail: {history}");
    let own: Value = serde_json::from_str(&visitor.get("/api/v1/trail?refused=yes").await.text).unwrap();
    assert_eq!(own["total"], 4, "{own}");
    assert_eq!(own["rows"][0]["person"], visitor.person("anna"));
    visitor.sign_in_again("vera").await;
    let (status, problem) = visitor.sent(Method::POST, &moves, &step("review", 4)).await;
    assert_eq!((status, &problem["guard"]), (StatusCode::FORBIDDEN, &json!("G-ROLE")));
    let (status, problem) =
        visitor.sent(Method::POST, "/api/v1/systems", &json!({"fields": {"name": "x"}})).await;
    assert_eq!((status, &problem["guard"]), (StatusCode::FORBIDDEN, &json!("G-ROLE")));
}

impl Visitor {
    pub(super) async fn sign_in_again(&mut self, name: &str) {
        self.browser = true;
        self.sign_in(name).await;
        self.browser = false;
    }
}

#[tokio::test]
async fn records_are_made_and_moved_in_bulk_and_policies_recorded() {
    let mut visitor = Visitor::signed_in(Sample::with_records(), "anna").await;
    visitor.browser = false;
    let made = json!({"fields": {"name": "Scoring", "kind": "internal-system"}, "reason": "seen by nobody"});
    let (status, whole) = visitor.sent(Method::POST, "/api/v1/systems", &made).await;
    assert_eq!((status, &whole["record"]["name"]), (StatusCode::CREATED, &json!("Scoring")), "{whole}");
    let reference = whole["reference"].as_str().unwrap().to_owned();
    let lower = json!({"fields": {"name": "x", "environment": "safety-related", "risk_tier": "minimal"}});
    let (status, problem) = visitor.sent(Method::POST, "/api/v1/systems", &lower).await;
    assert_eq!(
        (status, &problem["guard"], &problem["missing"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("G-REASON"), &json!(["risk_tier_reason"]))
    );
    let (status, problem) = visitor.sent(Method::POST, "/api/v1/systems", &json!({"fields": {}})).await;
    assert_eq!((status, &problem["missing"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(["name"])));

    let rows = json!([{"id": reference, "version": 1}, {"id": "AIS-0001", "version": 9}]);
    let step = json!({"move": "triage", "reason": "r"});
    let bulk = |preview: bool| json!({"rows": rows, "preview": preview, "step": step});
    let (_, tried) = visitor.sent(Method::POST, "/api/v1/systems/bulk", &bulk(true)).await;
    assert_eq!((&tried["batch"], &tried["rows"][1]["ok"]), (&Value::Null, &json!(true)), "{tried}");
    let (status, done) = visitor.sent(Method::POST, "/api/v1/systems/bulk", &bulk(false)).await;
    assert_eq!(
        (status, &done["rows"][0]["ok"], &done["rows"][1]["guard"]),
        (StatusCode::OK, &json!(true), &json!("G-VERSION"))
    );
    assert!(done["batch"].as_str().unwrap().starts_with("bulk-"), "{done}");
    let (status, _) =
        visitor.sent(Method::POST, "/api/v1/systems/bulk", &json!({"rows": [], "step": step})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);

    let policy = json!({"version": "2027", "title": "AI", "approved_by": "The board", "from": "2026-11-21"});
    let (status, problem) = visitor.sent(Method::POST, "/api/v1/policies", &policy).await;
    assert_eq!((status, &problem["guard"]), (StatusCode::FORBIDDEN, &json!("G-ROLE")));
    visitor.sign_in_again("sven").await;
    let (status, _) = visitor.sent(Method::POST, "/api/v1/policies", &policy).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, _) = visitor.sent(Method::POST, "/api/v1/policies", &policy).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let known: Value = serde_json::from_str(&visitor.get("/api/v1/policies").await.text).unwrap();
    assert_eq!(
        (&known[0]["version"], &known[0]["in_force"], &known[1]["in_force"]),
        (&json!("2027"), &json!(true), &json!(false))
    );
    // A form of another site cannot speak JSON, and one that tries is refused.
    let foreign = visitor
        .sent_with(Method::POST, "/api/v1/policies", &policy, &[("sec-fetch-site", "cross-site")])
        .await;
    assert_eq!(foreign.0, StatusCode::FORBIDDEN);
}
