//! The organisation's own rules as JSON: read, checked and published. Publishing is for people.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use umbrascope_rules::{Changed, Confidence, Overlay};
use utoipa::ToSchema;

use super::request::{Body, Params, Rows, page_of, said};
use super::types::{List, Moment, Problem};
use crate::model::{Deed, OwnText, OwnVersion};
use crate::own::{self, PublishError};
use crate::review::{Guard, Refused};
use crate::web::{Preview, Reader, WebError, WebState, blocking, preview_own, publish_own};

/// A version.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Version {
    /// From 1, always rising.
    number: u32,
    /// Why.
    note: String,
    /// Who published it.
    published_by: String,
    /// When.
    published_at: Moment,
}

impl From<OwnVersion> for Version {
    fn from(version: OwnVersion) -> Self {
        Self {
            number: version.number,
            note: version.note,
            published_by: version.published_by,
            published_at: Moment::of(version.published_at_ms),
        }
    }
}

/// A version with what stands in it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeVersion {
    #[serde(flatten)]
    version: Version,
    /// TOML, as it was published.
    text: String,
    /// Rules and denies.
    rules: Vec<OwnRule>,
    /// Changes of the catalogue.
    changes: Vec<OwnChange>,
}

/// A rule or a deny.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnRule {
    /// Its id.
    id: String,
    /// Id of its product; absent for a deny.
    product: Option<String>,
    /// How sure; absent for a deny.
    #[schema(value_type = Option<String>)]
    confidence: Option<Confidence>,
    /// Whether it says that something is not AI.
    deny: bool,
    /// Whether it was withdrawn: what was found by it keeps its product.
    retired: bool,
    /// Why.
    why: String,
    /// What it matches.
    indicators: Vec<OwnIndicator>,
    /// The version that it stands so since.
    since: Option<u32>,
}

/// A pattern.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnIndicator {
    /// `exact`, `suffix`, `glob`, or a kind of software.
    kind: String,
    /// The pattern.
    pattern: String,
}

/// A change of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnChange {
    /// Id of the product or rule.
    target: String,
    /// The name that the product has here.
    name: Option<String>,
    /// The confidence that the rule has here.
    #[schema(value_type = Option<String>)]
    confidence: Option<Confidence>,
    /// Why.
    why: String,
    /// The version that it stands so since.
    since: Option<u32>,
}

/// What is in force.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InForce {
    /// The newest version; null before the first.
    newest: Option<WholeVersion>,
    /// Public key that signs them, in minisign's form.
    key: String,
    /// Version of the catalogue in use, with that of the own rules in force behind it.
    catalogue: String,
    /// What of them does not hold over that catalogue.
    left_out: Vec<String>,
}

impl From<OwnText> for WholeVersion {
    fn from(found: OwnText) -> Self {
        let (overlay, _) = Overlay::parse(own::FILE, &found.text);
        let since = |id: &str| found.items.iter().find(|item| item.id == id).map(|item| item.since);
        let rules = overlay.rules().iter().map(|rule| OwnRule {
            id: rule.id.to_string(),
            product: (!rule.deny).then(|| rule.product.to_string()),
            confidence: (!rule.deny).then_some(rule.confidence),
            deny: rule.deny,
            retired: !rule.deny && rule.indicators.is_empty(),
            why: rule.note.as_deref().unwrap_or_default().to_owned(),
            indicators: rule
                .indicators
                .iter()
                .map(|indicator| OwnIndicator {
                    kind: indicator.kind.to_string(),
                    pattern: indicator.pattern.to_string(),
                })
                .collect(),
            since: since(&rule.id),
        });
        let changes = overlay.changes().iter().map(|change| {
            let (name, confidence) = match &change.what {
                Changed::Name { name, .. } => (Some(name.to_string()), None),
                Changed::Confidence { confidence, .. } => (None, Some(*confidence)),
            };
            let target = change.what.target();
            let why = change.reason.to_string();
            OwnChange { target: target.to_owned(), name, confidence, why, since: since(target) }
        });
        let (rules, changes) = (rules.collect(), changes.collect());
        Self { version: found.version.into(), text: found.text, rules, changes }
    }
}

/// The organisation's own rules in force.
#[utoipa::path(get, path = "/api/v1/own-rules", responses(
    (status = 200, body = InForce), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn in_force(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<InForce>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (desk, current) = (state.app.own.clone(), state.app.catalogue.clone());
    let newest = blocking(move || desk.store.own_newest()).await?;
    Ok(Json(InForce {
        newest: newest.map(WholeVersion::from),
        key: state.app.own.key().public().to_string(),
        catalogue: current.known().catalogue().version().to_owned(),
        left_out: current.left_out().iter().map(ToString::to_string).collect(),
    }))
}

