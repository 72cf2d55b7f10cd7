//! `/products` and `/products/{id}`.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use umbrascope_api::Day;

use super::{kept_order, page};
use crate::anonymity::series;
use crate::model::{Deed, ProductFilter};
use crate::store::StoreError;
use crate::web::error::WebError;
use crate::web::frame::Here;
use crate::web::glance::facts;
use crate::web::guard::Reader;
use crate::web::language::t;
use crate::web::list::{
    Choice, Column, EVIDENCE_ROWS, ListQuery, PAGE_ROWS, Pager, Select, page_number, rows_of, slice_of,
};
use crate::web::pages::{PRODUCT_SORTS, ProductPage, ProductsPage, asset_bars};
use crate::web::url::{Address, encode};
use crate::web::{WebState, blocking};

/// Days of the chart over the fleet.
const FLEET_DAYS: u32 = 30;

/// Every product seen.
pub(crate) async fn list(
    State(state): State<WebState>,
    reader: Reader,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let filter = ProductFilter {
        search: query.search(),
        kind: query.kind()?,
        channel: query.channel(),
        confidence: query.confidence()?,
        unit: query.unit()?,
        newer_than: None,
        least: 0,
    };
    let since_look = match query.new.as_str() {
        "" => false,
        "since-last-look" => true,
        other => return Err(WebError::unknown_choice("new", other)),
    };
    let sort = query.sort(PRODUCT_SORTS)?;
    let number = page_number(&query.page)?;
    let (today, asked) = (Day::from_unix_ms(reader.now_ms), filter.clone());
    let by = reader.clone();
    let (least, (totals, days, units, products)) = blocking(move || {
        let store = &state.app.store;
        let least = by.least(&state.app)?;
        let newer_than = match since_look {
            true => Some(state.app.people.last_look(by.user.id)?.product),
            false => None,
        };
        let asked = ProductFilter { least, newer_than, ..asked };
        Ok::<_, StoreError>((
            least,
            (
                by.totals(&state.app)?,
                series(store.fleet_days(today, FLEET_DAYS)?, |day| day.assets, least),
                store.units()?,
                store.products(&asked, PRODUCT_SORTS[sort.0].key, sort.1, rows_of(number), today)?,
            ),
        ))
    })
    .await?;

    let here = Address::new("/products")
        .with("q", filter.search.as_str())
        .with("kind", query.kind.as_str())
        .with("channel", query.channel.as_str())
        .with("confidence", query.confidence.as_str())
        .with("unit", query.unit.as_str())
        .with("new", query.new.as_str())
        .with("sort", query.sort.as_str())
        .with("dir", query.dir.as_str());
    page(&ProductsPage {
        frame: reader.frame(Here::Products, None),
        totals,
        chart: asset_bars(t("Assets that showed AI, by day"), &days, today),
        days,
        selects: vec![
            Select::kinds(filter.kind),
            Select::channels(filter.channel.as_ref()),
            Select::confidences(filter.confidence),
            Select::units(&units, filter.unit),
            Select {
                name: "new",
                label: "New",
                all: "Any time",
                options: vec![Choice {
                    value: "since-last-look".to_owned(),
                    label: t("Since I last looked").to_owned(),
                    chosen: since_look,
                }],
            },
        ],
        kept: kept_order(&query),
        filtered: since_look || filter != ProductFilter::default(),
        search: filter.search,
        columns: Column::all(PRODUCT_SORTS, &[1, 2, 3, 0, 4, 5], sort, &here),
        pager: Pager::new((number, products.rows.len(), products.total), "product", &here, "page"),
        rows: products.rows.into_iter().map(|row| row.at_least(least)).collect(),
        least,
    })
}

/// One product.
pub(crate) async fn one(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (evidence_page, asset_page) = (page_number(&query.evidence)?, page_number(&query.assets)?);
    let today = Day::from_unix_ms(reader.now_ms);
    let asked = id.clone();
    let by = reader.clone();
    let (product, least) = blocking(move || {
        Ok::<_, StoreError>((state.app.store.product(&asked, today)?, by.least(&state.app)?))
    })
    .await?;
    let product = reader.without_hidden_assets(product.ok_or(WebError::NotFound("product"))?, least);

    let here = Address::new(format!("/products/{}", encode(&id)))
        .with("evidence", query.evidence.as_str())
        .with("assets", query.assets.as_str());
    let evidence = slice_of(&product.evidence, evidence_page, EVIDENCE_ROWS);
    let assets = slice_of(&product.assets, asset_page, PAGE_ROWS);
    page(&ProductPage {
        frame: reader.frame(Here::Products, None),
        row: &product.row,
        facts: facts(&product.evidence, product.row.assets, least),
        chart: asset_bars(t("Assets by day"), &product.days, today),
        evidence,
        evidence_pager: Pager::of_rows(
            EVIDENCE_ROWS,
            (evidence_page, evidence.len(), product.evidence.len() as u64),
            "piece",
            &here,
            "evidence",
        ),
        assets,
        asset_pager: Pager::new(
            (asset_page, assets.len(), product.assets.len() as u64),
            "asset",
            &here,
            "assets",
        ),
        whole: reader.may_read(Deed::ReadFindings, &[]),
        product: &product,
        least,
    })
}
