//! Attestation campaigns as JSON: started, followed, answered and closed, under the same rules as at the pages.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use umbrascope_api::Day;
use utoipa::ToSchema;

use super::handlers::{Rows, page_of};
use super::types::{List, Moment, Problem};
use crate::model::campaign::{
    Answer, CampaignDetail, CampaignLine, CampaignMode, CampaignPlan, CampaignQuery, Change, OpenRow,
    RowCounts, RowFilter, RowState, RowView, Schedule, SentAnswer,
};
use crate::model::governed::Held;
use crate::model::record::{Scope, SystemKind, Tier};
use crate::model::{Access, Deed};
use crate::review::Refused;
use crate::store::StoreError;
use crate::web::{ListQuery, Reader, WebError, WebState, blocking, encode, person_by, word};

/// Most answers in one request.
const ANSWERS: usize = 100;

/// How many rows came to what.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Counts {
    /// Without an answer so far.
    open: u64,
    /// Confirmed as they stood.
    confirmed: u64,
    /// Corrected, and confirmed.
    amended: u64,
    /// Given to another owner.
    reassigned: u64,
    /// Asked to be retired.
    retired: u64,
    /// Sent back to an analyst.
    not_mine: u64,
    /// Without any answer when it was closed: no confirmation.
    silent: u64,
    /// Could not be confirmed, since sensors were silent.
    blocked: u64,
    /// Of records that were merged meanwhile.
    void: u64,
}

impl From<RowCounts> for Counts {
    fn from(counts: RowCounts) -> Self {
        let RowCounts { open, confirmed, amended, reassigned, retired, not_mine, silent, blocked, void } =
            counts;
        Self { open, confirmed, amended, reassigned, retired, not_mine, silent, blocked, void }
    }
}

/// A campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Campaign {
    /// UUID.
    id: String,
    /// For people.
    reference: String,
    /// What it is called.
    title: String,
    /// `open` or `closed`.
    state: &'static str,
    /// `whole` or `differential`.
    mode: &'static str,
    /// Number of the unit that it is narrowed to.
    unit: Option<i64>,
    /// Tier that it is narrowed to.
    tier: Option<&'static str>,
    /// Scope that it is narrowed to.
    scope: Option<&'static str>,
    /// Kind that it is narrowed to.
    kind: Option<&'static str>,
    /// Owners are reminded from this day on.
    #[schema(format = Date)]
    remind: String,
    /// The last day to answer.
    #[schema(format = Date)]
    due: String,
    /// Managers are told from this day on.
    #[schema(format = Date)]
    escalate: String,
    /// Whoever started it is told from this day on.
    #[schema(format = Date)]
    report: String,
    /// When it was started.
    started_at: Moment,
    /// When it was closed.
    closed_at: Option<Moment>,
    /// Ids of records that were found and had nobody to ask.
    unowned: Vec<String>,
    /// The signed report: a note over canonical JSON. Null before the campaign is closed, and for who sees the records of some units only.
    signed_report: Option<String>,
    /// Where its rows stand.
    counts: Counts,
}

fn campaign(held: Held<crate::model::campaign::Campaign>, counts: RowCounts) -> Campaign {
    let body = held.body;
    Campaign {
        id: body.id,
        reference: body.reference,
        title: body.title,
        state: body.state.as_str(),
        mode: body.mode.as_str(),
        unit: body.query.unit,
        tier: body.query.tier.map(Tier::as_str),
        scope: body.query.scope.map(Scope::as_str),
        kind: body.query.kind.map(SystemKind::as_str),
        remind: body.schedule.remind.to_string(),
        due: body.schedule.due.to_string(),
        escalate: body.schedule.escalate.to_string(),
        report: body.schedule.report.to_string(),
        started_at: Moment::of(body.started_at_ms),
        closed_at: body.closed_at_ms.map(Moment::of),
        unowned: body.unowned,
        signed_report: body.report,
        counts: counts.into(),
    }
}

impl From<CampaignLine> for Campaign {
    fn from(line: CampaignLine) -> Self {
        campaign(line.held, line.counts)
    }
}

impl From<CampaignDetail> for Campaign {
    fn from(detail: CampaignDetail) -> Self {
        campaign(detail.held, detail.counts)
    }
}

