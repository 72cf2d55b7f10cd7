//! `/inventory`.

use axum::extract::{Query, State};
use axum::response::Response;

use super::{kept_order, page};
use crate::model::{Deed, PageRequest, SystemFilter};
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::list::{Column, ListQuery, Pager, page_number, rows_of};
use crate::web::narrow::SystemQuery;
use crate::web::pages::{SYSTEM_SORTS, SystemsPage};
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// Every AI system.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
    Query(narrowed): Query<SystemQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let filter = narrowed.filter(query.search(), &query.kind)?;
    let sort = query.sort(SYSTEM_SORTS)?;
    let number = page_number(&query.page)?;
    let asked = filter.clone();
    let by = reader.clone();
    let (systems, everything, least) = blocking(move || {
        let store = &state.app.store;
        let (key, direction) = (SYSTEM_SORTS[sort.0].key, sort.1);
        let systems = store.systems(&asked, key, direction, rows_of(number))?;
        let everything = if asked == SystemFilter::default() {
            systems.total
        } else {
            store
                .systems(&SystemFilter::default(), key, direction, PageRequest { offset: 0, limit: 1 })?
                .total
        };
        Ok::<_, StoreError>((systems, everything, by.least(&state.app)?))
    })
    .await?;

    let here = Address::new("/inventory")
        .with("q", filter.search.as_str())
        .with("kind", query.kind.as_str())
        .with("review", narrowed.review.as_str())
        .with("sanction", narrowed.sanction.as_str())
        .with("scope", narrowed.scope.as_str())
        .with("tier", narrowed.tier.as_str())
        .with("sort", query.sort.as_str())
        .with("dir", query.dir.as_str());
    page(&SystemsPage {
        frame: reader.frame(Here::Inventory, None),
        everything,
        selects: narrowed.selects(&query.kind),
        kept: kept_order(&query),
        filtered: filter != SystemFilter::default(),
        search: filter.search,
        columns: Column::all(SYSTEM_SORTS, &[1, 0, 2, 3], sort, &here),
        pager: Pager::new((number, systems.rows.len(), systems.total), "system", &here, "page"),
        rows: systems.rows,
        least,
    })
}
