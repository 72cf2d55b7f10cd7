//! `/account`: one's own password, second factor and recovery codes; `/confirm`: signing in again before something is signed.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page;
use super::sign_in::{BareForm, NextQuery};
use crate::session::{FRESH_MS, SessionError};
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::{self, Reader};
use crate::web::language::t;
use crate::web::limit::Who;
use crate::web::list::ListQuery;
use crate::web::pages::{AccountPage, BareFrame, ConfirmPage, RecoveryPage, SecondFactorPage};
use crate::web::url::encode;
use crate::web::{WebState, blocking};

/// `GET /account`.
pub(crate) async fn account(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    let notice = match query.done.as_str() {
        "removed" => Some(t("The second factor is taken away.")),
        _ => None,
    };
    let (people, person) = (state.app.people.clone(), reader.user.id);
    let (codes, units, roles) = blocking(move || {
        Ok::<_, SessionError>((
            people.recovery_codes_left(person)?,
            people.all_units()?,
            people.totp_roles()?,
        ))
    })
    .await?;
    let demanded = roles.into_iter().any(|role| reader.user.grants.any(role));
    page(&AccountPage {
        frame: reader.frame(Here::Account, notice),
        grants: super::people::grants_in_words(&reader.user.grants, &units),
        user: &reader.user,
        codes,
        demanded,
        let_in: reader.who().stands_alone(reader.now_ms).err().map(|refused| sentence(&refused.says)),
    })
}

/// What a guard says, as a sentence of its own.
fn sentence(says: &str) -> String {
    let mut letters = says.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// `GET /account/second-factor`: the secret to put into an app.
pub(crate) async fn second_factor(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Response, WebError> {
    second_factor_page(&state, &reader, None).await
}

async fn second_factor_page(
    state: &WebState,
    reader: &Reader,
    problem: Option<&'static str>,
) -> Result<Response, WebError> {
    let (sessions, person) = (state.app.sessions.clone(), reader.user.id);
    let Some(secret) = blocking(move || sessions.totp_to_set_up(person)).await? else {
        return Ok(Redirect::to("/account").into_response());
    };
    page(&SecondFactorPage {
        frame: reader.frame(Here::Account, None),
        uri: secret.uri(&encode(&reader.user.name)),
        secret: secret.text(),
        demanded: reader.totp_missing,
        problem,
    })
}

/// A code.
#[derive(Deserialize)]
pub(crate) struct CodeForm {
    csrf: String,
    #[serde(default)]
    code: String,
}

/// `POST /account/second-factor`: sets it up with its first code, and shows the recovery codes, once.
pub(crate) async fn set_up(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<CodeForm>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    attempt(&state, &reader)?;
    let (sessions, person, by) = (state.app.sessions.clone(), reader.user.id, reader.by(""));
    let codes = blocking(move || sessions.set_up_totp(person, &sent.code, &by)).await?;
    match codes {
        Some(codes) => page(&RecoveryPage { frame: reader.frame(Here::Account, None), codes, first: true }),
        None => {
            let problem = t(
                "That is not the code of now. Look at the app again; the clock of its device has to be right.",
            );
            second_factor_page(&state, &reader, Some(problem)).await
        }
    }
}

/// `POST /account/second-factor/remove`. Sessions end: whoever does it signs in anew, without a code.
pub(crate) async fn remove(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<BareForm>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    reader.must_be_fresh_for("/account")?;
    let (people, person, by) = (state.app.people.clone(), reader.user.id, reader.by(""));
    blocking(move || people.drop_totp(person, &by)).await?;
    Ok(Redirect::to("/sign-in?next=/account").into_response())
}

/// `POST /account/recovery-codes`: new ones in place of the old, shown once.
pub(crate) async fn recovery_codes(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<BareForm>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    reader.must_be_fresh_for("/account")?;
    if !reader.user.has_totp {
        return Ok(Redirect::to("/account/second-factor").into_response());
    }
    let (sessions, person, by) = (state.app.sessions.clone(), reader.user.id, reader.by(""));
    let codes = blocking(move || sessions.new_recovery_codes(person, &by)).await?;
    page(&RecoveryPage { frame: reader.frame(Here::Account, None), codes, first: false })
}

/// `GET /confirm`.
pub(crate) async fn confirm_form(
    reader: Reader,
    Query(query): Query<NextQuery>,
) -> Result<Response, WebError> {
    confirm_page(&reader, query.next, None)
}

fn confirm_page(reader: &Reader, next: String, problem: Option<&'static str>) -> Result<Response, WebError> {
    page(&ConfirmPage {
        frame: BareFrame { theme: reader.theme },
        csrf: reader.csrf.clone(),
        user: reader.user.name.clone(),
        has_password: reader.user.has_password,
        has_totp: reader.user.has_totp,
        minutes: FRESH_MS / 60_000,
        next,
        problem,
    })
}

/// Password and code, once more.
#[derive(Deserialize)]
pub(crate) struct ConfirmForm {
    csrf: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
}

/// `POST /confirm`. The session is fresh for five minutes.
pub(crate) async fn confirm(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<ConfirmForm>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    attempt(&state, &reader)?;
    let (sessions, secret, now_ms) = (state.app.sessions.clone(), reader.secret.clone(), reader.now_ms);
    let proved = blocking(move || sessions.confirm(&secret, &sent.password, &sent.code, now_ms)).await?;
    if proved {
        Ok(Redirect::to(guard::local_path(&sent.next)).into_response())
    } else {
        confirm_page(&reader, sent.next, Some(t("That does not fit.")))
    }
}

/// Guesses within a session are counted like those at the door.
fn attempt(state: &WebState, reader: &Reader) -> Result<(), WebError> {
    let attempt = state.limiter.attempt(Who::name(&reader.user.name), reader.now_ms);
    attempt.map_err(|retry_after_s| WebError::TooMany { retry_after_s })
}
