//! The front doors.

use super::*;

#[tokio::test]
async fn each_role_begins_at_its_own_door() {
    let mut visitor = Visitor::new(Sample::with_records());
    for (name, door, words) in [
        ("anna", "/start/security", "New since you last looked"),
        ("rita", "/start/security", "Thirty days"),
        ("sven", "/start/scope", "Your systems"),
        ("dora", "/start/it", "Install the agent"),
        ("vera", "/start/audit", "Was anything rewritten?"),
        ("paul", "/start/privacy", "Who looked?"),
        ("wim", "/start/privacy", "What is collected?"),
    ] {
        visitor.sign_in(name).await;
        assert_eq!(visitor.get("/").await.location(), door, "{name}");
        let page = visitor.get(door).await;
        assert_eq!(page.status, StatusCode::OK, "{name}: {}", page.text);
        assert!(page.text.contains(words), "{name}: {words}: {}", page.text);
        assert!(!page.text.contains("aria-label=\"Front doors\""), "{name} has one door");
    }
    // Somebody else's door leads to one's own.
    assert_eq!(visitor.get("/start/security").await.location(), "/start/privacy");
    assert_eq!(visitor.get("/start/cellar").await.status, StatusCode::NOT_FOUND);
    // Who holds several roles goes from door to door.
    visitor.sign_in("ada").await;
    let page = visitor.get("/start/it").await.text;
    assert!(page.contains("href=\"/start/security\"") && page.contains("href=\"/start/privacy\""), "{page}");
    assert!(!page.contains("href=\"/start/audit\""), "{page}");
}

#[tokio::test]
async fn what_was_looked_at_is_no_longer_new() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    let page = anna.get("/start/security").await;
    assert!(page.text.contains("everything is new"), "{}", page.text);
    let csrf = page.csrf();
    assert_eq!(anna.post("/looked", &[("csrf", "guessed")]).await.status, StatusCode::FORBIDDEN);
    let done = anna.post("/looked", &[("csrf", &csrf)]).await;
    assert_eq!(done.location(), "/start/security?done=looked");
    let page = anna.get("/start/security").await.text;
    assert!(!page.contains("everything is new"), "{page}");
    assert_eq!(anna.get("/products?new=since-last-look").await.status, StatusCode::OK);
    assert_eq!(anna.get("/products?new=lately").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_trend_is_split_as_asked_and_not_told_to_who_is_told_no_small_numbers() {
    let mut anna = Visitor::signed_in(Sample::with_records(), "anna").await;
    for by in ["vendor", "kind", "unit"] {
        let page = anna.get(&format!("/start/security?by={by}")).await.text;
        assert!(page.contains(&format!("?by={by}#h-trend\" aria-current=\"page\"")), "{page}");
    }
    assert_eq!(anna.get("/start/security?by=colour").await.status, StatusCode::BAD_REQUEST);
    // A reviewer decides and does not see what was found on each machine.
    anna.sign_in("rita").await;
    let page = anna.get("/start/security").await.text;
    let told = anna.state.people.person_named("rita").unwrap().unwrap();
    let sees = told.grants.access(crate::model::Deed::ReadFindings, &[]);
    assert_eq!(page.contains("id=\"h-trend\""), sees >= crate::model::Access::Read, "{page}");
}
