//! `/catalogue` and `/catalogue/{vendor}`.

use std::cmp::Ordering;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use umbrascope_rules::index::{Entry, index};

use super::{kept_order, page};
use crate::model::{Deed, Direction, VendorFacts};
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::list::{Column, ListQuery, PAGE_ROWS, Pager, Select, page_number, slice_of};
use crate::web::pages::{CATALOGUE_SORTS, CataloguePage, CatalogueSort, VendorPage};
use crate::web::url::{Address, encode};
use crate::web::{WebState, blocking};

/// What the catalogue covers.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (search, kind, category) = (query.search(), query.kind()?, query.category()?);
    let confidence = query.confidence()?;
    let sort = query.sort(CATALOGUE_SORTS)?;
    let number = page_number(&query.page)?;
    let here = Address::new("/catalogue")
        .with("q", search.as_str())
        .with("category", query.category.as_str())
        .with("kind", query.kind.as_str())
        .with("confidence", query.confidence.as_str())
        .with("sort", query.sort.as_str())
        .with("dir", query.dir.as_str());
    let frame = reader.frame(Here::Catalogue, None);
    blocking(move || {
        let known = state.app.catalogue.known();
        let index = index(known.catalogue());
        let words = search.to_lowercase();
        let wanted = |entry: &Entry<'_>| {
            kind.is_none_or(|kind| entry.kind == kind)
                && confidence.is_none_or(|least| entry.confidence >= Some(least))
                && [entry.name, entry.vendor, entry.id]
                    .iter()
                    .any(|text| text.to_lowercase().contains(&words))
        };
        let mut entries: Vec<Entry<'_>> = index
            .categories
            .into_iter()
            .filter(|section| category.is_none_or(|category| section.category == category))
            .flat_map(|section| section.products)
            .filter(wanted)
            .collect();
        order(&mut entries, CATALOGUE_SORTS[sort.0].key, sort.1);
        let rows = slice_of(&entries, number, PAGE_ROWS);
        page(&CataloguePage {
            frame,
            version: index.version,
            date: index.date,
            totals: index.totals,
            selects: vec![Select::categories(category), Select::kinds(kind), Select::confidences(confidence)],
            kept: kept_order(&query),
            filtered: !search.is_empty() || kind.is_some() || category.is_some() || confidence.is_some(),
            columns: Column::all(CATALOGUE_SORTS, &[1, 2, 0, 3, 4], sort, &here),
            pager: Pager::new((number, rows.len(), entries.len() as u64), "product", &here, "page"),
            rows,
            search,
        })
    })
    .await
}

/// One vendor: what sources say of it, and its products.
pub(crate) async fn vendor(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let number = page_number(&query.page)?;
    let here = Address::new(format!("/catalogue/{}", encode(&id)));
    let frame = reader.frame(Here::Catalogue, None);
    blocking(move || {
        let known = state.app.catalogue.known();
        let catalogue = known.catalogue();
        let facts = VendorFacts::of(catalogue, &id, None).ok_or(WebError::NotFound("vendor"))?;
        let sections = index(catalogue).categories.into_iter();
        let of_vendor = |entry: &Entry<'_>| entry.vendor_id == id;
        let mut entries: Vec<Entry<'_>> =
            sections.flat_map(|section| section.products).filter(of_vendor).collect();
        order(&mut entries, CatalogueSort::Name, Direction::Ascending);
        let rows = slice_of(&entries, number, PAGE_ROWS);
        let pager = Pager::new((number, rows.len(), entries.len() as u64), "product", &here, "page");
        page(&VendorPage { frame, facts: &facts, rows, pager })
    })
    .await
}

/// Products that are alike in what is sorted by stand by name, whatever the direction.
fn order(entries: &mut [Entry<'_>], by: CatalogueSort, direction: Direction) {
    entries.sort_by_cached_key(|entry| (entry.name.to_lowercase(), entry.id.to_owned()));
    let turned = |order: Ordering| if direction == Direction::Descending { order.reverse() } else { order };
    match by {
        CatalogueSort::Name if direction == Direction::Descending => entries.reverse(),
        CatalogueSort::Name => {}
        CatalogueSort::Vendor => {
            entries.sort_by(|a, b| turned(a.vendor.to_lowercase().cmp(&b.vendor.to_lowercase())));
        }
        CatalogueSort::Category => {
            entries.sort_by(|a, b| turned(a.category.cmp(&b.category)));
        }
        CatalogueSort::Confidence => entries.sort_by(|a, b| turned(a.confidence.cmp(&b.confidence))),
        CatalogueSort::Checked => entries.sort_by(|a, b| turned(a.last_checked.cmp(&b.last_checked))),
    }
}
