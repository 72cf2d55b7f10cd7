//! What every format is written from: the inventory of one moment, neutral as to formats. Records come from the trail when they are
//! of a past day; of what sensors saw, that which is still known of that day, or which the newest monthly snapshot up to then says. What
//! is no longer known is said to be so.

use std::collections::BTreeMap;

use umbrascope_api::Day;
use umbrascope_rules::{Catalogue, ProductKind};

use super::monthly::Past;
use super::{ExportError, Stamp};
use crate::anonymity::told;
use crate::model::Direction;
use crate::model::dated::Dated;
use crate::model::policy::in_force;
use crate::model::record::{AiSystem, ModelSeen, Piece, Resources, Sanction, Shown, SystemKind};
use crate::model::{
    ClockTrust, Clocks, CoverageTotals, EvidenceRow, PageRequest, ProductDetail, ProductFilter, ProductSort,
    Totals, VendorFacts,
};
use crate::scope::Expected;
use crate::store::{Governance, Reads};

/// Where exports read from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Lists, products, coverage.
    pub reads: &'a dyn Reads,
    /// The records that people answer for.
    pub governance: &'a dyn Governance,
}

/// What stands at the head of every export.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// When it is made, Unix milliseconds.
    pub(super) now_ms: i64,
    /// The day that it is of; `None`: now.
    pub(super) as_of: Option<Day>,
    /// Version of the catalogue, whose words stand in it.
    pub(super) catalogue_version: String,
    /// Version of the AI policy in force on that day.
    pub(super) policy: Option<String>,
    /// Number and leaf hash of the last entry of the trail that is in it.
    pub(super) trail_end: Option<(u64, String)>,
    /// The newest signed checkpoint of the trail.
    pub(super) checkpoint: Option<String>,
    /// The units that its records are cut to, by number; `None`: it is of the whole organisation.
    pub(super) units: Option<Vec<i64>>,
    /// What could be seen, and what could not.
    pub(super) coverage: Coverage,
}

impl Head {
    /// The day that its records are of.
    pub(super) fn day(&self) -> Day {
        self.as_of.unwrap_or_else(|| Day::from_unix_ms(self.now_ms))
    }

    /// Names and texts of all of it, for formats that hold properties.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![
            ("catalogue-version", self.catalogue_version.clone()),
            ("policy-version", self.policy.clone().unwrap_or_else(|| "none in force".to_owned())),
        ];
        if let Some(day) = self.as_of {
            facts.push(("as-of", day.to_string()));
        }
        if let Some(units) = &self.units {
            facts.push(("cut-to-units", numbers(units)));
        }
        if let Some((seq, leaf)) = &self.trail_end {
            facts.push(("trail-entry", seq.to_string()));
            facts.push(("trail-leaf", leaf.clone()));
        }
        if let Some(checkpoint) = &self.checkpoint {
            facts.push(("checkpoint", checkpoint.clone()));
        }
        facts.extend(self.coverage.sentences().map(|(name, text)| (name, text.to_owned())));
        facts
    }
}

/// Numbers of units as records have them.
fn numbers(units: &[i64]) -> String {
    match units {
        [] => "none".to_owned(),
        units => units.iter().map(|unit| format!("unit:{unit}")).collect::<Vec<_>>().join(" "),
    }
}

/// What the list rests on, in the three wordings that are kept apart.
#[derive(Debug, Clone)]
pub(super) struct Coverage {
    /// The sums; `None`: not kept of that day.
    pub(super) totals: Option<CoverageTotals>,
    /// What was found.
    pub(super) found: String,
    /// What was looked for and not found.
    pub(super) not_found: String,
    /// What was not looked for.
    pub(super) not_looked_for: String,
}

