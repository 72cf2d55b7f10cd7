//! A part of the organisation, to which assets belong.

use serde::Serialize;

/// A unit and how much of it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitRow {
    /// Number of the unit in this collector.
    pub id: i64,
    /// Its name, unique.
    pub name: String,
    /// Number of the unit that it stands below.
    pub parent: Option<i64>,
    /// Assets that belong to it.
    pub assets: u64,
}
