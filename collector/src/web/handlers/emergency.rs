//! `/emergency`: a role that an administrator takes for some hours, and what was done with it, for those to whom that is reported.

use std::collections::{BTreeMap, BTreeSet};

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page;
use crate::AppState;
use crate::emergency::{Emergency, REPORTED_MS, Wanted};
use crate::model::governed::{Held, TrailFilter};
use crate::model::{Deed, Page, PageRequest, Role};
use crate::people::administers;
use crate::review::{REASON_CHARS, Refused};
use crate::store::StoreError;
use crate::web::entries::action;
use crate::web::error::{WebError, status_of};
use crate::web::frame::Here;
use crate::web::guard::{Reader, is_told_of_emergencies};
use crate::web::language::{message, say, t};
use crate::web::list::{ListQuery, Pager, page_number, rows_of};
use crate::web::names::Names;
use crate::web::pages::{EmergencyPage, EmergencyView, TakeForm};
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// Entries of the trail that are counted of one emergency. More than that takes longer than it lasts.
const ENTRIES: u32 = 1_000;

/// An emergency, who has seen it, and how often what was done in the role that was taken.
pub(crate) struct Told {
    /// The emergency.
    pub(crate) held: Held<Emergency>,
    /// Who has seen it, by number, and when, Unix milliseconds.
    pub(crate) seen: Vec<(i64, i64)>,
    /// What was done, as the trail has it, and how often; what was refused is left out.
    pub(crate) acts: BTreeMap<String, u64>,
}

/// Emergencies, the newest first. Blocking.
pub(crate) fn told(app: &AppState, page: PageRequest) -> Result<Page<Told>, StoreError> {
    let found = app.governance.emergencies(page)?;
    let mut rows = Vec::with_capacity(found.rows.len());
    for (held, seen) in found.rows {
        let filter = TrailFilter {
            person: Some(held.body.person),
            from_ms: Some(held.body.from_ms),
            before_ms: Some(held.body.end_ms()),
            refused: Some(false),
            ..TrailFilter::default()
        };
        let entries = app.governance.trail(&filter, PageRequest { offset: 0, limit: ENTRIES })?.rows;
        let mut acts = BTreeMap::new();
        for entry in entries.into_iter().filter(|entry| entry.role == held.body.role.as_str()) {
            *acts.entry(entry.action).or_default() += 1;
        }
        rows.push(Told { held, seen, acts });
    }
    Ok(Page { rows, total: found.total })
}

/// The page.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    let notice = match query.done.as_str() {
        "take" => Some(t("You have the role. It ends by itself, and is reported.")),
        "end" => Some(t("It is over.")),
        "seen" => Some(t("It is noted that you have seen them.")),
        _ => None,
    };
    list_page(state, reader, &query, notice, None).await
}

async fn list_page(
    state: WebState,
    reader: Reader,
    query: &ListQuery,
    notice: Option<&'static str>,
    problem: Option<(String, TakeForm)>,
) -> Result<Response, WebError> {
    reader.must_read_all(Deed::ReadCollectionAudit)?;
    let number = page_number(&query.page)?;
    blocking(move || {
        let found = told(&state.app, rows_of(number))?;
        let people: BTreeSet<i64> = found.rows.iter().flat_map(people_of).collect();
        let names = Names::load(&state.app, &people)?;
        let pager = Pager::new(
            (number, found.rows.len(), found.total),
            "emergency role",
            &Address::new("/emergency"),
            "page",
        );
        let (problem, form) = problem.unzip();
        let view = |told: &Told| EmergencyView {
            id: told.held.body.id.clone(),
            who: names.person(told.held.body.person),
            role: told.held.body.role.as_str(),
            reason: told.held.body.reason.clone(),
            from_ms: told.held.body.from_ms,
            end_ms: told.held.body.end_ms(),
            ended_by: told.held.body.ended.map(|(person, _)| names.person(person)),
            on: told.held.body.is_on(reader.now_ms),
            seen: told.seen.iter().map(|(person, at_ms)| (names.person(*person), *at_ms)).collect(),
            acts: told.acts.iter().map(|(word, count)| (action(word), *count)).collect(),
        };
        page(&EmergencyPage {
            frame: reader.frame(Here::People, notice),
            problem,
            form: form.unwrap_or_default(),
            administers: administers(&reader.user.grants),
            fresh: reader.fresh,
            sees: is_told_of_emergencies(&reader.user.grants) && reader.emergencies > 0,
            rows: found.rows.iter().map(view).collect(),
            pager,
        })
    })
    .await
}

