//! Products, and one product.

use askama::Template;
use umbrascope_api::Day;

use super::{Frame, filters};
use crate::model::{
    DayCount, Direction, EvidenceRow, ProductAsset, ProductDetail, ProductRow, ProductSort, Totals,
};
use crate::web::chart::DayBars;
use crate::web::glance::Fact;
use crate::web::list::{Column, Pager, Select, SortKey};

/// The ways to sort products.
pub(crate) const PRODUCT_SORTS: &[SortKey<ProductSort>] = &[
    SortKey {
        name: "assets",
        key: ProductSort::Assets,
        label: "Assets",
        number: true,
        first: Direction::Descending,
    },
    SortKey {
        name: "name",
        key: ProductSort::Name,
        label: "Product",
        number: false,
        first: Direction::Ascending,
    },
    SortKey {
        name: "vendor",
        key: ProductSort::Vendor,
        label: "Vendor",
        number: false,
        first: Direction::Ascending,
    },
    SortKey {
        name: "confidence",
        key: ProductSort::Confidence,
        label: "Confidence",
        number: false,
        first: Direction::Descending,
    },
    SortKey {
        name: "first",
        key: ProductSort::FirstSeen,
        label: "First seen",
        number: false,
        first: Direction::Descending,
    },
    SortKey {
        name: "last",
        key: ProductSort::LastSeen,
        label: "Last seen",
        number: false,
        first: Direction::Descending,
    },
];

/// Every product seen.
#[derive(Debug, Template)]
#[template(path = "products.html")]
pub(crate) struct ProductsPage<'a> {
    /// The frame.
    pub(crate) frame: Frame,
    /// Numbers at the head.
    pub(crate) totals: Totals,
    /// The fleet, day by day.
    pub(crate) chart: DayBars<'a>,
    /// The numbers behind the chart, oldest first.
    pub(crate) days: Vec<DayCount>,
    /// Words searched for.
    pub(crate) search: String,
    /// Filters.
    pub(crate) selects: Vec<Select>,
    /// What the search form carries on: the sort order.
    pub(crate) kept: Vec<(&'static str, String)>,
    /// Whether anything is filtered.
    pub(crate) filtered: bool,
    /// Product, Vendor, Confidence, Assets, First seen, Last seen.
    pub(crate) columns: Vec<Column>,
    /// The smallest number that is told to the reader.
    pub(crate) least: u64,
    /// The rows.
    pub(crate) rows: Vec<ProductRow>,
    /// The foot.
    pub(crate) pager: Pager,
}

/// One product.
#[derive(Debug, Template)]
#[template(path = "product.html")]
pub(crate) struct ProductPage<'a> {
    /// The smallest number that is told to the reader.
    pub(crate) least: u64,
    /// Whether the reader sees on which machines it was found, everywhere.
    pub(crate) whole: bool,
    /// The frame.
    pub(crate) frame: Frame,
    /// Its line of the list.
    pub(crate) row: &'a ProductRow,
    /// All that is known.
    pub(crate) product: &'a ProductDetail,
    /// Its assets, day by day.
    pub(crate) chart: DayBars<'a>,
    /// What scans say of it on all machines together.
    pub(crate) facts: Vec<Fact<'a>>,
    /// The evidence on this page of it.
    pub(crate) evidence: &'a [EvidenceRow],
    /// The foot of the evidence.
    pub(crate) evidence_pager: Pager,
    /// The assets on this page of them.
    pub(crate) assets: &'a [ProductAsset],
    /// The foot of the assets.
    pub(crate) asset_pager: Pager,
}

impl ProductPage<'_> {
    /// Whether the sightings of a piece may be told: there are at least as many as assets, so that few tell of few.
    pub(crate) fn counts(&self, piece: &EvidenceRow) -> bool {
        crate::anonymity::part(self.row.assets, piece.assets, self.least).is_some()
    }
}

/// Assets a day as a chart.
pub(crate) fn asset_bars<'a>(title: &'a str, days: &[DayCount], today: Day) -> DayBars<'a> {
    let days = days.iter().map(|day| (day.day, day.assets)).collect();
    DayBars { title, noun: "asset", days, today, id: "days" }
}
