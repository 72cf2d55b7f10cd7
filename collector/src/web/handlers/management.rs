//! `/management-reviews`: what the next management review has before it, and the reviews that were held.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::Map;
use umbrascope_api::Day;

use super::findings::home;
use super::{page, work};
use crate::AppState;
use crate::management::{ManagementReview, Pack, Subject, ToDecide, ToRecord, next_period, period};
use crate::model::Deed;
use crate::model::governed::Governed as _;
use crate::review::Refused;
use crate::store::proof::TrailNote;
use crate::web::error::{WebError, status_of};
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::t;
use crate::web::pages::{DecisionForm, ManagementReviewPage, ManagementReviewsPage, ReviewForm};
use crate::web::pick::one_person;
use crate::web::{WebState, blocking};

/// The days that are asked for; empty: since the last review, until today.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PeriodQuery {
    from: String,
    until: String,
    done: String,
}

impl PeriodQuery {
    /// The days. Blocks.
    pub(crate) fn days(&self, app: &AppState, today: Day) -> Result<(Day, Day), WebError> {
        let held = app.governance.management_reviews()?;
        let (from, until) = next_period(held.iter().map(|held| &held.body), today);
        let day = |name, typed: &str, otherwise| match typed.trim() {
            "" => Ok(otherwise),
            typed => typed.parse().map_err(|_| WebError::unknown_choice(name, typed)),
        };
        let until = day("until", &self.until, until)?;
        let from = day("from", &self.from, from.min(until))?;
        period(from, until, today).map_err(WebError::Guarded)?;
        Ok((from, until))
    }
}

/// What the next review has before it, and the reviews that were held.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<PeriodQuery>,
) -> Result<Response, WebError> {
    reader.must_see_all()?;
    let today = Day::from_unix_ms(reader.now_ms);
    blocking(move || {
        let (from, until) = query.days(&state.app, today)?;
        reviews_page(&state, &reader, (from, until), None)
    })
    .await
}

/// The page. Blocks.
fn reviews_page(
    state: &WebState,
    reader: &Reader,
    (from, until): (Day, Day),
    form: Option<ReviewForm>,
) -> Result<Response, WebError> {
    let governance = &state.app.governance;
    let rows = governance.management_reviews()?.into_iter().map(|held| held.body).collect();
    page(&ManagementReviewsPage {
        frame: reader.frame(Here::Readiness, None),
        pack: governance.review_pack(from, until, reader.now_ms)?,
        rows,
        may_record: reader.must(Deed::DecideScope, &[]).is_ok(),
        form: form.unwrap_or_default(),
    })
}

/// The same as a file.
pub(crate) async fn file(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<PeriodQuery>,
) -> Result<Response, WebError> {
    reader.must_see_all()?;
    let (today, act) = (Day::from_unix_ms(reader.now_ms), reader.act(""));
    let pack = blocking(move || {
        let (from, until) = query.days(&state.app, today)?;
        let pack = state.app.governance.review_pack(from, until, reader.now_ms)?;
        let details = Map::from_iter([
            ("from".to_owned(), from.to_string().into()),
            ("until".to_owned(), until.to_string().into()),
        ]);
        let id = "management-review-pack".to_owned();
        state.app.governance.note(TrailNote { act, action: "export.make", kind: "export", id, details })?;
        Ok::<_, WebError>(pack)
    })
    .await?;
    let name = format!("umbrascope-management-review-{}.json", pack.until);
    as_file(&name, &pack)
}

fn as_file(name: &str, content: &impl serde::Serialize) -> Result<Response, WebError> {
    let bytes = serde_json::to_vec_pretty(content).map_err(|error| WebError::Work(error.into()))?;
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, bytes).into_response())
}

/// A review as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentReview {
    csrf: String,
    held_on: String,
    from: String,
    until: String,
    present: String,
    conclusion: String,
}

