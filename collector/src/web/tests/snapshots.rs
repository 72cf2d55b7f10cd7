//! Monthly snapshots at the pages and as JSON.

use super::*;
use crate::export::{Sources, monthly};

const MONTH_MS: i64 = 31 * 86_400_000;

/// A visitor of a collector that kept the snapshot of its first month, and whose clock says what it said before.
async fn with_a_month() -> (Visitor, String) {
    let visitor = Visitor::signed_in(Sample::with_records(), "vera").await;
    let app = &visitor.state;
    let from = Sources { reads: &*app.store, governance: &*app.governance };
    let known = app.catalogue.known();
    let kept = monthly::keep(from, known.catalogue(), sample::NOW_MS + MONTH_MS).unwrap();
    assert_eq!(kept.len(), 1);
    (visitor, kept[0].clone())
}

#[tokio::test]
async fn a_snapshot_is_listed_and_taken_byte_for_byte_and_the_trail_says_so() {
    let (mut vera, month) = with_a_month().await;
    let held = vera.state.governance.monthly_snapshots().unwrap().remove(0);
    let page = vera.get("/snapshots").await.text;
    assert!(page.contains(&month) && page.contains(&held.body.sha256), "{page}");
    assert!(page.contains("waits for its checkpoint") && page.contains("contacts nobody"), "{page}");
    for path in [format!("/snapshots/{month}"), format!("/api/v1/snapshots/{month}")] {
        let answer = vera.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(crate::audit::sha256(&[answer.text.as_bytes()]).to_string(), held.body.sha256, "{path}");
        assert!(answer.headers["content-disposition"].to_str().unwrap().contains(&month));
        assert!(!answer.text.contains("dev-01"), "no single machine");
    }
    let rows: serde_json::Value = serde_json::from_str(&vera.get("/api/v1/snapshots").await.text).unwrap();
    assert_eq!((&rows[0]["month"], &rows[0]["sha256"]), (&month.into(), &held.body.sha256.into()));
    let trail = vera.state.governance.trail(&Default::default(), Default::default()).unwrap();
    assert_eq!(trail.rows.iter().filter(|row| row.id == "monthly-snapshot").count(), 2);
    for path in ["/snapshots/1999-01", "/snapshots/x", "/api/v1/snapshots/1999-01"] {
        assert_eq!(vera.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for linked in ["/export", "/indicators"] {
        assert!(vera.get(linked).await.text.contains("href=\"/snapshots\""), "{linked}");
    }
}
