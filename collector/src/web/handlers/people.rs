//! `/people`: the directory, roles, and what lets a person in.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page;
use super::sign_in::BareForm;
use crate::model::{
    Access, Deed, Grant, GrantChange, Grants, PersonDetails, PersonFilter, PersonRow, Role, UnitRow,
};
use crate::people::PersonRefused;
use crate::session::SessionError;
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{message, say, t};
use crate::web::list::{ListQuery, Pager, Select, page_number, rows_of};
use crate::web::pages::{
    LinkMadePage, PeoplePage, PersonForm, PersonLine, PersonNewPage, PersonPage, ReadingsPage,
};
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// Longest reason, in characters.
pub(crate) const REASON_CHARS: usize = 500;

/// The directory.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ManagePeople)?;
    let notice = match query.done.as_str() {
        "second-factor" => Some(t("The roles that take a second factor are set.")),
        "imported" => Some(t("The directory is imported.")),
        _ => None,
    };
    let number = page_number(&query.page)?;
    let (signs_in, inactive) = match query.kind.as_str() {
        "" => (false, false),
        "signs-in" => (true, false),
        "all" => (false, true),
        other => return Err(WebError::unknown_choice("kind", other)),
    };
    let within = reader.user.grants.within(Deed::ManagePeople);
    let filter = PersonFilter { search: query.search(), unit: query.unit()?, signs_in, inactive, within };
    let (people, asked) = (state.app.people.clone(), filter.clone());
    let (found, units, demanded) = blocking(move || {
        Ok::<_, StoreError>((
            people.people(&asked, rows_of(number))?,
            people.all_units()?,
            people.totp_roles()?,
        ))
    })
    .await?;
    let here = Address::new("/people")
        .with("q", filter.search.as_str())
        .with("unit", query.unit.as_str())
        .with("kind", query.kind.as_str());
    page(&PeoplePage {
        frame: reader.frame(Here::People, notice),
        kind: query.kind.clone(),
        selects: vec![Select::units(&units, filter.unit)],
        filtered: !filter.search.is_empty() || filter.unit.is_some() || !query.kind.is_empty(),
        search: filter.search,
        pager: Pager::new((number, found.rows.len(), found.total), "person", &here, "page"),
        rows: found.rows.into_iter().map(|row| line(row, &units)).collect(),
        demanded: Role::ALL.into_iter().map(|role| (role.as_str(), demanded.contains(&role))).collect(),
        may_change: reader.user.grants.access(Deed::ManagePeople, &[]) >= Access::Write,
    })
}

fn line(row: PersonRow, units: &[UnitRow]) -> PersonLine {
    PersonLine { grants: grants_in_words(&row.grants, units), row }
}

/// Roles as people read them: `analyst`, or `analyst in Sales`.
pub(crate) fn grants_in_words(grants: &Grants, units: &[UnitRow]) -> Vec<String> {
    let words = |grant: &Grant| match grant.unit {
        None => grant.role.as_str().to_owned(),
        Some(id) => {
            let unit = units.iter().find(|unit| unit.id == id).map_or(t("a unit"), |unit| unit.name.as_str());
            say!("{0} in {1}", grant.role.as_str(), unit)
        }
    };
    grants.0.iter().map(words).collect()
}

/// The form for another person.
pub(crate) async fn new_form(State(state): State<WebState>, reader: Reader) -> Result<Response, WebError> {
    reader.must_somewhere(Deed::ManagePeople)?;
    new_page(&state, &reader, PersonForm::default(), None).await
}

async fn new_page(
    state: &WebState,
    reader: &Reader,
    form: PersonForm,
    problem: Option<String>,
) -> Result<Response, WebError> {
    let people = state.app.people.clone();
    let units = blocking(move || people.all_units()).await?;
    page(&PersonNewPage { frame: reader.frame(Here::People, None), form, units, problem })
}

/// A person as the form has them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    csrf: String,
    name: String,
    display_name: String,
    email: String,
    unit: String,
    manager: String,
    external_id: String,
    active: String,
    reason: String,
}