/// A row.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Row {
    /// UUID.
    id: String,
    /// Id of the record.
    system: String,
    /// Its reference.
    reference: String,
    /// Its name.
    name: String,
    /// Number of the person who is asked.
    owner: i64,
    /// `open`, `confirmed`, `amended`, `reassigned`, `retired`, `not-mine`, `silent`, `blocked` or `void`.
    state: &'static str,
    /// `none`, `reminded`, `escalated` or `reported`: how far silence went.
    step: &'static str,
    /// Whether it cannot be confirmed now, since sensors are silent.
    blocked: bool,
    /// Id of the row that it came out of.
    from: Option<String>,
    /// When it was answered.
    answered_at: Option<Moment>,
    /// What was said besides.
    comment: Option<String>,
    /// How it was answered; for reviewers only.
    signals: Option<Signals>,
}

/// How a row was answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Signals {
    /// Seconds from the page to the answer.
    seconds: u64,
    /// Rows in the same submit.
    batch: u32,
    /// What the person has to do with the system.
    relation: Vec<&'static str>,
}

fn row(view: RowView, reviews: bool) -> Row {
    let body = view.held.body;
    let signals = body.answer.as_ref().filter(|_| reviews).map(|answer| Signals {
        seconds: answer.seconds,
        batch: answer.batch,
        relation: answer.relation.iter().map(|one| one.as_str()).collect(),
    });
    Row {
        id: body.id,
        system: body.system,
        reference: view.reference,
        name: view.name,
        owner: body.owner,
        state: body.state.as_str(),
        step: body.step.as_str(),
        blocked: view.blocked,
        from: body.from,
        answered_at: body.answer.as_ref().map(|answer| Moment::of(answer.at_ms)),
        comment: body.answer.and_then(|answer| answer.comment),
        signals,
    }
}

/// Campaigns, the newest first.
#[utoipa::path(get, path = "/api/v1/campaigns",
    params(("page" = Option<u64>, Query, description = "From 1"), ("limit" = Option<u32>, Query, description = "Rows of a page, 1 to 500")),
    responses((status = 200, body = List<Campaign>), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
    Query(rows): Query<Rows>,
) -> Result<Json<List<Campaign>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (number, page) = page_of(&query, &rows)?;
    let found = blocking(move || state.app.governance.campaigns(page, &reader.sight(&state.app)?)).await?;
    Ok(Json(List::of(found, number, page)))
}

/// One campaign.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}", params(("id" = String, Path, description = "Id or reference")),
    responses((status = 200, body = Campaign), (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<Campaign>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let now_ms = reader.now_ms;
    let found =
        blocking(move || state.app.governance.campaign(&id, &reader.sight(&state.app)?, now_ms)).await?;
    Ok(Json(found.ok_or(WebError::NotFound("campaign"))?.into()))
}

/// Which rows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WhichRows {
    state: String,
}

/// Rows of a campaign, by name of the record.
#[utoipa::path(get, path = "/api/v1/campaigns/{id}/rows",
    params(("id" = String, Path, description = "Id or reference"), ("state" = Option<String>, Query, description = "So ended only"),
        ("page" = Option<u64>, Query, description = "From 1"), ("limit" = Option<u32>, Query, description = "Rows of a page, 1 to 500")),
    responses((status = 200, body = List<Row>), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn rows(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
    Query(limit): Query<Rows>,
    Query(which): Query<WhichRows>,
) -> Result<Json<List<Row>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (number, page) = page_of(&query, &limit)?;
    let ended = word("state", &which.state, RowState::parse)?;
    let (now_ms, by) = (reader.now_ms, reader.clone());
    let found = blocking(move || {
        let sight = by.sight(&state.app)?;
        let Some(detail) = state.app.governance.campaign(&id, &sight, now_ms)? else { return Ok(None) };
        let filter = RowFilter { state: ended, owner: None, sight };
        Ok::<_, StoreError>(Some(state.app.governance.campaign_rows(
            &detail.held.body.id,
            &filter,
            page,
            now_ms,
        )?))
    })
    .await?;
    let found = found.ok_or(WebError::NotFound("campaign"))?;
    let reviews = reader.user.grants.access_somewhere(Deed::Decide) >= Access::Write;
    let rows = found.rows.into_iter().map(|view| row(view, reviews)).collect();
    Ok(Json(List { rows, total: found.total, page: number, limit: page.limit }))
}

/// What is asked for when a campaign is started. Days as in `2026-11-30`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NewCampaign {
    /// What it is called.
    title: String,
    /// Number of a unit; null: every one.
    unit: Option<i64>,
    /// Tier; empty: any.
    tier: String,
    /// Scope; empty: any.
    scope: String,
    /// Kind; empty: any.
    kind: String,
    /// `whole` (default) or `differential`.
    mode: String,
    /// Owners are reminded from this day on.
    #[schema(format = Date)]
    remind: String,
    /// The last day to answer.
    #[schema(format = Date)]
    due: String,
    /// Managers are told from this day on.
    #[schema(format = Date)]
    escalate: String,
    /// Whoever started it is told from this day on.
    #[schema(format = Date)]
    report: String,
}

