//! The records as JSON: what programs may rely on, in `/api/v1/` and in the JSON export. Fields are
//! added, never renamed or removed. Days are UTC days, moments RFC 3339; values that came from outside
//! stand verbatim.

use serde::{Deserialize, Serialize, Serializer};
use umbrascope_api::ItemDetails;
use utoipa::ToSchema;

use super::sensor_types::DetailsSaid;
use super::vendor::VendorFacts;
use crate::anonymity::{part, series, told};
use crate::model;
use crate::model::record::Tri;
use crate::web::Rfc3339;

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
    /// `trusted`: a machine told the first day whose clock was right; `doubtful`: the clocks of all that told it were off; null: none is left.
    pub first_day_clock: Option<&'static str>,
    /// The same of the last day.
    pub last_day_clock: Option<&'static str>,
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
            first_day_clock: detail.clocks.first.map(model::ClockTrust::as_str),
            last_day_clock: detail.clocks.last.map(model::ClockTrust::as_str),
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
    #[schema(value_type = DetailsSaid)]
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

fn words(channels: &[umbrascope_api::Channel]) -> Vec<String> {
    channels.iter().map(|channel| channel.as_str().to_owned()).collect()
}