/// Every version, newest first, without its text.
#[utoipa::path(get, path = "/api/v1/own-rules/versions",
    params(
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<Version>),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn versions(
    State(state): State<WebState>,
    reader: Reader,
    Params(rows): Params<Rows>,
) -> Result<Json<List<Version>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (number, page) = page_of(&rows)?;
    let desk = state.app.own.clone();
    let found = blocking(move || desk.store.own_versions(page)).await?;
    Ok(Json(List::of(found, number, page)))
}

/// One version.
#[utoipa::path(get, path = "/api/v1/own-rules/versions/{number}",
    params(("number" = u32, Path, description = "Number of the version")),
    responses((status = 200, body = WholeVersion),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn version(
    State(state): State<WebState>,
    reader: Reader,
    Path(number): Path<String>,
) -> Result<Json<WholeVersion>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let number: u32 = number.parse().map_err(|_| WebError::NotFound("version"))?;
    let desk = state.app.own.clone();
    let found = blocking(move || desk.store.own_version(number)).await?;
    Ok(Json(found.ok_or(WebError::NotFound("version"))?.into()))
}

/// Own rules to be read as the next version.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TextBody {
    /// TOML: everything that is to be in force.
    text: String,
}

/// Own rules to be published.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PublishBody {
    /// TOML: everything that is to be in force. A rule that is left out is withdrawn by an entry without patterns.
    text: String,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    note: String,
    /// Number of the newest version that was read; 0: there was none. Another one is refused.
    after: u32,
}

/// A mistake, or what somebody should look at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Mistake {
    /// Line, from 1.
    line: u32,
    /// What is wrong.
    message: String,
    /// What to do about it.
    fix: String,
}

impl From<umbrascope_rules::Problem> for Mistake {
    fn from(problem: umbrascope_rules::Problem) -> Self {
        Self { line: problem.line, message: problem.message, fix: problem.fix }
    }
}

/// What own rules would come to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckedText {
    /// Only what has none can be published.
    errors: Vec<Mistake>,
    /// What somebody should look at.
    warnings: Vec<Mistake>,
    /// Values that would mean something else, those on the most machines first.
    shifts: Vec<Shift>,
    /// How many values were looked at.
    looked_at: usize,
}

/// A value that would mean something else.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Shift {
    /// The value that an agent reported.
    value: String,
    /// How it is known.
    channel: String,
    /// Id of its product now.
    now: String,
    /// Id of its product then; null: nothing would know it.
    then: Option<String>,
    /// Only what is seen from then on.
    from_then_on: bool,
}

impl From<own::Shift> for Shift {
    fn from(shift: own::Shift) -> Self {
        Self {
            value: shift.value,
            channel: shift.channel.to_string(),
            now: shift.now.0,
            then: shift.then.map(|(product, _)| product),
            from_then_on: shift.from_then_on,
        }
    }
}

/// Reads own rules as the next version, and publishes nothing.
#[utoipa::path(post, path = "/api/v1/own-rules/check", request_body = TextBody, responses((status = 200, body = CheckedText)))]
pub(super) async fn check(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<TextBody>,
) -> Result<Json<CheckedText>, WebError> {
    reader.must(Deed::Triage, &[])?;
    let Preview { found, effect, .. } = preview_own(&state, &reader, body.text).await?;
    Ok(Json(CheckedText {
        errors: found.report.errors.into_iter().map(Mistake::from).collect(),
        warnings: found.report.warnings.into_iter().map(Mistake::from).collect(),
        shifts: effect.shifts.into_iter().map(Shift::from).collect(),
        looked_at: effect.looked_at,
    }))
}

/// The version that was published.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Published {
    /// Its number.
    number: u32,
}

/// Publishes own rules. The collector works with them within seconds, machines with their next report.
#[utoipa::path(post, path = "/api/v1/own-rules/versions", request_body = PublishBody, responses((status = 201, body = Published),
    (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn publish(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<PublishBody>,
) -> Result<(StatusCode, Json<Published>), WebError> {
    reader.must(Deed::Triage, &[])?;
    let note = said("note", &body.note, 500)?;
    let published = publish_own(&state, &reader, body.text, note, body.after).await?;
    let number = published.map_err(|why| {
        let guard = match why {
            PublishError::Outdated { .. } => Guard::Version,
            _ => Guard::Fields,
        };
        let says = match &why {
            PublishError::Wrong(problems) => {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                format!("{why}: {}", lines.join("; "))
            }
            _ => why.to_string(),
        };
        WebError::Guarded(Refused::new(guard, says))
    })?;
    Ok((StatusCode::CREATED, Json(Published { number })))
}
