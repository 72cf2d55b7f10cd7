//! `/privacy`: how long records are kept, which takes two people to change, and what was deleted; `/notice`: what the people concerned are
//! to be told; `/privacy/dpia`: the pack for who assesses it. All of them are made of the settings in force.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use umbrascope_api::Day;

use super::page;
use crate::AppState;
use crate::model::governed::{Actor, Governed, TrailFilter, TrailRow};
use crate::model::{Access, Deed, Grants, PageRequest};
use crate::privacy::{Notice, Pack};
use crate::retention::{Retention, Step, Swept, Times};
use crate::store::StoreError;
use crate::web::error::{WebError, status_of};
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{message, say, t};
use crate::web::list::ListQuery;
use crate::web::pages::{AskedView, NoticePage, PackPage, PrivacyPage, StepView, SweepView, TimesForm};
use crate::web::{WebState, blocking};

/// Entries of the trail that are looked through.
const ENTRIES: u32 = 100;
/// Sweeps and steps that are listed.
const LISTED: usize = 20;
/// Longest reason, in characters.
const REASON_CHARS: usize = 2_000;

/// The times in force, and the notice of all settings in force. Blocking.
pub(crate) fn in_force(state: &AppState, now_ms: i64) -> Result<(Retention, Notice), StoreError> {
    let retention = state.governance.retention()?.0;
    let notice = Notice::of(&retention, state.store.suspect_setting(now_ms)?.since_ms());
    let names = state.governance.reidentification(now_ms)?.told();
    Ok((retention, notice.with_names(names)))
}

/// Whether somebody may read the pack: who has a say in what agents gather.
pub(crate) fn may_assess(grants: &Grants) -> bool {
    grants.access_somewhere(Deed::ChangeCollection) >= Access::Read
}

/// The newest sweeps that deleted something: the entry, and what it deleted. Blocking.
pub(crate) fn sweeps(state: &AppState) -> Result<Vec<(TrailRow, Option<Swept>)>, StoreError> {
    let swept = |row: TrailRow| {
        let deleted = row.set.as_ref().and_then(|set| set.get("deleted"));
        let deleted = deleted.and_then(|deleted| serde_json::from_value(deleted.clone()).ok());
        (row, deleted)
    };
    Ok(entries(state)?.into_iter().filter(is_sweep).take(LISTED).map(swept).collect())
}

fn entries(state: &AppState) -> Result<Vec<TrailRow>, StoreError> {
    let filter = TrailFilter { kind: Some(Retention::KIND.to_owned()), ..TrailFilter::default() };
    Ok(state.governance.trail(&filter, PageRequest { offset: 0, limit: ENTRIES })?.rows)
}

fn is_sweep(row: &TrailRow) -> bool {
    row.action == "retention.sweep"
}

/// How long records are kept.
pub(crate) async fn show(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let notice = match query.done.as_str() {
        "ask" => Some(t("It is asked for. A privacy officer who is another person has to approve.")),
        "approve" => Some(t("It is in force. The next sweep, within a day, goes by it.")),
        "decline" => Some(t("It is declined. What was in force stays.")),
        _ => None,
    };
    privacy_page(&state, reader, notice, None).await
}

