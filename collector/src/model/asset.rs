//! Machines and the sensors on them.

use serde::Serialize;
use umbrascope_api::{CoverageReport, Day, SensorId};

use super::{EvidenceRow, ProductRow, SnapshotEvidence};

/// Number of an asset in this collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct AssetId(pub i64);

/// One line of the Assets page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AssetRow {
    /// Number of the asset.
    pub id: AssetId,
    /// Host name as last reported; of a machine without one its address.
    pub hostname: String,
    /// Name of its unit.
    pub unit: String,
    /// Number of its unit.
    pub unit_id: i64,
    /// Operating system in words.
    pub os: String,
    /// Version of the agent that reported last.
    pub agent_version: String,
    /// Products seen on it.
    pub products: u64,
    /// First day it was known.
    pub first_day: Day,
    /// Unix time in milliseconds of the last report; absent before the first one.
    pub last_report_at_ms: Option<i64>,
    /// The state of its sensor, or of the gateway sensors that see it; the best one where there are several.
    pub state: SensorState,
    /// How it is recognised, where it has no sensor and gateway sensors see its traffic.
    pub station: Option<StationRow>,
}

/// How a machine is recognised that gateway sensors see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StationRow {
    /// Its hardware address, where known.
    pub mac: Option<String>,
    /// The network address it was last seen with.
    pub address: Option<String>,
}

/// Whether a sensor can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SensorState {
    /// Reported within the last 24 hours.
    Reporting,
    /// Enrolled, and silent for more than 24 hours.
    Silent,
    /// Enrolled and never heard of.
    NeverReported,
    /// Its certificate is no longer accepted.
    Revoked,
}

impl SensorState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reporting => "reporting",
            Self::Silent => "silent",
            Self::NeverReported => "never-reported",
            Self::Revoked => "revoked",
        }
    }
}

/// A sensor and what it last said of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SensorRow {
    /// Its identity.
    pub id: SensorId,
    /// `agent` or `import`.
    pub kind: String,
    /// Its asset.
    pub asset: AssetId,
    /// Host name as last reported.
    pub hostname: String,
    /// Name of its unit.
    pub unit: String,
    /// Whether it can be relied on.
    pub state: SensorState,
    /// Unix time in milliseconds.
    pub enrolled_at_ms: i64,
    /// Unix time in milliseconds of the last report.
    pub last_report_at_ms: Option<i64>,
    /// Unix time in milliseconds at which its newest certificate ends.
    pub certificate_ends_at_ms: i64,
    /// Unix time in milliseconds since when two machines seem to use its key.
    pub clone_suspected_at_ms: Option<i64>,
    /// Its clock minus ours at the last report, in milliseconds.
    pub clock_skew_ms: i64,
    /// Version of the agent.
    pub agent_version: String,
    /// Version of its catalogue.
    pub catalogue_version: String,
    /// Rows of it that were refused, in all.
    pub rows_refused: u64,
    /// Fields of its batches that were not known, in all.
    pub unknown_fields: u64,
    /// What it last said it could see.
    pub coverage: CoverageReport,
}

/// A product on the asset's page, with its evidence there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssetProduct {
    /// The product, counted for this asset only.
    pub row: ProductRow,
    /// Network evidence, strongest first.
    pub activity: Vec<EvidenceRow>,
    /// What scans hold.
    pub items: Vec<SnapshotEvidence>,
}

/// One asset, all that is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssetDetail {
    /// The line of the Assets page.
    pub row: AssetRow,
    /// Its sensors, newest first; without one the gateway sensors that saw it.
    pub sensors: Vec<SensorRow>,
    /// Its products, surest first.
    pub products: Vec<AssetProduct>,
}
