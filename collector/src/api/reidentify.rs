//! Re-identification as JSON: the setting, the requests, and the report of a month. For people: no token of a program is scoped to it.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::request::{Body, Params, Rows, page_of};
use super::trail::Entry;
use super::types::{List, Moment, Problem};
use crate::model::governed::Held;
use crate::model::{Access, AssetId, Deed};
use crate::reidentify::{Asked, Mark, Request, Setting, Step};
use crate::web::reidentify::{
    Month, accounts, make_step, month_report, readable, reads, setting_step, take_name,
};
use crate::web::{Reader, WebError, WebState, blocking};

/// Longest reason, in characters.
const REASON_CHARS: usize = 2_000;

/// A person did something at a time.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DoneBy {
    /// Number of the person.
    by: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
}

impl From<&Mark> for DoneBy {
    fn from(mark: &Mark) -> Self {
        Self { by: mark.by, at: Moment::of(mark.at_ms) }
    }
}

/// Whether sealed names of accounts are kept.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SettingJson {
    /// Since when; null: they are not.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Moment>,
    /// What they are sealed to.
    key: Option<String>,
    /// Numbers of the people who asked and who confirmed.
    people: Vec<i64>,
    /// Why.
    reason: Option<String>,
    /// How many are kept.
    kept: u64,
    /// Who asks for it.
    asked: Option<DoneBy>,
    /// The key that is asked for.
    asked_key: Option<String>,
}

impl SettingJson {
    fn of(setting: Setting, kept: u64) -> Self {
        let (on, asked) = (setting.on, setting.asked);
        Self {
            since: on.as_ref().map(|on| Moment::of(on.since_ms)),
            key: on.as_ref().map(|on| on.key.to_string()),
            people: on.iter().flat_map(|on| [on.asked_by, on.confirmed_by]).collect(),
            reason: on.map(|on| on.reason),
            kept,
            asked: asked.as_ref().map(|asked| DoneBy { by: asked.by, at: Moment::of(asked.at_ms) }),
            asked_key: asked.map(|asked| asked.key.to_string()),
        }
    }
}

/// Whether sealed names of accounts are kept, and to which key.
#[utoipa::path(get, path = "/api/v1/reidentification", responses(
    (status = 200, body = SettingJson), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn setting(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<SettingJson>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let governance = state.app.governance.clone();
    let read =
        move || Ok::<_, WebError>((governance.reidentification(reader.now_ms)?, governance.sealed_names()?));
    let (setting, kept) = blocking(read).await?;
    Ok(Json(SettingJson::of(setting, kept)))
}

/// A step of the setting.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingStepJson {
    /// `ask`, `confirm` or `withdraw`.
    step: String,
    /// The privacy officer's public key, with `ask`.
    #[serde(default)]
    key: String,
    /// Why, with `ask` at least 20 characters.
    #[serde(default)]
    reason: String,
}

/// Asks that sealed names are kept, confirms what another person asked for, or switches it off.
#[utoipa::path(post, path = "/api/v1/reidentification", request_body = SettingStepJson, responses(
    (status = 200, body = SettingJson),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn step_setting(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<SettingStepJson>,
) -> Result<Json<SettingJson>, WebError> {
    reader.check_scope(Deed::ChangeCollection, Access::Propose)?;
    let step = setting_step(&body.step, &body.key)?;
    let (governance, who, act) = (state.app.governance.clone(), reader.who(), reader.act(cut(&body.reason)));
    let (setting, kept) = blocking(move || {
        let setting = governance.step_reidentification(step, who, act)?.map_err(WebError::Guarded)?;
        Ok::<_, WebError>((setting, governance.sealed_names()?))
    })
    .await?;
    Ok(Json(SettingJson::of(setting, kept)))
}

fn cut(reason: &str) -> String {
    reason.trim().chars().take(REASON_CHARS).collect()
}

