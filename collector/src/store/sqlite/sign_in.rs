//! Passwords, one-time links and sessions.

use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::people::{by_name, effective_grants, forget_secrets, note};
use super::{api_tokens, emergency, prepare, second_factor};
use crate::model::{By, Grants, LetIn, UserRow};
use crate::store::{SecretHash, SessionRow};

/// Who is active. The row's own columns come first, so that more can follow.
const USER: &str =
    "SELECT p.id, p.name, p.display_name, p.password IS NOT NULL, t.confirmed_at_ms IS NOT NULL,
    p.created_at_ms, p.last_sign_in_at_ms";
/// Most uses of links that one person made are looked at; more than that within a year is no administrator's work.
const LET_IN_OTHERS: i64 = 10_000;
/// How long the use of a link is kept, in milliseconds: a year, beyond which nothing waits for a second person.
const LINK_USE_KEPT_MS: i64 = 366 * 86_400_000;
const FROM: &str = "FROM person p LEFT JOIN person_totp t ON t.person = p.id";

fn user_row(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    Ok(UserRow {
        id: row.get(0)?,
        name: row.get(1)?,
        display_name: row.get(2)?,
        grants: Grants::default(),
        has_password: row.get(3)?,
        has_totp: row.get(4)?,
        created_at_ms: row.get(5)?,
        last_sign_in_at_ms: row.get(6)?,
        let_in: LetIn::default(),
        emergency: None,
    })
}

/// A person with what belongs to them and stands elsewhere.
fn whole(connection: &Connection, mut user: UserRow) -> rusqlite::Result<UserRow> {
    user.grants = effective_grants(connection, user.id)?;
    user.let_in = let_in(connection, user.id)?;
    user.emergency = emergency::taken(connection, user.id)?;
    Ok(user)
}

