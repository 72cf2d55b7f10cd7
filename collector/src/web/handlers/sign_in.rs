//! Signing in and out, the password, the theme and the language.

use std::net::SocketAddr;

use axum::Form;
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::page;
use crate::model::{Access, Deed};
use crate::session::{ByLink, LINK_LIFETIME_MS, NewSession, PASSWORD_MAX_BYTES, PASSWORD_MIN_CHARS};
use crate::web::error::WebError;
use crate::web::frame::Theme;
use crate::web::guard::{self, Reader, Visitor};
use crate::web::language::{Language, t};
use crate::web::limit::Who;
use crate::web::pages::{BareFrame, LinkPage, PasswordPage, SignInPage};
use crate::web::url::encode;
use crate::web::{WebState, blocking};

/// Where somebody wanted to go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NextQuery {
    pub(super) next: String,
}

/// `GET /sign-in`.
pub(crate) async fn form(
    State(state): State<WebState>,
    headers: HeaderMap,
    Query(query): Query<NextQuery>,
) -> Result<Response, WebError> {
    sign_in_page(&state, &headers, query.next, String::new(), None)
}

/// Name and password.
#[derive(Deserialize)]
pub(crate) struct PasswordForm {
    csrf: String,
    #[serde(default)]
    next: String,
    name: String,
    password: String,
    #[serde(default)]
    code: String,
}

/// `POST /sign-in`.
pub(crate) async fn with_password(
    State(state): State<WebState>,
    peer: Peer,
    headers: HeaderMap,
    Form(sent): Form<PasswordForm>,
) -> Result<Response, WebError> {
    Visitor::check_form(&headers, state.app.https, &sent.csrf)?;
    let now_ms = state.app.clock.now_ms();
    for who in [Who::address(peer.0), Who::name(&sent.name)] {
        state.limiter.attempt(who, now_ms).map_err(|retry_after_s| WebError::TooMany { retry_after_s })?;
    }
    let (sessions, name) = (state.app.sessions.clone(), sent.name.clone());
    match blocking(move || sessions.sign_in(&name, &sent.password, &sent.code, now_ms)).await? {
        Some(session) => begin(&state, &session, guard::local_path(&sent.next)),
        None => sign_in_page(
            &state,
            &headers,
            sent.next,
            sent.name,
            Some(t("Name, password and code do not fit together.")),
        ),
    }
}

/// `GET /sign-in/link/{secret}`: the button for a browser, the session for a program.
pub(crate) async fn link(
    State(state): State<WebState>,
    peer: Peer,
    headers: HeaderMap,
    Path(secret): Path<String>,
    request: Request,
) -> Result<Response, WebError> {
    if request.method().is_safe()
        && request.method() != axum::http::Method::HEAD
        && !guard::is_browser(&headers)
    {
        let ByLink::SignedIn(session) = use_link(&state, peer, secret, String::new()).await? else {
            return Err(WebError::LinkSpent);
        };
        return begin(&state, &session, guard::HOME);
    }
    link_page(&state, &headers, &secret, None)
}

fn link_page(
    state: &WebState,
    headers: &HeaderMap,
    secret: &str,
    problem: Option<&'static str>,
) -> Result<Response, WebError> {
    let visitor = Visitor::of(headers, state.app.https)?;
    let action = format!("/sign-in/link/{}", encode(secret));
    let shown = page(&LinkPage { frame: bare(headers), csrf: visitor.csrf, action, problem })?;
    Ok(with_cookie(shown, visitor.set_cookie))
}

/// The button, and a code where one is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LinkForm {
    csrf: String,
    code: String,
}

/// A form with nothing in it but its token.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct BareForm {
    pub(super) csrf: String,
}

/// `POST /sign-in/link/{secret}`.
pub(crate) async fn with_link(
    State(state): State<WebState>,
    peer: Peer,
    headers: HeaderMap,
    Path(secret): Path<String>,
    Form(sent): Form<LinkForm>,
) -> Result<Response, WebError> {
    if guard::is_browser(&headers) {
        Visitor::check_form(&headers, state.app.https, &sent.csrf)?;
    }
    let session = match use_link(&state, peer, secret.clone(), sent.code).await? {
        ByLink::SignedIn(session) => session,
        ByLink::CodeNeeded => {
            let problem =
                t("A second factor is set up: it takes a code as well, and the link is not used up yet.");
            return link_page(&state, &headers, &secret, Some(problem));
        }
        ByLink::Spent => return Err(WebError::LinkSpent),
    };
    let next = if session.user.has_password { guard::HOME } else { "/password" };
    begin(&state, &session, next)
}

/// `GET /password`.
pub(crate) async fn password_form(reader: Reader) -> Result<Response, WebError> {
    must_have_come_just_now(&reader)?;
    password_page(reader, None)
}

/// Whoever finds a session open does not get the account with it: a password that is there is replaced by who signed in a moment
/// ago, be it by a link because it was forgotten, or signs in again.
fn must_have_come_just_now(reader: &Reader) -> Result<(), WebError> {
    if reader.user.has_password && reader.now_ms - reader.since_ms > LINK_LIFETIME_MS {
        reader.must_be_fresh()?;
    }
    Ok(())
}

