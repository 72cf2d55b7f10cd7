//! One record after the other.

use super::*;

/// The part of a page between two marks.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    text.split(from).nth(1).and_then(|rest| rest.split(to).next()).unwrap_or_default()
}

impl Visitor {
    /// Sends the form of a move on a triage page, as it stands there.
    async fn make(&mut self, page: &Answer, word: &str, fields: &[(&str, &str)]) -> Answer {
        let form = between(&page.text, &format!("/moves/{word}\""), "</form>").to_owned();
        let reference = page
            .text
            .split(&format!("/moves/{word}\""))
            .next()
            .and_then(|before| before.rsplit("/inventory/").next())
            .unwrap()
            .to_owned();
        let hidden =
            |name: &str| between(&form, &format!("name=\"{name}\" value=\""), "\"").replace("&#38;", "&");
        let (csrf, version, back) = (hidden("csrf"), hidden("version"), hidden("back"));
        let mut sent = vec![("csrf", &csrf[..]), ("version", &version), ("back", &back)];
        sent.extend(fields);
        self.post(&format!("/inventory/{reference}/moves/{word}"), &sent).await
    }
}

#[tokio::test]
async fn a_record_is_looked_at_with_its_evidence_and_its_keys() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    let page = anna.get("/triage").await.text;
    for words in [
        "aria-current=\"true\"",
        "What you can do",
        "Where, since when, what to mind",
        "How it is known",
        "data-key=\"j\"",
        "data-key=\"d\"",
        "data-key=\"a\"",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    // Each key works one thing.
    let mut keys: Vec<&str> =
        page.split("data-key=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    keys.sort_unstable();
    let count = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), count, "{keys:?}");
    assert_eq!(anna.get("/triage?queue=lost").await.status, StatusCode::BAD_REQUEST);
    // A record that is none leads to the first one.
    assert_eq!(anna.get("/triage?queue=new&at=AIS-9999").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_done_leads_to_the_next_record_and_can_be_taken_back() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    let page = anna.get("/triage?queue=new").await;
    let first = between(&page.text, "id=\"h-record\"><a class=\"name\" href=\"/inventory/", "\"").to_owned();
    let next = between(&page.text, "rel=\"next\" href=\"", "\"").replace("&#38;", "&");
    let done = anna.make(&page, "dismiss", &[("why", "not-ai"), ("reason", "a clock")]).await;
    let to = done.location().to_owned();
    assert_eq!(to, format!("{next}&done=dismiss&of={first}"), "{}", done.text);
    let page = anna.get(&to).await;
    assert!(page.text.contains("Dismissed.") && page.text.contains("Take it back"), "{}", page.text);
    let second = between(&page.text, "id=\"h-record\"><a class=\"name\" href=\"/inventory/", "\"").to_owned();
    assert_ne!(first, second, "the next record is looked at");
    let back = anna.make(&page, "reopen", &[("reason", "Taken back at once: a slip.")]).await;
    assert!(back.location().starts_with("/triage"), "{}", back.text);
    let record = anna.get(&format!("/inventory/{first}")).await.text;
    assert!(record.contains("Taken back at once"), "{record}");
    // Only who did it takes it back, and only as long as nobody went on.
    let page = anna.get(&format!("/triage?done=dismiss&of={first}")).await.text;
    assert!(!page.contains("Take it back"), "it is taken back already: {page}");
}

#[tokio::test]
async fn nobody_takes_back_what_somebody_else_did() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    let page = anna.get("/triage?queue=new").await;
    let first = between(&page.text, "id=\"h-record\"><a class=\"name\" href=\"/inventory/", "\"").to_owned();
    anna.make(&page, "dismiss", &[("why", "not-ai"), ("reason", "a clock")]).await;
    anna.sign_in("ada").await;
    let page = anna.get(&format!("/triage?done=dismiss&of={first}")).await.text;
    assert!(!page.contains("Take it back"), "{page}");
    // Who only reads is offered nothing.
    anna.sign_in("vera").await;
    let page = anna.get("/triage?queue=own").await.text;
    assert!(!page.contains("/moves/"), "{page}");
}

#[tokio::test]
async fn a_move_leads_to_no_other_site() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    let page = anna.get("/triage?queue=new").await;
    let csrf = page.csrf();
    let reference =
        between(&page.text, "id=\"h-record\"><a class=\"name\" href=\"/inventory/", "\"").to_owned();
    let version = between(&page.text, "name=\"version\" value=\"", "\"").to_owned();
    let fields = [("csrf", &csrf[..]), ("version", &version), ("back", "//evil.example/")];
    let done = anna.post(&format!("/inventory/{reference}/moves/triage"), &fields).await;
    assert_eq!(done.location(), format!("/inventory/{reference}?done=triage"));
}
