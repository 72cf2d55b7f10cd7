//! Management reviews as JSON: what they have before them, and what they decided.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use umbrascope_api::Day;
use utoipa::ToSchema;

use super::request::{Body, Params, some_version};
use super::types::{Moment, Problem};
use crate::management::{Decided, ManagementReview, Pack, Subject, ToDecide, ToRecord};
use crate::model::Deed;
use crate::model::governed::Held;
use crate::web::{PeriodQuery, Reader, WebError, WebState, blocking, done, review_pack};

/// What a management review has before it (ISO/IEC 42001, 9.3.2).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReviewPack {
    /// The first day that is looked at.
    #[schema(format = Date)]
    from: String,
    /// The last one.
    #[schema(format = Date)]
    until: String,
    /// The day on which it was drawn up.
    #[schema(format = Date)]
    as_of: String,
    /// The inputs, in the order of the clause.
    inputs: Vec<ReviewInput>,
    /// What was measured.
    figures: Vec<ReviewFigure>,
}

/// One input.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReviewInput {
    /// `9.3.2 a`.
    clause: String,
    /// What it is.
    title: String,
    /// What is kept of it.
    lines: Vec<ReviewLine>,
    /// Lines that are left out, since there are too many.
    more: u64,
}

/// Something that is told.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReviewLine {
    /// In words.
    says: String,
    /// The page where more of it stands; null: nowhere.
    at: Option<String>,
    /// Whether it is not as it should be.
    amiss: bool,
}

/// An indicator with its target, and how it was before.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReviewFigure {
    /// `K-04`.
    id: String,
    /// Its name.
    name: String,
    /// Numerator, or the count.
    n: u64,
    /// Denominator; null: it is a count, or nobody knows of how many.
    of: Option<u64>,
    /// What was left out.
    note: String,
    /// The target in words; null: nobody set one.
    target: Option<String>,
    /// `met`, `missed`, `no-figure` or `no-target`.
    verdict: String,
    /// Months that were kept, the oldest first.
    before: Vec<FigureBefore>,
}

/// A figure of a month.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FigureBefore {
    /// `2026-10`.
    month: String,
    /// In words.
    figure: String,
}

impl From<Pack> for ReviewPack {
    fn from(pack: Pack) -> Self {
        let input = |input: crate::management::Input| ReviewInput {
            clause: input.clause,
            title: input.title,
            lines: input
                .lines
                .into_iter()
                .map(|line| ReviewLine { says: line.says, at: line.at, amiss: line.amiss })
                .collect(),
            more: input.more,
        };
        let figure = |one: crate::management::Figure| ReviewFigure {
            id: one.id,
            name: one.name,
            n: one.n,
            of: one.of,
            note: one.note,
            target: one.target,
            verdict: one.verdict,
            before: one.before.into_iter().map(|(month, figure)| FigureBefore { month, figure }).collect(),
        };
        Self {
            from: pack.from.to_string(),
            until: pack.until.to_string(),
            as_of: pack.as_of.to_string(),
            inputs: pack.inputs.into_iter().map(input).collect(),
            figures: pack.figures.into_iter().map(figure).collect(),
        }
    }
}

/// A management review that was held.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Review {
    /// `MRV-0001`.
    reference: String,
    /// The day on which it was held.
    #[schema(format = Date)]
    held_on: String,
    /// The first day that it looked at.
    #[schema(format = Date)]
    from: String,
    /// The last one.
    #[schema(format = Date)]
    until: String,
    /// Who took part.
    present: String,
    /// What it concluded.
    conclusion: String,
    /// What it decided.
    decisions: Vec<ReviewDecision>,
    /// Number of the person who recorded it.
    recorded_by: i64,
    /// When.
    recorded_at: Moment,
    /// Its version.
    version: u64,
    /// Hash of this version, which the audit trail holds.
    hash: String,
}

/// What a review decided.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReviewDecision {
    /// `improvement`, `change`, `resources` or `other`.
    subject: &'static str,
    /// In words.
    says: String,
    /// Reference of the task that came of it; null: there is nothing to do.
    task: Option<String>,
    /// Number of the person who recorded it.
    recorded_by: i64,
    /// When.
    recorded_at: Moment,
}

impl From<Held<ManagementReview>> for Review {
    fn from(held: Held<ManagementReview>) -> Self {
        let review = held.body;
        let decision = |decided: Decided| ReviewDecision {
            subject: decided.subject.as_str(),
            says: decided.says,
            task: decided.task_reference,
            recorded_by: decided.by,
            recorded_at: Moment::of(decided.at_ms),
        };
        Self {
            reference: review.reference,
            held_on: review.held_on.to_string(),
            from: review.from.to_string(),
            until: review.until.to_string(),
            present: review.present,
            conclusion: review.conclusion,
            decisions: review.decisions.into_iter().map(decision).collect(),
            recorded_by: review.by,
            recorded_at: Moment::of(review.at_ms),
            version: held.version,
            hash: held.hash,
        }
    }
}

/// A review with what it had before it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeReview {
    /// The review.
    review: Review,
    /// What it had before it, as that stood when it was recorded.
    pack: ReviewPack,
}

