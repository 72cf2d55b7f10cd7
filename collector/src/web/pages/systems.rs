//! The inventory.

use askama::Template;

use super::{Frame, filters};
use crate::model::{AiSystemRow, Direction, SystemSort};
use crate::web::list::{Column, Pager, Select, SortKey};

/// The ways to sort AI systems.
pub(crate) const SYSTEM_SORTS: &[SortKey<SystemSort>] = &[
    SortKey {
        name: "assets",
        key: SystemSort::Assets,
        label: "Assets",
        number: true,
        first: Direction::Descending,
    },
    SortKey {
        name: "name",
        key: SystemSort::Name,
        label: "System",
        number: false,
        first: Direction::Ascending,
    },
    SortKey {
        name: "first",
        key: SystemSort::FirstSeen,
        label: "First seen",
        number: false,
        first: Direction::Descending,
    },
    SortKey {
        name: "last",
        key: SystemSort::LastSeen,
        label: "Last seen",
        number: false,
        first: Direction::Descending,
    },
];

/// Every AI system.
#[derive(Debug, Template)]
#[template(path = "systems.html")]
pub(crate) struct SystemsPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// Systems without any filter.
    pub(crate) everything: u64,
    /// Words searched for.
    pub(crate) search: String,
    /// Filters.
    pub(crate) selects: Vec<Select>,
    /// What the search form carries on: the sort order.
    pub(crate) kept: Vec<(&'static str, String)>,
    /// Whether anything is filtered.
    pub(crate) filtered: bool,
    /// System, Assets, First seen, Last seen.
    pub(crate) columns: Vec<Column>,
    /// The smallest number that is told to the reader.
    pub(crate) least: u64,
    /// The rows.
    pub(crate) rows: Vec<AiSystemRow>,
    /// The foot.
    pub(crate) pager: Pager,
}
