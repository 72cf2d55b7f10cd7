//! [`Reidentifying`] over SQLite, and the sealed names of a report.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, json};
use umbrascope_api::{AccountId, Ack, MachineId, Refusal, RefusedRow, RowKind, SealedAccount, limits};

use super::governed::{self, Projected};
use super::identity::next_number;
use super::{SqliteStore, prepare};
use crate::model::governed::{Act, Governed, Held};
use crate::model::{AssetId, Page, PageRequest};
use crate::reidentify::key::SealedFile;
use crate::reidentify::{self, Asked, Request, Setting, SettingStep, Step, Subject};
use crate::review::{Guard, Refused, Who};
use crate::store::reidentify::Reidentifying;
use crate::store::{Changed, Report, StoreError};

impl Projected for Setting {}

impl Projected for Request {
    fn project(connection: &Connection, id: &str, new: Option<&Self>, _: &Act) -> rusqlite::Result<()> {
        let Some(new) = new else {
            prepare(connection, "DELETE FROM reidentification WHERE id = $1")?.execute(params![id])?;
            return Ok(());
        };
        let number: i64 = id.trim_start_matches("RID-").parse().unwrap_or(i64::MAX);
        prepare(
            connection,
            "INSERT INTO reidentification (number, id, asked_by) VALUES ($1, $2, $3) ON CONFLICT (number) DO NOTHING",
        )?
        .execute(params![number, id, new.asked.by])?;
        Ok(())
    }
}

// ── The setting ──────────────────────────────────────────────────────────────────────────────

fn current(connection: &Connection) -> rusqlite::Result<(Setting, Option<Held<Setting>>)> {
    let held = governed::load::<Setting>(connection, &Setting::default().id())?;
    Ok((held.as_ref().map(|held| held.body.clone()).unwrap_or_default(), held))
}

