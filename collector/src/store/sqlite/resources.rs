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
        let found = prepare(
            connection,
            "SELECT s.asset FROM sensor_coverage c JOIN sensor s ON s.id = c.sensor
                JOIN product_asset o ON o.asset = s.asset
                JOIN product p ON p.id = o.product
             WHERE c.accelerated = 1 AND p.word = $1 LIMIT $2",
        )?
        .query_map(params![product.id, ENOUGH], |row| row.get::<_, i64>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
        machines.extend(found);
    }
    Ok(u64::try_from(machines.len()).unwrap_or(u64::MAX))
}
