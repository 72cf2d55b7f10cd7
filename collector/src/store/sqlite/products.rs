//! What the Products and Inventory pages read.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params, params_from_iter};
use umbrascope_api::{Channel, Day, Evidence, ItemDetails};
use umbrascope_rules::{Catalogue, Confidence, Matcher, SoftwareKind};

use super::books::{confidence_number, confidence_of, strongest_level};
use super::{clocks, merge, prepare};
use crate::catalogue::Known;
use crate::inventory::{self, Bits, Meaning};
use crate::model::record::ModelFile;
use crate::model::{
    AssetId, DayCount, Direction, EvidenceRow, Page, PageRequest, ProductAsset, ProductDetail, ProductFilter,
    ProductRow, ProductSort, VendorFacts,
};

/// Days of the trend on a list.
const TREND_DAYS: u32 = 30;
/// Days of the chart on a product's page.
const DETAIL_DAYS: u32 = 90;
/// Evidence rows on a product's page.
const EVIDENCE_ROWS: usize = 500;
/// Assets on a product's page.
const ASSET_ROWS: u32 = 200;
/// Items looked at for the flags of one piece of evidence; those with flags come first.
const ITEMS_FOR_FLAGS: u32 = 20;

/// What the catalogue adds to what the tables hold.
#[derive(Clone, Copy)]
pub(super) struct Knowledge<'s> {
    pub(super) catalogue: &'s Catalogue,
    pub(super) matcher: &'s Matcher,
}

impl<'s> Knowledge<'s> {
    pub(super) fn of(known: &'s Known) -> Self {
        Self { catalogue: known.catalogue(), matcher: known.matcher() }
    }
}

/// The channels by their numbers.
pub(super) struct Channels(Vec<(i64, Channel)>);

impl Channels {
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let rows = prepare(connection, "SELECT id, word FROM channel")?
            .query_map([], |row| Ok((row.get(0)?, Channel::from(row.get::<_, String>(1)?.as_str()))))?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self(rows))
    }

    pub(super) fn of(&self, set: Bits) -> Vec<Channel> {
        let channels =
            self.0.iter().filter(|(id, _)| set.has(*id)).map(|(_, channel)| channel.clone()).collect();
        merge::in_known_order(channels)
    }

    fn number(&self, channel: &Channel) -> Option<i64> {
        self.0.iter().find(|(_, other)| other == channel).map(|(id, _)| *id)
    }
}

/// Conditions of a list, their parameters numbered in the order they are added.
#[derive(Default)]
pub(super) struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds a condition; `$` in it stands for the parameter.
    pub(super) fn add(&mut self, condition: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        let joint = if self.sql.is_empty() { " WHERE " } else { " AND " };
        self.sql.push_str(joint);
        self.sql.push_str(&condition.replace('$', &format!("${}", self.values.len())));
    }

    /// The column must be one of these.
    pub(super) fn add_any(&mut self, column: &str, values: &[i64]) {
        let places: Vec<String> =
            (1..=values.len()).map(|place| format!("${}", self.values.len() + place)).collect();
        // Of none: no row.
        let condition = if places.is_empty() {
            "1 = 0".to_owned()
        } else {
            format!("{column} IN ({})", places.join(", "))
        };
        self.add_plain(&condition);
        self.values.extend(values.iter().map(|value| Value::from(*value)));
    }

    /// Adds a condition without a parameter.
    pub(super) fn add_plain(&mut self, condition: &str) {
        let joint = if self.sql.is_empty() { " WHERE " } else { " AND " };
        self.sql.push_str(joint);
        self.sql.push_str(condition);
    }

    /// Every word must stand somewhere in a column that is folded to lower case.
    pub(super) fn add_search(&mut self, column: &str, words: &str) {
        for word in words.to_lowercase().split_whitespace() {
            let escaped = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            self.add(&format!("{column} LIKE $ ESCAPE '\\'"), format!("%{escaped}%"));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sql.is_empty()
    }

    pub(super) fn count(&self, connection: &Connection, from: &str) -> rusqlite::Result<u64> {
        let sql = format!("SELECT count(*) FROM {from}{}", self.sql);
        prepare(connection, &sql)?.query_row(params_from_iter(&self.values), |row| row.get(0))
    }

    /// Every row of `select … from`, and what comes after the conditions.
    pub(super) fn every<T>(
        &self,
        connection: &Connection,
        select: &str,
        after: &str,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        prepare(connection, &format!("{select}{} {after}", self.sql))?
            .query_map(params_from_iter(&self.values), row)?
            .collect()
    }

    /// One page of `select … from`, ordered.
    pub(super) fn page<T>(
        &self,
        connection: &Connection,
        select: &str,
        order: &str,
        page: PageRequest,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let (limit, offset) = (self.values.len() + 1, self.values.len() + 2);
        let sql = format!("{select}{} ORDER BY {order} LIMIT ${limit} OFFSET ${offset}", self.sql);
        let rows = Value::from(i64::from(page.limit.min(PageRequest::MAX_LIMIT)));
        let skip = Value::from(i64::try_from(page.offset).unwrap_or(i64::MAX));
        prepare(connection, &sql)?
            .query_map(params_from_iter(self.values.iter().chain([&rows, &skip])), row)?
            .collect()
    }
}

