//! Exports at their page and below `/api/v1`: who may take them, of when, and what the trail keeps of it.

use axum::http::StatusCode;

use super::{Sample, Visitor};
use crate::export::Format;
use crate::model::PageRequest;
use crate::model::governed::TrailFilter;

impl Visitor {
    /// What the trail says of exports: who, which, and of which day; oldest first.
    fn exports(&self) -> Vec<(String, String, Option<String>)> {
        let filter = TrailFilter { kind: Some("export".to_owned()), ..TrailFilter::default() };
        let page = PageRequest { offset: 0, limit: 100 };
        let rows = self.state.governance.trail(&filter, page).unwrap().rows;
        let of = |set: &Option<std::collections::BTreeMap<String, serde_json::Value>>| {
            set.as_ref()?.get("as_of")?.as_str().map(str::to_owned)
        };
        rows.into_iter().rev().map(|row| (row.actor, row.id, of(&row.set))).collect()
    }
}

#[tokio::test]
async fn every_format_can_be_taken_from_the_page_by_whoever_reads_the_inventory_and_is_noted() {
    let mut reader = Visitor::new(Sample::default());
    for name in ["vera", "dora", "wim"] {
        reader.sign_in(name).await;
        let page = reader.get("/export").await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
        assert!(page.text.contains("Single machines are left out of yours"), "{name}");
        for format in Format::ALL {
            let path = format!("/export/{}", format.as_str());
            assert!(page.text.contains(&format!("action=\"{path}\"")), "{name} {path}");
            let taken = reader.get(&path).await;
            assert_eq!(taken.status, StatusCode::OK, "{name} {path}");
            assert_eq!(taken.headers["content-type"], format.content_type());
            assert!(!taken.text.contains("dev-01"), "{name} {path} names a machine");
            let (actor, id, day) = reader.exports().pop().unwrap();
            assert!(actor.starts_with("person:"), "{actor}");
            assert_eq!((id.as_str(), day), (format.as_str(), None));
        }
    }
    assert_eq!(reader.exports().len(), 27);
    let mut nobody = Visitor::new(Sample::default());
    assert_eq!(nobody.get("/api/v1/export/csv").await.status, StatusCode::UNAUTHORIZED);
    assert!(nobody.exports().is_empty());
}

#[tokio::test]
async fn parts_and_past_days_are_asked_for_by_name() {
    let mut ada = Visitor::signed_in(Sample::default(), "ada").await;
    let findings = ada.get("/api/v1/export/ciso-assistant?part=findings").await;
    assert!(findings.text.starts_with("name,ref_id,description,severity"), "{}", findings.text);
    let name = findings.headers["content-disposition"].to_str().unwrap();
    assert!(name.contains("umbrascope-ciso-assistant-findings-2026-11-21.csv"), "{name}");
    let past = ada.get("/api/v1/export/json?as_of=2026-11-01").await;
    let past: serde_json::Value = serde_json::from_str(&past.text).unwrap();
    assert_eq!(past["as_of"], "2026-11-01");
    assert_eq!(ada.exports().pop().unwrap().2.as_deref(), Some("2026-11-01"));
    for (path, status) in [
        ("/api/v1/export/json?as_of=2026-11-22", StatusCode::BAD_REQUEST),
        ("/api/v1/export/json?as_of=yesterday", StatusCode::BAD_REQUEST),
        ("/api/v1/export/json?part=assets", StatusCode::BAD_REQUEST),
        ("/api/v1/export/csv?part=assets", StatusCode::BAD_REQUEST),
        ("/api/v1/export/pdf", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(ada.get(path).await.status, status, "{path}");
    }
    assert_eq!(ada.exports().len(), 2, "what is refused is not noted");
}
