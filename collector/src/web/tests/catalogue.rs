//! The pages of the catalogue and of its vendors.

use std::sync::Arc;

use axum::http::StatusCode;
use umbrascope_rules::Catalogue;
use umbrascope_rules::index::index;

use super::{Sample, Visitor, sample};
use crate::catalogue::Known;
use crate::web::text::Plural;

const EVIL: &str = r#"<script>alert(1)</script>\"' onclick=x \u202E&amp;"#;

/// A vendor whose every text is hostile.
fn hostile() -> Catalogue {
    let text = format!(
        r#"
[vendor]
id = "v"
name = "{EVIL}"
legal_name = "{EVIL}"
site = "https://v.dev/?<script>"
[[product]]
id = "v.p"
name = "{EVIL}"
kind = "service"
category = "coding"
description = "{EVIL}"
[[claim]]
id = "claim.v.a"
framework = "soc2"
status = "yes"
plan = "<script>x</script>"
scope = "{EVIL}"
detail = "{EVIL}"
link = "https://v.dev/\"><script>"
source_url = "https://v.dev/\"><script>"
source_type = "first_party"
last_checked = 2026-11-26
confidence = "high"
"#
    );
    Catalogue::parse(&[("v.toml", &text)]).unwrap()
}

#[tokio::test]
async fn hostile_texts_of_a_catalogue_stay_texts() {
    let state = sample::state(Sample::default());
    state.catalogue.know(crate::own::compose(Arc::new(Known::from(hostile())), None));
    let mut ada = Visitor::to(state);
    ada.sign_in("ada").await;
    for path in ["/catalogue", "/catalogue?q=script", "/catalogue/v"] {
        let page = ada.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        assert!(page.text.contains("alert(1)"), "{path}: {}", page.text);
        for forbidden in ["<script", "\" onclick", "\\\"' onclick", "v.dev/\">", "\u{202E}"] {
            assert!(!page.written().contains(forbidden), "{path}: {forbidden}: {}", page.text);
        }
    }
}

#[tokio::test]
async fn products_are_found_by_name_and_category() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let (catalogue, index) = (Catalogue::embedded(), index(Catalogue::embedded()));
    let all = ada.get("/catalogue").await.text;
    assert!(all.contains(catalogue.version()) && all.contains(&catalogue.date().to_string()));
    let total = Plural(index.totals.products as u64, "product").to_string();
    assert!(all.contains(&total), "{total}");
    let found = ada.get("/catalogue?q=MIDJOURNEY&category=image").await.text;
    assert!(found.contains("Midjourney") && !found.contains("ChatGPT"), "{found}");
    let other = ada.get("/catalogue?q=MIDJOURNEY&category=legal").await.text;
    assert!(other.contains("No product fits"), "{other}");
    let last = format!("/catalogue?sort=name&dir=desc&page={}", index.totals.products.div_ceil(50));
    let rows = ada.get(&last).await.text.matches("<tr><th scope=\"row\">").count();
    assert_eq!(rows, (index.totals.products - 1) % 50 + 1);
}

#[tokio::test]
async fn what_sources_say_is_in_the_api_the_export_and_their_description() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let json = async |ada: &mut Visitor, path: &str| -> serde_json::Value {
        serde_json::from_str(&ada.get(path).await.text).unwrap()
    };
    let facts = json(&mut ada, "/api/v1/products/openai.chatgpt").await["vendor_facts"].clone();
    let training = facts["questions"].as_array().unwrap().iter().find(|q| q["framework"] == "training");
    let plans = training.unwrap()["answers"].as_array().unwrap();
    assert!(plans.iter().any(|answer| answer["plan"] == "Consumer plans"), "{plans:?}");
    for answer in plans {
        let claim = &answer["claims"][0];
        assert!(claim["source_url"].as_str().unwrap().starts_with("https://"), "{claim}");
        assert!(claim["last_checked"].is_string() && claim["source_type"].is_string(), "{claim}");
    }
    let export = json(&mut ada, "/export/json").await;
    let found = export["products"].as_array().unwrap().iter().find(|p| p["id"] == "openai.chatgpt");
    assert_eq!(found.unwrap()["vendor_facts"], facts);
    let description = json(&mut ada, "/api/v1/openapi.json").await;
    assert!(description["components"]["schemas"]["VendorClaim"].is_object());
}

#[tokio::test]
async fn a_vendor_is_shown_with_the_questions_that_no_source_answers() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let unknown = Catalogue::embedded()
        .vendors()
        .iter()
        .find(|vendor| Catalogue::embedded().claims_of(&vendor.id).next().is_none())
        .unwrap();
    let page = ada.get(&format!("/catalogue/{}", unknown.id)).await.text;
    let questions = umbrascope_rules::Framework::ALL.len();
    assert_eq!(page.matches(">no public evidence found</span>").count(), questions);
    assert!(page.contains(&format!("0 of {questions} questions")), "{page}");
}
