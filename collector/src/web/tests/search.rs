//! Searching everything.

use super::*;

#[tokio::test]
async fn a_search_finds_what_the_reader_may_see_and_nothing_else() {
    let mut ada = Visitor::signed_in(Sample::with_records(), "ada").await;
    let found = |page: &Answer, words: &str| page.text.contains(words);
    let page = ada.get("/search?q=ais-0001").await;
    assert!(found(&page, "By number") && found(&page, "href=\"/inventory/AIS-0001\""), "{}", page.text);
    let page = ada.get("/search?q=retention").await;
    assert!(found(&page, "Pages and settings") && found(&page, "How long records are kept"), "{}", page.text);
    let page = ada.get("/search?q=chatgpt").await;
    assert!(found(&page, "href=\"/products/openai.chatgpt\""), "{}", page.text);
    let page = ada.get("/search?q=anthropic").await;
    assert!(found(&page, "href=\"/catalogue/anthropic\""), "{}", page.text);
    let page = ada.get("/search?q=vera").await;
    assert!(found(&page, ">People</h2>") && found(&page, "href=\"/people/"), "{}", page.text);
    let page = ada.get("/search?q=nothing-is-called-this").await;
    assert!(found(&page, "Nothing is called that"), "{}", page.text);
    assert!(found(&ada.get("/search").await, "What are you looking for?"));

    // An auditor manages nobody and looks at no single machine.
    ada.sign_in("vera").await;
    let page = ada.get("/search?q=vera").await;
    assert!(!found(&page, ">People</h2>"), "{}", page.text);
    let page = ada.get("/search?q=laptop").await;
    assert!(!found(&page, ">Machines</h2>") && !found(&page, "href=\"/assets/"), "{}", page.text);
    let page = ada.get("/search?q=units").await;
    assert!(!found(&page, "href=\"/units\""), "{}", page.text);
}

#[tokio::test]
async fn what_is_searched_for_is_text() {
    let mut ada = Visitor::signed_in(Sample::with_records(), "ada").await;
    for hostile in
        ["\"><script>alert(1)</script>", "%_\\", "' OR 1=1 --", "\u{202E}\u{200B}", &"x".repeat(9_000)]
    {
        let page = ada.get(&format!("/search?q={}", encode(hostile))).await;
        assert_eq!(page.status, StatusCode::OK, "{hostile}");
        assert!(!page.text.contains("<script>alert"), "{}", page.text);
        assert!(page.text.len() < 100_000);
    }
}

#[tokio::test]
async fn each_setting_leads_to_the_place_on_its_page() {
    let mut ada = Visitor::signed_in(Sample::with_records(), "ada").await;
    for setting in super::super::places::SETTINGS {
        let page = ada.get(setting.href.split('#').next().unwrap()).await;
        assert_eq!(page.status, StatusCode::OK, "{}", setting.href);
        if let Some((_, place)) = setting.href.split_once('#') {
            assert!(page.text.contains(&format!("id=\"{place}\"")), "{}", setting.href);
        }
    }
}
