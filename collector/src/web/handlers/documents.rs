//! `/documents`: evidence that people attach. The list stands on the page of what it hangs on.

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::work;
use crate::model::document::{Document, DocumentKind};
use crate::web::error::WebError;
use crate::web::guard::Reader;
use crate::web::{WebState, blocking};

/// A document as the form has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SentDocument {
    csrf: String,
    back: String,
    link_kind: String,
    link_id: String,
    kind: String,
    title: String,
    location: String,
    sha256: String,
    effective_from: String,
    effective_to: String,
    expires: String,
    supersedes: String,
}

/// Attaches a document.
pub(crate) async fn attach(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<SentDocument>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    let back = work::back(&sent.back, "/findings");
    let document = Document {
        kind: DocumentKind::parse(&sent.kind).ok_or_else(|| WebError::unknown_choice("kind", &sent.kind))?,
        title: sent.title,
        location: work::given(&sent.location),
        sha256: work::given(&sent.sha256),
        effective_from: work::day(&sent.effective_from)?,
        effective_to: work::day(&sent.effective_to)?,
        expires: work::day(&sent.expires)?,
        supersedes: work::given(&sent.supersedes),
        ..Document::default()
    };
    blocking(move || {
        let link = work::link(&state, &sent.link_kind, &sent.link_id)?.ok_or(WebError::BadRequest)?;
        let document = Document { link, ..document };
        state.app.governance.attach(document, reader.who(), reader.act(""))?.map_err(WebError::Guarded)
    })
    .await?;
    Ok(Redirect::to(&back).into_response())
}
