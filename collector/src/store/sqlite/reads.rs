//! [`Reads`] over SQLite: each method one consistent state of the database.

use umbrascope_api::Day;

use super::products::Knowledge;
use super::{SqliteStore, assets, identity, people, products, systems};
use crate::model::{
    AiSystemRow, AssetDetail, AssetFilter, AssetId, AssetRow, AssetSort, CoverageRow, CoverageTotals,
    DayCount, Direction, Page, PageRequest, ProductDetail, ProductFilter, ProductRow, ProductSort,
    SystemFilter, SystemSort, TokenRow, Totals, UnitRow,
};
use crate::store::{Reads, StoreError};

impl Reads for SqliteStore {
    fn totals(&self, today: Day, now_ms: i64) -> Result<Totals, StoreError> {
        self.readers.with("sum up the fleet", |connection| assets::totals(connection, today, now_ms))
    }

    fn fleet_days(&self, today: Day, days: u32) -> Result<Vec<DayCount>, StoreError> {
        self.readers.with("list the days", |connection| products::fleet_days(connection, today, days))
    }

    fn products(
        &self,
        filter: &ProductFilter,
        sort: ProductSort,
        direction: Direction,
        page: PageRequest,
        today: Day,
    ) -> Result<Page<ProductRow>, StoreError> {
        self.readers.with("list the products", |connection| {
            products::products(connection, filter, sort, direction, page, today)
        })
    }

    fn product(&self, id: &str, today: Day) -> Result<Option<ProductDetail>, StoreError> {
        let known = self.known();
        self.readers.with("show a product", |connection| {
            products::product(connection, Knowledge::of(&known), id, today)
        })
    }

    fn systems(
        &self,
        filter: &SystemFilter,
        sort: SystemSort,
        direction: Direction,
        page: PageRequest,
    ) -> Result<Page<AiSystemRow>, StoreError> {
        self.readers
            .with("list the inventory", |connection| systems::list(connection, filter, sort, direction, page))
    }

    fn assets(
        &self,
        filter: &AssetFilter,
        sort: AssetSort,
        direction: Direction,
        page: PageRequest,
        now_ms: i64,
    ) -> Result<Page<AssetRow>, StoreError> {
        self.readers.with("list the assets", |connection| {
            assets::assets(connection, filter, sort, direction, page, now_ms)
        })
    }

    fn asset(&self, id: AssetId, today: Day, now_ms: i64) -> Result<Option<AssetDetail>, StoreError> {
        let known = self.known();
        self.readers.with("show an asset", |connection| {
            assets::asset(connection, Knowledge::of(&known), id, today, now_ms)
        })
    }

    fn coverage(&self, page: PageRequest, now_ms: i64) -> Result<Page<CoverageRow>, StoreError> {
        self.readers.with("list the sensors", |connection| assets::coverage(connection, page, now_ms))
    }

    fn coverage_totals(&self, now_ms: i64) -> Result<CoverageTotals, StoreError> {
        self.told_totals(now_ms)
    }

    fn units(&self) -> Result<Vec<UnitRow>, StoreError> {
        self.readers.with("list the units", people::units)
    }

    fn tokens(&self, within: Option<&[i64]>, now_ms: i64) -> Result<Vec<TokenRow>, StoreError> {
        self.readers.with("list the tokens", |connection| identity::tokens(connection, within, now_ms))
    }
}
