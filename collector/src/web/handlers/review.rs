//! `/review`: what waits for the reader.

use std::collections::BTreeSet;

use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use umbrascope_api::Day;

use super::page;
use super::record::offers::wish_details;
use super::record::{in_sight, review_class, sanction_class};
use crate::model::governed::Held;
use crate::model::record::AiSystem;
use crate::model::{Deed, PageRequest};
use crate::review::Who;
use crate::store::{Governance, Queue, StoreError};
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::{key, say, t};
use crate::web::list::{Pager, page_number, rows_of};
use crate::web::names::{Names, people_of};
use crate::web::pages::{QueueRow, QueueTab, ReviewPage};
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// Queues with their words in the address and what people read.
pub(super) const QUEUES: [(Queue, &str, &str); 4] = [
    (Queue::Requests, "requests", key("To decide")),
    (Queue::Reopened, "reopened", key("Open again")),
    (Queue::New, "new", key("New")),
    (Queue::Own, "own", key("My own")),
];

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct QueueQuery {
    queue: String,
    page: String,
}

/// The queues, one of them open: the one asked for, or the first in which something waits.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<QueueQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let asked = queue_at(&query.queue)?;
    let number = page_number(&query.page)?;
    let (app, who, today) = (state.app.clone(), reader.who(), Day::from_unix_ms(reader.now_ms));
    let by = reader.clone();
    let (open, counts, found, names, related) = blocking(move || {
        let (governance, sight) = (&app.governance, by.sight(&app)?);
        let counts = counts_of(&**governance, &who)?;
        let open = asked.or_else(|| counts.iter().position(|count| *count > 0)).unwrap_or(0);
        let found = governance.queue(QUEUES[open].0, &who, rows_of(number))?;
        let people: BTreeSet<i64> = found.rows.iter().flat_map(|held| people_of(&held.body)).collect();
        let names = Names::load(&app, &people)?;
        let mut related = Vec::new();
        for held in &found.rows {
            if let Some(crate::model::record::Wish::Merge { into }) =
                held.body.request.as_ref().map(|request| &request.wish)
                && let Some(target) = governance.system(into)?
            {
                related.push((into.clone(), target.held.body.reference));
            }
        }
        let related = in_sight(&**governance, &sight, related)?;
        Ok::<_, StoreError>((open, counts, found, names, related))
    })
    .await?;
    let here = Address::new("/review").with("queue", QUEUES[open].1);
    let tabs = QUEUES.iter().zip(counts).enumerate().map(|(at, ((_, word, label), count))| QueueTab {
        href: Address::new("/review").with("queue", *word).href(),
        label,
        count,
        open: at == open,
    });
    let rows: Vec<QueueRow> = found.rows.iter().map(|held| row(held, &names, &related, today)).collect();
    page(&ReviewPage {
        frame: reader.frame(Here::Review, None),
        tabs: tabs.collect(),
        word: QUEUES[open].1,
        pager: Pager::new((number, rows.len(), found.total), "record", &here, "page"),
        rows,
    })
}

/// Place of a queue by its word; `None`: none is asked for.
pub(super) fn queue_at(word: &str) -> Result<Option<usize>, WebError> {
    if word.is_empty() {
        return Ok(None);
    }
    let found = QUEUES.iter().position(|(_, known, _)| *known == word);
    found.map(Some).ok_or_else(|| WebError::unknown_choice("queue", word))
}

/// How many records wait in each queue. Blocks.
pub(super) fn counts_of(governance: &dyn Governance, who: &Who) -> Result<Vec<u64>, StoreError> {
    let none = PageRequest { offset: 0, limit: 0 };
    QUEUES.iter().map(|(queue, ..)| Ok(governance.queue(*queue, who, none)?.total)).collect()
}

/// A record that waits, as a list shows it.
pub(super) fn row(
    held: &Held<AiSystem>,
    names: &Names,
    related: &[(String, String)],
    today: Day,
) -> QueueRow {
    let system = &held.body;
    let request = system.request.as_ref();
    QueueRow {
        reference: system.reference.clone(),
        name: system.name.clone(),
        review: (t(system.review.label()), review_class(system.review)),
        sanction: (t(system.sanction.label()), sanction_class(system.effective_sanction(today))),
        why: match (request, system.reopened) {
            (Some(request), _) => say!("{0} asks to {1}", names.person(request.by), t(request.wish.label())),
            (None, Some(why)) => t(why.label()).to_owned(),
            (None, None) => super::record::offers::waits(system, today).0,
        },
        reason: request.map(|request| request.reason.clone()).unwrap_or_default(),
        details: request.map(|request| wish_details(&request.wish, related, names)).unwrap_or_default(),
        since_ms: request.map_or(held.at_ms, |request| request.at_ms),
        first_seen: system.first_seen,
        owner: system.system_owner.map(|owner| names.person(owner)),
    }
}
