//! Products as the fleet shows them.

use serde::Serialize;
use umbrascope_api::{AccountId, Channel, Day, ItemDetails, RiskFlag};
use umbrascope_rules::{Confidence, Level, ProductKind};

use super::record::ModelFile;
use super::{AssetId, Clocks, VendorFacts};
use crate::anonymity::{part, series};

/// A number for one day, for charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DayCount {
    /// The day.
    pub day: Day,
    /// Distinct assets on that day.
    pub assets: u64,
    /// Sightings on that day.
    pub count: u64,
}

/// One line of the Products page. A rule that this collector's catalogue does not know stands
/// here too, under its own id, with [`ProductRow::needs_catalogue`] set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProductRow {
    /// Product id of the catalogue, or the unknown rule's id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Vendor's name, empty when unknown.
    pub vendor: String,
    /// Kind; absent for an unknown rule.
    pub kind: Option<ProductKind>,
    /// How it is known, in the order of [`Channel::KNOWN`].
    pub channels: Vec<Channel>,
    /// The surest of its rules, raised where two channels agree.
    pub confidence: Confidence,
    /// The strongest evidence level.
    pub level: Level,
    /// On how many assets it is or was seen.
    pub assets: u64,
    /// First day of a sighting.
    pub first_day: Day,
    /// Last day of a sighting.
    pub last_day: Day,
    /// Assets a day over the last 30 days, oldest first, one entry a day.
    pub trend: Vec<u64>,
    /// Whether the rule is newer than this collector's catalogue.
    pub needs_catalogue: bool,
    /// Whether the catalogue marks it as AI inside a larger product.
    pub embedded: bool,
}

impl ProductRow {
    /// The row for who is told no number below this one: without its trend, where that tells one.
    #[must_use]
    pub fn at_least(mut self, least: u64) -> Self {
        self.trend = series(self.trend, |assets| *assets, least);
        self
    }
}

/// A product on one asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductAsset {
    /// The asset.
    pub asset: AssetId,
    /// Its host name.
    pub hostname: String,
    /// Its unit.
    pub unit: String,
    /// Number of its unit.
    pub unit_id: i64,
    /// How it is known there.
    pub channels: Vec<Channel>,
    /// Strongest level there.
    pub level: Level,
    /// First day there.
    pub first_day: Day,
    /// Last day there.
    pub last_day: Day,
    /// Sightings on the network there.
    pub count: u64,
}

/// One piece of evidence, over all assets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EvidenceRow {
    /// Rule that matched.
    pub rule: String,
    /// How it is known.
    pub channel: Channel,
    /// The observed name or identifier.
    pub value: String,
    /// Version, where known.
    pub version: Option<String>,
    /// Executable, where known; a home folder is written `~`.
    pub executable: Option<String>,
    /// Container, where known.
    pub container: Option<String>,
    /// System package of the executable, where known: `deb:curl`.
    pub package: Option<String>,
    /// Of no socket of the asset: forwarded for another machine.
    pub forwarded: bool,
    /// The rule's confidence.
    pub confidence: Confidence,
    /// The evidence level.
    pub level: Level,
    /// Distinct assets that showed it.
    pub assets: u64,
    /// Distinct pseudonymous accounts that showed it.
    pub accounts: u64,
    /// Sightings, for activity; 0 for what a scan found.
    pub count: u64,
    /// First day.
    pub first_day: Day,
    /// Last day; for scans the last day it was still there.
    pub last_day: Day,
    /// Whether a scan's newest snapshot still holds it; always true for activity.
    pub present: bool,
    /// What a scan said beside it.
    pub details: ItemDetails,
    /// Risks that a scan saw.
    pub flags: Vec<RiskFlag>,
    /// Of a model: what machines that hold it say of its files. It is told among the resources of a record.
    #[serde(skip)]
    pub files: Vec<ModelFile>,
}

/// One product, all that is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProductDetail {
    /// The line of the Products page.
    pub row: ProductRow,
    /// What it is, in the catalogue's words.
    pub description: String,
    /// Category of the catalogue.
    pub category: String,
    /// Vendor's site.
    pub vendor_site: Option<String>,
    /// Vendor's country, ISO 3166-1 alpha-2.
    pub vendor_country: Option<String>,
    /// What sources say about the vendor; absent where the catalogue does not know it.
    pub vendor_facts: Option<VendorFacts>,
    /// Whether the clocks were right that told its first and its last day.
    pub clocks: Clocks,
    /// Every piece of evidence, strongest first, at most 500.
    pub evidence: Vec<EvidenceRow>,
    /// Evidence rows left out by that bound.
    pub evidence_left_out: u64,
    /// Assets, most recent first, at most 200.
    pub assets: Vec<ProductAsset>,
    /// The last 90 days, oldest first, one entry a day.
    pub days: Vec<DayCount>,
}

impl ProductDetail {
    /// The same for who is told no number below this one: days are left out where one tells such a number, and evidence stands in an order that
    /// tells none.
    #[must_use]
    pub fn at_least(mut self, least: u64) -> Self {
        self.days = series(self.days, |day| day.assets, least);
        if least > 0 {
            let whole = self.row.assets;
            let shown = |piece: &EvidenceRow| {
                let assets = part(whole, piece.assets, least);
                (piece.confidence, piece.level, assets, assets.map(|_| piece.count))
            };
            self.evidence.sort_by(|one, other| {
                let named =
                    |piece: &EvidenceRow| (piece.channel.clone(), piece.value.clone(), piece.rule.clone());
                shown(other).cmp(&shown(one)).then_with(|| named(one).cmp(&named(other)))
            });
        }
        self
    }
}

/// A scan's item on one asset, for the asset page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotEvidence {
    /// Source family.
    pub source: String,
    /// Pseudonym of whose home it was found in.
    pub account: Option<AccountId>,
    /// The item as evidence.
    pub evidence: EvidenceRow,
}

/// The numbers at the head of the Products page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Products seen.
    pub products: u64,
    /// Vendors seen.
    pub vendors: u64,
    /// Assets known.
    pub assets: u64,
    /// AI systems in the inventory, candidates included.
    pub systems: u64,
    /// Products first seen within the last 7 days.
    pub new_products: u64,
    /// Sensors that reported within the last 24 hours.
    pub sensors_reporting: u64,
    /// Sensors enrolled and not revoked.
    pub sensors: u64,
}