async fn privacy_page(
    state: &WebState,
    reader: Reader,
    done: Option<&'static str>,
    problem: Option<(String, TimesForm)>,
) -> Result<Response, WebError> {
    let app = state.app.clone();
    blocking(move || {
        let (retention, notice) = in_force(&app, reader.now_ms)?;
        let machines = app.store.totals(Day::from_unix_ms(reader.now_ms), reader.now_ms)?.assets;
        let name = |person: i64| {
            let found = app.people.person(person)?;
            Ok::<_, StoreError>(found.map_or_else(|| say!("person {0}", person), |row| row.name))
        };
        let asked = match &retention.asked {
            None => None,
            Some(asked) => Some(AskedView {
                by: name(asked.by)?,
                own: asked.by == reader.user.id,
                at_ms: asked.at_ms,
                notice: Notice { times: asked.times, ..notice.clone() },
                reason: asked.reason.clone(),
            }),
        };
        let mut steps = Vec::new();
        for row in entries(&app)?.into_iter().filter(|row| !is_sweep(row)).take(LISTED) {
            steps.push(StepView {
                at_ms: row.at_ms,
                who: match Actor::person_in(&row.actor) {
                    Some(person) => name(person)?,
                    None => row.actor,
                },
                what: match row.action.as_str() {
                    "retention.ask" => t("asked for other times"),
                    "retention.approve" => t("approved them"),
                    "retention.decline" => t("declined them"),
                    _ => t("changed something"),
                },
                refused: row.outcome.strip_prefix("refused:").map(str::to_owned),
                reason: row.reason.unwrap_or_default(),
            });
        }
        let (problem, form) = match problem {
            Some((problem, form)) => (Some(problem), form),
            None => (None, TimesForm::of(&notice.times)),
        };
        page(&PrivacyPage {
            frame: reader.frame(Here::Privacy, done),
            sweeps: sweeps(&app)?.into_iter().map(sweep_view).collect(),
            notice,
            asked,
            problem,
            form,
            steps,
            machines,
            least: reader.least(&app)?,
        })
    })
    .await
}

fn sweep_view((row, swept): (TrailRow, Option<Swept>)) -> SweepView {
    let deleted = swept.map(|swept| swept.lines().into_iter().filter(|(_, count)| *count > 0).collect());
    SweepView { at_ms: row.at_ms, seq: row.seq, deleted: deleted.unwrap_or_default() }
}

/// A step as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    csrf: String,
    step: String,
    reason: String,
    pseudonym_days: String,
    day_days: String,
    reading_days: String,
    trail_days: String,
    least_count: String,
}

impl Sent {
    fn times(&self) -> Option<Times> {
        let number = |text: &str| text.trim().parse().ok();
        Some(Times {
            pseudonym_days: number(&self.pseudonym_days)?,
            day_days: number(&self.day_days)?,
            reading_days: number(&self.reading_days)?,
            trail_days: number(&self.trail_days)?,
            least_count: number(&self.least_count)?,
        })
    }
}

/// Asks for other times, approves what was asked for, or declines it. Who may not is told by the guard, and the trail has it.
pub(crate) async fn step(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<Sent>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    reader.check_form(&sent.csrf)?;
    let (step, done) = match sent.step.as_str() {
        "ask" => (Step::Ask(sent.times().ok_or(WebError::BadRequest)?), "ask"),
        "approve" => (Step::Approve, "approve"),
        "decline" => (Step::Decline, "decline"),
        _ => return Err(WebError::BadRequest),
    };
    let reason: String = sent.reason.trim().chars().take(REASON_CHARS).collect();
    let (app, who, act) = (state.app.clone(), reader.who(), reader.act(reason.clone()));
    let form = match &step {
        Step::Ask(times) => Some(TimesForm { reason, ..TimesForm::of(times) }),
        Step::Approve | Step::Decline => None,
    };
    match blocking(move || app.governance.step_retention(step, who, act)).await? {
        Ok(_) => Ok(Redirect::to(&format!("/privacy?done={done}")).into_response()),
        Err(refused) => {
            let status: StatusCode = status_of(refused.guard);
            let problem = say!("That was not done: {0}.", message(&refused));
            let form = match form {
                Some(form) => form,
                None => TimesForm::of(&Times::default()),
            };
            let page = privacy_page(&state, reader, None, Some((problem, form))).await?;
            Ok((status, page).into_response())
        }
    }
}

/// What the people concerned are to be told.
pub(crate) async fn notice(State(state): State<WebState>, reader: Reader) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let now_ms = reader.now_ms;
    let (_, notice) = blocking(move || in_force(&state.app, now_ms)).await?;
    page(&NoticePage { frame: reader.frame(Here::Privacy, None), notice })
}

/// The pack for an assessment of data protection.
pub(crate) async fn pack(State(state): State<WebState>, reader: Reader) -> Result<Response, WebError> {
    reader.must_read(Deed::ChangeCollection)?;
    let now_ms = reader.now_ms;
    let (_, notice) = blocking(move || in_force(&state.app, now_ms)).await?;
    page(&PackPage { frame: reader.frame(Here::Privacy, None), pack: Pack::of(notice) })
}
