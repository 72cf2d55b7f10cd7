//! The directory and the units, changed. In the hands of people: no token does any of it. What lets somebody in takes that the person who
//! gives it signed in within five minutes.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::people::Person;
use super::request::{Body, Params, Rows, page_of, reason};
use super::types::{List, Moment, Problem};
use crate::directory::{self, Known, Plan};
use crate::model::{
    Access, Deed, Grant, GrantChange, Looked, PersonDetails, PersonRow, Reading, Role, UnitRow,
};
use crate::people::PersonRefused;
use crate::review::{Guard, Refused};
use crate::store::people::everybody;
use crate::web::{PERSON_REASON_CHARS, Reader, WebError, WebState, blocking, found_person, must_outrank};

/// Longest directory in a request, in bytes.
pub(super) const DIRECTORY_BYTES: usize = 8 << 20;

fn refused(refused: &PersonRefused) -> WebError {
    WebError::Guarded(Refused::new(refused.guard(), refused.to_string()))
}

/// What is known of a person.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Details {
    /// The name that people know them by.
    #[schema(max_length = 200)]
    display_name: String,
    /// E-mail address.
    #[schema(max_length = 200)]
    email: Option<String>,
    /// Number of the unit.
    unit: Option<i64>,
    /// Number of the manager.
    manager: Option<i64>,
    /// Key of the directory that the person came from.
    #[schema(max_length = 200)]
    external_id: Option<String>,
}

impl Details {
    fn details(self, active: bool) -> PersonDetails {
        let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        PersonDetails {
            display_name: self.display_name,
            email: said(self.email),
            unit: self.unit,
            manager: self.manager,
            external_id: said(self.external_id),
            active,
        }
    }
}

/// A person to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "nina", "details": {"display_name": "Nina", "email": "nina@organisation.example"}}))]
pub(super) struct NewPerson {
    /// Sign-in name, unique.
    name: String,
    /// What else is known.
    details: Details,
}

/// Adds a person, who cannot sign in before they are given a role.
#[utoipa::path(post, path = "/api/v1/people", request_body = NewPerson, responses((status = 201, body = Person),
    (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn add(
    State(state): State<WebState>,
    reader: Reader,
    Body(new): Body<NewPerson>,
) -> Result<(StatusCode, Json<Person>), WebError> {
    reader.must(Deed::ManagePeople, new.details.unit.as_slice())?;
    let (people, by, details) = (state.app.people.clone(), reader.by(""), new.details.details(true));
    let added = blocking(move || people.add_person(&new.name, &details, false, &by)).await?;
    Ok((StatusCode::CREATED, Json(added.map_err(|why| refused(&why))?.into())))
}

/// One person.
#[utoipa::path(get, path = "/api/v1/people/{id}", params(("id" = i64, Path, description = "Number of the person")),
    responses((status = 200, body = Person)))]
pub(super) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<Person>, WebError> {
    Ok(Json(found_person(&state, &reader, &id, Access::Read).await?.into()))
}

/// Somebody whom the reader may change.
async fn changeable(state: &WebState, reader: &Reader, id: &str) -> Result<PersonRow, WebError> {
    let person = found_person(state, reader, id, Access::Write).await?;
    must_outrank(reader, &person)?;
    Ok(person)
}

/// What is to be known of a person from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangedPerson {
    /// All of it: what is left out is not known afterwards.
    details: Details,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
}

/// Changes what is known of a person.
#[utoipa::path(put, path = "/api/v1/people/{id}", request_body = ChangedPerson,
    params(("id" = i64, Path, description = "Number of the person")), responses((status = 200, body = Person),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn change(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Body(body): Body<ChangedPerson>,
) -> Result<Json<Person>, WebError> {
    let person = changeable(&state, &reader, &id).await?;
    reader.must(Deed::ManagePeople, body.details.unit.as_slice())?;
    let details = body.details.details(person.details.active);
    changed(&state, &reader, &person, details, &body.reason).await
}

/// Whether a person is still there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ActiveBody {
    /// Whether they are. Who is set aside is signed out and cannot sign in.
    active: bool,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
}

