//! Comments on a record, and what is shown of its resources.

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn a_comment_stands_on_the_record_in_its_history_and_in_json() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    let done = anna.moves("AIS-0001", "comment", &[("note", "The <b>vendor</b> was asked")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let page = anna.get("/inventory/AIS-0001").await.text;
    assert!(page.contains("The &#60;b&#62;vendor&#60;/b&#62; was asked"), "{page}");
    assert!(page.contains("h-resources") && page.contains("h-comments"), "{page}");
    let empty = anna.moves("AIS-0001", "comment", &[("note", " ")]).await;
    assert!(
        empty.status == StatusCode::UNPROCESSABLE_ENTITY && empty.text.contains("G-FIELDS"),
        "{}",
        empty.text
    );
    let before = anna.get("/inventory/AIS-0001?on=2026-11-20").await.text;
    assert!(
        !before.contains("h-comments") && !before.contains("h-resources"),
        "of a day before it: {before}"
    );
    anna.browser = false;
    let whole: Value = serde_json::from_str(&anna.get("/api/v1/systems/AIS-0001").await.text).unwrap();
    assert_eq!(whole["record"]["comments"][0]["text"], "The <b>vendor</b> was asked");
    assert_eq!(whole["resources"]["versions_seen"], json!([]));
    assert_eq!(whole["set_by"]["comments"]["by"], format!("person:{}", anna.person("anna")));
    let body = json!({"move": "comment", "note": "By way of a program", "version": whole["version"]});
    let (status, whole) = anna.sent(Method::POST, "/api/v1/systems/AIS-0001/moves", &body).await;
    assert_eq!(
        (status, whole["record"]["comments"].as_array().unwrap().len()),
        (StatusCode::OK, 2),
        "{whole}"
    );
}
