//! What stands around every answer: the content policy and its fellow headers, the check of where a
//! change comes from, and the page (or problem JSON) for what went wrong.

use askama::Template;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName,
    REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

use super::WebState;
use super::error::{Explained, Sent, WebError};
use super::guard;
use super::language::Language;
use super::pages::{BareFrame, ErrorPage};
use super::pick::Unclear;
use super::typed;

/// The content policy: nothing, and then what the pages need.
const POLICY: &str = concat!(
    "default-src 'none'; ", // whatever is not named below is forbidden: fonts, frames, workers
    "script-src 'self'; ",  // the two files of scripts; none in a page, none that is made up of text
    "connect-src 'self'; ", // what they ask for
    "style-src 'self'; ",   // the one style sheet; no style attribute and no style element
    "img-src 'self' data:; ", // the icon; pictures that later pages draw
    "form-action 'self'; ", // a form cannot be made to send elsewhere
    "frame-ancestors 'none'; ", // no other site can put a page in a frame and guide the click
    "base-uri 'none'"       // an injected <base> cannot bend relative links
);

/// Browser features that no page uses.
const NO_FEATURES: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";

/// Places whose answers are for programs: they have one language.
const FOR_PROGRAMS: [&str; 2] = ["/api/", "/static/"];

/// Adds the headers, refuses what another site sends, and writes the error pages, in the reader's language.
pub(crate) async fn around(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let language = match FOR_PROGRAMS.iter().any(|place| request.uri().path().starts_with(place)) {
        true => Language::English,
        false => guard::language(request.headers()),
    };
    let mut answer = language.during(answered(state, request, next)).await;
    let html = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/html");
    if answer.headers().get(CONTENT_TYPE).is_some_and(html) {
        let headers = answer.headers_mut();
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        headers.insert(VARY, HeaderValue::from_static("accept-language, cookie"));
    }
    answer
}

async fn answered(state: WebState, mut request: Request, next: Next) -> Response {
    let whole = guard::WholePath(request.uri().path().to_owned());
    request.extensions_mut().insert(whole);
    let asked = Asked {
        for_json: request.uri().path().starts_with("/api/"),
        theme: guard::theme(request.headers()),
        instance: request.uri().path().to_owned(),
    };
    let local = is_localhost(request.headers(), request.uri());
    let (answer, typed) = match foreign(&request) {
        Some(refused) => (refused.into_response(), None),
        None => match typed::keep(request).await {
            Ok((request, typed)) => (next.run(request).await, typed),
            Err(unread) => (unread, None),
        },
    };
    let unclear = answer.extensions().get::<Unclear>().cloned();
    let mut answer = match typed::asked(typed, unclear, asked.theme).await {
        Some(who) => who,
        None => explain(answer, &asked),
    };
    let headers = answer.headers_mut();
    let mut set =
        |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    // `no-referrer` would turn the `Origin` of our own forms into `null`.
    set(REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("permissions-policy"), NO_FEATURES);
    // Every port of `localhost` is one host to a browser: others there may have no TLS.
    if state.app.https && !local {
        set(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    answer
}

/// Refuses what another site has a reader's browser do: everything that changes something, and the exports, which are noted in the
/// reader's name, take time, and leave a file.
fn foreign(request: &Request) -> Option<WebError> {
    let path = request.uri().path();
    let exports =
        ["/export/", "/api/v1/export/", "/snapshots/", "/api/v1/snapshots/", "/management-reviews/pack"]
            .iter()
            .any(|place| path.starts_with(place));
    if request.method().is_safe() && !exports || guard::is_from_here(request.headers(), request.uri()) {
        return None;
    }
    Some(if request.method().is_safe() { WebError::FromElsewhere } else { WebError::Forged })
}

struct Asked {
    for_json: bool,
    theme: super::frame::Theme,
    instance: String,
}

fn explain(answer: Response, asked: &Asked) -> Response {
    let status = answer.status();
    if !status.is_client_error() && !status.is_server_error() {
        return answer;
    }
    let sent = answer.extensions().get::<Sent>().cloned();
    let written =
        answer.headers().get(CONTENT_TYPE).is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    if sent.is_none() && written {
        return answer;
    }
    if let Some(elsewhere) = sent.as_ref().filter(|_| !asked.for_json).and_then(Sent::elsewhere) {
        return elsewhere;
    }
    let told = sent.map_or_else(|| Explained::for_status(status), |sent| sent.explained);
    let mut headers = answer.headers().clone();
    headers.remove(CONTENT_TYPE);
    headers.remove(axum::http::header::CONTENT_LENGTH);
    let mut page = if asked.for_json { problem(&told, &asked.instance) } else { page(told, asked.theme) };
    page.headers_mut().extend(headers);
    page
}

fn problem(told: &Explained, instance: &str) -> Response {
    let detail = [told.what.as_str(), told.advice.as_str()].join(" ");
    let mut body = json!({
        "type": "about:blank",
        "status": told.status.as_u16(),
        "title": told.title,
        "detail": detail.trim_end(),
        "instance": instance,
    });
    if let Some(guard) = told.guard {
        body["guard"] = guard.into();
        body["missing"] = told.missing.clone().into();
    }
    (told.status, [(CONTENT_TYPE, "application/problem+json")], Json(body).into_response().into_body())
        .into_response()
}

fn page(told: Explained, theme: super::frame::Theme) -> Response {
    let page = ErrorPage {
        frame: BareFrame { theme },
        status: format!("{} {}", told.status.as_u16(), told.status.canonical_reason().unwrap_or_default()),
        title: told.title,
        what: told.what,
        advice: told.advice,
        href: told.href,
        link: told.link,
    };
    match page.render() {
        Ok(html) => (told.status, Html(html)).into_response(),
        Err(_) => (told.status, page.title).into_response(),
    }
}

fn is_localhost(headers: &HeaderMap, uri: &Uri) -> bool {
    let host = uri.host().or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()));
    host.is_some_and(|host| {
        let name = host.split(':').next().unwrap_or_default().trim_end_matches('.');
        name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
    })
}
