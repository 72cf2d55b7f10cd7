//! What the catalogue covers, and one vendor of it.

use askama::Template;
use umbrascope_rules::Date;
use umbrascope_rules::index::{Entry, Totals};

use super::{Frame, filters};
use crate::model::{Direction, VendorFacts};
use crate::web::list::{Column, Pager, Select, SortKey};

/// What products of the catalogue are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CatalogueSort {
    /// Name.
    Name,
    /// Vendor, then name.
    Vendor,
    /// Category, then name.
    Category,
    /// The surest rule, then name.
    Confidence,
    /// The last day that a source was read, then name.
    Checked,
}

/// The ways to sort products of the catalogue.
pub(crate) const CATALOGUE_SORTS: &[SortKey<CatalogueSort>] = &[
    SortKey {
        name: "category",
        key: CatalogueSort::Category,
        label: "Category",
        number: false,
        first: Direction::Ascending,
    },
    SortKey {
        name: "name",
        key: CatalogueSort::Name,
        label: "Product",
        number: false,
        first: Direction::Ascending,
    },
    SortKey {
        name: "vendor",
        key: CatalogueSort::Vendor,
        label: "Vendor",
        number: false,
        first: Direction::Ascending,
    },
    SortKey {
        name: "confidence",
        key: CatalogueSort::Confidence,
        label: "Confidence",
        number: false,
        first: Direction::Descending,
    },
    SortKey {
        name: "checked",
        key: CatalogueSort::Checked,
        label: "Last read",
        number: false,
        first: Direction::Descending,
    },
];

/// What the catalogue covers.
#[derive(Debug, Template)]
#[template(path = "catalogue.html")]
pub(crate) struct CataloguePage<'a> {
    /// The frame.
    pub(crate) frame: Frame,
    /// Version of the catalogue.
    pub(crate) version: &'a str,
    /// The day it was published.
    pub(crate) date: Date,
    /// Of the whole.
    pub(crate) totals: Totals,
    /// Words searched for.
    pub(crate) search: String,
    /// Filters.
    pub(crate) selects: Vec<Select>,
    /// What the search form carries on: the sort order.
    pub(crate) kept: Vec<(&'static str, String)>,
    /// Whether anything is filtered.
    pub(crate) filtered: bool,
    /// Product, Vendor, Category, Confidence, Last read.
    pub(crate) columns: Vec<Column>,
    /// The rows.
    pub(crate) rows: &'a [Entry<'a>],
    /// The foot.
    pub(crate) pager: Pager,
}

/// One vendor: what sources say of it, and its products.
#[derive(Debug, Template)]
#[template(path = "vendor.html")]
pub(crate) struct VendorPage<'a> {
    /// The frame.
    pub(crate) frame: Frame,
    /// What sources say.
    pub(crate) facts: &'a VendorFacts,
    /// Its products that stand on this page.
    pub(crate) rows: &'a [Entry<'a>],
    /// The foot.
    pub(crate) pager: Pager,
}
