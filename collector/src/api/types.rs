//! The records as JSON: what programs may rely on, in `/api/v1/` and in the JSON export. Fields are
//! added, never renamed or removed. Days are UTC days, moments RFC 3339; values that came from outside
//! stand verbatim.

use serde::{Deserialize, Serialize, Serializer};
use umbrascope_api::{CoverageReport, ItemDetails};
use utoipa::ToSchema;

use super::vendor::VendorFacts;
use crate::anonymity::{part, series, told};
use crate::model;
use crate::model::record::Tri;
use crate::review::{Guard, Refused};
use crate::web::{Rfc3339, WebError};

/// A moment in UTC.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Moment(i64);

impl Moment {
    /// Of Unix time in milliseconds.
    pub(super) fn of(at_ms: i64) -> Self {
        Self(at_ms)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Rfc3339(self.0))
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Rows of the whole list under the same filter.
    pub total: u64,
    /// Number of this page, from 1.
    pub page: u64,
    /// Most rows of a page.
    pub limit: u32,
}

impl<T> List<T> {
    /// A page of the store's.
    pub fn of<M: Into<T>>(found: model::Page<M>, number: u64, page: model::PageRequest) -> Self {
        let rows = found.rows.into_iter().map(Into::into).collect();
        Self { rows, total: found.total, page: number, limit: page.limit }
    }
}

/// What went wrong (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what sort of problem it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status.
    pub status: u16,
    /// In a few words.
    pub title: String,
    /// What happened and what to do.
    pub detail: String,
    /// The path asked for.
    pub instance: String,
    /// The guard that refused, where one did.
    pub guard: Option<String>,
    /// Fields that are missing or wrong, where a guard says so.
    pub missing: Option<Vec<String>>,
}

/// Yes, no, or that nobody knows.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum TriWord {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Nobody knows.
    Unknown,
}

impl From<TriWord> for Tri {
    fn from(word: TriWord) -> Self {
        match word {
            TriWord::Yes => Self::Yes,
            TriWord::No => Self::No,
            TriWord::Unknown => Self::Unknown,
        }
    }
}

/// A refusal for want of a field.
pub(super) fn needs(field: &'static str) -> WebError {
    WebError::Guarded(Refused {
        guard: Guard::Fields,
        missing: vec![field.to_owned()],
        says: format!("say {field}"),
    })
}

/// A refusal of a field that names what is not there.
pub(super) fn no_such(field: &'static str, what: &'static str) -> WebError {
    WebError::Guarded(Refused {
        guard: Guard::Target,
        missing: vec![field.to_owned()],
        says: format!("{field}: there is no such {what}"),
    })
}

/// A text without spaces around it, or a refusal where it is empty or longer than `most` characters.
pub(super) fn said(field: &'static str, text: &str, most: usize) -> Result<String, WebError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most {
        return Err(WebError::Guarded(Refused {
            guard: if field == "reason" { Guard::Reason } else { Guard::Fields },
            missing: vec![field.to_owned()],
            says: format!("{field} takes 1 to {most} characters"),
        }));
    }
    Ok(text.to_owned())
}

/// A reason without spaces around it, or a refusal where it is longer than `most` characters: none is cut short.
pub(super) fn reason(text: &str, most: usize) -> Result<String, WebError> {
    match text.trim() {
        "" => Ok(String::new()),
        text => said("reason", text, most),
    }
}

/// Numbers over the fleet.
#[derive(Debug, Serialize, ToSchema)]
pub struct Totals {
    /// Products seen.
    pub products: u64,
    /// Products first seen within the last 7 days.
    pub new_products: u64,
    /// Vendors seen.
    pub vendors: u64,
    /// Assets known; null: fewer than the reader is told of.
    pub assets: Option<u64>,
    /// AI systems, candidates included.
    pub systems: u64,
    /// Sensors enrolled and not revoked.
    pub sensors: u64,
    /// Sensors that reported within the last 24 hours.
    pub sensors_reporting: u64,
}