impl Sent {
    fn form(&self) -> PersonForm {
        PersonForm {
            name: self.name.clone(),
            display_name: self.display_name.clone(),
            email: self.email.clone(),
            unit: self.unit.clone(),
            manager: self.manager.clone(),
            external_id: self.external_id.clone(),
        }
    }

    fn unit(&self) -> Result<Option<i64>, WebError> {
        if self.unit.is_empty() { Ok(None) } else { Ok(Some(number(&self.unit)?)) }
    }
}

/// The details that a form asks for; the manager is named by the sign-in name.
async fn details(
    state: &WebState,
    sent: &Sent,
    active: bool,
) -> Result<Result<PersonDetails, PersonRefused>, WebError> {
    let manager = match sent.manager.trim().to_lowercase() {
        name if name.is_empty() => None,
        name => {
            let people = state.app.people.clone();
            match blocking(move || people.person_named(&name)).await? {
                Some(manager) => Some(manager.id),
                None => return Ok(Err(PersonRefused::NoSuchManager)),
            }
        }
    };
    let said = |text: &str| Some(text.to_owned()).filter(|text| !text.trim().is_empty());
    Ok(Ok(PersonDetails {
        display_name: sent.display_name.clone(),
        email: said(&sent.email),
        unit: sent.unit()?,
        manager,
        external_id: said(&sent.external_id),
        active,
    }))
}

/// Adds a person, who cannot sign in before they are given a role.
pub(crate) async fn add(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<Sent>,
) -> Result<Response, WebError> {
    reader.must(Deed::ManagePeople, sent.unit()?.as_slice())?;
    reader.check_form(&sent.csrf)?;
    let added = match details(&state, &sent, true).await? {
        Ok(details) => {
            let (people, by) = (state.app.people.clone(), reader.by(""));
            let name = sent.name.clone();
            blocking(move || people.add_person(&name, &details, false, &by)).await?
        }
        Err(refused) => Err(refused),
    };
    match added {
        Ok(person) => Ok(Redirect::to(&format!("/people/{}?done=added", person.id)).into_response()),
        Err(refused) => new_page(&state, &reader, sent.form(), Some(refused.to_string())).await,
    }
}

/// One person.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ManagePeople)?;
    let notice = match query.done.as_str() {
        "added" => Some(t("The person is in the directory. A role lets them sign in.")),
        "changed" => Some(t("The changes are kept.")),
        "granted" => Some(t("The role is given. Their sessions ended.")),
        "revoked" => Some(t("The role is taken. Their sessions ended.")),
        "set-aside" => Some(t("The person is set aside and signed out.")),
        "active" => Some(t("The person is active again.")),
        "no-second-factor" => Some(t("The second factor is taken away, and their sessions ended.")),
        _ => None,
    };
    let person = found(&state, &reader, &id, Access::Read).await?;
    person_page(&state, &reader, person, None, notice).await
}

async fn person_page(
    state: &WebState,
    reader: &Reader,
    person: PersonRow,
    problem: Option<String>,
    notice: Option<&'static str>,
) -> Result<Response, WebError> {
    let (people, manager) = (state.app.people.clone(), person.details.manager);
    let (units, manager) = blocking(move || {
        let manager = match manager {
            Some(manager) => people.person(manager)?,
            None => None,
        };
        Ok::<_, StoreError>((people.all_units()?, manager))
    })
    .await?;
    let places = person.details.unit;
    page(&PersonPage {
        frame: reader.frame(Here::People, notice),
        may_change: reader.user.grants.access(Deed::ManagePeople, places.as_slice()) >= Access::Write,
        oneself: reader.user.id == person.id,
        grants: person.grants.0.iter().copied().zip(grants_in_words(&person.grants, &units)).collect(),
        manager: manager.map(|manager| manager.name).unwrap_or_default(),
        roles: Role::ALL.map(Role::as_str),
        units,
        person,
        problem,
    })
}

