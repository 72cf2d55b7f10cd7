//! What sensors and the catalogue show of the resources of a record, from the evidence of its products.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};
use umbrascope_api::Channel;

use super::prepare;
use super::products::day;
use crate::model::SystemProduct;
use crate::model::record::{ModelFile, Piece, RESOURCES, Resources, Shown};

/// Pieces of evidence of one product that are looked at for a record's resources: those that most machines show.
const PIECES: i64 = 500;
/// Items that are asked what they say of one model.
const ITEMS: i64 = 20;
/// Machines of one product that are counted: more are in the same band.
const ENOUGH: i64 = 500;
/// A product on no more machines than this is looked at by them: some ten milliseconds at most.
const FEW: u64 = 5_000;

/// Machines with an accelerator that showed a product, looked for from the machines of the product. Each step is a condition of the one
/// before, or a planner might begin at the other end anew for each row.
pub(super) const FROM_PRODUCT: &str = "SELECT o.asset FROM product_asset o
     WHERE o.product = (SELECT p.id FROM product p WHERE p.word = $1) AND EXISTS (
        SELECT 1 FROM sensor s WHERE s.asset = o.asset AND EXISTS (
            SELECT 1 FROM sensor_coverage c WHERE c.sensor = s.id AND c.accelerated = 1))
     LIMIT $2";
/// The same, looked for from the machines with an accelerator.
pub(super) const FROM_MACHINES: &str =
    "SELECT s.asset FROM sensor_coverage c JOIN sensor s ON s.id = c.sensor
     WHERE c.accelerated = 1 AND EXISTS (
        SELECT 1 FROM product_asset o
        WHERE o.product = (SELECT p.id FROM product p WHERE p.word = $1) AND o.asset = s.asset)
     LIMIT $2";

/// What the evidence of these products shows.
pub(super) fn of(connection: &Connection, products: &[SystemProduct]) -> rusqlite::Result<Resources> {
    let mut shown = Vec::new();
    for product in products {
        let kind: Option<String> = prepare(connection, "SELECT kind FROM product WHERE word = $1")?
            .query_row(params![product.id], |row| row.get(0))
            .optional()?
            .flatten();
        let mut pieces: Vec<(Piece, [i64; 3])> = prepare(
            connection,
            "SELECT c.word, e.value, e.version, s.first_day, s.last_day, s.rule, s.channel, s.evidence FROM product p
                JOIN evidence_summary s ON s.product = p.id JOIN evidence e ON e.id = s.evidence
                JOIN channel c ON c.id = s.channel
             WHERE p.word = $1 ORDER BY s.assets DESC, s.evidence LIMIT $2",
        )?
        .query_map(params![product.id, PIECES], |row| {
            let piece = Piece {
                channel: Channel::from(row.get::<_, String>(0)?.as_str()),
                value: row.get(1)?,
                version: row.get(2)?,
                first: day(row.get(3)?),
                last: Some(day(row.get(4)?)),
                files: Vec::new(),
            };
            Ok((piece, [row.get(5)?, row.get(6)?, row.get(7)?]))
        })?
        .collect::<rusqlite::Result<_>>()?;
        let models = pieces.iter_mut().filter(|(piece, _)| piece.channel == Channel::ModelFile);
        for (piece, key) in models.take(RESOURCES) {
            piece.files = files(connection, *key)?;
        }
        let pieces = pieces.into_iter().map(|(piece, _)| piece).collect();
        shown.push((product, kind.and_then(|word| word.parse().ok()), pieces));
    }
    let accelerated = accelerated(connection, products)?;
    let found = Resources::of(shown.into_iter().map(|(product, kind, pieces)| Shown {
        id: &product.id,
        name: &product.name,
        vendor: &product.vendor,
        kind,
        pieces,
    }));
    Ok(Resources { accelerated: Some(accelerated), ..found })
}

/// What the items that show a model say of its files: those that are there first.
fn files(connection: &Connection, [rule, channel, evidence]: [i64; 3]) -> rusqlite::Result<Vec<ModelFile>> {
    let details: Vec<String> = prepare(
        connection,
        "SELECT details FROM snapshot_item
         WHERE evidence = $1 AND rule = $2 AND channel = $3 ORDER BY present DESC, flags DESC LIMIT $4",
    )?
    .query_map(params![evidence, rule, channel, ITEMS], |row| row.get(0))?
    .collect::<rusqlite::Result<_>>()?;
    Ok(super::products::files(details.iter().map(String::as_str)))
}

/// Machines with an accelerator that showed one of these products, counted as far as a band takes it.
fn accelerated(connection: &Connection, products: &[SystemProduct]) -> rusqlite::Result<u64> {
    let mut machines = BTreeSet::new();
    for product in products {
        let sql = if product.assets <= FEW { FROM_PRODUCT } else { FROM_MACHINES };
        machines.extend(with_accelerator(connection, sql, &product.id)?);
    }
    Ok(u64::try_from(machines.len()).unwrap_or(u64::MAX))
}

/// What a look from either end comes to.
pub(super) fn with_accelerator(
    connection: &Connection,
    sql: &str,
    product: &str,
) -> rusqlite::Result<BTreeSet<i64>> {
    prepare(connection, sql)?.query_map(params![product, ENOUGH], |row| row.get(0))?.collect()
}
