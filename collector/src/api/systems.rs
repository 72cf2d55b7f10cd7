//! Governed records as JSON: read whole, made, changed and moved, one by one or several at once. The same rules as on the pages: a
//! refusal is problem JSON with the `guard` and what is `missing`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use umbrascope_api::Day;
use utoipa::ToSchema;

use super::record_types::{RecordBody, editable};
use super::request::{Body, Params, Rows, page_of, some_version};
use super::resources::ResourcesNow;
use super::trail::Entry;
use super::types::{List, Moment, Problem};
use crate::anonymity::told;
use crate::model::governed::{Governed as _, Held, Stamp, TrailFilter};
use crate::model::record::{AiSystem, Tier};
use crate::model::task::LinkKind;
use crate::model::{ClockTrust, Deed, SystemDetail};
use crate::review::{self, Move, Refused, Told};
use crate::store::StoreError;
use crate::tier::{Comparison, Input, Method};
use crate::web::bulk::{Asked, each, new_batch};
use crate::web::{Reader, WebError, WebState, add_record, blocking, step_of};

/// A record with everything that is known of it, apart from its trail.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SystemWhole {
    /// UUID of the record; never reused.
    id: String,
    /// For people: `AIS-0042`.
    reference: String,
    /// From 1, one more with every change: what a change has to name.
    version: u64,
    /// Hash of this version, in hexadecimal.
    hash: String,
    /// When it became so.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Moment,
    /// The record, by field. People and units by number.
    #[schema(value_type = RecordBody)]
    record: Value,
    /// Who set each field last, and when.
    set_by: BTreeMap<String, SetBy>,
    /// What sensors show of it.
    seen: SeenNow,
    /// Its products.
    products: Vec<SeenProduct>,
    /// What sensors and the catalogue show of its resources.
    resources: ResourcesNow,
    /// Whether its impact was assessed after it was in use.
    impact_assessed_after_use: bool,
    /// Fields that a sanction takes and that are missing.
    missing_for_use: Vec<String>,
    /// Fields that scope takes and that are missing.
    missing_for_scope: Vec<String>,
    /// The risk tier that a person set, beside what is suggested now.
    tier: TierNow,
}

/// A risk tier that a person set, and what the method suggests of the record as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TierNow {
    /// The tier that was set; `unassessed`: nobody did.
    set: &'static str,
    /// What was suggested when it was set; null: not known.
    suggested_then: Option<&'static str>,
    /// Version of the method that suggested it then.
    method_then: Option<String>,
    /// What is suggested now; at least it, where an input is unknown.
    suggested: &'static str,
    /// Version of the method now.
    method: String,
    /// What is suggested, in words.
    says: String,
    /// Whether somebody has to assess it anew, since the suggestion is another one than when the tier was set.
    differs: bool,
    /// Rules that fired.
    fired: Vec<TierRule>,
    /// What each input holds.
    inputs: Vec<TierInput>,
    /// Inputs that are unknown, or not wholly known.
    unknown: Vec<&'static str>,
}

/// A rule of the method that fired.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TierRule {
    /// Its id in the method.
    id: String,
    /// The tier is at least this.
    floor: &'static str,
    /// Why.
    because: String,
}

/// An input of the method.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TierInput {
    /// Name of the field.
    field: &'static str,
    /// What is known of it.
    known: Vec<&'static str>,
    /// Who set it last, and when; null: nobody did.
    set_by: Option<SetBy>,
}

impl TierNow {
    fn of(compared: Comparison, stamps: &BTreeMap<String, Stamp>) -> Self {
        let Comparison { set, suggested_then, method_then, now, differs } = compared;
        Self {
            set: set.as_str(),
            suggested_then: suggested_then.map(Tier::as_str),
            method_then,
            suggested: now.tier.as_str(),
            says: now.words(),
            differs,
            fired: now
                .fired
                .into_iter()
                .map(|(id, floor, because)| TierRule { id, floor: floor.as_str(), because })
                .collect(),
            inputs: now
                .inputs
                .into_iter()
                .map(|(input, known)| TierInput {
                    field: input.field(),
                    known,
                    set_by: stamps.get(input.field()).map(SetBy::of),
                })
                .collect(),
            unknown: now.unknown.into_iter().map(Input::field).collect(),
            method: now.method,
        }
    }
}

/// The last setting of a field.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SetBy {
    /// Who, as in the trail: `person:12`, `job:observe`, `console`.
    by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
    /// Number of the entry of the trail.
    entry: u64,
}

impl SetBy {
    fn of(stamp: &Stamp) -> Self {
        Self { by: stamp.by.clone(), at: Moment::of(stamp.at_ms), entry: stamp.seq }
    }
}

