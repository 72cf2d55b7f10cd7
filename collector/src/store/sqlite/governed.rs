//! The one way in which a governed record changes: load, change, compare, write, and an entry of the trail for it, all in the
//! caller's transaction. Replaying the trail gives the records.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use serde_json::{Map, Value, json};

use super::prepare;
use crate::audit::{Entry, Hash, canonical, payload_commit, record_hash};
use crate::model::governed::{Act, COLLECTION, Governed, Held, Stamp, TrailFilter, TrailReach, TrailRow};
use crate::model::{Page, PageRequest};
use crate::review::{Guard, Refused};

/// A record that lists are made of besides.
pub(super) trait Projected: Governed {
    /// Brings the tables that lists are read from to a new state of the record; `None`: it is gone.
    fn project(connection: &Connection, id: &str, new: Option<&Self>, act: &Act) -> rusqlite::Result<()> {
        let _ = (connection, id, new, act);
        Ok(())
    }
}

/// The triggers that keep accidents away from the trail. `INSERT OR REPLACE` would pass the one against deleting, and does not pass the
/// one against gaps.
pub(super) const TRIGGERS: &str = "
    CREATE TRIGGER IF NOT EXISTS trail_keeps BEFORE UPDATE ON trail
    BEGIN SELECT raise(ABORT, 'the audit trail is never changed'); END;
    CREATE TRIGGER IF NOT EXISTS trail_stays BEFORE DELETE ON trail
    BEGIN SELECT raise(ABORT, 'nothing is taken out of the audit trail'); END;
    CREATE TRIGGER IF NOT EXISTS trail_has_no_gap BEFORE INSERT ON trail
    WHEN NEW.seq <> (SELECT coalesce(max(seq) + 1, 0) FROM trail)
    BEGIN SELECT raise(ABORT, 'an entry of the audit trail follows the one before'); END;";

/// The record of this id, if there is one.
pub(super) fn load<T: Governed>(connection: &Connection, id: &str) -> rusqlite::Result<Option<Held<T>>> {
    prepare(
        connection,
        "SELECT body, version, hash, seq, at_ms, stamps FROM governed WHERE kind = $1 AND id = $2",
    )?
    .query_row(params![T::KIND, id], held)
    .optional()
}

/// Every record of a kind, in the order of their ids.
pub(super) fn all<T: Governed>(connection: &Connection) -> rusqlite::Result<Vec<Held<T>>> {
    prepare(
        connection,
        "SELECT body, version, hash, seq, at_ms, stamps FROM governed WHERE kind = $1 ORDER BY id",
    )?
    .query_map(params![T::KIND], held)?
    .collect()
}

/// Makes a record. One of this id must not be there.
pub(super) fn create<T: Projected>(
    connection: &Connection,
    record: &T,
    act: &Act,
    action: &str,
) -> rusqlite::Result<Held<T>> {
    let new = body(record)?;
    let stamps = BTreeMap::new();
    write(connection, record, Value::Object(Map::new()), new, None, stamps, act, action)
}

/// Changes a record, or says why not; then nothing changes but the trail, which keeps the refusal. A change that changes nothing leaves no
/// entry. `None`: there is no such record.
pub(super) fn change<T: Projected>(
    connection: &Connection,
    id: &str,
    act: &Act,
    action: &str,
    change: impl FnOnce(&Held<T>) -> Result<T, Refused>,
) -> rusqlite::Result<Option<Result<Held<T>, Refused>>> {
    let Some(before) = load::<T>(connection, id)? else { return Ok(None) };
    let changed = match act.version {
        Some(seen) if seen != before.version => Err(Refused::new(
            Guard::Version,
            "somebody changed this record since you read it: read it again, then decide",
        )),
        _ => change(&before),
    };
    match changed {
        Ok(next) => replace(connection, &before, &next, act, action).map(|held| Some(Ok(held))),
        Err(refused) => {
            refuse(connection, T::KIND, id, act, action, &refused)?;
            Ok(Some(Err(refused)))
        }
    }
}

/// Puts the next state of a record in the place of the one before, which was loaded in this transaction.
pub(super) fn replace<T: Projected>(
    connection: &Connection,
    before: &Held<T>,
    next: &T,
    act: &Act,
    action: &str,
) -> rusqlite::Result<Held<T>> {
    let (old, new) = (body(&before.body)?, body(next)?);
    if old == new {
        return Ok(before.clone());
    }
    let previous = Some((before.version, before.hash.as_str()));
    write(connection, next, old, new, previous, before.stamps.clone(), act, action)
}

