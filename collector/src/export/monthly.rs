//! Monthly snapshots: taken of the same neutral view as every export, and read again by exports of a past day, which tell from the newest
//! one up to that day what retention has deleted since.

use std::collections::BTreeMap;

use umbrascope_api::Day;
use umbrascope_rules::Catalogue;

use super::view::{self, Sightings};
use super::{ExportError, Sources, Stamp};
use crate::anonymity::told;
use crate::audit::{canonical, sha256};
use crate::model::governed::Act;
use crate::model::monthly::{self, Content, FORMAT, Monthly, ProductThen, Rests, SystemThen, TrailEnd};
use crate::model::record::AiSystem;
use crate::readiness::Kept;
use crate::scope::UsageBand;

/// How long after a month's end what sensors show counts as of it, in milliseconds.
const IN_TIME_MS: i64 = 86_400_000;

/// What the newest monthly snapshot at or before a past day says; of now it says nothing.
#[derive(Debug, Default)]
pub struct Past(Option<Content>);

impl Past {
    /// That of the day of a stamp.
    pub(super) fn read(from: Sources<'_>, stamp: &Stamp) -> Result<Self, ExportError> {
        match stamp.as_of {
            None => Ok(Self::default()),
            Some(day) => Self::at(from, day),
        }
    }

    /// That of the end of a day.
    pub fn at(from: Sources<'_>, day: Day) -> Result<Self, ExportError> {
        let content = from.governance.monthly_at(day)?;
        Ok(Self(content.map(|text| serde_json::from_str(&text)).transpose()?))
    }

    /// What it says of a product, and of which day it is.
    pub fn product(&self, id: &str) -> Option<(Day, &ProductThen)> {
        let content = self.0.as_ref()?;
        content.products.get(id).map(|then| (content.as_of, then))
    }

    /// What it rests on, where that was still known, and of which day it is.
    pub(super) fn coverage(&self) -> Option<(Day, &Rests)> {
        let content = self.0.as_ref().filter(|content| content.in_time)?;
        Some((content.as_of, &content.coverage))
    }
}

/// What is known of what sensors had shown of a product by the end of a past day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenThen {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// First day; `None`: it was not seen by then.
    pub first: Option<Day>,
    /// Last day; `None`: no longer known, where there is a first.
    pub last: Option<Day>,
    /// Machines; `None`: no longer known, or too few to be told.
    pub machines: Option<u64>,
    /// The monthly snapshot that tells of it; `None`: nothing comes from one.
    pub snapshot: Option<Day>,
}

/// That of the products of a record, on the day of a stamp. Blocking.
pub fn seen_then(from: Sources<'_>, stamp: &Stamp, record: &AiSystem) -> Result<Vec<SeenThen>, ExportError> {
    let past = Past::read(from, stamp)?;
    let mut then = Vec::with_capacity(record.products.len());
    for id in &record.products {
        let Some(detail) = from.reads.product(id, stamp.day())? else { continue };
        let seen = view::sightings(&detail, stamp, &past);
        let (first, last) = seen.days();
        let (machines, snapshot) = (seen.assets(), seen.snapshot());
        then.push(SeenThen { id: detail.row.id, name: detail.row.name, first, last, machines, snapshot });
    }
    Ok(then)
}

/// Keeps a snapshot of each month that ended and has none: one after the other, each with its entry in the trail or not at all, so that it
/// may be cut short anywhere. The months kept. Blocking.
pub fn keep(from: Sources<'_>, catalogue: &Catalogue, now_ms: i64) -> Result<Vec<String>, ExportError> {
    let store = from.governance;
    let newest = store.monthly_snapshots()?.into_iter().map(|held| held.body.as_of).max();
    let mut kept = Vec::new();
    for end in monthly::due(newest, store.trail_begin()?, Day::from_unix_ms(now_ms)) {
        let (snapshot, content) = take(from, catalogue, end, now_ms)?;
        let month = snapshot.month.clone();
        if store.keep_monthly(snapshot, content, Act::job("snapshot", now_ms))? {
            kept.push(month);
        }
    }
    Ok(kept)
}