impl Coverage {
    /// Its three sentences, by name.
    pub(super) fn sentences(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("coverage-found", &self.found[..]),
            ("coverage-looked-for-and-not-found", &self.not_found[..]),
            ("coverage-not-looked-for", &self.not_looked_for[..]),
        ]
        .into_iter()
    }

    fn now(
        totals: CoverageTotals,
        expected: Option<&Expected>,
        seen: &Totals,
        known_products: usize,
        systems: usize,
    ) -> Self {
        let found = format!("{systems} AI systems on record; {} products seen by sensors.", seen.products);
        let CoverageTotals { sensors, reporting, silent, capturing, hellos, .. } = totals;
        let not_found = match reporting {
            0 => "Nothing can be said to be absent: no sensor reported within 24 hours.".to_owned(),
            _ => format!(
                "Of the {known_products} products of the catalogue, those that are not listed were looked for by {reporting} \
                 reporting sensors and not found."
            ),
        };
        let expected = match expected {
            Some(expected) => format!(
                "Expected endpoints: {}, of which {} have a sensor and {} reported.",
                expected.endpoints, expected.enrolled, expected.reporting
            ),
            None => "Expected endpoints: unknown.".to_owned(),
        };
        let hidden = totals.hellos_without_name + totals.hidden_destinations;
        let not_looked_for = format!(
            "{expected} Machines without a sensor were not looked at. Of {sensors} sensors {silent} are silent \
             and {} do not watch the network; {} sources were not read to their end; {hidden} of {hellos} connections did not show \
             a name; {} connections asked for names by encrypted DNS.",
            sensors.saturating_sub(capturing),
            totals.sources_unread,
            totals.encrypted_dns
        );
        Self { totals: Some(totals), found, not_found, not_looked_for }
    }

    fn of_past_day(day: Day, systems: usize, past: &Past) -> Self {
        let kept = "is not kept; it is not made up here.";
        if let Some((of, rests)) = past.coverage() {
            let then = |text: &str| format!("By the monthly snapshot of {of}: {text}");
            return Self {
                totals: rests.totals.clone().filter(|_| of == day),
                found: format!(
                    "{systems} AI systems were on record at the end of {day}, as the audit trail says."
                ),
                not_found: then(&rests.not_found),
                not_looked_for: then(&rests.not_looked_for),
            };
        }
        Self {
            totals: None,
            found: format!(
                "{systems} AI systems were on record at the end of {day}, as the audit trail says."
            ),
            not_found: format!("What sensors looked for and did not find up to {day} {kept}"),
            not_looked_for: format!(
                "Expected endpoints: unknown. What sensors could not see up to {day} {kept}"
            ),
        }
    }
}

/// A product that a record is used through.
#[derive(Debug, Clone)]
pub(super) struct Product {
    /// Its id in the catalogue.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
    /// Its vendor's name; empty: unknown.
    pub(super) vendor: String,
    /// Vendor's site.
    pub(super) vendor_site: Option<String>,
    /// Vendor's country, ISO 3166-1 alpha-2.
    pub(super) vendor_country: Option<String>,
    /// Its kind.
    pub(super) kind: Option<ProductKind>,
    /// What it is.
    pub(super) description: String,
    /// What is known of its sightings.
    pub(super) seen: Sightings,
    /// Whether the clocks were right that told its first and its last day.
    pub(super) clocks: Clocks,
    /// Evidence, strongest first.
    pub(super) evidence: Vec<EvidenceRow>,
    /// What sources say of its vendor: question, and the word that follows.
    pub(super) claims: Vec<(&'static str, &'static str)>,
}

impl Product {
    /// Versions that evidence shows, without repetition.
    pub(super) fn versions(&self) -> Vec<&str> {
        let mut versions: Vec<&str> = self.evidence.iter().filter_map(|row| row.version.as_deref()).collect();
        versions.sort_unstable();
        versions.dedup();
        versions
    }
}

/// What is known of a product's sightings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sightings {
    /// No sensor saw it up to then.
    Never,
    /// It was seen.
    Seen {
        /// First day.
        first: Day,
        /// Last day up to then; `None`: no longer known.
        last: Option<Day>,
        /// Assets that showed it; `None`: no longer known of that day.
        assets: Option<u64>,
        /// The monthly snapshot that says what retention has deleted since; `None`: nothing comes from one.
        snapshot: Option<Day>,
    },
}

impl Sightings {
    /// First and last day as far as known.
    pub(super) fn days(self) -> (Option<Day>, Option<Day>) {
        match self {
            Self::Never => (None, None),
            Self::Seen { first, last, .. } => (Some(first), last),
        }
    }

    /// Assets as far as known.
    pub(super) fn assets(self) -> Option<u64> {
        match self {
            Self::Never => None,
            Self::Seen { assets, .. } => assets,
        }
    }