/// Takes a record out: for what no person ever looked at. Its id is not given out again, and its trail stays.
pub(super) fn remove<T: Projected>(
    connection: &Connection,
    before: &Held<T>,
    act: &Act,
    action: &str,
) -> rusqlite::Result<()> {
    let id = before.body.id();
    let drop: Vec<String> = match body(&before.body)? {
        Value::Object(fields) => fields.keys().cloned().collect(),
        _ => Vec::new(),
    };
    append(connection, act, action, T::KIND, &id, "done", Some(&before.hash), None, &Map::new(), &drop)?;
    prepare(connection, "DELETE FROM governed WHERE kind = $1 AND id = $2")?.execute(params![T::KIND, id])?;
    T::project(connection, &id, None, act)
}

/// Notes that something was refused.
pub(super) fn refuse(
    connection: &Connection,
    kind: &str,
    id: &str,
    act: &Act,
    action: &str,
    refused: &Refused,
) -> rusqlite::Result<()> {
    let outcome = format!("refused:{}", refused.guard.as_str());
    append(connection, act, action, kind, id, &outcome, None, None, &Map::new(), &[])?;
    Ok(())
}

/// Notes something that changes no record: a reading, an export, a sign-in.
pub(super) fn note(
    connection: &Connection,
    kind: &str,
    id: &str,
    act: &Act,
    action: &str,
    details: &Map<String, Value>,
) -> rusqlite::Result<u64> {
    append(connection, act, action, kind, id, "done", None, None, details, &[])
}

/// What the entries of an object add up to: its body, by field. `None`: there is none, or part of it was erased.
pub(super) fn replay(
    connection: &Connection,
    kind: &str,
    id: &str,
    before_ms: i64,
) -> rusqlite::Result<Option<Value>> {
    let mut statement = prepare(
        connection,
        "SELECT p.payload, t.entry FROM trail t LEFT JOIN trail_payload p ON p.seq = t.seq
         WHERE t.kind = $1 AND t.id = $2 AND t.outcome = 'done' AND t.at_ms < $3 ORDER BY t.seq",
    )?;
    let mut rows = statement.query(params![kind, id, before_ms])?;
    let mut fields = Map::new();
    while let Some(row) = rows.next()? {
        let Some(payload) = row.get::<_, Option<String>>(0)? else { return Ok(None) };
        // A reading or an export of the record: it sets details, and no field.
        let entry = Entry::read(row.get::<_, String>(1)?.as_bytes()).map_err(unreadable)?;
        if entry.before.is_none() && entry.after.is_none() {
            continue;
        }
        apply(&mut fields, &payload)?;
    }
    Ok((!fields.is_empty()).then_some(Value::Object(fields)))
}

/// Sets and drops what a payload says.
pub(super) fn apply(fields: &mut Map<String, Value>, payload: &str) -> rusqlite::Result<()> {
    let payload: Value = serde_json::from_str(payload).map_err(unreadable)?;
    for (name, value) in payload["set"].as_object().into_iter().flatten() {
        fields.insert(name.clone(), value.clone());
    }
    for name in payload["drop"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        fields.remove(name);
    }
    Ok(())
}

/// An entry of the trail as it is kept.
pub(super) fn entry(text: &str) -> rusqlite::Result<Entry> {
    Entry::read(text.as_bytes()).map_err(unreadable)
}

/// The record that such fields are.
pub(super) fn body_of<T: Governed>(fields: Map<String, Value>) -> rusqlite::Result<T> {
    serde_json::from_value(Value::Object(fields)).map_err(unreadable)
}

/// Entries of the trail, the newest first.
pub(super) fn trail(
    connection: &Connection,
    filter: &TrailFilter,
    page: PageRequest,
) -> rusqlite::Result<Page<TrailRow>> {
    let (mut wanted, mut values): (Vec<String>, Vec<Box<dyn ToSql>>) = (Vec::new(), Vec::new());
    wanted.extend(within(filter.reach, &mut values));
    if let Some(person) = filter.person {
        wanted.push(by(person, &mut values));
    }
    let mut add = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        wanted.push(condition.replace('$', &format!("${}", values.len())));
    };
    if let Some(kind) = &filter.kind {
        add("t.kind = $", Box::new(kind.clone()));
    }
    if let Some(id) = &filter.id {
        add("t.id = $", Box::new(id.clone()));
    }
    if let Some(refused) = filter.refused {
        add(if refused { "t.outcome <> $" } else { "t.outcome = $" }, Box::new("done"));
    }
    if let Some(from) = filter.from_ms {
        add("t.at_ms >= $", Box::new(from));
    }
    if let Some(before) = filter.before_ms {
        add("t.at_ms < $", Box::new(before));
    }
    let clause = if wanted.is_empty() { String::new() } else { format!("WHERE {}", wanted.join(" AND ")) };
    let bound = || values.iter().map(|value| &**value);
    let total = connection
        .prepare(&format!("SELECT count(*) FROM trail t {clause}"))?
        .query_row(rusqlite::params_from_iter(bound()), |row| row.get::<_, i64>(0))?;
    let sql = format!(
        "SELECT t.seq, t.at_ms, t.actor, t.action, t.kind, t.id, t.outcome, t.entry, t.leaf, p.payload
         FROM trail t LEFT JOIN trail_payload p ON p.seq = t.seq {clause} ORDER BY t.seq DESC LIMIT {} OFFSET {}",
        page.limit, page.offset
    );
    let rows = connection
        .prepare(&sql)?
        .query_map(rusqlite::params_from_iter(bound()), trail_row)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Page { rows, total: u64::try_from(total).unwrap_or(0) })
}

