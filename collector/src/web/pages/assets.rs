//! Assets, and one asset.

use askama::Template;

use super::{Frame, filters};
use crate::model::{AssetProduct, AssetRow, AssetSort, Direction, EvidenceRow, ProductRow};
use crate::web::blind::SensorView;
use crate::web::glance::Glance;
use crate::web::list::{Column, Pager, Select, SortKey};

/// The ways to sort assets.
pub(crate) const ASSET_SORTS: &[SortKey<AssetSort>] = &[
    SortKey {
        name: "products",
        key: AssetSort::Products,
        label: "Products",
        number: true,
        first: Direction::Descending,
    },
    SortKey {
        name: "name",
        key: AssetSort::Name,
        label: "Asset",
        number: false,
        first: Direction::Ascending,
    },
    SortKey {
        name: "report",
        key: AssetSort::LastReport,
        label: "Last report",
        number: false,
        first: Direction::Descending,
    },
];

/// Pieces of evidence that one product of an asset shows; the JSON has all of them.
const PIECES: usize = 6;

/// Every asset.
#[derive(Debug, Template)]
#[template(path = "assets.html")]
pub(crate) struct AssetsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Assets without any filter.
    pub(crate) everything: u64,
    /// Words searched for.
    pub(crate) search: String,
    /// Filters.
    pub(crate) selects: Vec<Select>,
    /// What the search form carries on: the sort order.
    pub(crate) kept: Vec<(&'static str, String)>,
    /// Whether anything is filtered.
    pub(crate) filtered: bool,
    /// Asset, Products, Last report.
    pub(crate) columns: Vec<Column>,
    /// The rows.
    pub(crate) rows: Vec<AssetRow>,
    /// The foot.
    pub(crate) pager: Pager,
}

/// One asset.
#[derive(Debug, Template)]
#[template(path = "asset.html")]
pub(crate) struct AssetPage<'a> {
    /// The frame.
    pub(crate) frame: Frame,
    /// Its line of the list.
    pub(crate) row: &'a AssetRow,
    /// Whether the reader sees what was found on it.
    pub(crate) findings: bool,
    /// Whether the reader may ask whose an account on it is.
    pub(crate) asks: bool,
    /// What scans found, in groups.
    pub(crate) glance: Glance<'a>,
    /// The products on this page of them.
    pub(crate) products: Vec<ProductOnAsset<'a>>,
    /// The foot of the products.
    pub(crate) pager: Pager,
    /// Its sensors.
    pub(crate) sensors: Vec<SensorView<'a>>,
}

/// A product with the first pieces of its evidence.
#[derive(Debug)]
pub(crate) struct ProductOnAsset<'a> {
    /// The product, counted for this asset only.
    pub(crate) row: &'a ProductRow,
    /// Evidence, without whose home it was found in.
    pub(crate) pieces: Vec<&'a EvidenceRow>,
    /// Pieces not shown.
    pub(crate) left_out: u64,
}

impl<'a> From<&'a AssetProduct> for ProductOnAsset<'a> {
    fn from(product: &'a AssetProduct) -> Self {
        let items = product.items.iter().map(|item| &item.evidence);
        let all = product.activity.len() + product.items.len();
        Self {
            row: &product.row,
            pieces: product.activity.iter().chain(items).take(PIECES).collect(),
            left_out: all.saturating_sub(PIECES) as u64,
        }
    }
}