    /// The day of the monthly snapshot that tells of them.
    pub(super) fn snapshot(self) -> Option<Day> {
        match self {
            Self::Never => None,
            Self::Seen { snapshot, .. } => snapshot,
        }
    }

    /// In a word: `never`, `known`, `snapshot` where a monthly snapshot tells, or `expired` where retention took the days that would.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Seen { snapshot: Some(_), .. } => "snapshot",
            Self::Seen { last: Some(_), .. } => "known",
            Self::Seen { last: None, .. } => "expired",
        }
    }
}

/// A record with all that formats write of it.
#[derive(Debug, Clone)]
pub(super) struct System {
    /// The record.
    pub(super) record: AiSystem,
    /// What its trail says of this version.
    pub(super) dated: Dated<()>,
    /// What counts on the day of the export.
    pub(super) sanction: Sanction,
    /// Its products, by id.
    pub(super) products: Vec<Product>,
}

impl System {
    /// Who provides it: as people wrote it down, else as the catalogue names them.
    pub(super) fn vendor(&self) -> Option<String> {
        let catalogue =
            || self.products.iter().map(|product| &product.vendor).find(|vendor| !vendor.is_empty());
        self.record.vendor_name.clone().or_else(|| catalogue().cloned())
    }

    /// Country of that, ISO 3166-1 alpha-2.
    pub(super) fn country(&self) -> Option<String> {
        let catalogue = || self.products.iter().find_map(|product| product.vendor_country.clone());
        self.record.vendor_country.clone().or_else(catalogue)
    }

