//! The scope as JSON: coverage, endpoint lists, sites, statements and what changed between two.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::estate_types::{EndpointLists, HeldSite, SiteList};
use super::request::{Body, Params, needs, some_version};
use super::scope_types::{CoverageTold, StatementContent, StatementList, StatementsCompared, WholeStatement};
use super::types::{Problem, TriWord};
use crate::model::Deed;
use crate::model::governed::Held;
use crate::review::{Guard, Refused};
use crate::scope::{self, Site, SiteKind, Statement};
use crate::store::StoreError;
use crate::web::{Reader, WebError, WebState, blocking, done, statement_content};

/// What the records say now: what a statement would list, with its coverage.
#[utoipa::path(get, path = "/api/v1/scope", responses(
    (status = 200, body = StatementContent), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn now(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<StatementContent>, WebError> {
    reader.must_see_all()?;
    let content = blocking(move || state.app.governance.scope_now(reader.now_ms)).await?;
    typed(&content)
}

/// What every list rests on. Numbers that are not known are `null`.
#[utoipa::path(get, path = "/api/v1/scope/coverage", responses(
    (status = 200, body = CoverageTold), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn coverage(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<CoverageTold>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let coverage = blocking(move || state.app.governance.coverage_record(reader.now_ms)).await?;
    typed(&json!({ "percent": coverage.percent(), "in_words": coverage.share(), "coverage": coverage }))
}

/// Lists of the endpoints that there should be.
#[utoipa::path(get, path = "/api/v1/scope/endpoint-lists", responses(
    (status = 200, body = EndpointLists), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn endpoint_lists(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<EndpointLists>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let lists = blocking(move || state.app.governance.endpoint_lists()).await?;
    typed(&json!({ "lists": lists.iter().map(record).collect::<Vec<_>>() }))
}

/// Sites and networks.
#[utoipa::path(get, path = "/api/v1/scope/sites", responses(
    (status = 200, body = SiteList), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn sites(State(state): State<WebState>, reader: Reader) -> Result<Json<SiteList>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let sites = blocking(move || state.app.governance.sites()).await?;
    typed(&json!({ "sites": sites.iter().map(record).collect::<Vec<_>>() }))
}

/// Scope statements, the newest first.
#[utoipa::path(get, path = "/api/v1/scope/statements", responses(
    (status = 200, body = StatementList), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn statements(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<StatementList>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let rows = blocking(move || state.app.governance.statements()).await?;
    typed(&json!({ "statements": rows }))
}

/// One statement; `signed` is the file that verifies, once it is signed.
#[utoipa::path(get, path = "/api/v1/scope/statements/{number}",
    params(("number" = u64, Path, description = "Number of the statement")),
    responses((status = 200, body = WholeStatement),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn statement(
    State(state): State<WebState>,
    reader: Reader,
    Path(number): Path<String>,
) -> Result<Json<WholeStatement>, WebError> {
    reader.must_see_all()?;
    let number = number_of(&number)?;
    let held = blocking(move || state.app.governance.statement(number)).await?;
    let held = held.ok_or(WebError::NotFound("statement"))?;
    whole_statement(&held)
}

/// Which two.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Between {
    from: String,
    to: String,
}

