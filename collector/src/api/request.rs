//! What a program sends: bodies and parameters, of which nothing is guessed. A refusal says what cannot be read.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use crate::model::PageRequest;
use crate::review::{Guard, Refused};
use crate::web::{MAX_PAGE, WebError};

/// Rows on a page where nothing is asked for.
const DEFAULT_ROWS: u32 = 100;

/// A body of JSON.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = WebError;

    async fn from_request(request: Request, state: &S) -> Result<Self, WebError> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(unreadable(&rejection)),
        }
    }
}

fn unreadable(rejection: &JsonRejection) -> WebError {
    WebError::Unreadable { status: rejection.status(), says: rejection.body_text() }
}

/// The parameters of an address. One without a value is refused: what is not asked for is left out.
#[derive(Debug)]
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, WebError> {
        let refuse = |says| WebError::Unreadable { status: StatusCode::BAD_REQUEST, says };
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|rejection| refuse(rejection.body_text()))?;
        if let Some((name, _)) = pairs.iter().find(|(_, value)| value.is_empty()) {
            return Err(refuse(format!("the parameter {name} has no value: leave it out")));
        }
        let Query(read) =
            Query::try_from_uri(&parts.uri).map_err(|rejection| refuse(rejection.body_text()))?;
        Ok(Self(read))
    }
}

/// Which part of a list is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rows {
    page: Option<u64>,
    limit: Option<u32>,
}

/// The page asked for: its number from 1, and the rows of the store.
pub(super) fn page_of(rows: &Rows) -> Result<(u64, PageRequest), WebError> {
    let number = rows.page.unwrap_or(1);
    if !(1..=MAX_PAGE).contains(&number) {
        return Err(WebError::unknown_choice("page", &number.to_string()));
    }
    let limit = rows.limit.unwrap_or(DEFAULT_ROWS);
    if !(1..=PageRequest::MAX_LIMIT).contains(&limit) {
        return Err(WebError::unknown_choice("limit", &limit.to_string()));
    }
    Ok((number, PageRequest { offset: (number - 1) * u64::from(limit), limit }))
}

/// A version that was read: no record comes to more than [`i64::MAX`] of them, nor does the format that the description names.
pub(super) fn version<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let version = u64::deserialize(from)?;
    i64::try_from(version).map(|_| version).map_err(|_| D::Error::custom("no record has that many versions"))
}

/// The same where it may be left out.
pub(super) fn some_version<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let version = Option::<u64>::deserialize(from)?;
    match version.map(i64::try_from) {
        Some(Err(_)) => Err(D::Error::custom("no record has that many versions")),
        _ => Ok(version),
    }
}

/// A refusal for want of a field.
pub(super) fn needs(field: &'static str) -> WebError {
    WebError::Guarded(Refused {
        guard: Guard::Fields,
        missing: vec![field.to_owned()],
        says: format!("say {field}"),
    })
}

/// A refusal of a field that names what is not there.
pub(super) fn no_such(field: &'static str, what: &'static str) -> WebError {
    WebError::Guarded(Refused {
        guard: Guard::Target,
        missing: vec![field.to_owned()],
        says: format!("{field}: there is no such {what}"),
    })
}

/// A text without spaces around it, or a refusal where it is empty or longer than `most` characters.
pub(super) fn said(field: &'static str, text: &str, most: usize) -> Result<String, WebError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most {
        return Err(WebError::Guarded(Refused {
            guard: if field == "reason" { Guard::Reason } else { Guard::Fields },
            missing: vec![field.to_owned()],
            says: format!("{field} takes 1 to {most} characters"),
        }));
    }
    Ok(text.to_owned())
}

/// A reason without spaces around it, or a refusal where it is longer than `most` characters: none is cut short.
pub(super) fn reason(text: &str, most: usize) -> Result<String, WebError> {
    match text.trim() {
        "" => Ok(String::new()),
        text => said("reason", text, most),
    }
}