/// What sensors show of a record.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SeenNow {
    /// First day; null: never.
    #[schema(format = Date)]
    first_day: Option<String>,
    /// Last day; null: never.
    #[schema(format = Date)]
    last_day: Option<String>,
    /// `trusted`: a machine told the first day whose clock was right; `doubtful`: the clocks of all that told it were off; null: none is left.
    first_day_clock: Option<&'static str>,
    /// The same of the last day.
    last_day_clock: Option<&'static str>,
    /// Risk flags.
    flags: Vec<String>,
    /// Units, by number.
    units: Vec<i64>,
    /// Publishers and signers.
    publishers: Vec<String>,
    /// What of it the decision does not rest on.
    beyond_decision: Vec<String>,
    /// Units, by number, in which the decision does not let it be used.
    outside_limit: Vec<i64>,
    /// Versions that machines hold and in which the decision does not let it be used.
    outside_versions: Vec<OutsideVersion>,
}

/// A version that a decision is not about.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OutsideVersion {
    /// Id of the product.
    product: String,
    /// The version.
    version: String,
}

/// A product of a record.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SeenProduct {
    /// Id of the catalogue.
    id: String,
    /// Name.
    name: String,
    /// Assets that showed it; null: fewer than the reader is told of.
    assets: Option<u64>,
}

impl SystemWhole {
    /// For who is told no number below this one.
    fn of(detail: SystemDetail, method: &Method, least: u64, today: Day) -> Self {
        let SystemDetail { held, seen, clocks, products, resources, .. } = detail;
        let outside = held.body.outside_limit(&seen, today);
        let outside_versions = held.body.outside_versions(&seen, today);
        let beyond = held.body.basis.as_ref().map(|basis| seen.beyond(basis)).unwrap_or_default();
        let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        let stamps = held.stamps.iter().map(|(name, stamp)| (name.clone(), SetBy::of(stamp)));
        Self {
            id: held.body.id.clone(),
            reference: held.body.reference.clone(),
            version: held.version,
            hash: held.hash.clone(),
            changed_at: Moment::of(held.at_ms),
            set_by: stamps.collect(),
            impact_assessed_after_use: held.body.assessed_after_use(),
            missing_for_use: names(review::required_for_use(&held.body)),
            missing_for_scope: names(review::required_for_scope(&held.body, false)),
            tier: TierNow::of(method.compare(&held.body), &held.stamps),
            record: serde_json::to_value(&held.body).unwrap_or_default(),
            seen: SeenNow {
                first_day: seen.days.map(|(first, _)| first.to_string()),
                last_day: seen.days.map(|(_, last)| last.to_string()),
                first_day_clock: clocks.first.map(ClockTrust::as_str),
                last_day_clock: clocks.last.map(ClockTrust::as_str),
                flags: seen.flags.into_iter().collect(),
                units: seen.units.into_iter().collect(),
                publishers: seen.publishers.into_iter().collect(),
                beyond_decision: beyond,
                outside_limit: outside.into_iter().collect(),
                outside_versions: outside_versions
                    .into_iter()
                    .map(|(product, version)| OutsideVersion { product, version })
                    .collect(),
            },
            resources: resources.into(),
            products: products
                .into_iter()
                .map(|product| SeenProduct {
                    id: product.id,
                    name: product.name,
                    assets: told(product.assets, least),
                })
                .collect(),
        }
    }
}

/// Fields to set, and why.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"fields": {"name": "Drafting", "kind": "saas-service"}, "reason": "Nobody sees it on a machine", "version": 2}))]
pub(super) struct FieldsBody {
    #[schema(schema_with = editable)]
    fields: BTreeMap<String, Value>,
    /// Why.
    reason: String,
    /// Version of the record that was read; `If-Match` says the same. Not for a new record.
    #[serde(deserialize_with = "some_version")]
    version: Option<u64>,
}

