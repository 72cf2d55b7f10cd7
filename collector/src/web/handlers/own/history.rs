//! Versions: one with what it changed, and each as a file.

use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::model::{Deed, OwnText, PageRequest};
use crate::own::{self, Desk};
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::handlers::page;
use crate::web::pages::{OwnVersionPage, ShownLine};
use crate::web::{WebState, blocking};

/// Which version is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Which {
    version: String,
}

/// A version as a file.
pub(crate) async fn text(
    State(state): State<WebState>,
    reader: Reader,
    Query(which): Query<Which>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let desk = state.app.own.clone();
    let found = blocking(move || match which.version.parse() {
        Ok(number) => desk.store.own_version(number),
        Err(_) => desk.store.own_newest(),
    })
    .await?;
    let found = found.ok_or(WebError::NotFound("version"))?;
    let name = format!("own-rules-{}.toml", found.version.number);
    let headers = [
        (CONTENT_TYPE, "application/toml; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, found.text).into_response())
}

/// One version, and what it changed.
pub(crate) async fn version(
    State(state): State<WebState>,
    reader: Reader,
    Path(number): Path<String>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let number: u32 = number.parse().map_err(|_| WebError::NotFound("version"))?;
    let desk = state.app.own.clone();
    let (found, before, newest) = blocking(move || {
        let before = version_before(&desk, number)?;
        let newest = desk.store.own_newest()?.map(|newest| newest.version.number);
        Ok::<_, StoreError>((desk.store.own_version(number)?, before, newest))
    })
    .await?;
    let found = found.ok_or(WebError::NotFound("version"))?;
    let (before, text) =
        before.map_or((None, String::new()), |before| (Some(before.version.number), before.text));
    let lines = own::diff(&text, &found.text).into_iter().map(ShownLine::from).collect();
    page(&OwnVersionPage {
        frame: reader.frame(Here::OwnRules, None),
        before,
        is_newest: newest == Some(found.version.number),
        version: found.version,
        lines,
    })
}

/// The version that another followed. Numbers rise by one, but for where the database was restored from a backup.
fn version_before(desk: &Desk, number: u32) -> Result<Option<OwnText>, StoreError> {
    let Some(last) = number.checked_sub(1) else { return Ok(None) };
    if let Some(before) = desk.store.own_version(last)? {
        return Ok(Some(before));
    }
    let page = PageRequest { offset: 0, limit: PageRequest::MAX_LIMIT };
    let before = desk.store.own_versions(page)?.rows.into_iter().find(|version| version.number < number);
    before.map_or(Ok(None), |before| desk.store.own_version(before.number))
}