/// Records a review that was held. What was typed is given back where it cannot be kept.
pub(crate) async fn record(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentReview>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    reader.must(Deed::DecideScope, &[])?;
    let day =
        |name, typed: &str| typed.trim().parse::<Day>().map_err(|_| WebError::unknown_choice(name, typed));
    let (from, until) = (day("from", &sent.from)?, day("until", &sent.until)?);
    let today = Day::from_unix_ms(reader.now_ms);
    blocking(move || {
        let recorded = match sent.held_on.trim().parse() {
            Ok(held_on) => {
                let (present, conclusion) = (sent.present.clone(), sent.conclusion.clone());
                let review = ToRecord { held_on, from, until, present, conclusion };
                state.app.governance.record_review(review, reader.act(""))?
            }
            Err(_) => Err(Refused {
                guard: crate::review::Guard::Fields,
                missing: vec!["held_on".to_owned()],
                says: t("choose the day on which it was held").to_owned(),
            }),
        };
        let refused = match recorded {
            Ok(held) => {
                let to = format!("/management-reviews/{}?done=recorded", held.body.reference);
                return Ok::<_, WebError>(Redirect::to(&to).into_response());
            }
            Err(refused) => refused,
        };
        let form = ReviewForm {
            held_on: sent.held_on,
            present: sent.present,
            conclusion: sent.conclusion,
            problem: Some(refused.to_string()),
        };
        let until = until.min(today);
        let mut answer = reviews_page(&state, &reader, (from.min(until), until), Some(form))?;
        *answer.status_mut() = status_of(refused.guard);
        Ok(answer)
    })
    .await
}

/// One review.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(reference): Path<String>,
    Query(query): Query<PeriodQuery>,
) -> Result<Response, WebError> {
    reader.must_see_all()?;
    let notice = match query.done.as_str() {
        "recorded" => Some(t("The review is recorded, with what it had before it. Now add what it decided.")),
        "decided" => Some(t("The decision is recorded.")),
        _ => None,
    };
    blocking(move || review_page(&state, &reader, &reference, notice, None)).await
}

/// The page. Blocks.
fn review_page(
    state: &WebState,
    reader: &Reader,
    reference: &str,
    notice: Option<&'static str>,
    form: Option<DecisionForm>,
) -> Result<Response, WebError> {
    let held =
        state.app.governance.management_review(reference)?.ok_or(WebError::NotFound("management review"))?;
    let review = held.body;
    let history = work::history(state, ManagementReview::KIND, &review.id)?;
    let deciders = review.decisions.iter().map(|decision| Some(decision.by));
    let named = deciders.chain([Some(review.by)]).chain(work::actors(&history));
    page(&ManagementReviewPage {
        frame: reader.frame(Here::Readiness, notice),
        people: work::people(state, &home(reader), named)?,
        history,
        may_record: reader.must(Deed::DecideScope, &[]).is_ok(),
        version: held.version,
        form: form.unwrap_or_default(),
        review,
    })
}

/// A decision as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentDecided {
    csrf: String,
    version: String,
    subject: String,
    says: String,
    assignee: String,
    due: String,
}

/// Adds what a review decided. What was typed is given back where it cannot be kept.
pub(crate) async fn decide(
    State(state): State<WebState>,
    reader: Reader,
    Path(reference): Path<String>,
    Form(sent): Form<SentDecided>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    reader.must(Deed::DecideScope, &[])?;
    let subject =
        Subject::parse(&sent.subject).ok_or_else(|| WebError::unknown_choice("subject", &sent.subject))?;
    let due = work::day(&sent.due)?;
    let mut act = reader.act("");
    act.version = sent.version.parse().ok();
    blocking(move || {
        let assignee = match one_person(&*state.app.people, &sent.assignee) {
            Ok(assignee) => Ok(assignee),
            Err(WebError::Unclear(unclear)) => Err(unclear.refused()),
            Err(other) => return Err(other),
        };
        let changed = match assignee {
            Ok(assignee) => {
                let decision = ToDecide { subject, says: sent.says.clone(), assignee, due };
                let changed = state.app.governance.add_decision(&reference, decision, act)?;
                changed.ok_or(WebError::NotFound("management review"))?
            }
            Err(refused) => Err(refused),
        };
        let refused = match changed {
            Ok(held) => {
                let to = format!("/management-reviews/{}?done=decided", held.body.reference);
                return Ok(Redirect::to(&to).into_response());
            }
            Err(refused) => refused,
        };
        let form = DecisionForm {
            subject,
            says: sent.says,
            assignee: sent.assignee,
            due: sent.due,
            problem: Some(refused.to_string()),
        };
        let mut answer = review_page(&state, &reader, &reference, None, Some(form))?;
        *answer.status_mut() = status_of(refused.guard);
        Ok(answer)
    })
    .await
}

/// What a review has before it, of these days. Blocks.
pub(crate) fn pack_of(app: &AppState, query: &PeriodQuery, now_ms: i64) -> Result<Pack, WebError> {
    let (from, until) = query.days(app, Day::from_unix_ms(now_ms))?;
    Ok(app.governance.review_pack(from, until, now_ms)?)
}
