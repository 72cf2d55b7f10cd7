//! `/assets` and `/assets/{id}`.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use umbrascope_api::Day;

use super::{kept_order, page};
use crate::model::{Access, AssetDetail, AssetFilter, AssetId, Deed, Looked, PageRequest, Role};
use crate::store::StoreError;
use crate::web::blind::SensorView;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::glance::Glance;
use crate::web::guard::Reader;
use crate::web::list::{Column, ListQuery, PAGE_ROWS, Pager, Select, page_number, rows_of, slice_of};
use crate::web::pages::{ASSET_SORTS, AssetPage, AssetsPage, ProductOnAsset};
use crate::web::url::Address;
use crate::web::{WebState, blocking};

/// Every asset.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadMachines)?;
    let all = AssetFilter { within: reader.user.grants.within(Deed::ReadMachines), ..AssetFilter::default() };
    let filter = AssetFilter { search: query.search(), unit: query.unit()?, ..all.clone() };
    let sort = query.sort(ASSET_SORTS)?;
    let number = page_number(&query.page)?;
    let (now_ms, asked, every) = (reader.now_ms, filter.clone(), all.clone());
    let (assets, everything, units) = blocking(move || {
        let store = &state.app.store;
        let (key, direction) = (ASSET_SORTS[sort.0].key, sort.1);
        let assets = store.assets(&asked, key, direction, rows_of(number), now_ms)?;
        let everything = if asked == every {
            assets.total
        } else {
            store.assets(&every, key, direction, PageRequest { offset: 0, limit: 1 }, now_ms)?.total
        };
        Ok::<_, StoreError>((assets, everything, store.units()?))
    })
    .await?;

    let here = Address::new("/assets")
        .with("q", filter.search.as_str())
        .with("unit", query.unit.as_str())
        .with("sort", query.sort.as_str())
        .with("dir", query.dir.as_str());
    page(&AssetsPage {
        frame: reader.frame(Here::Assets, None),
        everything,
        selects: vec![Select::units(&units, filter.unit)],
        kept: kept_order(&query),
        filtered: filter != all,
        search: filter.search,
        columns: Column::all(ASSET_SORTS, &[1, 0, 2], sort, &here),
        pager: Pager::new((number, assets.rows.len(), assets.total), "asset", &here, "page"),
        rows: assets.rows,
    })
}

/// One asset, and a note of who read about it. What was found on it is for who triages.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadMachines)?;
    let number = page_number(&query.page)?;
    let asset_id = AssetId(id.parse().map_err(|_| WebError::NotFound("asset"))?);
    let today = Day::from_unix_ms(reader.now_ms);
    let known = state.app.catalogue.known();
    let catalogue = known.catalogue().version();
    let asset = read(&state, &reader, asset_id, today).await?;
    let findings = reader.may_read(Deed::ReadFindings, &[asset.row.unit_id]);
    let asks = |role: &Role| reader.user.grants.hold(*role, &[asset.row.unit_id]);
    let proposes = [Role::Analyst, Role::Reviewer].iter().any(asks);
    let (governance, now_ms) = (state.app.governance.clone(), reader.now_ms);
    let asks = proposes && blocking(move || governance.reidentification(now_ms)).await?.on.is_some();

    let here = Address::new(format!("/assets/{}", asset_id.0));
    let products: Vec<_> =
        slice_of(&asset.products, number, PAGE_ROWS).iter().map(ProductOnAsset::from).collect();
    page(&AssetPage {
        frame: reader.frame(Here::Assets, None),
        row: &asset.row,
        findings,
        asks,
        glance: Glance::of(&asset.products),
        pager: Pager::new((number, products.len(), asset.products.len() as u64), "product", &here, "page"),
        products,
        sensors: asset.sensors.iter().map(|sensor| SensorView::of(sensor, catalogue)).collect(),
    })
}

/// One asset for somebody who may read about it, and a note that they did. It is not there for others; what was found on it is
/// left out for who does not triage, and so is the account, for everybody.
pub(crate) async fn read(
    state: &WebState,
    reader: &Reader,
    id: AssetId,
    today: Day,
) -> Result<AssetDetail, WebError> {
    let (app, now_ms, person) = (state.app.clone(), reader.now_ms, reader.user.id);
    let (grants, here) = (reader.user.grants.clone(), Deed::ReadMachines);
    let asset = blocking(move || {
        let found = app.store.asset(id, today, now_ms)?;
        let found = found.filter(|asset| grants.access(here, &[asset.row.unit_id]) >= Access::Read);
        if found.is_some() {
            app.people.note_reading(person, Looked::Asset(id), now_ms)?;
        }
        Ok::<_, StoreError>(found)
    });
    let mut asset = asset.await?.ok_or(WebError::NotFound("asset"))?;
    if !reader.may_read(Deed::ReadFindings, &[asset.row.unit_id]) {
        asset.products.clear();
    }
    for item in asset.products.iter_mut().flat_map(|product| product.items.iter_mut()) {
        item.account = None;
    }
    Ok(asset)
}
