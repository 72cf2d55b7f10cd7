//! The audit trail and the policies as JSON.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use umbrascope_api::Day;
use utoipa::ToSchema;

use super::request::{Body, Params, Rows, page_of};
use super::types::{List, Moment, Problem};
use crate::model::governed::{Actor, Held, TrailRow};
use crate::model::policy::{self, in_force};
use crate::model::{Deed, Page};
use crate::review::{Guard, Refused};
use crate::web::{Reader, TrailQuery, WebError, WebState, allowed_trail, blocking, may_record_policy};

/// An entry of the trail.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entry {
    /// Its number, from 0.
    seq: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
    /// Who: `person:12`, `person:12 token:…`, `job:observe`, `console`.
    actor: String,
    /// Number of the person who answers for it.
    person: Option<i64>,
    /// In which role; `-`: in none.
    role: String,
    /// What.
    action: String,
    /// Kind of the record.
    kind: String,
    /// Its id.
    id: String,
    /// `done`, or `refused:` and the guard.
    outcome: String,
    /// Why; null: erased.
    reason: Option<String>,
    /// What was set, by field; null: erased.
    set: Option<SetFields>,
    /// Version of the policy that was in force.
    policy: Option<String>,
    /// What it has in common with others of one bulk.
    batch: Option<String>,
    /// Leaf hash, in hexadecimal.
    leaf: String,
}

/// Values by field. Of which fields, the kind of the record says: the same as in the record itself.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
pub(super) struct SetFields(BTreeMap<String, Value>);

impl From<TrailRow> for Entry {
    fn from(row: TrailRow) -> Self {
        Self {
            seq: row.seq,
            at: Moment::of(row.at_ms),
            person: Actor::person_in(&row.actor),
            actor: row.actor,
            role: row.role,
            action: row.action,
            kind: row.kind,
            id: row.id,
            outcome: row.outcome,
            reason: row.reason,
            set: row.set.map(SetFields),
            policy: row.policy,
            batch: row.batch,
            leaf: row.leaf,
        }
    }
}

/// Entries of the trail, the newest first: all of it for who reads it, their own for who changes records, and those about collection and
/// re-identification for the works council.
#[utoipa::path(get, path = "/api/v1/trail",
    params(
        ("person" = Option<String>, Query, description = "Sign-in name of who did it"),
        ("kind" = Option<String>, Query, description = "system, policy, setting …"),
        ("id" = Option<String>, Query, description = "Id of the record"),
        ("refused" = Option<String>, Query, description = "yes: refusals only; no: changes only"),
        ("from" = Option<String>, Query, format = Date, description = "First day"),
        ("to" = Option<String>, Query, format = Date, description = "Last day"),
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<Entry>),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Params(asked): Params<TrailQuery>,
    Params(rows): Params<Rows>,
) -> Result<Json<List<Entry>>, WebError> {
    let (number, page) = page_of(&rows)?;
    let found = match allowed_trail(&state, &reader, &asked).await? {
        Some(filter) => {
            let governance = state.app.governance.clone();
            blocking(move || governance.trail(&filter, page)).await?
        }
        None => Page { rows: Vec::new(), total: 0 },
    };
    Ok(Json(List::of(found, number, page)))
}

/// A version of the AI policy.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Policy {
    /// Its version.
    version: String,
    /// Its title.
    title: String,
    /// Where it is kept.
    link: Option<String>,
    /// SHA-256 of the document, in hexadecimal.
    sha256: Option<String>,
    /// Who approved it.
    approved_by: String,
    /// First day of its force.
    #[schema(format = Date)]
    from: String,
    /// Last day of it; null: until another one is in force.
    #[schema(format = Date)]
    until: Option<String>,
    /// Whether it is the one that decisions cite today.
    in_force: bool,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    recorded_at: Moment,
}

impl Policy {
    fn of(held: Held<policy::Policy>, current: Option<&str>) -> Self {
        let body = held.body;
        Self {
            in_force: current == Some(body.version.as_str()),
            version: body.version,
            title: body.title,
            link: body.link,
            sha256: body.sha256,
            approved_by: body.approved_by,
            from: body.from.to_string(),
            until: body.until.map(|day| day.to_string()),
            recorded_at: Moment::of(held.at_ms),
        }
    }
}

/// A version to record.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": "2027", "title": "Use of AI", "approved_by": "The board", "from": "2027-01-01", "reason": "The yearly one"}))]
pub(super) struct NewPolicy {
    /// Its version, unique.
    version: String,
    /// Its title.
    title: String,
    /// Where it is kept.
    #[serde(default)]
    link: Option<String>,
    /// SHA-256 of the document, in hexadecimal.
    #[serde(default)]
    sha256: Option<String>,
    /// Who approved it.
    approved_by: String,
    /// First day of its force.
    from: String,
    /// Last day of it.
    #[serde(default)]
    until: Option<String>,
    /// Why.
    #[serde(default)]
    reason: String,
}

/// Versions of the AI policy, the newest first.
#[utoipa::path(get, path = "/api/v1/policies", responses(
    (status = 200, body = Vec<Policy>), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn policies(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<Vec<Policy>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let governance = state.app.governance.clone();
    let held = blocking(move || governance.policies()).await?;
    let today = Day::from_unix_ms(reader.now_ms);
    let current = in_force(held.iter().map(|held| &held.body), today).map(|policy| policy.version.clone());
    Ok(Json(held.into_iter().map(|held| Policy::of(held, current.as_deref())).collect()))
}

/// Records a version. It is never changed afterwards.
#[utoipa::path(post, path = "/api/v1/policies", request_body = NewPolicy,
    responses((status = 201, body = Policy),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn add_policy(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<NewPolicy>,
) -> Result<(StatusCode, Json<Policy>), WebError> {
    may_record_policy(&reader)?;
    let refuse = |says: String| WebError::Guarded(Refused::new(Guard::Fields, says));
    let day = |text: &str| text.parse::<Day>().map_err(|error| refuse(error.to_string()));
    let policy = policy::Policy {
        version: body.version.trim().to_owned(),
        title: body.title.trim().to_owned(),
        link: body.link,
        sha256: body.sha256,
        approved_by: body.approved_by.trim().to_owned(),
        from: day(&body.from)?,
        until: body.until.as_deref().map(day).transpose()?,
    };
    let policy = policy.checked().map_err(refuse)?;
    let (governance, act) = (state.app.governance.clone(), reader.act(body.reason.trim()));
    let made = blocking(move || governance.add_policy(policy, act)).await?;
    let held = made.ok_or_else(|| {
        WebError::Guarded(Refused::new(Guard::State, "there is a policy of that version already"))
    })?;
    Ok((StatusCode::CREATED, Json(Policy::of(held, None))))
}
