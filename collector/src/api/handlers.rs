//! One function a resource: ask the store on a blocking thread, turn the records into JSON.

use axum::Json;
use axum::extract::{Path, State};
use umbrascope_api::Day;

use super::fleet_types::{Asset, AssetWhole, CoverageList, Sensor, Token, Unit};
use super::request::{Params, Rows, page_of};
use super::types::{AiSystem, List, Problem, Product, ProductWhole, Totals};
use crate::model::{AssetFilter, AssetId, Deed, Page, ProductFilter, SystemFilter};
use crate::store::StoreError;
use crate::web::{
    ASSET_SORTS, ListQuery, PRODUCT_SORTS, Reader, SYSTEM_SORTS, SystemQuery, WebError, WebState, blocking,
    read_asset,
};

/// Numbers over the fleet.
#[utoipa::path(get, path = "/api/v1/totals", responses(
    (status = 200, body = Totals), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn totals(State(state): State<WebState>, reader: Reader) -> Result<Json<Totals>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (totals, least) =
        blocking(move || Ok::<_, StoreError>((reader.totals(&state.app)?, reader.least(&state.app)?)))
            .await?;
    Ok(Json(Totals::from(totals).at_least(least)))
}

/// Products seen.
#[utoipa::path(get, path = "/api/v1/products",
    params(
        ("q" = Option<String>, Query, description = "Words that stand in name or vendor"),
        ("kind" = Option<String>, Query, description = "service, application, extension, library, runtime, model, mcp-server or agent"),
        ("channel" = Option<String>, Query, description = "Known by this channel"),
        ("confidence" = Option<String>, Query, description = "At least high, medium, low or suspect"),
        ("unit" = Option<i64>, Query, description = "Number of a unit"),
        ("sort" = Option<String>, Query, description = "assets (default), name, vendor, confidence, first or last"),
        ("dir" = Option<String>, Query, description = "asc or desc"),
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<Product>),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn products(
    State(state): State<WebState>,
    reader: Reader,
    Params(query): Params<ListQuery>,
    Params(rows): Params<Rows>,
) -> Result<Json<List<Product>>, WebError> {
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
    let (key, direction) = query.sort(PRODUCT_SORTS)?;
    let (number, page) = page_of(&rows)?;
    let today = Day::from_unix_ms(reader.now_ms);
    let (found, least) = blocking(move || {
        let least = reader.least(&state.app)?;
        let filter = ProductFilter { least, ..filter };
        let found = state.app.store.products(&filter, PRODUCT_SORTS[key].key, direction, page, today)?;
        Ok::<_, StoreError>((found, least))
    })
    .await?;
    let mut list: List<Product> = List::of(found, number, page);
    list.rows = list.rows.into_iter().map(|row| row.at_least(least)).collect();
    Ok(Json(list))
}

/// One product with its evidence and its assets.
#[utoipa::path(get, path = "/api/v1/products/{id}",
    params(("id" = String, Path, description = "Id of the catalogue, such as openai.chatgpt")),
    responses((status = 200, body = ProductWhole),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn product(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<ProductWhole>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let today = Day::from_unix_ms(reader.now_ms);
    let by = reader.clone();
    let (product, least) =
        blocking(move || Ok::<_, StoreError>((state.app.store.product(&id, today)?, by.least(&state.app)?)))
            .await?;
    let product = product.ok_or(WebError::NotFound("product"))?;
    Ok(Json(ProductWhole::from(reader.without_hidden_assets(product, least)).at_least(least)))
}

/// The inventory of AI systems.
#[utoipa::path(get, path = "/api/v1/systems",
    params(
        ("q" = Option<String>, Query, description = "Words that stand in name, reference, labels or vendor"),
        ("kind" = Option<String>, Query, description = "Kind of system"),
        ("review" = Option<String>, Query, description = "How far people are; `pending`: neither decided nor dismissed"),
        ("sanction" = Option<String>, Query, description = "What was decided"),
        ("scope" = Option<String>, Query, description = "undetermined, in or out"),
        ("tier" = Option<String>, Query, description = "Risk tier"),
        ("stage" = Option<String>, Query, description = "Stage of its life"),
        ("observed" = Option<String>, Query, description = "never, active, quiet or gone"),
        ("owner" = Option<String>, Query, description = "Number of a person, or `mine`"),
        ("requested" = Option<String>, Query, description = "yes: something is asked for; no"),
        ("unit" = Option<i64>, Query, description = "Number of a unit"),
        ("sort" = Option<String>, Query, description = "assets (default), name, first, last or review"),
        ("dir" = Option<String>, Query, description = "asc or desc"),
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<AiSystem>),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn systems(
    State(state): State<WebState>,
    reader: Reader,
    Params(query): Params<ListQuery>,
    Params(asked): Params<SystemQuery>,
    Params(rows): Params<Rows>,
) -> Result<Json<List<AiSystem>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let filter = asked.filter(query.search(), &query.kind, reader.user.id)?;
    let (key, direction) = query.sort(SYSTEM_SORTS)?;
    let (number, page) = page_of(&rows)?;
    let (found, least) = blocking(move || {
        let (sight, least) = (reader.sight(&state.app)?, reader.least(&state.app)?);
        let filter = SystemFilter { sight, least, ..filter };
        Ok::<_, StoreError>((
            state.app.store.systems(&filter, SYSTEM_SORTS[key].key, direction, page)?,
            least,
        ))
    })
    .await?;
    let mut list: List<AiSystem> = List::of(found, number, page);
    list.rows = list.rows.into_iter().map(|row| row.at_least(least)).collect();
    Ok(Json(list))
}

