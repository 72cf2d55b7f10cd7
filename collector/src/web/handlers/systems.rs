//! `/inventory`.

use axum::extract::{Query, State};
use axum::response::Response;

use super::record::{review_class, sanction_class, scope_class};
use super::{bulk, kept_order, page};
use crate::model::{Deed, PageRequest, SystemFilter};
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::list::{Column, ListQuery, Pager, page_number, rows_of};
use crate::web::names::Names;
use crate::web::narrow::SystemQuery;
use crate::web::pages::{SYSTEM_SORTS, SystemView, SystemsPage};
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
    let filter = narrowed.filter(query.search(), &query.kind, reader.user.id)?;
    let sort = query.sort(SYSTEM_SORTS)?;
    let number = page_number(&query.page)?;
    let asked = filter.clone();
    let by = reader.clone();
    let (systems, everything, units, names, limits, least) = blocking(move || {
        let store = &state.app.store;
        let (key, direction) = (SYSTEM_SORTS[sort.0].key, sort.1);
        let (sight, least) = (by.sight(&state.app)?, by.least(&state.app)?);
        let all = SystemFilter { sight: sight.clone(), least, ..SystemFilter::default() };
        let asked = SystemFilter { sight, least, ..asked };
        let systems = store.systems(&asked, key, direction, rows_of(number))?;
        let everything = if asked == all {
            systems.total
        } else {
            store.systems(&all, key, direction, PageRequest { offset: 0, limit: 1 })?.total
        };
        let owners = systems.rows.iter().filter_map(|row| row.owner).collect();
        let names = Names::load(&state.app, &owners)?;
        let limits = state.app.governance.limits()?;
        Ok::<_, StoreError>((systems, everything, state.app.people.all_units()?, names, limits, least))
    })
    .await?;

    let here = Address::new("/inventory").with("q", filter.search.as_str()).with("kind", query.kind.as_str());
    let here = narrowed.onto(&here).with("sort", query.sort.as_str()).with("dir", query.dir.as_str());
    let rows = systems.rows.into_iter().map(|row| SystemView {
        owner: row.owner.map(|owner| names.person(owner)),
        review: review_class(row.review),
        sanction: sanction_class(row.sanction),
        scope: scope_class(row.scope),
        row,
    });
    let rows: Vec<SystemView> = rows.collect();
    page(&SystemsPage {
        moves: if reader.changes_records() { bulk::moves(&reader) } else { Vec::new() },
        most: limits.bulk_records,
        here: here.href(),
        frame: reader.frame(Here::Inventory, None),
        everything,
        selects: narrowed.selects(&query.kind, &units),
        units,
        kept: kept_order(&query),
        filtered: filter != SystemFilter::default(),
        search: filter.search,
        columns: Column::all(SYSTEM_SORTS, &[1, 4, 0, 3], sort, &here),
        pager: Pager::new((number, rows.len(), systems.total), "system", &here, "page"),
        rows,
        least,
    })
}
