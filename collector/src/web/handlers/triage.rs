//! `/triage`: what waits, one record after the other, with the evidence beside what can be done.

use std::collections::BTreeSet;

use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use umbrascope_api::{Day, RiskFlag};
use umbrascope_rules::Catalogue;

use super::page;
use super::record::offers;
use super::record::{beyond, in_sight, missing, moves};
use super::review::{QUEUES, counts_of, queue_at};
use crate::AppState;
use crate::model::record::Wish;
use crate::model::{Deed, SystemProduct, VendorFacts};
use crate::review;
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::language::t;
use crate::web::list::{Pager, page_number, rows_of};
use crate::web::names::{Names, people_of};
use crate::web::pages::{Offers, QueueTab, RequestView, TriagePage, TriageProduct, TriageRow, TriageView};
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// Products of a record that are shown with their evidence; a record of more is opened.
const PRODUCTS: usize = 4;
/// Pieces of evidence of a product.
const EVIDENCE: usize = 6;

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TriageQuery {
    queue: String,
    /// Reference of the record to look at.
    at: String,
    page: String,
    /// The move that was just made, and on what.
    done: String,
    of: String,
}

/// A queue, and one record of it.
pub(crate) async fn show(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<TriageQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let asked = queue_at(&query.queue)?;
    let number = page_number(&query.page)?;
    blocking(move || {
        let app = &state.app;
        let who = reader.who();
        let counts = counts_of(&*app.governance, &who)?;
        let open = asked.or_else(|| counts.iter().position(|count| *count > 0)).unwrap_or(0);
        let (queue, word, _) = QUEUES[open];
        let found = app.governance.queue(queue, &who, rows_of(number))?;
        let here = Address::new("/triage").with("queue", word);
        let of_page = here.with("page", if number > 1 { number.to_string() } else { String::new() });
        let href = |reference: &str| of_page.with("at", reference).href();
        let references: Vec<&str> = found.rows.iter().map(|held| held.body.reference.as_str()).collect();
        let at = references.iter().position(|reference| *reference == query.at).unwrap_or(0);
        let pager = Pager::new((number, references.len(), found.total), "record", &here, "page");
        let previous = at.checked_sub(1).and_then(|before| references.get(before)).map(|one| href(one));
        let next = references.get(at + 1).map(|one| href(one));
        // After the last of a page comes the next page, and before the first the one before.
        let around =
            (previous.or_else(|| pager.previous.clone()), next.clone().or_else(|| pager.next.clone()));
        let looked = match references.get(at) {
            Some(reference) => {
                // What is done moves the record out of the queue: the next one takes its place.
                let back = next.unwrap_or_else(|| of_page.href());
                let place = (number - 1) * u64::from(crate::web::list::PAGE_ROWS) + at as u64 + 1;
                view(&state, &reader, reference, back)?.map(|view| TriageView { around, place, ..view })
            }
            None => None,
        };
        let rows = found.rows.iter().enumerate().map(|(number, held)| TriageRow {
            href: href(&held.body.reference),
            reference: held.body.reference.clone(),
            name: held.body.name.clone(),
            kind: t(held.body.kind.label()),
            first_seen: held.body.first_seen,
            open: number == at,
        });
        let undo = match query.of.is_empty() {
            true => None,
            false => moves::undo(&reader, app, &query.done, &query.of)?,
        };
        page(&TriagePage {
            least: reader.least(app)?,
            frame: reader.frame(Here::Review, moves::done(&query.done)),
            tabs: QUEUES
                .iter()
                .zip(counts)
                .enumerate()
                .map(|(at, ((_, word, label), count))| QueueTab {
                    href: Address::new("/triage").with("queue", *word).href(),
                    label,
                    count,
                    open: at == open,
                })
                .collect(),
            word,
            rows: rows.collect(),
            at: looked,
            pager,
            undo,
            here: of_page.href(),
        })
    })
    .await
}