/// Machines.
#[utoipa::path(get, path = "/api/v1/assets",
    params(
        ("q" = Option<String>, Query, description = "Words that stand in host name or operating system"),
        ("unit" = Option<i64>, Query, description = "Number of a unit"),
        ("sort" = Option<String>, Query, description = "products (default), name or report"),
        ("dir" = Option<String>, Query, description = "asc or desc"),
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = List<Asset>),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn assets(
    State(state): State<WebState>,
    reader: Reader,
    Params(query): Params<ListQuery>,
    Params(rows): Params<Rows>,
) -> Result<Json<List<Asset>>, WebError> {
    reader.must_read(Deed::ReadMachines)?;
    let within = reader.user.grants.within(Deed::ReadMachines);
    let filter =
        AssetFilter { search: query.search(), unit: query.unit()?, within, ..AssetFilter::default() };
    let (key, direction) = query.sort(ASSET_SORTS)?;
    let (number, page) = page_of(&rows)?;
    let now_ms = reader.now_ms;
    let found =
        blocking(move || state.app.store.assets(&filter, ASSET_SORTS[key].key, direction, page, now_ms))
            .await?;
    Ok(Json(List::of(found, number, page)))
}

/// One machine with its sensors and, for who triages, its products and their evidence. That it was read is recorded.
#[utoipa::path(get, path = "/api/v1/assets/{id}",
    params(("id" = i64, Path, description = "Number of the asset")),
    responses((status = 200, body = AssetWhole),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn asset(
    State(state): State<WebState>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<AssetWhole>, WebError> {
    let id = AssetId(id.parse().map_err(|_| WebError::NotFound("asset"))?);
    reader.must_read(Deed::ReadMachines)?;
    let asset = read_asset(&state, &reader, id, Day::from_unix_ms(reader.now_ms)).await?;
    Ok(Json(asset.into()))
}

/// What the fleet could see and what it could not: sums and, for who may read about machines, sensors with the worst first.
#[utoipa::path(get, path = "/api/v1/coverage",
    params(
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000, description = "From 1"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Rows of a page; 100 where nothing is said")),
    responses((status = 200, body = CoverageList),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn coverage(
    State(state): State<WebState>,
    reader: Reader,
    Params(rows): Params<Rows>,
) -> Result<Json<CoverageList>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let (number, page) = page_of(&rows)?;
    let (now_ms, whole) = (reader.now_ms, reader.may_read(Deed::ReadMachines, &[]));
    let (totals, found) = blocking(move || {
        let store = &state.app.store;
        // Sensors go by the names of their machines.
        let found = if whole { store.coverage(page, now_ms)? } else { Page { rows: Vec::new(), total: 0 } };
        Ok::<_, StoreError>((store.coverage_totals(now_ms)?, found))
    })
    .await?;
    Ok(Json(CoverageList { totals: totals.into(), sensors: List::<Sensor>::of(found, number, page) }))
}

/// Units.
#[utoipa::path(get, path = "/api/v1/units", responses(
    (status = 200, body = Vec<Unit>), (status = 401, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn units(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<Vec<Unit>>, WebError> {
    reader.must_read(Deed::ReadInventory)?;
    let by = reader.clone();
    let (units, least) =
        blocking(move || Ok::<_, StoreError>((state.app.store.units()?, by.least(&state.app)?))).await?;
    let told = reader.told_machines(&units, least);
    let units = units.into_iter().zip(told).map(|(unit, assets)| Unit { assets, ..Unit::from(unit) });
    Ok(Json(units.collect()))
}

/// Enrolment tokens, without their secrets. For who deploys and who administers.
#[utoipa::path(get, path = "/api/v1/tokens", responses(
    (status = 200, body = Vec<Token>),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn tokens(
    State(state): State<WebState>,
    reader: Reader,
) -> Result<Json<Vec<Token>>, WebError> {
    reader.must_read(Deed::Enrol)?;
    let now_ms = reader.now_ms;
    let within = reader.user.grants.within(Deed::Enrol);
    let tokens = blocking(move || state.app.store.tokens(within.as_deref(), now_ms)).await?;
    Ok(Json(tokens.into_iter().map(Token::from).collect()))
}