    /// Whether the clock was right that told its first day, and that of its last day as far as that is the last to this day.
    pub(super) fn clocks(&self) -> [(&'static str, Option<ClockTrust>); 2] {
        let (first, last) = self.days();
        let products = || self.products.iter().map(|product| (product.seen.days(), product.clocks));
        let of_first = products().filter(|(days, _)| days.0 == first && first.is_some());
        let of_last = products().filter(|(days, _)| days.1 == last && last.is_some());
        [
            ("first-seen-clock", of_first.filter_map(|(_, clocks)| clocks.first).max()),
            ("last-seen-clock", of_last.filter_map(|(_, clocks)| clocks.last).max()),
        ]
    }

    /// Whether it is used over the network, and not installed.
    pub(super) fn is_service(&self) -> bool {
        matches!(self.record.kind, SystemKind::SaasService)
    }

    /// First day, last day as far as known, and most assets of one product as far as known.
    pub(super) fn days(&self) -> (Option<Day>, Option<Day>) {
        let days = self.products.iter().map(|product| product.seen.days());
        let (firsts, lasts): (Vec<_>, Vec<_>) = days.unzip();
        (firsts.into_iter().flatten().chain(self.record.first_seen).min(), lasts.into_iter().flatten().max())
    }

    /// What the evidence of its products shows of its resources, up to the day of the export; `None`: now.
    pub(super) fn resources(&self, as_of: Option<Day>) -> Resources {
        let piece = |row: &EvidenceRow| {
            let last = Some(row.last_day).filter(|last| as_of.is_none_or(|day| *last <= day));
            Piece {
                channel: row.channel.clone(),
                value: row.value.clone(),
                version: row.version.clone(),
                first: row.first_day,
                last,
                // What was looked at since then may have been another file by then.
                files: if last.is_some() { row.files.clone() } else { Vec::new() },
            }
        };
        Resources::of(self.products.iter().map(|product| Shown {
            id: &product.id,
            name: &product.name,
            vendor: &product.vendor,
            kind: product.kind,
            pieces: product.evidence.iter().map(piece).collect(),
        }))
    }

    /// The models that were found for it, with what tells one from another of the same name.
    pub(super) fn models(&self, as_of: Option<Day>) -> impl Iterator<Item = (String, ModelSeen)> {
        let found = self.resources(as_of).models.into_iter().filter(|model| model.source == "observed");
        found.map(|model| {
            let parts = [Some(&model.name), model.version.as_ref(), model.sha256.as_ref()];
            let parts = parts.map(|part| part.map_or("", String::as_str));
            (format!("{} {}", self.record.id, parts.join(" ")), model)
        })
    }

    /// The day of the monthly snapshot that tells of its sightings.
    pub(super) fn snapshot(&self) -> Option<Day> {
        self.products.iter().find_map(|product| product.seen.snapshot())
    }

    /// Most assets of one of its products as far as known.
    pub(super) fn assets(&self) -> Option<u64> {
        self.products.iter().filter_map(|product| product.seen.assets()).max()
    }

    /// Names and words of its states and of what people set, for formats that hold properties. Nothing of a person in it but numbers.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let record = &self.record;
        let (first, last) = self.days();
        let sightings = self.products.iter().map(|product| product.seen.word());
        let mut facts = vec![
            ("reference", record.reference.clone()),
            ("kind", record.kind.as_str().to_owned()),
            ("review", record.review.as_str().to_owned()),
            ("sanction", record.sanction.as_str().to_owned()),
            ("sanction-effective", self.sanction.as_str().to_owned()),
            ("scope", record.scope.as_str().to_owned()),
            ("stage", record.stage.as_str().to_owned()),
            ("observed", record.observed.as_str().to_owned()),
            ("enforcement", record.enforcement.as_str().to_owned()),
            ("risk-tier", record.risk_tier.as_str().to_owned()),
            ("ai-act-class", record.ai_act_class.as_str().to_owned()),
            ("ai-act-role", record.ai_act_role.as_str().to_owned()),
            ("decision-impact", record.decision_impact.as_str().to_owned()),
            ("consequential-domain", record.consequential_domain.as_str().to_owned()),
            ("human-oversight", record.human_oversight.as_str().to_owned()),
            ("environment", record.environment.as_str().to_owned()),
            ("impact-assessment", record.aiia.state.as_str().to_owned()),
            ("supplier-assessment", record.supplier_assessment.state.as_str().to_owned()),
            ("personal-data", record.pii.as_str().to_owned()),
            ("trains-on-our-data", record.trains_on_our_data.as_str().to_owned()),
            ("record-version", self.dated.version.to_string()),
            ("record-hash", self.dated.hash.clone()),
            ("log-seq", self.dated.seq.to_string()),
        ];
        let mut add = |name, text: Option<String>| facts.extend(text.map(|text| (name, text)));
        add("reopened", record.reopened.map(|why| why.as_str().to_owned()));
        add("dismissed", record.dismissed.map(|why| why.as_str().to_owned()));
        add("conditions", record.conditions.clone());
        add("expires-on", record.expires_on.map(|day| day.to_string()));
        add("scope-justification", record.scope_justification.clone());
        add("system-owner", record.system_owner.map(|person| format!("person:{person}")));
        add("risk-owner", record.risk_owner.map(|person| format!("person:{person}")));
        add("next-review-due", record.next_review_due.map(|day| day.to_string()));
        add("deployed-on", record.deployed_on.map(|day| day.to_string()));
        add("retired-on", record.retired_on.map(|day| day.to_string()));
        add("first-seen", first.map(|day| day.to_string()));
        add("last-seen", last.map(|day| day.to_string()));
        add("decided-under-policy", record.decision.as_ref().map(|decision| decision.policy.clone()));
        let late = record.assessed_after_use().then(|| "true".to_owned());
        add("impact-assessment-retroactive", late);
        add("accelerators", record.compute.accelerators.clone());
        add("compute-note", record.compute.note.clone());
        add("demonstration", record.demonstration.then(|| "true".to_owned()));
        for (name, trust) in self.clocks() {
            facts.extend(trust.map(|trust| (name, trust.as_str().to_owned())));
        }
        facts.extend(record.limited_to_units.iter().map(|unit| ("limited-to-unit", format!("unit:{unit}"))));
        facts.extend(
            record.limited_to_versions.iter().map(|limit| ("limited-to-versions", limit.to_string())),
        );
        facts.extend(record.org_units.iter().map(|unit| ("unit", format!("unit:{unit}"))));
        facts.extend(record.org_roles.iter().map(|role| ("org-role", role.as_str().to_owned())));
        facts.extend(record.compute.places.iter().map(|place| ("compute-place", place.as_str().to_owned())));
        facts.extend(record.labels.iter().map(|label| ("label", label.clone())));
        let told = sightings.filter(|word| matches!(*word, "expired" | "snapshot"));
        facts.extend(told.min().map(|word| ("observations", word.to_owned())));
        facts.extend(self.snapshot().map(|day| ("observed-as-of", day.to_string())));
        facts
    }
}