/// Sets a person aside, or takes them back.
#[utoipa::path(post, path = "/api/v1/people/{id}/active", request_body = ActiveBody,
    params(("id" = i64, Path, description = "Number of the person")), responses((status = 200, body = Person),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn active(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Body(body): Body<ActiveBody>,
) -> Result<Json<Person>, WebError> {
    let person = changeable(&state, &reader, &id).await?;
    let details = PersonDetails { active: body.active, ..person.details.clone() };
    changed(&state, &reader, &person, details, &body.reason).await
}

async fn changed(
    state: &WebState,
    reader: &Reader,
    person: &PersonRow,
    details: PersonDetails,
    why: &str,
) -> Result<Json<Person>, WebError> {
    let (people, by, id) =
        (state.app.people.clone(), reader.by(reason(why, PERSON_REASON_CHARS)?), person.id);
    let changed = blocking(move || people.change_person(id, &details, &by)).await?;
    Ok(Json(changed.map_err(|why| refused(&why))?.into()))
}

/// A role to be given or taken.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "analyst", "reason": "Joined the team"}))]
pub(super) struct GrantBody {
    /// Its word: `analyst`, `reviewer`, `scope-owner` …
    role: String,
    /// Number of the unit that it is limited to; null: the whole organisation.
    #[serde(default)]
    unit: Option<i64>,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: String,
}

/// Gives a role. Nobody gives one to themselves. The sessions of the person end.
#[utoipa::path(post, path = "/api/v1/people/{id}/grant", request_body = GrantBody,
    params(("id" = i64, Path, description = "Number of the person")), responses((status = 200, body = Person),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn grant(
    state: State<WebState>,
    reader: Reader,
    id: Path<String>,
    Body(body): Body<GrantBody>,
) -> Result<Json<Person>, WebError> {
    change_grant(state, reader, id, body, GrantChange::Grant).await
}

/// Takes a role. The sessions of the person end.
#[utoipa::path(post, path = "/api/v1/people/{id}/revoke", request_body = GrantBody,
    params(("id" = i64, Path, description = "Number of the person")), responses((status = 200, body = Person),
        (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn revoke(
    state: State<WebState>,
    reader: Reader,
    id: Path<String>,
    Body(body): Body<GrantBody>,
) -> Result<Json<Person>, WebError> {
    change_grant(state, reader, id, body, GrantChange::Revoke).await
}

async fn change_grant(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    body: GrantBody,
    change: fn(Grant) -> GrantChange,
) -> Result<Json<Person>, WebError> {
    let role = Role::parse(&body.role).ok_or_else(|| WebError::unknown_choice("role", &body.role))?;
    let person = found_person(&state, &reader, &id, Access::Write).await?;
    // Who administers one unit gives roles for it, and none for the whole organisation.
    reader.must(Deed::ManagePeople, body.unit.as_slice())?;
    let change = change(Grant { role, unit: body.unit });
    let (people, by) = (state.app.people.clone(), reader.by(reason(&body.reason, PERSON_REASON_CHARS)?));
    let changed = blocking(move || people.change_grants(person.id, change, &by)).await?;
    Ok(Json(changed.map_err(|why| refused(&why))?.into()))
}

/// A one-time sign-in link.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Link {
    /// Path of it on this collector. It is told once and never again.
    path: String,
}

/// Makes a one-time sign-in link: for who comes the first time, and for who lost the password.
#[utoipa::path(post, path = "/api/v1/people/{id}/link", params(("id" = i64, Path, description = "Number of the person")),
    responses((status = 201, body = Link), (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn link(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Link>), WebError> {
    let person = changeable(&state, &reader, &id).await?;
    reader.must_be_fresh_for(&format!("/people/{}", person.id))?;
    let (sessions, by) = (state.app.sessions.clone(), reader.by(""));
    let secret = blocking(move || sessions.new_link(&person.name, &by)).await?.ok_or_else(|| {
        let says = "somebody without a role, or who was set aside, does not sign in";
        WebError::Guarded(Refused::new(Guard::State, says))
    })?;
    Ok((StatusCode::CREATED, Json(Link { path: format!("/sign-in/link/{secret}") })))
}

/// Takes a person's second factor away: for who lost the app and the recovery codes. Their sessions end.
#[utoipa::path(delete, path = "/api/v1/people/{id}/second-factor",
    params(("id" = i64, Path, description = "Number of the person")),
    responses((status = 204, description = "There is none any more")))]
pub(super) async fn drop_second_factor(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<StatusCode, WebError> {
    let person = changeable(&state, &reader, &id).await?;
    reader.must_be_fresh_for(&format!("/people/{}", person.id))?;
    let (people, by) = (state.app.people.clone(), reader.by(""));
    blocking(move || people.drop_totp(person.id, &by)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A directory.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "name,email\nolga,olga@organisation.example\n", "preview": true}))]
pub(super) struct ImportBody {
    /// CSV with a head.
    text: String,
    /// Whether everybody is in it: who is not is set aside.
    #[serde(default)]
    complete: bool,
    /// Only say what it would do.
    #[serde(default)]
    preview: bool,
}

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Imported {
    /// Sign-in names of people who are added.
    added: Vec<String>,
    /// Sign-in names of people who are changed.
    changed: Vec<String>,
    /// Sign-in names of people who are set aside.
    set_aside: Vec<String>,
    /// People who stay as they are.
    same: u64,
    /// Units that are added.
    units: Vec<String>,
    /// Heads of columns that mean nothing here.
    unread: Vec<String>,
    /// Whether it was done; not of a preview.
    done: bool,
}

impl From<Plan> for Imported {
    fn from(plan: Plan) -> Self {
        Self {
            added: plan.add.into_iter().map(|one| one.name).collect(),
            changed: plan.change.into_iter().map(|one| one.name).collect(),
            set_aside: plan.set_aside.into_iter().map(|(_, name)| name).collect(),
            same: plan.same,
            units: plan.units.into_iter().collect(),
            unread: plan.unread,
            done: false,
        }
    }
}

/// Imports a directory, all of it or nothing, or says what that would do.
#[utoipa::path(post, path = "/api/v1/people/import", request_body = ImportBody, responses((status = 200, body = Imported),
    (status = 409, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn import(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<ImportBody>,
) -> Result<Json<Imported>, WebError> {
    reader.must(Deed::ManagePeople, &[])?;
    let (people, by) = (state.app.people.clone(), reader.by("import"));
    blocking(move || {
        let (everybody, units) = (everybody(&*people)?, people.all_units()?);
        let known = Known { people: &everybody, units: &units };
        let plan = directory::plan(body.text.as_bytes(), &known, body.complete)
            .map_err(|error| WebError::Guarded(Refused::new(Guard::Fields, error.to_string())))?;
        if !body.preview {
            people.import_directory(&plan, &by)?.map_err(|why| refused(&why))?;
        }
        Ok::<_, WebError>(Json(Imported { done: !body.preview, ..plan.into() }))
    })
    .await
}

/// That somebody read about a machine.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReadingJson {
    /// When.
    at: Moment,
    /// Who: their sign-in name.
    reader: String,
    /// Number of the machine; null: every one, taken away as a file.
    asset: Option<i64>,
    /// Its host name as last reported; empty where it is gone, and for an export.
    hostname: String,
}

impl From<Reading> for ReadingJson {
    fn from(row: Reading) -> Self {
        let asset = match row.what {
            Looked::Asset(asset) => Some(asset.0),
            Looked::Export => None,
        };
        Self { at: Moment::of(row.at_ms), reader: row.reader, asset, hostname: row.hostname }
    }
}

/// Who read about which machine, the newest first.
#[utoipa::path(get, path = "/api/v1/readings",
    params(("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<ReadingJson>)))]
pub(super) async fn readings(
    State(state): State<WebState>,
    reader: Reader,
    Params(rows): Params<Rows>,
) -> Result<Json<List<ReadingJson>>, WebError> {
    reader.must_read(Deed::ReadCollectionAudit)?;
    let (number, page) = page_of(&rows)?;
    let within = reader.user.grants.within(Deed::ReadCollectionAudit);
    let found = blocking(move || state.app.people.readings(within.as_deref(), page)).await?;
    Ok(Json(List::of(found, number, page)))
}

/// A unit to be added, or as it is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitBody {
    /// Its name, unique.
    name: String,
    /// Number of the unit that it stands below; null: none.
    #[serde(default)]
    parent: Option<i64>,
}

/// A unit of the organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UnitJson {
    /// Number of the unit.
    id: i64,
    /// Its name.
    name: String,
    /// Number of the unit that it stands below.
    parent: Option<i64>,
}

impl From<UnitRow> for UnitJson {
    fn from(row: UnitRow) -> Self {
        Self { id: row.id, name: row.name, parent: row.parent }
    }
}

/// Adds a unit.
#[utoipa::path(post, path = "/api/v1/units", request_body = UnitBody, responses((status = 201, body = UnitJson)))]
pub(super) async fn add_unit(
    State(state): State<WebState>,
    reader: Reader,
    Body(body): Body<UnitBody>,
) -> Result<(StatusCode, Json<UnitJson>), WebError> {
    reader.must(Deed::ManagePeople, &[])?;
    let (people, by) = (state.app.people.clone(), reader.by(""));
    let added = blocking(move || people.add_unit(&body.name, body.parent, &by)).await?;
    Ok((StatusCode::CREATED, Json(added.map_err(|why| refused(&why))?.into())))
}

/// Renames a unit, or puts it elsewhere. Who holds a role for a unit signs in anew.
#[utoipa::path(put, path = "/api/v1/units/{id}", request_body = UnitBody,
    params(("id" = i64, Path, description = "Number of the unit")), responses((status = 200, body = UnitJson)))]
pub(super) async fn change_unit(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Body(body): Body<UnitBody>,
) -> Result<Json<UnitJson>, WebError> {
    reader.must(Deed::ManagePeople, &[])?;
    let id: i64 = id.parse().map_err(|_| WebError::NotFound("unit"))?;
    let (people, by) = (state.app.people.clone(), reader.by(""));
    let changed = blocking(move || {
        if !people.all_units()?.iter().any(|unit| unit.id == id) {
            return Err(WebError::NotFound("unit"));
        }
        people.change_unit(id, &body.name, body.parent, &by)?.map_err(|why| refused(&why))
    });
    Ok(Json(changed.await?.into()))
}
