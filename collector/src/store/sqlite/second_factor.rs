//! The second factor of a sign-in, and which roles take one.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Map;

use super::people::{act, forget_secrets, note};
use super::{governed, prepare};
use crate::model::{By, Deed, Role, TotpRow};

/// Name of the setting.
const ROLES: &str = "totp_roles";

pub(super) fn totp(connection: &Connection, person: i64) -> rusqlite::Result<Option<TotpRow>> {
    let sql = "SELECT secret, confirmed_at_ms IS NOT NULL, last_step FROM person_totp WHERE person = $1";
    prepare(connection, sql)?
        .query_row(params![person], |row| {
            Ok(TotpRow { sealed: row.get(0)?, confirmed: row.get(1)?, last_step: row.get(2)? })
        })
        .optional()
}

pub(super) fn begin(connection: &Connection, person: i64, sealed: &str) -> rusqlite::Result<bool> {
    if totp(connection, person)?.is_some_and(|totp| totp.confirmed) {
        return Ok(false);
    }
    prepare(
        connection,
        "INSERT INTO person_totp AS s (person, secret, last_step) VALUES ($1, $2, 0)
         ON CONFLICT (person) DO UPDATE SET secret = excluded.secret",
    )?
    .execute(params![person, sealed])?;
    Ok(true)
}

pub(super) fn finish(
    connection: &Connection,
    person: i64,
    step: i64,
    recovery: &[String],
    by: &By,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE person_totp SET confirmed_at_ms = $1, last_step = $2
         WHERE person = $3 AND confirmed_at_ms IS NULL AND last_step < $2";
    if prepare(connection, sql)?.execute(params![by.at_ms, step, person])? == 0 {
        return Ok(false);
    }
    replace_codes(connection, person, recovery)?;
    note(connection, person, by, "person.second-factor.set-up")?;
    Ok(true)
}

pub(super) fn drop_totp(connection: &Connection, person: i64, by: &By) -> rusqlite::Result<bool> {
    let gone = prepare(connection, "DELETE FROM person_totp WHERE person = $1")?.execute(params![person])?;
    replace_codes(connection, person, &[])?;
    if gone == 0 {
        return Ok(false);
    }
    forget_secrets(connection, person)?;
    note(connection, person, by, "person.second-factor.remove")?;
    Ok(true)
}

pub(super) fn use_step(connection: &Connection, person: i64, step: i64) -> rusqlite::Result<bool> {
    let sql = "UPDATE person_totp SET last_step = $1
         WHERE person = $2 AND confirmed_at_ms IS NOT NULL AND last_step < $1";
    Ok(prepare(connection, sql)?.execute(params![step, person])? == 1)
}

pub(super) fn set_codes(
    connection: &Connection,
    person: i64,
    recovery: &[String],
    by: &By,
) -> rusqlite::Result<()> {
    replace_codes(connection, person, recovery)?;
    note(connection, person, by, "person.recovery-codes")
}

fn replace_codes(connection: &Connection, person: i64, recovery: &[String]) -> rusqlite::Result<()> {
    prepare(connection, "DELETE FROM recovery_code WHERE person = $1")?.execute(params![person])?;
    for hash in recovery {
        prepare(connection, "INSERT INTO recovery_code (person, code_hash) VALUES ($1, $2)")?
            .execute(params![person, hash])?;
    }
    Ok(())
}

pub(super) fn use_code(
    connection: &Connection,
    person: i64,
    hash: &str,
    now_ms: i64,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE recovery_code SET used_at_ms = $1
         WHERE person = $2 AND code_hash = $3 AND used_at_ms IS NULL";
    Ok(prepare(connection, sql)?.execute(params![now_ms, person, hash])? == 1)
}

pub(super) fn codes_left(connection: &Connection, person: i64) -> rusqlite::Result<u64> {
    prepare(connection, "SELECT count(*) FROM recovery_code WHERE person = $1 AND used_at_ms IS NULL")?
        .query_row(params![person], |row| row.get(0))
}

pub(super) fn roles(connection: &Connection) -> rusqlite::Result<Vec<Role>> {
    let words: Option<String> = prepare(connection, "SELECT value FROM meta WHERE name = $1")?
        .query_row(params![ROLES], |row| row.get(0))
        .optional()?;
    Ok(words.unwrap_or_default().split_whitespace().filter_map(Role::parse).collect())
}

pub(super) fn set_roles(connection: &Connection, roles: &[Role], by: &By) -> rusqlite::Result<()> {
    let words: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    prepare(
        connection,
        "INSERT INTO meta AS s (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute(params![ROLES, words.join(" ")])?;
    let act = act(connection, by, Deed::ManagePeople)?;
    let details = Map::from_iter([("roles".to_owned(), words.into())]);
    governed::note(connection, "setting", "second-factor", &act, "setting.second-factor", &details)?;
    Ok(())
}