/// A person that the reader may deal with; for others there is none.
pub(crate) async fn found(
    state: &WebState,
    reader: &Reader,
    id: &str,
    access: Access,
) -> Result<PersonRow, WebError> {
    reader.check_scope(Deed::ManagePeople, access)?;
    reader.user.grants.check_somewhere(Deed::ManagePeople, access)?;
    let id: i64 = id.parse().map_err(|_| WebError::NotFound("person"))?;
    let people = state.app.people.clone();
    let person = blocking(move || people.person(id)).await?.ok_or(WebError::NotFound("person"))?;
    reader.user.grants.check(Deed::ManagePeople, access, person.details.unit.as_slice())?;
    Ok(person)
}

/// Who administers one unit does nothing to the sign-in of somebody whose roles reach beyond it: they would reach there too.
pub(crate) fn must_outrank(reader: &Reader, person: &PersonRow) -> Result<(), WebError> {
    person.grants.0.iter().try_for_each(|grant| reader.must(Deed::ManagePeople, grant.unit.as_slice()))
}

/// Changes what is known of a person.
pub(crate) async fn change(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<Sent>,
) -> Result<Response, WebError> {
    let person = found(&state, &reader, &id, Access::Write).await?;
    must_outrank(&reader, &person)?;
    reader.must(Deed::ManagePeople, sent.unit()?.as_slice())?;
    reader.check_form(&sent.csrf)?;
    let changed = match details(&state, &sent, person.details.active).await? {
        Ok(details) => {
            let (people, by, id) = (state.app.people.clone(), reader.by(reason(&sent.reason)), person.id);
            blocking(move || people.change_person(id, &details, &by)).await?
        }
        Err(refused) => Err(refused),
    };
    answered(&state, &reader, person, changed, "changed").await
}

/// Sets a person aside, or takes them back.
pub(crate) async fn active(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<Sent>,
) -> Result<Response, WebError> {
    let person = found(&state, &reader, &id, Access::Write).await?;
    must_outrank(&reader, &person)?;
    reader.check_form(&sent.csrf)?;
    let (active, done) = match sent.active.as_str() {
        "yes" => (true, "active"),
        "no" => (false, "set-aside"),
        _ => return Err(WebError::BadRequest),
    };
    let details = PersonDetails { active, ..person.details.clone() };
    let (people, by, id) = (state.app.people.clone(), reader.by(reason(&sent.reason)), person.id);
    let changed = blocking(move || people.change_person(id, &details, &by)).await?;
    answered(&state, &reader, person, changed, done).await
}

/// A role as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentGrant {
    csrf: String,
    role: String,
    unit: String,
    reason: String,
}

impl SentGrant {
    fn grant(&self) -> Result<Grant, WebError> {
        let role = Role::parse(&self.role).ok_or_else(|| WebError::unknown_choice("role", &self.role))?;
        let unit = if self.unit.is_empty() { None } else { Some(number(&self.unit)?) };
        Ok(Grant { role, unit })
    }
}

/// Gives a role.
pub(crate) async fn grant(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<SentGrant>,
) -> Result<Response, WebError> {
    let change = GrantChange::Grant(sent.grant()?);
    change_grant(&state, &reader, &id, &sent, change, "granted").await
}

/// Takes a role.
pub(crate) async fn revoke(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<SentGrant>,
) -> Result<Response, WebError> {
    let change = GrantChange::Revoke(sent.grant()?);
    change_grant(&state, &reader, &id, &sent, change, "revoked").await
}

async fn change_grant(
    state: &WebState,
    reader: &Reader,
    id: &str,
    sent: &SentGrant,
    change: GrantChange,
    done: &str,
) -> Result<Response, WebError> {
    let person = found(state, reader, id, Access::Write).await?;
    // Who administers one unit gives roles for it, and none for the whole organisation.
    reader.must(Deed::ManagePeople, sent.grant()?.unit.as_slice())?;
    reader.check_form(&sent.csrf)?;
    let (people, by, id) = (state.app.people.clone(), reader.by(reason(&sent.reason)), person.id);
    let changed = blocking(move || people.change_grants(id, change, &by)).await?;
    answered(state, reader, person, changed, done).await
}