/// A move and what it has to be told. What a move does not need is left out.
#[derive(Debug, Default, Clone, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"move": "triage", "reason": "It is in use", "version": 2}))]
pub(super) struct MoveBody {
    /// `triage`, `review`, `request-sanction`, `request-tolerance`, `request-scope-in`, `request-scope-out`, `request-retire`, `request-merge`, `request-split`,
    /// `withdraw`, `approve`, `decline`, `prohibit`, `dismiss`, `reopen`, `revoke`, `scope-in`, `scope-open`, `suspend`, `resume`, `enforce`,
    /// `accept-residual`, `confirm` or `products`.
    #[serde(rename = "move")]
    word: String,
    /// Why.
    reason: String,
    /// Version of the record that was read; `If-Match` says the same.
    #[serde(deserialize_with = "some_version")]
    version: Option<u64>,
    /// Under which conditions.
    conditions: String,
    /// The last day of what is tolerated or accepted.
    expires_on: String,
    /// With `request-sanction` and `request-tolerance`: units of the record, by number, in which alone it may be used; none: wherever it is.
    units: Vec<i64>,
    /// With the same: versions in which alone it may be used, each as `PRODUCT >=1.2 <2.0`, with one of the two or both; of a record with one
    /// product it may be left out. None: whichever there is.
    versions: Vec<String>,
    /// Why it is in or out of scope.
    justification: String,
    /// Day of its end.
    retired_on: String,
    /// What shows that nothing of it is left.
    disposal_evidence: String,
    /// Reference or id of the record that it goes into.
    into: String,
    /// Ids of products.
    products: Vec<String>,
    /// Name of the new record of a split.
    name: String,
    /// Why it is dismissed: not-ai, duplicate-of, test or out-of-estate.
    why: String,
    /// Reference or id of the record that it doubles.
    duplicate_of: String,
    /// How far it is enforced: unknown, none, advised, partial or full.
    level: String,
    /// What shows that.
    evidence: String,
    /// What remains of the risk, or a comment.
    note: String,
    /// Hash of the version that is confirmed.
    seen: String,
}

impl MoveBody {
    fn told(&self) -> Told {
        let body = self.clone();
        Told {
            conditions: body.conditions,
            expires_on: body.expires_on,
            units: body.units.iter().map(i64::to_string).collect(),
            versions: body.versions,
            justification: body.justification,
            retired_on: body.retired_on,
            disposal_evidence: body.disposal_evidence,
            into: body.into,
            products: body.products,
            name: body.name,
            why: body.why,
            duplicate_of: body.duplicate_of,
            level: body.level,
            evidence: body.evidence,
            note: body.note,
            seen: body.seen,
        }
    }
}

/// The same move on several records.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BulkBody {
    /// The records.
    rows: Vec<BulkPick>,
    /// Only try it: nothing is changed and nothing is noted.
    preview: bool,
    /// The move.
    step: MoveBody,
}

/// A record, in the version that was read.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BulkPick {
    /// Reference or id.
    id: String,
    /// Its version; a preview does not need it.
    #[serde(deserialize_with = "some_version")]
    version: Option<u64>,
}

/// What a bulk came to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BulkResult {
    /// What the entries of the trail have in common; null for a preview.
    batch: Option<String>,
    /// Each record.
    rows: Vec<BulkCame>,
}

/// What one record came to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BulkCame {
    /// Its reference.
    reference: String,
    /// Its version now.
    version: u64,
    /// Whether it was changed, or would be.
    ok: bool,
    /// The guard that refused.
    guard: Option<String>,
    /// What it says.
    says: Option<String>,
}

/// One record, whole. `ETag` is its version.
#[utoipa::path(get, path = "/api/v1/systems/{id}",
    params(("id" = String, Path, description = "Reference or id")),
    responses((status = 200, body = SystemWhole),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (app, by, asked) = (state.app.clone(), reader.clone(), id.clone());
    blocking(move || by.must_see(&app, LinkKind::System, &asked, "system")).await?;
    whole(&state, &reader, id, StatusCode::OK).await
}

