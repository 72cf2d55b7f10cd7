//! The scope as JSON: coverage, endpoint lists, sites, statements and what changed between two.

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::types::Problem;
use crate::model::Deed;
use crate::model::governed::Held;
use crate::scope;
use crate::store::StoreError;
use crate::web::{Reader, WebError, WebState, blocking, statement_content};

/// What the records say now: what a statement would list, with its coverage.
#[utoipa::path(get, path = "/api/v1/scope", responses(
    (status = 200, body = Object), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn now(State(state): State<WebState>, reader: Reader) -> Result<Json<Value>, WebError> {
    reader.must_see_all()?;
    let content = blocking(move || state.app.governance.scope_now(reader.now_ms)).await?;
    body(&content)
}

/// What every list rests on. Numbers that are not known are `null`.
#[utoipa::path(get, path = "/api/v1/scope/coverage", responses(
    (status = 200, body = Object), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn coverage(State(state): State<WebState>, reader: Reader) -> Result<Json<Value>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let coverage = blocking(move || state.app.governance.coverage_record(reader.now_ms)).await?;
    body(&json!({ "percent": coverage.percent(), "in_words": coverage.share(), "coverage": coverage }))
}

/// Lists of the endpoints that there should be.
#[utoipa::path(get, path = "/api/v1/scope/endpoint-lists", responses(
    (status = 200, body = Object), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn endpoint_lists(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<Value>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let lists = blocking(move || state.app.governance.endpoint_lists()).await?;
    body(&json!({ "lists": lists.iter().map(record).collect::<Vec<_>>() }))
}

/// Sites and networks.
#[utoipa::path(get, path = "/api/v1/scope/sites", responses(
    (status = 200, body = Object), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn sites(State(state): State<WebState>, reader: Reader) -> Result<Json<Value>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let sites = blocking(move || state.app.governance.sites()).await?;
    body(&json!({ "sites": sites.iter().map(record).collect::<Vec<_>>() }))
}

/// Scope statements, the newest first.
#[utoipa::path(get, path = "/api/v1/scope/statements", responses(
    (status = 200, body = Object), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn statements(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<Value>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let rows = blocking(move || state.app.governance.statements()).await?;
    body(&json!({ "statements": rows }))
}

/// One statement; `signed` is the file that verifies, once it is signed.
#[utoipa::path(get, path = "/api/v1/scope/statements/{number}",
    params(("number" = u64, Path, description = "Number of the statement")),
    responses((status = 200, body = Object),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn statement(
    State(state): State<WebState>,
    reader: Reader,
    Path(number): Path<String>,
) -> Result<Json<Value>, WebError> {
    reader.must_see_all()?;
    let number = number_of(&number)?;
    let held = blocking(move || state.app.governance.statement(number)).await?;
    let held = held.ok_or(WebError::NotFound("statement"))?;
    body(&json!({ "statement": record(&held), "signed": held.body.signed_file() }))
}

/// Which two.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Between {
    from: String,
    to: String,
}

/// What one statement says otherwise than another; of a draft what it would say now.
#[utoipa::path(get, path = "/api/v1/scope/diff",
    params(
        ("from" = u64, Query, description = "Number of the first"),
        ("to" = u64, Query, description = "Number of the second")),
    responses((status = 200, body = Object),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn diff(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<Between>,
) -> Result<Json<Value>, WebError> {
    reader.must_see_all()?;
    let (from, to) = (number_of(&query.from)?, number_of(&query.to)?);
    let found = blocking(move || {
        let of = |number| statement_content(&state.app, number, reader.now_ms);
        Ok::<_, StoreError>(of(from)?.zip(of(to)?))
    })
    .await?;
    let (one, other) = found.ok_or(WebError::NotFound("statement"))?;
    body(&json!({ "from": from, "to": to, "diff": scope::diff(Some(&one), &other) }))
}

/// A record with its version and its hash.
fn record<T: Serialize>(held: &Held<T>) -> Value {
    json!({ "version": held.version, "hash": held.hash, "record": held.body })
}

fn number_of(typed: &str) -> Result<u64, WebError> {
    typed.parse().map_err(|_| WebError::NotFound("statement"))
}

fn body(value: &impl Serialize) -> Result<Json<Value>, WebError> {
    serde_json::to_value(value).map(Json).map_err(|error| WebError::Work(error.into()))
}