fn change(
    connection: &Connection,
    step: &SettingStep,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Result<Setting, Refused>> {
    let (now, held) = current(connection)?;
    match reidentify::change(&now, step, who, &act.reason, act.now_ms) {
        Ok((next, role)) => {
            let act = act.clone().as_role(role);
            match held {
                Some(before) => governed::replace(connection, &before, &next, &act, step.action())?,
                None => governed::create(connection, &next, &act, step.action())?,
            };
            if next.on.is_none() {
                forget_names(connection, &act)?;
            }
            Ok(Ok(next))
        }
        Err(refused) => {
            governed::refuse(connection, Setting::KIND, &now.id(), act, step.action(), &refused)?;
            Ok(Err(refused))
        }
    }
}

/// Names are kept for as long as it is switched on, and for the key that it is switched on for.
fn forget_names(connection: &Connection, act: &Act) -> rusqlite::Result<()> {
    let names = prepare(connection, "DELETE FROM sealed_account")?.execute([])?;
    if names > 0 {
        let details = Map::from_iter([("names".to_owned(), json!(names))]);
        let (id, action) = (Setting::default().id(), "reidentification-setting.delete");
        governed::note(connection, Setting::KIND, &id, act, action, &details)?;
    }
    Ok(())
}

// ── Names ────────────────────────────────────────────────────────────────────────────────────

/// Takes the sealed names of a report while they are asked for, and says in the answer whether they are.
pub(super) fn merge(
    connection: &Connection,
    report: &Report,
    asset: i64,
    ack: &mut Ack,
) -> rusqlite::Result<Vec<RefusedRow>> {
    let told = current(connection)?.0.told();
    ack.reidentification = told;
    let refused_before = |index: u64| {
        report.refused.iter().any(|row| (row.kind, row.index) == (RowKind::SealedAccount, index))
    };
    let mut refused = Vec::new();
    let rows = (0_u64..).zip(&report.batch.sealed_accounts);
    for (index, row) in rows.filter(|(index, _)| !refused_before(*index)) {
        let reason = match told {
            Some(told) if told.key == row.key => merge_row(connection, asset, row)?,
            _ => Some(Refusal::NotAsked),
        };
        refused.extend(reason.map(|reason| RefusedRow { kind: RowKind::SealedAccount, index, reason }));
    }
    Ok(refused)
}

fn merge_row(connection: &Connection, asset: i64, row: &SealedAccount) -> rusqlite::Result<Option<Refusal>> {
    // A name belongs to facts, and goes with them.
    let account = match account(connection, &row.account)? {
        Some(account) if is_of(connection, asset, account)? => account,
        _ => return Ok(Some(Refusal::NotAsked)),
    };
    let known = prepare(connection, "SELECT 1 FROM sealed_account WHERE asset = $1 AND account = $2")?
        .exists(params![asset, account])?;
    if !known {
        let kept: i64 = prepare(connection, "SELECT count(*) FROM sealed_account WHERE asset = $1")?
            .query_row(params![asset], |row| row.get(0))?;
        if kept >= i64::try_from(limits::SEALED_ACCOUNTS).unwrap_or(i64::MAX) {
            return Ok(Some(Refusal::OverQuota));
        }
    }
    prepare(
        connection,
        "INSERT INTO sealed_account (asset, account, sealed) VALUES ($1, $2, $3)
         ON CONFLICT (asset, account) DO UPDATE SET sealed = excluded.sealed",
    )?
    .execute(params![asset, account, row.sealed])?;
    Ok(None)
}

fn account(connection: &Connection, id: &AccountId) -> rusqlite::Result<Option<i64>> {
    prepare(connection, "SELECT id FROM account WHERE word = $1")?
        .query_row(params![id.to_string()], |row| row.get(0))
        .optional()
}

/// Whether any fact of a machine is of an account.
fn is_of(connection: &Connection, asset: i64, account: i64) -> rusqlite::Result<bool> {
    prepare(
        connection,
        "SELECT 1 FROM activity WHERE asset = $1 AND account = $2
         UNION ALL
         SELECT 1 FROM snapshot_item WHERE asset = $1 AND account = $2 LIMIT 1",
    )?
    .exists(params![asset, account])
}

/// Deletes the names of some machines that no fact is of any more; how many.
pub(super) fn forget_lost(connection: &Connection, (from, to): (i64, i64)) -> rusqlite::Result<u64> {
    let rows: Vec<(i64, i64)> =
        prepare(connection, "SELECT asset, account FROM sealed_account WHERE asset >= $1 AND asset < $2")?
            .query_map(params![from, to], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
    let mut gone = 0;
    for (asset, account) in rows {
        if !is_of(connection, asset, account)? {
            prepare(connection, "DELETE FROM sealed_account WHERE asset = $1 AND account = $2")?
                .execute(params![asset, account])?;
            gone += 1;
        }
    }
    Ok(gone)
}

fn accounts_of(connection: &Connection, asset: i64, product: &str) -> rusqlite::Result<Vec<(i64, String)>> {
    prepare(
        connection,
        "SELECT DISTINCT a.id, a.word FROM product p
         JOIN evidence_summary s ON s.product = p.id
         JOIN asset_evidence e ON e.rule = s.rule AND e.channel = s.channel AND e.evidence = s.evidence
         JOIN sealed_account z ON z.asset = e.asset AND z.account = e.account
         JOIN account a ON a.id = e.account
         WHERE p.word = $1 AND e.asset = $2 ORDER BY a.word",
    )?
    .query_map(params![product, asset], |row| Ok((row.get(0)?, row.get(1)?)))?
    .collect()
}

// ── Requests ─────────────────────────────────────────────────────────────────────────────────

fn ask(
    connection: &Connection,
    asked: &Asked,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Result<Held<Request>, Refused>> {
    let unit: Option<i64> = prepare(connection, "SELECT unit FROM asset WHERE id = $1")?
        .query_row(params![asked.asset], |row| row.get(0))
        .optional()?;
    let accounts = accounts_of(connection, asked.asset, &asked.product)?;
    let account = accounts.into_iter().find(|(_, word)| *word == asked.account);
    let subject = unit.zip(account).map(|(unit, (account, _))| Subject { unit, account });
    let setting = current(connection)?.0;
    match reidentify::ask(&setting, asked, subject, who, &act.reason, act.now_ms) {
        Ok((request, role)) => {
            let number = next_number(connection, "reidentification")?;
            let request = Request { id: format!("RID-{number:06}"), ..request };
            let act = act.clone().as_role(role);
            governed::create(connection, &request, &act, "reidentification.ask").map(Ok)
        }
        Err(refused) => {
            governed::refuse(connection, Request::KIND, "new", act, "reidentification.ask", &refused)?;
            Ok(Err(refused))
        }
    }
}

fn step(
    connection: &Connection,
    id: &str,
    step: Step,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Changed<Request>> {
    let Some(before) = governed::load::<Request>(connection, id)? else { return Ok(None) };
    let taken = reidentify::take(&before.body, step, who, act.now_ms);
    let taken = match taken {
        Ok(_) if step == Step::Take && current(connection)?.0.on.is_none() => {
            Err(Refused::new(Guard::State, "re-identification was switched off: no name is kept any more"))
        }
        taken => taken,
    };
    match taken {
        Ok((next, role)) => {
            let act = Act { role, ..act.clone() };
            governed::replace(connection, &before, &next, &act, step.action()).map(|held| Some(Ok(held)))
        }
        Err(refused) => {
            governed::refuse(connection, Request::KIND, id, act, step.action(), &refused)?;
            Ok(Some(Err(refused)))
        }
    }
}

fn take_sealed(
    connection: &Connection,
    id: &str,
    who: &Who,
    act: &Act,
) -> rusqlite::Result<Option<Result<SealedFile, Refused>>> {
    let Some(before) = governed::load::<Request>(connection, id)? else { return Ok(None) };
    let found: Option<(String, String)> = prepare(
        connection,
        "SELECT z.sealed, m.machine FROM sealed_account z JOIN asset m ON m.id = z.asset
         WHERE z.asset = $1 AND z.account = $2",
    )?
    .query_row(params![before.body.asset, before.body.account], |row| Ok((row.get(0)?, row.get(1)?)))
    .optional()?;
    let key = current(connection)?.0.told().map(|told| told.key);
    let machine = found.as_ref().and_then(|(_, machine)| machine.parse::<MachineId>().ok());
    let (Some((sealed, _)), Some(machine), Some(key)) = (found, machine, key) else {
        // Whoever may not take it anyway is told that first.
        let refused = match reidentify::take(&before.body, Step::Take, who, act.now_ms) {
            Err(refused) => refused,
            Ok(_) => Refused::new(
                Guard::Target,
                "no sealed name of this account is kept any more: it was deleted with what it belonged to, or it was switched off",
            ),
        };
        governed::refuse(connection, Request::KIND, id, act, Step::Take.action(), &refused)?;
        return Ok(Some(Err(refused)));
    };
    let request = match step(connection, id, Step::Take, who, act)? {
        Some(Ok(held)) => held.body,
        Some(Err(refused)) => return Ok(Some(Err(refused))),
        None => return Ok(None),
    };
    Ok(Some(Ok(SealedFile { request: request.id, ticket: request.ticket, machine, key, sealed })))
}

fn list(
    connection: &Connection,
    by: Option<i64>,
    page: PageRequest,
) -> rusqlite::Result<Page<Held<Request>>> {
    let by = by.unwrap_or(0);
    let total: i64 =
        prepare(connection, "SELECT count(*) FROM reidentification WHERE $1 = 0 OR asked_by = $1")?
            .query_row(params![by], |row| row.get(0))?;
    let rows = prepare(
        connection,
        "SELECT g.body, g.version, g.hash, g.seq, g.at_ms, g.stamps FROM reidentification r
         JOIN governed g ON g.kind = $1 AND g.id = r.id
         WHERE $2 = 0 OR r.asked_by = $2 ORDER BY r.number DESC LIMIT $3 OFFSET $4",
    )?
    .query_map(
        params![Request::KIND, by, page.limit, i64::try_from(page.offset).unwrap_or(i64::MAX)],
        governed::held,
    )?
    .collect::<rusqlite::Result<_>>()?;
    Ok(Page { rows, total: u64::try_from(total).unwrap_or(0) })
}

impl Reidentifying for SqliteStore {
    fn reidentification(&self, now_ms: i64) -> Result<Setting, StoreError> {
        self.readers
            .with("tell whether sealed names are kept", |connection| Ok(current(connection)?.0.at(now_ms)))
    }

    fn sealed_names(&self) -> Result<u64, StoreError> {
        self.readers.with("count the sealed names", |connection| {
            prepare(connection, "SELECT count(*) FROM sealed_account")?.query_row([], |row| row.get(0))
        })
    }

    fn step_reidentification(
        &self,
        step: SettingStep,
        who: Who,
        act: Act,
    ) -> Result<Result<Setting, Refused>, StoreError> {
        self.writer.run("change whether sealed names are kept", move |connection, _| {
            change(connection, &step, &who, &act)
        })
    }

    fn accounts_of(&self, asset: AssetId, product: &str) -> Result<Vec<String>, StoreError> {
        self.readers.with("list the accounts with a sealed name", |connection| {
            Ok(accounts_of(connection, asset.0, product)?.into_iter().map(|(_, word)| word).collect())
        })
    }

    fn ask_reidentification(
        &self,
        asked: Asked,
        who: Who,
        act: Act,
    ) -> Result<Result<Held<Request>, Refused>, StoreError> {
        self.writer.run("ask whose an account is", move |connection, _| ask(connection, &asked, &who, &act))
    }

    fn reidentifications(
        &self,
        by: Option<i64>,
        page: PageRequest,
    ) -> Result<Page<Held<Request>>, StoreError> {
        self.readers.with("list the requests", |connection| list(connection, by, page))
    }

    fn reidentification_request(&self, id: &str) -> Result<Option<Held<Request>>, StoreError> {
        self.readers.with("show a request", |connection| governed::load(connection, id))
    }

    fn step_request(&self, id: &str, next: Step, who: Who, act: Act) -> Result<Changed<Request>, StoreError> {
        let id = id.to_owned();
        self.writer
            .run("take a step of a request", move |connection, _| step(connection, &id, next, &who, &act))
    }

    fn take_sealed(
        &self,
        id: &str,
        who: Who,
        act: Act,
    ) -> Result<Option<Result<SealedFile, Refused>>, StoreError> {
        let id = id.to_owned();
        self.writer.run("take a sealed name", move |connection, _| take_sealed(connection, &id, &who, &act))
    }
}