/// Starts a campaign over the records that fit now.
#[utoipa::path(post, path = "/api/v1/campaigns", request_body = NewCampaign,
    responses((status = 201, body = Campaign), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn start(
    State(state): State<WebState>,
    reader: Reader,
    Json(new): Json<NewCampaign>,
) -> Result<Response, WebError> {
    reader.must_somewhere(Deed::ProposeScope)?;
    let day = |name: &'static str, typed: &str| {
        typed.parse::<Day>().map_err(|_| WebError::unknown_choice(name, typed))
    };
    let plan = CampaignPlan {
        query: CampaignQuery {
            unit: new.unit,
            tier: word("tier", &new.tier, Tier::parse)?,
            scope: word("scope", &new.scope, Scope::parse)?,
            kind: word("kind", &new.kind, SystemKind::parse)?,
        },
        mode: word("mode", &new.mode, CampaignMode::parse)?.unwrap_or_default(),
        schedule: Schedule {
            remind: day("remind", &new.remind)?,
            due: day("due", &new.due)?,
            escalate: day("escalate", &new.escalate)?,
            report: day("report", &new.report)?,
        },
        title: new.title,
        previewed: None,
    };
    let (governance, who, act) = (state.app.governance.clone(), reader.who(), reader.act(""));
    let made = blocking(move || {
        let started = governance.start_campaign(plan, who, act)?;
        Ok::<_, StoreError>(match started {
            Ok(held) => {
                let rows = u64::try_from(held.body.systems.len()).unwrap_or(u64::MAX);
                Ok(campaign(held, RowCounts { open: rows, ..RowCounts::default() }))
            }
            Err(refused) => Err(refused),
        })
    })
    .await?;
    Ok(match made {
        Ok(made) => (StatusCode::CREATED, Json(made)).into_response(),
        Err(why) => refused(&why, "/api/v1/campaigns"),
    })
}

/// Problem JSON that names the guard and what is missing.
fn refused(why: &Refused, instance: &str) -> Response {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let body = json!({
        "type": "about:blank",
        "status": status.as_u16(),
        "title": "Refused",
        "detail": why.to_string(),
        "instance": instance,
        "guard": why.guard,
        "missing": why.missing,
    });
    (status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

/// Why a campaign is closed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct End {
    /// Needed while rows are open before the last day to answer.
    reason: String,
}

/// Closes a campaign: what is open ends in silence, and the report is signed.
#[utoipa::path(post, path = "/api/v1/campaigns/{id}/close", params(("id" = String, Path, description = "Id or reference")),
    request_body = End,
    responses((status = 200, body = Campaign), (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 422, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn close(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Json(end): Json<End>,
) -> Result<Response, WebError> {
    reader.must_somewhere(Deed::ProposeScope)?;
    let (app, who, act, now_ms) = (state.app.clone(), reader.who(), reader.act(end.reason), reader.now_ms);
    let by = reader.clone();
    let instance = format!("/api/v1/campaigns/{}/close", encode(&id));
    let made = blocking(move || {
        let keys = app.notary.keys();
        Ok::<_, StoreError>(match app.governance.close_campaign(&id, who, act, keys)? {
            None => None,
            Some(Err(refused)) => Some(Err(refused)),
            Some(Ok(_)) => app.governance.campaign(&id, &by.sight(&app)?, now_ms)?.map(Ok),
        })
    })
    .await?;
    Ok(match made.ok_or(WebError::NotFound("campaign"))? {
        Ok(detail) => Json(Campaign::from(detail)).into_response(),
        Err(why) => refused(&why, &instance),
    })
}

/// A row that waits for the reader.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Waiting {
    /// UUID of the row.
    id: String,
    /// Reference of the campaign.
    campaign: String,
    /// The last day to answer.
    #[schema(format = Date)]
    due: String,
    /// Hash of the version that is sent here: it goes back with the answer.
    seen: String,
    /// When the reader confirmed it last.
    confirmed_at: Option<Moment>,
    /// What changed since then.
    #[schema(value_type = Vec<Object>)]
    changes: Vec<Change>,
    /// Whether it cannot be confirmed now, since sensors are silent.
    blocked: bool,
    /// The record.
    #[schema(value_type = Object)]
    record: crate::model::record::AiSystem,
}

impl From<OpenRow> for Waiting {
    fn from(open: OpenRow) -> Self {
        Self {
            id: open.held.body.id,
            campaign: open.campaign.reference,
            due: open.campaign.schedule.due.to_string(),
            seen: open.system.held.hash,
            confirmed_at: open.confirmed_at_ms.map(Moment::of),
            changes: open.changes,
            blocked: open.blocked,
            record: open.system.held.body,
        }
    }
}

/// What waits for the reader. It is noted that it was sent: only what was sent can be answered.
#[utoipa::path(get, path = "/api/v1/attest",
    params(("page" = Option<u64>, Query, description = "From 1"), ("limit" = Option<u32>, Query, description = "Rows of a page, 1 to 500")),
    responses((status = 200, body = List<Waiting>), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn mine(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
    Query(rows): Query<Rows>,
) -> Result<Json<List<Waiting>>, WebError> {
    reader.must_somewhere(Deed::AnswerCampaign)?;
    let (number, page) = page_of(&query, &rows)?;
    let (person, now_ms) = (reader.user.id, reader.now_ms);
    let found = blocking(move || state.app.governance.serve_rows(person, page, now_ms, false)).await?;
    Ok(Json(List::of(found, number, page)))
}

/// Answers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Answers {
    /// At most 100. Each is taken or refused by itself.
    answers: Vec<OneAnswer>,
}

/// One answer.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct OneAnswer {
    /// Id of the row.
    row: String,
    /// Hash of the version that was sent.
    seen: String,
    /// `confirm`, `amend`, `reassign`, `retire` or `not-mine`.
    answer: String,
    /// With `amend`: fields and their new values.
    #[schema(value_type = Object)]
    changes: BTreeMap<String, Value>,
    /// With `reassign`: sign-in name or e-mail address of the next owner.
    to: String,
    /// With `retire`: the day of its end.
    retired_on: String,
    /// With `retire`: what shows that nothing is left.
    disposal_evidence: String,
    /// What is said besides; with `retire` and `not-mine` the reason.
    comment: String,
}

/// What became of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CameTo {
    /// Id of the row.
    row: String,
    /// State of the row; null: the answer was not taken.
    state: Option<&'static str>,
    /// Why it was not taken: the guard, what is missing, and what to do.
    #[schema(value_type = Option<Object>)]
    refused: Option<Value>,
}

