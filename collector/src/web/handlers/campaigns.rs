//! `/campaigns`: started, followed and closed.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use umbrascope_api::Day;

use super::page;
use crate::audit::{Note, sha256};
use crate::campaign;
use crate::model::campaign::{
    CampaignMode, CampaignPlan, CampaignQuery, CampaignState, Candidate, RowFilter, RowState, Schedule,
};
use crate::model::record::{Scope, SystemKind, Tier};
use crate::model::{Deed, PageRequest, Sight, UnitRow};
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{message, say, t};
use crate::web::list::{Choice, ListQuery, Pager, Select, page_number, rows_of};
use crate::web::narrow::{select, word};
use crate::web::pages::{
    CampaignForm, CampaignNewPage, CampaignPage, CampaignReportPage, CampaignsPage, query_words,
};
use crate::web::url::{Address, encode};
use crate::web::{WebState, blocking};

/// Days to answer that the form proposes.
const DUE_DAYS: u32 = 30;
/// Days before the last one on which it reminds.
const REMIND_DAYS: u32 = 7;
/// Days after the last one until whoever starts it is told.
const REPORT_DAYS: u32 = 14;

/// Every campaign.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (number, now_ms) = (page_number(&query.page)?, reader.now_ms);
    let (app, by) = (state.app.clone(), reader.clone());
    let (found, attested) = blocking(move || {
        let (governance, sight) = (&app.governance, by.sight(&app)?);
        Ok::<_, StoreError>((governance.campaigns(rows_of(number), &sight)?, governance.attested(now_ms)?))
    })
    .await?;
    page(&CampaignsPage {
        frame: reader.frame(Here::Campaigns, None),
        attested,
        pager: Pager::new(
            (number, found.rows.len(), found.total),
            "campaign",
            &Address::new("/campaigns"),
            "page",
        ),
        rows: found.rows,
    })
}

// ── Starting ─────────────────────────────────────────────────────────────────────────────────

/// The form, and the list that it finds.
pub(crate) async fn new_form(
    State(state): State<WebState>,
    reader: Reader,
    Query(mut form): Query<CampaignForm>,
) -> Result<Response, WebError> {
    reader.must_somewhere(Deed::ProposeScope)?;
    let today = Day::from_unix_ms(reader.now_ms);
    let due = form.due.parse().unwrap_or_else(|_| today.forward(DUE_DAYS));
    let days = [
        (&mut form.due, due),
        (&mut form.remind, due.back(REMIND_DAYS)),
        (&mut form.escalate, due.forward(1)),
        (&mut form.report, due.forward(REPORT_DAYS)),
    ];
    for (typed, proposed) in days {
        if typed.is_empty() {
            *typed = proposed.to_string();
        }
    }
    let look = !form.look.is_empty();
    new_page(&state, &reader, form, look, None).await
}

async fn new_page(
    state: &WebState,
    reader: &Reader,
    form: CampaignForm,
    look: bool,
    problem: Option<String>,
) -> Result<Response, WebError> {
    let query = asked_for(&form)?;
    let (app, mine) = (state.app.clone(), reader.clone());
    let (units, preview) = blocking(move || {
        let units = app.people.all_units()?;
        let found = match look {
            true => Some(app.governance.campaign_records(&query, &mine.sight(&app)?)?),
            false => None,
        };
        Ok::<_, StoreError>((own_units(&mine, units), found))
    })
    .await?;
    let selects = vec![
        unit_select(&units, &form.unit),
        select("tier", t("Risk tier"), t("any tier"), Tier::choices(), &form.tier),
        select("scope", t("Scope"), t("any scope"), Scope::choices(), &form.scope),
        select("kind", t("Kind"), t("every kind"), SystemKind::choices(), &form.kind),
    ];
    let preview = preview.map(|found: Vec<Candidate>| {
        let digest = campaign::digest(&found);
        (found, digest)
    });
    page(&CampaignNewPage { frame: reader.frame(Here::Campaigns, None), form, problem, selects, preview })
}

/// Units that the reader may start a campaign over.
fn own_units(reader: &Reader, mut units: Vec<UnitRow>) -> Vec<UnitRow> {
    if let Some(within) = reader.user.grants.within(Deed::ProposeScope) {
        units.retain(|unit| within.contains(&unit.id));
    }
    units
}

fn unit_select(units: &[UnitRow], chosen: &str) -> Select {
    let options = units.iter().map(|unit| Choice {
        value: unit.id.to_string(),
        label: unit.name.clone(),
        chosen: unit.id.to_string() == chosen,
    });
    Select { name: "unit", label: "Unit", all: "every unit", options: options.collect() }
}

