//! `/account/api-tokens`: what programs sign in with, in one's own name; who manages people sees and revokes everybody's.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::page;
use super::sign_in::BareForm;
use crate::api_token;
use crate::model::{Access, ApiTokenRow, Deed, Scope};
use crate::session::SessionError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::t;
use crate::web::list::ListQuery;
use crate::web::pages::{ApiTokenMadePage, ApiTokensPage};
use crate::web::{WebState, blocking};

const DAY_MS: i64 = 86_400_000;
/// Days that a token can be good for.
pub(crate) const DAYS: [i64; 4] = [7, 30, 90, 365];
/// Longest label, in characters.
const LABEL_CHARS: usize = 100;
/// Tokens of one person that can be used at a time.
const MOST: usize = 50;
const HERE: &str = "/account/api-tokens";

/// The tokens, and the form for another.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    let notice = (query.done == "revoked")
        .then_some(t("The token is revoked. Programs that use it are refused from now on."));
    tokens_page(&state, &reader, None, notice).await
}

async fn tokens_page(
    state: &WebState,
    reader: &Reader,
    problem: Option<&'static str>,
    notice: Option<&'static str>,
) -> Result<Response, WebError> {
    let everybodys = reader.user.grants.access(Deed::ManagePeople, &[]) >= Access::Read;
    let (people, person) = (state.app.people.clone(), (!everybodys).then_some(reader.user.id));
    let rows = blocking(move || people.api_tokens(person)).await?;
    page(&ApiTokensPage {
        frame: reader.frame(Here::Account, notice),
        me: reader.user.id,
        may_revoke: reader.user.grants.access(Deed::ManagePeople, &[]) >= Access::Write,
        everybodys,
        scopes: Scope::ALL.map(Scope::as_str),
        days: DAYS,
        rows,
        problem,
    })
}

/// Makes a token and shows it, once. Fields beside those named are scopes.
pub(crate) async fn create(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, WebError> {
    let said =
        |name: &str| sent.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.trim());
    reader.check_form(said("csrf"))?;
    reader.must_be_fresh_for(HERE)?;
    let label = said("label").to_owned();
    let scopes: Vec<Scope> = Scope::ALL
        .into_iter()
        .filter(|scope| sent.iter().any(|(field, _)| field == scope.as_str()))
        .collect();
    let days = said("days").parse().ok().filter(|days| DAYS.contains(days)).ok_or(WebError::BadRequest)?;
    let problem = if label.is_empty() || label.chars().count() > LABEL_CHARS {
        Some(t("Say what it is for, in at most 100 characters."))
    } else if scopes.is_empty() {
        Some(t("Choose what it may be used for."))
    } else {
        None
    };
    if problem.is_some() {
        return tokens_page(&state, &reader, problem, None).await;
    }
    match make(&state, &reader, label, scopes, days).await? {
        Some((row, text)) => page(&ApiTokenMadePage { frame: reader.frame(Here::Account, None), row, text }),
        None => {
            tokens_page(&state, &reader, Some(t("You have fifty tokens already: revoke one first.")), None)
                .await
        }
    }
}

/// A token in the reader's name, with the text that is told once; `None`: there are as many as one may have.
pub(crate) async fn make(
    state: &WebState,
    reader: &Reader,
    label: String,
    scopes: Vec<Scope>,
    days: i64,
) -> Result<Option<(ApiTokenRow, String)>, WebError> {
    // Whoever finds a session open does not leave with a token.
    reader.must_be_fresh_for(HERE)?;
    let (people, person, by, now_ms) =
        (state.app.people.clone(), reader.user.id, reader.by(""), reader.now_ms);
    blocking(move || {
        let usable = people.api_tokens(Some(person))?.iter().filter(|token| token.usable(now_ms)).count();
        if usable >= MOST {
            return Ok(None);
        }
        let expires_at_ms = now_ms + days * DAY_MS;
        api_token::create(&*people, person, &label, scopes, expires_at_ms, &by).map(Some)
    })
    .await
}

/// Revokes a token by its form.
pub(crate) async fn revoke(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Form(sent): Form<BareForm>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    match end(&state, &reader, id).await? {
        true => Ok(Redirect::to("/account/api-tokens?done=revoked").into_response()),
        false => Err(WebError::NotFound("token")),
    }
}

/// Revokes a token: one's own, or anybody's for who manages people; `false` when there is none to revoke.
pub(crate) async fn end(state: &WebState, reader: &Reader, id: String) -> Result<bool, WebError> {
    let mine = {
        let (people, person, id) = (state.app.people.clone(), reader.user.id, id.clone());
        blocking(move || {
            Ok::<_, SessionError>(people.api_tokens(Some(person))?.iter().any(|token| token.id == id))
        })
        .await?
    };
    if !mine {
        reader.must(Deed::ManagePeople, &[])?;
    }
    let (people, by) = (state.app.people.clone(), reader.by(""));
    blocking(move || people.revoke_api_token(&id, &by)).await
}