/// The record that is looked at. Blocks.
fn view(
    state: &WebState,
    reader: &Reader,
    reference: &str,
    back: String,
) -> Result<Option<TriageView>, WebError> {
    let app = &state.app;
    let governance = &*app.governance;
    let Some(mut detail) = governance.system(reference)? else { return Ok(None) };
    let today = Day::from_unix_ms(reader.now_ms);
    let system = detail.held.body.clone();
    let steps: Vec<_> = offers::candidates(&system, today).into_iter().map(|(_, step)| step).collect();
    let trials = governance.trial(&system.id, &steps, &reader.who(), &reader.act("why"))?.unwrap_or_default();
    if let Some(Wish::Merge { into }) = system.request.as_ref().map(|request| &request.wish)
        && let Some(target) = governance.system(into)?
    {
        detail.related.push((into.clone(), target.held.body.reference));
    }
    detail.related = in_sight(governance, &reader.sight(app)?, detail.related)?;
    let people: BTreeSet<i64> = people_of(&system).into_iter().collect();
    let names = Names::load(app, &people)?;
    let own = system.request.as_ref().is_some_and(|request| request.by == reader.user.id);
    let rows = offers::offers(&detail, &trials, today, own, &names, "", &|_| Vec::new());
    let products = detail.products.iter().take(PRODUCTS);
    let products = products.map(|one| product(app, reader, one, today)).collect::<Result<_, _>>()?;
    Ok(Some(TriageView {
        axes: offers::axes(&system, &names, today).into_iter().take(3).collect(),
        waits: offers::waits(&system, today).0,
        request: system.request.as_ref().map(|request| RequestView {
            who: names.person(request.by),
            own,
            at_ms: request.at_ms,
            what: t(request.wish.label()),
            details: offers::wish_details(&request.wish, &detail.related, &names),
            reason: request.reason.clone(),
        }),
        products,
        flags: detail.seen.flags.iter().map(|flag| RiskFlag::from(flag.as_str())).collect(),
        units: detail.seen.units.iter().map(|unit| names.unit(*unit)).collect(),
        days: detail.seen.days,
        beyond: beyond(&detail.seen, &system, &names),
        owner: system.system_owner.map(|owner| names.person(owner)),
        missing: missing(&system.reference, review::required_for_use(&system)),
        offers: Offers {
            rows,
            reference: system.reference.clone(),
            version: detail.held.version,
            back: Some(back),
            keyed: true,
        },
        around: (None, None),
        place: 0,
        name: system.name,
        reference: system.reference,
    }))
}

/// A product with the strongest of its evidence. Blocks.
fn product(
    app: &AppState,
    reader: &Reader,
    known: &SystemProduct,
    today: Day,
) -> Result<TriageProduct, StoreError> {
    let catalogue = app.catalogue.known();
    let of_catalogue = catalogue.catalogue().product(&known.id);
    let found = app.store.product(&known.id, today)?;
    let least = reader.least(app)?;
    let found = found.map(|found| reader.without_hidden_assets(found, least));
    let vendor_id = of_catalogue.map(|product| product.vendor.to_string());
    Ok(TriageProduct {
        id: known.id.clone(),
        name: known.name.clone(),
        vendor: known.vendor.clone(),
        kind: of_catalogue.map(|product| product.kind),
        description: found.as_ref().map_or_else(String::new, |found| found.description.clone()),
        all_evidence: found.as_ref().map_or(0, |found| found.evidence.len() as u64 + found.evidence_left_out),
        evidence: found.map_or_else(Vec::new, |found| found.evidence.into_iter().take(EVIDENCE).collect()),
        assets: known.assets,
        answers: vendor_id
            .as_deref()
            .map_or_else(Vec::new, |vendor| answered(catalogue.catalogue(), vendor, &known.id)),
        vendor_id,
    })
}

/// The questions to a vendor that sources answer.
fn answered(catalogue: &Catalogue, vendor: &str, product: &str) -> Vec<crate::model::Question> {
    let Some(facts) = VendorFacts::of(catalogue, vendor, Some(product)) else { return Vec::new() };
    let told =
        |question: &crate::model::Question| question.answers.iter().any(|answer| !answer.claims.is_empty());
    facts.questions.into_iter().filter(told).collect()
}
