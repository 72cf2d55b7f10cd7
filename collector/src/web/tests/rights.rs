//! Who sees what, and who is refused.

use super::*;
use crate::model::{AssetId, Looked, PageRequest};

#[tokio::test]
async fn single_machines_are_for_who_deploys_or_triages_and_each_reading_is_noted() {
    let mut reader = Visitor::new(Sample::default());
    for name in ["vera", "sven", "paul", "wim"] {
        reader.sign_in(name).await;
        for path in ["/assets", "/assets/1", "/api/v1/assets", "/api/v1/assets/1"] {
            assert_eq!(reader.get(path).await.status, StatusCode::FORBIDDEN, "{name} {path}");
        }
        let product = reader.get("/products/openai.chatgpt").await.text;
        assert!(!product.contains("dev-01") && product.contains("who triages in their units"), "{name}");
        let product = reader.get("/api/v1/products/openai.chatgpt").await.text;
        assert!(!product.contains("dev-01"), "{name}: {product}");
        let coverage = reader.get("/coverage").await.text;
        assert!(coverage.contains("Packets dropped") && !coverage.contains("old-kiosk"), "{name}");
        assert!(!reader.get("/api/v1/coverage").await.text.contains("old-kiosk"));
        let export = reader.get("/export/json").await.text;
        assert!(export.contains("\"withheld\":[\"machines\"]") && !export.contains("dev-01"), "{name}");
    }
    assert_eq!(reader.state.people.readings(None, PageRequest::default()).unwrap().total, 0);

    for (name, findings) in [("dora", false), ("mona", false), ("anna", true), ("rita", true)] {
        reader.sign_in(name).await;
        let page = reader.get("/assets/1").await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
        assert_eq!(page.text.contains("/products/openai.chatgpt"), findings, "{name}");
        assert_eq!(page.text.contains("Products on it"), findings, "{name}");
        let json = reader.get("/api/v1/assets/1").await.text;
        assert_eq!(json.contains("openai.chatgpt"), findings, "{name}");
        assert!(!json.contains("a7a7a7a7") && !page.text.contains("a7a7a7a7"), "never per account");
        let readings = reader.state.people.readings(None, PageRequest { offset: 0, limit: 2 }).unwrap().rows;
        assert!(readings.iter().all(|row| row.reader == name && row.what == Looked::Asset(AssetId(1))));
    }
    reader.get("/export/json").await;
    let readings = reader.state.people.readings(None, PageRequest::default()).unwrap();
    assert_eq!((readings.total, readings.rows[0].what), (9, Looked::Export));
}

#[tokio::test]
async fn a_reader_of_one_unit_sees_the_machines_of_that_unit() {
    let mut ulla = Visitor::signed_in(Sample::default(), "ulla").await;
    let list = ulla.get("/assets").await.text;
    assert!(list.contains("dev-01") && !list.contains("lab-gpu-1"), "{list}");
    let list = ulla.get("/api/v1/assets?unit=5").await.text;
    assert!(!list.contains("lab-gpu-1"), "{list}");
    assert_eq!(ulla.get("/assets/1").await.status, StatusCode::OK);
    let elsewhere = ulla.get("/assets/5").await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND, "it is not there for her");
    assert_eq!(ulla.state.people.readings(None, PageRequest::default()).unwrap().total, 1);
    let product = ulla.get("/products/openai.chatgpt").await.text;
    assert!(product.contains("dev-01") && !product.contains("lab-gpu-1"));
    // Own rules and suspects belong to no unit.
    assert_eq!(ulla.get("/catalogue/own/new").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn who_is_refused_is_told_by_which_guard_and_what_is_missing() {
    let mut vera = Visitor::signed_in(Sample::default(), "vera").await;
    let page = vera.get("/tokens").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(
        page.text.contains("G-ROLE") && page.text.contains("it-deployer or administrator"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn an_administrator_reads_tokens_and_makes_none() {
    let mut mona = Visitor::signed_in(Sample::default(), "mona").await;
    let csrf = mona.get("/tokens").await.csrf();
    let sent = [("csrf", csrf.as_str()), ("unit", "Sales"), ("max_uses", "1"), ("days", "1")];
    assert_eq!(mona.post("/tokens", &sent).await.status, StatusCode::FORBIDDEN);
    mona.sign_in("dora").await;
    let csrf = mona.get("/tokens").await.csrf();
    let sent = [("csrf", csrf.as_str()), ("unit", "Sales"), ("max_uses", "1"), ("days", "1")];
    assert_eq!(mona.post("/tokens", &sent).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_evidence_pack_is_for_who_may_export_all_of_it_and_verifies() {
    let mut reader = Visitor::new(Sample::default());
    for name in ["mona", "dora", "wim", "ulla"] {
        reader.sign_in(name).await;
        let page = reader.get("/inventory").await;
        assert!(!page.text.contains("/export/evidence-pack"), "{name}");
        let refused = reader.post("/export/evidence-pack", &[("csrf", &page.csrf())]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
    }
    reader.sign_in("vera").await;
    let page = reader.get("/inventory").await;
    assert!(page.text.contains("/export/evidence-pack"));
    let forged = reader.post("/export/evidence-pack", &[("csrf", "guess")]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let pack = reader.post("/export/evidence-pack", &[("csrf", &page.csrf())]).await;
    assert_eq!(pack.status, StatusCode::OK);
    let known =
        crate::audit::verify::Known { vkey: Some(reader.state.notary.keys().vkey().clone()), since: None };
    let report = crate::audit::verify::verify(std::io::Cursor::new(pack.text.as_bytes()), &known).unwrap();
    assert_eq!((report.findings(), report.entries), (&[][..], 1), "one entry tells of the export");
    assert!(pack.text.contains("Assistant") || pack.text.contains("ChatGPT"));
    assert!(
        !pack.text.contains("dev-01") && !pack.text.contains("old-kiosk"),
        "no single machine leaves in a pack"
    );
}
