//! What happens on a request: look up, decide, record, answer.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use super::error::WebError;

pub(crate) mod account;
pub(crate) mod api_tokens;
pub(crate) mod assets;
pub(crate) mod attest;
pub(crate) mod bulk;
pub(crate) mod campaigns;
pub(crate) mod catalogue;
pub(crate) mod coverage;
pub(crate) mod documents;
pub(crate) mod download;
pub(crate) mod emergency;
pub(crate) mod erasure;
pub(crate) mod findings;
pub(crate) mod import;
pub(crate) mod management;
pub(crate) mod own;
pub(crate) mod people;
pub(crate) mod policies;
pub(crate) mod privacy;
pub(crate) mod products;
pub(crate) mod readiness;
pub(crate) mod record;
pub(crate) mod reidentify;
pub(crate) mod review;
pub(crate) mod scope;
pub(crate) mod search;
pub(crate) mod sign_in;
pub(crate) mod snapshots;
pub(crate) mod start;
pub(crate) mod suspects;
pub(crate) mod systems;
pub(crate) mod targets;
pub(crate) mod tasks;
pub(crate) mod tokens;
pub(crate) mod trail;
pub(crate) mod triage;
pub(crate) mod units;
pub(crate) mod vendors;
pub(crate) mod views;
pub(crate) mod work;

/// `/style`: the parts that pages are made of.
pub(crate) async fn style(reader: super::guard::Reader) -> Result<Response, WebError> {
    page(&super::pages::StylePage::new(reader.frame(super::frame::Here::Account, None)))
}

/// A page as an answer.
fn page(template: &impl Template) -> Result<Response, WebError> {
    Ok(Html(template.render()?).into_response())
}

/// What the search form carries on, so that a search keeps the order.
fn kept_order(query: &super::list::ListQuery) -> Vec<(&'static str, String)> {
    [("sort", &query.sort), ("dir", &query.dir)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name, value.clone()))
        .collect()
}
