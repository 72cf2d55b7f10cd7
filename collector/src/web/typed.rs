//! What was typed is given back where it is not clear whom a form means: a page of its own asks, with everything else of the form in it. One
//! place for every form, so that none loses what somebody wrote.

use askama::Template as _;
use axum::Form;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest as _, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use http_body_util::{BodyExt as _, Limited};

use super::FORM_BYTES;
use super::error::status_of;
use super::frame::Theme;
use super::language;
use super::pages::{BareFrame, WhoPage};
use super::pick::Unclear;

const FORM: &str = "application/x-www-form-urlencoded";
/// Fields in which forms name a person.
const PERSON_FIELDS: [&str; 3] = ["assignee", "owner", "person"];

/// A form as it was sent.
pub(crate) struct Typed {
    action: String,
    body: Bytes,
}

/// Keeps what a form of a page sends, within the bound of a form; a larger one goes by, and so does everything else.
pub(crate) async fn keep(request: Request) -> Result<(Request, Option<Typed>), Response> {
    let headers = request.headers();
    let is_form = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(FORM.as_bytes()));
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let fits = length.is_some_and(|length| length <= FORM_BYTES);
    if request.method() != Method::POST || !is_form || !fits || request.uri().path().starts_with("/api/") {
        return Ok((request, None));
    }
    let action = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let (parts, body) = request.into_parts();
    match Limited::new(body, FORM_BYTES).collect().await {
        Ok(collected) => {
            let body = collected.to_bytes();
            let again = Request::from_parts(parts, Body::from(body.clone()));
            Ok((again, Some(Typed { action, body })))
        }
        Err(_) => Err(StatusCode::BAD_REQUEST.into_response()),
    }
}

/// The page that asks whom a form means, in place of an answer that says that it is not clear; `None`: another answer.
pub(crate) async fn asked(typed: Option<Typed>, unclear: Option<Unclear>, theme: Theme) -> Option<Response> {
    let (typed, unclear) = (typed?, unclear?);
    let request = Request::post("/").header(CONTENT_TYPE, FORM).body(Body::from(typed.body)).ok()?;
    let Form(fields) = Form::<Vec<(String, String)>>::from_request(request, &()).await.ok()?;
    let page = who_page(typed.action, fields, &unclear, theme)?;
    let html = page.render().ok()?;
    Some((status_of(unclear.refused().guard), Html(html)).into_response())
}

fn who_page(
    action: String,
    fields: Vec<(String, String)>,
    unclear: &Unclear,
    theme: Theme,
) -> Option<WhoPage> {
    let names = |(name, value): &(String, String)| {
        PERSON_FIELDS.contains(&name.as_str()) && value.trim() == unclear.typed.trim()
    };
    let at = fields.iter().position(names)?;
    let (mut kept, mut field) = (Vec::new(), String::new());
    for (index, (name, value)) in fields.into_iter().enumerate() {
        if index == at {
            field = name;
        } else {
            kept.push((name, value));
        }
    }
    let refused = unclear.refused();
    Some(WhoPage {
        frame: BareFrame { theme },
        action,
        field,
        typed: unclear.typed.trim().to_owned(),
        fit: unclear.fit.clone(),
        says: format!("{}: {}.", refused.guard.as_str(), language::message(&refused.says)),
        kept,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unclear(typed: &str) -> Unclear {
        Unclear { typed: typed.to_owned(), fit: vec!["Ada (ada)".to_owned(), "Ada B (adab)".to_owned()] }
    }

    fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn everything_but_the_name_that_is_unclear_is_kept() {
        let fields = pairs(&[
            ("csrf", "x"),
            ("title", "ada"),
            ("assignee", " ada "),
            ("finding", "1"),
            ("finding", "2"),
        ]);
        let page = who_page("/tasks".to_owned(), fields, &unclear(" ada "), Theme::System).unwrap();
        assert_eq!(page.field, "assignee");
        assert_eq!(page.kept, pairs(&[("csrf", "x"), ("title", "ada"), ("finding", "1"), ("finding", "2")]));
    }

    #[test]
    fn a_form_that_names_nobody_so_is_answered_as_it_was() {
        let fields = pairs(&[("title", "ada"), ("assignee", "eve")]);
        assert!(who_page("/tasks".to_owned(), fields, &unclear("ada"), Theme::System).is_none());
    }

    #[tokio::test]
    async fn only_a_form_of_a_page_within_its_bound_is_kept() {
        let request = |path: &str, length: usize, kind: &str| {
            let request = Request::post(path).header(CONTENT_TYPE, kind).header(CONTENT_LENGTH, length);
            request.body(Body::from("a=b")).unwrap()
        };
        let kept = |request| async { keep(request).await.unwrap().1.is_some() };
        assert!(kept(request("/tasks", 3, FORM)).await);
        assert!(!kept(request("/tasks", FORM_BYTES + 1, FORM)).await);
        assert!(!kept(request("/tasks", 3, "application/json")).await);
        assert!(!kept(request("/api/v1/tasks", 3, FORM)).await);
        let (again, _) = keep(request("/tasks", 3, FORM)).await.unwrap();
        assert_eq!(again.into_body().collect().await.unwrap().to_bytes(), "a=b", "it goes on as it came");
    }
}