fn people_of(told: &Told) -> Vec<i64> {
    let body = &told.held.body;
    let ended = body.ended.iter().map(|(person, _)| *person);
    [body.person].into_iter().chain(ended).chain(told.seen.iter().map(|(person, _)| *person)).collect()
}

/// What is sent to take a role.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentTake {
    csrf: String,
    role: String,
    hours: String,
    reason: String,
}

/// Takes a role.
pub(crate) async fn take(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentTake>,
) -> Result<Response, WebError> {
    reader.must_read_all(Deed::ReadCollectionAudit)?;
    reader.check_form(&sent.csrf)?;
    match make(&state, &reader, &sent.role, sent.hours.trim().parse().unwrap_or(0), &sent.reason).await? {
        Ok(_) => Ok(Redirect::to("/emergency?done=take").into_response()),
        Err(refused) => {
            let form = TakeForm { role: sent.role, hours: sent.hours, reason: sent.reason };
            refused_page(state, reader, &refused, form).await
        }
    }
}

async fn refused_page(
    state: WebState,
    reader: Reader,
    refused: &Refused,
    form: TakeForm,
) -> Result<Response, WebError> {
    let problem = Some((say!("That was not done: {0}.", message(refused)), form));
    let page = list_page(state, reader, &ListQuery::default(), None, problem).await?;
    Ok((status_of(refused.guard), page).into_response())
}

/// Takes a role in the reader's name, who has to have signed in a moment ago. Who may not is told by the guard, and the trail has it.
pub(crate) async fn make(
    state: &WebState,
    reader: &Reader,
    role: &str,
    hours: u32,
    reason: &str,
) -> Result<Result<Held<Emergency>, Refused>, WebError> {
    if administers(&reader.user.grants) {
        reader.must_be_fresh_for("/emergency")?;
    }
    let reason: String = reason.trim().chars().take(REASON_CHARS).collect();
    let (governance, who, act) = (state.app.governance.clone(), reader.who(), reader.act(reason));
    let wanted = Wanted { role: Role::parse(role), hours };
    blocking(move || governance.take_emergency(wanted, who, act)).await
}

/// What is sent to end one, or to say that they were seen.
#[derive(Debug, Deserialize)]
pub(crate) struct Sent {
    csrf: String,
}

/// Ends an emergency before its time.
pub(crate) async fn end(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<Sent>,
) -> Result<Response, WebError> {
    reader.must_read_all(Deed::ReadCollectionAudit)?;
    reader.check_form(&sent.csrf)?;
    match make_end(&state, &reader, &id).await? {
        Ok(_) => Ok(Redirect::to("/emergency?done=end").into_response()),
        Err(refused) => refused_page(state, reader, &refused, TakeForm::default()).await,
    }
}

/// Ends an emergency in the reader's name.
pub(crate) async fn make_end(
    state: &WebState,
    reader: &Reader,
    id: &str,
) -> Result<Result<Held<Emergency>, Refused>, WebError> {
    let (governance, who, act) = (state.app.governance.clone(), reader.who(), reader.act(""));
    let id = id.to_owned();
    let ended = blocking(move || governance.end_emergency(&id, who, act)).await?;
    ended.ok_or(WebError::NotFound("emergency"))
}

/// Notes that the reader, to whom they are reported, has seen all that there are.
pub(crate) async fn see(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<Sent>,
) -> Result<Response, WebError> {
    reader.must_read_all(Deed::ReadCollectionAudit)?;
    reader.check_form(&sent.csrf)?;
    if !is_told_of_emergencies(&reader.user.grants) {
        return Err(WebError::BadRequest);
    }
    let (governance, person, now_ms) = (state.app.governance.clone(), reader.user.id, reader.now_ms);
    blocking(move || governance.see_emergencies(person, now_ms)).await?;
    Ok(Redirect::to("/emergency?done=seen").into_response())
}

/// Emergencies of the last thirty days, and whether one lasts. Blocking.
pub(crate) fn recent(app: &AppState, now_ms: i64) -> Result<(u64, bool), StoreError> {
    let found = app.governance.emergencies(PageRequest { offset: 0, limit: 100 })?.rows;
    let lasts = found.iter().any(|(held, _)| held.body.is_on(now_ms));
    let recent = found.iter().filter(|(held, _)| held.body.from_ms >= now_ms - REPORTED_MS).count();
    Ok((recent as u64, lasts))
}