/// A new password, twice.
#[derive(Deserialize)]
pub(crate) struct NewPasswordForm {
    csrf: String,
    password: String,
    again: String,
}

/// `POST /password`. All sessions of the person end, and a new one begins here.
pub(crate) async fn set_password(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<NewPasswordForm>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    must_have_come_just_now(&reader)?;
    if sent.password != sent.again {
        return password_page(reader, Some(t("The two are not the same.")));
    }
    if sent.password.chars().count() < PASSWORD_MIN_CHARS {
        return password_page(reader, Some(t("That is too short.")));
    }
    if sent.password.len() > PASSWORD_MAX_BYTES {
        return password_page(reader, Some(t("That is too long.")));
    }
    let (sessions, by, now_ms) = (state.app.sessions.clone(), reader.by(""), reader.now_ms);
    let session = blocking(move || {
        sessions.set_password(&by.name, &sent.password, &by)?;
        sessions.begin_anew(&by.name, now_ms)
    })
    .await?;
    match session {
        Some(session) => begin(&state, &session, guard::HOME),
        None => Ok(Redirect::to("/sign-in").into_response()),
    }
}

/// `POST /sign-out`.
pub(crate) async fn sign_out(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<BareForm>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    let sessions = state.app.sessions.clone();
    blocking(move || sessions.sign_out(&reader.secret)).await?;
    Ok(with_cookie(Redirect::to("/sign-in").into_response(), Some(guard::end_session(state.app.https)?)))
}

/// The theme to show, and where to come back to.
#[derive(Debug, Deserialize)]
pub(crate) struct ThemeForm {
    csrf: String,
    theme: String,
    #[serde(default)]
    back: String,
}

/// `POST /theme`.
pub(crate) async fn theme(
    State(state): State<WebState>,
    reader: Reader,
    Form(sent): Form<ThemeForm>,
) -> Result<Response, WebError> {
    reader.check_form(&sent.csrf)?;
    let cookie = guard::keep_theme(Theme::parse(&sent.theme), state.app.https)?;
    Ok(with_cookie(Redirect::to(guard::local_path(&sent.back)).into_response(), Some(cookie)))
}

/// The language to read in.
#[derive(Debug, Deserialize)]
pub(crate) struct LanguageForm {
    language: String,
}

/// `POST /language`, also of somebody who is not signed in. It takes no token of a form: what another site sends is refused before, and
/// nothing depends on it but the words.
pub(crate) async fn language(
    State(state): State<WebState>,
    headers: HeaderMap,
    Form(sent): Form<LanguageForm>,
) -> Result<Response, WebError> {
    let language = Language::of_tag(&sent.language)
        .ok_or_else(|| WebError::unknown_choice("language", &sent.language))?;
    let cookie = guard::keep_language(language, state.app.https)?;
    let back = guard::sent_from(&headers).unwrap_or_default();
    Ok(with_cookie(Redirect::to(guard::local_path(&back)).into_response(), Some(cookie)))
}

/// The address of the other end, where the listener says it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(Option<std::net::IpAddr>);

impl<S: Sync> axum::extract::FromRequestParts<S> for Peer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())))
    }
}

async fn use_link(state: &WebState, peer: Peer, secret: String, code: String) -> Result<ByLink, WebError> {
    let now_ms = state.app.clock.now_ms();
    state
        .limiter
        .attempt(Who::address(peer.0), now_ms)
        .map_err(|retry_after_s| WebError::TooMany { retry_after_s })?;
    let sessions = state.app.sessions.clone();
    blocking(move || sessions.sign_in_by_link(&secret, &code, now_ms)).await
}

fn begin(state: &WebState, session: &NewSession, next: &str) -> Result<Response, WebError> {
    // Who holds no role comes for what they answer for, each time by a link.
    let reads = session.user.grants.access_somewhere(Deed::ReadInventory) >= Access::Read;
    let next = if !reads && matches!(next, guard::HOME | "/password") { "/attest" } else { next };
    let cookie = guard::begin_session(&session.secret, state.app.https)?;
    Ok(with_cookie(Redirect::to(next).into_response(), Some(cookie)))
}

fn sign_in_page(
    state: &WebState,
    headers: &HeaderMap,
    next: String,
    name: String,
    problem: Option<&'static str>,
) -> Result<Response, WebError> {
    let visitor = Visitor::of(headers, state.app.https)?;
    let shown = page(&SignInPage { frame: bare(headers), csrf: visitor.csrf, next, name, problem })?;
    Ok(with_cookie(shown, visitor.set_cookie))
}

fn password_page(reader: Reader, problem: Option<&'static str>) -> Result<Response, WebError> {
    page(&PasswordPage {
        frame: BareFrame { theme: reader.theme },
        csrf: reader.csrf,
        user: reader.user.name,
        has_password: reader.user.has_password,
        min_chars: PASSWORD_MIN_CHARS,
        problem,
    })
}

fn bare(headers: &HeaderMap) -> BareFrame {
    BareFrame { theme: guard::theme(headers) }
}

fn with_cookie(answer: Response, cookie: Option<HeaderValue>) -> Response {
    (AppendHeaders(cookie.map(|cookie| (SET_COOKIE, cookie))), answer).into_response()
}