/// The entry of this number, if it is within reach.
pub(super) fn trail_one(
    connection: &Connection,
    seq: u64,
    reach: TrailReach,
) -> rusqlite::Result<Option<TrailRow>> {
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(number(seq))];
    let within = within(reach, &mut values).map_or_else(String::new, |within| format!(" AND {within}"));
    let sql = format!(
        "SELECT t.seq, t.at_ms, t.actor, t.action, t.kind, t.id, t.outcome, t.entry, t.leaf, p.payload
         FROM trail t LEFT JOIN trail_payload p ON p.seq = t.seq WHERE t.seq = $1{within}"
    );
    let values = rusqlite::params_from_iter(values.iter().map(|value| &**value));
    prepare(connection, &sql)?.query_row(values, trail_row).optional()
}

/// The condition that an entry is within reach; `None`: all are.
fn within(reach: TrailReach, values: &mut Vec<Box<dyn ToSql>>) -> Option<String> {
    let TrailReach::Part { collection, own } = reach else { return None };
    let mut parts: Vec<String> = own.map(|person| by(person, values)).into_iter().collect();
    for (kind, id) in COLLECTION.into_iter().filter(|_| collection) {
        values.push(Box::new(kind));
        let mut part = format!("t.kind = ${}", values.len());
        if let Some(id) = id {
            values.push(Box::new(id));
            part = format!("({part} AND t.id = ${})", values.len());
        }
        parts.push(part);
    }
    Some(if parts.is_empty() { "1 = 0".to_owned() } else { format!("({})", parts.join(" OR ")) })
}

/// The condition that a person did it, be it by way of a token.
fn by(person: i64, values: &mut Vec<Box<dyn ToSql>>) -> String {
    let actor = format!("person:{person}");
    let at = values.len();
    values.extend(
        [actor.clone(), format!("{actor} "), format!("{actor}!")]
            .map(|text| Box::new(text) as Box<dyn ToSql>),
    );
    format!("(t.actor = ${} OR (t.actor > ${} AND t.actor < ${}))", at + 1, at + 2, at + 3)
}

fn trail_row(row: &Row<'_>) -> rusqlite::Result<TrailRow> {
    let entry = Entry::read(row.get::<_, String>(7)?.as_bytes()).map_err(unreadable)?;
    let payload: Option<Value> = match row.get::<_, Option<String>>(9)? {
        Some(text) => Some(serde_json::from_str(&text).map_err(unreadable)?),
        None => None,
    };
    let text = |name: &str| payload.as_ref().and_then(|payload| payload[name].as_str()).map(str::to_owned);
    Ok(TrailRow {
        seq: entry.seq,
        at_ms: row.get(1)?,
        actor: row.get(2)?,
        role: entry.role,
        action: row.get(3)?,
        kind: row.get(4)?,
        id: row.get(5)?,
        outcome: row.get(6)?,
        reason: text("reason"),
        set: payload.as_ref().map(|payload| {
            let set = payload["set"].as_object().into_iter().flatten();
            let dropped = payload["drop"].as_array().into_iter().flatten().filter_map(Value::as_str);
            set.map(|(name, value)| (name.clone(), value.clone()))
                .chain(dropped.map(|name| (name.to_owned(), Value::Null)))
                .collect()
        }),
        policy: text("policy"),
        batch: text("batch"),
        leaf: row.get(8)?,
    })
}

// ── Writing ──────────────────────────────────────────────────────────────────────────────────

