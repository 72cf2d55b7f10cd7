//! What sensors and the catalogue show of the resources of a record, from the evidence of its products.

use rusqlite::{Connection, OptionalExtension, params};
use umbrascope_api::Channel;

use super::prepare;
use super::products::day;
use crate::model::SystemProduct;
use crate::model::record::{Piece, Resources, Shown};

/// Pieces of evidence of one product that are looked at for a record's resources: those that most machines show.
const PIECES: i64 = 500;

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
    Ok(Resources::of(shown.into_iter().map(|(product, kind, pieces)| Shown {
        id: &product.id,
        name: &product.name,
        vendor: &product.vendor,
        kind,
        pieces,
    })))
}