/// Takes answers, each by itself.
#[utoipa::path(post, path = "/api/v1/attest", request_body = Answers,
    responses((status = 200, body = Vec<CameTo>), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn answer(
    State(state): State<WebState>,
    reader: Reader,
    Json(sent): Json<Answers>,
) -> Result<Json<Vec<CameTo>>, WebError> {
    reader.must_somewhere(Deed::AnswerCampaign)?;
    if sent.answers.is_empty() || sent.answers.len() > ANSWERS {
        return Err(WebError::BadRequest);
    }
    let (app, who, act) = (state.app.clone(), reader.who(), reader.act(""));
    let came_to = blocking(move || {
        let (mut came_to, mut answers) = (Vec::new(), Vec::new());
        for one in sent.answers {
            let said = match one.answer.as_str() {
                "confirm" => Ok(Answer::Confirm),
                "amend" => Ok(Answer::Amend(one.changes.into_iter().collect())),
                "reassign" => person_by(app.people.as_ref(), &one.to)?
                    .map(Answer::Reassign)
                    .ok_or("there is nobody in the directory with that name or address"),
                "retire" => one
                    .retired_on
                    .parse()
                    .map(|retired_on| Answer::Retire { retired_on, disposal_evidence: one.disposal_evidence })
                    .map_err(|_| "name the day of its end, as in 2026-11-30"),
                "not-mine" => Ok(Answer::NotMine),
                _ => Err("an answer is confirm, amend, reassign, retire or not-mine"),
            };
            match said {
                Ok(answer) => {
                    answers.push(SentAnswer { row: one.row, seen: one.seen, answer, comment: one.comment })
                }
                Err(says) => {
                    let refused = Some(json!({"guard": "G-FIELDS", "missing": [], "says": says}));
                    came_to.push(CameTo { row: one.row, state: None, refused });
                }
            }
        }
        for (row, changed) in app.governance.answer_rows(answers, who, act)? {
            let (state, refused) = match changed {
                Some(Ok(held)) => (Some(held.body.state.as_str()), None),
                Some(Err(why)) => (None, Some(json!(why))),
                None => {
                    (None, Some(json!({"guard": "G-TARGET", "missing": [], "says": "there is no such row"})))
                }
            };
            came_to.push(CameTo { row, state, refused });
        }
        Ok::<_, StoreError>(came_to)
    })
    .await?;
    Ok(Json(came_to))
}
