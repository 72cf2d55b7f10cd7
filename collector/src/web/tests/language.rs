//! Pages in the reader's language.

use axum::http::HeaderValue;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, REFERER, VARY};

use super::*;

#[tokio::test]
async fn a_page_speaks_the_language_of_the_browser_until_the_reader_chooses() {
    let mut ada = Visitor::signed_in(Sample::with_records(), "ada").await;
    let english = ada.get("/findings").await;
    assert!(english.text.contains("<html lang=\"en\"") && english.text.contains("<h1>Findings</h1>"));
    assert_eq!(english.headers[CONTENT_LANGUAGE], "en");
    assert!(
        english
            .text
            .contains("<button class=\"quiet\" name=\"language\" value=\"de\" lang=\"de\">Deutsch</button>")
    );

    let asked = |path: &str| Request::get(path).header(ACCEPT_LANGUAGE, "de-AT, en;q=0.5");
    let german = ada.send(asked("/findings"), Body::empty()).await;
    assert!(german.text.contains("<html lang=\"de\"") && german.text.contains("<h1>Feststellungen</h1>"));
    assert_eq!(
        (&german.headers[CONTENT_LANGUAGE], &german.headers[VARY]),
        (&HeaderValue::from_static("de"), &HeaderValue::from_static("accept-language, cookie"))
    );

    let chosen = ada.post("/language", &[("language", "en")]).await;
    assert_eq!((chosen.status, chosen.location()), (StatusCode::SEE_OTHER, "/"));
    let english = ada.send(asked("/findings"), Body::empty()).await;
    assert!(english.text.contains("<h1>Findings</h1>"), "what a reader chose counts for more");
    assert_eq!(ada.post("/language", &[("language", "tlh")]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_is_not_signed_in_chooses_too_and_comes_back_to_the_page() {
    let mut nobody = Visitor::new(Sample::default());
    let choose = |from: &str| {
        Request::post("/language")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header(REFERER, from)
    };
    for (from, back) in [
        ("http://localhost/sign-in?next=%2Ffindings", "/sign-in?next=%2Ffindings"),
        ("http://localhost", "/"),
        ("http://evil.example/sign-in", "/"),
        ("http://evil.example\\@localhost//evil.example/", "/"),
        ("http://localhost//evil.example/", "/"),
    ] {
        let chosen = nobody.send(choose(from), Body::from("language=de")).await;
        assert_eq!((chosen.status, chosen.location()), (StatusCode::SEE_OTHER, back), "{from}");
    }
    let page = nobody.get("/sign-in").await;
    assert!(
        page.text.contains("<html lang=\"de\"") && page.text.contains(">English</button>"),
        "{}",
        page.text
    );
    let forged = Request::post("/language")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site");
    assert_eq!(nobody.send(forged, Body::from("language=en")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_programs_read_is_english_whoever_asks() {
    let mut ada = Visitor::signed_in(Sample::with_records(), "ada").await;
    let mut words = Vec::new();
    for language in ["en", "de"] {
        ada.post("/language", &[("language", language)]).await;
        let missing = ada.get("/api/v1/products/nothing").await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
        assert!(!missing.headers.contains_key(CONTENT_LANGUAGE));
        words.push([missing.text, ada.get("/api/v1/products").await.text, ada.get("/export/csv").await.text]);
    }
    assert_eq!(words[0], words[1]);
}

#[tokio::test]
async fn a_german_page_has_no_english_text_of_ours() {
    let (mut whole, parts) = super::super::language::tests::not_german();
    // The words of channels and of parts of an export are the same everywhere; and what people typed may be what a field has for an example.
    let channels = umbrascope_api::Channel::KNOWN.iter().map(umbrascope_api::Channel::as_str);
    for same in channels.chain(["House chat", "Roll-out, sales laptops", "products", "read"]) {
        whole.remove(same);
    }
    let mut found = Vec::new();
    for (sample, name) in
        [(Sample::with_records(), "ada"), (Sample::empty(), "ada"), (Sample::with_records(), "vera")]
    {
        let mut reader = Visitor::signed_in(sample, name).await;
        reader.post("/language", &[("language", "de")]).await;
        let bare =
            ["/sign-in", "/sign-in/link/x", "/nowhere", "/products?page=0", "/products?kind=spaceship"];
        for path in PAGES.iter().chain(&bare) {
            let page = reader.get(path).await;
            if page.status.is_redirection() {
                continue; // a door of another role
            }
            let page = page.text;
            assert!(page.contains("<html lang=\"de\""), "{path}: {page}");
            for text in texts_of(&page) {
                if whole.contains(&text) || parts.iter().any(|part| text.contains(part)) {
                    found.push(format!("{path}: {text}"));
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    assert!(found.is_empty(), "{} texts are English:\n{}", found.len(), found.join("\n"));
}

/// What people read of a page: its texts, and the attributes that are read out or shown.
fn texts_of(page: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for part in page.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or((part, ""));
        // Code is what a program reads.
        if tag != "code" {
            texts.push(text);
        }
        for name in ["aria-label", "placeholder", "title", "alt", "data-label"] {
            let attribute = format!(" {name}=\"");
            let values: Vec<_> = tag.split(&attribute).skip(1).collect();
            texts.extend(values.into_iter().map(|value| value.split('"').next().unwrap_or_default()));
        }
    }
    let plain = |text: &str| {
        let text =
            text.replace("&#39;", "'").replace("&#34;", "\"").replace("&lt;", "<").replace("&gt;", ">");
        text.replace("&amp;", "&").trim().to_owned()
    };
    texts.into_iter().map(plain).filter(|text| !text.is_empty()).collect()
}
