//! Requests to erase what is kept for one pseudonym, as JSON.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::request::{Body, Params, Rows, page_of};
use super::types::{List, Moment, Problem};
use crate::erasure::{Erased, Erasure, STAYS, Step};
use crate::model::Deed;
use crate::web::{Reader, WebError, WebState, blocking, done, may_take_erasure, pseudonyms_of};

/// A request to erase.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErasureRequest {
    /// `ERA-000001`.
    id: String,
    /// `asked`, `done`, `declined` or `withdrawn`.
    state: &'static str,
    /// Why.
    reason: String,
    /// Number of the person who asked.
    asked_by: i64,
    /// When.
    asked_at: Moment,
    /// Number of the person who ended it; null: it waits.
    ended_by: Option<i64>,
    /// When.
    ended_at: Option<Moment>,
    /// What was deleted; null: nothing.
    erased: Option<ErasedNow>,
    /// What no erasure reaches.
    stays: Vec<&'static str>,
}

/// What was deleted, in numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErasedNow {
    /// Rows of activity that lost their pseudonym.
    activity: u64,
    /// Pieces of software that did.
    items: u64,
    /// Sealed names.
    names: u64,
    /// Requests to learn whose it is, of which ticket and reason are gone.
    requests: u64,
    /// Payloads of the trail.
    payloads: u64,
}

impl From<Erasure> for ErasureRequest {
    fn from(erasure: Erasure) -> Self {
        let erased = erasure.end.as_ref().and_then(|end| end.erased);
        let told = |Erased { activity, items, names, requests, payloads }| ErasedNow {
            activity,
            items,
            names,
            requests,
            payloads,
        };
        Self {
            state: erasure.state(),
            asked_by: erasure.asked.by,
            asked_at: Moment::of(erasure.asked.at_ms),
            ended_by: erasure.end.as_ref().map(|end| end.mark.by),
            ended_at: erasure.end.as_ref().map(|end| Moment::of(end.mark.at_ms)),
            erased: erased.map(told),
            stays: STAYS.to_vec(),
            id: erasure.id,
            reason: erasure.reason,
        }
    }
}

/// Requests to erase, the newest first.
#[utoipa::path(get, path = "/api/v1/erasures",
    params(("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<ErasureRequest>)))]
pub(super) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Params(rows): Params<Rows>,
) -> Result<Json<List<ErasureRequest>>, WebError> {
    reader.must_read(Deed::SetRetention)?;
    let (number, page) = page_of(&rows)?;
    let found = blocking(move || state.app.governance.erasures(page)).await?;
    let rows = found.rows.into_iter().map(|held| held.body).collect();
    Ok(Json(List::of(crate::model::Page { rows, total: found.total }, number, page)))
}

/// A machine and the pseudonyms that anything is kept of on it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MachinePseudonyms {
    /// Number of the machine.
    asset: i64,
    /// The pseudonyms.
    pseudonyms: Vec<String>,
}

/// Which machine.
#[derive(Debug, Deserialize)]
pub(super) struct OfMachine {
    machine: String,
}

/// Pseudonyms of the machines of one host name, for a privacy officer. That it was looked at is noted.
#[utoipa::path(get, path = "/api/v1/erasures/pseudonyms",
    params(("machine" = String, Query, min_length = 1, description = "Host name")),
    responses((status = 200, body = Vec<MachinePseudonyms>)))]
pub(super) async fn pseudonyms(
    State(state): State<WebState>,
    reader: Reader,
    Params(of): Params<OfMachine>,
) -> Result<Json<Vec<MachinePseudonyms>>, WebError> {
    let found = blocking(move || pseudonyms_of(&state.app, &reader, of.machine.trim())).await?;
    let machine =
        |(asset, pseudonyms): (crate::model::AssetId, _)| MachinePseudonyms { asset: asset.0, pseudonyms };
    Ok(Json(found.into_iter().map(machine).collect()))
}

/// A request to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ErasureBody {
    /// The pseudonym.
    #[schema(min_length = 1, max_length = 100)]
    pseudonym: String,
    /// Why, without a name.
    #[schema(min_length = 20, max_length = 2000)]
    reason: String,
}

/// Asks that what is kept for a pseudonym is erased.
#[utoipa::path(post, path = "/api/v1/erasures", request_body = ErasureBody,
    responses((status = 201, body = ErasureRequest)))]
pub(super) async fn ask(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<ErasureBody>,
) -> Result<(StatusCode, Json<ErasureRequest>), WebError> {
    reader.must_read(Deed::SetRetention)?;
    let act = reader.act(body.reason.trim());
    let asked =
        blocking(move || state.app.governance.ask_erasure(body.pseudonym.trim(), reader.who(), act)).await?;
    Ok((StatusCode::CREATED, Json(asked.map_err(WebError::Guarded)?.body.into())))
}

/// A step of a request.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ErasureStep {
    /// A privacy officer, who is another person, has it done.
    Approve,
    /// A privacy officer declines it.
    Decline,
    /// Whoever asked takes it back.
    Withdraw,
}

/// A step.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ErasureStepBody {
    /// Which.
    step: ErasureStep,
}

/// Approves a request, which deletes at once and takes somebody who signed in again a moment ago; declines it, or takes it back.
#[utoipa::path(post, path = "/api/v1/erasures/{id}", request_body = ErasureStepBody,
    params(("id" = String, Path, description = "ERA-000001")),
    responses((status = 200, body = ErasureRequest), (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn step(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Body(body): Body<ErasureStepBody>,
) -> Result<Json<ErasureRequest>, WebError> {
    reader.must_read(Deed::SetRetention)?;
    let step = match body.step {
        ErasureStep::Approve => Step::Approve,
        ErasureStep::Decline => Step::Decline,
        ErasureStep::Withdraw => Step::Withdraw,
    };
    may_take_erasure(&reader, step)?;
    let act = reader.act("");
    let changed = blocking(move || state.app.governance.step_erasure(&id, step, reader.who(), act)).await?;
    Ok(Json(done(changed, "request to erase")?.body.into()))
}