pub(super) fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Ascending => "ASC",
        Direction::Descending => "DESC",
    }
}

pub(super) fn day(number: i64) -> Day {
    u32::try_from(number).ok().and_then(Day::from_number).unwrap_or(Day::MAX)
}

pub(super) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// What orders rows of `product_summary s` by their assets: those of which the number is not told stand side by side.
pub(super) fn by_assets(least: u64) -> String {
    match least {
        0 | 1 => "coalesce(s.assets, 0)".to_owned(),
        least => {
            format!("CASE WHEN s.assets > 0 AND s.assets < {least} THEN 1 ELSE coalesce(s.assets, 0) END")
        }
    }
}

const PRODUCT_FROM: &str = "product_summary s JOIN product p ON p.id = s.product";
const PRODUCT_SELECT: &str = "SELECT p.id, p.word, p.name, p.vendor, p.kind, p.known, p.embedded, s.channels, s.levels,
    s.confidence, s.assets, s.first_day, s.last_day FROM product_summary s JOIN product p ON p.id = s.product";

pub(super) fn products(
    connection: &Connection,
    filter: &ProductFilter,
    sort: ProductSort,
    direction: Direction,
    page: PageRequest,
    today: Day,
) -> rusqlite::Result<Page<ProductRow>> {
    let channels = Channels::load(connection)?;
    let mut conditions = Conditions::default();
    conditions.add_search("p.search", &filter.search);
    if let Some(kind) = filter.kind {
        conditions.add("p.kind = $", kind.as_str().to_owned());
    }
    if let Some(channel) = &filter.channel {
        // A channel that nobody brought yet stands in no set.
        let set = channels.number(channel).map_or(0, |number| Bits::of(number).0);
        conditions.add("(s.channels & $) <> 0", set);
    }
    if let Some(confidence) = filter.confidence {
        conditions.add("s.confidence >= $", confidence_number(confidence));
    }
    if let Some(number) = filter.newer_than {
        conditions.add("p.id > $", number);
    }
    if let Some(unit) = filter.unit {
        let least = filter.least.max(1);
        let condition =
            "EXISTS (SELECT 1 FROM product_unit u WHERE u.product = p.id AND u.unit = $ AND u.assets >= ";
        conditions.add(&format!("{condition}{least})"), unit);
    }
    let way = way(direction);
    let assets = by_assets(filter.least);
    let order = match sort {
        ProductSort::Assets => format!("{assets} {way}, p.search, p.id"),
        ProductSort::Name => format!("p.search {way}, p.id"),
        ProductSort::Vendor => format!("p.vendor {way}, p.search, p.id"),
        ProductSort::Confidence => format!("s.confidence {way}, {assets} DESC, p.id"),
        ProductSort::FirstSeen => format!("s.first_day {way}, {assets} DESC, p.id"),
        ProductSort::LastSeen => format!("s.last_day {way}, {assets} DESC, p.id"),
    };
    let found =
        conditions.page(connection, PRODUCT_SELECT, &order, page, |row| product_row(row, &channels))?;
    let mut rows = Vec::with_capacity(found.len());
    for (id, mut row) in found {
        row.trend = days(connection, id, today, TREND_DAYS)?.into_iter().map(|day| day.assets).collect();
        rows.push(row);
    }
    Ok(Page { rows, total: conditions.count(connection, PRODUCT_FROM)? })
}

fn product_row(row: &Row<'_>, channels: &Channels) -> rusqlite::Result<(i64, ProductRow)> {
    let kind: String = row.get(4)?;
    let known: bool = row.get(5)?;
    let product = ProductRow {
        id: row.get(1)?,
        name: row.get(2)?,
        vendor: row.get(3)?,
        kind: kind.parse().ok(),
        channels: channels.of(Bits(row.get(7)?)),
        confidence: confidence_of(row.get(9)?).unwrap_or(Confidence::Suspect),
        level: strongest_level(Bits(row.get(8)?)),
        assets: row.get(10)?,
        first_day: day(row.get(11)?),
        last_day: day(row.get(12)?),
        trend: Vec::new(),
        needs_catalogue: !known,
        embedded: row.get(6)?,
    };
    Ok((row.get(0)?, product))
}

