//! The inventory.

use askama::Template;

use super::{Frame, filters};
use crate::model::record::{DismissReason, Tier};
use crate::model::{AiSystemRow, Direction, SystemSort, UnitRow};
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
    SortKey {
        name: "review",
        key: SystemSort::Review,
        label: "Review",
        number: false,
        first: Direction::Ascending,
    },
];

/// A record as the list shows it.
#[derive(Debug)]
pub(crate) struct SystemView {
    /// The record.
    pub(crate) row: AiSystemRow,
    /// Its owner's name.
    pub(crate) owner: Option<String>,
    /// Style class of its review.
    pub(crate) review: &'static str,
    /// Style class of its decision.
    pub(crate) sanction: &'static str,
    /// Style class of its scope.
    pub(crate) scope: &'static str,
}

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
    /// System, Review, Assets, Last seen.
    pub(crate) columns: Vec<Column>,
    /// The smallest number that is told to the reader.
    pub(crate) least: u64,
    /// The rows.
    pub(crate) rows: Vec<SystemView>,
    /// What the reader may do with several records at once: words and labels.
    pub(crate) moves: Vec<(&'static str, &'static str)>,
    /// Units to give records to.
    pub(crate) units: Vec<UnitRow>,
    /// Most records in one bulk.
    pub(crate) most: u32,
    /// The address of the list, to come back to.
    pub(crate) here: String,
    /// The foot.
    pub(crate) pager: Pager,
}

impl SystemsPage {
    /// Why records may be dismissed together: each duplicate is one of another record.
    pub(crate) fn dismissals(&self) -> Vec<(&'static str, &'static str)> {
        let mut choices = DismissReason::choices();
        choices.retain(|(word, _)| *word != DismissReason::DuplicateOf.as_str());
        choices
    }
}

/// What a row of a bulk would come to, or came to.
#[derive(Debug)]
pub(crate) struct BulkRow {
    /// Reference.
    pub(crate) reference: String,
    /// Name.
    pub(crate) name: String,
    /// Version that was previewed.
    pub(crate) version: u64,
    /// Where it stands, in words.
    pub(crate) stands: String,
    /// The guard that refuses it, and what it says.
    pub(crate) refused: Option<(&'static str, String)>,
}

/// A change of several records: first as a preview, then as what it came to.
#[derive(Debug, Template)]
#[template(path = "bulk.html")]
pub(crate) struct BulkPage {
    /// The frame.
    pub(crate) frame: Frame,
    /// What is to be done, in words.
    pub(crate) title: String,
    /// Why, and what else was typed.
    pub(crate) told: Vec<(&'static str, String)>,
    /// What the second form carries on.
    pub(crate) kept: Vec<(String, String)>,
    /// The rows.
    pub(crate) rows: Vec<BulkRow>,
    /// What the changes have in common in the trail; empty: it is a preview.
    pub(crate) batch: String,
    /// Why nothing can be done at all.
    pub(crate) problem: Option<String>,
    /// Where the list is.
    pub(crate) back: String,
}

impl BulkPage {
    /// Rows that are let through.
    pub(crate) fn able(&self) -> u64 {
        self.rows.iter().filter(|row| row.refused.is_none()).count() as u64
    }
}