/// Everything that is written, but products that belong to no record.
#[derive(Debug)]
pub(super) struct View {
    /// What stands at the head.
    pub(super) head: Head,
    /// The records, in the order in which they were made. In memory: they grow with the uses of AI, not with the fleet.
    pub(super) systems: Vec<System>,
    /// Ids of records of which part was erased, so that what they were is no longer known.
    pub(super) erased: Vec<String>,
}

impl View {
    /// Reads the inventory of the moment of a stamp.
    pub(super) fn read(from: Sources<'_>, catalogue: &Catalogue, stamp: &Stamp) -> Result<Self, ExportError> {
        let dated = match stamp.as_of {
            None => from.governance.whole_systems(&stamp.sight)?,
            Some(_) => from.governance.whole_systems_as_of(stamp.before_ms(), &stamp.sight)?,
        };
        let (day, past) = (stamp.day(), Past::read(from, stamp)?);
        let mut products: BTreeMap<String, Product> = BTreeMap::new();
        let (mut systems, mut erased) = (Vec::with_capacity(dated.len()), Vec::new());
        for Dated { id, body, version, hash, seq, at_ms, created_at_ms } in dated {
            let Some(record) = body else {
                erased.push(id);
                continue;
            };
            // What went into another record is told by that one.
            if record.is_merged() {
                continue;
            }
            for word in &record.products {
                if !products.contains_key(word) {
                    products.insert(word.clone(), product(from.reads, catalogue, stamp, &past, word)?);
                }
            }
            systems.push(System {
                sanction: record.effective_sanction(day),
                products: record.products.iter().filter_map(|word| products.get(word).cloned()).collect(),
                dated: Dated { id, body: Some(()), version, hash, seq, at_ms, created_at_ms },
                record,
            });
        }
        let head = head(from, catalogue, stamp, systems.len())?;
        Ok(Self { head, systems, erased })
    }
}

/// The head of an export of so many records.
pub(super) fn head(
    from: Sources<'_>,
    catalogue: &Catalogue,
    stamp: &Stamp,
    systems: usize,
) -> Result<Head, ExportError> {
    let policies = from.governance.policies_as_of(stamp.before_ms())?;
    let units = stamp.sight.units().map(<[i64]>::to_vec);
    let mut coverage = match stamp.as_of {
        Some(day) => Coverage::of_past_day(day, systems, &Past::read(from, stamp)?),
        None => Coverage::now(
            from.reads.coverage_totals(stamp.now_ms)?,
            from.governance.coverage_record(stamp.now_ms)?.expected.as_ref(),
            &from.reads.totals(stamp.day(), stamp.now_ms)?,
            catalogue.products().len(),
            systems,
        ),
    };
    if let Some(units) = &units {
        let cut = format!(
            "Not the whole inventory: only records of these units ({}) and those that whoever took it away answers for.",
            numbers(units)
        );
        coverage.found = format!("{cut} {}", coverage.found);
    }
    // The newest of all, also of a past day: it covers what came before.
    let checkpoint = from.governance.newest_checkpoint()?;
    Ok(Head {
        now_ms: stamp.now_ms,
        as_of: stamp.as_of,
        catalogue_version: stamp.catalogue_version.clone(),
        policy: in_force(&policies, stamp.day()).map(|policy| policy.version.clone()),
        trail_end: from.governance.trail_end(stamp.before_ms())?,
        units,
        checkpoint: checkpoint.map(|note| note.to_string()),
        coverage,
    })
}