/// Links by which this person was let in, or let others in.
pub(super) fn let_in(connection: &Connection, person: i64) -> rusqlite::Result<LetIn> {
    let last = "SELECT max(used_at_ms) FROM link_use WHERE person = $1";
    let others =
        "SELECT person, used_at_ms FROM link_use WHERE made_by = $1 ORDER BY used_at_ms DESC LIMIT $2";
    Ok(LetIn {
        last_ms: prepare(connection, last)?.query_row(params![person], |row| row.get(0))?,
        others: prepare(connection, others)?
            .query_map(params![person, LET_IN_OTHERS], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?,
    })
}

fn named(connection: &Connection, name: &str) -> rusqlite::Result<Option<(UserRow, Option<String>)>> {
    let found =
        prepare(connection, &format!("{USER}, p.password {FROM} WHERE p.name = $1 AND p.active = 1"))?
            .query_row(params![name], |row| Ok((user_row(row)?, row.get(7)?)))
            .optional()?;
    let Some((user, password)) = found else { return Ok(None) };
    Ok(Some((whole(connection, user)?, password)))
}

pub(super) fn set_password(
    connection: &Connection,
    name: &str,
    password: &str,
    by: &By,
) -> rusqlite::Result<bool> {
    let Some((user, _)) = named(connection, name)? else { return Ok(false) };
    forget_secrets(connection, user.id)?;
    api_tokens::revoke_all(connection, user.id, by)?;
    prepare(connection, "UPDATE person SET password = $1 WHERE id = $2")?
        .execute(params![password, user.id])?;
    note(connection, user.id, by, "person.password")?;
    Ok(true)
}

pub(super) fn credentials(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<Option<(UserRow, Option<String>)>> {
    named(connection, name)
}

pub(super) fn add_link(
    connection: &Connection,
    name: &str,
    secret_hash: &SecretHash,
    expires_at_ms: i64,
    by: &By,
) -> rusqlite::Result<bool> {
    let Some((user, password)) = named(connection, name)? else { return Ok(false) };
    // Somebody who is only in the directory has no business here, unless there is something that they answer for.
    if user.grants.0.is_empty() && password.is_none() && !answers_for_something(connection, user.id)? {
        return Ok(false);
    }
    prepare(
        connection,
        "INSERT INTO sign_in_link (secret_hash, person, expires_at_ms, made_by) VALUES ($1, $2, $3, $4)",
    )?
    .execute(params![HEXLOWER.encode(secret_hash), user.id, expires_at_ms, by.person])?;
    note(connection, user.id, by, "person.link")?;
    Ok(true)
}

/// Whether a person owns a record, or is asked about one.
fn answers_for_something(connection: &Connection, person: i64) -> rusqlite::Result<bool> {
    let owns = "SELECT 1 FROM ai_system WHERE owner = $1 AND merged = 0 LIMIT 1";
    let asked = "SELECT 1 FROM campaign_row WHERE owner = $1 AND state = 'open' LIMIT 1";
    Ok(prepare(connection, owns)?.exists(params![person])?
        || prepare(connection, asked)?.exists(params![person])?)
}

pub(super) fn take_link(
    connection: &Connection,
    secret_hash: &SecretHash,
    now_ms: i64,
) -> rusqlite::Result<Option<UserRow>> {
    let taken: Option<(i64, i64, Option<i64>)> = prepare(
        connection,
        "DELETE FROM sign_in_link WHERE secret_hash = $1 RETURNING person, expires_at_ms, made_by",
    )?
    .query_row(params![HEXLOWER.encode(secret_hash)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    .optional()?;
    let Some((person, _, made_by)) = taken.filter(|(_, expires_at_ms, _)| *expires_at_ms > now_ms) else {
        return Ok(None);
    };
    let user = active(connection, person)?;
    if let Some(user) = &user {
        if let Some(maker) = made_by.filter(|_| user.is_let_in(made_by)) {
            let sql = "INSERT INTO link_use (person, used_at_ms, made_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            prepare(connection, sql)?.execute(params![user.id, now_ms, maker])?;
        }
        note(connection, user.id, &by_name(connection, &user.name, "", now_ms)?, "person.link.used")?;
    }
    Ok(user)
}

pub(super) fn link_person(
    connection: &Connection,
    secret_hash: &SecretHash,
    now_ms: i64,
) -> rusqlite::Result<Option<(UserRow, Option<i64>)>> {
    let sql = "SELECT person, made_by FROM sign_in_link WHERE secret_hash = $1 AND expires_at_ms > $2";
    let found: Option<(i64, Option<i64>)> = prepare(connection, sql)?
        .query_row(params![HEXLOWER.encode(secret_hash), now_ms], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((person, made_by)) = found else { return Ok(None) };
    Ok(active(connection, person)?.map(|user| (user, made_by)))
}

pub(super) fn active(connection: &Connection, person: i64) -> rusqlite::Result<Option<UserRow>> {
    let user = prepare(connection, &format!("{USER} {FROM} WHERE p.id = $1 AND p.active = 1"))?
        .query_row(params![person], user_row)
        .optional()?;
    user.map(|user| whole(connection, user)).transpose()
}

pub(super) fn confirm_session(
    connection: &Connection,
    secret_hash: &SecretHash,
    now_ms: i64,
) -> rusqlite::Result<()> {
    prepare(connection, "UPDATE session SET confirmed_at_ms = $1, let_in = 0 WHERE secret_hash = $2")?
        .execute(params![now_ms, HEXLOWER.encode(secret_hash)])?;
    Ok(())
}

pub(super) fn begin_session(
    connection: &Connection,
    person: i64,
    secret_hash: &SecretHash,
    by_link: bool,
    now_ms: i64,
) -> rusqlite::Result<()> {
    prepare(
        connection,
        "INSERT INTO session (secret_hash, person, created_at_ms, used_at_ms, let_in) VALUES ($1, $2, $3, $3, $4)",
    )?
    .execute(params![HEXLOWER.encode(secret_hash), person, now_ms, by_link])?;
    prepare(connection, "UPDATE person SET last_sign_in_at_ms = $1 WHERE id = $2")?
        .execute(params![now_ms, person])?;
    Ok(())
}

pub(super) fn session(
    connection: &Connection,
    secret_hash: &SecretHash,
) -> rusqlite::Result<Option<SessionRow>> {
    let sql = format!(
        "{USER}, s.created_at_ms, s.used_at_ms, s.confirmed_at_ms, s.let_in {FROM} JOIN session s ON s.person = p.id
         WHERE s.secret_hash = $1 AND p.active = 1"
    );
    let found = prepare(connection, &sql)?
        .query_row(params![HEXLOWER.encode(secret_hash)], |row| {
            Ok(SessionRow {
                user: user_row(row)?,
                created_at_ms: row.get(7)?,
                used_at_ms: row.get(8)?,
                confirmed_at_ms: row.get(9)?,
                totp_missing: false,
                by_link: row.get(10)?,
            })
        })
        .optional()?;
    let Some(mut found) = found else { return Ok(None) };
    found.user = whole(connection, found.user)?;
    found.totp_missing = lacks_second_factor(connection, &found.user)?;
    Ok(Some(found))
}

/// Whether a second factor is demanded of a person who has none.
pub(super) fn lacks_second_factor(connection: &Connection, user: &UserRow) -> rusqlite::Result<bool> {
    Ok(!user.has_totp && second_factor::roles(connection)?.into_iter().any(|role| user.grants.any(role)))
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
    prepare(connection, "DELETE FROM link_use WHERE used_at_ms < $1")?
        .execute(params![now_ms - LINK_USE_KEPT_MS])?;
    Ok(())
}
