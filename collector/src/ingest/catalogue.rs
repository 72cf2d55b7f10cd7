//! `GET /v1/catalogue`: the bundle in the collector's folder, to sensors in good standing.
//!
//! 200 with the file, its SHA-256 as ETag; 304 when the sensor has that one; 404 when there is none.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Ingest;
use crate::catalogue::Served;

pub(super) async fn catalogue(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    if let Err(refused) = ingest.peer(&request) {
        return refused.answer(&ingest.counters);
    }
    hand_out(ingest.catalogue.served(), request.headers())
}

/// `GET /v1/own-rules`: the organisation's own rules, in the same manner.
pub(super) async fn own_rules(State(ingest): State<Arc<Ingest>>, request: Request) -> Response {
    if let Err(refused) = ingest.peer(&request) {
        return refused.answer(&ingest.counters);
    }
    hand_out(ingest.catalogue.own().map(|own| own.served.clone()), request.headers())
}

fn hand_out(served: Option<Served>, asked: &HeaderMap) -> Response {
    let Some(served) = served else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}\"", served.digest);
    let headers =
        [(header::ETAG, tag.clone()), (header::CONTENT_TYPE, "application/octet-stream".to_owned())];
    if has(asked, &tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, served.bytes).into_response()
}

/// RFC 9110 13.1.2: a list of tags, or `*` for any.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag || one == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_every_form_it_may_come_in() {
        let asks = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, value.parse().unwrap());
            has(&headers, "\"ab\"")
        };
        for value in ["\"ab\"", "W/\"ab\"", "\"x\", \"ab\"", "*"] {
            assert!(asks(value), "{value}");
        }
        for value in ["ab", "\"abc\"", "\"x\"", ""] {
            assert!(!asks(value), "{value}");
        }
        assert!(!has(&HeaderMap::new(), "\"ab\""));
    }
}
