//! Machines, sensors, units and enrolment tokens as JSON: what programs may rely on, as the rest of [`super::types`].

use serde::Serialize;
use umbrascope_api::CoverageReport;
use utoipa::ToSchema;

use super::sensor_types::CoverageSaid;
use super::types::{Evidence, List, Moment, Product};
use crate::model;

/// A machine.
#[derive(Debug, Serialize, ToSchema)]
pub struct Asset {
    /// Number of the asset.
    pub id: i64,
    /// Host name as last reported.
    pub hostname: String,
    /// Its unit.
    pub unit: String,
    /// Operating system in words.
    pub os: String,
    /// Version of the agent that reported last.
    pub agent_version: String,
    /// Products seen on it.
    pub products: u64,
    /// First day it was known.
    #[schema(format = Date)]
    pub first_day: String,
    /// Last report; null before the first one.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_report_at: Option<Moment>,
    /// `reporting`, `silent`, `never-reported` or `revoked`: of its sensor, or of the gateway sensors that see it.
    pub state: String,
    /// It has no sensor of its own: a gateway sensor saw its traffic.
    pub seen_by_gateway: bool,
    /// Hardware address of a machine that a gateway sensor saw, where known.
    pub mac: Option<String>,
    /// Network address that such a machine was last seen with.
    pub address: Option<String>,
}

impl From<model::AssetRow> for Asset {
    fn from(row: model::AssetRow) -> Self {
        Self {
            id: row.id.0,
            hostname: row.hostname,
            unit: row.unit,
            os: row.os,
            agent_version: row.agent_version,
            products: row.products,
            first_day: row.first_day.to_string(),
            last_report_at: row.last_report_at_ms.map(Moment::of),
            state: row.state.as_str().to_owned(),
            seen_by_gateway: row.station.is_some(),
            mac: row.station.as_ref().and_then(|station| station.mac.clone()),
            address: row.station.and_then(|station| station.address),
        }
    }
}

/// A machine, all that is known.
#[derive(Debug, Serialize, ToSchema)]
pub struct AssetWhole {
    /// As in the list.
    #[serde(flatten)]
    pub asset: Asset,
    /// Its sensors, newest first; without one the gateway sensors that saw it.
    pub sensors: Vec<Sensor>,
    /// Its products, surest first.
    pub on_it: Vec<ProductOnAsset>,
}

impl From<model::AssetDetail> for AssetWhole {
    fn from(detail: model::AssetDetail) -> Self {
        Self {
            asset: detail.row.into(),
            sensors: detail.sensors.into_iter().map(Into::into).collect(),
            on_it: detail.products.into_iter().map(Into::into).collect(),
        }
    }
}

/// A product on a machine, with its evidence there.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductOnAsset {
    /// The product, counted for this asset only.
    #[serde(flatten)]
    pub product: Product,
    /// What the network showed, strongest first.
    pub activity: Vec<Evidence>,
    /// What scans hold.
    pub items: Vec<Item>,
}

impl From<model::AssetProduct> for ProductOnAsset {
    fn from(product: model::AssetProduct) -> Self {
        Self {
            product: product.row.into(),
            activity: product.activity.into_iter().map(Into::into).collect(),
            items: product.items.into_iter().map(Into::into).collect(),
        }
    }
}

/// What a scan holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct Item {
    /// Source family.
    pub source: String,
    /// Pseudonym of whose home it was found in; null for the system's own.
    pub account: Option<String>,
    /// The item as evidence.
    #[serde(flatten)]
    pub evidence: Evidence,
}

impl From<model::SnapshotEvidence> for Item {
    fn from(item: model::SnapshotEvidence) -> Self {
        Self {
            source: item.source,
            account: item.account.map(|account| account.to_string()),
            evidence: item.evidence.into(),
        }
    }
}

/// A sensor and what it last said of itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sensor {
    /// Its identity.
    pub id: String,
    /// `agent` or `import`.
    pub kind: String,
    /// Number of its asset.
    pub asset: i64,
    /// Host name as last reported.
    pub hostname: String,
    /// Its unit.
    pub unit: String,
    /// `reporting`, `silent`, `never-reported` or `revoked`.
    pub state: String,
    /// When it enrolled.
    #[schema(value_type = String, format = DateTime)]
    pub enrolled_at: Moment,
    /// Last report; null before the first one.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_report_at: Option<Moment>,
    /// When its newest certificate ends.
    #[schema(value_type = String, format = DateTime)]
    pub certificate_ends_at: Moment,
    /// Since when two machines seem to use its key; null when they do not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub clone_suspected_at: Option<Moment>,
    /// Its clock minus ours at the last report, in milliseconds.
    pub clock_skew_ms: i64,
    /// Version of the agent.
    pub agent_version: String,
    /// Version of its catalogue.
    pub catalogue_version: String,
    /// Rows of it that were refused.
    pub rows_refused: u64,
    /// Fields of its reports that were not known.
    pub unknown_fields: u64,
    /// What it last said it could see, as it said it.
    #[schema(value_type = CoverageSaid)]
    pub coverage: CoverageReport,
}

