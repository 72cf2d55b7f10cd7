//! `/views`: lists that the reader wants to come back to.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{page, work};
use crate::model::{VIEW_NAME_CHARS, VIEW_PLACE_CHARS};
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::t;
use crate::web::list::ListQuery;
use crate::web::pages::ViewsPage;
use crate::web::{WebState, blocking};

/// The reader's views.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    let notice = match query.done.as_str() {
        "kept" => Some(t("The view is saved.")),
        "dropped" => Some(t("The view is forgotten.")),
        _ => None,
    };
    views_page(&state, &reader, notice, None).await
}

async fn views_page(
    state: &WebState,
    reader: &Reader,
    notice: Option<&'static str>,
    problem: Option<&'static str>,
) -> Result<Response, WebError> {
    let (people, person) = (state.app.people.clone(), reader.user.id);
    let rows = blocking(move || people.views(person)).await?;
    page(&ViewsPage { frame: reader.frame(Here::Views, notice), rows, problem })
}

/// A view as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentView {
    csrf: String,
    name: String,
    place: String,
}

/// Keeps a view and leads back to it.
pub(crate) async fn keep(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentView>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    let name: String = sent.name.trim().chars().take(VIEW_NAME_CHARS).collect();
    let place = work::back(&sent.place, "");
    let problem = match (name.is_empty(), place.is_empty() || place.len() > VIEW_PLACE_CHARS) {
        (true, _) => Some(t("Give the view a name.")),
        (_, true) => Some(t("That is no list of this collector.")),
        _ => None,
    };
    if problem.is_some() {
        return views_page(&state, &reader, None, problem).await;
    }
    let (people, person, to) = (state.app.people.clone(), reader.user.id, place.clone());
    match blocking(move || people.keep_view(person, &name, &place)).await? {
        true => Ok(Redirect::to(&to).into_response()),
        false => {
            let full = t("You have as many views as one may have. Forget one first.");
            views_page(&state, &reader, None, Some(full)).await
        }
    }
}

/// A form that says no more than that it is ours.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentDrop {
    csrf: String,
}

/// Forgets a view. Doing it twice is no mistake.
pub(crate) async fn drop(
    State(state): State<WebState>,
    reader: Reader,
    Path(number): Path<i64>,
    Form(sent): Form<SentDrop>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    let (people, person) = (state.app.people.clone(), reader.user.id);
    blocking(move || people.drop_view(person, number)).await?;
    Ok(Redirect::to("/views?done=dropped").into_response())
}
