//! Scope statements as JSON: begun, written, proposed, signed by two people, and taken away. Only people write here, in a session of
//! their own; each signature takes the password again, in the request that signs.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::request::{Body, version};
use super::scope::{number_of, whole_statement};
use super::scope_types::{SignedStatement, WholeStatement};
use super::types::Problem;
use crate::export::scope::ScopeFormat;
use crate::model::record::OrgRole;
use crate::scope::{Boundary, Step};
use crate::web::{
    Reader, WebError, WebState, blocking, done, signed_in_again, statement_file, step_statement,
};

/// What people write of a statement.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BoundaryBody {
    /// The organisation. Needed before it is proposed.
    #[schema(max_length = 200)]
    organisation: String,
    /// Numbers of the units that are covered.
    units: BTreeSet<i64>,
    /// Ids of the sites and networks that are covered.
    sites: BTreeSet<String>,
    /// What is done there.
    #[schema(max_length = 4000)]
    activities: String,
    /// The organisation's roles: `provider`, `deployer` …
    #[schema(value_type = Vec<String>)]
    roles: BTreeSet<OrgRole>,
    /// The boundary in words.
    #[schema(max_length = 8000)]
    text: String,
    /// What it has to do with other management systems.
    #[schema(max_length = 4000)]
    interfaces: String,
}

impl From<BoundaryBody> for Boundary {
    fn from(body: BoundaryBody) -> Self {
        let BoundaryBody { organisation, units, sites, activities, roles, text, interfaces } = body;
        Self { organisation, units, sites, activities, roles, text, interfaces }
    }
}

/// The statement as it is to be written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 1, "boundary": {"organisation": "Example", "activities": "Trade", "text": "All of it", "units": [1]}}))]
pub(super) struct WriteBody {
    /// Version of the record that was read; another one is refused.
    #[serde(deserialize_with = "version")]
    version: u64,
    /// The whole boundary: what is left out is empty afterwards.
    boundary: BoundaryBody,
}

/// A step.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StatementStep {
    /// Freeze what it lists, and ask for the signatures.
    Propose,
    /// Sign as a scope owner.
    Approve,
    /// Sign as a reviewer who is another person.
    Countersign,
    /// Make it a draft again, with a reason.
    SendBack,
}

/// A step with a statement.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"step": "propose", "version": 2}))]
pub(super) struct StatementStepBody {
    /// Which.
    step: StatementStep,
    /// Version of the record that was read; another one is refused.
    #[serde(deserialize_with = "version")]
    version: u64,
    /// Why; needed to send it back.
    #[serde(default)]
    #[schema(max_length = 2000)]
    reason: String,
    /// With a signature: the person's password, again.
    #[serde(default)]
    #[schema(format = Password)]
    password: String,
    /// With a signature, where a second factor is set up: a code of it.
    #[serde(default)]
    #[schema(max_length = 64)]
    code: String,
}

/// Begins a statement, which goes on from the boundary of the one before.
#[utoipa::path(post, path = "/api/v1/scope/statements", responses((status = 201, body = WholeStatement),
    (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn begin(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<(StatusCode, Json<WholeStatement>), WebError> {
    let begun = blocking(move || {
        state.app.governance.begin_statement("", reader.who(), reader.act("a new statement"))
    })
    .await?;
    let held = begun.map_err(WebError::Guarded)?;
    Ok((StatusCode::CREATED, whole_statement(&held)?))
}

/// Writes the boundary of a draft.
#[utoipa::path(put, path = "/api/v1/scope/statements/{number}",
    params(("number" = u64, Path, description = "Number of the statement")), request_body = WriteBody,
    responses((status = 200, body = WholeStatement), (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn write(
    State(state): State<WebState>,
    reader: Reader,
    Path(number): Path<String>,
    Body(body): Body<WriteBody>,
) -> Result<Json<WholeStatement>, WebError> {
    let (number, act) = (number_of(&number)?, reader.act("").on(body.version));
    let written = Step::Write(Box::new(body.boundary.into()));
    let changed = step_statement(&state, &reader, number, written, act, false).await?;
    whole_statement(&done(changed, "statement")?)
}

/// Proposes a draft, signs what is proposed, or sends it back. It takes a scope owner to propose and to approve, and a reviewer who is
/// another person to countersign. A signature without the right `password` (and `code`) is refused with `G-FRESH`: that the person is
/// signed in is not enough, and no token can sign.
#[utoipa::path(post, path = "/api/v1/scope/statements/{number}/steps",
    params(("number" = u64, Path, description = "Number of the statement")), request_body = StatementStepBody,
    responses((status = 200, body = WholeStatement), (status = 409, body = Problem, content_type = "application/problem+json"),
        (status = 429, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn step(
    State(state): State<WebState>,
    reader: Reader,
    Path(number): Path<String>,
    Body(body): Body<StatementStepBody>,
) -> Result<Json<WholeStatement>, WebError> {
    let number = number_of(&number)?;
    let (wanted, signs) = match body.step {
        StatementStep::Propose => (Step::Propose, false),
        StatementStep::Approve => (Step::Approve, true),
        StatementStep::Countersign => (Step::Countersign, true),
        StatementStep::SendBack => (Step::SendBack, false),
    };
    let fresh = signs && signed_in_again(&state, &reader, body.password, body.code).await?;
    let act = reader.act(body.reason.trim()).on(body.version);
    let changed = step_statement(&state, &reader, number, wanted, act, fresh).await?;
    whole_statement(&done(changed, "statement")?)
}

/// A signed statement as a file: `html`, `pdf`, or `json`, the document that verifies. That it was taken away is noted in the trail.
#[utoipa::path(get, path = "/api/v1/export/scope-statements/{number}/{form}",
    params(("number" = u64, Path, description = "Number of the statement"),
        ("form" = String, Path, description = "html, pdf or json")),
    responses((status = 200, content((String = "text/html"), (Vec<u8> = "application/pdf"), (SignedStatement = "application/json")))))]
pub(super) async fn file(
    State(state): State<WebState>,
    reader: Reader,
    Path((number, form)): Path<(String, String)>,
) -> Result<Response, WebError> {
    let number = number_of(&number)?;
    let format = ScopeFormat::ALL.into_iter().find(|format| format.extension() == form);
    statement_file(state, reader, Some(number), format.ok_or(WebError::NotFound("form of a statement"))?)
        .await
}
