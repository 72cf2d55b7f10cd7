//! Saved views.

use super::*;
use crate::model::VIEWS;

#[tokio::test]
async fn a_list_is_saved_under_a_name_and_found_on_every_page() {
    let mut ada = Visitor::signed_in(Sample::with_records(), "ada").await;
    let place = "/products?kind=service&sort=name&dir=asc";
    let page = ada.get(place).await;
    assert!(page.text.contains("Save this view"), "{}", page.text);
    assert!(!ada.get("/products").await.text.contains("Save this view"), "there is nothing to come back to");
    let csrf = page.csrf();
    let done = ada.post("/views", &[("csrf", &csrf), ("name", "My <b>services</b>"), ("place", place)]).await;
    assert_eq!(done.location(), place);
    let page = ada.get("/coverage").await.text;
    assert!(page.contains("My &#60;b&#62;services") && page.contains("kind=service&#38;sort=name"), "{page}");
    // The same name again is the same view.
    ada.post("/views", &[("csrf", &csrf), ("name", "My <b>services</b>"), ("place", "/assets")]).await;
    assert_eq!(ada.state.people.views(1).unwrap().len(), 1);
    // They are nobody else's.
    let mut other = ada;
    other.sign_in("vera").await;
    assert!(!other.get("/coverage").await.text.contains("services"));
    let csrf = other.get("/coverage").await.csrf();
    other.post("/views/1/drop", &[("csrf", &csrf)]).await;
    assert_eq!(other.state.people.views(1).unwrap().len(), 1);
    other.sign_in("ada").await;
    let csrf = other.get("/views").await.csrf();
    assert_eq!(other.post("/views/1/drop", &[("csrf", &csrf)]).await.location(), "/views?done=dropped");
    assert!(other.state.people.views(1).unwrap().is_empty());
}

#[tokio::test]
async fn a_view_leads_to_a_page_of_ours_and_there_are_not_too_many() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let csrf = ada.get("/views").await.csrf();
    for (name, place) in [("x", "//evil.example/"), ("x", "javascript:alert(1)"), ("x", ""), (" ", "/assets")]
    {
        let refused = ada.post("/views", &[("csrf", &csrf), ("name", name), ("place", place)]).await;
        assert!(refused.text.contains("role=\"alert\""), "{place}: {}", refused.text);
    }
    assert!(ada.state.people.views(1).unwrap().is_empty());
    for at in 0..=VIEWS {
        ada.post("/views", &[("csrf", &csrf), ("name", &format!("view {at}")), ("place", "/assets")]).await;
    }
    assert_eq!(ada.state.people.views(1).unwrap().len(), VIEWS as usize);
    assert_eq!(
        ada.post("/views", &[("csrf", "x"), ("name", "a"), ("place", "/assets")]).await.status,
        StatusCode::FORBIDDEN
    );
}
