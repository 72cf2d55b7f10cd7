//! Search, filter, sort and paging: the URL of a list page as a type.

use umbrascope_api::Channel;
use umbrascope_rules::{Confidence, ProductKind};

use super::Sight;
use super::record::{Observed, ReviewState, Sanction, Scope, Stage, SystemKind, Tier};

/// Which page of a list. Rows are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Rows to leave out.
    pub offset: u64,
    /// Rows to return, at most [`PageRequest::MAX_LIMIT`].
    pub limit: u32,
}

impl PageRequest {
    /// Most rows on one page.
    pub const MAX_LIMIT: u32 = 500;
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { offset: 0, limit: 50 }
    }
}

/// One page of a list and the size of the whole list under the same filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// How many rows the filter lets through.
    pub total: u64,
}

/// Which way to sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Smallest or oldest first.
    Ascending,
    /// Largest or newest first.
    #[default]
    Descending,
}

/// Which products to list. Empty fields let everything through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductFilter {
    /// Words that must stand in name or vendor, any case.
    pub search: String,
    /// Of this kind only.
    pub kind: Option<ProductKind>,
    /// Known by this channel.
    pub channel: Option<Channel>,
    /// At least this sure.
    pub confidence: Option<Confidence>,
    /// On an asset of this unit.
    pub unit: Option<i64>,
    /// Seen for the first time after the product of this number, which was the newest one then.
    pub newer_than: Option<i64>,
    /// On at least so many assets of that unit; and no order tells apart what fewer assets than these show.
    pub least: u64,
}

/// Order of the product list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProductSort {
    /// By number of assets.
    #[default]
    Assets,
    /// By product name.
    Name,
    /// By vendor name, then product name.
    Vendor,
    /// By confidence.
    Confidence,
    /// By the first day it was seen.
    FirstSeen,
    /// By the last day it was seen.
    LastSeen,
}

/// Which assets to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssetFilter {
    /// Words that must stand in the host name or operating system, any case.
    pub search: String,
    /// How the host name must begin, any case.
    pub begins: String,
    /// Of this unit only.
    pub unit: Option<i64>,
    /// Of these units only: what the reader's roles are limited to.
    pub within: Option<Vec<i64>>,
}

/// Order of the asset list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AssetSort {
    /// By number of products.
    #[default]
    Products,
    /// By host name.
    Name,
    /// By the time of the last report.
    LastReport,
}

/// Which AI systems to list. Empty fields let everything through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SystemFilter {
    /// Words that must stand in name, reference, labels or vendor, any case.
    pub search: String,
    /// Of this kind only.
    pub kind: Option<SystemKind>,
    /// With people so far only.
    pub review: Option<ReviewState>,
    /// Neither decided nor dismissed.
    pub pending: bool,
    /// So decided only, as the decision was recorded.
    pub sanction: Option<Sanction>,
    /// So scoped only.
    pub scope: Option<Scope>,
    /// At this stage only.
    pub stage: Option<Stage>,
    /// So observed only.
    pub observed: Option<Observed>,
    /// Of this tier only.
    pub tier: Option<Tier>,
    /// Of this owner only, by number.
    pub owner: Option<i64>,
    /// With something asked for, or without.
    pub requested: Option<bool>,
    /// Of this unit.
    pub unit: Option<i64>,
    /// Also those that went into another record.
    pub merged: bool,
    /// Those in this sight.
    pub sight: Sight,
    /// No order tells apart what fewer assets than these show.
    pub least: u64,
}

/// Order of the inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SystemSort {
    /// By number of assets.
    #[default]
    Assets,
    /// By name.
    Name,
    /// By the first day it was seen.
    FirstSeen,
    /// By the last day it was seen.
    LastSeen,
    /// By how far people are with it: what waits the longest for somebody comes first.
    Review,
}
