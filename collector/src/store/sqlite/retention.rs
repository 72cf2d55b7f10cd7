//! [`Retaining`] over SQLite. Sums over all time stay; what is deleted is what belongs to a day, an account, a reading or a payload. A
//! rebuild after that knows what is kept, and no more.

use rusqlite::{Connection, Row, params};
use serde_json::{Map, Value, json};
use umbrascope_api::Day;

use super::governed::{self, Projected};
use super::reidentify::forget_lost;
use super::{SqliteStore, monthly, prepare};
use crate::audit::verify::KEY_KIND;
use crate::model::governed::{Act, Governed, Held};
use crate::retention::{self, Retention, Step, Swept, Times};
use crate::review::{Refused, Who};
use crate::store::StoreError;
use crate::store::retention::Retaining;

/// Machines that one commit goes through: reports wait no longer than for these.
const ASSETS_AT_ONCE: i64 = 100;
/// Rows that one commit deletes of what belongs to no machine.
const ROWS_AT_ONCE: i64 = 5_000;
/// Name of the job.
const JOB: &str = "retention";
/// What the trail calls a deletion.
pub(super) const SWEEP: &str = "retention.sweep";

impl Projected for Retention {}

fn current(connection: &Connection) -> rusqlite::Result<(Retention, Option<Held<Retention>>)> {
    let held = governed::load::<Retention>(connection, &Retention::default().id())?;
    Ok((held.as_ref().map(|held| held.body.clone()).unwrap_or_default(), held))
}

