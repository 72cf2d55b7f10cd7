//! A form that does not say clearly whom it means comes back with what was typed.

use super::record::filled;
use super::*;

#[tokio::test]
async fn a_task_for_somebody_unclear_asks_who_is_meant_and_loses_nothing() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    let csrf = anna.get("/tasks").await.csrf();
    let fields = [
        ("csrf", csrf.as_str()),
        ("title", "Ask the vendor <first>"),
        ("details", "A long text\nof two lines"),
        ("purpose", "other"),
        ("assignee", "a"),
        ("due", "2026-12-24"),
    ];
    let asked = anna.post("/tasks", &fields).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = &asked.text;
    assert!(text.contains("Who is meant?") && text.contains("several people fit"), "{text}");
    assert!(text.contains("value=\"ada (ada)\"") && text.contains("A long text\nof two lines"), "{text}");
    assert!(!text.contains("<first>") && text.contains("Ask the vendor &#60;first&#62;"), "{text}");
    assert!(asked.headers.contains_key("content-security-policy"), "the page is one of ours");
    // The browser sends the first form on with one of them chosen.
    let mut sent = filled(text);
    sent.retain(|(name, _)| name != "assignee");
    sent.push(("assignee".to_owned(), "vera (vera)".to_owned()));
    let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(anna.post("/tasks", &sent).await.status, StatusCode::SEE_OTHER);
    let task = anna.get("/tasks/TSK-0001").await.text;
    assert!(task.contains("Ask the vendor &#60;first&#62;") && task.contains("vera"), "{task}");
    assert!(task.contains("of two lines") && task.contains("2026-12-24"), "{task}");
}

#[tokio::test]
async fn nobody_of_that_name_and_a_form_that_is_not_ours_are_told_apart() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    let page = anna.get("/readiness/R-4.3-b").await;
    let csrf = page.csrf();
    let fields = [("csrf", csrf.as_str()), ("owner", "zz"), ("note", "as agreed"), ("due", "")];
    let nobody = anna.post("/readiness/R-4.3-b", &fields).await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = &nobody.text;
    assert!(
        text.contains("nobody in the directory is called") && text.contains("value=\"as agreed\""),
        "{text}"
    );
    assert!(!text.contains("type=\"radio\""), "{text}");
    let forged = [("csrf", "guess"), ("owner", "zz"), ("note", "as agreed"), ("due", "")];
    let refused = anna.post("/readiness/R-4.3-b", &forged).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(!refused.text.contains("as agreed"), "{}", refused.text);
}