impl From<Held<ManagementReview>> for WholeReview {
    fn from(held: Held<ManagementReview>) -> Self {
        let pack = held.body.pack.clone().into();
        Self { review: held.into(), pack }
    }
}

/// What a review of these days has before it now; without days: since the last review.
#[utoipa::path(get, path = "/api/v1/management-reviews/pack",
    params(("from" = Option<String>, Query, format = Date, description = "First day; none: the day after the last review"),
        ("until" = Option<String>, Query, format = Date, description = "Last day; none: today")),
    responses((status = 200, body = ReviewPack)))]
pub(super) async fn pack(
    State(state): State<WebState>,
    reader: Reader,
    Params(query): Params<PeriodQuery>,
) -> Result<Json<ReviewPack>, WebError> {
    reader.must_see_all()?;
    let pack = blocking(move || review_pack(&state.app, &query, reader.now_ms)).await?;
    Ok(Json(pack.into()))
}

/// Management reviews that were held, the newest first.
#[utoipa::path(get, path = "/api/v1/management-reviews", responses((status = 200, body = Vec<Review>)))]
pub(super) async fn list(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<Vec<Review>>, WebError> {
    reader.must_see_all()?;
    let held = blocking(move || state.app.governance.management_reviews()).await?;
    Ok(Json(held.into_iter().map(Review::from).collect()))
}

/// One of them, with what it had before it.
#[utoipa::path(get, path = "/api/v1/management-reviews/{reference}",
    params(("reference" = String, Path, description = "MRV-0001")), responses((status = 200, body = WholeReview)))]
pub(super) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(reference): Path<String>,
) -> Result<Json<WholeReview>, WebError> {
    reader.must_see_all()?;
    let held = blocking(move || state.app.governance.management_review(&reference)).await?;
    Ok(Json(held.ok_or(WebError::NotFound("management review"))?.into()))
}

/// A review to be recorded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReviewBody {
    /// The day on which it was held.
    #[schema(value_type = String, format = Date)]
    held_on: Day,
    /// The first day that it looked at.
    #[schema(value_type = String, format = Date)]
    from: Day,
    /// The last one.
    #[schema(value_type = String, format = Date)]
    until: Day,
    /// Who took part.
    #[schema(min_length = 1, max_length = 1200)]
    present: String,
    /// What it concluded.
    #[schema(min_length = 1, max_length = 2000)]
    conclusion: String,
}

/// Records a review that was held, with what it had before it. For who decides the scope of the whole organisation.
#[utoipa::path(post, path = "/api/v1/management-reviews", request_body = ReviewBody,
    responses((status = 201, body = WholeReview)))]
pub(super) async fn record(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<ReviewBody>,
) -> Result<(StatusCode, Json<WholeReview>), WebError> {
    reader.must(Deed::DecideScope, &[])?;
    let ReviewBody { held_on, from, until, present, conclusion } = body;
    let (review, act) = (ToRecord { held_on, from, until, present, conclusion }, reader.act(""));
    let held = blocking(move || state.app.governance.record_review(review, act)).await?;
    Ok((StatusCode::CREATED, Json(held.map_err(WebError::Guarded)?.into())))
}

/// What a decision is about.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SubjectWord {
    /// A chance to improve.
    Improvement,
    /// A change of the management system.
    Change,
    /// People and means.
    Resources,
    /// Something else.
    Other,
}

/// A decision to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionBody {
    /// What it is about.
    subject: SubjectWord,
    /// In words.
    #[schema(min_length = 1, max_length = 2000)]
    says: String,
    /// Number of the person who does it; null: nobody.
    assignee: Option<i64>,
    /// The day by which it is to be done; null: none. With neither of the two no task comes of it.
    #[schema(value_type = Option<String>, format = Date)]
    due: Option<Day>,
    /// The version that was read; null: whichever it is.
    #[serde(default, deserialize_with = "some_version")]
    #[schema(minimum = 0, maximum = 9_223_372_036_854_775_807_i64)]
    version: Option<u64>,
}

/// Adds what a review decided, and the task that comes of it.
#[utoipa::path(post, path = "/api/v1/management-reviews/{reference}/decisions", request_body = DecisionBody,
    params(("reference" = String, Path, description = "MRV-0001")),
    responses((status = 200, body = WholeReview), (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn decide(
    State(state): State<WebState>,
    reader: Reader,
    Path(reference): Path<String>,
    Body(body): Body<DecisionBody>,
) -> Result<Json<WholeReview>, WebError> {
    reader.must(Deed::DecideScope, &[])?;
    let subject = match body.subject {
        SubjectWord::Improvement => Subject::Improvement,
        SubjectWord::Change => Subject::Change,
        SubjectWord::Resources => Subject::Resources,
        SubjectWord::Other => Subject::Other,
    };
    let decision = ToDecide { subject, says: body.says, assignee: body.assignee, due: body.due };
    let mut act = reader.act("");
    act.version = body.version;
    let changed = blocking(move || state.app.governance.add_decision(&reference, decision, act)).await?;
    Ok(Json(done(changed, "management review")?.into()))
}