fn asked_for(form: &CampaignForm) -> Result<CampaignQuery, WebError> {
    Ok(CampaignQuery {
        unit: word("unit", &form.unit, |typed| typed.parse().ok())?,
        tier: word("tier", &form.tier, Tier::parse)?,
        scope: word("scope", &form.scope, Scope::parse)?,
        kind: word("kind", &form.kind, SystemKind::parse)?,
    })
}

fn planned(form: &CampaignForm) -> Result<CampaignPlan, WebError> {
    let day = |name: &'static str, typed: &str| {
        typed.trim().parse::<Day>().map_err(|_| WebError::unknown_choice(name, typed))
    };
    Ok(CampaignPlan {
        title: form.title.clone(),
        query: asked_for(form)?,
        mode: word("mode", &form.mode, CampaignMode::parse)?.unwrap_or_default(),
        schedule: Schedule {
            remind: day("remind", &form.remind)?,
            due: day("due", &form.due)?,
            escalate: day("escalate", &form.escalate)?,
            report: day("report", &form.report)?,
        },
        previewed: Some(form.previewed.clone()),
    })
}

/// Starts it over the list that was looked at.
pub(crate) async fn start(
    State(state): State<WebState>,
    reader: Reader,
    Form(form): Form<CampaignForm>,
) -> Result<Response, WebError> {
    reader.check_form(&form.csrf)?;
    reader.must_somewhere(Deed::ProposeScope)?;
    let plan = planned(&form)?;
    let (governance, who, act) = (state.app.governance.clone(), reader.who(), reader.act(""));
    match blocking(move || governance.start_campaign(plan, who, act)).await? {
        Ok(held) => {
            Ok(Redirect::to(&format!("/campaigns/{}?done=started", held.body.reference)).into_response())
        }
        Err(refused) => {
            let problem = say!("That was not started: {0}.", message(&refused));
            let mut again = new_page(&state, &reader, form, true, Some(problem)).await?;
            *again.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(again)
        }
    }
}

// ── Following ────────────────────────────────────────────────────────────────────────────────

/// Which rows of a campaign to list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RowsQuery {
    state: String,
}

/// One campaign.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
    Query(rows): Query<RowsQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let notice = match query.done.as_str() {
        "started" => Some(t("It is started. Owners find their records under My records.")),
        "closed" => Some(t("It is closed, and its report is signed.")),
        "assigned" => Some(t("The next owner is asked.")),
        _ => None,
    };
    campaign_page(&state, &reader, &id, (&query, &rows), notice, None).await
}

async fn campaign_page(
    state: &WebState,
    reader: &Reader,
    id: &str,
    (query, rows): (&ListQuery, &RowsQuery),
    notice: Option<&'static str>,
    problem: Option<String>,
) -> Result<Response, WebError> {
    let (number, now_ms) = (page_number(&query.page)?, reader.now_ms);
    let ended = word("state", &rows.state, RowState::parse)?;
    let (app, by, asked) = (state.app.clone(), reader.clone(), id.to_owned());
    let found = blocking(move || {
        let (governance, sight) = (&app.governance, by.sight(&app)?);
        let Some(detail) = governance.campaign(&asked, &sight, now_ms)? else { return Ok(None) };
        let filter = RowFilter { state: ended, owner: None, sight };
        let rows = governance.campaign_rows(&detail.held.body.id, &filter, rows_of(number), now_ms)?;
        Ok::<_, StoreError>(Some((detail, rows, app.people.all_units()?)))
    })
    .await?;
    let (detail, found, units) = found.ok_or(WebError::NotFound("campaign"))?;
    let address = Address::new(format!("/campaigns/{}", encode(&detail.held.body.reference)))
        .with("state", rows.state.as_str());
    page(&CampaignPage {
        frame: reader.frame(Here::Campaigns, notice),
        query: query_words(&detail.held.body.query, &units),
        problem,
        select: select("state", t("Rows"), t("every row"), RowState::choices(), &rows.state),
        runs: campaign::may_run(&reader.who(), detail.held.body.query.unit).is_ok(),
        pager: Pager::new((number, found.rows.len(), found.total), "row", &address, "page"),
        rows: found.rows,
        detail,
    })
}

/// A row's next owner, as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentOwner {
    csrf: String,
    campaign: String,
    to: String,
    reason: String,
}