/// One entry a day up to today, zeros where nothing was seen.
fn days(connection: &Connection, product: i64, today: Day, days: u32) -> rusqlite::Result<Vec<DayCount>> {
    let sql =
        "SELECT day, assets, n FROM product_day WHERE product = $1 AND day > $2 AND day <= $3 ORDER BY day";
    series(connection, sql, &[&product], today, days)
}

/// As [`days`], over all products.
pub(super) fn fleet_days(connection: &Connection, today: Day, days: u32) -> rusqlite::Result<Vec<DayCount>> {
    let sql = "SELECT day, assets, n FROM fleet_day WHERE day > $1 AND day <= $2 ORDER BY day";
    series(connection, sql, &[], today, days)
}

fn series(
    connection: &Connection,
    sql: &str,
    key: &[&dyn ToSql],
    today: Day,
    days: u32,
) -> rusqlite::Result<Vec<DayCount>> {
    let first = today.back(days.saturating_sub(1));
    let mut series: Vec<DayCount> = (first.number()..=today.number())
        .filter_map(Day::from_number)
        .map(|day| DayCount { day, assets: 0, count: 0 })
        .collect();
    let (after, last) = (i64::from(first.number()) - 1, i64::from(today.number()));
    let mut parameters = key.to_vec();
    parameters.extend([&after as &dyn ToSql, &last]);
    let mut statement = prepare(connection, sql)?;
    let mut rows = statement.query(parameters.as_slice())?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let at = usize::try_from(number - i64::from(first.number())).ok();
        if let Some(entry) = at.and_then(|at| series.get_mut(at)) {
            entry.assets = row.get(1)?;
            entry.count = row.get(2)?;
        }
    }
    Ok(series)
}

pub(super) fn product(
    connection: &Connection,
    knowledge: Knowledge<'_>,
    id: &str,
    today: Day,
) -> rusqlite::Result<Option<ProductDetail>> {
    let channels = Channels::load(connection)?;
    let sql = format!("{PRODUCT_SELECT} WHERE p.word = $1");
    let found =
        prepare(connection, &sql)?.query_row(params![id], |row| product_row(row, &channels)).optional()?;
    let Some((number, mut row)) = found else { return Ok(None) };
    let days = days(connection, number, today, DETAIL_DAYS)?;
    let trend_from = days.len().saturating_sub(TREND_DAYS as usize);
    row.trend = days.iter().skip(trend_from).map(|day| day.assets).collect();
    let pieces: u64 = prepare(connection, "SELECT count(*) FROM evidence_summary WHERE product = $1")?
        .query_row(params![number], |row| row.get(0))?;
    let evidence = product_evidence(connection, knowledge, number)?;
    let known = knowledge.catalogue.product(id);
    let vendor = known.and_then(|product| knowledge.catalogue.vendor(&product.vendor));
    let clocks = clocks::of_product(connection, id, (row.first_day, row.last_day))?;
    Ok(Some(ProductDetail {
        row,
        clocks,
        description: known.map_or(String::new(), |product| product.description.to_string()),
        category: known.map_or(String::new(), |product| product.category.to_string()),
        vendor_site: vendor.and_then(|vendor| vendor.site.as_ref()).map(ToString::to_string),
        vendor_country: vendor.and_then(|vendor| vendor.country.as_ref()).map(ToString::to_string),
        vendor_facts: known
            .and_then(|product| VendorFacts::of(knowledge.catalogue, &product.vendor, Some(&product.id))),
        evidence_left_out: pieces.saturating_sub(evidence.len() as u64),
        evidence,
        assets: product_assets(connection, &channels, number)?,
        days,
    }))
}

/// The pieces of evidence on the most assets, strongest first.
fn product_evidence(
    connection: &Connection,
    knowledge: Knowledge<'_>,
    product: i64,
) -> rusqlite::Result<Vec<EvidenceRow>> {
    let mut statement = prepare(
        connection,
        "SELECT r.word, c.word, e.value, e.version, e.executable, e.container, e.package, e.forwarded, s.assets,
            s.accounts, s.n, s.first_day, s.last_day, s.present, s.items, s.rule, s.channel, s.evidence
         FROM evidence_summary s JOIN rule r ON r.id = s.rule JOIN channel c ON c.id = s.channel
            JOIN evidence e ON e.id = s.evidence
         WHERE s.product = $1 ORDER BY s.assets DESC LIMIT $2",
    )?;
    let mut rows = statement.query(params![product, EVIDENCE_ROWS])?;
    let mut evidence = Vec::new();
    while let Some(row) = rows.next()? {
        let mut piece = evidence_row(row, knowledge)?;
        (piece.assets, piece.accounts, piece.count) = (row.get(8)?, row.get(9)?, row.get(10)?);
        (piece.first_day, piece.last_day) = (day(row.get(11)?), day(row.get(12)?));
        if row.get::<_, i64>(14)? > 0 {
            let present = row.get::<_, i64>(13)? > 0;
            piece.present = present || piece.count > 0;
            let key = [row.get(15)?, row.get(16)?, row.get(17)?];
            add_item_details(connection, key, present, &mut piece)?;
        }
        evidence.push(piece);
    }
    sort_strongest_first(&mut evidence);
    Ok(evidence)
}