/// What is known of a product up to the day of a stamp.
fn product(
    reads: &dyn Reads,
    catalogue: &Catalogue,
    stamp: &Stamp,
    past: &Past,
    word: &str,
) -> Result<Product, ExportError> {
    let known = catalogue.product(word);
    let Some(detail) = reads.product(word, stamp.day())? else {
        let vendor = known.and_then(|known| catalogue.vendor(&known.vendor));
        let text = |text: Option<&umbrascope_rules::Text>| text.map(|text| text.to_string());
        return Ok(Product {
            id: word.to_owned(),
            name: known.map_or_else(|| word.to_owned(), |known| known.name.to_string()),
            vendor: vendor.map(|vendor| vendor.name.to_string()).unwrap_or_default(),
            vendor_site: text(vendor.and_then(|vendor| vendor.site.as_ref())),
            vendor_country: text(vendor.and_then(|vendor| vendor.country.as_ref())),
            kind: known.map(|known| known.kind),
            description: known.map(|known| known.description.to_string()).unwrap_or_default(),
            seen: Sightings::Never,
            clocks: Clocks::default(),
            evidence: Vec::new(),
            claims: claims(
                known.and_then(|known| VendorFacts::of(catalogue, &known.vendor, Some(word))).as_ref(),
            ),
        });
    };
    let seen = sightings(&detail, stamp, past);
    let mut evidence = detail.evidence;
    if let Some(day) = stamp.as_of {
        evidence.retain(|row| row.first_day <= day);
    }
    let clocks = match seen {
        Sightings::Never => Clocks::default(),
        // They are of the days that are known now.
        Sightings::Seen { last, .. } if last == Some(detail.row.last_day) => detail.clocks,
        Sightings::Seen { .. } => Clocks { last: None, ..detail.clocks },
    };
    Ok(Product {
        id: detail.row.id,
        name: detail.row.name,
        vendor: detail.row.vendor,
        vendor_site: detail.vendor_site,
        vendor_country: detail.vendor_country,
        kind: detail.row.kind,
        description: detail.description,
        seen,
        clocks,
        evidence,
        claims: claims(detail.vendor_facts.as_ref()),
    })
}

/// What is still known of the sightings up to a day. The store keeps first and last day of all time, and counts by day as long as
/// they are kept; the assets of a past moment are in a monthly snapshot, if anywhere.
pub(super) fn sightings(detail: &ProductDetail, stamp: &Stamp, past: &Past) -> Sightings {
    let (first, last) = (detail.row.first_day, detail.row.last_day);
    let kept = match stamp.as_of {
        None => {
            let assets = told(detail.row.assets, stamp.least);
            return Sightings::Seen { first, last: Some(last), assets, snapshot: None };
        }
        Some(day) if first > day => return Sightings::Never,
        Some(day) if last <= day => Some(last),
        Some(day) => {
            let counted = detail.days.iter().filter(|count| count.day <= day && count.assets > 0);
            counted.map(|count| count.day).max()
        }
    };
    let Some((of, then)) = past.product(&detail.row.id) else {
        return Sightings::Seen { first, last: kept, assets: None, snapshot: None };
    };
    // Its numbers are told as they were then, but to nobody who is told less by now.
    let assets = then.machines.and_then(|machines| told(machines, stamp.least));
    let tells = assets.is_some() || (kept.is_none() && then.last_day.is_some());
    Sightings::Seen { first, last: kept.or(then.last_day), assets, snapshot: tells.then_some(of) }
}

pub(super) fn claims(facts: Option<&VendorFacts>) -> Vec<(&'static str, &'static str)> {
    let questions = facts.into_iter().flat_map(|facts| &facts.questions);
    questions
        .flat_map(|question| {
            question.answers.iter().map(|answer| (question.framework.as_str(), answer.standing.as_str()))
        })
        .filter(|(_, standing)| *standing != "unknown")
        .collect()
}

/// Every product seen up to the day of a stamp, by name, with all that is known of it.
pub(super) fn every_product(
    reads: &dyn Reads,
    stamp: &Stamp,
    mut each: impl FnMut(ProductDetail) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let (all, day) = (ProductFilter::default(), stamp.day());
    super::every(
        |page: PageRequest| reads.products(&all, ProductSort::Name, Direction::Ascending, page, day),
        |row| match reads.product(&row.id, day)? {
            Some(detail) if detail.row.first_day <= day => each(detail),
            _ => Ok(()),
        },
    )
}

impl Sources<'_> {
    /// How many records an export of a stamp tells of.
    pub(super) fn count_systems(self, stamp: &Stamp) -> Result<usize, ExportError> {
        let dated = match stamp.as_of {
            None => self.governance.whole_systems(&stamp.sight)?,
            Some(_) => self.governance.whole_systems_as_of(stamp.before_ms(), &stamp.sight)?,
        };
        Ok(dated.iter().filter(|dated| dated.body.as_ref().is_some_and(|record| !record.is_merged())).count())
    }
}