impl From<model::SensorRow> for Sensor {
    fn from(row: model::SensorRow) -> Self {
        Self {
            id: row.id.to_string(),
            kind: row.kind,
            asset: row.asset.0,
            hostname: row.hostname,
            unit: row.unit,
            state: row.state.as_str().to_owned(),
            enrolled_at: Moment::of(row.enrolled_at_ms),
            last_report_at: row.last_report_at_ms.map(Moment::of),
            certificate_ends_at: Moment::of(row.certificate_ends_at_ms),
            clone_suspected_at: row.clone_suspected_at_ms.map(Moment::of),
            clock_skew_ms: row.clock_skew_ms,
            agent_version: row.agent_version,
            catalogue_version: row.catalogue_version,
            rows_refused: row.rows_refused,
            unknown_fields: row.unknown_fields,
            coverage: row.coverage,
        }
    }
}

impl From<model::CoverageRow> for Sensor {
    fn from(row: model::CoverageRow) -> Self {
        row.sensor.into()
    }
}

/// Sums of coverage over the sensors that are not revoked.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoverageTotals {
    /// Enrolled.
    pub sensors: u64,
    /// Reported within 24 hours.
    pub reporting: u64,
    /// Silent for more than 24 hours, or never heard of.
    pub silent: u64,
    /// Watching the network.
    pub capturing: u64,
    /// Two machines seem to use one key.
    pub clones: u64,
    /// ClientHellos seen.
    pub hellos: u64,
    /// ClientHellos without a name.
    pub hellos_without_name: u64,
    /// ClientHellos with ECH.
    pub hellos_with_ech: u64,
    /// ClientHellos whose name stands for another that ECH hides.
    pub hidden_destinations: u64,
    /// Encrypted DNS connections.
    pub encrypted_dns: u64,
    /// Those of them over TLS or QUIC.
    pub dns_over_tls: u64,
    /// Those of them over HTTPS.
    pub dns_over_https: u64,
    /// Packets the kernels dropped.
    pub kernel_drops: u64,
    /// Sightings without a known process.
    pub unattributed: u64,
    /// Sources not read to the end.
    pub sources_unread: u64,
    /// Rows refused.
    pub rows_refused: u64,
}

impl From<model::CoverageTotals> for CoverageTotals {
    fn from(totals: model::CoverageTotals) -> Self {
        Self {
            sensors: totals.sensors,
            reporting: totals.reporting,
            silent: totals.silent,
            capturing: totals.capturing,
            clones: totals.clones,
            hellos: totals.hellos,
            hellos_without_name: totals.hellos_without_name,
            hellos_with_ech: totals.hellos_with_ech,
            hidden_destinations: totals.hidden_destinations,
            encrypted_dns: totals.encrypted_dns,
            dns_over_tls: totals.dns_over_tls,
            dns_over_https: totals.dns_over_https,
            kernel_drops: totals.kernel_drops,
            unattributed: totals.unattributed,
            sources_unread: totals.sources_unread,
            rows_refused: totals.rows_refused,
        }
    }
}

/// Coverage: sums and sensors.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoverageList {
    /// Sums over the fleet.
    pub totals: CoverageTotals,
    /// Sensors, the worst first.
    pub sensors: List<Sensor>,
}

/// A unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct Unit {
    /// Number of the unit.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Number of the unit that it stands below.
    pub parent: Option<i64>,
    /// Assets that belong to it; null where it is not told to the reader.
    pub assets: Option<u64>,
}

impl From<model::UnitRow> for Unit {
    fn from(row: model::UnitRow) -> Self {
        Self { id: row.id, name: row.name, parent: row.parent, assets: Some(row.assets) }
    }
}

/// An enrolment token without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct Token {
    /// Public part.
    pub id: String,
    /// Unit of its machines.
    pub unit: String,
    /// What it is for.
    pub label: String,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Moment,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Moment,
    /// How many machines may enrol with it.
    pub max_uses: u32,
    /// How many have.
    pub uses: u32,
    /// Last use; null when unused.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used_at: Option<Moment>,
    /// Host name of the machine that used it last.
    pub last_host: Option<String>,
    /// `active`, `used`, `expired` or `revoked`.
    pub state: String,
}

impl From<model::TokenRow> for Token {
    fn from(row: model::TokenRow) -> Self {
        let state = match row.state {
            model::TokenState::Active => "active",
            model::TokenState::Used => "used",
            model::TokenState::Expired => "expired",
            model::TokenState::Revoked => "revoked",
        };
        Self {
            id: row.id.0,
            unit: row.unit,
            label: row.label,
            created_by: row.created_by,
            created_at: Moment::of(row.created_at_ms),
            expires_at: Moment::of(row.expires_at_ms),
            max_uses: row.max_uses,
            uses: row.uses,
            last_used_at: row.last_used_at_ms.map(Moment::of),
            last_host: row.last_host,
            state: state.to_owned(),
        }
    }
}
