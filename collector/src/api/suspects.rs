//! Suspects as JSON: domains that look like AI and that no rule knows, and whether they are collected, which takes two people.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::request::{Body, Params, Rows, page_of, said};
use super::types::{List, Moment, Problem};
use crate::model::{Deed, Dismissal, Step, SuspectDomain, SuspectSetting};
use crate::review::{Guard, Refused};
use crate::web::{DISMISSAL_CHARS, Reader, WebError, WebState, blocking, may_step_suspects};

/// A domain of the queue. It is no product and in no inventory.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Suspect {
    /// The registrable domain.
    domain: String,
    /// How often something below it was named.
    count: u64,
    /// First day.
    #[schema(format = Date)]
    first_day: String,
    /// Last day.
    #[schema(format = Date)]
    last_day: String,
    /// Why it was dismissed; null: it was not.
    dismissed: Option<DismissedJson>,
}

/// That somebody looked and set it aside.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DismissedJson {
    /// Why.
    reason: String,
    /// Sign-in name of who did.
    by: String,
    /// When.
    at: Moment,
}

impl From<SuspectDomain> for Suspect {
    fn from(row: SuspectDomain) -> Self {
        Self {
            domain: row.domain,
            count: row.count,
            first_day: row.first_day.to_string(),
            last_day: row.last_day.to_string(),
            dismissed: row.dismissal.map(|dismissal| DismissedJson {
                reason: dismissal.reason,
                by: dismissal.person,
                at: Moment::of(dismissal.at_ms),
            }),
        }
    }
}

/// Which of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    dismissed: bool,
}

/// The queue, or what was dismissed.
#[utoipa::path(get, path = "/api/v1/suspects",
    params(("dismissed" = Option<bool>, Query, description = "Those that were dismissed"),
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<Suspect>)))]
pub(super) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Params(which): Params<Which>,
    Params(rows): Params<Rows>,
) -> Result<Json<List<Suspect>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (number, page) = page_of(&rows)?;
    let found = blocking(move || state.app.store.suspects(which.dismissed, page)).await?;
    Ok(Json(List::of(found, number, page)))
}

/// Whether suspects are collected.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Setting {
    /// `off`, `asked` or `on`.
    state: &'static str,
    /// Sign-in name of who asked.
    asked_by: Option<String>,
    /// When that was.
    asked_at: Option<Moment>,
    /// Sign-in name of who confirmed.
    confirmed_by: Option<String>,
    /// Since when they are collected.
    since: Option<Moment>,
}

impl From<SuspectSetting> for Setting {
    fn from(setting: SuspectSetting) -> Self {
        let off = Self { state: "off", asked_by: None, asked_at: None, confirmed_by: None, since: None };
        match setting {
            SuspectSetting::Off => off,
            SuspectSetting::Asked { by, at_ms } => {
                Self { state: "asked", asked_by: Some(by), asked_at: Some(Moment::of(at_ms)), ..off }
            }
            SuspectSetting::On { asked_by, confirmed_by, since_ms } => Self {
                state: "on",
                asked_by: Some(asked_by),
                confirmed_by: Some(confirmed_by),
                since: Some(Moment::of(since_ms)),
                ..off
            },
        }
    }
}

/// Whether domains that look like AI are collected.
#[utoipa::path(get, path = "/api/v1/suspects/setting", responses((status = 200, body = Setting)))]
pub(super) async fn setting(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<Setting>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    Ok(Json(blocking(move || state.app.store.suspect_setting(reader.now_ms)).await?.into()))
}

/// A step towards it, or away from it.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SuspectStep {
    /// Somebody asks for it.
    Asked,
    /// A privacy officer, who is another person, confirms.
    Confirmed,
    /// It is taken back, the request or the setting.
    Withdrawn,
}

/// A step.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SuspectStepBody {
    /// Which.
    step: SuspectStep,
}

/// Asks for the collection, confirms it or withdraws it. It takes two people, one of them a privacy officer.
#[utoipa::path(post, path = "/api/v1/suspects/setting", request_body = SuspectStepBody,
    responses((status = 200, body = Setting), (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn step(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<SuspectStepBody>,
) -> Result<Json<Setting>, WebError> {
    let step = match body.step {
        SuspectStep::Asked => Step::Asked,
        SuspectStep::Confirmed => Step::Confirmed,
        SuspectStep::Withdrawn => Step::Withdrawn,
    };
    may_step_suspects(&reader, step)?;
    let (store, by, now_ms) = (state.app.store.clone(), reader.user.name.clone(), reader.now_ms);
    let taken = blocking(move || store.step_suspects(step, &by, now_ms)).await?;
    taken.map_err(|refused| WebError::Guarded(Refused::new(Guard::State, refused.to_string())))?;
    tracing::info!(step = step.as_str(), person = reader.user.name, "the collection of suspects changed");
    Ok(Json(blocking(move || state.app.store.suspect_setting(now_ms)).await?.into()))
}

/// Why a domain is dismissed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DismissBody {
    /// Why.
    #[schema(min_length = 1, max_length = 200)]
    reason: String,
}

/// Dismisses a domain. Nothing more of it is taken.
#[utoipa::path(post, path = "/api/v1/suspects/{domain}/dismiss", request_body = DismissBody,
    params(("domain" = String, Path, description = "The registrable domain")),
    responses((status = 204, description = "It is dismissed")))]
pub(super) async fn dismiss(
    State(state): State<WebState>,
    reader: Reader,
    Path(domain): Path<String>,
    Body(body): Body<DismissBody>,
) -> Result<StatusCode, WebError> {
    reader.must(Deed::Triage, &[])?;
    let reason = said("reason", &body.reason, DISMISSAL_CHARS)?;
    let dismissal = Dismissal { reason, person: reader.user.name.clone(), at_ms: reader.now_ms };
    match blocking(move || state.app.store.dismiss_suspect(&domain, &dismissal)).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(WebError::NotFound("suspect")),
    }
}

/// Takes a dismissal back.
#[utoipa::path(post, path = "/api/v1/suspects/{domain}/restore",
    params(("domain" = String, Path, description = "The registrable domain")),
    responses((status = 204, description = "It is in the queue again")))]
pub(super) async fn restore(
    State(state): State<WebState>,
    reader: Reader,
    Path(domain): Path<String>,
) -> Result<StatusCode, WebError> {
    reader.must(Deed::Triage, &[])?;
    let by = reader.by("");
    match blocking(move || state.app.store.restore_suspect(&domain, &by)).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(WebError::NotFound("dismissal")),
    }
}
