//! [`Personal`] over SQLite.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use umbrascope_api::Day;

use super::{SqliteStore, prepare};
use crate::model::{LastLook, SavedView, Trend, TrendBy, VIEWS};
use crate::store::{Personal, StoreError};

impl Personal for SqliteStore {
    fn views(&self, person: i64) -> Result<Vec<SavedView>, StoreError> {
        self.readers.with("list the saved views", |connection| views(connection, person))
    }

    fn keep_view(&self, person: i64, name: &str, place: &str) -> Result<bool, StoreError> {
        let (name, place) = (name.to_owned(), place.to_owned());
        self.writer.run("save a view", move |connection, _| keep_view(connection, person, &name, &place))
    }

    fn drop_view(&self, person: i64, number: i64) -> Result<bool, StoreError> {
        self.writer.run("forget a view", move |connection, _| {
            let sql = "DELETE FROM saved_view WHERE person = $1 AND number = $2";
            Ok(prepare(connection, sql)?.execute(params![person, number])? == 1)
        })
    }

    fn last_look(&self, person: i64) -> Result<LastLook, StoreError> {
        self.readers.with("read the last look", |connection| {
            let found = prepare(connection, "SELECT at_ms, product FROM last_look WHERE person = $1")?
                .query_row(params![person], |row| Ok(LastLook { at_ms: row.get(0)?, product: row.get(1)? }))
                .optional()?;
            Ok(found.unwrap_or_default())
        })
    }

    fn look(&self, person: i64, now_ms: i64) -> Result<(), StoreError> {
        self.writer.run("note a look", move |connection, _| {
            let newest: i64 = prepare(connection, "SELECT coalesce(max(id), 0) FROM product")?
                .query_row([], |row| row.get(0))?;
            prepare(
                connection,
                "INSERT INTO last_look AS s (person, at_ms, product) VALUES ($1, $2, $3)
                 ON CONFLICT (person) DO UPDATE SET at_ms = excluded.at_ms, product = excluded.product",
            )?
            .execute(params![person, now_ms, newest])?;
            Ok(())
        })
    }

    fn trend(&self, by: TrendBy, today: Day, days: u32, lines: usize) -> Result<Vec<Trend>, StoreError> {
        self.readers.with("sum up a trend", |connection| trend(connection, by, today, days, lines))
    }
}

fn views(connection: &Connection, person: i64) -> rusqlite::Result<Vec<SavedView>> {
    prepare(connection, "SELECT number, name, place FROM saved_view WHERE person = $1 ORDER BY name, number")?
        .query_map(params![person], |row| {
            Ok(SavedView { number: row.get(0)?, name: row.get(1)?, place: row.get(2)? })
        })?
        .collect()
}

fn keep_view(connection: &Connection, person: i64, name: &str, place: &str) -> rusqlite::Result<bool> {
    let same = "UPDATE saved_view SET place = $1 WHERE person = $2 AND name = $3";
    if prepare(connection, same)?.execute(params![place, person, name])? > 0 {
        return Ok(true);
    }
    let (kept, last): (u32, i64) =
        prepare(connection, "SELECT count(*), coalesce(max(number), 0) FROM saved_view WHERE person = $1")?
            .query_row(params![person], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if kept >= VIEWS {
        return Ok(false);
    }
    prepare(connection, "INSERT INTO saved_view (person, number, name, place) VALUES ($1, $2, $3, $4)")?
        .execute(params![person, last + 1, name, place])?;
    Ok(true)
}

fn trend(
    connection: &Connection,
    by: TrendBy,
    today: Day,
    days: u32,
    lines: usize,
) -> rusqlite::Result<Vec<Trend>> {
    let first = i64::from(today.back(days.saturating_sub(1)).number());
    let last = i64::from(today.number());
    // The cross join says which table comes first: the days of each product stand together.
    let sql = match by {
        TrendBy::Vendor => {
            "SELECT p.vendor, d.day, sum(d.assets) FROM product p CROSS JOIN product_day d
             WHERE d.product = p.id AND d.day >= $1 AND d.day <= $2 GROUP BY p.vendor, d.day"
        }
        TrendBy::Kind => {
            "SELECT p.kind, d.day, sum(d.assets) FROM product p CROSS JOIN product_day d
             WHERE d.product = p.id AND d.day >= $1 AND d.day <= $2 GROUP BY p.kind, d.day"
        }
        TrendBy::Unit => {
            "SELECT u.name, d.day, sum(d.assets) FROM unit_day d JOIN unit u ON u.id = d.unit
             WHERE d.day >= $1 AND d.day <= $2 GROUP BY u.name, d.day"
        }
    };
    let length = usize::try_from(last - first + 1).unwrap_or_default();
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut statement = prepare(connection, sql)?;
    let mut rows = statement.query(params![first, last])?;
    while let Some(row) = rows.next()? {
        let (name, day, assets): (String, i64, u64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let line = found.entry(name).or_insert_with(|| vec![0; length]);
        if let Some(point) = usize::try_from(day - first).ok().and_then(|at| line.get_mut(at)) {
            *point = assets;
        }
    }
    // Products of which the catalogue knows neither vendor nor kind are of the rest from the start.
    let mut rest: Vec<Vec<u64>> = found.remove("").into_iter().collect();
    let mut trend: Vec<Trend> = found.into_iter().map(|(name, days)| Trend { name, days }).collect();
    // Names are in order already: the sort keeps it among equals.
    trend.sort_by_key(|line| std::cmp::Reverse(line.days.iter().sum::<u64>()));
    rest.extend(trend.drain(lines.min(trend.len())..).map(|line| line.days));
    if !rest.is_empty() {
        let days = (0..length).map(|at| rest.iter().map(|line| line[at]).sum()).collect();
        trend.push(Trend { name: String::new(), days });
    }
    Ok(trend)
}