/// A request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RequestJson {
    /// Its reference.
    id: String,
    /// Version of the record.
    version: u64,
    /// `asked`, `half-approved`, `open`, `over`, `lapsed`, `declined`, `withdrawn` or `closed`.
    state: &'static str,
    /// Number of the machine.
    asset: i64,
    /// The product for whose sake it is asked.
    product: String,
    /// Number of the case outside of here.
    ticket: String,
    /// Why.
    reason: String,
    /// For how long the name can be taken once it is approved, in hours.
    hours: u32,
    /// Who asked.
    asked: DoneBy,
    /// Who approved.
    approvals: Vec<DoneBy>,
    /// Until when the name can be taken.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Moment>,
    /// Who took it.
    taken: Vec<DoneBy>,
    /// Who ended it before its time.
    ended: Option<DoneBy>,
}

impl RequestJson {
    fn of(held: &Held<Request>, now_ms: i64) -> Self {
        let body = &held.body;
        Self {
            id: body.id.clone(),
            version: held.version,
            state: body.state(now_ms).as_str(),
            asset: body.asset,
            product: body.product.clone(),
            ticket: body.ticket.clone(),
            reason: body.reason.clone(),
            hours: body.hours,
            asked: (&body.asked).into(),
            approvals: body.approvals.iter().map(DoneBy::from).collect(),
            until: body.until_ms.map(Moment::of),
            taken: body.taken.iter().map(DoneBy::from).collect(),
            ended: body.end.as_ref().map(|(_, mark)| mark.into()),
        }
    }
}

