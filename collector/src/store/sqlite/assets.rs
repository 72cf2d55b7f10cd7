//! What the Assets and Coverage pages read.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use umbrascope_api::{CoverageReport, Day, SensorId};
use umbrascope_rules::Confidence;

use super::books::{confidence_of, strongest_level};
use super::products::{Channels, Conditions, Knowledge, count, day, evidence_row, sort_strongest_first, way};
use super::{merge, prepare};
use crate::inventory::{self, Bits, Meaning};
use crate::model::{
    AssetDetail, AssetFilter, AssetId, AssetProduct, AssetRow, AssetSort, CoverageRow, CoverageTotals,
    Direction, EvidenceRow, Page, PageRequest, ProductRow, SensorRow, SensorState, SnapshotEvidence,
    StationRow, Totals,
};

/// A sensor silent for longer is not relied on, in milliseconds.
pub(super) const SILENT_AFTER_MS: i64 = 86_400_000;
/// Days of the trend of a product on one asset.
const TREND_DAYS: u32 = 30;
/// Days after which a product is no longer new.
const NEW_DAYS: u32 = 7;

fn state(revoked: bool, last_report_at_ms: i64, now_ms: i64) -> SensorState {
    if revoked {
        SensorState::Revoked
    } else if last_report_at_ms == 0 {
        SensorState::NeverReported
    } else if now_ms - last_report_at_ms > SILENT_AFTER_MS {
        SensorState::Silent
    } else {
        SensorState::Reporting
    }
}

pub(super) fn totals(connection: &Connection, today: Day, now_ms: i64) -> rusqlite::Result<Totals> {
    let one =
        |sql: &str| -> rusqlite::Result<u64> { prepare(connection, sql)?.query_row([], |row| row.get(0)) };
    Ok(Totals {
        products: one("SELECT count(*) FROM product_summary")?,
        vendors: one("SELECT count(DISTINCT p.vendor) FROM product_summary s JOIN product p ON p.id = s.product
             WHERE p.vendor <> ''")?,
        assets: one("SELECT count(*) FROM asset_summary")?,
        systems: one("SELECT count(*) FROM ai_system")?,
        new_products: prepare(connection, "SELECT count(*) FROM product_summary WHERE first_day > $1")?
            .query_row(params![today.back(NEW_DAYS).number()], |row| row.get(0))?,
        sensors_reporting: prepare(
            connection,
            "SELECT count(*) FROM sensor_seen WHERE revoked = 0 AND last_report_at_ms >= $1 AND last_report_at_ms > 0",
        )?
        .query_row(params![now_ms - SILENT_AFTER_MS], |row| row.get(0))?,
        sensors: one("SELECT count(*) FROM sensor_seen WHERE revoked = 0")?,
    })
}

/// The page's numbers come from one index; the rows are looked up one by one, so that a deep page
/// skips over numbers only.
pub(super) fn assets(
    connection: &Connection,
    filter: &AssetFilter,
    sort: AssetSort,
    direction: Direction,
    page: PageRequest,
    now_ms: i64,
) -> rusqlite::Result<Page<AssetRow>> {
    let mut conditions = Conditions::default();
    conditions.add_search("a.search", &filter.search);
    if !filter.begins.is_empty() {
        let begin = filter.begins.to_lowercase();
        conditions.add("a.search < $", format!("{begin}\u{10FFFF}"));
        conditions.add("a.search >= $", begin);
    }
    if let Some(unit) = filter.unit {
        conditions.add("a.unit = $", unit);
    }
    if let Some(units) = &filter.within {
        conditions.add_any("a.unit", units);
    }
    let way = way(direction);
    let filtered = !conditions.is_empty();
    let (from, order) = match sort {
        AssetSort::Products => ("asset_summary y", format!("y.products {way}, y.asset {way}")),
        AssetSort::LastReport => ("asset_seen y", format!("y.last_report_at_ms {way}, y.asset {way}")),
        AssetSort::Name => ("asset a", format!("a.hostname {way}, a.id {way}")),
    };
    let select = match (sort, filtered) {
        (AssetSort::Name, _) => format!("SELECT a.id FROM {from}"),
        (_, false) => format!("SELECT y.asset FROM {from}"),
        (_, true) => format!("SELECT y.asset FROM {from} JOIN asset a ON a.id = y.asset"),
    };
    let ids: Vec<i64> = conditions.page(connection, &select, &order, page, |row| row.get(0))?;
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        rows.extend(asset_row(connection, id, now_ms)?);
    }
    let counted = if filtered { "asset a" } else { "asset_summary" };
    Ok(Page { rows, total: conditions.count(connection, counted)? })
}