/// Gives a row that came back to another owner.
pub(crate) async fn assign(
    State(state): State<WebState>,
    reader: Reader,
    Path(row): Path<String>,
    Form(sent): Form<SentOwner>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    reader.must_somewhere(Deed::ProposeScope)?;
    let (app, who, act, to) = (state.app.clone(), reader.who(), reader.act(sent.reason), sent.to.clone());
    let made = blocking(move || {
        let Some(owner) = super::attest::person(app.people.as_ref(), &to)? else {
            return Ok(Err(say!(
                "there is nobody in the directory with the sign-in name or address “{0}”",
                to
            )));
        };
        let changed = app.governance.assign_row(&row, owner, who, act)?;
        Ok::<_, StoreError>(match changed {
            None => Err(t("there is no such row").to_owned()),
            Some(made) => made.map(drop).map_err(|refused| refused.to_string()),
        })
    })
    .await?;
    match made {
        Ok(()) => {
            let to = format!("/campaigns/{}?done=assigned", encode(&sent.campaign));
            Ok(Redirect::to(&to).into_response())
        }
        Err(problem) => refused(&state, &reader, &sent.campaign, problem).await,
    }
}

async fn refused(state: &WebState, reader: &Reader, id: &str, why: String) -> Result<Response, WebError> {
    let problem = Some(say!("That was not done: {0}.", message(&why)));
    let nothing = (&ListQuery::default(), &RowsQuery::default());
    let mut again = campaign_page(state, reader, id, nothing, None, problem).await?;
    *again.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(again)
}

// ── Closing ──────────────────────────────────────────────────────────────────────────────────

/// The end of a campaign as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentEnd {
    csrf: String,
    reason: String,
}

/// Closes it, and signs its report.
pub(crate) async fn close(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<SentEnd>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    reader.must_somewhere(Deed::ProposeScope)?;
    let (app, who, act, asked) = (state.app.clone(), reader.who(), reader.act(sent.reason), id.clone());
    let keys = app.notary.keys();
    let made = blocking(move || app.governance.close_campaign(&asked, who, act, Arc::clone(&keys))).await?;
    match made.ok_or(WebError::NotFound("campaign"))? {
        Ok(held) => {
            Ok(Redirect::to(&format!("/campaigns/{}?done=closed", held.body.reference)).into_response())
        }
        Err(why) => refused(&state, &reader, &id, why.to_string()).await,
    }
}

/// The signed report, to be printed.
pub(crate) async fn report(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    // It is signed in one piece.
    reader.must_see_all()?;
    let (app, now_ms) = (state.app.clone(), reader.now_ms);
    let found = blocking(move || {
        let Some(detail) = app.governance.campaign(&id, &Sight::All, now_ms)? else { return Ok(None) };
        let all = PageRequest { offset: 0, limit: PageRequest::MAX_LIMIT };
        let mut unanswered = Vec::new();
        for state in [RowState::Silent, RowState::Blocked] {
            let filter = RowFilter { state: Some(state), ..RowFilter::default() };
            unanswered.extend(app.governance.campaign_rows(&detail.held.body.id, &filter, all, now_ms)?.rows);
        }
        let closed_by = match detail.held.body.closed_by {
            Some(person) => app.people.person(person)?.map(|person| person.details.display_name),
            None => None,
        };
        Ok::<_, StoreError>(Some((detail, unanswered, closed_by, app.people.all_units()?)))
    })
    .await?;
    let (detail, unanswered, closed_by, units) = found.ok_or(WebError::NotFound("campaign"))?;
    let campaign = &detail.held.body;
    let note = campaign.report.as_ref().filter(|_| campaign.state == CampaignState::Closed);
    let note = note.ok_or(WebError::NotFound("report before the campaign is closed"))?;
    let note = Note::read(note).map_err(|error| WebError::Work(error.into()))?;
    let report = serde_json::from_str(note.text()).map_err(|error| WebError::Work(error.into()))?;
    page(&CampaignReportPage {
        frame: reader.frame(Here::Campaigns, None),
        report,
        people: (detail.started_by.clone(), closed_by.unwrap_or_default()),
        query: query_words(&campaign.query, &units),
        unanswered,
        hash: sha256(&[note.text().as_bytes()]).to_string(),
        signatures: note.signatures().iter().map(ToString::to_string).collect(),
    })
}

/// The same as it was signed: a note over canonical JSON.
pub(crate) async fn report_note(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    reader.must_see_all()?;
    let now_ms = reader.now_ms;
    let found = blocking(move || state.app.governance.campaign(&id, &Sight::All, now_ms)).await?;
    let campaign = found.ok_or(WebError::NotFound("campaign"))?.held.body;
    let note = campaign.report.ok_or(WebError::NotFound("report before the campaign is closed"))?;
    let name = format!("attachment; filename=\"{}.note\"", campaign.reference);
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)], note)
        .into_response())
}
