//! `/export/scope-html`, `/export/scope-pdf`, `/export/scope-json`: a signed statement to take away. All three carry one hash.

use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{number_of, shown};
use crate::export::scope::{self as written, ScopeFormat};
use crate::web::error::WebError;
use crate::web::guard::Reader;
use crate::web::{WebState, blocking};

/// Which statement.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Which {
    statement: String,
}

/// As HTML.
pub(crate) async fn html(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<Which>,
) -> Result<Response, WebError> {
    asked(state, reader, query, ScopeFormat::Html).await
}

/// As PDF.
pub(crate) async fn pdf(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<Which>,
) -> Result<Response, WebError> {
    asked(state, reader, query, ScopeFormat::Pdf).await
}

/// As JSON.
pub(crate) async fn json(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<Which>,
) -> Result<Response, WebError> {
    asked(state, reader, query, ScopeFormat::Json).await
}

async fn asked(
    state: WebState,
    reader: Reader,
    query: Which,
    format: ScopeFormat,
) -> Result<Response, WebError> {
    let asked = match query.statement.as_str() {
        "" => None,
        typed => Some(number_of(typed)?),
    };
    file(state, reader, asked, format).await
}

/// A signed statement, the one in force where none is named, as a file. That it was taken away is noted.
pub(crate) async fn file(
    state: WebState,
    reader: Reader,
    asked: Option<u64>,
    format: ScopeFormat,
) -> Result<Response, WebError> {
    reader.must_see_all()?;
    let (app, now_ms, act) = (state.app, reader.now_ms, reader.act(format.as_str()));
    let made = blocking(move || {
        let last = || app.governance.statement_in_force().map(|held| held.map(|held| held.body.number));
        let number = asked.map_or_else(last, |number| Ok(Some(number))).map_err(WebError::from)?;
        let Some(number) = number else { return Err(WebError::NotFound("signed statement")) };
        let shown = shown(&app, number, now_ms)?.ok_or(WebError::NotFound("statement"))?;
        let vkey = app.notary.keys().vkey().to_string();
        let made = written::write(format, &shown.held.body, &shown.sheet, &vkey);
        let made = made.map_err(|error| WebError::Work(error.into()))?;
        let made = made.ok_or(WebError::NotFound("signed statement"))?;
        app.governance.note_statement_export(number, format.as_str(), act)?;
        Ok((number, made))
    })
    .await;
    let (number, bytes) = made?;
    let name = format!("scope-statement-{number}.{}", format.extension());
    let headers = [
        (CONTENT_TYPE, format.content_type().to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, bytes).into_response())
}
