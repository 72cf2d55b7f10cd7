//! People, their one-time links and their sessions.

use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::identity::next_number;
use super::prepare;
use crate::model::{Role, UserRow};
use crate::store::{SecretHash, SessionRow};

pub(super) fn add_user(
    connection: &Connection,
    name: &str,
    role: Role,
    now_ms: i64,
) -> rusqlite::Result<Option<UserRow>> {
    let id = next_number(connection, "person")?;
    let inserted = prepare(
        connection,
        "INSERT INTO person (id, name, role, created_at_ms) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING",
    )?
    .execute(params![id, name, role.as_str(), now_ms])?;
    let user = UserRow {
        id,
        name: name.to_owned(),
        role,
        has_password: false,
        created_at_ms: now_ms,
        last_sign_in_at_ms: None,
    };
    Ok((inserted == 1).then_some(user))
}

fn person(connection: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    prepare(connection, "SELECT id FROM person WHERE name = $1")?
        .query_row(params![name], |row| row.get(0))
        .optional()
}

fn forget_secrets(connection: &Connection, person: i64) -> rusqlite::Result<()> {
    prepare(connection, "DELETE FROM session WHERE person = $1")?.execute(params![person])?;
    prepare(connection, "DELETE FROM sign_in_link WHERE person = $1")?.execute(params![person])?;
    Ok(())
}

pub(super) fn remove_user(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let Some(person) = person(connection, name)? else { return Ok(false) };
    forget_secrets(connection, person)?;
    prepare(connection, "DELETE FROM person WHERE id = $1")?.execute(params![person])?;
    Ok(true)
}

pub(super) fn set_password(connection: &Connection, name: &str, password: &str) -> rusqlite::Result<bool> {
    let Some(person) = person(connection, name)? else { return Ok(false) };
    forget_secrets(connection, person)?;
    prepare(connection, "UPDATE person SET password = $1 WHERE id = $2")?
        .execute(params![password, person])?;
    Ok(true)
}

pub(super) fn users(connection: &Connection) -> rusqlite::Result<Vec<UserRow>> {
    prepare(
        connection,
        "SELECT id, name, role, password IS NOT NULL, created_at_ms, last_sign_in_at_ms FROM person ORDER BY name",
    )?
    .query_map([], user_row)?
    .collect()
}

pub(super) fn credentials(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<Option<(UserRow, Option<String>)>> {
    prepare(
        connection,
        "SELECT id, name, role, password IS NOT NULL, created_at_ms, last_sign_in_at_ms, password
         FROM person WHERE name = $1",
    )?
    .query_row(params![name], |row| Ok((user_row(row)?, row.get(6)?)))
    .optional()
}

/// A role this version does not know is given the least.
fn user_row(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    let role: String = row.get(2)?;
    Ok(UserRow {
        id: row.get(0)?,
        name: row.get(1)?,
        role: if role == Role::Administrator.as_str() { Role::Administrator } else { Role::Viewer },
        has_password: row.get(3)?,
        created_at_ms: row.get(4)?,
        last_sign_in_at_ms: row.get(5)?,
    })
}

pub(super) fn add_link(
    connection: &Connection,
    name: &str,
    secret_hash: &SecretHash,
    expires_at_ms: i64,
) -> rusqlite::Result<bool> {
    let Some(person) = person(connection, name)? else { return Ok(false) };
    prepare(connection, "INSERT INTO sign_in_link (secret_hash, person, expires_at_ms) VALUES ($1, $2, $3)")?
        .execute(params![HEXLOWER.encode(secret_hash), person, expires_at_ms])?;
    Ok(true)
}

pub(super) fn take_link(
    connection: &Connection,
    secret_hash: &SecretHash,
    now_ms: i64,
) -> rusqlite::Result<Option<UserRow>> {
    let taken: Option<(i64, i64)> = prepare(
        connection,
        "DELETE FROM sign_in_link WHERE secret_hash = $1 RETURNING person, expires_at_ms",
    )?
    .query_row(params![HEXLOWER.encode(secret_hash)], |row| Ok((row.get(0)?, row.get(1)?)))
    .optional()?;
    let Some((person, _)) = taken.filter(|(_, expires_at_ms)| *expires_at_ms > now_ms) else {
        return Ok(None);
    };
    prepare(
        connection,
        "SELECT id, name, role, password IS NOT NULL, created_at_ms, last_sign_in_at_ms FROM person WHERE id = $1",
    )?
    .query_row(params![person], user_row)
    .optional()
}

pub(super) fn begin_session(
    connection: &Connection,
    person: i64,
    secret_hash: &SecretHash,
    now_ms: i64,
) -> rusqlite::Result<()> {
    prepare(
        connection,
        "INSERT INTO session (secret_hash, person, created_at_ms, used_at_ms) VALUES ($1, $2, $3, $3)",
    )?
    .execute(params![HEXLOWER.encode(secret_hash), person, now_ms])?;
    prepare(connection, "UPDATE person SET last_sign_in_at_ms = $1 WHERE id = $2")?
        .execute(params![now_ms, person])?;
    Ok(())
}

pub(super) fn session(
    connection: &Connection,
    secret_hash: &SecretHash,
) -> rusqlite::Result<Option<SessionRow>> {
    prepare(
        connection,
        "SELECT p.id, p.name, p.role, p.password IS NOT NULL, p.created_at_ms, p.last_sign_in_at_ms,
            s.created_at_ms, s.used_at_ms
         FROM session s JOIN person p ON p.id = s.person WHERE s.secret_hash = $1",
    )?
    .query_row(params![HEXLOWER.encode(secret_hash)], |row| {
        Ok(SessionRow { user: user_row(row)?, created_at_ms: row.get(6)?, used_at_ms: row.get(7)? })
    })
    .optional()
}

pub(super) fn touch_session(
    connection: &Connection,
    secret_hash: &SecretHash,
    now_ms: i64,
) -> rusqlite::Result<()> {
    prepare(connection, "UPDATE session SET used_at_ms = $1 WHERE secret_hash = $2")?
        .execute(params![now_ms, HEXLOWER.encode(secret_hash)])?;
    Ok(())
}

pub(super) fn end_session(connection: &Connection, secret_hash: &SecretHash) -> rusqlite::Result<()> {
    prepare(connection, "DELETE FROM session WHERE secret_hash = $1")?
        .execute(params![HEXLOWER.encode(secret_hash)])?;
    Ok(())
}

pub(super) fn prune_sessions(
    connection: &Connection,
    created_before_ms: i64,
    used_before_ms: i64,
    now_ms: i64,
) -> rusqlite::Result<()> {
    prepare(connection, "DELETE FROM session WHERE created_at_ms < $1 OR used_at_ms < $2")?
        .execute(params![created_before_ms, used_before_ms])?;
    prepare(connection, "DELETE FROM sign_in_link WHERE expires_at_ms <= $1")?.execute(params![now_ms])?;
    Ok(())
}
