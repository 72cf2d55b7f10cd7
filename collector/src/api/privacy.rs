//! The settings that concern people, how long records are kept, and the pack for who assesses it, as JSON.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema, Type};

use super::request::{Body, reason};
use super::types::{Moment, Problem};
use crate::model::{Deed, Role};
use crate::privacy::{CANNOT, Notice, Pack};
use crate::retention::{Retention, Step, Times};
use crate::web::{Reader, WebError, WebState, blocking, in_force, sweeps};

/// Longest reason, in characters.
const REASON_CHARS: usize = 2_000;

/// How long things are kept, in days, 0: for ever; and the smallest number that is told.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub(super) struct TimesJson {
    /// Pseudonyms of accounts, and software no longer there.
    pseudonym_days: u32,
    /// What was seen on a day of a machine.
    day_days: u32,
    /// Who read about a machine or a person.
    reading_days: u32,
    /// Reasons and fields in the audit trail.
    trail_days: u32,
    /// Fewer machines or accounts are not told by their number to who may not look at single machines. 3 to 100.
    least_count: u32,
}

impl From<Times> for TimesJson {
    fn from(times: Times) -> Self {
        let Times { pseudonym_days, day_days, reading_days, trail_days, least_count } = times;
        Self { pseudonym_days, day_days, reading_days, trail_days, least_count }
    }
}

impl From<TimesJson> for Times {
    fn from(times: TimesJson) -> Self {
        let TimesJson { pseudonym_days, day_days, reading_days, trail_days, least_count } = times;
        Self { pseudonym_days, day_days, reading_days, trail_days, least_count }
    }
}

/// Something, in words.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Words {
    /// What.
    what: String,
    /// What is to be said of it.
    words: String,
}

impl Words {
    fn of((what, words): (&str, impl Into<String>)) -> Self {
        Self { what: what.to_owned(), words: words.into() }
    }
}

/// The settings in force.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Settings {
    /// How long things are kept.
    times: TimesJson,
    /// Why something is kept for ever, where it is.
    for_ever_because: Option<String>,
    /// Since when domains that look like AI are collected; null: they are not.
    suspects_since: Option<Moment>,
    /// Since when sealed names of accounts are kept; null: they are not.
    sealed_names_since: Option<Moment>,
    /// The privacy officer's key that they are sealed to.
    sealed_to: Option<String>,
    /// What is collected, by channel.
    collected: Vec<Words>,
    /// Who may read what: the roles.
    readers: Vec<Words>,
    /// All of it as text; the hash is of its UTF-8.
    text: String,
    /// SHA-256 of the text, in hexadecimal.
    hash: String,
}

impl From<&Notice> for Settings {
    fn from(notice: &Notice) -> Self {
        Self {
            times: notice.times.into(),
            for_ever_because: notice.for_ever_because.clone(),
            suspects_since: notice.suspects_since_ms.map(Moment::of),
            sealed_names_since: notice.sealed_names.map(|on| Moment::of(on.since_ms)),
            sealed_to: notice.sealed_names.map(|on| on.key.to_string()),
            collected: notice.collected().into_iter().map(Words::of).collect(),
            readers: notice.readers().into_iter().map(Words::of).collect(),
            text: notice.text(),
            hash: notice.hash(),
        }
    }
}

/// The settings that concern people, as the notice tells them.
#[utoipa::path(get, path = "/api/v1/privacy", responses(
    (status = 200, body = Settings), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn settings(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<Settings>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let now_ms = reader.now_ms;
    let (_, notice) = blocking(move || in_force(&state.app, now_ms)).await?;
    Ok(Json((&notice).into()))
}

/// A field of a report.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FieldJson {
    /// Its path; `[]`: an element of a list.
    path: String,
    /// `text`, `number` or `yes or no`.
    is: String,
    /// A made-up value.
    example: String,
}

/// What each role may do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoleRow {
    /// To do what.
    deed: String,
    /// By role: `read`, `ask` or `do`; roles that may not are left out.
    #[schema(value_type = BTreeMap<String, String>)]
    roles: BTreeMap<&'static str, &'static str>,
}

/// The form of the made-up report: of the very types that agents send, so that it cannot part from them.
fn made_up() -> Schema {
    form_of(&serde_json::to_value(crate::privacy::sample()).unwrap_or_default())
}

/// The form of a value in which everything is set, and each list has one sort of element.
fn form_of(value: &Value) -> Schema {
    let plain = |of: Type| Schema::Object(ObjectBuilder::new().schema_type(of).build());
    match value {
        Value::Object(fields) => {
            let object = ObjectBuilder::new().schema_type(Type::Object);
            let described = fields.iter().fold(object, |object, (name, value)| {
                object.property(name.clone(), form_of(value)).required(name.clone())
            });
            Schema::Object(described.build())
        }
        Value::Array(elements) => {
            let of = elements.first().map_or_else(|| plain(Type::Null), form_of);
            Schema::Array(ArrayBuilder::new().items(RefOr::T(of)).build())
        }
        Value::String(_) => plain(Type::String),
        Value::Number(_) => plain(Type::Integer),
        Value::Bool(_) => plain(Type::Boolean),
        Value::Null => plain(Type::Null),
    }
}

/// The pack for an assessment of data protection.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PackJson {
    /// The settings in force.
    settings: Settings,
    /// Every field of a report.
    fields: Vec<FieldJson>,
    /// What a report has no field for.
    cannot: Vec<&'static str>,
    /// A made-up report with every field set.
    #[schema(schema_with = made_up)]
    sample: Value,
    /// Who may do what.
    roles: Vec<RoleRow>,
}

