//! What is set for the whole organisation, as JSON: limits of decisions, days of findings, and which roles take a second factor.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::request::{Body, said};
use super::types::Problem;
use crate::model::finding::DueDays;
use crate::model::policy;
use crate::model::{Deed, Role};
use crate::review::{Guard, Refused};
use crate::store::StoreError;
use crate::web::{Reader, WebError, WebState, blocking};

/// Longest reason, in characters.
const REASON_CHARS: usize = 2_000;

/// Limits that decisions keep to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Limits {
    /// Most days that a use may be tolerated.
    tolerance_days: u32,
    /// Days after which a decision, and a confirmation, has to be looked at again.
    review_days: u32,
    /// Most records in one bulk change.
    bulk_records: u32,
}

impl From<policy::Limits> for Limits {
    fn from(limits: policy::Limits) -> Self {
        let policy::Limits { tolerance_days, review_days, bulk_records } = limits;
        Self { tolerance_days, review_days, bulk_records }
    }
}

/// The limits in force.
#[utoipa::path(get, path = "/api/v1/limits", responses((status = 200, body = Limits)))]
pub(super) async fn limits(State(state): State<WebState>, reader: Reader) -> Result<Json<Limits>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    Ok(Json(blocking(move || state.app.governance.limits()).await?.into()))
}

/// Limits to be set, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewLimits {
    /// Most days that a use may be tolerated.
    #[schema(minimum = 1, maximum = 3650)]
    tolerance_days: u32,
    /// Days after which a decision, and a confirmation, has to be looked at again.
    #[schema(minimum = 1, maximum = 3650)]
    review_days: u32,
    /// Most records in one bulk change.
    #[schema(minimum = 1, maximum = 400)]
    bulk_records: u32,
    /// Why.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// Sets the limits. They hold from then on; what was decided before stays.
#[utoipa::path(put, path = "/api/v1/limits", request_body = NewLimits, responses((status = 200, body = Limits)))]
pub(super) async fn set_limits(
    State(state): State<WebState>,
    reader: Reader,
    Body(new): Body<NewLimits>,
) -> Result<Json<Limits>, WebError> {
    reader.must(Deed::ManagePeople, &[])?;
    let NewLimits { tolerance_days, review_days, bulk_records, reason } = new;
    let act = reader.act(said("reason", &reason, REASON_CHARS)?);
    let limits = policy::Limits { tolerance_days, review_days, bulk_records }.checked();
    let limits = limits.map_err(|says| WebError::Guarded(Refused::new(Guard::Fields, says)))?;
    let set = blocking(move || {
        state.app.governance.set_limits(limits, act)?;
        state.app.governance.limits()
    });
    Ok(Json(set.await?.into()))
}

/// Days within which findings are to be answered, by severity.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Days {
    /// Of low ones.
    #[schema(maximum = 730)]
    low: u32,
    /// Of medium ones.
    #[schema(maximum = 730)]
    medium: u32,
    /// Of high ones.
    #[schema(maximum = 730)]
    high: u32,
    /// Of critical ones.
    #[schema(maximum = 730)]
    critical: u32,
}

impl From<DueDays> for Days {
    fn from(days: DueDays) -> Self {
        let DueDays { low, medium, high, critical } = days;
        Self { low, medium, high, critical }
    }
}

/// The days within which findings are to be answered.
#[utoipa::path(get, path = "/api/v1/due-days", responses((status = 200, body = Days)))]
pub(super) async fn due_days(State(state): State<WebState>, reader: Reader) -> Result<Json<Days>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    Ok(Json(blocking(move || state.app.governance.due_days()).await?.into()))
}

/// Sets them: for who decides, for the whole organisation.
#[utoipa::path(put, path = "/api/v1/due-days", request_body = Days, responses((status = 200, body = Days)))]
pub(super) async fn set_due_days(
    State(state): State<WebState>,
    reader: Reader,
    Body(new): Body<Days>,
) -> Result<Json<Days>, WebError> {
    reader.must(Deed::Decide, &[])?;
    let Days { low, medium, high, critical } = new;
    if [low, medium, high, critical].into_iter().any(|days| days > DueDays::MAX) {
        let says = format!("at most {} days", DueDays::MAX);
        return Err(WebError::Guarded(Refused::new(Guard::Fields, says)));
    }
    let days = DueDays { low, medium, high, critical };
    let act = reader.act("");
    let set = blocking(move || {
        state.app.governance.set_due_days(days, act)?;
        state.app.governance.due_days()
    });
    Ok(Json(set.await?.into()))
}

/// Roles that take a second factor.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecondFactor {
    /// Their words: `administrator`, `scope-owner` …
    roles: BTreeSet<String>,
}

fn demanded(roles: Vec<Role>) -> SecondFactor {
    SecondFactor { roles: roles.into_iter().map(|role| role.as_str().to_owned()).collect() }
}

/// Which roles take a second factor.
#[utoipa::path(get, path = "/api/v1/second-factor-roles", responses((status = 200, body = SecondFactor)))]
pub(super) async fn second_factor(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<SecondFactor>, WebError> {
    reader.must_read(Deed::ManagePeople)?;
    Ok(Json(demanded(blocking(move || state.app.people.totp_roles()).await?)))
}

/// Sets which roles take a second factor. Who holds one and has none set up is let in no further than to set it up.
#[utoipa::path(put, path = "/api/v1/second-factor-roles", request_body = SecondFactor,
    responses((status = 200, body = SecondFactor), (status = 400, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn set_second_factor(
    State(state): State<WebState>,
    reader: Reader,
    Body(new): Body<SecondFactor>,
) -> Result<Json<SecondFactor>, WebError> {
    reader.must(Deed::ManagePeople, &[])?;
    let known = |word: &String| Role::parse(word).ok_or_else(|| WebError::unknown_choice("role", word));
    let roles: Vec<Role> = new.roles.iter().map(known).collect::<Result<_, _>>()?;
    let by = reader.by("");
    let set = blocking(move || {
        state.app.people.set_totp_roles(&roles, &by)?;
        Ok::<_, StoreError>(demanded(state.app.people.totp_roles()?))
    });
    Ok(Json(set.await?))
}
