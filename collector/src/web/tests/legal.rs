//! Legal dates at the page and as JSON.

use super::*;

#[tokio::test]
async fn legal_dates_stand_with_the_day_of_their_knowledge_and_conclude_nothing() {
    let mut vera = Visitor::signed_in(Sample::default(), "vera").await;
    let page = vera.get("/legal-dates").await.text;
    for words in [
        "2027-12-02",
        "as of 2026-11-21",
        "reported by others",
        "not checked",
        "adopted, publication not seen",
        "no day known",
        "none of it is legal advice",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let json: serde_json::Value = serde_json::from_str(&vera.get("/api/v1/legal-dates").await.text).unwrap();
    let dates = json["dates"].as_array().unwrap();
    assert!(dates.iter().all(|date| date["as_of"].is_string() && date["checked"].is_string()));
    let draft: serde_json::Value = serde_json::from_str(&vera.get("/api/v1/scope").await.text).unwrap();
    assert!(draft.to_string().contains(json["version"].as_str().unwrap()), "a statement cites it: {draft}");
    assert!(vera.get("/readiness").await.text.contains("href=\"/legal-dates\""));
}
