//! Readiness, indicators and legal dates as JSON: what there is to show, who answers for it, and which controls apply.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use umbrascope_api::Day;
use utoipa::ToSchema;

use super::request::{Body, Params, no_such, said};
use super::targets::{IndicatorTarget, VerdictWord};
use super::types::{Problem, TriWord};
use crate::model::Deed;
use crate::model::record::Tri;
use crate::readiness::{self, Answer, Applicability, Assessed, DEFINITIONS, List, assess};
use crate::web::{IndicatorsQuery, Reader, WebError, WebState, blocking, with_targets};

/// Longest note or reason, in characters.
const NOTE_CHARS: usize = 2_000;

/// A requirement of the standard, with what there is to show for it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Requirement {
    /// Our id of it.
    id: String,
    /// Published numbers of clauses and controls.
    clauses: Vec<String>,
    /// In our own words.
    says: String,
    /// `auto`, `part`, `held` or `not-ours`.
    class: String,
    /// `gap`, `partly`, `shown` or `not-ours`.
    standing: String,
    /// What our records show, in words.
    shown: Vec<String>,
    /// Titles of the documents that count today.
    documents: Vec<String>,
    /// Number of the person who answers for it.
    owner: Option<i64>,
    /// What they say.
    note: Option<String>,
    /// The day by which something is to be done.
    #[schema(format = Date)]
    due: Option<String>,
}

/// An indicator.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Indicator {
    /// `K-01`.
    id: String,
    /// Its name.
    name: String,
    /// Version of its definition.
    definition: String,
    /// Numerator, or the count.
    n: u64,
    /// Denominator; null: it is a count, or nobody knows of how many.
    of: Option<u64>,
    /// What was left out, and what else belongs to the value.
    note: String,
    /// What it is to come to; null: nobody said.
    target: Option<IndicatorTarget>,
    /// How it stands to that.
    verdict: VerdictWord,
}

/// Dates of laws and rules, as they were looked up.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LegalDates {
    /// Version of the list, which scope statements cite.
    version: String,
    /// The dates. Nothing is concluded from them, and none of it is legal advice.
    dates: Vec<LegalDate>,
}

/// From when something applies.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LegalDate {
    /// Our id of it.
    id: String,
    /// Of which law or body of rules.
    regime: String,
    /// Which part of it.
    provision: String,
    /// What it is about.
    subject: String,
    /// First day; null: none is known.
    #[schema(format = Date)]
    applies_from: Option<String>,
    /// `in_force`, `adopted_unpublished`, `proposed`, `repealed` or `superseded`.
    status: String,
    /// Where that is known from.
    source: String,
    /// The day that the source is of.
    #[schema(format = Date)]
    source_date: Option<String>,
    /// The day on which it was looked up.
    #[schema(format = Date)]
    as_of: String,
    /// `primary`, `partly`, `secondary` or `unchecked`.
    checked: String,
    /// Whether it is from the organisation's own file.
    own: bool,
}

/// Dates of laws and rules that bear on AI, each as of the day on which it was looked up.
#[utoipa::path(get, path = "/api/v1/legal-dates",
    responses((status = 200, body = LegalDates),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn legal_dates(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<LegalDates>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let list = state.app.governance.legal_dates();
    let dates = list.dates.iter().cloned().map(|date| LegalDate {
        id: date.id,
        regime: date.regime,
        provision: date.provision,
        subject: date.subject,
        applies_from: date.applies_from.map(|day| day.to_string()),
        status: date.status.as_str().to_owned(),
        source: date.source,
        source_date: date.source_date.map(|day| day.to_string()),
        as_of: date.as_of.to_string(),
        checked: date.checked.as_str().to_owned(),
        own: date.own,
    });
    Ok(Json(LegalDates { version: list.version.clone(), dates: dates.collect() }))
}

/// What the standard asks for, and what there is to show.
#[utoipa::path(get, path = "/api/v1/readiness",
    responses((status = 200, body = Vec<Requirement>),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn readiness(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<Vec<Requirement>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let now_ms = reader.now_ms;
    blocking(move || {
        let governance = &state.app.governance;
        let gathered = governance.gathered(now_ms)?;
        let answers = governance.answers()?;
        let assessed = assess(List::built_in(), &gathered.facts(Day::from_unix_ms(now_ms)));
        let requirement = |one: Assessed| {
            let answer = answers.iter().find(|held| held.body.id == one.requirement.id);
            requirement(one, answer.map(|held| held.body.clone()).unwrap_or_default())
        };
        Ok::<_, WebError>(Json(assessed.into_iter().map(requirement).collect()))
    })
    .await
}

fn requirement(one: Assessed, answer: Answer) -> Requirement {
    Requirement {
        class: one.requirement.class.as_str().to_owned(),
        standing: one.standing.as_str().to_owned(),
        shown: one.shown.into_iter().map(|shown| shown.says).collect(),
        documents: one.documents.into_iter().map(|document| document.title).collect(),
        owner: answer.owner,
        note: answer.note,
        due: answer.due.map(|day| day.to_string()),
        id: one.requirement.id,
        clauses: one.requirement.clauses,
        says: one.requirement.says,
    }
}

/// Who answers for a requirement.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerBody {
    /// Number of the person; null: nobody.
    owner: Option<i64>,
    /// What they say; null: nothing.
    #[schema(max_length = 2000)]
    note: Option<String>,
    /// The day by which something is to be done; null: none.
    #[schema(value_type = Option<String>, format = Date)]
    due: Option<Day>,
}

/// Says who answers for a requirement, in the place of what was said before. What is left out is nothing.
#[utoipa::path(put, path = "/api/v1/readiness/{id}", request_body = AnswerBody,
    params(("id" = String, Path, description = "R-4.3-b")), responses((status = 200, body = AnswerBody)))]