impl From<model::Totals> for Totals {
    fn from(totals: model::Totals) -> Self {
        let model::Totals { products, vendors, assets, systems, new_products, sensors_reporting, sensors } =
            totals;
        Self { products, new_products, vendors, assets: Some(assets), systems, sensors, sensors_reporting }
    }
}

impl Totals {
    /// For who is told no number below this one.
    #[must_use]
    pub(crate) fn at_least(mut self, least: u64) -> Self {
        self.assets = self.assets.and_then(|assets| told(assets, least));
        self
    }
}

/// A product that was seen.
#[derive(Debug, Serialize, ToSchema)]
pub struct Product {
    /// Id of the catalogue, or the id of a rule that the catalogue does not know.
    pub id: String,
    /// Name.
    pub name: String,
    /// Vendor's name, empty when unknown.
    pub vendor: String,
    /// `service`, `application`, `extension`, `library`, `runtime`, `model`, `mcp-server`, `agent`; null when unknown.
    pub kind: Option<String>,
    /// How it is known.
    pub channels: Vec<String>,
    /// `high`, `medium`, `low` or `suspect`.
    pub confidence: String,
    /// `referenced`, `presence`, `configured`, `resolution`, `connection` or `use`: the strongest.
    pub level: String,
    /// Assets that showed it; null: fewer than the reader is told of.
    pub assets: Option<u64>,
    /// First day of a sighting.
    #[schema(format = Date)]
    pub first_day: String,
    /// Last day of a sighting.
    #[schema(format = Date)]
    pub last_day: String,
    /// Assets a day over the last 30 days, oldest first; none where some are fewer than the reader is told of.
    pub trend: Vec<u64>,
    /// The rule is newer than this collector's catalogue.
    pub needs_catalogue: bool,
    /// AI inside a larger product.
    pub embedded: bool,
}

impl From<model::ProductRow> for Product {
    fn from(row: model::ProductRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            vendor: row.vendor,
            kind: row.kind.map(|kind| kind.as_str().to_owned()),
            channels: words(&row.channels),
            confidence: row.confidence.to_string(),
            level: row.level.to_string(),
            assets: Some(row.assets),
            first_day: row.first_day.to_string(),
            last_day: row.last_day.to_string(),
            trend: row.trend,
            needs_catalogue: row.needs_catalogue,
            embedded: row.embedded,
        }
    }
}

impl Product {
    /// For who is told no number below this one.
    #[must_use]
    pub(crate) fn at_least(mut self, least: u64) -> Self {
        self.assets = self.assets.and_then(|assets| told(assets, least));
        self.trend = series(self.trend, |assets| *assets, least);
        self
    }
}

/// A product, all that is known.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductWhole {
    /// As in the list.
    #[serde(flatten)]
    pub product: Product,
    /// What it is.
    pub description: String,
    /// What it is for.
    pub category: String,
    /// Vendor's site.
    pub vendor_site: Option<String>,
    /// Vendor's country, ISO 3166-1 alpha-2.
    pub vendor_country: Option<String>,
    /// What sources say about the vendor; null where the catalogue does not know it.
    pub vendor_facts: Option<VendorFacts>,
    /// Every piece of evidence, strongest first.
    pub evidence: Vec<Evidence>,
    /// Pieces of evidence left out.
    pub evidence_left_out: u64,
    /// On which assets, most recent first.
    pub occurrences: Vec<Occurrence>,
    /// Assets and sightings a day, the last 90 days, oldest first.
    pub days: Vec<DayNumbers>,
}

impl From<model::ProductDetail> for ProductWhole {
    fn from(detail: model::ProductDetail) -> Self {
        Self {
            product: detail.row.into(),
            description: detail.description,
            category: detail.category,
            vendor_site: detail.vendor_site,
            vendor_country: detail.vendor_country,
            vendor_facts: detail.vendor_facts.map(Into::into),
            evidence: detail.evidence.into_iter().map(Into::into).collect(),
            evidence_left_out: detail.evidence_left_out,
            occurrences: detail.assets.into_iter().map(Into::into).collect(),
            days: detail.days.into_iter().map(Into::into).collect(),
        }
    }
}

