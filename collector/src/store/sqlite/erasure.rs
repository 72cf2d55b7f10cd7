//! [`Erasing`] over SQLite.

use rusqlite::{Connection, OptionalExtension, params};

use super::books::Books;
use super::governed::{self, Projected};
use super::identity::next_number;
use super::retention::{ActivityRow, activity_row, forget_account, nobodys};
use super::systems::new_uuid;
use super::{SqliteStore, prepare};
use crate::erasure::{self, Ended, Erased, Erasure, Step};
use crate::model::governed::{Act, Governed, Held};
use crate::model::{AssetId, Page, PageRequest};
use crate::reidentify::Request;
use crate::review::{Refused, Who};
use crate::store::erasure::Erasing;
use crate::store::{Changed, StoreError};

const ASK: &str = "erasure.ask";
/// Machines of one name that are looked at.
const MACHINES: i64 = 100;
/// What stands in the place of words that are erased.
const GONE: &str = "erased";

impl Projected for Erasure {}

fn pseudonyms(connection: &Connection, hostname: &str) -> rusqlite::Result<Vec<(AssetId, Vec<String>)>> {
    let assets: Vec<i64> =
        prepare(connection, "SELECT id FROM asset WHERE hostname = $1 ORDER BY id LIMIT $2")?
            .query_map(params![hostname, MACHINES], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
    let mut found = Vec::with_capacity(assets.len());
    for asset in assets {
        let words = prepare(
            connection,
            "SELECT a.word FROM account a WHERE a.id IN (
                SELECT account FROM activity WHERE asset = $1 AND account <> 0
                UNION SELECT account FROM snapshot_item WHERE asset = $1 AND account <> 0
                UNION SELECT account FROM sealed_account WHERE asset = $1) ORDER BY a.word",
        )?
        .query_map(params![asset], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
        found.push((AssetId(asset), words));
    }
    Ok(found)
}

fn ask(
    connection: &Connection,
    pseudonym: &str,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Result<Held<Erasure>, Refused>> {
    let account = prepare(connection, "SELECT id FROM account WHERE word = $1")?
        .query_row(params![pseudonym], |row| row.get(0))
        .optional()?;
    match erasure::ask(account, who, &act.reason, act.now_ms) {
        Ok((asked, role)) => {
            let number = next_number(connection, "erasure")?;
            let asked = Erasure { id: format!("ERA-{number:06}"), ..asked };
            governed::create(connection, &asked, &act.clone().as_role(role), ASK).map(Ok)
        }
        Err(refused) => {
            governed::refuse(connection, Erasure::KIND, "new", act, ASK, &refused)?;
            Ok(Err(refused))
        }
    }
}

fn step(
    connection: &Connection,
    books: &mut Books,
    (id, assets): (&str, &[i64]),
    step: Step,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Changed<Erasure>> {
    let Some(before) = governed::load::<Erasure>(connection, id)? else { return Ok(None) };
    let (mut next, role) = match erasure::take(&before.body, step, who, act.now_ms) {
        Ok(taken) => taken,
        Err(refused) => {
            governed::refuse(connection, Erasure::KIND, id, act, step.action(), &refused)?;
            return Ok(Some(Err(refused)));
        }
    };
    let act = Act { role, ..act.clone() };
    if let (Step::Approve, Some(account), Some(Ended { erased, .. })) =
        (step, before.body.account, &mut next.end)
    {
        let mut done = erase(connection, books, (account, assets), &act)?;
        // The request itself named the account.
        done.payloads += forget_payloads(connection, Erasure::KIND, id)?;
        *erased = Some(done);
    }
    governed::replace(connection, &before, &next, &act, step.action()).map(|held| Some(Ok(held)))
}

/// Deletes what is kept of an account on these machines, in the caller's transaction.
fn erase(
    connection: &Connection,
    books: &mut Books,
    (account, assets): (i64, &[i64]),
    act: &Act,
) -> rusqlite::Result<Erased> {
    let mut erased = Erased::default();
    for asset in assets {
        erased.activity += erase_activity(connection, *asset, account)?;
        erased.items += erase_items(connection, *asset, account)?;
        // Evidence of earlier days, whose facts retention has taken.
        let rest: Vec<[i64; 3]> = prepare(
            connection,
            "SELECT rule, channel, evidence FROM asset_evidence WHERE asset = $1 AND account = $2",
        )?
        .query_map(params![asset, account], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?
        .collect::<rusqlite::Result<_>>()?;
        for [rule, channel, evidence] in rest {
            forget_account(connection, [*asset, rule, channel, evidence, account])?;
        }
    }
    erased.names = prepare(connection, "DELETE FROM sealed_account WHERE account = $1")?
        .execute(params![account])? as u64;
    for held in governed::all::<Request>(connection)?.into_iter().filter(|held| held.body.account == account)
    {
        erased.payloads += forget_payloads(connection, Request::KIND, &held.body.id)?;
        let next = held.body.clone().forgotten(GONE);
        governed::replace(connection, &held, &next, act, "reidentification.erase")?;
        erased.requests += 1;
    }
    // The number is never given out again; the word is, to nobody: what comes under it from now on is another account.
    let word: Option<String> = prepare(connection, "SELECT word FROM account WHERE id = $1")?
        .query_row(params![account], |row| row.get(0))
        .optional()?;
    prepare(connection, "UPDATE account SET word = $1 WHERE id = $2")?
        .execute(params![format!("{GONE} {}", new_uuid(act.now_ms)), account])?;
    if let Some(word) = word.and_then(|word| word.parse().ok()) {
        books.forget_account(&word);
    }
    Ok(erased)
}

fn erase_activity(connection: &Connection, asset: i64, account: i64) -> rusqlite::Result<u64> {
    let rows: Vec<ActivityRow> = prepare(
        connection,
        "SELECT asset, day, rule, channel, account, evidence, epoch, n FROM activity WHERE asset = $1 AND account = $2",
    )?
    .query_map(params![asset, account], activity_row)?
    .collect::<rusqlite::Result<_>>()?;
    rows.iter().try_for_each(|row| nobodys(connection, row))?;
    Ok(rows.len() as u64)
}

/// Software that was found in somebody's home is then the machine's.
fn erase_items(connection: &Connection, asset: i64, account: i64) -> rusqlite::Result<u64> {
    let rows: Vec<[i64; 6]> = prepare(
        connection,
        "SELECT asset, source, epoch, rule, channel, evidence FROM snapshot_item WHERE asset = $1 AND account = $2",
    )?
    .query_map(params![asset, account], |row| {
        Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?])
    })?
    .collect::<rusqlite::Result<_>>()?;
    const PLACE: &str =
        "asset = $1 AND source = $2 AND epoch = $3 AND rule = $4 AND channel = $5 AND evidence = $6";
    for [asset, source, epoch, rule, channel, evidence] in &rows {
        let place = params![asset, source, epoch, rule, channel, evidence];
        let shared =
            prepare(connection, &format!("SELECT 1 FROM snapshot_item WHERE {PLACE} AND account = 0"))?
                .exists(place)?;
        let sql = match shared {
            true => format!("DELETE FROM snapshot_item WHERE {PLACE} AND account = $7"),
            false => format!("UPDATE snapshot_item SET account = 0 WHERE {PLACE} AND account = $7"),
        };
        prepare(connection, &sql)?
            .execute(params![asset, source, epoch, rule, channel, evidence, account])?;
        if shared {
            prepare(
                connection,
                "UPDATE evidence_summary SET items = items - 1
                 WHERE rule = $1 AND channel = $2 AND evidence = $3 AND items > 0",
            )?
            .execute(params![rule, channel, evidence])?;
        }
        forget_account(connection, [*asset, *rule, *channel, *evidence, account])?;
    }
    Ok(rows.len() as u64)
}

fn assets_of(connection: &Connection, account: i64) -> rusqlite::Result<Vec<i64>> {
    prepare(
        connection,
        "SELECT asset FROM asset_evidence WHERE account = $1 UNION SELECT asset FROM sealed_account WHERE account = $1
         UNION SELECT asset FROM snapshot_item WHERE account = $1 UNION SELECT asset FROM activity WHERE account = $1",
    )?
    .query_map(params![account], |row| row.get(0))?
    .collect()
}

/// Deletes what entries of the trail about a record say; the entries and their hashes stay.
fn forget_payloads(connection: &Connection, kind: &str, id: &str) -> rusqlite::Result<u64> {
    let sql = "DELETE FROM trail_payload WHERE seq IN (SELECT seq FROM trail WHERE kind = $1 AND id = $2)";
    Ok(prepare(connection, sql)?.execute(params![kind, id])? as u64)
}

fn list(connection: &Connection, page: PageRequest) -> rusqlite::Result<Page<Held<Erasure>>> {
    let total: u64 = prepare(connection, "SELECT count(*) FROM governed WHERE kind = $1")?
        .query_row(params![Erasure::KIND], |row| row.get(0))?;
    let rows = prepare(
        connection,
        "SELECT body, version, hash, seq, at_ms, stamps FROM governed WHERE kind = $1 ORDER BY id DESC LIMIT $2 OFFSET $3",
    )?
    .query_map(
        params![Erasure::KIND, page.limit, i64::try_from(page.offset).unwrap_or(i64::MAX)],
        governed::held,
    )?
    .collect::<rusqlite::Result<_>>()?;
    Ok(Page { rows, total })
}

impl Erasing for SqliteStore {
    fn pseudonyms_on(&self, hostname: &str) -> Result<Vec<(AssetId, Vec<String>)>, StoreError> {
        self.readers.with("list the pseudonyms of a machine", |connection| pseudonyms(connection, hostname))
    }

    fn erasures(&self, page: PageRequest) -> Result<Page<Held<Erasure>>, StoreError> {
        self.readers.with("list the requests to erase", |connection| list(connection, page))
    }

    fn erasure(&self, id: &str) -> Result<Option<Held<Erasure>>, StoreError> {
        self.readers.with("show a request to erase", |connection| governed::load(connection, id))
    }

    fn ask_erasure(
        &self,
        pseudonym: &str,
        who: Who,
        act: Act,
    ) -> Result<Result<Held<Erasure>, Refused>, StoreError> {
        let pseudonym = pseudonym.to_owned();
        self.writer
            .run("ask to erase a pseudonym", move |connection, _| ask(connection, &pseudonym, &who, &act))
    }

    fn step_erasure(&self, id: &str, next: Step, who: Who, act: Act) -> Result<Changed<Erasure>, StoreError> {
        let id = id.to_owned();
        // Found before and beside the work of the writer: nothing lists facts by their account, and a pseudonym is of one sensor's making.
        let assets = self.readers.with("find where a pseudonym was seen", |connection| {
            match governed::load::<Erasure>(connection, &id)?.and_then(|held| held.body.account) {
                Some(account) => assets_of(connection, account),
                None => Ok(Vec::new()),
            }
        })?;
        self.writer.run("take a step of a request to erase", move |connection, books| {
            step(connection, books, (&id, &assets), next, &who, &act)
        })
    }
}