/// The snapshot of the month that ended with this day, and its content in canonical form.
fn take(
    from: Sources<'_>,
    catalogue: &Catalogue,
    as_of: Day,
    now_ms: i64,
) -> Result<(Monthly, String), ExportError> {
    let least_count = u64::from(from.governance.retention()?.0.times.least_count);
    let now = Stamp { machines: false, least: least_count, ..Stamp::new(catalogue, now_ms) };
    let stamp = Stamp { as_of: Some(as_of), ..now.clone() };
    let in_time = now_ms < as_of.forward(1).unix_ms() + IN_TIME_MS;
    let (systems, erased) = systems(from, &stamp)?;
    let head = view::head(from, catalogue, &stamp, systems.len())?;
    let coverage = match in_time {
        true => view::head(from, catalogue, &now, systems.len())?.coverage,
        false => head.coverage,
    };
    let denominator = in_time.then(|| from.governance.coverage_record(now_ms)).transpose()?;
    let content = Content {
        format: FORMAT.to_owned(),
        month: monthly::month_of(as_of),
        as_of,
        taken_at_ms: now_ms,
        in_time,
        least_count,
        catalogue: stamp.catalogue_version.clone(),
        policy: head.policy,
        trail_end: head.trail_end.map(|(seq, leaf)| TrailEnd { seq, leaf }),
        checkpoint: head.checkpoint,
        coverage: Rests {
            found: coverage.found,
            not_found: coverage.not_found,
            not_looked_for: coverage.not_looked_for,
            totals: coverage.totals.filter(|_| in_time),
            denominator,
        },
        indicators: indicators(from, as_of)?,
        systems,
        erased,
        products: products(from, &stamp, in_time)?,
    };
    let bytes = canonical(&content).map_err(std::io::Error::other)?;
    let snapshot = Monthly {
        month: content.month,
        as_of,
        taken_at_ms: now_ms,
        sha256: sha256(&[&bytes]).to_string(),
        bytes: bytes.len() as u64,
        systems: content.systems.len() as u64,
        products: content.products.len() as u64,
        erased_on: None,
    };
    Ok((snapshot, String::from_utf8(bytes).map_err(std::io::Error::other)?))
}

/// The records as they were, and ids of those that are no longer known.
fn systems(from: Sources<'_>, stamp: &Stamp) -> Result<(Vec<SystemThen>, Vec<String>), ExportError> {
    let (mut systems, mut erased) = (Vec::new(), Vec::new());
    for dated in from.governance.whole_systems_as_of(stamp.before_ms(), &stamp.sight)? {
        match dated.body {
            None => erased.push(dated.id),
            Some(record) if record.is_merged() => {}
            Some(record) => systems.push(SystemThen {
                version: dated.version,
                hash: dated.hash,
                log_seq: dated.seq,
                sanction_effective: record.effective_sanction(stamp.day()),
                record,
            }),
        }
    }
    Ok((systems, erased))
}

/// The indicators that were kept last by the morning after a day.
fn indicators(from: Sources<'_>, as_of: Day) -> Result<Option<Kept>, ExportError> {
    let kept = from.governance.kept_indicators()?.into_iter().map(|held| held.body);
    Ok(kept.filter(|kept| kept.day <= as_of.forward(1)).max_by_key(|kept| kept.day))
}

/// What sensors saw up to then. Numbers of machines are those of now, which is just after it, or are not there.
fn products(
    from: Sources<'_>,
    stamp: &Stamp,
    in_time: bool,
) -> Result<BTreeMap<String, ProductThen>, ExportError> {
    let mut products = BTreeMap::new();
    view::every_product(from.reads, stamp, |detail| {
        let Sightings::Seen { first, last, .. } = view::sightings(&detail, stamp, &Past::default()) else {
            return Ok(());
        };
        let machines = told(detail.row.assets, stamp.least);
        let then = ProductThen {
            name: detail.row.name,
            vendor: detail.row.vendor,
            kind: detail.row.kind.map(|kind| kind.as_str().to_owned()),
            first_day: first,
            last_day: last,
            machines: machines.filter(|_| in_time),
            usage: in_time.then(|| machines.map_or(UsageBand::Few, UsageBand::of)),
            claims: view::claims(detail.vendor_facts.as_ref())
                .into_iter()
                .map(|(question, standing)| (question.to_owned(), standing.to_owned()))
                .collect(),
        };
        products.insert(detail.row.id, then);
        Ok(())
    })?;
    Ok(products)
}