fn step(
    connection: &Connection,
    step: &Step,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Result<Retention, Refused>> {
    let (now, held) = current(connection)?;
    match retention::take(&now, step, who, &act.reason, act.now_ms) {
        Ok((next, role)) => {
            let act = act.clone().as_role(role);
            match held {
                Some(before) => governed::replace(connection, &before, &next, &act, step.action())?,
                None => governed::create(connection, &next, &act, step.action())?,
            };
            Ok(Ok(next))
        }
        Err(refused) => {
            governed::refuse(connection, Retention::KIND, &now.id(), act, step.action(), &refused)?;
            Ok(Err(refused))
        }
    }
}

/// What is over before a day on some machines, or on all together where it belongs to none; how many rows it took.
type Piece = fn(&Connection, Day, Assets) -> rusqlite::Result<u64>;
/// Numbers of machines: from, and up to but without.
type Assets = (i64, i64);

/// Pieces of the work that go through the machines, with the time that each waits for and where its number belongs.
const OF_ASSETS: [Kind; 5] = [
    (forget_accounts, |times| times.pseudonym_days, |swept| &mut swept.pseudonyms),
    (delete_gone_items, |times| times.pseudonym_days, |swept| &mut swept.items),
    (delete_activity, |times| times.day_days, |swept| &mut swept.activity),
    (delete_days_of_assets, |times| times.day_days, |swept| &mut swept.days),
    // After the facts: a sealed name goes with the last of them, whatever time that one had.
    (|connection, _, assets| forget_lost(connection, assets), |_| 1, |swept| &mut swept.names),
];
/// Pieces that belong to no machine.
const OF_ALL: [Kind; 3] = [
    (delete_days, |times| times.day_days, |swept| &mut swept.days),
    (delete_readings, |times| times.reading_days, |swept| &mut swept.readings),
    (delete_payloads, |times| times.trail_days, |swept| &mut swept.payloads),
];
type Kind = (Piece, fn(&Times) -> u32, fn(&mut Swept) -> &mut u64);

/// Activity before a day becomes nobody's in particular: what several accounts did is added up.
fn forget_accounts(connection: &Connection, before: Day, (from, to): Assets) -> rusqlite::Result<u64> {
    let rows: Vec<ActivityRow> = prepare(
        connection,
        "SELECT asset, day, rule, channel, account, evidence, epoch, n FROM activity
         WHERE asset >= $1 AND asset < $2 AND day < $3 AND account <> 0",
    )?
    .query_map(params![from, to, before.number()], activity_row)?
    .collect::<rusqlite::Result<_>>()?;
    rows.iter().try_for_each(|row| nobodys(connection, row))?;
    Ok(rows.len() as u64)
}

/// A row of activity, in the order of its columns.
pub(super) type ActivityRow = [i64; 8];

pub(super) fn activity_row(row: &Row<'_>) -> rusqlite::Result<ActivityRow> {
    let mut columns = [0; 8];
    for (at, column) in columns.iter_mut().enumerate() {
        *column = row.get(at)?;
    }
    Ok(columns)
}

/// A row of activity becomes nobody's in particular: it is added up with what is.
pub(super) fn nobodys(connection: &Connection, row: &ActivityRow) -> rusqlite::Result<()> {
    let [asset, day, rule, channel, account, evidence, epoch, n] = row;
    prepare(
        connection,
        "DELETE FROM activity WHERE asset = $1 AND day = $2 AND rule = $3 AND channel = $4 AND account = $5
            AND evidence = $6 AND epoch = $7",
    )?
    .execute(params![asset, day, rule, channel, account, evidence, epoch])?;
    prepare(
        connection,
        "INSERT INTO activity AS s (asset, day, rule, channel, account, evidence, epoch, n)
         VALUES ($1, $2, $3, $4, 0, $5, $6, $7)
         ON CONFLICT (asset, day, rule, channel, account, evidence, epoch) DO UPDATE SET n = s.n + excluded.n",
    )?
    .execute(params![asset, day, rule, channel, evidence, epoch, n])?;
    forget_account(connection, [*asset, *rule, *channel, *evidence, *account])
}

/// The account no longer shows where no newer fact names it.
pub(super) fn forget_account(connection: &Connection, key: [i64; 5]) -> rusqlite::Result<()> {
    let [asset, rule, channel, evidence, account] = key;
    let still = prepare(
        connection,
        "SELECT 1 FROM activity WHERE asset = $1 AND rule = $2 AND channel = $3 AND evidence = $4 AND account = $5
         UNION ALL
         SELECT 1 FROM snapshot_item WHERE asset = $1 AND rule = $2 AND channel = $3 AND evidence = $4
            AND account = $5 LIMIT 1",
    )?
    .exists(params![asset, rule, channel, evidence, account])?;
    if still {
        return Ok(());
    }
    let gone = prepare(
        connection,
        "DELETE FROM asset_evidence WHERE asset = $1 AND rule = $2 AND channel = $3 AND evidence = $4 AND account = $5",
    )?
    .execute(params![asset, rule, channel, evidence, account])?;
    if gone == 1 {
        prepare(
            connection,
            "UPDATE evidence_summary SET accounts = accounts - 1
             WHERE rule = $1 AND channel = $2 AND evidence = $3 AND accounts > 0",
        )?
        .execute(params![rule, channel, evidence])?;
    }
    Ok(())
}

/// Software that is no longer there, and was not for as long.
fn delete_gone_items(connection: &Connection, before: Day, (from, to): Assets) -> rusqlite::Result<u64> {
    let rows: Vec<[i64; 7]> = prepare(
        connection,
        "SELECT asset, source, epoch, rule, channel, account, evidence FROM snapshot_item
         WHERE asset >= $1 AND asset < $2 AND present = 0 AND last_day < $3",
    )?
    .query_map(params![from, to, before.number()], |row| {
        Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?])
    })?
    .collect::<rusqlite::Result<_>>()?;
    for [asset, source, epoch, rule, channel, account, evidence] in &rows {
        prepare(
            connection,
            "DELETE FROM snapshot_item WHERE asset = $1 AND source = $2 AND epoch = $3 AND rule = $4 AND channel = $5
                AND account = $6 AND evidence = $7",
        )?
        .execute(params![asset, source, epoch, rule, channel, account, evidence])?;
        prepare(
            connection,
            "UPDATE evidence_summary SET items = items - 1
             WHERE rule = $1 AND channel = $2 AND evidence = $3 AND items > 0",
        )?
        .execute(params![rule, channel, evidence])?;
        if *account != 0 {
            forget_account(connection, [*asset, *rule, *channel, *evidence, *account])?;
        }
    }
    Ok(rows.len() as u64)
}

fn delete_activity(connection: &Connection, before: Day, assets: Assets) -> rusqlite::Result<u64> {
    delete_of_assets(connection, "activity", before, assets)
}

/// Days of machines in the roll-ups, and days on which scans came.
fn delete_days_of_assets(connection: &Connection, before: Day, assets: Assets) -> rusqlite::Result<u64> {
    let tables = ["asset_product_day", "asset_day", "scan_day"];
    tables.iter().try_fold(0, |sum, table| Ok(sum + delete_of_assets(connection, table, before, assets)?))
}