/// What agents can send, how this collector is set, and who may do what.
#[utoipa::path(get, path = "/api/v1/privacy/dpia", responses(
    (status = 200, body = PackJson),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn pack(State(state): State<WebState>, reader: Reader) -> Result<Json<PackJson>, WebError> {
    reader.must_read(Deed::ChangeCollection)?;
    let now_ms = reader.now_ms;
    let (_, notice) = blocking(move || in_force(&state.app, now_ms)).await?;
    let pack = Pack::of(notice);
    let roles = pack.roles().into_iter().map(|(deed, row)| RoleRow {
        deed: deed.to_owned(),
        roles: Role::ALL.into_iter().map(Role::as_str).zip(row).filter(|(_, word)| *word != "–").collect(),
    });
    let fields = pack.fields.iter().map(|field| FieldJson {
        path: field.path.clone(),
        is: field.is.to_owned(),
        example: field.example.clone(),
    });
    Ok(Json(PackJson {
        settings: (&pack.notice).into(),
        roles: roles.collect(),
        fields: fields.collect(),
        cannot: CANNOT.to_vec(),
        sample: pack.sample,
    }))
}

/// Times that somebody asks for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AskedJson {
    /// Number of the person.
    by: i64,
    /// When.
    at: Moment,
    /// Which.
    times: TimesJson,
    /// Why.
    reason: String,
}

/// A run of the deletion.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sweep {
    /// When.
    at: Moment,
    /// Number of its entry in the audit trail.
    seq: u64,
    /// How many of each were deleted; null where that is itself deleted.
    #[schema(value_type = Option<SweptNumbers>)]
    deleted: Option<crate::retention::Swept>,
}

/// What a run of the deletion deleted, by how many.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SweptNumbers {
    /// Rows of activity that lost their pseudonym.
    pseudonyms: u64,
    /// Rows of activity deleted.
    activity: u64,
    /// Software that was no longer there.
    items: u64,
    /// Days of machines and products in the roll-ups.
    days: u64,
    /// Sealed names of accounts that nothing was of any more.
    names: u64,
    /// Notes of who read.
    readings: u64,
    /// Payloads of the audit trail.
    payloads: u64,
    /// Contents of monthly snapshots.
    snapshots: u64,
}

/// How long records are kept.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RetentionJson {
    /// In force.
    times: TimesJson,
    /// Why something is kept for ever, where it is.
    reason: Option<String>,
    /// Asked for; null where nobody asks.
    asked: Option<AskedJson>,
    /// The newest runs of the deletion that deleted something.
    sweeps: Vec<Sweep>,
}

fn told(state: &WebState, retention: Retention) -> Result<RetentionJson, crate::store::StoreError> {
    let sweep = |(row, deleted): (crate::model::governed::TrailRow, _)| Sweep {
        at: Moment::of(row.at_ms),
        seq: row.seq,
        deleted,
    };
    Ok(RetentionJson {
        times: retention.times.into(),
        reason: retention.reason,
        asked: retention.asked.map(|asked| AskedJson {
            by: asked.by,
            at: Moment::of(asked.at_ms),
            times: asked.times.into(),
            reason: asked.reason,
        }),
        sweeps: sweeps(&state.app)?.into_iter().map(sweep).collect(),
    })
}

/// How long records are kept, what is asked for, and what was deleted.
#[utoipa::path(get, path = "/api/v1/retention", responses(
    (status = 200, body = RetentionJson), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn retention(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<RetentionJson>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    Ok(Json(blocking(move || told(&state, state.app.governance.retention()?.0)).await?))
}

/// A step towards other times.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct RetentionStep {
    /// `ask`, `approve` or `decline`.
    step: String,
    /// What is asked for.
    times: Option<TimesJson>,
    /// Why; for something kept for ever at least 20 characters.
    #[serde(default)]
    reason: String,
}

/// Asks for other times, or approves or declines what another person asked for.
#[utoipa::path(post, path = "/api/v1/retention", request_body = RetentionStep, responses(
    (status = 200, body = RetentionJson),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn step(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<RetentionStep>,
) -> Result<Json<RetentionJson>, WebError> {
    reader.must_propose(Deed::SetRetention, &[])?;
    let step = match (body.step.as_str(), body.times) {
        ("ask", Some(times)) => Step::Ask(times.into()),
        ("approve", None) => Step::Approve,
        ("decline", None) => Step::Decline,
        ("ask" | "approve" | "decline", _) => return Err(WebError::BadRequest),
        (other, _) => return Err(WebError::unknown_choice("step", other)),
    };
    let act = reader.act(reason(&body.reason, REASON_CHARS)?);
    blocking(move || {
        let now = state.app.governance.step_retention(step, reader.who(), act)?.map_err(WebError::Guarded)?;
        Ok::<_, WebError>(Json(told(&state, now)?))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::Swept;

    #[test]
    fn what_was_deleted_is_described_as_it_is_answered() {
        let answered = serde_json::to_value(Swept { names: 3, ..Swept::default() }).unwrap();
        let read: SweptNumbers = serde_json::from_value(answered.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), answered);
    }

    #[test]
    fn the_form_of_the_made_up_report_names_each_of_its_fields() {
        let form = serde_json::to_value(made_up()).unwrap();
        let items = &form["properties"]["snapshots"]["items"]["properties"]["items"]["items"];
        let details = &items["properties"]["details"];
        assert_eq!(details["properties"]["env_names"]["items"]["type"], "string");
        assert_eq!(details["properties"]["size_bytes"]["type"], "integer");
        assert!(!form.to_string().contains("null"), "every field of it is set: {form}");
    }
}
