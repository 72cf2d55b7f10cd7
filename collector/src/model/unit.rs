//! A part of the organisation, to which assets belong.

use serde::Serialize;

/// A unit and how much of it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitRow {
    /// Number of the unit in this collector.
    pub id: i64,
    /// Its name, unique.
    pub name: String,
    /// Assets that belong to it.
    pub assets: u64,
}
