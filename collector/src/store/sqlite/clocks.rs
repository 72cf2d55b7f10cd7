//! Whether a clock was right that told the first or the last day of a product.

use rusqlite::{Connection, OptionalExtension, params};
use umbrascope_api::Day;

use super::prepare;
use crate::model::{CLOCK_OFF_MS, ClockTrust, Clocks, SystemProduct};

/// Machines that tell a day of which one is looked for whose clock was right: most do at the first.
const MACHINES: i64 = 500;

/// Whether a sensor of a machine, or the gateway that saw it, had a clock that was off around the day.
const OFF: &str = "EXISTS (
        SELECT 1 FROM sensor s JOIN sensor_seen e ON e.sensor = s.id
        WHERE s.asset = o.asset AND e.clock_off_from <= $2 AND e.clock_off_until >= $2)
    OR EXISTS (
        SELECT 1 FROM station t JOIN sensor_seen e ON e.sensor = t.sensor
        WHERE t.asset = o.asset AND e.clock_off_from <= $2 AND e.clock_off_until >= $2)";

/// The days in doubt where a clock is this far from ours, as numbers; `None`: it is right. What a report tells lies between them: days of its
/// sensor's clock, and ours.
pub(super) fn off(skew_ms: i64, days: impl Iterator<Item = Day>) -> Option<(i64, i64)> {
    let days: Vec<i64> = days.map(|day| i64::from(day.number())).collect();
    let span = days.iter().min().copied().zip(days.iter().max().copied());
    span.filter(|_| skew_ms.saturating_abs() > CLOCK_OFF_MS)
}

/// Of a product by its first and last day.
pub(super) fn of_product(
    connection: &Connection,
    product: &str,
    (first, last): (Day, Day),
) -> rusqlite::Result<Clocks> {
    let number: Option<i64> = prepare(connection, "SELECT id FROM product WHERE word = $1")?
        .query_row(params![product], |row| row.get(0))
        .optional()?;
    let Some(number) = number else { return Ok(Clocks::default()) };
    Ok(Clocks {
        first: told_by(connection, number, "first_day", first)?,
        last: told_by(connection, number, "last_day", last)?,
    })
}

/// Of several products that are told of as one: of those that have its first day, and of those that have its last.
pub(super) fn of_products(connection: &Connection, products: &[SystemProduct]) -> rusqlite::Result<Clocks> {
    let days = || products.iter().filter_map(|product| product.days);
    let (first, last) = (days().map(|days| days.0).min(), days().map(|days| days.1).max());
    let mut clocks = Clocks::default();
    for product in products {
        let Some(days) = product.days else { continue };
        let found = of_product(connection, &product.id, days)?;
        if Some(days.0) == first {
            clocks.first = clocks.first.max(found.first);
        }
        if Some(days.1) == last {
            clocks.last = clocks.last.max(found.last);
        }
    }
    Ok(clocks)
}

fn told_by(
    connection: &Connection,
    product: i64,
    column: &str,
    day: Day,
) -> rusqlite::Result<Option<ClockTrust>> {
    let told =
        format!("SELECT asset FROM product_asset WHERE product = $1 AND {column} = $2 LIMIT {MACHINES}");
    let sql = format!("SELECT EXISTS ({told}), EXISTS (SELECT 1 FROM ({told}) o WHERE NOT ({OFF}))");
    let (told, right): (bool, bool) = prepare(connection, &sql)?
        .query_row(params![product, i64::from(day.number())], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(told.then_some(if right { ClockTrust::Trusted } else { ClockTrust::Doubtful }))
}
