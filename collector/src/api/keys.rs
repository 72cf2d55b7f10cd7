//! Enrolment tokens and the tokens of programs, made and revoked.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fleet_types::Token;
use super::people::ApiToken;
use super::request::{Body, said};
use super::types::Problem;
use crate::model::{Deed, NewToken, Scope, TokenId};
use crate::review::{Guard, Refused};
use crate::token;
use crate::web::{
    API_TOKEN_DAYS, Reader, TokenForm, WebError, WebState, blocking, enrol_command, made_api_token,
    may_enrol_into, revoke_api_token,
};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// An enrolment token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTokenBody {
    /// Name of the unit of its machines; one that is not there yet is made.
    #[schema(min_length = 1, max_length = 100)]
    unit: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 100)]
    label: String,
    /// How many machines may enrol with it.
    #[schema(minimum = 1, maximum = 100_000)]
    max_uses: u32,
    /// Days until it ends: 1, 7, 30, 90 or 365.
    #[schema(minimum = 1, maximum = 365)]
    days: u32,
}

/// An enrolment token that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenMade {
    /// The token.
    token: Token,
    /// Its text. It is told once and never again.
    secret: String,
    /// What enrols a machine with it.
    command: String,
}

/// Makes an enrolment token.
#[utoipa::path(post, path = "/api/v1/tokens", request_body = NewTokenBody, responses((status = 201, body = TokenMade)))]
pub(super) async fn add(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<NewTokenBody>,
) -> Result<(StatusCode, Json<TokenMade>), WebError> {
    reader.must_somewhere(Deed::Enrol)?;
    let unit = said("unit", &body.unit, TokenForm::MAX_CHARS)?;
    let label = match body.label.trim() {
        "" => String::new(),
        label => said("label", label, TokenForm::MAX_CHARS)?,
    };
    if !(1..=TokenForm::MAX_USES).contains(&body.max_uses) {
        return Err(fields(format!("max_uses is 1 to {}", TokenForm::MAX_USES)));
    }
    if !TokenForm::offers(body.days) {
        return Err(fields("days is 1, 7, 30, 90 or 365".to_owned()));
    }
    may_enrol_into(&state, &reader, Some(&unit)).await?;
    let new = NewToken {
        unit,
        label,
        max_uses: body.max_uses,
        expires_at_ms: reader.now_ms + i64::from(body.days) * DAY_MS,
        created_by: reader.user.name.clone(),
    };
    let (store, point, now_ms) = (state.app.store.clone(), state.app.enrolment.clone(), reader.now_ms);
    let (row, secret) = blocking(move || token::create(&*store, &new, &point.ca_sha256, now_ms)).await?;
    let command = enrol_command(&state.app.enrolment, &secret);
    Ok((StatusCode::CREATED, Json(TokenMade { token: row.into(), secret, command })))
}

/// Revokes an enrolment token. Machines that enrolled with it stay enrolled; doing it twice is no mistake.
#[utoipa::path(post, path = "/api/v1/tokens/{id}/revoke",
    params(("id" = String, Path, description = "Public part of the token")),
    responses((status = 204, description = "It is revoked")))]
pub(super) async fn revoke(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<StatusCode, WebError> {
    reader.must_somewhere(Deed::Enrol)?;
    let (store, now_ms, asked) = (state.app.store.clone(), reader.now_ms, TokenId(id));
    let found =
        blocking(move || store.tokens(None, now_ms)).await?.into_iter().find(|token| token.id == asked);
    may_enrol_into(&state, &reader, found.as_ref().map(|token| token.unit.as_str())).await?;
    let token = found.ok_or(WebError::NotFound("token"))?;
    let by = reader.by("");
    blocking(move || state.app.store.revoke_token(&token.id, &by)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A token of a program to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "dashboard", "scopes": ["read-inventory"], "days": 30}))]
pub(super) struct NewApiToken {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100)]
    label: String,
    /// What it may be used for: `read-inventory`, `write-review` …
    #[schema(min_items = 1)]
    scopes: Vec<String>,
    /// Days until it ends: 7, 30, 90 or 365.
    #[schema(minimum = 7, maximum = 365)]
    days: i64,
}

/// A token of a program that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApiTokenMade {
    /// The token.
    token: ApiToken,
    /// Its text. It is told once and never again.
    secret: String,
}

/// Makes a token in one's own name. It takes that one signed in again within five minutes.
#[utoipa::path(post, path = "/api/v1/api-tokens", request_body = NewApiToken, responses((status = 201, body = ApiTokenMade),
    (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn add_api_token(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<NewApiToken>,
) -> Result<(StatusCode, Json<ApiTokenMade>), WebError> {
    let known = |word: &String| Scope::parse(word).ok_or_else(|| WebError::unknown_choice("scope", word));
    let mut scopes: Vec<Scope> = body.scopes.iter().map(known).collect::<Result<_, _>>()?;
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(fields("scopes: say what it may be used for".to_owned()));
    }
    let label = said("label", &body.label, 100)?;
    if !API_TOKEN_DAYS.contains(&body.days) {
        return Err(fields("days is 7, 30, 90 or 365".to_owned()));
    }
    let (row, secret) =
        made_api_token(&state, &reader, label, scopes, body.days).await?.ok_or_else(|| {
            WebError::Guarded(Refused::new(Guard::State, "you have fifty tokens already: revoke one first"))
        })?;
    Ok((StatusCode::CREATED, Json(ApiTokenMade { token: row.into(), secret })))
}

/// Revokes a token of a program: one's own, or anybody's for who manages people.
#[utoipa::path(post, path = "/api/v1/api-tokens/{id}/revoke",
    params(("id" = String, Path, description = "Public part of the token")),
    responses((status = 204, description = "It is revoked")))]
pub(super) async fn end_api_token(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<StatusCode, WebError> {
    match revoke_api_token(&state, &reader, id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(WebError::NotFound("token")),
    }
}

fn fields(says: String) -> WebError {
    WebError::Guarded(Refused::new(Guard::Fields, says))
}
