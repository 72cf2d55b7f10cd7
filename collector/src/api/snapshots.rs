//! Monthly snapshots as JSON.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::monthly_types::MonthlyContent;
use super::types::{Moment, Problem};
use crate::model::Deed;
use crate::web::{Reader, WebError, WebState, blocking, snapshots};

/// What the trail says of the inventory as it was at the end of a month.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MonthlySnapshot {
    /// The month: `2026-10`.
    month: String,
    /// Its last day.
    #[schema(format = Date)]
    as_of: String,
    /// When it was taken.
    #[schema(value_type = String, format = DateTime)]
    taken_at: Moment,
    /// SHA-256 of its content, in hexadecimal.
    sha256: String,
    /// Bytes of its content.
    bytes: u64,
    /// AI systems in it.
    systems: u64,
    /// Products in it.
    products: u64,
    /// Number of the trail's entry that holds the hash.
    log_seq: u64,
    /// When its content was deleted; null: it is there.
    #[schema(format = Date)]
    erased_on: Option<String>,
}

/// Monthly snapshots, the newest first.
#[utoipa::path(get, path = "/api/v1/snapshots",
    responses((status = 200, body = Vec<MonthlySnapshot>),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<Vec<MonthlySnapshot>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let governance = state.app.governance.clone();
    let held = blocking(move || governance.monthly_snapshots()).await?;
    let rows = held.into_iter().map(|held| MonthlySnapshot {
        month: held.body.month,
        as_of: held.body.as_of.to_string(),
        taken_at: Moment::of(held.body.taken_at_ms),
        sha256: held.body.sha256,
        bytes: held.body.bytes,
        systems: held.body.systems,
        products: held.body.products,
        log_seq: held.seq,
        erased_on: held.body.erased_on.map(|day| day.to_string()),
    });
    Ok(Json(rows.collect()))
}

/// The content of a snapshot: canonical JSON (RFC 8785), byte for byte what the hash is of. That it was taken is noted in the audit trail.
#[utoipa::path(get, path = "/api/v1/snapshots/{month}",
    params(("month" = String, Path, description = "The month: 2026-10")),
    responses((status = 200, description = "The snapshot", body = MonthlyContent, content_type = "application/json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn one(
    state: State<WebState>,
    reader: Reader,
    month: Path<String>,
) -> Result<Response, WebError> {
    snapshots::one(state, reader, month).await
}