impl ProductWhole {
    /// For who is told no number below this one.
    #[must_use]
    pub(crate) fn at_least(mut self, least: u64) -> Self {
        let whole = self.product.assets.unwrap_or_default();
        self.product = self.product.at_least(least);
        self.days = series(self.days, |day| day.assets, least);
        for piece in &mut self.evidence {
            piece.assets = piece.assets.and_then(|assets| part(whole, assets, least));
            piece.accounts = piece.accounts.and_then(|accounts| told(accounts, least));
            // There are at least as many sightings as assets, so that few tell of few.
            piece.count = piece.count.filter(|count| *count == 0 || piece.assets.is_some());
        }
        self
    }
}

/// One piece of evidence.
#[derive(Debug, Serialize, ToSchema)]
pub struct Evidence {
    /// Rule that matched.
    pub rule: String,
    /// How it is known.
    pub channel: String,
    /// The observed name or identifier.
    pub value: String,
    /// The rule's confidence.
    pub confidence: String,
    /// What it proves.
    pub level: String,
    /// Version of the software.
    pub version: Option<String>,
    /// Path of the executable; a home folder is written `~`.
    pub executable: Option<String>,
    /// Container.
    pub container: Option<String>,
    /// System package of the executable, behind its manager: `deb:curl`.
    pub package: Option<String>,
    /// The connection was no socket's of the asset: it forwarded it for another machine.
    pub forwarded: bool,
    /// Distinct assets that showed it; null: fewer than the reader is told of.
    pub assets: Option<u64>,
    /// Distinct pseudonymous accounts that showed it; null: fewer than the reader is told of.
    pub accounts: Option<u64>,
    /// Sightings on the network; 0 for what a scan found; null: so few that they tell of fewer assets than the reader is told of.
    pub count: Option<u64>,
    /// First day.
    #[schema(format = Date)]
    pub first_day: String,
    /// Last day.
    #[schema(format = Date)]
    pub last_day: String,
    /// Whether the newest scan still holds it; always true for the network.
    pub present: bool,
    /// What a scan said beside it; fields without a value are left out.
    #[schema(value_type = Object)]
    pub details: ItemDetails,
    /// Risks that a scan saw.
    pub flags: Vec<String>,
}

impl From<model::EvidenceRow> for Evidence {
    fn from(row: model::EvidenceRow) -> Self {
        Self {
            rule: row.rule,
            channel: row.channel.to_string(),
            value: row.value,
            confidence: row.confidence.to_string(),
            level: row.level.to_string(),
            version: row.version,
            executable: row.executable,
            container: row.container,
            package: row.package,
            forwarded: row.forwarded,
            assets: Some(row.assets),
            accounts: Some(row.accounts),
            count: Some(row.count),
            first_day: row.first_day.to_string(),
            last_day: row.last_day.to_string(),
            present: row.present,
            details: row.details,
            flags: row.flags.iter().map(|flag| flag.as_str().to_owned()).collect(),
        }
    }
}

/// A product on one asset.
#[derive(Debug, Serialize, ToSchema)]
pub struct Occurrence {
    /// Number of the asset.
    pub asset: i64,
    /// Its host name.
    pub hostname: String,
    /// Its unit.
    pub unit: String,
    /// How the product is known there.
    pub channels: Vec<String>,
    /// Strongest level there.
    pub level: String,
    /// First day there.
    #[schema(format = Date)]
    pub first_day: String,
    /// Last day there.
    #[schema(format = Date)]
    pub last_day: String,
    /// Sightings on the network there.
    pub count: u64,
}

impl From<model::ProductAsset> for Occurrence {
    fn from(row: model::ProductAsset) -> Self {
        Self {
            asset: row.asset.0,
            hostname: row.hostname,
            unit: row.unit,
            channels: words(&row.channels),
            level: row.level.to_string(),
            first_day: row.first_day.to_string(),
            last_day: row.last_day.to_string(),
            count: row.count,
        }
    }
}

/// Numbers of a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayNumbers {
    /// The day.
    #[schema(format = Date)]
    pub day: String,
    /// Distinct assets.
    pub assets: u64,
    /// Sightings.
    pub count: u64,
}

