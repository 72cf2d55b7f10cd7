//! What sensors and the catalogue show of the resources of a record, from the evidence of its products.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};
use umbrascope_api::Channel;

use super::prepare;
use super::products::day;
use crate::model::SystemProduct;
use crate::model::record::{Piece, Resources, Shown};

/// Pieces of evidence of one product that are looked at for a record's resources: those that most machines show.
const PIECES: i64 = 500;
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
        let pieces = prepare(
            connection,
            "SELECT c.word, e.value, e.version, s.first_day, s.last_day FROM product p
                JOIN evidence_summary s ON s.product = p.id JOIN evidence e ON e.id = s.evidence
                JOIN channel c ON c.id = s.channel
             WHERE p.word = $1 ORDER BY s.assets DESC, s.evidence LIMIT $2",
        )?
        .query_map(params![product.id, PIECES], |row| {
            Ok(Piece {
                channel: Channel::from(row.get::<_, String>(0)?.as_str()),
                value: row.get(1)?,
                version: row.get(2)?,
                first: day(row.get(3)?),
                last: Some(day(row.get(4)?)),
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
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
