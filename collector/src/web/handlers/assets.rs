//! `/assets` and `/assets/{id}`.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use umbrascope_api::Day;

use super::{kept_order, page};
use crate::model::{AssetFilter, AssetId, PageRequest};
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
    let filter = AssetFilter { search: query.search(), unit: query.unit()? };
    let sort = query.sort(ASSET_SORTS)?;
    let number = page_number(&query.page)?;
    let (now_ms, asked) = (reader.now_ms, filter.clone());
    let (assets, everything, units) = blocking(move || {
        let store = &state.app.store;
        let (key, direction) = (ASSET_SORTS[sort.0].key, sort.1);
        let assets = store.assets(&asked, key, direction, rows_of(number), now_ms)?;
        let everything = if asked == AssetFilter::default() {
            assets.total
        } else {
            store
                .assets(&AssetFilter::default(), key, direction, PageRequest { offset: 0, limit: 1 }, now_ms)?
                .total
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
        filtered: filter != AssetFilter::default(),
        search: filter.search,
        columns: Column::all(ASSET_SORTS, &[1, 0, 2], sort, &here),
        pager: Pager::new((number, assets.rows.len(), assets.total), "asset", &here, "page"),
        rows: assets.rows,
    })
}

/// One asset.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    let number = page_number(&query.page)?;
    let asset_id = AssetId(id.parse().map_err(|_| WebError::NotFound("asset"))?);
    let (today, now_ms) = (Day::from_unix_ms(reader.now_ms), reader.now_ms);
    let known = state.app.catalogue.known();
    let catalogue = known.catalogue().version();
    let asset = blocking(move || state.app.store.asset(asset_id, today, now_ms)).await?;
    let asset = asset.ok_or(WebError::NotFound("asset"))?;

    let here = Address::new(format!("/assets/{}", asset_id.0));
    let products: Vec<_> =
        slice_of(&asset.products, number, PAGE_ROWS).iter().map(ProductOnAsset::from).collect();
    page(&AssetPage {
        frame: reader.frame(Here::Assets, None),
        row: &asset.row,
        glance: Glance::of(&asset.products),
        pager: Pager::new((number, products.len(), asset.products.len() as u64), "product", &here, "page"),
        products,
        sensors: asset.sensors.iter().map(|sensor| SensorView::of(sensor, catalogue)).collect(),
    })
}
