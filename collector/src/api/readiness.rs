//! Readiness, indicators and legal dates as JSON.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::types::Problem;
use crate::model::Deed;
use crate::readiness::{DEFINITIONS, List, assess, indicators};
use crate::web::{Reader, WebError, WebState, blocking};

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
}

/// An indicator as it is now.
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
        let assessed = assess(List::built_in(), &gathered.facts(umbrascope_api::Day::from_unix_ms(now_ms)));
        Ok::<_, WebError>(Json(
            assessed
                .into_iter()
                .map(|one| Requirement {
                    class: one.requirement.class.as_str().to_owned(),
                    standing: one.standing.as_str().to_owned(),
                    shown: one.shown.into_iter().map(|shown| shown.says).collect(),
                    documents: one.documents.into_iter().map(|(title, _)| title).collect(),
                    owner: answers
                        .iter()
                        .find(|held| held.body.id == one.requirement.id)
                        .and_then(|held| held.body.owner),
                    id: one.requirement.id,
                    clauses: one.requirement.clauses,
                    says: one.requirement.says,
                })
                .collect(),
        ))
    })
    .await
}

/// Indicators as they are now.
#[utoipa::path(get, path = "/api/v1/indicators",
    responses((status = 200, body = Vec<Indicator>),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn indicators_now(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<Vec<Indicator>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let now_ms = reader.now_ms;
    blocking(move || {
        let gathered = state.app.governance.gathered(now_ms)?;
        let measured = indicators(&gathered.facts(umbrascope_api::Day::from_unix_ms(now_ms)));
        Ok::<_, WebError>(Json(
            measured
                .into_iter()
                .map(|one| Indicator {
                    id: one.indicator.id.to_owned(),
                    name: one.indicator.name.to_owned(),
                    definition: DEFINITIONS.to_owned(),
                    n: one.n,
                    of: one.of,
                    note: one.note,
                })
                .collect(),
        ))
    })
    .await
}
