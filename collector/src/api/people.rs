//! The directory and the tokens of programs as JSON, read.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::request::{Params, Rows, page_of};
use super::types::{List, Moment, Problem};
use crate::model::{ApiTokenRow, Deed, PersonFilter, PersonRow};
use crate::web::{ListQuery, Reader, WebError, WebState, blocking};

/// A person of the directory.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Person {
    /// Number of the person.
    id: i64,
    /// Sign-in name.
    name: String,
    /// The name that people know them by.
    display_name: String,
    /// E-mail address, where known.
    email: Option<String>,
    /// Number of the unit.
    unit: Option<i64>,
    /// Number of the manager.
    manager: Option<i64>,
    /// Key of the directory that the person came from.
    external_id: Option<String>,
    /// Whether they are still there.
    active: bool,
    /// Made up, so that the product can be tried.
    demonstration: bool,
    /// Roles, as they were given.
    roles: Vec<HeldRole>,
    /// Whether a second factor is set up.
    second_factor: bool,
    /// The last sign-in.
    last_sign_in_at: Option<Moment>,
}

/// A role that is held.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HeldRole {
    /// Which.
    role: String,
    /// Number of the unit that it is limited to; null: the whole organisation.
    unit: Option<i64>,
}

impl From<PersonRow> for Person {
    fn from(row: PersonRow) -> Self {
        let held = row.grants.0.iter();
        Self {
            id: row.id,
            name: row.name,
            display_name: row.details.display_name,
            email: row.details.email,
            unit: row.details.unit,
            manager: row.details.manager,
            external_id: row.details.external_id,
            active: row.details.active,
            demonstration: row.demonstration,
            roles: held
                .map(|grant| HeldRole { role: grant.role.as_str().to_owned(), unit: grant.unit })
                .collect(),
            second_factor: row.has_totp,
            last_sign_in_at: row.last_sign_in_at_ms.map(Moment::of),
        }
    }
}

/// A token of a program, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApiToken {
    /// Public part.
    id: String,
    /// Number of the owner.
    owner: i64,
    /// What it is for.
    label: String,
    /// What it may be used for.
    scopes: Vec<String>,
    /// When it was made.
    created_at: Moment,
    /// When it ends.
    expires_at: Moment,
    /// When it was last used.
    last_used_at: Option<Moment>,
    /// Whether it was revoked.
    revoked: bool,
}

impl From<ApiTokenRow> for ApiToken {
    fn from(row: ApiTokenRow) -> Self {
        Self {
            id: row.id,
            owner: row.person,
            label: row.label,
            scopes: row.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            created_at: Moment::of(row.created_at_ms),
            expires_at: Moment::of(row.expires_at_ms),
            last_used_at: row.last_used_at_ms.map(Moment::of),
            revoked: row.revoked_at_ms.is_some(),
        }
    }
}

/// The directory. For who manages people, and for a works council.
#[utoipa::path(get, path = "/api/v1/people",
    params(
        ("q" = Option<String>, Query, description = "Words that stand in a name or the address"),
        ("unit" = Option<i64>, Query, description = "Number of a unit"),
        ("kind" = Option<String>, Query, description = "signs-in: who may sign in; all: those set aside too"),
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<Person>),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn people(
    State(state): State<WebState>,
    reader: Reader,
    Params(query): Params<ListQuery>,
    Params(rows): Params<Rows>,
) -> Result<Json<List<Person>>, WebError> {
    reader.must_read(Deed::ManagePeople)?;
    let (signs_in, inactive) = match query.kind.as_str() {
        "" => (false, false),
        "signs-in" => (true, false),
        "all" => (false, true),
        other => return Err(WebError::unknown_choice("kind", other)),
    };
    let within = reader.user.grants.within(Deed::ManagePeople);
    let filter = PersonFilter { search: query.search(), unit: query.unit()?, signs_in, inactive, within };
    let (number, page) = page_of(&rows)?;
    let found = blocking(move || state.app.people.people(&filter, page)).await?;
    Ok(Json(List::of(found, number, page)))
}

/// Tokens of programs: one's own, and everybody's for who manages people.
#[utoipa::path(get, path = "/api/v1/api-tokens", responses(
    (status = 200, body = Vec<ApiToken>),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn api_tokens(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<Vec<ApiToken>>, WebError> {
    let everybodys = reader.may_read(Deed::ManagePeople, &[]);
    let person = (!everybodys).then_some(reader.user.id);
    let found = blocking(move || state.app.people.api_tokens(person)).await?;
    Ok(Json(found.into_iter().map(ApiToken::from).collect()))
}
