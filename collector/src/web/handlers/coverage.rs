//! `/coverage`.

use axum::extract::{Query, State};
use axum::response::Response;

use super::page;
use crate::model::{Deed, Page};
use crate::store::StoreError;
use crate::web::blind::SensorView;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::guard::Reader;
use crate::web::list::{ListQuery, Pager, page_number, rows_of};
use crate::web::pages::CoveragePage;
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// What the fleet could see and what it could not.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let number = page_number(&query.page)?;
    // Sensors go by the names of their machines.
    let (now_ms, whole) = (reader.now_ms, reader.may_read(Deed::ReadMachines, &[]));
    let known = state.app.catalogue.known();
    let catalogue = known.catalogue().version();
    let (totals, coverage, share) = blocking(move || {
        let store = &state.app.store;
        let empty = Page { rows: Vec::new(), total: 0 };
        let rows = if whole { store.coverage(rows_of(number), now_ms)? } else { empty };
        let share = state.app.governance.coverage_record(now_ms)?.share();
        Ok::<_, StoreError>((store.coverage_totals(now_ms)?, rows, share))
    })
    .await?;
    let pager = (number, coverage.rows.len(), coverage.total);
    page(&CoveragePage {
        frame: reader.frame(Here::Coverage, None),
        totals,
        share,
        whole,
        sensors: coverage.rows.iter().map(|row| SensorView::of(&row.sensor, catalogue)).collect(),
        pager: Pager::new(pager, "sensor", &Address::new("/coverage"), "page"),
    })
}