#[expect(clippy::too_many_arguments, reason = "one statement of what changed, called from two places")]
fn write<T: Projected>(
    connection: &Connection,
    record: &T,
    old: Value,
    new: Value,
    previous: Option<(u64, &str)>,
    mut stamps: BTreeMap<String, Stamp>,
    act: &Act,
    action: &str,
) -> rusqlite::Result<Held<T>> {
    let id = record.id();
    let nonce = random()?;
    let hash = record_hash(&nonce, &new).map_err(unreadable)?.to_string();
    let (set, dropped) = difference(&old, &new);
    let before = previous.map(|(_, hash)| hash);
    let seq = append(connection, act, action, T::KIND, &id, "done", before, Some(&hash), &set, &dropped)?;
    for name in set.keys().chain(&dropped) {
        stamps.insert(name.clone(), Stamp { seq, by: act.actor.as_text(), at_ms: act.now_ms });
    }
    let version = previous.map_or(1, |(version, _)| version + 1);
    let stamps_text = serde_json::to_string(&stamps).map_err(unreadable)?;
    let sql = match previous {
        None => {
            "INSERT INTO governed (version, hash, nonce, seq, at_ms, body, stamps, kind, id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        }
        Some(_) => {
            "UPDATE governed SET version = $1, hash = $2, nonce = $3, seq = $4, at_ms = $5, body = $6, stamps = $7
             WHERE kind = $8 AND id = $9"
        }
    };
    prepare(connection, sql)?.execute(params![
        number(version),
        hash,
        HEXLOWER.encode(&nonce),
        number(seq),
        act.now_ms,
        new.to_string(),
        stamps_text,
        T::KIND,
        id
    ])?;
    T::project(connection, &id, Some(record), act)?;
    Ok(Held { body: record.clone(), version, hash, seq, at_ms: act.now_ms, stamps })
}

/// Adds an entry; its number.
#[expect(clippy::too_many_arguments, reason = "the fields of an entry")]
fn append(
    connection: &Connection,
    act: &Act,
    action: &str,
    kind: &str,
    id: &str,
    outcome: &str,
    before: Option<&str>,
    after: Option<&str>,
    set: &Map<String, Value>,
    dropped: &[String],
) -> rusqlite::Result<u64> {
    let last: Option<(i64, String)> =
        prepare(connection, "SELECT seq, leaf FROM trail ORDER BY seq DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
    let (seq, prev) = match last {
        Some((seq, leaf)) => (u64::try_from(seq).unwrap_or(0) + 1, parse_hash(&leaf)?),
        None => (0, Hash::ZERO),
    };
    let payload = canonical(&json!({
        "reason": act.reason, "batch": act.batch, "policy": act.policy, "set": set, "drop": dropped,
    }))
    .map_err(unreadable)?;
    let salt = random()?;
    let entry = Entry {
        seq,
        at_ms: act.now_ms,
        actor: act.actor.as_text(),
        role: act.role.map_or("-", |role| role.as_str()).to_owned(),
        action: action.to_owned(),
        object: format!("{kind}/{id}"),
        outcome: outcome.to_owned(),
        before: before.map(parse_hash).transpose()?,
        after: after.map(parse_hash).transpose()?,
        payload_commit: payload_commit(&salt, &payload),
        prev,
    };
    let bytes = entry.bytes();
    prepare(
        connection,
        "INSERT INTO trail (seq, at_ms, actor, action, kind, id, outcome, entry, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )?
    .execute(params![
        number(seq),
        entry.at_ms,
        entry.actor,
        entry.action,
        kind,
        id,
        entry.outcome,
        String::from_utf8_lossy(&bytes),
        entry.leaf().to_string()
    ])?;
    prepare(connection, "INSERT INTO trail_payload (seq, salt, payload) VALUES ($1, $2, $3)")?
        .execute(params![number(seq), HEXLOWER.encode(&salt), String::from_utf8_lossy(&payload)])?;
    Ok(seq)
}

/// Fields of `new` that `old` had not or had otherwise, and names of those that are gone.
fn difference(old: &Value, new: &Value) -> (Map<String, Value>, Vec<String>) {
    let empty = Map::new();
    let (old, new) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
    let set = new.iter().filter(|(name, value)| old.get(*name) != Some(value));
    let set = set.map(|(name, value)| (name.clone(), value.clone())).collect();
    (set, old.keys().filter(|name| !new.contains_key(*name)).cloned().collect())
}

pub(super) fn held<T: Governed>(row: &Row<'_>) -> rusqlite::Result<Held<T>> {
    Ok(Held {
        body: serde_json::from_str(&row.get::<_, String>(0)?).map_err(unreadable)?,
        version: u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
        hash: row.get(2)?,
        seq: u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
        at_ms: row.get(4)?,
        stamps: serde_json::from_str(&row.get::<_, String>(5)?).map_err(unreadable)?,
    })
}

fn body<T: Governed>(record: &T) -> rusqlite::Result<Value> {
    serde_json::to_value(record).map_err(unreadable)
}

pub(super) fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn random() -> rusqlite::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| unreadable(NoRandom))?;
    Ok(bytes)
}

/// The system gave no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random numbers")]
struct NoRandom;

fn parse_hash(text: &str) -> rusqlite::Result<Hash> {
    text.parse().map_err(unreadable)
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}