pub(super) async fn answer(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Body(body): Body<AnswerBody>,
) -> Result<Json<AnswerBody>, WebError> {
    reader.must(Deed::ProposeScope, &[])?;
    if List::built_in().named(&id).is_none() {
        return Err(WebError::NotFound("requirement"));
    }
    let note = body.note.filter(|note| !note.trim().is_empty());
    let note = note.map(|note| said("note", &note, NOTE_CHARS)).transpose()?;
    let answer = Answer { id, owner: body.owner, note, due: body.due };
    let told = AnswerBody { owner: answer.owner, note: answer.note.clone(), due: answer.due };
    blocking(move || {
        if let Some(owner) = answer.owner {
            state.app.people.person(owner)?.ok_or_else(|| no_such("owner", "person"))?;
        }
        Ok::<_, WebError>(state.app.governance.set_answer(answer, reader.act(""))?)
    })
    .await?;
    Ok(Json(told))
}

/// A control of Annex A.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Control {
    /// Its number.
    id: String,
    /// Its title.
    title: String,
    /// Whether it applies: `yes`, `no`, or `unknown` where nobody said yet.
    applies: &'static str,
    /// Why, or why not; null where nobody said.
    reason: Option<String>,
}

/// The controls of Annex A, and whether each applies.
#[utoipa::path(get, path = "/api/v1/controls", responses((status = 200, body = Vec<Control>)))]
pub(super) async fn controls(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<Vec<Control>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let judged = blocking(move || state.app.governance.applicabilities()).await?;
    let control = |control: &readiness::Control| {
        let judged = judged.iter().map(|held| &held.body).find(|judged| judged.id == control.id);
        Control {
            id: control.id.clone(),
            title: control.title.clone(),
            applies: judged.map_or(Tri::Unknown, |judged| judged.applies).as_str(),
            reason: judged.map(|judged| judged.reason.clone()),
        }
    };
    Ok(Json(List::built_in().controls.iter().map(control).collect()))
}

/// Whether a control applies.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JudgementBody {
    /// Whether it does.
    applies: TriWord,
    /// Why, or why not.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// Says whether a control applies.
#[utoipa::path(put, path = "/api/v1/controls/{id}", request_body = JudgementBody,
    params(("id" = String, Path, description = "A.9.4")), responses((status = 204, description = "It is noted")))]
pub(super) async fn judge(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Body(body): Body<JudgementBody>,
) -> Result<StatusCode, WebError> {
    reader.must(Deed::ProposeScope, &[])?;
    if !List::built_in().controls.iter().any(|control| control.id == id) {
        return Err(WebError::NotFound("control"));
    }
    let reason = said("reason", &body.reason, NOTE_CHARS)?;
    let act = reader.act(reason.clone());
    let judgement = Applicability { id, applies: body.applies.into(), reason };
    blocking(move || state.app.governance.set_applicability(judgement, act)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How far a clause group is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClauseGroup {
    /// `8` or `A.6`.
    group: String,
    /// Its title.
    title: String,
    /// 0: every requirement is a gap; 1: one at least is no gap; 2: half of them are no gaps; 3: none is a gap; 4: every one is shown; null:
    /// nothing of it is ours to show. A scale of this product.
    level: Option<u8>,
    /// Requirements that are shown.
    shown: usize,
    /// Those that are partly.
    partly: usize,
    /// Those that are gaps.
    gaps: usize,
    /// Those that have to be shown elsewhere.
    not_ours: usize,
}

/// How far each clause of the standard and each objective of its Annex A is.
#[utoipa::path(get, path = "/api/v1/maturity",
    responses((status = 200, body = Vec<ClauseGroup>),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn maturity(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<Vec<ClauseGroup>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let now_ms = reader.now_ms;
    let gathered = blocking(move || state.app.governance.gathered(now_ms)).await?;
    let assessed = assess(List::built_in(), &gathered.facts(Day::from_unix_ms(now_ms)));
    let groups = readiness::maturity(List::built_in(), &assessed).into_iter().map(|one| ClauseGroup {
        group: one.group,
        title: one.title,
        level: one.level.map(readiness::Level::number),
        shown: one.shown,
        partly: one.partly,
        gaps: one.gaps,
        not_ours: one.not_ours,
    });
    Ok(Json(groups.collect()))
}

/// Indicators as they are now, or as of the end of a past day: then those that rest on records, computed again from the audit trail. Each
/// with the target of that time.
#[utoipa::path(get, path = "/api/v1/indicators",
    params(("as_of" = Option<String>, Query, format = Date, description = "A past day; none: now")),
    responses((status = 200, body = Vec<Indicator>),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn indicators_now(
    State(state): State<WebState>,
    reader: Reader,
    Params(query): Params<IndicatorsQuery>,
) -> Result<Json<Vec<Indicator>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let now_ms = reader.now_ms;
    let as_of = query.day(now_ms)?;
    blocking(move || {
        let governance = &state.app.governance;
        let told = with_targets(&**governance, as_of, now_ms)?.into_iter().map(|(one, target)| Indicator {
            verdict: one.against(target.as_ref()).into(),
            target: target.as_ref().and_then(IndicatorTarget::of),
            id: one.indicator.id.to_owned(),
            name: one.indicator.name.to_owned(),
            definition: DEFINITIONS.to_owned(),
            n: one.n,
            of: one.of,
            note: one.note,
        });
        Ok::<_, WebError>(Json(told.collect()))
    })
    .await
}