/// Makes a one-time sign-in link, and shows it once: for who comes the first time, and for who lost the password.
pub(crate) async fn link(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<BareForm>,
) -> Result<Response, WebError> {
    let person = found(&state, &reader, &id, Access::Write).await?;
    must_outrank(&reader, &person)?;
    reader.check_form(&sent.csrf)?;
    // Whoever holds the link is that person: to make it takes more than an open session.
    reader.must_be_fresh_for(&format!("/people/{}", person.id))?;
    let (sessions, by, name) = (state.app.sessions.clone(), reader.by(""), person.name.clone());
    match blocking(move || sessions.new_link(&name, &by)).await? {
        Some(secret) => page(&LinkMadePage {
            frame: reader.frame(Here::People, None),
            path: format!("/sign-in/link/{secret}"),
            person,
        }),
        None => {
            let problem =
                t("That was not done: somebody without a role, or who was set aside, does not sign in.");
            person_page(&state, &reader, person, Some(problem.to_owned()), None).await
        }
    }
}

/// Takes a person's second factor away: for who lost the app and the recovery codes.
pub(crate) async fn drop_second_factor(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<BareForm>,
) -> Result<Response, WebError> {
    let person = found(&state, &reader, &id, Access::Write).await?;
    must_outrank(&reader, &person)?;
    reader.check_form(&sent.csrf)?;
    reader.must_be_fresh_for(&format!("/people/{}", person.id))?;
    let (people, by, id) = (state.app.people.clone(), reader.by(""), person.id);
    blocking(move || people.drop_totp(id, &by)).await?;
    Ok(Redirect::to(&format!("/people/{id}?done=no-second-factor")).into_response())
}

async fn answered(
    state: &WebState,
    reader: &Reader,
    person: PersonRow,
    changed: Result<PersonRow, PersonRefused>,
    done: &str,
) -> Result<Response, WebError> {
    match changed {
        // Whoever takes a role from themselves is signed out by it.
        Ok(person) => Ok(Redirect::to(&format!("/people/{}?done={done}", person.id)).into_response()),
        Err(refused) => {
            person_page(state, reader, person, Some(say!("That was not done: {0}.", message(&refused))), None)
                .await
        }
    }
}

/// Sets which roles take a second factor. Fields are the roles.
pub(crate) async fn second_factor_roles(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    reader.must(Deed::ManagePeople, &[])?;
    let csrf = sent.iter().find(|(name, _)| name == "csrf").map_or("", |(_, value)| value.as_str());
    reader.check_form(csrf)?;
    let roles: Vec<Role> =
        Role::ALL.into_iter().filter(|role| sent.iter().any(|(name, _)| name == role.as_str())).collect();
    let (people, by) = (state.app.people.clone(), reader.by(""));
    blocking(move || people.set_totp_roles(&roles, &by)).await?;
    Ok(Redirect::to("/people?done=second-factor").into_response())
}

/// Who read about which machine.
pub(crate) async fn readings(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadCollectionAudit)?;
    let number = page_number(&query.page)?;
    let (people, within) = (state.app.people.clone(), reader.user.grants.within(Deed::ReadCollectionAudit));
    let found =
        blocking(move || Ok::<_, SessionError>(people.readings(within.as_deref(), rows_of(number))?)).await?;
    let pager = (number, found.rows.len(), found.total);
    page(&ReadingsPage {
        frame: reader.frame(Here::People, None),
        pager: Pager::new(pager, "reading", &Address::new("/people/readings"), "page"),
        rows: found.rows,
    })
}

/// A reason as it is kept.
fn reason(typed: &str) -> String {
    typed.trim().chars().take(REASON_CHARS).collect()
}

fn number(text: &str) -> Result<i64, WebError> {
    text.parse().map_err(|_| WebError::BadRequest)
}