/// Details of one item that shows this evidence, and the flags of several.
fn add_item_details(
    connection: &Connection,
    [rule, channel, evidence]: [i64; 3],
    present: bool,
    piece: &mut EvidenceRow,
) -> rusqlite::Result<()> {
    let items: Vec<(String, String)> = prepare(
        connection,
        "SELECT details, flags FROM snapshot_item
         WHERE evidence = $1 AND rule = $2 AND channel = $3 AND present = $4 ORDER BY flags DESC LIMIT $5",
    )?
    .query_map(params![evidence, rule, channel, present, ITEMS_FOR_FLAGS], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?
    .collect::<rusqlite::Result<_>>()?;
    if let Some((details, _)) = items.first() {
        piece.details = merge::details(details);
    }
    if piece.channel == Channel::ModelFile {
        piece.files = files(items.iter().map(|(details, _)| details.as_str()));
    }
    for (_, flags) in &items {
        for flag in merge::flags(flags) {
            if !piece.flags.contains(&flag) {
                piece.flags.push(flag);
            }
        }
    }
    piece.flags.sort();
    Ok(())
}

/// What items say of the files of a model, each only once.
pub(super) fn files<'d>(details: impl Iterator<Item = &'d str>) -> Vec<ModelFile> {
    let file = |details| {
        let ItemDetails { sha256, licence, .. } = merge::details(details);
        ModelFile { sha256, licence }
    };
    details.map(file).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Columns 0 to 7: rule, channel, value, version, executable, container, package, forwarded. The rest is the caller's.
pub(super) fn evidence_row(row: &Row<'_>, knowledge: Knowledge<'_>) -> rusqlite::Result<EvidenceRow> {
    let rule: String = row.get(0)?;
    let channel = Channel::from(row.get::<_, String>(1)?.as_str());
    let evidence = Evidence {
        value: row.get(2)?,
        version: row.get(3)?,
        executable: row.get(4)?,
        container: row.get(5)?,
        package: row.get(6)?,
        forwarded: row.get(7)?,
    };
    let meaning = Meaning::of(&rule, knowledge.catalogue);
    let by_ai = inventory::is_connection(&channel)
        && evidence
            .executable
            .as_deref()
            .is_some_and(|path| knowledge.matcher.software(SoftwareKind::Executable, path).is_some());
    Ok(EvidenceRow {
        rule,
        level: inventory::level(&channel, meaning.level, by_ai),
        channel,
        value: evidence.value,
        version: evidence.version,
        executable: evidence.executable,
        container: evidence.container,
        package: evidence.package,
        forwarded: evidence.forwarded,
        confidence: meaning.confidence,
        assets: 1,
        accounts: 0,
        count: 0,
        first_day: Day::MAX,
        last_day: Day::MAX,
        present: true,
        details: ItemDetails::default(),
        flags: Vec::new(),
        files: Vec::new(),
    })
}

pub(super) fn sort_strongest_first(evidence: &mut [EvidenceRow]) {
    evidence.sort_by(|one, other| {
        (other.confidence, other.level, other.assets, other.count)
            .cmp(&(one.confidence, one.level, one.assets, one.count))
            .then_with(|| {
                (&one.channel, &one.value, &one.rule).cmp(&(&other.channel, &other.value, &other.rule))
            })
    });
}

fn product_assets(
    connection: &Connection,
    channels: &Channels,
    product: i64,
) -> rusqlite::Result<Vec<ProductAsset>> {
    prepare(
        connection,
        "SELECT p.asset, a.hostname, u.name, p.channels, p.levels, p.first_day, p.last_day, p.n, a.unit
         FROM product_asset p JOIN asset a ON a.id = p.asset JOIN unit u ON u.id = a.unit
         WHERE p.product = $1 ORDER BY p.last_day DESC, p.asset DESC LIMIT $2",
    )?
    .query_map(params![product, ASSET_ROWS], |row| {
        Ok(ProductAsset {
            asset: AssetId(row.get(0)?),
            hostname: row.get(1)?,
            unit: row.get(2)?,
            unit_id: row.get(8)?,
            channels: channels.of(Bits(row.get(3)?)),
            level: strongest_level(Bits(row.get(4)?)),
            first_day: day(row.get(5)?),
            last_day: day(row.get(6)?),
            count: row.get(7)?,
        })
    })?
    .collect()
}