fn asset_row(connection: &Connection, id: i64, now_ms: i64) -> rusqlite::Result<Option<AssetRow>> {
    let found = prepare(
        connection,
        "SELECT a.hostname, u.name, a.os, a.os_version, a.agent_version, y.products, a.first_day,
            e.last_report_at_ms, t.mac, t.address, a.unit
         FROM asset a JOIN unit u ON u.id = a.unit JOIN asset_summary y ON y.asset = a.id
            JOIN asset_seen e ON e.asset = a.id LEFT JOIN station t ON t.asset = a.id
         WHERE a.id = $1",
    )?
    .query_row(params![id], |row| {
        let (os, os_version): (String, String) = (row.get(2)?, row.get(3)?);
        Ok(AssetRow {
            id: AssetId(id),
            hostname: row.get(0)?,
            unit: row.get(1)?,
            unit_id: row.get(10)?,
            os: if os_version.is_empty() { os } else { os_version },
            agent_version: row.get(4)?,
            products: row.get(5)?,
            first_day: day(row.get(6)?),
            last_report_at_ms: Some(row.get(7)?).filter(|at_ms| *at_ms != 0),
            state: SensorState::Revoked,
            station: station_row(row.get(8)?, row.get(9)?),
        })
    })
    .optional()?;
    let Some(mut row) = found else { return Ok(None) };
    let sql = if row.station.is_some() {
        "SELECT e.revoked, e.last_report_at_ms FROM subject s JOIN sensor_seen e ON e.sensor = s.sensor
         WHERE s.asset = $1"
    } else {
        "SELECT e.revoked, e.last_report_at_ms FROM sensor s JOIN sensor_seen e ON e.sensor = s.id
         WHERE s.asset = $1"
    };
    let states = prepare(connection, sql)?
        .query_map(params![id], |row| Ok(state(row.get(0)?, row.get(1)?, now_ms)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    row.state = states.into_iter().min().unwrap_or(SensorState::NeverReported);
    Ok(Some(row))
}

/// `None` where there is no row: a machine with a sensor of its own.
fn station_row(mac: Option<String>, address: Option<String>) -> Option<StationRow> {
    let (mac, address) = (mac?, address?);
    let said = |text: String| Some(text).filter(|text| !text.is_empty());
    Some(StationRow { mac: said(mac), address: said(address) })
}

pub(super) fn asset(
    connection: &Connection,
    knowledge: Knowledge<'_>,
    id: AssetId,
    today: Day,
    now_ms: i64,
) -> rusqlite::Result<Option<AssetDetail>> {
    let Some(row) = asset_row(connection, id.0, now_ms)? else { return Ok(None) };
    let sql = if row.station.is_some() {
        "SELECT DISTINCT sensor FROM subject WHERE asset = $1 ORDER BY sensor DESC"
    } else {
        "SELECT id FROM sensor WHERE asset = $1 ORDER BY id DESC"
    };
    let numbers: Vec<i64> = prepare(connection, sql)?
        .query_map(params![id.0], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut sensors = Vec::with_capacity(numbers.len());
    for number in numbers {
        sensors.extend(sensor(connection, number, now_ms)?);
    }
    Ok(Some(AssetDetail { row, sensors, products: asset_products(connection, knowledge, id, today)? }))
}

fn asset_products(
    connection: &Connection,
    knowledge: Knowledge<'_>,
    asset: AssetId,
    today: Day,
) -> rusqlite::Result<Vec<AssetProduct>> {
    let channels = Channels::load(connection)?;
    let mut activity = asset_activity(connection, knowledge, asset)?;
    let mut items = asset_items(connection, knowledge, asset)?;
    let mut statement = prepare(
        connection,
        "SELECT p.word, p.name, p.vendor, p.kind, p.known, p.embedded, s.channels, s.levels, s.confidence,
            s.first_day, s.last_day, s.product
         FROM product_asset s JOIN product p ON p.id = s.product WHERE s.asset = $1",
    )?;
    let mut rows = statement.query(params![asset.0])?;
    let mut products = Vec::new();
    while let Some(row) = rows.next()? {
        let word: String = row.get(0)?;
        let kind: String = row.get(3)?;
        let known: bool = row.get(4)?;
        let known_by = channels.of(Bits(row.get(6)?));
        let confidence = confidence_of(row.get(8)?).unwrap_or(Confidence::Suspect);
        products.push(AssetProduct {
            activity: activity.remove(&word).unwrap_or_default(),
            items: items.remove(&word).unwrap_or_default(),
            row: ProductRow {
                id: word,
                name: row.get(1)?,
                vendor: row.get(2)?,
                kind: kind.parse().ok(),
                confidence: inventory::lifted(confidence, inventory::corroborated(&known_by)),
                channels: known_by,
                level: strongest_level(Bits(row.get(7)?)),
                assets: 1,
                first_day: day(row.get(9)?),
                last_day: day(row.get(10)?),
                trend: trend(connection, asset, row.get(11)?, today)?,
                needs_catalogue: !known,
                embedded: row.get(5)?,
            },
        });
    }
    products.sort_by(|one, other| {
        (other.row.confidence, other.row.level)
            .cmp(&(one.row.confidence, one.row.level))
            .then_with(|| one.row.name.cmp(&other.row.name))
    });
    Ok(products)
}

fn trend(connection: &Connection, asset: AssetId, product: i64, today: Day) -> rusqlite::Result<Vec<u64>> {
    let first = today.back(TREND_DAYS - 1);
    let mut trend = vec![0; (today.number() - first.number() + 1) as usize];
    let seen: Vec<u32> = prepare(
        connection,
        "SELECT day FROM asset_product_day WHERE asset = $1 AND product = $2 AND day >= $3 AND day <= $4",
    )?
    .query_map(params![asset.0, product, first.number(), today.number()], |row| row.get(0))?
    .collect::<rusqlite::Result<_>>()?;
    for day in seen {
        if let Some(entry) = trend.get_mut((day - first.number()) as usize) {
            *entry = 1;
        }
    }
    Ok(trend)
}

/// One asset's own rows, by product. A read of one key range, bounded by the sensor's quota.
fn asset_activity(
    connection: &Connection,
    knowledge: Knowledge<'_>,
    asset: AssetId,
) -> rusqlite::Result<BTreeMap<String, Vec<EvidenceRow>>> {
    let mut statement = prepare(
        connection,
        "SELECT r.word, c.word, e.value, e.version, e.executable, e.container, e.package, e.forwarded, t.n, t.accounts,
            t.first_day, t.last_day
         FROM (SELECT rule, channel, evidence, sum(n) AS n, min(day) AS first_day, max(day) AS last_day,
                count(DISTINCT CASE WHEN account <> 0 THEN account END) AS accounts
            FROM activity WHERE asset = $1 GROUP BY rule, channel, evidence) t
            JOIN rule r ON r.id = t.rule JOIN channel c ON c.id = t.channel JOIN evidence e ON e.id = t.evidence",
    )?;
    let mut rows = statement.query(params![asset.0])?;
    let mut found: BTreeMap<String, Vec<EvidenceRow>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let mut piece = evidence_row(row, knowledge)?;
        (piece.count, piece.accounts) = (count(row.get(8)?), row.get(9)?);
        (piece.first_day, piece.last_day) = (day(row.get(10)?), day(row.get(11)?));
        let product = Meaning::of(&piece.rule, knowledge.catalogue).product;
        found.entry(product.into()).or_default().push(piece);
    }
    found.values_mut().for_each(|evidence| sort_strongest_first(evidence));
    Ok(found)
}

fn asset_items(
    connection: &Connection,
    knowledge: Knowledge<'_>,
    asset: AssetId,
) -> rusqlite::Result<BTreeMap<String, Vec<SnapshotEvidence>>> {
    let mut statement = prepare(
        connection,
        "SELECT r.word, c.word, e.value, e.version, e.executable, e.container, e.package, e.forwarded, i.details,
            i.flags, i.first_day, i.last_day, i.present, o.word, a.word
         FROM snapshot_item i JOIN rule r ON r.id = i.rule JOIN channel c ON c.id = i.channel
            JOIN evidence e ON e.id = i.evidence JOIN source o ON o.id = i.source
            LEFT JOIN account a ON a.id = i.account
         WHERE i.asset = $1 ORDER BY i.present DESC, o.word, e.value",
    )?;
    let mut rows = statement.query(params![asset.0])?;
    let mut found: BTreeMap<String, Vec<SnapshotEvidence>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let mut piece = evidence_row(row, knowledge)?;
        piece.details = merge::details(&row.get::<_, String>(8)?);
        piece.flags = merge::flags(&row.get::<_, String>(9)?);
        (piece.first_day, piece.last_day) = (day(row.get(10)?), day(row.get(11)?));
        piece.present = row.get(12)?;
        let account: Option<String> = row.get(14)?;
        piece.accounts = u64::from(account.is_some());
        let product = Meaning::of(&piece.rule, knowledge.catalogue).product;
        found.entry(product.into()).or_default().push(SnapshotEvidence {
            source: row.get(13)?,
            account: account.and_then(|word| word.parse().ok()),
            evidence: piece,
        });
    }
    Ok(found)
}

fn sensor(connection: &Connection, number: i64, now_ms: i64) -> rusqlite::Result<Option<SensorRow>> {
    let found: Option<Option<SensorRow>> = prepare(
        connection,
        "SELECT s.word, s.kind, s.asset, a.hostname, u.name, s.revoked_at_ms IS NOT NULL, s.enrolled_at_ms,
            e.last_report_at_ms, s.clone_suspected_at_ms, e.clock_skew_ms, c.agent_version, c.catalogue_version,
            e.rows_refused, e.unknown_fields, c.coverage,
            (SELECT coalesce(max(ends_at_ms), 0) FROM certificate WHERE sensor = s.id), a.agent_version
         FROM sensor s JOIN asset a ON a.id = s.asset JOIN unit u ON u.id = a.unit
            JOIN sensor_seen e ON e.sensor = s.id LEFT JOIN sensor_coverage c ON c.sensor = s.id
         WHERE s.id = $1",
    )?
    .query_row(params![number], |row| sensor_row(row, now_ms))
    .optional()?;
    Ok(found.flatten())
}

fn sensor_row(row: &Row<'_>, now_ms: i64) -> rusqlite::Result<Option<SensorRow>> {
    let Ok(id) = row.get::<_, String>(0)?.parse::<SensorId>() else { return Ok(None) };
    let last_report_at_ms: i64 = row.get(7)?;
    let coverage: Option<String> = row.get(14)?;
    let agent_version: Option<String> = row.get(10)?;
    let catalogue_version: Option<String> = row.get(11)?;
    Ok(Some(SensorRow {
        id,
        kind: row.get(1)?,
        asset: AssetId(row.get(2)?),
        hostname: row.get(3)?,
        unit: row.get(4)?,
        state: state(row.get(5)?, last_report_at_ms, now_ms),
        enrolled_at_ms: row.get(6)?,
        last_report_at_ms: Some(last_report_at_ms).filter(|at_ms| *at_ms != 0),
        certificate_ends_at_ms: row.get(15)?,
        clone_suspected_at_ms: row.get(8)?,
        clock_skew_ms: row.get(9)?,
        agent_version: agent_version.map_or_else(|| row.get(16), Ok)?,
        catalogue_version: catalogue_version.unwrap_or_default(),
        rows_refused: count(row.get(12)?),
        unknown_fields: count(row.get(13)?),
        coverage: coverage
            .and_then(|text| serde_json::from_str::<CoverageReport>(&text).ok())
            .unwrap_or_default(),
    }))
}

pub(super) fn coverage(
    connection: &Connection,
    page: PageRequest,
    now_ms: i64,
) -> rusqlite::Result<Page<CoverageRow>> {
    let conditions = Conditions::default();
    // Who was silent longest comes first, who is revoked last.
    let order = "revoked, last_report_at_ms, sensor";
    let numbers: Vec<i64> =
        conditions.page(connection, "SELECT sensor FROM sensor_seen", order, page, |row| row.get(0))?;
    let mut rows = Vec::with_capacity(numbers.len());
    for number in numbers {
        rows.extend(sensor(connection, number, now_ms)?.map(|sensor| CoverageRow { sensor }));
    }
    Ok(Page { rows, total: conditions.count(connection, "sensor_seen")? })
}

pub(super) fn coverage_totals(connection: &Connection, now_ms: i64) -> rusqlite::Result<CoverageTotals> {
    let mut totals = prepare(
        connection,
        "SELECT coalesce(sum(capturing), 0), coalesce(sum(hellos), 0), coalesce(sum(hellos_without_name), 0),
            coalesce(sum(hellos_with_ech), 0), coalesce(sum(encrypted_dns), 0), coalesce(sum(kernel_drops), 0),
            coalesce(sum(unattributed), 0), coalesce(sum(sources_unread), 0), coalesce(sum(rows_refused), 0),
            count(*),
            coalesce(sum(CASE WHEN last_report_at_ms >= $1 AND last_report_at_ms > 0 THEN 1 ELSE 0 END), 0),
            coalesce(sum(hidden_destinations), 0), coalesce(sum(dns_over_tls), 0), coalesce(sum(dns_over_https), 0)
         FROM sensor_seen WHERE revoked = 0",
    )?
    .query_row(params![now_ms - SILENT_AFTER_MS], |row| {
        Ok(CoverageTotals {
            capturing: count(row.get(0)?),
            hellos: count(row.get(1)?),
            hellos_without_name: count(row.get(2)?),
            hellos_with_ech: count(row.get(3)?),
            encrypted_dns: count(row.get(4)?),
            kernel_drops: count(row.get(5)?),
            unattributed: count(row.get(6)?),
            sources_unread: count(row.get(7)?),
            rows_refused: count(row.get(8)?),
            sensors: row.get(9)?,
            reporting: row.get(10)?,
            hidden_destinations: count(row.get(11)?),
            dns_over_tls: count(row.get(12)?),
            dns_over_https: count(row.get(13)?),
            ..CoverageTotals::default()
        })
    })?;
    totals.silent = totals.sensors.saturating_sub(totals.reporting);
    totals.clones = prepare(
        connection,
        "SELECT count(*) FROM sensor WHERE clone_suspected_at_ms IS NOT NULL AND revoked_at_ms IS NULL",
    )?
    .query_row([], |row| row.get(0))?;
    Ok(totals)
}