/// Makes a record by hand, for a use that no sensor can see.
#[utoipa::path(post, path = "/api/v1/systems", request_body = FieldsBody,
    responses((status = 201, body = SystemWhole),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn add(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<FieldsBody>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (app, who, act) = (state.app.clone(), reader.who(), reader.act(body.reason.trim()));
    let fields: Vec<(String, Value)> = body.fields.into_iter().collect();
    let made = blocking(move || add_record(&app, &fields, &who, act)).await?.map_err(WebError::Guarded)?;
    whole(&state, &reader, made.body.id, StatusCode::CREATED).await
}

/// Sets fields of a record: all of them, or none. States are moved, not set.
#[utoipa::path(patch, path = "/api/v1/systems/{id}", request_body = FieldsBody,
    params(("id" = String, Path, description = "Reference or id"),
        ("If-Match" = Option<String>, Header, description = "Version that was read, where the body does not say")),
    responses((status = 200, body = SystemWhole),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn edit(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<FieldsBody>,
) -> Result<Response, WebError> {
    let step = Move::Edit(body.fields.into_iter().collect());
    make(&state, &reader, id, Ok(step), &body.reason, version(&headers, body.version)?).await
}

/// Makes a move.
#[utoipa::path(post, path = "/api/v1/systems/{id}/moves", request_body = MoveBody,
    params(("id" = String, Path, description = "Reference or id"),
        ("If-Match" = Option<String>, Header, description = "Version that was read, where the body does not say")),
    responses((status = 200, body = SystemWhole),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn moves(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<MoveBody>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let version = version(&headers, body.version)?;
    let (app, word, told) = (state.app.clone(), body.word.clone(), body.told());
    let step = blocking(move || step_of(&app, &word, told)).await?;
    make(&state, &reader, id, step, &body.reason, version).await
}

/// Makes the same move on several records, each with its own guards and its own entry of the trail, or tries what each would come to.
#[utoipa::path(post, path = "/api/v1/systems/bulk", request_body = BulkBody,
    responses((status = 200, body = BulkResult),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn bulk(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<BulkBody>,
) -> Result<Json<BulkResult>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let confirmed = !body.preview;
    let batch = if confirmed { Some(new_batch()?) } else { None };
    let mut act = reader.act(body.step.reason.trim());
    act.batch.clone_from(&batch);
    let asked = Asked { word: body.step.word.clone(), told: body.step.told(), ..Asked::default() };
    let picked = body.rows.into_iter().map(|row| (row.id, row.version)).collect();
    let (app, who) = (state.app.clone(), reader.who());
    let (rows, problem) = blocking(move || each(&app, picked, &asked, &who, &act, confirmed)).await?;
    if let Some(says) = problem {
        return Err(WebError::Guarded(Refused::new(review::Guard::Target, says.trim_end_matches('.'))));
    }
    let rows = rows.into_iter().map(|row| BulkCame {
        reference: row.reference,
        version: row.version,
        ok: row.refused.is_none(),
        guard: row.refused.as_ref().map(|(guard, _)| (*guard).to_owned()),
        says: row.refused.map(|(_, says)| says),
    });
    Ok(Json(BulkResult { batch, rows: rows.collect() }))
}

/// Entries of the trail of a record, the newest first. Refusals are for who reads the trail.
#[utoipa::path(get, path = "/api/v1/systems/{id}/history",
    params(("id" = String, Path, description = "Reference or id"),
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<Entry>),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn history(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Params(rows): Params<Rows>,
) -> Result<Json<List<Entry>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (number, page) = page_of(&rows)?;
    let refused = if reader.may_read(Deed::ReadAudit, &[]) { None } else { Some(false) };
    let app = state.app.clone();
    let found = blocking(move || {
        reader.must_see(&app, LinkKind::System, &id, "system")?;
        let governance = &app.governance;
        let Some(found) = governance.system(&id)? else { return Ok(None) };
        let filter = TrailFilter {
            kind: Some(AiSystem::KIND.to_owned()),
            id: Some(found.held.body.id),
            refused,
            ..TrailFilter::default()
        };
        Ok::<_, WebError>(Some(governance.trail(&filter, page)?))
    })
    .await?;
    Ok(Json(List::of(found.ok_or(WebError::NotFound("system"))?, number, page)))
}

async fn make(
    state: &WebState,
    reader: &Reader,
    id: String,
    step: Result<Move, Refused>,
    reason: &str,
    version: u64,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let step = step.map_err(WebError::Guarded)?;
    let (app, who, act) = (state.app.clone(), reader.who(), reader.act(reason.trim()).on(version));
    let moved = blocking(move || app.governance.move_system(&id, step, who, act)).await?;
    let held: Held<AiSystem> = moved.ok_or(WebError::NotFound("system"))?.map_err(WebError::Guarded)?;
    whole(state, reader, held.body.id, StatusCode::OK).await
}

async fn whole(
    state: &WebState,
    reader: &Reader,
    id: String,
    status: StatusCode,
) -> Result<Response, WebError> {
    let (app, by) = (state.app.clone(), reader.clone());
    let (found, least) =
        blocking(move || Ok::<_, StoreError>((app.governance.system(&id)?, by.least(&app)?))).await?;
    let method = state.app.governance.tier_method();
    let whole = SystemWhole::of(
        found.ok_or(WebError::NotFound("system"))?,
        &method,
        least,
        Day::from_unix_ms(reader.now_ms),
    );
    Ok((status, [(ETAG, format!("\"{}\"", whole.version))], Json(whole)).into_response())
}

/// The version that a program read: nothing is changed blindly.
fn version(headers: &HeaderMap, said: Option<u64>) -> Result<u64, WebError> {
    let matched = headers.get(IF_MATCH).and_then(|value| value.to_str().ok());
    let matched =
        matched.and_then(|text| text.trim().trim_start_matches("W/").trim_matches('"').parse().ok());
    said.or(matched).ok_or_else(|| {
        WebError::Guarded(Refused {
            guard: review::Guard::Fields,
            missing: vec!["version".to_owned()],
            says: "say which version of the record was read, in `version` or in If-Match".to_owned(),
        })
    })
}
