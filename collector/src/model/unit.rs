//! A part of the organisation, to which assets belong.

use serde::{Deserialize, Serialize};

use super::governed::Governed;

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

/// A unit as the audit trail tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitRecord {
    /// Number of the unit.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Number of the unit that it stands below.
    pub parent: Option<i64>,
}

impl Governed for UnitRecord {
    const KIND: &'static str = "unit";

    fn id(&self) -> String {
        self.id.to_string()
    }
}