/// Requests, the newest first: everybody's for privacy officers and the works council, their own for others.
#[utoipa::path(get, path = "/api/v1/reidentifications",
    params(("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<RequestJson>),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Params(rows): Params<Rows>,
) -> Result<Json<List<RequestJson>>, WebError> {
    reader.must_read(Deed::Reidentify)?;
    let (number, page) = page_of(&rows)?;
    let by = reads(&reader.user.grants, reader.user.id).flatten();
    let governance = state.app.governance.clone();
    let found = blocking(move || governance.reidentifications(by, page)).await?;
    let rows = found.rows.iter().map(|held| RequestJson::of(held, reader.now_ms)).collect();
    Ok(Json(List::of(crate::model::Page { rows, total: found.total }, number, page)))
}

/// Which accounts can be asked about.
#[derive(Debug, Deserialize)]
pub(super) struct AccountsOf {
    asset: i64,
    product: String,
}

/// Pseudonyms of the accounts with a sealed name that used a product on a machine. The reading is noted.
#[utoipa::path(get, path = "/api/v1/reidentifications/accounts",
    params(("asset" = i64, Query, description = "Number of the machine"),
        ("product" = String, Query, description = "Id of the product")),
    responses((status = 200, body = Vec<String>),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn accounts_of(
    State(state): State<WebState>,
    reader: Reader,
    Params(asked): Params<AccountsOf>,
) -> Result<Json<Vec<String>>, WebError> {
    Ok(Json(accounts(&state, &reader, AssetId(asked.asset), &asked.product).await?.1))
}

/// What is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewReidentification {
    /// Number of the machine.
    asset: i64,
    /// Id of the product.
    product: String,
    /// Pseudonym of the account.
    account: String,
    /// Number of the incident or case.
    ticket: String,
    /// For how long, in hours from the second approval: 1 to 72.
    hours: u32,
    /// Why, in at least 20 characters.
    reason: String,
}

/// Asks whose an account is.
#[utoipa::path(post, path = "/api/v1/reidentifications", request_body = NewReidentification, responses(
    (status = 201, body = RequestJson),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn ask(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<NewReidentification>,
) -> Result<(StatusCode, Json<RequestJson>), WebError> {
    reader.check_scope(Deed::Reidentify, Access::Propose)?;
    let (governance, who, act) = (state.app.governance.clone(), reader.who(), reader.act(cut(&body.reason)));
    let asked = Asked {
        asset: body.asset,
        account: body.account,
        product: body.product,
        ticket: body.ticket,
        hours: body.hours,
    };
    let held = blocking(move || governance.ask_reidentification(asked, who, act)).await?;
    let held = held.map_err(WebError::Guarded)?;
    Ok((StatusCode::CREATED, Json(RequestJson::of(&held, reader.now_ms))))
}

/// One request.
#[utoipa::path(get, path = "/api/v1/reidentifications/{id}", params(("id" = String, Path, description = "Reference")),
    responses((status = 200, body = RequestJson),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<RequestJson>, WebError> {
    let held = readable(&state, &reader, &id).await?;
    Ok(Json(RequestJson::of(&held, reader.now_ms)))
}

/// A step of a request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReidentifyStep {
    /// `approve`, `decline`, `withdraw` or `close`.
    step: String,
    /// Why.
    #[serde(default)]
    reason: String,
}

/// Approves a request, declines it, takes it back or closes it. To approve takes that one signed in within five minutes.
#[utoipa::path(post, path = "/api/v1/reidentifications/{id}", request_body = ReidentifyStep,
    params(("id" = String, Path, description = "Reference")),
    responses((status = 200, body = RequestJson),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn step(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Body(body): Body<ReidentifyStep>,
) -> Result<Json<RequestJson>, WebError> {
    let step = Step::parse(&body.step).filter(|step| *step != Step::Take);
    let step = step.ok_or_else(|| WebError::unknown_choice("step", &body.step))?;
    let held = make_step(&state, &reader, &id, step, &body.reason).await?;
    Ok(Json(RequestJson::of(&held, reader.now_ms)))
}

/// A sealed name. It opens with the privacy officer's key, which is not here.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SealedJson {
    /// Reference of the request.
    request: String,
    /// Number of the case outside of here.
    ticket: String,
    /// The machine, as its sensor names it.
    machine: String,
    /// The key that it is sealed to.
    key: String,
    /// The sealed name.
    sealed: String,
}

/// Takes the sealed name of an approved request, and notes who did. For `umbrascope-collector privacy-key open`.
#[utoipa::path(post, path = "/api/v1/reidentifications/{id}/name",
    params(("id" = String, Path, description = "Reference")),
    responses((status = 200, body = SealedJson),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn name(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<SealedJson>, WebError> {
    let file = take_name(&state, &reader, &id).await?;
    Ok(Json(SealedJson {
        request: file.request,
        ticket: file.ticket,
        machine: file.machine.to_string(),
        key: file.key.to_string(),
        sealed: file.sealed,
    }))
}

/// How often something was done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Counted {
    /// What.
    what: &'static str,
    /// How often.
    count: u64,
}

/// What happened in a month.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReidentifyReport {
    /// `2026-11`.
    month: String,
    /// How often each thing was done, and how often one was refused.
    counts: Vec<Counted>,
    /// Entries of the trail, the newest first, at most 500 of requests and as many of the setting.
    entries: Vec<Entry>,
    /// Entries that there are.
    total: u64,
    /// The setting as it is now.
    setting: SettingJson,
}

/// What happened in a month, for the works council and the privacy officer.
#[utoipa::path(get, path = "/api/v1/reidentifications/report",
    params(("month" = Option<String>, Query, description = "2026-11; without it, the present month")),
    responses((status = 200, body = ReidentifyReport),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn report(
    State(state): State<WebState>,
    reader: Reader,
    Params(query): Params<Month>,
) -> Result<Json<ReidentifyReport>, WebError> {
    let report = blocking(move || month_report(&state.app, &reader, &query.month)).await?;
    Ok(Json(ReidentifyReport {
        month: report.month,
        counts: report.counts.into_iter().map(|(what, count)| Counted { what, count }).collect(),
        entries: report.rows.into_iter().map(Entry::from).collect(),
        total: report.total,
        setting: SettingJson::of(report.setting, report.kept),
    }))
}
