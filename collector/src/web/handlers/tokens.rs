//! `/tokens`: enrolment tokens, for administrators.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page;
use crate::model::{Deed, NewToken, TokenId};
use crate::store::StoreError;
use crate::token::{self, EnrolmentPoint};
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::t;
use crate::web::list::ListQuery;
use crate::web::pages::{TokenForm, TokenMadePage, TokensPage};
use crate::web::{WebState, blocking};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// The tokens, and the form for another.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::Enrol)?;
    let notice = (query.done == "revoked")
        .then_some(t("The token is revoked. Machines that enrolled with it stay enrolled."));
    tokens_page(&state, &reader, TokenForm::default(), notice).await
}

/// A new token as the form has it.
#[derive(Debug, Deserialize)]
pub(crate) struct Sent {
    csrf: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    max_uses: String,
    #[serde(default)]
    days: String,
}

/// Makes a token and shows its secret, once.
pub(crate) async fn create(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<Sent>,
) -> Result<Response, WebError> {
    reader.must_somewhere(Deed::Enrol)?;
    reader.check_form(&sent.csrf)?;
    let new = match checked(sent, &reader) {
        Ok(new) => new,
        Err(form) => return tokens_page(&state, &reader, *form, None).await,
    };
    may_enrol_into(&state, &reader, Some(&new.unit)).await?;
    let (store, point, now_ms) = (state.app.store.clone(), state.app.enrolment.clone(), reader.now_ms);
    let (row, secret) = blocking(move || token::create(&*store, &new, &point.ca_sha256, now_ms)).await?;
    page(&TokenMadePage {
        frame: reader.frame(Here::Enrolment, None),
        command: command(&state.app.enrolment, &secret),
        secret,
        unit: row.unit,
        max_uses: u64::from(row.max_uses),
        expires_at_ms: row.expires_at_ms,
    })
}

/// Revokes a token. Doing it twice is no mistake.
pub(crate) async fn revoke(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<Sent>,
) -> Result<Response, WebError> {
    reader.must_somewhere(Deed::Enrol)?;
    reader.check_form(&sent.csrf)?;
    let (store, now_ms, asked) = (state.app.store.clone(), reader.now_ms, TokenId(id.clone()));
    let found =
        blocking(move || store.tokens(None, now_ms)).await?.into_iter().find(|token| token.id == asked);
    may_enrol_into(&state, &reader, found.as_ref().map(|token| token.unit.as_str())).await?;
    let by = reader.by("");
    let known = blocking(move || state.app.store.revoke_token(&TokenId(id), &by)).await?;
    if known {
        Ok(Redirect::to("/tokens?done=revoked").into_response())
    } else {
        Err(WebError::NotFound("token"))
    }
}

/// Refuses who may not enrol machines into this unit. One that is not there yet takes a role for the whole organisation.
pub(crate) async fn may_enrol_into(
    state: &WebState,
    reader: &Reader,
    unit: Option<&str>,
) -> Result<(), WebError> {
    let store = state.app.store.clone();
    let units = blocking(move || store.units()).await?;
    let id = units.iter().find(|known| Some(known.name.as_str()) == unit).map(|known| known.id);
    reader.must(Deed::Enrol, id.as_slice())
}

async fn tokens_page(
    state: &WebState,
    reader: &Reader,
    form: TokenForm,
    notice: Option<&'static str>,
) -> Result<Response, WebError> {
    let (store, now_ms, within) =
        (state.app.store.clone(), reader.now_ms, reader.user.grants.within(Deed::Enrol));
    let (rows, units) =
        blocking(move || Ok::<_, StoreError>((store.tokens(within.as_deref(), now_ms)?, store.units()?)))
            .await?;
    page(&TokensPage { frame: reader.frame(Here::Enrolment, notice), form, units, rows })
}

/// The token that the form asks for, or the form with what is wrong with it.
fn checked(sent: Sent, reader: &Reader) -> Result<NewToken, Box<TokenForm>> {
    let mut form = TokenForm {
        label: sent.label.trim().to_owned(),
        unit: sent.unit.trim().to_owned(),
        max_uses: sent.max_uses.trim().to_owned(),
        days: sent
            .days
            .parse()
            .ok()
            .filter(|days| TokenForm::offers(*days))
            .unwrap_or(TokenForm::default().days),
        ..TokenForm::default()
    };
    if form.label.chars().count() > TokenForm::MAX_CHARS {
        form.label_problem = Some(t("At most 100 characters."));
    }
    if form.unit.is_empty() || form.unit.chars().count() > TokenForm::MAX_CHARS {
        form.unit_problem = Some(t("Name the unit, in at most 100 characters."));
    }
    let max_uses = form.max_uses.parse().ok().filter(|uses| (1..=TokenForm::MAX_USES).contains(uses));
    if max_uses.is_none() {
        form.uses_problem = Some(t("A number from 1 to 100000."));
    }
    match max_uses {
        Some(max_uses) if form.label_problem.is_none() && form.unit_problem.is_none() => Ok(NewToken {
            unit: form.unit,
            label: form.label,
            max_uses,
            expires_at_ms: reader.now_ms + i64::from(form.days) * DAY_MS,
            created_by: reader.user.name.clone(),
        }),
        _ => Err(Box::new(form)),
    }
}

/// What enrols a machine.
pub(crate) fn command(point: &EnrolmentPoint, secret: &str) -> String {
    format!("umbrascope-agent enrol --collector {} --token {secret}", point.url)
}
