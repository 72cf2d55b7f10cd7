//! Attestation campaigns as JSON: started, followed and closed, under the same rules as at the pages. The signed report is part of a closed
//! one.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use umbrascope_api::Day;
use utoipa::ToSchema;

use super::request::{Body, Params, Rows, no_such, page_of};
use super::types::{List, Moment, Problem};
use crate::model::Deed;
use crate::model::campaign::{
    CampaignDetail, CampaignLine, CampaignMode, CampaignPlan, CampaignQuery, RowCounts, RowFilter, RowState,
    RowView, Schedule,
};
use crate::model::governed::Held;
use crate::model::record::{Scope, SystemKind, Tier};
use crate::store::StoreError;
use crate::web::{Reader, WebError, WebState, blocking, done, person_by, word};

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
    params(("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"), ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<Campaign>), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Params(rows): Params<Rows>,
) -> Result<Json<List<Campaign>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (number, page) = page_of(&rows)?;
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
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"), ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<Row>), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn rows(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Params(limit): Params<Rows>,
    Params(which): Params<WhichRows>,
) -> Result<Json<List<Row>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (number, page) = page_of(&limit)?;
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
    let reviews = reader.must_somewhere(Deed::Decide).is_ok();
    let rows = found.rows.into_iter().map(|view| row(view, reviews)).collect();
    Ok(Json(List { rows, total: found.total, page: number, limit: page.limit }))
}

/// What is asked for when a campaign is started. Days as in `2026-11-30`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"title": "Autumn", "remind": "2027-01-10", "due": "2027-01-20", "escalate": "2027-01-22", "report": "2027-01-25"}))]
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
    Body(new): Body<NewCampaign>,
) -> Result<(StatusCode, Json<Campaign>), WebError> {
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
    let held =
        blocking(move || governance.start_campaign(plan, who, act)).await?.map_err(WebError::Guarded)?;
    let rows = u64::try_from(held.body.systems.len()).unwrap_or(u64::MAX);
    let made = campaign(held, RowCounts { open: rows, ..RowCounts::default() });
    Ok((StatusCode::CREATED, Json(made)))
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
    Body(end): Body<End>,
) -> Result<Json<Campaign>, WebError> {
    reader.must_somewhere(Deed::ProposeScope)?;
    let (app, who, act, now_ms) = (state.app.clone(), reader.who(), reader.act(end.reason), reader.now_ms);
    let by = reader.clone();
    let detail = blocking(move || {
        done(app.governance.close_campaign(&id, who, act, app.notary.keys())?, "campaign")?;
        app.governance.campaign(&id, &by.sight(&app)?, now_ms)?.ok_or(WebError::NotFound("campaign"))
    });
    Ok(Json(detail.await?.into()))
}

/// A row's next owner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NextOwner {
    /// Sign-in name or e-mail address.
    to: String,
    /// Why.
    #[serde(default)]
    reason: String,
}

/// Gives a row that came back to another owner.
#[utoipa::path(post, path = "/api/v1/campaigns/rows/{row}/assign", request_body = NextOwner,
    params(("row" = String, Path, description = "Id of the row")),
    responses((status = 204, description = "The next owner is asked"),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn assign(
    State(state): State<WebState>,
    reader: Reader,
    Path(row): Path<String>,
    Body(body): Body<NextOwner>,
) -> Result<StatusCode, WebError> {
    reader.must_somewhere(Deed::ProposeScope)?;
    let (app, who, act) = (state.app.clone(), reader.who(), reader.act(body.reason));
    blocking(move || {
        let owner = person_by(app.people.as_ref(), &body.to)?.ok_or_else(|| no_such("to", "person"))?;
        let changed = app.governance.assign_row(&row, owner, who, act)?;
        changed.ok_or(WebError::NotFound("row"))?.map_err(WebError::Guarded)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