fn delete_of_assets(
    connection: &Connection,
    table: &str,
    before: Day,
    (from, to): Assets,
) -> rusqlite::Result<u64> {
    let sql = format!("DELETE FROM {table} WHERE asset >= $1 AND asset < $2 AND day < $3");
    Ok(prepare(connection, &sql)?.execute(params![from, to, before.number()])? as u64)
}

/// Days of products and of the fleet in the roll-ups.
fn delete_days(connection: &Connection, before: Day, _: Assets) -> rusqlite::Result<u64> {
    let mut days = 0;
    for table in ["fleet_day", "unit_day"] {
        let sql = format!("DELETE FROM {table} WHERE day < $1");
        days += prepare(connection, &sql)?.execute(params![before.number()])?;
    }
    let sql = "DELETE FROM product_day
        WHERE (product, day) IN (SELECT product, day FROM product_day WHERE day < $1 LIMIT $2)";
    Ok((days + prepare(connection, sql)?.execute(params![before.number(), ROWS_AT_ONCE])?) as u64)
}

fn delete_readings(connection: &Connection, before: Day, _: Assets) -> rusqlite::Result<u64> {
    let sql =
        "DELETE FROM person_reading WHERE id IN (SELECT id FROM person_reading WHERE at_ms < $1 LIMIT $2)";
    Ok(prepare(connection, sql)?.execute(params![before.unix_ms(), ROWS_AT_ONCE])? as u64)
}

fn delete_payloads(connection: &Connection, before: Day, _: Assets) -> rusqlite::Result<u64> {
    // A change of the key names keys and nobody: without it, what was signed before could not be verified any more.
    let sql = "DELETE FROM trail_payload WHERE seq IN (
        SELECT p.seq FROM trail_payload p JOIN trail t ON t.seq = p.seq
        WHERE t.at_ms < $1 AND t.kind <> $2 LIMIT $3)";
    Ok(prepare(connection, sql)?.execute(params![before.unix_ms(), KEY_KIND, ROWS_AT_ONCE])? as u64)
}

impl Retaining for SqliteStore {
    fn retention(&self) -> Result<(Retention, Option<Held<Retention>>), StoreError> {
        self.readers.with("read how long records are kept", current)
    }

    fn step_retention(
        &self,
        asked: Step,
        who: Who,
        act: Act,
    ) -> Result<Result<Retention, Refused>, StoreError> {
        self.writer.run("change how long records are kept", move |connection, _| {
            step(connection, &asked, &who, &act)
        })
    }

    fn sweep(&self, now_ms: i64) -> Result<Swept, StoreError> {
        let times = self.retention()?.0.times;
        let today = Day::from_unix_ms(now_ms);
        let mut swept = Swept::default();
        let last = self.readers.with("find the machines", |connection| {
            prepare(connection, "SELECT coalesce(max(id), 0) FROM asset")?
                .query_row([], |row| row.get::<_, i64>(0))
        })?;
        let run = |(piece, days, count): Kind, assets: Assets, swept: &mut Swept| {
            let days = days(&times);
            if days == 0 {
                return Ok(0);
            }
            let before = today.back(days);
            let deleted = self
                .writer
                .run("delete what is over", move |connection, _| piece(connection, before, assets))?;
            *count(swept) += deleted;
            Ok::<_, StoreError>(deleted)
        };
        for from in (0..=last).step_by(usize::try_from(ASSETS_AT_ONCE).unwrap_or(1)) {
            for kind in OF_ASSETS {
                run(kind, (from, from + ASSETS_AT_ONCE), &mut swept)?;
            }
        }
        for kind in OF_ALL {
            while run(kind, (0, 0), &mut swept)? > 0 {}
        }
        if times.trail_days > 0 {
            let before = today.back(times.trail_days);
            swept.snapshots = self.writer.run("delete monthly snapshots", move |connection, _| {
                monthly::erase(connection, before, today, &Act::job(JOB, now_ms))
            })?;
        }
        if !swept.is_nothing() {
            self.writer.run("note what was deleted", move |connection, _| {
                let details: Map<String, Value> = [
                    ("deleted".to_owned(), json!(swept)),
                    ("times".to_owned(), json!(times)),
                    ("today".to_owned(), json!(today.to_string())),
                ]
                .into_iter()
                .collect();
                let act = Act::job(JOB, now_ms);
                governed::note(connection, Retention::KIND, "retention", &act, SWEEP, &details)
            })?;
        }
        Ok(swept)
    }
}