impl From<model::DayCount> for DayNumbers {
    fn from(day: model::DayCount) -> Self {
        Self { day: day.day.to_string(), assets: day.assets, count: day.count }
    }
}

/// An AI system of the inventory: a governed record, with what sensors show of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AiSystem {
    /// UUID of the record; never reused.
    pub id: String,
    /// For people: `AIS-0042`; never reused.
    pub reference: String,
    /// Its name.
    pub name: String,
    /// What sort of system.
    pub kind: String,
    /// Ids of its products.
    pub products: Vec<String>,
    /// Vendor's name.
    pub vendor: String,
    /// How far people are: `new` was proposed by sightings, and nobody has looked yet.
    pub review: String,
    /// What was decided, as it was recorded.
    pub sanction: String,
    /// Whether the AI management system covers it.
    pub scope: String,
    /// Where it stands in its life.
    pub stage: String,
    /// What sensors show.
    pub observed: String,
    /// What enforces the decision.
    pub enforcement: String,
    /// How much harm it may do.
    pub risk_tier: String,
    /// Class under the EU AI Act.
    pub ai_act_class: String,
    /// Number of the person who owns it; null: nobody.
    pub system_owner: Option<i64>,
    /// Whether something is asked for that somebody has to decide.
    pub requested: bool,
    /// How it is known.
    pub channels: Vec<String>,
    /// How sure.
    pub confidence: String,
    /// Strongest level.
    pub level: String,
    /// Assets that showed that product of it which most assets show; null: fewer than the reader is told of.
    pub assets: Option<u64>,
    /// First day; null: never seen.
    #[schema(format = Date)]
    pub first_day: Option<String>,
    /// Last day; null: never seen.
    #[schema(format = Date)]
    pub last_day: Option<String>,
    /// When the record was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Moment,
}

impl AiSystem {
    /// For who is told no number below this one.
    #[must_use]
    pub(crate) fn at_least(mut self, least: u64) -> Self {
        self.assets = self.assets.and_then(|assets| told(assets, least));
        self
    }
}

impl From<model::AiSystemRow> for AiSystem {
    fn from(row: model::AiSystemRow) -> Self {
        Self {
            id: row.id,
            reference: row.reference,
            name: row.name,
            kind: row.kind.as_str().to_owned(),
            products: row.products,
            vendor: row.vendor,
            review: row.review.as_str().to_owned(),
            sanction: row.sanction.as_str().to_owned(),
            scope: row.scope.as_str().to_owned(),
            stage: row.stage.as_str().to_owned(),
            observed: row.observed.as_str().to_owned(),
            enforcement: row.enforcement.as_str().to_owned(),
            risk_tier: row.tier.as_str().to_owned(),
            ai_act_class: row.ai_act_class.as_str().to_owned(),
            system_owner: row.owner,
            requested: row.requested,
            channels: words(&row.channels),
            confidence: row.confidence.to_string(),
            level: row.level.to_string(),
            assets: Some(row.assets),
            first_day: row.first_day.map(|day| day.to_string()),
            last_day: row.last_day.map(|day| day.to_string()),
            created_at: Moment(row.created_at_ms),
        }
    }
}

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
            last_report_at: row.last_report_at_ms.map(Moment),
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
    #[schema(value_type = Object)]
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
            enrolled_at: Moment(row.enrolled_at_ms),
            last_report_at: row.last_report_at_ms.map(Moment),
            certificate_ends_at: Moment(row.certificate_ends_at_ms),
            clone_suspected_at: row.clone_suspected_at_ms.map(Moment),
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
            created_at: Moment(row.created_at_ms),
            expires_at: Moment(row.expires_at_ms),
            max_uses: row.max_uses,
            uses: row.uses,
            last_used_at: row.last_used_at_ms.map(Moment),
            last_host: row.last_host,
            state: state.to_owned(),
        }
    }
}

fn words(channels: &[umbrascope_api::Channel]) -> Vec<String> {
    channels.iter().map(|channel| channel.as_str().to_owned()).collect()
}
