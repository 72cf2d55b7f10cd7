//! Roll-ups from the facts: the same rows that [`super::merge`] keeps, made anew.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::books::{Books, ProductWords};
use super::rollup::{AssetFold, Sighted, Span, signs};
use super::{prepare, systems};
use crate::catalogue::Known;

/// Rebuilds when the roll-ups were made with another catalogue than this one.
pub(super) fn on_new_catalogue(
    connection: &Connection,
    books: &mut Books,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let ours = name_of(books);
    let theirs = connection
        .query_row("SELECT value FROM meta WHERE name = 'catalogue'", [], |row| row.get::<_, String>(0))
        .optional()?;
    if theirs.as_ref() == Some(&ours) || (theirs.is_some() && !books.options.rebuild_on_new_catalogue) {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let work = || -> rusqlite::Result<()> {
        if let Some(theirs) = theirs {
            tracing::info!(from = theirs, to = ours, "the catalogue is another one: rebuilding the roll-ups");
            rebuild(connection, books, now_ms)?;
        }
        note(connection, &ours)?;
        connection.execute_batch("COMMIT")
    };
    let result = work();
    if result.is_err() {
        connection.execute_batch("ROLLBACK")?;
    }
    result
}

/// Works with another catalogue, inside a transaction. When that fails, books know the old one again.
pub(super) fn with_catalogue(
    connection: &Connection,
    books: &mut Books,
    known: Arc<Known>,
    now_ms: i64,
) -> rusqlite::Result<()> {
    books.flush(connection)?;
    let before = Arc::clone(&books.options.known);
    books.know(known);
    let rebuilt = rebuild(connection, books, now_ms).and_then(|()| note(connection, &name_of(books)));
    if rebuilt.is_err() {
        books.know(before);
    }
    rebuilt
}

/// What roll-ups are said to be made with.
fn name_of(books: &Books) -> String {
    let catalogue = books.catalogue();
    format!("{} with {} rules", catalogue.version(), catalogue.rules().len())
}

fn note(connection: &Connection, catalogue: &str) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO meta AS s (name, value) VALUES ('catalogue', $1)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        params![catalogue],
    )?;
    Ok(())
}

/// Empties every roll-up and folds all facts into them again.
pub(super) fn rebuild(connection: &Connection, books: &mut Books, now_ms: i64) -> rusqlite::Result<()> {
    books.flush(connection)?;
    // What rules meant before is forgotten with the caches.
    books.forget();
    books.half_made = true;
    for table in [
        "product_asset",
        "asset_product_day",
        "product_day",
        "asset_day",
        "fleet_day",
        "unit_day",
        "product_unit",
        "asset_summary",
        "product_summary",
        "asset_evidence",
        "evidence_summary",
        "product_sign",
    ] {
        connection.execute(&format!("DELETE FROM {table}"), [])?;
    }
    connection.execute("INSERT INTO asset_summary (asset, products) SELECT id, 0 FROM asset", [])?;
    refresh_products(connection, books)?;
    let assets: Vec<(i64, i64)> = connection
        .prepare("SELECT id, unit FROM asset ORDER BY id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for some in assets.chunks(books.options.assets_at_once.max(1)) {
        for (asset, unit) in some {
            fold_asset(connection, books, *asset, *unit)?;
        }
        books.deltas.now_ms = now_ms;
        books.flush(connection)?;
    }
    // A candidate that nobody looked at goes when the catalogue no longer carries it; its number is not given out again.
    systems::withdraw_candidates(connection, now_ms)?;
    systems::propose_missing(connection, now_ms)?;
    let products = connection
        .prepare("SELECT id FROM product")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    systems::observe_products(connection, &products, now_ms)?;
    books.forget();
    Ok(())
}

fn refresh_products(connection: &Connection, books: &Books) -> rusqlite::Result<()> {
    let products: Vec<(i64, String)> = connection
        .prepare("SELECT id, word FROM product ORDER BY id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (id, word) in products {
        let words = ProductWords::of(&word, books.catalogue().product(&word).is_some(), books.catalogue());
        prepare(
            connection,
            "UPDATE product SET name = $1, vendor = $2, kind = $3, search = $4, known = $5, embedded = $6
             WHERE id = $7",
        )?
        .execute(params![
            words.name,
            words.vendor,
            words.kind,
            words.search,
            words.known,
            words.embedded,
            id
        ])?;
    }
    Ok(())
}

fn fold_asset(connection: &Connection, books: &mut Books, asset: i64, unit: i64) -> rusqlite::Result<()> {
    let mut fold = AssetFold::new(asset, unit);
    let activity: Vec<[i64; 6]> = prepare(
        connection,
        "SELECT day, rule, channel, account, evidence, n FROM activity WHERE asset = $1
         ORDER BY day, rule, channel, account, evidence, epoch",
    )?
    .query_map(params![asset], |row| {
        Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?])
    })?
    .collect::<rusqlite::Result<_>>()?;
    for [day, rule, channel, account, evidence, n] in activity {
        let (executable, value): (Option<String>, String) =
            prepare(connection, "SELECT executable, value FROM evidence WHERE id = $1")?
                .query_row(params![evidence], |row| Ok((row.get(0)?, row.get(1)?)))?;
        // The fact stays: without the deny, the next rebuild counts it again.
        if books.denies(evidence, &value) {
            continue;
        }
        let sighted = Sighted {
            rule: books.rule_by_id(connection, rule)?,
            channel,
            account,
            evidence,
            span: Span::of(day, day),
            ai_executable: books.is_ai_executable(executable.as_deref()),
        };
        fold.activity(connection, books, sighted, n)?;
    }
    let items: Vec<([i64; 6], bool, [String; 2])> = prepare(
        connection,
        "SELECT rule, channel, account, evidence, first_day, last_day, present, flags, details
         FROM snapshot_item
         WHERE asset = $1 ORDER BY source, epoch, rule, channel, account, evidence",
    )?
    .query_map(params![asset], |row| {
        let numbers = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
        Ok((numbers, row.get(6)?, [row.get(7)?, row.get(8)?]))
    })?
    .collect::<rusqlite::Result<_>>()?;
    for ([rule, channel, account, evidence, first_day, last_day], present, [flags, details]) in items {
        let rule = books.rule_by_id(connection, rule)?;
        let span = Span::of(first_day, last_day);
        let sighted = Sighted { rule, channel, account, evidence, span, ai_executable: false };
        fold.item(connection, books, sighted)?;
        signs(books, rule.product, &flags, &details, last_day);
        if present {
            AssetFold::presence(books, &rule, channel, evidence, 1);
        }
    }
    let days: Vec<(i64, i64)> =
        prepare(connection, "SELECT rule, day FROM scan_day WHERE asset = $1 ORDER BY rule, day")?
            .query_map(params![asset], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
    for (rule, day) in days {
        let rule = books.rule_by_id(connection, rule)?;
        fold.product_on_day(connection, books, rule.product, day, false)?;
    }
    fold.finish(connection, books)
}