/// What one statement says otherwise than another; of a draft what it would say now.
#[utoipa::path(get, path = "/api/v1/scope/diff",
    params(
        ("from" = u64, Query, description = "Number of the first"),
        ("to" = u64, Query, description = "Number of the second")),
    responses((status = 200, body = StatementsCompared),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn diff(
    State(state): State<WebState>,
    reader: Reader,
    Params(query): Params<Between>,
) -> Result<Json<StatementsCompared>, WebError> {
    reader.must_see_all()?;
    let (from, to) = (number_of(&query.from)?, number_of(&query.to)?);
    let found = blocking(move || {
        let of = |number| statement_content(&state.app, number, reader.now_ms);
        Ok::<_, StoreError>(of(from)?.zip(of(to)?))
    })
    .await?;
    let (one, other) = found.ok_or(WebError::NotFound("statement"))?;
    typed(&json!({ "from": from, "to": to, "diff": scope::diff(Some(&one), &other) }))
}

/// A site or a network to be entered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteBody {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What it is.
    kind: SiteWord,
    /// Where it is, or its addresses, in words.
    #[serde(default)]
    #[schema(max_length = 200)]
    place: String,
    /// Whether sensors look at it, as somebody declares.
    sensor: TriWord,
    /// It is no longer there.
    #[serde(default)]
    closed: bool,
    /// To change one: version of the record that was read; another one is refused.
    #[serde(default, deserialize_with = "some_version")]
    version: Option<u64>,
}

/// What a site is.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SiteWord {
    /// A place.
    Site,
    /// A network.
    Network,
}

impl SiteBody {
    fn site(self, id: String) -> Result<Site, WebError> {
        let kind = match self.kind {
            SiteWord::Site => SiteKind::Site,
            SiteWord::Network => SiteKind::Network,
        };
        let (name, place) = (self.name.trim().to_owned(), self.place.trim().to_owned());
        let site = Site { id, name, kind, place, sensor: self.sensor.into(), closed: self.closed };
        let missing = site.faults();
        match missing.is_empty() {
            true => Ok(site),
            false => Err(WebError::Guarded(Refused {
                guard: Guard::Fields,
                missing,
                says: "missing, too long, or with a control character".to_owned(),
            })),
        }
    }
}

/// Enters a site or a network.
#[utoipa::path(post, path = "/api/v1/scope/sites", request_body = SiteBody, responses((status = 201, body = HeldSite)))]
pub(super) async fn add_site(
    State(state): State<WebState>,
    reader: Reader,
    Body(sent): Body<SiteBody>,
) -> Result<(StatusCode, Json<HeldSite>), WebError> {
    reader.must(Deed::ProposeScope, &[])?;
    let site = sent.site(String::new())?;
    let held = blocking(move || state.app.governance.add_site(site, reader.act("by hand"))).await?;
    Ok((StatusCode::CREATED, typed(&record(&held))?))
}

/// Changes a site or a network. What is left out is empty afterwards.
#[utoipa::path(put, path = "/api/v1/scope/sites/{id}", params(("id" = String, Path, description = "S-3")),
    request_body = SiteBody, responses((status = 200, body = HeldSite),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn change_site(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Body(sent): Body<SiteBody>,
) -> Result<Json<HeldSite>, WebError> {
    reader.must(Deed::ProposeScope, &[])?;
    let mut act = reader.act("by hand");
    act.version = Some(sent.version.ok_or_else(|| needs("version"))?);
    let site = sent.site(id)?;
    let held = done(blocking(move || state.app.governance.change_site(site, act)).await?, "site")?;
    typed(&record(&held))
}

/// A statement with the file that verifies, once it is signed.
pub(super) fn whole_statement(held: &Held<Statement>) -> Result<Json<WholeStatement>, WebError> {
    typed(&json!({ "statement": record(held), "signed": held.body.signed_file() }))
}

/// The same as it is described: what the description does not know would be a failure of ours, and no answer.
fn typed<T: DeserializeOwned>(value: &impl Serialize) -> Result<Json<T>, WebError> {
    let value = serde_json::to_value(value).map_err(|error| WebError::Work(error.into()))?;
    serde_json::from_value(value).map(Json).map_err(|error| WebError::Work(error.into()))
}

/// A record with its version and its hash.
fn record<T: Serialize>(held: &Held<T>) -> Value {
    json!({ "version": held.version, "hash": held.hash, "record": held.body })
}

pub(super) fn number_of(typed: &str) -> Result<u64, WebError> {
    typed.parse().map_err(|_| WebError::NotFound("statement"))
}
