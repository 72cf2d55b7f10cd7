//! Emergency access as JSON. For people: no token of a program takes a role.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::request::{Body, Params, Rows, page_of};
use super::types::{List, Moment, Problem};
use crate::emergency::Emergency;
use crate::model::{Deed, Page};
use crate::web::emergency::{Told, make, make_end, told};
use crate::web::{Reader, WebError, WebState, blocking};

/// A role that was taken for some hours.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EmergencyJson {
    /// Its reference.
    id: String,
    /// Number of the person.
    person: i64,
    /// The role that was taken.
    role: &'static str,
    /// Why.
    reason: String,
    /// From when on.
    #[schema(value_type = String, format = DateTime)]
    from: Moment,
    /// Until when: by itself, or before its time.
    #[schema(value_type = String, format = DateTime)]
    until: Moment,
    /// Number of the person who ended it before its time; null: nobody.
    ended_by: Option<i64>,
    /// Whether it lasts.
    lasts: bool,
}

impl EmergencyJson {
    fn of(body: &Emergency, now_ms: i64) -> Self {
        Self {
            id: body.id.clone(),
            person: body.person,
            role: body.role.as_str(),
            reason: body.reason.clone(),
            from: Moment::of(body.from_ms),
            until: Moment::of(body.end_ms()),
            ended_by: body.ended.map(|(person, _)| person),
            lasts: body.is_on(now_ms),
        }
    }
}

/// Who has seen one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SeenBy {
    /// Number of the person.
    person: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
}

/// What was done, and how often.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActCount {
    /// What, as the trail has it: `system.approve`.
    action: String,
    /// How often.
    count: u64,
}

/// An emergency with what is reported of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EmergencyTold {
    /// The emergency.
    #[serde(flatten)]
    emergency: EmergencyJson,
    /// Who of those to whom it is reported has seen it.
    seen: Vec<SeenBy>,
    /// What was done in the role that was taken.
    acts: Vec<ActCount>,
}

impl EmergencyTold {
    fn of(told: Told, now_ms: i64) -> Self {
        let seen = |(person, at_ms)| SeenBy { person, at: Moment::of(at_ms) };
        Self {
            emergency: EmergencyJson::of(&told.held.body, now_ms),
            seen: told.seen.into_iter().map(seen).collect(),
            acts: told.acts.into_iter().map(|(action, count)| ActCount { action, count }).collect(),
        }
    }
}

/// Emergencies, the newest first, with what was done in the roles that were taken and who has seen that.
#[utoipa::path(get, path = "/api/v1/emergencies",
    params(("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<EmergencyTold>),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Params(rows): Params<Rows>,
) -> Result<Json<List<EmergencyTold>>, WebError> {
    reader.must_read_all(Deed::ReadCollectionAudit)?;
    let (number, page) = page_of(&rows)?;
    let found = blocking(move || told(&state.app, page)).await?;
    let rows = found.rows.into_iter().map(|one| EmergencyTold::of(one, reader.now_ms)).collect();
    Ok(Json(List::of(Page { rows, total: found.total }, number, page)))
}

/// What is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEmergency {
    /// `it-deployer`, `analyst`, `reviewer` or `scope-owner`.
    role: String,
    /// For how many hours: 1 to 8, and 24 within seven days.
    hours: u32,
    /// What happened and who could not be reached, in at least 20 characters.
    reason: String,
}

/// Takes a role for some hours. For administrators of the whole organisation who signed in within five minutes.
#[utoipa::path(post, path = "/api/v1/emergencies", request_body = NewEmergency, responses(
    (status = 201, body = EmergencyJson),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn take(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<NewEmergency>,
) -> Result<(StatusCode, Json<EmergencyJson>), WebError> {
    let held = make(&state, &reader, &body.role, body.hours, &body.reason).await?;
    let held = held.map_err(WebError::Guarded)?;
    Ok((StatusCode::CREATED, Json(EmergencyJson::of(&held.body, reader.now_ms))))
}

/// Ends one before its time: whose it is does, and every administrator.
#[utoipa::path(post, path = "/api/v1/emergencies/{id}/end", params(("id" = String, Path, description = "Reference")),
    responses((status = 200, body = EmergencyJson),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn end(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<EmergencyJson>, WebError> {
    let held = make_end(&state, &reader, &id).await?.map_err(WebError::Guarded)?;
    Ok(Json(EmergencyJson::of(&held.body, reader.now_ms)))
}
