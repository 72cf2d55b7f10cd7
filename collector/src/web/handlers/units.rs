//! `/units`: the parts of the organisation.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page;
use crate::model::{Access, Deed};
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{message, say, t};
use crate::web::list::ListQuery;
use crate::web::pages::UnitsPage;
use crate::web::{WebState, blocking};

/// The units, each below its parent.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ManagePeople)?;
    let notice = match query.done.as_str() {
        "added" => Some(t("The unit is added.")),
        "changed" => Some(t("The unit is changed. Whoever holds a role for a unit signs in anew.")),
        _ => None,
    };
    units_page(&state, &reader, None, notice).await
}

async fn units_page(
    state: &WebState,
    reader: &Reader,
    problem: Option<String>,
    notice: Option<&'static str>,
) -> Result<Response, WebError> {
    let (app, by) = (state.app.clone(), reader.clone());
    let (units, least) =
        blocking(move || Ok::<_, StoreError>((app.people.all_units()?, by.least(&app)?))).await?;
    let told = reader.told_machines(&units, least);
    page(&UnitsPage {
        machines: units.iter().map(|unit| unit.id).zip(told).collect(),
        frame: reader.frame(Here::People, notice),
        may_change: reader.user.grants.access(Deed::ManagePeople, &[]) >= Access::Write,
        units: UnitsPage::tree(units),
        problem,
    })
}

/// A unit as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sent {
    csrf: String,
    name: String,
    parent: String,
}

impl Sent {
    fn parent(&self) -> Result<Option<i64>, WebError> {
        if self.parent.is_empty() {
            return Ok(None);
        }
        self.parent.parse().map(Some).map_err(|_| WebError::BadRequest)
    }
}

/// Adds a unit.
pub(crate) async fn add(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<Sent>,
) -> Result<Response, WebError> {
    reader.must(Deed::ManagePeople, &[])?;
    reader.check_form(&sent.csrf)?;
    let (people, by, parent) = (state.app.people.clone(), reader.by(""), sent.parent()?);
    match blocking(move || people.add_unit(&sent.name, parent, &by)).await? {
        Ok(_) => Ok(Redirect::to("/units?done=added").into_response()),
        Err(refused) => {
            units_page(&state, &reader, Some(say!("That was not done: {0}.", message(&refused))), None).await
        }
    }
}

/// Renames a unit, or puts it elsewhere.
pub(crate) async fn change(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<Sent>,
) -> Result<Response, WebError> {
    reader.must(Deed::ManagePeople, &[])?;
    reader.check_form(&sent.csrf)?;
    let id: i64 = id.parse().map_err(|_| WebError::NotFound("unit"))?;
    let (people, by, parent) = (state.app.people.clone(), reader.by(""), sent.parent()?);
    match blocking(move || people.change_unit(id, &sent.name, parent, &by)).await? {
        Ok(_) => Ok(Redirect::to("/units?done=changed").into_response()),
        Err(refused) => {
            units_page(&state, &reader, Some(say!("That was not done: {0}.", message(&refused))), None).await
        }
    }
}
