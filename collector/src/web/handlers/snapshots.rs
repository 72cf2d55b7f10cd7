//! `/snapshots`: monthly snapshots of the inventory, and how far the trail that proves them is signed and stamped.

use std::sync::atomic::Ordering;

use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::Map;

use super::page;
use crate::audit::{Checkpoint, sha256};
use crate::model::Deed;
use crate::model::monthly::Monthly;
use crate::store::StoreError;
use crate::store::proof::TrailNote;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::pages::SnapshotsPage;
use crate::web::{WebState, blocking};

/// A snapshot whose content is not what the trail says.
#[derive(Debug, thiserror::Error)]
#[error(
    "the snapshot of {0} is not what the audit trail says: restore the database from a backup, and look who changed it"
)]
struct Altered(String);

/// The list.
pub(crate) async fn list(State(state): State<WebState>, reader: Reader) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let app = state.app.clone();
    let (rows, checkpoint, stamped) = blocking(move || {
        let governance = &app.governance;
        let checkpoint = governance.newest_checkpoint()?.and_then(|note| Checkpoint::of(&note).ok());
        Ok::<_, StoreError>((governance.monthly_snapshots()?, checkpoint, governance.stamped()?))
    })
    .await?;
    let stamping = &state.app.stamping;
    page(&SnapshotsPage {
        frame: reader.frame(Here::Export, None),
        whole: reader.sees_all(),
        rows,
        checkpoint,
        stamped,
        authority: stamping.host.clone(),
        attempts: (stamping.stamped.load(Ordering::Relaxed), stamping.failed.load(Ordering::Relaxed)),
        failure: stamping.last_failure(),
    })
}

/// The content of one, byte for byte; that it was taken is noted in the trail.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(month): Path<String>,
) -> Result<Response, WebError> {
    // It holds the records of every unit, and is one piece under one hash.
    reader.must_see_all()?;
    let (app, act) = (state.app.clone(), reader.act(""));
    let (snapshot, content) = blocking(move || {
        let Some(found) = read(&app, &month)? else { return Err(WebError::NotFound("monthly snapshot")) };
        let details = Map::from_iter([("month".to_owned(), month.into())]);
        let id = "monthly-snapshot".to_owned();
        app.governance.note(TrailNote { act, action: "export.make", kind: "export", id, details })?;
        Ok(found)
    })
    .await?;
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"umbrascope-snapshot-{}.json\"", snapshot.month),
        ),
    ];
    Ok((headers, content).into_response())
}

/// A snapshot and its content, which is what the trail says.
fn read(app: &crate::AppState, month: &str) -> Result<Option<(Monthly, String)>, WebError> {
    let held = app.governance.monthly_snapshots()?.into_iter().find(|held| held.body.month == month);
    let content = app.governance.monthly_content(month)?;
    let Some((held, content)) = held.zip(content) else { return Ok(None) };
    if sha256(&[content.as_bytes()]).to_string() != held.body.sha256 {
        return Err(WebError::Work(Altered(month.to_owned()).into()));
    }
    Ok(Some((held.body, content)))
}
