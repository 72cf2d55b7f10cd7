//! The exports, as downloads of programs.

use axum::extract::{Path, Query, State};
use axum::response::Response;

use super::request::Params;
use super::types::Problem;
use crate::web::{Reader, WebError, WebState, download};

/// The inventory in one of the formats, written while it is read. That it was taken away is noted in the audit trail.
#[utoipa::path(get, path = "/api/v1/export/{format}",
    params(
        ("format" = String, Path, description = "csv, json, jsonl, cyclonedx-1.6, cyclonedx-1.7, spdx-3.0.1, ocsf-1.8, oscal or ciso-assistant"),
        ("part" = Option<String>, Query, description = "Part of the format: of csv products or systems; of ciso-assistant assets, findings or evidence; of oscal component-definition or catalog"),
        ("as_of" = Option<String>, Query, format = Date, description = "As it was at the end of this past day, UTC: YYYY-MM-DD")),
    responses((status = 200, description = "The export, in the media type of its format"),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn export(
    state: State<WebState>,
    reader: Reader,
    format: Path<String>,
    Params(asked): Params<download::Asked>,
) -> Result<Response, WebError> {
    download::export(state, reader, format, Query(asked)).await
}

/// An evidence pack: one file that `umbrascope-collector audit verify` checks without this collector. For who may take the records of every
/// unit away; an entry of the audit trail says who did.
#[utoipa::path(post, path = "/api/v1/export/evidence-pack",
    responses((status = 200, description = "The pack", body = Vec<u8>, content_type = "application/x-tar")))]
pub(super) async fn evidence_pack(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Response, WebError> {
    download::pack(state, reader).await
}
